/*
 * Reading a framed log from its beginning. It begins with the newest file that replaces the earlier ones, or else with
 * file 1, and numbers have no gaps. Each file is read to where the next one starts, the last one to its end:
 *
 *	nothing but zeros or rubbish behind the last good frame, and no good frame anywhere behind	torn or unused: cut
 *	a good frame behind a bad one, or a file that ends before the next one starts			damage
 *
 * because a frame is written only when the one before it is on the disk. The last file may have been made and not used,
 * while the one before it went on (its maker died): then it does not count.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "framelog_file.h"
#include "util/bytes.h"
#include "util/crc32c.h"
#include "util/file.h"
#include "util/fileio.h"
#include "util/mem.h"

#define WINDOW ((size_t)1 << 20)
#define STRIDE 4096

/* One file that is being read, through a window. */
struct source {
	struct framelog *log;
	int fd;
	uint64_t number;
	char name[FRAMELOG_NAME_SIZE];
	struct file_header header;
	uint32_t seed;
	uint64_t size;
	uint8_t *window;
	size_t room;	 /* of the window */
	uint64_t from;	 /* offset in the file of what it holds … */
	size_t held;	 /* … and how much that is */
	enum err failed; /* a read that the system refused */
};

/* len bytes at offset, NULL past the end of the file or if they cannot be read. Good until the next call. */
static const uint8_t *
source_get(struct source *s, uint64_t offset, size_t len)
{
	size_t want = s->size < WINDOW ? (size_t)s->size : WINDOW;

	if (offset >= s->from && offset + len <= s->from + s->held)
		return s->window + (offset - s->from);
	if (offset + len > s->size)
		return NULL;
	if (len > s->room || want > s->room) {
		s->room = len > want ? len : want;
		s->window = xrealloc(s->window, s->room);
	}
	s->from = offset;
	s->failed = file_read_at(s->fd, s->window, s->room, offset, &s->held);
	return s->failed == OK && s->held >= len ? s->window : NULL;
}

static void
source_close(struct source *s)
{
	fd_close(&s->fd);
	s->held = 0;
	s->failed = OK;
}

static enum err
source_open(struct source *s, uint64_t number, struct buf *why)
{
	const uint8_t *bytes;
	char path[PATH_MAX];
	struct stat st;
	enum err e;

	source_close(s);
	s->number = number;
	framelog_name(s->name, number);
	if ((e = framelog_path(s->log, path, number, LOG_SUFFIX)) == OK)
		e = file_open(&s->fd, path, O_RDONLY, 0);
	if (e == OK && fstat(s->fd, &st) == -1)
		e = err_of_errno();
	if (e != OK) {
		buf_printf(why, "cannot open %s/%s: %s", s->log->folder, s->name, strerror(errno));
		return e;
	}
	if (!S_ISREG(st.st_mode)) {
		buf_printf(why, "%s/%s is no log of a node: it is no file", s->log->folder, s->name);
		return ERR_FORMAT;
	}
	s->size = (uint64_t)st.st_size;
	bytes = source_get(s, 0, FRAMELOG_HEADER_SIZE);
	if (s->failed != OK) {
		buf_printf(why, "cannot read %s/%s: %s", s->log->folder, s->name, strerror(errno));
		return s->failed;
	}
	if (bytes == NULL) {
		buf_printf(why, "%s/%s is damaged: it has only %" PRIu64 " bytes", s->log->folder, s->name, s->size);
		return ERR_FORMAT;
	}
	if ((e = file_header_decode(&s->header, s->log, bytes, s->name, why)) != OK)
		return e;
	s->seed = file_header_seed(&s->header);
	return OK;
}

