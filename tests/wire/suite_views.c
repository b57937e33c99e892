#include <stdio.h>
#include <string.h>

#include "sample.h"
#include "suite.h"
#include "wire/views.h"

suite_maker suite_views;

#define ADDRESS_VERSION 60

static void
transfer_view(struct buf *out, const struct tx *tx)
{
	struct jout j = jout_to(out);
	view_tx(&j, tx, ADDRESS_VERSION);
}

static bool
tx_read(struct tx *tx, struct field_error *error, const char *text, size_t len)
{
	char reason[JSON_ERROR_SIZE];
	struct jdoc *d = jdoc_parse(text, len, reason);
	ck_assert_msg(d != NULL, "%s", reason);
	bool ok = view_tx_parse(tx, jdoc_root(d), ADDRESS_VERSION, error);
	jdoc_free(d);
	return ok;
}

static void
bytes_assert_equal(const struct tx *a, const struct tx *b)
{
	uint8_t left[TX_SIZE_MAX], right[TX_SIZE_MAX];
	struct writer l = writer_of(left, sizeof(left)), r = writer_of(right, sizeof(right));
	tx_encode(&l, a);
	tx_encode(&r, b);
	ck_assert_uint_eq(writer_len(&l), writer_len(&r));
	ck_assert_mem_eq(left, right, writer_len(&l));
}

/* Replaces the only place of `from` in the view of the sample transfer. */
static void
edited_view(struct buf *out, const char *from, const char *to)
{
	struct tx tx = sample_transfer();
	struct buf whole = {0};
	transfer_view(&whole, &tx);
	char *at = strstr(whole.data, from);
	ck_assert_msg(at != NULL, "%s is not in %s", from, whole.data);
	ck_assert_msg(strstr(at + 1, from) == NULL, "%s is twice in %s", from, whole.data);
	buf_append(out, whole.data, (size_t)(at - whole.data));
	buf_puts(out, to);
	buf_puts(out, at + strlen(from));
	buf_clear(&whole);
}

START_TEST(transfer_reads_back_to_the_same_bytes)
{
	struct tx tx = sample_transfer(), back;
	struct field_error error;
	struct buf out = {0};
	transfer_view(&out, &tx);
	ck_assert_msg(tx_read(&back, &error, out.data, out.len), "%s: %s", error.code, error.message);
	bytes_assert_equal(&tx, &back);
	ck_assert_int_eq(tx_check_signature(&back), RULE_OK);
	buf_clear(&out);
}
END_TEST

START_TEST(transfer_without_id_is_accepted)
{
	struct tx tx = sample_transfer(), back;
	struct field_error error;
	char id[HASH_HEX_SIZE], member[HASH_HEX_SIZE + 16];
	struct hash256 hash = tx_id(&tx);
	hash_hex(id, &hash);
	snprintf(member, sizeof(member), "\"id\":\"%s\",", id);
	struct buf out = {0};
	edited_view(&out, member, "");
	ck_assert_msg(tx_read(&back, &error, out.data, out.len), "%s: %s", error.code, error.message);
	bytes_assert_equal(&tx, &back);
	buf_clear(&out);
}
END_TEST

