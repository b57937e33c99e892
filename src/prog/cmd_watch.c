/*
 * rensa watch: what happens at the node, a line for each event, as GET /events tells it. A stream that ends or breaks is
 * asked for again from where it was, so nothing is missed while the node is restarted; only the first one must succeed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "prog/commands.h"
#include "prog/remote.h"
#include "prog/show.h"
#include "util/text.h"

#define LINE_MAX_SIZE (64u << 10) /* of a stream; the node's own are below 1 KiB */
#define ID_SIZE 256
#define SILENCE_MS 40000 /* the node says something each 15 s */
#define RETRY_MS 1000
#define PATH_SIZE 512

struct watch {
	struct cli *cli;
	struct buf line; /* as far as it came */
	char name[32];
	char id[ID_SIZE];
	char last_id[ID_SIZE]; /* of what was told whole */
	struct buf data;
	uint64_t left; /* events still wanted */
	enum cli_exit status;
};

static const char *
height_of(char text[SHOW_NUMBER_SIZE], const struct jval *event, const char *key)
{
	return show_number(text, jval_get(event, key), "height");
}

static void
say_event(struct cli *c, const char *name, const struct jval *v)
{
	char a[SHOW_NUMBER_SIZE], b[SHOW_NUMBER_SIZE], d[SHOW_NUMBER_SIZE];
	const char *reason = jval_str(v, "reason", "");

	if (strcmp(name, "block") == 0)
		cli_say(c, "block %s %s", show_number(a, v, "height"), show_text(v, "hash"));
	else if (strcmp(name, "transaction") == 0 && jval_is_integer(jval_get(v, "height")))
		cli_say(c, "transaction %s %s in block %s", show_text(v, "id"), show_text(v, "status"),
			show_number(a, v, "height"));
	else if (strcmp(name, "transaction") == 0)
		cli_say(c, "transaction %s %s%s%s", show_text(v, "id"), show_text(v, "status"),
			reason[0] != '\0' ? ": " : "", reason);
	else if (strcmp(name, "reorganisation") == 0)
		cli_say(c,
			"reorganisation of depth %s: from block %s at height %s to block %s at height %s, fork at %s",
			show_number(d, v, "depth"), show_text(jval_get(v, "old"), "hash"), height_of(a, v, "old"),
			show_text(jval_get(v, "new"), "hash"), height_of(b, v, "new"),
			show_text(jval_get(v, "fork"), "hash"));
	else if (strcmp(name, "peer") == 0)
		cli_say(c, "peer %s %s%s%s", show_text(v, "address"), show_text(v, "state"),
			reason[0] != '\0' ? ": " : "", reason);
	else if (strcmp(name, "reset") == 0)
		cli_say(c, "reset: block %s is not known here any more; from block %s at height %s on",
			show_text(v, "unknown"), show_text(v, "hash"), show_number(a, v, "height"));
}

/* {"event","id","data"} on one line. */
static void
put_event(struct buf *out, const struct watch *w)
{
	struct jout j = jout_to(out);

	jout_object(&j);
	jout_kstring(&j, "event", w->name);
	jout_kstring(&j, "id", w->id);
	jout_key(&j, "data");
	jout_raw(&j, w->data.data, w->data.len);
	jout_object_end(&j);
}

/* An empty line: an event is whole. One without data only tells the place. False: no more is wanted. */
static bool
end_event(struct watch *w)
{
	char error[JSON_ERROR_SIZE];
	struct jdoc *doc;

	text_copy(w->last_id, sizeof(w->last_id), w->id);
	if (w->data.len == 0)
		return true;
	doc = jdoc_parse(w->data.data, w->data.len, error);
	if (doc != NULL) {
		if (w->cli->is_json)
			put_event(&w->cli->out, w);
		else
			say_event(w->cli, w->name, jdoc_root(doc));
		w->status = cli_write(w->cli);
		w->left--;
	}
	jdoc_free(doc);
	buf_reset(&w->data);
	w->name[0] = '\0';
	return w->status == CLI_DONE && w->left > 0;
}

/* Ids and kinds are words of letters, digits, dashes and commas; nothing else goes back to a node. */
static bool
is_word(const char *text)
{
	return text[0] != '\0' && strlen(text) < ID_SIZE &&
	       text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-,")] == '\0';
}

