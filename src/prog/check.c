/*
 * The chain is replayed from its genesis block, so that each rule is applied to each of its blocks. Behind a block that
 * breaks one nothing can be said of balances any more: those blocks are looked at like blocks of lost branches, each by
 * itself. Signatures of the chain are checked ahead, on all cores (disk/sigcheck.h); what is found is judged here, in
 * order.
 */
#include "prog/check.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chain/replay.h"
#include "disk/poollog.h"
#include "disk/sigcheck.h"
#include "prog/progress.h"
#include "util/clock.h"
#include "util/mem.h"
#include "wire/json.h"

#define NO_HEIGHT UINT64_MAX
#define LOOKS_MAX 10
#define LOOK_PAUSE_MS 50

static void damaged(struct check *k, const char *folder, uint64_t file, uint64_t byte, uint64_t height, const char *fmt,
		    ...) PRINTFLIKE(6, 7);

static void
damaged(struct check *k, const char *folder, uint64_t file, uint64_t byte, uint64_t height, const char *fmt, ...)
{
	char name[FRAMELOG_NAME_SIZE], path[64], what[1024], block[40] = "";
	struct jout j = jout_to(&k->json);
	struct buf line;
	va_list args;

	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	framelog_name(name, file);
	snprintf(path, sizeof(path), "%s%s%s", folder, file != 0 ? "/" : "", file != 0 ? name : "");
	if (height != NO_HEIGHT)
		snprintf(block, sizeof(block), " (block %" PRIu64 ")", height);
	buf_init(&line);
	buf_printf(&line, "%s, byte %" PRIu64 "%s: %s", path, byte, block, what);
	if (k->damages++ == 0)
		buf_append(&k->first, line.data, line.len);
	if (k->damages <= CHECK_LISTED_MAX) {
		buf_printf(&k->text, "%s\n", line.data);
		if (k->damages > 1)
			buf_putc(&k->json, ',');
		jout_object(&j);
		jout_kstring(&j, "file", path);
		jout_ku64(&j, "byte", byte);
		jout_key(&j, "height");
		if (height != NO_HEIGHT)
			jout_u64(&j, height);
		else
			jout_null(&j);
		jout_kstring(&j, "problem", what);
		jout_object_end(&j);
	}
	buf_clear(&line);
}

static void
bad_block(struct check *k, uint32_t index, uint64_t height, const char *what)
{
	const struct journal_block *b = &k->folder->journal.blocks[index];

	damaged(k, JOURNAL_FOLDER, b->file, b->offset, height, "%s", what);
}

static void
bad_rule(struct check *k, uint32_t index, uint64_t height, const struct verdict *v)
{
	char what[256];

	if (v->tx != VERDICT_NO_TX)
		snprintf(what, sizeof(what), "transaction %" PRIu32 " breaks %s: %s", v->tx, rule_name(v->rule),
			 rule_text(v->rule));
	else
		snprintf(what, sizeof(what), "it breaks %s: %s", rule_name(v->rule), rule_text(v->rule));
	bad_block(k, index, height, what);
}

/* A block's bytes and its stored hash. False: nothing more can be said of it. */
static bool
read_block(struct check *k, struct block *b, uint32_t index, uint64_t height)
{
	struct journal *j = &k->folder->journal;
	enum err e = journal_block(j, b, index);

	if (e != OK) {
		bad_block(k, index, height,
			  e == ERR_FORMAT ? "the bytes of the block do not follow the format" : err_text(e));
		return false;
	}
	if (!hash_equal(&b->hash, &j->blocks[index].hash))
		bad_block(k, index, b->header.height,
			  "the hash that is stored beside the block is not that of its header");
	return true;
}

static void
check_alone(struct check *k, uint32_t index, uint64_t height)
{
	struct verdict v;
	struct block b;

	if (!read_block(k, &b, index, height))
		return;
	v = block_check_alone(&b, &k->folder->params, &k->folder->genesis);
	if (v.rule != RULE_OK)
		bad_rule(k, index, b.header.height, &v);
}

static void
check_chain(struct check *k, const uint32_t *order, uint32_t count)
{
	struct replay *r = replay_new(&k->folder->params);
	struct sigcheck *signatures = sigcheck_begin(&k->folder->journal, order, count);
	struct progress p;
	struct verdict v;
	struct block b;
	bool is_sound = true;

	progress_begin(&p, k->folder->cli, "checking the chain");
	for (uint32_t i = 0; i < count; i++) {
		bool is_signed;

		progress_at(&p, i, count);
		if (!is_sound) {
			check_alone(k, order[i], i + UINT64_C(1));
			continue;
		}
		is_signed = sigcheck_is_good(signatures, i);
		if (!read_block(k, &b, order[i], i + UINT64_C(1))) {
			is_sound = false;
		} else if ((v = replay_add(r, &b, is_signed)).rule != RULE_OK) {
			bad_rule(k, order[i], b.header.height, &v);
			is_sound = false;
		}
	}
	sigcheck_end(signatures);
	progress_end(&p);
	k->blocks = count;
	k->sound = replay_tip(r).height;
	k->tip = replay_tip(r).hash;
	k->supply = replay_supply(r);
	replay_free(r);
}

