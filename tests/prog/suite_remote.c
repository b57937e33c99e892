/* --node: which URLs name a node. */
#include <string.h>

#include "prog/remote.h"
#include "suites.h"

static const struct {
	const char *url;
	enum err result;
	const char *host;
	uint16_t port;
} rows[] = {
    {"http://127.0.0.1:5000", OK, "127.0.0.1", 5000},
    {"http://127.0.0.1:5001/", OK, "127.0.0.1", 5001},
    {"http://node-1.example", OK, "node-1.example", 5000},
    {"localhost", OK, "localhost", 5000},
    {"localhost:80", OK, "localhost", 80},
    {"http://[::1]:5000", OK, "::1", 5000},
    {"[fe80::1]", OK, "fe80::1", 5000},
    {"a:65535", OK, "a", 65535},
    {"https://127.0.0.1:5000", ERR_UNSUPPORTED, "", 0},
    {"ftp://a", ERR_UNSUPPORTED, "", 0},
    {"", ERR_FORMAT, "", 0},
    {"http://", ERR_FORMAT, "", 0},
    {"http://:5000", ERR_FORMAT, "", 0},
    {"a:", ERR_FORMAT, "", 0},
    {"a:0", ERR_FORMAT, "", 0},
    {"a:65536", ERR_FORMAT, "", 0},
    {"a:99999999999999999999", ERR_FORMAT, "", 0},
    {"a:-1", ERR_FORMAT, "", 0},
    {"a:5000x", ERR_FORMAT, "", 0},
    {"a/path", ERR_FORMAT, "", 0},
    {"a//", ERR_FORMAT, "", 0},
    {"a?x", ERR_FORMAT, "", 0},
    {"user@a", ERR_FORMAT, "", 0},
    {"a\r\nX: y", ERR_FORMAT, "", 0},
    {"[::1", ERR_FORMAT, "", 0},
    {"[]", ERR_FORMAT, "", 0},
    {"::1", ERR_FORMAT, "", 0},
};

START_TEST(reads_host_and_port_and_nothing_else)
{
	char host[REMOTE_HOST_SIZE] = "";
	uint16_t port = 0;
	enum err result = remote_parse(host, &port, rows[_i].url);
	ck_assert_msg(result == rows[_i].result, "'%s' gives %d", rows[_i].url, (int)result);
	ck_assert_str_eq(host, rows[_i].host);
	ck_assert_uint_eq(port, rows[_i].port);
}
END_TEST

START_TEST(refuses_a_host_longer_than_names_can_be)
{
	char url[400], host[REMOTE_HOST_SIZE];
	uint16_t port;
	memset(url, 'a', sizeof(url));
	url[sizeof(url) - 1] = '\0';
	ck_assert_int_eq(remote_parse(host, &port, url), ERR_FORMAT);
	url[REMOTE_HOST_SIZE - 1] = '\0';
	ck_assert_int_eq(remote_parse(host, &port, url), OK);
}
END_TEST

Suite *
suite_remote(void)
{
	Suite *s;
	TCase *tc = suite_case(&s, "remote", 10);
	tcase_add_loop_test(tc, reads_host_and_port_and_nothing_else, 0, ARRAY_LEN(rows));
	tcase_add_test(tc, refuses_a_host_longer_than_names_can_be);
	return s;
}
