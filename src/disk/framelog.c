/*
 * Writing a framed log. What makes a crash harmless at any point:
 *
 *	a frame		is written where nothing that counts stands, and synced before its place moves on. The next one
 *			is written only then, so of all frames at most the last can be torn
 *	a file		is made under another name, with its header and its disk space, synced, and renamed; so a file that
 *			has its name is whole. The next one says at which position it starts, and whatever an older one
 *			holds beyond that does not count
 *	a failed sync	leaves unknown what the disk has: the kernel may call the same pages clean next time. So the frame
 *			is written again into a new file that starts where it would have stood
 *	replacing	writes the new file under its other name, syncs it whole, renames it, and only then removes the old
 *	a death		between naming a file and moving the place is met by the next writer: see meet_next
 *
 * Disk space is taken in large steps and, shortly before frames come there, filled with zeros, which go to the disk with
 * the first frame's sync. Where a file system only knows that a block is taken and not yet written, each sync would have
 * to write that it is now, besides the frame. It is done from the place on, where nothing counts: another process may
 * have gone further in this file than we know.
 *
 * A frame's checksum starts from the file's salt and covers its position and the checksum of the frame before it. Hence
 * remains of a longer frame that was never acknowledged, behind a shorter one written over it, can't pass for frames.
 */
#include "disk/framelog.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/random.h"
#include "framelog_file.h"
#include "util/crc32c.h"
#include "util/failpoint.h"
#include "util/file.h"
#include "util/fileio.h"
#include "util/mem.h"
#include "util/text.h"

#define FILE_MAX_DEFAULT (UINT64_C(64) << 20)
#define STEP_DEFAULT (UINT64_C(4) << 20)
#define RESERVE (UINT64_C(64) << 10) /* for vital frames */
#define FILL_DEFAULT (UINT64_C(256) << 10)
#define FILL_PART ((size_t)64 << 10)
#define FILL_PARTS_MAX 16
#define PROBE (UINT64_C(8) << 20) /* a step of the journal, and one of the pool's log, and something to spare */

struct framelog *
framelog_new(const struct framelog_options *o)
{
	struct framelog *l = xcalloc(1, sizeof(*l));

	text_copy(l->folder, sizeof(l->folder), o->folder);
	l->kind = o->kind;
	l->genesis = o->genesis;
	l->is_synced = o->is_synced;
	l->file_max = o->file_max != 0 ? o->file_max : FILE_MAX_DEFAULT;
	l->step = o->step != 0 ? o->step : STEP_DEFAULT;
	l->fill = o->fill != 0 ? o->fill : FILL_DEFAULT;
	l->fd = l->read_fd = -1;
	return l;
}

void
framelog_free(struct framelog *l)
{
	if (l == NULL)
		return;
	fd_close(&l->fd);
	fd_close(&l->read_fd);
	free(l);
}

const char *
framelog_folder(const struct framelog *l)
{
	return l->folder;
}

const struct hash256 *
framelog_genesis(const struct framelog *l)
{
	return &l->genesis;
}

void
frame_begin(struct frame *f)
{
	f->count = 1; /* the first part is the frame's header */
	f->size = 0;
}

bool
frame_add(struct frame *f, const void *data, size_t len)
{
	if (f->count > FRAME_PARTS_MAX || len > FRAME_PAYLOAD_MAX - f->size)
		return false;
	f->parts[f->count++] = (struct iovec){(void *)(uintptr_t)data, len};
	f->size += len;
	return true;
}

static void
forget_file(struct framelog *l)
{
	fd_close(&l->fd);
	l->file = 0;
	l->filled = 0;
}

static enum err
sync_file(const struct framelog *l)
{
	FAILPOINT("framelog.before-sync");
	return l->is_synced ? file_sync(l->fd) : OK;
}

