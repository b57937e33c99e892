/*
 * What a crash can leave, and what only damage can. A last frame that is not whole was never acknowledged: it is cut, and
 * the log goes on. Anything else that is not as it was written is refused, and never read as a shorter log.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "logkit.h"
#include "suites.h"
#include "util/bytes.h"
#include "util/crc32c.h"

#define SIZE 61	  /* of a payload: three bytes of padding follow */
#define LENGTH 88 /* of its frame */
#define PAIR (2 * LENGTH)

static uint8_t
noise(uint64_t i)
{
	return (uint8_t)(i * UINT64_C(0x9e3779b97f4a7c15) >> 56 | 1);
}

/* Most of the space that was taken ahead is given back, so that thousands of scans have less to read. */
static void
trim(uint64_t last)
{
	for (uint64_t file = 1; file <= last; file++)
		kit_cut(file, 96 + PAIR + LENGTH * 8);
}

/* --- Torn: whatever part of the last frame came to the disk, and whatever stands in its other part. --- */

enum rest { REST_CUT, REST_ZEROS, REST_NOISE, REST_LONG_NOISE, REST_OTHER_FRAME, REST_COUNT };

static void
tear(uint64_t file, uint64_t at, uint64_t part, enum rest rest, const uint8_t *frame)
{
	uint8_t bytes[LENGTH * 8];
	size_t size = rest == REST_LONG_NOISE ? sizeof(bytes) : LENGTH - part;

	for (size_t i = 0; i < size; i++)
		bytes[i] = rest == REST_ZEROS ? 0 : rest == REST_OTHER_FRAME ? frame[part + i] : noise(i);
	if (rest == REST_CUT)
		kit_cut(file, at + part);
	else
		kit_write(file, at + part, bytes, size);
}

static const char *const torn_logs[] = {"a", "ab", "abc", "abcd"};

START_TEST(cuts_a_torn_last_frame_and_nothing_else)
{
	const char *names = torn_logs[_i / REST_COUNT];
	enum rest rest = (enum rest)(_i % REST_COUNT);
	struct framelog *l = kit_open(PAIR);
	struct log_place place = {0};
	struct kit_image image;
	char fewer[8];
	uint8_t first[LENGTH];
	const struct kit_scan *s;

	kit_put_all(l, &place, names, SIZE);
	framelog_free(l);
	trim(place.file);
	kit_read(1, 96, first, sizeof(first));
	kit_save(&image);
	snprintf(fewer, sizeof(fewer), "%.*s", (int)strlen(names) - 1, names);
	for (uint64_t part = 0; part <= LENGTH; part++) {
		/* A frame is whole as soon as its payload is; its padding means nothing. */
		bool is_whole = part >= 24 + SIZE;
		kit_restore(&image);
		if (rest == REST_OTHER_FRAME && strlen(names) == 1)
			break;
		tear(place.file, place.offset - LENGTH, part, rest, first);
		s = kit_expect(false, is_whole ? names : fewer);
		if (!is_whole) {
			ck_assert_uint_eq(s->out.torn_at, place.offset - LENGTH);
			/* In steps of eight; zeros at its end count for nothing. */
			ck_assert_uint_le(s->out.torn_bytes,
					  (rest == REST_LONG_NOISE ? part + 7 : 0) / 8 * 8 + LENGTH * 8);
			ck_assert(part < 24 || s->out.torn_bytes >= part);
		}
		kit_expect_goes_on(is_whole ? names : fewer);
	}
	kit_image_clear(&image);
}
END_TEST

START_TEST(leaves_a_torn_frame_alone_unless_it_may_mend)
{
	struct framelog *l = kit_open(PAIR);
	struct log_place place = {0};
	struct kit_image image, after;
	kit_put_all(l, &place, "abc", SIZE);
	framelog_free(l);
	kit_write(2, place.offset - 10, "\0", 1);
	kit_save(&image);
	kit_expect(false, "ab");
	kit_save(&after);
	ck_assert_uint_eq(image.count, after.count);
	for (uint64_t file = 1; file <= 2; file++) {
		size_t size, size_after;
		const uint8_t *bytes = kit_file(&image, file, &size), *now = kit_file(&after, file, &size_after);
		ck_assert_uint_eq(size, size_after);
		ck_assert_mem_eq(bytes, now, size);
	}
	kit_expect(true, "ab");
	ck_assert_uint_eq(kit_size(2), 96);
	ck_assert_uint_eq(kit_expect(true, "ab")->out.torn_bytes, 0);
	kit_image_clear(&image);
	kit_image_clear(&after);
}
END_TEST

