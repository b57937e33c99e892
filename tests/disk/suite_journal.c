/* The chain's journal: which blocks are in it, where the chain ends, and what of it counts. */
#include <stdio.h>
#include <string.h>

#include "disk/journal.h"
#include "logkit.h"
#include "suites.h"
#include "util/bytes.h"

/* Block number n, the parent of which is another of these or, for 0, the genesis block. */
static struct hash256 hashes[64];
static uint8_t blocks[64][BLOCK_PREFIX_SIZE];

static void
make_block(size_t n, size_t parent)
{
	struct header h = {.version = 1, .previous = hashes[parent], .time_ms = n, .height = n, .nonce = n * 7};
	struct writer w;
	if (n == 0) {
		hashes[0] = kit_options().genesis;
		return;
	}
	header_encode(blocks[n], &h);
	w = writer_of(blocks[n] + HEADER_SIZE, 4);
	put_u32(&w, 0);
	hashes[n] = header_hash_bytes(blocks[n]);
}

static struct framelog *log_now;
static struct log_place place;
static struct journal_frame frame;
static struct journal journal;
static struct buf why;

static void
setup(void)
{
	kit_clear();
	log_now = kit_open(0);
	place = (struct log_place){0};
	buf_init(&why);
	make_block(0, 0);
}

static void
teardown(void)
{
	journal_close(&journal);
	framelog_free(log_now);
	buf_clear(&why);
	kit_clear();
}

/*
 * A journal as text, a frame for each word: "b2<1" is block 2 on top of block 1, "t2" a tip at block 2, "c" that all was
 * closed, and "," puts several into one frame.
 */
static void
write_text(const char *text)
{
	char copy[512], *rest = copy;
	snprintf(copy, sizeof(copy), "%s", text);
	for (char *word = strsep(&rest, " "); word != NULL; word = strsep(&rest, " ")) {
		if (*word == '\0')
			continue;
		journal_frame_begin(&frame);
		ck_assert(journal_frame_is_empty(&frame));
		for (char *part = strsep(&word, ","); part != NULL; part = strsep(&word, ",")) {
			unsigned n = 0, parent = 0;
			if (sscanf(part, "b%u<%u", &n, &parent) == 2) {
				make_block(n, parent);
				ck_assert(journal_frame_block(&frame, &hashes[n], blocks[n], sizeof(blocks[n])));
			} else if (sscanf(part, "t%u", &n) == 1) {
				journal_frame_tip(&frame, &hashes[n], n);
			} else {
				ck_assert_str_eq(part, "c");
				journal_frame_closed(&frame);
			}
		}
		ck_assert(!journal_frame_is_empty(&frame));
		ck_assert_int_eq(framelog_append(log_now, &place, &frame.frame, false), OK);
	}
}

static void
reopen(void)
{
	journal_close(&journal);
	buf_reset(&why);
	ck_assert_msg(journal_open(&journal, log_now, true, NULL, NULL, &why) == OK, "%s", why.data);
}

static unsigned
number_of(const struct hash256 *h)
{
	for (unsigned i = 0; i < ARRAY_LEN(hashes); i++)
		if (hash_equal(h, &hashes[i]))
			return i;
	return 63;
}

