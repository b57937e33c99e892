/*
 * Blocks with a transcript beside the chain: an answer has the same bytes with and without it, wherever the chain turned and
 * however far the scribe is. The scribe is a process of its own, which writes when the test tells it to.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "node.h"
#include "store/transcript.h"
#include "suites.h"
#include "wire/views.h"

#define BLOCKS_MAX 20000

static struct node n;
static struct transcript *t;
static pid_t scribe;
static int to_scribe, from_scribe;

static bool
write_up_to(uint64_t height)
{
	static struct blockref blocks[BLOCKS_MAX];
	static size_t ends[BLOCKS_MAX];
	struct blockref tip = chain_tip(n.store), top = transcript_top(t), fork;
	struct buf text;
	uint64_t from = 0;
	size_t count;
	struct block b;
	bool is_ok;

	tip = chain_at(n.store, tip, height);
	if (top.v != 0) {
		fork = chain_fork(n.store, top, tip);
		if (!blockref_equal(fork, top))
			transcript_turn(t, fork);
		from = chain_height(n.store, fork) + 1;
	}
	count = chain_window(n.store, tip, from, blocks, BLOCKS_MAX);
	buf_init(&text);
	for (size_t i = 0; i < count; i++) {
		buf_putc(&text, ',');
		chain_block(n.store, blocks[i], &b);
		struct jout j = jout_to(&text);
		view_block(&j, &b, store_params(n.store));
		ends[i] = text.len;
	}
	is_ok = count == 0 || transcript_add(t, n.store, blocks, ends, count, text.data) == OK;
	buf_clear(&text);
	return is_ok;
}

/* Writes up to each height that it is told, answers with it, and ends with its pipe. */
static void
be_scribe(int in, int out)
{
	uint64_t height;

	if (store_attach(n.store, STORE_READ, 1, 0) != OK || transcript_attach(t, true) != OK)
		_exit(1);
	while (read(in, &height, sizeof(height)) == (ssize_t)sizeof(height))
		if (!write_up_to(height) || write(out, &height, sizeof(height)) != (ssize_t)sizeof(height))
			_exit(1);
	_exit(0);
}

static void
scribe_writes(uint64_t height)
{
	uint64_t answer;

	ck_assert_int_eq(write(to_scribe, &height, sizeof(height)), sizeof(height));
	ck_assert_int_eq(read(from_scribe, &answer, sizeof(answer)), sizeof(answer));
}

static uint64_t
tip_height(void)
{
	return chain_height(n.store, chain_tip(n.store));
}

static void
setup(void)
{
	int there[2], back[2];

	node_init(&n);
	ck_assert_int_eq(transcript_create(&t, UINT64_C(32) << 20), OK);
	n.options.transcript = t;
	node_start(&n);
	ck_assert(pipe(there) == 0 && pipe(back) == 0);
	fflush(NULL);
	scribe = fork();
	ck_assert_int_ge(scribe, 0);
	if (scribe == 0) {
		close(there[1]);
		close(back[0]);
		be_scribe(there[0], back[1]);
	}
	close(there[0]);
	close(back[1]);
	to_scribe = there[1];
	from_scribe = back[0];
	ck_assert_int_eq(transcript_attach(t, false), OK);
}

static void
teardown(void)
{
	int status;

	close(to_scribe);
	close(from_scribe);
	ck_assert_int_eq(waitpid(scribe, &status, 0), scribe);
	ck_assert_int_eq(status, 0);
	node_stop(&n);
	transcript_free(t);
}

/* Blocks of tip's chain as they were shown before there was a transcript. */
static void
expect(struct buf *out, struct blockref tip, const char *opening, uint64_t from, uint64_t end, bool is_descending,
       const char *closing)
{
	struct block b;

	buf_init(out);
	buf_puts(out, opening);
	for (uint64_t i = 0; i < end - from; i++) {
		if (i > 0)
			buf_putc(out, ',');
		chain_block(n.store, chain_at(n.store, tip, is_descending ? end - 1 - i : from + i), &b);
		struct jout j = jout_to(out);
		view_block(&j, &b, &n.params);
	}
	buf_puts(out, closing);
}

