/* The quick way against the other one: it may decline what that takes, but never take what that refuses or reads otherwise. */
#include "wire/tx_scan.h"

#include <stdlib.h>
#include <string.h>

#include "sample.h"
#include "suite.h"
#include "wire/views.h"

suite_maker suite_tx_scan;

#define ADDRESS_VERSION 60
#define MUTATIONS 60000

static void
tx_assert_equal(const struct tx *a, const struct tx *b)
{
	uint8_t left[TX_SIZE_MAX], right[TX_SIZE_MAX];
	struct writer l = writer_of(left, sizeof(left)), r = writer_of(right, sizeof(right));
	tx_encode(&l, a);
	tx_encode(&r, b);
	ck_assert_uint_eq(writer_len(&l), writer_len(&r));
	ck_assert_mem_eq(left, right, writer_len(&l));
}

/* A transfer whose memo needs no escapes. */
static struct tx
plain_transfer(uint64_t sequence)
{
	struct tx tx = sample_transfer();
	struct seckey secret = {{[31] = 1}};
	static const char memo[] = "two teas \xe2\x98\x83";
	tx.sequence = sequence;
	tx.memo_len = sizeof(memo) - 1;
	memcpy(tx.memo, memo, tx.memo_len);
	ck_assert_int_eq(tx_sign(&tx, &secret), OK);
	return tx;
}

static void
transfer_write(struct buf *out, const struct tx *tx)
{
	struct jout j = jout_to(out);
	view_tx(&j, tx, ADDRESS_VERSION);
}

/* In memory of its own size, so that sanitizers see a read past the end. */
static bool
scan_one(struct tx *tx, struct hash256 *id, const char *text, size_t len)
{
	char *own = malloc(len + (len == 0));
	ck_assert_ptr_nonnull(own);
	memcpy(own, text, len);
	struct tx_scan s = tx_scan_of(own, len, ADDRESS_VERSION);
	bool ok = tx_scan_next(&s, tx, id) && !s.is_list;
	struct tx second;
	struct hash256 second_id;
	ck_assert(!ok || !tx_scan_next(&s, &second, &second_id));
	ok = ok && tx_scan_is_whole(&s);
	ck_assert(!ok || tx_scan_count(own, len) >= 1);
	free(own);
	return ok;
}

/* True: it was taken, and so it was by the other way, with the same outcome. */
static bool
is_taken(const char *text, size_t len)
{
	char reason[JSON_ERROR_SIZE];
	struct field_error error;
	struct hash256 id, other_id;
	struct tx tx, other;
	if (!scan_one(&tx, &id, text, len))
		return false;
	struct jdoc *d = jdoc_parse(text, len, reason);
	ck_assert_msg(d != NULL, "%s: %.*s", reason, (int)len, text);
	ck_assert_msg(view_tx_parse(&other, jdoc_root(d), ADDRESS_VERSION, &error), "%s: %.*s", error.message, (int)len,
		      text);
	jdoc_free(d);
	tx_assert_equal(&tx, &other);
	other_id = tx_id(&other);
	ck_assert(hash_equal(&id, &other_id));
	return true;
}

static void
replace(struct buf *out, const char *whole, const char *from, const char *to)
{
	const char *at = strstr(whole, from);
	ck_assert_msg(at != NULL, "%s is not in %s", from, whole);
	buf_reset(out);
	buf_append(out, whole, (size_t)(at - whole));
	buf_puts(out, to);
	buf_puts(out, at + strlen(from));
}

START_TEST(takes_what_wallets_send)
{
	struct buf out = {0};
	for (uint64_t sequence = 0; sequence < 12; sequence++) {
		struct tx tx = plain_transfer(sequence);
		struct hash256 id = tx_id(&tx), read_id;
		struct tx read;
		buf_reset(&out);
		transfer_write(&out, &tx);
		ck_assert(scan_one(&read, &read_id, out.data, out.len));
		tx_assert_equal(&read, &tx);
		ck_assert(hash_equal(&read_id, &id));
		ck_assert(is_taken(out.data, out.len));
	}
	buf_clear(&out);
}
END_TEST

static const struct {
	const char *from, *to;
} fine_edits[] = {
    {"{", " \t\r\n{ "},
    {"}", " } \n"},
    {"\"fee\":3", "\n\t\"fee\" : 3 "},
    {"\"version\":1,\"network\"", "\"network\""}, /* with the next: members in another order */
};

