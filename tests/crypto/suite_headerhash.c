/*
 * The proof-of-work search against its definition: sha256d of the header with the nonce in its last eight bytes. Each
 * test is run once for each way to search that this processor has; the others are named as skipped.
 */
#include <endian.h>
#include <stdio.h>
#include <string.h>

#include "crypto/headerhash.h"
#include "crypto/headerhash_ways.h"
#include "suites.h"

#define UNTOUCHED UINT64_C(4711)
#define LANES_MAX 16
#define NONCE_LAST ((UINT64_C(1) << 53) - 1)

/* Headers that differ in every byte. */
static void
header_fill(uint8_t header[HEADERHASH_INPUT_SIZE], unsigned number)
{
	for (size_t i = 0; i < HEADERHASH_INPUT_SIZE; i += HASH_SIZE) {
		uint8_t seed[2] = {(uint8_t)number, (uint8_t)i};
		struct hash256 h = sha256(seed, sizeof(seed));
		memcpy(header + i, h.b, HASH_SIZE);
	}
}

static struct hash256
header_hash(const uint8_t header[HEADERHASH_INPUT_SIZE], uint64_t nonce)
{
	uint8_t whole[HEADERHASH_INPUT_SIZE];
	memcpy(whole, header, sizeof(whole));
	nonce = htobe64(nonce);
	memcpy(whole + sizeof(whole) - sizeof(nonce), &nonce, sizeof(nonce));
	return sha256d(whole, sizeof(whole));
}

static bool
plain_search(uint64_t *nonce, const uint8_t header[HEADERHASH_INPUT_SIZE], const struct hash256 *target, uint64_t first,
	     uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		struct hash256 h = header_hash(header, first + i);
		if (hash_compare(&h, target) <= 0) {
			*nonce = first + i;
			return true;
		}
	}
	return false;
}

/* The largest target with this many leading zero bits. */
static struct hash256
target_of(unsigned zero_bits)
{
	struct hash256 target;
	memset(target.b, 0xff, sizeof(target.b));
	memset(target.b, 0, zero_bits / 8);
	target.b[zero_bits / 8] = (uint8_t)(0xff >> zero_bits % 8);
	return target;
}

/* By the way that the test is run for. */
#define SEARCH(nonce, header, target, first, count) \
	headerhash_search_by(&headerhash_ways[_i], nonce, header, target, first, count)

START_TEST(finds_the_same_nonce_as_sha256d_does)
{
	/* Some of them go over the end of the low half of a nonce, at different places in a row of lanes. */
	static const uint64_t firsts[] = {
	    0, 1, 255, UINT64_C(0xffffff00), UINT64_C(0xffffffff), UINT64_C(0xfffffffffe), NONCE_LAST - 300,
	};
	uint8_t header[HEADERHASH_INPUT_SIZE];
	for (unsigned zero_bits = 0; zero_bits < 11; zero_bits++) {
		struct hash256 target = target_of(zero_bits);
		unsigned found = 0;
		for (unsigned number = 0; number < 8; number++) {
			header_fill(header, number);
			for (size_t f = 0; f < ARRAY_LEN(firsts); f++) {
				uint64_t nonce = UNTOUCHED, wanted = UNTOUCHED;
				bool has = plain_search(&wanted, header, &target, firsts[f], 300);
				ck_assert(SEARCH(&nonce, header, &target, firsts[f], 300) == has);
				ck_assert_uint_eq(nonce, wanted);
				found += has;
			}
		}
		ck_assert_uint_gt(found, 0);
	}
}
END_TEST

START_TEST(finds_the_only_nonce_in_whichever_lane_it_is)
{
	/* The smallest hash of a window stands alone. It is looked for from each place before it, and up to it. */
	static const uint64_t windows[] = {0, UINT64_C(0x1ffffffa0)};
	uint8_t header[HEADERHASH_INPUT_SIZE];
	unsigned windows_used = 0;
	for (unsigned number = 0; number < 16; number++) {
		uint64_t window = windows[number % ARRAY_LEN(windows)], only = 0;
		struct hash256 smallest = target_of(0);
		header_fill(header, number);
		for (uint64_t n = window; n < window + 8 * LANES_MAX; n++) {
			struct hash256 h = header_hash(header, n);
			if (hash_compare(&h, &smallest) < 0) {
				smallest = h;
				only = n;
			}
		}
		if (only < window + 3 * LANES_MAX || only >= window + 6 * LANES_MAX)
			continue;
		windows_used++;
		for (uint64_t before = 0; before <= 3 * LANES_MAX; before++) {
			uint64_t nonce = UNTOUCHED;
			ck_assert(!SEARCH(&nonce, header, &smallest, only - before, before));
			ck_assert_uint_eq(nonce, UNTOUCHED);
			for (uint64_t behind = 1; behind <= 2 * LANES_MAX; behind++) {
				ck_assert(SEARCH(&nonce, header, &smallest, only - before, before + behind));
				ck_assert_uint_eq(nonce, only);
			}
		}
	}
	ck_assert_uint_gt(windows_used, 1);
}
END_TEST

START_TEST(accepts_a_hash_equal_to_the_target_and_none_above)
{
	uint8_t header[HEADERHASH_INPUT_SIZE];
	for (unsigned number = 0; number < 64; number++) {
		uint64_t nonce = UNTOUCHED;
		header_fill(header, number);
		struct hash256 target = header_hash(header, number);
		ck_assert(SEARCH(&nonce, header, &target, number, 1));
		ck_assert_uint_eq(nonce, number);

		/* One less, borrowing as far as it goes. */
		size_t i = HASH_SIZE;
		while (target.b[--i]-- == 0)
			;
		nonce = UNTOUCHED;
		ck_assert(!SEARCH(&nonce, header, &target, number, 1));
		ck_assert_uint_eq(nonce, UNTOUCHED);
	}
}
END_TEST

