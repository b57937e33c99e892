/* Whom we keep as peers, and that nobody becomes many; and how long those that fail are left alone. */
#include "peer/slots.h"

#include <stdio.h>
#include <string.h>

#include "peer/backoff.h"
#include "suites.h"

#define MANY 500

static struct slot_candidate c[MANY];
static size_t count;

static void
enter(void)
{
	memset(c, 0, sizeof(c));
	count = 0;
}

static struct slot_candidate *
add(const char *at, uint64_t nonce, uint64_t since_ms)
{
	struct slot_candidate *new = &c[count++];

	ck_assert_int_eq(netaddr_parse(&new->at, at), OK);
	new->nonce = nonce;
	new->since_ms = since_ms;
	return new;
}

/* Addresses 10.GROUP.x.y, each a node of its own if nonce is 0. */
static void
add_many(unsigned group, unsigned how_many, uint64_t nonce, uint64_t since_ms)
{
	char text[NETADDR_TEXT_SIZE];

	for (unsigned i = 0; i < how_many; i++) {
		snprintf(text, sizeof(text), "10.%u.%u.%u:5000", group, i / 250, 1 + i % 250);
		add(text, nonce != 0 ? nonce : 1 + group * UINT64_C(100000) + i, since_ms);
	}
}

static size_t
kept(void)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		n += c[i].verdict == SLOT_KEPT;
	return n;
}

static size_t
kept_in(unsigned group)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		n += c[i].verdict == SLOT_KEPT && c[i].at.ip[1] == group;
	return n;
}

/* The state that the next assignment finds. */
static void
settle(void)
{
	for (size_t i = 0; i < count; i++)
		c[i].is_kept = c[i].verdict == SLOT_KEPT;
}

START_TEST(few_nodes_are_all_kept)
{
	add_many(1, SLOTS_GROUP, 0, 5);
	slots_assign(c, count, 9);
	ck_assert_uint_eq(kept(), SLOTS_GROUP);
	slots_assign(c, 0, 9);
}
END_TEST

START_TEST(a_node_with_many_addresses_has_one_slot)
{
	add_many(1, MANY, 77, 5);
	c[123].since_ms = 4;
	slots_assign(c, count, 9);
	ck_assert_uint_eq(kept(), 1);
	ck_assert_int_eq(c[123].verdict, SLOT_KEPT);
	ck_assert_int_eq(c[7].verdict, SLOT_SAME_NODE);
	ck_assert_uint_eq(c[7].same_as, 123);
}
END_TEST

/* Which of two addresses of one node is its address: rows of what a has before b has it. */
static const struct {
	bool configured, kept, paused_b;
	uint64_t since_a, since_b;
} better[] = {
    {true, false, false, 9, 5},	 {false, true, false, 9, 5},  {false, false, true, 9, 5},
    {false, false, false, 4, 5}, {false, false, false, 5, 5}, /* the lower address */
};

START_TEST(of_two_addresses_of_a_node_the_better_one_is_kept)
{
	struct slot_candidate *b = add("10.0.0.2:5000", 7, better[_i].since_b);
	struct slot_candidate *a = add("10.0.0.1:5000", 7, better[_i].since_a);

	a->is_configured = better[_i].configured;
	a->is_kept = better[_i].kept;
	b->is_paused = better[_i].paused_b;
	slots_assign(c, count, 1);
	ck_assert_int_eq(a->verdict, SLOT_KEPT);
	ck_assert_int_eq(b->verdict, SLOT_SAME_NODE);
	ck_assert_uint_eq(b->same_as, 1);
}
END_TEST

START_TEST(a_group_has_no_more_than_its_share)
{
	add_many(1, 300, 0, 5);
	add_many(2, 10, 0, 6);
	slots_assign(c, count, 9);
	ck_assert_uint_eq(kept_in(1), SLOTS_GROUP);
	ck_assert_uint_eq(kept_in(2), 10);
	for (size_t i = 0; i < count; i++)
		ck_assert(c[i].verdict == SLOT_KEPT || c[i].verdict == SLOT_GROUP_FULL);
}
END_TEST

START_TEST(groups_of_ipv6_are_counted_too)
{
	char text[NETADDR_TEXT_SIZE];

	for (unsigned i = 0; i < 100; i++) {
		snprintf(text, sizeof(text), "[2001:db8:%x::1]:5000", i);
		add(text, i + 1, 5);
	}
	add("[2001:db9::1]:5000", 1000, 9);
	slots_assign(c, count, 3);
	ck_assert_uint_eq(kept(), SLOTS_GROUP + 1);
	ck_assert_int_eq(c[100].verdict, SLOT_KEPT);
}
END_TEST

START_TEST(places_are_left_for_configured_peers)
{
	for (unsigned group = 1; group <= 8; group++)
		add_many(group, 30, 0, 5);
	slots_assign(c, count, 9);
	ck_assert_uint_eq(kept(), SLOTS_MAX - SLOTS_CONFIGURED);
	settle();
	add_many(9, SLOTS_CONFIGURED, 0, 100);
	for (size_t i = count - SLOTS_CONFIGURED; i < count; i++)
		c[i].is_configured = true;
	slots_assign(c, count, 9);
	ck_assert_uint_eq(kept(), SLOTS_MAX);
	ck_assert_uint_eq(kept_in(9), SLOTS_CONFIGURED);
}
END_TEST

