/* Signatures checked ahead of the judge: what is said to be good is, and nobody waits for a helper that is gone. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "disk/sigcheck.h"
#include "logkit.h"
#include "suites.h"
#include "util/bytes.h"
#include "util/clock.h"

#define BLOCKS 40
#define TRANSFERS 80 /* in each: so all of them are drawn in some ten times */

static struct framelog *log_now;
static struct journal journal;
static uint32_t order[BLOCKS];
static struct buf made[BLOCKS];

static bool
is_bad(uint32_t place)
{
	return place % 7 == 3;
}

/* Nothing in it is right but the form, and the signatures: no judge sees it. */
static void
make_block(struct buf *out, uint32_t place)
{
	static const struct seckey secret = {{7}};
	struct header h = {.version = BLOCK_VERSION, .height = place + 1, .nonce = place};
	struct tx reward = {.version = TX_REWARD}, tx = {.version = TX_TRANSFER, .value = 1, .sequence = place};
	uint8_t bytes[TX_SIZE_MAX];
	struct writer w = writer_of(bytes, sizeof(bytes));

	block_begin(out, &h, 1 + TRANSFERS);
	tx_encode(&w, &reward);
	buf_append(out, bytes, writer_len(&w));
	ck_assert_int_eq(tx_sign(&tx, &secret), OK);
	for (int i = 0; i < TRANSFERS; i++) {
		w = writer_of(bytes, sizeof(bytes));
		if (is_bad(place) && i == TRANSFERS - 1)
			tx.value++;
		tx_encode(&w, &tx);
		buf_append(out, bytes, writer_len(&w));
	}
}

static void
setup(void)
{
	static struct journal_frame frame;
	struct log_place place = {0};
	struct buf why;

	kit_clear();
	log_now = kit_open(0);
	journal_frame_begin(&frame);
	for (uint32_t i = 0; i < BLOCKS; i++) {
		struct hash256 hash;

		buf_init(&made[i]);
		make_block(&made[i], i);
		hash = header_hash_bytes((const uint8_t *)made[i].data);
		ck_assert(journal_frame_block(&frame, &hash, made[i].data, made[i].len));
		/* From the last to the first: places are not the journal's numbers. */
		order[i] = BLOCKS - 1 - i;
		if (i == BLOCKS - 1)
			journal_frame_tip(&frame, &hash, BLOCKS);
	}
	ck_assert_int_eq(framelog_append(log_now, &place, &frame.frame, true), OK);
	buf_init(&why);
	ck_assert_msg(journal_open(&journal, log_now, false, NULL, NULL, &why) == OK, "%s", why.data);
	ck_assert_uint_eq(journal.count, BLOCKS);
	buf_clear(&why);
}

static void
teardown(void)
{
	journal_close(&journal);
	framelog_free(log_now);
	for (uint32_t i = 0; i < BLOCKS; i++)
		buf_clear(&made[i]);
	kit_clear();
}

START_TEST(finds_every_good_block_and_no_other)
{
	struct sigcheck *s = sigcheck_begin(&journal, order, BLOCKS);

	/* One that a helper has in hand is not known to be good yet. */
	for (uint32_t i = 0; i < BLOCKS; i++)
		while (!is_bad(order[i]) && !sigcheck_is_good(s, i))
			clock_sleep_ms(1);
	for (uint32_t i = 0; i < BLOCKS; i++)
		ck_assert(sigcheck_is_good(s, i) != is_bad(order[i]));
	sigcheck_end(s);
}
END_TEST

START_TEST(may_end_before_all_is_checked)
{
	for (int i = 0; i < 20; i++) {
		struct sigcheck *s = sigcheck_begin(&journal, order, BLOCKS);
		ck_assert(!sigcheck_is_good(s, 1) || !is_bad(order[1]));
		sigcheck_end(s);
	}
}
END_TEST

START_TEST(waits_for_no_helper_that_was_killed)
{
	struct sigcheck *s = sigcheck_begin(&journal, order, BLOCKS);
	char path[64];
	int helper;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	FILE *f = fopen(path, "r");
	ck_assert_ptr_nonnull(f);
	while (fscanf(f, "%d", &helper) == 1)
		kill(helper, SIGKILL);
	fclose(f);
	for (uint32_t i = 0; i < BLOCKS; i++)
		ck_assert(!sigcheck_is_good(s, i) || !is_bad(order[i]));
	sigcheck_end(s);
}
END_TEST

START_TEST(a_chain_without_blocks_has_none_that_are_bad)
{
	struct sigcheck *s = sigcheck_begin(&journal, order, 0);
	sigcheck_end(s);
	s = sigcheck_begin(&journal, order, 1);
	ck_assert(sigcheck_is_good(s, 0) != is_bad(order[0]));
	sigcheck_end(s);
}
END_TEST

Suite *
suite_sigcheck(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "sigcheck", 30);
	kit_use(tc);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, finds_every_good_block_and_no_other);
	tcase_add_test(tc, may_end_before_all_is_checked);
	tcase_add_test(tc, waits_for_no_helper_that_was_killed);
	tcase_add_test(tc, a_chain_without_blocks_has_none_that_are_bad);
	return suite;
}
