/* Two configurations compared, key by key, as a reload does. */
#include <string.h>

#include "node/config_report.h"
#include "node/config_table.h"
#include "util/text.h"

#define VALUE_SIZE 200 /* of a value as it is told; the rest is cut */

static void
value_text(char text[VALUE_SIZE], const struct config *c, const struct config_key *key)
{
	struct buf value;
	buf_init(&value);
	config_value_format(&value, c, key);
	if (value.len == 0)
		text_copy(text, VALUE_SIZE, "nothing");
	else if (!text_copy(text, VALUE_SIZE - 3, value.data))
		strcat(text, "...");
	buf_clear(&value);
}

static bool
value_differs(const struct config_key *key, const struct config *a, const struct config *b)
{
	struct buf va, vb;
	buf_init(&va);
	buf_init(&vb);
	config_value_format(&va, a, key);
	config_value_format(&vb, b, key);
	bool differs = va.len != vb.len || (va.len > 0 && memcmp(va.data, vb.data, va.len) != 0);
	buf_clear(&va);
	buf_clear(&vb);
	return differs;
}

/* A file of the same name may hold another token than before: that is told, and the token is not. */
static bool
token_differs(const struct config_key *key, const struct config *a, const struct config *b)
{
	return config_key_hides(key) && strcmp(a->http.admin_token, b->http.admin_token) != 0;
}

size_t
config_compare(const struct config *a, const struct config *b, config_difference *tell, void *ctx)
{
	size_t count, differences = 0;
	const struct config_key *keys = config_keys(&count);
	for (size_t i = 0; i < count; i++) {
		char from[VALUE_SIZE], to[VALUE_SIZE];
		bool is_other = value_differs(&keys[i], a, b), is_other_token = token_differs(&keys[i], a, b);
		if (!is_other && !is_other_token)
			continue;
		differences++;
		value_text(from, a, &keys[i]);
		value_text(to, b, &keys[i]);
		tell(ctx, &keys[i], from, is_other ? to : "the same file with another token");
	}
	return differences;
}

bool
config_concerns_roles(const struct config *a, const struct config *b)
{
	size_t count;
	const struct config_key *keys = config_keys(&count);
	for (size_t i = 0; i < count; i++)
		if (keys[i].change == CHANGE_LIVE && (value_differs(&keys[i], a, b) || token_differs(&keys[i], a, b)))
			return true;
	return false;
}

bool
config_change_waits(const struct config_key *key)
{
	return key->change == CHANGE_RESTART || key->change == CHANGE_NEW_CHAIN;
}

/* Messages name the place where the file of next has the key. */
static void
report_origins(struct config_report *r, const struct config *c, const char *path)
{
	size_t count;
	const struct config_key *keys = config_keys(&count);
	(void)config_report_source(r, path);
	for (size_t i = 0; i < count; i++)
		if (c->origins != NULL && c->origins[i] != NULL)
			config_report_set(r, &keys[i],
					  (struct config_place){config_report_source(r, c->origins[i]), 0});
}

enum err
config_keep_fixed(struct config *next, const struct config *running, const char *path, struct buf *errors)
{
	size_t count;
	const struct config_key *keys = config_keys(&count);
	/* No list waits for a restart, so each of these members is its value and nothing it points to. */
	for (size_t i = 0; i < count; i++)
		if (config_change_waits(&keys[i]))
			memcpy((char *)next + keys[i].offset, (const char *)running + keys[i].offset, keys[i].size);
	struct config_report report;
	config_report_init(&report);
	report_origins(&report, next, path);
	config_check(next, &report);
	enum err ret = config_report_write(errors, &report) ? ERR_FORMAT : OK;
	config_report_clear(&report);
	return ret;
}
