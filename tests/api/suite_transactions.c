/* Handing in transfers, every way in which one is refused, and how one stands afterwards. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chain/u256.h"
#include "node.h"
#include "suites.h"
#include "util/hex.h"

#define FEE 10

static struct node n;

/* Person 0 has three coins; a fee of FEE is the least. */
static void
setup(void)
{
	node_init(&n);
	n.params.min_fee = FEE;
	n.params.reward = COIN;
	node_start(&n);
	node_extend(&n, chain_tip(n.store), 3, 0);
}

static void
teardown(void)
{
	node_stop(&n);
}

START_TEST(accepts_a_transfer_and_says_so_again)
{
	struct tx tx = transfer(&n, 0, 1, 5, FEE, 0);
	struct hash256 id = tx_id(&tx);
	char hex[HASH_HEX_SIZE];

	hash_hex(hex, &id);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(node_post(&n, &tx), 202);
		ck_assert_uint_eq(jval_count(node_doc(&n)), 2);
		ck_assert_str_eq(jval_str(node_doc(&n), "id", ""), hex);
		ck_assert_str_eq(jval_str(node_doc(&n), "status", ""), "pending");
		ck_assert_uint_eq(mempool_count(n.store), 1);
	}
}
END_TEST

START_TEST(keeps_a_transfer_ahead_of_its_turn_waiting)
{
	struct tx later = transfer(&n, 0, 1, 5, FEE, 1), first = transfer(&n, 0, 1, 6, FEE, 0);

	ck_assert_int_eq(node_post(&n, &later), 202);
	ck_assert_str_eq(jval_str(node_doc(&n), "status", ""), "waiting");
	ck_assert_int_eq(node_post(&n, &first), 202);
	ck_assert_int_eq(node_post(&n, &later), 202);
	ck_assert_str_eq(jval_str(node_doc(&n), "status", ""), "pending");
}
END_TEST

/* One thing wrong with a transfer of 5 units and the least fee, sequence 1 (0 is pooled). */

static void
unsign(struct tx *tx)
{
	memset(&tx->signature, 0, sizeof(tx->signature));
}

static void
alter_value(struct tx *tx)
{
	tx->value++;
}

static void
alter_recipient(struct tx *tx)
{
	tx->recipient.b[0] ^= 1;
}

static void
sign_as_another(struct tx *tx)
{
	struct pubkey key = tx->sender_key;
	struct seckey other = person_secret(1);

	ck_assert_int_eq(tx_sign(tx, &other), OK);
	tx->sender_key = key;
}

/* The other signature that fits the same digest: s replaced by the group order less s. */
static void
raise_s(struct tx *tx)
{
	static const char order[] = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
	struct hash256 bytes;
	struct u256 n_order, s;

	ck_assert_int_eq(hex_decode(bytes.b, sizeof(bytes.b), order), OK);
	n_order = u256_of_hash(&bytes);
	memcpy(bytes.b, tx->signature.b + 32, 32);
	s = u256_of_hash(&bytes);
	s = u256_sub(&n_order, &s);
	bytes = u256_to_hash(&s);
	memcpy(tx->signature.b + 32, bytes.b, 32);
}

static void
resign(struct tx *tx)
{
	struct seckey key = person_secret(0);

	ck_assert_int_eq(tx_sign(tx, &key), OK);
}

static void
change_network(struct tx *tx)
{
	tx->network.b[31] ^= 1;
	resign(tx);
}

static void
overspend(struct tx *tx)
{
	tx->value = 3 * COIN - 2 * FEE;
	resign(tx);
}

static void
reuse_sequence(struct tx *tx)
{
	tx->sequence = 0;
	tx->value = 6;
	resign(tx);
}

static void
run_ahead(struct tx *tx)
{
	tx->sequence = 66;
	resign(tx);
}

static void
move_nothing(struct tx *tx)
{
	tx->value = 0;
	resign(tx);
}

static void
pay_too_little(struct tx *tx)
{
	tx->fee = FEE - 1;
	resign(tx);
}

static void
break_key(struct tx *tx)
{
	/* The address follows from the key, so it must be that of the broken one. */
	tx->sender_key.b[0] = 5;
}

