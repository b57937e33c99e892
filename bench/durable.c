/*
 * What durability costs, each beside the least that it could cost on the same disk in the same run:
 *
 *	single		blocks/s, each committed by itself: judged, staged, written, synced, published
 *			yardstick: the same bytes, written and synced into disk space taken before
 *	groups		the same, a hundred blocks to a commit
 *	admissions	transfers/s that the pool takes: signature, ring, pool, log, one sync for the 64 that wait
 *			yardstick: the same without syncs
 *
 * usage: durable FOLDER
 *
 * A row of JSON each, medians of 7 alternations. The folder's contents are removed.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "disk/journal.h"
#include "store/branch.h"
#include "store/load.h"
#include "store/mempool.h"
#include "store/ring.h"
#include "store_kit.h"
#include "util/clock.h"
#include "util/file.h"
#include "util/fileio.h"

#define ROUNDS 7
#define SINGLES 300
#define GROUPS 40
#define GROUP 100
#define BLOCK_BYTES 169 /* header, count, reward */
#define FRAME_BYTES 72	/* head and tip */
#define WAITING 64	/* clients that wait for a verdict at the same time */
#define ADMISSIONS (40 * WAITING)

/* Blocks whose bytes stay. */
struct blocks {
	struct buf made[GROUP];
	struct block at[GROUP];
};

static void
blocks_make(struct blocks *b, struct maker *m, int count)
{
	for (int i = 0; i < count; i++) {
		maker_next(m, 0, &b->at[i]);
		buf_reset(&b->made[i]);
		buf_append(&b->made[i], b->at[i].bytes, b->at[i].size);
		b->at[i].bytes = (const uint8_t *)b->made[i].data;
	}
}

static void
blocks_clear(struct blocks *b)
{
	for (int i = 0; i < GROUP; i++)
		buf_clear(&b->made[i]);
}

static void
blocks_commit(struct store *s, const struct blocks *blocks, int count)
{
	struct blockref none = {0}, old;
	struct branch b;
	struct verdict v;

	branch_init(&b, s);
	must(branch_begin(&b, chain_tip(s)) == OK, "no branch");
	for (int i = 0; i < count; i++)
		must(branch_add(&b, &blocks->at[i], true, &v) == OK && v.rule == RULE_OK, "no block added");
	must(branch_commit(&b, none, &old) == OK && old.v != 0, "no commit");
	branch_end(&b);
}

static double
commits_ours(struct store *s, struct maker *m, int commits, int group)
{
	static struct blocks blocks;
	uint64_t used = 0, since;

	for (int i = 0; i < commits; i++) {
		/* Making blocks is the miner's business, not the disk's. */
		blocks_make(&blocks, m, group);
		since = clock_mono_us();
		blocks_commit(s, &blocks, group);
		used += clock_mono_us() - since;
	}
	blocks_clear(&blocks);
	return (double)commits * group * 1e6 / (double)used;
}

static double
commits_yardstick(int commits, int group)
{
	static uint8_t bytes[GROUP * (BLOCK_BYTES + JOURNAL_BLOCK_HEAD) + FRAME_BYTES];
	size_t len = (size_t)group * (BLOCK_BYTES + JOURNAL_BLOCK_HEAD) + FRAME_BYTES;
	char path[2100];
	uint64_t since;
	int fd;

	folder_path(path, sizeof(path), "yardstick");
	must(file_open(&fd, path, O_RDWR | O_CREAT | O_TRUNC, 0600) == OK, "cannot open a file");
	must(file_allocate(fd, 0, 4u << 20) == OK && file_sync(fd) == OK, "no space");
	since = clock_mono_us();
	for (int i = 0; i < commits; i++) {
		struct iovec part = {bytes, len};
		must(file_write_at(fd, &part, 1, (uint64_t)i * len) == OK && file_sync(fd) == OK, "cannot write");
	}
	since = clock_mono_us() - since;
	fd_close(&fd);
	must(file_unlink(path) == OK, "cannot remove a file");
	return (double)commits * group * 1e6 / (double)since;
}

