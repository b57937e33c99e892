/*
 * GET /openapi.json: the interface for programs that make clients, pages and checks of it. Paths, methods, parameters, who may
 * and what for come from the route table itself, so that nothing can be served and not be described; what is added here is
 * the shapes of bodies. Routes between nodes are left out: they are binary, and docs/protocol.md has them to the byte.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "handlers.h"
#include "openapi_types.h"
#include "reply.h"
#include "routes.h"
#include "util/attr.h"

#define WORD_SIZE 96

/* What goes in and out, of openapi_types.h. A route without a row takes no body and answers with some object. */
static const struct {
	route_handler *of;
	const char *request; /* NULL: no body */
	const char *reply;
	const char *status;
	const char *type; /* of the reply */
} bodies[] = {
    {chain_get, NULL, "Chain", "200", "application/json"},
    {chain_head_get, NULL, "Head", "200", "application/json"},
    {blocks_get, NULL, "Blocks", "200", "application/json"},
    {block_get, NULL, "Block", "200", "application/json"},
    {pool_get, NULL, "Pool", "200", "application/json"},
    {transactions_post, "Transaction|[Transaction]", "Submitted|Verdicts", "202", "application/json"},
    {transaction_get, NULL, "TransactionState", "200", "application/json"},
    {proof_get, NULL, "Proof", "200", "application/json"},
    {amount_get, NULL, "Amount", "200", "application/json"},
    {address_get, NULL, "Account", "200", "application/json"},
    {mine_post, "MineOrder", "Mined", "200", "application/json"},
    {peers_get, NULL, "Peers", "200", "application/json"},
    {events_get, NULL, "string", "200", "text/event-stream"},
    {log_levels_get, NULL, "LogLevels", "200", "application/json"},
    {log_levels_post, "LevelsOrder", "LogLevels", "200", "application/json"},
};

/* Parameters mean the same wherever they stand; those without a row are texts. */
static const struct {
	const char *name, *type, *about;
} parameters[] = {
    {"from", "integer", "the height of the first block"},
    {"before", "integer", "only blocks below this height"},
    {"after", "integer", "only what came after this place, as the answer before gave it"},
    {"limit", "integer", "at most so many"},
    {"blockchain_address", "address", "whose"},
    {"since", "string", "what came after the event of this id, or after the block of this hash"},
    {"only", "string", "kinds of events, with commas between"},
    {"verbose", "string", "present: each check with what was found and what to do"},
    {"block", "string", "its height, or its hash of 64 hexadecimal digits"},
    {"id", "hash", "the transaction's id"},
    {"address", "address", "the address"},
};

static void
put_parameter(struct jout *j, const char *name, const char *in)
{
	const char *type = "string", *about = "";

	for (size_t i = 0; i < ARRAY_LEN(parameters); i++) {
		if (strcmp(parameters[i].name, name) != 0)
			continue;
		type = parameters[i].type;
		about = parameters[i].about;
	}
	jout_object(j);
	jout_kstring(j, "name", name);
	jout_kstring(j, "in", in);
	jout_kbool(j, "required", strcmp(in, "path") == 0);
	jout_kstring(j, "description", about);
	jout_key(j, "schema");
	openapi_type(j, type);
	jout_object_end(j);
}

static void
put_parameters(struct jout *j, const struct route *r)
{
	const char *open = strchr(r->path, '{');

	jout_key(j, "parameters");
	jout_array(j);
	if (open != NULL) {
		char name[WORD_SIZE];
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(open + 1, "}"), open + 1);
		put_parameter(j, name, "path");
	}
	for (size_t i = 0; i < ROUTE_QUERY_MAX && r->query[i] != NULL; i++)
		put_parameter(j, r->query[i], "query");
	jout_array_end(j);
}

static void
put_content(struct jout *j, const char *media, const char *type)
{
	jout_key(j, "content");
	jout_object(j);
	jout_key(j, media);
	jout_object(j);
	jout_key(j, "schema");
	openapi_type(j, type);
	jout_object_end(j);
	jout_object_end(j);
}