static const struct {
	const char *what;
	void (*change)(struct tx *tx);
	const char *code;
	const char *says;
} wrong[] = {
    {"unsigned", unsign, "bad-signature", "signature"},
    {"altered value", alter_value, "bad-signature", "signature"},
    {"altered recipient", alter_recipient, "bad-signature", "signature"},
    {"signed by another", sign_as_another, "bad-signature", "signature"},
    {"high s", raise_s, "high-s-signature", "upper half"},
    {"wrong network", change_network, "wrong-network", "here it is "},
    {"overspending", overspend, "insufficient-funds", "balance 300000000, pending 15, needs 299999990 base units"},
    {"taken sequence", reuse_sequence, "sequence-taken", "the next free one is 1"},
    {"sequence too far", run_ahead, "sequence-too-far", "sequence 66, the next free one is 1"},
    {"zero value", move_nothing, "zero-value", "at least one base unit"},
    {"below minimum fee", pay_too_little, "below-minimum-fee", "fee 9, minimum 10 base units"},
    {"broken key", break_key, "bad-public-key", "compressed secp256k1"},
};

START_TEST(names_the_rule_that_a_transfer_breaks)
{
	struct tx first = transfer(&n, 0, 1, 5, FEE, 0);

	ck_assert_int_eq(node_post(&n, &first), 202);
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		struct tx tx = transfer(&n, 0, 1, 5, FEE, 1);
		wrong[i].change(&tx);
		ck_assert_msg(node_post(&n, &tx) == 422, "%s: %d %s", wrong[i].what, n.reply.status, n.reply.body.data);
		ck_assert_msg(strcmp(node_code(&n), wrong[i].code) == 0, "%s: %s", wrong[i].what, node_code(&n));
		ck_assert_msg(strstr(node_message(&n), wrong[i].says) != NULL, "%s: %s", wrong[i].what,
			      node_message(&n));
	}
	ck_assert_uint_eq(mempool_count(n.store), 1);
	struct tx good = transfer(&n, 0, 1, 5, FEE, 1);
	ck_assert_int_eq(node_post(&n, &good), 202);
}
END_TEST

START_TEST(tells_a_confirmed_transfer_from_a_used_sequence)
{
	struct tx tx = transfer(&n, 0, 1, 5, FEE, 0), other = transfer(&n, 0, 1, 6, FEE, 0);

	ck_assert_int_eq(node_post(&n, &tx), 202);
	node_extend(&n, chain_tip(n.store), 1, 2);
	ck_assert_int_eq(node_post(&n, &tx), 409);
	ck_assert_str_eq(node_code(&n), "already-confirmed");
	ck_assert_ptr_nonnull(strstr(node_message(&n), "in block 4"));
	ck_assert_int_eq(node_post(&n, &other), 422);
	ck_assert_str_eq(node_code(&n), "sequence-used");
	ck_assert_ptr_nonnull(strstr(node_message(&n), "sequence 0, the next free one is 1"));
}
END_TEST

/* Documents: the sound one with one piece of text replaced. */

#define M16 "mmmmmmmmmmmmmmmm"
#define M64 M16 M16 M16 M16
#define M257 M64 M64 M64 M64 "m"
#define DEEP8 "[[[[[[[["