static enum err
write_header(struct framelog *l, const struct file_header *h)
{
	uint8_t bytes[FRAMELOG_HEADER_SIZE];
	struct iovec part = {bytes, sizeof(bytes)};

	file_header_encode(bytes, l, h);
	return file_write_at(l->fd, &part, 1, 0);
}

/* Makes a file under its other name: header and first disk space. It is open for writing then. */
static enum err
make_file(struct framelog *l, const struct log_place *place, uint64_t number, uint32_t flags)
{
	struct file_header h = {number, place->position, place->link, flags, random_u64()};
	char path[PATH_MAX];
	enum err e;

	forget_file(l);
	if ((e = dir_make(l->folder)) != OK || (e = framelog_path(l, path, number, LOG_NEW_SUFFIX)) != OK ||
	    (e = file_open(&l->fd, path, O_RDWR | O_CREAT | O_TRUNC, 0600)) != OK)
		return e;
	if ((e = file_allocate(l->fd, 0, l->step)) == OK)
		e = write_header(l, &h);
	if (e != OK) {
		forget_file(l);
		(void)!file_unlink(path);
		return e;
	}
	l->file = number;
	l->seed = file_header_seed(&h);
	l->allocated = l->step;
	return OK;
}

/* The file that was made gets its name. */
static enum err
name_file(struct framelog *l, uint64_t number)
{
	char from[PATH_MAX], to[PATH_MAX];
	enum err e;

	if ((e = framelog_path(l, from, number, LOG_NEW_SUFFIX)) != OK ||
	    (e = framelog_path(l, to, number, LOG_SUFFIX)) != OK || (e = sync_file(l)) != OK)
		return e;
	FAILPOINT("framelog.before-rename");
	return file_rename(from, to);
}

static enum err
next_file(struct framelog *l, struct log_place *place)
{
	enum err e = make_file(l, place, place->file + 1, 0);

	if (e == OK && (e = name_file(l, place->file + 1)) != OK)
		forget_file(l);
	if (e == OK) {
		place->file++;
		place->offset = FRAMELOG_HEADER_SIZE;
		place->is_spoiled = 0;
	}
	return e;
}

static enum err
open_file(struct framelog *l, uint64_t number)
{
	uint8_t bytes[FRAMELOG_HEADER_SIZE];
	struct file_header h;
	char path[PATH_MAX], name[FRAMELOG_NAME_SIZE];
	struct stat st;
	struct buf why;
	size_t got;
	enum err e;

	forget_file(l);
	if ((e = framelog_path(l, path, number, LOG_SUFFIX)) != OK || (e = file_open(&l->fd, path, O_RDWR, 0)) != OK)
		return e;
	if ((e = file_read_at(l->fd, bytes, sizeof(bytes), 0, &got)) == OK && got == sizeof(bytes)) {
		buf_init(&why);
		framelog_name(name, number);
		e = file_header_decode(&h, l, bytes, name, &why);
		buf_clear(&why);
	} else if (e == OK) {
		e = ERR_FORMAT;
	}
	if (e == OK && fstat(l->fd, &st) == -1)
		e = err_of_errno();
	if (e != OK) {
		forget_file(l);
		return e;
	}
	l->file = number;
	l->seed = file_header_seed(&h);
	l->is_base = (h.flags & LOG_FLAG_BASE) != 0;
	l->allocated = (uint64_t)st.st_size;
	return OK;
}

/* Removes all files behind this one. The last first, so that there is never a gap, whenever we die. */
static enum err
drop_behind(const struct framelog *l, uint64_t number)
{
	char path[PATH_MAX];
	uint64_t last = number;
	enum err e;

	while ((e = framelog_path(l, path, last + 1, LOG_SUFFIX)) == OK && access(path, F_OK) == 0)
		last++;
	for (; e == OK && last > number; last--)
		if ((e = framelog_path(l, path, last, LOG_SUFFIX)) == OK)
			e = file_unlink(path);
	return e;
}

