/*
 * Rings: what workers hand over and what they get back, in which order; what is left when either side dies; and that a
 * ring full of lies harms nobody but its worker. Commands are in suite_command.c.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "process.h"
#include "store/layout.h"
#include "store/ring.h"
#include "suites.h"

#define RINGS 4

/* A judge that writes down what it was asked, and answers with the number in the first bytes. */
struct court {
	uint32_t numbers[4 * RING_TXS];
	size_t sizes[4 * RING_TXS];
	bool from_client[4 * RING_TXS];
	size_t count;
	bool rang[STORE_RINGS_MAX];
};
static struct store *segment_of_court;

static struct admission
judge(void *ctx, const uint8_t *bytes, size_t size, bool from_client)
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

static size_t
drain(struct store *s, struct court *c, size_t max)
{
	memset(c, 0, sizeof(*c));
	return ring_drain(s, max, judge, NULL, c, c->rang);
}

static int
put_number(struct store *s, uint32_t ring, uint32_t number)
{
	uint8_t bytes[100] = {0};

	memcpy(bytes, &number, sizeof(number));
	return ring_put_tx(s, ring, bytes, sizeof(bytes), number % 3 == 0);
}

static struct store *
segment_with_ring(uint32_t *ring)
{
	struct store *s = segment_make(&(struct segment_plan){.rings = RINGS});

	ck_assert_int_eq(ring_assign(s, ring), OK);
	return s;
}

static bool
is_free(const struct store *s, uint32_t ring)
{
	return atomic_load(ring_state(s, ring)) == RING_FREE;
}

START_TEST(verdicts_come_back_to_the_slot_that_asked_in_the_order_of_asking)
{
	struct admission a;
	struct court c;
	uint32_t ring;
	struct store *s = segment_with_ring(&ring);

	/* More than once around. */
	for (uint32_t n = 0; n < 3 * RING_TXS; n += 7) {
		int slots[7];
		for (uint32_t i = 0; i < 7; i++) {
			slots[i] = put_number(s, ring, n + i);
			ck_assert_int_eq(slots[i], (int)((n + i) % RING_TXS));
			ck_assert(!ring_take_verdict(s, ring, slots[i], &a));
		}
		ck_assert_uint_eq(drain(s, &c, SIZE_MAX), 7);
		for (uint32_t i = 0; i < 7; i++) {
			ck_assert_uint_eq(c.numbers[i], n + i);
			ck_assert_uint_eq(c.sizes[i], 100);
			ck_assert(c.from_client[i] == ((n + i) % 3 == 0));
		}
		for (uint32_t r = 0; r < STORE_RINGS_MAX; r++)
			ck_assert(c.rang[r] == (r == ring));
		/* Taken in whatever order. */
		for (uint32_t i = 7; i-- > 0;) {
			ck_assert(ring_take_verdict(s, ring, slots[i], &a));
			ck_assert_int_eq(a.status, ADMISSION_REFUSED);
			ck_assert_int_eq(a.rule, (n + i) % RULE_COUNT);
			ck_assert(a.is_new == ((n + i) % 2 != 0));
			ck_assert(!ring_take_verdict(s, ring, slots[i], &a));
		}
		ck_assert_uint_eq(drain(s, &c, SIZE_MAX), 0);
	}
}
END_TEST

