# Configuration: the file of the compose net, and the sample with every key and its default, which src/node/local.mk puts into
# the archive. The sample is installed as the configuration where there is none yet; an operator's own is never overwritten.
EXTRA_DIST += conf/compose/rensad.conf

exampledir = $(docdir)/examples
example_DATA = conf/rensad.conf

# Installed as an example too: whoever logs to a file takes it to /etc/logrotate.d.
EXTRA_DIST += conf/logrotate/rensad
logrotatedir = $(exampledir)/logrotate
logrotate_DATA = conf/logrotate/rensad

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