/* One edit of a good transfer each: the code that names it, the rule if it is one, and words of the message. */
static const struct {
	const char *from, *to;
	const char *code;
	enum rule rule;
	const char *says;
} bad_edits[] = {
    {"\"fee\":3", "\"fees\":3", "unknown-field", RULE_OK, "\"fees\"; is \"fee\" meant?"},
    {"\"fee\":3", "\"fee\":3,\"colour\":1", "unknown-field", RULE_OK, "\"colour\""},
    {"\"fee\":3,", "", "missing-field", RULE_OK, "\"fee\""},
    {"\"version\":1,", "", "missing-field", RULE_OK, "\"version\""},
    {"\"sequence\":5,", "", "missing-field", RULE_OK, "\"sequence\""},
    {"\"version\":1", "\"version\":0", "tx-version", RULE_TX_VERSION, "version"},
    {"\"version\":1", "\"version\":257", "tx-version", RULE_TX_VERSION, "version"},
    {"\"version\":1", "\"version\":\"1\"", "wrong-type", RULE_OK, "version must be an integer, not a string"},
    {"\"value\":7", "\"value\":7.0", "wrong-type", RULE_OK, "value must be an integer of base units"},
    {"\"value\":7", "\"value\":7e0", "wrong-type", RULE_OK, "not a decimal number"},
    {"\"value\":7", "\"value\":\"7\"", "wrong-type", RULE_OK, "not a string"},
    {"\"value\":7", "\"value\":true", "wrong-type", RULE_OK, "not true or false"},
    {"\"value\":7", "\"value\":null", "wrong-type", RULE_OK, "not null"},
    {"\"value\":7", "\"value\":[7]", "wrong-type", RULE_OK, "not an array"},
    {"\"value\":7", "\"value\":{}", "wrong-type", RULE_OK, "not an object"},
    {"\"value\":7", "\"value\":-7", "bad-value", RULE_OK, "value must not be negative"},
    {"\"value\":7", "\"value\":9007199254740992", "value-too-large", RULE_VALUE_TOO_LARGE, "2^53"},
    {"\"fee\":3", "\"fee\":9007199254740992", "value-too-large", RULE_VALUE_TOO_LARGE, "2^53"},
    {"\"fee\":3", "\"fee\":-1", "bad-value", RULE_OK, "fee must not be negative"},
    {"\"fee\":3", "\"fee\":0.1", "wrong-type", RULE_OK, "fee must be an integer of base units"},
    {"\"sequence\":5", "\"sequence\":9007199254740992", "sequence-too-large", RULE_SEQUENCE_TOO_LARGE, "2^53"},
    {"\"sequence\":5", "\"sequence\":5.5", "wrong-type", RULE_OK, "sequence must be an integer, not"},
    {"\"memo\":\"two", "\"memo\":1,\"x\":\"two", "unknown-field", RULE_OK, "\"x\""},
    {"\"sender_public_key\":\"02", "\"sender_public_key\":\"", "bad-value", RULE_OK, "sender_public_key must be 66"},
    {"\"sender_public_key\":\"02", "\"sender_public_key\":\"0G", "bad-value", RULE_OK, "lower-case hexadecimal"},
    {"\"sender_public_key\":\"02", "\"sender_public_key\":\"03", "address-mismatch", RULE_OK, "sender_public_key"},
    {"\"signature\":\"", "\"signature\":\"0", "bad-value", RULE_OK, "signature must be 128"},
    {"\"signature\":\"", "\"signature\":\"\\u0000", "bad-value", RULE_OK, "signature must be 128"},
    {"\"}", "\\u0000\"}", "bad-value", RULE_OK, "signature must be 128"},
    {"\",\"value\"", "\\u0000\",\"value\"", "bad-value", RULE_OK, "recipient_blockchain_address is not an address"},
    {"\"network\":\"", "\"network\":\"A", "bad-value", RULE_OK, "network must be 64"},
    {"\"id\":\"", "\"id\":\"0", "bad-value", RULE_OK, "id must be 64"},
    {"\"value\":7", "\"value\":8", "id-mismatch", RULE_OK, "id is not the hash"},
    {"\"recipient_blockchain_address\":\"R", "\"recipient_blockchain_address\":\"0", "bad-value", RULE_OK,
     "recipient_blockchain_address is not an address"},
    {"\"recipient_blockchain_address\":\"R", "\"recipient_blockchain_address\":\"R\\u0000", "bad-value", RULE_OK,
     "recipient_blockchain_address is not an address"},
    {"\"sender_blockchain_address\":\"R", "\"sender_blockchain_address\":\"", "bad-value", RULE_OK,
     "sender_blockchain_address is not an address"},
};

START_TEST(refuses_a_transfer_and_names_the_field)
{
	struct tx back;
	struct field_error error = {0};
	struct buf out = {0};
	edited_view(&out, bad_edits[_i].from, bad_edits[_i].to);
	ck_assert_msg(!tx_read(&back, &error, out.data, out.len), "accepted: %s", out.data);
	ck_assert_msg(strcmp(error.code, bad_edits[_i].code) == 0, "%s: %s", error.code, error.message);
	ck_assert_int_eq(error.rule, bad_edits[_i].rule);
	ck_assert_msg(strstr(error.message, bad_edits[_i].says) != NULL, "%s", error.message);
	buf_clear(&out);
}
END_TEST

START_TEST(refuses_an_address_of_another_network)
{
	struct tx tx = sample_transfer(), back;
	struct field_error error;
	char ours[ADDRESS_TEXT_SIZE], theirs[ADDRESS_TEXT_SIZE];
	address_format(ours, &tx.recipient, ADDRESS_VERSION);
	address_format(theirs, &tx.recipient, 0);
	struct buf out = {0};
	edited_view(&out, ours, theirs);
	ck_assert(!tx_read(&back, &error, out.data, out.len));
	ck_assert_str_eq(error.code, "bad-value");
	ck_assert_ptr_nonnull(strstr(error.message, "another network"));
	buf_clear(&out);
}
END_TEST