START_TEST(a_full_ring_takes_no_more_until_a_verdict_was_taken)
{
	struct admission a;
	struct court c;
	uint32_t ring;
	struct store *s = segment_with_ring(&ring);

	for (uint32_t n = 0; n < RING_TXS; n++)
		ck_assert_int_eq(put_number(s, ring, n), (int)n);
	ck_assert_int_eq(put_number(s, ring, 9999), -1);
	/* Judged in portions. */
	ck_assert_uint_eq(drain(s, &c, 0), 0);
	ck_assert_uint_eq(drain(s, &c, 200), 200);
	ck_assert_uint_eq(c.numbers[199], 199);
	ck_assert_int_eq(put_number(s, ring, 9999), -1);
	ck_assert_uint_eq(drain(s, &c, 400), RING_TXS - 200);
	ck_assert_uint_eq(c.numbers[0], 200);
	/* Not the next place: what comes has to stay in order. */
	ck_assert(ring_take_verdict(s, ring, 1, &a));
	ck_assert_int_eq(put_number(s, ring, 9999), -1);
	ck_assert(ring_take_verdict(s, ring, 0, &a));
	ck_assert_int_eq(put_number(s, ring, 1000), 0);
	ck_assert_int_eq(put_number(s, ring, 1001), 1);
	ck_assert_int_eq(put_number(s, ring, 1002), -1);
	ck_assert_uint_eq(drain(s, &c, SIZE_MAX), 2);
}
END_TEST

START_TEST(transfers_of_every_size_fit_and_none_that_is_larger)
{
	uint8_t bytes[TX_SIZE_MAX + 1] = {0};
	struct admission a;
	struct court c;
	uint32_t ring;
	struct store *s = segment_with_ring(&ring);

	ck_assert_int_eq(ring_put_tx(s, ring, bytes, TX_SIZE_MAX + 1, true), -1);
	ck_assert_int_eq(ring_put_tx(s, ring, bytes, SIZE_MAX, true), -1);
	for (size_t size = 0; size <= TX_SIZE_MAX; size += 27) {
		int slot = ring_put_tx(s, ring, bytes, size, true);
		ck_assert_int_ge(slot, 0);
		ck_assert_uint_eq(drain(s, &c, 1), 1);
		ck_assert_uint_eq(c.sizes[0], size);
		ck_assert(ring_take_verdict(s, ring, slot, &a));
	}
}
END_TEST

START_TEST(a_transfer_that_nobody_waits_for_is_judged_and_its_slot_freed)
{
	struct court c;
	uint32_t ring;
	struct store *s = segment_with_ring(&ring);
	int before = put_number(s, ring, 1), after = put_number(s, ring, 2), last;

	ring_forget_tx(s, ring, before);
	ck_assert_uint_eq(drain(s, &c, SIZE_MAX), 2);
	ring_forget_tx(s, ring, after);
	for (uint32_t n = 2; n < RING_TXS; n++)
		ck_assert_int_eq(put_number(s, ring, n), (int)n);
	/* Around again: both slots are free, and nothing of the old remains in them. */
	last = put_number(s, ring, 5);
	ck_assert_int_eq(last, before);
	ck_assert_int_eq(put_number(s, ring, 6), after);
	ck_assert_uint_eq(drain(s, &c, SIZE_MAX), RING_TXS);
	ck_assert_uint_eq(atomic_load(&ring_at(s, ring)->txs[last].state), SLOT_DONE);
}
END_TEST

/* The pool's process died after it had judged, before or after it had said so. */
START_TEST(a_new_pool_process_goes_on_where_its_predecessor_died)
{
	struct admission a;
	struct court c;
	uint32_t ring;
	struct store *s = segment_with_ring(&ring);
	struct ring_region *r = ring_at(s, ring);

	for (uint32_t n = 0; n < 5; n++)
		put_number(s, ring, n);
	ck_assert_uint_eq(drain(s, &c, 3), 3);
	atomic_store(&r->tx_done, 1);
	ck_assert_uint_eq(drain(s, &c, SIZE_MAX), 2);
	ck_assert_uint_eq(c.numbers[0], 3);
	ck_assert_uint_eq(atomic_load(&r->tx_done), 5);
	/* Slots that are done all the same wake the worker, who may not have heard of them. */
	atomic_store(&r->tx_done, 2);
	ck_assert_uint_eq(drain(s, &c, SIZE_MAX), 0);
	ck_assert(c.rang[ring]);
	for (int i = 0; i < 5; i++)
		ck_assert(ring_take_verdict(s, ring, i, &a));
	ck_assert_uint_eq(drain(s, &c, SIZE_MAX), 0);
	ck_assert(!c.rang[ring]);
}
END_TEST

