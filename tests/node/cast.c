#include "cast.h"

#include <check.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "node/roles.h"
#include "store/commit.h"
#include "store/layout.h"
#include "store/process.h"
#include "store/role_table.h"
#include "util/clock.h"

#define LOOK_MS 1

struct cast_stage *cast_stage;

/* One member, in its process. */
static struct member {
	struct child *child;
	enum cast who;
	struct loop_timer *look;
} self;

static void
note(enum event what)
{
	uint32_t n = atomic_fetch_add(&cast_stage->count, 1);

	need(n < CAST_EVENTS_MAX);
	cast_stage->events[n].what = what;
	cast_stage->events[n].who = self.who;
	cast_stage->events[n].index = self.child->index;
	/* The last: with it the event is there. */
	atomic_store(&cast_stage->events[n].pid, getpid());
}

static void
go_when_allowed(void *ctx)
{
	(void)ctx;
	if (atomic_load(&cast_stage->may_go[self.who]))
		child_end(self.child, CHILD_STOPPED);
	else
		loop_timer_arm(self.look, LOOK_MS);
}

static void
asked(void *ctx)
{
	(void)ctx;
	note(EVENT_ASKED);
	switch ((enum part)atomic_load(&cast_stage->parts[self.who])) {
	case PART_DEAF:
		break;
	case PART_SLOW:
		go_when_allowed(NULL);
		break;
	default:
		child_end(self.child, CHILD_STOPPED);
	}
}

NORETURN static void
be_stuck(struct child *c, bool is_owner)
{
	struct store *s = c->env->store;
	struct role_info info;

	/* The master notes our beginning as a first heartbeat, and it may come to that after us. */
	while (!role_info(s, c->slot, &info) || info.pid != getpid())
		clock_sleep_ms(1);
	if (is_owner) {
		need(store_begin(s, 10000) == OK);
		atomic_store(&s->control->in_sync_wait, 1);
	}
	role_beat(s, 0);
	note(EVENT_STUCK);
	for (;;)
		pause();
}

static int
act(struct child *c, enum cast who)
{
	int code;

	/* Whoever is stuck would outlive a test that fails. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	self = (struct member){.child = c, .who = who};
	self.look = loop_timer_new(c->loop, go_when_allowed, NULL);
	c->on_stop = asked;
	note(EVENT_BEGAN);
	switch ((enum part)atomic_load(&cast_stage->parts[who])) {
	case PART_LEAVE:
		note(EVENT_ENDED);
		return atomic_load(&cast_stage->codes[who]);
	case PART_CRASH:
		raise(SIGKILL);
		break;
	case PART_STUCK:
		be_stuck(c, false);
	case PART_OWNER:
		be_stuck(c, true);
	default:
		break;
	}
	code = child_run(c);
	note(EVENT_ENDED);
	return code;
}

static int
be_loader(struct child *c)
{
	return act(c, CAST_LOADER);
}

static int
be_worker(struct child *c)
{
	return act(c, CAST_WORKER);
}

static int
be_helper(struct child *c)
{
	return act(c, CAST_HELPER);
}

static int
be_keeper(struct child *c)
{
	return act(c, CAST_KEEPER);
}

const struct role node_roles[] = {
    [CAST_LOADER] = {"loader", be_loader, STORE_COMMIT, PACE_USUAL, 0, NUMBER_ONE, START_ONCE, 1},
    [CAST_WORKER] = {"worker", be_worker, STORE_WORKER, PACE_USUAL, 0, NUMBER_WORKERS, START_EARLY, 0},
    [CAST_HELPER] = {"helper", be_helper, STORE_COMMIT, PACE_USUAL, CAST_NICE, NUMBER_ONE, START_LOADED, 1},
    [CAST_KEEPER] = {"keeper", be_keeper, STORE_POOL, PACE_USUAL, 0, NUMBER_ONE, START_LOADED, 2},
};

const size_t node_role_count = CASTS;

uint32_t
role_number(const struct role *r, const struct node_env *env)
{
	return r->number == NUMBER_WORKERS ? env->workers : 1;
}

uint32_t
role_places(const struct role *r, const struct node_env *env)
{
	return role_number(r, env);
}

void
cast_open(void)
{
	cast_stage = share(sizeof(*cast_stage));
}

void
cast_play(enum cast who, enum part part)
{
	atomic_store(&cast_stage->parts[who], (int)part);
}

static bool
is_event(uint32_t i, enum event what, enum cast who)
{
	const struct cast_event *e = &cast_stage->events[i];

	return atomic_load(&e->pid) != 0 && e->what == what && e->who == who;
}

uint32_t
cast_count(enum event what, enum cast who)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < atomic_load(&cast_stage->count); i++)
		count += is_event(i, what, who);
	return count;
}

uint32_t
cast_place(enum event what, enum cast who, uint32_t n)
{
	for (uint32_t i = 0; i < atomic_load(&cast_stage->count); i++)
		if (is_event(i, what, who) && n-- == 0)
			return i;
	ck_abort_msg("event %d did not happen to %d so often", (int)what, (int)who);
}
