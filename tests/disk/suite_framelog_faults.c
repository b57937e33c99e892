/*
 * Every failure that the system can give, and death at every step. Whatever happens, all frames whose append returned OK
 * are there, in order; of the others, only such as were tried; and the log goes on.
 */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "logkit.h"
#include "suites.h"
#include "util/failpoint.h"

#define SIZE 61
#define LENGTH 88
#define PAIR (2 * LENGTH)

#ifdef RENSA_FAILPOINTS

static struct framelog *
open_synced(uint64_t room)
{
	struct framelog_options o = kit_options();
	o.file_max = room == 0 ? 0 : FRAMELOG_HEADER_SIZE + room + KIT_RESERVE;
	o.is_synced = true;
	return framelog_new(&o);
}

/* --- One failure at a time --- */

START_TEST(writes_into_a_new_file_after_a_failed_sync)
{
	struct framelog *l = open_synced(0), *other = open_synced(0);
	struct log_place place = {0};
	kit_put(l, &place, 'a', SIZE);
	failpoint_arm("disk.sync", FAILPOINT_FAIL, 1);
	kit_put(l, &place, 'b', SIZE);
	ck_assert(kit_fired("disk.sync"));
	ck_assert_uint_eq(place.file, 2);
	ck_assert_uint_eq(place.is_spoiled, 0);
	kit_put(other, &place, 'c', SIZE);
	framelog_free(l);
	framelog_free(other);
	kit_expect_goes_on("abc");
}
END_TEST

START_TEST(writes_no_more_into_a_file_whose_sync_failed)
{
	struct framelog *l = open_synced(0), *other = open_synced(0);
	struct log_place place = {0};
	uint8_t before[LENGTH], after[LENGTH];
	kit_put(l, &place, 'a', SIZE);
	/* The sync fails, and so does what shall make a new file. */
	failpoint_arm("disk.sync", FAILPOINT_FAIL, 1);
	failpoint_arm("disk.allocate", FAILPOINT_FAIL, 1);
	ck_assert_int_eq(kit_try(l, &place, 'X', SIZE, false), ERR_NOSPC);
	ck_assert_uint_eq(place.is_spoiled, 1);
	ck_assert_uint_eq(place.file, 1);
	kit_read(1, place.offset, before, sizeof(before));
	/* Again no new file, however often it is tried: then nothing is written. */
	failpoint_arm("disk.open", FAILPOINT_FAIL, 1);
	failpoint_arm("disk.allocate", FAILPOINT_FAIL, 1);
	ck_assert_int_eq(kit_try(other, &place, 'Y', SIZE, true), ERR_NOSPC);
	kit_put(other, &place, 'b', SIZE);
	ck_assert_uint_eq(place.file, 2);
	kit_put(l, &place, 'c', SIZE);
	kit_read(1, 96 + LENGTH, after, sizeof(after));
	ck_assert_mem_eq(before, after, sizeof(after));
	framelog_free(l);
	framelog_free(other);
	kit_expect_goes_on("abc");
}
END_TEST

START_TEST(writes_over_what_a_failed_write_left)
{
	struct framelog *l = open_synced(0);
	struct log_place place = {0}, before;
	kit_put(l, &place, 'a', SIZE);
	before = place;
	failpoint_arm("disk.write", FAILPOINT_FAIL, 1);
	ck_assert_int_eq(kit_try(l, &place, 'X', SIZE, false), ERR_IO);
	ck_assert_mem_eq(&place, &before, sizeof(place));
	kit_put(l, &place, 'b', SIZE);
	framelog_free(l);
	kit_expect_goes_on("ab");
}
END_TEST

START_TEST(writes_into_the_file_that_has_the_name)
{
	/* One makes the next file and then finds no room in it; the other goes on; then it is the first one's turn. */
	struct framelog *l = open_synced(PAIR), *other = open_synced(PAIR);
	struct log_place place = {0}, before;
	kit_put_all(l, &place, "ab", SIZE);
	before = place;
	failpoint_arm("disk.allocate", FAILPOINT_FAIL, 2);
	ck_assert_int_eq(kit_try(l, &place, 'X', SIZE, false), ERR_NOSPC);
	if (_i == 0)
		place = before;
	kit_put(other, &place, 'c', 10);
	kit_put(l, &place, 'd', 10);
	kit_put(other, &place, 'e', 10);
	framelog_free(l);
	framelog_free(other);
	kit_expect_goes_on("abcde");
}
END_TEST

