/* A place: 1 once it is taken, the key, the value. */
#include "util/recall.h"

#include <string.h>

#include "util/crc32c.h"

/* Whoever makes keys meet in one place on purpose only makes them be forgotten. */
static uint8_t *
place_of(const struct recall *r, const void *key)
{
	return r->space + crc32c(0, key, r->key_size) % r->count * RECALL_PLACE(r->key_size, r->value_size);
}

static bool
take(struct recall *r)
{
	return !atomic_flag_test_and_set_explicit(&r->in_use, memory_order_acquire);
}

static void
leave(struct recall *r)
{
	atomic_flag_clear_explicit(&r->in_use, memory_order_release);
}

bool
recall_find(struct recall *r, void *value, const void *key)
{
	const uint8_t *place = place_of(r, key);
	bool is_there;

	if (!take(r))
		return false;
	is_there = place[0] == 1 && memcmp(place + 1, key, r->key_size) == 0;
	if (is_there)
		memcpy(value, place + 1 + r->key_size, r->value_size);
	leave(r);
	return is_there;
}

void
recall_note(struct recall *r, const void *key, const void *value)
{
	uint8_t *place = place_of(r, key);

	if (!take(r))
		return;
	place[0] = 1;
	memcpy(place + 1, key, r->key_size);
	memcpy(place + 1 + r->key_size, value, r->value_size);
	leave(r);
}
