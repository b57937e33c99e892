/*
 * RFC 6962 splits n leaves at the largest power of two below n, again and again. So the tree over n leaves is a row of
 * full subtrees, one for each set bit of n, largest first, joined from the right. Adding a leaf to that row works like
 * adding 1 to a binary counter: each carry joins two subtrees of equal size.
 */
#include "chain/merkle.h"

#define LEAF_PREFIX 0x00
#define NODE_PREFIX 0x01

static struct hash256
merkle_node(const struct hash256 *left, const struct hash256 *right)
{
	return sha256_tagged(NODE_PREFIX, left->b, HASH_SIZE, right->b, HASH_SIZE);
}

struct hash256
merkle_leaf(const void *data, size_t len)
{
	return sha256_tagged(LEAF_PREFIX, data, len, NULL, 0);
}

/* One level up: neighbours join, and an odd one at the end moves up as it is. */
static void
merkle_level(struct hash256 *leaves, size_t count)
{
	for (size_t i = 0; i + 1 < count; i += 2)
		leaves[i / 2] = merkle_node(&leaves[i], &leaves[i + 1]);
	if (count % 2)
		leaves[count / 2] = leaves[count - 1];
}

struct hash256
merkle_root(struct hash256 *leaves, size_t count)
{
	if (count == 0)
		return sha256("", 0);
	for (; count > 1; count = (count + 1) / 2)
		merkle_level(leaves, count);
	return leaves[0];
}

size_t
merkle_path(struct hash256 path[MERKLE_LEVELS], struct hash256 *leaves, size_t count, size_t index)
{
	size_t len = 0;

	for (; count > 1; count = (count + 1) / 2, index /= 2) {
		size_t neighbour = index ^ 1;

		/* The odd one at the end has none on this level. */
		if (neighbour < count)
			path[len++] = leaves[neighbour];
		merkle_level(leaves, count);
	}
	return len;
}

void
merkle_init(struct merkle *m)
{
	m->count = 0;
}

void
merkle_add(struct merkle *m, const struct hash256 *leaf)
{
	struct hash256 sum = *leaf;
	unsigned level = 0;
	for (; m->count >> level & 1; level++)
		sum = merkle_node(&m->full[level], &sum);
	m->full[level] = sum;
	m->count++;
}

struct hash256
merkle_top(const struct merkle *m)
{
	if (m->count == 0)
		return sha256("", 0);
	unsigned level = (unsigned)__builtin_ctz(m->count);
	struct hash256 top = m->full[level];
	while (++level < MERKLE_LEVELS)
		if (m->count >> level & 1)
			top = merkle_node(&m->full[level], &top);
	return top;
}
