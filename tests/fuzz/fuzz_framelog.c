/*
 * Framed logs of any bytes. The first byte says what is tried: how many files (bits 0 and 1, and one), whose kind is the
 * pool's (bit 2), the first of which is a number higher (bit 3), and whether checksums are made right first (bit 4), so
 * that what lies behind them is reached. Then the lengths of all files but the last, two bytes each, and the files.
 *
 * Whatever they hold: scanning with and without mending says the same, who refuses says why and changes nothing, and a
 * log that is not refused can be continued, its frames being the same and one more.
 */
#include "fuzz.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "chain/block.h"
#include "disk/journal.h"
#include "disk/poollog.h"
#include "util/bytes.h"
#include "util/crc32c.h"
#include "util/file.h"

#define FILES_MAX 4
#define SIZE_MAX_ALL 8192

static char folder[64];

static void
path_of(char path[128], uint64_t number)
{
	char name[FRAMELOG_NAME_SIZE];

	framelog_name(name, number);
	snprintf(path, 128, "%s/%s", folder, name);
}

static void
clear(void)
{
	char path[128];

	for (uint64_t number = 1; number <= FILES_MAX + 2; number++) {
		path_of(path, number);
		unlink(path);
	}
}

static void
leave(void)
{
	clear();
	rmdir(folder);
}

static void
enter(void)
{
	const char *tmp = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";

	if (folder[0] != '\0')
		return;
	snprintf(folder, sizeof(folder), "%s/fuzz-framelog-XXXXXX", tmp);
	MUST(mkdtemp(folder) != NULL);
	atexit(leave);
}

static void
put_crc(uint8_t *at, uint32_t crc)
{
	struct writer w = writer_of(at, 4);

	put_u32(&w, crc);
}

static void
make_right(uint8_t *bytes, size_t len)
{
	size_t at = FRAMELOG_HEADER_SIZE;

	if (len < at)
		return;
	put_crc(bytes + at - 4, crc32c(0, bytes, at - 4));
	while (len - at >= FRAME_HEADER_SIZE) {
		struct reader r = reader_of(bytes + at + 4, 4);
		uint32_t size = get_u32(&r), crc = crc32c(crc32c(0, bytes + 72, 8), bytes + at, 20);
		if (size > len - at - FRAME_HEADER_SIZE)
			break;
		put_crc(bytes + at + 20, crc32c(crc, bytes + at + FRAME_HEADER_SIZE, size));
		at += FRAME_HEADER_SIZE + ((size_t)size + 7) / 8 * 8;
		if (at > len)
			break;
	}
}

static void
write_file(uint64_t number, const uint8_t *data, size_t len, bool is_made_right)
{
	static uint8_t bytes[SIZE_MAX_ALL];
	char path[128];
	int fd;

	if (len > 0)
		memcpy(bytes, data, len);
	if (is_made_right)
		make_right(bytes, len);
	path_of(path, number);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	MUST(fd != -1 && write(fd, bytes, len) == (ssize_t)len);
	close(fd);
}

struct tally {
	uint64_t frames;
	uint32_t crc; /* of all payloads */
};

static enum err
count(void *ctx, const struct frame_at *where, const uint8_t *payload, size_t size, struct buf *why)
{
	struct tally *t = ctx;

	(void)why;
	MUST(where->file > 0 && where->offset >= FRAMELOG_HEADER_SIZE + FRAME_HEADER_SIZE);
	t->frames++;
	t->crc = crc32c(t->crc, payload, size);
	return OK;
}

static enum err
scan(struct framelog *l, struct framelog_scan *out, struct tally *t, bool may_mend)
{
	struct buf why = {0};
	enum err e;

	*t = (struct tally){0};
	e = framelog_scan(l, out, may_mend, count, t, &why);
	MUST((e == OK) == (why.len == 0));
	MUST(e != OK || out->frames == t->frames);
	buf_clear(&why);
	return e;
}

static enum err
pass(void *ctx, const struct poollog_entry *e)
{
	(void)ctx;
	MUST(e->size <= TX_SIZE_MAX);
	return OK;
}

static void
read_entries(struct framelog *l, enum log_kind kind)
{
	struct buf why = {0};
	struct framelog_scan out;
	struct journal j;
	struct block b;
	uint32_t *order, n;

	if (kind == LOG_POOL) {
		(void)!poollog_read(l, &out, false, pass, NULL, &why);
	} else if (journal_open(&j, l, false, NULL, NULL, &why) == OK) {
		journal_chain(&j, &order, &n);
		MUST(n <= j.count);
		for (uint32_t i = 0; i < j.count; i++)
			(void)!journal_block(&j, &b, i);
		(void)journal_stale_bytes(&j);
		free(order);
		journal_close(&j);
	}
	buf_clear(&why);
}

static void
go_on(struct framelog *l, struct log_place place, const struct tally *before)
{
	static struct frame f;
	struct framelog_scan out;
	struct tally after;

	frame_begin(&f);
	MUST(frame_add(&f, "one more", 8));
	MUST(framelog_append(l, &place, &f, false) == OK);
	MUST(scan(l, &out, &after, false) == OK);
	MUST(after.frames == before->frames + 1 && after.crc == crc32c(before->crc, "one more", 8));
	MUST(out.torn_bytes == 0 && memcmp(&out.place, &place, sizeof(place)) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct framelog_options o = {.folder = folder, .step = 4096};
	struct framelog_scan out, again;
	struct tally first, second;
	struct reader r = reader_of(data, size);
	uint8_t how = get_u8(&r);
	unsigned files = how % FILES_MAX + 1;
	uint64_t number = 1 + (how >> 3 & 1);
	size_t sizes[FILES_MAX] = {0};
	struct framelog *l;
	struct params p;
	enum err e;

	for (unsigned i = 0; i + 1 < files; i++)
		sizes[i] = get_u16(&r);
	if (r.failed || size > SIZE_MAX_ALL)
		return 0;
	enter();
	clear();
	for (unsigned i = 0; i < files; i++) {
		size_t len = i + 1 == files || sizes[i] > reader_left(&r) ? reader_left(&r) : sizes[i];
		write_file(number + i, get_span(&r, len), len, (how & 16) != 0);
	}
	params_default(&p);
	o.genesis = genesis_hash(&p);
	o.kind = how & 4 ? LOG_POOL : LOG_JOURNAL;
	l = framelog_new(&o);
	e = scan(l, &out, &first, false);
	read_entries(l, o.kind);
	MUST(scan(l, &again, &second, true) == e);
	if (e == OK) {
		MUST(first.frames == second.frames && first.crc == second.crc);
		MUST(memcmp(&out.place, &again.place, sizeof(out.place)) == 0 && out.torn_bytes == again.torn_bytes);
		go_on(l, again.place, &first);
	} else {
		/* Nothing was removed: it is refused the same way. */
		MUST(scan(l, &again, &second, false) == e);
	}
	framelog_free(l);
	return 0;
}
