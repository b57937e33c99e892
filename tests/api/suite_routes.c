/* Which paths there are, and what is said to those who miss. */
#include <stdio.h>
#include <string.h>

#include "node.h"
#include "store/role_table.h"
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

START_TEST(says_404_for_paths_that_it_does_not_know)
{
	static const char *const paths[] = {
	    "/nothing",
	    "/chain/",
	    "/chains",
	    "/blocks/1/2",
	    "/blocks/",
	    "/transactions/",
	    "/mine/faster",
	    "/addresses/",
	    "/peer",
	    "/peer/",
	    "/peer/hellos",
	    "/%2e%2e/chain",
	    "/CHAIN",
	    "/transactions/a/proofs",
	    "/{block}",
	    "//chain",
	    "/transactions//proof",
	    "/transactions/a/proof/",
	};
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		ck_assert_msg(node_get(&n, paths[i]) == 404, "%s: %d", paths[i], n.reply.status);
		ck_assert_str_eq(node_code(&n), "not-found");
		ck_assert_int_eq(node_call(&n, HTTP_DELETE, paths[i], NULL, NULL), 404);
	}
}
END_TEST

/* The whole reply to a raw request, which asks the server to close. */
static const char *
raw_call(struct raw *c, const char *method, const char *path)
{
	char request[256];

	raw_open(c, &n, 0);
	snprintf(request, sizeof(request), "%s %s HTTP/1.1\r\nHost: node.example:5000\r\nConnection: close\r\n\r\n",
		 method, path);
	raw_send(c, request);
	node_until(&n, (raw_read(c, SIZE_MAX), c->is_closed));
	return c->got.data;
}

START_TEST(says_405_with_allow_for_other_methods)
{
	static const struct {
		const char *method;
		const char *path;
		const char *allow;
	} rows[] = {
	    {"POST", "/chain", "Allow: GET, HEAD\r\n"},
	    {"PUT", "/blocks/1", "Allow: GET, HEAD\r\n"},
	    {"DELETE", "/transactions", "Allow: GET, HEAD, POST\r\n"},
	    {"OPTIONS", "/transactions", "Allow: GET, HEAD, POST\r\n"},
	    {"PATCH", "/", "Allow: GET, HEAD\r\n"},
	    {"BREW", "/status", "Allow: GET, HEAD\r\n"},
	    {"GET", "/mine", "Allow: POST\r\n"},
	    {"HEAD", "/mine", "Allow: POST\r\n"},
	    {"OPTIONS", "/mine", "Allow: POST\r\n"},
	    {"POST", "/consensus", "Allow: PUT\r\n"},
	    {"GET", "/peer/hello", "Allow: POST\r\n"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct raw c;
		const char *reply = raw_call(&c, rows[i].method, rows[i].path);
		ck_assert_msg(strstr(reply, "HTTP/1.1 405 ") == reply, "%s %s: %s", rows[i].method, rows[i].path,
			      reply);
		ck_assert_msg(strstr(reply, rows[i].allow) != NULL, "%s %s: %s", rows[i].method, rows[i].path, reply);
		if (strcmp(rows[i].method, "HEAD") != 0)
			ck_assert_ptr_nonnull(strstr(reply, "\"code\":\"method-not-allowed\""));
		if (strcmp(rows[i].method, "BREW") == 0)
			ck_assert_ptr_nonnull(strstr(reply, "/status takes GET, HEAD, not this method"));
		raw_close(&c);
	}
}
END_TEST

START_TEST(names_the_command_that_works_where_get_is_not_allowed)
{
	static const char *const rows[][2] = {
	    {"/mine", "curl -X POST http://node.example:5000/mine\""},
	    {"/mine/start", "curl -X POST http://node.example:5000/mine/start\""},
	    {"/mine/stop", "curl -X POST http://node.example:5000/mine/stop\""},
	    {"/consensus", "curl -X PUT http://node.example:5000/consensus\""},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct raw c;
		ck_assert_msg(strstr(raw_call(&c, "GET", rows[i][0]), rows[i][1]) != NULL, "%s", c.got.data);
		raw_close(&c);
	}
}
END_TEST

START_TEST(puts_no_strange_host_into_the_command)
{
	static const char *const headers[] = {"Host", "x;rm$IFS-rf$IFS~", NULL};

	ck_assert_int_eq(node_call(&n, HTTP_GET, "/mine", NULL, headers), 405);
	ck_assert_ptr_nonnull(strstr(node_message(&n), "http://HOST:PORT/mine"));
	ck_assert_ptr_null(strstr(n.reply.body.data, "-rf"));
}
END_TEST

START_TEST(answers_head_without_a_body)
{
	static const char *const paths[] = {"/", "/chain", "/chain/head", "/blocks", "/blocks/0", "/status", "/livez"};

	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		struct raw c;
		const char *reply = raw_call(&c, "HEAD", paths[i]);
		ck_assert_msg(strstr(reply, "HTTP/1.1 200 ") == reply, "%s: %s", paths[i], reply);
		ck_assert_msg(strcmp(strstr(reply, "\r\n\r\n"), "\r\n\r\n") == 0, "%s: %s", paths[i], reply);
		raw_close(&c);
	}
}
END_TEST

