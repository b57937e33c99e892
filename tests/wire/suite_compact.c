#include <stdlib.h>
#include <string.h>

#include "chain/merkle.h"
#include "sample.h"
#include "suite.h"
#include "wire/peer_msg.h"

suite_maker suite_compact;

/* A block of the sample's reward and some transfers, compact. */
struct made {
	struct buf bytes, compact;
	struct block block;
};

static void
append(struct buf *out, const struct tx *tx)
{
	uint8_t bytes[TX_SIZE_MAX];
	struct writer w = writer_of(bytes, sizeof(bytes));

	tx_encode(&w, tx);
	buf_append(out, bytes, writer_len(&w));
}

static void
made_init(struct made *m, uint32_t transfers)
{
	struct tx reward = sample_reward(), tx = sample_transfer();
	struct header h = {.version = BLOCK_VERSION, .height = 9, .target = 0x1f0fffff};

	*m = (struct made){0};
	block_begin(&m->bytes, &h, 1 + transfers);
	append(&m->bytes, &reward);
	for (uint32_t i = 0; i < transfers; i++) {
		tx.sequence = i;
		append(&m->bytes, &tx);
	}
	ck_assert_int_eq(block_parse(&m->block, m->bytes.data, m->bytes.len), RULE_OK);
	ck_assert(compact_encode(&m->compact, &m->block));
}

static void
made_clear(struct made *m)
{
	buf_clear(&m->bytes);
	buf_clear(&m->compact);
}

START_TEST(compact_block_reads_back)
{
	static const uint32_t counts[] = {0, 1, 2, 50};

	for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
		struct block_iter it;
		struct compact c;
		struct made m;
		enum rule rule;
		struct tx tx;

		made_init(&m, counts[i]);
		ck_assert_uint_eq(m.compact.len, COMPACT_PREFIX_SIZE + counts[i] * COMPACT_NAME_SIZE);
		ck_assert_int_eq(compact_parse(&c, m.compact.data, m.compact.len), OK);
		ck_assert(hash_equal(&c.hash, &m.block.hash));
		ck_assert_uint_eq(c.header.height, 9);
		ck_assert_uint_eq(c.tx_count, 1 + counts[i]);
		it = block_txs(&m.block);
		for (uint32_t k = 0; block_next(&it, &tx, &rule); k++) {
			struct hash256 id = tx_id(&tx), named;
			if (k == 0) {
				ck_assert_mem_eq(c.reward, it.bytes, it.size);
				continue;
			}
			compact_id(&named, &c, k);
			ck_assert(hash_equal(&named, &id));
			ck_assert(compact_is_named(&c, k, it.bytes, it.size));
		}
		made_clear(&m);
	}
}
END_TEST

START_TEST(only_the_very_bytes_are_what_a_name_means)
{
	struct made m;
	struct compact c;
	uint8_t bytes[TX_SIZE_MAX];
	size_t size;

	made_init(&m, 2);
	ck_assert_int_eq(compact_parse(&c, m.compact.data, m.compact.len), OK);
	struct reader r = reader_of(m.block.bytes + BLOCK_PREFIX_SIZE + TX_REWARD_SIZE, m.block.size);
	size = tx_span(&r);
	memcpy(bytes, r.at, size);
	ck_assert(compact_is_named(&c, 1, bytes, size));
	ck_assert(!compact_is_named(&c, 2, bytes, size));
	ck_assert(!compact_is_named(&c, 1, bytes, size - 1));
	ck_assert(!compact_is_named(&c, 1, bytes, 0));
	ck_assert(!compact_is_named(&c, 1, c.reward, TX_REWARD_SIZE));
	/* The id does not cover the signature; the check does. */
	bytes[size - 1] ^= 1;
	ck_assert(!compact_is_named(&c, 1, bytes, size));
	made_clear(&m);
}
END_TEST

START_TEST(blocks_without_their_reward_have_no_compact_form)
{
	struct tx reward = sample_reward(), tx = sample_transfer();
	struct header h = {.version = BLOCK_VERSION};
	struct buf bytes = {0}, out = {0};
	struct block b;

	block_begin(&bytes, &h, 0);
	ck_assert_int_eq(block_parse(&b, bytes.data, bytes.len), RULE_OK);
	ck_assert(!compact_encode(&out, &b));
	buf_reset(&bytes);
	block_begin(&bytes, &h, 1);
	append(&bytes, &tx);
	ck_assert_int_eq(block_parse(&b, bytes.data, bytes.len), RULE_OK);
	ck_assert(!compact_encode(&out, &b));
	buf_reset(&bytes);
	block_begin(&bytes, &h, 2);
	append(&bytes, &reward);
	append(&bytes, &reward);
	ck_assert_int_eq(block_parse(&b, bytes.data, bytes.len), RULE_OK);
	ck_assert(!compact_encode(&out, &b));
	buf_clear(&bytes);
	buf_clear(&out);
}
END_TEST

