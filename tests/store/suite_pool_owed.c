/* What may have to come back: every transfer in order, and each sender's among them. */
#include <string.h>

#include "store/pool_owed.h"
#include "suites.h"

#define OWED_SENDERS 1000 /* the table grows several times */
#define OWED_EACH 3

static struct pubkey
key_of(uint32_t n)
{
	struct pubkey key = {{2}};

	memcpy(key.b + 1, &n, sizeof(n));
	return key;
}

START_TEST(each_sender_is_found_with_all_of_its_transfers_in_order)
{
	static const uint8_t seed[16] = {1}, bytes[OWED_SENDERS * OWED_EACH + 1];
	struct pubkey unknown = key_of(OWED_SENDERS);
	struct owed o;

	owed_init(&o, seed);
	ck_assert_uint_eq(owed_sender_of(&o, &unknown), OWED_NONE);
	for (uint32_t i = 0; i < OWED_SENDERS * OWED_EACH; i++) {
		struct tx tx = {.version = TX_TRANSFER, .sender_key = key_of(i % OWED_SENDERS)};
		owed_add(&o, &tx, bytes + i, i + 1);
	}
	ck_assert_uint_eq(o.count, OWED_SENDERS * OWED_EACH);
	ck_assert_uint_eq(o.sender_count, OWED_SENDERS);
	for (uint32_t i = 0; i < o.count; i++)
		ck_assert(o.txs[i].bytes == bytes + i && o.txs[i].size == i + 1);
	for (uint32_t n = 0; n < OWED_SENDERS; n++) {
		struct pubkey key = key_of(n);
		struct address who = address_of(&key);
		uint32_t at = owed_sender_of(&o, &key), i, expected = n;
		ck_assert_uint_lt(at, o.sender_count);
		ck_assert(address_equal(&o.senders[at].who, &who) && !o.senders[at].is_settled);
		for (i = o.senders[at].first; i != OWED_NONE; i = o.txs[i].next, expected += OWED_SENDERS)
			ck_assert(i == expected && o.txs[i].sender == at);
		ck_assert_uint_eq(expected, n + OWED_EACH * OWED_SENDERS);
	}
	ck_assert_uint_eq(owed_sender_of(&o, &unknown), OWED_NONE);
	owed_clear(&o);
	ck_assert_uint_eq(o.count, 0);
	ck_assert_uint_eq(owed_sender_of(&o, &unknown), OWED_NONE);
}
END_TEST

Suite *
suite_pool_owed(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "pool owed", 30);
	tcase_add_test(tc, each_sender_is_found_with_all_of_its_transfers_in_order);
	return suite;
}
