/* What rensa verify does: looks at every byte of a data folder and lists what is wrong. */
#ifndef RENSA_PROG_CHECK_H
#define RENSA_PROG_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "prog/folder.h"
#include "util/attr.h"
#include "util/buf.h"

#define CHECK_LISTED_MAX 100

struct check {
	struct folder *folder;
	uint64_t blocks;     /* of the chain, above the genesis block */
	uint64_t lost;	     /* blocks of lost branches */
	uint64_t pending;    /* entries of the pool's log */
	uint64_t supply;     /* base units */
	uint64_t torn_bytes; /* of a write that was never finished: no damage */
	struct hash256 tip;
	uint64_t damages;
	uint64_t sound;	  /* the chain is sound up to this height */
	struct buf first; /* the first damage, as a sentence */
	struct buf text;  /* all of them, a line each, up to CHECK_LISTED_MAX */
	struct buf json;  /* likewise, {"file","byte","height","problem"} each, with commas between */
};

/* Not CLI_DONE: it could not be looked at. Damage is no failure here. Clear it in any case. */
enum cli_exit check_folder(struct check *k, struct folder *f) MUSTCHECK;
void check_clear(struct check *k);

#endif
