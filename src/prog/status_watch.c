/*
 * rensa status --watch: the chain's height, and how far a sync is, once a second until Ctrl-C, which is a good end. On a
 * terminal one line is drawn again and again; elsewhere each is a line of its own, or with --json a document.
 */
#include "prog/status_watch.h"

#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "chain/params.h"
#include "prog/show.h"

#define EACH_MS 1000

static volatile sig_atomic_t is_over;

static void
end(int signo)
{
	(void)signo;
	is_over = 1;
}

/* A second Ctrl-C ends at once, also while a node does not answer. */
static void
catch_end(void)
{
	struct sigaction sa = {.sa_handler = end, .sa_flags = (int)SA_RESETHAND};

	sigemptyset(&sa.sa_mask);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
}

/* Numbers alone, so that no node can send a terminal anything else. */
static uint64_t
number(const struct jval *object, const char *key)
{
	uint64_t v;

	return jval_number(&v, jval_get(object, key), NUMBER_MAX) == OK ? v : 0;
}

static void
put_line(struct buf *out, const struct jval *status)
{
	const struct jval *sync = jval_get(status, "sync");

	buf_printf(out, "height %" PRIu64, number(status, "height"));
	if (number(sync, "target") > 0)
		buf_printf(out, " of %" PRIu64 " (%" PRIu64 " %%), %" PRIu64 " blocks/s, %" PRIu64 " s left",
			   number(sync, "target"), number(sync, "percent"), number(sync, "blocks_per_second"),
			   number(sync, "seconds_left"));
	buf_printf(out, ", %" PRIu64 " peers up, %" PRIu64 " transfers pending",
		   number(jval_get(status, "peers"), "up"), number(jval_get(status, "pool"), "transactions"));
}

static enum cli_exit
show(struct cli *c, const struct jval *status, bool is_drawn)
{
	if (c->is_json) {
		jval_dump_line(&c->out, status);
	} else if (is_drawn) {
		buf_puts(&c->out, "\r");
		put_line(&c->out, status);
		buf_puts(&c->out, "\033[K");
	} else {
		put_line(&c->out, status);
		buf_putc(&c->out, '\n');
	}
	return cli_write(c);
}

enum cli_exit
status_watch(struct cli *c, struct remote *r)
{
	bool is_drawn = !c->is_json && isatty(STDOUT_FILENO) == 1;
	enum cli_exit ret = CLI_DONE;

	catch_end();
	while (!is_over && ret == CLI_DONE) {
		struct answer answer;

		ret = remote_call(r, &answer, "/status", NULL);
		if (ret != CLI_DONE)
			break;
		if (jval_is_integer(jval_get(answer.root, "height")))
			ret = show(c, answer.root, is_drawn);
		else
			ret = remote_bad(r, "its status has no height");
		answer_clear(&answer);
		if (!is_over && ret == CLI_DONE)
			poll(NULL, 0, EACH_MS); /* a signal ends it */
	}
	if (is_drawn)
		(void)!write(STDOUT_FILENO, "\n", 1);
	return ret;
}
