# Configuration: the file of the compose net, and the sample with every key and its default, which src/node/local.mk puts into
# the archive. The sample is installed as the configuration where there is none yet; an operator's own is never overwritten.
EXTRA_DIST += conf/compose/rensad.conf

exampledir = $(docdir)/examples
example_DATA = conf/rensad.conf

# Installed as an example too: whoever logs to a file takes it to /etc/logrotate.d.
EXTRA_DIST += conf/logrotate/rensad
logrotatedir = $(exampledir)/logrotate
logrotate_DATA = conf/logrotate/rensad

# Likewise: what Prometheus and Grafana read.
EXTRA_DIST += conf/prometheus/prometheus.yml conf/prometheus/rensa.rules.yml conf/prometheus/rensa.rules.test.yml
prometheusdir = $(exampledir)/prometheus
prometheus_DATA = conf/prometheus/prometheus.yml conf/prometheus/rensa.rules.yml conf/prometheus/rensa.rules.test.yml
EXTRA_DIST += conf/grafana/rensa.json
grafanadir = $(exampledir)/grafana
grafana_DATA = conf/grafana/rensa.json

INSTALL_EXTRA += install-rensa-conf
UNINSTALL_EXTRA += uninstall-rensa-conf
install-rensa-conf:
	$(MKDIR_P) '$(DESTDIR)$(sysconfdir)/rensa'
	test -e '$(DESTDIR)$(sysconfdir)/rensa/rensad.conf' || \
		$(INSTALL_DATA) '$(srcdir)/conf/rensad.conf' '$(DESTDIR)$(sysconfdir)/rensa/rensad.conf'
uninstall-rensa-conf:
	if cmp -s '$(srcdir)/conf/rensad.conf' '$(DESTDIR)$(sysconfdir)/rensa/rensad.conf'; then \
		rm -f '$(DESTDIR)$(sysconfdir)/rensa/rensad.conf'; \
	fi

# Completion of both programs in bash and zsh. The first folder is where bash-completion looks below any prefix; Debian's zsh
# wants what its packages bring in another one: make install zshcompletiondir=…
EXTRA_DIST += conf/completion/rensa.bash conf/completion/rensad.bash conf/completion/_rensa conf/completion/_rensad
bashcompletiondir = $(datadir)/bash-completion/completions
zshcompletiondir = $(datadir)/zsh/site-functions
INSTALL_EXTRA += install-rensa-completion
UNINSTALL_EXTRA += uninstall-rensa-completion
install-rensa-completion:
	$(MKDIR_P) '$(DESTDIR)$(bashcompletiondir)' '$(DESTDIR)$(zshcompletiondir)'
	for program in rensa rensad; do \
		$(INSTALL_DATA) "$(srcdir)/conf/completion/$$program.bash" "$(DESTDIR)$(bashcompletiondir)/$$program" && \
		$(INSTALL_DATA) "$(srcdir)/conf/completion/_$$program" "$(DESTDIR)$(zshcompletiondir)/_$$program" || exit 1; \
	done
uninstall-rensa-completion:
	for program in rensa rensad; do \
		rm -f "$(DESTDIR)$(bashcompletiondir)/$$program" "$(DESTDIR)$(zshcompletiondir)/_$$program"; \
	done
