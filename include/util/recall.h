/*
 * The last values that were computed from keys, where that costs more than to look. Each key has one place in a table
 * of fixed size, and what comes to a place that is taken takes it over; so a value may be forgotten at any time, and is
 * never another key's. Threads may share a table: whoever finds it in use does without.
 */
#ifndef RENSA_UTIL_RECALL_H
#define RENSA_UTIL_RECALL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/attr.h"

struct recall {
	atomic_flag in_use;
	uint8_t *space; /* zeroed at the start: count times RECALL_PLACE */
	size_t count;
	size_t key_size, value_size;
};

#define RECALL_PLACE(key_size, value_size) (1 + (key_size) + (value_size))

bool recall_find(struct recall *r, void *value, const void *key) MUSTCHECK;
void recall_note(struct recall *r, const void *key, const void *value);

#endif
