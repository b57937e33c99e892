/*
 * What a chain takes in the shared segment, beside the bytes that it consists of:
 *
 *	block		an empty block with all that is kept of it: record, version of the account that its reward goes to, leaves
 *			and nodes by which it is found. Yardstick: its canonical bytes
 *	transfer	a transfer in a block, between two people whom nothing else in the block concerns, so that two accounts
 *			get a new version for it alone. Yardstick: its canonical bytes
 *	account		somebody whom the chain has not met before, with one state: leaf, nodes, version. Yardstick: the 36 bytes
 *			that an account is, address, balance and sequence
 *	pooled		room for a transfer that waits for a block: a slot of the pool, which takes the longest memo, and its
 *			share of the pool's indexes. Yardstick: the canonical bytes of a transfer without a memo
 *
 * usage: memory FOLDER
 *
 * All is counted, nothing is computed from sizes of structures: chains are committed into real segments, and what the arena
 * has grown by is divided by what was added. A transfer is what a chain with one in each block takes more than one without;
 * a version what it takes more if the reward goes to a third person; a newcomer what a chain whose rewards go to ever new
 * people takes more than one whose rewards go to the same. What the pool takes is granted when a segment is made, so there
 * two segments are compared, one with twice the room.
 *
 * Indexes fill in steps of sixteen, and the share of a leaf in their nodes swings with that. So the alternations of a row
 * are seven sizes, spread evenly over such a step up to the largest; of each, the worse counts of all bytes so far over all
 * blocks so far, and of those that came since the size before.
 */
#include <stdio.h>
#include <string.h>

#include "store/branch.h"
#include "store/load.h"
#include "store_kit.h"

#define SIZES 7
#define GROUP 100
#define WARM (2 * SENDERS) /* blocks before anything counts: by then everybody has coins */
#define LARGE 1000000	   /* blocks of the long chain; the others have a tenth */
#define ACCOUNT_BYTES (20 + 8 + 8)
#define BLOCK_BYTES 169
#define TRANSFER_BYTES TX_TRANSFER_SIZE(0)
#define MARK (1.0 / 3)

/* Who the reward goes to, and whether the first person pays the second. */
enum kind { EMPTY, NEWCOMERS, TRANSFER, TRANSFER_OWN };

struct growth {
	double total[SIZES];	/* bytes a block, from the beginning */
	double marginal[SIZES]; /* from the size before */
};

static uint64_t
arena_used(const struct store *s)
{
	struct store_usage u;

	store_usage(s, &u);
	return u.arena_used;
}

static struct address
rewarded(const struct maker *m, enum kind kind, uint64_t height)
{
	struct address who = {{0}};

	if (kind == NEWCOMERS)
		memcpy(who.b, &height, sizeof(height));
	return kind == NEWCOMERS ? who : kind == TRANSFER_OWN ? m->people[0].address : m->people[2].address;
}

static void
next_block(struct maker *m, enum kind kind, struct block *out)
{
	uint64_t height = m->state.header.height + 1;
	struct address *place = &m->people[height % SENDERS].address, usual = *place;

	if (height > SENDERS)
		*place = rewarded(m, kind, height);
	maker_next(m, kind == TRANSFER || kind == TRANSFER_OWN, out);
	*place = usual;
}

static void
extend(struct store *s, struct maker *m, enum kind kind, uint32_t blocks)
{
	struct blockref none = {0}, old;
	struct branch branch;
	struct verdict v;
	struct block b;

	branch_init(&branch, s);
	must(branch_begin(&branch, chain_tip(s)) == OK, "no branch");
	for (uint32_t i = 0; i < blocks; i++) {
		next_block(m, kind, &b);
		must(branch_add(&branch, &b, true, &v) == OK && v.rule == RULE_OK, "no block added");
	}
	must(branch_commit(&branch, none, &old) == OK && old.v != 0, "no commit");
	branch_end(&branch);
}