/*
 * A file behind the place was made by somebody who died before the place moved. One that replaces all before it has done
 * so: the log goes on behind what it holds. From any other nothing was acknowledged, but a scan would believe it rather
 * than what is now written here: *is_there, and it shall be made anew. There are more if the first could not be synced.
 */
static enum err
meet_next(struct framelog *l, struct log_place *place, bool *is_there)
{
	uint64_t number = place->file + 1;
	char path[PATH_MAX];
	enum err e = framelog_path(l, path, number, LOG_SUFFIX);

	*is_there = false;
	if (e != OK)
		return e;
	if (access(path, F_OK) == -1)
		return errno == ENOENT ? OK : err_of_errno();
	if ((e = open_file(l, number)) != OK)
		return e;
	if (!l->is_base) {
		*is_there = true;
		return drop_behind(l, number);
	}
	/* It may have died before its name was durable. */
	if ((e = folder_sync(l->folder)) == OK && (e = framelog_end_of(l, place, number)) == OK)
		framelog_tidy(l, number);
	return e;
}

/* Room for `length` bytes at *place and the reserve behind them, in the file that is open. */
static enum err
take_room(struct framelog *l, const struct log_place *place, uint64_t length, bool is_vital)
{
	uint64_t need = place->offset + length, to;
	struct stat st;
	enum err e;

	if (need + RESERVE <= l->allocated)
		return OK;
	to = (need + RESERVE + l->step - 1) / l->step * l->step;
	e = file_allocate(l->fd, l->allocated, to - l->allocated);
	if (e == OK)
		l->allocated = to;
	else if (fstat(l->fd, &st) == 0)
		l->allocated = (uint64_t)st.st_size;
	return e != OK && is_vital && need <= l->allocated ? OK : e;
}

/*
 * Up to the end of what is taken: were the last bytes before it left out, every frame there would be synced the slow way.
 * A failure is none: the frame itself will meet what is wrong, or fare as well without.
 */
static void
fill_ahead(struct framelog *l, const struct log_place *place, uint64_t length)
{
	static const uint8_t zeros[FILL_PART];
	struct iovec parts[FILL_PARTS_MAX];
	uint64_t from = place->offset > l->filled ? place->offset : l->filled;

	if (l->is_replacing || !l->is_synced)
		return;
	while (l->filled < place->offset + length && from < l->allocated) {
		uint64_t left = l->allocated - from < l->fill ? l->allocated - from : l->fill, at = from;
		int count = 0;

		for (; left > 0 && count < FILL_PARTS_MAX; count++) {
			size_t size = left < sizeof(zeros) ? (size_t)left : sizeof(zeros);
			parts[count] = (struct iovec){(void *)(uintptr_t)zeros, size};
			left -= size;
			from += size;
		}
		(void)!file_write_at(l->fd, parts, count, at);
		l->filled = from;
	}
}

static enum err
write_frame(struct framelog *l, struct log_place *place, const struct frame *f, uint32_t *checksum)
{
	static const uint8_t zeros[8];
	uint8_t header[FRAME_HEADER_SIZE];
	struct iovec parts[FRAME_PARTS_MAX + 2];
	struct frame_header h = {(uint32_t)f->size, place->position, place->link, 0};
	int count = f->count;
	enum err e;

	frame_header_encode(header, &h);
	h.checksum = frame_checksum(l->seed, header);
	for (int i = 1; i < count; i++)
		h.checksum = crc32c(h.checksum, f->parts[i].iov_base, f->parts[i].iov_len);
	frame_header_encode(header, &h);
	memcpy(parts, f->parts, (size_t)count * sizeof(parts[0]));
	parts[0] = (struct iovec){header, sizeof(header)};
	if (f->size % 8 != 0)
		parts[count++] = (struct iovec){(void *)(uintptr_t)zeros, 8 - f->size % 8};
	*checksum = h.checksum;
	if ((e = file_write_at(l->fd, parts, count, place->offset)) != OK)
		return e;
	FAILPOINT("framelog.written");
	/* A file that replaces others is synced once, at its end. */
	if (!l->is_replacing && (e = sync_file(l)) != OK)
		place->is_spoiled = 1;
	return e;
}

