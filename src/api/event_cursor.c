#include "event_cursor.h"

#include <inttypes.h>
#include <string.h>

#include "chain/params.h"
#include "util/hex.h"
#include "util/text.h"

#define FIELD_SIZE (HASH_HEX_SIZE) /* the longest, with its NUL */

void
event_cursor_write(struct buf *out, const struct event_cursor *c)
{
	char head[HASH_HEX_SIZE];

	hash_hex(head, &c->head);
	buf_printf(out, "%s-%08" PRIx32 "-%" PRIu64 "-%" PRIu64 "-%" PRIu64, head, c->life, c->arrival, c->gone,
		   c->time_ms);
}

/* The text up to the next dash or the end, and past it. False: too long for any field, or there is none. */
static bool
next_field(char out[FIELD_SIZE], const char **text)
{
	size_t len;

	if (*text == NULL || (len = strcspn(*text, "-")) >= FIELD_SIZE)
		return false;
	memcpy(out, *text, len);
	out[len] = '\0';
	*text = (*text)[len] == '-' ? *text + len + 1 : NULL;
	return true;
}

static bool
next_number(uint64_t *out, const char **text)
{
	char field[FIELD_SIZE];

	return next_field(field, text) && text_u64(out, field, NUMBER_MAX) == OK;
}

bool
event_cursor_read(struct event_cursor *out, const char *text)
{
	char field[FIELD_SIZE];
	uint8_t life[4];

	memset(out, 0, sizeof(*out));
	if (!next_field(field, &text) || hex_decode(out->head.b, HASH_SIZE, field) != OK)
		return false;
	out->is_head_only = text == NULL;
	if (out->is_head_only)
		return true;
	if (!next_field(field, &text) || hex_decode(life, sizeof(life), field) != OK)
		return false;
	out->life = (uint32_t)life[0] << 24 | (uint32_t)life[1] << 16 | (uint32_t)life[2] << 8 | life[3];
	return next_number(&out->arrival, &text) && next_number(&out->gone, &text) &&
	       next_number(&out->time_ms, &text) && text == NULL;
}