static const struct {
	const char *what;
	const char *from; /* NULL: the whole document is `to` */
	const char *to;
	int status;
	const char *code;
} documents[] = {
    {"memo too long", "\"memo\":\"\"", "\"memo\":\"" M257 "\"", 422, "memo-too-long"},
    {"value too large", "\"value\":5,", "\"value\":9007199254740992,", 422, "value-too-large"},
    {"fee too large", "\"fee\":10,", "\"fee\":9007199254740992,", 422, "value-too-large"},
    {"sequence too large", "\"sequence\":0,", "\"sequence\":9007199254740992,", 422, "sequence-too-large"},
    {"a reward", "\"version\":1,", "\"version\":0,", 422, "tx-version"},
    {"unknown version", "\"version\":1,", "\"version\":2,", 422, "tx-version"},
    {"unknown field", "\"memo\":", "\"note\":\"\",\"memo\":", 400, "unknown-field"},
    {"duplicate key", "\"memo\":", "\"value\":5,\"memo\":", 400, "malformed-json"},
    {"float amount", "\"value\":5,", "\"value\":5.0,", 400, "wrong-type"},
    {"amount with exponent", "\"value\":5,", "\"value\":5e0,", 400, "wrong-type"},
    {"amount as text", "\"value\":5,", "\"value\":\"5\",", 400, "wrong-type"},
    {"negative amount", "\"value\":5,", "\"value\":-5,", 400, "bad-value"},
    {"amount beyond 64 bits", "\"value\":5,", "\"value\":18446744073709551616,", 400, "malformed-json"},
    {"no amount", "\"value\":5,", "\"value\":null,", 400, "wrong-type"},
    {"not a number", "\"value\":5,", "\"value\":NaN,", 400, "malformed-json"},
    {"missing value", "\"value\":5,", "", 400, "missing-field"},
    {"missing memo", "\"memo\":\"\",", "", 400, "missing-field"},
    {"missing network", "\"network\":", "\"id\":", 400, "malformed-json"},
    {"not UTF-8", "\"memo\":\"\"", "\"memo\":\"\xff\"", 400, "malformed-json"},
    {"overlong UTF-8", "\"memo\":\"\"", "\"memo\":\"\xc0\xaf\"", 400, "malformed-json"},
    {"lone surrogate", "\"memo\":\"\"", "\"memo\":\"\\ud800\"", 400, "malformed-json"},
    {"another id", "\"id\":\"", "\"id\":\"0000000000000000000000000000000000000000000000000000000000000000\",\"x\":\"",
     400, "unknown-field"},
    {"another memo than the id's", "\"memo\":\"\"", "\"memo\":\"a\"", 400, "id-mismatch"},
    {"recipient mistyped", "\"recipient_blockchain_address\":\"R", "\"recipient_blockchain_address\":\"RR", 400,
     "bad-value"},
    {"sender mistyped", "\"sender_blockchain_address\":\"R", "\"sender_blockchain_address\":\"Rx", 400, "bad-value"},
    {"key too short", "\"sender_public_key\":\"0", "\"sender_public_key\":\"", 400, "bad-value"},
    {"upper-case hex", "\"signature\":\"", "\"signature\":\"A", 400, "bad-value"},
    {"text behind", "\"memo\":\"\",\"signature\"", "\"memo\":\"\"}{\"signature\"", 400, "malformed-json"},
    {"empty", NULL, "", 400, "malformed-json"},
    {"a word", NULL, "transfer", 400, "malformed-json"},
    {"a number", NULL, "5", 400, "wrong-type"},
    {"a text", NULL, "\"5\"", 400, "wrong-type"},
    {"null", NULL, "null", 400, "wrong-type"},
    {"an empty object", NULL, "{}", 400, "missing-field"},
    {"cut short", NULL, "{\"version\":1,\"network\":\"00", 400, "malformed-json"},
    {"a form", NULL, "value=5&fee=10", 400, "malformed-json"},
    {"nested deeply", NULL, DEEP8 DEEP8 "[]]]]]]]]]]]]]]]]]", 400, "malformed-json"},
    {"nested without end", NULL, DEEP8 DEEP8 DEEP8 DEEP8 DEEP8 DEEP8 DEEP8 DEEP8, 400, "malformed-json"},
};

static void
replace(struct buf *out, const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);

	ck_assert_msg(at != NULL, "%s is not in %s", from, text);
	buf_append(out, text, (size_t)(at - text));
	buf_puts(out, to);
	buf_puts(out, at + strlen(from));
}

