# tests of the disk layer
check_PROGRAMS += tests/disk/test_disk
tests_disk_test_disk_SOURCES = \
	tests/disk/logkit.c \
	tests/disk/logkit.h \
	tests/disk/main.c \
	tests/disk/suite_chainfile.c \
	tests/disk/suite_contents.c \
	tests/disk/suite_datadir.c \
	tests/disk/suite_framelog.c \
	tests/disk/suite_framelog_ahead.c \
	tests/disk/suite_framelog_faults.c \
	tests/disk/suite_framelog_refused.c \
	tests/disk/suite_framelog_torn.c \
	tests/disk/suite_journal.c \
	tests/disk/suite_keyfile.c \
	tests/disk/suite_netfile.c \
	tests/disk/suite_peerfile.c \
	tests/disk/suite_poollog.c \
	tests/disk/suite_sigcheck.c \
	tests/disk/suites.h \
	tests/util/scratch.c \
	tests/util/scratch.h \
	tests/suite.h
tests_disk_test_disk_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests -DTOP_SRCDIR='"$(abs_top_srcdir)"'
tests_disk_test_disk_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_disk_test_disk_LDADD = $(DISK_LIBS) $(CHECK_LIBS)
