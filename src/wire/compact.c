/*
 * Compact blocks, the questions for what is missing of them, and inventories of transfers. What must stay true: a
 * message is right to its last byte or refused whole; positions rise, so that none is asked for twice.
 */
#include <assert.h>
#include <string.h>

#include "wire/peer_msg.h"

#define POSITION_SIZE 2

_Static_assert(COMPACT_TXS_MAX <= UINT16_MAX, "positions have 2 bytes");

bool
compact_encode(struct buf *out, const struct block *b)
{
	struct block_iter it = block_txs(b);
	enum rule rule;
	struct tx tx;

	buf_reset(out);
	if (b->tx_count == 0 || b->tx_count > COMPACT_TXS_MAX)
		return false;
	buf_append(out, b->bytes, BLOCK_PREFIX_SIZE);
	for (uint32_t i = 0; block_next(&it, &tx, &rule); i++) {
		struct hash256 id, leaf;

		if (rule != RULE_OK || (i == 0) != (tx.version == TX_REWARD))
			return false;
		if (i == 0) {
			buf_append(out, it.bytes, it.size);
			continue;
		}
		id = tx_id(&tx);
		leaf = tx_leaf(it.bytes, it.size);
		buf_append(out, id.b, sizeof(id.b));
		buf_append(out, leaf.b, COMPACT_CHECK_SIZE);
	}
	return true;
}

enum err
compact_parse(struct compact *out, const void *body, size_t len)
{
	struct reader r = reader_of(body, len);
	const uint8_t *header = get_span(&r, HEADER_SIZE);

	memset(out, 0, sizeof(*out));
	out->tx_count = get_u32(&r);
	out->reward = get_span(&r, TX_REWARD_SIZE);
	if (r.failed || out->tx_count == 0 || out->reward[0] != TX_REWARD)
		return ERR_FORMAT;
	if (out->tx_count > COMPACT_TXS_MAX)
		return ERR_LIMIT;
	out->names = get_span(&r, (size_t)(out->tx_count - 1) * COMPACT_NAME_SIZE);
	if (!reader_done(&r))
		return ERR_FORMAT;
	header_decode(&out->header, header);
	out->hash = header_hash_bytes(header);
	return OK;
}

static const uint8_t *
name_at(const struct compact *c, uint32_t position)
{
	assert(position > 0 && position < c->tx_count);
	return c->names + (size_t)(position - 1) * COMPACT_NAME_SIZE;
}

void
compact_id(struct hash256 *out, const struct compact *c, uint32_t position)
{
	memcpy(out->b, name_at(c, position), HASH_SIZE);
}

bool
compact_is_named(const struct compact *c, uint32_t position, const void *bytes, size_t len)
{
	const uint8_t *name = name_at(c, position);
	struct reader r = reader_of(bytes, len);
	struct hash256 id, leaf;
	struct tx tx;

	if (tx_decode(&tx, &r) != RULE_OK || !reader_done(&r) || tx.version != TX_TRANSFER)
		return false;
	leaf = tx_leaf(bytes, len);
	if (memcmp(leaf.b, name + HASH_SIZE, COMPACT_CHECK_SIZE) != 0)
		return false;
	id = tx_id(&tx);
	return memcmp(id.b, name, HASH_SIZE) == 0;
}

static void
u16_append(struct buf *out, size_t v)
{
	const uint8_t bytes[POSITION_SIZE] = {(uint8_t)(v >> 8), (uint8_t)v};

	buf_append(out, bytes, sizeof(bytes));
}

void
positions_encode(struct buf *out, const uint16_t *positions, size_t count)
{
	assert(count <= UINT16_MAX);
	u16_append(out, count);
	for (size_t i = 0; i < count; i++)
		u16_append(out, positions[i]);
}

static enum err
positions_read(uint16_t *out, size_t *count, size_t max, struct reader *r)
{
	size_t n = get_u16(r);

	*count = 0;
	if (r->failed)
		return ERR_FORMAT;
	if (n > max)
		return ERR_LIMIT;
	if (reader_left(r) != n * POSITION_SIZE)
		return ERR_FORMAT;
	for (size_t i = 0; i < n; i++) {
		out[i] = get_u16(r);
		if (i > 0 && out[i] <= out[i - 1])
			return ERR_FORMAT;
	}
	*count = n;
	return OK;
}

enum err
positions_parse(uint16_t *out, size_t *count, size_t max, const void *body, size_t len)
{
	struct reader r = reader_of(body, len);

	return positions_read(out, count, max, &r);
}

void
parts_encode(struct buf *out, const struct hash256 *block, const uint16_t *positions, size_t count)
{
	buf_append(out, block->b, sizeof(block->b));
	positions_encode(out, positions, count);
}

enum err
parts_parse(struct hash256 *block, uint16_t *out, size_t *count, size_t max, const void *body, size_t len)
{
	struct reader r = reader_of(body, len);

	get_bytes(&r, block->b, sizeof(block->b));
	return positions_read(out, count, max, &r);
}

static uint64_t
front_of(const struct hash256 *h)
{
	struct reader r = reader_of(h->b, sizeof(h->b));

	return get_u64(&r);
}

uint64_t
peer_key(const char *address)
{
	struct hash256 h = sha256(address, strlen(address));

	return front_of(&h);
}

uint64_t
item_key(const struct hash256 *hash)
{
	return front_of(hash);
}
