/* Settings, output and failures of the client. */
#include "prog/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crypto/key.h"
#include "prog/safetext.h"
#include "util/mem.h"
#include "util/text.h"
#include "wire/json.h"

/* Longer than any output that holds a secret, so that none is left behind where the buffer was before it grew. */
#define OUT_RESERVE 8192

void
cli_init(struct cli *c)
{
	*c = (struct cli){.node = CLI_DEFAULT_NODE};
	buf_init(&c->out);
	buf_reserve(&c->out, OUT_RESERVE);
}

static const char *
environment(const char *name)
{
	const char *value = getenv(name);
	return value != NULL && value[0] != '\0' ? value : NULL;
}

enum cli_exit
cli_settle(struct cli *c, const char *node, const char *home)
{
	if (node == NULL)
		node = environment("RENSA_NODE");
	if (node != NULL)
		c->node = node;

	int len;
	if (home == NULL)
		home = environment("RENSA_HOME");
	if (home != NULL) {
		len = snprintf(c->home, sizeof(c->home), "%s", home);
	} else {
		home = environment("HOME");
		if (home == NULL)
			return CLI_DONE;
		len = snprintf(c->home, sizeof(c->home), "%s/.rensa", home);
	}
	if (len < 1 || (size_t)len >= sizeof(c->home))
		return cli_fail(c, CLI_USAGE, "usage", "--home is empty or too long");
	return CLI_DONE;
}

enum cli_exit
cli_no_home(struct cli *c)
{
	return cli_fail(c, CLI_LOCAL, "no-home", "neither --home, RENSA_HOME nor HOME says where wallets are kept");
}

void
cli_say(struct cli *c, const char *fmt, ...)
{
	if (c->is_json)
		return;
	va_list args, again;
	va_start(args, fmt);
	va_copy(again, args);
	int len = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	char *line = xmalloc((size_t)len + 1);
	vsnprintf(line, (size_t)len + 1, fmt, args);
	va_end(args);
	safetext_line(&c->out, line, (size_t)len, CLI_MESSAGE_SIZE);
	buf_putc(&c->out, '\n');
	free(line);
}

void
cli_blank(struct cli *c)
{
	if (!c->is_json)
		buf_putc(&c->out, '\n');
}

enum cli_exit
cli_fail(struct cli *c, enum cli_exit status, const char *code, const char *fmt, ...)
{
	text_copy(c->code, sizeof(c->code), code);
	va_list args;
	va_start(args, fmt);
	vsnprintf(c->message, sizeof(c->message), fmt, args);
	va_end(args);
	return status;
}

/* 0, or the errno of the write that failed. */
static int
write_all(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, text, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno;
		text += n;
		len -= (size_t)n;
	}
	return 0;
}

static int
write_out(struct cli *c)
{
	int failed;
	if (c->is_json) {
		struct buf safe;
		buf_init(&safe);
		buf_reserve(&safe, c->out.len + OUT_RESERVE);
		safetext_json(&safe, c->out.data, c->out.len);
		if (safe.len > 0 && safe.data[safe.len - 1] != '\n')
			buf_putc(&safe, '\n');
		failed = write_all(STDOUT_FILENO, safe.data, safe.len);
		key_wipe(safe.data, safe.cap);
		buf_clear(&safe);
	} else {
		failed = write_all(STDOUT_FILENO, c->out.data, c->out.len);
	}
	key_wipe(c->out.data, c->out.cap);
	buf_reset(&c->out);
	return failed;
}

/* Nobody reads on (EPIPE), as with `rensa blocks | head`: no cause for a message. */
static enum cli_exit
out_status(struct cli *c, int failed)
{
	if (failed != 0 && failed != EPIPE)
		return cli_fail(c, CLI_LOCAL, "output", "cannot write to standard output: %s", strerror(failed));
	return failed == 0 ? CLI_DONE : CLI_LOCAL;
}

enum cli_exit
cli_write(struct cli *c)
{
	return out_status(c, write_out(c));
}

void
cli_flush(struct cli *c)
{
	/* A failed write comes up again when the rest is written. */
	if (!c->is_json)
		(void)write_out(c);
}

static void
write_error(struct cli *c, enum cli_exit status)
{
	struct buf text;
	buf_init(&text);
	if (c->is_json) {
		struct buf json;
		buf_init(&json);
		struct jout j = jout_to(&json);
		jout_object(&j);
		jout_key(&j, "error");
		jout_object(&j);
		jout_kstring(&j, "code", c->code);
		jout_key(&j, "message");
		size_t len = strlen(c->message);
		/* A message cut inside a character, or quoting an argument that is not UTF-8, is made whole first. */
		struct buf message;
		buf_init(&message);
		safetext_line(&message, c->message, len, CLI_MESSAGE_SIZE);
		jout_string_len(&j, message.data != NULL ? message.data : "", message.len);
		buf_clear(&message);
		jout_object_end(&j);
		if (c->tx_id[0] != '\0')
			jout_kstring(&j, "id", c->tx_id);
		if (c->damage.len > 0) {
			jout_key(&j, "damage");
			jout_raw(&j, c->damage.data, c->damage.len);
		}
		jout_object_end(&j);
		safetext_json(&text, json.data, json.len);
		buf_clear(&json);
	} else {
		buf_puts(&text, "rensa: ");
		safetext_line(&text, c->message, strlen(c->message), CLI_MESSAGE_SIZE);
		if (status == CLI_USAGE && c->command != NULL)
			buf_printf(&text, "\nrensa help %s  shows how it is used", c->command);
		else if (status == CLI_USAGE)
			buf_puts(&text, "\nrensa help  lists the commands");
	}
	buf_putc(&text, '\n');
	(void)write_all(STDERR_FILENO, text.data, text.len);
	buf_clear(&text);
}

int
cli_finish(struct cli *c, enum cli_exit status)
{
	if (status == CLI_DONE || !c->is_json) {
		int failed = write_out(c);
		if (status == CLI_DONE)
			status = out_status(c, failed);
	}
	if (status != CLI_DONE && c->code[0] != '\0')
		write_error(c, status);
	key_wipe(c->out.data, c->out.cap);
	buf_clear(&c->out);
	buf_clear(&c->damage);
	return (int)status;
}
