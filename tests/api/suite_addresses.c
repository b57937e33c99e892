/* Balances, confirmed and pending. */
#include <stdio.h>
#include <string.h>

#include "node.h"
#include "suites.h"

static struct node n;

static void
setup(void)
{
	node_init(&n);
	n.params.reward = COIN;
	node_start(&n);
	node_extend(&n, chain_tip(n.store), 3, 0);
}

static void
teardown(void)
{
	node_stop(&n);
}

static void
assert_has(unsigned who, uint64_t balance, uint64_t pending, uint64_t next, uint64_t count)
{
	char path[128];

	snprintf(path, sizeof(path), "/addresses/%s", person_text(who));
	ck_assert_int_eq(node_get(&n, path), 200);
	ck_assert_str_eq(jval_str(node_doc(&n), "address", ""), person_text(who));
	ck_assert_uint_eq(jval_u64(node_doc(&n), "balance", 9), balance);
	ck_assert_uint_eq(jval_u64(node_doc(&n), "pending", 9), pending);
	ck_assert_uint_eq(jval_u64(node_doc(&n), "spendable", 9), balance - pending);
	ck_assert_uint_eq(jval_u64(node_doc(&n), "next_sequence", 9), next);
	ck_assert_uint_eq(jval_u64(node_doc(&n), "transactions_pending", 9), count);

	snprintf(path, sizeof(path), "/amount?blockchain_address=%s", person_text(who));
	ck_assert_int_eq(node_get(&n, path), 200);
	ck_assert_uint_eq(jval_count(node_doc(&n)), 1);
	ck_assert_uint_eq(jval_u64(node_doc(&n), "amount", 9), balance);
}

START_TEST(follows_a_transfer_from_pool_to_chain)
{
	struct tx tx = transfer(&n, 0, 1, 1000, 10, 0), second = transfer(&n, 0, 1, 1, 0, 1);

	assert_has(0, 3 * COIN, 0, 0, 0);
	assert_has(1, 0, 0, 0, 0);
	ck_assert_int_eq(node_post(&n, &tx), 202);
	ck_assert_int_eq(node_post(&n, &second), 202);
	assert_has(0, 3 * COIN, 1011, 2, 2);
	assert_has(1, 0, 0, 0, 0);
	node_extend(&n, chain_tip(n.store), 1, 2);
	assert_has(0, 3 * COIN - 1011, 0, 2, 0);
	assert_has(1, 1001, 0, 0, 0);
	assert_has(2, COIN + 10, 0, 0, 0);
}
END_TEST

START_TEST(leaves_a_gap_as_the_next_sequence)
{
	struct tx tx = transfer(&n, 0, 1, 1000, 10, 1);

	ck_assert_int_eq(node_post(&n, &tx), 202);
	assert_has(0, 3 * COIN, 1010, 0, 1);
}
END_TEST

START_TEST(refuses_what_is_no_address_of_this_network)
{
	static const char *const words[] = {"x", "RR", "0", "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2", "%20", "R%00"};
	char path[160];

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		snprintf(path, sizeof(path), "/addresses/%s", words[i]);
		ck_assert_msg(node_get(&n, path) == 400, "%s: %d", path, n.reply.status);
		snprintf(path, sizeof(path), "/amount?blockchain_address=%s", words[i]);
		ck_assert_msg(node_get(&n, path) == 400, "%s: %d", path, n.reply.status);
	}
	snprintf(path, sizeof(path), "/addresses/%s1", person_text(0));
	ck_assert_int_eq(node_get(&n, path), 400);
	ck_assert_str_eq(node_code(&n), "bad-address");
	ck_assert_int_eq(node_get(&n, "/addresses/1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2"), 400);
	ck_assert_ptr_nonnull(strstr(node_message(&n), "another network"));
	ck_assert_int_eq(node_get(&n, "/amount"), 400);
	ck_assert_str_eq(node_code(&n), "missing-parameter");
	ck_assert_int_eq(node_get(&n, "/amount?blockchain_address="), 400);
}
END_TEST

Suite *
suite_addresses(void)
{
	Suite *s;
	TCase *tc = suite_case(&s, "addresses", 60);

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, follows_a_transfer_from_pool_to_chain);
	tcase_add_test(tc, leaves_a_gap_as_the_next_sequence);
	tcase_add_test(tc, refuses_what_is_no_address_of_this_network);
	return s;
}
