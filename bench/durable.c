/*
 * What durability costs, each beside the least that it could cost on the same disk in the same run:
 *
 *	single		blocks/s, each committed by itself: judged, staged, written, synced, published
 *			yardstick: the same bytes, written and synced into disk space taken before
 *	groups		the same, a hundred blocks to a commit
 *	start-N		seconds from nothing to a loaded chain of N blocks with one reward each
 *			yardstick: one second for a million blocks
 *
 * usage: durable FOLDER [BLOCKS]
 *
 * Rows come as JSON, medians of 7 alternations. The folder's contents are removed.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "chain/pow.h"
#include "chain/template.h"
#include "crypto/headerhash.h"
#include "disk/journal.h"
#include "store/branch.h"
#include "store/load.h"
#include "util/clock.h"
#include "util/file.h"
#include "util/fileio.h"
#include "util/mem.h"
#include "util/text.h"

#define ROUNDS 7
#define SINGLES 300
#define GROUPS 40
#define GROUP 100
#define BLOCK_BYTES 169 /* header, count, reward */

static char folder[2048];

static void
must(bool is_fine, const char *what)
{
	if (is_fine)
		return;
	fprintf(stderr, "durable: %s\n", what);
	exit(1);
}

static struct store_options
options(uint64_t size_max)
{
	struct store_options o = {
	    .name = "bench", .data_dir = folder, .size_max = size_max, .roles = 2, .rings = 2, .pool_max = 64};

	params_default(&o.params);
	o.params.difficulty = 0;
	o.params.retarget = RETARGET_FIXED;
	return o;
}

static struct framelog *
new_log(const struct params *p, bool is_synced)
{
	static char path[2100];
	struct framelog_options o = {
	    .folder = path, .kind = LOG_JOURNAL, .genesis = genesis_hash(p), .is_synced = is_synced};

	snprintf(path, sizeof(path), "%s/" JOURNAL_FOLDER, folder);
	return framelog_new(&o);
}

static void
empty_folder(void)
{
	char command[2200];

	snprintf(command, sizeof(command), "rm -rf '%s/" JOURNAL_FOLDER "'", folder);
	must(system(command) == 0, "cannot empty the folder");
}

static struct store *
new_store(uint64_t size_max, bool is_synced)
{
	struct store_options o = options(size_max);
	struct store *s;
	struct buf why;

	buf_init(&why);
	if (store_create(&s, &o, &why) != OK)
		must(false, why.data);
	buf_clear(&why);
	store_use_logs(s, new_log(&o.params, is_synced), NULL);
	return s;
}

/* The next block of a chain that nobody competes for. */
struct maker {
	struct params params;
	struct hash256 network;
	struct header_state state;
	uint64_t supply;
	struct buf bytes;
	struct block block;
};

static void
maker_init(struct maker *m, const struct params *p)
{
	memset(m, 0, sizeof(*m));
	m->params = *p;
	m->network = genesis_hash(p);
	header_state_genesis(&m->state, p);
	buf_init(&m->bytes);
}

static const struct block *
maker_next(struct maker *m)
{
	static const struct buf none;
	struct address to = {{1}};
	struct header h;
	struct hash256 target;
	struct u256 wide;
	uint64_t nonce;

	to.b[1] = (uint8_t)m->state.header.height;
	buf_reset(&m->bytes);
	template_block(&m->bytes, &m->state, &m->params, &m->network, &to, m->supply, 0, &none, 0,
		       m->state.header.time_ms + 1000);
	header_decode(&h, (const uint8_t *)m->bytes.data);
	must(target_expand(&wide, h.target), "no target");
	target = u256_to_hash(&wide);
	must(headerhash_search(&nonce, (const uint8_t *)m->bytes.data, &target, 0, 1u << 20), "no proof of work");
	h.nonce = nonce;
	header_encode((uint8_t *)m->bytes.data, &h);
	must(block_parse(&m->block, m->bytes.data, m->bytes.len) == RULE_OK, "no block");
	m->supply += ledger_subsidy(&m->params, m->supply);
	header_state_advance(&m->state, &m->block.header, &m->block.hash);
	return &m->block;
}

static double
rate_ours(struct store *s, struct maker *m, int commits, int group)
{
	struct blockref none = {0}, old;
	struct branch b;
	struct verdict v;
	uint64_t used = 0, since;

	branch_init(&b, s);
	for (int i = 0; i < commits; i++) {
		/* Making blocks is the miner's business, not the disk's. */
		static struct buf made[GROUP];
		struct block blocks[GROUP];
		for (int k = 0; k < group; k++) {
			const struct block *next = maker_next(m);
			buf_reset(&made[k]);
			buf_append(&made[k], next->bytes, next->size);
			blocks[k] = *next;
			blocks[k].bytes = (const uint8_t *)made[k].data;
		}
		since = clock_mono_us();
		must(branch_begin(&b, chain_tip(s)) == OK, "no branch");
		for (int k = 0; k < group; k++)
			must(branch_add(&b, &blocks[k], true, &v) == OK && v.rule == RULE_OK, "no block added");
		must(branch_commit(&b, none, &old) == OK && old.v != 0, "no commit");
		branch_end(&b);
		used += clock_mono_us() - since;
	}
	return (double)commits * group * 1e6 / (double)used;
}

