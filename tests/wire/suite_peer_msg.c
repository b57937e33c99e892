#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sample.h"
#include "suite.h"
#include "wire/peer_msg.h"

suite_maker suite_peer_msg;

/*
 * Hands `parse` every prefix of a good message, every one-byte change of it and one byte more. Each piece lies in a
 * block of its own size, so that sanitizers see a read past its end.
 */
typedef void message_parse(const uint8_t *bytes, size_t len);

static void
try_piece(message_parse *parse, const uint8_t *bytes, size_t len, size_t flip_at, uint8_t flip)
{
	uint8_t *piece = malloc(len ? len : 1);
	memcpy(piece, bytes, len);
	if (flip_at < len)
		piece[flip_at] ^= flip;
	parse(piece, len);
	free(piece);
}

static void
try_damage(message_parse *parse, const struct buf *good)
{
	const uint8_t *bytes = (const uint8_t *)good->data;
	for (size_t len = 0; len <= good->len + 1; len++) /* the terminator is the byte more */
		try_piece(parse, bytes, len, SIZE_MAX, 0);
	for (size_t at = 0; at < good->len; at++)
		for (unsigned bit = 0; bit < 8; bit++)
			try_piece(parse, bytes, good->len, at, (uint8_t)(1u << bit));
}

static struct hello
sample_hello(void)
{
	struct hello h = {
	    .protocol = PEER_PROTOCOL,
	    .params = sample_params(),
	    .nonce = 0xfedcba9876543210,
	    .node = "ume \xe6\xa2\x85",
	    .software = "rensa/0.1.0",
	    .port = 5000,
	    .advertise = "127.0.0.2:5000",
	    .head = {.work = u256_of(77), .height = 12},
	    .time_ms = 1767225620000,
	};
	h.genesis = genesis_hash(&h.params);
	h.head.hash.b[31] = 9;
	return h;
}

START_TEST(hello_reads_back_as_it_was)
{
	struct hello h = sample_hello(), back;
	struct field_error error;
	struct buf out = {0};
	hello_encode(&out, &h);
	ck_assert_uint_le(out.len, HELLO_SIZE_MAX);
	ck_assert_msg(hello_parse(&back, out.data, out.len, &error), "%s", error.message);
	ck_assert_uint_eq(back.protocol, h.protocol);
	ck_assert_ptr_null(params_difference(&back.params, &h.params));
	ck_assert(hash_equal(&back.genesis, &h.genesis));
	ck_assert_uint_eq(back.nonce, h.nonce);
	ck_assert_str_eq(back.node, h.node);
	ck_assert_str_eq(back.software, h.software);
	ck_assert_uint_eq(back.port, h.port);
	ck_assert_str_eq(back.advertise, h.advertise);
	ck_assert(hash_equal(&back.head.hash, &h.head.hash));
	ck_assert_int_eq(u256_compare(&back.head.work, &h.head.work), 0);
	ck_assert_uint_eq(back.head.height, h.head.height);
	ck_assert_uint_eq(back.time_ms, h.time_ms);
	buf_clear(&out);
}
END_TEST

START_TEST(hello_of_another_network_parses_so_that_the_parameter_can_be_named)
{
	struct hello h = sample_hello(), back;
	struct params ours = h.params;
	struct field_error error;
	struct buf out = {0};
	h.params.reward *= 2;
	h.genesis = genesis_hash(&h.params);
	hello_encode(&out, &h);
	ck_assert(hello_parse(&back, out.data, out.len, &error));
	struct hash256 our_genesis = genesis_hash(&ours);
	ck_assert(!hash_equal(&back.genesis, &our_genesis));
	ck_assert_str_eq(params_difference(&ours, &back.params), "reward");
	buf_clear(&out);
}
END_TEST

