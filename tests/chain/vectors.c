#include "vectors.h"

#include <inttypes.h>
#include <string.h>

#include "../suite.h"
#include "chain/merkle.h"
#include "chain/pow.h"
#include "fixture.h"
#include "util/hex.h"

static void
put_hex(struct buf *out, const char *name, const void *data, size_t len)
{
	char text[2 * 1024 + 1];
	ck_assert_uint_lt(2 * len, sizeof(text));
	hex_encode(text, data, len);
	buf_printf(out, "\"%s\": \"%s\"", name, text);
}

static void
put_hash(struct buf *out, const char *name, struct hash256 hash)
{
	put_hex(out, name, hash.b, sizeof(hash.b));
}

static void
put_number(struct buf *out, const char *name, uint64_t number)
{
	buf_printf(out, "\"%s\": %" PRIu64, name, number);
}

static void
put_next(struct buf *out)
{
	buf_puts(out, ",\n    ");
}

static void
write_params(struct buf *out, const struct params *p)
{
	uint8_t bytes[PARAMS_SIZE_MAX], genesis[BLOCK_PREFIX_SIZE];
	size_t len = params_encode(bytes, p);
	buf_puts(out, "  \"params\": {\n    ");
	put_hex(out, "bytes", bytes, len);
	put_next(out);
	put_hash(out, "hash", params_hash(p));
	buf_puts(out, "\n  },\n  \"genesis\": {\n    ");
	genesis_encode(genesis, p);
	put_hex(out, "bytes", genesis, sizeof(genesis));
	put_next(out);
	put_hash(out, "hash", genesis_hash(p));
	buf_puts(out, "\n  },\n");
}

static void
write_tx(struct buf *out, const struct tx *tx)
{
	uint8_t bytes[TX_SIZE_MAX];
	struct writer w = writer_of(bytes, sizeof(bytes));
	tx_encode(&w, tx);
	put_hex(out, "recipient", tx->recipient.b, sizeof(tx->recipient.b));
	put_next(out);
	put_number(out, "value", tx->value);
	put_next(out);
	put_number(out, tx->version == TX_REWARD ? "height" : "sequence", tx->sequence);
	put_next(out);
	put_hex(out, "bytes", bytes, writer_len(&w));
	put_next(out);
	put_hash(out, "id", tx_id(tx));
	put_next(out);
	put_hash(out, "leaf", tx_leaf(bytes, writer_len(&w)));
}

static void
write_transfer(struct buf *out, const struct world *w)
{
	struct tx tx = transfer(w, 0, 1, 150000000, 1000, 7);
	static const char memo[] = "\xe9\x80\xa3\xe9\x8e\x96"; /* the name in kanji */
	tx.memo_len = sizeof(memo) - 1;
	memcpy(tx.memo, memo, tx.memo_len);
	tx_resign(&tx, 0);
	struct seckey secret = person_secret(0);
	buf_puts(out, "  \"transfer\": {\n    ");
	put_hex(out, "secret", secret.b, sizeof(secret.b));
	put_next(out);
	put_hex(out, "sender_public_key", tx.sender_key.b, sizeof(tx.sender_key.b));
	put_next(out);
	put_hex(out, "memo", tx.memo, tx.memo_len);
	put_next(out);
	put_number(out, "fee", tx.fee);
	put_next(out);
	put_hex(out, "signature", tx.signature.b, sizeof(tx.signature.b));
	put_next(out);
	write_tx(out, &tx);
	buf_puts(out, "\n  },\n");
}

static void
write_block(struct buf *out, const struct world *w)
{
	struct draft d;
	draft_init(&d, w);
	struct buf bytes;
	buf_init(&bytes);
	draft_encode(&d, &bytes);
	struct u256 work = target_work(d.header.target);
	buf_puts(out, "  \"reward\": {\n    ");
	write_tx(out, &d.txs[0]);
	buf_puts(out, "\n  },\n  \"block_1\": {\n    ");
	put_hash(out, "merkle_root", d.header.merkle_root);
	put_next(out);
	put_number(out, "timestamp", d.header.time_ms);
	put_next(out);
	buf_printf(out, "\"target\": \"%08" PRIx32 "\"", d.header.target);
	put_next(out);
	put_number(out, "nonce", d.header.nonce);
	put_next(out);
	put_hex(out, "header", bytes.data, HEADER_SIZE);
	put_next(out);
	put_hash(out, "hash", header_hash(&d.header));
	put_next(out);
	put_hash(out, "work", u256_to_hash(&work));
	put_next(out);
	put_hex(out, "bytes", bytes.data, bytes.len);
	buf_puts(out, "\n  },\n");
	buf_clear(&bytes);
}

static void
write_retargets(struct buf *out, const struct params *p)
{
	static const struct {
		uint32_t difficulty, parent;
		int64_t late_ms; /* beyond the target interval */
	} rows[] = {
	    {12, 0x1c123456, 0},
	    {12, 0x1c123456, 1},
	    {12, 0x1c123456, -1},
	    {12, 0x1c123456, -20000},
	    {12, 0x1c123456, 12345},
	    {12, 0x1c123456, 1200000},
	    {12, 0x1c123456, 86400000},
	    {12, 0x1c123456, -3000000},
	    {12, 0x1f0fffff, 5000},
	    {12, 0x1f0fffff, -5000},
	    {0, 0x20ffffff, -20000},
	    {12, 0x03000001, -1},
	    {12, 0x03000001, 1000000},
	    {12, 0x1c123456, INT64_C(-400000000000)},
	    {12, 0x04010000, INT64_C(400000000000)},
	    {64, 0x180fffff, 7777777},
	};
	buf_puts(out, "  \"retarget\": [");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct params changed = *p;
		changed.difficulty = rows[i].difficulty;
		uint64_t parent_ms = UINT64_C(1767225620000);
		uint64_t time_ms = (uint64_t)((int64_t)(parent_ms + p->target_interval_ms) + rows[i].late_ms);
		buf_puts(out, i ? ",\n    {" : "\n    {");
		put_number(out, "difficulty", changed.difficulty);
		buf_puts(out, ", ");
		put_number(out, "target_interval", p->target_interval_ms);
		buf_printf(out, ", \"parent_target\": \"%08" PRIx32 "\", ", rows[i].parent);
		put_number(out, "parent_time", parent_ms);
		buf_puts(out, ", ");
		put_number(out, "time", time_ms);
		buf_printf(out, ", \"target\": \"%08" PRIx32 "\"}",
			   target_next(&changed, 1, rows[i].parent, parent_ms, time_ms));
	}
	buf_puts(out, "\n  ]\n");
}

void
vectors_write(struct buf *out)
{
	struct world w;
	struct params p;
	params_default(&p);
	world_init(&w, p.difficulty);
	buf_puts(out, "{\n");
	write_params(out, &w.params);
	write_transfer(out, &w);
	write_block(out, &w);
	write_retargets(out, &w.params);
	buf_puts(out, "}\n");
	world_clear(&w);
}
