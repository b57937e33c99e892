#include "prog/netchain.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chain/header_chain.h"
#include "prog/progress.h"
#include "util/hex.h"
#include "util/mem.h"
#include "wire/peer_msg.h"
#include "wire/views.h"

#define TIMEOUT_MS 30000
#define BODIES_AT_ONCE 128
#define HEADERS_REPLY_MAX (2 + HEADERS_MAX * HEADER_SIZE)
#define BODIES_REPLY_MAX (2 + BLOCKS_MAX * 4 + BLOCKS_BYTES_MAX + BLOCK_BYTES_LIMIT)
#define SWAPS_MAX 10 /* how often the node may take another branch while we fetch its headers */

/* Do the routes for nodes answer? The genesis block is a small thing to ask for. */
static enum cli_exit
try_peer(struct netchain *n)
{
	enum cli_exit ret;
	struct buf body;

	buf_init(&body);
	hashes_encode(&body, &n->genesis, 1);
	ret = remote_peer(&n->peer, NULL, "/peer/blocks", &body, BODIES_REPLY_MAX);
	buf_clear(&body);
	return ret;
}

/*
 * Most nodes serve others where they serve everybody. One that does not says on which port it does, and at which address if
 * that is one alone: on its own host, where backups are made, another may have led to it.
 */
static enum cli_exit
find_peer(struct netchain *n, uint64_t port, const char *host)
{
	struct cli *c = n->http.cli;
	enum cli_exit ret;

	n->peer = n->http;
	n->peer.timeout_ms = TIMEOUT_MS;
	ret = try_peer(n);
	if (ret != CLI_REFUSED || strcmp(c->code, REMOTE_NO_PEER_ROUTES) != 0 || port == 0 || port > UINT16_MAX)
		return ret;
	remote_move(&n->peer, host, (uint16_t)port);
	c->code[0] = '\0';
	return try_peer(n);
}

enum cli_exit
netchain_open(struct netchain *n, struct cli *c)
{
	struct field_error error;
	struct answer status;
	struct hash256 told;
	enum cli_exit ret;

	memset(n, 0, sizeof(*n));
	if ((ret = remote_open(&n->http, c)) != CLI_DONE ||
	    (ret = remote_call(&n->http, &status, "/status", NULL)) != CLI_DONE)
		return ret;
	if (!view_params_parse(&n->params, jval_get(status.root, "network"), &error))
		ret = remote_bad(&n->http, error.message);
	else if (hex_decode(&told, sizeof(told), jval_str(status.root, "genesis", "")) != OK)
		ret = remote_bad(&n->http, "its status has no genesis hash");
	if (ret == CLI_DONE) {
		n->genesis = genesis_hash(&n->params);
		if (!hash_equal(&n->genesis, &told))
			ret = remote_bad(&n->http, "its genesis hash is not that of its parameters");
		if (ret == CLI_DONE) {
			const struct jval *peers = jval_get(status.root, "peers");
			ret = find_peer(n, jval_u64(peers, "port", 0), jval_str(peers, "host", ""));
		}
	}
	answer_clear(&status);
	return ret;
}

void
netchain_close(struct netchain *n)
{
	free(n->hashes);
	n->hashes = NULL;
}

static void
keep(struct netchain *n, const struct hash256 *hash)
{
	if (n->count == n->room) {
		n->room = n->room == 0 ? 4096 : n->room * 2;
		n->hashes = xrealloc(n->hashes, n->room * sizeof(*n->hashes));
	}
	n->hashes[n->count++] = *hash;
}

/* The headers of one reply. *swapped: they do not go on where the last reply ended. */
static enum cli_exit
take_headers(struct netchain *n, struct header_state *state, const uint8_t *bytes, size_t count, bool *swapped)
{
	char what[160];
	struct header h;

	*swapped = false;
	for (size_t i = 0; i < count; i++) {
		struct hash256 hash = header_hash_bytes(bytes + i * HEADER_SIZE);
		enum rule rule;

		header_decode(&h, bytes + i * HEADER_SIZE);
		if (i == 0 && !hash_equal(&h.previous, &state->hash)) {
			*swapped = true;
			return CLI_DONE;
		}
		if ((rule = header_check(state, &h, &hash, &n->params)) != RULE_OK) {
			snprintf(what, sizeof(what), "its block %" PRIu64 " breaks %s: %s", h.height, rule_name(rule),
				 rule_text(rule));
			return remote_bad(&n->peer, what);
		}
		header_state_advance(state, &h, &hash);
		keep(n, &hash);
	}
	return CLI_DONE;
}