static const char *const replace_steps[] = {"disk.allocate", "disk.write",   "disk.sync",  "disk.open",
					    "disk.rename",   "disk.dirsync", "disk.unlink"};

START_TEST(replaces_wholly_or_not_at_all)
{
	for (unsigned pass = 1;; pass++) {
		struct log_place place = {0}, before;
		char names[KIT_FRAMES_MAX + 2];
		bool is_good = true, has_failed;
		struct framelog *l;
		enum err e;

		kit_clear();
		l = open_synced(PAIR);
		kit_put_all(l, &place, "abcde", SIZE);
		before = place;
		failpoint_arm(replace_steps[_i], FAILPOINT_FAIL, pass);
		if ((e = framelog_replace_begin(l, &place)) == OK) {
			for (const char *c = "XYZ"; *c != '\0'; c++)
				is_good &= kit_try(l, &place, *c, SIZE, false) == OK;
			/* A caller who did not look whether all went well is told so here. */
			e = framelog_replace_end(l, &place, pass % 2 == 0 || is_good);
			ck_assert(is_good || e != OK || pass % 2 != 0);
			if (!is_good)
				e = ERR_IO;
		}
		has_failed = kit_fired(replace_steps[_i]);
		if (e != OK)
			ck_assert_mem_eq(&place, &before, sizeof(place));
		ck_assert_int_eq(kit_scan(false)->e, OK);
		snprintf(names, sizeof(names), "%s", kit_scan(false)->names);
		/* Named but not for sure: either will do, as long as what follows is found behind it. */
		if (e == OK || strcmp(replace_steps[_i], "disk.dirsync") == 0)
			ck_assert(strcmp(names, "XYZ") == 0 || (e != OK && strcmp(names, "abcde") == 0));
		else
			ck_assert_str_eq(names, "abcde");
		kit_put(l, &place, 'f', SIZE);
		framelog_free(l);
		strcat(names, "f");
		kit_expect_goes_on(names);
		if (!has_failed)
			break;
	}
}
END_TEST

START_TEST(keeps_room_for_vital_frames)
{
	struct framelog *l = open_synced(0), *other = open_synced(0);
	struct log_place place = {0};
	size_t vital = 0;
	kit_put(l, &place, 'a', SIZE);
	kit_put(other, &place, 'b', SIZE);
	/* The disk is full from here on. */
	while (true) {
		failpoint_arm("disk.allocate", FAILPOINT_FAIL, 1);
		if (kit_try(l, &place, 'c', KIT_STEP, false) != OK)
			break;
	}
	failpoint_arm("disk.allocate", FAILPOINT_FAIL, 1);
	ck_assert_int_eq(kit_try(l, &place, 'X', KIT_STEP, false), ERR_NOSPC);
	for (;; vital++) {
		failpoint_arm("disk.allocate", FAILPOINT_FAIL, 1);
		if (kit_try(vital % 2 == 0 ? l : other, &place, 'v', 3000, true) != OK)
			break;
	}
	/* Less than a step, and what an earlier frame lacked, may be gone from the 64 KiB. */
	ck_assert_uint_ge(vital, (KIT_RESERVE - KIT_STEP) / 3024 - 1);
	failpoint_clear();
	framelog_free(l);
	framelog_free(other);
	ck_assert_int_eq(kit_scan(true)->e, OK);
	ck_assert_mem_eq(&kit_scan(true)->out.place, &place, sizeof(place));
}
END_TEST

START_TEST(keeps_room_for_vital_frames_at_the_end_of_a_file_too)
{
	struct framelog *l = open_synced(PAIR), *other = open_synced(PAIR);
	struct log_place place = {0};
	kit_put_all(l, &place, "ab", SIZE);
	/* What else would begin a new file has no room for one. */
	failpoint_arm("disk.allocate", FAILPOINT_FAIL, 1);
	ck_assert_int_eq(kit_try(l, &place, 'X', SIZE, false), ERR_NOSPC);
	failpoint_arm("disk.allocate", FAILPOINT_FAIL, 1);
	ck_assert_int_eq(kit_try(_i == 0 ? l : other, &place, 'v', SIZE, true), OK);
	ck_assert(kit_fired("disk.allocate"));
	ck_assert_uint_eq(place.file, 1);
	kit_put(l, &place, 'c', SIZE);
	ck_assert_uint_eq(place.file, 2);
	framelog_free(l);
	framelog_free(other);
	kit_expect_goes_on("abvc");
}
END_TEST

