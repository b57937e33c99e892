/* The framed log in order: what goes in comes out, files follow one another, and what is none of ours is refused. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "chain/block.h"
#include "logkit.h"
#include "suites.h"
#include "util/bytes.h"
#include "util/file.h"
#include "util/hex.h"

#define SIZE 200	     /* of a frame's payload … */
#define LENGTH (SIZE + 24)   /* … and with its header, on disk */
#define PAIR (LENGTH * 2)    /* room for two of them in each file */
#define FIRST 96	     /* where the first one stands */
#define SECOND (96 + LENGTH) /* and the next */

START_TEST(is_empty_before_anything_is_written)
{
	const struct kit_scan *s = kit_expect(true, "");
	struct log_place zero = {0};
	ck_assert_mem_eq(&s->out.place, &zero, sizeof(zero));
	ck_assert_uint_eq(s->out.first_file, 0);
	/* Neither a handle nor a scan makes anything. */
	ck_assert_int_ne(access(kit_folder(), F_OK), 0);
	ck_assert_int_eq(mkdir(kit_folder(), 0700), 0);
	s = kit_expect(true, "");
	ck_assert_mem_eq(&s->out.place, &zero, sizeof(zero));
	ck_assert_uint_eq(kit_count(), 0);
}
END_TEST

START_TEST(gives_back_frames_of_every_size)
{
	struct framelog *l = kit_open(0);
	struct log_place place = {0};
	const struct kit_scan *s;
	char names[KIT_FRAMES_MAX + 1] = "";
	uint64_t position = 0;
	for (size_t size = 0; size < 40; size++) {
		names[size] = size == 0 ? '0' : (char)('A' + size);
		/* 24 bytes, the payload, and zeros up to the next multiple of eight. */
		ck_assert_uint_eq(kit_put(l, &place, names[size], size), 24 + (size + 7) / 8 * 8);
		ck_assert_uint_eq(place.offset, place.position + 96);
	}
	framelog_free(l);
	s = kit_expect(false, names);
	ck_assert_mem_eq(&s->out.place, &place, sizeof(place));
	ck_assert_uint_eq(s->out.torn_bytes, 0);
	ck_assert_uint_eq(s->out.start, 0);
	for (size_t i = 0; i < 40; i++) {
		ck_assert_uint_eq(s->sizes[i], i);
		ck_assert_uint_eq(s->at[i].file, 1);
		ck_assert_uint_eq(s->at[i].position, position);
		ck_assert_uint_eq(s->at[i].offset, position + 96 + 24);
		position += 24 + (i + 7) / 8 * 8;
	}
	kit_expect_goes_on(names);
}
END_TEST

START_TEST(takes_frames_up_to_their_greatest_size_and_number_of_parts)
{
	static struct frame f;
	static uint8_t bytes[FRAME_PAYLOAD_MAX];
	struct framelog *l = kit_open(0);
	struct log_place place = {0};
	frame_begin(&f);
	ck_assert(!frame_add(&f, bytes, FRAME_PAYLOAD_MAX + 1));
	ck_assert(frame_add(&f, bytes, FRAME_PAYLOAD_MAX - 1));
	ck_assert(!frame_add(&f, bytes, 2));
	ck_assert(frame_add(&f, bytes, 1));
	ck_assert(!frame_add(&f, bytes, 1));
	ck_assert_uint_eq(f.size, FRAME_PAYLOAD_MAX);
	memcpy(bytes, kit_payload('a', FRAME_PAYLOAD_MAX - 1), FRAME_PAYLOAD_MAX - 1);
	memcpy(bytes, kit_payload('a', FRAME_PAYLOAD_MAX), 1);
	kit_put(l, &place, 'a', FRAME_PAYLOAD_MAX);
	kit_put(l, &place, 'b', FRAME_PAYLOAD_MAX - 7);

	frame_begin(&f);
	memcpy(bytes, kit_payload('c', FRAME_PARTS_MAX), FRAME_PARTS_MAX);
	for (size_t i = 0; i < FRAME_PARTS_MAX; i++)
		ck_assert(frame_add(&f, bytes + i, 1));
	ck_assert(!frame_add(&f, bytes, 1));
	ck_assert_int_eq(framelog_append(l, &place, &f, false), OK);
	kit_put(l, &place, 'd', 1);
	framelog_free(l);
	kit_expect_goes_on("abcd");
}
END_TEST