START_TEST(names_what_is_wrong_with_a_document)
{
	struct tx tx = transfer(&n, 0, 1, 5, FEE, 0);
	struct buf sound;

	buf_init(&sound);
	tx_json(&sound, &n, &tx);
	for (size_t i = 0; i < ARRAY_LEN(documents); i++) {
		struct buf body;
		buf_init(&body);
		if (documents[i].from == NULL)
			buf_puts(&body, documents[i].to);
		else
			replace(&body, sound.data, documents[i].from, documents[i].to);
		node_call(&n, HTTP_POST, "/transactions", body.data, NULL);
		ck_assert_msg(n.reply.status == documents[i].status, "%s: %d %s", documents[i].what, n.reply.status,
			      n.reply.body.data);
		ck_assert_msg(strcmp(node_code(&n), documents[i].code) == 0, "%s: %s", documents[i].what,
			      n.reply.body.data);
		ck_assert_str_ne(node_message(&n), "");
		/* As an element of a list it is refused with the same code, and the others are not. */
		if (strcmp(documents[i].code, "malformed-json") != 0) {
			struct buf list;
			buf_init(&list);
			buf_printf(&list, "[%s]", body.data);
			ck_assert_int_eq(node_call(&n, HTTP_POST, "/transactions", list.data, NULL), 202);
			const struct jval *result = jval_at(jval_get(node_doc(&n), "results"), 0);
			ck_assert_msg(strcmp(jval_str(jval_get(result, "error"), "code", ""), documents[i].code) == 0,
				      "%s: %s", documents[i].what, n.reply.body.data);
			buf_clear(&list);
		}
		buf_clear(&body);
	}
	ck_assert_uint_eq(mempool_count(n.store), 0);
	ck_assert_int_eq(node_call(&n, HTTP_POST, "/transactions", sound.data, NULL), 202);
	buf_clear(&sound);
}
END_TEST

START_TEST(refuses_a_body_that_is_too_long)
{
	char *body = malloc(n.max_body + 2);

	memset(body, ' ', n.max_body + 1);
	ck_assert_int_eq(node_call_bytes(&n, HTTP_POST, "/transactions", body, n.max_body + 1, NULL), 413);
	free(body);
}
END_TEST

START_TEST(takes_a_body_of_any_or_no_type)
{
	static const char *const types[] = {NULL, "application/json", "text/plain",
					    "application/x-www-form-urlencoded"};

	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		const char *headers[] = {"Content-Type", types[i], NULL};
		struct tx tx = transfer(&n, 0, 1, 5, FEE, i);
		struct buf body;
		buf_init(&body);
		tx_json(&body, &n, &tx);
		ck_assert_int_eq(
		    node_call(&n, HTTP_POST, "/transactions", body.data, types[i] == NULL ? NULL : headers), 202);
		buf_clear(&body);
	}
}
END_TEST

START_TEST(answers_a_list_with_one_verdict_each)
{
	struct tx good = transfer(&n, 0, 1, 5, FEE, 0), next = transfer(&n, 0, 1, 5, FEE, 1);
	struct tx poor = transfer(&n, 5, 1, 5, FEE, 0), far = transfer(&n, 0, 1, 5, FEE, 3);
	struct buf body;

	buf_init(&body);
	buf_putc(&body, '[');
	tx_json(&body, &n, &good);
	buf_puts(&body, ",7,");
	tx_json(&body, &n, &poor);
	buf_putc(&body, ',');
	tx_json(&body, &n, &far);
	buf_putc(&body, ',');
	tx_json(&body, &n, &next);
	buf_putc(&body, ',');
	tx_json(&body, &n, &good);
	buf_putc(&body, ']');
	ck_assert_int_eq(node_call(&n, HTTP_POST, "/transactions", body.data, NULL), 202);
	buf_clear(&body);

	static const char *const expected[] = {"pending", "!wrong-type", "!insufficient-funds",
					       "waiting", "pending",	 "pending"};
	const struct jval *results = jval_get(node_doc(&n), "results");
	ck_assert_uint_eq(jval_count(results), ARRAY_LEN(expected));
	for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
		const struct jval *r = jval_at(results, i);
		if (expected[i][0] == '!')
			ck_assert_str_eq(jval_str(jval_get(r, "error"), "code", ""), expected[i] + 1);
		else
			ck_assert_str_eq(jval_str(r, "status", ""), expected[i]);
	}
}
END_TEST

START_TEST(takes_an_empty_list_and_refuses_one_that_is_too_long)
{
	struct buf body;

	ck_assert_int_eq(node_call(&n, HTTP_POST, "/transactions", "[]", NULL), 202);
	ck_assert_uint_eq(jval_count(jval_get(node_doc(&n), "results")), 0);
	ck_assert(jval_is_array(jval_get(node_doc(&n), "results")));
	buf_init(&body);
	buf_puts(&body, "[0");
	for (int i = 1; i < 1001; i++)
		buf_puts(&body, ",0");
	buf_putc(&body, ']');
	ck_assert_int_eq(node_call(&n, HTTP_POST, "/transactions", body.data, NULL), 413);
	ck_assert_str_eq(node_code(&n), "too-many-transactions");
	buf_clear(&body);
}
END_TEST

