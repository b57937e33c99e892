/*
 * GET /openapi.json: the route table in the form that tools for HTTP interfaces read (OpenAPI 3.1). It says what the table
 * says, and no more: which routes there are, their parameters, who may, and what each does. What documents look like is told
 * in README.md and docs/protocol.md.
 */
#include <ctype.h>
#include <string.h>

#include "reply.h"
#include "routes.h"

#define OPENAPI_VERSION "3.1.0"

static void
write_ref(struct jout *j, const char *key, const char *to)
{
	jout_key(j, key);
	jout_object(j);
	jout_kstring(j, "$ref", to);
	jout_object_end(j);
}

static void
write_type(struct jout *j, const char *key, const char *type)
{
	jout_key(j, key);
	jout_object(j);
	jout_kstring(j, "type", type);
	jout_object_end(j);
}

/* {"error":{"code","message"}}, as every refusal has it. */
static void
write_error_schema(struct jout *j)
{
	jout_key(j, "Error");
	jout_object(j);
	jout_kstring(j, "type", "object");
	jout_key(j, "properties");
	jout_object(j);
	jout_key(j, "error");
	jout_object(j);
	jout_kstring(j, "type", "object");
	jout_key(j, "properties");
	jout_object(j);
	write_type(j, "code", "string");
	write_type(j, "message", "string");
	jout_object_end(j);
	jout_object_end(j);
	jout_object_end(j);
	jout_object_end(j);
}

static void
write_components(struct jout *j)
{
	jout_key(j, "components");
	jout_object(j);
	jout_key(j, "schemas");
	jout_object(j);
	write_error_schema(j);
	jout_object_end(j);
	jout_key(j, "responses");
	jout_object(j);
	jout_key(j, "Refusal");
	jout_object(j);
	jout_kstring(j, "description", "it was refused: a stable code, and in words what is wrong and what to do");
	jout_key(j, "content");
	jout_object(j);
	jout_key(j, "application/json");
	jout_object(j);
	write_ref(j, "schema", "#/components/schemas/Error");
	jout_object_end(j);
	jout_object_end(j);
	jout_object_end(j);
	jout_object_end(j);
	jout_key(j, "securitySchemes");
	jout_object(j);
	jout_key(j, "token");
	jout_object(j);
	jout_kstring(j, "type", "http");
	jout_kstring(j, "scheme", "bearer");
	jout_kstring(j, "description",
		     "that of [http] admin_token_file; clients on loopback and in admin_allow need none");
	jout_object_end(j);
	jout_object_end(j);
	jout_object_end(j);
}

static void
write_parameter(struct jout *j, const char *where, const char *name, size_t len)
{
	jout_object(j);
	jout_key(j, "name");
	jout_string_len(j, name, len);
	jout_kstring(j, "in", where);
	jout_kbool(j, "required", strcmp(where, "path") == 0);
	write_type(j, "schema", "string");
	jout_object_end(j);
}

static void
write_parameters(struct jout *j, const struct route *r)
{
	const char *open = strchr(r->path, '{');

	jout_key(j, "parameters");
	jout_array(j);
	if (open != NULL)
		write_parameter(j, "path", open + 1, strcspn(open + 1, "}"));
	for (size_t i = 0; i < ROUTE_QUERY_MAX && r->query[i] != NULL; i++)
		write_parameter(j, "query", r->query[i], strlen(r->query[i]));
	jout_array_end(j);
}

/* "get_blocks_block": unique, since method and path are. */
static void
write_id(struct jout *j, const char *method, const char *path)
{
	struct buf id;

	buf_init(&id);
	buf_puts(&id, method);
	for (; *path != '\0'; path++)
		if (isalnum((unsigned char)*path))
			buf_putc(&id, *path);
		else if (id.data[id.len - 1] != '_')
			buf_putc(&id, '_');
	while (id.data[id.len - 1] == '_')
		id.len--;
	jout_key(j, "operationId");
	jout_string_len(j, id.data, id.len);
	buf_clear(&id);
}

static void
write_operation(struct jout *j, const struct route *r)
{
	char method[16];
	size_t i = 0;

	for (const char *name = route_method_name(r->method); name[i] != '\0' && i + 1 < sizeof(method); i++)
		method[i] = (char)tolower((unsigned char)name[i]);
	method[i] = '\0';
	jout_key(j, method);
	jout_object(j);
	write_id(j, method, r->path);
	jout_kstring(j, "summary", r->about);
	jout_key(j, "tags");
	jout_array(j);
	jout_string(j, route_access_name(r->access));
	jout_array_end(j);
	write_parameters(j, r);
	if (r->access == ACCESS_ADMIN) {
		/* Either nothing, from where that is enough, or the token. */
		jout_key(j, "security");
		jout_array(j);
		jout_object(j);
		jout_object_end(j);
		jout_object(j);
		jout_key(j, "token");
		jout_array(j);
		jout_array_end(j);
		jout_object_end(j);
		jout_array_end(j);
	}
	jout_key(j, "responses");
	jout_object(j);
	jout_key(j, "2XX");
	jout_object(j);
	jout_kstring(j, "description", "it was done");
	jout_object_end(j);
	write_ref(j, "default", "#/components/responses/Refusal");
	jout_object_end(j);
	jout_object_end(j);
}

/* All methods of the path of row i, unless an earlier row has the same. */
static void
write_path(struct jout *j, enum face face, uint32_t i)
{
	const struct route *first = route_at(i), *r;

	for (uint32_t k = 0; k < i; k++)
		if (strcmp(route_at(k)->path, first->path) == 0)
			return;
	jout_key(j, first->path);
	jout_object(j);
	for (uint32_t k = i; (r = route_at(k)) != NULL; k++)
		if (strcmp(r->path, first->path) == 0 && route_is_on(face, r))
			write_operation(j, r);
	jout_object_end(j);
}

void
openapi_get(struct api *a, struct http_req *req, const char *name)
{
	enum face face = a->o.peer_is_apart ? FACE_PUBLIC : FACE_ALL;
	const char *slash = strchr(a->o.software, '/');
	struct jout j = reply_begin(a);
	const struct route *r;

	(void)name;
	jout_object(&j);
	jout_kstring(&j, "openapi", OPENAPI_VERSION);
	jout_key(&j, "info");
	jout_object(&j);
	jout_kstring(&j, "title", "Rensa node");
	jout_kstring(&j, "version", slash != NULL ? slash + 1 : a->o.software);
	jout_object_end(&j);
	write_components(&j);
	jout_key(&j, "paths");
	jout_object(&j);
	for (uint32_t i = 0; (r = route_at(i)) != NULL; i++)
		if (route_is_on(face, r))
			write_path(&j, face, i);
	jout_object_end(&j);
	jout_object_end(&j);
	reply_end(a, req, 200);
}
