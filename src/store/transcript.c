/*
 * The object, from its start: a page of counters, one entry for each text, one slot for each height, the texts.
 *
 *	entries	in the order of writing: a block's place in the segment, and where its text ends (which is where the next
 *		one begins). An entry below `count` never changes, and neither do the bytes of its text, so a passage
 *		that is found stays good for as long as a slow reader takes, whatever is written meanwhile
 *	slots	for each height the entry (plus one) that was written for it last: one word, and a hint. The reader
 *		looks whether the entry is that of its own chain's block; after a reorganisation it may not be
 *	top	for all heights up to its own, slots lead to its chain
 *
 * Two entries whose distance is that of their blocks' heights, both of one chain, have all blocks between them between
 * them. For what is added continues the top, or, after a turn, begins at a height that was written before: so from one
 * such stretch to the next, an entry's number less its block's height grows, and two entries with the same difference are
 * of one stretch, in which each block is the parent of the next. That is how a passage of any length is found by
 * comparing its two ends.
 *
 * The scribe may die between any two stores. Bytes and entries behind `count` are nobody's, and its successor writes over
 * them. Slots move only above top: a turn lowers that first.
 *
 * Texts of lost branches are never taken away, for somebody may be sending them. The room they take is the scribe's to
 * keep small (see role_scribe.c); the whole is bounded by size_max, and begins anew with the segment.
 *
 * Text that fills 2 MiB is moved into one large page: a quarter of what it costs to send a chain is otherwise spent on
 * finding its pages and counting who holds them, one by one.
 */
#include "store/transcript.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "util/failpoint.h"
#include "util/file.h"
#include "util/mem.h"

#define PAGE UINT64_C(4096)
#define LARGE_PAGE (UINT64_C(2) << 20)
#define TEXT_LEN_MIN 256	   /* no block's is shorter, so there are never more entries than that allows */
#define GRANT (UINT64_C(64) << 10) /* of entries and slots at a time */

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25 /* Linux 6.1 */
#endif

struct entry {
	uint64_t block; /* offset in the segment */
	uint64_t end;	/* of its text, among the texts */
};

struct counters {
	_Atomic uint64_t count; /* entries */
	_Atomic uint64_t top;	/* offset in the segment */
	/* The scribe's. */
	uint64_t granted; /* entries and slots that have memory behind them */
	uint64_t packed;  /* bytes of text that lie in large pages, or could not */
};

struct transcript {
	int fd_read, fd_write;
	uint64_t size_max;
	uint64_t entries_max;
	uint64_t slots_at, texts_at; /* in the object */
	uint64_t mapped;	     /* bytes from the start; 0: not attached */
	char *base;
};

static uint64_t
align_up(uint64_t n, uint64_t to)
{
	return (n + to - 1) / to * to;
}

static void *
at(const struct transcript *t, uint64_t offset)
{
	return t->base + offset;
}

static struct counters *
counters_of(const struct transcript *t)
{
	return at(t, 0);
}

static struct entry *
entries_of(const struct transcript *t)
{
	return at(t, PAGE);
}

static _Atomic uint32_t *
slots_of(const struct transcript *t)
{
	return at(t, t->slots_at);
}

static uint64_t
end_of(const struct transcript *t, uint64_t count)
{
	return count == 0 ? 0 : entries_of(t)[count - 1].end;
}

/* Memory behind so many bytes. The errno; a signal is no lack of memory. */
static int
allocate(const struct transcript *t, uint64_t from, uint64_t size)
{
	int e;

	do
		e = FAILPOINT_FAILS("transcript.interrupted") ? EINTR
							      : posix_fallocate(t->fd_write, (off_t)from, (off_t)size);
	while (e == EINTR);
	return e;
}

