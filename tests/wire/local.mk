# tests of the wire layer
check_PROGRAMS += tests/wire/test_wire
tests_wire_test_wire_SOURCES = \
	tests/suite.h \
	tests/wire/main.c \
	tests/wire/sample.c \
	tests/wire/sample.h \
	tests/wire/suite_compact.c \
	tests/wire/suite_json_read.c \
	tests/wire/suite_json_write.c \
	tests/wire/suite_peer_list.c \
	tests/wire/suite_peer_msg.c \
	tests/wire/suite_tx_scan.c \
	tests/wire/suite_vectors.c \
	tests/wire/suite_views.c
tests_wire_test_wire_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests -DTOP_SRCDIR='"$(abs_top_srcdir)"'
tests_wire_test_wire_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_wire_test_wire_LDADD = $(WIRE_LIBS) $(CHECK_LIBS)
EXTRA_DIST += docs/protocol.md tests/system/recompute.py tests/system/test_recompute.py
