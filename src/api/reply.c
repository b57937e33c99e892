#include "reply.h"

#include <stdarg.h>
#include <stdio.h>

#include "freshness.h"
#include "store/role_table.h"

#define JSON_TYPE "application/json"
#define COPY_MAX (16u << 10) /* a larger reply is given away with its memory; smaller ones keep the buffer warm */

void
reply_count(struct api *a, int status)
{
	role_count(a->store, COUNT_REQUESTS, 1);
	if (status >= 400)
		role_count(a->store, COUNT_REFUSED, 1);
}

void
reply_out(struct api *a, struct http_req *req, int status, const char *type)
{
	reply_count(a, status);
	if (status == 503)
		http_reply_header(req, "Retry-After", "1");
	if (a->out.len > COPY_MAX)
		http_reply_take(req, status, type, &a->out);
	else
		http_reply(req, status, type, a->out.data, a->out.len);
}

struct jout
reply_begin(struct api *a)
{
	buf_reset(&a->out);
	return jout_to(&a->out);
}

void
reply_end(struct api *a, struct http_req *req, int status)
{
	enum http_method method = http_req_method(req);

	/* A cache may keep a 404 or a 405 for as long as it sees fit if nothing is said; answers to other methods never. */
	if (method == HTTP_GET || method == HTTP_HEAD)
		freshness_none(req);
	reply_end_kept(a, req, status);
}

void
reply_end_kept(struct api *a, struct http_req *req, int status)
{
	reply_out(a, req, status, JSON_TYPE);
}

void
no_set(struct no *no, int status, const char *code, const char *fmt, ...)
{
	va_list args;

	no->status = status;
	no->code = code;
	va_start(args, fmt);
	vsnprintf(no->message, sizeof(no->message), fmt, args);
	va_end(args);
}

void
no_of_field(struct no *no, const struct field_error *e)
{
	no_set(no, e->rule != RULE_OK ? 422 : 400, e->code, "%s", e->message);
}

void
no_of_failure(struct no *no, enum err e)
{
	switch (e) {
	case ERR_BUSY:
	case ERR_STALE:
	case ERR_TIMEOUT:
		no_set(no, 503, "busy", "the chain is being changed just now; ask again");
		break;
	case ERR_NOSPC:
		no_set(no, 507, "no-space",
		       "the node has no room left on its disk or in /dev/shm; free some and ask again");
		break;
	case ERR_LIMIT:
		no_set(no, 507, "no-space", "the chain has reached [node] shm_max; raise it in the configuration");
		break;
	case ERR_IO:
	case ERR_PERM:
		no_set(no, 503, "disk-failed",
		       "the disk of the node refused to keep a block, so it was not taken; its log says more");
		break;
	default:
		no_set(no, 500, "internal-error", "the node could not do it: %s; its log may say more", err_text(e));
		break;
	}
}

void
no_write_member(struct jout *j, const struct no *no)
{
	jout_key(j, "error");
	jout_object(j);
	jout_kstring(j, "code", no->code);
	jout_kstring(j, "message", no->message);
	jout_object_end(j);
}

void
no_write(struct jout *j, const struct no *no)
{
	jout_object(j);
	no_write_member(j, no);
	jout_object_end(j);
}

void
reply_no(struct api *a, struct http_req *req, const struct no *no)
{
	struct jout j = reply_begin(a);

	no_write(&j, no);
	reply_end(a, req, no->status);
}

void
reply_error(struct api *a, struct http_req *req, int status, const char *code, const char *fmt, ...)
{
	struct no no = {.status = status, .code = code};
	va_list args;

	va_start(args, fmt);
	vsnprintf(no.message, sizeof(no.message), fmt, args);
	va_end(args);
	reply_no(a, req, &no);
}

void
reply_field_error(struct api *a, struct http_req *req, const struct field_error *e)
{
	struct no no;

	no_of_field(&no, e);
	reply_no(a, req, &no);
}

void
reply_failure(struct api *a, struct http_req *req, enum err e)
{
	struct no no;

	no_of_failure(&no, e);
	reply_no(a, req, &no);
}