START_TEST(refuses_compact_blocks_that_are_cut_or_lie_about_their_count)
{
	struct made m;
	struct compact c;

	made_init(&m, 3);
	for (size_t len = 0; len < m.compact.len; len++) {
		/* In a piece of its own size, so that sanitizers see a read past its end. */
		uint8_t *piece = malloc(len ? len : 1);
		memcpy(piece, m.compact.data, len);
		ck_assert_int_eq(compact_parse(&c, piece, len), ERR_FORMAT);
		free(piece);
	}
	ck_assert_int_eq(compact_parse(&c, m.compact.data, m.compact.len + 1), ERR_FORMAT);
	uint8_t *count = (uint8_t *)m.compact.data + HEADER_SIZE;
	static const struct {
		uint8_t count[4];
		enum err err;
	} rows[] = {
	    {{0, 0, 0, 0}, ERR_FORMAT},
	    {{0, 0, 0, 3}, ERR_FORMAT},
	    {{0, 0, 0, 5}, ERR_FORMAT},
	    {{0xff, 0xff, 0xff, 0xff}, ERR_LIMIT},
	    {{0, 0, (COMPACT_TXS_MAX + 1) >> 8, (COMPACT_TXS_MAX + 1) & 0xff}, ERR_LIMIT},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		memcpy(count, rows[i].count, 4);
		ck_assert_int_eq(compact_parse(&c, m.compact.data, m.compact.len), rows[i].err);
	}
	memcpy(count, "\0\0\0\4", 4);
	ck_assert_int_eq(compact_parse(&c, m.compact.data, m.compact.len), OK);
	m.compact.data[BLOCK_PREFIX_SIZE] = TX_TRANSFER;
	ck_assert_int_eq(compact_parse(&c, m.compact.data, m.compact.len), ERR_FORMAT);
	made_clear(&m);
}
END_TEST

START_TEST(positions_read_back_and_must_rise)
{
	static const struct {
		uint16_t positions[4];
		size_t count;
		enum err err;
	} rows[] = {
	    {{0}, 0, OK},
	    {{0}, 1, OK},
	    {{0, 1, 2, 3}, 4, OK},
	    {{7, 500, 65535}, 3, OK},
	    {{1, 1}, 2, ERR_FORMAT},
	    {{2, 1}, 2, ERR_FORMAT},
	    {{0, 1, 2, 0}, 4, ERR_FORMAT},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct hash256 block = {{1, 2}}, back;
		struct buf out = {0};
		uint16_t got[4];
		size_t count;

		positions_encode(&out, rows[i].positions, rows[i].count);
		ck_assert_int_eq(positions_parse(got, &count, 4, out.data, out.len), rows[i].err);
		if (rows[i].err == OK) {
			ck_assert_uint_eq(count, rows[i].count);
			ck_assert_mem_eq(got, rows[i].positions, count * sizeof(got[0]));
			for (size_t len = 0; len < out.len; len++)
				ck_assert_int_eq(positions_parse(got, &count, 4, out.data, len), ERR_FORMAT);
			if (rows[i].count > 0)
				ck_assert_int_eq(positions_parse(got, &count, rows[i].count - 1, out.data, out.len),
						 ERR_LIMIT);
		}
		buf_reset(&out);
		parts_encode(&out, &block, rows[i].positions, rows[i].count);
		ck_assert_int_eq(parts_parse(&back, got, &count, 4, out.data, out.len), rows[i].err);
		if (rows[i].err == OK)
			ck_assert(hash_equal(&back, &block));
		for (size_t len = 0; len < out.len; len++)
			ck_assert_int_ne(parts_parse(&back, got, &count, 4, out.data, len), OK);
		buf_clear(&out);
	}
}
END_TEST

START_TEST(keys_are_the_front_of_hashes)
{
	struct hash256 h = sha256("10.0.0.3:5000", 13);

	ck_assert_uint_eq(peer_key("10.0.0.3:5000"), item_key(&h));
	h = (struct hash256){{1, 2, 3, 4, 5, 6, 7, 8, 9}};
	ck_assert_uint_eq(item_key(&h), 0x0102030405060708);
}
END_TEST

Suite *
suite_compact(void)
{
	Suite *s;
	TCase *tc = suite_case(&s, "compact", 30);

	tcase_add_test(tc, compact_block_reads_back);
	tcase_add_test(tc, only_the_very_bytes_are_what_a_name_means);
	tcase_add_test(tc, blocks_without_their_reward_have_no_compact_form);
	tcase_add_test(tc, refuses_compact_blocks_that_are_cut_or_lie_about_their_count);
	tcase_add_test(tc, positions_read_back_and_must_rise);
	tcase_add_test(tc, keys_are_the_front_of_hashes);
	return s;
}
