/*
 * A snapshot gives back the chain that it was made of, or is not used at all: then why is said, and the segment is as
 * fresh as before, so that the chain can be built from the journal.
 */
#include "store/snapshot.h"

#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "disk_maker.h"
#include "store/load.h"
#include "suites.h"
#include "util/crc32c.h"
#include "util/file.h"
#include "witness.h"

#define HEIGHT 40
#define PAGE_SIZE 4096 /* the header has one; the arena follows */
#define WHOLE_MAX (8u << 20)

/* The header's fields that tests change, by their offsets; HEADER_SUM is the last and covers all before. */
enum {
	FIELD_FORMAT = 8,
	FIELD_BYTE_ORDER = 12,
	FIELD_LAYOUT = 16,
	FIELD_RECORD_SIZE = 20,
	FIELD_VERSION_SIZE = 24,
	FIELD_GENESIS = 32,
	FIELD_ARENA_AT = 104,
	FIELD_TIP = 120,
	FIELD_GENESIS_REF = 128,
	FIELD_DEAD = 160,
	HEADER_SUM = 188
};

/* A durable chain, and a snapshot of it: its bytes are in `bytes` to be spoiled. */
struct scene {
	const char *folder;
	struct store *s;
	struct maker m;
	char path[PATH_MAX];
	struct buf bytes;
};

static struct scene scene;

static void
scene_begin(void)
{
	struct scene *c = &scene;

	c->folder = scratch_make();
	c->s = durable_start(c->folder, &(struct segment_plan){0});
	maker_init(&c->m, c->s, 91);
	snprintf(c->path, sizeof(c->path), "%s/" SNAPSHOT_NAME, c->folder);
	buf_init(&c->bytes);
	ck_assert_int_eq(durable_grow(&c->m, chain_tip(c->s), HEIGHT, 4), OK);
}

static void
scene_end(void)
{
	maker_clear(&scene.m);
	buf_clear(&scene.bytes);
	segment_unmake();
	scratch_unmake();
}

static void
take_snapshot(void)
{
	struct scene *c = &scene;

	ck_assert_int_eq(snapshot_write(c->s, c->path), OK);
	buf_reset(&c->bytes);
	ck_assert_int_eq(file_read(&c->bytes, c->path, WHOLE_MAX), OK);
	ck_assert_uint_gt(c->bytes.len, PAGE_SIZE);
}

static void
put_file(const void *bytes, size_t len)
{
	int fd = open(scene.path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, bytes, len), (ssize_t)len);
	close(fd);
}

/* Loads the file into s as the loader does, with the journal as it is now. */
static enum err
load_into(struct store *s, const char *folder, struct buf *why)
{
	struct framelog *log = scratch_log(folder, LOG_JOURNAL, scene.s);
	struct journal j;
	enum err e;

	ck_assert_int_eq(journal_open(&j, log, false, NULL, NULL, why), OK);
	e = snapshot_load(s, scene.path, &j, why);
	journal_close(&j);
	framelog_free(log);
	return e;
}

/* It is refused with that, for a reason with these words, and nothing of it stays. */
static void
expect_refusal(struct store *s, enum err expected, const char *words)
{
	struct buf why;
	enum err e;

	buf_init(&why);
	e = load_into(s, scene.folder, &why);
	ck_assert_msg(e == expected, "%s: %s", err_text(e), why.len > 0 ? why.data : "");
	ck_assert_msg(strstr(why.data, words) != NULL, "%s", why.data);
	ck_assert(blockref_equal(chain_tip(s), chain_genesis(s)));
	witness_chain(s);
	buf_clear(&why);
}

static void
expect_use(struct store *s)
{
	struct buf why;
	enum err e;

	buf_init(&why);
	e = load_into(s, scene.folder, &why);
	ck_assert_msg(e == OK, "%s: %s", err_text(e), why.len > 0 ? why.data : "");
	ck_assert(hash_equal(chain_hash(s, chain_tip(s)), chain_hash(scene.s, chain_tip(scene.s))));
	buf_clear(&why);
}

static struct store *
fresh(void)
{
	struct store *s;

	ck_assert_int_eq(store_create_private(&s, scene.s), OK);
	return s;
}

/* The snapshot with one field of the header changed, and the header's checksum made right again. */
static void
put_with_field(size_t at, uint64_t flip, size_t size)
{
	uint64_t value = 0;
	uint32_t sum;
	uint8_t *copy = malloc(scene.bytes.len);

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, scene.bytes.data, scene.bytes.len);
	memcpy(&sum, copy + HEADER_SUM, sizeof(sum));
	ck_assert_uint_eq(sum, crc32c(0, copy, HEADER_SUM));
	memcpy(&value, copy + at, size);
	value ^= flip;
	memcpy(copy + at, &value, size);
	sum = crc32c(0, copy, HEADER_SUM);
	memcpy(copy + HEADER_SUM, &sum, sizeof(sum));
	put_file(copy, scene.bytes.len);
	free(copy);
}