static void
check_lost(struct check *k, const uint32_t *order, uint32_t count)
{
	const struct journal *j = &k->folder->journal;
	uint8_t *is_on = xcalloc(j->count + (size_t)1, 1);
	struct progress p;

	for (uint32_t i = 0; i < count; i++)
		is_on[order[i]] = 1;
	progress_begin(&p, k->folder->cli, "checking lost branches");
	for (uint32_t i = 0; i < j->count; i++) {
		if (is_on[i])
			continue;
		progress_at(&p, k->lost++, j->count - count);
		check_alone(k, i, NO_HEIGHT);
	}
	progress_end(&p);
	free(is_on);
}

static enum cli_exit
check_journal(struct check *k)
{
	struct folder *f = k->folder;
	struct journal *j = &f->journal;
	uint32_t *order, count;
	struct buf why;
	enum err e;

	buf_init(&why);
	e = folder_read_some(f, &why);
	if (e != OK && e != ERR_FORMAT) {
		enum cli_exit ret = folder_fail(f->cli, e, &why);
		buf_clear(&why);
		return ret;
	}
	journal_chain(j, &order, &count);
	check_chain(k, order, count);
	check_lost(k, order, count);
	free(order);
	if (e == ERR_FORMAT)
		damaged(k, JOURNAL_FOLDER, j->scan.place.file, j->scan.place.offset, NO_HEIGHT,
			"%s; before that the chain goes up to block %" PRIu64, why.data, k->blocks);
	else if (j->tip_height != count || (count > 0 && k->damages == 0 && !hash_equal(&k->tip, &j->tip)))
		damaged(k, JOURNAL_FOLDER, j->scan.place.file, j->scan.place.offset, NO_HEIGHT,
			"the journal ends in block %" PRIu64 ", but only %" PRIu32 " blocks lead to it", j->tip_height,
			count);
	/* While a node runs a last frame in the making is nothing to speak of. */
	if (!f->is_in_use)
		k->torn_bytes = j->scan.torn_bytes;
	buf_clear(&why);
	return CLI_DONE;
}

struct pool_look {
	const struct folder *folder;
	uint64_t entries;
	enum rule rule;
};

static enum err
look_at_transfer(void *ctx, const struct poollog_entry *e)
{
	struct pool_look *l = ctx;
	struct reader r = reader_of(e->bytes, e->size);
	struct tx tx;

	l->rule = tx_decode(&tx, &r);
	if (l->rule == RULE_OK && (!reader_done(&r) || tx.version != TX_TRANSFER))
		l->rule = RULE_TX_MALFORMED;
	if (l->rule == RULE_OK)
		l->rule = tx_check_form(&tx, &l->folder->params, &l->folder->genesis);
	if (l->rule == RULE_OK)
		l->rule = tx_check_signature(&tx);
	l->entries++;
	return l->rule == RULE_OK ? OK : ERR_FORMAT;
}

static enum cli_exit
check_pool(struct check *k)
{
	struct folder *f = k->folder;
	enum cli_exit ret = CLI_DONE;
	struct framelog_scan scan = {0};
	struct pool_look l;
	uint64_t before;
	struct buf why;
	enum err e;

	buf_init(&why);
	for (int look = 0;; look++) {
		l = (struct pool_look){.folder = f};
		before = scan.place.position;
		buf_reset(&why);
		e = poollog_read(f->pool_log, &scan, false, look_at_transfer, &l, &why);
		if (e == OK || !f->is_in_use || look == LOOKS_MAX || (look > 0 && scan.place.position == before))
			break;
		clock_sleep_ms(LOOK_PAUSE_MS);
	}
	k->pending = l.entries;
	if (e == ERR_FORMAT && l.rule != RULE_OK)
		damaged(k, POOLLOG_FOLDER, scan.place.file, scan.place.offset, NO_HEIGHT, "%s (%s: %s)", why.data,
			rule_name(l.rule), rule_text(l.rule));
	else if (e == ERR_FORMAT)
		damaged(k, POOLLOG_FOLDER, scan.place.file, scan.place.offset, NO_HEIGHT, "%s", why.data);
	else if (e != OK)
		ret = folder_fail(f->cli, e, &why);
	buf_clear(&why);
	return ret;
}

enum cli_exit
check_folder(struct check *k, struct folder *f)
{
	enum cli_exit ret;

	memset(k, 0, sizeof(*k));
	k->folder = f;
	ret = check_journal(k);
	return ret == CLI_DONE ? check_pool(k) : ret;
}

void
check_clear(struct check *k)
{
	buf_clear(&k->first);
	buf_clear(&k->text);
	buf_clear(&k->json);
}
