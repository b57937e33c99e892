/*
 * What the server takes and what it refuses, as a table of raw requests. Each is sent in one piece and byte by byte,
 * since a rule that depends on how bytes are cut is none.
 */
#include <stdio.h>
#include <string.h>

#include "rig.h"
#include "suites.h"

#define A16 "aaaaaaaaaaaaaaaa"
#define A256 A16 A16 A16 A16 A16 A16 A16 A16 A16 A16 A16 A16 A16 A16 A16 A16
#define A1024 A256 A256 A256 A256
#define A4096 A1024 A1024 A1024 A1024
#define F10 "a:\r\na:\r\na:\r\na:\r\na:\r\na:\r\na:\r\na:\r\na:\r\na:\r\n"

static const struct {
	const char *request;
	int status;
	const char *code; /* in the body of a refusal */
} rows[] = {
    /* sound */
    {"GET / HTTP/1.1\r\n" H "\r\n", 200, NULL},
    {"GET / HTTP/1.0\r\n\r\n", 200, NULL},
    {"GET / HTTP/1.1\n" H "\n", 200, NULL},
    {"\r\n\r\nGET / HTTP/1.1\r\n" H "\r\n", 200, NULL},
    {"GET / HTTP/1.1\r\nHost:x\r\nAccept: a,\tb\r\nX-Empty:\r\n\r\n", 200, NULL},
    {"GET http://example.org/path?a=1 HTTP/1.1\r\n" H "\r\n", 200, NULL},
    {"GET HTTP://example.org HTTP/1.1\r\n" H "\r\n", 200, NULL},
    {"GET https://[::1]:5000?a=1 HTTP/1.1\r\n" H "\r\n", 200, NULL},
    {"GET //[/x HTTP/1.1\r\n" H "\r\n", 200, NULL},
    {"OPTIONS * HTTP/1.1\r\n" H "\r\n", 200, NULL},
    {"GET / HTTP/1.1\nHost: x\r\n\n", 200, NULL},
    {"GET / HTTP/1.1\r\nHost:\r\n\r\n", 200, NULL},
    {"GET / HTTP/1.1\r\nHost: [fe80::1%25lo]:5000\r\n\r\n", 200, NULL},
    {"GET / HTTP/1.1\r\nhOST: a_b.example-1.org:80\r\n\r\n", 200, NULL},
    {"GET / HTTP/1.1\r\n" H "Upgrade: h2c\r\nConnection: Upgrade\r\nRange: bytes=0-1\r\n\r\n", 200, NULL},
    {"GET / HTTP/1.1\r\n" H "Expect: 100-continue\r\n\r\n", 200, NULL},
    {"POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nab", 200, NULL},
    /* a body where none is expected belongs to its request all the same */
    {"GET / HTTP/1.1\r\n" H "Content-Length: 35\r\n\r\nGET /smuggled HTTP/1.1\r\n" H "\r\n", 200, NULL},
    {"DELETE / HTTP/1.1\r\n" H "Content-Length: 35\r\n\r\nGET /smuggled HTTP/1.1\r\n" H "\r\n", 200, NULL},
    {"OPTIONS / HTTP/1.1\r\n" H "Content-Length: 35\r\n\r\nGET /smuggled HTTP/1.1\r\n" H "\r\n", 200, NULL},
    {"TRACE / HTTP/1.1\r\n" H "Content-Length: 35\r\n\r\nGET /smuggled HTTP/1.1\r\n" H "\r\n", 405, NULL},
    {"GET / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n23\r\nGET /smuggled HTTP/1.1\r\n" H "\r\n\r\n0\r\n\r\n",
     200, NULL},
    {"DELETE / HTTP/1.1\r\n" H "\r\n", 200, NULL},
    {"PUT / HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\nab", 200, NULL},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 1024\r\n\r\n" A1024, 200, NULL},
    {"POST / HTTP/1.1\r\n" H "Content-Length:  2 \r\n\r\nab", 200, NULL},
    {"POST / HTTP/1.1\r\n" H "\r\n", 200, NULL},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0A\r\n0123456789\r\n0\r\n\r\n", 200, NULL},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: Chunked\r\n\r\n400\r\n" A1024 "\r\n0\r\n\r\n", 200, NULL},
    {"GET / HTTP/1.1\r\n" H "X: " A1024 "\r\n\r\n", 200, NULL},
    {"GET /" A1024 " HTTP/1.1\r\n" H "\r\n", 200, NULL},
    {"GET / HTTP/1.1\r\n" H F10 F10 F10 F10 F10 F10 F10 F10 F10 "\r\n", 200, NULL},
    /* methods that the handler answers with 405 */
    {"PATCH / HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\nab", 405, NULL},
    {"TRACE / HTTP/1.1\r\n" H "\r\n", 405, NULL},
    {"CONNECT example.org:80 HTTP/1.1\r\n" H "\r\n", 405, NULL},
    {"BREW /pot HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\nab", 405, NULL},
    {"get / HTTP/1.1\r\n" H "\r\n", 405, NULL},
    {"X / HTTP/1.0\r\n\r\n", 405, NULL},
    /* request line */
    {"GET\r\n\r\n", 400, "bad-request"},
    {"GET /\r\n\r\n", 400, "bad-request"},
    {"GET  / HTTP/1.1\r\n" H "\r\n", 400, "bad-request"},
    {"GET /  HTTP/1.1\r\n" H "\r\n", 400, "bad-request"},
    {"GET / HTTP/1.1 \r\n" H "\r\n", 400, "bad-request"},
    {" GET / HTTP/1.1\r\n" H "\r\n", 400, "bad-request"},
    {"GET x HTTP/1.1\r\n" H "\r\n", 400, "bad-request"},
    {"GET * HTTP/1.1\r\n" H "\r\n", 400, "bad-request"},
    {"GET ftp://example.org/ HTTP/1.1\r\n" H "\r\n", 400, "bad-request"},
    {"GET /\x01 HTTP/1.1\r\n" H "\r\n", 400, "bad-request"},
    {"GET /\xc3\xa4 HTTP/1.1\r\n" H "\r\n", 400, "bad-request"},
    {"G(T / HTTP/1.1\r\n" H "\r\n", 400, "bad-request"},
    {"GET / http/1.1\r\n" H "\r\n", 400, "bad-request"},
    {"GET / HTTP/1.11\r\n" H "\r\n", 400, "bad-request"},
    {"GET / HTTP/1,1\r\n" H "\r\n", 400, "bad-request"},
    {"GET / HTTP/2.0\r\n" H "\r\n", 505, "bad-request"},
    {"GET / HTTP/0.9\r\n" H "\r\n", 505, "bad-request"},
    {"GET / HTTP/1.2\r\n" H "\r\n", 505, "bad-request"},
    {"GET / HTTP/1.1\r\r\n" H "\r\n", 400, "bad-request"},
    {"GET / HTTP/1.1\rHost: x\r\n\r\n", 400, "bad-request"},
    {"GET /\tHTTP/1.1\r\n" H "\r\n", 400, "bad-request"},
    {"\xef\xbb\xbfGET / HTTP/1.1\r\n" H "\r\n", 400, "bad-request"},
    {"GET http:// HTTP/1.1\r\n" H "\r\n", 400, "bad-request"},
    {"GET https:///x HTTP/1.1\r\n" H "\r\n", 400, "bad-request"},
    {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "bad-request"},
    {"\x16\x03\x01\x02\n\r\n", 400, "bad-request"},
    /* fields */
    {"GET / HTTP/1.1\r\n\r\n", 400, "bad-request"},
    {"GET / HTTP/1.1\r\n" H H "\r\n", 400, "bad-request"},
    {"GET / HTTP/1.0\r\n" H H "\r\n", 400, "bad-request"},
    {"GET / HTTP/1.1\r\nHost: x y\r\n\r\n", 400, "bad-request"},
    {"GET / HTTP/1.1\r\nHost: x, y\r\n\r\n", 400, "bad-request"},
    {"GET / HTTP/1.1\r\nHost: x/y\r\n\r\n", 400, "bad-request"},
    {"GET / HTTP/1.1\r\nHost: user@x\r\n\r\n", 400, "bad-request"},
    {"GET / HTTP/1.1\r\nHost: x?y\r\n\r\n", 400, "bad-request"},
    {"GET / HTTP/1.0\r\nHost: <x>\r\n\r\n", 400, "bad-request"},
    {"GET / HTTP/1.1\r\nHost: \xc3\xa4\r\n\r\n", 400, "bad-request"},
    {"GET / HTTP/1.1\r\n" H "A: b\r\n\tfolded: x\r\n\r\n", 400, "bad-request"},
    {"GET / HTTP/1.1\r\n" H "A: b\r\r\n\r\n", 400, "bad-request"},
    {"GET / HTTP/1.1\r\n" H "no colon\r\n\r\n", 400, "bad-request"},
    {"GET / HTTP/1.1\r\n" H "Name : x\r\n\r\n", 400, "bad-request"},
    {"GET / HTTP/1.1\r\n" H ": x\r\n\r\n", 400, "bad-request"},
    {"GET / HTTP/1.1\r\n" H "A: b\r\n folded\r\n\r\n", 400, "bad-request"},
    {"GET / HTTP/1.1\r\n folded: first\r\n" H "\r\n", 400, "bad-request"},
    {"GET / HTTP/1.1\r\n" H "A: b\rc\r\n\r\n", 400, "bad-request"},
    {"GET / HTTP/1.1\r\n" H "A: b\x7f\r\n\r\n", 400, "bad-request"},
    {"GET / HTTP/1.1\r\n" H "Expect: tea\r\n\r\n", 417, "bad-request"},
    /* lengths */
    {"POST / HTTP/1.1\r\n" H "Content-Length: 2\r\nContent-Length: 2\r\n\r\nab", 400, "bad-request"},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 2, 2\r\n\r\nab", 400, "bad-request"},
    {"POST / HTTP/1.1\r\n" H "Content-Length: +2\r\n\r\nab", 400, "bad-request"},
    {"POST / HTTP/1.1\r\n" H "Content-Length: -2\r\n\r\nab", 400, "bad-request"},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 0x2\r\n\r\nab", 400, "bad-request"},
    {"POST / HTTP/1.1\r\n" H "Content-Length:\r\n\r\nab", 400, "bad-request"},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 18446744073709551618\r\n\r\nab", 400, "bad-request"},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 2\r\ncontent-length: 3\r\n\r\nab", 400, "bad-request"},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 2;\r\n\r\nab", 400, "bad-request"},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 2 2\r\n\r\nab", 400, "bad-request"},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 1e1\r\n\r\nab", 400, "bad-request"},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 2.0\r\n\r\nab", 400, "bad-request"},
    {"POST / HTTP/1.1\r\n" H "Content-Length: \xd9\xa2\r\n\r\nab", 400, "bad-request"},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 9223372036854775808\r\n\r\nab", 400, "bad-request"},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 0000000000000000002\r\n\r\nab", 400, "bad-request"},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 999999999999999999\r\n\r\nab", 413, "body-too-large"},
    {"POST / HTTP/1.1\r\n" H "Expect: 100-continue\r\nContent-Length: 1025\r\n\r\n", 413, "body-too-large"},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "bad-request"},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 1025\r\n\r\n", 413, "body-too-large"},
    {"HEAD / HTTP/1.1\r\n" H "Content-Length: 30\r\n\r\nGET /smuggled HTTP/1.1\r\n" H "\r\n", 400, NULL},
    /* codings and chunks */
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501, "bad-request"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: identity\r\n\r\n", 501, "bad-request"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 501, "bad-request"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501, "bad-request"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n", 501, "bad-request"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding:\r\n\r\n0\r\n\r\n", 501, "bad-request"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", 501, "bad-request"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: \vchunked\r\n\r\n0\r\n\r\n", 400, "bad-request"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400, "bad-request"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400,
     "bad-request"},
    {"POST / HTTP/1.0\r\n" H "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "bad-request"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n", 400, "bad-request"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n0x2\r\nab\r\n0\r\n\r\n", 400, "bad-request"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n2;x=y\r\nab\r\n0\r\n\r\n", 400, "bad-request"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n2\nab\n0\n\n", 400, "bad-request"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n", 400, "bad-request"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n0\r\nTrailer: x\r\n\r\n", 400, "bad-request"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n0000000000000002\r\nab\r\n0\r\n\r\n", 400,
     "bad-request"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n401\r\n", 413, "body-too-large"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n400\r\n" A1024 "\r\n1\r\n", 413, "body-too-large"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFF\r\n", 413, "body-too-large"},
    /* header size */
    {"GET / HTTP/1.1\r\n" H "X: " A4096 "\r\n\r\n", 431, "header-too-large"},
    {"GET /" A4096 " HTTP/1.1\r\n" H "\r\n", 431, "header-too-large"},
    {A4096, 431, "header-too-large"},
    {"GET / HTTP/1.1\r\n" H F10 F10 F10 F10 F10 F10 F10 F10 F10 F10 "\r\n", 431, "header-too-large"},
    /* targets */
    {"GET /%41 HTTP/1.1\r\n" H "\r\n", 200, NULL},
    {"GET /?&&a=1&&b HTTP/1.1\r\n" H "\r\n", 200, NULL},
    {"GET /%00 HTTP/1.1\r\n" H "\r\n", 400, "bad-request"},
    {"GET /%4 HTTP/1.1\r\n" H "\r\n", 400, "bad-request"},
    {"GET /%zz HTTP/1.1\r\n" H "\r\n", 400, "bad-request"},
    {"GET /#x HTTP/1.1\r\n" H "\r\n", 400, "bad-request"},
    {"GET /?a=1&a=2 HTTP/1.1\r\n" H "\r\n", 400, "bad-request"},
    {"GET /?a=1&%61=1 HTTP/1.1\r\n" H "\r\n", 400, "bad-request"},
    {"GET /?a=%00 HTTP/1.1\r\n" H "\r\n", 400, "bad-request"},
    {"GET /?=1 HTTP/1.1\r\n" H "\r\n", 400, "bad-request"},
    {"GET /?a&b&c&d&e&f&g&h&i&j&k&l&m&n&o&p&q HTTP/1.1\r\n" H "\r\n", 400, "bad-request"},
};

