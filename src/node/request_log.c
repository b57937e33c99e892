/*
 * What must stay true: nothing secret gets here. A query may hold a token that somebody put there, so it is left out, and
 * headers are not looked at.
 */
#include "request_log.h"

#include "util/attr.h"
#include "util/log.h"

static const char *const method_names[] = {
    [HTTP_GET] = "GET",	      [HTTP_HEAD] = "HEAD",	  [HTTP_POST] = "POST",	  [HTTP_PUT] = "PUT",
    [HTTP_DELETE] = "DELETE", [HTTP_OPTIONS] = "OPTIONS", [HTTP_OTHER] = "OTHER",
};

void
request_log_begin(struct request_log *r, uint32_t sample, uint32_t slow_ms)
{
	*r = (struct request_log){.sample = sample, .slow_us = (uint64_t)slow_ms * 1000};
}

void
request_log_served(void *ctx, const struct httpd_served *served)
{
	struct request_log *r = ctx;
	bool is_sampled = r->sample > 0 && r->seen++ % r->sample == 0;
	bool is_slow = served->us >= r->slow_us && !served->has_waited, has_failed = served->status >= 500;
	char client[NETADDR_TEXT_SIZE];

	if (!is_sampled && !is_slow && !has_failed)
		return;
	netaddr_format(client, &served->from);
	const struct log_field fields[] = {
	    {.key = "method", .text = method_names[served->method]},
	    {.key = "path", .text = served->path},
	    {.key = "status", .number = (uint64_t)served->status},
	    {.key = "in", .number = served->body_in},
	    {.key = "out", .number = served->body_out},
	    {.key = "us", .number = served->us},
	    {.key = "client", .text = client},
	    {.key = "cut", .number = 1},
	};
	log_record(has_failed ? "request: failed"
		   : is_slow  ? "request: slow"
			      : "request: served",
		   fields, ARRAY_LEN(fields) - !served->is_cut);
}
