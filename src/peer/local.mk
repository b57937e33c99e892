noinst_LIBRARIES += librensa_peer.a
librensa_peer_a_SOURCES = \
	include/peer/backoff.h \
	include/peer/dial.h \
	include/peer/exchange.h \
	include/peer/fetch.h \
	include/peer/finder.h \
	include/peer/handshake.h \
	include/peer/lookup.h \
	include/peer/scan.h \
	include/peer/slots.h \
	include/peer/told.h \
	include/peer/window.h \
	src/peer/backoff.c \
	src/peer/dial.c \
	src/peer/exchange.c \
	src/peer/fetch.c \
	src/peer/fetch_bodies.c \
	src/peer/fetch_headers.c \
	src/peer/fetch_parts.h \
	src/peer/finder.c \
	src/peer/handshake.c \
	src/peer/lookup.c \
	src/peer/scan.c \
	src/peer/slots.c \
	src/peer/told.c \
	src/peer/window.c
