#include "framelog_file.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "util/bytes.h"
#include "util/crc32c.h"

#define FILE_MAGIC UINT64_C(0x52454e53414c4f47) /* "RENSALOG" */
#define FRAME_MAGIC 0x5246524du			/* "RFRM" */
#define CHECKED (FRAMELOG_HEADER_SIZE - 4)	/* what the checksum of a file's header covers */
#define FRAME_CHECKED (FRAME_HEADER_SIZE - 4)

void
framelog_name(char name[FRAMELOG_NAME_SIZE], uint64_t file)
{
	snprintf(name, FRAMELOG_NAME_SIZE, "%08" PRIu64 LOG_SUFFIX, file % UINT64_C(10000000000));
}

enum err
framelog_path(const struct framelog *l, char path[PATH_MAX], uint64_t file, const char *suffix)
{
	int len = snprintf(path, PATH_MAX, "%s/%08" PRIu64 "%s", l->folder, file, suffix);

	return len < 0 || len >= PATH_MAX ? ERR_LIMIT : OK;
}

void
file_header_encode(uint8_t out[FRAMELOG_HEADER_SIZE], const struct framelog *l, const struct file_header *h)
{
	struct writer w = writer_of(out, FRAMELOG_HEADER_SIZE);

	memset(out, 0, FRAMELOG_HEADER_SIZE);
	put_u64(&w, FILE_MAGIC);
	put_u32(&w, LOG_FORMAT);
	put_u32(&w, l->kind);
	put_bytes(&w, l->genesis.b, HASH_SIZE);
	put_u64(&w, h->number);
	put_u64(&w, h->position);
	put_u32(&w, h->link);
	put_u32(&w, h->flags);
	put_u64(&w, h->salt);
	w = writer_of(out + CHECKED, 4);
	put_u32(&w, crc32c(0, out, CHECKED));
}

enum err
file_header_decode(struct file_header *out, const struct framelog *l, const uint8_t bytes[FRAMELOG_HEADER_SIZE],
		   const char *name, struct buf *why)
{
	struct reader r = reader_of(bytes, FRAMELOG_HEADER_SIZE), end = reader_of(bytes + CHECKED, 4);
	char theirs[HASH_HEX_SIZE], ours[HASH_HEX_SIZE];
	struct hash256 genesis;
	uint32_t format, kind;

	if (get_u64(&r) != FILE_MAGIC) {
		buf_printf(why, "%s/%s is no log of a node: its first bytes are others", l->folder, name);
		return ERR_FORMAT;
	}
	format = get_u32(&r);
	kind = get_u32(&r);
	if (format > LOG_FORMAT) {
		buf_printf(why,
			   "%s/%s has format %" PRIu32 ", this program knows up to %d: use the version that wrote it",
			   l->folder, name, format, LOG_FORMAT);
		return ERR_UNSUPPORTED;
	}
	if (crc32c(0, bytes, CHECKED) != get_u32(&end) || format == 0) {
		buf_printf(why, "%s/%s is damaged in its header (bytes 0 to %d)", l->folder, name,
			   FRAMELOG_HEADER_SIZE - 1);
		return ERR_FORMAT;
	}
	if (kind != l->kind) {
		buf_printf(why,
			   "%s/%s is a log of another kind (%" PRIu32 ", not %d): folders in data_dir were mixed up",
			   l->folder, name, kind, l->kind);
		return ERR_FORMAT;
	}
	get_bytes(&r, genesis.b, HASH_SIZE);
	if (!hash_equal(&genesis, &l->genesis)) {
		hash_hex(theirs, &genesis);
		hash_hex(ours, &l->genesis);
		buf_printf(
		    why,
		    "%s/%s belongs to another network: its genesis is %.16s, that of this configuration %.16s; set "
		    "[network] as it was, or another data_dir",
		    l->folder, name, theirs, ours);
		return ERR_PERM;
	}
	out->number = get_u64(&r);
	out->position = get_u64(&r);
	out->link = get_u32(&r);
	out->flags = get_u32(&r);
	out->salt = get_u64(&r);
	return OK;
}

uint32_t
file_header_seed(const struct file_header *h)
{
	return crc32c(0, &h->salt, sizeof(h->salt));
}

void
frame_header_encode(uint8_t out[FRAME_HEADER_SIZE], const struct frame_header *h)
{
	struct writer w = writer_of(out, FRAME_HEADER_SIZE);

	put_u32(&w, FRAME_MAGIC);
	put_u32(&w, h->size);
	put_u64(&w, h->position);
	put_u32(&w, h->link);
	put_u32(&w, h->checksum);
}

bool
frame_header_decode(struct frame_header *out, const uint8_t bytes[FRAME_HEADER_SIZE])
{
	struct reader r = reader_of(bytes, FRAME_HEADER_SIZE);
	uint32_t magic = get_u32(&r);

	out->size = get_u32(&r);
	out->position = get_u64(&r);
	out->link = get_u32(&r);
	out->checksum = get_u32(&r);
	return magic == FRAME_MAGIC && out->size <= FRAME_PAYLOAD_MAX;
}

uint32_t
frame_checksum(uint32_t seed, const uint8_t header[FRAME_HEADER_SIZE])
{
	return crc32c(seed, header, FRAME_CHECKED);
}
