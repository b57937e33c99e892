/*
 * Each role writes its own pages; the master stamps pid, restarts and failures. Nothing here is needed for correctness:
 * heartbeats feed the watchdog, counters feed /status and /metrics.
 */
#include "store/role_table.h"

#include <stdlib.h>
#include <string.h>

#include "layout.h"
#include "util/mem.h"
#include "util/text.h"

bool
role_info(const struct store *s, uint32_t role, struct role_info *out)
{
	return role_known(s, role, out) && out->pid != 0;
}

bool
role_known(const struct store *s, uint32_t role, struct role_info *out)
{
	const struct role_page *p;

	if (role >= s->super->roles || role >= atomic_load_explicit(&s->control->roles, memory_order_acquire))
		return false;
	p = role_page_at(s, role);
	out->pid = (pid_t)atomic_load(&p->pid);
	memcpy(out->name, p->name, sizeof(out->name));
	out->name[sizeof(out->name) - 1] = '\0';
	out->started_ms = atomic_load(&p->started_ms);
	out->beat_ms = atomic_load(&p->beat_ms);
	out->restarts = atomic_load(&p->restarts);
	out->failures = atomic_load(&p->failures);
	for (int i = 0; i < COUNTERS; i++)
		out->counters[i] = atomic_load_explicit(&p->counters[i], memory_order_relaxed);
	return true;
}

uint64_t
role_total(const struct store *s, enum role_counter c)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < atomic_load_explicit(&s->control->roles, memory_order_relaxed); i++)
		sum += atomic_load_explicit(&role_page_at(s, i)->counters[c], memory_order_relaxed);
	return sum;
}

void
role_started(struct store *s, uint32_t role, const char *name, pid_t pid, uint64_t wall_ms, uint64_t mono_ms)
{
	struct role_page *p = role_page_at(s, role);

	if (role >= atomic_load(&s->control->roles))
		atomic_store(&s->control->roles, role + 1);
	if (p->name[0] != '\0')
		atomic_fetch_add(&p->restarts, 1);
	text_copy(p->name, sizeof(p->name), name);
	atomic_store(&p->started_ms, wall_ms);
	atomic_store(&p->beat_ms, mono_ms);
	atomic_store(&p->pid, (uint32_t)pid);
}

void
role_stopped(struct store *s, uint32_t role)
{
	atomic_store(&role_page_at(s, role)->pid, 0);
}

void
role_failed(struct store *s, uint32_t role)
{
	atomic_fetch_add(&role_page_at(s, role)->failures, 1);
}

void
role_master_takes(struct store *s, uint64_t cpu_us, uint64_t resident, uint64_t private)
{
	atomic_store_explicit(&s->control->master_cpu_us, cpu_us, memory_order_relaxed);
	atomic_store_explicit(&s->control->master_resident, resident, memory_order_relaxed);
	atomic_store_explicit(&s->control->master_private, private, memory_order_relaxed);
}

void
role_master_taken(const struct store *s, uint64_t *cpu_us, uint64_t *resident, uint64_t *private)
{
	*cpu_us = atomic_load_explicit(&s->control->master_cpu_us, memory_order_relaxed);
	*resident = atomic_load_explicit(&s->control->master_resident, memory_order_relaxed);
	*private = atomic_load_explicit(&s->control->master_private, memory_order_relaxed);
}

bool
role_counter_is_state(enum role_counter c)
{
	switch (c) {
	case COUNT_MODE:
	case COUNT_MODE_SET:
	case COUNT_CONNECTIONS:
	case COUNT_SYNC_HEIGHT:
	case COUNT_SYNC_TARGET:
	case COUNT_SYNC_RATE:
	case COUNT_SYNC_PEERS:
	case COUNT_HASH_RATE:
	case COUNT_LISTENERS:
	case COUNT_OUTLETS:
	case COUNT_RESIDENT:
	case COUNT_PRIVATE:
		return true;
	default:
		return false;
	}
}

struct role_ledger {
	uint32_t roles;
	uint64_t lock_waits, repairs;
	struct role_page pages[];
};

/* Nobody writes them: the roles are stopped. */
struct role_ledger *
role_ledger_keep(const struct store *s)
{
	uint32_t roles = atomic_load(&s->control->roles);
	struct role_ledger *kept = xmalloc(sizeof(*kept) + roles * sizeof(kept->pages[0]));

	kept->roles = roles;
	kept->lock_waits = atomic_load(&s->control->lock_waits);
	kept->repairs = atomic_load(&s->control->repairs);
	for (uint32_t i = 0; i < roles; i++) {
		memcpy(&kept->pages[i], role_page_at(s, i), sizeof(kept->pages[i]));
		for (int c = 0; c < COUNTERS; c++)
			if (role_counter_is_state((enum role_counter)c))
				kept->pages[i].counters[c] = 0;
		kept->pages[i].pid = 0;
	}
	return kept;
}

void
role_ledger_put(struct store *s, const struct role_ledger *kept)
{
	for (uint32_t i = 0; i < kept->roles && i < s->super->roles; i++)
		memcpy(role_page_at(s, i), &kept->pages[i], sizeof(kept->pages[i]));
	atomic_store(&s->control->roles, kept->roles);
	atomic_store(&s->control->lock_waits, kept->lock_waits);
	atomic_store(&s->control->repairs, kept->repairs);
}

void
role_ledger_free(struct role_ledger *kept)
{
	free(kept);
}

void
role_beat(struct store *s, uint64_t mono_ms)
{
	atomic_store_explicit(&role_page_at(s, s->role)->beat_ms, mono_ms, memory_order_relaxed);
}

void
role_count(struct store *s, enum role_counter c, uint64_t add)
{
	atomic_fetch_add_explicit(&role_page_at(s, s->role)->counters[c], add, memory_order_relaxed);
}

void
role_set(struct store *s, enum role_counter c, uint64_t value)
{
	atomic_store_explicit(&role_page_at(s, s->role)->counters[c], value, memory_order_relaxed);
}

uint64_t
role_get(const struct store *s, enum role_counter c)
{
	return atomic_load_explicit(&role_page_at(s, s->role)->counters[c], memory_order_relaxed);
}

bool
role_is_in_sync_wait(const struct store *s, pid_t pid)
{
	return (atomic_load(&s->control->in_sync_wait) != 0 && atomic_load(&s->control->owner) == (uint32_t)pid) ||
	       atomic_load(&pool_at(s)->in_sync_wait) == (uint32_t)pid;
}
