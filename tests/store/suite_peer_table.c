/* The peer table and the pauses: what is found, what makes room for what, what a dead writer left. */
#include <stdio.h>
#include <string.h>

#include "process.h"
#include "store/layout.h"
#include "store/peer_table.h"
#include "store/seqslot.h"
#include "suites.h"
#include "util/text.h"

static struct peer_entry
entry(unsigned number, enum peer_state state)
{
	struct peer_entry e;

	memset(&e, 0, sizeof(e));
	snprintf(e.address, sizeof(e.address), "10.0.%u.%u:5000", number / 256, number % 256);
	snprintf(e.node, sizeof(e.node), "node-%u", number);
	text_copy(e.source, sizeof(e.source), "scan");
	e.state = state;
	e.head.height = number;
	e.since_ms = number * 10;
	return e;
}

static bool
set(struct store *s, unsigned number, enum peer_state state)
{
	struct peer_entry e = entry(number, state);

	return peer_table_set(s, &e);
}

static struct peer_slot *
slot_at(const struct store *s, uint32_t i)
{
	return &((struct peer_region *)at(s, s->super->peers_at))->slots[i];
}

static struct pause_slot *
pause_at(const struct store *s, uint32_t i)
{
	return &((struct pause_region *)at(s, s->super->pauses_at))->slots[i];
}

static const struct {
	enum peer_state state;
	const char *name;
} names[] = {
    {PEER_UNKNOWN, "unknown"},
    {PEER_UP, "up"},
    {PEER_REFUSED, "refused"},
    {PEER_SILENT, "silent"},
    {PEER_UNREACHABLE, "unreachable"},
    {PEER_NO_NODE, "no-node"},
    {PEER_OTHER_NETWORK, "other-network"},
    {PEER_OTHER_GENESIS, "other-genesis"},
    {PEER_OTHER_PROTOCOL, "other-protocol"},
    {PEER_SELF, "self"},
    {PEER_SPARE, "spare"},
    {PEER_SAME_NODE, "same-node"},
    {PEER_STATES, "unknown"},
    {(enum peer_state) - 1, "unknown"},
};

START_TEST(states_have_names)
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		ck_assert_str_eq(peer_state_name(names[i].state), names[i].name);
}
END_TEST

START_TEST(finds_what_was_set_until_it_is_removed)
{
	struct store *s = segment_make(&(struct segment_plan){0});
	struct peer_entry e, expected = entry(3, PEER_SILENT);
	uint64_t version = peer_table_version(s);

	ck_assert(!peer_table_find(s, expected.address, &e));
	ck_assert(!peer_table_get(s, 0, &e));
	for (unsigned i = 0; i < 6; i++)
		ck_assert(set(s, i, i == 3 ? PEER_SILENT : PEER_UP));
	ck_assert_uint_eq(peer_table_version(s), version + 6);
	ck_assert(peer_table_find(s, expected.address, &e));
	ck_assert(peer_table_has(s, expected.address) && !peer_table_has(s, "10.0.0.3:500"));
	ck_assert_mem_eq(&e, &expected, sizeof(e));
	ck_assert_uint_eq(peer_table_count(s, PEER_UP), 5);
	ck_assert_uint_eq(peer_table_count(s, PEER_SILENT), 1);
	/* The same address again replaces its entry. */
	ck_assert(set(s, 3, PEER_UP));
	ck_assert_uint_eq(peer_table_count(s, PEER_UP), 6);
	ck_assert_uint_eq(peer_table_count(s, PEER_SILENT), 0);
	version = peer_table_version(s);
	peer_table_remove(s, expected.address);
	ck_assert(!peer_table_has(s, expected.address));
	ck_assert_uint_ne(peer_table_version(s), version);
	ck_assert(!peer_table_find(s, expected.address, &e));
	version = peer_table_version(s);
	peer_table_remove(s, expected.address);
	ck_assert_uint_eq(peer_table_version(s), version);
	ck_assert_uint_eq(peer_table_count(s, PEER_UP), 5);
	/* Its place is used again. */
	ck_assert(set(s, 77, PEER_UP));
	ck_assert(peer_table_get(s, 3, &e));
	ck_assert_uint_eq(e.head.height, 77);
	ck_assert(!peer_table_get(s, 6, &e));
	ck_assert(!peer_table_get(s, PEER_TABLE_MAX, &e));
	ck_assert(!peer_table_get(s, UINT32_MAX, &e));
}
END_TEST