START_TEST(goes_on_in_new_files)
{
	struct framelog *l = kit_open(PAIR);
	struct log_place place = {0};
	const struct kit_scan *s;
	kit_put_all(l, &place, "abcdefg", SIZE);
	/* One that is larger than any file has one to itself. */
	kit_put(l, &place, 'h', PAIR * 3);
	kit_put(l, &place, 'i', 1);
	framelog_free(l);
	ck_assert_uint_eq(kit_count(), 6);
	ck_assert_uint_eq(place.file, 6);
	s = kit_expect(false, "abcdefghi");
	ck_assert_mem_eq(&s->out.place, &place, sizeof(place));
	for (size_t i = 0; i < 7; i++) {
		ck_assert_uint_eq(s->at[i].file, 1 + i / 2);
		ck_assert_uint_eq(s->at[i].offset, (i % 2 == 0 ? FIRST : SECOND) + 24);
		ck_assert_uint_eq(s->at[i].position, i * LENGTH);
	}
	ck_assert_uint_eq(s->at[7].file, 5);
	ck_assert_uint_eq(s->at[8].file, 6);
	ck_assert_uint_eq(s->out.first_file, 1);
	kit_expect_goes_on("abcdefghi");
}
END_TEST

START_TEST(goes_on_where_a_scan_ended_as_where_the_writer_did)
{
	struct log_place place = {0};
	for (const char *c = "abcdefgh"; *c != '\0'; c++) {
		/* Each by a handle of its own, as after a start. */
		struct framelog *l = kit_open(PAIR);
		struct log_place found = kit_scan(true)->out.place;
		ck_assert_mem_eq(&found, &place, sizeof(place));
		kit_put(l, &place, *c, SIZE);
		framelog_free(l);
	}
	ck_assert_uint_eq(place.file, 4);
	kit_expect(true, "abcdefgh");
}
END_TEST

START_TEST(is_written_by_several_who_take_turns)
{
	struct framelog *writers[3];
	struct log_place place = {0};
	char names[27];
	for (size_t i = 0; i < ARRAY_LEN(writers); i++)
		writers[i] = kit_open(PAIR);
	for (size_t i = 0; i < 26; i++) {
		names[i] = (char)('a' + i);
		kit_put(writers[i * i % 7 % 3], &place, names[i], SIZE - i * 7);
	}
	names[26] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(writers); i++)
		framelog_free(writers[i]);
	kit_expect_goes_on(names);
}
END_TEST

START_TEST(gives_pieces_of_what_a_scan_has_seen)
{
	struct framelog *l = kit_open(PAIR);
	struct log_place place = {0};
	const struct kit_scan *s;
	uint8_t bytes[SIZE];
	size_t got;
	kit_put_all(l, &place, "abcde", SIZE);
	s = kit_scan_by(l, false);
	ck_assert_int_eq(s->e, OK);
	for (size_t k = 0; k < 10; k++) {
		size_t i = k * 3 % 5;
		ck_assert_int_eq(framelog_read_some(l, s->at[i].file, s->at[i].offset, bytes, SIZE, &got), OK);
		ck_assert_uint_eq(got, SIZE);
		ck_assert_mem_eq(bytes, kit_payload("abcde"[i], SIZE), SIZE);
	}
	ck_assert_int_eq(framelog_read_some(l, 3, kit_size(3) - 3, bytes, SIZE, &got), OK);
	ck_assert_uint_eq(got, 3);
	ck_assert_int_eq(framelog_read_some(l, 4, FIRST, bytes, SIZE, &got), ERR_NOT_FOUND);
	ck_assert_uint_eq(got, 0);
	ck_assert_int_eq(framelog_read_some(l, 1, FIRST + 24, bytes, SIZE, &got), OK);
	ck_assert_mem_eq(bytes, kit_payload('a', SIZE), SIZE);
	framelog_free(l);
}
END_TEST

static enum err
refuse_second(void *ctx, const struct frame_at *where, const uint8_t *payload, size_t size, struct buf *why)
{
	int *seen = ctx;
	(void)where;
	(void)payload;
	(void)size;
	if (++*seen < 2)
		return OK;
	buf_puts(why, "enough");
	return ERR_LIMIT;
}

START_TEST(ends_a_scan_when_its_reader_has_enough)
{
	struct framelog *l = kit_open(PAIR);
	struct log_place place = {0};
	struct framelog_scan out;
	struct buf why;
	int seen = 0;
	kit_put_all(l, &place, "abcde", SIZE);
	buf_init(&why);
	ck_assert_int_eq(framelog_scan(l, &out, false, refuse_second, &seen, &why), ERR_LIMIT);
	ck_assert_str_eq(why.data, "enough");
	ck_assert_int_eq(seen, 2);
	buf_clear(&why);
	framelog_free(l);
}
END_TEST

