# tests of the peer layer
check_PROGRAMS += tests/peer/test_peer
tests_peer_test_peer_SOURCES = \
	tests/peer/kit.c \
	tests/peer/kit.h \
	tests/peer/main.c \
	tests/peer/strand.c \
	tests/peer/strand.h \
	tests/peer/suite_exchange.c \
	tests/peer/suite_fetch.c \
	tests/peer/suite_fetch_bad.c \
	tests/peer/suite_fetch_many.c \
	tests/peer/suite_finder.c \
	tests/peer/suite_handshake.c \
	tests/peer/suite_lookup.c \
	tests/peer/suite_scan.c \
	tests/peer/suite_slots.c \
	tests/peer/suite_told.c \
	tests/peer/suite_window.c \
	tests/peer/suites.h \
	tests/peer/taker.c \
	tests/peer/taker.h \
	tests/suite.h
tests_peer_test_peer_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests
tests_peer_test_peer_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_peer_test_peer_LDADD = $(PEER_LIBS) $(CHECK_LIBS)