/* A full table of `there` but for one entry that is `odd`; `comes` is set to a new address. */
static const struct {
	enum peer_state there;
	enum peer_state odd;
	enum peer_state comes;
	bool enters;
} full_rows[] = {
    {PEER_UP, PEER_UP, PEER_UP, false},
    {PEER_UP, PEER_UP, PEER_REFUSED, false},
    {PEER_UP, PEER_REFUSED, PEER_UP, true},
    {PEER_UP, PEER_SELF, PEER_UP, true},
    {PEER_UP, PEER_REFUSED, PEER_SILENT, false},
    {PEER_REFUSED, PEER_UP, PEER_UP, true},
    {PEER_REFUSED, PEER_REFUSED, PEER_UNKNOWN, false},
    {PEER_UP, PEER_SPARE, PEER_UP, true},
    {PEER_UP, PEER_REFUSED, PEER_SPARE, true},
    {PEER_UP, PEER_SPARE, PEER_SPARE, false},
    {PEER_SPARE, PEER_UP, PEER_OTHER_NETWORK, false},
};

START_TEST(a_full_table_takes_a_peer_in_the_place_of_what_is_none)
{
	struct store *s = segment_make(&(struct segment_plan){0});
	struct peer_entry e, there = entry(100, full_rows[_i].odd), last = entry(511, full_rows[_i].there);
	struct peer_entry newcomer = entry(9999, full_rows[_i].comes);
	uint32_t up = 0;

	for (unsigned i = 0; i < PEER_TABLE_MAX; i++)
		ck_assert(set(s, i, i == 100 ? full_rows[_i].odd : full_rows[_i].there));
	up = peer_table_count(s, PEER_UP);
	ck_assert(peer_table_set(s, &newcomer) == full_rows[_i].enters);
	ck_assert(peer_table_find(s, newcomer.address, &e) == full_rows[_i].enters);
	ck_assert_uint_eq(peer_table_count(s, PEER_UP), up + (full_rows[_i].enters && full_rows[_i].comes == PEER_UP));
	if (full_rows[_i].odd == PEER_UP)
		ck_assert(peer_table_find(s, there.address, &e));
	/* Those that are there can still be changed, and a place that is given up taken. */
	ck_assert(set(s, 511, PEER_OTHER_GENESIS));
	ck_assert(peer_table_find(s, last.address, &e) && e.state == PEER_OTHER_GENESIS);
	peer_table_remove(s, last.address);
	ck_assert(set(s, 8888, PEER_SILENT));
}
END_TEST

/* Whoever has many addresses in one part of the net gets no more rows by having more. */
START_TEST(a_group_has_no_more_than_its_part_of_the_table)
{
	struct store *s = segment_make(&(struct segment_plan){0});
	struct peer_entry e;

	for (unsigned i = 0; i < PEER_TABLE_MAX; i++) {
		e = entry(i, PEER_SPARE);
		e.group = 7;
		ck_assert(peer_table_set(s, &e) == (i < PEER_GROUP_ROWS));
	}
	ck_assert_uint_eq(peer_table_count(s, PEER_SPARE), PEER_GROUP_ROWS);
	/* A better one takes the place of one of its own group, and configured ones are not counted. */
	e = entry(1000, PEER_UP);
	e.group = 7;
	ck_assert(peer_table_set(s, &e));
	ck_assert_uint_eq(peer_table_count(s, PEER_SPARE), PEER_GROUP_ROWS - 1);
	e = entry(1001, PEER_REFUSED);
	e.group = 7;
	text_copy(e.source, sizeof(e.source), "static");
	ck_assert(peer_table_set(s, &e));
	ck_assert_uint_eq(peer_table_count(s, PEER_SPARE), PEER_GROUP_ROWS - 1);
	/* Others have all the rest. */
	for (unsigned i = 0; i < 100; i++) {
		e = entry(2000 + i, PEER_REFUSED);
		e.group = 8;
		ck_assert(peer_table_set(s, &e));
	}
}
END_TEST

START_TEST(what_has_answered_longest_ago_makes_room_first)
{
	struct store *s = segment_make(&(struct segment_plan){0});
	struct peer_entry e, gone = entry(77, PEER_REFUSED);

	for (unsigned i = 0; i < PEER_TABLE_MAX; i++) {
		e = entry(i, PEER_REFUSED);
		e.good_ms = i == 77 ? 5 : 1000 + i;
		ck_assert(peer_table_set(s, &e));
	}
	e = entry(9000, PEER_UP);
	ck_assert(peer_table_set(s, &e));
	ck_assert(!peer_table_find(s, gone.address, &e));
	/* One that never answered goes even before. */
	e = entry(9001, PEER_SILENT);
	ck_assert(!peer_table_set(s, &e));
}
END_TEST

