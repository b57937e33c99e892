/*
 * The named semaphore is what writers sleep on; it does not say who owns the lock. Ownership is the owner word alone,
 * swapped from 0 to the writer's pid. A process killed between the two leaves the semaphore down and nobody as owner,
 * or itself as owner; either must heal by itself:
 *
 *	acquire  wait for the semaphore, 50 ms at most; then try the swap, whether the wait succeeded or timed out
 *	release  swap back to 0; post if the semaphore's value is 0
 *	death    the master, which peeks at dead children before it reaps them (so their pids cannot be used again),
 *		 takes the word over, repairs, and releases
 *
 * A lost post costs a waiter 50 ms; a surplus one costs it a futile wake-up; two owners cannot be. A semaphore alone
 * was tried under random kills: it either stopped for good or, topped up, let two writers in.
 */
#include "lock.h"

#include <errno.h>
#include <time.h>

#include "util/clock.h"
#include "util/failpoint.h"

#define NAP_MS 50

static bool
take_word(struct store *s)
{
	uint32_t nobody = 0;

	return atomic_compare_exchange_strong_explicit(&s->control->owner, &nobody, s->pid, memory_order_acquire,
						       memory_order_relaxed);
}

static void
nap(struct store *s)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += NAP_MS * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_nsec -= 1000000000L;
		until.tv_sec++;
	}
	while (sem_clockwait(s->sem, CLOCK_MONOTONIC, &until) != 0 && errno == EINTR)
		;
}

enum err
lock_acquire(struct store *s, uint32_t timeout_ms)
{
	uint64_t since_us = clock_mono_us(), waited_us;

	if (sem_trywait(s->sem) == 0) {
		FAILPOINT("lock.after-wait");
		if (take_word(s))
			return OK;
	}
	atomic_fetch_add_explicit(&s->control->lock_waits, 1, memory_order_relaxed);
	for (;;) {
		nap(s);
		bool is_mine = take_word(s);
		waited_us = clock_mono_us() - since_us;
		if (!is_mine && waited_us / 1000 < timeout_ms)
			continue;
		tally_took(s, TALLY_LOCK_WAIT, waited_us);
		return is_mine ? OK : ERR_TIMEOUT;
	}
}

void
lock_release(struct store *s)
{
	int value = 0;

	atomic_store_explicit(&s->control->owner, 0, memory_order_release);
	FAILPOINT("lock.before-post");
	if (sem_getvalue(s->sem, &value) == 0 && value <= 0)
		sem_post(s->sem);
}

bool
lock_is_mine(const struct store *s)
{
	return atomic_load_explicit(&s->control->owner, memory_order_relaxed) == s->pid;
}

bool
lock_inherit(struct store *s, uint32_t dead)
{
	return atomic_compare_exchange_strong_explicit(&s->control->owner, &dead, s->pid, memory_order_acquire,
						       memory_order_relaxed);
}
