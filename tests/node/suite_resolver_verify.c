/* Signatures of bodies that come next: each is posted once, however the bodies are shown, and known when it is asked for. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chain/merkle.h"
#include "node/resolver.h"
#include "store/board.h"
#include "store/role_table.h"
#include "suites.h"
#include "util/mem.h"

#define BODIES_MAX 16

struct body {
	struct buf bytes;
	struct block block;
};

static struct store *store;
static struct node_env env;
static struct child child;
static struct resolver *resolver;
static struct body bodies[BODIES_MAX];
static size_t count;
static struct seckey secret = {{1}};
static struct pubkey key;

static void
enter(void)
{
	static char data_dir[4096];
	struct store_options o = {.name = "test-resolver",
				  .data_dir = data_dir,
				  .size_max = UINT64_C(64) << 20,
				  .roles = 1,
				  .rings = 1,
				  .pool_max = 64};
	struct buf why;

	ck_assert_ptr_nonnull(getcwd(data_dir, sizeof(data_dir)));
	params_default(&o.params);
	buf_init(&why);
	ck_assert_msg(store_create(&store, &o, &why) == OK, "%s", why.data);
	buf_clear(&why);
	ck_assert_int_eq(key_public(&key, &secret), OK);
	ck_assert_int_eq(bells_open(&env.bells, 1), OK);
	child.env = &env;
	resolver = xcalloc(1, sizeof(*resolver));
	resolver->child = &child;
	resolver->store = store;
	branch_init(&resolver->branch, store);
	resolver_verify_init(resolver);
}

static void
leave(void)
{
	resolver_verify_clear(resolver);
	free(resolver);
	for (; count > 0; count--)
		buf_clear(&bodies[count - 1].bytes);
	bells_close(&env.bells);
	store_destroy(store);
}

/* The next body: a reward and so many transfers, of which that one (if there is such) has a bad signature. */
static struct body *
add(uint32_t transfers, uint32_t bad)
{
	struct hash256 *leaves = xcalloc(transfers + 1, sizeof(*leaves));
	struct header h = {.version = BLOCK_VERSION, .height = count + 1};
	struct body *b = &bodies[count++];
	struct buf txs;

	buf_init(&txs);
	buf_init(&b->bytes);
	for (uint32_t i = 0; i <= transfers; i++) {
		struct tx tx = {.version = i == 0 ? TX_REWARD : TX_TRANSFER, .value = count, .sequence = i};
		uint8_t bytes[TX_SIZE_MAX];
		struct writer w = writer_of(bytes, sizeof(bytes));

		if (i > 0)
			ck_assert_int_eq(tx_sign(&tx, &secret), OK);
		if (i > 0 && i == bad)
			tx.value++;
		tx_encode(&w, &tx);
		leaves[i] = tx_leaf(bytes, writer_len(&w));
		buf_append(&txs, bytes, writer_len(&w));
	}
	h.merkle_root = merkle_root(leaves, transfers + 1);
	block_begin(&b->bytes, &h, transfers + 1);
	buf_append(&b->bytes, txs.data, txs.len);
	ck_assert_int_eq(block_parse(&b->block, b->bytes.data, b->bytes.len), RULE_OK);
	buf_clear(&txs);
	free(leaves);
	return b;
}

/* As the ledger asks: how many of the body's transfers are known to be good. */
static uint32_t
judge(const struct body *b)
{
	struct block_iter it = block_txs(&b->block);
	uint32_t good = 0;
	enum rule rule;
	struct tx tx;

	resolver_judges(resolver, b->block.header.height);
	while (block_next(&it, &tx, &rule))
		good += tx.version == TX_TRANSFER && resolver_is_checked(resolver, it.bytes, it.size);
	return good;
}

static uint64_t
posted(void)
{
	return role_get(store, COUNT_SIGNATURES);
}

/* More than the board holds, shown as a fetch does: as far as there is room, before each is judged. */
START_TEST(each_is_posted_once_and_known)
{
	static const uint32_t sizes[] = {1000, 3000, 5000, 10, 2500, 1, 700};
	size_t shown = 0;
	uint64_t total = 0;

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		add(sizes[i], 0);
		total += sizes[i];
	}
	ck_assert_uint_gt(total, BOARD_MAX);
	for (size_t i = 0; i < count; i++) {
		while (shown < count && resolver_foresee(resolver, &bodies[shown].block))
			shown++;
		ck_assert_uint_eq(judge(&bodies[i]), sizes[i]);
	}
	ck_assert_uint_eq(posted(), total);
	ck_assert_uint_eq(board_next(store), total);
}
END_TEST

START_TEST(a_body_larger_than_the_board_goes_through_it)
{
	const uint32_t size = BOARD_MAX + 1000;
	struct body *b = add(size, size - 7);

	ck_assert(!resolver_foresee(resolver, &b->block));
	ck_assert_uint_eq(board_next(store), BOARD_MAX);
	ck_assert_uint_eq(judge(b), size - 1);
	ck_assert_uint_eq(posted(), size);
	/* Shown again when it is done with, as to whoever had no room before. */
	ck_assert(resolver_foresee(resolver, &b->block));
	ck_assert_uint_eq(posted(), size);
}
END_TEST

START_TEST(a_bad_one_is_not_known_and_the_others_are)
{
	struct body *b = add(20, 13);

	ck_assert(resolver_foresee(resolver, &b->block));
	ck_assert_uint_eq(judge(b), 19);
}
END_TEST

START_TEST(bytes_that_no_work_stands_behind_are_not_posted)
{
	struct body *b = add(20, 0);

	b->bytes.data[b->bytes.len - 1] ^= 1;
	ck_assert(resolver_foresee(resolver, &b->block));
	ck_assert_uint_eq(judge(b), 0);
	ck_assert_uint_eq(board_next(store), 0);
}
END_TEST

START_TEST(what_does_not_come_as_foreseen_is_forgotten)
{
	struct body *first = add(20, 0), *second = add(30, 0);

	ck_assert(resolver_foresee(resolver, &first->block));
	ck_assert(resolver_foresee(resolver, &second->block));
	ck_assert_uint_eq(judge(first), 20);
	ck_assert(resolver_foresee(resolver, NULL));
	ck_assert(!board_work(store));
	ck_assert_uint_eq(judge(second), 0);
	ck_assert(resolver_foresee(resolver, &second->block));
	ck_assert_uint_eq(judge(second), 30);
}
END_TEST

/* Some of a body's transfers were in nobody's hands: the next body is not asked about them. */
START_TEST(what_was_not_asked_for_does_not_stand_in_the_way)
{
	struct body *first = add(20, 0), *second = add(30, 0);

	ck_assert(resolver_foresee(resolver, &first->block));
	ck_assert(resolver_foresee(resolver, &second->block));
	ck_assert_uint_eq(judge(second), 30);
}
END_TEST

Suite *
suite_resolver_verify(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "resolver-verify", 60);

	tcase_add_checked_fixture(tc, enter, leave);
	tcase_add_test(tc, each_is_posted_once_and_known);
	tcase_add_test(tc, a_body_larger_than_the_board_goes_through_it);
	tcase_add_test(tc, a_bad_one_is_not_known_and_the_others_are);
	tcase_add_test(tc, bytes_that_no_work_stands_behind_are_not_posted);
	tcase_add_test(tc, what_does_not_come_as_foreseen_is_forgotten);
	tcase_add_test(tc, what_was_not_asked_for_does_not_stand_in_the_way);
	return suite;
}
