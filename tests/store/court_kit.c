#include "court_kit.h"

#include <check.h>
#include <string.h>

#include "chain_maker.h"
#include "process.h"

struct admission
court_judge(void *ctx, const uint8_t *bytes, size_t size, bool from_client)
{
	struct court *c = ctx;
	uint32_t number = 0;

	need(c->count < ARRAY_LEN(c->numbers));
	if (size >= sizeof(number))
		memcpy(&number, bytes, sizeof(number));
	c->numbers[c->count] = number;
	c->sizes[c->count] = size;
	c->from_client[c->count++] = from_client;
	return (struct admission){ADMISSION_REFUSED, (enum rule)(number % RULE_COUNT), number % 2 != 0};
}

size_t
court_drain(struct store *s, struct court *c, size_t max)
{
	memset(c, 0, sizeof(*c));
	return ring_drain(s, max, court_judge, NULL, c, c->rang);
}

int
court_put(struct store *s, uint32_t ring, uint32_t number)
{
	uint8_t bytes[100] = {0};

	memcpy(bytes, &number, sizeof(number));
	return ring_put_tx(s, ring, bytes, sizeof(bytes), number % 3 == 0);
}

struct store *
court_segment(uint32_t *ring)
{
	struct store *s = segment_make(&(struct segment_plan){.rings = RINGS});

	ck_assert_int_eq(ring_assign(s, ring), OK);
	return s;
}
