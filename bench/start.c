/*
 * How long a node's start takes, from nothing to a loaded chain of N blocks with one reward each:
 *
 *	start-N			the journal is read, checked, and the segment built from it
 *				yardstick: a second for a million blocks
 *	start-N-snapshot	the journal is read and checked, the segment copied from a snapshot
 *				yardstick: the same start without the snapshot
 *
 * usage: start FOLDER [BLOCKS...]	10,000, 100,000 and 1,000,000 unless said otherwise
 *
 * A row of JSON each, medians of 5 alternations. A virtual machine may be given its memory only when it first touches it,
 * which can take longer than all that is measured here: so each size is run once before it counts.
 */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "disk/journal.h"
#include "store/chain.h"
#include "store/load.h"
#include "store/snapshot.h"
#include "store_kit.h"
#include "util/clock.h"
#include "util/text.h"

#define ROUNDS 5
#define FRAME_BLOCKS 100
#define SIZE_MAX_BYTES (UINT64_C(4) << 30)

static void
write_chain(uint32_t blocks)
{
	static struct journal_frame frame;
	static struct buf made[FRAME_BLOCKS];
	struct framelog *log = log_new(LOG_JOURNAL, false);
	struct log_place place = {0};
	static struct maker m;
	struct block b;

	maker_init(&m);
	for (uint32_t done = 0; done < blocks;) {
		journal_frame_begin(&frame);
		for (int k = 0; k < FRAME_BLOCKS && done < blocks; k++, done++) {
			maker_next(&m, 0, &b);
			buf_reset(&made[k]);
			buf_append(&made[k], b.bytes, b.size);
			must(journal_frame_block(&frame, &b.hash, made[k].data, made[k].len), "no room in a frame");
		}
		journal_frame_tip(&frame, &b.hash, b.header.height);
		must(framelog_append(log, &place, &frame.frame, false) == OK, "cannot write the chain");
	}
	maker_clear(&m);
	framelog_free(log);
}

/* snapshot: is loaded if it is there; NULL: none. */
static double
seconds_to_start(uint32_t blocks, const char *snapshot, const char *write_to)
{
	struct store *s = store_new(SIZE_MAX_BYTES, false);
	uint64_t since = clock_mono_us(), checked;
	clock_t cpu = clock();
	struct journal j;
	struct buf why;
	double seconds;

	buf_init(&why);
	if (journal_open(&j, store_journal(s), true, NULL, NULL, &why) != OK)
		must(false, why.data);
	checked = clock_mono_us();
	if (snapshot != NULL && snapshot_load(s, snapshot, &j, &why) != OK)
		must(false, why.data);
	if (store_load(s, &j, NULL, NULL, &why) != OK)
		must(false, why.data);
	store_loaded(s, &j.scan.place);
	seconds = (double)(clock_mono_us() - since) / 1e6;
	must(chain_height(s, chain_tip(s)) == blocks, "the chain is not all there");
	fprintf(stderr, "start: %" PRIu32 " blocks%s: read and checked in %.3f s, loaded in %.3f s (%.3f s of CPU)\n",
		blocks, snapshot == NULL ? "" : ", snapshot", (double)(checked - since) / 1e6, seconds,
		(double)(clock() - cpu) / CLOCKS_PER_SEC);
	if (write_to != NULL)
		must(snapshot_write(s, write_to) == OK, "the snapshot cannot be written");
	journal_close(&j);
	buf_clear(&why);
	store_destroy(s);
	return seconds;
}

static void
measure(uint32_t blocks)
{
	double plain[ROUNDS], quick[ROUNDS], second[ROUNDS];
	char snapshot[2100], name[48];

	folder_path(snapshot, sizeof(snapshot), SNAPSHOT_NAME);
	folder_empty();
	write_chain(blocks);
	(void)seconds_to_start(blocks, NULL, snapshot);
	for (int i = 0; i < ROUNDS; i++) {
		plain[i] = seconds_to_start(blocks, NULL, NULL);
		quick[i] = seconds_to_start(blocks, snapshot, NULL);
		second[i] = blocks / 1e6;
	}
	snprintf(name, sizeof(name), "start-%" PRIu32, blocks);
	row_print(name, plain, second, ROUNDS, "s", 1.0, true);
	snprintf(name, sizeof(name), "start-%" PRIu32 "-snapshot", blocks);
	row_print(name, quick, plain, ROUNDS, "s", 1.0, true);
	folder_empty();
}

int
main(int argc, char **argv)
{
	static const uint32_t usual[] = {10000, 100000, 1000000};
	uint64_t blocks;

	if (argc < 2) {
		fprintf(stderr, "usage: start FOLDER [BLOCKS...]\n");
		return 2;
	}
	folder_set(argv[1]);
	for (int i = 2; i < argc; i++) {
		must(text_u64(&blocks, argv[i], 10000000) == OK && blocks > 0, "BLOCKS is a number up to 10,000,000");
		measure((uint32_t)blocks);
	}
	for (size_t i = 0; argc == 2 && i < sizeof(usual) / sizeof(*usual); i++)
		measure(usual[i]);
	return 0;
}
