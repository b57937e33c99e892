#include "framelog_file.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/bytes.h"
#include "util/crc32c.h"
#include "util/fileio.h"
#include "util/mem.h"
#include "util/text.h"

#define FILE_MAGIC UINT64_C(0x52454e53414c4f47) /* "RENSALOG" */
#define FRAME_MAGIC 0x5246524du			/* "RFRM" */
#define CHECKED (FRAMELOG_HEADER_SIZE - 4)	/* what the checksum of a file's header covers */
#define POSITION_MAX (UINT64_C(1) << 62)	/* no disk holds so much, and sums stay within 64 bits */
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

static int
compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* NUMBER.log as framelog_path writes it; *is_new: NUMBER.log.new, which may also be number 0, that of a probe. */
static bool
parse_name(uint64_t *number, bool *is_new, const char *name)
{
	char digits[FRAMELOG_NAME_SIZE];
	size_t len = strspn(name, "0123456789"), zeros = strspn(name, "0");

	*is_new = strcmp(name + len, LOG_NEW_SUFFIX) == 0;
	if (len < 8 || (len > 8 && zeros > 0) || len >= sizeof(digits) ||
	    (!*is_new && strcmp(name + len, LOG_SUFFIX) != 0))
		return false;
	if (zeros == len) {
		*number = 0;
		return *is_new;
	}
	memcpy(digits, name, len);
	digits[len] = '\0';
	return text_u64(number, digits + zeros, UINT64_MAX) == OK;
}

enum err
framelog_list(const struct framelog *l, uint64_t **files, size_t *count)
{
	DIR *folder = opendir(l->folder);
	struct dirent *entry;
	uint64_t number;
	size_t room = 0;
	bool is_new;
	enum err e;

	*files = NULL;
	*count = 0;
	if (folder == NULL)
		return errno == ENOENT ? OK : err_of_errno();
	/* A folder that cannot be read to its end is no shorter log. */
	while (errno = 0, (entry = readdir(folder)) != NULL) {
		if (!parse_name(&number, &is_new, entry->d_name) || is_new)
			continue;
		if (*count == room) {
			room = room == 0 ? 64 : room * 2;
			*files = xrealloc(*files, room * sizeof(**files));
		}
		(*files)[(*count)++] = number;
	}
	e = errno == 0 ? OK : err_of_errno();
	closedir(folder);
	if (*count > 0)
		qsort(*files, *count, sizeof(**files), compare_u64);
	return e;
}

void
framelog_tidy(const struct framelog *l, uint64_t first)
{
	DIR *folder = opendir(l->folder);
	struct dirent *entry;
	char path[PATH_MAX];
	uint64_t number;
	bool is_new;

	if (folder == NULL)
		return;
	while ((entry = readdir(folder)) != NULL)
		if (parse_name(&number, &is_new, entry->d_name) && (is_new || number < first) &&
		    framelog_path(l, path, number, is_new ? LOG_NEW_SUFFIX : LOG_SUFFIX) == OK)
			(void)!file_unlink(path);
	closedir(folder);
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
	struct file_header h;
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
	get_bytes(&r, genesis.b, HASH_SIZE);
	h.number = get_u64(&r);
	h.position = get_u64(&r);
	h.link = get_u32(&r);
	h.flags = get_u32(&r);
	h.salt = get_u64(&r);
	if (crc32c(0, bytes, CHECKED) != get_u32(&end) || format == 0 || h.position >= POSITION_MAX) {
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
	*out = h;
	return OK;
}

uint32_t
file_header_seed(const struct file_header *h)
{
	uint8_t salt[8];
	struct writer w = writer_of(salt, sizeof(salt));

	/* As it stands in the file, so that another machine comes to the same. */
	put_u64(&w, h->salt);
	return crc32c(0, salt, sizeof(salt));
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
