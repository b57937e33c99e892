/*
 * Blocks that were announced by their names: built from our pool and from what the announcer gives for the rest.
 *
 *	names   a header came alone: its names are asked for (/peer/compact)
 *	parts   transfers that are not in the pool are asked for, by position (/peer/parts)
 *	whole   the block made so has another merkle root, or parts were not those named: two transfers with one name, or
 *		a lie. Nobody is blamed yet, the block is asked for as it is (/peer/blocks)
 *
 * What comes out is judged like any other pushed block. Bounded: so many blocks are built at a time, one for each
 * announcer, each no larger than a block may be and each question with its time-out. Who else announces a block that is
 * being built is remembered and asked if the first one fails or takes its time. An announcer that does not give what it
 * has announced pays for it (push_source.h) and nobody else does.
 *
 * Connections are kept: an announcer is mostly a peer that announces again.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "peer/dial.h"
#include "resolver.h"
#include "store/mempool.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/text.h"

#define BUILDS_MAX 8
#define OTHERS_MAX 16
#define ASK_TIMEOUT_MS 5000
#define HURRY_MS 300 /* after that somebody else who has the block is asked too */
#define LOOK_MS 100

enum stage { STAGE_IDLE, STAGE_NAMES, STAGE_PARTS, STAGE_WHOLE };

/* Where a transaction lies in build.have. */
struct piece {
	uint32_t offset;
	uint32_t size; /* 0: it is not there yet */
};

struct build {
	struct resolver *resolver;
	enum stage stage;
	struct netaddr at;
	struct httpc *client; /* kept to `at`; NULL: never used */
	char source[RING_ADDRESS_SIZE], from[RING_ADDRESS_SIZE];
	struct header header;
	struct hash256 hash;
	uint64_t since_ms; /* monotonic: begun, or when last used */
	struct buf names;
	struct compact compact; /* borrows from names */
	struct buf have;
	struct piece *pieces;
	uint16_t *missing;
	size_t missing_count;
};

/* Somebody else who has a block. */
struct other {
	bool is_used;
	struct hash256 hash;
	uint8_t header[HEADER_SIZE];
	char source[RING_ADDRESS_SIZE], from[RING_ADDRESS_SIZE];
};

struct compacts {
	struct resolver *resolver;
	struct build builds[BUILDS_MAX];
	struct other others[OTHERS_MAX];
	uint32_t next_other;
	struct loop_timer *look;
};

static void
build_end(struct build *b)
{
	buf_clear(&b->names);
	buf_clear(&b->have);
	free(b->pieces);
	free(b->missing);
	b->pieces = NULL;
	b->missing = NULL;
	b->missing_count = 0;
	b->stage = STAGE_IDLE;
	b->since_ms = clock_mono_ms();
}

static struct build *
build_of(struct compacts *c, const struct hash256 *hash)
{
	for (int i = 0; i < BUILDS_MAX; i++)
		if (c->builds[i].stage != STAGE_IDLE && hash_equal(&c->builds[i].hash, hash))
			return &c->builds[i];
	return NULL;
}

/* The connection to this address, or the idle one not used for longest. NULL: there is none, or it is busy. */
static struct build *
build_for(struct compacts *c, const struct netaddr *at)
{
	struct build *best = NULL;

	for (int i = 0; i < BUILDS_MAX; i++) {
		struct build *b = &c->builds[i];
		if (b->client != NULL && netaddr_equal(&b->at, at))
			return b->stage == STAGE_IDLE ? b : NULL;
		if (b->stage == STAGE_IDLE && (best == NULL || b->since_ms < best->since_ms))
			best = b;
	}
	if (best == NULL)
		return NULL;
	httpc_free(best->client);
	best->client = peer_dial(c->resolver->child->loop, at, c->resolver->from);
	best->at = *at;
	return best;
}

static void
other_add(struct compacts *c, const struct push *p, const struct hash256 *hash)
{
	struct other *o = &c->others[c->next_other++ % OTHERS_MAX];

	o->is_used = true;
	o->hash = *hash;
	memcpy(o->header, p->bytes, HEADER_SIZE);
	text_copy(o->source, sizeof(o->source), p->source);
	text_copy(o->from, sizeof(o->from), p->from);
	loop_timer_arm(c->look, LOOK_MS);
}

/* It did not give what it had announced. */
static void
fail(struct build *b, const char *what)
{
	struct resolver *r = b->resolver;
	struct push p = {.source = b->source, .from = b->from};
	char said[120];

	snprintf(said, sizeof(said), "announced block %" PRIu64 " %s", b->header.height, what);
	build_end(b);
	loop_timer_arm(r->compacts->look, 0);
	resolver_complain(r, &p, said);
}

/* The block is there: judged as if it had been pushed so. */
static void
deliver(struct build *b, const uint8_t *bytes, size_t size)
{
	char source[RING_ADDRESS_SIZE], from[RING_ADDRESS_SIZE];
	struct push p = {.source = source, .from = from, .kind = PUSH_WHOLE, .bytes = bytes, .size = size};
	struct resolver *r = b->resolver;

	text_copy(source, sizeof(source), b->source);
	text_copy(from, sizeof(from), b->from);
	build_end(b);
	resolver_take_push(r, &p);
	loop_timer_arm(r->compacts->look, 0);
}