static const struct {
	int64_t skews[6];
	uint32_t count;
	int64_t median;
} skew_rows[] = {
    {{0}, 0, 0},
    {{-4000}, 1, -4000},
    {{10, 90000}, 2, 10},
    {{-10, -90000}, 2, -10},
    {{1, 90000, 90001}, 3, 90000},
    {{-5, 1, 2, INT64_MAX, INT64_MAX}, 5, 2},
    {{INT64_MAX, -50, -40, -30, -INT64_MAX, -20}, 6, -30},
};

START_TEST(the_skew_is_the_median_of_those_that_are_up)
{
	struct store *s = segment_make(&(struct segment_plan){0});
	struct peer_entry e = entry(99, PEER_SPARE);
	uint32_t count;

	e.skew_ms = 7777777;
	ck_assert(peer_table_set(s, &e));
	for (unsigned i = 0; i < skew_rows[_i].count; i++) {
		e = entry(i, PEER_UP);
		e.skew_ms = skew_rows[_i].skews[i];
		ck_assert(peer_table_set(s, &e));
	}
	ck_assert_int_eq(peer_table_skew(s, &count), skew_rows[_i].median);
	ck_assert_uint_eq(count, skew_rows[_i].count);
}
END_TEST

START_TEST(a_half_written_entry_is_read_by_nobody_and_emptied_by_the_next_writer)
{
	struct store *s = segment_make(&(struct segment_plan){0});
	struct peer_entry e, mine = entry(1, PEER_UP);
	uint32_t seq;

	for (unsigned i = 0; i < 3; i++)
		ck_assert(set(s, i, PEER_UP));
	/* A writer dies with the entry half changed. */
	seqslot_open(&slot_at(s, 1)->seq);
	memset(&slot_at(s, 1)->entry.node, 'x', 32);
	ck_assert(!peer_table_get(s, 1, &e));
	ck_assert(!peer_table_find(s, mine.address, &e));
	ck_assert_uint_eq(peer_table_count(s, PEER_UP), 2);
	seq = atomic_load(&slot_at(s, 1)->seq);
	peer_table_recover(s);
	ck_assert_uint_eq(atomic_load(&slot_at(s, 1)->seq), seq + 1);
	ck_assert(!peer_table_get(s, 1, &e));
	ck_assert_uint_eq(slot_at(s, 1)->entry.node[0], 0);
	ck_assert(peer_table_get(s, 0, &e) && peer_table_get(s, 2, &e));
	ck_assert(set(s, 9, PEER_UP));
	ck_assert(peer_table_get(s, 1, &e) && e.head.height == 9);
	peer_table_recover(s);
	ck_assert_uint_eq(peer_table_count(s, PEER_UP), 3);
}
END_TEST

/* A reader takes each entry whole while discovery rewrites it. */
struct race {
	_Atomic uint32_t is_over;
	_Atomic uint32_t reads;
};

static void
read_entries(struct store *s, void *arg)
{
	struct race *race = arg;
	struct peer_entry e, expected;

	while (!atomic_load(&race->is_over)) {
		if (!peer_table_get(s, 0, &e))
			continue;
		expected = entry((unsigned)(e.since_ms / 10), e.state);
		memcpy(expected.address, e.address, sizeof(e.address));
		need(memcmp(&e, &expected, sizeof(e)) == 0);
		atomic_fetch_add(&race->reads, 1);
	}
}

static void
rewrite_entries(struct store *s, void *arg)
{
	struct race *race = arg;
	struct peer_entry e, first = entry(0, PEER_UP);

	for (unsigned i = 0; i < 20000 || atomic_load(&race->reads) < 1000; i++) {
		e = entry(i, PEER_UP);
		memcpy(e.address, first.address, sizeof(e.address));
		need(peer_table_set(s, &e));
	}
	atomic_store(&race->is_over, 1);
}

START_TEST(readers_never_see_half_an_entry)
{
	struct store *s = segment_make(&(struct segment_plan){0});
	struct race *race = share(sizeof(*race));
	pid_t reader = spawn(s, STORE_READ, 0, 0, read_entries, race);
	pid_t writer = spawn(s, STORE_DISCOVERY, 1, 0, rewrite_entries, race);

	await_ok(s, writer);
	await_ok(s, reader);
	ck_assert_uint_eq(peer_table_count(s, PEER_UP), 1);
}
END_TEST