START_TEST(keeps_room_for_vital_frames_whoever_took_it)
{
	struct framelog *l = open_synced(0), *other = open_synced(0);
	struct log_place place = {0};
	kit_put(l, &place, 'a', SIZE);
	kit_put(other, &place, 'b', SIZE);
	for (int i = 0; i < 5; i++)
		kit_put(l, &place, 'c', KIT_RESERVE / 2);
	failpoint_arm("disk.allocate", FAILPOINT_FAIL, 1);
	ck_assert_int_eq(kit_try(other, &place, 'v', SIZE, true), OK);
	framelog_free(l);
	framelog_free(other);
	kit_expect_goes_on("abcccccv");
}
END_TEST

/* --- A read that fails ends a scan, whichever it is and whatever the log looks like. --- */

static void
lay_out_plain(void)
{
	struct framelog *l = kit_open(PAIR);
	struct log_place place = {0};
	kit_put_all(l, &place, "abcdef", SIZE);
	framelog_free(l);
}

/* Behind a hole stands a frame so long that it takes a read of its own. */
static void
lay_out_hole(void)
{
	struct framelog *l = kit_open(0);
	struct log_place place = {0};
	kit_put_all(l, &place, "ab", SIZE);
	kit_put(l, &place, 'c', 3 << 20);
	framelog_free(l);
	kit_flip(1, 96 + LENGTH + 30, 1);
}

/* The same frame stands at the end of a file whose sync failed and at the beginning of the next. */
static void
lay_out_twice(void)
{
	struct framelog *l = open_synced(0);
	struct log_place place = {0};
	kit_put(l, &place, 'a', SIZE);
	failpoint_arm("disk.sync", FAILPOINT_FAIL, 1);
	kit_put(l, &place, 'b', (1 << 20) + 5);
	ck_assert_uint_eq(place.file, 2);
	kit_put_all(l, &place, "cd", SIZE);
	framelog_free(l);
}

/* The next file was made and not used, and what went on in the one before takes a read of its own. */
static void
lay_out_unused(void)
{
	struct framelog *l = kit_open(PAIR);
	struct log_place place = {0}, before;
	struct kit_image image;
	const uint8_t *bytes;
	size_t size;
	FILE *file;
	kit_put_all(l, &place, "ab", SIZE);
	before = place;
	kit_put(l, &place, 'X', SIZE);
	kit_cut(2, 96);
	kit_save(&image);
	bytes = kit_file(&image, 2, &size);
	ck_assert_int_eq(unlink(kit_path("00000002.log")), 0);
	framelog_free(l);
	l = kit_open(0);
	kit_put(l, &before, 'c', (1 << 20) + 5);
	kit_put(l, &before, 'd', SIZE);
	framelog_free(l);
	file = fopen(kit_path("00000002.log"), "we");
	ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
	fclose(file);
	kit_image_clear(&image);
}

static const struct {
	void (*lay_out)(void);
	enum err e;
	const char *names;
} layouts[] = {
    {lay_out_plain, OK, "abcdef"},
    {lay_out_hole, ERR_FORMAT, NULL},
    {lay_out_twice, OK, "abcd"},
    {lay_out_unused, OK, "abcd"},
};

START_TEST(does_not_take_a_failed_read_for_the_end)
{
	bool has_failed = true;
	unsigned pass;
	layouts[_i].lay_out();
	for (pass = 1; has_failed; pass++) {
		const struct kit_scan *s;
		failpoint_arm("disk.read", FAILPOINT_FAIL, pass);
		s = kit_scan(false);
		has_failed = kit_fired("disk.read");
		if (has_failed)
			ck_assert_msg(s->e == ERR_IO, "read %u: %d %s %s", pass, s->e, s->names, s->why);
		else
			ck_assert_msg(s->e == layouts[_i].e, "read %u: %d %s", pass, s->e, s->why);
	}
	ck_assert_uint_gt(pass, 3);
	if (layouts[_i].e == OK)
		kit_expect_goes_on(layouts[_i].names);
}
END_TEST