START_TEST(no_ring_is_always_the_last_to_be_judged)
{
	struct store *s = segment_make(&(struct segment_plan){.rings = RINGS});
	bool was_first[RINGS] = {false};
	struct admission a;
	struct court c;
	uint32_t rings[RINGS];

	for (int i = 0; i < RINGS; i++)
		ck_assert_int_eq(ring_assign(s, &rings[i]), OK);
	for (int round = 0; round < RINGS; round++) {
		int slots[RINGS];
		for (uint32_t i = 0; i < RINGS; i++)
			slots[i] = put_number(s, rings[i], i);
		ck_assert_uint_eq(drain(s, &c, 1), 1);
		was_first[c.numbers[0]] = true;
		ck_assert_uint_eq(drain(s, &c, SIZE_MAX), RINGS - 1);
		for (uint32_t i = 0; i < RINGS; i++)
			ck_assert(ring_take_verdict(s, rings[i], slots[i], &a));
		/* Two drains a round: an odd number of them moves the start. */
		drain(s, &c, 0);
	}
	for (int i = 0; i < RINGS; i++)
		ck_assert(was_first[i]);
}
END_TEST

/* The judge's court sits while the master makes more rings. */
static struct admission
judge_and_grow(void *ctx, const uint8_t *bytes, size_t size, bool from_client)
{
	need(store_want_rings(segment_of_court, 3 * RINGS) == OK);
	return judge(ctx, bytes, size, from_client);
}

START_TEST(rings_that_come_in_the_middle_of_a_look_have_no_ring_judged_twice)
{
	struct store *s = segment_of_court = segment_make(&(struct segment_plan){.rings = RINGS});
	struct admission a;
	struct court c;
	uint32_t rings[RINGS];
	int slots[RINGS];

	for (int i = 0; i < RINGS; i++)
		ck_assert_int_eq(ring_assign(s, &rings[i]), OK);
	/* So many looks before that the turn comes to ring 7 % 4, and, if it were counted anew, to ring 15 % 12 later. */
	while (s->next_ring < 2 * RINGS - 1)
		drain(s, &c, 0);
	for (uint32_t i = 0; i < RINGS; i++)
		slots[i] = put_number(s, rings[i], i);
	memset(&c, 0, sizeof(c));
	ck_assert_uint_eq(ring_drain(s, SIZE_MAX, judge_and_grow, NULL, &c, c.rang), RINGS);
	ck_assert_uint_eq(c.count, RINGS);
	for (uint32_t i = 0; i < RINGS; i++) {
		ck_assert(ring_take_verdict(s, rings[i], slots[i], &a));
		ck_assert_int_eq(a.rule, i % RULE_COUNT);
	}
	ck_assert_uint_eq(drain(s, &c, SIZE_MAX), 0);
}
END_TEST