START_TEST(pauses_double_from_30_seconds_to_an_hour)
{
	static const uint64_t lengths_s[] = {30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600};
	struct store *s = segment_make(&(struct segment_plan){0});
	uint64_t now = 1000000;
	struct peer_pause p;

	ck_assert(!peer_pause_find(s, "10.0.0.1:5000", now, &p));
	for (size_t i = 0; i < ARRAY_LEN(lengths_s); i++) {
		uint64_t length = peer_pause_set(s, "10.0.0.1:5000", i == 0 ? "high-s" : "bad-block", now);
		ck_assert_uint_eq(length, lengths_s[i] * 1000);
		ck_assert(peer_pause_find(s, "10.0.0.1:5000", now, &p));
		ck_assert_str_eq(p.address, "10.0.0.1:5000");
		ck_assert_str_eq(p.rule, i == 0 ? "high-s" : "bad-block");
		ck_assert_uint_eq(p.count, i + 1);
		ck_assert_uint_eq(p.until_ms, now + length);
		ck_assert(peer_pause_find(s, "10.0.0.1:5000", now + length - 1, &p));
		/* Over, and still remembered: the next one is longer. */
		ck_assert(!peer_pause_find(s, "10.0.0.1:5000", now + length, &p));
		ck_assert(!peer_pause_find(s, "10.0.0.2:5000", now, &p));
		now += length;
	}
}
END_TEST

static void
pause(struct store *s, unsigned number, uint64_t now)
{
	struct peer_entry e = entry(number, PEER_UP);

	peer_pause_set(s, e.address, "rule", now);
}

static bool
is_paused(const struct store *s, unsigned number, uint64_t now)
{
	struct peer_entry e = entry(number, PEER_UP);
	struct peer_pause p;

	return peer_pause_find(s, e.address, now, &p);
}

START_TEST(when_all_places_are_taken_the_pause_that_ends_first_goes)
{
	struct store *s = segment_make(&(struct segment_plan){0});

	/* Number 40 is the first to end, then 0, 1, 2, … */
	for (unsigned i = 0; i < PAUSE_TABLE_MAX; i++)
		pause(s, i, i == 40 ? 500 : 1000 + i);
	for (unsigned i = 0; i < PAUSE_TABLE_MAX; i++)
		ck_assert(is_paused(s, i, 2000));
	pause(s, 1000, 3000);
	for (unsigned i = 0; i < PAUSE_TABLE_MAX; i++)
		ck_assert(is_paused(s, i, 2000) == (i != 40));
	pause(s, 1001, 3000);
	ck_assert(!is_paused(s, 0, 2000) && is_paused(s, 1, 2000));
	ck_assert(is_paused(s, 1000, 3000) && is_paused(s, 1001, 3000));
}
END_TEST

START_TEST(a_note_is_no_pause_and_outlives_one)
{
	struct store *s = segment_make(&(struct segment_plan){0});
	struct peer_pause p;

	peer_note_set(s, "10.0.0.1:5000", "");
	ck_assert(!peer_note_find(s, "10.0.0.1:5000", &p));
	peer_note_set(s, "10.0.0.1:5000", "reorg-too-deep");
	ck_assert(peer_note_find(s, "10.0.0.1:5000", &p));
	ck_assert_str_eq(p.note, "reorg-too-deep");
	ck_assert(!peer_note_find(s, "10.0.0.2:5000", &p));
	ck_assert(!peer_pause_find(s, "10.0.0.1:5000", 0, &p));
	/* The first pause is as short as any first one. */
	ck_assert_uint_eq(peer_pause_set(s, "10.0.0.1:5000", "high-s", 1000), 30000);
	ck_assert(peer_note_find(s, "10.0.0.1:5000", &p));
	ck_assert_str_eq(p.note, "reorg-too-deep");
	peer_note_set(s, "10.0.0.1:5000", "");
	ck_assert(!peer_note_find(s, "10.0.0.1:5000", &p));
	ck_assert(peer_pause_find(s, "10.0.0.1:5000", 1000, &p));
	ck_assert_uint_eq(p.count, 1);
}
END_TEST