START_TEST(compares_the_whole_hash_and_not_only_its_front)
{
	/* Targets that agree with the hash up to a byte and are larger or smaller there. */
	uint8_t header[HEADERHASH_INPUT_SIZE];
	header_fill(header, 1);
	struct hash256 h = header_hash(header, 9);
	for (size_t i = 0; i < HASH_SIZE; i++) {
		uint64_t nonce;
		struct hash256 target = h;
		if (h.b[i] < 0xff) {
			memset(target.b + i, 0, HASH_SIZE - i);
			target.b[i] = (uint8_t)(h.b[i] + 1);
			ck_assert(SEARCH(&nonce, header, &target, 9, 1));
		}
		if (h.b[i] > 0) {
			memset(target.b + i, 0xff, HASH_SIZE - i);
			target.b[i] = (uint8_t)(h.b[i] - 1);
			ck_assert(!SEARCH(&nonce, header, &target, 9, 1));
		}
	}
}
END_TEST

START_TEST(goes_on_behind_a_hash_that_only_begins_like_the_target)
{
	uint8_t header[HEADERHASH_INPUT_SIZE];
	unsigned found = 0;
	header_fill(header, 2);
	for (uint64_t first = 0; first < 2 * LANES_MAX; first++) {
		uint64_t nonce = UNTOUCHED, wanted = UNTOUCHED;
		struct hash256 target = header_hash(header, first);
		memset(target.b + 4, 0, HASH_SIZE - 4);
		bool has = plain_search(&wanted, header, &target, first, 100);
		ck_assert(SEARCH(&nonce, header, &target, first, 100) == has);
		ck_assert_uint_eq(nonce, wanted);
		ck_assert_uint_ne(nonce, first);
		found += has;
	}
	ck_assert_uint_gt(found, 0);
}
END_TEST

START_TEST(ignores_the_nonce_in_the_header)
{
	uint8_t header[HEADERHASH_INPUT_SIZE];
	uint64_t one;
	uint64_t other;
	struct hash256 target = target_of(6);
	header_fill(header, 3);
	ck_assert(SEARCH(&one, header, &target, 0, 10000));
	memset(header + HEADERHASH_INPUT_SIZE - 8, 0xaa, 8);
	ck_assert(SEARCH(&other, header, &target, 0, 10000));
	ck_assert_uint_eq(one, other);
}
END_TEST

START_TEST(tries_no_more_nonces_than_it_is_told)
{
	uint8_t header[HEADERHASH_INPUT_SIZE];
	uint64_t nonce;
	uint64_t again = UNTOUCHED;
	struct hash256 target = target_of(8);
	header_fill(header, 4);
	ck_assert(SEARCH(&nonce, header, &target, 0, 100000));
	ck_assert_uint_gt(nonce, 0);
	ck_assert(!SEARCH(&again, header, &target, 0, nonce));
	ck_assert(!SEARCH(&again, header, &target, nonce, 0));
	ck_assert_uint_eq(again, UNTOUCHED);
	ck_assert(SEARCH(&again, header, &target, 0, nonce + 1));
	ck_assert_uint_eq(again, nonce);
}
END_TEST

START_TEST(takes_a_way_that_this_processor_has)
{
	uint8_t header[HEADERHASH_INPUT_SIZE];
	struct hash256 target = target_of(8);
	uint64_t unchosen, nonce, wanted;
	header_fill(header, 5);
	ck_assert(plain_search(&wanted, header, &target, 0, 100000));
	ck_assert(headerhash_search(&unchosen, header, &target, 0, 100000));
	ck_assert_uint_eq(unchosen, wanted);

	const char *name = headerhash_choose();
	size_t i = 0;
	while (strcmp(headerhash_ways[i].name, name) != 0)
		ck_assert_uint_lt(++i, headerhash_way_count);
	ck_assert(headerhash_ways[i].is_possible());
	ck_assert(headerhash_search(&nonce, header, &target, 0, 100000));
	ck_assert_uint_eq(nonce, wanted);
}
END_TEST

START_TEST(has_a_way_for_every_processor)
{
	ck_assert(headerhash_ways[headerhash_way_count - 1].is_possible());
}
END_TEST

Suite *
suite_headerhash(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "headerhash", 20);
	for (int way = 0; way < (int)headerhash_way_count; way++) {
		if (!headerhash_ways[way].is_possible()) {
			fprintf(stderr, "skipped: headerhash by %s: this processor lacks it\n",
				headerhash_ways[way].name);
			continue;
		}
		tcase_add_loop_test(tc, finds_the_same_nonce_as_sha256d_does, way, way + 1);
		tcase_add_loop_test(tc, finds_the_only_nonce_in_whichever_lane_it_is, way, way + 1);
		tcase_add_loop_test(tc, accepts_a_hash_equal_to_the_target_and_none_above, way, way + 1);
		tcase_add_loop_test(tc, compares_the_whole_hash_and_not_only_its_front, way, way + 1);
		tcase_add_loop_test(tc, goes_on_behind_a_hash_that_only_begins_like_the_target, way, way + 1);
		tcase_add_loop_test(tc, ignores_the_nonce_in_the_header, way, way + 1);
		tcase_add_loop_test(tc, tries_no_more_nonces_than_it_is_told, way, way + 1);
	}
	tcase_add_test(tc, takes_a_way_that_this_processor_has);
	tcase_add_test(tc, has_a_way_for_every_processor);
	return suite;
}