static void
ck_shows(const char *path, struct buf *want)
{
	ck_assert_int_eq(node_get(&n, path), 200);
	ck_assert_msg(n.reply.body.len == want->len, "%s: %zu bytes, not %zu", path, n.reply.body.len, want->len);
	ck_assert_msg(memcmp(n.reply.body.data, want->data, want->len) == 0, "%s shows other bytes", path);
	buf_clear(want);
}

/* Every route that shows blocks, in slices around what is of interest. */
static void
check_all(void)
{
	struct blockref tip = chain_tip(n.store);
	uint64_t above = tip_height() + 1;
	static const uint64_t froms[] = {0, 1, 100, 149, 150, 151, 290, 299, 300, 301},
			      limits[] = {0, 1, 2, 60, 100, 250};
	char path[160], hex[HASH_HEX_SIZE];
	struct buf want;

	expect(&want, tip, "{\"chain\":[", 0, above, false, "]}");
	ck_shows("/chain", &want);
	for (size_t i = 0; i < ARRAY_LEN(froms); i++) {
		uint64_t from = froms[i] < above ? froms[i] : above;
		for (size_t k = 0; k < ARRAY_LEN(limits); k++) {
			uint64_t end = above - from < limits[k] ? above : from + limits[k];
			snprintf(path, sizeof(path), "/chain?from=%" PRIu64 "&limit=%" PRIu64, froms[i], limits[k]);
			expect(&want, tip, "{\"chain\":[", from, end, false, "]}");
			ck_shows(path, &want);
			if (limits[k] == 0 || limits[k] > 100)
				continue;
			snprintf(path, sizeof(path), "/blocks?before=%" PRIu64 "&limit=%" PRIu64, froms[i], limits[k]);
			expect(&want, tip, "{\"blocks\":[", from < limits[k] ? 0 : from - limits[k], from, true, "]}");
			ck_shows(path, &want);
		}
		if (froms[i] >= above)
			continue;
		snprintf(path, sizeof(path), "/blocks/%" PRIu64, froms[i]);
		expect(&want, tip, "", from, from + 1, false, "");
		ck_shows(path, &want);
		hash_hex(hex, chain_hash(n.store, chain_at(n.store, tip, from)));
		snprintf(path, sizeof(path), "/blocks/%s", hex);
		expect(&want, tip, "", from, from + 1, false, "");
		ck_shows(path, &want);
	}
}

START_TEST(shows_the_same_bytes_however_far_the_scribe_is)
{
	static const uint64_t steps[] = {0, 1, 149, 150, 151, 280, 299, 300};

	check_all();
	node_extend(&n, chain_tip(n.store), 300, 1);
	check_all();
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		scribe_writes(steps[i]);
		check_all();
	}
}
END_TEST

START_TEST(shows_the_same_bytes_over_reorganisations)
{
	static const struct {
		uint64_t fork, blocks;
	} turns[] = {{290, 30}, {150, 180}, {149, 200}, {300, 100}, {10, 500}, {505, 10}};

	node_extend(&n, chain_tip(n.store), 300, 1);
	scribe_writes(300);
	for (size_t i = 0; i < ARRAY_LEN(turns); i++) {
		node_extend(&n, chain_at(n.store, chain_tip(n.store), turns[i].fork), turns[i].blocks, (unsigned)i + 2);
		check_all();
		scribe_writes(tip_height() - 8);
		check_all();
		scribe_writes(tip_height());
		check_all();
	}
}
END_TEST

START_TEST(shows_large_blocks_alone_and_in_lists)
{
	struct buf want;
	struct tx tx;

	node_extend(&n, chain_tip(n.store), 1, 1);
	for (uint64_t block = 0; block < 3; block++) {
		for (uint64_t i = 0; i < 60; i++) {
			tx = transfer(&n, 1, 2, 10, 1, block * 60 + i);
			ck_assert_int_eq(node_post(&n, &tx), 202);
		}
		node_extend(&n, chain_tip(n.store), 1, 1);
	}
	for (unsigned pass = 0; pass < 2; pass++) {
		struct blockref tip = chain_tip(n.store);
		expect(&want, tip, "", 3, 4, false, "");
		ck_assert_uint_gt(want.len, 20000);
		ck_shows("/blocks/3", &want);
		expect(&want, tip, "{\"blocks\":[", 0, 5, true, "]}");
		ck_shows("/blocks?limit=5", &want);
		expect(&want, tip, "{\"chain\":[", 2, 4, false, "]}");
		ck_shows("/chain?from=2&limit=2", &want);
		scribe_writes(tip_height());
	}
}
END_TEST