static void
check(const char *request, size_t len, int status, const char *code, bool is_dripped)
{
	struct rig r;
	struct raw c;
	rig_start(&r, rig_options());
	raw_open(&c, &r.at);
	if (is_dripped)
		raw_drip(&r, &c, request, len);
	else
		raw_send(&r, &c, request, len);
	rig_until(&r, raw_read(&c) && (raw_is_whole(&c) || raw_status(&c) == 400));
	ck_assert_msg(raw_status(&c) == status, "%s\n=> %s", request, c.got.data);
	ck_assert_uint_eq(raw_count(&c, "\r\nDate: "), 1);
	/* Never a second reply: nothing hides behind a refused request, or inside a body. */
	shutdown(c.fd, SHUT_WR);
	rig_until(&r, raw_read(&c) && c.is_closed);
	ck_assert_uint_eq(raw_count(&c, "\r\n\r\n"), 1);
	if (code != NULL) {
		char start[64];
		snprintf(start, sizeof(start), "{\"error\":{\"code\":\"%s\",\"message\":\"", code);
		ck_assert_msg(strncmp(raw_body(&c), start, strlen(start)) == 0, "%s", c.got.data);
		ck_assert_ptr_nonnull(strstr(c.got.data, "Content-Type: application/json\r\n"));
	}
	raw_close(&c);
	rig_until(&r, httpd_connections(r.server) == 0);
	rig_stop(&r);
}

