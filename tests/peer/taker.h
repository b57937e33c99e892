/* Our side of a fetch: a chain as an array of records, judged by headers alone, and the callbacks that a node gives. */
#ifndef RENSA_TESTS_PEER_TAKER_H
#define RENSA_TESTS_PEER_TAKER_H

#include "kit.h"
#include "peer/fetch.h"
#include "strand.h"

#define NEVER UINT64_MAX
#define TAKER_FAULTS 8

struct record {
	struct header_state state;
	size_t parent;
};

struct taker {
	struct loop *loop;
	struct params params;
	struct fetch *fetch;
	struct record *records; /* what we have, on our chain or off it; genesis first */
	size_t count, room;
	size_t tip;
	size_t at;	/* the branch in hand */
	bool has_begun; /* since the last flush that failed */

	/* What the test wants. */
	const struct hash256 *bad; /* broke a rule before */
	uint64_t clock_ms;
	enum rule begin_rule;
	uint64_t refuse_height; /* body of this height: breaks refuse_rule, or stops if that is RULE_OK */
	enum rule refuse_rule;
	unsigned flushes_left; /* a later one says stop */
	uint64_t foresee_max;  /* bodies foreseen ahead */
	uint64_t late_ms;
	/* Called before a body is taken, NULL: not. */
	void (*on_body)(struct taker *t, const struct block *b);

	/* What happened. */
	unsigned begins, flushes, commits, done;
	uint64_t bodies, foreseen;
	unsigned forgotten; /* times that bodies foreseen did not come so */
	struct hash256 last_foreseen;
	struct {
		struct netaddr at;
		struct fetch_result what;
	} faults[TAKER_FAULTS];
	unsigned fault_count;
	uint64_t progress_height, progress_target;
	struct fetch_result result;
};

/* We have genesis alone. */
void taker_init(struct taker *t, struct loop *l);
void taker_clear(struct taker *t);
/* We have the blocks of s from one height to another; they are our chain if they win. */
void taker_have(struct taker *t, const struct strand *s, uint64_t from, uint64_t to);
void taker_start(struct taker *t, const struct netaddr *peer);
void taker_start_many(struct taker *t, const struct fetch_peer *peers, size_t count);
/* Fetches from a peer, or several, to the end. */
enum fetch_end taker_fetch(struct taker *t, const struct netaddr *peer);
enum fetch_end taker_fetch_many(struct taker *t, const struct fetch_peer *peers, size_t count);
/* What was last told of that peer; NULL: nothing. */
const struct fetch_result *taker_fault(const struct taker *t, const struct netaddr *peer);

uint64_t taker_height(const struct taker *t);
const struct hash256 *taker_hash(const struct taker *t);

#endif
