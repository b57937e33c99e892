/* Who of a pool's candidates is next: of each sender the one whose turn it is, of these the best. */
#ifndef RENSA_CHAIN_LINEUP_H
#define RENSA_CHAIN_LINEUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chain/ledger.h"
#include "chain/template.h"

struct sender_row;

struct lineup {
	const struct candidate *candidates;
	uint32_t *order;	 /* candidates by sender, each sender's by sequence */
	struct sender_row *rows; /* a heap, the best at its root */
	uint32_t row_count;
};

/* candidates are borrowed until lineup_end. */
void lineup_begin(struct lineup *l, const struct candidate *candidates, size_t count);
void lineup_end(struct lineup *l);
/*
 * The next candidate by fee per byte, then arrival, of those whose sequence is their sender's next one as the ledger
 * has it; NULL: none is left. It stays the next one until one of the two below is called.
 */
const struct candidate *lineup_next(struct lineup *l, struct ledger *ledger);
/* It was taken: the sender's next sequence may follow. */
void lineup_taken(struct lineup *l);
/* It was left out: only another of the same sequence may take its place. */
void lineup_left_out(struct lineup *l);

#endif
