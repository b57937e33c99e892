#include "metrics.h"

#include <string.h>

#include "freshness.h"
#include "handlers.h"
#include "reply.h"
#include "util/text.h"

static struct role_sum *
sum_of(struct scrape *s, const char *name)
{
	struct role_sum *sum;

	for (size_t i = 0; i < s->role_count; i++)
		if (strcmp(s->roles[i].name, name) == 0)
			return &s->roles[i];
	if (s->role_count == ROLE_NAMES_MAX)
		return NULL;
	sum = &s->roles[s->role_count++];
	text_copy(sum->name, sizeof(sum->name), name);
	return sum;
}

static void
gather(struct scrape *s)
{
	struct role_info role;

	for (uint32_t i = 0; i < STORE_ROLES_MAX; i++) {
		struct role_sum *sum;

		if (!role_known(s->api->store, i, &role) || role.name[0] == '\0' ||
		    (sum = sum_of(s, role.name)) == NULL)
			continue;
		sum->processes += role.pid != 0;
		sum->restarts += role.restarts;
		sum->failures += role.failures;
		for (int c = 0; c < COUNTERS; c++)
			if (role.pid != 0 || !role_counter_is_state((enum role_counter)c))
				sum->counters[c] += role.counters[c];
	}
}

uint64_t
scrape_total(const struct scrape *s, enum role_counter c, const char *role)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < s->role_count; i++)
		if (role == NULL || strcmp(s->roles[i].name, role) == 0)
			sum += s->roles[i].counters[c];
	return sum;
}

void
metric_write_total(struct scrape *s, const struct metric *m)
{
	exposition_u64(&s->e, scrape_total(s, m->counter, m->role));
}

static void
write_table(struct scrape *s, const struct metric *table, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		exposition_metric(&s->e, table[i].name, table[i].type, table[i].help);
		table[i].write(s, &table[i]);
	}
}

void
metrics_get(struct api *a, struct http_req *req, const char *name)
{
	struct scrape s = {.api = a};

	(void)name;
	buf_reset(&a->out);
	exposition_begin(&s.e, &a->out);
	gather(&s);
	s.check_count = checks_make(s.checks, a);
	write_table(&s, metrics_node, metrics_node_count);
	write_table(&s, metrics_http, metrics_http_count);
	exposition_end(&s.e);
	freshness_none(req);
	reply_out(a, req, 200, EXPOSITION_TYPE);
}
