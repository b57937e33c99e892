/*
 * A running node's chain, over the routes that nodes use among themselves. The headers are fetched first, all of them,
 * and judged; only their hashes are kept. From then on the chain is the one that they name, whatever the node swaps in
 * meanwhile, and bodies are fetched a few at a time.
 */
#ifndef RENSA_PROG_NETCHAIN_H
#define RENSA_PROG_NETCHAIN_H

#include <stddef.h>
#include <stdint.h>

#include "chain/block.h"
#include "chain/fork_choice.h"
#include "chain/params.h"
#include "prog/cli.h"
#include "prog/remote.h"
#include "util/attr.h"

struct netchain {
	struct remote http; /* the routes for everybody */
	struct remote peer; /* those for nodes, which may have a listener of their own */
	struct params params;
	struct hash256 genesis;
	struct head tip; /* of the headers */
	struct hash256 *hashes;
	size_t count, room;
};

/* Asks for the network. netchain_close is due in any case. */
enum cli_exit netchain_open(struct netchain *n, struct cli *c) MUSTCHECK;
void netchain_close(struct netchain *n);
enum cli_exit netchain_headers(struct netchain *n) MUSTCHECK;
/* Each block of the chain from height 1 on, its hash and merkle root checked; borrowed for the call. */
typedef enum cli_exit netchain_visit(void *ctx, const struct block *b);
enum cli_exit netchain_blocks(struct netchain *n, const char *what, netchain_visit *visit, void *ctx) MUSTCHECK;

#endif