START_TEST(says_503_when_the_pool_is_full)
{
	node_stop(&n);
	node_init(&n);
	n.pool_max = 2;
	node_start(&n);
	node_extend(&n, chain_tip(n.store), 3, 0);
	for (uint64_t i = 0; i < 2; i++) {
		struct tx tx = transfer(&n, 0, 1, 5, 0, i);
		ck_assert_int_eq(node_post(&n, &tx), 202);
	}
	struct tx tx = transfer(&n, 0, 1, 5, 0, 2);
	ck_assert_int_eq(node_post(&n, &tx), 503);
	ck_assert_str_eq(node_code(&n), "pool-full");
	ck_assert_ptr_nonnull(strstr(node_message(&n), "it holds 2"));
}
END_TEST

/* The pool. */

START_TEST(lists_the_pool_in_order_of_coming)
{
	ck_assert_int_eq(node_get(&n, "/transactions"), 200);
	ck_assert_str_eq(n.reply.body.data, "{\"transactions\":[],\"length\":0}");
	for (uint64_t i = 0; i < 5; i++) {
		struct tx tx = transfer(&n, 0, 1, 100 + i, FEE, i);
		ck_assert_int_eq(node_post(&n, &tx), 202);
	}
	ck_assert_int_eq(node_get(&n, "/transactions"), 200);
	const struct jval *list = jval_get(node_doc(&n), "transactions");
	ck_assert_uint_eq(jval_count(list), 5);
	ck_assert_uint_eq(jval_u64(node_doc(&n), "length", 0), 5);
	ck_assert_ptr_null(jval_get(node_doc(&n), "next"));
	for (size_t i = 0; i < 5; i++) {
		ck_assert_uint_eq(jval_u64(jval_at(list, i), "value", 0), 100 + i);
		ck_assert_str_eq(jval_str(jval_at(list, i), "sender_blockchain_address", ""), person_text(0));
	}
}
END_TEST

START_TEST(pages_through_the_pool)
{
	char path[64] = "/transactions?limit=2";
	uint64_t seen = 0;

	for (uint64_t i = 0; i < 5; i++) {
		struct tx tx = transfer(&n, 0, 1, 100 + i, FEE, i);
		ck_assert_int_eq(node_post(&n, &tx), 202);
	}
	for (int page = 0; page < 3; page++) {
		ck_assert_int_eq(node_get(&n, path), 200);
		const struct jval *list = jval_get(node_doc(&n), "transactions");
		ck_assert_uint_eq(jval_u64(node_doc(&n), "length", 0), 5);
		ck_assert_uint_eq(jval_count(list), page < 2 ? 2 : 1);
		for (size_t i = 0; i < jval_count(list); i++)
			ck_assert_uint_eq(jval_u64(jval_at(list, i), "value", 0), 100 + seen++);
		ck_assert((jval_get(node_doc(&n), "next") != NULL) == (page < 2));
		snprintf(path, sizeof(path), "/transactions?limit=2&after=%" PRIu64, jval_u64(node_doc(&n), "next", 0));
	}
	ck_assert_int_eq(node_get(&n, "/transactions?limit=0"), 400);
	ck_assert_int_eq(node_get(&n, "/transactions?limit=1001"), 400);
	ck_assert_int_eq(node_get(&n, "/transactions?after=x"), 400);
}
END_TEST

/* One transaction. */

static void
assert_stands(const struct tx *tx, const char *status, uint64_t height, uint64_t confirmations)
{
	struct hash256 id = tx_id(tx);
	char path[128], hex[HASH_HEX_SIZE];

	hash_hex(hex, &id);
	snprintf(path, sizeof(path), "/transactions/%s", hex);
	ck_assert_int_eq(node_get(&n, path), 200);
	ck_assert_str_eq(jval_str(node_doc(&n), "status", ""), status);
	ck_assert_uint_eq(jval_u64(node_doc(&n), "height", 0), height);
	ck_assert_uint_eq(jval_u64(node_doc(&n), "confirmations", 99), confirmations);
	if (strcmp(status, "conflicted") != 0)
		ck_assert_str_eq(jval_str(jval_get(node_doc(&n), "transaction"), "id", ""), hex);
}

