# Programs that measure; scripts/bench builds and runs them. They are no tests: a time proves nothing on a shared machine.
EXTRA_PROGRAMS += bench/durable
bench_durable_SOURCES = bench/durable.c
bench_durable_LDADD = $(STORE_LIBS)
EXTRA_DIST += bench/sync.py
EXTRA_PROGRAMS += bench/make_chain
bench_make_chain_SOURCES = bench/make_chain.c
bench_make_chain_LDADD = $(STORE_LIBS)
EXTRA_DIST += bench/propagation.py
EXTRA_PROGRAMS += bench/watch
bench_watch_SOURCES = bench/watch.c
bench_watch_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/src
bench_watch_LDADD = $(STORE_LIBS)
