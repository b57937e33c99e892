/* Reading the chain: ancestors, forks, windows, look-ups on one of several branches. */
#include <stdlib.h>
#include <string.h>

#include "chain/header_chain.h"
#include "chain/pow.h"
#include "process.h"
#include "store/commit.h"
#include "store/layout.h"
#include "suites.h"
#include "util/mem.h"
#include "witness.h"

static struct store *
segment_with_chain(struct maker *m, unsigned blocks, size_t transfers)
{
	struct store *s = segment_make(&(struct segment_plan){0});

	maker_init(m, s, 11);
	ck_assert_int_eq(maker_grow(m, chain_tip(s), blocks, transfers), OK);
	return s;
}

START_TEST(finds_every_ancestor_by_jumps)
{
	enum { HEIGHT = 5000, STEPS_MAX = 40 };
	struct maker m;
	struct store *s = segment_with_chain(&m, HEIGHT, 0);
	struct blockref tip = chain_tip(s), *refs;
	uint64_t random = 5;

	ck_assert_uint_eq(witness_walk(s, tip, &refs), HEIGHT + 1);
	for (uint64_t h = 0; h <= HEIGHT; h++)
		ck_assert(blockref_equal(chain_at(s, tip, h), refs[h]));
	for (int i = 0; i < 5000; i++) {
		uint64_t from = random_below(&random, HEIGHT + 1), to = random_below(&random, HEIGHT + 1);
		struct blockref expected = to <= from ? refs[to] : (struct blockref){0};
		ck_assert(blockref_equal(chain_at(s, refs[from], to), expected));
		ck_assert(chain_contains(s, refs[from], refs[to]) == (to <= from));
	}
	ck_assert_uint_eq(chain_at(s, tip, HEIGHT + 1).v, 0);
	ck_assert_uint_eq(chain_at(s, tip, UINT64_MAX).v, 0);
	ck_assert_uint_eq(chain_at(s, (struct blockref){0}, 0).v, 0);
	ck_assert(!chain_contains(s, tip, (struct blockref){0}));
	/* In few steps: both ways out of a record count as one. */
	for (uint64_t to = 0; to < HEIGHT; to += 7) {
		unsigned steps = 0;
		for (const struct block_rec *r = block_at(s, tip.v), *jump; r->height > to; steps++) {
			jump = block_at(s, unit_offset(r->jump));
			r = jump->height >= to ? jump : block_at(s, unit_offset(r->parent));
		}
		ck_assert_uint_le(steps, STEPS_MAX);
	}
	free(refs);
	maker_clear(&m);
}
END_TEST

START_TEST(finds_the_fork_of_any_two_records_of_a_random_tree)
{
	enum { RECORDS = 400, PAIRS = 20000 };
	struct store *s = segment_make(&(struct segment_plan){0});
	struct blockref refs[RECORDS] = {chain_tip(s)};
	uint64_t random = 17;
	struct maker m;

	maker_init(&m, s, 23);
	for (size_t i = 1; i < RECORDS; i++) {
		/* Half of them go on from the last ones, so that branches get long. */
		size_t from =
		    random_below(&random, 2) ? i - 1 - random_below(&random, i < 4 ? i : 4) : random_below(&random, i);
		ck_assert_int_eq(maker_begin(&m, refs[from]), OK);
		ck_assert_int_eq(maker_add_random(&m, 1), OK);
		refs[i] = m.at;
		m.kept = m.at;
	}
	for (int i = 0; i < PAIRS; i++) {
		struct blockref a = refs[random_below(&random, RECORDS)], b = refs[random_below(&random, RECORDS)];
		struct blockref x = a, y = b;
		while (!blockref_equal(x, y))
			if (chain_height(s, x) >= chain_height(s, y))
				x = chain_parent(s, x);
			else
				y = chain_parent(s, y);
		ck_assert(blockref_equal(chain_fork(s, a, b), x));
		ck_assert(chain_contains(s, a, b) == blockref_equal(x, b));
	}
	maker_clear(&m);
}
END_TEST

START_TEST(gives_windows_of_every_place_and_length)
{
	enum { HEIGHT = 40 };
	struct maker m;
	struct store *s = segment_with_chain(&m, HEIGHT, 0);
	struct blockref *refs, window[HEIGHT + 8];

	witness_walk(s, chain_tip(s), &refs);
	for (uint64_t tip = 0; tip <= HEIGHT; tip += 5)
		for (uint64_t from = 0; from <= tip + 2; from++)
			for (size_t max = 0; max < ARRAY_LEN(window); max++) {
				size_t left = from <= tip ? tip - from + 1 : 0, count = left < max ? left : max;
				need(chain_window(s, refs[tip], from, window, max) == count);
				for (size_t i = 0; i < count; i++)
					need(blockref_equal(window[i], refs[from + i]));
			}
	ck_assert_uint_eq(chain_window(s, refs[HEIGHT], UINT64_MAX, window, 3), 0);
	free(refs);
	maker_clear(&m);
}
END_TEST