/* The frame at offset, if a good one stands there. Its payload is good until the next read. */
static const uint8_t *
source_frame(struct source *s, struct frame_header *h, uint64_t offset)
{
	const uint8_t *bytes = source_get(s, offset, FRAME_HEADER_SIZE);

	if (bytes == NULL || !frame_header_decode(h, bytes) ||
	    h->position != s->header.position + offset - FRAMELOG_HEADER_SIZE)
		return NULL;
	bytes = source_get(s, offset, FRAME_HEADER_SIZE + h->size);
	if (bytes == NULL || crc32c(frame_checksum(s->seed, bytes), bytes + FRAME_HEADER_SIZE, h->size) != h->checksum)
		return NULL;
	return bytes + FRAME_HEADER_SIZE;
}

/* Does a good frame stand anywhere from offset on? *used becomes the end of what is not zero. False too if s->failed. */
static bool
has_frame_behind(struct source *s, uint64_t offset, uint64_t *used)
{
	static const uint8_t zeros[STRIDE];
	struct frame_header h;
	const uint8_t *bytes;
	size_t len;

	*used = offset;
	for (; offset < s->size; offset += len) {
		len = s->size - offset < STRIDE ? (size_t)(s->size - offset) : STRIDE;
		if ((bytes = source_get(s, offset, len)) == NULL)
			return false;
		/* Disk space that was taken ahead is read in large steps. */
		if (memcmp(bytes, zeros, len) == 0)
			continue;
		len = len < 8 ? len : 8;
		if (memcmp(bytes, zeros, len) == 0)
			continue;
		*used = offset + len;
		if (source_frame(s, &h, offset) != NULL)
			return true;
		if (s->failed != OK)
			return false;
	}
	return false;
}

struct scan {
	struct framelog *log;
	struct framelog_scan *out;
	struct source source;
	uint64_t *files;
	size_t count;
	framelog_visit *visit;
	void *ctx;
	struct buf *why;
};

static enum err
damaged(const struct scan *c, const char *what)
{
	buf_printf(c->why, "%s/%s is damaged at byte %" PRIu64 ": %s", c->log->folder, c->source.name,
		   c->out->place.offset, what);
	return ERR_FORMAT;
}

static enum err
unreadable(const struct scan *c, const struct source *s, uint64_t offset)
{
	buf_printf(c->why, "cannot read %s/%s at or behind byte %" PRIu64 ": %s", c->log->folder, s->name, offset,
		   strerror(errno));
	return s->failed;
}

/* Frames of the open file from the place on, up to the position `until`. *is_whole: they went so far. */
static enum err
scan_frames(struct scan *c, uint64_t until, bool *is_whole)
{
	struct log_place *p = &c->out->place;
	struct source *s = &c->source;
	struct frame_header h;
	struct frame_at at;
	const uint8_t *payload;
	enum err e;

	while (p->position < until) {
		payload = source_frame(s, &h, p->offset);
		if (payload == NULL || h.link != p->link)
			break;
		at = (struct frame_at){p->file, p->offset + FRAME_HEADER_SIZE, p->position};
		if ((e = c->visit(c->ctx, &at, payload, h.size, c->why)) != OK)
			return e;
		c->out->frames++;
		p->offset += frame_length(h.size);
		p->position += frame_length(h.size);
		p->link = h.checksum;
	}
	*is_whole = p->position == until;
	return s->failed == OK ? OK : unreadable(c, s, p->offset);
}

/* The header of the next file, in next->header; its own source, since this one's file is not done with. */
static enum err
peek(struct source *next, const struct scan *c, size_t i, bool *has_frames)
{
	uint64_t used;
	enum err e = source_open(next, c->files[i], c->why);

	if (e != OK)
		return e;
	*has_frames = has_frame_behind(next, FRAMELOG_HEADER_SIZE, &used);
	return next->failed == OK ? OK : unreadable(c, next, FRAMELOG_HEADER_SIZE);
}

/* The file ends at the place now: what later frames do not cover shall read as zeros. */
static enum err
cut(struct scan *c)
{
	char path[PATH_MAX];
	int fd = -1;
	enum err e = framelog_path(c->log, path, c->out->place.file, LOG_SUFFIX);

	if (e == OK)
		e = file_open(&fd, path, O_RDWR, 0);
	if (e == OK)
		e = file_truncate(fd, c->out->place.offset);
	if (e != OK)
		buf_printf(c->why, "cannot cut the torn end off %s/%s: %s", c->log->folder, c->source.name,
			   strerror(errno));
	fd_close(&fd);
	return e;
}

