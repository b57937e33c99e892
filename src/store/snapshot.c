/*
 * A page of header, then the arena from its start to its end. Offsets in the arena count from the start of the segment,
 * so it fits only a segment whose arena begins at the same place: where the number of cores or the size of the pool was
 * changed, the next start builds the chain anew.
 *
 * Account heads and tries in it belong to the tip that it names. Numbers are the machine's own, which their sizes and a
 * mark of byte order in the header vouch for.
 */
#include "store/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ahead.h"
#include "journaling.h"
#include "layout.h"
#include "store/commit.h"
#include "util/crc32c.h"
#include "util/file.h"
#include "util/fileio.h"
#include "util/mem.h"

#define SNAPSHOT_MAGIC UINT64_C(0x52454e5341534e50) /* "RENSASNP" */
#define SNAPSHOT_FORMAT 1
#define BYTE_ORDER_MARK 0x01020304u
#define PIECE ((uint64_t)16 << 20)
#define DUE_BLOCKS 2000 /* fewer are built in no time */
#define DEAD_SHARE 16	/* of the arena: with more of it dead, building anew is better */
#define DUE_SHARE 8	/* of the chain: so much is built at most, and snapshots cost a bounded share of all work */

struct snapshot_header {
	uint64_t magic;
	uint32_t format;
	uint32_t byte_order;
	uint32_t layout;
	uint32_t record_size; /* of blocks and of versions: a build that lays them out otherwise does not fit */
	uint32_t version_size;
	uint32_t checksum; /* CRC-32C of the arena */
	struct hash256 genesis;
	struct hash256 tip_hash;
	uint64_t tip_height;
	uint64_t arena_at;
	uint64_t end;
	uint64_t tip;
	uint64_t genesis_ref;
	uint64_t blocks, txs, accounts; /* roots */
	uint64_t dead;
	uint8_t seed[16];
	uint32_t pad;
	uint32_t header_checksum; /* CRC-32C of everything before */
};
_Static_assert(sizeof(struct snapshot_header) <= PAGE, "the header has one page");

static void
describe(const struct store *s, struct snapshot_header *h)
{
	const struct control *c = s->control;
	struct blockref tip = chain_tip(s);

	memset(h, 0, sizeof(*h));
	h->magic = SNAPSHOT_MAGIC;
	h->format = SNAPSHOT_FORMAT;
	h->byte_order = BYTE_ORDER_MARK;
	h->layout = LAYOUT_VERSION;
	h->record_size = BLOCK_REC_SIZE;
	h->version_size = sizeof(struct version_rec);
	h->genesis = s->super->genesis;
	h->tip_hash = *chain_hash(s, tip);
	h->tip_height = chain_height(s, tip);
	h->arena_at = s->super->arena_at;
	h->end = atomic_load(&c->end);
	h->tip = tip.v;
	h->genesis_ref = s->super->genesis_ref;
	h->blocks = unit_load(&c->blocks.slot);
	h->txs = unit_load(&c->txs.slot);
	h->accounts = unit_load(&c->accounts.slot);
	h->dead = atomic_load(&c->dead);
	memcpy(h->seed, s->super->seed, sizeof(h->seed));
}

static uint32_t
header_checksum(const struct snapshot_header *h)
{
	return crc32c(0, h, offsetof(struct snapshot_header, header_checksum));
}

static enum err
write_to(const struct store *s, int fd)
{
	uint8_t page[PAGE] = {0};
	struct snapshot_header h;
	struct iovec part;
	enum err e = OK;

	describe(s, &h);
	for (uint64_t at_byte = h.arena_at; at_byte < h.end && e == OK; at_byte += PIECE) {
		uint64_t len = h.end - at_byte < PIECE ? h.end - at_byte : PIECE;
		h.checksum = crc32c(h.checksum, at(s, at_byte), len);
		part = (struct iovec){at(s, at_byte), len};
		e = file_write_at(fd, &part, 1, PAGE + at_byte - h.arena_at);
	}
	h.header_checksum = header_checksum(&h);
	memcpy(page, &h, sizeof(h));
	part = (struct iovec){page, sizeof(page)};
	if (e == OK)
		e = file_write_at(fd, &part, 1, 0);
	return e == OK ? file_sync(fd) : e;
}

enum err
snapshot_write(struct store *s, const char *path)
{
	char temporary[PATH_MAX];
	int fd = -1, len = snprintf(temporary, sizeof(temporary), "%s.new", path);
	enum err e = len < 0 || (size_t)len >= sizeof(temporary) ? ERR_LIMIT : OK;

	if (e == OK && (e = file_open(&fd, temporary, O_WRONLY | O_CREAT | O_TRUNC, 0600)) == OK) {
		e = write_to(s, fd);
		fd_close(&fd);
		if (e == OK)
			e = file_rename(temporary, path);
		if (e != OK)
			(void)!file_unlink(temporary);
	}
	return e;
}

