#include "wire/peer_list.h"

#include <string.h>

void
peer_list_encode(struct buf *out, const struct peer_list *list)
{
	struct jout j = jout_to(out);

	jout_object(&j);
	jout_key(&j, "peers");
	jout_array(&j);
	for (size_t i = 0; i < list->count; i++)
		jout_string(&j, list->at[i]);
	jout_array_end(&j);
	jout_object_end(&j);
}

static void
list_read(struct fields *f, struct peer_list *out)
{
	const struct jval *list = field_value(f, "peers");

	if (list == NULL)
		return;
	if (!jval_is_array(list) || jval_count(list) > PEER_LIST_MAX) {
		fields_fail(f, "bad-value", "peers must be an array of at most %d addresses", PEER_LIST_MAX);
		return;
	}
	for (size_t i = 0; i < jval_count(list); i++) {
		size_t len;
		const char *text = jval_text(jval_at(list, i), &len);

		if (text == NULL || len >= PEER_LIST_TEXT_SIZE || memchr(text, '\0', len) != NULL) {
			fields_fail(f, "bad-value", "each of peers must be an address");
			return;
		}
		memcpy(out->at[out->count], text, len);
		out->at[out->count++][len] = '\0';
	}
}

bool
peer_list_parse(struct peer_list *out, const void *text, size_t len, struct field_error *error)
{
	struct fields f = {.what = "a list of peers", .error = error};
	char reason[JSON_ERROR_SIZE];
	struct jdoc *d;

	memset(out, 0, sizeof(*out));
	if (len > PEER_LIST_SIZE_MAX) {
		fields_fail(&f, "bad-value", "a list of peers has at most %d bytes", PEER_LIST_SIZE_MAX);
		return false;
	}
	d = jdoc_parse(text, len, reason);
	if (d == NULL) {
		fields_fail(&f, "malformed-json", "a list of peers must be a JSON document: %.140s", reason);
		return false;
	}
	f = fields_of(jdoc_root(d), "a list of peers", error);
	list_read(&f, out);
	jdoc_free(d);
	return !f.failed;
}