static const struct {
	const char *from, *to, *code, *says;
} hello_edits[] = {
    {"\"protocol\":1", "\"protocol\":2", "unsupported-protocol", "protocol 2"},
    {"\"protocol\":1,", "", "missing-field", "protocol"},
    {"\"nonce\":\"f", "\"nonce\":\"", "bad-value", "nonce"},
    {"\"port\":5000", "\"port\":65536", "bad-value", "port must be at most 65535"},
    {"\"port\":5000", "\"port\":-1", "bad-value", "port"},
    {"\"node\":\"", "\"node\":\"\\u001b[2J", "bad-value", "node"},
    {"\"node\":\"", "\"node\":\"0123456789012345678901234567890123456789012345678901234567", "bad-value", "node"},
    {"\"advertise\":\"", "\"advertise\":\"\\n", "bad-value", "advertise"},
    {"\"head\":{", "\"head\":1,\"x\":{", "wrong-type", "head"},
    {"\"work\":\"0", "\"work\":\"", "bad-value", "work"},
    {"\"height\":12", "\"height\":9007199254740992", "bad-value", "height"},
    {"\"parameters\":", "\"parameter\":", "missing-field", "parameters"},
    {"\"difficulty\":12", "\"difficulty\":65", "bad-value", "difficulty"},
    {"{\"protocol\"", "\"protocol\"", "malformed-json", "line 1"},
};

static void
hello_edited(struct buf *out, const char *from, const char *to)
{
	struct hello h = sample_hello();
	struct buf whole = {0};
	hello_encode(&whole, &h);
	char *at = strstr(whole.data, from);
	ck_assert_msg(at != NULL, "%s is not in %s", from, whole.data);
	buf_append(out, whole.data, (size_t)(at - whole.data));
	buf_puts(out, to);
	buf_puts(out, at + strlen(from));
	buf_clear(&whole);
}

START_TEST(refuses_a_hello_and_names_the_field)
{
	struct hello back;
	struct field_error error;
	struct buf out = {0};
	hello_edited(&out, hello_edits[_i].from, hello_edits[_i].to);
	ck_assert_msg(!hello_parse(&back, out.data, out.len, &error), "accepted: %s", out.data);
	ck_assert_msg(strcmp(error.code, hello_edits[_i].code) == 0, "%s: %s", error.code, error.message);
	ck_assert_msg(strstr(error.message, hello_edits[_i].says) != NULL, "%s", error.message);
	buf_clear(&out);
}
END_TEST

START_TEST(a_node_name_may_have_64_bytes)
{
	struct hello back;
	struct field_error error;
	struct buf out = {0};
	hello_edited(&out, "\"node\":\"", "\"node\":\"012345678901234567890123456789012345678901234567890123456");
	ck_assert_msg(hello_parse(&back, out.data, out.len, &error), "%s", error.message);
	ck_assert_uint_eq(strlen(back.node), 64);
	buf_clear(&out);
}
END_TEST

START_TEST(passes_over_members_that_a_later_version_may_add)
{
	struct hello back;
	struct field_error error;
	struct buf out = {0};
	hello_edited(&out, "\"port\":5000", "\"port\":5000,\"lanes\":[1]");
	ck_assert(hello_parse(&back, out.data, out.len, &error));
	ck_assert_uint_eq(back.port, 5000);
	buf_clear(&out);
}
END_TEST

START_TEST(refuses_a_hello_beyond_its_cap_unread)
{
	struct hello back;
	struct field_error error;
	struct buf out = {0};
	hello_edited(&out, "\"port\":5000", "\"port\":5000");
	while (out.len <= HELLO_SIZE_MAX)
		buf_putc(&out, ' ');
	ck_assert(!hello_parse(&back, out.data, out.len, &error));
	ck_assert_ptr_nonnull(strstr(error.message, "at most 8192 bytes"));
	ck_assert(hello_parse(&back, out.data, out.len - 1, &error));
	buf_clear(&out);
}
END_TEST

static void
hello_piece(const uint8_t *bytes, size_t len)
{
	struct hello back;
	struct field_error error = {0};
	if (!hello_parse(&back, bytes, len, &error))
		ck_assert(error.code != NULL && error.message[0] != '\0');
}

START_TEST(damaged_hellos_are_refused_with_a_reason_or_read)
{
	struct hello h = sample_hello();
	struct buf out = {0};
	hello_encode(&out, &h);
	try_damage(hello_piece, &out);
	buf_clear(&out);
}
END_TEST

static struct buf
sample_hashes(size_t count)
{
	struct hash256 hashes[BLOCKS_MAX + 1];
	struct buf out = {0};
	ck_assert_uint_le(count, ARRAY_LEN(hashes));
	for (size_t i = 0; i < count; i++)
		memset(hashes[i].b, (int)i, sizeof(hashes[i].b));
	hashes_encode(&out, hashes, count);
	return out;
}

