/* A verifier: what lies on the board is checked, and whoever posted it has the same answers as if he had done it alone. */
#include <signal.h>
#include <string.h>

#include "crew.h"
#include "store/board.h"
#include "store/chain_maker.h"
#include "store/layout.h"
#include "suites.h"
#include "util/failpoint.h"

#define ITEMS 600 /* more than a verifier checks in one turn of its loop */

static struct crew crew;
static struct board_item items[ITEMS];

/* Every seventh is bad. */
static bool
is_to_be_good(uint32_t i)
{
	return i % 7 != 3;
}

static void
begin(void)
{
	struct tx tx;

	crew_ready(&crew);
	tx = transfer(crew.store, 0, 1, 100, 10, 0);
	for (uint32_t i = 0; i < ITEMS; i++) {
		items[i] = (struct board_item){.digest = tx_id(&tx), .signature = tx.signature, .key = tx.sender_key};
		if (!is_to_be_good(i))
			items[i].digest.b[i % HASH_SIZE] ^= 1;
	}
}

static void
end(void)
{
	crew_close(&crew);
}

/* Has anybody answered for all of the first batch, and rightly? */
static bool
is_answered(void)
{
	const struct board_region *b = board_at(crew.store);

	for (uint32_t i = 0; i < ITEMS; i++) {
		uint32_t answer = atomic_load(&b->answers[i]);
		if (answer >> 1 != 1)
			return false;
		ck_assert_msg((answer & 1) == is_to_be_good(i), "item %u", i);
	}
	return true;
}

START_TEST(checks_what_was_posted_when_its_bell_rings)
{
	crew_start(&crew, "verifier");
	board_post(crew.store, items, ITEMS);
	bell_ring(&crew.env.bells, BELL_VERIFIERS);
	crew_until(is_answered());
	ck_assert_int_eq(crew_stop(&crew, "verifier"), CHILD_STOPPED);
}
END_TEST

START_TEST(checks_what_was_posted_before_it_came)
{
	board_post(crew.store, items, ITEMS);
	crew_start(&crew, "verifier");
	crew_until(is_answered());
}
END_TEST

#ifdef RENSA_FAILPOINTS
START_TEST(what_it_took_before_it_died_is_checked_by_who_posted_it)
{
	bool is_good[ITEMS];

	failpoint_arm("board.taken", FAILPOINT_KILL, 3);
	board_post(crew.store, items, ITEMS);
	crew_start(&crew, "verifier");
	ck_assert_int_eq(crew_wait(&crew, "verifier"), CREW_SIGNAL + SIGKILL);
	failpoint_clear();
	board_finish(crew.store, items, ITEMS, is_good);
	for (uint32_t i = 0; i < ITEMS; i++)
		ck_assert_msg(is_good[i] == is_to_be_good(i), "item %u", i);
}
END_TEST
#endif

Suite *
suite_role_verifier(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "role verifier", 60);

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, checks_what_was_posted_when_its_bell_rings);
	tcase_add_test(tc, checks_what_was_posted_before_it_came);
#ifdef RENSA_FAILPOINTS
	tcase_add_test(tc, what_it_took_before_it_died_is_checked_by_who_posted_it);
#endif
	return suite;
}