static double
rate_yardstick(int commits, int group)
{
	static uint8_t bytes[GROUP * (BLOCK_BYTES + JOURNAL_BLOCK_HEAD) + 128];
	size_t len = (size_t)group * (BLOCK_BYTES + JOURNAL_BLOCK_HEAD) + 72;
	char path[2100];
	uint64_t since;
	int fd;

	snprintf(path, sizeof(path), "%s/yardstick", folder);
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

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void
row(const char *name, const double *ours, const double *yardstick, int rounds, const char *unit, double mark,
    bool is_cost)
{
	double o[ROUNDS], y[ROUNDS], r[ROUNDS];
	static bool has_row;

	for (int i = 0; i < rounds; i++) {
		o[i] = ours[i];
		y[i] = yardstick[i];
		r[i] = is_cost ? y[i] / o[i] : o[i] / y[i];
	}
	qsort(o, (size_t)rounds, sizeof(*o), compare);
	qsort(y, (size_t)rounds, sizeof(*y), compare);
	qsort(r, (size_t)rounds, sizeof(*r), compare);
	/* It holds when the median is within its spread (between the quartiles) of the mark. */
	double median = r[rounds / 2], spread = r[rounds * 3 / 4] - r[rounds / 4];
	printf("%s{\"name\":\"%s\",\"ours\":%.6g,\"yardstick\":%.6g,\"unit\":\"%s\",\"ratio\":%.4g,\"spread\":%.3g,"
	       "\"mark\":%.3g,\"holds\":%s}",
	       has_row ? ",\n " : "[", name, o[rounds / 2], y[rounds / 2], unit, median, spread, mark,
	       median + spread >= mark ? "true" : "false");
	has_row = true;
}

static void
measure_commits(const char *name, int commits, int group, double mark)
{
	double ours[ROUNDS], yardstick[ROUNDS];
	struct store *s = new_store(UINT64_C(256) << 20, true);
	struct log_place nowhere = {0};
	struct maker m;

	maker_init(&m, store_params(s));
	store_loaded(s, &nowhere);
	for (int i = 0; i < ROUNDS; i++) {
		ours[i] = rate_ours(s, &m, commits, group);
		yardstick[i] = rate_yardstick(commits, group);
	}
	row(name, ours, yardstick, ROUNDS, "blocks/s", mark, false);
	buf_clear(&m.bytes);
	store_destroy(s);
	empty_folder();
}

static void
write_chain(const struct params *p, uint32_t blocks)
{
	static struct journal_frame frame;
	static struct buf made[JOURNAL_BLOCKS_MAX];
	struct framelog *log = new_log(p, false);
	struct log_place place = {0};
	struct maker m;

	maker_init(&m, p);
	for (uint32_t done = 0; done < blocks;) {
		const struct block *b = NULL;
		journal_frame_begin(&frame);
		for (int k = 0; k < 100 && done < blocks; k++, done++) {
			b = maker_next(&m);
			buf_reset(&made[k]);
			buf_append(&made[k], b->bytes, b->size);
			must(journal_frame_block(&frame, &b->hash, made[k].data, made[k].len), "no room in a frame");
		}
		journal_frame_tip(&frame, &b->hash, b->header.height);
		must(framelog_append(log, &place, &frame.frame, false) == OK, "cannot write the chain");
	}
	buf_clear(&m.bytes);
	framelog_free(log);
}

static double
seconds_to_start(void)
{
	struct store *s = new_store(UINT64_C(4) << 30, false);
	uint64_t since = clock_mono_us(), checked;
	clock_t cpu = clock();
	struct journal j;
	struct buf why;
	double seconds;

	buf_init(&why);
	if (journal_open(&j, store_journal(s), true, NULL, NULL, &why) != OK)
		must(false, why.data);
	checked = clock_mono_us();
	if (store_load(s, &j, NULL, NULL, &why) != OK)
		must(false, why.data);
	store_loaded(s, &j.scan.place);
	seconds = (double)(clock_mono_us() - since) / 1e6;
	fprintf(stderr, "durable: height %" PRIu64 ": read and checked in %.3f s, loaded in %.3f s (%.3f s of CPU)\n",
		chain_height(s, chain_tip(s)), (double)(checked - since) / 1e6, seconds,
		(double)(clock() - cpu) / CLOCKS_PER_SEC);
	journal_close(&j);
	store_destroy(s);
	return seconds;
}

int
main(int argc, char **argv)
{
	uint64_t blocks = 1000000;
	double ours[3], yardstick[3];
	struct store_options o;
	char name[32];

	if (argc < 2 || (argc > 2 && text_u64(&blocks, argv[2], 10000000) != OK)) {
		fprintf(stderr, "usage: durable FOLDER [BLOCKS]\n");
		return 2;
	}
	text_copy(folder, sizeof(folder), argv[1]);
	must(dir_make(folder) == OK, "cannot make the folder");
	empty_folder();
	measure_commits("single", SINGLES, 1, 0.8);
	measure_commits("groups", GROUPS, GROUP, 0.3);
	o = options(UINT64_C(4) << 30);
	write_chain(&o.params, (uint32_t)blocks);
	for (int i = 0; i < 3; i++) {
		ours[i] = seconds_to_start();
		yardstick[i] = (double)blocks / 1e6;
	}
	snprintf(name, sizeof(name), "start-%" PRIu64, blocks);
	row(name, ours, yardstick, 3, "s", 1.0, true);
	printf("]\n");
	empty_folder();
	return 0;
}