START_TEST(makes_durable_what_it_found_before_others_hear_of_it)
{
	/* A writer that was killed may have left a frame, and a name, that no sync made sure of. */
	static const char *const points[] = {"disk.sync", "disk.dirsync"};
	struct framelog *l;
	lay_out_plain();
	l = open_synced(PAIR);
	for (size_t i = 0; i < ARRAY_LEN(points); i++) {
		failpoint_arm(points[i], FAILPOINT_FAIL, 1);
		ck_assert_int_eq(kit_scan_by(l, true)->e, ERR_IO);
		ck_assert(kit_fired(points[i]));
		ck_assert_ptr_nonnull(strstr(kit_scan_by(l, true)->names, "f"));
		/* Who only looks writes nothing. */
		failpoint_arm(points[i], FAILPOINT_FAIL, 1);
		ck_assert_int_eq(kit_scan_by(l, false)->e, OK);
		failpoint_clear();
	}
	framelog_free(l);
}
END_TEST

/* --- A life of the log, with one failure, or death, at each of its steps in turn --- */

static struct life {
	struct log_place place;
	/* What was acknowledged. Once a replacement was begun it may be the one or the other. */
	char acked[2][KIT_FRAMES_MAX + 1];
	int ways;
	char trying; /* a frame that was tried and not acknowledged since */
} * life;

/* The log may hold no less, and no more but the frame that was tried last. */
static void
matches(const char *names, unsigned pass)
{
	char longer[KIT_FRAMES_MAX + 8];
	for (int i = 0; i < life->ways; i++) {
		snprintf(longer, sizeof(longer), "%s%c", life->acked[i], life->trying);
		if (strcmp(names, life->acked[i]) == 0 || strcmp(names, longer) == 0)
			return;
	}
	ck_abort_msg("step %u: found \"%s\", acknowledged \"%s\" or \"%s\", tried %c", pass, names, life->acked[0],
		     life->ways > 1 ? life->acked[1] : "-", life->trying != '\0' ? life->trying : '-');
}

static void
live_put(struct framelog *l, const char *names, bool is_vital)
{
	for (; *names != '\0'; names++) {
		struct log_place place = life->place;
		enum err e;
		life->trying = *names;
		e = kit_try(l, &place, *names, SIZE, is_vital);
		life->place = place;
		if (e != OK)
			continue;
		for (int i = 0; i < life->ways; i++)
			strncat(life->acked[i], names, 1);
		life->trying = '\0';
	}
}

static void
live_replace(struct framelog *l, const char *names)
{
	struct log_place place = life->place;
	bool is_good = true;
	char before[KIT_FRAMES_MAX + 1];
	if (framelog_replace_begin(l, &place) != OK)
		return;
	memcpy(before, life->acked[0], sizeof(before));
	snprintf(life->acked[1], sizeof(life->acked[1]), "%s", names);
	life->ways = 2;
	for (; *names != '\0'; names++)
		is_good &= kit_try(l, &place, *names, SIZE, false) == OK;
	if (framelog_replace_end(l, &place, is_good) != OK || !is_good)
		return;
	life->place = place;
	memcpy(life->acked[0], life->acked[1], sizeof(before));
	life->ways = 1;
}

static void
live_again(struct framelog *l)
{
	const struct kit_scan *s = kit_scan_by(l, true);
	if (s->e != OK)
		s = kit_scan_by(l, true);
	ck_assert_msg(s->e == OK, "%s", s->why);
	matches(s->names, 0);
	/* What a start found has been told to others. */
	snprintf(life->acked[0], sizeof(life->acked[0]), "%s", s->names);
	life->ways = 1;
	life->trying = '\0';
	life->place = s->out.place;
}

static void
live(void *ctx)
{
	struct framelog *l = open_synced(PAIR), *other = open_synced(PAIR);
	(void)ctx;
	live_put(l, "abc", false);
	live_put(other, "de", false);
	live_put(l, "f", true);
	live_replace(l, "XYZ");
	live_put(l, "gh", false);
	live_put(other, "i", false);
	framelog_free(other);
	framelog_free(l);
	l = open_synced(PAIR);
	live_again(l);
	live_put(l, "jkl", false);
	live_replace(l, "UV");
	live_put(l, "m", false);
	framelog_free(l);
}