START_TEST(tells_the_length_of_a_chain_that_it_need_not_write)
{
	char line[64];
	struct buf want;
	struct raw c;

	node_extend(&n, chain_tip(n.store), 1000, 1);
	for (unsigned pass = 0; pass < 2; pass++) {
		expect(&want, chain_tip(n.store), "{\"chain\":[", 0, 1001, false, "]}");
		snprintf(line, sizeof(line), "\r\nContent-Length: %zu\r\n", want.len);
		for (unsigned head = 0; head < 2; head++) {
			raw_open(&c, &n, 0);
			raw_send(&c, head ? "HEAD /chain HTTP/1.0\r\n\r\n" : "GET /chain HTTP/1.0\r\n\r\n");
			node_until(&n, (raw_read(&c, SIZE_MAX), c.is_closed));
			ck_assert_int_eq(strstr(c.got.data, line) != NULL, pass == 1);
			ck_assert_uint_eq(strlen(strstr(c.got.data, "\r\n\r\n") + 4), head ? 0 : want.len);
			raw_close(&c);
		}
		buf_clear(&want);
		scribe_writes(995);
	}
}
END_TEST

START_TEST(a_slow_reader_gets_its_own_chain_whatever_is_swapped)
{
	struct buf want;
	struct raw c;

	node_extend(&n, chain_tip(n.store), 12000, 1);
	scribe_writes(11990);
	expect(&want, chain_tip(n.store), "{\"chain\":[", 0, 12001, false, "]}");
	raw_open(&c, &n, 4096);
	raw_send(&c, "GET /chain HTTP/1.0\r\n\r\n");
	node_until(&n, (raw_read(&c, 4096), c.got.len > 20000));
	node_extend(&n, chain_at(n.store, chain_tip(n.store), 11000), 1010, 2);
	scribe_writes(tip_height());
	node_until(&n, (raw_read(&c, SIZE_MAX), c.got.len > 500000));
	node_extend(&n, chain_at(n.store, chain_tip(n.store), 10000), 2100, 3);
	scribe_writes(tip_height());
	node_until(&n, (raw_read(&c, SIZE_MAX), c.is_closed));
	const char *body = strstr(c.got.data, "\r\n\r\n") + 4;
	ck_assert_uint_eq(strlen(body), want.len);
	ck_assert(memcmp(body, want.data, want.len) == 0);
	buf_clear(&want);
	raw_close(&c);
	expect(&want, chain_tip(n.store), "{\"chain\":[", 0, tip_height() + 1, false, "]}");
	ck_shows("/chain", &want);
}
END_TEST

START_TEST(tells_in_the_status_how_far_the_transcript_is)
{
	const struct jval *cache;

	node_extend(&n, chain_tip(n.store), 20, 1);
	scribe_writes(12);
	ck_assert_int_eq(node_get(&n, "/status"), 200);
	cache = jval_get(node_doc(&n), "chain_cache");
	ck_assert_uint_eq(jval_u64(cache, "size_max", 0), 32u << 20);
	ck_assert_uint_eq(jval_u64(cache, "blocks", 0), 13);
	ck_assert_uint_eq(jval_u64(cache, "written", 0), 13);
	ck_assert_uint_gt(jval_u64(cache, "used", 0), 13 * 256);
}
END_TEST

Suite *
suite_block_stream(void)
{
	Suite *s;
	TCase *tc = suite_case(&s, "block stream", 120);

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, shows_the_same_bytes_however_far_the_scribe_is);
	tcase_add_test(tc, shows_the_same_bytes_over_reorganisations);
	tcase_add_test(tc, shows_large_blocks_alone_and_in_lists);
	tcase_add_test(tc, tells_the_length_of_a_chain_that_it_need_not_write);
	tcase_add_test(tc, a_slow_reader_gets_its_own_chain_whatever_is_swapped);
	tcase_add_test(tc, tells_in_the_status_how_far_the_transcript_is);
	return s;
}
