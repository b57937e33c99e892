# tests of the disk layer
check_PROGRAMS += tests/disk/test_disk
tests_disk_test_disk_SOURCES = \
	tests/disk/main.c \
	tests/disk/suite_chainfile.c \
	tests/disk/suite_keyfile.c \
	tests/disk/suite_netfile.c \
	tests/disk/suites.h \
	tests/suite.h
tests_disk_test_disk_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_disk_test_disk_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_disk_test_disk_LDADD = $(DISK_LIBS) $(CHECK_LIBS)