/* --- Damage: every bit of every byte that counts. Three files, with frames ab, cd and ef. --- */

static void
write_six(void)
{
	struct framelog *l = kit_open(PAIR);
	struct log_place place = {0};
	kit_put_all(l, &place, "abcdef", SIZE);
	framelog_free(l);
	trim(3);
}

static void
refuses(uint64_t file, uint64_t offset, const char *words)
{
	char name[FRAMELOG_NAME_SIZE];
	uint64_t size = kit_size(file);
	framelog_name(name, file);
	for (int bit = 0; bit < 8; bit++) {
		const struct kit_scan *s;
		kit_flip(file, offset, (uint8_t)(1 << bit));
		s = kit_scan(true);
		ck_assert_msg(s->e == ERR_FORMAT || s->e == ERR_UNSUPPORTED || s->e == ERR_PERM,
			      "%s byte %u bit %d: %d, frames %s", name, (unsigned)offset, bit, s->e, s->names);
		ck_assert_msg(strstr(s->why, name) != NULL && strstr(s->why, words) != NULL, "%s byte %u bit %d: %s",
			      name, (unsigned)offset, bit, s->why);
		ck_assert_uint_eq(kit_size(file), size);
		kit_flip(file, offset, (uint8_t)(1 << bit));
	}
}

START_TEST(refuses_any_flipped_bit_of_a_files_header)
{
	uint64_t file = (uint64_t)_i + 1;
	write_six();
	for (uint64_t offset = 0; offset < FRAMELOG_HEADER_SIZE; offset++)
		refuses(file, offset, "");
	kit_expect(true, "abcdef");
}
END_TEST

START_TEST(refuses_any_flipped_bit_of_a_frame_that_is_not_the_last)
{
	uint64_t file = (uint64_t)_i / 2 + 1, at = 96 + (uint64_t)_i % 2 * LENGTH;
	char words[32];
	write_six();
	snprintf(words, sizeof(words), "at byte %u:", (unsigned)at);
	for (uint64_t i = 0; i < 24 + SIZE; i++)
		refuses(file, at + i, words);
	kit_expect(true, "abcdef");
}
END_TEST

START_TEST(takes_a_damaged_last_frame_for_a_torn_one)
{
	struct kit_image image;
	write_six();
	kit_save(&image);
	for (uint64_t i = 0; i < 24 + SIZE; i++) {
		kit_restore(&image);
		for (int bit = 0; bit < 8; bit++) {
			kit_flip(3, 96 + LENGTH + i, (uint8_t)(1 << bit));
			kit_expect(false, "abcde");
			kit_flip(3, 96 + LENGTH + i, (uint8_t)(1 << bit));
		}
		kit_flip(3, 96 + LENGTH + i, noise(i));
		kit_expect_goes_on("abcde");
	}
	kit_image_clear(&image);
}
END_TEST

START_TEST(does_not_care_for_bytes_that_mean_nothing)
{
	static const struct {
		uint64_t file, offset;
	} places[] = {
	    /* Padding, of the last frame too. */
	    {1, 96 + LENGTH - 3},
	    {1, 96 + LENGTH - 1},
	    {2, 96 + 2 * LENGTH - 2},
	    {3, 96 + 2 * LENGTH - 3},
	    {3, 96 + 2 * LENGTH - 1},
	    /* Space behind the last frame of a file that has a successor, and of the last file: a torn write of nothing. */
	    {1, 96 + 2 * LENGTH},
	    {2, 900},
	    {3, 96 + 2 * LENGTH},
	    {3, 901},
	};
	write_six();
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		kit_flip(places[i].file, places[i].offset, 0xff);
		kit_expect(false, "abcdef");
	}
	kit_expect_goes_on("abcdef");
}
END_TEST

