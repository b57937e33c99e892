/*
 * The board: signatures to be checked, laid out in the segment for whoever has a core to spare. One process posts (the
 * resolver, for the bodies that peers send) and goes on with other work; verifiers, and the poster itself while it waits,
 * take from it in order, a few at a time. Nobody waits for a verifier that died or was stopped: what it took, the poster
 * checks again.
 *
 * Each item has a ticket, which counts up for ever. The poster reads each result once, and never has more than BOARD_MAX
 * tickets that it has not read or dropped.
 */
#ifndef RENSA_STORE_BOARD_H
#define RENSA_STORE_BOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/key.h"
#include "store/store.h"

#define BOARD_MAX 8192 /* signatures at once */

struct board_item {
	struct hash256 digest;
	struct signature signature;
	struct pubkey key;
};

/* The poster: the ticket that the next item posted will have. */
uint64_t board_next(const struct store *s);
/* The poster: adds items. Wake the verifiers then. Their tickets count up from the one returned. */
uint64_t board_post(struct store *s, const struct board_item *items, uint32_t count);
/* The poster: nobody need check what was not taken yet. */
void board_drop(struct store *s);
/* Anybody: checks a few that nobody has taken. False: there are none. */
bool board_work(struct store *s);
/* The poster: is the item of that ticket good? Works along until it is known. */
bool board_result(struct store *s, uint64_t ticket, const struct board_item *item);

#endif
