/*
 * GET /metrics. Each metric is a row: name, type, help, and how its samples are made; docs/metrics.md lists the same rows,
 * and a test compares them. Label values are of small, fixed sets (roles, routes as the route table has them, statuses,
 * rules, states), never what a client has sent.
 *
 * The figures lie in shared memory, so whichever worker is asked answers for all processes.
 */
#ifndef RENSA_SRC_API_METRICS_H
#define RENSA_SRC_API_METRICS_H

#include <stddef.h>

#include "checks.h"
#include "exposition.h"
#include "state.h"
#include "store/role_table.h"

#define ROLE_NAMES_MAX 24

/* All processes of one role. */
struct role_sum {
	char name[16];
	uint32_t processes; /* that run now */
	uint64_t restarts, failures;
	uint64_t counters[COUNTERS]; /* of those that ended too, but for what is a state */
};

/* One answer in the making. */
struct scrape {
	const struct api *api;
	struct exposition e;
	struct role_sum roles[ROLE_NAMES_MAX];
	size_t role_count;
	struct check checks[CHECKS_MAX];
	size_t check_count;
};

struct metric {
	const char *name;
	enum metric_type type;
	const char *help;
	void (*write)(struct scrape *s, const struct metric *m);
	/* For those who sum a counter. */
	enum role_counter counter;
	const char *role; /* of which role; NULL: all */
};

uint64_t scrape_total(const struct scrape *s, enum role_counter c, const char *role);
/* The sum of m->counter. */
void metric_write_total(struct scrape *s, const struct metric *m);

/* metrics_node.c, metrics_http.c */
extern const struct metric metrics_node[];
extern const size_t metrics_node_count;
extern const struct metric metrics_http[];
extern const size_t metrics_http_count;

#endif
