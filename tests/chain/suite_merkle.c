/* The vectors are those that implementations of certificate transparency share: eight leaves, the root of each prefix.
 */
#include <stdbool.h>
#include <string.h>

#include "../suite.h"
#include "chain/merkle.h"
#include "suites.h"
#include "util/hex.h"

static const struct {
	const char *leaf; /* hex */
	const char *root; /* of the tree up to this leaf */
} rows[] = {
    {"", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"},
    {"00", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"},
    {"10", "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"},
    {"2021", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"},
    {"3031", "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"},
    {"40414243", "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"},
    {"5051525354555657", "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"},
    {"606162636465666768696a6b6c6d6e6f", "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"},
};

static struct hash256
leaf_of(size_t i)
{
	uint8_t data[16];
	size_t len = strlen(rows[i].leaf) / 2;
	ck_assert_int_eq(hex_decode(data, len, rows[i].leaf), OK);
	return merkle_leaf(data, len);
}

static void
assert_hash(const struct hash256 *got, const char *hex)
{
	char text[HASH_HEX_SIZE];
	hash_hex(text, got);
	ck_assert_str_eq(text, hex);
}

START_TEST(roots_are_those_of_rfc_6962)
{
	struct merkle tree;
	merkle_init(&tree);
	for (size_t count = 1; count <= ARRAY_LEN(rows); count++) {
		struct hash256 leaves[ARRAY_LEN(rows)];
		for (size_t i = 0; i < count; i++)
			leaves[i] = leaf_of(i);
		struct hash256 root = merkle_root(leaves, count);
		assert_hash(&root, rows[count - 1].root);

		struct hash256 leaf = leaf_of(count - 1);
		merkle_add(&tree, &leaf);
		root = merkle_top(&tree);
		assert_hash(&root, rows[count - 1].root);
	}
}
END_TEST

START_TEST(the_empty_tree_is_the_hash_of_nothing)
{
	static const char nothing[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
	struct merkle tree;
	merkle_init(&tree);
	struct hash256 root = merkle_top(&tree);
	assert_hash(&root, nothing);
	root = merkle_root(NULL, 0);
	assert_hash(&root, nothing);
}
END_TEST

/* Both ways to a root agree for every count, and no two counts of equal leaves have the same root. */
START_TEST(a_growing_tree_agrees_with_a_whole_one)
{
	enum { COUNT = 300 };
	static struct hash256 leaves[COUNT], roots[COUNT];
	struct merkle tree;
	merkle_init(&tree);
	struct hash256 leaf = merkle_leaf("same", 4);
	for (size_t count = 1; count <= COUNT; count++) {
		for (size_t i = 0; i < count; i++)
			leaves[i] = leaf;
		merkle_add(&tree, &leaf);
		roots[count - 1] = merkle_top(&tree);
		struct hash256 root = merkle_root(leaves, count);
		ck_assert(hash_equal(&root, &roots[count - 1]));
		for (size_t i = 0; i + 1 < count; i++)
			ck_assert(!hash_equal(&root, &roots[i]));
	}
}
END_TEST

/* The path as RFC 6962 defines it, from the leaf up: PATH(m, D[n]) splits at the largest power of two below n. */
static size_t
path_by_definition(struct hash256 *path, const struct hash256 *leaves, size_t count, size_t index)
{
	static struct hash256 scratch[64];
	size_t split = 1, len;

	if (count == 1)
		return 0;
	while (split * 2 < count)
		split *= 2;
	bool is_left = index < split;
	len = is_left ? path_by_definition(path, leaves, split, index)
		      : path_by_definition(path, leaves + split, count - split, index - split);
	size_t others = is_left ? count - split : split;
	memcpy(scratch, is_left ? leaves + split : leaves, others * sizeof(*scratch));
	path[len] = merkle_root(scratch, others);
	return len + 1;
}

START_TEST(paths_are_those_that_rfc_6962_defines)
{
	enum { COUNT = 40 };
	static struct hash256 leaves[COUNT], used[COUNT];

	for (size_t i = 0; i < COUNT; i++)
		leaves[i] = merkle_leaf(&i, sizeof(i));
	for (size_t count = 1; count <= COUNT; count++) {
		for (size_t index = 0; index < count; index++) {
			struct hash256 path[MERKLE_LEVELS], wanted[MERKLE_LEVELS];
			size_t len;

			memcpy(used, leaves, sizeof(used));
			len = merkle_path(path, used, count, index);
			ck_assert_uint_eq(len, path_by_definition(wanted, leaves, count, index));
			for (size_t i = 0; i < len; i++)
				ck_assert(hash_equal(&path[i], &wanted[i]));
		}
	}
}
END_TEST

Suite *
suite_merkle(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "merkle", 10);
	tcase_add_test(tc, roots_are_those_of_rfc_6962);
	tcase_add_test(tc, the_empty_tree_is_the_hash_of_nothing);
	tcase_add_test(tc, a_growing_tree_agrees_with_a_whole_one);
	tcase_add_test(tc, paths_are_those_that_rfc_6962_defines);
	return suite;
}