static void
put_bodies(struct jout *j, const struct route *r)
{
	const char *request = NULL, *reply = NULL, *status = "200", *media = "application/json";

	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		if (bodies[i].of != r->handle)
			continue;
		request = bodies[i].request;
		reply = bodies[i].reply;
		status = bodies[i].status;
		media = bodies[i].type;
	}
	if (request != NULL) {
		jout_key(j, "requestBody");
		jout_object(j);
		put_content(j, "application/json", request);
		jout_object_end(j);
	}
	jout_key(j, "responses");
	jout_object(j);
	jout_key(j, status);
	jout_object(j);
	jout_kstring(j, "description", "done");
	if (reply != NULL)
		put_content(j, media, reply);
	jout_object_end(j);
	jout_key(j, "default");
	jout_object(j);
	jout_kstring(j, "description", "refused; the status says what kind of refusal it is");
	put_content(j, "application/json", "Error");
	jout_object_end(j);
	jout_object_end(j);
}

/* get_transactions_id_proof */
static void
operation_name(char out[WORD_SIZE], const struct route *r)
{
	size_t n = (size_t)snprintf(out, WORD_SIZE, "%s", route_method_name(r->method));

	for (const char *p = r->path; *p != '\0' && n + 1 < WORD_SIZE; p++) {
		bool is_word = isalnum((unsigned char)*p) != 0;

		if (is_word || (n > 0 && out[n - 1] != '_'))
			out[n++] = is_word ? *p : '_';
	}
	while (n > 0 && out[n - 1] == '_')
		n--;
	out[n] = '\0';
	for (char *p = out; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
}

static void
put_operation(struct jout *j, const struct route *r)
{
	char method[WORD_SIZE], name[WORD_SIZE];

	snprintf(method, sizeof(method), "%s", route_method_name(r->method));
	for (char *p = method; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	operation_name(name, r);
	jout_key(j, method);
	jout_object(j);
	jout_kstring(j, "operationId", name);
	jout_kstring(j, "summary", r->about);
	put_parameters(j, r);
	put_bodies(j, r);
	if (r->access == ACCESS_ADMIN) {
		/* Whoever comes from the node's own host or from admin_allow needs none. */
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
	jout_object_end(j);
}

static bool
is_told(const struct route *r)
{
	return r->access != ACCESS_PEER;
}

/* Is it the first of its path? The others are told together with it. */
static bool
is_first(uint32_t at)
{
	for (uint32_t i = 0; i < at; i++)
		if (is_told(route_at(i)) && strcmp(route_at(i)->path, route_at(at)->path) == 0)
			return false;
	return true;
}

static void
put_paths(struct jout *j)
{
	const struct route *r, *other;

	jout_key(j, "paths");
	jout_object(j);
	for (uint32_t i = 0; (r = route_at(i)) != NULL; i++) {
		if (!is_told(r) || !is_first(i))
			continue;
		jout_key(j, r->path);
		jout_object(j);
		for (uint32_t k = i; (other = route_at(k)) != NULL; k++)
			if (is_told(other) && strcmp(other->path, r->path) == 0)
				put_operation(j, other);
		jout_object_end(j);
	}
	jout_object_end(j);
}

static void
put_info(struct jout *j)
{
	jout_key(j, "info");
	jout_object(j);
	jout_kstring(j, "title", "Rensa node");
	jout_kstring(j, "version", PACKAGE_VERSION);
	jout_kstring(
	    j, "description",
	    "A node of a private blockchain. Amounts are integers in base units, 100,000,000 to a coin; times are "
	    "milliseconds since 1970. A parameter or member that a route does not know is refused by its name.");
	jout_object_end(j);
	jout_key(j, "servers");
	jout_array(j);
	jout_object(j);
	jout_kstring(j, "url", "/");
	jout_object_end(j);
	jout_array_end(j);
}

static void
put_components(struct jout *j)
{
	jout_key(j, "components");
	jout_object(j);
	jout_key(j, "schemas");
	openapi_shapes(j);
	jout_key(j, "securitySchemes");
	jout_object(j);
	jout_key(j, "token");
	jout_object(j);
	jout_kstring(j, "type", "http");
	jout_kstring(j, "scheme", "bearer");
	jout_kstring(j, "description", "the token of [http] admin_token_file");
	jout_object_end(j);
	jout_object_end(j);
	jout_object_end(j);
}

void
openapi_get(struct api *a, struct http_req *req, const char *name)
{
	struct jout j = reply_begin(a);

	(void)name;
	jout_object(&j);
	jout_kstring(&j, "openapi", "3.1.0");
	put_info(&j);
	put_paths(&j);
	put_components(&j);
	jout_object_end(&j);
	reply_end(a, req, 200);
}
