#include "fill.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#include "store/role_table.h"
#include "util/clock.h"
#include "util/log.h"

#define SHM_FOLDER "/dev/shm"
#define FAR_MS (UINT64_C(10) * 365 * 24 * 3600 * 1000)

static uint64_t
percent(uint64_t used, uint64_t max)
{
	return used >= max ? 100 : (uint64_t)((unsigned __int128)used * 100 / max);
}

/* Of at least one. */
static const struct fill_sample *
oldest(const struct fill *f)
{
	return &f->past[f->count < FILL_SAMPLES ? 0 : f->count % FILL_SAMPLES];
}

static void
remember(struct fill *f, uint64_t mono_ms, uint64_t used)
{
	if (f->count > 0 && mono_ms - f->past[(f->count - 1) % FILL_SAMPLES].at_ms < FILL_SAMPLE_MS)
		return;
	f->past[f->count++ % FILL_SAMPLES] = (struct fill_sample){mono_ms, used};
}

uint64_t
fill_look(struct fill *f, uint64_t mono_ms, uint64_t used, uint64_t max)
{
	const struct fill_sample *since;
	uint64_t span_ms, left = max > used ? max - used : 0;
	unsigned __int128 in_ms;

	remember(f, mono_ms, used);
	since = oldest(f);
	span_ms = mono_ms - since->at_ms;
	if (span_ms < FILL_LEAST_MS)
		return 0;
	if (used <= since->used)
		return FULL_NEVER;
	in_ms = (unsigned __int128)left * span_ms / (used - since->used);
	return in_ms > FAR_MS ? FULL_NEVER : (uint64_t)in_ms + 1; /* full by now is no "not known" */
}

bool
fill_has_crossed(struct fill *f, uint64_t used, uint64_t max)
{
	uint64_t now = percent(used, max);
	bool was_high = f->is_high;

	f->is_high = now >= (was_high ? FILL_LOW_PERCENT : FILL_HIGH_PERCENT);
	return f->is_high != was_high;
}

/* When it is full, in words; in_ms as fill_look has it. */
static void
describe_when(char *out, size_t size, uint64_t in_ms)
{
	char text[CLOCK_TEXT_SIZE];

	if (in_ms == 0) {
		snprintf(out, size, "when it will be full is not known yet: it was watched for less than 10 minutes");
	} else if (in_ms == FULL_NEVER) {
		snprintf(out, size, "it has not grown of late");
	} else {
		clock_format(text, clock_wall_ms() + in_ms);
		snprintf(out, size, "as it grows of late, it will be full on %.16sZ", text);
	}
}

static void
tell(const struct fill *f, uint64_t used, uint64_t max, uint64_t in_ms, const char *what, const char *fix)
{
	char when[96];

	describe_when(when, sizeof(when), in_ms);
	if (f->is_high)
		log_warn("archiver: %s is %" PRIu64 " %% full, %" PRIu64 " MiB are left; %s. %s", what,
			 percent(used, max), (max > used ? max - used : 0) >> 20, when, fix);
	else
		log_info("archiver: %s has room again: %" PRIu64 " %% are used", what, percent(used, max));
}

static void
publish(struct store *s, enum role_counter first, uint64_t used, uint64_t max, uint64_t in_ms, bool is_high)
{
	role_set(s, first, used);
	role_set(s, first + 1, max);
	role_set(s, first + 2, in_ms == 0 || in_ms == FULL_NEVER ? in_ms : clock_wall_ms() + in_ms);
	role_set(s, first + 3, is_high);
}
_Static_assert(COUNT_MEMORY_MAX == COUNT_MEMORY_USED + 1 && COUNT_MEMORY_FULL_MS == COUNT_MEMORY_USED + 2 &&
		   COUNT_MEMORY_IS_HIGH == COUNT_MEMORY_USED + 3,
	       "they are set together");
_Static_assert(COUNT_DISK_MAX == COUNT_DISK_USED + 1 && COUNT_DISK_FULL_MS == COUNT_DISK_USED + 2 &&
		   COUNT_DISK_IS_HIGH == COUNT_DISK_USED + 3,
	       "they are set together");

/*
 * Of the arena, what no rebuild would give back; against what it may have: shm_max, or what /dev/shm still has if that is
 * less.
 */
static void
look_at_memory(struct fill *f, struct store *s, uint64_t now_ms)
{
	struct store_usage u;
	struct statvfs fs;
	uint64_t used, max, in_ms;

	store_usage(s, &u);
	used = u.arena_used - (u.arena_dead < u.arena_used ? u.arena_dead : u.arena_used);
	max = u.arena_max;
	if (statvfs(SHM_FOLDER, &fs) == 0) {
		uint64_t room = u.arena_granted + (uint64_t)fs.f_bavail * fs.f_frsize;
		max = room < max ? room : max;
	}
	in_ms = fill_look(f, now_ms, used, max);
	if (fill_has_crossed(f, used, max))
		tell(f, used, max, in_ms, "the shared memory of the chain",
		     "Raise [node] shm_max, and /dev/shm with it, and restart the node");
	publish(s, COUNT_MEMORY_USED, used, max, in_ms, f->is_high);
}

/* As df counts: what is kept for root counts as neither. */
static void
look_at_disk(struct fills *all, struct store *s, const char *data_dir, uint64_t now_ms)
{
	struct fill *f = &all->disk;
	struct statvfs fs;
	uint64_t used, max, in_ms;
	char what[320];

	bool is_told = statvfs(data_dir, &fs) == 0;

	if (!is_told || fs.f_blocks == 0) {
		if (!all->has_failed)
			log_warn("archiver: how full the disk of %s is cannot be told: %s", data_dir,
				 is_told ? "its file system names no size" : strerror(errno));
		all->has_failed = true;
		return;
	}
	all->has_failed = false;
	used = (uint64_t)(fs.f_blocks - fs.f_bfree) * fs.f_frsize;
	max = used + (uint64_t)fs.f_bavail * fs.f_frsize;
	in_ms = fill_look(f, now_ms, used, max);
	snprintf(what, sizeof(what), "the disk of data_dir (%.256s)", data_dir);
	if (fill_has_crossed(f, used, max))
		tell(f, used, max, in_ms, what, "Free some, or enlarge it");
	publish(s, COUNT_DISK_USED, used, max, in_ms, f->is_high);
}

void
fills_begin(struct fills *f, const struct store *s)
{
	memset(f, 0, sizeof(*f));
	f->memory.is_high = role_get(s, COUNT_MEMORY_IS_HIGH) != 0;
	f->disk.is_high = role_get(s, COUNT_DISK_IS_HIGH) != 0;
}

void
fills_look(struct fills *f, struct store *s, const char *data_dir)
{
	uint64_t now_ms = clock_mono_ms();

	look_at_memory(&f->memory, s, now_ms);
	look_at_disk(f, s, data_dir, now_ms);
}
