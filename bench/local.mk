# Programs that measure; scripts/bench builds and runs them. They are no tests: a time proves nothing on a shared machine.
BENCH_KIT = bench/maker.c bench/maker.h

EXTRA_PROGRAMS += bench/durable
bench_durable_SOURCES = bench/durable.c bench/store_kit.c bench/store_kit.h $(BENCH_KIT)
bench_durable_LDADD = $(STORE_LIBS)

EXTRA_PROGRAMS += bench/start
bench_start_SOURCES = bench/start.c bench/store_kit.c bench/store_kit.h $(BENCH_KIT)
bench_start_LDADD = $(STORE_LIBS)

EXTRA_PROGRAMS += bench/memory
bench_memory_SOURCES = bench/memory.c bench/store_kit.c bench/store_kit.h $(BENCH_KIT)
bench_memory_LDADD = $(STORE_LIBS)

EXTRA_PROGRAMS += bench/make_chain
bench_make_chain_SOURCES = bench/make_chain.c $(BENCH_KIT)
bench_make_chain_LDADD = $(STORE_LIBS)

EXTRA_PROGRAMS += bench/mine
bench_mine_SOURCES = bench/mine.c $(BENCH_KIT)
bench_mine_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/src
bench_mine_LDADD = $(STORE_LIBS)

EXTRA_PROGRAMS += bench/template
bench_template_SOURCES = bench/template.c bench/store_kit.c bench/store_kit.h $(BENCH_KIT)
bench_template_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/src
bench_template_LDADD = $(STORE_LIBS)

EXTRA_PROGRAMS += bench/scale
bench_scale_SOURCES = bench/scale.c bench/store_kit.c bench/store_kit.h $(BENCH_KIT)
bench_scale_LDADD = $(STORE_LIBS)

EXTRA_PROGRAMS += bench/watch
bench_watch_SOURCES = bench/watch.c
bench_watch_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/src
bench_watch_LDADD = $(STORE_LIBS)

EXTRA_PROGRAMS += bench/append
bench_append_SOURCES = bench/append.c bench/precise.c bench/precise.h $(BENCH_KIT)
bench_append_LDADD = $(STORE_LIBS)

EXTRA_PROGRAMS += bench/open_loop
bench_open_loop_SOURCES = bench/open_loop.c bench/precise.c bench/precise.h $(BENCH_KIT)
bench_open_loop_LDADD = $(WIRE_LIBS)

EXTRA_PROGRAMS += bench/post
bench_post_SOURCES = bench/post.c $(BENCH_KIT)
bench_post_LDADD = $(WIRE_LIBS)

EXTRA_DIST += bench/admit.py bench/idle.py bench/kit.py bench/latency.py bench/machine.py bench/memory.py bench/mine.py \
	bench/picture.py bench/propagation.py bench/read_chain.py bench/read_small.py bench/report.py bench/scale.py bench/sync.py