START_TEST(finds_hashes_and_ids_on_the_pinned_chain_only)
{
	struct maker m;
	struct store *s = segment_with_chain(&m, 5, 0);
	struct blockref fork = chain_tip(s), a, b;
	struct hash256 unknown = {{1}}, ids[3];
	struct tx both, only[2];
	struct tx_place place;
	struct block block;
	unsigned rich = 0;
	struct address who;
	struct account account;

	for (;; rich++) {
		who = person(rich);
		ck_assert_int_eq(chain_account(s, fork, &who, &account, NULL), OK);
		if (account.balance >= COIN)
			break;
	}
	both = transfer(s, rich, 1, 1000, 1, 0);
	only[0] = transfer(s, rich, 2, 2000, 2, 1);
	only[1] = transfer(s, rich, 3, 3000, 3, 1);
	ids[0] = tx_id(&only[0]);
	ids[1] = tx_id(&only[1]);
	ids[2] = tx_id(&both);
	ck_assert_int_eq(maker_begin(&m, fork), OK);
	ck_assert_int_eq(maker_add(&m, 0, (struct tx[]){both, only[0]}, 2, 20000), OK);
	ck_assert_int_eq(maker_commit(&m), OK);
	a = m.at;
	ck_assert_int_eq(maker_begin(&m, fork), OK);
	ck_assert_int_eq(maker_add(&m, 1, &both, 1, 21000), OK);
	ck_assert_int_eq(maker_add(&m, 1, &only[1], 1, 21000), OK);
	b = m.at;
	/* Staged, and not yet to be found by anybody. */
	ck_assert_uint_eq(chain_find_any(s, chain_hash(s, b)).v, 0);
	ck_assert_int_eq(maker_commit(&m), OK);

	ck_assert(blockref_equal(chain_find(s, a, chain_hash(s, a)), a));
	ck_assert_uint_eq(chain_find(s, a, chain_hash(s, b)).v, 0);
	ck_assert_uint_eq(chain_find(s, b, chain_hash(s, a)).v, 0);
	ck_assert(blockref_equal(chain_find(s, b, chain_hash(s, fork)), fork));
	ck_assert(blockref_equal(chain_find_any(s, chain_hash(s, a)), a));
	ck_assert(blockref_equal(chain_find_any(s, chain_hash(s, b)), b));
	ck_assert_uint_eq(chain_find_any(s, &unknown).v, 0);
	ck_assert_uint_eq(chain_find(s, b, &unknown).v, 0);

	ck_assert(chain_find_tx(s, a, &ids[2], &place) && blockref_equal(place.block, a) && place.index == 1);
	ck_assert(chain_find_tx(s, b, &ids[2], &place) && blockref_equal(place.block, chain_parent(s, b)));
	ck_assert(chain_find_tx(s, a, &ids[0], &place) && place.index == 2 && place.size == TX_TRANSFER_SIZE(0));
	ck_assert(!chain_find_tx(s, b, &ids[0], &place));
	ck_assert(!chain_find_tx(s, a, &ids[1], &place));
	ck_assert(!chain_find_tx(s, fork, &ids[2], &place));
	ck_assert(!chain_find_tx(s, b, &unknown, &place));
	ck_assert(chain_find_tx(s, b, &ids[1], &place) && blockref_equal(place.block, b));
	chain_block(s, b, &block);
	ck_assert(place.bytes > block.bytes && place.bytes + place.size == block.bytes + block.size);
	witness_chain(s);
	maker_clear(&m);
}
END_TEST

START_TEST(of_two_records_of_one_block_the_one_on_the_chain_is_found)
{
	struct maker m;
	struct store *s = segment_with_chain(&m, 3, 0);
	struct blockref parent = chain_tip(s), first, second;

	ck_assert_int_eq(maker_begin(&m, parent), OK);
	ck_assert_int_eq(maker_add(&m, 0, NULL, 0, 20000), OK);
	ck_assert_int_eq(maker_commit(&m), OK);
	first = m.at;
	ck_assert_int_eq(chain_swap(s, parent), OK);
	ck_assert_int_eq(maker_begin(&m, parent), OK);
	ck_assert_int_eq(maker_add(&m, 0, NULL, 0, 20000), OK);
	ck_assert_int_eq(maker_commit(&m), OK);
	second = m.at;
	ck_assert(!blockref_equal(first, second));
	ck_assert(hash_equal(chain_hash(s, first), chain_hash(s, second)));
	witness_accounts(s);
	ck_assert(blockref_equal(chain_find(s, second, chain_hash(s, first)), second));
	ck_assert(blockref_equal(chain_find(s, first, chain_hash(s, first)), first));
	ck_assert_int_eq(chain_swap(s, first), OK);
	witness_accounts(s);
	ck_assert_int_eq(chain_swap(s, parent), OK);
	ck_assert_uint_ne(chain_find_any(s, chain_hash(s, first)).v, 0);
	ck_assert_uint_eq(chain_find(s, parent, chain_hash(s, first)).v, 0);
	maker_clear(&m);
}
END_TEST

