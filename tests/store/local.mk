# tests of the store layer
check_PROGRAMS += tests/store/kill
tests_store_kill_SOURCES = tests/store/kill.c
tests_store_kill_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_store_kill_LDADD = $(STORE_LIBS) $(CHECK_LIBS)