static void
begin_life(void)
{
	kit_clear();
	memset(life, 0, sizeof(*life));
	life->ways = 1;
}

static void
share_life(void)
{
	life = mmap(NULL, sizeof(*life), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(life, MAP_FAILED);
}

static const char *const fail_points[] = {"disk.any", "disk.sync", "disk.dirsync", "disk.rename", "disk.allocate"};

START_TEST(keeps_all_that_was_acknowledged_whatever_fails)
{
	bool has_failed = true;
	unsigned pass;
	share_life();
	for (pass = 1; has_failed; pass++) {
		begin_life();
		failpoint_arm(fail_points[_i], FAILPOINT_FAIL, pass);
		live(NULL);
		has_failed = kit_fired(fail_points[_i]);
		failpoint_clear();
		ck_assert_int_eq(kit_scan(false)->e, OK);
		matches(kit_scan(false)->names, pass);
		kit_expect_goes_on(kit_scan(false)->names);
	}
	ck_assert_str_eq(life->acked[0], "UVm");
	ck_assert_uint_gt(pass, 3);
}
END_TEST

static const struct {
	const char *name;
	bool has_successor; /* who goes on from the place; else all died, and a start scans the log */
} deaths[] = {
    {"disk.any", true},
    {"disk.any", false},
    {"framelog.before-sync", true},
    {"framelog.before-sync", false},
    {"framelog.before-rename", true},
    {"framelog.before-rename", false},
    {"framelog.written", true},
    {"framelog.written", false},
    {"framelog.replaced", true},
    {"framelog.replaced", false},
};

START_TEST(keeps_all_that_was_acknowledged_whenever_its_writer_dies)
{
	unsigned pass;
	share_life();
	for (pass = 1;; pass++) {
		struct framelog *l;
		bool has_died;
		begin_life();
		has_died = kit_dies(deaths[_i].name, pass, live, NULL);
		l = open_synced(PAIR);
		if (!deaths[_i].has_successor)
			live_again(l);
		live_put(l, "1", false);
		ck_assert_int_eq(life->trying, '\0');
		ck_assert_int_eq(kit_scan(false)->e, OK);
		matches(kit_scan(false)->names, pass);
		live_put(l, "234", false);
		framelog_free(l);
		ck_assert_int_eq(kit_scan(true)->e, OK);
		matches(kit_scan(true)->names, pass);
		kit_expect_goes_on(kit_scan(false)->names);
		if (!has_died)
			break;
	}
	ck_assert_uint_gt(pass, 1);
	ck_assert_str_eq(life->acked[0], "UVm1234");
}
END_TEST

#endif

Suite *
suite_framelog_faults(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "framelog-faults", 60);
	kit_use(tc);
	tcase_add_checked_fixture(tc, kit_clear, kit_clear);
#ifdef RENSA_FAILPOINTS
	tcase_add_test(tc, writes_into_a_new_file_after_a_failed_sync);
	tcase_add_test(tc, writes_no_more_into_a_file_whose_sync_failed);
	tcase_add_test(tc, writes_over_what_a_failed_write_left);
	tcase_add_loop_test(tc, writes_into_the_file_that_has_the_name, 0, 2);
	tcase_add_loop_test(tc, replaces_wholly_or_not_at_all, 0, ARRAY_LEN(replace_steps));
	tcase_add_test(tc, keeps_room_for_vital_frames);
	tcase_add_loop_test(tc, keeps_room_for_vital_frames_at_the_end_of_a_file_too, 0, 2);
	tcase_add_test(tc, keeps_room_for_vital_frames_whoever_took_it);
	tcase_add_loop_test(tc, does_not_take_a_failed_read_for_the_end, 0, ARRAY_LEN(layouts));
	tcase_add_test(tc, makes_durable_what_it_found_before_others_hear_of_it);
	tcase_add_loop_test(tc, keeps_all_that_was_acknowledged_whatever_fails, 0, ARRAY_LEN(fail_points));
	tcase_add_loop_test(tc, keeps_all_that_was_acknowledged_whenever_its_writer_dies, 0, ARRAY_LEN(deaths));
#endif
	return suite;
}