static const struct {
	const char *text, *blocks, *chain;
	unsigned tip;
	bool is_closed;
	uint64_t stale;
} rows[] = {
    {"", "", "", 0, false, 0},
    {"c", "", "", 0, true, 0},
    {"t0", "", "", 0, false, 0},
    {"b1<0", "1", "", 0, false, 1},
    {"b1<0,t1", "1", "1", 1, false, 0},
    {"b1<0,t1 c", "1", "1", 1, true, 0},
    {"b1<0,t1 c b2<1,t2", "1 2", "1 2", 2, false, 0},
    {"b1<0,t1 b2<1,t2 b3<2,t3", "1 2 3", "1 2 3", 3, false, 0},
    {"b1<0,b2<1,b3<2,t3", "1 2 3", "1 2 3", 3, false, 0},
    /* Blocks behind the last tip do not count. */
    {"b1<0,t1 b2<1 b3<2", "1 2 3", "1", 1, false, 2},
    /* Another branch wins, and loses again. */
    {"b1<0,t1 b2<1,t2 b3<1,b4<3,t4", "1 2 3 4", "1 3 4", 4, false, 1},
    {"b1<0,t1 b2<1,t2 b3<1,b4<3,t4 b5<2,b6<5,t6", "1 2 3 4 5 6", "1 2 5 6", 6, false, 2},
    {"b1<0,b2<1,b3<2,t3 t1", "1 2 3", "1", 1, false, 2},
    {"b1<0,t1 b2<0,t2", "1 2", "2", 2, false, 1},
    {"b1<0,b2<1,t2 b3<0,b4<3,b5<4,t5 t2 t5", "1 2 3 4 5", "3 4 5", 5, false, 2},
    /* A block again, in the same frame or a later one, with its parent the last or not. */
    {"b1<0,b1<0,t1", "1", "1", 1, false, 0},
    {"b1<0,t1 b2<1,t2 b1<0 b2<1 t2", "1 2", "1 2", 2, false, 0},
    {"b1<0,b2<1,b3<1,t2 b2<1,b3<1,t3", "1 2 3", "1 3", 3, false, 1},
    /* A tip that was never written, and a branch whose root is not there. */
    {"b1<0,t1 t60", "1", "", 60, false, 1},
    {"b5<4,b6<5,t6", "5 6", "5 6", 6, false, 0},
};

START_TEST(finds_the_blocks_and_the_chain_that_ends_in_the_last_tip)
{
	char text[128] = "";
	uint32_t *order, count;
	make_block(60, 4);
	make_block(4, 0);
	write_text(rows[_i].text);
	reopen();
	for (uint32_t i = 0; i < journal.count; i++) {
		unsigned n = number_of(&journal.blocks[i].hash);
		snprintf(text + strlen(text), 8, "%s%u", i == 0 ? "" : " ", n);
		ck_assert_uint_eq(journal_find(&journal, &hashes[n]), i);
		ck_assert(journal.blocks[i].parent == JOURNAL_NONE || journal.blocks[i].parent < i);
	}
	ck_assert_str_eq(text, rows[_i].blocks);
	ck_assert_uint_eq(number_of(&journal.tip), rows[_i].tip);
	ck_assert_uint_eq(journal.tip_height, rows[_i].tip);
	ck_assert_int_eq(journal.is_closed, rows[_i].is_closed);
	ck_assert_uint_eq(journal_stale_bytes(&journal), rows[_i].stale * BLOCK_PREFIX_SIZE);
	ck_assert_mem_eq(&journal.scan.place, &place, sizeof(place));

	journal_chain(&journal, &order, &count);
	text[0] = '\0';
	for (uint32_t i = 0; i < count; i++) {
		struct block b;
		unsigned n = number_of(&journal.blocks[order[i]].hash);
		snprintf(text + strlen(text), 8, "%s%u", i == 0 ? "" : " ", n);
		ck_assert_int_eq(journal_block(&journal, &b, order[i]), OK);
		ck_assert_uint_eq(b.size, BLOCK_PREFIX_SIZE);
		ck_assert_mem_eq(b.bytes, blocks[n], BLOCK_PREFIX_SIZE);
		ck_assert(hash_equal(&b.hash, &hashes[n]));
	}
	ck_assert_str_eq(text, rows[_i].chain);
	free(order);
	ck_assert_uint_eq(journal_find(&journal, &hashes[63]), JOURNAL_NONE);
}
END_TEST

static uint32_t told;

static void
note_progress(void *ctx, uint32_t n)
{
	ck_assert_ptr_eq(ctx, &told);
	ck_assert_uint_gt(n, told);
	told = n;
}