START_TEST(takes_spaces_and_any_order_of_members)
{
	struct tx tx = plain_transfer(5);
	struct buf whole = {0}, out = {0};
	transfer_write(&whole, &tx);
	for (size_t i = 0; i < ARRAY_LEN(fine_edits); i++) {
		replace(&out, whole.data, fine_edits[i].from, fine_edits[i].to);
		buf_reset(&whole);
		buf_append(&whole, out.data, out.len);
	}
	replace(&out, whole.data, "\"memo\"", "\"version\":1,\"memo\"");
	ck_assert(is_taken(out.data, out.len));
	buf_clear(&whole);
	buf_clear(&out);
}
END_TEST

START_TEST(takes_a_transfer_without_its_id)
{
	struct tx tx = plain_transfer(5);
	struct buf whole = {0}, out = {0};
	transfer_write(&whole, &tx);
	buf_puts(&out, "{");
	buf_puts(&out, strstr(whole.data, "\"version\""));
	ck_assert(is_taken(out.data, out.len));
	buf_clear(&whole);
	buf_clear(&out);
}
END_TEST

/* Each is either no document, or no transfer, or read in another way than it looks. */
static const struct {
	const char *from, *to;
} odd_edits[] = {
    {"\"fee\":3", "\"fees\":3"},
    {"\"fee\":3", "\"fee\":3,\"colour\":1"},
    {"\"fee\":3", "\"fee\":3,\"fee\":3"},
    {"\"fee\":3,", ""},
    {"\"fee\":3,", "\"fee\":3,,"},
    {"\"fee\":3,", "\"fee\":3"},
    {"\"fee\":3", "\"f\\u0065e\":3"},
    {"\"version\":1", "\"version\":0"},
    {"\"version\":1", "\"version\":257"},
    {"\"value\":7", "\"value\":7.0"},
    {"\"value\":7", "\"value\":7e0"},
    {"\"value\":7", "\"value\":07"},
    {"\"value\":7", "\"value\":+7"},
    {"\"value\":7", "\"value\":-7"},
    {"\"value\":7", "\"value\":"},
    {"\"value\":7", "\"value\":\"7\""},
    {"\"value\":7", "\"value\":null"},
    {"\"value\":7", "\"value\":9007199254740992"},
    {"\"value\":7", "\"value\":18446744073709551623"}, /* 2^64 + 7 */
    {"\"value\":7", "\"value\":8"},		       /* not what the id says */
    {"\"memo\":\"two", "\"memo\":\"\\u0074wo"},
    {"\"memo\":\"two", "\"memo\":\"t\nwo"},
    {"\"memo\":\"two", "\"memo\":\"\xff"},
    {"\"memo\":\"two", "\"memo\":\"\xed\xa0\x80"},
    {"\"sender_public_key\":\"02", "\"sender_public_key\":\"03"},
    {"\"sender_public_key\":\"02", "\"sender_public_key\":\"0G"},
    {"\"sender_public_key\":\"02", "\"sender_public_key\":\"02 "},
    {"\"network\":\"", "\"network\":\"A"},
    {"\"id\":\"", "\"id\":\"0"},
    {"\"recipient_blockchain_address\":\"R", "\"recipient_blockchain_address\":\"0"},
    {"\"recipient_blockchain_address\":\"R", "\"recipient_blockchain_address\":\"RRRRRRRRRRRRRRRRRRRRRRRRRRRR"},
    {"\"sender_blockchain_address\":\"R", "\"sender_blockchain_address\":\""},
    {"}", "},"},
    {"}", "}{"},
    {"}", "}]"},
    {"}", ",}"},
    {"}", ""},
    {"{", ""},
    {"{", "{{"},
    {"{", "\xef\xbb\xbf{"},
    {"{", "[[{"},
};

START_TEST(declines_what_is_odd)
{
	struct tx tx = plain_transfer(5), read;
	struct hash256 id;
	struct buf whole = {0}, out = {0};
	transfer_write(&whole, &tx);
	replace(&out, whole.data, odd_edits[_i].from, odd_edits[_i].to);
	ck_assert_msg(!scan_one(&read, &id, out.data, out.len), "taken: %s", out.data);
	buf_clear(&whole);
	buf_clear(&out);
}
END_TEST

START_TEST(declines_every_beginning)
{
	struct tx tx = plain_transfer(5), read;
	struct hash256 id;
	struct buf whole = {0};
	transfer_write(&whole, &tx);
	for (size_t len = 0; len < whole.len; len++)
		ck_assert(!scan_one(&read, &id, whole.data, len));
	buf_clear(&whole);
}
END_TEST

static void
list_write(struct buf *out, size_t count, const char *between)
{
	buf_puts(out, " [");
	for (size_t i = 0; i < count; i++) {
		struct tx tx = plain_transfer(i);
		if (i > 0)
			buf_puts(out, between);
		transfer_write(out, &tx);
	}
	buf_puts(out, "]\n");
}