START_TEST(configured_peers_come_first_whatever_their_group_and_are_bounded_too)
{
	add_many(1, 100, 0, 5);
	add_many(2, 100, 0, 50);
	for (size_t i = 100; i < 200; i++)
		c[i].is_configured = true;
	slots_assign(c, count, 9);
	ck_assert_uint_eq(kept_in(2), SLOTS_MAX);
	ck_assert_uint_eq(kept_in(1), 0);
	ck_assert_int_eq(c[0].verdict, SLOT_ALL_FULL);
}
END_TEST

START_TEST(newcomers_however_many_do_not_push_out_the_older_half)
{
	add_many(1, SLOTS_GROUP, 0, 5);
	slots_assign(c, count, 9);
	settle();
	add_many(1, 400, 0, 1000);
	for (size_t i = SLOTS_GROUP; i < count; i++) {
		c[i].at.ip[2] = (uint8_t)(100 + i / 250);
		c[i].nonce += 5000;
	}
	/* In any lot. */
	for (uint64_t key = 0; key < 20; key++) {
		size_t old = 0;

		slots_assign(c, count, key);
		for (size_t i = 0; i < SLOTS_GROUP; i++)
			old += c[i].verdict == SLOT_KEPT;
		ck_assert_uint_ge(old, SLOTS_GROUP / 2);
		ck_assert_uint_eq(kept(), SLOTS_GROUP);
	}
}
END_TEST

START_TEST(the_lot_is_the_same_for_one_key_and_another_for_another)
{
	bool first[MANY];
	size_t same = 0;

	add_many(1, 400, 0, 5);
	slots_assign(c, count, 1);
	for (size_t i = 0; i < count; i++)
		first[i] = c[i].verdict == SLOT_KEPT;
	slots_assign(c, count, 1);
	for (size_t i = 0; i < count; i++)
		ck_assert(first[i] == (c[i].verdict == SLOT_KEPT));
	/* Half of the share is by lot: of 16 in 384 two keys choose few alike. */
	slots_assign(c, count, 2);
	for (size_t i = 0; i < count; i++)
		same += first[i] && c[i].verdict == SLOT_KEPT;
	ck_assert_uint_ge(same, SLOTS_GROUP / 2);
	ck_assert_uint_lt(same, SLOTS_GROUP);
}
END_TEST

START_TEST(those_left_alone_get_what_is_over)
{
	add_many(1, SLOTS_GROUP, 0, 5);
	for (size_t i = 0; i < count; i++)
		c[i].is_paused = c[i].is_kept = true;
	slots_assign(c, count, 9);
	ck_assert_uint_eq(kept(), SLOTS_GROUP);
	settle();
	add("10.1.9.9:5000", 99, 1000);
	slots_assign(c, count, 9);
	ck_assert_int_eq(c[SLOTS_GROUP].verdict, SLOT_KEPT);
	ck_assert_uint_eq(kept(), SLOTS_GROUP);
}
END_TEST

/* Back-off. */

static const struct {
	uint32_t failures;
	uint64_t base, cap, pause;
} pauses[] = {
    {1, 1000, 3600000, 1000},	  {2, 1000, 3600000, 2000},	{3, 1000, 3600000, 4000},
    {11, 1000, 3600000, 1024000}, {13, 1000, 3600000, 3600000}, {4000000000u, 1000, 3600000, 3600000},
    {1, 1000, 3000, 1000},	  {2, 1000, 3000, 2000},	{3, 1000, 3000, 3000},
    {1, 20000, 0, 20000},	  {9, 20000, 10, 20000},	{0, 1000, 5000, 1000},
};

START_TEST(pauses_double_up_to_their_cap_and_lose_a_quarter_at_most)
{
	uint64_t whole = pauses[_i].pause;

	ck_assert_uint_eq(backoff_ms(pauses[_i].failures, pauses[_i].base, pauses[_i].cap, 0), whole);
	for (uint64_t lot = 0; lot < 5000; lot += 7) {
		uint64_t pause = backoff_ms(pauses[_i].failures, pauses[_i].base, pauses[_i].cap, lot);
		ck_assert_uint_le(pause, whole);
		ck_assert_uint_ge(pause, whole - whole / 4);
	}
	ck_assert_uint_ne(backoff_ms(pauses[_i].failures, pauses[_i].base, pauses[_i].cap, 100), whole);
}
END_TEST

Suite *
suite_slots(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "slots", 30);

	tcase_add_checked_fixture(tc, enter, NULL);
	tcase_add_test(tc, few_nodes_are_all_kept);
	tcase_add_test(tc, a_node_with_many_addresses_has_one_slot);
	tcase_add_loop_test(tc, of_two_addresses_of_a_node_the_better_one_is_kept, 0, ARRAY_LEN(better));
	tcase_add_test(tc, a_group_has_no_more_than_its_share);
	tcase_add_test(tc, groups_of_ipv6_are_counted_too);
	tcase_add_test(tc, places_are_left_for_configured_peers);
	tcase_add_test(tc, configured_peers_come_first_whatever_their_group_and_are_bounded_too);
	tcase_add_test(tc, newcomers_however_many_do_not_push_out_the_older_half);
	tcase_add_test(tc, the_lot_is_the_same_for_one_key_and_another_for_another);
	tcase_add_test(tc, those_left_alone_get_what_is_over);
	tcase_add_loop_test(tc, pauses_double_up_to_their_cap_and_lose_a_quarter_at_most, 0, ARRAY_LEN(pauses));
	return suite;
}
