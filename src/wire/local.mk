noinst_LIBRARIES += librensa_wire.a
librensa_wire_a_SOURCES = \
	include/wire/field.h \
	include/wire/json.h \
	include/wire/peer_list.h \
	include/wire/peer_msg.h \
	include/wire/tx_scan.h \
	include/wire/views.h \
	src/wire/compact.c \
	src/wire/field.c \
	src/wire/json_read.c \
	src/wire/json_write.c \
	src/wire/peer_list.c \
	src/wire/peer_msg.c \
	src/wire/tx_scan.c \
	src/wire/views.c
