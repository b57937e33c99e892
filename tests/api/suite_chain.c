/* The chain as others read it. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "node.h"
#include "suites.h"

static struct node n;

static void
setup(void)
{
	node_init(&n);
	node_start(&n);
}

static void
teardown(void)
{
	node_stop(&n);
}

static uint64_t
height_of(const struct jval *blocks, size_t i)
{
	return jval_u64(jval_at(blocks, i), "height", UINT64_MAX);
}

START_TEST(shows_the_genesis_block_of_a_new_chain)
{
	char hex[HASH_HEX_SIZE];

	ck_assert_int_eq(node_get(&n, "/chain"), 200);
	const struct jval *chain = jval_get(node_doc(&n), "chain");
	ck_assert_uint_eq(jval_count(chain), 1);
	hash_hex(hex, store_genesis(n.store));
	ck_assert_str_eq(jval_str(jval_at(chain, 0), "hash", ""), hex);
	ck_assert_str_eq(jval_str(jval_get(jval_at(chain, 0), "parameters"), "name", ""), n.params.name);
}
END_TEST

START_TEST(shows_the_head)
{
	char hex[HASH_HEX_SIZE];

	node_extend(&n, chain_tip(n.store), 2, 1);
	ck_assert_int_eq(node_get(&n, "/chain/head"), 200);
	const struct jval *head = node_doc(&n);
	ck_assert_uint_eq(jval_count(head), 4);
	ck_assert_uint_eq(jval_u64(head, "height", 0), 2);
	hash_hex(hex, chain_hash(n.store, chain_tip(n.store)));
	ck_assert_str_eq(jval_str(head, "hash", ""), hex);
	/* Two blocks of 16 tries each: 32, in as many digits as a hash. */
	ck_assert_str_eq(jval_str(head, "work", ""),
			 "0000000000000000000000000000000000000000000000000000000000000020");
	ck_assert_uint_eq(jval_u64(head, "timestamp", 0), n.params.genesis_time_ms + 2 * n.params.target_interval_ms);
}
END_TEST

START_TEST(shows_slices_of_the_chain)
{
	static const struct {
		const char *path;
		size_t count;
		uint64_t first;
	} rows[] = {
	    {"/chain", 301, 0},
	    {"/chain?from=0", 301, 0},
	    {"/chain?from=300", 1, 300},
	    {"/chain?from=301", 0, 0},
	    {"/chain?from=9007199254740991", 0, 0},
	    {"/chain?limit=0", 0, 0},
	    {"/chain?limit=1", 1, 0},
	    {"/chain?from=7&limit=150", 150, 7},
	    {"/chain?limit=9007199254740991", 301, 0},
	    {"/chain?from=299&limit=9007199254740991", 2, 299},
	};

	node_extend(&n, chain_tip(n.store), 300, 1);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		ck_assert_int_eq(node_get(&n, rows[i].path), 200);
		const struct jval *chain = jval_get(node_doc(&n), "chain");
		ck_assert_msg(jval_is_array(chain) && jval_count(chain) == rows[i].count, "%s: %zu", rows[i].path,
			      jval_count(chain));
		for (size_t k = 0; k < rows[i].count; k++)
			ck_assert_uint_eq(height_of(chain, k), rows[i].first + k);
	}
}
END_TEST

START_TEST(lists_blocks_newest_first)
{
	static const struct {
		const char *path;
		size_t count;
		uint64_t first;
	} rows[] = {
	    {"/blocks", 20, 300},
	    {"/blocks?limit=100", 100, 300},
	    {"/blocks?limit=1", 1, 300},
	    {"/blocks?before=300", 20, 299},
	    {"/blocks?before=5", 5, 4},
	    {"/blocks?before=0", 0, 0},
	    {"/blocks?before=1&limit=3", 1, 0},
	    {"/blocks?before=9999&limit=2", 2, 300},
	};

	node_extend(&n, chain_tip(n.store), 300, 1);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		ck_assert_int_eq(node_get(&n, rows[i].path), 200);
		const struct jval *blocks = jval_get(node_doc(&n), "blocks");
		ck_assert_msg(jval_is_array(blocks) && jval_count(blocks) == rows[i].count, "%s: %zu", rows[i].path,
			      jval_count(blocks));
		for (size_t k = 0; k < rows[i].count; k++)
			ck_assert_uint_eq(height_of(blocks, k), rows[i].first - k);
	}
}
END_TEST

