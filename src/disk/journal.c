/*
 * Entries of a frame, one after another: kind (1 byte), length of what follows (4), and
 *
 *	1  block	its hash, its canonical bytes. The hash is there so that reading back a long chain costs no hashing;
 *			the frame's checksum covers it, and rensa verify computes it anew
 *	2  tip		hash and height (8)
 *	3  closed	nothing
 *
 * A journal is read in two passes: this one checks every byte and notes where blocks stand, the second takes those on
 * the chain, in order. So branches that lost cost no memory in what is built from it.
 */
#include "disk/journal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "util/bytes.h"
#include "util/mem.h"

#define ENTRY_HEAD 5
#define WINDOW ((size_t)1 << 20)
#define PROGRESS_BLOCKS 64 /* at most 256 MiB: whoever watches the reader must not think that it is stuck */

enum entry_kind { ENTRY_BLOCK = 1, ENTRY_TIP = 2, ENTRY_CLOSED = 3 };

void
journal_frame_begin(struct journal_frame *f)
{
	frame_begin(&f->frame);
	f->blocks = 0;
}

bool
journal_frame_is_empty(const struct journal_frame *f)
{
	return f->frame.size == 0;
}

bool
journal_frame_block(struct journal_frame *f, const struct hash256 *hash, const void *bytes, size_t size)
{
	struct writer w;

	if (f->blocks == JOURNAL_BLOCKS_MAX || size > FRAME_PAYLOAD_MAX ||
	    f->frame.size + JOURNAL_BLOCK_HEAD + size + sizeof(f->tip) > FRAME_PAYLOAD_MAX)
		return false;
	w = writer_of(f->heads[f->blocks], JOURNAL_BLOCK_HEAD);
	put_u8(&w, ENTRY_BLOCK);
	put_u32(&w, (uint32_t)(HASH_SIZE + size));
	put_bytes(&w, hash->b, HASH_SIZE);
	return frame_add(&f->frame, f->heads[f->blocks++], JOURNAL_BLOCK_HEAD) && frame_add(&f->frame, bytes, size);
}

void
journal_frame_tip(struct journal_frame *f, const struct hash256 *hash, uint64_t height)
{
	struct writer w = writer_of(f->tip, sizeof(f->tip));

	put_u8(&w, ENTRY_TIP);
	put_u32(&w, HASH_SIZE + 8);
	put_bytes(&w, hash->b, HASH_SIZE);
	put_u64(&w, height);
	(void)!frame_add(&f->frame, f->tip, sizeof(f->tip));
}

void
journal_frame_closed(struct journal_frame *f)
{
	struct writer w = writer_of(f->tip, sizeof(f->tip));

	put_u8(&w, ENTRY_CLOSED);
	put_u32(&w, 0);
	(void)!frame_add(&f->frame, f->tip, ENTRY_HEAD);
}

/* Hashes of blocks begin with zeros: their ends tell them apart. */
static uint64_t
slot_hash(const struct hash256 *h)
{
	uint64_t v;

	memcpy(&v, h->b + HASH_SIZE - sizeof(v), sizeof(v));
	return v * UINT64_C(0x9e3779b97f4a7c15) >> 20;
}

static void
slot_put(struct journal *j, uint32_t index)
{
	uint64_t at = slot_hash(&j->blocks[index].hash);

	while (j->slots[at & (j->slot_count - 1)] != JOURNAL_NONE)
		at++;
	j->slots[at & (j->slot_count - 1)] = index;
}

static void
make_slots(struct journal *j, uint32_t least)
{
	j->slot_count = 1024;
	while (j->slot_count < least * 2)
		j->slot_count *= 2;
	free(j->slots);
	j->slots = xmalloc(j->slot_count * sizeof(*j->slots));
	memset(j->slots, 0xff, j->slot_count * sizeof(*j->slots));
	for (uint32_t i = 0; i < j->count; i++)
		slot_put(j, i);
}

uint32_t
journal_find(struct journal *j, const struct hash256 *hash)
{
	/* Most often it is the last one that is asked for. */
	if (j->count > 0 && hash_equal(&j->blocks[j->count - 1].hash, hash))
		return j->count - 1;
	if (j->slots == NULL || j->count * UINT64_C(2) > j->slot_count)
		make_slots(j, j->count + 1);
	for (uint64_t at = slot_hash(hash);; at++) {
		uint32_t i = j->slots[at & (j->slot_count - 1)];
		if (i == JOURNAL_NONE || hash_equal(&j->blocks[i].hash, hash))
			return i;
	}
}

static enum err
note_block(struct journal *j, const struct frame_at *frame, struct reader *r, uint64_t offset, struct buf *why)
{
	struct journal_block b = {.file = (uint32_t)frame->file, .parent = JOURNAL_NONE};
	struct header h;

	get_bytes(r, b.hash.b, HASH_SIZE);
	b.size = (uint32_t)reader_left(r);
	b.offset = offset + HASH_SIZE;
	if (r->failed || b.size < BLOCK_PREFIX_SIZE || frame->file > UINT32_MAX) {
		buf_printf(why, "a block's entry is too short");
		return ERR_FORMAT;
	}
	header_decode(&h, r->at);
	b.parent = j->count == 0 ? JOURNAL_NONE : journal_find(j, &h.previous);
	/* One that only extends the last needs no look-up, so a chain without branches never makes the index. */
	if (b.parent != j->count - 1 && j->count > 0 && journal_find(j, &b.hash) != JOURNAL_NONE)
		return OK;
	if (j->count == j->room) {
		if (j->count >= UINT32_MAX / 4) {
			buf_printf(why, "the journal holds more blocks than this program can");
			return ERR_LIMIT;
		}
		j->room = j->room == 0 ? 1024 : j->room * 2;
		j->blocks = xrealloc(j->blocks, j->room * sizeof(*j->blocks));
	}
	j->blocks[j->count++] = b;
	if (j->slots != NULL && j->count * UINT64_C(2) <= j->slot_count)
		slot_put(j, j->count - 1);
	if (j->progress != NULL && j->count % PROGRESS_BLOCKS == 0)
		j->progress(j->progress_ctx, j->count);
	return OK;
}