enum err
transcript_create(struct transcript **out, uint64_t size_max)
{
	struct transcript *t = xcalloc(1, sizeof(*t));
	char path[40];

	t->fd_read = -1;
	t->size_max = size_max;
	t->entries_max = size_max / TEXT_LEN_MIN + 1;
	if (t->entries_max >= UINT32_MAX)
		t->entries_max = UINT32_MAX - 1;
	t->slots_at = align_up(PAGE + t->entries_max * sizeof(struct entry), PAGE);
	t->texts_at = align_up(t->slots_at + t->entries_max * sizeof(uint32_t), LARGE_PAGE);
	t->fd_write = memfd_create("rensa.transcript", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	/* Sealed, so that no reader of the mapping can find its end nearer than it was. */
	if (t->fd_write >= 0 && ftruncate(t->fd_write, (off_t)(t->texts_at + size_max)) == 0 &&
	    allocate(t, 0, PAGE) == 0 &&
	    fcntl(t->fd_write, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0) {
		/* A descriptor of its own for reading: its mappings cannot be made writable again. */
		snprintf(path, sizeof(path), "/proc/self/fd/%d", t->fd_write);
		t->fd_read = open(path, O_RDONLY | O_CLOEXEC);
	}
	if (t->fd_read < 0) {
		transcript_free(t);
		*out = NULL;
		return ERR_IO;
	}
	*out = t;
	return OK;
}

void
transcript_free(struct transcript *t)
{
	if (t == NULL)
		return;
	if (t->mapped > 0)
		munmap(t->base, t->mapped);
	fd_close(&t->fd_read);
	fd_close(&t->fd_write);
	free(t);
}

enum err
transcript_attach(struct transcript *t, bool is_scribe)
{
	/* The scribe writes texts as one writes to a file: then a lack of memory is an error and not a signal. */
	uint64_t size = is_scribe ? t->texts_at : t->texts_at + t->size_max;
	void *p = mmap(NULL, size, is_scribe ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED | MAP_NORESERVE,
		       is_scribe ? t->fd_write : t->fd_read, 0);

	if (p == MAP_FAILED)
		return ERR_NOMEM;
	t->base = p;
	t->mapped = size;
	fd_close(is_scribe ? &t->fd_read : &t->fd_write);
	return OK;
}

struct blockref
transcript_top(const struct transcript *t)
{
	return (struct blockref){atomic_load_explicit(&counters_of(t)->top, memory_order_acquire)};
}

void
transcript_usage(const struct transcript *t, struct transcript_usage *out)
{
	out->size_max = t->size_max;
	out->blocks = atomic_load_explicit(&counters_of(t)->count, memory_order_acquire);
	out->used = end_of(t, out->blocks);
}

/* Is entry i that of the block at a height of tip's chain? */
static bool
is_at(const struct transcript *t, const struct store *s, struct blockref tip, uint64_t i, uint64_t height)
{
	return entries_of(t)[i].block == chain_at(s, tip, height).v;
}

struct passage
transcript_find(const struct transcript *t, const struct store *s, struct blockref tip, uint64_t from, uint64_t last)
{
	uint64_t first, count, blocks, beyond;

	/* A block's ancestors were written before it, so a height without that many entries has no slot yet. */
	count = atomic_load_explicit(&counters_of(t)->count, memory_order_acquire);
	if (from > last || from >= count)
		return (struct passage){0};
	/* What a slot leads to is below a count that is loaded after it. */
	first = atomic_load_explicit(&slots_of(t)[from], memory_order_acquire);
	count = atomic_load_explicit(&counters_of(t)->count, memory_order_acquire);
	if (first-- == 0 || !is_at(t, s, tip, first, from))
		return (struct passage){0};
	/* Of the entries that could belong to it: the first `blocks` do, the one at `beyond` does not. */
	blocks = 1;
	beyond = last - from < count - first ? last - from + 1 : count - first;
	if (is_at(t, s, tip, first + beyond - 1, from + beyond - 1))
		blocks = beyond;
	while (beyond - blocks > 1) {
		uint64_t middle = blocks + (beyond - blocks) / 2;
		if (is_at(t, s, tip, first + middle - 1, from + middle - 1))
			blocks = middle;
		else
			beyond = middle;
	}
	return (struct passage){.at = t->texts_at + end_of(t, first) + 1,
				.len = end_of(t, first + blocks) - end_of(t, first) - 1,
				.blocks = blocks};
}

int
transcript_fd(const struct transcript *t)
{
	return t->fd_read;
}

const char *
transcript_text(const struct transcript *t, const struct passage *p)
{
	return at(t, p->at);
}

void
transcript_turn(struct transcript *t, struct blockref fork)
{
	atomic_store_explicit(&counters_of(t)->top, fork.v, memory_order_release);
}

/* Memory behind the entries and slots up to count. */
static enum err
grant(struct transcript *t, uint64_t count)
{
	struct counters *c = counters_of(t);
	uint64_t to;

	while (c->granted < count) {
		to = c->granted + GRANT / sizeof(struct entry);
		if (to > t->entries_max)
			to = t->entries_max;
		if (allocate(t, PAGE + c->granted * sizeof(struct entry), (to - c->granted) * sizeof(struct entry)) !=
			0 ||
		    allocate(t, t->slots_at + c->granted * sizeof(uint32_t), (to - c->granted) * sizeof(uint32_t)) != 0)
			return ERR_NOSPC;
		c->granted = to;
	}
	return OK;
}

static enum err
write_text(const struct transcript *t, uint64_t end, const char *text, size_t len)
{
	ssize_t n;

	for (size_t done = 0; done < len; done += (size_t)n) {
		n = pwrite(t->fd_write, text + done, len - done, (off_t)(t->texts_at + end + done));
		if (n < 0 && errno == EINTR)
			n = 0;
		if (n < 0)
			return errno == ENOSPC || errno == ENOMEM ? ERR_NOSPC : ERR_IO;
	}
	return OK;
}

enum err
transcript_add(struct transcript *t, const struct store *s, const struct blockref *blocks, const size_t *ends,
	       size_t count, const char *text)
{
	struct counters *c = counters_of(t);
	uint64_t begun = atomic_load_explicit(&c->count, memory_order_relaxed), end = end_of(t, begun);
	enum err e;

	if (count > t->entries_max - begun || ends[count - 1] > t->size_max - end)
		return ERR_LIMIT;
	if ((e = grant(t, begun + count)) != OK || (e = write_text(t, end, text, ends[count - 1])) != OK)
		return e;
	for (size_t i = 0; i < count; i++)
		entries_of(t)[begun + i] = (struct entry){blocks[i].v, end + ends[i]};
	FAILPOINT("transcript.written");
	atomic_store_explicit(&c->count, begun + count, memory_order_release);
	FAILPOINT("transcript.counted");
	for (size_t i = 0; i < count; i++)
		atomic_store_explicit(&slots_of(t)[chain_height(s, blocks[i])], (uint32_t)(begun + i + 1),
				      memory_order_release);
	FAILPOINT("transcript.shown");
	atomic_store_explicit(&c->top, blocks[count - 1].v, memory_order_release);
	return OK;
}

bool
transcript_pack(struct transcript *t)
{
	struct counters *c = counters_of(t);
	uint64_t used = end_of(t, atomic_load_explicit(&c->count, memory_order_relaxed));
	int error = 0;
	char *room, *place;

	if (used < c->packed + LARGE_PAGE)
		return false;
	/* Memory and object must be aligned alike, so the place is chosen within twice the room. */
	room = mmap(NULL, 2 * LARGE_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (room == MAP_FAILED)
		return false;
	place = room + (LARGE_PAGE - (uintptr_t)room % LARGE_PAGE) % LARGE_PAGE;
	if (mmap(place, LARGE_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, t->fd_write,
		 (off_t)(t->texts_at + c->packed)) == MAP_FAILED ||
	    madvise(place, LARGE_PAGE, MADV_COLLAPSE) != 0)
		error = errno;
	munmap(room, 2 * LARGE_PAGE);
	/* Pages that are just being sent, or no large one to be had: later. What the kernel cannot do stays as it is. */
	if (error == EAGAIN || error == EBUSY || error == ENOMEM)
		return false;
	c->packed += LARGE_PAGE;
	return true;
}
