/*
 * A reload of the configuration on request. The master does it: it is woken by its bell, takes the command out of the
 * ring, and leaves what came of it in its own part of the segment, from where it is told here. The worker that asked may
 * be replaced by the very reload; it answers before it goes.
 */
#include "reload.h"

#include <inttypes.h>
#include <string.h>

#include "command.h"
#include "handlers.h"
#include "input.h"
#include "reply.h"
#include "store/reload_note.h"

static const char *
result_name(const struct reload_note *note)
{
	return note->result == RELOAD_TAKEN ? "ok" : "refused";
}

/* Calls for each line of text, with its length. */
typedef void line_writer(struct jout *j, const char *line, size_t len);

static void
write_lines(struct jout *j, const char *key, const char *text, line_writer *write)
{
	jout_key(j, key);
	jout_array(j);
	while (*text != '\0') {
		size_t len = strcspn(text, "\n");
		write(j, text, len);
		text += len + (text[len] == '\n');
	}
	jout_array_end(j);
}

static void
write_line(struct jout *j, const char *line, size_t len)
{
	jout_string_len(j, line, len);
}

/* The first of the line's fields, which tabs part; moves on behind it. */
static void
write_field(struct jout *j, const char *key, const char **line, size_t *len)
{
	const char *tab = memchr(*line, '\t', *len);
	size_t field = tab != NULL ? (size_t)(tab - *line) : *len;

	jout_key(j, key);
	jout_string_len(j, *line, field);
	field += tab != NULL;
	*line += field;
	*len -= field;
}

static void
write_difference(struct jout *j, const char *line, size_t len)
{
	jout_object(j);
	write_field(j, "key", &line, &len);
	write_field(j, "from", &line, &len);
	write_field(j, "to", &line, &len);
	jout_object_end(j);
}

static void
write_key(struct jout *j, const char *line, size_t len)
{
	const char *tab = memchr(line, '\t', len);

	jout_string_len(j, line, tab != NULL ? (size_t)(tab - line) : len);
}

void
reload_write(struct jout *j, const struct store *s)
{
	struct reload_note note;

	if (!reload_note_get(s, &note)) {
		jout_null(j);
		return;
	}
	jout_object(j);
	jout_ku64(j, "count", note.number);
	jout_ku64(j, "timestamp", note.at_ms);
	jout_kstring(j, "result", result_name(&note));
	jout_ku64(j, "changed", note.changed_count);
	write_lines(j, "restart", note.waiting, write_key);
	if (note.result == RELOAD_REFUSED) {
		jout_key(j, "error");
		jout_string_len(j, note.errors, strcspn(note.errors, "\n"));
	}
	jout_object_end(j);
}

static void
refused(struct api *a, struct http_req *req, const struct reload_note *note)
{
	struct no no;
	struct jout j = reply_begin(a);
	int first = (int)strcspn(note->errors, "\n");

	if (note->error_count > 1)
		no_set(&no, 422, "configuration-refused", "%" PRIu32 " things are wrong in it, first %.*s",
		       note->error_count, first, note->errors);
	else
		no_set(&no, 422, "configuration-refused", "%.*s", first, note->errors);
	jout_object(&j);
	no_write_member(&j, &no);
	write_lines(&j, "errors", note->errors, write_line);
	jout_object_end(&j);
	reply_end(a, req, no.status);
}

/* A late answer is one all the same. */
static void
reloaded(struct api *a, struct http_req *req, const struct command *asked, const struct command_result *r, bool is_late)
{
	struct reload_note note;

	(void)asked;
	(void)is_late;
	if (r->error != OK) {
		reply_error(a, req, 503, "stopping", "this node was told to stop; it takes over nothing any more");
		return;
	}
	if (!reload_note_get(a->store, &note)) {
		reply_error(a, req, 503, "outcome-unknown",
			    "another reload is under way; GET /status tells how it went");
		return;
	}
	if (note.result == RELOAD_REFUSED) {
		refused(a, req, &note);
		return;
	}
	struct jout j = reply_begin(a);
	jout_object(&j);
	jout_kstring(&j, "result", result_name(&note));
	write_lines(&j, "changed", note.changed, write_difference);
	write_lines(&j, "restart", note.waiting, write_difference);
	jout_object_end(&j);
	reply_end(a, req, 200);
}

void
reload_post(struct api *a, struct http_req *req, const char *name)
{
	const struct command c = {.kind = COMMAND_RELOAD};

	(void)name;
	if (input_nothing(a, req, "a request to reload"))
		command_ask(a, req, &c, API_WAKE_MASTER, reloaded);
}