START_TEST(a_half_written_pause_is_read_by_nobody_and_its_place_used_again)
{
	struct store *s = segment_make(&(struct segment_plan){0});
	uint32_t seq;

	for (unsigned i = 0; i < 5; i++)
		pause(s, i, 1000);
	seqslot_open(&pause_at(s, 2)->seq);
	memset(pause_at(s, 2)->pause.address, 'x', 8);
	ck_assert(!is_paused(s, 2, 1000));
	ck_assert(is_paused(s, 4, 1000));
	seq = atomic_load(&pause_at(s, 2)->seq);
	pause(s, 6, 1000);
	ck_assert_uint_eq(atomic_load(&pause_at(s, 2)->seq), seq + 3);
	ck_assert(is_paused(s, 6, 1000));
	ck_assert_uint_eq(atomic_load(&pause_at(s, 5)->is_used), 0);
	for (unsigned i = 0; i < 5; i++)
		ck_assert(is_paused(s, i, 1000) == (i != 2));
}
END_TEST

START_TEST(long_addresses_and_rules_are_cut)
{
	struct store *s = segment_make(&(struct segment_plan){0});
	char address[100];
	struct peer_pause p;

	memset(address, 'a', sizeof(address) - 1);
	address[sizeof(address) - 1] = '\0';
	peer_pause_set(s, address, address, 0);
	address[PEER_ADDRESS_SIZE - 1] = '\0';
	ck_assert(peer_pause_find(s, address, 0, &p));
	ck_assert_uint_eq(strlen(p.rule), sizeof(p.rule) - 1);
}
END_TEST

START_TEST(pauses_can_be_carried_into_another_segment)
{
	static struct peer_pause kept[PAUSE_TABLE_MAX];
	bool is_taken[PAUSE_TABLE_MAX];
	struct store *s = segment_make(&(struct segment_plan){0});
	struct peer_pause p;

	pause(s, 1, 1000);
	pause(s, 2, 1000);
	pause(s, 2, 1000);
	for (uint32_t i = 0; i < PAUSE_TABLE_MAX; i++) {
		is_taken[i] = peer_pause_get(s, i, &kept[i]);
		ck_assert(is_taken[i] == (i < 2));
	}
	ck_assert(!peer_pause_get(s, PAUSE_TABLE_MAX, &p));
	s = segment_make(&(struct segment_plan){0});
	ck_assert(!is_paused(s, 1, 1000));
	for (uint32_t i = 0; i < PAUSE_TABLE_MAX; i++)
		if (is_taken[i])
			peer_pause_put(s, i, &kept[i]);
	peer_pause_put(s, PAUSE_TABLE_MAX, &kept[0]);
	ck_assert(is_paused(s, 1, 30999) && !is_paused(s, 1, 31000));
	ck_assert(is_paused(s, 2, 60999) && !is_paused(s, 2, 61000));
	ck_assert(!is_paused(s, 3, 1000));
	/* Counted on. */
	ck_assert_uint_eq(peer_pause_set(s, kept[1].address, "rule", 0), 120000);
}
END_TEST

Suite *
suite_peer_table(void)
{
	Suite *suite;
	TCase *tc = segment_case(&suite, "peer table", 30);
	tcase_add_test(tc, states_have_names);
	tcase_add_test(tc, finds_what_was_set_until_it_is_removed);
	tcase_add_loop_test(tc, a_full_table_takes_a_peer_in_the_place_of_what_is_none, 0, ARRAY_LEN(full_rows));
	tcase_add_test(tc, a_group_has_no_more_than_its_part_of_the_table);
	tcase_add_test(tc, what_has_answered_longest_ago_makes_room_first);
	tcase_add_loop_test(tc, the_skew_is_the_median_of_those_that_are_up, 0, ARRAY_LEN(skew_rows));
	tcase_add_test(tc, a_half_written_entry_is_read_by_nobody_and_emptied_by_the_next_writer);
	tcase_add_test(tc, readers_never_see_half_an_entry);
	tcase_add_test(tc, pauses_double_from_30_seconds_to_an_hour);
	tcase_add_test(tc, when_all_places_are_taken_the_pause_that_ends_first_goes);
	tcase_add_test(tc, a_note_is_no_pause_and_outlives_one);
	tcase_add_test(tc, a_half_written_pause_is_read_by_nobody_and_its_place_used_again);
	tcase_add_test(tc, long_addresses_and_rules_are_cut);
	tcase_add_test(tc, pauses_can_be_carried_into_another_segment);
	return suite;
}
