# tests of the store layer; they see its private headers, to make by hand what a dead writer leaves
check_PROGRAMS += tests/store/test_store

tests_store_test_store_SOURCES = \
	tests/suite.h \
	tests/store/chain_maker.c \
	tests/store/chain_maker.h \
	tests/store/court_kit.c \
	tests/store/court_kit.h \
	tests/store/disk_maker.c \
	tests/store/disk_maker.h \
	tests/store/durable_kit.c \
	tests/store/durable_kit.h \
	tests/store/main.c \
	tests/store/process.c \
	tests/store/process.h \
	tests/store/scene_kit.c \
	tests/store/scene_kit.h \
	tests/store/settle_kit.c \
	tests/store/settle_kit.h \
	tests/store/suite_access.c \
	tests/store/suite_accounts.c \
	tests/store/suite_board.c \
	tests/store/suite_bulk.c \
	tests/store/suite_chain.c \
	tests/store/suite_command.c \
	tests/store/suite_commit.c \
	tests/store/suite_durable.c \
	tests/store/suite_durable_pool.c \
	tests/store/suite_kill.c \
	tests/store/suite_kill_pool.c \
	tests/store/suite_load.c \
	tests/store/suite_lock.c \
	tests/store/suite_mempool.c \
	tests/store/suite_peer_table.c \
	tests/store/suite_pool_log.c \
	tests/store/suite_pool_owed.c \
	tests/store/suite_pool_readers.c \
	tests/store/suite_readers.c \
	tests/store/suite_reload_note.c \
	tests/store/suite_ring.c \
	tests/store/suite_role_table.c \
	tests/store/suite_segment.c \
	tests/store/suite_sender_index.c \
	tests/store/suite_settle.c \
	tests/store/suite_settle_pieces.c \
	tests/store/suite_shared.c \
	tests/store/suite_snapshot.c \
	tests/store/suite_tally.c \
	tests/store/suite_transcript.c \
	tests/store/suite_trie.c \
	tests/store/suite_verdicts.c \
	tests/store/suites.h \
	tests/store/witness.c \
	tests/store/witness.h
tests_store_test_store_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/src -DSTORE_SOURCES='"$(abs_top_srcdir)/src/store"'
tests_store_test_store_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_store_test_store_LDADD = $(STORE_LIBS) $(CHECK_LIBS)
