/* Who may change the node, and which browsers' requests are refused. */
#include "api/access.h"

#include <string.h>

#include "node.h"
#include "suites.h"

#define TOKEN "0123456789abcdef0123456789abcdef"

static struct node n;

static void
setup(void)
{
	node_init(&n);
	n.options.admin_token = TOKEN;
	node_start(&n);
}

static void
teardown(void)
{
	node_stop(&n);
}

#define HEADERS_MAX_TOLD 8

struct row {
	const char *what;
	const char *headers[HEADERS_MAX_TOLD + 1];
	bool may; /* on admin routes */
	bool may_post;
};

static const struct row rows[] = {
    {"a plain client of this host", {NULL}, true, true},
    {"the same with a wrong token", {"Authorization", "Bearer wrong", NULL}, true, true},
    {"behind a proxy", {"X-Forwarded-For", "10.0.0.1", NULL}, false, true},
    {"behind a proxy that claims loopback", {"X-Forwarded-For", "127.0.0.1", NULL}, false, true},
    {"behind a proxy of the standard", {"Forwarded", "for=127.0.0.1", NULL}, false, true},
    {"behind a proxy with the token",
     {"X-Forwarded-For", "10.0.0.1", "Authorization", "Bearer " TOKEN, NULL},
     true,
     true},
    {"the scheme in other letters", {"Forwarded", "for=x", "Authorization", "bearer " TOKEN, NULL}, true, true},
    {"a token too short", {"Forwarded", "for=x", "Authorization", "Bearer 0123456789abcdef", NULL}, false, true},
    {"a token too long", {"Forwarded", "for=x", "Authorization", "Bearer " TOKEN "0", NULL}, false, true},
    {"an empty token", {"Forwarded", "for=x", "Authorization", "Bearer ", NULL}, false, true},
    {"another scheme", {"Forwarded", "for=x", "Authorization", "Basic " TOKEN, NULL}, false, true},
    {"a page of this node", {"Host", "127.0.0.1:5000", "Origin", "http://127.0.0.1:5000", NULL}, true, true},
    {"a page of this node by name", {"Host", "localhost:5000", "Origin", "http://localhost:5000", NULL}, true, true},
    {"the same, says the browser", {"Sec-Fetch-Site", "same-origin", NULL}, true, true},
    {"typed by a person", {"Sec-Fetch-Site", "none", NULL}, true, true},
    {"a page of another site", {"Host", "127.0.0.1:5000", "Origin", "http://evil.example", NULL}, false, false},
    {"a page of another port", {"Host", "127.0.0.1:5000", "Origin", "http://127.0.0.1:8080", NULL}, false, false},
    {"a page without a site", {"Host", "127.0.0.1:5000", "Origin", "null", NULL}, false, false},
    {"another site, says the browser", {"Sec-Fetch-Site", "cross-site", NULL}, false, false},
    {"a neighbouring site, says the browser", {"Sec-Fetch-Site", "same-site", NULL}, false, false},
    {"another site with the token",
     {"Sec-Fetch-Site", "cross-site", "Authorization", "Bearer " TOKEN, NULL},
     false,
     false},
    {"a site whose name was pointed here",
     {"Host", "evil.example:5000", "Origin", "http://evil.example:5000", NULL},
     false,
     true},
    {"a page of this node by another name, with the token",
     {"Host", "node.example", "Origin", "https://node.example", "Authorization", "Bearer " TOKEN, NULL},
     true,
     true},
};

START_TEST(opens_admin_routes_to_loopback_and_token_alone)
{
	static const struct {
		enum http_method method;
		const char *path;
	} routes[] = {
	    {HTTP_POST, "/mine"}, {HTTP_POST, "/mine/start"}, {HTTP_POST, "/mine/stop"}, {HTTP_PUT, "/consensus"}};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (size_t k = 0; k < ARRAY_LEN(routes); k++) {
			int status = node_call(&n, routes[k].method, routes[k].path, NULL, rows[i].headers);
			ck_assert_msg(status == (rows[i].may ? 200 : 403), "%s: %s: %d", rows[i].what, routes[k].path,
				      status);
			if (!rows[i].may)
				ck_assert_str_eq(node_code(&n), "forbidden");
		}
}
END_TEST

START_TEST(takes_transfers_from_anybody_but_pages_of_other_sites)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int status = node_call(&n, HTTP_POST, "/transactions", "[]", rows[i].headers);
		ck_assert_msg(status == (rows[i].may_post ? 202 : 403), "%s: %d", rows[i].what, status);
		ck_assert_int_eq(node_call(&n, HTTP_GET, "/transactions", NULL, rows[i].headers), 200);
	}
}
END_TEST

START_TEST(says_how_to_get_in)
{
	static const char *const headers[] = {"Forwarded", "for=10.1.1.1", NULL};

	ck_assert_int_eq(node_call(&n, HTTP_POST, "/mine", NULL, headers), 403);
	ck_assert_ptr_nonnull(strstr(node_message(&n), "admin_allow"));
	ck_assert_ptr_nonnull(strstr(node_message(&n), "admin_token_file"));
	ck_assert_uint_eq(n.woken[API_WAKE_MINER], 0);
}
END_TEST

START_TEST(without_a_token_no_token_opens)
{
	static const char *const headers[] = {"Forwarded", "for=x", "Authorization", "Bearer ", NULL};

	node_stop(&n);
	node_init(&n);
	node_start(&n);
	ck_assert_int_eq(node_call(&n, HTTP_POST, "/mine", NULL, headers), 403);
}
END_TEST

START_TEST(opens_to_the_ranges_named)
{
	static const struct {
		const char *from;
		bool is_open;
	} cases[] = {
	    {"127.0.0.1", true},    {"127.9.9.9", true}, {"::1", true},	       {"10.0.0.1", false},
	    {"10.0.0.2", true},	    {"10.0.0.9", true},	 {"10.0.0.10", false}, {"192.168.7.7", true},
	    {"192.168.8.1", false}, {"fd00::5", true},	 {"fd00::6", false},   {"::ffff:10.0.0.5", true},
	    {"0.0.0.0", false},
	};
	struct netrange allow[3];

	ck_assert_int_eq(netrange_parse(&allow[0], "10.0.0.2-10.0.0.9"), OK);
	ck_assert_int_eq(netrange_parse(&allow[1], "192.168.7.0/24"), OK);
	ck_assert_int_eq(netrange_parse(&allow[2], "fd00::5"), OK);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct netaddr from;
		ck_assert_int_eq(netaddr_parse_ip(&from, cases[i].from), OK);
		ck_assert_msg(access_is_open_to(&from, allow, ARRAY_LEN(allow)) == cases[i].is_open, "%s",
			      cases[i].from);
	}
}
END_TEST

Suite *
suite_access(void)
{
	Suite *s;
	TCase *tc = suite_case(&s, "access", 60);

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, opens_admin_routes_to_loopback_and_token_alone);
	tcase_add_test(tc, takes_transfers_from_anybody_but_pages_of_other_sites);
	tcase_add_test(tc, says_how_to_get_in);
	tcase_add_test(tc, without_a_token_no_token_opens);
	tcase_add_test(tc, opens_to_the_ranges_named);
	return s;
}