static void
extend_to(struct store *s, struct maker *m, enum kind kind, uint32_t height)
{
	while (m->state.header.height < height) {
		uint64_t left = height - m->state.header.height;
		extend(s, m, kind, left < GROUP ? (uint32_t)left : GROUP);
	}
}

/* The sizes are sixteen to the power of one seventh apart, and end in the largest. */
static uint32_t
size_of(uint32_t largest, int i)
{
	double size = largest;

	while (++i < SIZES)
		size /= 1.485994;
	return (uint32_t)size;
}

static void
grow(struct growth *g, enum kind kind, uint32_t largest)
{
	struct store *s = store_new(UINT64_C(2) << 30, false);
	struct log_place nowhere = {0};
	static struct maker m;
	uint64_t first, before, after;
	uint32_t from = WARM, to;

	store_loaded(s, &nowhere);
	maker_init(&m);
	extend_to(s, &m, kind, WARM);
	first = before = arena_used(s);
	for (int i = 0; i < SIZES; i++, from = to, before = after) {
		to = size_of(largest, i);
		extend_to(s, &m, kind, to);
		after = arena_used(s);
		g->total[i] = (double)(after - first) / (to - WARM);
		g->marginal[i] = (double)(after - before) / (to - from);
	}
	maker_clear(&m);
	store_destroy(s);
	folder_empty();
}

/* What a block of a chain takes more than one of another, and more still. NULL: nothing. */
static void
print(const char *name, const struct growth *of, const struct growth *less, const struct growth *plus,
      const struct growth *but, double yardstick)
{
	static const struct growth nothing;
	double ours[SIZES], theirs[SIZES], total, marginal;

	less = less == NULL ? &nothing : less;
	plus = plus == NULL ? &nothing : plus;
	but = but == NULL ? &nothing : but;
	for (int i = 0; i < SIZES; i++) {
		total = of->total[i] - less->total[i] + plus->total[i] - but->total[i];
		marginal = of->marginal[i] - less->marginal[i] + plus->marginal[i] - but->marginal[i];
		ours[i] = total > marginal ? total : marginal;
		theirs[i] = yardstick;
		fprintf(stderr, "memory: %s: %.1f bytes on average, %.1f for the last\n", name, total, marginal);
	}
	row_print(name, ours, theirs, SIZES, "bytes", MARK, true);
}

static double
granted_for(uint32_t pool_max)
{
	struct store *s = store_new_pool(UINT64_C(2) << 30, false, pool_max);
	struct store_usage u;

	store_usage(s, &u);
	store_destroy(s);
	folder_empty();
	return (double)u.granted;
}

static void
print_pooled(void)
{
	double ours[SIZES], theirs[SIZES];

	for (int i = 0; i < SIZES; i++) {
		uint32_t room = 4096u << i;
		ours[i] = (granted_for(2 * room) - granted_for(room)) / room;
		theirs[i] = TRANSFER_BYTES;
	}
	row_print("pooled", ours, theirs, SIZES, "bytes", MARK, true);
}

int
main(int argc, char **argv)
{
	static struct growth large, empty, newcomers, transfer, own;

	if (argc != 2) {
		fprintf(stderr, "usage: memory FOLDER\n");
		return 2;
	}
	folder_set(argv[1]);
	grow(&large, EMPTY, LARGE);
	grow(&empty, EMPTY, LARGE / 10);
	grow(&newcomers, NEWCOMERS, LARGE / 10);
	grow(&transfer, TRANSFER, LARGE / 10);
	grow(&own, TRANSFER_OWN, LARGE / 10);
	print("block", &large, NULL, NULL, NULL, BLOCK_BYTES);
	print("transfer", &transfer, &empty, NULL, NULL, TRANSFER_BYTES);
	print("account", &newcomers, &empty, &transfer, &own, ACCOUNT_BYTES);
	print_pooled();
	return 0;
}