static enum cli_exit
ask_headers(struct netchain *n, struct buf *reply, const struct hash256 *after)
{
	enum cli_exit ret;
	struct buf body;

	buf_init(&body);
	hashes_encode(&body, after, 1);
	buf_reset(reply);
	ret = remote_peer(&n->peer, reply, "/peer/headers", &body, HEADERS_REPLY_MAX);
	buf_clear(&body);
	return ret;
}

enum cli_exit
netchain_headers(struct netchain *n)
{
	enum cli_exit ret = CLI_DONE;
	struct header_state state;
	struct progress p;
	const uint8_t *bytes;
	struct buf reply;
	bool swapped;
	size_t count;
	int swaps = 0;

	buf_init(&reply);
	progress_begin(&p, n->http.cli, "fetching headers");
	header_state_genesis(&state, &n->params);
	do {
		if ((ret = ask_headers(n, &reply, &state.hash)) != CLI_DONE)
			break;
		if (headers_parse(&bytes, &count, reply.data, reply.len) != OK) {
			ret = remote_bad(&n->peer, "its headers are malformed");
			break;
		}
		if ((ret = take_headers(n, &state, bytes, count, &swapped)) != CLI_DONE)
			break;
		if (swapped) {
			/* It took another branch in between: from the beginning. */
			header_state_genesis(&state, &n->params);
			n->count = 0;
			count = HEADERS_MAX;
			if (++swaps > SWAPS_MAX)
				ret = remote_bad(&n->peer, "its headers never connect");
		}
		progress_at(&p, n->count, 0);
	} while (ret == CLI_DONE && count == HEADERS_MAX);
	progress_end(&p);
	n->tip = (struct head){state.hash, state.work, state.header.height};
	buf_clear(&reply);
	return ret;
}

/* The blocks of one reply, which must be those at hashes[*done] and so on. */
static enum cli_exit
take_blocks(struct netchain *n, size_t *done, size_t asked, const struct buf *reply, netchain_visit *visit, void *ctx)
{
	enum cli_exit ret = CLI_DONE;
	const uint8_t *bytes;
	size_t count, size;
	struct reader r;
	struct block b;

	if (blocks_open(&r, &count, reply->data, reply->len) != OK || count > asked)
		return remote_bad(&n->peer, "its blocks are malformed");
	if (count == 0)
		return cli_fail(
		    n->http.cli, CLI_REFUSED, "chain-changed",
		    "the node has taken another branch meanwhile and no longer has block %zu of the one before: "
		    "run this again",
		    *done + 1);
	while (ret == CLI_DONE && blocks_next(&r, &bytes, &size)) {
		struct hash256 root;
		if (block_parse(&b, bytes, size) != RULE_OK || !hash_equal(&b.hash, &n->hashes[*done]))
			return remote_bad(&n->peer, "it sent another block than it was asked for");
		root = block_merkle_root(&b);
		if (!hash_equal(&root, &b.header.merkle_root))
			return remote_bad(&n->peer, "the transactions of a block are not those that it was made of");
		ret = visit(ctx, &b);
		++*done;
	}
	return ret;
}

enum cli_exit
netchain_blocks(struct netchain *n, const char *what, netchain_visit *visit, void *ctx)
{
	enum cli_exit ret = CLI_DONE;
	struct buf body, reply;
	struct progress p;
	size_t done = 0;

	buf_init(&body);
	buf_init(&reply);
	progress_begin(&p, n->http.cli, what);
	while (ret == CLI_DONE && done < n->count) {
		size_t asked = n->count - done < BODIES_AT_ONCE ? n->count - done : BODIES_AT_ONCE;

		buf_reset(&body);
		buf_reset(&reply);
		hashes_encode(&body, n->hashes + done, asked);
		ret = remote_peer(&n->peer, &reply, "/peer/blocks", &body, BODIES_REPLY_MAX);
		if (ret == CLI_DONE)
			ret = take_blocks(n, &done, asked, &reply, visit, ctx);
		progress_at(&p, done, n->count);
	}
	progress_end(&p);
	buf_clear(&body);
	buf_clear(&reply);
	return ret;
}
