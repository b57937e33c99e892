/* How long answers may be kept, and what is said to a client that has one already. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/freshness.h"
#include "node.h"
#include "suites.h"

#define TAG_SIZE 128
#define PATH_SIZE 160
#define KEEP "Cache-Control: public, max-age=86400, immutable\r\n"
#define ASK_FIRST "Cache-Control: no-cache\r\n"
#define NO_STORE "Cache-Control: no-store\r\n"

static struct node n;
static struct raw c;
static bool is_called;

static void
setup(void)
{
	node_init(&n);
	node_start(&n);
}

static void
hang_up(void)
{
	if (is_called)
		raw_close(&c);
	is_called = false;
}

static void
call(const char *request)
{
	hang_up();
	raw_open(&c, &n, 0);
	is_called = true;
	raw_send(&c, request);
	node_until(&n, (raw_read(&c, SIZE_MAX), c.is_closed));
}

static void
teardown(void)
{
	hang_up();
	node_stop(&n);
}

/* The whole reply; if_none_match NULL: no such header. Good until the next call. */
static const char *
ask(const char *method, const char *path, const char *if_none_match)
{
	struct buf request;

	buf_init(&request);
	buf_printf(&request, "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n", method, path);
	if (if_none_match != NULL)
		buf_printf(&request, "If-None-Match: %s\r\n", if_none_match);
	buf_puts(&request, "\r\n");
	call(request.data);
	buf_clear(&request);
	return c.got.data;
}

static void
assert_reply(const char *reply, int status, const char *control)
{
	char start[32];

	snprintf(start, sizeof(start), "HTTP/1.1 %d ", status);
	ck_assert_msg(strncmp(reply, start, strlen(start)) == 0 && strstr(reply, control) != NULL, "%s", reply);
	ck_assert_ptr_null(strstr(strstr(reply, "Cache-Control") + 1, "Cache-Control"));
}

/* The ETag of a reply with its quotes. */
static void
tag_of(char tag[TAG_SIZE], const char *reply)
{
	const char *at = strstr(reply, "ETag: ");

	ck_assert_msg(at != NULL, "%s", reply);
	ck_assert_int_eq(sscanf(at, "ETag: %127[^\r]", tag), 1);
}

static void
path_by_hash(char path[PATH_SIZE], uint64_t height)
{
	char hex[HASH_HEX_SIZE];

	hash_hex(hex, chain_hash(n.store, chain_at(n.store, chain_tip(n.store), height)));
	snprintf(path, PATH_SIZE, "/blocks/%s", hex);
}

START_TEST(calls_a_settled_block_immutable_when_its_hash_was_asked_for)
{
	char path[PATH_SIZE];

	node_extend(&n, chain_tip(n.store), SETTLED_DEPTH + 5, 1);
	path_by_hash(path, 0);
	assert_reply(ask("GET", path, NULL), 200, KEEP);
	path_by_hash(path, 5);
	assert_reply(ask("GET", path, NULL), 200, KEEP);
	assert_reply(ask("HEAD", path, NULL), 200, KEEP);
	path_by_hash(path, 6);
	assert_reply(ask("GET", path, NULL), 200, ASK_FIRST);
	path_by_hash(path, SETTLED_DEPTH + 5);
	assert_reply(ask("GET", path, NULL), 200, ASK_FIRST);
}
END_TEST

/* The block of a height can become another one at any depth, and so can every list. */
START_TEST(calls_nothing_immutable_that_has_no_hash_in_its_name)
{
	static const char *const paths[] = {
	    "/blocks/0", "/blocks/1", "/chain", "/chain?limit=2", "/blocks?before=2", "/blocks?before=1&limit=1",
	};

	node_extend(&n, chain_tip(n.store), SETTLED_DEPTH + 5, 1);
	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		assert_reply(ask("GET", paths[i], NULL), 200, ASK_FIRST);
}
END_TEST

/* A transfer from the first person, in the block of height 2. */
static void
make_chain(char tx_path[PATH_SIZE])
{
	char hex[HASH_HEX_SIZE];

	node_extend(&n, chain_tip(n.store), 1, 0);
	struct tx tx = transfer(&n, 0, 1, 5, 0, 0);
	struct hash256 id = tx_id(&tx);
	ck_assert_int_eq(node_post(&n, &tx), 202);
	hash_hex(hex, &id);
	snprintf(tx_path, PATH_SIZE, "/transactions/%s", hex);
	assert_reply(ask("GET", tx_path, NULL), 200, NO_STORE);
	node_extend(&n, chain_tip(n.store), 2, 0);
	assert_reply(ask("GET", tx_path, NULL), 200, ASK_FIRST);
}

START_TEST(answers_304_without_a_body_to_who_has_it)
{
	char paths[][PATH_SIZE] = {
	    "/blocks/1", "/blocks?limit=2", "/blocks?before=2", "/chain", "/chain?from=1&limit=1", "", ""};
	char tag[TAG_SIZE];

	make_chain(paths[5]);
	path_by_hash(paths[6], 2);
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		tag_of(tag, ask("GET", paths[i], NULL));
		ck_assert_ptr_nonnull(strstr(ask("HEAD", paths[i], NULL), tag));
		for (int is_head = 0; is_head < 2; is_head++) {
			const char *reply = ask(is_head ? "HEAD" : "GET", paths[i], tag);
			assert_reply(reply, 304, ASK_FIRST);
			ck_assert_ptr_nonnull(strstr(reply, tag));
			ck_assert_ptr_null(strstr(reply, "Content-Length"));
			ck_assert_ptr_null(strstr(reply, "Transfer-Encoding"));
			ck_assert_str_eq(strstr(reply, "\r\n\r\n"), "\r\n\r\n");
		}
	}
}
END_TEST

