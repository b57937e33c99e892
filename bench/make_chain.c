/*
 * Makes a data folder with a long chain.
 *
 * usage: make_chain FOLDER BLOCKS TRANSFERS [OPTION...]	a journal of so many blocks with so many transfers each
 *		-e BLOCKS	and so many without any on top of them
 *		-m BLOCKS	and the bytes of so many that come next, like the first, in files of FOLDER
 *		-d BITS		on a network of this difficulty
 *
 * The network is the default one with difficulty 0, unless another is told, and fixed targets.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "disk/journal.h"
#include "maker.h"
#include "util/text.h"

#define FRAME_BLOCKS 20
#define BLOCKS_MAX 10000000

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

struct wish {
	const char *data_dir;
	uint64_t blocks, transfers, empty, more, difficulty;
};

static void
make_chain(const struct wish *wish)
{
	static struct journal_frame frame;
	static struct buf made[FRAME_BLOCKS];
	static struct maker m;
	char folder[2100];
	struct framelog_options o = {.folder = folder, .kind = LOG_JOURNAL, .is_synced = false};
	struct log_place place = {0};
	struct framelog *log;
	struct block b;

	maker_init_at(&m, (uint32_t)wish->difficulty);
	snprintf(folder, sizeof(folder), "%s/" JOURNAL_FOLDER, wish->data_dir);
	o.genesis = m.network;
	log = framelog_new(&o);
	for (uint64_t done = 0; done < wish->blocks + wish->empty;) {
		journal_frame_begin(&frame);
		for (int k = 0; k < FRAME_BLOCKS && done < wish->blocks + wish->empty; k++, done++) {
			maker_next(&m, done < wish->blocks ? wish->transfers : 0, &b);
			buf_reset(&made[k]);
			buf_append(&made[k], b.bytes, b.size);
			must(journal_frame_block(&frame, &b.hash, made[k].data, made[k].len), "no room in a frame");
		}
		journal_frame_tip(&frame, &b.hash, b.header.height);
		must(framelog_append(log, &place, &frame.frame, false) == OK, "cannot write the chain");
	}
	framelog_free(log);
	write_more(&m, wish->data_dir, wish->more, wish->transfers);
	maker_clear(&m);
}

static int
usage(void)
{
	fprintf(stderr, "usage: make_chain FOLDER BLOCKS TRANSFERS [-e BLOCKS] [-m BLOCKS] [-d BITS]\n");
	return 2;
}

int
main(int argc, char **argv)
{
	struct wish wish = {0};

	for (int option; (option = getopt(argc, argv, "e:m:d:")) != -1;)
		if ((option == 'e' && text_u64(&wish.empty, optarg, BLOCKS_MAX) != OK) ||
		    (option == 'm' && text_u64(&wish.more, optarg, 1000) != OK) ||
		    (option == 'd' && text_u64(&wish.difficulty, optarg, 64) != OK) || option == '?')
			return usage();
	if (argc - optind != 3 || text_u64(&wish.blocks, argv[optind + 1], BLOCKS_MAX) != OK ||
	    text_u64(&wish.transfers, argv[optind + 2], 4000) != OK)
		return usage();
	wish.data_dir = argv[optind];
	make_chain(&wish);
	return 0;
}
