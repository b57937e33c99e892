/*
 * The transcript: what readers find in it is always the text of their own chain's blocks, whatever the scribe is at, however
 * it died, and wherever the chain turned; and what the scribe has finished is all there.
 *
 * A text here says of which block it is, so a reader can tell.
 */
#include "store/transcript.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "chain_maker.h"
#include "process.h"
#include "suites.h"
#include "util/failpoint.h"

#define TEXT_SIZE 512
#define TIPS_MAX 64
#define STEP 50 /* blocks that the scribe adds at once */
#define ROOM (UINT64_C(8) << 20)

static struct transcript *t;
static struct store *s;
static struct maker m;

/* What a child is to do. */
struct errand {
	struct blockref tips[TIPS_MAX]; /* scribe: where to go in order; reader: chains to look at */
	size_t count;
	const char *point; /* scribe: killed there */
	const char *fault; /* scribe: fails there */
	unsigned pass;
	bool is_all_there; /* reader: of the last tip every block must be found */
	uint64_t passages; /* … in so many passages */
	enum err ending;   /* scribe: how the last step ends */
	_Atomic uint32_t is_done;
};
static struct errand *errand;

static size_t
write_text(char *out, struct blockref block)
{
	size_t len = 300 + block.v % 200;

	memset(out, '.', len);
	len = (size_t)snprintf(out, TEXT_SIZE, ",%" PRIu64 "@%" PRIu64, chain_height(s, block), block.v);
	out[len] = '.';
	return 300 + block.v % 200;
}

static void
begin_with(uint64_t size_max)
{
	ck_assert_int_eq(transcript_create(&t, size_max), OK);
	s = segment_make(&(struct segment_plan){.size_max = UINT64_C(128) << 20});
	maker_init(&m, s, 5);
	errand = share(sizeof(*errand));
}

static void
begin(void)
{
	begin_with(ROOM);
}

static void
end(void)
{
	maker_clear(&m);
	transcript_free(t);
	segment_unmake();
}

static enum err
write_up_to(struct blockref target)
{
	struct blockref blocks[STEP], top = transcript_top(t), fork;
	static char text[STEP * TEXT_SIZE];
	size_t ends[STEP], count, len = 0;
	uint64_t from = 0;
	enum err e;

	if (top.v != 0) {
		fork = chain_fork(s, top, target);
		if (!blockref_equal(fork, top) && !blockref_equal(fork, target))
			transcript_turn(t, fork);
		from = chain_height(s, fork) + 1;
	}
	while ((count = chain_window(s, target, from, blocks, STEP)) > 0) {
		len = 0;
		for (size_t i = 0; i < count; i++) {
			len += write_text(text + len, blocks[i]);
			ends[i] = len;
		}
		if ((e = transcript_add(t, s, blocks, ends, count, text)) != OK)
			return e;
		from += count;
	}
	return OK;
}

static void
be_scribe(struct store *store, void *arg)
{
	struct errand *job = arg;
	enum err e = OK;

	(void)store;
	need(transcript_attach(t, true) == OK);
	if (job->point != NULL)
		failpoint_arm(job->point, FAILPOINT_KILL, job->pass);
	if (job->fault != NULL)
		failpoint_arm(job->fault, FAILPOINT_FAIL, job->pass);
	for (size_t i = 0; i < job->count && e == OK; i++)
		e = write_up_to(job->tips[i]);
	failpoint_clear();
	need(e == job->ending);
	while (transcript_pack(t))
		;
	atomic_store(&job->is_done, 1);
}

/* Each text of the passage, mapped and read, is that of the block. */
static void
check_passage(struct blockref tip, uint64_t from, const struct passage *p)
{
	static char got[ROOM];
	char want[TEXT_SIZE];
	size_t at = 0, len;

	need(p->len < sizeof(got));
	need(pread(transcript_fd(t), got, p->len, (off_t)p->at) == (ssize_t)p->len);
	need(memcmp(got, transcript_text(t, p), p->len) == 0);
	for (uint64_t i = 0; i < p->blocks; i++) {
		len = write_text(want, chain_at(s, tip, from + i));
		/* The first one's separator is left out. */
		need(at + len - 1 <= p->len);
		need(memcmp(got + at, want + 1, len - 1) == 0);
		at += len - 1;
		need(i + 1 == p->blocks || got[at++] == ',');
	}
	need(at == p->len);
}

/* How many passages the chain is in, found one behind the other; is_whole: and nothing between them. */
static uint64_t
read_chain(struct blockref tip, bool *is_whole)
{
	uint64_t last = chain_height(s, tip), passages = 0;
	struct passage p;

	*is_whole = true;
	for (uint64_t h = 0; h <= last; h += p.blocks) {
		p = transcript_find(t, s, tip, h, last);
		if (p.blocks == 0) {
			*is_whole = false;
			p.blocks = 1;
			continue;
		}
		need(p.blocks <= last - h + 1);
		check_passage(tip, h, &p);
		passages++;
	}
	return passages;
}

