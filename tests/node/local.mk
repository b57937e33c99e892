# tests of the node layer
# What the tests of lower layers stand on: chains, disks, processes, peers.
tests_node_shared = \
	tests/peer/kit.c \
	tests/peer/kit.h \
	tests/peer/strand.c \
	tests/peer/strand.h \
	tests/store/chain_maker.c \
	tests/store/chain_maker.h \
	tests/store/disk_maker.c \
	tests/store/disk_maker.h \
	tests/store/process.c \
	tests/store/process.h

check_PROGRAMS += tests/node/test_node
tests_node_test_node_SOURCES = \
	tests/node/config_room.c \
	tests/node/config_room.h \
	tests/node/crew.c \
	tests/node/crew.h \
	tests/node/main.c \
	tests/node/overseer.c \
	tests/node/overseer.h \
	tests/node/suite_bells.c \
	tests/node/suite_config.c \
	tests/node/suite_config_change.c \
	tests/node/suite_config_errors.c \
	tests/node/suite_config_sources.c \
	tests/node/suite_discovery.c \
	tests/node/suite_doctor.c \
	tests/node/suite_endpoint.c \
	tests/node/suite_fanout.c \
	tests/node/suite_fill.c \
	tests/node/suite_handover.c \
	tests/node/suite_listeners.c \
	tests/node/suite_master.c \
	tests/node/suite_notify.c \
	tests/node/suite_proctitle.c \
	tests/node/suite_push_source.c \
	tests/node/suite_quantity.c \
	tests/node/suite_request_log.c \
	tests/node/suite_resolver_verify.c \
	tests/node/suite_role_archiver.c \
	tests/node/suite_role_scribe.c \
	tests/node/suite_role_discovery.c \
	tests/node/suite_role_loader.c \
	tests/node/suite_role_miner.c \
	tests/node/suite_role_pool.c \
	tests/node/suite_role_relay.c \
	tests/node/suite_role_resolver.c \
	tests/node/suite_role_verifier.c \
	tests/node/suite_role_worker.c \
	tests/node/suite_roles.c \
	tests/node/suite_spare.c \
	tests/node/suite_standing.c \
	tests/node/suite_summary.c \
	tests/node/suite_supervisor.c \
	tests/node/suite_usage.c \
	tests/node/suite_upgrade.c \
	tests/node/suites.h \
	$(tests_node_shared) \
	tests/suite.h
tests_node_test_node_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests -I$(top_srcdir)/src -DTOP_SRCDIR='"$(abs_top_srcdir)"'
tests_node_test_node_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_node_test_node_LDADD = $(NODE_LIBS) $(CHECK_LIBS)

# Posts and children with a table of roles that the test has written.
check_PROGRAMS += tests/node/test_posts
tests_node_test_posts_SOURCES = \
	tests/node/cast.c \
	tests/node/cast.h \
	tests/node/crew.c \
	tests/node/crew.h \
	tests/node/posts_main.c \
	tests/node/posts_room.c \
	tests/node/posts_room.h \
	tests/node/posts_suites.h \
	tests/node/suite_child.c \
	tests/node/suite_posts.c \
	tests/node/suite_posts_stop.c \
	$(tests_node_shared) \
	tests/suite.h
tests_node_test_posts_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests -I$(top_srcdir)/src
tests_node_test_posts_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_node_test_posts_LDADD = $(NODE_LIBS) $(CHECK_LIBS)