START_TEST(rings_run_out_and_come_back_when_their_orphans_are_drained)
{
	struct store *s = segment_make(&(struct segment_plan){.rings = RINGS});
	struct pushed_block block;
	uint8_t bytes[HEADER_SIZE] = {0};
	struct court c;
	uint32_t ring;

	for (uint32_t i = 0; i < RINGS; i++) {
		ck_assert_int_eq(ring_assign(s, &ring), OK);
		ck_assert_uint_eq(ring, i);
	}
	ck_assert_int_eq(ring_assign(s, &ring), ERR_BUSY);
	/* Empty: free with the next look. */
	ring_orphan(s, 2);
	ck_assert_int_eq(ring_assign(s, &ring), ERR_BUSY);
	drain(s, &c, SIZE_MAX);
	ck_assert_int_eq(ring_assign(s, &ring), OK);
	ck_assert_uint_eq(ring, 2);
	/* With transfers: they are judged first, in as many portions as it takes. */
	for (uint32_t n = 0; n < 10; n++)
		put_number(s, 1, n);
	ring_orphan(s, 1);
	ck_assert_uint_eq(drain(s, &c, 9), 9);
	ck_assert(!is_free(s, 1));
	ck_assert_uint_eq(drain(s, &c, 9), 1);
	ck_assert(is_free(s, 1));
	/* With a pushed block: the resolver takes it first. */
	ck_assert_int_eq(ring_put_block(s, 3, "10.0.0.1", "", PUSH_WHOLE, bytes, sizeof(bytes)), OK);
	ring_orphan(s, 3);
	drain(s, &c, SIZE_MAX);
	ck_assert(!is_free(s, 3));
	ck_assert(ring_take_block(s, &block));
	drain(s, &c, SIZE_MAX);
	ck_assert(is_free(s, 3));
	/* Free rings are not looked into, and not orphaned either. */
	ring_orphan(s, 3);
	ck_assert(is_free(s, 3));
	put_number(s, 3, 1);
	ck_assert_int_eq(ring_put_block(s, 3, "10.0.0.1", "", PUSH_WHOLE, bytes, sizeof(bytes)), OK);
	ck_assert_uint_eq(drain(s, &c, SIZE_MAX), 0);
	ck_assert(!ring_take_block(s, &block));
}
END_TEST

START_TEST(a_new_owner_finds_nothing_of_the_last_one)
{
	struct command command = {.kind = COMMAND_MINE, .blocks = 1};
	uint8_t bytes[HEADER_SIZE] = {0};
	struct hint_cursor cursor = {{0}};
	char address[RING_ADDRESS_SIZE];
	struct command_result result;
	struct command_handle h;
	struct admission a;
	struct court c;
	uint32_t ring;
	struct store *s = segment_with_ring(&ring);

	for (uint32_t n = 0; n < 20; n++)
		put_number(s, ring, n);
	ring_put_hint(s, ring, "10.0.0.1:5000");
	ck_assert(ring_next_hint(s, &cursor, address));
	/* Answered, and the answers never taken. */
	ck_assert_int_ge(ring_put_command(s, ring, &command), 0);
	ck_assert(command_next(s, 1u << COMMAND_MINE, &h, &command));
	command_finish(s, h, OK, false);
	drain(s, &c, SIZE_MAX);
	/* And a slot that was being filled. */
	atomic_store(&ring_at(s, ring)->blocks[0].state, SLOT_FILLING);
	ring_orphan(s, ring);
	drain(s, &c, SIZE_MAX);
	ck_assert_int_eq(ring_assign(s, &ring), OK);
	ck_assert_uint_eq(ring, 0);
	ck_assert_int_eq(put_number(s, ring, 100), 0);
	for (int i = 0; i < RING_TXS; i++)
		ck_assert(!ring_take_verdict(s, ring, i, &a));
	for (int i = 0; i < RING_COMMANDS; i++)
		ck_assert(!ring_take_result(s, ring, i, &result));
	for (int i = 0; i < RING_BLOCKS; i++)
		ck_assert_int_eq(ring_put_block(s, ring, "10.0.0.1", "", PUSH_WHOLE, bytes, sizeof(bytes)), OK);
	/* Hints go on counting, or discovery would miss the new owner's. */
	ck_assert(!ring_next_hint(s, &cursor, address));
	ring_put_hint(s, ring, "10.0.0.2:5000");
	ck_assert(ring_next_hint(s, &cursor, address));
	ck_assert_str_eq(address, "10.0.0.2:5000");
}
END_TEST

