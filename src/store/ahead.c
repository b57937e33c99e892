/*
 * A start writes hundreds of megabytes for the first time, and half of its time would go into the kernel finding, clearing
 * and mapping page after page. That half is done here, a little ahead of the one who writes, on another core.
 *
 * It is a favour and nothing else: on the first failure the thread ends without a word, and store_reserve meets the same
 * failure when the memory is really needed. Both may take the same piece, which is granted once and does no harm.
 *
 * It is the one thread in the house, and knows nothing but offsets of the arena: what it shares is the atomic mark of
 * how far the memory reaches.
 */
#include "ahead.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "layout.h"
#include "segment.h"
#include "util/mem.h"

#define PIECE (UINT64_C(4) << 20)

struct ahead {
	struct store *store;
	uint64_t to;
	_Atomic bool is_over;
	bool has_thread;
	pthread_t thread;
};

static void *
run(void *arg)
{
	struct ahead *a = arg;
	struct control *c = a->store->control;
	uint64_t from;

	while (!atomic_load(&a->is_over) && (from = atomic_load(&c->granted)) < a->to)
		if (segment_grow(a->store, from, a->to - from < PIECE ? a->to : from + PIECE) != OK)
			break;
	return NULL;
}

struct ahead *
ahead_begin(struct store *s, uint64_t bytes)
{
	struct ahead *a = xcalloc(1, sizeof(*a));
	uint64_t end = atomic_load(&s->control->end), room = s->super->size_max - end;
	sigset_t all, before;

	a->store = s;
	a->to = align_page(end + (bytes < room ? bytes : room));
	if (a->to > s->super->size_max)
		a->to = s->super->size_max;
	s->is_ahead = true;
	/* Signals are for the thread that has the handlers' business. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	a->has_thread = pthread_create(&a->thread, NULL, run, a) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return a;
}

void
ahead_end(struct ahead *a)
{
	if (a == NULL)
		return;
	atomic_store(&a->is_over, true);
	if (a->has_thread)
		pthread_join(a->thread, NULL);
	a->store->is_ahead = false;
	free(a);
}