START_TEST(serves_on_after_a_304)
{
	call("GET /chain HTTP/1.1\r\nHost: x\r\nIf-None-Match: *\r\n\r\n"
	     "GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	const char *second = strstr(c.got.data, "\r\n\r\nHTTP/1.1 200 ");
	ck_assert_ptr_nonnull(second);
	ck_assert_ptr_eq(strstr(c.got.data, "\r\n\r\n"), second);
}
END_TEST

START_TEST(has_another_tag_for_another_chain)
{
	char paths[][PATH_SIZE] = {"/blocks/1",	     "/blocks/2", "/blocks?limit=1", "/blocks?before=2", "/chain",
				   "/chain?limit=2", ""};
	char tags[ARRAY_LEN(paths)][TAG_SIZE];

	make_chain(paths[6]);
	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		tag_of(tags[i], ask("GET", paths[i], NULL));
	/* One block more, and what shows the newest has changed, with it the confirmations; what lies below has not. */
	node_extend(&n, chain_tip(n.store), 1, 0);
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		bool is_moved = i == 2 || i == 4 || i == 6;
		assert_reply(ask("GET", paths[i], tags[i]), is_moved ? 200 : 304, ASK_FIRST);
	}
	/* Another branch from the very first block on. */
	node_extend(&n, chain_genesis(n.store), 6, 2);
	for (size_t i = 0; i + 1 < ARRAY_LEN(paths); i++)
		assert_reply(ask("GET", paths[i], tags[i]), 200, ASK_FIRST);
	assert_reply(ask("GET", paths[6], tags[6]), 200, NO_STORE); /* back in the pool */
}
END_TEST

START_TEST(has_another_tag_in_another_version)
{
	char before[TAG_SIZE], after[TAG_SIZE];

	tag_of(before, ask("GET", "/blocks/0", NULL));
	hang_up();
	node_stop(&n);
	node_init(&n);
	n.options.software = "another/2";
	node_start(&n);
	tag_of(after, ask("GET", "/blocks/0", NULL));
	ck_assert_str_ne(before, after);
}
END_TEST

START_TEST(reads_if_none_match_as_a_list)
{
	static const struct {
		const char *form; /* with %s for the tag, quoted */
		int status;
	} rows[] = {
	    {"%s", 304},     {"*", 304},	   {" *", 304},
	    {"W/%s", 304},   {"\"x\", %s", 304},   {"\"x\",W/\"y\" ,\t%s", 304},
	    {",, %s,", 304}, {"\"a,b\", %s", 304}, {"", 200},
	    {"\"x\"", 200},  {"\"\"", 200},	   {"\"%s\"", 200},
	    {"w/%s", 200},   {"x, %s", 200},	   {"\"x, *", 200},
	    {"\"", 200},     {"W/", 200},
	};
	char tag[TAG_SIZE], header[2 * TAG_SIZE];

	tag_of(tag, ask("GET", "/blocks/0", NULL));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *at = strstr(rows[i].form, "%s");
		int before = at != NULL ? (int)(at - rows[i].form) : (int)strlen(rows[i].form);
		snprintf(header, sizeof(header), "%.*s%s%s", before, rows[i].form, at != NULL ? tag : "",
			 at != NULL ? at + 2 : "");
		assert_reply(ask("GET", "/blocks/0", header), rows[i].status, ASK_FIRST);
	}
	/* Cut before its last quote. */
	snprintf(header, sizeof(header), "%.*s", (int)strlen(tag) - 1, tag);
	assert_reply(ask("GET", "/blocks/0", header), 200, ASK_FIRST);
}
END_TEST

START_TEST(forbids_to_keep_what_may_change_at_any_time)
{
	char amount[PATH_SIZE], address[PATH_SIZE];
	const struct {
		const char *path;
		int status;
	} rows[] = {
	    {"/", 200},
	    {"/chain/head", 200},
	    {amount, 200},
	    {address, 200},
	    {"/transactions", 200},
	    {"/status", 200},
	    {"/peers", 200},
	    {"/livez", 200},
	    {"/readyz", 200},
	    {"/chain?from=99", 200},
	    {"/blocks/99", 404},
	    {"/nothing", 404},
	    {"/mine", 405},
	    {"/transactions/zz", 400},
	    {"/chain?from=x", 400},
	};

	snprintf(amount, sizeof(amount), "/amount?blockchain_address=%s", person_text(0));
	snprintf(address, sizeof(address), "/addresses/%s", person_text(0));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_reply(ask("GET", rows[i].path, "*"), rows[i].status, NO_STORE);
		assert_reply(ask("HEAD", rows[i].path, NULL), rows[i].status, NO_STORE);
	}
	/* Of other methods nobody keeps the answer. */
	ck_assert_ptr_null(strstr(ask("POST", "/mine/stop", NULL), "Cache-Control"));
}
END_TEST

Suite *
suite_freshness(void)
{
	Suite *s;
	TCase *tc = suite_case(&s, "freshness", 120);

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, calls_a_settled_block_immutable_when_its_hash_was_asked_for);
	tcase_add_test(tc, calls_nothing_immutable_that_has_no_hash_in_its_name);
	tcase_add_test(tc, answers_304_without_a_body_to_who_has_it);
	tcase_add_test(tc, serves_on_after_a_304);
	tcase_add_test(tc, has_another_tag_for_another_chain);
	tcase_add_test(tc, has_another_tag_in_another_version);
	tcase_add_test(tc, reads_if_none_match_as_a_list);
	tcase_add_test(tc, forbids_to_keep_what_may_change_at_any_time);
	return s;
}
