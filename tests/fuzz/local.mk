# Fuzz targets: libFuzzer programs under --enable-fuzzers (CC=clang), and for every build the same targets over
# their committed corpora. To fuzz one: tests/fuzz/fuzz_tx -max_total_time=60 NEW_FOLDER $(srcdir)/tests/fuzz/corpus/tx
fuzz_replay = tests/fuzz/fuzz.h tests/fuzz/replay.c
check_PROGRAMS += \
	tests/fuzz/replay_block \
	tests/fuzz/replay_compact \
	tests/fuzz/replay_framelog \
	tests/fuzz/replay_hello \
	tests/fuzz/replay_http_head \
	tests/fuzz/replay_json_tx \
	tests/fuzz/replay_peer_list \
	tests/fuzz/replay_peer_msg \
	tests/fuzz/replay_tx
tests_fuzz_replay_block_SOURCES = $(fuzz_replay) tests/fuzz/fuzz_block.c
tests_fuzz_replay_block_LDADD = $(WIRE_LIBS)
tests_fuzz_replay_compact_SOURCES = $(fuzz_replay) tests/fuzz/fuzz_compact.c
tests_fuzz_replay_compact_LDADD = $(WIRE_LIBS)
tests_fuzz_replay_framelog_SOURCES = $(fuzz_replay) tests/fuzz/fuzz_framelog.c
tests_fuzz_replay_framelog_LDADD = $(DISK_LIBS)
tests_fuzz_replay_hello_SOURCES = $(fuzz_replay) tests/fuzz/fuzz_hello.c
tests_fuzz_replay_hello_LDADD = $(WIRE_LIBS)
# httpd_head.h and httpd_target.h are the room's own: src/ shows them to what tries them.
tests_fuzz_replay_http_head_SOURCES = $(fuzz_replay) tests/fuzz/fuzz_http_head.c
tests_fuzz_replay_http_head_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/src
tests_fuzz_replay_http_head_LDADD = $(NET_LIBS)
tests_fuzz_replay_json_tx_SOURCES = $(fuzz_replay) tests/fuzz/fuzz_json_tx.c
tests_fuzz_replay_json_tx_LDADD = $(WIRE_LIBS)
tests_fuzz_replay_peer_list_SOURCES = $(fuzz_replay) tests/fuzz/fuzz_peer_list.c
tests_fuzz_replay_peer_list_LDADD = $(WIRE_LIBS)
tests_fuzz_replay_peer_msg_SOURCES = $(fuzz_replay) tests/fuzz/fuzz_peer_msg.c
tests_fuzz_replay_peer_msg_LDADD = $(WIRE_LIBS)
tests_fuzz_replay_tx_SOURCES = $(fuzz_replay) tests/fuzz/fuzz_tx.c
tests_fuzz_replay_tx_LDADD = $(WIRE_LIBS)
EXTRA_DIST += tests/fuzz/corpus

if FUZZERS
# Everything is built to report its coverage, or the fuzzer would search blindly.
AM_CFLAGS += -fsanitize=fuzzer-no-link
noinst_PROGRAMS = \
	tests/fuzz/fuzz_block \
	tests/fuzz/fuzz_compact \
	tests/fuzz/fuzz_framelog \
	tests/fuzz/fuzz_hello \
	tests/fuzz/fuzz_http_head \
	tests/fuzz/fuzz_json_tx \
	tests/fuzz/fuzz_peer_list \
	tests/fuzz/fuzz_peer_msg \
	tests/fuzz/fuzz_tx
tests_fuzz_fuzz_block_SOURCES = tests/fuzz/fuzz.h tests/fuzz/fuzz_block.c
tests_fuzz_fuzz_block_LDADD = $(WIRE_LIBS)
tests_fuzz_fuzz_block_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_compact_SOURCES = tests/fuzz/fuzz.h tests/fuzz/fuzz_compact.c
tests_fuzz_fuzz_compact_LDADD = $(WIRE_LIBS)
tests_fuzz_fuzz_compact_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_framelog_SOURCES = tests/fuzz/fuzz.h tests/fuzz/fuzz_framelog.c
tests_fuzz_fuzz_framelog_LDADD = $(DISK_LIBS)
tests_fuzz_fuzz_framelog_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_hello_SOURCES = tests/fuzz/fuzz.h tests/fuzz/fuzz_hello.c
tests_fuzz_fuzz_hello_LDADD = $(WIRE_LIBS)
tests_fuzz_fuzz_hello_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_http_head_SOURCES = tests/fuzz/fuzz.h tests/fuzz/fuzz_http_head.c
tests_fuzz_fuzz_http_head_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/src
tests_fuzz_fuzz_http_head_LDADD = $(NET_LIBS)
tests_fuzz_fuzz_http_head_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_json_tx_SOURCES = tests/fuzz/fuzz.h tests/fuzz/fuzz_json_tx.c
tests_fuzz_fuzz_json_tx_LDADD = $(WIRE_LIBS)
tests_fuzz_fuzz_json_tx_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_peer_list_SOURCES = tests/fuzz/fuzz.h tests/fuzz/fuzz_peer_list.c
tests_fuzz_fuzz_peer_list_LDADD = $(WIRE_LIBS)
tests_fuzz_fuzz_peer_list_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_peer_msg_SOURCES = tests/fuzz/fuzz.h tests/fuzz/fuzz_peer_msg.c
tests_fuzz_fuzz_peer_msg_LDADD = $(WIRE_LIBS)
tests_fuzz_fuzz_peer_msg_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_tx_SOURCES = tests/fuzz/fuzz.h tests/fuzz/fuzz_tx.c
tests_fuzz_fuzz_tx_LDADD = $(WIRE_LIBS)
tests_fuzz_fuzz_tx_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
endif