START_TEST(refuses_numbers_that_are_none)
{
	static const char *const paths[] = {
	    "/chain?from=-1",
	    "/chain?from=x",
	    "/chain?from=",
	    "/chain?from=1.5",
	    "/chain?limit=1e3",
	    "/chain?from=01",
	    "/chain?from=0x10",
	    "/chain?limit=%201",
	    "/chain?from=9007199254740992",
	    "/chain?from=99999999999999999999",
	    "/blocks?limit=0",
	    "/blocks?limit=101",
	    "/blocks?before=-1",
	    "/blocks?before=abc",
	};
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		ck_assert_msg(node_get(&n, paths[i]) == 400, "%s: %d", paths[i], n.reply.status);
		ck_assert_str_eq(node_code(&n), "bad-parameter");
	}
}
END_TEST

START_TEST(finds_a_block_by_height_and_by_hash)
{
	char path[128], hex[HASH_HEX_SIZE];

	node_extend(&n, chain_tip(n.store), 3, 1);
	for (uint64_t height = 0; height <= 3; height++) {
		hash_hex(hex, chain_hash(n.store, chain_at(n.store, chain_tip(n.store), height)));
		snprintf(path, sizeof(path), "/blocks/%" PRIu64, height);
		ck_assert_int_eq(node_get(&n, path), 200);
		ck_assert_str_eq(jval_str(node_doc(&n), "hash", ""), hex);
		snprintf(path, sizeof(path), "/blocks/%s", hex);
		ck_assert_int_eq(node_get(&n, path), 200);
		ck_assert_uint_eq(jval_u64(node_doc(&n), "height", 99), height);
	}
}
END_TEST

