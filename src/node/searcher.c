/*
 * Whoever computes without end takes a core for good. However nice he is, Linux takes that core for busy: who wakes is put
 * on the other one, behind everybody who is there already, and a request's way through several processes then costs a wait
 * at each of them. Only SCHED_IDLE is different. A core on which nothing else runs counts as free, and who wakes there has it
 * at once. So the search is done by a thread of that class, and costs nobody anything. What the thread gets on a machine
 * that is never idle may be next to nothing: the miner looks at that, and searches itself, too.
 *
 * There is no lock, for the thread might be kept from the core while it holds one. Whose the piece of work is, is said by one
 * word: the loop's, until it sets is_at_work; the thread's, until it clears that. Event descriptors carry the news. A piece is
 * done in bits of a fraction of a millisecond, and between two of them the thread looks whether it is wanted still.
 */
#include "searcher.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "util/clock.h"
#include "util/failpoint.h"
#include "util/file.h"
#include "util/mem.h"

#define BITS 32 /* of a piece */

struct searcher {
	pthread_t thread;
	int wanted; /* rung by the loop: there is work, or it is time to leave … */
	int done;   /* … and by the thread, when a piece is */
	struct loop_watch *watch;
	searcher_over *over;
	void *ctx;
	bool is_out; /* the loop's: a piece has begun, and is not over */
	_Atomic bool is_at_work;
	_Atomic bool is_dropped;
	_Atomic bool is_leaving;
	_Atomic uint64_t cpu_us;

	/* The piece of work, and what came of it. */
	uint8_t header[HEADERHASH_INPUT_SIZE];
	struct hash256 target;
	uint64_t first;
	uint64_t count;
	struct search_result result;
};

static void
ring(int fd)
{
	uint64_t one = 1;

	/* An event descriptor takes this without waiting: it is heard long before its count is full. */
	(void)!write(fd, &one, sizeof(one));
}

static void
search(struct searcher *s)
{
	uint64_t bit = s->count / BITS + 1, before_us = atomic_load(&s->cpu_us), since = clock_cpu_ns();
	struct search_result r = {0};

	while (!r.is_found && r.tries < s->count && !atomic_load(&s->is_dropped)) {
		uint64_t tries = s->count - r.tries < bit ? s->count - r.tries : bit;

		r.is_found = headerhash_search(&r.nonce, s->header, &s->target, s->first + r.tries, tries);
		r.tries = r.is_found ? r.nonce - s->first + 1 : r.tries + tries;
		r.cpu_us = (clock_cpu_ns() - since) / 1000;
		atomic_store(&s->cpu_us, before_us + r.cpu_us);
	}
	s->result = r;
}

static void *
serve(void *arg)
{
	const struct sched_param none = {0};
	struct searcher *s = arg;
	int policy = sched_getscheduler(0);
	uint64_t rings;

	prctl(PR_SET_NAME, "searcher");
	/* Who has put the node into another class than the usual ones knows better. */
	if (policy == SCHED_OTHER || policy == SCHED_BATCH)
		(void)sched_setscheduler(0, SCHED_IDLE, &none);
	while (read(s->wanted, &rings, sizeof(rings)) == sizeof(rings) && !atomic_load(&s->is_leaving)) {
		/* As if others had the cores for good. */
		if (FAILPOINT_FAILS("searcher.starve"))
			while (!atomic_load(&s->is_leaving))
				clock_sleep_ms(1);
		search(s);
		atomic_store(&s->is_at_work, false);
		ring(s->done);
	}
	return NULL;
}

/* It takes no signals: they belong to the loop. */
static bool
start_thread(struct searcher *s)
{
	sigset_t all, before;
	bool is_started;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	is_started = pthread_create(&s->thread, NULL, serve, s) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return is_started;
}

static void
heard(void *ctx)
{
	struct searcher *s = ctx;
	struct search_result r;
	uint64_t rings;

	if (read(s->done, &rings, sizeof(rings)) != sizeof(rings) || atomic_load(&s->is_at_work))
		return;
	r = s->result;
	r.is_found = r.is_found && !atomic_load(&s->is_dropped);
	s->is_out = false;
	s->over(s->ctx, &r);
}

static void
release(struct searcher *s)
{
	fd_close(&s->wanted);
	fd_close(&s->done);
	free(s);
}

struct searcher *
searcher_new(struct loop *l, searcher_over *over, void *ctx)
{
	struct searcher *s = xcalloc(1, sizeof(*s));

	s->over = over;
	s->ctx = ctx;
	s->wanted = eventfd(0, EFD_CLOEXEC);
	s->done = eventfd(0, EFD_CLOEXEC);
	if (s->wanted < 0 || s->done < 0 || !start_thread(s)) {
		release(s);
		return NULL;
	}
	s->watch = loop_watch_read(l, s->done, heard, s);
	return s;
}

void
searcher_free(struct searcher *s)
{
	if (s == NULL)
		return;
	atomic_store(&s->is_leaving, true);
	searcher_drop(s);
	ring(s->wanted);
	pthread_join(s->thread, NULL);
	loop_watch_free(s->watch);
	release(s);
}

bool
searcher_begin(struct searcher *s, const uint8_t header[HEADERHASH_INPUT_SIZE], const struct hash256 *target,
	       uint64_t first, uint64_t count)
{
	if (s->is_out)
		return false;
	memcpy(s->header, header, sizeof(s->header));
	s->target = *target;
	s->first = first;
	s->count = count;
	s->is_out = true;
	atomic_store(&s->is_dropped, false);
	atomic_store(&s->is_at_work, true);
	ring(s->wanted);
	return true;
}

void
searcher_drop(struct searcher *s)
{
	if (s != NULL)
		atomic_store(&s->is_dropped, true);
}

bool
searcher_is_out(const struct searcher *s)
{
	return s != NULL && s->is_out;
}

uint64_t
searcher_cpu_us(const struct searcher *s)
{
	return s == NULL ? 0 : atomic_load(&s->cpu_us);
}