static void
be_reader(struct store *store, void *arg)
{
	const struct errand *job = arg;
	uint64_t passages = 0;
	bool is_whole = false;

	(void)store;
	need(transcript_attach(t, false) == OK);
	for (size_t i = 0; i < job->count; i++)
		passages = read_chain(job->tips[i], &is_whole);
	need(is_whole || !job->is_all_there);
	need(job->passages == 0 || passages == job->passages);
}

static void
run(process_run *what, uint32_t role)
{
	await_ok(s, spawn(s, STORE_READ, role, 0, what, errand));
}

static void
look_at(const struct blockref *tips, size_t count, bool is_all_there, uint64_t passages)
{
	memcpy(errand->tips, tips, count * sizeof(*tips));
	errand->count = count;
	errand->is_all_there = is_all_there;
	errand->passages = passages;
	run(be_reader, 1);
}

static void
write_for(struct blockref tip)
{
	errand->tips[0] = tip;
	errand->count = 1;
	run(be_scribe, 0);
}

static struct blockref
grow(struct blockref from, unsigned blocks)
{
	ck_assert_int_eq(maker_grow(&m, from, blocks, 0), OK);
	return chain_tip(s);
}

START_TEST(has_nothing_at_first)
{
	struct blockref tip = grow(chain_tip(s), 5);

	look_at(&tip, 1, false, 0);
	write_for(tip);
	look_at(&tip, 1, true, 1);
}
END_TEST

static void
find_slices(struct store *store, void *arg)
{
	struct blockref tip = chain_tip(s);

	(void)store, (void)arg;
	need(transcript_attach(t, false) == OK);
	for (uint64_t from = 0; from <= 300; from += 37)
		for (uint64_t last = from; last <= 300; last += 29) {
			struct passage p = transcript_find(t, s, tip, from, last);
			need(p.blocks == last - from + 1);
			check_passage(tip, from, &p);
		}
	need(transcript_find(t, s, tip, 7, 6).blocks == 0);
}

START_TEST(finds_any_slice_of_a_chain_that_only_grew_in_one_passage)
{
	write_for(grow(chain_tip(s), 300));
	await_ok(s, spawn(s, STORE_READ, 1, 0, find_slices, NULL));
}
END_TEST

START_TEST(shows_each_reader_its_own_chain_after_a_reorganisation)
{
	struct blockref tips[3];

	tips[0] = grow(chain_tip(s), 200);
	write_for(tips[0]);
	tips[1] = grow(chain_at(s, tips[0], 150), 80);
	/* The scribe has not seen it: the common part is there, and nothing of the rest. */
	look_at(&tips[1], 1, false, 1);
	write_for(tips[1]);
	look_at(tips, 2, true, 2);
	/* And turned again below where it did before. */
	tips[2] = grow(chain_at(s, tips[0], 120), 130);
	write_for(tips[2]);
	look_at(tips, 3, true, 2);
	/* Back to what was lost. */
	ck_assert_int_eq(chain_swap(s, tips[0]), OK);
	write_for(tips[0]);
	look_at(tips, 3, false, 0);
	look_at(tips, 1, true, 0);
}
END_TEST

START_TEST(holds_through_any_reorganisations)
{
	struct blockref tips[TIPS_MAX];
	uint64_t random = 77, deep;

	tips[0] = grow(chain_tip(s), 60);
	for (size_t i = 1; i < TIPS_MAX; i++) {
		deep = random_below(&random, 40);
		tips[i] = grow(chain_at(s, tips[i - 1], chain_height(s, tips[i - 1]) - deep),
			       (unsigned)(deep + random_below(&random, 10)) + 1);
		if (random_below(&random, 3) > 0)
			write_for(tips[i]);
		look_at(tips, i + 1, false, 0);
	}
	write_for(tips[TIPS_MAX - 1]);
	look_at(tips, TIPS_MAX, true, 0);
}
END_TEST

#ifdef RENSA_FAILPOINTS
static const char *const points[] = {"transcript.written", "transcript.counted", "transcript.shown"};

START_TEST(a_scribe_killed_at_any_point_leaves_nothing_wrong)
{
	struct blockref tips[3];
	unsigned pass = 1;
	bool is_reached = true;

	tips[0] = grow(chain_tip(s), 120);
	tips[1] = grow(chain_at(s, tips[0], 70), 100);
	tips[2] = grow(chain_at(s, tips[0], 110), 90);
	for (; is_reached; pass++) {
		/* There and back, over the same heights. */
		for (size_t i = 0; i < 6; i++)
			errand->tips[i] = tips[i % 3];
		errand->count = 6;
		errand->point = points[_i];
		errand->pass = pass;
		is_reached = was_killed(s, STORE_READ, 0, be_scribe, errand);
		look_at(tips, 3, false, 0);
		errand->point = NULL;
		write_for(tips[pass % 3]);
		look_at(tips, 3, false, 0);
		look_at(&tips[pass % 3], 1, true, 0);
	}
	ck_assert_uint_gt(pass, 5);
}
END_TEST

