/*
 * Requests: counted by the row of the route table that they met, the status of their answer, and the time that it took.
 * What met no row, because there is nothing at its path, its method does not fit, or the server refused it, is counted as
 * one more route, "none": nothing that a client makes up becomes a label.
 */
#include <stdio.h>

#include "metrics.h"
#include "routes.h"
#include "util/attr.h"

#define ROUTE_NONE 0  /* row i of the table is number i + 1 */
#define STATUS_GONE 0 /* its client left before there was an answer */

/* By how often they are looked for; the last stands for all others. */
static const int statuses[TALLY_STATUSES - 1] = {
    STATUS_GONE, 200, 202, 204, 304, 400, 403, 404, 405, 408, 409, 413, 417, 422, 429, 431, 500, 501, 503, 505, 507,
};

static uint32_t
status_column(int status)
{
	uint32_t i = 0;

	while (i < ARRAY_LEN(statuses) && statuses[i] != status)
		i++;
	return i;
}

static void
status_name(char name[8], uint32_t column)
{
	if (column >= ARRAY_LEN(statuses))
		snprintf(name, 8, "other");
	else if (statuses[column] == STATUS_GONE)
		snprintf(name, 8, "none");
	else
		snprintf(name, 8, "%d", statuses[column]);
}

/* By the row's own text, not by what it says: a path that takes another method is named by the row of that. */
static uint32_t
route_number(const struct httpd_served *r)
{
	enum http_method method = r->method == HTTP_HEAD ? HTTP_GET : r->method;
	const struct route *row;

	if (r->route == NULL)
		return ROUTE_NONE;
	for (uint32_t i = 0; (row = route_at(i)) != NULL; i++)
		if (row->path == r->route && row->method == method)
			return i + 1;
	return ROUTE_NONE;
}

void
api_served(void *ctx, const struct httpd_served *r)
{
	struct store *s = ((struct api *)ctx)->store;
	uint32_t route = route_number(r);

	tally_served(s, route, status_column(r->status), r->body_in, r->body_out);
	/* How long somebody listened is no time that an answer took. */
	if (!r->has_waited && r->status != STATUS_GONE)
		tally_served_in(s, route, r->us);
}

static void
label_route(struct exposition *e, uint32_t route)
{
	const struct route *row = route == ROUTE_NONE ? NULL : route_at(route - 1);

	exposition_label(e, "method", row != NULL ? route_method_name(row->method) : "none");
	exposition_label(e, "route", row != NULL ? row->path : "none");
}

/* False: there are no more. */
static bool
requests_of(const struct scrape *s, uint32_t route, struct tally_route *out)
{
	if (route != ROUTE_NONE && route_at(route - 1) == NULL)
		return false;
	tally_requests(s->api->store, route, out);
	return true;
}

static void
write_requests(struct scrape *s, const struct metric *m)
{
	struct tally_route r;
	char status[8];

	(void)m;
	for (uint32_t i = 0; requests_of(s, i, &r); i++)
		for (uint32_t k = 0; k < TALLY_STATUSES; k++) {
			if (r.statuses[k] == 0)
				continue;
			label_route(&s->e, i);
			status_name(status, k);
			exposition_label(&s->e, "code", status);
			exposition_u64(&s->e, r.statuses[k]);
		}
}

static bool
has_been_asked(const struct tally_route *r)
{
	for (uint32_t k = 0; k < TALLY_STATUSES; k++)
		if (r->statuses[k] != 0)
			return true;
	return false;
}

static void
write_durations(struct scrape *s, const struct metric *m)
{
	struct tally_route r;

	(void)m;
	for (uint32_t i = 0; requests_of(s, i, &r); i++)
		if (has_been_asked(&r)) {
			label_route(&s->e, i);
			exposition_span(&s->e, &r.span);
		}
}

static void
write_received(struct scrape *s, const struct metric *m)
{
	struct tally_route r;

	(void)m;
	for (uint32_t i = 0; requests_of(s, i, &r); i++)
		if (has_been_asked(&r)) {
			label_route(&s->e, i);
			exposition_u64(&s->e, r.body_in);
		}
}

static void
write_sent(struct scrape *s, const struct metric *m)
{
	struct tally_route r;

	(void)m;
	for (uint32_t i = 0; requests_of(s, i, &r); i++)
		if (has_been_asked(&r)) {
			label_route(&s->e, i);
			exposition_u64(&s->e, r.body_out);
		}
}

const struct metric metrics_http[] = {
    {"rensa_http_requests_total", METRIC_COUNTER,
     "Requests that are over, by method and route (as GET / lists them, \"none\" for what met none) and status "
     "(\"none\": the client left before).",
     write_requests, COUNTERS, NULL},
    {"rensa_http_request_duration_seconds", METRIC_HISTOGRAM,
     "From when a request was whole until the last byte of its answer was with the kernel; streams that waited for "
     "news are left out.",
     write_durations, COUNTERS, NULL},
    {"rensa_http_received_bytes_total", METRIC_COUNTER, "Bytes in the bodies of requests.", write_received, COUNTERS,
     NULL},
    {"rensa_http_sent_bytes_total", METRIC_COUNTER, "Bytes in the bodies of answers.", write_sent, COUNTERS, NULL},
    {"rensa_http_connections", METRIC_GAUGE, "Connections of clients and other nodes to this one.", metric_write_total,
     COUNT_CONNECTIONS, "worker"},
    {"rensa_http_event_listeners", METRIC_GAUGE, "Clients that listen to GET /events.", metric_write_total,
     COUNT_LISTENERS, "worker"},
};
const size_t metrics_http_count = ARRAY_LEN(metrics_http);
