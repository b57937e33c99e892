/*
 * How much is logged. The levels lie on a board that all processes share (util/log.h), so the worker that is asked sets
 * them for all; nobody else need be woken, and a reload sets them back.
 */
#include <stdio.h>

#include "handlers.h"
#include "input.h"
#include "reply.h"
#include "util/attr.h"
#include "util/log.h"
#include "wire/field.h"

static void
answer(struct api *a, struct http_req *req)
{
	struct log_levels levels;
	struct buf text;

	buf_init(&text);
	log_get_levels(&levels);
	log_levels_format(&text, &levels);
	struct jout j = reply_begin(a);
	jout_object(&j);
	jout_kstring(&j, "levels", text.data != NULL ? text.data : "");
	jout_key(&j, "modules");
	jout_array(&j);
	for (size_t i = 1; i < log_module_count; i++)
		jout_string(&j, log_module_names[i]);
	jout_array_end(&j);
	jout_object_end(&j);
	reply_end(a, req, 200);
	buf_clear(&text);
}

void
log_levels_get(struct api *a, struct http_req *req, const char *name)
{
	(void)name;
	answer(a, req);
}

/* {"levels":"resolver=debug, httpd=warn"} */
static bool
body_read(const struct jval *body, char text[LOG_LEVELS_TEXT_MAX + 1], struct field_error *error)
{
	static const char *const names[] = {"levels"};
	struct fields f = fields_of(body, "a change of levels", error);

	fields_only(&f, names, ARRAY_LEN(names));
	field_name(&f, "levels", text, LOG_LEVELS_TEXT_MAX + 1);
	return !f.failed;
}

void
log_levels_post(struct api *a, struct http_req *req, const char *name)
{
	char text[LOG_LEVELS_TEXT_MAX + 1], client[NETADDR_TEXT_SIZE];
	struct log_levels levels;
	struct field_error error;
	struct netaddr from;
	struct jdoc *doc = input_json(a, req);
	struct buf why;

	(void)name;
	if (doc == NULL)
		return;
	bool is_sound = body_read(jdoc_root(doc), text, &error);
	jdoc_free(doc);
	if (!is_sound) {
		reply_field_error(a, req, &error);
		return;
	}
	buf_init(&why);
	if (log_levels_parse(&levels, text, &why)) {
		http_req_from(req, &from);
		netaddr_format(client, &from);
		log_info("log: levels changed by %s: %s", client, text);
		log_change_levels(&levels);
		answer(a, req);
	} else {
		reply_error(a, req, 400, "bad-value", "%s", why.data);
	}
	buf_clear(&why);
}