/* As when the log files are opened anew in that moment. */
START_TEST(a_signal_is_not_taken_for_a_lack_of_memory)
{
	struct blockref tip = grow(chain_tip(s), 20);

	errand->fault = "transcript.interrupted";
	errand->pass = (unsigned)_i;
	write_for(tip);
	look_at(&tip, 1, true, 1);
}
END_TEST
#else
static const char *const points[] = {NULL};
#endif

START_TEST(says_when_it_is_full_and_keeps_what_it_has)
{
	struct blockref tip;

	transcript_free(t);
	ck_assert_int_eq(transcript_create(&t, UINT64_C(64) << 10), OK);
	tip = grow(chain_tip(s), 400);
	errand->ending = ERR_LIMIT;
	write_for(tip);
	look_at(&tip, 1, false, 1);
	write_for(tip);
	look_at(&tip, 1, false, 1);
}
END_TEST

START_TEST(is_packed_into_large_pages_without_a_change)
{
	/* Three of them, and a rest; whether the kernel has them or not. */
	struct blockref tip = grow(chain_tip(s), 17000);

	write_for(tip);
	errand->passages = 0;
	for (uint64_t height = 4000; height <= 16000; height += 4000) {
		struct blockref part = chain_at(s, tip, height);
		look_at(&part, 1, true, 0);
	}
}
END_TEST

static void
try_to_write(struct store *store, void *arg)
{
	struct passage p;

	(void)store, (void)arg;
	need(transcript_attach(t, false) == OK);
	p = transcript_find(t, s, chain_tip(s), 0, 0);
	need(p.blocks == 1);
	need(pwrite(transcript_fd(t), "x", 1, (off_t)p.at) == -1 && errno == EBADF);
	need(mprotect((void *)((uintptr_t)transcript_text(t, &p) & ~UINT64_C(4095)), 4096, PROT_READ | PROT_WRITE) ==
		 -1 &&
	     errno == EACCES);
	need(ftruncate(transcript_fd(t), 0) == -1);
}

START_TEST(cannot_be_written_by_who_reads)
{
	write_for(grow(chain_tip(s), 3));
	await_ok(s, spawn(s, STORE_READ, 1, 0, try_to_write, NULL));
}
END_TEST

static void
read_all_the_while(struct store *store, void *arg)
{
	const struct errand *job = arg;
	struct blockref tips[6];
	bool is_whole;

	(void)store;
	memcpy(tips, job->tips, sizeof(tips));
	need(transcript_attach(t, false) == OK);
	while (!atomic_load(&job->is_done))
		for (size_t i = 0; i < ARRAY_LEN(tips); i++)
			(void)read_chain(tips[i], &is_whole);
}

START_TEST(shows_nothing_wrong_while_it_is_written)
{
	pid_t readers[2];

	errand->tips[0] = grow(chain_tip(s), 100);
	for (size_t i = 1; i < TIPS_MAX; i++)
		errand->tips[i] = i < 6 ? grow(chain_at(s, errand->tips[0], 30 + 10 * i), 60) : errand->tips[i % 6];
	errand->count = TIPS_MAX;
	for (uint32_t i = 0; i < ARRAY_LEN(readers); i++)
		readers[i] = spawn(s, STORE_READ, i + 1, 0, read_all_the_while, errand);
	run(be_scribe, 0);
	for (size_t i = 0; i < ARRAY_LEN(readers); i++)
		await_ok(s, readers[i]);
}
END_TEST

Suite *
suite_transcript(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "transcript", 120);

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, has_nothing_at_first);
	tcase_add_test(tc, finds_any_slice_of_a_chain_that_only_grew_in_one_passage);
	tcase_add_test(tc, shows_each_reader_its_own_chain_after_a_reorganisation);
	tcase_add_test(tc, holds_through_any_reorganisations);
#ifdef RENSA_FAILPOINTS
	tcase_add_loop_test(tc, a_scribe_killed_at_any_point_leaves_nothing_wrong, 0, ARRAY_LEN(points));
	tcase_add_loop_test(tc, a_signal_is_not_taken_for_a_lack_of_memory, 1, 3);
#endif
	(void)points;
	tcase_add_test(tc, says_when_it_is_full_and_keeps_what_it_has);
	tcase_add_test(tc, is_packed_into_large_pages_without_a_change);
	tcase_add_test(tc, cannot_be_written_by_who_reads);
	tcase_add_test(tc, shows_nothing_wrong_while_it_is_written);
	return suite;
}