START_TEST(gives_back_the_chain_and_its_accounts)
{
	/* Another segment has another seed for its hash tables, as after a restart. */
	struct store *s = segment_make(&(struct segment_plan){.name = "again"});
	struct account ours, theirs;

	take_snapshot();
	expect_use(s);
	witness_chain(s);
	witness_accounts(s);
	for (unsigned who = 0; who < PEOPLE; who++) {
		struct address a = person(who);
		ck_assert_int_eq(chain_account(s, chain_tip(s), &a, &ours, NULL), OK);
		ck_assert_int_eq(chain_account(scene.s, chain_tip(scene.s), &a, &theirs, NULL), OK);
		ck_assert(ours.balance == theirs.balance && ours.sequence == theirs.sequence);
	}
}
END_TEST

START_TEST(is_a_chain_that_grows_and_swaps_as_any_other)
{
	struct store *s = fresh();
	struct maker m;

	take_snapshot();
	expect_use(s);
	maker_init(&m, s, 92);
	ck_assert_int_eq(maker_grow(&m, chain_tip(s), 10, 4), OK);
	ck_assert_int_eq(maker_grow(&m, chain_at(s, chain_tip(s), HEIGHT / 2), HEIGHT, 4), OK);
	witness_chain(s);
	witness_accounts(s);
	maker_clear(&m);
	store_close(s);
}
END_TEST

START_TEST(blocks_after_it_come_from_the_journal)
{
	struct store *s = fresh();
	struct framelog *log;
	struct journal j;
	struct buf why;

	take_snapshot();
	ck_assert_int_eq(durable_grow(&scene.m, chain_tip(scene.s), 15, 4), OK);
	buf_init(&why);
	ck_assert_int_eq(load_into(s, scene.folder, &why), OK);
	ck_assert_uint_eq(chain_height(s, chain_tip(s)), HEIGHT);
	log = scratch_log(scene.folder, LOG_JOURNAL, scene.s);
	ck_assert_int_eq(journal_open(&j, log, false, NULL, NULL, &why), OK);
	ck_assert_int_eq(store_load(s, &j, NULL, NULL, &why), OK);
	ck_assert(hash_equal(chain_hash(s, chain_tip(s)), chain_hash(scene.s, chain_tip(scene.s))));
	witness_accounts(s);
	journal_close(&j);
	framelog_free(log);
	buf_clear(&why);
	store_close(s);
}
END_TEST

START_TEST(one_that_is_not_there_is_not_found)
{
	struct store *s = fresh();

	expect_refusal(s, ERR_NOT_FOUND, "cannot be opened");
	ck_assert_uint_eq(snapshot_height(s, scene.path), 0);
	store_close(s);
}
END_TEST

START_TEST(every_byte_of_its_header_is_checked)
{
	struct store *s = fresh();

	take_snapshot();
	for (size_t i = 0; i < HEADER_SUM + sizeof(uint32_t); i++) {
		scene.bytes.data[i] ^= 0x10;
		put_file(scene.bytes.data, scene.bytes.len);
		expect_refusal(s, ERR_FORMAT, "its header is damaged");
		ck_assert_uint_eq(snapshot_height(s, scene.path), 0);
		scene.bytes.data[i] ^= 0x10;
	}
	/* What was refused has left no trace. */
	put_file(scene.bytes.data, scene.bytes.len);
	expect_use(s);
	witness_accounts(s);
	store_close(s);
}
END_TEST

START_TEST(bytes_of_the_arena_are_checked_all_over_it)
{
	struct store *s = fresh();
	size_t len;

	take_snapshot();
	len = scene.bytes.len;
	/* A prime step meets every position in a word; the last byte has a turn of its own. */
	for (size_t i = PAGE_SIZE; i < len; i = i + 1009 < len || i == len - 1 ? i + 1009 : len - 1) {
		scene.bytes.data[i] ^= 1;
		put_file(scene.bytes.data, len);
		expect_refusal(s, ERR_FORMAT, "it is damaged");
		scene.bytes.data[i] ^= 1;
	}
	put_file(scene.bytes.data, len);
	expect_use(s);
	witness_accounts(s);
	store_close(s);
}
END_TEST