START_TEST(refuses_a_hole_however_far_the_next_whole_frame_is)
{
	/* Larger than a scan's window of reading, so that it has to look in several pieces. */
	static const size_t sizes[] = {1, 5000, 1 << 20, (1 << 20) + 9, 3 << 20};
	size_t size = sizes[_i];
	struct framelog *l = kit_open(0);
	struct log_place place = {0};
	uint64_t at;
	const struct kit_scan *s;
	char words[32];
	kit_put(l, &place, 'a', SIZE);
	at = place.offset;
	kit_put(l, &place, 'b', size);
	kit_put(l, &place, 'c', size);
	framelog_free(l);
	kit_flip(1, at + 24 + size - 1, 1);
	s = kit_scan(true);
	ck_assert_int_eq(s->e, ERR_FORMAT);
	snprintf(words, sizeof(words), "at byte %u:", (unsigned)at);
	ck_assert_msg(strstr(s->why, words) != NULL, "%s", s->why);
	/* All of it zeros, as when blocks of the disk were lost. */
	uint8_t *zeros = calloc(1, 24 + size);
	kit_write(1, at, zeros, 24 + size);
	free(zeros);
	ck_assert_int_eq(kit_scan(true)->e, ERR_FORMAT);
}
END_TEST

/* --- A writer dies before its place moved, another goes on from there. --- */

START_TEST(sees_only_the_short_frame_that_was_written_over_a_long_one)
{
	/* The dead one's frame, and those of its successors. */
	for (size_t size = 0; size < 200; size += 7) {
		struct framelog *dead = kit_open(0), *l = kit_open(0);
		struct log_place place = kit_scan(true)->out.place, lost;
		kit_put(l, &place, 'a', 10);
		lost = place;
		kit_put(dead, &lost, 'X', 200);
		kit_put(l, &place, 'b', size == 0 ? 1 : size);
		framelog_free(dead);
		framelog_free(l);
		const struct kit_scan *s = kit_scan(false);
		size_t n = strlen(s->names);
		ck_assert_int_eq(s->e, OK);
		ck_assert_ptr_null(strchr(s->names, 'X'));
		ck_assert_str_eq(s->names + n - 2, "ab");
		ck_assert_mem_eq(&s->out.place, &place, sizeof(place));
	}
	kit_expect_goes_on(kit_scan(true)->names);
}
END_TEST

/* A frame as its writer would make it, were it not for the salt. */
static void
forge(uint8_t out[32], const struct log_place *place, const uint8_t salt[8])
{
	struct writer w = writer_of(out, 32);
	put_u32(&w, 0x5246524d);
	put_u32(&w, 8);
	put_u64(&w, place->position);
	put_u32(&w, place->link);
	put_u32(&w, 0);
	put_bytes(&w, "forgery!", 8);
	uint32_t crc = crc32c(crc32c(crc32c(0, salt, salt == NULL ? 0 : 8), out, 20), out + 24, 8);
	w = writer_of(out + 20, 4);
	put_u32(&w, crc);
}

START_TEST(takes_nothing_inside_a_payload_for_a_frame)
{
	struct framelog *dead = kit_open(0), *l = kit_open(0);
	struct log_place place = {0}, lost, inside;
	struct frame f;
	uint8_t payload[640], frame[LENGTH];
	kit_put_all(l, &place, "abc", SIZE);
	/* A payload of copies of a frame of this file, and of frames that fit but for the salt. */
	kit_read(1, 96 + LENGTH, frame, sizeof(frame));
	memset(payload, 0, sizeof(payload));
	for (int i = 0; i < 3; i++)
		memcpy(payload + (size_t)i * LENGTH, frame, LENGTH);
	inside = place;
	inside.position += 24 + 40 * 8;
	for (int i = 0; i < 10; i++, inside.position += 32)
		forge(payload + 320 + (size_t)i * 32, &inside, i % 2 == 0 ? NULL : (const uint8_t *)"\0\0\0\0\0\0\0");
	frame_begin(&f);
	ck_assert(frame_add(&f, payload, sizeof(payload)));
	lost = place;
	ck_assert_int_eq(framelog_append(dead, &lost, &f, false), OK);
	framelog_free(dead);
	kit_put(l, &place, 'd', 3);
	framelog_free(l);
	kit_expect_goes_on("abcd");
}
END_TEST

