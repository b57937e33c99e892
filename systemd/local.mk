# Units of systemd, and the user they run as. The paths of this installation are filled in by make, not by configure, because
# they are variables of make (make install prefix=…).
rensa_units = systemd/rensad.service systemd/rensad@.service
EXTRA_DIST += systemd/rensad.service.in systemd/rensad@.service.in systemd/rensad.sysusers
CLEANFILES += $(rensa_units)

if INSTALL_UNITS
systemdsystemunit_DATA = $(rensa_units)
endif

systemd/rensad.service: $(srcdir)/systemd/rensad.service.in
systemd/rensad@.service: $(srcdir)/systemd/rensad@.service.in
$(rensa_units): Makefile
	$(AM_V_GEN)$(MKDIR_P) systemd && \
	sed -e 's|@sbindir[@]|$(sbindir)|g' -e 's|@sysconfdir[@]|$(sysconfdir)|g' '$(srcdir)/$@.in' >$@.tmp && mv $@.tmp $@

# rensad.sysusers is installed as rensa.conf, because only *.conf is read in that folder.
if INSTALL_SYSUSERS
INSTALL_EXTRA += install-rensa-sysusers
UNINSTALL_EXTRA += uninstall-rensa-sysusers
endif
install-rensa-sysusers:
	$(MKDIR_P) '$(DESTDIR)$(sysusersdir)'
	$(INSTALL_DATA) '$(srcdir)/systemd/rensad.sysusers' '$(DESTDIR)$(sysusersdir)/rensa.conf'
uninstall-rensa-sysusers:
	rm -f '$(DESTDIR)$(sysusersdir)/rensa.conf'

# make distcheck installs everything below a folder of its own.
AM_DISTCHECK_CONFIGURE_FLAGS = --with-systemdsystemunitdir='$$dc_install_base/lib/systemd/system' \
	--with-sysusersdir='$$dc_install_base/lib/sysusers.d'
