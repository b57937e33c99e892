/*
 * Numbers for addresses: the first address asked for is 0, the next new one 1, and so on, so that tables about accounts
 * are plain arrays. Outsiders choose addresses freely, so this is no hash table: a lookup takes about log2(count) steps
 * for random addresses and never more than 160, without needing a secret or random seed.
 */
#ifndef RENSA_CHAIN_ADDRMAP_H
#define RENSA_CHAIN_ADDRMAP_H

#include <stdint.h>

#include "crypto/address.h"

struct addrmap_node;

struct addrmap {
	struct addrmap_node *nodes; /* node i belongs to the address of number i */
	uint32_t count;		    /* addresses known */
	uint32_t cap;
	uint32_t root;
};

void addrmap_init(struct addrmap *m);
void addrmap_clear(struct addrmap *m);
/* The number of who; one that equals the count before the call is new. */
uint32_t addrmap_number(struct addrmap *m, const struct address *who);

#endif
