/*
 * Finding peers. A round merges the sources (static peers, DNS names, scanned ranges, and those known from before),
 * tries each address once and reports what it is. Known peers come first and are asked at once; the rest is probed by
 * TCP connects at a bounded rate, in this round and the next ones. What other nodes tell is tried when it is told, and
 * no part of a round: so a round ends, whatever is told. Nothing waits for anybody: the slowest address or name server costs its own time-out and nothing
 * else.
 */
#ifndef RENSA_PEER_FINDER_H
#define RENSA_PEER_FINDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/loop.h"
#include "net/netaddr.h"
#include "net/probe.h"
#include "peer/handshake.h"

struct finder;

/* Where an address came from; lower is more trusted. */
enum finder_source {
	SOURCE_STATIC,
	SOURCE_DNS,
	SOURCE_SCAN,
	SOURCE_HINT, /* it said so itself, in a handshake with us */
	SOURCE_PEER, /* told by a peer */
	SOURCE_SAVED /* known before the node was stopped */
};

/* A host to look up in each round. */
struct finder_name {
	const char *host;
	uint16_t port;
	bool is_dns; /* from `dns`: several addresses are expected */
};

struct finder_options {
	const struct finder_name *names;
	size_t name_count;
	const struct netrange *scan_hosts;
	size_t scan_host_count;
	uint16_t scan_port_first; /* 0: no scan */
	uint16_t scan_port_last;
	uint32_t scan_rate;
	uint32_t probes_open_max; /* descriptors that a scan may hold */
	uint32_t probe_timeout_ms;
	uint32_t handshake_timeout_ms;
	uint32_t round_max_ms; /* a round that a long scan would keep open ends then, the scan goes on; 0: no limit */
	const struct netaddr *from; /* local address to leave from, or NULL */
};

/* What one address turned out to be. handshake is NULL when the probe already told (refused, silent, unreachable). */
struct finder_report {
	struct netaddr at;
	enum finder_source source;
	enum probe_result probe;
	const struct handshake_result *handshake;
};

struct finder_callbacks {
	void (*hello)(void *ctx, struct hello *ours); /* fill in our present hello */
	void (*report)(void *ctx, const struct finder_report *report);
	void (*round_done)(void *ctx);
};

/* Borrows the options' arrays and `from` for its life. */
struct finder *finder_new(struct loop *l, const struct finder_options *options,
			  const struct finder_callbacks *callbacks, void *ctx);
void finder_free(struct finder *f); /* not from one of its callbacks */
/*
 * Starts a round, whose end round_done tells, never before this returns; if one is under way it goes on and nothing
 * else happens. known: addresses to ask first, peers above all. resting: those that are left out of this round, whatever
 * source names them.
 */
void finder_round(struct finder *f, const struct netaddr *known, size_t count, const struct netaddr *resting,
		  size_t resting_count);
bool finder_is_busy(const struct finder *f);
/* Will the scan come to this address by itself? */
bool finder_is_scanned(const struct finder *f, const struct netaddr *at);
/*
 * An address that its own node told. Loopback and link-local ones count only if names or scan_hosts hold them. It is
 * tried at once, also if this round has tried it before (it may have started since), unless many such are under way:
 * then it is dropped.
 */
void finder_hint(struct finder *f, const struct netaddr *at);
/*
 * An address that somebody else told; the same hosts count. It waits in a queue of which a few are tried at a time,
 * unless the round that is under way has tried it. Dropped when the queue is full.
 */
void finder_tell(struct finder *f, const struct netaddr *at, enum finder_source source);

const char *finder_source_name(enum finder_source s); /* "static", "dns", "scan", "hint", "peer", "saved" */

#endif