/* The head of a reply without its date. */
static void
copy_head(char head[1024], const char *reply)
{
	const char *end = strstr(reply, "\r\n\r\n"), *date = strstr(reply, "\r\nDate: ");

	ck_assert(end != NULL && date != NULL && end - reply < 1000);
	const char *behind = strstr(date + 2, "\r\n");
	snprintf(head, 1024, "%.*s%.*s", (int)(date - reply), reply, (int)(end - behind), behind);
}

/* But for how the body of a stream would be framed. */
START_TEST(answers_head_as_it_would_answer_get)
{
	static const char *const paths[] = {"/",	 "/chain/head",	  "/blocks/0", "/amount?blockchain_address=x",
					    "/blocks/9", "/transactions", "/livez",    "/nothing"};

	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		char get[1024], head[1024];
		struct raw c;
		copy_head(get, raw_call(&c, "GET", paths[i]));
		raw_close(&c);
		copy_head(head, raw_call(&c, "HEAD", paths[i]));
		raw_close(&c);
		ck_assert_str_eq(get, head);
	}
}
END_TEST

/* Of the index: whether some route of that path lists the method. */
static bool
is_listed(const struct jval *routes, const char *path, const char *method)
{
	if (strcmp(method, "HEAD") == 0)
		method = "GET";
	for (size_t i = 0; i < jval_count(routes); i++)
		if (strcmp(jval_str(jval_at(routes, i), "path", ""), path) == 0 &&
		    strcmp(jval_str(jval_at(routes, i), "method", ""), method) == 0)
			return true;
	return false;
}

START_TEST(no_route_takes_a_method_that_it_does_not_list)
{
	static const char *const methods[] = {"GET",	 "HEAD",  "POST",  "PUT",  "DELETE",
					      "OPTIONS", "PATCH", "TRACE", "BREW", "get"};
	char error[JSON_ERROR_SIZE];
	size_t refused = 0;

	ck_assert_int_eq(node_get(&n, "/"), 200);
	struct jdoc *index = jdoc_parse(n.reply.body.data, n.reply.body.len, error);
	const struct jval *routes = jval_get(jdoc_root(index), "routes");
	for (size_t i = 0; i < jval_count(routes); i++) {
		const char *path = jval_str(jval_at(routes, i), "path", "");
		for (size_t k = 0; k < ARRAY_LEN(methods); k++) {
			struct raw c;
			if (is_listed(routes, path, methods[k]))
				continue;
			const char *reply = raw_call(&c, methods[k], path);
			ck_assert_msg(strncmp(reply, "HTTP/1.1 405 ", 13) == 0, "%s %s: %s", methods[k], path, reply);
			const char *allow = strstr(reply, "\r\nAllow: ");
			ck_assert_msg(allow != NULL, "%s", reply);
			ck_assert_int_eq(strncmp(allow + 9, "GET, HEAD", 9) == 0, is_listed(routes, path, "GET"));
			raw_close(&c);
			refused++;
		}
	}
	ck_assert_uint_gt(refused, 100);
	ck_assert_uint_eq(n.woken[API_WAKE_MINER] + n.woken[API_WAKE_RESOLVER] + n.woken[API_WAKE_POOL], 0);
	jdoc_free(index);
}
END_TEST