START_TEST(pushed_blocks_come_whole_if_they_fit_and_as_headers_if_not)
{
	static const struct {
		size_t size, arrives;
		enum err error;
	} rows[] = {
	    {0, 0, ERR_FORMAT},
	    {HEADER_SIZE - 1, 0, ERR_FORMAT},
	    {HEADER_SIZE, HEADER_SIZE, OK},
	    {RING_BLOCK_BYTES - 1, RING_BLOCK_BYTES - 1, OK},
	    {RING_BLOCK_BYTES, RING_BLOCK_BYTES, OK},
	    {RING_BLOCK_BYTES + 1, HEADER_SIZE, OK},
	    {4 * RING_BLOCK_BYTES, HEADER_SIZE, OK},
	};
	static uint8_t bytes[4 * RING_BLOCK_BYTES];
	static struct pushed_block block;
	uint32_t ring;
	struct store *s = segment_with_ring(&ring);

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7 + i / 256);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		ck_assert_int_eq(ring_put_block(s, ring, "10.0.0.1", "10.0.0.1:5000", PUSH_WHOLE, bytes, rows[i].size),
				 rows[i].error);
		ck_assert(ring_take_block(s, &block) == (rows[i].error == OK));
		if (rows[i].error != OK)
			continue;
		ck_assert_uint_eq(block.size, rows[i].arrives);
		ck_assert_str_eq(block.from, "10.0.0.1:5000");
		ck_assert_mem_eq(block.bytes, bytes, rows[i].arrives);
		ck_assert(!ring_take_block(s, &block));
	}
}
END_TEST

START_TEST(pushed_blocks_of_all_rings_are_taken_and_more_than_fit_are_refused)
{
	struct store *s = segment_make(&(struct segment_plan){.rings = RINGS});
	static struct pushed_block block;
	uint8_t bytes[HEADER_SIZE] = {0};
	unsigned seen = 0, firsts = 0;
	uint32_t ring;

	for (uint32_t i = 0; i < RINGS; i++) {
		ck_assert_int_eq(ring_assign(s, &ring), OK);
		for (uint8_t n = 0; n < RING_BLOCKS; n++) {
			bytes[0] = (uint8_t)(i * RING_BLOCKS + n);
			ck_assert_int_eq(ring_put_block(s, i, "10.0.0.1", "", PUSH_WHOLE, bytes, sizeof(bytes)), OK);
		}
		ck_assert_int_eq(ring_put_block(s, i, "10.0.0.1", "", PUSH_WHOLE, bytes, sizeof(bytes)), ERR_BUSY);
	}
	for (int i = 0; i < RINGS * RING_BLOCKS; i++) {
		ck_assert(ring_take_block(s, &block));
		ck_assert_uint_eq(seen >> block.bytes[0] & 1, 0);
		seen |= 1u << block.bytes[0];
		/* Each ring has its turn before any has its second. */
		if (i < RINGS)
			firsts |= 1u << block.bytes[0] / RING_BLOCKS;
	}
	ck_assert_uint_eq(firsts, (1u << RINGS) - 1);
	ck_assert(!ring_take_block(s, &block));
	ck_assert_int_eq(ring_put_block(s, 0, "10.0.0.1", "", PUSH_WHOLE, bytes, sizeof(bytes)), OK);
}
END_TEST

START_TEST(pushed_blocks_are_taken_in_the_order_in_which_they_were_put)
{
	static struct pushed_block block;
	uint8_t bytes[HEADER_SIZE] = {0};
	uint8_t put = 0, taken = 0;
	uint32_t ring;
	struct store *s = segment_with_ring(&ring);

	/* Slots are freed and filled again while later ones still wait. */
	while (taken < 100) {
		for (int i = 0; i < 3 && put - taken < RING_BLOCKS; i++) {
			bytes[0] = put++;
			ck_assert_int_eq(ring_put_block(s, ring, "10.0.0.1", "", PUSH_HEADER, bytes, sizeof(bytes)),
					 OK);
		}
		for (int i = 0; i < 2; i++) {
			ck_assert(ring_take_block(s, &block));
			ck_assert_uint_eq(block.bytes[0], taken++);
			ck_assert_uint_eq(block.kind, PUSH_HEADER);
			ck_assert_str_eq(block.source, "10.0.0.1");
		}
	}
}
END_TEST

