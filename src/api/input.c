#include "input.h"

#include <inttypes.h>

#include "reply.h"
#include "util/hex.h"
#include "util/text.h"
#include "wire/field.h"
#include "wire/peer_msg.h"

/* "from and limit"; of three, "from, to and limit". */
static void
list_query(struct buf *out, const struct route *r)
{
	for (size_t i = 0; i < ROUTE_QUERY_MAX && r->query[i] != NULL; i++) {
		bool is_last = i + 1 == ROUTE_QUERY_MAX || r->query[i + 1] == NULL;

		buf_puts(out, i == 0 ? "" : is_last ? " and " : ", ");
		buf_puts(out, r->query[i]);
	}
}

bool
input_query(struct api *a, struct http_req *req, const struct route *r)
{
	const char *name;
	struct buf known;

	for (size_t i = 0; (name = http_req_query_name(req, i)) != NULL; i++)
		if (!route_has_query(r, name))
			break;
	if (name == NULL)
		return true;
	buf_init(&known);
	list_query(&known, r);
	if (known.len > 0)
		reply_error(a, req, 400, "unknown-parameter", "%s has no parameter \"%.40s\"; it knows %s", r->path,
			    name, known.data);
	else
		reply_error(a, req, 400, "unknown-parameter", "%s has no parameter \"%.40s\"; it takes none", r->path,
			    name);
	buf_clear(&known);
	return false;
}

bool
input_number(struct api *a, struct http_req *req, const char *name, uint64_t *out, uint64_t fallback, uint64_t min,
	     uint64_t max)
{
	const char *text = http_req_query(req, name);

	*out = fallback;
	if (text == NULL)
		return true;
	if (text_u64(out, text, max) == OK && *out >= min)
		return true;
	reply_error(a, req, 400, "bad-parameter", "%s must be a decimal number from %" PRIu64 " to %" PRIu64, name, min,
		    max);
	return false;
}

bool
input_hash(struct api *a, struct http_req *req, struct hash256 *out, const char *text, const char *what)
{
	if (hex_decode(out->b, sizeof(out->b), text) == OK)
		return true;
	reply_error(a, req, 400, "bad-parameter", "%s has 64 lower-case hexadecimal digits", what);
	return false;
}

bool
input_address(struct api *a, struct http_req *req, struct address *out, const char *text)
{
	switch (address_parse(out, text, a->params->address_version)) {
	case OK:
		return true;
	case ERR_UNSUPPORTED:
		reply_error(a, req, 400, "bad-address", "this is an address of another network");
		return false;
	default:
		reply_error(a, req, 400, "bad-address",
			    "this is not an address: a character is missing, added or mistyped");
		return false;
	}
}

struct jdoc *
input_json(struct api *a, struct http_req *req)
{
	char error[JSON_ERROR_SIZE];
	size_t len;
	const void *body = http_req_body(req, &len);
	struct jdoc *doc = jdoc_parse(body, len, error);

	if (doc == NULL)
		reply_error(a, req, 400, "malformed-json", "the body must be a JSON document: %s", error);
	return doc;
}

bool
input_hashes(struct api *a, struct http_req *req, struct hash256 *out, size_t *count, size_t max)
{
	size_t len;
	const void *body = http_req_body(req, &len);
	enum err e = hashes_parse(out, count, max, body, len);

	if (e == OK)
		return true;
	if (e == ERR_LIMIT)
		reply_error(a, req, 400, "bad-message", "at most %zu hashes can be asked for at a time", max);
	else
		reply_error(a, req, 400, "bad-message",
			    "the body must be a count of 2 bytes and as many hashes of 32 bytes");
	return false;
}

bool
input_body(struct api *a, struct http_req *req, struct jdoc **doc)
{
	size_t len;

	*doc = NULL;
	if (http_req_body(req, &len) == NULL)
		return true;
	*doc = input_json(a, req);
	return *doc != NULL;
}

bool
input_nothing(struct api *a, struct http_req *req, const char *what)
{
	struct field_error error;
	struct jdoc *doc;

	if (!input_body(a, req, &doc))
		return false;
	if (doc == NULL)
		return true;
	struct fields f = fields_of(jdoc_root(doc), what, &error);
	fields_only(&f, NULL, 0);
	jdoc_free(doc);
	if (f.failed)
		reply_field_error(a, req, &error);
	return !f.failed;
}
