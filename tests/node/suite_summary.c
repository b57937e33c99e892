/* The line that tells once a minute what a node has done. */
#include <stdio.h>
#include <unistd.h>

#include "crew.h"
#include "node/summary.h"
#include "store/disk_maker.h"
#include "store/peer_table.h"
#include "store/role_table.h"
#include "suites.h"
#include "util/clock.h"
#include "util/log.h"

static struct crew crew;
static struct summary summary;

static void
begin(void)
{
	crew_ready(&crew);
	log_set_level(LOG_LEVEL_INFO);
	/* Sums are of roles that were started: here it is this process that counts. */
	role_started(crew.store, 0, "worker", getpid(), clock_wall_ms(), clock_mono_ms());
	summary_begin(&summary, crew.store);
}

static void
end(void)
{
	crew_close(&crew);
}

/* So many blocks with so many transfers each. */
static void
grow(uint32_t blocks, uint32_t transfers)
{
	struct maker m;

	maker_init(&m, crew.store, 5);
	ck_assert_int_eq(durable_grow(&m, chain_tip(crew.store), blocks, transfers), OK);
	maker_clear(&m);
}

START_TEST(says_nothing_while_nothing_moves)
{
	summary_tell(&summary, crew.store);
	/* Requests alone are no news. */
	role_count(crew.store, COUNT_REQUESTS, 100);
	summary_tell(&summary, crew.store);
	ck_assert(!crew_said(&crew, "summary:"));
	ck_assert_uint_eq(summary.requests, 0);
}
END_TEST

START_TEST(tells_how_the_chain_has_grown_since_it_told_last)
{
	grow(1, 0);
	summary_tell(&summary, crew.store);
	ck_assert(crew_said(
	    &crew, "\"summary: height 0 -> 1, 1 block with 0 transfers; 0 pending, 0 peers up, 0 requests answered\""));
	role_count(crew.store, COUNT_REQUESTS, 7);
	grow(4, 3);
	struct block b;
	uint64_t transfers = 0;
	for (struct blockref at = chain_tip(crew.store); chain_height(crew.store, at) > 1;
	     at = chain_parent(crew.store, at)) {
		chain_block(crew.store, at, &b);
		transfers += b.tx_count - 1;
	}
	ck_assert_uint_gt(transfers, 0);
	summary_tell(&summary, crew.store);
	char words[160];
	snprintf(words, sizeof(words),
		 "\"summary: height 1 -> 5, 4 blocks with %u transfers; 0 pending, 0 peers up, 7 requests answered\"",
		 (unsigned)transfers);
	ck_assert_msg(crew_said(&crew, words), "%s", words);
}
END_TEST

START_TEST(tells_of_peers_that_came)
{
	struct peer_entry e = {.address = "10.0.0.2:5000", .state = PEER_UP};

	ck_assert(peer_table_set(crew.store, &e));
	summary_tell(&summary, crew.store);
	ck_assert(crew_said(&crew, "\"summary: height 0; 0 pending, 1 peer up, 0 requests answered\""));
}
END_TEST

Suite *
suite_summary(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "summary", 60);

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, says_nothing_while_nothing_moves);
	tcase_add_test(tc, tells_how_the_chain_has_grown_since_it_told_last);
	tcase_add_test(tc, tells_of_peers_that_came);
	return suite;
}
