/*
 * The file: magic "RENSANET" (8 bytes), format 1 (4), length of the parameters (4), the parameters, CRC-32C of all that
 * (4). Small, written whole and never changed, so there is no state between absent and complete.
 */
#include "disk/netfile.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "disk/datadir.h"
#include "util/bytes.h"
#include "util/crc32c.h"
#include "util/file.h"

#define MAGIC UINT64_C(0x52454e53414e4554) /* "RENSANET" */
#define FORMAT 1
#define HEAD_SIZE 16
#define TAIL_SIZE 4
#define READ_MAX 4096 /* a later version's may be longer than ours */

static enum err
decode(struct params *out, const struct buf *text)
{
	struct reader r = reader_of(text->data, text->len), tail;
	uint64_t magic = get_u64(&r);
	uint32_t format = get_u32(&r), len = get_u32(&r);
	const uint8_t *params;

	if (magic != MAGIC)
		return ERR_FORMAT;
	if (format > FORMAT)
		return ERR_UNSUPPORTED;
	params = get_span(&r, len);
	tail = r;
	if (format != FORMAT || params == NULL || reader_left(&r) != TAIL_SIZE ||
	    crc32c(0, text->data, text->len - TAIL_SIZE) != get_u32(&tail))
		return ERR_FORMAT;
	return params_decode(out, params, len);
}

enum err
netfile_read(struct params *out, const char *data_dir, struct buf *why)
{
	char path[PATH_MAX];
	struct buf text;
	enum err e = datadir_file(path, data_dir, NETFILE_NAME, why);

	if (e != OK)
		return e;
	buf_init(&text);
	e = file_read(&text, path, READ_MAX);
	if (e == ERR_NOT_FOUND)
		buf_printf(why, "there is no file %s", path);
	else if (e != OK && e != ERR_LIMIT)
		buf_printf(why, "cannot read %s: %s", path, strerror(errno));
	else if ((e = e == ERR_LIMIT ? ERR_FORMAT : decode(out, &text)) == ERR_UNSUPPORTED)
		buf_printf(why, "%s was written by a later version: use that one", path);
	else if (e != OK)
		buf_printf(why,
			   "%s is damaged: its checksum does not match its bytes. Remove it: the node writes it again "
			   "from its configuration, if the journal is of that network",
			   path);
	buf_clear(&text);
	return e;
}

enum err
netfile_write(const char *data_dir, const struct params *p, struct buf *why)
{
	uint8_t params[PARAMS_SIZE_MAX], bytes[HEAD_SIZE + PARAMS_SIZE_MAX + TAIL_SIZE];
	struct writer w = writer_of(bytes, sizeof(bytes));
	size_t len = params_encode(params, p);
	char path[PATH_MAX];
	enum err e = datadir_file(path, data_dir, NETFILE_NAME, why);

	if (e != OK)
		return e;
	put_u64(&w, MAGIC);
	put_u32(&w, FORMAT);
	put_u32(&w, (uint32_t)len);
	put_bytes(&w, params, len);
	put_u32(&w, crc32c(0, bytes, writer_len(&w)));
	if ((e = file_write(path, bytes, writer_len(&w), 0600)) != OK)
		buf_printf(why, "cannot write %s: %s", path, strerror(errno));
	return e;
}

enum err
netfile_settle(const char *data_dir, const struct params *p, struct framelog *journal, struct buf *why)
{
	struct params theirs;
	struct buf absent;
	const char *field;
	enum err e;

	buf_init(&absent);
	e = netfile_read(&theirs, data_dir, &absent);
	if (e == ERR_NOT_FOUND) {
		/* A journal from before there was this file knows its network too. */
		if ((e = framelog_check(journal, why)) == OK)
			e = netfile_write(data_dir, p, why);
	} else if (e != OK) {
		buf_append(why, absent.data, absent.len);
	} else if ((field = params_difference(&theirs, p)) != NULL) {
		buf_printf(
		    why,
		    "the data folder %s belongs to another network (%s): its %s is another; set %s under [network] "
		    "as it was, or use another data_dir",
		    data_dir, theirs.name, field, field);
		e = ERR_PERM;
	}
	buf_clear(&absent);
	return e;
}