static void
check_row(int row, bool is_dripped)
{
	check(rows[row].request, strlen(rows[row].request), rows[row].status, rows[row].code, is_dripped);
}

START_TEST(answers_each_request_by_the_rules)
{
	check_row(_i, false);
}
END_TEST

START_TEST(answers_the_same_if_bytes_come_one_by_one)
{
	check_row(_i, true);
}
END_TEST

/* A tilde stands for a NUL here. Only a body may hold one. */
static const struct {
	const char *form;
	int status;
} nul_rows[] = {
    {"POST / HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\na~b", 200},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3\r\na~b\r\n0\r\n\r\n", 200},
    {"~~~~\r\n\r\n", 400},
    {"GET~ / HTTP/1.1\r\n" H "\r\n", 400},
    {"GET /~x HTTP/1.1\r\n" H "\r\n", 400},
    {"GET / HTTP/1.1~\r\n" H "\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: x~y\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" H "A~: b\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" H "A: b~\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" H "~\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 1~0\r\n\r\n0123456789", 400},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked~\r\n\r\n0\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n2~\r\nab\r\n0\r\n\r\n", 400},
};

START_TEST(takes_a_nul_in_a_body_and_nowhere_else)
{
	char request[256];
	size_t len = strlen(nul_rows[_i].form);

	for (size_t i = 0; i < len; i++)
		request[i] = nul_rows[_i].form[i] == '~' ? '\0' : nul_rows[_i].form[i];
	check(request, len, nul_rows[_i].status, nul_rows[_i].status == 400 ? "bad-request" : NULL, false);
	check(request, len, nul_rows[_i].status, nul_rows[_i].status == 400 ? "bad-request" : NULL, true);
}
END_TEST