START_TEST(tells_how_a_transfer_stands)
{
	struct tx tx = transfer(&n, 0, 1, 5, FEE, 0), later = transfer(&n, 0, 1, 5, FEE, 2);
	struct blockref before = chain_tip(n.store);

	ck_assert_int_eq(node_post(&n, &tx), 202);
	ck_assert_int_eq(node_post(&n, &later), 202);
	assert_stands(&tx, "pending", 0, 0);
	assert_stands(&later, "waiting", 0, 0);
	node_extend(&n, chain_tip(n.store), 1, 2);
	assert_stands(&tx, "confirmed", 4, 1);
	node_extend(&n, chain_tip(n.store), 2, 2);
	assert_stands(&tx, "confirmed", 4, 3);
	/* A longer chain without it: back in the pool. */
	node_extend(&n, before, 5, 3);
	assert_stands(&tx, "pending", 0, 0);
}
END_TEST

START_TEST(tells_why_a_transfer_became_impossible)
{
	struct tx tx = transfer(&n, 0, 1, 5, FEE, 0);

	ck_assert_int_eq(node_post(&n, &tx), 202);
	node_extend(&n, chain_tip(n.store), 1, 2);
	assert_stands(&tx, "confirmed", 4, 1);
	/* A chain on which the sender never had anything. */
	node_extend(&n, chain_genesis(n.store), 6, 3);
	assert_stands(&tx, "conflicted", 0, 0);
	ck_assert_str_eq(jval_str(node_doc(&n), "reason", ""), "insufficient-funds");
	ck_assert_str_ne(jval_str(node_doc(&n), "message", ""), "");
}
END_TEST

START_TEST(finds_rewards_and_refuses_what_is_no_id)
{
	char path[160];

	ck_assert_int_eq(node_get(&n, "/blocks/2"), 200);
	const struct jval *reward = jval_at(jval_get(node_doc(&n), "transactions"), 0);
	snprintf(path, sizeof(path), "/transactions/%s", jval_str(reward, "id", ""));
	ck_assert_int_eq(node_get(&n, path), 200);
	ck_assert_str_eq(jval_str(node_doc(&n), "status", ""), "confirmed");
	ck_assert_uint_eq(jval_u64(node_doc(&n), "height", 0), 2);
	ck_assert_str_eq(jval_str(jval_get(node_doc(&n), "transaction"), "sender_blockchain_address", ""),
			 "THE BLOCKCHAIN");

	ck_assert_int_eq(node_get(&n, "/transactions/0000000000000000000000000000000000000000000000000000000000000001"),
			 404);
	ck_assert_int_eq(node_get(&n, "/transactions/000000000000000000000000000000000000000000000000000000000000001"),
			 400);
	ck_assert_int_eq(node_get(&n, "/transactions/000000000000000000000000000000000000000000000000000000000000000G"),
			 400);
	ck_assert_int_eq(node_get(&n, "/transactions/1"), 400);
}
END_TEST

Suite *
suite_transactions(void)
{
	Suite *s;
	TCase *tc = suite_case(&s, "transactions", 120);

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, accepts_a_transfer_and_says_so_again);
	tcase_add_test(tc, keeps_a_transfer_ahead_of_its_turn_waiting);
	tcase_add_test(tc, names_the_rule_that_a_transfer_breaks);
	tcase_add_test(tc, tells_a_confirmed_transfer_from_a_used_sequence);
	tcase_add_test(tc, names_what_is_wrong_with_a_document);
	tcase_add_test(tc, refuses_a_body_that_is_too_long);
	tcase_add_test(tc, takes_a_body_of_any_or_no_type);
	tcase_add_test(tc, answers_a_list_with_one_verdict_each);
	tcase_add_test(tc, takes_an_empty_list_and_refuses_one_that_is_too_long);
	tcase_add_test(tc, says_503_when_the_pool_is_full);
	tcase_add_test(tc, lists_the_pool_in_order_of_coming);
	tcase_add_test(tc, pages_through_the_pool);
	tcase_add_test(tc, tells_how_a_transfer_stands);
	tcase_add_test(tc, tells_why_a_transfer_became_impossible);
	tcase_add_test(tc, finds_rewards_and_refuses_what_is_no_id);
	return s;
}