START_TEST(pushes_of_one_block_are_counted_over_all_rings)
{
	struct store *s = segment_make(&(struct segment_plan){.rings = RINGS});
	static struct pushed_block block;
	uint8_t one[HEADER_SIZE + 8] = {1}, other[HEADER_SIZE] = {2};
	uint32_t ring;

	for (uint32_t i = 0; i < RINGS; i++) {
		ck_assert_int_eq(ring_assign(s, &ring), OK);
		ck_assert_uint_eq(ring_blocks_waiting(s, one), i);
		ck_assert_int_eq(ring_put_block(s, i, "", "", PUSH_WHOLE, one, sizeof(one)), OK);
		ck_assert_int_eq(ring_put_block(s, i, "", "", PUSH_WHOLE, other, sizeof(other)), OK);
	}
	while (ring_take_block(s, &block))
		continue;
	ck_assert_uint_eq(ring_blocks_waiting(s, one), 0);
}
END_TEST

START_TEST(what_was_heard_is_told_once_and_the_oldest_is_lost_first)
{
	struct heard_cursor cursor = {{0}};
	struct heard heard;
	uint32_t ring;
	struct store *s = segment_with_ring(&ring);

	ck_assert(!ring_next_heard(s, &cursor, &heard));
	for (uint64_t i = 0; i < RING_HEARD + 10; i++)
		ring_put_heard(s, ring, &(struct heard){i, ~i});
	for (uint64_t i = 10; i < RING_HEARD + 10; i++) {
		ck_assert(ring_next_heard(s, &cursor, &heard));
		ck_assert_uint_eq(heard.item, i);
		ck_assert_uint_eq(heard.peer, ~i);
	}
	ck_assert(!ring_next_heard(s, &cursor, &heard));
}
END_TEST

START_TEST(the_latest_hints_are_told_once_in_order)
{
	struct hint_cursor cursor = {{0}};
	char address[RING_ADDRESS_SIZE], expected[RING_ADDRESS_SIZE], endless[200];
	uint32_t ring;
	struct store *s = segment_with_ring(&ring);

	ck_assert(!ring_next_hint(s, &cursor, address));
	for (int n = 0; n < 3 * RING_HINTS; n++) {
		snprintf(expected, sizeof(expected), "10.0.0.%d:5000", n);
		ring_put_hint(s, ring, expected);
	}
	for (int n = 2 * RING_HINTS; n < 3 * RING_HINTS; n++) {
		snprintf(expected, sizeof(expected), "10.0.0.%d:5000", n);
		ck_assert(ring_next_hint(s, &cursor, address));
		ck_assert_str_eq(address, expected);
	}
	ck_assert(!ring_next_hint(s, &cursor, address));
	memset(endless, 'x', sizeof(endless) - 1);
	endless[sizeof(endless) - 1] = '\0';
	ring_put_hint(s, ring, endless);
	ring_put_hint(s, RINGS - 1, "of another ring");
	ck_assert(ring_next_hint(s, &cursor, address));
	ck_assert_uint_eq(strlen(address), RING_ADDRESS_SIZE - 1);
	ck_assert(ring_next_hint(s, &cursor, address));
	ck_assert_str_eq(address, "of another ring");
}
END_TEST

/* A worker can write anything into its own ring. */
static const struct {
	uint64_t head, done;
} lies[] = {
    {UINT64_MAX, 0},
    {0, UINT64_MAX},
    {0, 1},
    {RING_TXS + 1, 0},
    {1, RING_TXS + 1},
    {1, 2},
    {5, 4},
    {UINT64_MAX / 2, 17},
    {UINT64_MAX, UINT64_MAX - 600},
    {UINT64_MAX, UINT64_MAX - 3},
};