START_TEST(header_state_at_every_height_is_what_advancing_from_genesis_gives)
{
	struct store *s = segment_make(&(struct segment_plan){0});
	struct header_state walked, told;
	struct block b;
	struct maker m;

	maker_init(&m, s, 2);
	ck_assert_int_eq(maker_begin(&m, chain_tip(s)), OK);
	/* Times that go up and down by more than a block's distance, as far as the median allows. */
	for (unsigned i = 0; i < 40; i++)
		ck_assert_int_eq(maker_add(&m, 0, NULL, 0, i % 3 == 2 ? (uint64_t)-5000 : 30000), OK);
	ck_assert_int_eq(maker_commit(&m), OK);
	header_state_genesis(&walked, store_params(s));
	for (uint64_t h = 0; h <= 40; h++) {
		chain_block(s, chain_at(s, chain_tip(s), h), &b);
		if (h > 0)
			header_state_advance(&walked, &b.header, &b.hash);
		chain_header_state(s, chain_at(s, chain_tip(s), h), &told);
		ck_assert_uint_eq(told.times, walked.times);
		ck_assert_uint_eq(header_state_median_ms(&told), header_state_median_ms(&walked));
		ck_assert(hash_equal(&told.hash, &walked.hash));
		ck_assert_int_eq(u256_compare(&told.work, &walked.work), 0);
		ck_assert_uint_eq(told.header.height, h);
		/* The oldest times leave first: the same after any number of further blocks. */
		for (struct header_state x = told, y = walked; x.header.height < h + MEDIAN_SPAN;) {
			struct header next = x.header;
			next.height++;
			next.time_ms += 10000;
			header_state_advance(&x, &next, &b.hash);
			header_state_advance(&y, &next, &b.hash);
			ck_assert_uint_eq(header_state_median_ms(&x), header_state_median_ms(&y));
		}
	}
	maker_clear(&m);
}
END_TEST

START_TEST(a_fresh_segment_holds_the_genesis_block_alone)
{
	struct store *s = segment_make(&(struct segment_plan){0});
	struct blockref tip = chain_tip(s);
	struct address who = person(0);
	struct account account;
	struct payout matured;
	uint64_t tag;

	ck_assert(blockref_equal(tip, chain_genesis(s)));
	ck_assert_uint_eq(chain_height(s, tip), 0);
	ck_assert_uint_eq(chain_parent(s, tip).v, 0);
	ck_assert_uint_eq(chain_supply(s, tip), 0);
	ck_assert(hash_equal(chain_hash(s, tip), store_genesis(s)));
	ck_assert(blockref_equal(chain_find(s, tip, store_genesis(s)), tip));
	ck_assert_int_eq(chain_account(s, tip, &who, &account, &tag), OK);
	ck_assert_uint_eq(account.balance + account.sequence + tag, 0);
	ck_assert(!chain_matured(s, tip, &matured));
	witness_chain(s);
}
END_TEST

/* A block with nothing in it, which is all that staging asks for. */
static enum err
stage_bare(struct store *s, struct blockref *ref, uint32_t target, uint64_t height)
{
	struct blockref parent = chain_tip(s);
	struct block b;
	struct buf bytes;
	struct header h = {
	    .version = BLOCK_VERSION, .previous = *chain_hash(s, parent), .target = target, .height = height};
	enum err e;

	buf_init(&bytes);
	block_begin(&bytes, &h, 0);
	ck_assert_int_eq(block_parse(&b, bytes.data, bytes.len), RULE_OK);
	ck_assert_int_eq(store_reserve(s, stage_cost(&b, 0)), OK);
	ck_assert_int_eq(store_begin(s, 1000), OK);
	e = stage_block(s, ref, parent, &b, 0, NULL, 0, NULL);
	store_end(s);
	buf_clear(&bytes);
	return e;
}

static void
extend_bare(struct store *s, uint32_t target)
{
	struct blockref parent = chain_tip(s), ref;

	ck_assert_int_eq(stage_bare(s, &ref, target, chain_height(s, parent) + 1), OK);
	ck_assert_int_eq(store_begin(s, 1000), OK);
	ck_assert_int_eq(commit_tip(s, parent, ref), OK);
	store_end(s);
}

