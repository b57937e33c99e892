# tests of the net layer
check_PROGRAMS += tests/net/test_net
tests_net_test_net_SOURCES = \
	tests/suite.h \
	tests/net/caller.c \
	tests/net/caller.h \
	tests/net/main.c \
	tests/net/rig.c \
	tests/net/rig.h \
	tests/net/suite_httpc.c \
	tests/net/suite_httpc_replies.c \
	tests/net/suite_httpd.c \
	tests/net/suite_httpd_crowd.c \
	tests/net/suite_httpd_observer.c \
	tests/net/suite_httpd_date.c \
	tests/net/suite_httpd_files.c \
	tests/net/suite_httpd_rules.c \
	tests/net/suite_httpd_streams.c \
	tests/net/suite_listener.c \
	tests/net/suite_loop.c \
	tests/net/suite_netaddr.c \
	tests/net/suite_onlink.c \
	tests/net/suite_probe.c \
	tests/net/suites.h
# httpd_date.h is the room's own: src/ shows it to its test.
tests_net_test_net_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/src
tests_net_test_net_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_net_test_net_LDADD = $(NET_LIBS) $(CHECK_LIBS)
