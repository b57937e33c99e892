#include "reload.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "node/config_table.h"
#include "outfit.h"
#include "util/clock.h"
#include "util/log.h"

/* Appends a line if the whole of it fits. */
static void
line_add(char text[RELOAD_TEXT_SIZE], const char *line, size_t len)
{
	size_t used = strlen(text);

	if (used + len + 1 >= RELOAD_TEXT_SIZE)
		return;
	memcpy(text + used, line, len);
	text[used + len] = '\n';
	text[used + len + 1] = '\0';
}

/* Values are printable, so a tab parts them from one another. */
static void
note_difference(void *ctx, const struct config_key *key, const char *from, const char *to)
{
	struct reload_note *note = ctx;
	struct buf line;

	buf_init(&line);
	buf_printf(&line, "%s.%s\t%s\t%s", key->section, key->name, from, to);
	if (!config_change_waits(key)) {
		note->changed_count++;
		line_add(note->changed, line.data, line.len);
	} else {
		note->waiting_count++;
		line_add(note->waiting, line.data, line.len);
	}
	buf_clear(&line);
}

static void
note_errors(struct reload_note *note, const char *errors)
{
	note->result = RELOAD_REFUSED;
	while (*errors != '\0') {
		size_t len = strcspn(errors, "\n");
		note->error_count++;
		line_add(note->errors, errors, len);
		errors += len + (errors[len] == '\n');
	}
}

/* What came through a pipe is gone: read again it would be empty, and all keys at their defaults. */
static bool
can_be_read_again(const char *path)
{
	struct stat st;

	return stat(path, &st) != 0 || !(S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode));
}

/* True: next is what the node shall use, to be cleared, and the note says what that changes. */
static bool
read_again(struct config *next, struct reload_note *note, const struct config *running, const struct config_inputs *in)
{
	struct buf errors;
	enum err e;

	buf_init(&errors);
	note->number++;
	note->at_ms = clock_wall_ms();
	note->result = RELOAD_TAKEN;
	note->changed_count = note->error_count = 0;
	memset(note->changed, 0, sizeof(note->changed));
	memset(note->errors, 0, sizeof(note->errors));
	e = ERR_UNSUPPORTED;
	if (can_be_read_again(in->path))
		e = config_load(next, in, &errors);
	else
		buf_printf(&errors, "%s: the configuration came through a pipe and cannot be read again\n", in->path);
	if (e == OK) {
		struct reload_note told = *note;
		told.waiting_count = 0;
		memset(told.waiting, 0, sizeof(told.waiting));
		config_compare(running, next, note_difference, &told);
		e = config_keep_fixed(next, running, in->path, &errors);
		if (e == OK)
			*note = told;
		else
			config_clear(next);
	}
	if (e != OK)
		note_errors(note, errors.len > 0 ? errors.data : err_text(e));
	buf_clear(&errors);
	return e == OK;
}

/* It is refused after all, for a reason that only showed when it was tried. last: the note of the reload before. */
static void
refuse_late(struct reload_note *note, const struct reload_note *last, const char *why)
{
	note->waiting_count = last->waiting_count;
	memcpy(note->waiting, last->waiting, sizeof(note->waiting));
	note->changed_count = 0;
	memset(note->changed, 0, sizeof(note->changed));
	note_errors(note, why);
}

bool
reload_take(struct node_env *env, struct config *running, struct reload_note *note, const struct config_inputs *in,
	    bool *concerns_roles)
{
	struct reload_note last = *note;
	struct outfit outfit;
	struct config next;
	struct buf why;
	enum err e;

	if (!read_again(&next, note, running, in))
		return false;
	buf_init(&why);
	e = outfit_make(&outfit, env, &next, &why);
	if (e != OK) {
		refuse_late(note, &last, why.data);
		config_clear(&next);
	}
	buf_clear(&why);
	if (e != OK)
		return false;
	outfit_take(&outfit, env);
	*concerns_roles = config_concerns_roles(running, &next);
	config_clear(running);
	*running = next;
	return true;
}

/* The text up to the next tab or line end; moves on behind it. */
static int
field_len(const char **field, const char **text)
{
	size_t len = strcspn(*text, "\t\n");

	*field = *text;
	*text += len + ((*text)[len] != '\0');
	return (int)len;
}

static void
tell_differences(const char *text, bool is_waiting)
{
	while (*text != '\0') {
		const char *key, *from, *to;
		int key_len = field_len(&key, &text), from_len = field_len(&from, &text),
		    to_len = field_len(&to, &text);

		if (is_waiting)
			log_warn("master: %.*s: %.*s -> %.*s waits for a restart", key_len, key, from_len, from, to_len,
				 to);
		else
			log_info("master: %.*s: %.*s -> %.*s", key_len, key, from_len, from, to_len, to);
	}
}

void
reload_tell(const struct reload_note *note)
{
	if (note->result == RELOAD_REFUSED) {
		for (const char *line = note->errors; *line != '\0'; line += strcspn(line, "\n") + 1)
			log_error("master: the configuration is refused: %.*s", (int)strcspn(line, "\n"), line);
		log_error("master: the configuration is refused, the old one stays in use: %" PRIu32
			  " thing%s wrong in it",
			  note->error_count, note->error_count == 1 ? " is" : "s are");
		return;
	}
	tell_differences(note->changed, false);
	tell_differences(note->waiting, true);
	log_info("master: configuration read again: %" PRIu32 " keys changed, %" PRIu32 " wait for a restart",
		 note->changed_count, note->waiting_count);
}