START_TEST(refuses_parameters_that_a_route_does_not_know)
{
	static const struct {
		const char *path;
		const char *message; /* a part of it */
	} rows[] = {
	    {"/chain?form=7", "/chain has no parameter \"form\"; it knows from and limit"},
	    {"/chain?from=0&limit=1&x", "\"x\""},
	    {"/chain?From=0", "\"From\""},
	    {"/chain/head?limit=1", "/chain/head has no parameter \"limit\"; it takes none"},
	    {"/blocks?befor=3", "before and limit"},
	    {"/blocks/0?limit=1", "/blocks/{block} has no"},
	    {"/transactions?before=3", "after and limit"},
	    {"/transactions/x?y=z", "\"y\""},
	    {"/amount?blockchain_adress=R", "it knows blockchain_address"},
	    {"/addresses/x?y=z", "\"y\""},
	    {"/peers?state=up", "\"state\""},
	    {"/status?a%20b=1", "\"a b\""},
	    {"/livez?probe", "\"probe\""},
	    {"/readyz?verbose=%00", ""}, /* no sound request at all */
	    {"/?q=1", "\"q\""},
	    {"/status?%ff=1", "\"\xef\xbf\xbd\""}, /* the reply is UTF-8, whatever was asked */
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		ck_assert_msg(node_get(&n, rows[i].path) == 400, "%s: %d", rows[i].path, n.reply.status);
		ck_assert_msg(strstr(node_message(&n), rows[i].message) != NULL, "%s: %s", rows[i].path,
			      node_message(&n));
		if (rows[i].message[0] != '\0')
			ck_assert_str_eq(node_code(&n), "unknown-parameter");
	}
}
END_TEST

/* Nothing is done for a request that was not understood, and who may not ask does not learn what could be asked. */
START_TEST(refuses_unknown_parameters_before_it_does_anything)
{
	static const char *const proxied[] = {"Forwarded", "for=x", NULL};
	static const char *const posts[] = {"/mine?blocks=3", "/mine/start?interval=1", "/mine/stop?now"};

	for (size_t i = 0; i < ARRAY_LEN(posts); i++) {
		ck_assert_int_eq(node_call(&n, HTTP_POST, posts[i], NULL, NULL), 400);
		ck_assert_str_eq(node_code(&n), "unknown-parameter");
		ck_assert_int_eq(node_call(&n, HTTP_POST, posts[i], NULL, proxied), 403);
	}
	ck_assert_int_eq(node_call(&n, HTTP_PUT, "/consensus?force=1", NULL, NULL), 400);
	ck_assert_int_eq(node_call(&n, HTTP_POST, "/transactions?wait=1", "[]", NULL), 400);
	ck_assert_int_eq(node_call(&n, HTTP_POST, "/peer/headers?from=1", NULL, NULL), 400);
	ck_assert_uint_eq(n.woken[API_WAKE_MINER] + n.woken[API_WAKE_RESOLVER] + n.woken[API_WAKE_POOL], 0);
}
END_TEST

/* The table is what the handlers read: each parameter named there is taken. */
START_TEST(takes_every_parameter_that_it_lists)
{
	static const char *const paths[] = {
	    "/chain?from=0",   "/chain?limit=1",	"/chain?from=0&limit=1&", "/blocks?before=1",
	    "/blocks?limit=1", "/transactions?after=0", "/transactions?limit=1",  "/chain?",
	    "/chain?fr%6fm=0", "/chain?&&limit=1",
	};
	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		ck_assert_msg(node_get(&n, paths[i]) == 200, "%s: %d", paths[i], n.reply.status);
}
END_TEST

