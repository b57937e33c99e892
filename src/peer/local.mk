noinst_LIBRARIES += librensa_peer.a
librensa_peer_a_SOURCES = \
	include/peer/fetch.h \
	include/peer/finder.h \
	include/peer/handshake.h \
	src/peer/fetch.c \
	src/peer/finder.c \
	src/peer/handshake.c