START_TEST(one_that_was_cut_off_anywhere_is_refused)
{
	struct store *s = fresh();
	size_t len;

	take_snapshot();
	len = scene.bytes.len;
	for (size_t keep = 0; keep < HEADER_SUM + sizeof(uint32_t); keep++) {
		put_file(scene.bytes.data, keep);
		expect_refusal(s, ERR_FORMAT, "its header is damaged");
	}
	for (size_t keep = len - 1; keep > PAGE_SIZE; keep = keep > 997 ? keep - 997 : 0) {
		put_file(scene.bytes.data, keep);
		expect_refusal(s, ERR_FORMAT, "it is damaged");
	}
	put_file(scene.bytes.data, PAGE_SIZE);
	expect_refusal(s, ERR_FORMAT, "it is damaged");
	store_close(s);
}
END_TEST

static const struct {
	const char *what;
	size_t at, size;
} strangers[] = {
    {"format", FIELD_FORMAT, 4},
    {"byte order", FIELD_BYTE_ORDER, 4},
    {"layout of the segment", FIELD_LAYOUT, 4},
    {"size of a block's record", FIELD_RECORD_SIZE, 4},
    {"size of an account's record", FIELD_VERSION_SIZE, 4},
    {"genesis block", FIELD_GENESIS, 8},
    {"start of the arena", FIELD_ARENA_AT, 8},
    {"place of the genesis block", FIELD_GENESIS_REF, 8},
};

START_TEST(one_of_another_build_or_network_is_not_for_us)
{
	struct store *s = fresh();

	take_snapshot();
	put_with_field(strangers[_i].at, 1, strangers[_i].size);
	expect_refusal(s, ERR_UNSUPPORTED, "another configuration or by another version");
	ck_assert_msg(snapshot_height(s, scene.path) == 0, "%s", strangers[_i].what);
	store_close(s);
}
END_TEST

START_TEST(a_tip_outside_of_the_arena_is_never_followed)
{
	struct store *s = fresh();

	take_snapshot();
	put_with_field(FIELD_TIP, UINT64_C(1) << 40, 8);
	expect_refusal(s, ERR_FORMAT, "its header is damaged");
	put_with_field(FIELD_TIP + 7, 0x80, 1);
	expect_refusal(s, ERR_FORMAT, "its header is damaged");
	store_close(s);
}
END_TEST

static const struct segment_plan others[] = {
    {.name = "other", .maturity = 5},	/* another network */
    {.name = "other", .pool_max = 128}, /* another layout of what is before the arena */
};

START_TEST(one_that_a_node_with_other_settings_wrote_is_not_for_us)
{
	struct store *other = segment_make(&others[_i]), *s = fresh();
	struct maker m;

	maker_init(&m, other, 91);
	ck_assert_int_eq(maker_grow(&m, chain_tip(other), HEIGHT, 4), OK);
	maker_clear(&m);
	ck_assert_int_eq(snapshot_write(other, scene.path), OK);
	ck_assert_uint_eq(snapshot_height(other, scene.path), HEIGHT);
	expect_refusal(s, ERR_UNSUPPORTED, "another configuration or by another version");
	store_close(s);
}
END_TEST

/* Their rings lie behind the arena. */
START_TEST(one_that_a_node_with_other_workers_wrote_is_used)
{
	struct store *s = segment_make(&(struct segment_plan){.name = "again", .rings = 8});

	take_snapshot();
	expect_use(s);
}
END_TEST

START_TEST(a_tip_that_the_journal_lacks_is_not_believed)
{
	const char *copy = scratch_make();
	struct store *s = fresh();

	scratch_copy(copy, scene.folder);
	ck_assert_int_eq(durable_grow(&scene.m, chain_tip(scene.s), 5, 4), OK);
	take_snapshot();
	/* The journal of before, as of a backup. */
	scratch_copy(scene.folder, copy);
	expect_refusal(s, ERR_STALE, "no block like its tip, at height 45");
	store_close(s);
}
END_TEST

START_TEST(one_whose_tip_was_swapped_out_is_not_used)
{
	struct store *s = fresh();

	take_snapshot();
	ck_assert_int_eq(durable_grow(&scene.m, chain_at(scene.s, chain_tip(scene.s), HEIGHT - 1), 10, 4), OK);
	expect_refusal(s, ERR_STALE, "lost branch");
	/* One of the chain that won is. */
	take_snapshot();
	expect_use(s);
	store_close(s);
}
END_TEST