static void
ask(struct build *b, enum stage stage, const char *path, const struct buf *body, size_t max_reply, httpc_done *done)
{
	struct httpc_request request = {.method = HTTP_POST,
					.path = path,
					.content_type = PEER_BODY_TYPE,
					.body = body->data,
					.body_len = body->len,
					.max_reply = max_reply,
					.timeout_ms = ASK_TIMEOUT_MS};

	b->stage = stage;
	/* Not busy, and well formed: it cannot be refused. */
	if (httpc_send(b->client, &request, done, b) != OK)
		build_end(b);
}

static bool
is_answered(const struct httpc_reply *reply)
{
	return reply->error == OK && reply->status == 200;
}

static bool
has_its_root(const struct block *block)
{
	struct hash256 root = block_merkle_root(block);

	return hash_equal(&root, &block->header.merkle_root);
}

static void
whole_came(void *ctx, const struct httpc_reply *reply)
{
	struct build *b = ctx;
	struct block block;
	struct reader r;
	const uint8_t *bytes = NULL;
	size_t count, size = 0;
	struct buf copy;

	if (!is_answered(reply) || blocks_open(&r, &count, reply->body, reply->len) != OK || count != 1 ||
	    !blocks_next(&r, &bytes, &size) || block_parse(&block, bytes, size) != RULE_OK ||
	    !hash_equal(&block.hash, &b->hash) || !has_its_root(&block)) {
		fail(b, "and does not have it");
		return;
	}
	/* What is borrowed from the reply may be gone before the judging ends, if that starts another question. */
	buf_init(&copy);
	buf_append(&copy, bytes, size);
	deliver(b, (const uint8_t *)copy.data, copy.len);
	buf_clear(&copy);
}

static void
ask_whole(struct build *b)
{
	struct buf body;

	buf_init(&body);
	hashes_encode(&body, &b->hash, 1);
	ask(b, STAGE_WHOLE, "/peer/blocks", &body, store_params(b->resolver->store)->max_block_bytes + 16, whole_came);
	buf_clear(&body);
}

/* All pieces are there. */
static void
finish(struct build *b)
{
	struct block block;
	struct buf bytes;

	buf_init(&bytes);
	block_begin(&bytes, &b->header, b->compact.tx_count);
	buf_append(&bytes, b->compact.reward, TX_REWARD_SIZE);
	for (uint32_t i = 1; i < b->compact.tx_count; i++)
		buf_append(&bytes, b->have.data + b->pieces[i].offset, b->pieces[i].size);
	if (block_parse(&block, bytes.data, bytes.len) == RULE_OK && has_its_root(&block))
		deliver(b, block.bytes, block.size);
	else if (b->client != NULL)
		ask_whole(b);
	else
		build_end(b);
	buf_clear(&bytes);
}

/* False: the block would become too large. */
static bool
keep(struct build *b, uint32_t position, const void *bytes, size_t size)
{
	if (b->have.len + size > store_params(b->resolver->store)->max_block_bytes)
		return false;
	b->pieces[position] = (struct piece){(uint32_t)b->have.len, (uint32_t)size};
	buf_append(&b->have, bytes, size);
	return true;
}

static void
parts_came(void *ctx, const struct httpc_reply *reply)
{
	struct build *b = ctx;
	struct reader r;
	size_t i;

	if (!is_answered(reply)) {
		fail(b, "and does not give its parts");
		return;
	}
	r = reader_of(reply->body, reply->len);
	for (i = 0; i < b->missing_count; i++) {
		size_t size = tx_span(&r);
		const uint8_t *bytes = size == 0 ? NULL : get_span(&r, size);
		if (bytes == NULL || !compact_is_named(&b->compact, b->missing[i], bytes, size) ||
		    !keep(b, b->missing[i], bytes, size))
			break;
	}
	if (i == b->missing_count && reader_done(&r))
		finish(b);
	else
		ask_whole(b);
}

/* What the pool has of it. False: more than a block can hold. */
static bool
fill_from_pool(struct build *b)
{
	struct pool_entry e;

	for (uint32_t i = 1; i < b->compact.tx_count; i++) {
		struct hash256 id;

		compact_id(&id, &b->compact, i);
		if (!mempool_find(b->resolver->store, &id, &e) || !compact_is_named(&b->compact, i, e.bytes, e.size))
			b->missing[b->missing_count++] = (uint16_t)i;
		else if (!keep(b, i, e.bytes, e.size))
			return false;
	}
	return true;
}

