noinst_LIBRARIES += librensa_api.a
librensa_api_a_SOURCES = \
	include/api/api.h \
	src/api/access.c \
	src/api/access.h \
	src/api/account.h \
	src/api/addresses.c \
	src/api/api.c \
	src/api/chain.c \
	src/api/command.c \
	src/api/command.h \
	src/api/event_cursor.c \
	src/api/event_cursor.h \
	src/api/event_feed.c \
	src/api/event_feed.h \
	src/api/event_peers.c \
	src/api/event_peers.h \
	src/api/events.c \
	src/api/events.h \
	src/api/handlers.h \
	src/api/health.c \
	src/api/input.c \
	src/api/input.h \
	src/api/mining.c \
	src/api/peer_exchange.c \
	src/api/peer_push.c \
	src/api/peer_routes.c \
	src/api/peers.c \
	src/api/reply.c \
	src/api/reply.h \
	src/api/routes.c \
	src/api/routes.h \
	src/api/state.h \
	src/api/status.c \
	src/api/submit.c \
	src/api/submit.h \
	src/api/transactions.c \
	src/api/verdict.c