/* A file that was made and never used, because its maker died. */
static enum err
drop_unused(struct scan *c, uint64_t number)
{
	char path[PATH_MAX];
	enum err e = framelog_path(c->log, path, number, LOG_SUFFIX);

	if (e == OK && (e = file_unlink(path)) != OK)
		buf_printf(c->why, "cannot remove %s: %s", path, strerror(errno));
	return e;
}

/*
 * A writer that was killed before its sync may have left a whole frame, or a name, that only memory knows. What was found
 * is about to be told to others: it shall be on the disk by then.
 */
static enum err
settle(struct scan *c)
{
	enum err e = file_sync(c->source.fd);

	if (e == OK)
		e = folder_sync(c->log->folder);
	if (e != OK)
		buf_printf(c->why, "cannot sync %s/%s: %s", c->log->folder, c->source.name, strerror(errno));
	return e;
}

static enum err
scan_last(struct scan *c, bool may_mend)
{
	struct framelog_scan *out = c->out;
	struct source *s = &c->source;
	uint64_t used;
	bool is_whole;
	enum err e;

	if ((e = scan_frames(c, UINT64_MAX, &is_whole)) != OK)
		return e;
	if (has_frame_behind(s, out->place.offset, &used))
		return damaged(c, "what stands there is no whole frame, but whole ones follow");
	if (s->failed != OK)
		return unreadable(c, s, out->place.offset);
	out->torn_at = out->place.offset;
	out->torn_bytes = used - out->place.offset;
	if (out->torn_bytes != 0 && may_mend)
		e = cut(c);
	return e == OK && may_mend && c->log->is_synced ? settle(c) : e;
}

static enum err
scan_files(struct scan *c, bool may_mend)
{
	struct log_place *p = &c->out->place;
	struct source *s = &c->source, next = {.log = c->log, .fd = -1};
	struct frame_header h;
	bool is_whole, has_frames, goes_on;
	enum err e = OK;

	for (size_t i = 0; i < c->count; i++) {
		if ((e = source_open(s, c->files[i], c->why)) != OK)
			break;
		if (i == 0) {
			*p = (struct log_place){.position = s->header.position, .link = s->header.link};
			c->out->start = p->position;
		}
		*p = (struct log_place){c->files[i], FRAMELOG_HEADER_SIZE, p->position, p->link, 0};
		if (s->header.number != c->files[i] || s->header.position != p->position || s->header.link != p->link) {
			e = damaged(c, "the file is not the one that follows the one before it");
			break;
		}
		if (i + 1 == c->count) {
			e = scan_last(c, may_mend);
			break;
		}
		if (c->files[i + 1] != c->files[i] + 1) {
			e = damaged(c, "the file after it is missing");
			break;
		}
		if ((e = peek(&next, c, i + 1, &has_frames)) != OK)
			break;
		if ((e = scan_frames(c, next.header.position, &is_whole)) != OK)
			break;
		if (!is_whole) {
			e = damaged(c, "what stands there is no whole frame, but there are later files");
			break;
		}
		goes_on = i + 2 == c->count && !has_frames && source_frame(s, &h, p->offset) != NULL;
		if (s->failed != OK) {
			e = unreadable(c, s, p->offset);
			break;
		}
		if (goes_on) {
			/* The next one was made and not used, and this one went on. */
			e = scan_last(c, may_mend);
			if (e == OK && may_mend)
				e = drop_unused(c, c->files[i + 1]);
			break;
		}
	}
	source_close(&next);
	free(next.window);
	return e;
}

