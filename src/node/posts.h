/*
 * The master's children: one post for each process that there shall be, and what becomes of it. Only the master's own
 * loop calls this; nothing waits.
 */
#ifndef RENSA_NODE_POSTS_H
#define RENSA_NODE_POSTS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "node/roles.h"

/* A worker that has a successor already and finishes what it has in hand. */
struct leaver {
	pid_t pid; /* 0: none */
	uint32_t ring;
	uint64_t kill_at_ms; /* monotonic */
};

/* One process. */
struct post {
	const struct role *role;
	uint32_t index;
	uint32_t slot;	      /* in the role table */
	pid_t pid;	      /* 0: none now */
	uint32_t ring;	      /* worker: its ring while it lives */
	uint64_t started_ms;  /* monotonic, as all times here */
	uint64_t start_at_ms; /* when the next one is due, while pid is 0 */
	uint64_t kill_at_ms;  /* asked to make way for a new configuration: until then; 0: was not */
	uint32_t delay_ms;
	bool is_given_up;
	bool is_shot; /* by the watchdog */
	struct leaver leaver;
};

/* A child that has no post has ended. */
typedef void posts_stranger(void *ctx, pid_t pid, int status);

struct posts {
	struct node_env *env;
	posts_stranger *on_stranger; /* NULL: nobody asks */
	void *on_stranger_ctx;
	int life_write; /* the children close it … */
	int signals;	/* … and this, where the master reads its own */
	struct post *at;
	uint32_t count;
	uint64_t watched_ms;  /* when the watchdog looked last */
	uint64_t excused_ms;  /* nobody is stuck before */
	uint64_t stop_at_ms;  /* when what still runs is killed; 0: not stopping */
	bool is_loaded;	      /* the loader is done */
	int start_trouble;    /* errno of the last fork, 0: it went well */
	int load_code;	      /* how the loader failed, once it has; 0: it has not */
	uint64_t early_at_ms; /* when roles come that need not wait for it */
	uint64_t order_at_ms; /* the same for what stops at present */
	int stop_order;
};

/* Plans them by the table of roles; none runs yet. env is borrowed; its store is used from posts_start_due on. */
void posts_plan(struct posts *p, struct node_env *env);
void posts_clear(struct posts *p);
/* None runs any more, and all shall be started again, in a segment made anew. */
void posts_begin_again(struct posts *p);

void posts_start_due(struct posts *p);
/* The loader has failed: how it ended. 0: it has not. */
int posts_load_failure(const struct posts *p);
/* Buries the dead, repairs what they were writing, and plans their successors. */
void posts_reap(struct posts *p);
/* Kills who has not moved for so long. */
void posts_watch(struct posts *p, uint32_t watchdog_ms);
/*
 * Does every process that there shall be go on? False: one is stuck, though killed perhaps, or none can be started. One
 * that has died counts as going on, since its successor comes; so does one that will not be started again, for which all
 * others need not be.
 */
bool posts_all_beat(const struct posts *p, uint32_t watchdog_ms);
void posts_signal(struct posts *p, int signo);
/* Every post gets a new process, with the present configuration; or none, if there are fewer of its role now. */
void posts_replace(struct posts *p);

void posts_stop(struct posts *p);     /* begins it */
void posts_stop_now(struct posts *p); /* no more waiting */
bool posts_is_stopping(const struct posts *p);
/* Goes on with it. True when none is left. */
bool posts_stop_step(struct posts *p);

/* How long nothing is due, at most max_ms. */
uint64_t posts_wait_ms(const struct posts *p, uint64_t max_ms);

#endif