START_TEST(one_with_a_sixteenth_of_dead_bytes_is_not_used)
{
	struct store *s = fresh();
	uint64_t arena, dead;

	take_snapshot();
	arena = scene.bytes.len - PAGE_SIZE;
	memcpy(&dead, scene.bytes.data + FIELD_DEAD, sizeof(dead));
	ck_assert_uint_eq(dead, 0);
	put_with_field(FIELD_DEAD, arena / 16, 8);
	expect_refusal(s, ERR_STALE, "lost branch");
	put_with_field(FIELD_DEAD, arena / 16 - 1, 8);
	expect_use(s);
	store_close(s);
}
END_TEST

START_TEST(a_new_one_replaces_the_old_or_leaves_it_alone)
{
	char temporary[PATH_MAX + 8];
	struct stat st;

	take_snapshot();
	snprintf(temporary, sizeof(temporary), "%s.new", scene.path);
	ck_assert_int_eq(stat(temporary, &st), -1);
	ck_assert_int_eq(durable_grow(&scene.m, chain_tip(scene.s), 5, 4), OK);
	/* Something that stands in the way. */
	ck_assert_int_eq(mkdir(temporary, 0700), 0);
	ck_assert_int_ne(snapshot_write(scene.s, scene.path), OK);
	ck_assert_uint_eq(snapshot_height(scene.s, scene.path), HEIGHT);
	ck_assert_int_eq(rmdir(temporary), 0);
	ck_assert_int_eq(snapshot_write(scene.s, scene.path), OK);
	ck_assert_uint_eq(snapshot_height(scene.s, scene.path), HEIGHT + 5);
	/* One that cannot get its name goes. */
	ck_assert_int_eq(unlink(scene.path), 0);
	ck_assert_int_eq(mkdir(scene.path, 0700), 0);
	ck_assert_int_ne(snapshot_write(scene.s, scene.path), OK);
	ck_assert_int_eq(stat(temporary, &st), -1);
}
END_TEST

START_TEST(is_due_when_two_thousand_blocks_have_come_since_the_last)
{
	struct store *s = segment_make(&(struct segment_plan){.name = "long"});
	struct maker m;

	maker_init(&m, s, 93);
	ck_assert_int_eq(maker_grow(&m, chain_tip(s), 1999, 0), OK);
	ck_assert(!snapshot_is_due(s, scene.path));
	ck_assert_int_eq(maker_grow(&m, chain_tip(s), 1, 0), OK);
	ck_assert(snapshot_is_due(s, scene.path));
	ck_assert_int_eq(snapshot_write(s, scene.path), OK);
	ck_assert(!snapshot_is_due(s, scene.path));
	ck_assert_int_eq(maker_grow(&m, chain_tip(s), 1999, 0), OK);
	ck_assert(!snapshot_is_due(s, scene.path));
	ck_assert_int_eq(maker_grow(&m, chain_tip(s), 1, 0), OK);
	ck_assert(snapshot_is_due(s, scene.path));
	/* One that cannot be used counts for none. */
	ck_assert_int_eq(truncate(scene.path, 100), 0);
	ck_assert(snapshot_is_due(s, scene.path));
	maker_clear(&m);
}
END_TEST

Suite *
suite_snapshot(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "snapshot", 60);

	tcase_add_checked_fixture(tc, scene_begin, scene_end);
	tcase_add_test(tc, gives_back_the_chain_and_its_accounts);
	tcase_add_test(tc, is_a_chain_that_grows_and_swaps_as_any_other);
	tcase_add_test(tc, blocks_after_it_come_from_the_journal);
	tcase_add_test(tc, one_that_is_not_there_is_not_found);
	tcase_add_test(tc, every_byte_of_its_header_is_checked);
	tcase_add_test(tc, bytes_of_the_arena_are_checked_all_over_it);
	tcase_add_test(tc, one_that_was_cut_off_anywhere_is_refused);
	tcase_add_loop_test(tc, one_of_another_build_or_network_is_not_for_us, 0, ARRAY_LEN(strangers));
	tcase_add_test(tc, a_tip_outside_of_the_arena_is_never_followed);
	tcase_add_loop_test(tc, one_that_a_node_with_other_settings_wrote_is_not_for_us, 0, ARRAY_LEN(others));
	tcase_add_test(tc, one_that_a_node_with_other_workers_wrote_is_used);
	tcase_add_test(tc, a_tip_that_the_journal_lacks_is_not_believed);
	tcase_add_test(tc, one_whose_tip_was_swapped_out_is_not_used);
	tcase_add_test(tc, one_with_a_sixteenth_of_dead_bytes_is_not_used);
	tcase_add_test(tc, a_new_one_replaces_the_old_or_leaves_it_alone);
	tcase_add_test(tc, is_due_when_two_thousand_blocks_have_come_since_the_last);
	return suite;
}