/* The log begins with the newest file that replaces those before it. */
static enum err
find_first(struct scan *c)
{
	size_t first = 0;
	enum err e = OK;

	if (c->count == 0)
		return OK;
	for (size_t i = c->count; i > 0 && e == OK; i--) {
		e = source_open(&c->source, c->files[i - 1], c->why);
		if (e == OK && (c->source.header.flags & LOG_FLAG_BASE)) {
			first = i - 1;
			break;
		}
	}
	if (e != OK) {
		c->out->place.file = c->source.number;
		return e;
	}
	if (first == 0 && !(c->source.header.flags & LOG_FLAG_BASE) && c->files[0] != 1) {
		buf_printf(c->why, "%s lacks its first file: the earliest is %s", c->log->folder, c->source.name);
		return ERR_FORMAT;
	}
	c->count -= first;
	for (size_t i = 0; i < c->count; i++)
		c->files[i] = c->files[first + i];
	return OK;
}

enum err
framelog_scan(struct framelog *l, struct framelog_scan *out, bool may_mend, framelog_visit *visit, void *ctx,
	      struct buf *why)
{
	struct scan c = {.log = l, .out = out, .source = {.log = l, .fd = -1}, .visit = visit, .ctx = ctx, .why = why};
	enum err e;

	memset(out, 0, sizeof(*out));
	if ((e = framelog_list(l, &c.files, &c.count)) != OK) {
		buf_printf(why, "cannot read the folder %s: %s", l->folder, strerror(errno));
		free(c.files);
		return e;
	}
	if ((e = find_first(&c)) == OK)
		e = scan_files(&c, may_mend);
	if (e == OK && c.count > 0)
		out->first_file = c.files[0];
	out->bytes = out->place.position - out->start;
	if (e == OK && may_mend)
		framelog_tidy(l, out->first_file);
	source_close(&c.source);
	free(c.source.window);
	free(c.files);
	return e;
}

static enum err
pass_over(void *ctx, const struct frame_at *where, const uint8_t *payload, size_t size, struct buf *why)
{
	(void)ctx;
	(void)where;
	(void)payload;
	(void)size;
	(void)why;
	return OK;
}

enum err
framelog_end_of(struct framelog *l, struct log_place *place, uint64_t file)
{
	struct framelog_scan out = {0};
	struct buf why;
	struct scan c = {.log = l, .out = &out, .source = {.log = l, .fd = -1}, .visit = pass_over, .why = &why};
	enum err e;

	buf_init(&why);
	if ((e = source_open(&c.source, file, &why)) == OK) {
		out.place =
		    (struct log_place){file, FRAMELOG_HEADER_SIZE, c.source.header.position, c.source.header.link, 0};
		e = scan_last(&c, false);
	}
	if (e == OK)
		*place = out.place;
	source_close(&c.source);
	free(c.source.window);
	buf_clear(&why);
	return e;
}

static enum err
check_headers(struct framelog *l, size_t max, struct buf *why)
{
	struct source s = {.log = l, .fd = -1};
	uint64_t *files;
	size_t count;
	enum err e = framelog_list(l, &files, &count);

	if (e != OK)
		buf_printf(why, "cannot read the folder %s: %s", l->folder, strerror(errno));
	for (size_t i = 0; i < count && i < max && e == OK; i++)
		e = source_open(&s, files[i], why);
	source_close(&s);
	free(s.window);
	free(files);
	return e;
}

enum err
framelog_check(struct framelog *l, struct buf *why)
{
	return check_headers(l, 1, why);
}

enum err
framelog_check_all(struct framelog *l, struct buf *why)
{
	return check_headers(l, SIZE_MAX, why);
}

enum err
framelog_read_some(struct framelog *l, uint64_t file, uint64_t offset, void *out, size_t len, size_t *got)
{
	char path[PATH_MAX];
	enum err e;

	*got = 0;
	if (l->read_file != file) {
		fd_close(&l->read_fd);
		l->read_file = 0;
		if ((e = framelog_path(l, path, file, LOG_SUFFIX)) != OK ||
		    (e = file_open(&l->read_fd, path, O_RDONLY, 0)) != OK)
			return e;
		l->read_file = file;
	}
	return file_read_at(l->read_fd, out, len, offset, got);
}
