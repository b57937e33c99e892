/*
 * Whoever computes without end takes a core for good. However nice he is, Linux takes that core for busy: who wakes is put
 * on the other one, behind everybody who is there already, and a request's way through several processes then costs a wait
 * at each of them. Only SCHED_IDLE is different. A core on which nothing else runs counts as free, and who wakes there has it
 * at once. So what the miner computes is done by a thread of that class, and is in nobody's way. What the thread gets on a
 * machine that is never idle may be next to nothing: the miner looks at that, and then works itself, too.
 *
 * There is no lock, for the thread might be kept from the core while it holds one. Whose the piece of work is, is said by one
 * word: the loop's, until it sets is_at_work; the thread's, until it clears that. Event descriptors carry the news. A piece is
 * done in bits of a fraction of a millisecond, and between two of them the thread looks whether it is wanted still.
 *
 * Such a thread has a price: to die takes the core, too, and a process is gone only when all of its threads are. Beside one
 * process a core that never rests, one whose thread computes takes half a second to a second to be gone after SIGKILL, beside
 * three 3 to 5 s; one whose thread has nothing to do, some milliseconds, and up to 1.4 s. So the thread starts with the first
 * piece of work, and most nodes never have one.
 */
#include "spare.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "util/clock.h"
#include "util/failpoint.h"
#include "util/file.h"
#include "util/mem.h"

struct spare {
	pthread_t thread;
	int wanted; /* rung by the loop: there is work, or it is time to leave … */
	int done;   /* … and by the thread, when a piece is */
	struct loop *loop;
	struct loop_watch *watch; /* NULL: there is no thread … */
	bool is_refused;	  /* … and can be none */
	bool is_out;		  /* the loop's: a piece has begun, and is not over */
	_Atomic bool is_at_work;
	_Atomic bool is_dropped;
	_Atomic bool is_leaving;
	_Atomic uint64_t cpu_us; /* of all pieces, the one in hand included */

	/* The piece. */
	spare_work *work;
	spare_over *over;
	void *ctx;
	uint64_t since_cpu_ns, before_us;
};

static void
ring(int fd)
{
	uint64_t one = 1;

	/* An event descriptor takes this without waiting: it is heard long before its count is full. */
	(void)!write(fd, &one, sizeof(one));
}

static void
note_cpu(struct spare *s)
{
	atomic_store(&s->cpu_us, s->before_us + (clock_cpu_ns() - s->since_cpu_ns) / 1000);
}

bool
spare_is_wanted(struct spare *s)
{
	note_cpu(s);
	return !atomic_load(&s->is_dropped);
}

static void
work(struct spare *s)
{
	s->before_us = atomic_load(&s->cpu_us);
	s->since_cpu_ns = clock_cpu_ns();
	/* As if others had the cores for good. */
	if (FAILPOINT_FAILS("spare.starve"))
		while (!atomic_load(&s->is_leaving))
			clock_sleep_ms(1);
	s->work(s, s->ctx);
	note_cpu(s);
	atomic_store(&s->is_at_work, false);
	ring(s->done);
}

static void *
serve(void *arg)
{
	const struct sched_param none = {0};
	int policy = sched_getscheduler(0);
	struct spare *s = arg;
	uint64_t rings;

	prctl(PR_SET_NAME, "spare");
	/* Who has put the node into another class than the usual ones knows better. */
	if (policy == SCHED_OTHER || policy == SCHED_BATCH)
		(void)sched_setscheduler(0, SCHED_IDLE, &none);
	while (read(s->wanted, &rings, sizeof(rings)) == sizeof(rings) && !atomic_load(&s->is_leaving))
		work(s);
	return NULL;
}

/* It takes no signals: they belong to the loop. */
static bool
start_thread(struct spare *s)
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
	struct spare *s = ctx;
	uint64_t rings;

	if (read(s->done, &rings, sizeof(rings)) != sizeof(rings) || atomic_load(&s->is_at_work))
		return;
	s->is_out = false;
	s->over(s->ctx, atomic_load(&s->is_dropped), atomic_load(&s->cpu_us) - s->before_us);
}

struct spare *
spare_new(struct loop *l)
{
	struct spare *s = xcalloc(1, sizeof(*s));

	s->loop = l;
	s->wanted = eventfd(0, EFD_CLOEXEC);
	s->done = eventfd(0, EFD_CLOEXEC);
	s->is_refused = s->wanted < 0 || s->done < 0;
	return s;
}

void
spare_free(struct spare *s)
{
	if (s == NULL)
		return;
	if (s->watch != NULL) {
		atomic_store(&s->is_leaving, true);
		spare_drop(s);
		ring(s->wanted);
		pthread_join(s->thread, NULL);
		loop_watch_free(s->watch);
	}
	fd_close(&s->wanted);
	fd_close(&s->done);
	free(s);
}

static bool
has_thread(struct spare *s)
{
	if (s->watch == NULL && !s->is_refused) {
		if (start_thread(s))
			s->watch = loop_watch_read(s->loop, s->done, heard, s);
		else
			s->is_refused = true;
	}
	return s->watch != NULL;
}

bool
spare_begin(struct spare *s, spare_work *to_do, spare_over *over, void *ctx)
{
	if (s == NULL || s->is_out || !has_thread(s))
		return false;
	s->work = to_do;
	s->over = over;
	s->ctx = ctx;
	s->is_out = true;
	atomic_store(&s->is_dropped, false);
	atomic_store(&s->is_at_work, true);
	ring(s->wanted);
	return true;
}

bool
spare_is_out(const struct spare *s)
{
	return s != NULL && s->is_out;
}

void
spare_drop(struct spare *s)
{
	if (s != NULL)
		atomic_store(&s->is_dropped, true);
}

uint64_t
spare_cpu_us(const struct spare *s)
{
	return s == NULL ? 0 : atomic_load(&s->cpu_us);
}
