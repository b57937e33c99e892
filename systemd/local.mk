# Units of systemd, and the user they run as. Both units come from one file, so that they say the same. The paths of this installation
# are filled in by make, not by configure, because they are variables of make (make install prefix=…).
rensa_units = systemd/rensad.service systemd/rensad@.service
EXTRA_DIST += systemd/rensad.service.in systemd/rensad.sysusers
CLEANFILES += $(rensa_units)

if INSTALL_UNITS
systemdsystemunit_DATA = $(rensa_units)
endif

fill_unit = $(AM_V_GEN)$(MKDIR_P) systemd && sed -e 's|@sbindir[@]|$(sbindir)|g' -e 's|@sysconfdir[@]|$(sysconfdir)|g'
systemd/rensad.service: $(srcdir)/systemd/rensad.service.in Makefile
	$(fill_unit) -e 's|@conf[@]|rensad.conf|; s|@of[@]||; s|@folder[@]|rensa|g; s|@runtime[@]|rensad|' \
		'$(srcdir)/systemd/rensad.service.in' >$@.tmp && mv $@.tmp $@
systemd/rensad@.service: $(srcdir)/systemd/rensad.service.in Makefile
	$(fill_unit) -e 's|@conf[@]|%i.conf|; s|@of[@]| %i|; s|@folder[@]|rensa/%i|g; s|@runtime[@]|rensad-%i|' \
		'$(srcdir)/systemd/rensad.service.in' >$@.tmp && mv $@.tmp $@

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
