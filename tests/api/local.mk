# tests of the api layer
check_PROGRAMS += tests/api/test_api
tests_api_test_api_SOURCES = \
	tests/api/follower.c \
	tests/api/follower.h \
	tests/api/main.c \
	tests/api/node.c \
	tests/api/node.h \
	tests/api/node_chain.c \
	tests/api/suite_access.c \
	tests/api/suite_addresses.c \
	tests/api/suite_block_stream.c \
	tests/api/suite_chain.c \
	tests/api/suite_event_cursor.c \
	tests/api/suite_events.c \
	tests/api/suite_log_levels.c \
	tests/api/suite_freshness.c \
	tests/api/suite_metrics.c \
	tests/api/suite_mining.c \
	tests/api/suite_peer_push.c \
	tests/api/suite_peer_routes.c \
	tests/api/suite_reload.c \
	tests/api/suite_routes.c \
	tests/api/suite_status.c \
	tests/api/suite_submit.c \
	tests/api/suite_transactions.c \
	tests/api/suites.h \
	tests/suite.h
# access.h is the room's own: src/ shows it to the test of what no client on loopback can be.
tests_api_test_api_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests -I$(top_srcdir)/src
tests_api_test_api_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_api_test_api_LDADD = $(API_LIBS) $(CHECK_LIBS)