START_TEST(hashes_read_back_up_to_their_cap)
{
	static const size_t counts[] = {0, 1, LOCATOR_MAX, LOCATOR_MAX + 1};
	struct hash256 back[LOCATOR_MAX];
	size_t count;
	for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
		struct buf out = sample_hashes(counts[i]);
		ck_assert_uint_eq(out.len, 2 + 32 * counts[i]);
		enum err e = hashes_parse(back, &count, LOCATOR_MAX, out.data, out.len);
		ck_assert_int_eq(e, counts[i] > LOCATOR_MAX ? ERR_LIMIT : OK);
		ck_assert_uint_eq(count, counts[i] > LOCATOR_MAX ? 0 : counts[i]);
		for (size_t k = 0; k < count; k++)
			ck_assert_mem_eq(back[k].b, out.data + 2 + 32 * k, 32);
		buf_clear(&out);
	}
}
END_TEST

static void
hashes_piece(const uint8_t *bytes, size_t len)
{
	struct hash256 back[LOCATOR_MAX];
	size_t count;
	enum err e = hashes_parse(back, &count, LOCATOR_MAX, bytes, len);
	if (e == OK)
		ck_assert_uint_eq(len, 2 + 32 * count);
	else
		ck_assert_uint_eq(count, 0);
}

static void
headers_piece(const uint8_t *bytes, size_t len)
{
	const uint8_t *first;
	size_t count;
	enum err e = headers_parse(&first, &count, bytes, len);
	if (e == OK)
		ck_assert_uint_eq(len, 2 + HEADER_SIZE * count);
	else
		ck_assert_uint_eq(count, 0);
}

START_TEST(headers_read_back_up_to_their_cap)
{
	struct buf out = {0};
	const uint8_t *first;
	size_t count;
	uint8_t header[HEADER_SIZE];
	headers_begin(&out);
	ck_assert_int_eq(headers_parse(&first, &count, out.data, out.len), OK);
	ck_assert_uint_eq(count, 0);
	for (size_t i = 0; i < HEADERS_MAX; i++) {
		memset(header, (int)i, sizeof(header));
		headers_add(&out, header);
	}
	ck_assert_int_eq(headers_parse(&first, &count, out.data, out.len), OK);
	ck_assert_uint_eq(count, HEADERS_MAX);
	ck_assert_ptr_eq(first, out.data + 2);
	ck_assert_mem_eq(first + (HEADERS_MAX - 1) * HEADER_SIZE, header, HEADER_SIZE);
	/* one more than the cap, with its bytes */
	buf_append(&out, header, sizeof(header));
	out.data[0] = (char)((HEADERS_MAX + 1) >> 8);
	out.data[1] = (char)((HEADERS_MAX + 1) & 0xff);
	ck_assert_int_eq(headers_parse(&first, &count, out.data, out.len), ERR_LIMIT);
	buf_clear(&out);
}
END_TEST

static void
blocks_piece(const uint8_t *bytes, size_t len)
{
	struct reader r;
	size_t count, size, seen = 0, sum = 2;
	const uint8_t *at;
	enum err e = blocks_open(&r, &count, bytes, len);
	if (e != OK) {
		ck_assert_uint_eq(count, 0);
		return;
	}
	while (blocks_next(&r, &at, &size)) {
		struct block b;
		(void)!block_parse(&b, at, size);
		seen++;
		sum += 4 + size;
	}
	ck_assert(!r.failed);
	ck_assert_uint_eq(seen, count);
	ck_assert_uint_eq(sum, len);
}

START_TEST(blocks_read_back_in_order)
{
	struct buf bytes = {0}, out = {0};
	struct block b;
	sample_block(&bytes, &b);
	blocks_begin(&out);
	blocks_add(&out, bytes.data, bytes.len);
	blocks_add(&out, bytes.data, BLOCK_PREFIX_SIZE);
	struct reader r;
	size_t count, size;
	const uint8_t *at;
	ck_assert_int_eq(blocks_open(&r, &count, out.data, out.len), OK);
	ck_assert_uint_eq(count, 2);
	ck_assert(blocks_next(&r, &at, &size));
	ck_assert_uint_eq(size, bytes.len);
	ck_assert_mem_eq(at, bytes.data, size);
	ck_assert(blocks_next(&r, &at, &size));
	ck_assert_uint_eq(size, BLOCK_PREFIX_SIZE);
	ck_assert(!blocks_next(&r, &at, &size));
	ck_assert(!r.failed);
	buf_clear(&bytes);
	buf_clear(&out);
}
END_TEST