static bool
scan_list(const struct buf *text, size_t *count)
{
	struct tx_scan s = tx_scan_of(text->data, text->len, ADDRESS_VERSION);
	struct hash256 id;
	struct tx tx;
	ck_assert(s.is_list);
	for (*count = 0; tx_scan_next(&s, &tx, &id); (*count)++) {
		struct tx expected = plain_transfer(*count);
		tx_assert_equal(&tx, &expected);
	}
	ck_assert_uint_le(*count, tx_scan_count(text->data, text->len));
	return tx_scan_is_whole(&s);
}

START_TEST(takes_a_list_in_order)
{
	struct buf text = {0};
	size_t count;
	list_write(&text, 5, " , ");
	ck_assert(scan_list(&text, &count));
	ck_assert_uint_eq(count, 5);
	ck_assert_uint_eq(tx_scan_count(text.data, text.len), 5);
	buf_clear(&text);
}
END_TEST

START_TEST(declines_a_list_with_anything_else)
{
	static const char *const betweens[] = {",,", "", "],[", ",1,", ",null,", ",{},", "}"};
	struct buf text = {0};
	size_t count;
	for (size_t i = 0; i < ARRAY_LEN(betweens); i++) {
		buf_reset(&text);
		list_write(&text, 2, betweens[i]);
		ck_assert_msg(!scan_list(&text, &count), "%s", text.data);
	}
	/* What follows the list. */
	buf_reset(&text);
	list_write(&text, 2, ",");
	buf_puts(&text, "]");
	ck_assert(!scan_list(&text, &count));
	/* A list of nothing is the other way's to judge. */
	buf_reset(&text);
	buf_puts(&text, "[]");
	ck_assert(!scan_list(&text, &count));
	ck_assert_uint_eq(count, 0);
	buf_clear(&text);
	ck_assert_uint_eq(tx_scan_count(NULL, 0), 0);
}
END_TEST

static uint32_t
draw(uint32_t *state, uint32_t below)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state % below;
}

/* Some bytes replaced, left out, put in or said twice. */
static void
mutate(struct buf *out, const struct buf *from, uint32_t *state)
{
	static const char bytes[] = "{}[],:\"\\ \n\t0123456789abcdef-+.eE\x01\x7f\x80\xbf\xc2\xe2\xed\xf0\xff/nulltrue";
	size_t at = draw(state, (uint32_t)from->len), span = 1 + draw(state, draw(state, 4) == 0 ? 80 : 3);
	char byte = draw(state, 4) == 0 ? (char)draw(state, 256) : bytes[draw(state, sizeof(bytes))];
	if (span > from->len - at)
		span = from->len - at;
	buf_reset(out);
	buf_append(out, from->data, at);
	switch (draw(state, 4)) {
	case 0:
		buf_append(out, &byte, 1);
		buf_append(out, from->data + at + 1, from->len - at - 1);
		break;
	case 1:
		buf_append(out, from->data + at + span, from->len - at - span);
		break;
	case 2:
		buf_append(out, &byte, 1);
		buf_append(out, from->data + at, from->len - at);
		break;
	default:
		buf_append(out, from->data + at, span);
		buf_append(out, from->data + at, from->len - at);
		break;
	}
}

START_TEST(never_takes_what_the_other_way_reads_otherwise)
{
	/* Without an id much more remains a transfer. */
	struct tx tx = plain_transfer(5);
	struct buf whole = {0}, base = {0}, out = {0};
	uint32_t state = 2463534242, taken = 0;
	transfer_write(&whole, &tx);
	buf_puts(&base, "{");
	buf_puts(&base, strstr(whole.data, "\"version\""));
	for (int i = 0; i < MUTATIONS; i++) {
		mutate(&out, &base, &state);
		taken += is_taken(out.data, out.len);
	}
	/* Digits of the signature, of amounts, of the memo: those are other transfers, and fine. */
	ck_assert_uint_gt(taken, MUTATIONS / 100);
	buf_clear(&whole);
	buf_clear(&base);
	buf_clear(&out);
}
END_TEST

Suite *
suite_tx_scan(void)
{
	Suite *s;
	TCase *tc = suite_case(&s, "tx_scan", 60);
	tcase_add_test(tc, takes_what_wallets_send);
	tcase_add_test(tc, takes_spaces_and_any_order_of_members);
	tcase_add_test(tc, takes_a_transfer_without_its_id);
	tcase_add_loop_test(tc, declines_what_is_odd, 0, ARRAY_LEN(odd_edits));
	tcase_add_test(tc, declines_every_beginning);
	tcase_add_test(tc, takes_a_list_in_order);
	tcase_add_test(tc, declines_a_list_with_anything_else);
	tcase_add_test(tc, never_takes_what_the_other_way_reads_otherwise);
	return s;
}
