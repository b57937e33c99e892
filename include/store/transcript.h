/*
 * The transcript: blocks in the form in which they are shown, each written once, so that who shows many sends them from
 * the kernel's cache as they lie there. It is a cache of what never changes: without it, or beside it, the same can be
 * made from the chain again, and nobody may depend on a block's being in it.
 *
 * One process writes it, the scribe; the others read, without a lock. It is a memory object of its own (memfd) that the
 * master makes before it forks, one for each life of the segment, since it speaks of blocks by their place there.
 */
#ifndef RENSA_STORE_TRANSCRIPT_H
#define RENSA_STORE_TRANSCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/chain.h"
#include "util/attr.h"
#include "util/err.h"

struct transcript;

/* The master: room for so many bytes of text, which take memory only as they are written. ERR_IO, ERR_NOMEM. */
enum err transcript_create(struct transcript **out, uint64_t size_max) MUSTCHECK;
void transcript_free(struct transcript *t);
/* A child, which gives up the descriptor that it may not use: the scribe writes, who serves reads. */
enum err transcript_attach(struct transcript *t, bool is_scribe) MUSTCHECK;

/* The last block up to which, by its own chain, all blocks were in it a moment ago; none: it is empty. */
struct blockref transcript_top(const struct transcript *t);
struct transcript_usage {
	uint64_t size_max; /* bytes of text */
	uint64_t used;	   /* with what lost branches left behind */
	uint64_t blocks;   /* likewise */
};
void transcript_usage(const struct transcript *t, struct transcript_usage *out);

/* Blocks whose texts lie behind one another, with one byte that separates them. */
struct passage {
	uint64_t at;	 /* in transcript_fd */
	uint64_t len;	 /* bytes, from the first text's begin to the last one's end */
	uint64_t blocks; /* 0: the first one asked for is not there */
};
/* The longest passage of tip's chain that begins at height from and ends at or below height last. */
struct passage transcript_find(const struct transcript *t, const struct store *s, struct blockref tip, uint64_t from,
			       uint64_t last);
/* Reader: for sendfile, and the same bytes mapped. Both are good until transcript_free. */
int transcript_fd(const struct transcript *t);
const char *transcript_text(const struct transcript *t, const struct passage *p);

/*
 * The scribe. The chain has turned off below the top: from now on that is fork, a block of the top's chain.
 */
void transcript_turn(struct transcript *t, struct blockref fork);
/*
 * Adds the blocks that come behind the top: text holds all of theirs, each with the byte that separates it from the one
 * before in front, the i-th up to ends[i]. ERR_LIMIT if there is no room left, ERR_NOSPC, ERR_IO; then nothing was added.
 */
enum err transcript_add(struct transcript *t, const struct store *s, const struct blockref *blocks, const size_t *ends,
			size_t count, const char *text) MUSTCHECK;
/* Makes what is written cheaper to send, a bounded piece of it at a time. True: there may be more to do at once. */
bool transcript_pack(struct transcript *t);

#endif