static const struct {
	const char *bytes;
	size_t len;
	enum err err;
} bad_blocks[] = {
    {"", 0, ERR_FORMAT},
    {"\0", 1, ERR_FORMAT},
    {"\0\1", 2, ERR_FORMAT},		      /* no block */
    {"\0\1\0\0\0\2x", 7, ERR_FORMAT},	      /* a byte short */
    {"\0\1\0\0\0\1xx", 8, ERR_FORMAT},	      /* a byte left over */
    {"\0\0\0\0\0\1x", 7, ERR_FORMAT},	      /* one more than counted */
    {"\0\2\0\0\0\1x", 7, ERR_FORMAT},	      /* one less than counted */
    {"\0\1\xff\xff\xff\xffx", 7, ERR_FORMAT}, /* a length beyond everything */
    {"\2\1", 2, ERR_LIMIT},		      /* 513 blocks */
};

START_TEST(refuses_blocks_whose_frame_is_wrong)
{
	struct reader r;
	size_t count;
	ck_assert_int_eq(blocks_open(&r, &count, bad_blocks[_i].bytes, bad_blocks[_i].len), bad_blocks[_i].err);
	ck_assert_uint_eq(count, 0);
}
END_TEST

START_TEST(refuses_a_block_above_the_limit_of_the_protocol)
{
	struct buf out = {0};
	struct reader r;
	size_t count, size = BLOCK_BYTES_LIMIT + 1;
	char *zeros = calloc(1, size);
	ck_assert_ptr_nonnull(zeros);
	blocks_begin(&out);
	blocks_add(&out, zeros, size);
	ck_assert_int_eq(blocks_open(&r, &count, out.data, out.len), ERR_LIMIT);
	blocks_begin(&out);
	blocks_add(&out, zeros, size - 1);
	ck_assert_int_eq(blocks_open(&r, &count, out.data, out.len), OK);
	free(zeros);
	buf_clear(&out);
}
END_TEST

START_TEST(damaged_binary_messages_are_refused_or_whole)
{
	struct buf out = sample_hashes(3);
	try_damage(hashes_piece, &out);
	buf_clear(&out);

	headers_begin(&out);
	for (int i = 0; i < 3; i++)
		headers_add(&out, (const uint8_t[HEADER_SIZE]){1});
	try_damage(headers_piece, &out);
	buf_clear(&out);

	struct buf bytes = {0};
	struct block b;
	sample_block(&bytes, &b);
	blocks_begin(&out);
	blocks_add(&out, bytes.data, bytes.len);
	blocks_add(&out, bytes.data, BLOCK_PREFIX_SIZE);
	try_damage(blocks_piece, &out);
	buf_clear(&bytes);
	buf_clear(&out);
}
END_TEST

Suite *
suite_peer_msg(void)
{
	Suite *s;
	TCase *tc = suite_case(&s, "peer_msg", 30);
	tcase_add_test(tc, hello_reads_back_as_it_was);
	tcase_add_test(tc, hello_of_another_network_parses_so_that_the_parameter_can_be_named);
	tcase_add_loop_test(tc, refuses_a_hello_and_names_the_field, 0, ARRAY_LEN(hello_edits));
	tcase_add_test(tc, a_node_name_may_have_64_bytes);
	tcase_add_test(tc, passes_over_members_that_a_later_version_may_add);
	tcase_add_test(tc, refuses_a_hello_beyond_its_cap_unread);
	tcase_add_test(tc, damaged_hellos_are_refused_with_a_reason_or_read);
	tcase_add_test(tc, hashes_read_back_up_to_their_cap);
	tcase_add_test(tc, headers_read_back_up_to_their_cap);
	tcase_add_test(tc, blocks_read_back_in_order);
	tcase_add_loop_test(tc, refuses_blocks_whose_frame_is_wrong, 0, ARRAY_LEN(bad_blocks));
	tcase_add_test(tc, refuses_a_block_above_the_limit_of_the_protocol);
	tcase_add_test(tc, damaged_binary_messages_are_refused_or_whole);
	return s;
}
