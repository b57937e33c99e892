/* rensa health: can the node take in new work? For people, scripts, and supervisors that restart what is not well. */
#include <string.h>

#include "prog/commands.h"
#include "prog/remote.h"
#include "prog/show.h"

#define CHECKS_SHOWN_MAX 100

/* What is not well, and what to do about it. */
static void
show_checks(struct cli *c, const struct jval *checks)
{
	for (size_t i = 0; i < jval_count(checks) && i < CHECKS_SHOWN_MAX; i++) {
		const struct jval *one = jval_at(checks, i);

		if (strcmp(jval_str(one, "state", ""), "ok") == 0)
			continue;
		cli_say(c, "%s %s: %s", show_text(one, "name"), show_text(one, "state"), show_text(one, "found"));
		cli_say(c, "  %s", show_text(one, "fix"));
	}
}

static enum cli_exit
run_health(struct cli *c, const struct args *a)
{
	(void)a;
	struct remote r;
	struct answer answer;
	enum cli_exit ret = remote_open(&r, c);
	if (ret != CLI_DONE)
		return ret;
	remote_try(&r, &answer, "/readyz?verbose", NULL);

	const struct jval *checks = jval_get(answer.root, "checks");
	const char *reason = jval_str(answer.root, "reason", NULL);
	bool is_ready = answer.error == OK && answer.status == 200;
	if (answer.error == OK && answer.status == 503 && reason != NULL) {
		show_checks(c, checks);
		ret = cli_fail(c, CLI_REFUSED, "not-ready", "the node is not ready: %s", reason);
	} else if (!is_ready) {
		ret = remote_fail(&r, &answer);
	} else if (!jval_bool(answer.root, "ready", false)) {
		ret = remote_bad(&r, "it does not say whether it is ready");
	} else if (c->is_json) {
		show_json(c, answer.root);
	} else {
		char height[SHOW_NUMBER_SIZE];
		cli_say(c, "ready, at height %s", show_number(height, answer.root, "height"));
		show_checks(c, checks);
	}
	answer_clear(&answer);
	return ret;
}

const struct command cmd_health = {
    .name = "health",
    .operands = "",
    .summary = "whether the node is ready, and what is not well with it",
    .about = "Ends with 0 if the node has its chain and can take in new work, with 1 if it cannot, and with 3 if no\n"
	     "node answers; so it serves as the health check of a container. What is not well is named, with what to\n"
	     "do about it, also if it only is a warning.\n",
    .example = "rensa health\n",
    .run = run_health,
};
