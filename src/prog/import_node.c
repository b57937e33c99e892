/*
 * Into a running node, as a peer would tell it of new blocks: each is pushed, and the next one follows when the node's
 * chain ends in it. A node keeps a pushed block only if its chain grows by it, so the file must go on where the node is.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "prog/import.h"
#include "prog/netchain.h"
#include "util/clock.h"
#include "util/hex.h"
#include "wire/peer_msg.h"

#define FOLLOW_MS 30000
#define PAUSE_MIN_MS 1
#define PAUSE_MAX_MS 50
#define PUSH_REPLY_MAX 65536

struct into_node {
	struct import *m;
	struct netchain n;
	struct hash256 hash; /* of the node's head */
	uint64_t height;
};

static enum cli_exit
ask_head(struct into_node *t)
{
	struct answer a;
	enum cli_exit ret = remote_call(&t->n.http, &a, "/chain/head", NULL);

	if (ret != CLI_DONE)
		return ret;
	if (hex_decode(&t->hash, sizeof(t->hash), jval_str(a.root, "hash", "")) != OK ||
	    jval_number(&t->height, jval_get(a.root, "height"), NUMBER_MAX) != OK)
		ret = remote_bad(&t->n.http, "its head has no hash and height");
	answer_clear(&a);
	return ret;
}

static bool
is_there(void *ctx, const struct hash256 *hash, uint64_t height)
{
	const struct into_node *t = ctx;

	(void)hash;
	return height <= t->m->before;
}

static enum cli_exit
other_branch(struct into_node *t, uint64_t height)
{
	return cli_fail(t->m->cli, CLI_REFUSED, "other-branch",
			"the node is on another branch than %s: they have different blocks %" PRIu64
			". Stop the node and import with --data, which takes the chain with more work",
			t->m->file.name, height);
}

/* A busy node is asked again for a while. */
static enum cli_exit
push(struct into_node *t, const struct block *b)
{
	uint64_t since = clock_mono_ms();
	struct cli *c = t->m->cli;
	enum cli_exit ret;
	struct buf body;

	if (b->size > PUSH_BLOCK_MAX)
		return cli_fail(c, CLI_REFUSED, "too-large-to-push",
				"block %" PRIu64
				" has %zu bytes, and a block of more than %u cannot be pushed to a node: "
				"stop it and import with --data, or let it fetch the chain from its peers",
				b->header.height, b->size, PUSH_BLOCK_MAX);
	buf_init(&body);
	buf_append(&body, b->bytes, b->size);
	for (;;) {
		ret = remote_peer(&t->n.peer, NULL, "/peer/block", &body, PUSH_REPLY_MAX);
		bool is_busy =
		    ret == CLI_REFUSED && (strcmp(c->code, "busy") == 0 || strcmp(c->code, "rate-limited") == 0);
		if (!is_busy || clock_mono_ms() - since > FOLLOW_MS)
			break;
		c->code[0] = '\0';
		clock_sleep_ms(PAUSE_MAX_MS);
	}
	buf_clear(&body);
	return ret;
}

/* Until the node's chain ends in the block that was pushed. */
static enum cli_exit
follow(struct into_node *t, const struct block *b)
{
	uint64_t since = clock_mono_ms(), pause_ms = PAUSE_MIN_MS;
	enum cli_exit ret;

	while ((ret = ask_head(t)) == CLI_DONE && !hash_equal(&t->hash, &b->hash)) {
		/* It may mine itself, or hear of other blocks: then ours is below its head, or lost. */
		if (t->height >= b->header.height)
			return other_branch(t, b->header.height);
		if (clock_mono_ms() - since > FOLLOW_MS)
			return cli_fail(t->m->cli, CLI_REFUSED, "not-taken",
					"the node has not taken block %" PRIu64 " within %d s: its log may say why",
					b->header.height, FOLLOW_MS / 1000);
		clock_sleep_ms(pause_ms);
		pause_ms = pause_ms * 2 < PAUSE_MAX_MS ? pause_ms * 2 : PAUSE_MAX_MS;
	}
	return ret;
}

static enum cli_exit
take(struct into_node *t, const struct block *b)
{
	enum cli_exit ret;

	if (b->header.height <= t->m->before) {
		t->m->known++;
		return b->header.height == t->m->before && !hash_equal(&b->hash, &t->hash)
			   ? other_branch(t, b->header.height)
			   : CLI_DONE;
	}
	if ((ret = push(t, b)) == CLI_DONE && (ret = follow(t, b)) == CLI_DONE) {
		t->m->imported++;
		t->m->after = replay_tip(t->m->replay);
	}
	return ret;
}

/* Is the file's last block one that the node has? */
static enum cli_exit
has_all(struct into_node *t, bool *has)
{
	char path[16 + HASH_HEX_SIZE], hash[HASH_HEX_SIZE];
	struct answer a;

	*has = false;
	if (t->m->file.head.tip.height > t->height)
		return CLI_DONE;
	hash_hex(hash, &t->m->file.head.tip.hash);
	snprintf(path, sizeof(path), "/blocks/%s", hash);
	t->n.http.max_reply = REMOTE_BLOCKS_MAX;
	remote_try(&t->n.http, &a, path, NULL);
	*has = a.error == OK && a.status == 200;
	answer_clear(&a);
	return *has ? CLI_DONE : other_branch(t, t->m->file.head.tip.height);
}

static enum cli_exit
begin(struct into_node *t, bool *is_done)
{
	const struct params *theirs = &t->m->file.head.params;
	struct cli *c = t->m->cli;
	const char *field;
	enum cli_exit ret = netchain_open(&t->n, c);

	if (ret != CLI_DONE)
		return ret;
	field = params_difference(&t->n.params, theirs);
	if (field != NULL)
		return cli_fail(c, CLI_REFUSED, "wrong-network",
				"%s is of network %s, the node of network %s: they differ in %s", t->m->file.name,
				theirs->name, t->n.params.name, field);
	if ((ret = ask_head(t)) != CLI_DONE)
		return ret;
	t->m->before = t->height;
	t->m->after = (struct head){.hash = t->hash, .height = t->height};
	if ((ret = has_all(t, is_done)) == CLI_DONE && *is_done) {
		t->m->known = t->m->file.head.tip.height;
		cli_say(c, "nothing to do: the node has all of it");
	}
	return ret;
}

enum cli_exit
import_node(struct import *m)
{
	struct into_node t = {.m = m};
	bool is_end = false, is_done = false;
	struct block b;
	enum cli_exit ret = begin(&t, &is_done);

	while (ret == CLI_DONE && !is_done) {
		ret = import_next(m, &b, &is_end, is_there, &t);
		if (is_end || ret != CLI_DONE)
			break;
		ret = take(&t, &b);
	}
	netchain_close(&t.n);
	return ret;
}