START_TEST(numbers_that_lie_bound_the_work_and_free_the_ring_in_the_end)
{
	struct court c;
	uint32_t ring;
	struct store *s = segment_with_ring(&ring);
	struct ring_region *r = ring_at(s, ring);

	for (uint32_t n = 0; n < RING_TXS; n++)
		put_number(s, ring, n);
	r->txs[3].size = UINT32_MAX;
	r->txs[4].size = TX_SIZE_MAX + 1;
	atomic_store(&r->txs[5].state, 4711);
	atomic_store(&r->tx_head, lies[_i].head);
	atomic_store(&r->tx_done, lies[_i].done);
	drain(s, &c, SIZE_MAX);
	ck_assert_uint_le(c.count, RING_TXS);
	for (size_t i = 0; i < c.count; i++)
		ck_assert_uint_le(c.sizes[i], TX_SIZE_MAX);
	ring_orphan(s, ring);
	drain(s, &c, SIZE_MAX);
	ck_assert(is_free(s, ring));
}
END_TEST

START_TEST(sizes_and_texts_that_lie_are_cut_to_what_a_slot_holds)
{
	static struct pushed_block block;
	struct hint_cursor cursor = {{0}};
	char address[RING_ADDRESS_SIZE];
	uint8_t bytes[HEADER_SIZE] = {0};
	struct court c;
	uint32_t ring;
	struct store *s = segment_with_ring(&ring);
	struct ring_region *r = ring_at(s, ring);

	put_number(s, ring, 7);
	r->txs[0].size = UINT32_MAX;
	ck_assert_uint_eq(drain(s, &c, SIZE_MAX), 1);
	ck_assert_uint_eq(c.sizes[0], 0);
	ck_assert_int_eq(ring_put_block(s, ring, "10.0.0.1", "", PUSH_WHOLE, bytes, sizeof(bytes)), OK);
	r->blocks[0].block.size = RING_BLOCK_BYTES + 1;
	memset(r->blocks[0].block.from, 'x', sizeof(r->blocks[0].block.from));
	ck_assert(ring_take_block(s, &block));
	ck_assert_uint_eq(block.size, 0);
	ck_assert_uint_eq(strlen(block.from), RING_ADDRESS_SIZE - 1);
	ring_put_hint(s, ring, "");
	memset(r->hints[0], 'x', RING_ADDRESS_SIZE);
	ck_assert(ring_next_hint(s, &cursor, address));
	ck_assert_uint_eq(strlen(address), RING_ADDRESS_SIZE - 1);
	/* Discovery gets no more than there are places, however many the ring counts. */
	atomic_store(&r->hint_count, UINT64_MAX);
	for (int n = 0; n < RING_HINTS; n++)
		ck_assert(ring_next_hint(s, &cursor, address));
	ck_assert(!ring_next_hint(s, &cursor, address));
}
END_TEST

/*
 * By luck: workers that put and take and forget as fast as they can, a pool that drains, for many times around. Both
 * sides are killed now and then. Every verdict must belong to what was asked.
 */
struct traffic {
	_Atomic uint32_t is_over;
	_Atomic uint32_t rounds[RINGS];
	_Atomic uint32_t judged;
};

static struct admission
judge_traffic(void *ctx, const uint8_t *bytes, size_t size, bool from_client)
{
	struct traffic *t = ctx;
	uint32_t number;

	need(size == 100);
	memcpy(&number, bytes, sizeof(number));
	need(from_client == (number % 3 == 0));
	atomic_fetch_add(&t->judged, 1);
	return (struct admission){ADMISSION_REFUSED, (enum rule)(number % RULE_COUNT), number % 2 != 0};
}

static void
drain_for_ever(struct store *s, void *arg)
{
	bool rang[STORE_RINGS_MAX];

	for (;;)
		ring_drain(s, 64, judge_traffic, NULL, arg, rang);
}