/* Each has lost its end on the way, and its sender knows that no more will come. */
static const char *const incomplete[] = {
    "G",
    "GET / HTTP/1.1\r\n",
    "GET / HTTP/1.1\r\n" H,
    "GET / HTTP/1.1\r\n" H "\r\nGET",
    "HEAD / HTTP/1.1\r\n" H "\r\nGET / HTTP/1.1\r\n",
    "POST / HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\n",
    "POST / HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\na",
    "PATCH / HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\na",
    "POST / HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\nabPOST / HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\na",
    "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n",
    "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n2\r\na",
    "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n",
};

static void
check_incomplete(const char *request, bool is_dripped)
{
	struct rig r;
	struct raw c;
	rig_start(&r, rig_options());
	raw_open(&c, &r.at);
	if (is_dripped)
		raw_drip(&r, &c, request, strlen(request));
	else
		raw_say(&r, &c, request);
	shutdown(c.fd, SHUT_WR);
	rig_until(&r, raw_read(&c) && c.is_closed);
	ck_assert_uint_eq(raw_count(&c, "HTTP/1.1 400 "), 1);
	ck_assert_msg(strstr(c.got.data, "{\"error\":{\"code\":\"incomplete-request\",") != NULL, "%s\n=> %s", request,
		      c.got.data);
	raw_close(&c);
	rig_until(&r, httpd_connections(r.server) == 0);
	rig_stop(&r);
}