/* Whoever brings it: the way to its ancestors would lead elsewhere. */
START_TEST(a_block_of_another_height_than_its_parents_and_one_is_not_recorded)
{
	struct store *s = segment_make(&(struct segment_plan){0});
	struct u256 one = u256_of(1), easy = u256_shift_left(&one, 247);
	uint32_t target = target_compact(&easy);
	struct blockref ref;
	uint64_t end;

	for (int i = 0; i < 5; i++)
		extend_bare(s, target);
	end = atomic_load(&s->control->end);
	ck_assert_int_eq(stage_bare(s, &ref, target, 5), ERR_FORMAT);
	ck_assert_int_eq(stage_bare(s, &ref, target, 7), ERR_FORMAT);
	ck_assert_int_eq(stage_bare(s, &ref, target, (UINT64_C(1) << 32) + 6), ERR_FORMAT);
	ck_assert_uint_eq(atomic_load(&s->control->end), end);
	ck_assert_int_eq(stage_bare(s, &ref, target, 6), OK);
}
END_TEST

/* Names of 32 bits reach so far and no further. */
START_TEST(what_lies_at_the_end_of_the_largest_segment_is_found)
{
	struct store *s = segment_make(&(struct segment_plan){.size_max = STORE_SIZE_LIMIT});
	uint64_t end = s->super->size_max, from = end - (UINT64_C(1) << 20), used;
	struct maker m;
	enum err e;

	/* As if all before were taken. */
	atomic_store(&s->control->granted, from);
	atomic_store(&s->control->end, from);
	maker_init(&m, s, 9);
	while ((e = maker_grow(&m, chain_tip(s), 1, 4)) == OK)
		;
	ck_assert_int_eq(e, ERR_LIMIT);
	used = atomic_load(&s->control->end);
	ck_assert(used <= end && end - used < UINT64_C(64) << 10);
	ck_assert_uint_gt(chain_tip(s).v, from);
	ck_assert_uint_gt(chain_height(s, chain_tip(s)), 100);
	witness_chain(s);
	witness_accounts(s);
	maker_clear(&m);
}
END_TEST

/* Targets whose blocks are worth 2^k, around where one word of work is full, and where four are. */
START_TEST(work_is_added_up_however_many_words_it_takes)
{
	static const unsigned bits[] = {8, 63, 63, 63, 8, 64, 100, 128, 8, 191, 200, 8, 224, 8};
	struct store *s = segment_make(&(struct segment_plan){0});
	struct u256 expected = u256_of(0), worth, one = u256_of(1);
	struct blockref refs[ARRAY_LEN(bits)];
	struct head head[2];

	for (size_t i = 0; i < ARRAY_LEN(bits); i++) {
		struct u256 target = u256_shift_left(&one, 255 - bits[i]);
		uint32_t compact = target_compact(&target);
		extend_bare(s, compact);
		worth = target_work(compact);
		expected = u256_add(&expected, &worth);
		refs[i] = chain_tip(s);
		chain_head(s, refs[i], &head[0]);
		ck_assert_int_eq(u256_compare(&head[0].work, &expected), 0);
		ck_assert_uint_eq(head[0].height, i + 1);
	}
	ck_assert_uint_gt(u256_bits(&expected), 192);
	for (size_t i = 1; i < ARRAY_LEN(bits); i++) {
		chain_head(s, refs[i - 1], &head[0]);
		chain_head(s, refs[i], &head[1]);
		ck_assert_int_gt(u256_compare(&head[1].work, &head[0].work), 0);
		ck_assert(blockref_equal(chain_find(s, chain_tip(s), &head[1].hash), refs[i]));
	}
}
END_TEST

Suite *
suite_chain(void)
{
	Suite *suite;
	TCase *tc = segment_case(&suite, "chain", 60);
	tcase_add_test(tc, a_fresh_segment_holds_the_genesis_block_alone);
	tcase_add_test(tc, finds_every_ancestor_by_jumps);
	tcase_add_test(tc, finds_the_fork_of_any_two_records_of_a_random_tree);
	tcase_add_test(tc, gives_windows_of_every_place_and_length);
	tcase_add_test(tc, finds_hashes_and_ids_on_the_pinned_chain_only);
	tcase_add_test(tc, of_two_records_of_one_block_the_one_on_the_chain_is_found);
	tcase_add_test(tc, header_state_at_every_height_is_what_advancing_from_genesis_gives);
	tcase_add_test(tc, work_is_added_up_however_many_words_it_takes);
	tcase_add_test(tc, what_lies_at_the_end_of_the_largest_segment_is_found);
	tcase_add_test(tc, a_block_of_another_height_than_its_parents_and_one_is_not_recorded);
	return suite;
}
