/*
 * Rings: who owns them and what a new owner finds; pushed blocks, hints and what was heard, in which order; and that a ring
 * full of lies harms nobody but its worker. Verdicts on transfers are in suite_verdicts.c, commands in suite_command.c.
 */
#include <stdio.h>
#include <string.h>

#include "court_kit.h"
#include "store/layout.h"
#include "store/ring.h"
#include "suites.h"

static bool
is_free(const struct store *s, uint32_t ring)
{
	return atomic_load(ring_state(s, ring)) == RING_FREE;
}

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
	court_drain(s, &c, SIZE_MAX);
	ck_assert_int_eq(ring_assign(s, &ring), OK);
	ck_assert_uint_eq(ring, 2);
	/* With transfers: they are judged first, in as many portions as it takes. */
	for (uint32_t n = 0; n < 10; n++)
		court_put(s, 1, n);
	ring_orphan(s, 1);
	ck_assert_uint_eq(court_drain(s, &c, 9), 9);
	ck_assert(!is_free(s, 1));
	ck_assert_uint_eq(court_drain(s, &c, 9), 1);
	ck_assert(is_free(s, 1));
	/* With a pushed block: the resolver takes it first. */
	ck_assert_int_eq(ring_put_block(s, 3, "10.0.0.1", "", PUSH_WHOLE, bytes, sizeof(bytes)), OK);
	ring_orphan(s, 3);
	court_drain(s, &c, SIZE_MAX);
	ck_assert(!is_free(s, 3));
	ck_assert(ring_take_block(s, &block));
	court_drain(s, &c, SIZE_MAX);
	ck_assert(is_free(s, 3));
	/* Free rings are not looked into, and not orphaned either. */
	ring_orphan(s, 3);
	ck_assert(is_free(s, 3));
	court_put(s, 3, 1);
	ck_assert_int_eq(ring_put_block(s, 3, "10.0.0.1", "", PUSH_WHOLE, bytes, sizeof(bytes)), OK);
	ck_assert_uint_eq(court_drain(s, &c, SIZE_MAX), 0);
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
	struct store *s = court_segment(&ring);

	for (uint32_t n = 0; n < 20; n++)
		court_put(s, ring, n);
	ring_put_hint(s, ring, "10.0.0.1:5000");
	ck_assert(ring_next_hint(s, &cursor, address));
	/* Answered, and the answers never taken. */
	ck_assert_int_ge(ring_put_command(s, ring, &command), 0);
	ck_assert(command_next(s, 1u << COMMAND_MINE, &h, &command));
	command_finish(s, h, OK, false);
	court_drain(s, &c, SIZE_MAX);
	/* And a slot that was being filled. */
	atomic_store(&ring_at(s, ring)->blocks[0].state, SLOT_FILLING);
	ring_orphan(s, ring);
	court_drain(s, &c, SIZE_MAX);
	ck_assert_int_eq(ring_assign(s, &ring), OK);
	ck_assert_uint_eq(ring, 0);
	ck_assert_int_eq(court_put(s, ring, 100), 0);
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
	struct store *s = court_segment(&ring);

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
	struct store *s = court_segment(&ring);

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
	struct store *s = court_segment(&ring);

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
	struct store *s = court_segment(&ring);

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
	struct store *s = court_segment(&ring);
	struct ring_region *r = ring_at(s, ring);

	for (uint32_t n = 0; n < RING_TXS; n++)
		court_put(s, ring, n);
	r->txs[3].size = UINT32_MAX;
	r->txs[4].size = TX_SIZE_MAX + 1;
	atomic_store(&r->txs[5].state, 4711);
	atomic_store(&r->tx_head, lies[_i].head);
	atomic_store(&r->tx_done, lies[_i].done);
	court_drain(s, &c, SIZE_MAX);
	ck_assert_uint_le(c.count, RING_TXS);
	for (size_t i = 0; i < c.count; i++)
		ck_assert_uint_le(c.sizes[i], TX_SIZE_MAX);
	ring_orphan(s, ring);
	court_drain(s, &c, SIZE_MAX);
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
	struct store *s = court_segment(&ring);
	struct ring_region *r = ring_at(s, ring);

	court_put(s, ring, 7);
	r->txs[0].size = UINT32_MAX;
	ck_assert_uint_eq(court_drain(s, &c, SIZE_MAX), 1);
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

Suite *
suite_ring(void)
{
	Suite *suite;
	TCase *tc = segment_case(&suite, "ring", 60);
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
	return suite;
}
