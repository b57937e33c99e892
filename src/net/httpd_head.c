/*
 * A request's head, line by line (RFC 9112): token SP target SP version, then fields. What the standard leaves to the
 * reader's kindness is refused here where two readers could differ: folded lines, space before a colon, repeated or
 * decorated lengths, a length beside a transfer coding, control bytes, a Host that is no host. Bare LF ends a line of the
 * head, since people type requests by hand; in chunked bodies only CR LF does. Chunk extensions and trailers, which
 * nobody sends and the library beneath does not know, are refused.
 */
#include "httpd_head.h"

#include <string.h>
#include <strings.h>

#define FIELDS_MAX 100
#define CHUNK_SIZE_DIGITS 15

const struct refusal refusal_header_too_large = {
    431, "header-too-large", "the request line and headers are too large: send fewer or shorter ones"};
const struct refusal refusal_timeout = {408, "timeout", "the request did not arrive in time: send it again, faster"};
const struct refusal refusal_incomplete = {400, "incomplete-request",
					   "the connection ended before the request did: send all of it"};
static const struct refusal body_too_large = {413, "body-too-large", "the body is too large: send less in one request"};
static const struct refusal bad_line = {400, "bad-request",
					"the request line must be a method, a path and HTTP/1.1, with single spaces"};
static const struct refusal bad_version = {505, "bad-request", "only HTTP/1.0 and HTTP/1.1 are spoken here"};
static const struct refusal bad_field = {400, "bad-request", "a header line is malformed"};
static const struct refusal bad_host = {400, "bad-request",
					"HTTP/1.1 needs exactly one Host header, a name or address and its port"};
static const struct refusal bad_length = {400, "bad-request", "Content-Length must be there at most once, digits only"};
static const struct refusal bad_coding = {400, "bad-request",
					  "Transfer-Encoding can only be chunked, once, in HTTP/1.1"};
static const struct refusal unknown_coding = {501, "bad-request",
					      "the only transfer coding known is chunked: send the body plain"};
static const struct refusal both_lengths = {400, "bad-request",
					    "Content-Length and Transfer-Encoding exclude each other"};
static const struct refusal head_body = {400, "bad-request", "a HEAD request has no body"};
static const struct refusal bad_expect = {417, "bad-request", "the only expectation known is 100-continue"};
static const struct refusal bad_chunk = {400, "bad-request", "the chunked body is malformed"};

struct span {
	const char *at;
	size_t len;
};

size_t
http_head_end(const char *text, size_t len, size_t from)
{
	from = from > 3 ? from - 3 : 0;
	const char *end = text + len;
	for (const char *lf = text + from; lf < end && (lf = memchr(lf, '\n', (size_t)(end - lf))) != NULL; lf++) {
		if (end - lf > 1 && lf[1] == '\n')
			return (size_t)(lf - text) + 2;
		if (end - lf > 2 && lf[1] == '\r' && lf[2] == '\n')
			return (size_t)(lf - text) + 3;
	}
	return 0;
}

/* The next line without its end; false behind the last. */
static bool
next_line(struct span *line, struct span *rest)
{
	const char *lf = memchr(rest->at, '\n', rest->len);
	if (lf == NULL)
		return false;
	line->at = rest->at;
	line->len = (size_t)(lf - rest->at);
	rest->at = lf + 1;
	rest->len -= line->len + 1;
	if (line->len > 0 && line->at[line->len - 1] == '\r')
		line->len--;
	return true;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_made_of(struct span s, const char *marks)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.at[i];
		bool is_alnum = is_digit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
		if (!is_alnum && (c == '\0' || strchr(marks, c) == NULL))
			return false;
	}
	return true;
}

static bool
is_token(struct span s)
{
	return s.len > 0 && is_made_of(s, "-_.!#$%&'*+^`|~");
}

/* The bytes of a name or address and a port (RFC 3986, 3.2.2); nobody here takes them apart. It may be empty. */
static bool
is_host(struct span s)
{
	return is_made_of(s, ".:-_[]~!$&'()*+,;=%");
}

