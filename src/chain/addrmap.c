/*
 * A crit-bit tree (a binary trie that has branches only where addresses really differ) in one array. Adding an address
 * adds one leaf and, but for the first, one branch; both live in the node of the address's number. A branch names the
 * bit it looks at; going down, these bits only grow. Links between nodes are indexes, so the array may move.
 */
#include "chain/addrmap.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

struct addrmap_node {
	struct address who; /* the leaf */
	uint8_t bit;	    /* the branch: which bit of an address decides, 0 the most significant */
	uint32_t next[2];   /* the branch: links for a 0 and a 1 there */
};

#define CAP_FIRST 64

/* A link: a node's number and, in the lowest bit, whether its branch or its leaf is meant. */
static uint32_t
link_to(uint32_t number, bool branch)
{
	return number << 1 | branch;
}

static bool
is_branch(uint32_t link)
{
	return link & 1;
}

static bool
address_bit(const struct address *a, uint8_t bit)
{
	return a->b[bit / 8] >> (7 - bit % 8) & 1;
}

void
addrmap_init(struct addrmap *m)
{
	*m = (struct addrmap){0};
}

void
addrmap_clear(struct addrmap *m)
{
	free(m->nodes);
	addrmap_init(m);
}

/* The one known address that can be equal to who: at each branch take who's side. */
static uint32_t
nearest(const struct addrmap *m, const struct address *who)
{
	uint32_t link = m->root;
	while (is_branch(link)) {
		const struct addrmap_node *n = &m->nodes[link >> 1];
		link = n->next[address_bit(who, n->bit)];
	}
	return link >> 1;
}

static uint8_t
first_difference(const struct address *a, const struct address *b)
{
	uint8_t i = 0;
	while (a->b[i] == b->b[i])
		i++;
	unsigned differing = a->b[i] ^ b->b[i];
	return (uint8_t)(8 * i + (unsigned)__builtin_clz(differing) - 24);
}

uint32_t
addrmap_number(struct addrmap *m, const struct address *who)
{
	uint32_t near = 0;
	if (m->count > 0) {
		near = nearest(m, who);
		if (address_equal(&m->nodes[near].who, who))
			return near;
	}

	if (m->count == m->cap) {
		m->cap = m->cap ? 2 * m->cap : CAP_FIRST;
		m->nodes = xrealloc(m->nodes, m->cap * sizeof(*m->nodes));
	}
	uint32_t number = m->count++;
	struct addrmap_node *fresh = &m->nodes[number];
	fresh->who = *who;
	uint32_t leaf = link_to(number, false);
	if (number == 0) {
		m->root = leaf;
		return number;
	}

	/* The new branch goes above the first one that looks at a later bit than the one where who differs. */
	uint8_t bit = first_difference(&m->nodes[near].who, who);
	uint32_t *place = &m->root;
	while (is_branch(*place) && m->nodes[*place >> 1].bit < bit) {
		struct addrmap_node *n = &m->nodes[*place >> 1];
		place = &n->next[address_bit(who, n->bit)];
	}
	bool side = address_bit(who, bit);
	fresh->bit = bit;
	fresh->next[side] = leaf;
	fresh->next[!side] = *place;
	*place = link_to(number, true);
	return number;
}
