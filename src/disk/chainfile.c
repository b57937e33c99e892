/*
 * A record's checksum goes on from that of the record before it, so none can be left out, doubled or moved, and the last
 * one covers the whole file. Sizes are believed only as far as their caps: a damaged one costs no memory.
 */
#include "disk/chainfile.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "util/crc32c.h"
#include "util/fileio.h"

#define MAGIC UINT64_C(0x52454e534143484e) /* "RENSACHN" */
#define FORMAT 1
#define PREFIX_SIZE 16			     /* magic, format, length of the parameters */
#define TIP_SIZE (8 + HASH_SIZE + HASH_SIZE) /* height, hash, work */
#define SUM_SIZE 4

#define GROUP_MAGIC 0x52475250u /* "RGRP" */
#define GROUP_HEAD 20		/* magic, count, height of the first, length of the blocks */
#define GROUP_BLOCKS 500
#define GROUP_BYTES (1u << 20) /* a group ends behind the block that passes it */
#define GROUP_MAX (GROUP_BYTES + 4 * GROUP_BLOCKS + BLOCK_BYTES_LIMIT)

#define END_MAGIC 0x52454e44u /* "REND" */
#define END_SIZE (4 + 8 + HASH_SIZE + SUM_SIZE)

/* Writing ------------------------------------------------------------------------------------------------------- */

static enum err
put_record(struct chainfile_writer *w, const uint8_t *head, size_t head_len, const struct buf *body)
{
	uint8_t sum[SUM_SIZE];
	struct writer end = writer_of(sum, sizeof(sum));
	enum err e;

	w->link = crc32c(w->link, head, head_len);
	if (body != NULL)
		w->link = crc32c(w->link, body->data, body->len);
	put_u32(&end, w->link);
	if ((e = file_put(w->fd, head, head_len)) == OK && body != NULL)
		e = file_put(w->fd, body->data, body->len);
	return e == OK ? file_put(w->fd, sum, sizeof(sum)) : e;
}

enum err
chainfile_begin(struct chainfile_writer *w, int fd, const struct chainfile_head *head)
{
	uint8_t params[PARAMS_SIZE_MAX], bytes[PREFIX_SIZE + PARAMS_SIZE_MAX + TIP_SIZE];
	struct writer out = writer_of(bytes, sizeof(bytes));
	size_t len = params_encode(params, &head->params);
	struct hash256 work = u256_to_hash(&head->tip.work);

	*w = (struct chainfile_writer){.fd = fd, .tip = genesis_hash(&head->params)};
	put_u64(&out, MAGIC);
	put_u32(&out, FORMAT);
	put_u32(&out, (uint32_t)len);
	put_bytes(&out, params, len);
	put_u64(&out, head->tip.height);
	put_bytes(&out, head->tip.hash.b, HASH_SIZE);
	put_bytes(&out, work.b, HASH_SIZE);
	return put_record(w, bytes, writer_len(&out), NULL);
}

static enum err
put_group(struct chainfile_writer *w)
{
	uint8_t head[GROUP_HEAD];
	struct writer out = writer_of(head, sizeof(head));
	enum err e;

	if (w->in_group == 0)
		return OK;
	put_u32(&out, GROUP_MAGIC);
	put_u32(&out, w->in_group);
	put_u64(&out, w->blocks - w->in_group + 1);
	put_u32(&out, (uint32_t)w->group.len);
	e = put_record(w, head, sizeof(head), &w->group);
	buf_reset(&w->group);
	w->in_group = 0;
	return e;
}

enum err
chainfile_add(struct chainfile_writer *w, const void *bytes, size_t size)
{
	uint8_t length[4];
	struct writer out = writer_of(length, sizeof(length));

	put_u32(&out, (uint32_t)size);
	buf_append(&w->group, length, sizeof(length));
	buf_append(&w->group, bytes, size);
	w->tip = header_hash_bytes(bytes);
	w->in_group++;
	w->blocks++;
	return w->in_group == GROUP_BLOCKS || w->group.len >= GROUP_BYTES ? put_group(w) : OK;
}

enum err
chainfile_end(struct chainfile_writer *w)
{
	uint8_t bytes[END_SIZE - SUM_SIZE];
	struct writer out = writer_of(bytes, sizeof(bytes));
	enum err e = put_group(w);

	put_u32(&out, END_MAGIC);
	put_u64(&out, w->blocks);
	put_bytes(&out, w->tip.b, HASH_SIZE);
	return e == OK ? put_record(w, bytes, sizeof(bytes), NULL) : e;
}

void
chainfile_writer_clear(struct chainfile_writer *w)
{
	buf_clear(&w->group);
}

/* Reading ------------------------------------------------------------------------------------------------------- */

static enum err
damaged(const struct chainfile_reader *r, struct buf *why, uint64_t at, const char *what)
{
	buf_printf(why, "%s is damaged at byte %" PRIu64 " (behind block %" PRIu64 "): %s", r->name, at, r->blocks,
		   what);
	return ERR_FORMAT;
}

/* All of len bytes, into out. */
static enum err
take(struct chainfile_reader *r, void *out, size_t len, struct buf *why)
{
	size_t got;
	enum err e = file_take(r->fd, out, len, &got);

	r->at += got;
	if (e != OK)
		buf_printf(why, "cannot read %s at byte %" PRIu64 ": %s", r->name, r->at, strerror(errno));
	else if (got < len)
		buf_printf(why, "%s ends at byte %" PRIu64 ", behind block %" PRIu64 ": it was cut short", r->name,
			   r->at, r->blocks);
	return e == OK && got < len ? ERR_FORMAT : e;
}

