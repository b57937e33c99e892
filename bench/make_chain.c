/*
 * Makes a data folder with a long chain, and says how many signatures a second this machine's cores check.
 *
 * usage: make_chain FOLDER BLOCKS TRANSFERS	a journal of so many blocks with so many transfers each
 *        make_chain FOLDER BLOCKS TRANSFERS MORE	and the bytes of so many blocks that come next, in files of FOLDER
 *        make_chain --verify-rate SECONDS	signatures checked a second, on all cores at once
 *
 * The network is the default one with difficulty 0 and fixed targets.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "disk/journal.h"
#include "maker.h"
#include "util/clock.h"
#include "util/text.h"

#define FRAME_BLOCKS 20

/* Blocks that fit behind the journal's, one a file: block-1, block-2, … */
static void
write_more(struct maker *m, const char *folder, uint64_t more, uint64_t transfers)
{
	for (uint64_t i = 1; i <= more; i++) {
		char path[2100];
		struct block b;
		FILE *f;

		maker_next(m, transfers, &b);
		snprintf(path, sizeof(path), "%s/block-%" PRIu64, folder, i);
		f = fopen(path, "wb");
		must(f != NULL && fwrite(b.bytes, 1, b.size, f) == b.size && fclose(f) == 0, "cannot write a block");
	}
}

static void
make_chain(const char *data_dir, uint64_t blocks, uint64_t transfers, uint64_t more)
{
	static struct journal_frame frame;
	static struct buf made[FRAME_BLOCKS];
	static struct maker m;
	char folder[2100];
	struct framelog_options o = {.folder = folder, .kind = LOG_JOURNAL, .is_synced = false};
	struct log_place place = {0};
	struct framelog *log;
	struct block b;

	maker_init(&m);
	snprintf(folder, sizeof(folder), "%s/" JOURNAL_FOLDER, data_dir);
	o.genesis = m.network;
	log = framelog_new(&o);
	for (uint64_t done = 0; done < blocks;) {
		journal_frame_begin(&frame);
		for (int k = 0; k < FRAME_BLOCKS && done < blocks; k++, done++) {
			maker_next(&m, transfers, &b);
			buf_reset(&made[k]);
			buf_append(&made[k], b.bytes, b.size);
			must(journal_frame_block(&frame, &b.hash, made[k].data, made[k].len), "no room in a frame");
		}
		journal_frame_tip(&frame, &b.hash, b.header.height);
		must(framelog_append(log, &place, &frame.frame, false) == OK, "cannot write the chain");
	}
	framelog_free(log);
	write_more(&m, data_dir, more, transfers);
	maker_clear(&m);
}

/* Each core checks the same hundred signatures over and over. */
static double
verify_rate(uint64_t seconds)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	_Atomic uint64_t *checked = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	static struct maker m;
	static struct tx txs[SENDERS];
	uint64_t until;

	must(checked != MAP_FAILED, "no memory");
	maker_init(&m);
	for (uint32_t i = 0; i < SENDERS; i++)
		maker_sign(&m, &txs[i], i);
	until = clock_mono_ms() + seconds * 1000;
	for (long core = 0; core < cores; core++)
		if (fork() == 0) {
			while (clock_mono_ms() < until)
				for (int i = 0; i < SENDERS; i++, (*checked)++)
					must(tx_check_signature(&txs[i]) == RULE_OK, "bad signature");
			_exit(0);
		}
	while (wait(NULL) > 0)
		;
	return (double)*checked / (double)seconds;
}

int
main(int argc, char **argv)
{
	uint64_t blocks, transfers, seconds, more = 0;

	if (argc == 3 && strcmp(argv[1], "--verify-rate") == 0 && text_u64(&seconds, argv[2], 60) == OK) {
		printf("%.0f\n", verify_rate(seconds));
		return 0;
	}
	if (argc < 4 || argc > 5 || text_u64(&blocks, argv[2], 10000000) != OK ||
	    text_u64(&transfers, argv[3], 4000) != OK || (argc == 5 && text_u64(&more, argv[4], 1000) != OK)) {
		fprintf(stderr,
			"usage: make_chain FOLDER BLOCKS TRANSFERS [MORE] | make_chain --verify-rate SECONDS\n");
		return 2;
	}
	make_chain(argv[1], blocks, transfers, more);
	return 0;
}
