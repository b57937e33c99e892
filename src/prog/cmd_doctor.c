/*
 * rensa doctor: what stands in a node's way, and what to do about it. Most of it rensad finds out, because the client has
 * neither the node's configuration nor a way to shared memory; see include/prog/doctor.h for the parts.
 */
#include <stdlib.h>
#include <string.h>

#include "prog/commands.h"
#include "prog/doctor.h"
#include "util/mem.h"

enum { DOCTOR_CONFIG, DOCTOR_ONLY, DOCTOR_RENSAD };

static const struct option_spec options[] = {
    [DOCTOR_CONFIG] = {"config", "FILE", "the node's configuration, -c for short; without it rensad's default", false},
    [DOCTOR_ONLY] = {"only", "CHECKS", "these alone, with commas between", false},
    [DOCTOR_RENSAD] = {"rensad", "PATH", "the node's program, if it is not found", false},
};

#define ONLY_MAX 32
#define WALLETS "wallets"

static const char *const node_checks[] = {"ready", "roles", "usage", "logs", "reload", "neighbours"};

/* What --only names, by whose check it is. */
struct selection {
	char *text; /* the words, each with its NUL */
	const char *words[ONLY_MAX + 1];
	const char *host[ONLY_MAX + 1]; /* rensad's, then NULL */
	size_t count, host_count;
	bool has_node;
};

static bool
is_node_check(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(node_checks); i++)
		if (strcmp(node_checks[i], name) == 0)
			return true;
	return false;
}

/* False: too many. */
static bool
selection_make(struct selection *s, const char *only)
{
	*s = (struct selection){.text = xstrdup(only != NULL ? only : "")};
	char *rest = s->text;
	for (char *word; (word = strsep(&rest, ",")) != NULL;) {
		if (word[0] == '\0')
			continue;
		if (s->count == ONLY_MAX)
			return false;
		s->words[s->count++] = word;
		if (is_node_check(word))
			s->has_node = true;
		else if (strcmp(word, WALLETS) != 0)
			s->host[s->host_count++] = word;
	}
	return true;
}

static bool
is_selected(const void *ctx, const char *check)
{
	const struct selection *s = ctx;
	for (size_t i = 0; i < s->count; i++)
		if (strcmp(s->words[i], check) == 0)
			return true;
	return s->count == 0;
}

/* Asks rensad, also where only the node is asked: it tells where that is. Then its findings are of no interest. */
static enum cli_exit
examine_host(struct report *r, struct cli *c, struct doctor_host *h, const struct selection *s)
{
	static const char *const least[] = {"config", NULL};
	struct report unasked = {0};
	bool is_asked = s->count == 0 || s->host_count > 0;

	h->only = is_asked ? s->host : least;
	enum cli_exit ret = doctor_host(is_asked ? r : &unasked, c, h);
	for (size_t i = 0; i < unasked.count; i++)
		if (unasked.at[i].state == REMARK_PROBLEM)
			report_add(r, unasked.at[i].check, REMARK_PROBLEM, unasked.at[i].message, unasked.at[i].fix);
	report_clear(&unasked);
	return ret;
}

static enum cli_exit
run(struct cli *c, const struct args *a)
{
	/* A node that is named is asked over HTTP alone: it may be on another host. */
	bool is_named = a->global[GLOBAL_NODE] != NULL, is_remote = is_named && a->value[DOCTOR_CONFIG] == NULL;
	struct doctor_host h = {.program = a->value[DOCTOR_RENSAD], .config = a->value[DOCTOR_CONFIG]};
	bool is_elsewhere = is_named || getenv("RENSA_NODE") != NULL;
	struct report r = {0};
	struct selection s;
	enum cli_exit ret = CLI_DONE;

	if (!selection_make(&s, a->value[DOCTOR_ONLY]))
		ret = cli_fail(c, CLI_USAGE, "usage", "--only takes at most %d checks", ONLY_MAX);
	else if (is_remote && s.host_count > 0)
		ret = cli_fail(c, CLI_USAGE, "usage",
			       "%.40s is no check of a node by its --node: without that, or with --config too, its "
			       "host is examined",
			       s.host[0]);
	if (ret == CLI_DONE && !is_remote && (s.count == 0 || s.host_count > 0 || s.has_node))
		ret = examine_host(&r, c, &h, &s);
	if (ret == CLI_DONE) {
		if (!is_elsewhere && h.url[0] != '\0')
			c->node = h.url;
		if ((s.count == 0 || s.has_node) && (is_elsewhere || h.has_node))
			doctor_node(&r, c, is_selected, &s);
		else if (s.has_node)
			report_say(&r, "ready", REMARK_NOTE, "Start it, or name one with --node URL.",
				   "no node runs here that could be asked");
		if (is_selected(&s, WALLETS))
			doctor_wallets(&r, c);
		ret = report_show(c, &r);
	}
	report_clear(&r);
	free(s.text);
	return ret;
}

const struct command cmd_doctor = {
    .name = "doctor",
    .operands = "",
    .options = options,
    .option_count = ARRAY_LEN(options),
    .summary = "what stands in the node's way, and what to do about it",
    .about =
	"Looks at the configuration, the data folder and its disk, shared memory, limits, clock, ports and peers\n"
	"of this host's node, asks it if it runs, and looks at your wallets. With --node alone that node is asked and\n"
	"nothing of this host is looked at. Nothing is changed. Each line is ok, a note, a warning or a problem, with\n"
	"the advice below; the status is 1 if there is a problem. With --json the document is printed in any case.\n"
	"What an ordinary user may not see is said: then look as the node's user, with sudo -u rensa.\n"
	"CHECKS are config, node, data_dir, secrets, disk, journal, shm, segments, memory, files, file_size, clock,\n"
	"libevent, ports, peers, of the node that runs ready, roles, usage, logs, reload, neighbours, and wallets.\n",
    .example = "rensa doctor\n"
	       "rensa doctor -c /etc/rensa/rensad.conf --only shm,disk,ports\n"
	       "rensa --node http://10.0.0.2:5000 doctor\n",
    .run = run,
};
