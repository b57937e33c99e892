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
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "chain/pow.h"
#include "chain/template.h"
#include "crypto/headerhash.h"
#include "disk/journal.h"
#include "util/clock.h"
#include "util/text.h"

#define SENDERS 100
#define FRAME_BLOCKS 20

static void
must(bool is_fine, const char *what)
{
	if (is_fine)
		return;
	fprintf(stderr, "make_chain: %s\n", what);
	exit(1);
}

struct person {
	struct seckey secret;
	struct pubkey key;
	struct address address;
	uint64_t sequence;
};

struct maker {
	struct params params;
	struct hash256 network;
	struct header_state state;
	struct person people[SENDERS];
	uint64_t supply;
	struct buf body, block;
};

static void
maker_init(struct maker *m)
{
	params_default(&m->params);
	m->params.difficulty = 0;
	m->params.retarget = RETARGET_FIXED;
	m->network = genesis_hash(&m->params);
	header_state_genesis(&m->state, &m->params);
	for (uint32_t i = 0; i < SENDERS; i++) {
		struct person *p = &m->people[i];
		p->secret = (struct seckey){{1}};
		memcpy(p->secret.b + 4, &i, sizeof(i));
		must(key_public(&p->key, &p->secret) == OK, "no key");
		p->address = address_of(&p->key);
	}
	buf_init(&m->body);
	buf_init(&m->block);
}

static void
sign(struct maker *m, struct tx *tx, struct person *from, const struct person *to)
{
	*tx = (struct tx){.version = TX_TRANSFER,
			  .network = m->network,
			  .recipient = to->address,
			  .value = 1,
			  .sequence = from->sequence++};
	must(tx_sign(tx, &from->secret) == OK, "no signature");
}

static uint32_t
add_transfers(struct maker *m, uint64_t height, uint64_t wanted)
{
	uint32_t count = 0;

	buf_reset(&m->body);
	/* The first blocks' rewards are what is sent around later. */
	for (; height > SENDERS && count < wanted; count++) {
		uint8_t bytes[TX_SIZE_MAX];
		struct writer w = writer_of(bytes, sizeof(bytes));
		struct tx tx;
		sign(m, &tx, &m->people[count % SENDERS], &m->people[(count + 1) % SENDERS]);
		tx_encode(&w, &tx);
		buf_append(&m->body, bytes, writer_len(&w));
	}
	return count;
}

static void
next_block(struct maker *m, uint64_t transfers, struct block *out)
{
	uint64_t height = m->state.header.height + 1, nonce;
	uint32_t count = add_transfers(m, height, transfers);
	struct hash256 target;
	struct u256 wide;
	struct header h;

	buf_reset(&m->block);
	template_block(&m->block, &m->state, &m->params, &m->network, &m->people[height % SENDERS].address, m->supply,
		       0, &m->body, count, m->state.header.time_ms + 1000);
	header_decode(&h, (const uint8_t *)m->block.data);
	must(target_expand(&wide, h.target), "no target");
	target = u256_to_hash(&wide);
	must(headerhash_search(&nonce, (const uint8_t *)m->block.data, &target, 0, 1u << 20), "no proof of work");
	h.nonce = nonce;
	header_encode((uint8_t *)m->block.data, &h);
	must(block_parse(out, m->block.data, m->block.len) == RULE_OK, "no block");
	m->supply += ledger_subsidy(&m->params, m->supply);
	header_state_advance(&m->state, &out->header, &out->hash);
}

/* Blocks that fit behind the journal's, one a file: block-1, block-2, … */
static void
write_more(struct maker *m, const char *folder, uint64_t more, uint64_t transfers)
{
	for (uint64_t i = 1; i <= more; i++) {
		char path[2100];
		struct block b;
		FILE *f;

		next_block(m, transfers, &b);
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
			next_block(&m, transfers, &b);
			buf_reset(&made[k]);
			buf_append(&made[k], b.bytes, b.size);
			must(journal_frame_block(&frame, &b.hash, made[k].data, made[k].len), "no room in a frame");
		}
		journal_frame_tip(&frame, &b.hash, b.header.height);
		must(framelog_append(log, &place, &frame.frame, false) == OK, "cannot write the chain");
	}
	framelog_free(log);
	write_more(&m, data_dir, more, transfers);
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
	for (int i = 0; i < SENDERS; i++)
		sign(&m, &txs[i], &m.people[i], &m.people[(i + 1) % SENDERS]);
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