/* --- The files of docs/protocol.md --- */

/* Puts the file that the page shows under a key into the folder. */
static void
write_documented(const char *key, const char *name)
{
	struct buf page = {0};
	ck_assert_int_eq(file_read(&page, TOP_SRCDIR "/docs/protocol.md", 1 << 20), OK);
	char *hex = strstr(page.data, key);
	ck_assert_ptr_nonnull(hex);
	hex += strlen(key);
	size_t digits = strspn(hex, "0123456789abcdef");
	uint8_t bytes[1024];
	ck_assert_uint_le(digits / 2, sizeof(bytes));
	hex[digits] = '\0';
	ck_assert_int_eq(hex_decode(bytes, digits / 2, hex), OK);
	ck_assert_int_eq(mkdir(kit_folder(), 0700), 0);
	FILE *file = fopen(kit_path(name), "we");
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(bytes, 1, digits / 2, file), digits / 2);
	fclose(file);
	buf_clear(&page);
}

static const struct {
	const char *key, *name;
	enum log_kind kind;
	size_t sizes[2];
	struct log_place place;
} documented[] = {
    {"\"journal_file\": \"", "00000001.log", LOG_JOURNAL, {251, 5}, {1, 96 + 280 + 32, 280 + 32, 0, 0}},
    {"\"pool_file\": \"", "00000007.log", LOG_POOL, {197, 0}, {7, 96 + 224, 1000 + 224, 0, 0}},
};

START_TEST(reads_the_documented_files)
{
	struct framelog_options o = kit_options();
	struct framelog *l;
	struct params p;
	const struct kit_scan *s;
	params_default(&p);
	o.genesis = genesis_hash(&p);
	o.kind = documented[_i].kind;
	write_documented(documented[_i].key, documented[_i].name);
	l = framelog_new(&o);
	s = kit_scan_by(l, true);
	ck_assert_msg(s->e == OK, "%s", s->why);
	ck_assert_uint_eq(s->out.frames, documented[_i].sizes[1] != 0 ? 2 : 1);
	ck_assert_uint_eq(s->sizes[0], documented[_i].sizes[0]);
	ck_assert_uint_eq(s->sizes[1], documented[_i].sizes[1]);
	ck_assert_uint_eq(s->out.place.file, documented[_i].place.file);
	ck_assert_uint_eq(s->out.place.offset, documented[_i].place.offset);
	ck_assert_uint_eq(s->out.place.position, documented[_i].place.position);
	ck_assert_uint_eq(s->out.torn_bytes, 0);
	framelog_free(l);
}
END_TEST

/* --- Replacing --- */

START_TEST(replaces_all_that_was_there)
{
	struct framelog *l = kit_open(PAIR);
	struct log_place place = {0}, old;
	const struct kit_scan *s;
	kit_put_all(l, &place, "abcde", SIZE);
	old = place;
	ck_assert_int_eq(framelog_replace_begin(l, &place), OK);
	/* However much it is, it stays in one file; and until the end it is the old that counts. */
	kit_put_all(l, &place, "UVWXYZ", SIZE);
	kit_expect(false, "abcde");
	ck_assert_int_eq(framelog_replace_end(l, &place, true), OK);
	ck_assert_uint_eq(kit_count(), 1);
	s = kit_expect(false, "UVWXYZ");
	ck_assert_mem_eq(&s->out.place, &place, sizeof(place));
	ck_assert_uint_eq(s->out.first_file, 4);
	ck_assert_uint_eq(s->out.start, old.position);
	ck_assert_uint_eq(s->out.bytes, 6 * LENGTH);
	/* Handles that wrote the old go on with the new. */
	kit_put_all(l, &place, "fg", SIZE);
	framelog_free(l);
	kit_expect_goes_on("UVWXYZfg");
}
END_TEST