/* A frame goes where *place says if its file has room. Else into the next. */
static enum err
append_once(struct framelog *l, struct log_place *place, const struct frame *f, bool is_vital)
{
	uint64_t length = frame_length(f->size);
	bool has_next = false;
	uint32_t checksum;
	bool must_move, would_move;
	enum err e = OK;

	if (!l->is_replacing)
		e = meet_next(l, place, &has_next);
	must_move = place->file == 0 || place->is_spoiled || has_next;
	would_move =
	    !l->is_replacing && place->offset > FRAMELOG_HEADER_SIZE && place->offset + length + RESERVE > l->file_max;
	if (e == OK && (must_move || would_move)) {
		e = next_file(l, place);
		/* Where a full disk has no room for another file, a vital frame may make this one longer than others. */
		if (e == ERR_NOSPC && is_vital && !must_move && meet_next(l, place, &has_next) == OK && !has_next)
			e = OK;
	}
	if (e == OK && l->file != place->file)
		e = open_file(l, place->file);
	if (e == OK)
		e = take_room(l, place, length, is_vital);
	if (e == OK)
		fill_ahead(l, place, length);
	if (e == OK)
		e = write_frame(l, place, f, &checksum);
	if (e != OK) {
		/* Another may make this file anew meanwhile: after a failure it is not known which one is open here. */
		forget_file(l);
		return e;
	}
	place->offset += length;
	place->position += length;
	place->link = checksum;
	return OK;
}

enum err
framelog_append(struct framelog *l, struct log_place *place, struct frame *f, bool is_vital)
{
	enum err e = append_once(l, place, f, is_vital);

	if (e != OK && place->is_spoiled && !l->is_replacing)
		e = append_once(l, place, f, is_vital);
	return e;
}

enum err
framelog_probe(const struct framelog *l)
{
	char path[PATH_MAX];
	int fd = -1;
	enum err e = dir_make(l->folder);

	if (e == OK)
		e = framelog_path(l, path, 0, LOG_NEW_SUFFIX);
	if (e == OK)
		e = file_open(&fd, path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (e == OK)
		e = file_allocate(fd, 0, PROBE);
	fd_close(&fd);
	if (framelog_path(l, path, 0, LOG_NEW_SUFFIX) == OK)
		(void)!file_unlink(path);
	return e;
}

enum err
framelog_replace_begin(struct framelog *l, struct log_place *place)
{
	enum err e = make_file(l, place, place->file + 1, LOG_FLAG_BASE);

	if (e != OK)
		return e;
	l->is_replacing = true;
	l->before = *place;
	place->file++;
	place->offset = FRAMELOG_HEADER_SIZE;
	place->is_spoiled = 0;
	return OK;
}

enum err
framelog_replace_end(struct framelog *l, struct log_place *place, bool is_good)
{
	char path[PATH_MAX];
	enum err e = OK;

	/* An append that failed has closed the file: it is no good, whatever the caller thinks. */
	if (is_good)
		e = l->file == place->file ? name_file(l, place->file) : ERR_IO;
	l->is_replacing = false;
	if (is_good && e == OK) {
		FAILPOINT("framelog.replaced");
		framelog_tidy(l, place->file);
		return OK;
	}
	forget_file(l);
	if (framelog_path(l, path, place->file, LOG_NEW_SUFFIX) == OK)
		(void)!file_unlink(path);
	/* It may have got its name before the folder could not be synced: then it would hide all that is appended now. */
	if (framelog_path(l, path, place->file, LOG_SUFFIX) == OK)
		(void)!file_unlink(path);
	*place = l->before;
	return e;
}
