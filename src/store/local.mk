noinst_LIBRARIES += librensa_store.a
librensa_store_a_SOURCES = \
	include/store/board.h \
	include/store/branch.h \
	include/store/chain.h \
	include/store/commit.h \
	include/store/load.h \
	include/store/mempool.h \
	include/store/peer_table.h \
	include/store/ring.h \
	include/store/role_table.h \
	include/store/snapshot.h \
	include/store/store.h \
	src/store/ahead.c \
	src/store/ahead.h \
	src/store/board.c \
	src/store/branch.c \
	src/store/bulk.c \
	src/store/bulk.h \
	src/store/chain.c \
	src/store/commit.c \
	src/store/indexing.c \
	src/store/indexing.h \
	src/store/journaling.c \
	src/store/journaling.h \
	src/store/layout.h \
	src/store/load.c \
	src/store/lock.c \
	src/store/lock.h \
	src/store/mempool.c \
	src/store/mempool_core.h \
	src/store/peer_table.c \
	src/store/pool_keeping.c \
	src/store/pool_slots.c \
	src/store/pool_slots.h \
	src/store/records.h \
	src/store/ring.c \
	src/store/role_table.c \
	src/store/segment.c \
	src/store/segment.h \
	src/store/sender_index.c \
	src/store/sender_index.h \
	src/store/seqslot.h \
	src/store/snapshot.c \
	src/store/trie.c \
	src/store/trie.h
EXTRA_DIST += src/store/README.md
