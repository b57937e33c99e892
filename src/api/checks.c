#include "checks.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capacity.h"
#include "store/chain.h"
#include "store/load.h"
#include "store/peer_table.h"
#include "store/reload_note.h"
#include "store/role_table.h"
#include "util/attr.h"
#include "util/clock.h"

#define AWAY_MS 5000	    /* a role that is started again at once is not missed */
#define SKEW_NOTED_MS 60000 /* half of how far ahead of a clock a block may be */

static const char *const state_names[CHECK_STATES] = {
    [CHECK_OK] = "ok",
    [CHECK_WARNING] = "warning",
    [CHECK_FAILED] = "failed",
};

const char *
check_state_name(enum check_state state)
{
	return state_names[state];
}

static PRINTFLIKE(4, 5) void found(struct check *c, enum check_state state, const char *fix, const char *fmt, ...)
{
	va_list args;

	c->state = state;
	c->fix = fix;
	va_start(args, fmt);
	vsnprintf(c->found, sizeof(c->found), fmt, args);
	va_end(args);
}

static void
check_chain(struct check *c, const struct api *a)
{
	uint32_t done, of;

	if (store_is_loaded(a->store)) {
		found(c, CHECK_OK, "", "height %" PRIu64, chain_height(a->store, chain_tip(a->store)));
		return;
	}
	store_load_progress(a->store, &done, &of);
	found(c, CHECK_FAILED, "wait: it becomes ready by itself",
	      "the chain is being loaded from the disk, %" PRIu32 " of %" PRIu32 " blocks so far", done, of);
}

static void
check_log(struct check *c, enum err e)
{
	switch (e) {
	case OK:
		found(c, CHECK_OK, "", "the last write succeeded");
		break;
	case ERR_NOSPC:
		found(c, CHECK_FAILED, "free some: it goes on by itself",
		      "the disk of data_dir is full: nothing new is taken until there is room");
		break;
	case ERR_LIMIT:
	case ERR_NOMEM:
		found(c, CHECK_FAILED, "raise it, and restart the node",
		      "the chain has reached shm_max or the end of /dev/shm");
		break;
	default:
		found(c, CHECK_FAILED, "see the log, and whether the disk is sound",
		      "the disk of data_dir refused a write: nothing new is taken until one succeeds");
		break;
	}
}

static void
check_journal(struct check *c, const struct api *a)
{
	check_log(c, store_journal_err(a->store));
}

static void
check_pool_log(struct check *c, const struct api *a)
{
	check_log(c, store_pool_log_err(a->store));
}

/*
 * Roles of which a node has one always. A worker's place may be empty for good after a reload that wants fewer, and that
 * there are workers shows in that one answers; the loader ends when its work is done.
 */
static bool
is_missed(const struct role_info *role, uint64_t now_ms)
{
	return role->pid == 0 && strcmp(role->name, "worker") != 0 && strcmp(role->name, "loader") != 0 &&
	       now_ms > role->beat_ms && now_ms - role->beat_ms > AWAY_MS;
}

/* Without the pool nothing can be taken in; without another something is left undone. */
static void
check_processes(struct check *c, const struct api *a)
{
	uint64_t now_ms = clock_mono_ms();
	struct role_info role;
	unsigned running = 0;

	for (uint32_t i = 0; i < STORE_ROLES_MAX && c->state != CHECK_FAILED; i++) {
		if (!role_known(a->store, i, &role))
			continue;
		running += role.pid != 0;
		if (is_missed(&role, now_ms))
			found(c, strcmp(role.name, "pool") == 0 ? CHECK_FAILED : CHECK_WARNING,
			      "see the log for why it ends",
			      "the %s process has been away for %" PRIu64 " s; it is started again, ever later",
			      role.name, (now_ms - role.beat_ms) / 1000);
	}
	if (c->state == CHECK_OK)
		found(c, CHECK_OK, "", "%u are running", running);
}

static void
check_peers(struct check *c, const struct api *a)
{
	uint32_t up = peer_table_count(a->store, PEER_UP);

	if (up > 0 || peer_table_count(a->store, PEER_SILENT) + peer_table_count(a->store, PEER_REFUSED) == 0)
		found(c, CHECK_OK, "", "%" PRIu32 " up", up);
	else
		found(c, CHECK_WARNING, "rensa peers tells why: see whether they run and can be reached",
		      "no peer is up, of those that are known");
}

/* The share, what is left, and until when. */
static void
check_capacity(struct check *c, const struct api *a, enum capacity_of what, const char *fix)
{
	struct capacity has = capacity_get(a->store, what);
	char when[64] = "when it is full is not known yet", at[CLOCK_TEXT_SIZE];

	if (has.max == 0) {
		found(c, CHECK_OK, "", "nobody has looked yet");
		return;
	}
	if (has.full_ms == FULL_NEVER) {
		snprintf(when, sizeof(when), "it has not grown of late");
	} else if (has.full_ms != 0) {
		clock_format(at, has.full_ms);
		snprintf(when, sizeof(when), "full on %.16sZ as it grows of late", at);
	}
	found(c, has.is_high ? CHECK_WARNING : CHECK_OK, has.is_high ? fix : "",
	      "%" PRIu32 " %% are used, %" PRIu64 " MiB are left; %s", has.percent, has.left >> 20, when);
}

static void
check_memory(struct check *c, const struct api *a)
{
	check_capacity(c, a, CAPACITY_MEMORY, "raise [node] shm_max, and /dev/shm with it, and restart the node");
}

static void
check_disk(struct check *c, const struct api *a)
{
	check_capacity(c, a, CAPACITY_DISK, "free some of the disk of data_dir, or enlarge it");
}

static void
check_clock(struct check *c, const struct api *a)
{
	uint32_t clocks;
	int64_t skew = peer_table_skew(a->store, &clocks);

	if (clocks == 0)
		found(c, CHECK_OK, "", "nobody to compare it with");
	else if (llabs(skew) < SKEW_NOTED_MS)
		found(c, CHECK_OK, "", "it agrees with the peers'");
	else
		found(c, CHECK_WARNING, "set the clocks right, by NTP say: blocks more than 120 s ahead are refused",
		      "the clock of this host is %lld s %s those of its peers", llabs(skew) / 1000,
		      skew > 0 ? "behind" : "ahead of");
}

static void
check_configuration(struct check *c, const struct api *a)
{
	static struct reload_note note; /* large, and this process does one thing at a time */

	if (reload_note_get(a->store, &note) && note.result == RELOAD_REFUSED)
		found(c, CHECK_WARNING, "rensa status names what is wrong: correct it, and reload again",
		      "the last reload was refused, so the node uses the configuration from before it");
	else
		found(c, CHECK_OK, "", "the node uses what it was last told to read");
}

static const struct {
	const char *name;
	void (*make)(struct check *c, const struct api *a);
} table[] = {
    {"chain", check_chain},   {"journal", check_journal}, {"pool-log", check_pool_log},
    {"memory", check_memory}, {"disk", check_disk},	  {"processes", check_processes},
    {"peers", check_peers},   {"clock", check_clock},	  {"configuration", check_configuration},
};
_Static_assert(ARRAY_LEN(table) <= CHECKS_MAX, "callers have room for all");

size_t
checks_make(struct check out[CHECKS_MAX], const struct api *a)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		out[i] = (struct check){.name = table[i].name, .state = CHECK_OK, .fix = ""};
		table[i].make(&out[i], a);
	}
	return ARRAY_LEN(table);
}

const struct check *
checks_failed(const struct check *checks, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (checks[i].state == CHECK_FAILED)
			return &checks[i];
	return NULL;
}