/* The names are there. */
static void
begin_parts(struct build *b)
{
	struct buf body;

	b->pieces = xcalloc(b->compact.tx_count, sizeof(*b->pieces));
	b->missing = xcalloc(b->compact.tx_count, sizeof(*b->missing));
	b->stage = STAGE_PARTS;
	if (!fill_from_pool(b)) {
		if (b->client != NULL)
			ask_whole(b);
		else
			build_end(b);
		return;
	}
	if (b->missing_count == 0) {
		finish(b);
		return;
	}
	/* Who cannot be asked back should have sent the block whole. */
	if (b->client == NULL) {
		build_end(b);
		return;
	}
	buf_init(&body);
	parts_encode(&body, &b->hash, b->missing, b->missing_count);
	ask(b, STAGE_PARTS, "/peer/parts", &body, store_params(b->resolver->store)->max_block_bytes, parts_came);
	buf_clear(&body);
}

/* False: these are not names of the block. */
static bool
take_names(struct build *b, const void *bytes, size_t size)
{
	buf_reset(&b->names);
	buf_append(&b->names, bytes, size);
	return compact_parse(&b->compact, b->names.data, b->names.len) == OK &&
	       hash_equal(&b->compact.hash, &b->hash) &&
	       (uint64_t)b->compact.tx_count * TX_TRANSFER_SIZE(0) <=
		   (uint64_t)store_params(b->resolver->store)->max_block_bytes + TX_TRANSFER_SIZE(0);
}

static void
names_came(void *ctx, const struct httpc_reply *reply)
{
	struct build *b = ctx;

	if (is_answered(reply) && take_names(b, reply->body, reply->len))
		begin_parts(b);
	else
		fail(b, "and does not name its parts");
}

static void
ask_names(struct build *b)
{
	struct buf body;

	buf_init(&body);
	buf_append(&body, b->hash.b, sizeof(b->hash.b));
	ask(b, STAGE_NAMES, "/peer/compact", &body, COMPACT_BYTES_MAX, names_came);
	buf_clear(&body);
}

/* From an announcer that cannot be asked: it is built if the pool has all of it. */
static void
build_unasked(struct compacts *c, const struct push *p, const struct header *h, const struct hash256 *hash)
{
	struct build b = {.resolver = c->resolver, .header = *h, .hash = *hash};

	if (p->kind != PUSH_COMPACT)
		return;
	text_copy(b.source, sizeof(b.source), p->source);
	if (take_names(&b, p->bytes, p->size))
		begin_parts(&b);
	else
		build_end(&b);
}

void
resolver_build(struct resolver *r, const struct push *p, const struct header *h, const struct hash256 *hash)
{
	struct compacts *c = r->compacts;
	struct netaddr at;
	struct build *b;

	if (!resolver_can_ask(r, p->from, &at)) {
		if (build_of(c, hash) == NULL)
			build_unasked(c, p, h, hash);
		return;
	}
	if (build_of(c, hash) != NULL || (b = build_for(c, &at)) == NULL) {
		other_add(c, p, hash);
		return;
	}
	b->resolver = r;
	b->header = *h;
	b->hash = *hash;
	b->since_ms = clock_mono_ms();
	text_copy(b->source, sizeof(b->source), p->source);
	text_copy(b->from, sizeof(b->from), p->from);
	if (p->kind == PUSH_HEADER)
		ask_names(b);
	else if (take_names(b, p->bytes, p->size))
		begin_parts(b);
	else
		fail(b, "by names that are none");
}

bool
resolver_build_after(struct resolver *r, const struct push *p, const struct header *h, const struct hash256 *hash)
{
	if (build_of(r->compacts, &h->previous) == NULL)
		return false;
	other_add(r->compacts, p, hash);
	return true;
}

/* Asks the others, where the first announcer failed or takes its time. */
static void
look(void *ctx)
{
	struct compacts *c = ctx;
	uint64_t now = clock_mono_ms();
	bool has_more = false;

	for (int i = 0; i < OTHERS_MAX; i++) {
		struct other *o = &c->others[i];
		struct push p = {.kind = PUSH_HEADER, .size = HEADER_SIZE};
		struct other copy;
		struct build *b;

		if (!o->is_used)
			continue;
		b = build_of(c, &o->hash);
		if (b != NULL && now - b->since_ms < HURRY_MS) {
			has_more = true;
			continue;
		}
		/* The slow one loses its turn; its answer, if it comes, is nobody's. */
		if (b != NULL) {
			p.source = b->source;
			p.from = b->from;
			resolver_spend(c->resolver, &p, PUSH_COST_UNKNOWN);
			httpc_free(b->client);
			b->client = NULL;
			build_end(b);
		}
		copy = *o;
		o->is_used = false;
		p.source = copy.source;
		p.from = copy.from;
		p.bytes = copy.header;
		resolver_take_push(c->resolver, &p);
	}
	if (has_more)
		loop_timer_arm(c->look, LOOK_MS);
}

void
resolver_compacts_init(struct resolver *r)
{
	struct compacts *c = xcalloc(1, sizeof(*c));

	c->resolver = r;
	c->look = loop_timer_new(r->child->loop, look, c);
	r->compacts = c;
}

void
resolver_compacts_clear(struct resolver *r)
{
	for (int i = 0; i < BUILDS_MAX; i++) {
		build_end(&r->compacts->builds[i]);
		httpc_free(r->compacts->builds[i].client);
	}
	loop_timer_free(r->compacts->look);
	free(r->compacts);
	r->compacts = NULL;
}
