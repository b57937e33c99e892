noinst_LIBRARIES += librensa_wire.a
librensa_wire_a_SOURCES = \
	include/wire/json.h \
	include/wire/peer_msg.h \
	include/wire/views.h