/* Memo lengths at the limit, written as JSON and read back. */
START_TEST(a_memo_has_at_most_256_bytes)
{
	struct tx back;
	struct field_error error;
	for (size_t len = MEMO_MAX - 1; len <= MEMO_MAX + 1; len++) {
		struct tx tx = sample_transfer();
		struct buf out = {0}, memo = {0};
		for (size_t i = 0; i < len; i++)
			buf_putc(&memo, 'm');
		tx.memo_len = 0;
		struct buf whole = {0};
		transfer_view(&whole, &tx);
		char *at = strstr(whole.data, "\"memo\":\"");
		ck_assert_ptr_nonnull(at);
		at += strlen("\"memo\":\"");
		buf_append(&out, whole.data, (size_t)(at - whole.data));
		buf_append(&out, memo.data, memo.len);
		buf_puts(&out, at);
		/* The id no longer matches, which is only looked at once everything else is right. */
		ck_assert(!tx_read(&back, &error, out.data, out.len));
		ck_assert_str_eq(error.code, len > MEMO_MAX ? "memo-too-long" : "id-mismatch");
		ck_assert_int_eq(error.rule, len > MEMO_MAX ? RULE_MEMO_TOO_LONG : RULE_OK);
		buf_clear(&whole);
		buf_clear(&memo);
		buf_clear(&out);
	}
}
END_TEST

START_TEST(what_is_no_object_is_no_transfer)
{
	static const char *const texts[] = {"[]", "1", "\"x\"", "null", "true", "{}"};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct tx back;
		struct field_error error;
		ck_assert(!tx_read(&back, &error, texts[i], strlen(texts[i])));
		ck_assert_str_eq(error.code, i == 5 ? "missing-field" : "wrong-type");
	}
}
END_TEST

START_TEST(rules_beyond_the_form_are_left_to_the_rulebook)
{
	/* Value 0 and a foreign network parse, so that their own rules can name them. */
	struct tx tx = sample_transfer(), back;
	struct field_error error;
	tx.value = 0;
	tx.network.b[0] ^= 1;
	struct buf out = {0};
	transfer_view(&out, &tx);
	ck_assert(tx_read(&back, &error, out.data, out.len));
	bytes_assert_equal(&tx, &back);
	buf_clear(&out);
}
END_TEST

START_TEST(a_reward_shows_its_height_and_no_sender)
{
	struct tx tx = sample_reward();
	struct buf out = {0};
	char reason[JSON_ERROR_SIZE];
	transfer_view(&out, &tx);
	struct jdoc *d = jdoc_parse(out.data, out.len, reason);
	const struct jval *v = jdoc_root(d);
	ck_assert_uint_eq(jval_count(v), 11);
	ck_assert_str_eq(jval_str(v, "sender_blockchain_address", ""), "THE BLOCKCHAIN");
	ck_assert_uint_eq(jval_u64(v, "sequence", 0), 9);
	ck_assert_uint_eq(jval_u64(v, "value", 0), COIN + 3);
	ck_assert_uint_eq(jval_u64(v, "fee", 1), 0);
	ck_assert_str_eq(jval_str(v, "memo", "x"), "");
	ck_assert(jval_is_null(jval_get(v, "sender_public_key")));
	ck_assert(jval_is_null(jval_get(v, "signature")));
	jdoc_free(d);
	buf_clear(&out);
}
END_TEST

START_TEST(a_block_shows_its_header_and_every_transaction)
{
	struct params p = sample_params();
	struct buf bytes = {0}, out = {0};
	struct block b;
	char reason[JSON_ERROR_SIZE], hash[HASH_HEX_SIZE];
	sample_block(&bytes, &b);
	struct jout j = jout_to(&out);
	view_block(&j, &b, &p);
	struct jdoc *d = jdoc_parse(out.data, out.len, reason);
	ck_assert_msg(d != NULL, "%s", reason);
	const struct jval *v = jdoc_root(d);
	ck_assert_uint_eq(jval_count(v), 9);
	ck_assert_uint_eq(jval_u64(v, "height", 0), 9);
	hash_hex(hash, &b.hash);
	ck_assert_str_eq(jval_str(v, "hash", ""), hash);
	ck_assert_uint_eq(jval_u64(v, "version", 0), 1);
	hash_hex(hash, &b.header.previous);
	ck_assert_str_eq(jval_str(v, "previous_hash", ""), hash);
	hash_hex(hash, &b.header.merkle_root);
	ck_assert_str_eq(jval_str(v, "merkle_root", ""), hash);
	ck_assert_uint_eq(jval_u64(v, "timestamp", 0), 1767225620000);
	ck_assert_str_eq(jval_str(v, "target", ""), "1f0fffff");
	ck_assert_uint_eq(jval_u64(v, "nonce", 0), 9007199254740991);

	const struct jval *txs = jval_get(v, "transactions");
	ck_assert_uint_eq(jval_count(txs), 2);
	struct tx transfer = sample_transfer(), back;
	struct field_error error;
	ck_assert(view_tx_parse(&back, jval_at(txs, 1), ADDRESS_VERSION, &error));
	bytes_assert_equal(&transfer, &back);
	jdoc_free(d);
	buf_clear(&bytes);
	buf_clear(&out);
}
END_TEST

