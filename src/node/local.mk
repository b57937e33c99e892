noinst_LIBRARIES += librensa_node.a
librensa_node_a_SOURCES = \
	src/node/bad_blocks.h \
	src/node/bells.c \
	src/node/child.c \
	src/node/config.c \
	src/node/config_check.c \
	src/node/config_print.c \
	src/node/config_report.c \
	src/node/config_table.c \
	src/node/config_value.c \
	src/node/discovery.h \
	src/node/discovery_known.c \
	src/node/discovery_table.c \
	src/node/endpoint.c \
	src/node/master.c \
	src/node/notify.c \
	src/node/posts.c \
	src/node/posts.h \
	src/node/proctitle.c \
	src/node/quantity.c \
	src/node/fanout.c \
	src/node/fanout.h \
	src/node/push_source.c \
	src/node/push_source.h \
	src/node/push_verify.c \
	src/node/push_verify.h \
	src/node/relay.h \
	src/node/relay_outlet.c \
	src/node/resolver.h \
	src/node/resolver_compact.c \
	src/node/resolver_fetch.c \
	src/node/resolver_progress.c \
	src/node/resolver_push.c \
	src/node/resolver_verify.c \
	src/node/role_discovery.c \
	src/node/role_archiver.c \
	src/node/role_loader.c \
	src/node/role_miner.c \
	src/node/role_pool.c \
	src/node/role_relay.c \
	src/node/role_resolver.c \
	src/node/role_scribe.c \
	src/node/role_verifier.c \
	src/node/role_worker.c \
	src/node/roles.c \
	src/node/storage.c \
	src/node/storage.h \
	include/node/bells.h \
	include/node/child.h \
	include/node/config.h \
	include/node/config_report.h \
	include/node/config_table.h \
	include/node/endpoint.h \
	include/node/master.h \
	include/node/notify.h \
	include/node/proctitle.h \
	include/node/quantity.h \
	include/node/roles.h

# What `rensad --sample` prints; a test compares the two.
EXTRA_DIST += conf/rensad.conf
