# tests of the node layer
check_PROGRAMS += tests/node/test_node
tests_node_test_node_SOURCES = \
	tests/node/config_room.c \
	tests/node/config_room.h \
	tests/node/main.c \
	tests/node/suite_config.c \
	tests/node/suite_config_errors.c \
	tests/node/suite_bells.c \
	tests/node/suite_discovery.c \
	tests/node/suite_notify.c \
	tests/node/suite_quantity.c \
	tests/node/suites.h \
	tests/suite.h
tests_node_test_node_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests -I$(top_srcdir)/src -DTOP_SRCDIR='"$(abs_top_srcdir)"'
tests_node_test_node_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_node_test_node_LDADD = $(NODE_LIBS) $(CHECK_LIBS)
