/*
 * The board: signatures to be checked, laid out in the segment for whoever has a core to spare. One process posts (the
 * resolver, for the bodies that a peer sends); verifiers and the poster itself take from it, a few at a time, until all
 * are done. Nobody waits for a verifier that died or was stopped: what it took, the poster checks again.
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

/* The poster: begins a batch of at most BOARD_MAX. Wake the verifiers then. */
void board_post(struct store *s, const struct board_item *items, uint32_t count);
/* Anybody: checks a few that nobody has taken. False: there are none. */
bool board_work(struct store *s);
/* The poster: works along until all of its batch is done; is_good[i] for each. */
void board_finish(struct store *s, const struct board_item *items, uint32_t count, bool *is_good);

#endif