static enum err
note_tip(struct journal *j, const struct frame_at *frame, struct reader *r, struct buf *why)
{
	get_bytes(r, j->tip.b, HASH_SIZE);
	j->tip_height = get_u64(r);
	j->tip_position = frame->position;
	if (reader_done(r))
		return OK;
	buf_printf(why, "a tip's entry has the wrong length");
	return ERR_FORMAT;
}

static enum err
visit(void *ctx, const struct frame_at *frame, const uint8_t *payload, size_t size, struct buf *why)
{
	struct journal *j = ctx;
	struct reader r = reader_of(payload, size);
	char name[FRAMELOG_NAME_SIZE];
	struct buf what;
	enum err e = OK;

	buf_init(&what);
	j->is_closed = false;
	while (reader_left(&r) > 0 && e == OK) {
		uint8_t kind = get_u8(&r);
		uint32_t len = get_u32(&r);
		const uint8_t *at = get_span(&r, len);
		struct reader entry = reader_of(at, at == NULL ? 0 : len);

		if (at == NULL) {
			buf_printf(&what, "an entry is longer than its frame");
			e = ERR_FORMAT;
		} else if (kind == ENTRY_BLOCK) {
			e = note_block(j, frame, &entry, frame->offset + (uint64_t)(at - payload), &what);
		} else if (kind == ENTRY_TIP) {
			e = note_tip(j, frame, &entry, &what);
		} else if (kind == ENTRY_CLOSED) {
			j->is_closed = true;
		} else {
			buf_printf(&what, "an entry has kind %u, which this program does not know", kind);
			e = ERR_UNSUPPORTED;
		}
	}
	if (e != OK) {
		framelog_name(name, frame->file);
		buf_printf(why, "%s/%s, frame at byte %" PRIu64 ": %s", framelog_folder(j->log), name,
			   frame->offset - FRAME_HEADER_SIZE, what.data);
	}
	buf_clear(&what);
	return e;
}

enum err
journal_open_some(struct journal *j, struct framelog *log, bool may_mend, void (*progress)(void *ctx, uint32_t blocks),
		  void *ctx, struct buf *why)
{
	memset(j, 0, sizeof(*j));
	j->log = log;
	j->progress = progress;
	j->progress_ctx = ctx;
	j->tip = *framelog_genesis(log);
	return framelog_scan(log, &j->scan, may_mend, visit, j, why);
}

enum err
journal_open(struct journal *j, struct framelog *log, bool may_mend, void (*progress)(void *ctx, uint32_t blocks),
	     void *ctx, struct buf *why)
{
	enum err e = journal_open_some(j, log, may_mend, progress, ctx, why);

	if (e != OK)
		journal_close(j);
	return e;
}

void
journal_close(struct journal *j)
{
	free(j->blocks);
	free(j->slots);
	free(j->window);
	memset(j, 0, sizeof(*j));
}

void
journal_chain(struct journal *j, uint32_t **order, uint32_t *count)
{
	uint32_t tip = j->count == 0 ? JOURNAL_NONE : journal_find(j, &j->tip);

	*count = 0;
	for (uint32_t i = tip; i != JOURNAL_NONE; i = j->blocks[i].parent)
		(*count)++;
	*order = *count == 0 ? NULL : xmalloc(*count * sizeof(**order));
	for (uint32_t i = tip, n = *count; i != JOURNAL_NONE; i = j->blocks[i].parent)
		(*order)[--n] = i;
}

enum err
journal_block_as_stored(struct journal *j, struct block *out, uint32_t index)
{
	const struct journal_block *b = &j->blocks[index];
	enum err e;

	if (j->window_file != b->file || b->offset < j->window_from ||
	    b->offset + b->size > j->window_from + j->window_held) {
		size_t len = b->size > WINDOW ? b->size : WINDOW;
		if (len > j->window_room) {
			j->window = xrealloc(j->window, len);
			j->window_room = len;
		}
		j->window_file = b->file;
		j->window_from = b->offset;
		e = framelog_read_some(j->log, b->file, b->offset, j->window, len, &j->window_held);
		if (e != OK || j->window_held < b->size) {
			j->window_held = 0;
			return e != OK ? e : ERR_FORMAT;
		}
	}
	if (block_parse_known(out, j->window + (b->offset - j->window_from), b->size, &b->hash) != RULE_OK)
		return ERR_FORMAT;
	return OK;
}

enum err
journal_block(struct journal *j, struct block *out, uint32_t index)
{
	enum err e = journal_block_as_stored(j, out, index);

	if (e == OK)
		out->hash = header_hash_bytes(out->bytes);
	return e;
}

uint64_t
journal_stale_bytes(struct journal *j)
{
	uint64_t bytes = 0;
	uint32_t *order, count;

	for (uint32_t i = 0; i < j->count; i++)
		bytes += j->blocks[i].size;
	journal_chain(j, &order, &count);
	for (uint32_t i = 0; i < count; i++)
		bytes -= j->blocks[order[i]].size;
	free(order);
	return bytes;
}