START_TEST(goes_back_to_a_file_whose_successor_was_made_and_not_used)
{
	struct framelog *dead = kit_open(PAIR), *l = kit_open(0);
	struct log_place place = {0}, lost;
	uint8_t zeros[LENGTH * 4] = {0};
	struct kit_image image;
	kit_put_all(l, &place, "ab", SIZE);
	lost = place;
	kit_put(dead, &lost, 'X', SIZE);
	ck_assert_uint_eq(lost.file, 2);
	/* It died after it had named the file and before, in the middle of, or at the end of the frame's way to disk. */
	kit_write(2, 96 + 30, zeros, LENGTH);
	kit_expect(false, "ab");
	kit_save(&image);
	kit_expect_goes_on("ab");
	kit_restore(&image);
	framelog_free(dead);
	framelog_free(l);
	kit_image_clear(&image);
}
END_TEST

/* --- … or dies when it had already made the next file. Whoever goes on has the place from before. --- */

static const char *const next_sizes[] = {"short", "long", "too long for the old file"};

START_TEST(does_not_let_a_dead_writers_frame_in_a_new_file_win)
{
	struct framelog *dead = kit_open(PAIR), *l = kit_open(PAIR);
	struct log_place place = {0}, lost;
	kit_put(l, &place, 'a', SIZE);
	lost = place;
	/* The file still has room for a shorter one. */
	kit_put(dead, &lost, 'X', SIZE * 2);
	framelog_free(dead);
	ck_assert_uint_eq(lost.file, 2);
	kit_put(l, &place, 'b', _i == 0 ? 5 : _i == 1 ? SIZE : SIZE * 3);
	ck_assert_msg(kit_scan(false)->e == OK, "%s: %s", next_sizes[_i], kit_scan(false)->why);
	kit_expect(false, "ab");
	kit_put_all(l, &place, "cdef", SIZE);
	framelog_free(l);
	kit_expect_goes_on("abcdef");
}
END_TEST

START_TEST(goes_on_behind_a_replacement_whose_maker_died)
{
	struct framelog *dead = kit_open(PAIR), *l = kit_open(PAIR);
	struct log_place place = {0}, lost;
	struct kit_image before, after;
	const struct kit_scan *s;
	kit_put_all(l, &place, "abcde", SIZE);
	kit_save(&before);
	lost = place;
	ck_assert_int_eq(framelog_replace_begin(dead, &lost), OK);
	kit_put_all(dead, &lost, "XY", SIZE);
	ck_assert_int_eq(framelog_replace_end(dead, &lost, true), OK);
	framelog_free(dead);
	kit_save(&after);
	if (_i > 0) {
		/* It did not get as far as to remove the old. */
		size_t size;
		const uint8_t *bytes = kit_file(&after, 4, &size);
		FILE *file;
		kit_restore(&before);
		file = fopen(kit_path("00000004.log"), "we");
		ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
		fclose(file);
	}
	/* With the file at hand that was replaced, or without. */
	if (_i == 2) {
		framelog_free(l);
		l = kit_open(PAIR);
	}
	kit_put(l, &place, 'f', SIZE);
	s = kit_expect(false, "XYf");
	ck_assert_mem_eq(&s->out.place, &place, sizeof(place));
	ck_assert_uint_eq(kit_count(), 1 + (place.file == 5));
	kit_put_all(l, &place, "gh", SIZE);
	framelog_free(l);
	kit_expect_goes_on("XYfgh");
	kit_image_clear(&before);
	kit_image_clear(&after);
}
END_TEST

