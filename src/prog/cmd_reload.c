/* rensa reload: has the node read its configuration again. */
#include <stdio.h>

#include "prog/commands.h"
#include "prog/remote.h"
#include "prog/show.h"

#define ERRORS_SHOWN_MAX 100

static void
show_differences(struct cli *c, const struct jval *list, const char *then)
{
	for (size_t i = 0; i < jval_count(list); i++) {
		const struct jval *one = jval_at(list, i);
		cli_say(c, "%s: %s -> %s%s", show_text(one, "key"), show_text(one, "from"), show_text(one, "to"), then);
	}
}

/* All that is wrong, for people; the failure itself names the first. */
static void
show_errors(struct cli *c, const struct jval *errors)
{
	for (size_t i = 0; i < jval_count(errors) && i < ERRORS_SHOWN_MAX; i++) {
		size_t len;
		const char *text = jval_text(jval_at(errors, i), &len);
		if (text != NULL)
			cli_say(c, "%s", text);
	}
}

static enum cli_exit
run_reload(struct cli *c, const struct args *a)
{
	(void)a;
	struct remote r;
	struct answer answer;
	struct buf body;
	enum cli_exit ret = remote_open(&r, c);
	if (ret != CLI_DONE)
		return ret;
	buf_init(&body);
	buf_puts(&body, "{}");
	remote_try(&r, &answer, "/reload", &body);
	buf_clear(&body);

	const struct jval *changed = jval_get(answer.root, "changed"), *restart = jval_get(answer.root, "restart");
	bool is_done = answer.error == OK && answer.status >= 200 && answer.status <= 299;
	if (!is_done) {
		show_errors(c, jval_get(answer.root, "errors"));
		ret = remote_fail(&r, &answer);
	} else if (!jval_is_array(changed) || !jval_is_array(restart)) {
		ret = remote_bad(&r, "it does not say what has changed");
	} else if (c->is_json) {
		show_json(c, answer.root);
	} else {
		show_differences(c, changed, "");
		show_differences(c, restart, " waits for a restart");
		if (jval_count(changed) + jval_count(restart) == 0)
			cli_say(c, "nothing has changed");
	}
	answer_clear(&answer);
	return ret;
}

const struct command cmd_reload = {
    .name = "reload",
    .operands = "",
    .summary = "have the node read its configuration again",
    .about = "The node takes it over whole or refuses it whole, and names what has changed, what of it waits for a\n"
	     "restart, or all that is wrong. Like mining this is open to the node's own host and to those that its\n"
	     "configuration names.\n",
    .example = "rensa reload\n",
    .run = run_reload,
};