START_TEST(says_that_a_request_ended_too_early)
{
	check_incomplete(incomplete[_i], false);
	check_incomplete(incomplete[_i], true);
}
END_TEST

START_TEST(says_nothing_to_who_asked_nothing)
{
	struct rig r;
	struct raw c;
	rig_start(&r, rig_options());
	raw_open(&c, &r.at);
	shutdown(c.fd, SHUT_WR);
	rig_until(&r, raw_read(&c) && c.is_closed);
	ck_assert_uint_eq(c.got.len, 0);
	raw_close(&c);
	rig_until(&r, httpd_connections(r.server) == 0);
	rig_stop(&r);
}
END_TEST

Suite *
suite_httpd_rules(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "httpd rules", 60);
	tcase_add_loop_test(tc, answers_each_request_by_the_rules, 0, (int)ARRAY_LEN(rows));
	tcase_add_loop_test(tc, answers_the_same_if_bytes_come_one_by_one, 0, (int)ARRAY_LEN(rows));
	tcase_add_loop_test(tc, takes_a_nul_in_a_body_and_nowhere_else, 0, (int)ARRAY_LEN(nul_rows));
	tcase_add_loop_test(tc, says_that_a_request_ended_too_early, 0, (int)ARRAY_LEN(incomplete));
	tcase_add_test(tc, says_nothing_to_who_asked_nothing);
	return suite;
}