START_TEST(replaces_where_another_who_did_so_has_died)
{
	struct framelog *dead = kit_open(PAIR), *l = kit_open(PAIR);
	struct log_place place = {0}, lost;
	kit_put_all(l, &place, "abc", SIZE);
	lost = place;
	ck_assert_int_eq(framelog_replace_begin(dead, &lost), OK);
	kit_put(dead, &lost, 'X', SIZE);
	ck_assert_int_eq(framelog_replace_end(dead, &lost, true), OK);
	framelog_free(dead);
	ck_assert_int_eq(framelog_replace_begin(l, &place), OK);
	kit_put(l, &place, 'Y', SIZE);
	ck_assert_int_eq(framelog_replace_end(l, &place, true), OK);
	kit_put(l, &place, 'd', SIZE);
	framelog_free(l);
	kit_expect_goes_on("Yd");
}
END_TEST

START_TEST(does_not_call_a_file_unused_whose_first_frame_is_damaged)
{
	struct framelog *dead = kit_open(0), *l = kit_open(PAIR);
	struct log_place place = {0}, lost;
	const struct kit_scan *s;
	kit_put(l, &place, 'a', SIZE);
	/* At the end of the first file stands a whole frame that was never acknowledged. */
	lost = place;
	kit_put(dead, &lost, 'X', 1);
	kit_put_all(l, &place, "BCD", LENGTH + 1);
	ck_assert_uint_eq(place.file, 4);
	framelog_free(dead);
	framelog_free(l);
	kit_expect(false, "aBCD");
	ck_assert_int_eq(unlink(kit_path("00000004.log")), 0);
	ck_assert_int_eq(unlink(kit_path("00000003.log")), 0);
	l = kit_open(0);
	place = kit_expect(true, "aB")->out.place;
	kit_put_all(l, &place, "CD", SIZE);
	framelog_free(l);
	kit_flip(2, 96 + 30, 1);
	s = kit_scan(true);
	ck_assert_msg(s->e == ERR_FORMAT, "%s", s->names);
	ck_assert_msg(strstr(s->why, "00000002.log is damaged at byte 96") != NULL, "%s", s->why);
	ck_assert(kit_has("00000002.log"));
}
END_TEST

START_TEST(refuses_to_write_where_what_comes_next_is_damaged)
{
	struct framelog *l = kit_open(PAIR);
	struct log_place place = {0}, before;
	kit_put_all(l, &place, "ab", SIZE);
	before = place;
	kit_put(l, &place, 'c', SIZE);
	kit_flip(2, 50, 1);
	place = before;
	ck_assert_int_eq(kit_try(l, &place, 'd', 1, true), ERR_FORMAT);
	ck_assert_mem_eq(&place, &before, sizeof(place));
	framelog_free(l);
}
END_TEST

Suite *
suite_framelog_torn(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "framelog-torn", 60);
	kit_use(tc);
	tcase_add_checked_fixture(tc, kit_clear, kit_clear);
	tcase_add_loop_test(tc, cuts_a_torn_last_frame_and_nothing_else, 0, ARRAY_LEN(torn_logs) * REST_COUNT);
	tcase_add_test(tc, leaves_a_torn_frame_alone_unless_it_may_mend);
	tcase_add_loop_test(tc, refuses_any_flipped_bit_of_a_files_header, 0, 3);
	tcase_add_loop_test(tc, refuses_any_flipped_bit_of_a_frame_that_is_not_the_last, 0, 5);
	tcase_add_test(tc, takes_a_damaged_last_frame_for_a_torn_one);
	tcase_add_test(tc, does_not_care_for_bytes_that_mean_nothing);
	tcase_add_loop_test(tc, refuses_a_hole_however_far_the_next_whole_frame_is, 0, 5);
	tcase_add_test(tc, sees_only_the_short_frame_that_was_written_over_a_long_one);
	tcase_add_test(tc, takes_nothing_inside_a_payload_for_a_frame);
	tcase_add_test(tc, goes_back_to_a_file_whose_successor_was_made_and_not_used);
	tcase_add_loop_test(tc, does_not_let_a_dead_writers_frame_in_a_new_file_win, 0, ARRAY_LEN(next_sizes));
	tcase_add_loop_test(tc, goes_on_behind_a_replacement_whose_maker_died, 0, 3);
	tcase_add_test(tc, replaces_where_another_who_did_so_has_died);
	tcase_add_test(tc, does_not_call_a_file_unused_whose_first_frame_is_damaged);
	tcase_add_test(tc, refuses_to_write_where_what_comes_next_is_damaged);
	return suite;
}