static void
measure_commits(const char *name, int commits, int group, double mark)
{
	double ours[ROUNDS], yardstick[ROUNDS];
	struct store *s = store_new(UINT64_C(256) << 20, true);
	struct log_place nowhere = {0};
	static struct maker m;

	maker_init(&m);
	store_loaded(s, &nowhere);
	for (int i = 0; i < ROUNDS; i++) {
		ours[i] = commits_ours(s, &m, commits, group);
		yardstick[i] = commits_yardstick(commits, group);
	}
	row_print(name, ours, yardstick, ROUNDS, "blocks/s", mark, false);
	maker_clear(&m);
	store_destroy(s);
	folder_empty();
}

/* Admissions. */

struct transfer {
	struct tx tx;
	uint8_t bytes[TX_SIZE_MAX];
	size_t size;
};

static void
admit(struct store *s, struct mempool *pool, uint32_t ring, const struct transfer *transfers)
{
	struct admission verdict;
	int slots[WAITING];

	for (int i = 0; i < WAITING; i++) {
		must(tx_check_signature(&transfers[i].tx) == RULE_OK, "a bad signature");
		slots[i] = ring_put_tx(s, ring, transfers[i].bytes, transfers[i].size, true);
		must(slots[i] >= 0, "the ring is full");
	}
	must(pool_turn(s, pool, WAITING) == WAITING, "the ring was not drained");
	for (int i = 0; i < WAITING; i++)
		must(ring_take_verdict(s, ring, slots[i], &verdict) && verdict.status == ADMISSION_PENDING,
		     "a transfer was not let in");
}

static double
admissions(const struct blocks *blocks, const struct transfer *transfers, bool is_synced)
{
	struct store *s = store_new(UINT64_C(256) << 20, is_synced);
	struct log_place nowhere = {0};
	struct mempool *pool;
	uint64_t since;
	uint32_t ring;

	store_loaded(s, &nowhere);
	blocks_commit(s, blocks, SENDERS);
	pool = mempool_open(s);
	must(ring_assign(s, &ring) == OK, "no ring");
	since = clock_mono_us();
	for (int i = 0; i < ADMISSIONS; i += WAITING)
		admit(s, pool, ring, transfers + i);
	since = clock_mono_us() - since;
	mempool_close(pool);
	store_destroy(s);
	folder_empty();
	return ADMISSIONS * 1e6 / (double)since;
}

static void
measure_admissions(void)
{
	double ours[ROUNDS], yardstick[ROUNDS];
	static struct transfer transfers[ADMISSIONS];
	static struct blocks blocks;
	static struct maker m;

	maker_init(&m);
	blocks_make(&blocks, &m, SENDERS);
	for (uint32_t i = 0; i < ADMISSIONS; i++) {
		struct transfer *t = &transfers[i];
		struct writer w = writer_of(t->bytes, sizeof(t->bytes));
		maker_sign(&m, &t->tx, i);
		tx_encode(&w, &t->tx);
		t->size = writer_len(&w);
	}
	for (int i = 0; i < ROUNDS; i++) {
		ours[i] = admissions(&blocks, transfers, true);
		yardstick[i] = admissions(&blocks, transfers, false);
	}
	row_print("admissions", ours, yardstick, ROUNDS, "transfers/s", 0.67, false);
	blocks_clear(&blocks);
	maker_clear(&m);
}

int
main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: durable FOLDER\n");
		return 2;
	}
	folder_set(argv[1]);
	measure_commits("single", SINGLES, 1, 0.67);
	measure_commits("groups", GROUPS, GROUP, 0.67);
	measure_admissions();
	return 0;
}
_Static_assert(SENDERS <= GROUP, "everybody has coins after one group of blocks");
