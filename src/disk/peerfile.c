/*
 * The file: magic "RENSAPRS" (8 bytes), format 1 (4), genesis hash (32), count (2), then for each address its family 4 or
 * 6 (1), the address (16, an IPv4 one in the first 4 and zeros behind), port (2), time (8); CRC-32C of all that (4).
 * Written whole, so there is no state between old and new.
 */
#include "disk/peerfile.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "disk/datadir.h"
#include "util/bytes.h"
#include "util/crc32c.h"
#include "util/file.h"

#define MAGIC UINT64_C(0x52454e5341505253) /* "RENSAPRS" */
#define FORMAT 1
#define HEAD_SIZE (8 + 4 + HASH_SIZE + 2)
#define ENTRY_SIZE (1 + 16 + 2 + 8)
#define TAIL_SIZE 4
#define FILE_SIZE(count) (HEAD_SIZE + (count)*ENTRY_SIZE + TAIL_SIZE)

static enum err
entry_decode(struct peerfile_entry *out, struct reader *r)
{
	static const uint8_t zeros[12];
	uint8_t family = get_u8(r);

	get_bytes(r, out->ip, sizeof(out->ip));
	out->port = get_u16(r);
	out->good_ms = get_u64(r);
	out->is_v6 = family == 6;
	if (out->port == 0 || (family != 4 && family != 6))
		return ERR_FORMAT;
	return out->is_v6 || memcmp(out->ip + 4, zeros, sizeof(zeros)) == 0 ? OK : ERR_FORMAT;
}

static enum err
decode(struct peerfile_entry *out, size_t *count, const struct hash256 *genesis, const struct buf *text)
{
	struct reader r = reader_of(text->data, text->len), tail;
	struct hash256 network;
	enum err e = OK;

	if (get_u64(&r) != MAGIC)
		return ERR_FORMAT;
	if (get_u32(&r) > FORMAT)
		return ERR_UNSUPPORTED;
	get_bytes(&r, network.b, sizeof(network.b));
	size_t n = get_u16(&r);
	if (r.failed || n > PEERFILE_MAX || text->len != FILE_SIZE(n))
		return ERR_FORMAT;
	tail = reader_of(text->data + text->len - TAIL_SIZE, TAIL_SIZE);
	if (crc32c(0, text->data, text->len - TAIL_SIZE) != get_u32(&tail) || !hash_equal(&network, genesis))
		return ERR_FORMAT;
	for (size_t i = 0; i < n && e == OK; i++)
		e = entry_decode(&out[i], &r);
	*count = e == OK ? n : 0;
	return e;
}

enum err
peerfile_read(struct peerfile_entry out[PEERFILE_MAX], size_t *count, const char *data_dir,
	      const struct hash256 *genesis, struct buf *why)
{
	char path[PATH_MAX];
	struct buf text;
	enum err e = datadir_file(path, data_dir, PEERFILE_NAME, why);

	*count = 0;
	if (e != OK)
		return e;
	buf_init(&text);
	e = file_read(&text, path, FILE_SIZE(PEERFILE_MAX));
	if (e == ERR_NOT_FOUND)
		buf_printf(why, "there is no file %s", path);
	else if (e != OK && e != ERR_LIMIT)
		buf_printf(why, "cannot read %s: %s", path, strerror(errno));
	else if ((e = e == ERR_LIMIT ? ERR_FORMAT : decode(out, count, genesis, &text)) == ERR_UNSUPPORTED)
		buf_printf(why, "%s was written by a later version", path);
	else if (e != OK)
		buf_printf(why, "%s is damaged, or of another network", path);
	buf_clear(&text);
	return e;
}

enum err
peerfile_write(const char *data_dir, const struct hash256 *genesis, const struct peerfile_entry *entries, size_t count,
	       struct buf *why)
{
	uint8_t bytes[FILE_SIZE(PEERFILE_MAX)];
	struct writer w = writer_of(bytes, sizeof(bytes));
	char path[PATH_MAX];
	enum err e = datadir_file(path, data_dir, PEERFILE_NAME, why);

	if (e != OK)
		return e;
	if (count > PEERFILE_MAX)
		count = PEERFILE_MAX;
	put_u64(&w, MAGIC);
	put_u32(&w, FORMAT);
	put_bytes(&w, genesis->b, sizeof(genesis->b));
	put_u16(&w, (uint16_t)count);
	for (size_t i = 0; i < count; i++) {
		put_u8(&w, entries[i].is_v6 ? 6 : 4);
		put_bytes(&w, entries[i].ip, sizeof(entries[i].ip));
		put_u16(&w, entries[i].port);
		put_u64(&w, entries[i].good_ms);
	}
	put_u32(&w, crc32c(0, bytes, writer_len(&w)));
	if ((e = file_write(path, bytes, writer_len(&w), 0600)) != OK)
		buf_printf(why, "cannot write %s: %s", path, strerror(errno));
	return e;
}