START_TEST(lists_its_routes)
{
	ck_assert_int_eq(node_get(&n, "/"), 200);
	const struct jval *routes = jval_get(node_doc(&n), "routes");
	bool has_mine = false, has_hello = false;

	ck_assert_uint_ge(jval_count(routes), 20);
	for (size_t i = 0; i < jval_count(routes); i++) {
		const struct jval *r = jval_at(routes, i);
		ck_assert_str_ne(jval_str(r, "method", ""), "");
		ck_assert_str_ne(jval_str(r, "description", ""), "");
		ck_assert(jval_is_array(jval_get(r, "query")));
		if (strcmp(jval_str(r, "path", ""), "/mine") == 0) {
			has_mine = true;
			ck_assert_str_eq(jval_str(r, "method", ""), "POST");
			ck_assert_str_eq(jval_str(r, "access", ""), "admin");
		}
		if (strcmp(jval_str(r, "path", ""), "/peer/hello") == 0)
			has_hello = true;
	}
	ck_assert(has_mine);
	ck_assert(has_hello);
}
END_TEST

START_TEST(counts_what_it_answers_and_what_it_refuses)
{
	struct role_info info;

	node_get(&n, "/livez");
	node_get(&n, "/chain");
	node_get(&n, "/nothing");
	ck_assert(role_info(n.store, 0, &info));
	ck_assert_uint_eq(info.counters[COUNT_REQUESTS], 3);
	ck_assert_uint_eq(info.counters[COUNT_REFUSED], 1);
}
END_TEST

/* Apart: the other nodes have a listener of their own. */

static void
setup_apart(void)
{
	node_init(&n);
	n.options.peer_is_apart = true;
	node_start(&n);
}

START_TEST(serves_peers_only_on_their_own_listener_if_they_have_one)
{
	struct reply reply = {0};

	ck_assert_int_eq(node_call(&n, HTTP_POST, "/peer/headers", NULL, NULL), 404);
	ck_assert_int_eq(node_get(&n, "/chain/head"), 200);
	node_get(&n, "/");
	ck_assert_ptr_null(strstr(n.reply.body.data, "/peer/"));

	node_send(n.peer_client, &reply, HTTP_POST, "/peer/headers", "\0", 2, NULL);
	node_until(&n, reply.is_there);
	ck_assert_int_eq(reply.status, 200);
	node_send(n.peer_client, &reply, HTTP_GET, "/chain/head", NULL, 0, NULL);
	node_until(&n, reply.is_there);
	ck_assert_int_eq(reply.status, 404);
	node_send(n.peer_client, &reply, HTTP_POST, "/mine", NULL, 0, NULL);
	node_until(&n, reply.is_there);
	ck_assert_int_eq(reply.status, 404);
	reply_clear(&reply);
}
END_TEST

Suite *
suite_routes(void)
{
	Suite *s;
	TCase *tc = suite_case(&s, "routes", 60);

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, says_404_for_paths_that_it_does_not_know);
	tcase_add_test(tc, says_405_with_allow_for_other_methods);
	tcase_add_test(tc, names_the_command_that_works_where_get_is_not_allowed);
	tcase_add_test(tc, puts_no_strange_host_into_the_command);
	tcase_add_test(tc, answers_head_without_a_body);
	tcase_add_test(tc, answers_head_as_it_would_answer_get);
	tcase_add_test(tc, no_route_takes_a_method_that_it_does_not_list);
	tcase_add_test(tc, refuses_parameters_that_a_route_does_not_know);
	tcase_add_test(tc, refuses_unknown_parameters_before_it_does_anything);
	tcase_add_test(tc, takes_every_parameter_that_it_lists);
	tcase_add_test(tc, lists_its_routes);
	tcase_add_test(tc, counts_what_it_answers_and_what_it_refuses);

	TCase *apart = tcase_create("apart");
	tcase_set_timeout(apart, 60);
	tcase_add_checked_fixture(apart, setup_apart, teardown);
	tcase_add_test(apart, serves_peers_only_on_their_own_listener_if_they_have_one);
	suite_add_tcase(s, apart);
	return s;
}
