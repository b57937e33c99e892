/*
 * Others ask us: the HTTP API of docs section "API" in README.md and the messages between nodes under /peer/, on one
 * route table. One api belongs to one worker. Handlers read the segment without locks; what they must not write
 * themselves they put into the worker's ring and answer when the bell rings.
 */
#ifndef RENSA_API_API_H
#define RENSA_API_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/address.h"
#include "net/httpd.h"
#include "net/loop.h"
#include "net/netaddr.h"
#include "store/store.h"

struct api;
struct transcript;

/* Whom a worker may wake; wake-ups carry no data. */
enum api_wake { API_WAKE_POOL, API_WAKE_RESOLVER, API_WAKE_MINER, API_WAKE_DISCOVERY, API_WAKE_MASTER, API_WAKES };

struct api_options {
	struct store *store;		     /* attached as STORE_WORKER */
	const struct transcript *transcript; /* attached to read; NULL: every block's JSON is written for each answer */
	uint32_t ring;
	struct loop *loop;
	void (*wake)(void *ctx, enum api_wake whom);
	void *wake_ctx;

	const char *node_name;
	const char *software;		    /* "rensa/0.1.0" */
	const struct netrange *admin_allow; /* who may change the node, besides loopback */
	size_t admin_allow_count;
	const char *admin_token;       /* NULL: no token */
	const struct address *mine_to; /* [miner] address, NULL: none */
	const char *miner_mode;	       /* as configured, for /status */
	/* What a miner's COUNT_MODE means: /status shows the mode it is in. NULL: the configured one. */
	const char *const *miner_modes;
	size_t miner_mode_count;
	uint32_t request_timeout_ms;
	uint32_t listeners_max; /* to GET /events; 0: as many as a worker takes anyway */

	uint64_t node_nonce;   /* drawn by the master at each start */
	uint16_t peer_port;    /* where other nodes reach /peer/ … */
	const char *peer_host; /* … and the one address of this host that it is at; "": where everything is */
	const char *advertise; /* "host:port" or "" */
	bool peer_is_apart;    /* /peer/ has a listener of its own: not served on the public one */
	uint64_t started_ms;   /* wall clock: when the master started */
};

struct api *api_new(const struct api_options *options); /* borrows all pointers for its life */
void api_free(struct api *a);
/* The worker is to stop: what others are at for its clients is cut short, and answered with what was done until then;
 * streams of events end. */
void api_end(struct api *a);
/* Handlers for httpd_new, ctx being the api: the public face (with /peer/ unless it is apart), and the peers' own. */
httpd_handler api_handle;
httpd_handler api_handle_peer;
/* An httpd_observer of both faces, ctx being the api: what GET /metrics tells of requests. */
httpd_observer api_served;
/* The worker's bell rang: take answers out of the ring, send them, hand in what is still queued, and tell those who
 * listen what is new. */
void api_bell(struct api *a);

#endif
