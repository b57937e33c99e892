noinst_LIBRARIES += librensa_node.a
librensa_node_a_SOURCES = \
	src/node/config.c \
	src/node/config_check.c \
	src/node/config_print.c \
	src/node/config_report.c \
	src/node/config_table.c \
	src/node/config_value.c \
	src/node/endpoint.c \
	src/node/quantity.c \
	include/node/config.h \
	include/node/config_report.h \
	include/node/config_table.h \
	include/node/endpoint.h \
	include/node/master.h \
	include/node/quantity.h

# What `rensad --sample` prints; a test compares the two.
EXTRA_DIST += conf/rensad.conf