static enum err
check_sum(struct chainfile_reader *r, uint64_t record_at, struct buf *why)
{
	uint8_t bytes[SUM_SIZE] = {0};
	struct reader sum = reader_of(bytes, sizeof(bytes));
	enum err e = take(r, bytes, sizeof(bytes), why);

	if (e == OK && get_u32(&sum) != r->link)
		e = damaged(r, why, record_at, "the checksum of what follows does not match it");
	return e;
}

enum err
chainfile_open(struct chainfile_reader *r, int fd, const char *name, struct buf *why)
{
	uint8_t prefix[PREFIX_SIZE] = {0}, rest[PARAMS_SIZE_MAX + TIP_SIZE];
	struct reader in = reader_of(prefix, sizeof(prefix)), tip;
	struct hash256 work;
	uint32_t format, len;
	size_t got;
	enum err e;

	*r = (struct chainfile_reader){.fd = fd, .name = name};
	e = file_take(fd, prefix, sizeof(prefix), &got);
	if (e != OK) {
		buf_printf(why, "cannot read %s: %s", name, strerror(errno));
		return e;
	}
	if (got < sizeof(prefix) || get_u64(&in) != MAGIC) {
		buf_printf(why, "%s is no export file: it does not begin like one", name);
		return ERR_FORMAT;
	}
	format = get_u32(&in);
	len = get_u32(&in);
	if (format > FORMAT) {
		buf_printf(why, "%s has format %" PRIu32 ", this program knows up to %d: use the version that wrote it",
			   name, format, FORMAT);
		return ERR_UNSUPPORTED;
	}
	r->at = got;
	if (format != FORMAT || len > PARAMS_SIZE_MAX)
		return damaged(r, why, 8, "its header is no header");
	if ((e = take(r, rest, len + TIP_SIZE, why)) != OK)
		return e;
	r->link = crc32c(crc32c(0, prefix, sizeof(prefix)), rest, len + TIP_SIZE);
	if ((e = check_sum(r, 0, why)) != OK)
		return e;
	if ((e = params_decode(&r->head.params, rest, len)) != OK) {
		buf_printf(why, "%s has parameters that this program does not know", name);
		return e;
	}
	tip = reader_of(rest + len, TIP_SIZE);
	r->head.tip.height = get_u64(&tip);
	get_bytes(&tip, r->head.tip.hash.b, HASH_SIZE);
	get_bytes(&tip, work.b, HASH_SIZE);
	r->head.tip.work = u256_of_hash(&work);
	r->tip = genesis_hash(&r->head.params);
	return OK;
}

/* The rest of an end record, whose magic is read. */
static enum err
take_end(struct chainfile_reader *r, uint8_t bytes[GROUP_HEAD], struct buf *why)
{
	uint8_t record[END_SIZE - SUM_SIZE], more;
	struct reader in = reader_of(record + 4, sizeof(record) - 4);
	uint64_t at = r->at - GROUP_HEAD, blocks;
	struct hash256 tip;
	size_t got;
	enum err e;

	memcpy(record, bytes, GROUP_HEAD);
	if ((e = take(r, record + GROUP_HEAD, sizeof(record) - GROUP_HEAD, why)) != OK)
		return e;
	r->link = crc32c(r->link, record, sizeof(record));
	if ((e = check_sum(r, at, why)) != OK)
		return e;
	blocks = get_u64(&in);
	get_bytes(&in, tip.b, HASH_SIZE);
	if (blocks != r->blocks || !hash_equal(&tip, &r->tip) || !hash_equal(&tip, &r->head.tip.hash))
		return damaged(r, why, at, "it does not end in the block that it says");
	if ((e = file_take(r->fd, &more, 1, &got)) != OK) {
		buf_printf(why, "cannot read %s at byte %" PRIu64 ": %s", r->name, r->at, strerror(errno));
		return e;
	}
	if (got > 0)
		return damaged(r, why, r->at, "something follows behind its end");
	return ERR_NOT_FOUND;
}

static enum err
take_group(struct chainfile_reader *r, struct buf *why)
{
	uint8_t bytes[GROUP_HEAD] = {0};
	struct reader in = reader_of(bytes, sizeof(bytes));
	uint64_t at = r->at, height;
	uint32_t magic, length;
	enum err e = take(r, bytes, sizeof(bytes), why);

	if (e != OK)
		return e;
	magic = get_u32(&in);
	if (magic == END_MAGIC)
		return take_end(r, bytes, why);
	r->in_group = get_u32(&in);
	height = get_u64(&in);
	length = get_u32(&in);
	if (magic != GROUP_MAGIC || r->in_group == 0 || r->in_group > GROUP_BLOCKS || length > GROUP_MAX ||
	    height != r->blocks + 1)
		return damaged(r, why, at, "no group of blocks stands there");
	buf_reset(&r->group);
	if ((e = take(r, buf_reserve(&r->group, length), length, why)) != OK)
		return e;
	r->group.len = length;
	r->link = crc32c(crc32c(r->link, bytes, sizeof(bytes)), r->group.data, length);
	r->rest = reader_of(r->group.data, length);
	return check_sum(r, at, why);
}

enum err
chainfile_next(struct chainfile_reader *r, const uint8_t **bytes, size_t *size, struct buf *why)
{
	enum err e;

	if (r->in_group == 0 && (e = take_group(r, why)) != OK) {
		r->in_group = 0;
		return e;
	}
	*size = get_u32(&r->rest);
	*bytes = get_span(&r->rest, *size);
	if (*bytes == NULL || *size < BLOCK_PREFIX_SIZE || (--r->in_group == 0 && reader_left(&r->rest) > 0))
		return damaged(r, why, r->at, "the lengths of its blocks do not fill the group");
	r->tip = header_hash_bytes(*bytes);
	r->blocks++;
	return OK;
}

void
chainfile_reader_clear(struct chainfile_reader *r)
{
	buf_clear(&r->group);
}
