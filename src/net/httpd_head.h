/*
 * The rules for a request's head and for a chunked body, on plain bytes. They are stricter than the HTTP library
 * beneath: whatever passes here means the same to every reader, so that no request hides inside another.
 */
#ifndef RENSA_SRC_NET_HTTPD_HEAD_H
#define RENSA_SRC_NET_HTTPD_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/httpd.h"

/* Why the server itself says no. */
struct refusal {
	int status;
	const char *code;    /* stable word of the API */
	const char *message; /* plain ASCII without quotes */
};

struct http_head {
	enum http_method method;
	uint8_t minor;	    /* of HTTP/1.x */
	bool is_plain;	    /* a method of ours with an absolute path: the library beneath reads it as we do */
	const char *target; /* in the text that was parsed, not terminated */
	size_t target_len;
	size_t line_len; /* of the request line with its end */
	bool is_last;	 /* the client wants the connection closed behind the reply */
	bool is_chunked;
	uint64_t length; /* of the body, if not chunked */
};

/* Bytes of the head with its final empty line, or 0 if the end is not there yet. Looks from byte `from` on. */
size_t http_head_end(const char *text, size_t len, size_t from);
/* NULL if the head is sound. Lines may end with CR LF or LF. */
const struct refusal *http_head_parse(struct http_head *out, const char *text, size_t len, size_t max_body);

int http_hex_digit(char c); /* -1: none */

/* Follows a chunked body byte by byte. */
struct chunk_scan {
	uint8_t state;
	uint8_t digits;
	uint64_t left;	/* bytes of the chunk in hand */
	uint64_t total; /* bytes of the body so far announced */
	bool is_done;	/* the last byte of the body was seen */
};

void chunk_scan_init(struct chunk_scan *s);
/* Stops at the end of the body. NULL: fine so far. */
const struct refusal *chunk_scan_feed(struct chunk_scan *s, const char *data, size_t len, size_t max_body);

extern const struct refusal refusal_header_too_large;
extern const struct refusal refusal_incomplete;
extern const struct refusal refusal_timeout;

#endif
