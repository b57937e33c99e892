/* Mining and consensus on request: what changes the chain, done by miner and resolver. */
#include <inttypes.h>
#include <stdio.h>

#include "command.h"
#include "handlers.h"
#include "input.h"
#include "reply.h"
#include "store/chain.h"
#include "util/attr.h"
#include "wire/field.h"

static void
write_place(struct jout *j, const struct api *a, struct blockref ref)
{
	const struct hash256 *hash = chain_hash(a->store, ref);

	jout_ku64(j, "height", chain_height(a->store, ref));
	jout_khex(j, "hash", hash->b, sizeof(hash->b));
}

static void
write_blocks(struct jout *j, const struct api *a, const struct command_result *r)
{
	jout_key(j, "blocks");
	jout_array(j);
	for (uint32_t i = 0; i < r->count; i++) {
		jout_object(j);
		write_place(j, a, r->blocks[i]);
		jout_object_end(j);
	}
	jout_array_end(j);
}

/* Why not all that were asked for were found. */
static void
explain_cut(const struct api *a, struct no *no, const struct command *asked, const struct command_result *r,
	    bool is_late)
{
	char found[64];

	snprintf(found, sizeof(found), "%" PRIu32 " of %" PRIu32 " blocks were found", r->count, asked->blocks);
	if (is_late && a->is_ending)
		no_set(no, 503, "stopping",
		       "%s before this node was told to stop or to reload, and stay; ask again for the rest", found);
	else if (is_late || r->error == ERR_TIMEOUT)
		no_set(no, 503, "timeout",
		       "%s within %g s ([http] request_timeout) and stay; ask again for the rest, or for fewer at a "
		       "time",
		       found, (double)a->o.request_timeout_ms / 1000);
	else if (r->error == ERR_CLOSED)
		no_set(no, 503, "outcome-unknown",
		       "%s before the miner was started anew, and stay; there may be one more", found);
	else
		no_of_failure(no, r->error);
}

static void
mined(struct api *a, struct http_req *req, const struct command *asked, const struct command_result *r, bool is_late)
{
	struct no no = {.status = 200};
	struct jout j = reply_begin(a);

	jout_object(&j);
	if (r->count < asked->blocks) {
		explain_cut(a, &no, asked, r, is_late);
		no_write_member(&j, &no);
	}
	write_blocks(&j, a, r);
	jout_object_end(&j);
	reply_end(a, req, no.status);
}

/* {"address":…,"blocks":…}, both optional. */
static bool
read_mine(struct api *a, const struct jval *body, struct command *c, bool *has_address, struct field_error *error)
{
	static const char *const names[] = {"address", "blocks"};
	struct fields f = fields_of(body, "what to mine", error);

	fields_only(&f, names, ARRAY_LEN(names));
	if (field_given(&f, "address")) {
		field_address(&f, "address", &c->address, a->params->address_version);
		*has_address = true;
	}
	if (field_given(&f, "blocks")) {
		c->blocks = (uint32_t)field_u64(&f, "blocks", RING_MINE_MAX, RULE_OK);
		if (c->blocks == 0)
			fields_fail(&f, "bad-value", "blocks must be a number from 1 to %d", RING_MINE_MAX);
	}
	return !f.failed;
}

void
mine_post(struct api *a, struct http_req *req, const char *name)
{
	struct command c = {.kind = COMMAND_MINE, .blocks = 1};
	bool has_address = a->o.mine_to != NULL;
	struct field_error error;
	struct jdoc *doc;
	bool is_sound;

	(void)name;
	if (!input_body(a, req, &doc))
		return;
	if (has_address)
		c.address = *a->o.mine_to;
	is_sound = doc == NULL || read_mine(a, jdoc_root(doc), &c, &has_address, &error);
	jdoc_free(doc);
	if (!is_sound)
		reply_field_error(a, req, &error);
	else if (!has_address)
		reply_error(
		    a, req, 422, "no-address",
		    "who shall get the reward? Name an address in the body, {\"address\":\"...\"}, or set address "
		    "under [miner] in the node's configuration");
	else
		command_ask(a, req, &c, API_WAKE_MINER, mined);
}

/* The miner that is told to start or stop answers at once, so a late answer means that there is none. */
static void
mode_changed(struct api *a, struct http_req *req, const struct command *asked, const struct command_result *r,
	     bool is_late)
{
	(void)is_late;
	if (r->error != OK) {
		reply_failure(a, req, r->error == ERR_CLOSED ? ERR_BUSY : r->error);
		return;
	}
	struct jout j = reply_begin(a);
	jout_object(&j);
	jout_kstring(&j, "mode", asked->kind == COMMAND_MINE_START ? "interval" : "manual");
	jout_object_end(&j);
	reply_end(a, req, 200);
}

void
mine_start_post(struct api *a, struct http_req *req, const char *name)
{
	const struct command c = {.kind = COMMAND_MINE_START};

	(void)name;
	if (!input_nothing(a, req, "a request to start mining"))
		return;
	if (a->o.mine_to == NULL)
		reply_error(a, req, 422, "no-address",
			    "who shall get the rewards? Set address under [miner] in the node's configuration");
	else
		command_ask(a, req, &c, API_WAKE_MINER, mode_changed);
}

void
mine_stop_post(struct api *a, struct http_req *req, const char *name)
{
	const struct command c = {.kind = COMMAND_MINE_STOP};

	(void)name;
	if (input_nothing(a, req, "a request to stop mining"))
		command_ask(a, req, &c, API_WAKE_MINER, mode_changed);
}

static void
resolved(struct api *a, struct http_req *req, const struct command *asked, const struct command_result *r, bool is_late)
{
	struct blockref tip = chain_tip(a->store);

	(void)asked;
	if (is_late && a->is_ending) {
		reply_error(a, req, 503, "stopping",
			    "this node was told to stop or to reload before all peers were compared; ask again");
		return;
	}
	if (is_late || r->error == ERR_TIMEOUT) {
		reply_error(a, req, 503, "timeout",
			    "comparing with the peers was not done within %g s; the node goes on by itself",
			    (double)a->o.request_timeout_ms / 1000);
		return;
	}
	if (r->error != OK) {
		reply_failure(a, req, r->error == ERR_CLOSED ? ERR_BUSY : r->error);
		return;
	}
	struct jout j = reply_begin(a);
	jout_object(&j);
	jout_kbool(&j, "replaced", r->replaced);
	write_place(&j, a, tip);
	jout_object_end(&j);
	reply_end(a, req, 200);
}

void
consensus_put(struct api *a, struct http_req *req, const char *name)
{
	const struct command c = {.kind = COMMAND_CONSENSUS};

	(void)name;
	if (input_nothing(a, req, "a request for consensus"))
		command_ask(a, req, &c, API_WAKE_RESOLVER, resolved);
}