static void
ask_for_ever(struct store *s, void *arg)
{
	struct traffic *t = arg;
	uint32_t ring = s->role, number = ring, asked[RING_TXS];
	bool waits[RING_TXS] = {false};
	uint64_t random = ring;
	struct admission a;

	while (!atomic_load(&t->is_over)) {
		int slot = put_number(s, ring, number);
		if (slot >= 0) {
			need(!waits[slot]);
			asked[slot] = number;
			waits[slot] = true;
			number += 5;
			if (random_below(&random, 8) == 0) {
				ring_forget_tx(s, ring, slot);
				waits[slot] = false;
			}
		}
		if (slot >= 0 && random_below(&random, 3) != 0)
			continue;
		for (int i = 0; i < RING_TXS; i++) {
			if (!waits[i] || !ring_take_verdict(s, ring, i, &a))
				continue;
			waits[i] = false;
			need(a.rule == (enum rule)(asked[i] % RULE_COUNT) && a.is_new == (asked[i] % 2 != 0));
			atomic_fetch_add(&t->rounds[ring], 1);
		}
	}
}

START_TEST(every_worker_gets_its_own_verdicts_while_pools_are_killed)
{
	enum { KILLS = 60, ROUNDS_MIN = 3 * RING_TXS };
	struct store *s = segment_make(&(struct segment_plan){.rings = RINGS});
	struct traffic *t = share(sizeof(*t));
	uint64_t random = 12;
	pid_t workers[2], pool;
	int kills = 0;
	uint32_t ring;

	for (uint32_t i = 0; i < ARRAY_LEN(workers); i++) {
		ck_assert_int_eq(ring_assign(s, &ring), OK);
		workers[i] = spawn(s, STORE_WORKER, ring, ring, ask_for_ever, t);
	}
	while (kills < KILLS || atomic_load(&t->rounds[0]) < ROUNDS_MIN || atomic_load(&t->rounds[1]) < ROUNDS_MIN) {
		struct timespec moment = {0, (long)random_below(&random, 8000000)};
		int status;

		pool = spawn(s, STORE_POOL, 7, 0, drain_for_ever, t);
		nanosleep(&moment, NULL);
		ck_assert_int_eq(kill(pool, SIGKILL), 0);
		status = await(s, pool);
		ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		kills++;
	}
	atomic_store(&t->is_over, 1);
	for (uint32_t i = 0; i < ARRAY_LEN(workers); i++)
		await_ok(s, workers[i]);
}
END_TEST

Suite *
suite_ring(void)
{
	Suite *suite;
	TCase *tc = segment_case(&suite, "ring", 60);
	tcase_add_test(tc, verdicts_come_back_to_the_slot_that_asked_in_the_order_of_asking);
	tcase_add_test(tc, a_full_ring_takes_no_more_until_a_verdict_was_taken);
	tcase_add_test(tc, transfers_of_every_size_fit_and_none_that_is_larger);
	tcase_add_test(tc, a_transfer_that_nobody_waits_for_is_judged_and_its_slot_freed);
	tcase_add_test(tc, a_new_pool_process_goes_on_where_its_predecessor_died);
	tcase_add_test(tc, no_ring_is_always_the_last_to_be_judged);
	tcase_add_test(tc, rings_that_come_in_the_middle_of_a_look_have_no_ring_judged_twice);
	tcase_add_test(tc, rings_run_out_and_come_back_when_their_orphans_are_drained);
	tcase_add_test(tc, a_new_owner_finds_nothing_of_the_last_one);
	tcase_add_test(tc, pushed_blocks_come_whole_if_they_fit_and_as_headers_if_not);
	tcase_add_test(tc, pushed_blocks_of_all_rings_are_taken_and_more_than_fit_are_refused);
	tcase_add_test(tc, pushed_blocks_are_taken_in_the_order_in_which_they_were_put);
	tcase_add_test(tc, pushes_of_one_block_are_counted_over_all_rings);
	tcase_add_test(tc, what_was_heard_is_told_once_and_the_oldest_is_lost_first);
	tcase_add_test(tc, the_latest_hints_are_told_once_in_order);
	tcase_add_loop_test(tc, numbers_that_lie_bound_the_work_and_free_the_ring_in_the_end, 0, ARRAY_LEN(lies));
	tcase_add_test(tc, sizes_and_texts_that_lie_are_cut_to_what_a_slot_holds);
	tcase_add_test(tc, every_worker_gets_its_own_verdicts_while_pools_are_killed);
	return suite;
}