START_TEST(tells_blocks_that_are_unknown_from_names_that_are_none)
{
	static const struct {
		const char *path;
		int status;
	} rows[] = {
	    {"/blocks/1", 404},
	    {"/blocks/9007199254740991", 404},
	    {"/blocks/00000000000000000000000000000000000000000000000000000000000000ff", 404},
	    {"/blocks/9007199254740992", 400},
	    {"/blocks/-1", 400},
	    {"/blocks/01", 400},
	    {"/blocks/abc", 400},
	    {"/blocks/1.0", 400},
	    {"/blocks/000000000000000000000000000000000000000000000000000000000000000", 400},
	    {"/blocks/00000000000000000000000000000000000000000000000000000000000000FF", 400},
	    {"/blocks/0000000000000000000000000000000000000000000000000000000000000000"
	     "0000000000000000000000000000000000000000000000000000000000000000"
	     "0000000000000000000000000000000000000000000000000000000000000000",
	     400},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		ck_assert_msg(node_get(&n, rows[i].path) == rows[i].status, "%s: %d", rows[i].path, n.reply.status);
}
END_TEST

START_TEST(forgets_a_block_that_lost)
{
	struct blockref genesis = chain_genesis(n.store);
	char path[128], hex[HASH_HEX_SIZE];

	node_extend(&n, genesis, 1, 1);
	hash_hex(hex, chain_hash(n.store, chain_tip(n.store)));
	snprintf(path, sizeof(path), "/blocks/%s", hex);
	ck_assert_int_eq(node_get(&n, path), 200);
	node_extend(&n, genesis, 2, 2);
	ck_assert_int_eq(node_get(&n, path), 404);
}
END_TEST

/* A chain whose blocks are linked, from genesis to the hash given. */
static void
assert_linked(const struct jval *chain, size_t count, const char *head)
{
	const char *previous = NULL;

	ck_assert_uint_eq(jval_count(chain), count);
	for (size_t i = 0; i < count; i++) {
		const struct jval *b = jval_at(chain, i);
		ck_assert_uint_eq(jval_u64(b, "height", UINT64_MAX), i);
		if (previous != NULL)
			ck_assert_str_eq(jval_str(b, "previous_hash", ""), previous);
		previous = jval_str(b, "hash", "");
	}
	ck_assert_str_eq(previous, head);
}

START_TEST(streams_one_chain_though_the_tip_is_swapped)
{
	enum { LENGTH = 3000 };
	char head[HASH_HEX_SIZE], error[JSON_ERROR_SIZE];
	struct raw c;

	node_extend(&n, chain_tip(n.store), LENGTH, 1);
	hash_hex(head, chain_hash(n.store, chain_tip(n.store)));

	/* HTTP/1.0, so that the body is what comes until the end; a small window, so that most of it waits. */
	raw_open(&c, &n, 4096);
	raw_send(&c, "GET /chain HTTP/1.0\r\n\r\n");
	node_until(&n, (raw_read(&c, 4096), c.got.len > 20000));
	node_extend(&n, chain_at(n.store, chain_tip(n.store), LENGTH - 50), 60, 2);
	node_until(&n, (raw_read(&c, SIZE_MAX), c.got.len > 500000));
	node_extend(&n, chain_at(n.store, chain_tip(n.store), LENGTH - 40), 60, 3);
	node_until(&n, (raw_read(&c, SIZE_MAX), c.is_closed));

	const char *body = strstr(c.got.data, "\r\n\r\n");
	ck_assert_ptr_nonnull(body);
	body += 4;
	struct jdoc *doc = jdoc_parse(body, c.got.len - (size_t)(body - c.got.data), error);
	ck_assert_msg(doc != NULL, "%s", error);
	assert_linked(jval_get(jdoc_root(doc), "chain"), LENGTH + 1, head);
	jdoc_free(doc);
	raw_close(&c);

	/* And whoever asks now gets the new one, in chunks. */
	ck_assert_int_eq(node_get(&n, "/chain"), 200);
	hash_hex(head, chain_hash(n.store, chain_tip(n.store)));
	assert_linked(jval_get(node_doc(&n), "chain"), LENGTH + 21, head);
}
END_TEST

START_TEST(survives_readers_that_leave)
{
	struct raw c;

	node_extend(&n, chain_tip(n.store), 3000, 1);
	for (int i = 0; i < 8; i++) {
		raw_open(&c, &n, 4096);
		raw_send(&c, "GET /chain HTTP/1.1\r\nHost: x\r\n\r\n");
		node_until(&n, (raw_read(&c, 4096), c.got.len > (size_t)i * 10000));
		raw_close(&c);
		ck_assert_int_eq(node_get(&n, "/livez"), 200);
	}
}
END_TEST

Suite *
suite_chain(void)
{
	Suite *s;
	TCase *tc = suite_case(&s, "chain", 120);

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, shows_the_genesis_block_of_a_new_chain);
	tcase_add_test(tc, shows_the_head);
	tcase_add_test(tc, shows_slices_of_the_chain);
	tcase_add_test(tc, lists_blocks_newest_first);
	tcase_add_test(tc, refuses_numbers_that_are_none);
	tcase_add_test(tc, finds_a_block_by_height_and_by_hash);
	tcase_add_test(tc, tells_blocks_that_are_unknown_from_names_that_are_none);
	tcase_add_test(tc, forgets_a_block_that_lost);
	tcase_add_test(tc, streams_one_chain_though_the_tip_is_swapped);
	tcase_add_test(tc, survives_readers_that_leave);
	return s;
}
