/*
 * What thread and loop share is `struct question`; whoever is done with it last frees it. The thread writes its part,
 * then rings the event descriptor; the loop reads it only after that ring. A question given up is answered to nobody.
 */
#include "peer/lookup.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "util/file.h"
#include "util/mem.h"

struct question {
	_Atomic int users;
	int answered; /* event descriptor */
	char *host;
	uint16_t port;
	enum err e;
	struct netaddr found[LOOKUP_ADDRESSES_MAX];
	size_t count;
};

struct lookup {
	struct question *question;
	struct loop_watch *watch;
	struct loop_timer *failed; /* tells that there is no thread */
	lookup_done *done;
	void *ctx;
};

static void
question_leave(struct question *q)
{
	if (atomic_fetch_sub(&q->users, 1) > 1)
		return;
	fd_close(&q->answered);
	free(q->host);
	free(q);
}

static void *
ask(void *arg)
{
	struct question *q = arg;
	uint64_t one = 1;

	q->e = netaddr_resolve(q->found, LOOKUP_ADDRESSES_MAX, &q->count, q->host, q->port);
	/* A fresh event descriptor takes this without waiting. */
	(void)!write(q->answered, &one, sizeof(one));
	question_leave(q);
	return NULL;
}

/* The thread takes no signals: they belong to the loop. */
static bool
start_thread(struct question *q)
{
	sigset_t all, before;
	pthread_t thread;
	bool is_started;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	is_started = pthread_create(&thread, NULL, ask, q) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (is_started)
		pthread_detach(thread);
	return is_started;
}

static void
answered(void *ctx)
{
	struct lookup *k = ctx;

	k->done(k->ctx, k->question->e, k->question->found, k->question->count);
	lookup_cancel(k);
}

struct lookup *
lookup_start(struct loop *l, const char *host, uint16_t port, lookup_done *done, void *ctx)
{
	struct lookup *k = xcalloc(1, sizeof(*k));
	struct question *q = xcalloc(1, sizeof(*q));

	k->question = q;
	k->done = done;
	k->ctx = ctx;
	q->users = 1;
	q->host = xstrdup(host);
	q->port = port;
	q->e = ERR_NOMEM;
	q->answered = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (q->answered >= 0) {
		k->watch = loop_watch_read(l, q->answered, answered, k);
		atomic_fetch_add(&q->users, 1);
		if (start_thread(q))
			return k;
		atomic_fetch_sub(&q->users, 1);
	}
	k->failed = loop_timer_new(l, answered, k);
	loop_timer_arm(k->failed, 0);
	return k;
}

void
lookup_cancel(struct lookup *k)
{
	if (k == NULL)
		return;
	loop_watch_free(k->watch);
	loop_timer_free(k->failed);
	question_leave(k->question);
	free(k);
}