START_TEST(the_genesis_block_carries_its_parameters)
{
	struct params p = sample_params(), back;
	uint8_t genesis[BLOCK_PREFIX_SIZE];
	struct block b;
	struct buf out = {0};
	struct field_error error;
	char reason[JSON_ERROR_SIZE];
	p.retarget = RETARGET_FIXED;
	genesis_encode(genesis, &p);
	ck_assert_int_eq(block_parse(&b, genesis, sizeof(genesis)), RULE_OK);
	struct jout j = jout_to(&out);
	view_block(&j, &b, &p);
	struct jdoc *d = jdoc_parse(out.data, out.len, reason);
	ck_assert_uint_eq(jval_count(jval_get(jdoc_root(d), "transactions")), 0);
	ck_assert_msg(view_params_parse(&back, jval_get(jdoc_root(d), "parameters"), &error), "%s", error.message);
	ck_assert_ptr_null(params_difference(&p, &back));
	jdoc_free(d);
	buf_clear(&out);
}
END_TEST

#define PARAMS_JSON                                                                                \
	"{\"name\":\"rensa\",\"genesis_time\":1,\"target_interval\":20000,\"retarget\":\"fixed\"," \
	"\"difficulty\":12,\"reward\":1,\"address_version\":60,\"maturity\":0,\"minimum_fee\":0,"  \
	"\"max_block_bytes\":4096}"

static const struct {
	const char *from, *to, *code, *says;
} bad_params[] = {
    {"\"rensa\"", "\"Rensa\"", "bad-value", "name"},
    {"\"rensa\"", "\"\"", "bad-value", "name"},
    {"\"rensa\"", "\"a234567890123456789012345678901234\"", "bad-value", "name"},
    {"\"rensa\"", "\"ren\\nsa\"", "bad-value", "name"},
    {"20000", "99", "bad-value", "target_interval"},
    {"20000", "86400001", "bad-value", "target_interval"},
    {"\"fixed\"", "\"sometimes\"", "bad-value", "retarget"},
    {"\"fixed\"", "1", "wrong-type", "retarget"},
    {":12", ":65", "bad-value", "difficulty"},
    {"\"reward\":1", "\"reward\":9007199254740992", "bad-value", "reward"},
    {":60", ":256", "bad-value", "address_version"},
    {"\"maturity\":0", "\"maturity\":1001", "bad-value", "maturity"},
    {"4096", "1023", "bad-value", "max_block_bytes"},
    {"4096", "4194305", "bad-value", "max_block_bytes"},
    {"\"maturity\":0,", "", "missing-field", "maturity"},
    {"\"maturity\"", "\"maturities\"", "unknown-field", "maturities"},
};

START_TEST(refuses_parameters_out_of_bounds_by_name)
{
	struct params back;
	struct field_error error;
	char text[512], reason[JSON_ERROR_SIZE];
	const char *at = strstr(PARAMS_JSON, bad_params[_i].from);
	ck_assert_ptr_nonnull(at);
	snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - PARAMS_JSON), PARAMS_JSON, bad_params[_i].to,
		 at + strlen(bad_params[_i].from));
	struct jdoc *d = jdoc_parse(text, strlen(text), reason);
	ck_assert_msg(d != NULL, "%s: %s", text, reason);
	ck_assert_msg(!view_params_parse(&back, jdoc_root(d), &error), "accepted: %s", text);
	ck_assert_msg(strcmp(error.code, bad_params[_i].code) == 0, "%s: %s", error.code, error.message);
	ck_assert_msg(strstr(error.message, bad_params[_i].says) != NULL, "%s", error.message);
	jdoc_free(d);
}
END_TEST

Suite *
suite_views(void)
{
	Suite *s;
	TCase *tc = suite_case(&s, "views", 10);
	tcase_add_test(tc, transfer_reads_back_to_the_same_bytes);
	tcase_add_test(tc, transfer_without_id_is_accepted);
	tcase_add_loop_test(tc, refuses_a_transfer_and_names_the_field, 0, ARRAY_LEN(bad_edits));
	tcase_add_test(tc, refuses_an_address_of_another_network);
	tcase_add_test(tc, a_memo_has_at_most_256_bytes);
	tcase_add_test(tc, what_is_no_object_is_no_transfer);
	tcase_add_test(tc, rules_beyond_the_form_are_left_to_the_rulebook);
	tcase_add_test(tc, a_reward_shows_its_height_and_no_sender);
	tcase_add_test(tc, a_block_shows_its_header_and_every_transaction);
	tcase_add_test(tc, the_genesis_block_carries_its_parameters);
	tcase_add_loop_test(tc, refuses_parameters_out_of_bounds_by_name, 0, ARRAY_LEN(bad_params));
	return s;
}