START_TEST(finds_its_way_in_a_large_tree)
{
	/* Every block is a child of the one half its number, so that nearly all are branches. */
	enum { COUNT = 5000 };
	static struct hash256 h[COUNT + 1];
	static uint8_t bytes[COUNT + 1][BLOCK_PREFIX_SIZE];
	uint32_t *order, count, n = 1;
	while (n <= COUNT) {
		journal_frame_begin(&frame);
		for (; n <= COUNT; n++) {
			struct header header = {.version = 1, .previous = h[n / 2], .height = n};
			header_encode(bytes[n], &header);
			h[n] = header_hash_bytes(bytes[n]);
			if (!journal_frame_block(&frame, &h[n], bytes[n], sizeof(bytes[n])))
				break;
		}
		ck_assert_int_le(frame.blocks, JOURNAL_BLOCKS_MAX);
		journal_frame_tip(&frame, &h[n - 1], 3);
		ck_assert_int_eq(framelog_append(log_now, &place, &frame.frame, false), OK);
	}
	told = 0;
	ck_assert_int_eq(journal_open(&journal, log_now, false, note_progress, &told, &why), OK);
	ck_assert_uint_gt(told, COUNT / 2);
	ck_assert_uint_eq(journal.count, COUNT);
	for (n = 1; n <= COUNT; n++)
		ck_assert_uint_eq(journal_find(&journal, &h[n]), n - 1);
	journal_chain(&journal, &order, &count);
	ck_assert_uint_eq(count, 13);
	for (uint32_t i = 0; i < count; i++)
		ck_assert_uint_eq(order[i], (uint32_t)COUNT / (1u << (count - 1 - i)) - 1);
	free(order);
}
END_TEST

START_TEST(has_always_room_for_a_tip)
{
	/* The first block leaves so many bytes behind room for a second one of the least size and a tip. */
	static uint8_t bytes[FRAME_PAYLOAD_MAX];
	for (int spare = -300; spare <= 300; spare++) {
		size_t least = BLOCK_PREFIX_SIZE, tip = sizeof(frame.tip), head = JOURNAL_BLOCK_HEAD;
		size_t first = (size_t)((int)(FRAME_PAYLOAD_MAX - tip - 2 * head - least) - spare);
		bool fits = spare >= 0, has_first = first + head + tip <= FRAME_PAYLOAD_MAX;
		size_t size;
		journal_frame_begin(&frame);
		ck_assert(journal_frame_block(&frame, &hashes[0], bytes, first) == has_first);
		size = frame.frame.size;
		ck_assert(journal_frame_block(&frame, &hashes[1], bytes, least) == (fits || !has_first));
		/* What did not fit has left nothing. */
		ck_assert_uint_eq(frame.frame.size, fits || !has_first ? size + head + least : size);
		size = frame.frame.size;
		journal_frame_tip(&frame, &hashes[0], 1);
		ck_assert_uint_eq(frame.frame.size, size + tip);
	}
	journal_frame_begin(&frame);
	ck_assert(!journal_frame_block(&frame, &hashes[0], bytes, FRAME_PAYLOAD_MAX));
	ck_assert(journal_frame_is_empty(&frame));
}
END_TEST

/* Entries by hand: whatever a frame holds, its checksum is right. */
static const struct {
	size_t size;
	char bytes[6]; /* the first of them, the others are zeros */
	enum err e;
	const char *words;
} bad_rows[] = {
    {1, "\x03", ERR_FORMAT, "longer than its frame"},
    {4, "\x03\0\0\0", ERR_FORMAT, "longer than its frame"},
    {5, "\x03\0\0\0\x01", ERR_FORMAT, "longer than its frame"},
    {5, "\x02\xff\xff\xff\xff", ERR_FORMAT, "longer than its frame"},
    {5, "\0\0\0\0", ERR_UNSUPPORTED, "kind 0"},
    {5, "\x04\0\0\0", ERR_UNSUPPORTED, "kind 4"},
    {5, "\x02\0\0\0", ERR_FORMAT, "a tip's entry has the wrong length"},
    {44, "\x02\0\0\0\x27", ERR_FORMAT, "a tip's entry has the wrong length"},
    {46, "\x02\0\0\0\x29", ERR_FORMAT, "a tip's entry has the wrong length"},
    {5, "\x01\0\0\0", ERR_FORMAT, "a block's entry is too short"},
    {136, "\x01\0\0\0\x83", ERR_FORMAT, "a block's entry is too short"},
    {6, {3, 0, 0, 0, 0, 3}, ERR_FORMAT, "longer than its frame"},
};

