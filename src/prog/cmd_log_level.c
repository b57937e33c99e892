/* rensa log-level: how much a node logs, shown and changed while it runs. */
#include <string.h>

#include "prog/commands.h"
#include "prog/remote.h"
#include "prog/show.h"
#include "util/text.h"

#define PATH "/log-levels"

static enum cli_exit
run(struct cli *c, const struct args *a)
{
	struct remote r;
	struct answer answer;
	struct buf body;
	enum cli_exit ret;

	if (a->operands > 0 && !text_is_utf8(a->operand[0], strlen(a->operand[0])))
		return cli_fail(c, CLI_USAGE, "usage", "LEVELS is not text");
	ret = remote_open(&r, c);
	if (ret != CLI_DONE)
		return ret;
	buf_init(&body);
	if (a->operands > 0) {
		struct jout j = jout_to(&body);
		jout_object(&j);
		jout_key(&j, "levels");
		jout_string(&j, a->operand[0]);
		jout_object_end(&j);
	}
	ret = remote_call(&r, &answer, PATH, a->operands > 0 ? &body : NULL);
	buf_clear(&body);
	if (ret != CLI_DONE)
		return ret;
	const char *levels = jval_str(answer.root, "levels", "");
	if (levels[0] == '\0')
		ret = remote_bad(&r, "it has no levels");
	else if (c->is_json)
		show_json(c, answer.root);
	else
		cli_say(c, "%s", levels);
	answer_clear(&answer);
	return ret;
}

const struct command cmd_log_level = {
    .name = "log-level",
    .operands = "[LEVELS]",
    .operands_max = 1,
    .summary = "how much a node logs, by module",
    .about =
	"LEVELS is error, warn, info or debug for all modules, MODULE=LEVEL for one, or a list of these with commas.\n"
	"It holds for all processes of the node at once, until the node is started again or reads its\n"
	"configuration again. A module is what a line of the log begins with; --json lists all of them.\n",
    .example = "rensa log-level resolver=debug,httpd=warn\n",
    .run = run,
};
