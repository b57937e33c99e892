check_PROGRAMS += tests/util/test_util
tests_util_test_util_SOURCES = \
	tests/suite.h \
	tests/util/child.c \
	tests/util/child.h \
	tests/util/main.c \
	tests/util/scratch.c \
	tests/util/scratch.h \
	tests/util/suite_buf.c \
	tests/util/suite_build.c \
	tests/util/suite_bytes.c \
	tests/util/suite_clock.c \
	tests/util/suite_crc32c.c \
	tests/util/suite_failpoint.c \
	tests/util/suite_file.c \
	tests/util/suite_fileio.c \
	tests/util/suite_hex.c \
	tests/util/suite_inifile.c \
	tests/util/suite_log.c \
	tests/util/suite_log_levels.c \
	tests/util/suite_log_target.c \
	tests/util/suite_mem.c \
	tests/util/suite_recall.c \
	tests/util/suite_text.c \
	tests/util/suites.h
tests_util_test_util_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/src
tests_util_test_util_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_util_test_util_LDADD = $(UTIL_LIBS) $(CHECK_LIBS)