START_TEST(refuses_entries_that_are_none)
{
	uint8_t bytes[256] = {0};
	struct frame f;
	memcpy(bytes, bad_rows[_i].bytes, bad_rows[_i].size < 6 ? bad_rows[_i].size : 6);
	write_text("b1<0,t1");
	frame_begin(&f);
	ck_assert(frame_add(&f, bytes, bad_rows[_i].size));
	ck_assert_int_eq(framelog_append(log_now, &place, &f, false), OK);
	ck_assert_int_eq(journal_open(&journal, log_now, true, NULL, NULL, &why), bad_rows[_i].e);
	ck_assert_msg(strstr(why.data, bad_rows[_i].words) != NULL, "%s", why.data);
	ck_assert_msg(strstr(why.data, "00000001.log, frame at byte 304") != NULL, "%s", why.data);
	ck_assert_ptr_null(journal.blocks);
}
END_TEST

START_TEST(takes_a_frame_of_nothing)
{
	struct frame f;
	write_text("b1<0,t1 c");
	frame_begin(&f);
	ck_assert_int_eq(framelog_append(log_now, &place, &f, false), OK);
	reopen();
	ck_assert_uint_eq(journal.count, 1);
	ck_assert(!journal.is_closed);
}
END_TEST

START_TEST(says_that_a_block_is_none_when_it_is_asked_for)
{
	uint32_t *order, count;
	struct block b;
	make_block(1, 0);
	blocks[1][HEADER_SIZE + 3] = 1; /* a transaction that is not there */
	journal_frame_begin(&frame);
	ck_assert(journal_frame_block(&frame, &hashes[1], blocks[1], sizeof(blocks[1])));
	journal_frame_tip(&frame, &hashes[1], 1);
	ck_assert_int_eq(framelog_append(log_now, &place, &frame.frame, false), OK);
	reopen();
	journal_chain(&journal, &order, &count);
	ck_assert_uint_eq(count, 1);
	ck_assert_int_eq(journal_block(&journal, &b, order[0]), ERR_FORMAT);
	free(order);
}
END_TEST

START_TEST(loses_only_what_a_torn_frame_held)
{
	uint32_t *order, count;
	write_text("b1<0,t1 b2<1,t2");
	kit_flip(1, place.offset - 1 - 5, 1);
	reopen();
	ck_assert_uint_eq(journal.count, 1);
	ck_assert_uint_eq(number_of(&journal.tip), 1);
	ck_assert_uint_gt(journal.scan.torn_bytes, 0);
	place = journal.scan.place;
	write_text("b3<1,t3");
	reopen();
	journal_chain(&journal, &order, &count);
	ck_assert_uint_eq(count, 2);
	ck_assert_uint_eq(number_of(&journal.blocks[order[1]].hash), 3);
	free(order);
}
END_TEST

START_TEST(refuses_what_its_log_refuses)
{
	write_text("b1<0,t1 b2<1,t2 b3<2,t3");
	kit_flip(1, 96 + 30, 1);
	ck_assert_int_eq(journal_open(&journal, log_now, true, NULL, NULL, &why), ERR_FORMAT);
	ck_assert_ptr_nonnull(strstr(why.data, "00000001.log is damaged at byte 96"));
}
END_TEST

Suite *
suite_journal(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "journal", 30);
	kit_use(tc);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, finds_the_blocks_and_the_chain_that_ends_in_the_last_tip, 0, ARRAY_LEN(rows));
	tcase_add_test(tc, finds_its_way_in_a_large_tree);
	tcase_add_test(tc, has_always_room_for_a_tip);
	tcase_add_loop_test(tc, refuses_entries_that_are_none, 0, ARRAY_LEN(bad_rows));
	tcase_add_test(tc, takes_a_frame_of_nothing);
	tcase_add_test(tc, says_that_a_block_is_none_when_it_is_asked_for);
	tcase_add_test(tc, loses_only_what_a_torn_frame_held);
	tcase_add_test(tc, refuses_what_its_log_refuses);
	return suite;
}