static bool
take_line(struct watch *w, const char *line)
{
	if (line[0] == '\0')
		return end_event(w);
	if (strncmp(line, "event: ", 7) == 0)
		text_copy(w->name, sizeof(w->name), line + 7);
	else if (strncmp(line, "id: ", 4) == 0 && is_word(line + 4))
		text_copy(w->id, sizeof(w->id), line + 4);
	else if (strncmp(line, "data: ", 6) == 0) {
		buf_reset(&w->data);
		buf_puts(&w->data, line + 6);
	}
	return true;
}

static bool
take(void *ctx, const void *data, size_t len)
{
	struct watch *w = ctx;
	const char *text = data, *end;
	bool is_more = true;

	for (; is_more && (end = memchr(text, '\n', len)) != NULL; len -= (size_t)(end + 1 - text), text = end + 1) {
		buf_append(&w->line, text, (size_t)(end - text));
		is_more = take_line(w, w->line.data);
		buf_reset(&w->line);
	}
	if (!is_more)
		return false;
	if (w->line.len + len > LINE_MAX_SIZE) {
		w->status = cli_fail(w->cli, CLI_UNREACHABLE, "bad-answer", "the node sends a line without end");
		return false;
	}
	buf_append(&w->line, text, len);
	return true;
}

enum { WATCH_ONLY, WATCH_SINCE, WATCH_COUNT };

static const struct option_spec watch_options[] = {
    [WATCH_ONLY] = {"only", "KINDS", "of block, transaction, reorganisation and peer, with commas between", false},
    [WATCH_SINCE] = {"since", "ID", "go on behind this event, or behind the block of this hash", false},
    [WATCH_COUNT] = {"count", "N", "end after so many events", false},
};

/* A node that is away, starts or stops will be back; one that refuses will do so again. */
static bool
will_pass(const struct cli *c, enum cli_exit e)
{
	return e == CLI_UNREACHABLE || strcmp(c->code, "loading") == 0 || strcmp(c->code, "stopping") == 0 ||
	       strcmp(c->code, "too-many-listeners") == 0;
}

/* Until enough was told. A stream that ends is asked for again. */
static void
follow(struct watch *w, struct remote *r, const char *only)
{
	char path[PATH_SIZE];
	bool is_first = true;
	enum cli_exit e;

	snprintf(path, sizeof(path), "/events%s%s", only != NULL ? "?only=" : "", only != NULL ? only : "");
	for (;;) {
		buf_reset(&w->line);
		buf_reset(&w->data);
		e = remote_listen(r, path, w->last_id, take, w);
		if (w->status != CLI_DONE || w->left == 0)
			return;
		if (e != CLI_DONE && (is_first || !will_pass(w->cli, e))) {
			w->status = e;
			return;
		}
		is_first = false;
		clock_sleep_ms(RETRY_MS);
	}
}

static enum cli_exit
run_watch(struct cli *c, const struct args *a)
{
	const char *only = a->value[WATCH_ONLY], *since = a->value[WATCH_SINCE], *count = a->value[WATCH_COUNT];
	struct watch w = {.cli = c, .left = UINT64_MAX};
	struct remote r;

	if (count != NULL && (text_u64(&w.left, count, NUMBER_MAX) != OK || w.left == 0))
		return cli_fail(c, CLI_USAGE, "usage", "--count is a number from 1 on");
	if (only != NULL && !is_word(only))
		return cli_fail(
		    c, CLI_USAGE, "usage",
		    "--only takes a list of block, transaction, reorganisation and peer, with commas between");
	if (since != NULL && !is_word(since))
		return cli_fail(c, CLI_USAGE, "usage", "--since takes the id of an event or the hash of a block");
	if (since != NULL)
		text_copy(w.last_id, sizeof(w.last_id), since);
	w.status = remote_open(&r, c);
	if (w.status != CLI_DONE)
		return w.status;
	r.timeout_ms = SILENCE_MS;
	buf_init(&w.line);
	buf_init(&w.data);
	follow(&w, &r, only);
	buf_clear(&w.line);
	buf_clear(&w.data);
	return w.status;
}

const struct command cmd_watch = {
    .name = "watch",
    .operands = "",
    .options = watch_options,
    .option_count = ARRAY_LEN(watch_options),
    .summary = "what happens at the node, as it happens",
    .about = "A line for each block, transfer, reorganisation and change of a peer, until it is interrupted. When the\n"
	     "node goes away the command waits for it, and misses nothing. With --json each line is a document with\n"
	     "event, id and data; the id of the last one is what --since takes.\n",
    .example = "rensa watch --only block,reorganisation\n",
    .run = run_watch,
};