/* ERR_UNSUPPORTED: not for this segment. */
static enum err
read_header(const struct store *s, struct snapshot_header *h, int fd)
{
	struct snapshot_header fits;
	size_t got;
	enum err e = file_read_at(fd, h, sizeof(*h), 0, &got);

	if (e != OK || got < sizeof(*h))
		return e != OK ? e : ERR_FORMAT;
	if (h->magic != SNAPSHOT_MAGIC || h->header_checksum != header_checksum(h))
		return ERR_FORMAT;
	describe(s, &fits);
	if (h->format != fits.format || h->byte_order != fits.byte_order || h->layout != fits.layout ||
	    h->record_size != fits.record_size || h->version_size != fits.version_size ||
	    h->arena_at != fits.arena_at || h->genesis_ref != fits.genesis_ref ||
	    !hash_equal(&h->genesis, &fits.genesis))
		return ERR_UNSUPPORTED;
	return h->tip > h->arena_at && h->tip < h->end ? OK : ERR_FORMAT;
}

/* The place is the segment's, and nothing of it counts yet. */
static enum err
read_arena(struct store *s, const struct snapshot_header *h, int fd)
{
	uint64_t end = atomic_load(&s->control->end);
	uint32_t checksum = 0;
	size_t got;
	enum err e;

	for (uint64_t at_byte = h->arena_at; at_byte < h->end; at_byte += PIECE) {
		uint64_t len = h->end - at_byte < PIECE ? h->end - at_byte : PIECE;
		if (at_byte + len > end && (e = store_reserve(s, at_byte + len - end)) != OK)
			return e;
		if ((e = file_read_at(fd, at(s, at_byte), len, PAGE + at_byte - h->arena_at, &got)) != OK)
			return e;
		if (got < len)
			return ERR_FORMAT;
		checksum = crc32c(checksum, at(s, at_byte), len);
	}
	return checksum == h->checksum ? OK : ERR_FORMAT;
}

static void
take_over(struct store *s, const struct snapshot_header *h)
{
	struct control *c = s->control;

	memcpy(s->super->seed, h->seed, sizeof(h->seed));
	atomic_store(&c->end, h->end);
	unit_store(&c->blocks.slot, h->blocks);
	unit_store(&c->txs.slot, h->txs);
	unit_store(&c->accounts.slot, h->accounts);
	atomic_store(&c->dead, h->dead);
	atomic_store_explicit(&c->tip, h->tip, memory_order_release);
}

/* Does the journal's chain, which begins at height 1, go through the snapshot's tip? */
static bool
is_on_chain(struct journal *j, const struct snapshot_header *h)
{
	uint32_t *order, count;
	bool is_on;

	journal_chain(j, &order, &count);
	is_on = h->tip_height >= 1 && h->tip_height <= count &&
		hash_equal(&j->blocks[order[h->tip_height - 1]].hash, &h->tip_hash);
	free(order);
	return is_on;
}

static enum err
use(struct store *s, struct journal *j, int fd, struct buf *why)
{
	struct framelog *journal = s->journal;
	struct snapshot_header h;
	uint64_t end = atomic_load(&s->control->end);
	struct ahead *ahead;
	enum err e = read_header(s, &h, fd);

	if (e == ERR_UNSUPPORTED) {
		buf_printf(why, "it was made for another configuration or by another version");
		return e;
	}
	if (e == OK && h.end < end)
		e = ERR_FORMAT;
	if (e != OK) {
		buf_printf(why, "its header is damaged");
		return e;
	}
	/* Else a segment that is rebuilt in order to be rid of lost blocks would have them all again. */
	if (!is_on_chain(j, &h) || h.dead >= (h.end - h.arena_at) / DEAD_SHARE) {
		if (journal_find(j, &h.tip_hash) == JOURNAL_NONE)
			buf_printf(why, "the journal has no block like its tip, at height %" PRIu64, h.tip_height);
		else
			buf_printf(why, "it holds blocks of a lost branch");
		return ERR_STALE;
	}
	if (h.end > s->super->size_max) {
		buf_puts(why, "there is no room for it");
		return ERR_LIMIT;
	}
	ahead = ahead_begin(s, h.end - end);
	e = read_arena(s, &h, fd);
	ahead_end(ahead);
	if (e == OK) {
		take_over(s, &h);
		return OK;
	}
	buf_puts(why, e == ERR_FORMAT			 ? "it is damaged"
		      : e == ERR_NOSPC || e == ERR_LIMIT ? "there is no room for it"
							 : err_text(e));
	/* Its bytes have overwritten what was there. */
	s->journal = NULL;
	if (store_refresh(s) != OK)
		e = ERR_IO;
	s->journal = journal;
	return e;
}

enum err
snapshot_load(struct store *s, const char *path, struct journal *j, struct buf *why)
{
	int fd = -1;
	enum err e = file_open(&fd, path, O_RDONLY, 0);

	if (e != OK) {
		buf_printf(why, "it cannot be opened: %s", strerror(errno));
		return e;
	}
	e = use(s, j, fd, why);
	fd_close(&fd);
	return e;
}

uint64_t
snapshot_height(const struct store *s, const char *path)
{
	struct snapshot_header h = {0};
	int fd = -1;
	enum err e = file_open(&fd, path, O_RDONLY, 0);

	if (e == OK)
		e = read_header(s, &h, fd);
	fd_close(&fd);
	return e == OK ? h.tip_height : 0;
}

bool
snapshot_is_due(const struct store *s, const char *path)
{
	uint64_t height = chain_height(s, chain_tip(s)), have = snapshot_height(s, path);
	uint64_t behind = height > have ? height - have : 0;

	return behind >= DUE_BLOCKS && behind >= height / DUE_SHARE;
}