static struct span
span_trim(struct span s)
{
	while (s.len > 0 && (*s.at == ' ' || *s.at == '\t')) {
		s.at++;
		s.len--;
	}
	while (s.len > 0 && (s.at[s.len - 1] == ' ' || s.at[s.len - 1] == '\t'))
		s.len--;
	return s;
}

static bool
is_text(struct span s, const char *word)
{
	return s.len == strlen(word) && strncasecmp(s.at, word, s.len) == 0;
}

/* Whether a list of words with commas between them has the word. */
static bool
list_has(struct span list, const char *word)
{
	const char *end = list.at + list.len;
	for (const char *at = list.at; at < end; at++) {
		const char *comma = memchr(at, ',', (size_t)(end - at));
		struct span item = {at, (size_t)((comma != NULL ? comma : end) - at)};
		if (is_text(span_trim(item), word))
			return true;
		at += item.len;
	}
	return false;
}

static enum http_method
method_of(struct span s)
{
	static const char *const names[] = {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"};
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (s.len == strlen(names[i]) && memcmp(s.at, names[i], s.len) == 0)
			return (enum http_method)i;
	return HTTP_OTHER;
}

static bool
has_prefix(const struct http_head *h, const char *prefix)
{
	size_t len = strlen(prefix);
	return h->target_len >= len && strncasecmp(h->target, prefix, len) == 0;
}

static const struct refusal *
parse_request_line(struct http_head *out, struct span line)
{
	const char *end = line.at + line.len;
	const char *target = memchr(line.at, ' ', line.len);
	if (target == NULL)
		return &bad_line;
	struct span method = {line.at, (size_t)(target - line.at)};
	target++;
	const char *version = memchr(target, ' ', (size_t)(end - target));
	if (version == NULL || version == target || !is_token(method))
		return &bad_line;
	out->method = method_of(method);
	out->target = target;
	out->target_len = (size_t)(version - target);
	for (size_t i = 0; i < out->target_len; i++)
		if ((unsigned char)target[i] <= ' ' || (unsigned char)target[i] >= 0x7f)
			return &bad_line;
	version++;
	if (end - version != 8 || memcmp(version, "HTTP/", 5) != 0 || version[6] != '.' || !is_digit(version[5]) ||
	    !is_digit(version[7]))
		return &bad_line;
	if (version[5] != '1' || version[7] > '1')
		return &bad_version;
	out->minor = (uint8_t)(version[7] - '0');

	bool is_path = *target == '/';
	bool is_url = has_prefix(out, "http://") || has_prefix(out, "https://");
	bool is_star = out->target_len == 1 && *target == '*' && out->method == HTTP_OPTIONS;
	bool is_connect = method.len == 7 && memcmp(method.at, "CONNECT", 7) == 0;
	out->is_plain = is_path && !has_prefix(out, "//") && out->method != HTTP_OTHER;
	return is_path || is_url || is_star || is_connect ? NULL : &bad_line;
}

static bool
parse_length(uint64_t *out, struct span s)
{
	if (s.len == 0 || s.len > 18)
		return false;
	*out = 0;
	for (size_t i = 0; i < s.len; i++) {
		if (!is_digit(s.at[i]))
			return false;
		*out = *out * 10 + (uint64_t)(s.at[i] - '0');
	}
	return true;
}

static bool
parse_field(struct span *name, struct span *value, struct span line)
{
	const char *colon = memchr(line.at, ':', line.len);
	if (colon == NULL)
		return false;
	*name = (struct span){line.at, (size_t)(colon - line.at)};
	*value = span_trim((struct span){colon + 1, line.len - name->len - 1});
	for (size_t i = 0; i < value->len; i++) {
		unsigned char c = (unsigned char)value->at[i];
		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return is_token(*name);
}

const struct refusal *
http_head_parse(struct http_head *out, const char *text, size_t len, size_t max_body)
{
	struct span rest = {text, len};
	struct span line;
	unsigned fields = 0, hosts = 0, lengths = 0, codings = 0;
	*out = (struct http_head){0};
	if (!next_line(&line, &rest))
		return &bad_line;
	out->line_len = (size_t)(rest.at - text);
	const struct refusal *no = parse_request_line(out, line);
	if (no != NULL)
		return no;

	while (next_line(&line, &rest) && line.len > 0) {
		struct span name, value;
		if (++fields > FIELDS_MAX)
			return &refusal_header_too_large;
		if (!parse_field(&name, &value, line))
			return &bad_field;
		if (is_text(name, "Host")) {
			if (++hosts > 1 || !is_host(value))
				return &bad_host;
		} else if (is_text(name, "Connection")) {
			out->is_last |= list_has(value, "close");
		} else if (is_text(name, "Content-Length")) {
			if (++lengths > 1 || !parse_length(&out->length, value))
				return &bad_length;
		} else if (is_text(name, "Transfer-Encoding")) {
			if (++codings > 1 || out->minor == 0)
				return &bad_coding;
			if (!is_text(value, "chunked"))
				return &unknown_coding;
		} else if (is_text(name, "Expect") && out->minor > 0 && !is_text(value, "100-continue")) {
			return &bad_expect;
		}
	}
	out->is_chunked = codings > 0;
	if (hosts == 0 && out->minor > 0)
		return &bad_host;
	if (lengths > 0 && codings > 0)
		return &both_lengths;
	if (out->method == HTTP_HEAD && (out->is_chunked || out->length > 0))
		return &head_body;
	if (out->length > max_body)
		return &body_too_large;
	return NULL;
}

enum chunk_state { CHUNK_SIZE, CHUNK_SIZE_LF, CHUNK_DATA, CHUNK_DATA_CR, CHUNK_DATA_LF, CHUNK_END_CR, CHUNK_END_LF };

void
chunk_scan_init(struct chunk_scan *s)
{
	*s = (struct chunk_scan){.state = CHUNK_SIZE};
}

int
http_hex_digit(char c)
{
	if (is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* One byte of what surrounds the data; false if it does not belong there. */
static bool
chunk_scan_byte(struct chunk_scan *s, char c)
{
	int digit;
	switch ((enum chunk_state)s->state) {
	case CHUNK_SIZE:
		digit = http_hex_digit(c);
		if (digit < 0) {
			s->state = CHUNK_SIZE_LF;
			return s->digits > 0 && c == '\r';
		}
		s->left = s->left << 4 | (unsigned)digit;
		return ++s->digits <= CHUNK_SIZE_DIGITS;
	case CHUNK_SIZE_LF:
		s->total += s->left;
		s->state = s->left > 0 ? CHUNK_DATA : CHUNK_END_CR;
		return c == '\n';
	case CHUNK_DATA_CR:
		s->state = CHUNK_DATA_LF;
		return c == '\r';
	case CHUNK_DATA_LF:
		s->state = CHUNK_SIZE;
		s->digits = 0;
		return c == '\n';
	case CHUNK_END_CR:
		s->state = CHUNK_END_LF;
		return c == '\r';
	case CHUNK_END_LF:
		s->is_done = true;
		return c == '\n';
	case CHUNK_DATA:
		break;
	}
	return false;
}

const struct refusal *
chunk_scan_feed(struct chunk_scan *s, const char *data, size_t len, size_t max_body)
{
	while (len > 0 && !s->is_done) {
		if (s->state == CHUNK_DATA) {
			size_t step = len < s->left ? len : (size_t)s->left;
			data += step;
			len -= step;
			s->left -= step;
			if (s->left == 0)
				s->state = CHUNK_DATA_CR;
			continue;
		}
		if (!chunk_scan_byte(s, *data))
			return &bad_chunk;
		if (s->total > max_body)
			return &body_too_large;
		data++;
		len--;
	}
	return NULL;
}