START_TEST(replaces_by_nothing_and_again_and_what_was_never_there)
{
	struct framelog *l = kit_open(PAIR);
	struct log_place place = {0};
	ck_assert_int_eq(framelog_replace_begin(l, &place), OK);
	kit_put(l, &place, 'a', SIZE);
	ck_assert_int_eq(framelog_replace_end(l, &place, true), OK);
	kit_expect(true, "a");
	ck_assert_int_eq(framelog_replace_begin(l, &place), OK);
	ck_assert_int_eq(framelog_replace_end(l, &place, true), OK);
	kit_expect(true, "");
	ck_assert_int_eq(framelog_replace_begin(l, &place), OK);
	kit_put(l, &place, 'b', SIZE);
	ck_assert_int_eq(framelog_replace_end(l, &place, true), OK);
	kit_expect(true, "b");
	ck_assert_uint_eq(place.file, 3);
	kit_put_all(l, &place, "cdef", SIZE);
	framelog_free(l);
	kit_expect_goes_on("bcdef");
}
END_TEST

START_TEST(keeps_the_old_if_the_new_is_no_good)
{
	struct framelog *l = kit_open(PAIR);
	struct log_place place = {0}, old;
	kit_put_all(l, &place, "abc", SIZE);
	old = place;
	ck_assert_int_eq(framelog_replace_begin(l, &place), OK);
	kit_put_all(l, &place, "XYZ", SIZE);
	ck_assert_int_eq(framelog_replace_end(l, &place, false), OK);
	ck_assert_mem_eq(&place, &old, sizeof(place));
	ck_assert_uint_eq(kit_count(), 2);
	kit_put_all(l, &place, "de", SIZE);
	framelog_free(l);
	kit_expect_goes_on("abcde");
}
END_TEST

START_TEST(forgets_what_is_left_of_files_that_were_replaced)
{
	struct framelog *l = kit_open(PAIR);
	struct log_place place = {0};
	struct kit_image old, new;
	kit_put_all(l, &place, "abcde", SIZE);
	kit_save(&old);
	ck_assert_int_eq(framelog_replace_begin(l, &place), OK);
	kit_put_all(l, &place, "XY", SIZE);
	ck_assert_int_eq(framelog_replace_end(l, &place, true), OK);
	framelog_free(l);
	kit_save(&new);
	/* Whichever of them its maker still removed: any of the three may be there, or be damaged. */
	for (unsigned there = 0; there < 8; there++) {
		kit_restore(&new);
		for (uint64_t file = 1; file <= 3; file++) {
			size_t size;
			uint8_t *bytes = kit_file(&old, file, &size);
			char name[FRAMELOG_NAME_SIZE];
			framelog_name(name, file);
			if ((there >> (file - 1) & 1) == 0)
				continue;
			int fd = open(kit_path(name), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
			ck_assert_int_eq(write(fd, bytes, there == 7 ? 50 : size), there == 7 ? 50 : (ssize_t)size);
			close(fd);
		}
		kit_expect(false, "XY");
		kit_expect(true, "XY");
		ck_assert_uint_eq(kit_count(), 1);
		kit_expect_goes_on("XY");
	}
	kit_image_clear(&old);
	kit_image_clear(&new);
}
END_TEST

START_TEST(tells_whether_there_is_room_and_leaves_nothing)
{
	struct framelog *l = kit_open(0);
	ck_assert_int_eq(framelog_probe(l), OK);
	ck_assert_uint_eq(kit_count(), 0);
	framelog_free(l);
}
END_TEST

Suite *
suite_framelog(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "framelog", 30);
	kit_use(tc);
	tcase_add_checked_fixture(tc, kit_clear, kit_clear);
	tcase_add_test(tc, is_empty_before_anything_is_written);
	tcase_add_test(tc, gives_back_frames_of_every_size);
	tcase_add_test(tc, takes_frames_up_to_their_greatest_size_and_number_of_parts);
	tcase_add_test(tc, goes_on_in_new_files);
	tcase_add_test(tc, goes_on_where_a_scan_ended_as_where_the_writer_did);
	tcase_add_test(tc, is_written_by_several_who_take_turns);
	tcase_add_test(tc, gives_pieces_of_what_a_scan_has_seen);
	tcase_add_test(tc, ends_a_scan_when_its_reader_has_enough);
	tcase_add_loop_test(tc, reads_the_documented_files, 0, ARRAY_LEN(documented));
	tcase_add_test(tc, replaces_all_that_was_there);
	tcase_add_test(tc, replaces_by_nothing_and_again_and_what_was_never_there);
	tcase_add_test(tc, keeps_the_old_if_the_new_is_no_good);
	tcase_add_test(tc, forgets_what_is_left_of_files_that_were_replaced);
	tcase_add_test(tc, tells_whether_there_is_room_and_leaves_nothing);
	return suite;
}
