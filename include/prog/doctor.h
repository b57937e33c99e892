/*
 * rensa doctor, in three parts: what rensad finds out about its host, its data and its peers (it alone has the node's
 * configuration and may look at shared memory, so it is started for that), what a running node says of itself over HTTP, and
 * the wallets of whoever asks.
 */
#ifndef RENSA_PROG_DOCTOR_H
#define RENSA_PROG_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>

#include "net/netaddr.h"
#include "prog/cli.h"
#include "prog/report.h"
#include "util/attr.h"

#define DOCTOR_URL_SIZE (NETADDR_TEXT_SIZE + 16)

/* What rensad is started with; NULL: its default, or it is looked for. */
struct doctor_host {
	const char *program;
	const char *config;
	const char *const *only; /* checks that are rensad's, then NULL; none: all */
	/* Results. */
	char url[DOCTOR_URL_SIZE]; /* where the node is asked, "" if that is not known */
	bool has_node;		   /* one runs */
};

/* CLI_USAGE if rensad does not know a check. Whatever else goes wrong is a remark. */
enum cli_exit doctor_host(struct report *r, struct cli *c, struct doctor_host *h) MUSTCHECK;
/* Asks the node at c->node. wants: is the check of that name asked for? */
void doctor_node(struct report *r, struct cli *c, bool (*wants)(const void *ctx, const char *check), const void *ctx);
void doctor_wallets(struct report *r, const struct cli *c);

#endif
