/*
 * A court for rings: a segment with few of them, transfers that are mere numbers, and a judge that writes down what it was
 * asked.
 */
#ifndef RENSA_TESTS_STORE_COURT_KIT_H
#define RENSA_TESTS_STORE_COURT_KIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/ring.h"
#include "store/store.h"

#define RINGS 4

/* What was asked, in the order of asking. */
struct court {
	uint32_t numbers[4 * RING_TXS];
	size_t sizes[4 * RING_TXS];
	bool from_client[4 * RING_TXS];
	size_t count;
	bool rang[STORE_RINGS_MAX];
};

/* As ring_drain wants it, ctx is the court: answers with the number in the first bytes, by its rule and by whether it is odd. */
struct admission court_judge(void *ctx, const uint8_t *bytes, size_t size, bool from_client);
/* A look into all rings, in which up to so many transfers are judged; the court was empty before. */
size_t court_drain(struct store *s, struct court *c, size_t max);

/* A segment with RINGS rings of which one is assigned. */
struct store *court_segment(uint32_t *ring);
/* Puts a number as a transfer of 100 bytes, every third as a client's. As ring_put_tx: the slot or -1. */
int court_put(struct store *s, uint32_t ring, uint32_t number);

#endif
