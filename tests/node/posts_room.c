#include "posts_room.h"

#include <check.h>
#include <signal.h>

#include "node/posts.h"

struct crew crew;
struct posts posts;
static sigset_t before;

/*
 * Signals are blocked across the fork, as the master has them: a child that was asked to stop before it could listen
 * would do what Check does at SIGTERM, and end the whole test.
 */
void
posts_room_enter(void)
{
	sigset_t wanted;

	sigemptyset(&wanted);
	sigaddset(&wanted, SIGTERM);
	sigaddset(&wanted, SIGUSR1);
	sigprocmask(SIG_BLOCK, &wanted, &before);
	cast_open();
	crew_init(&crew);
	crew.config.http.workers = 2;
	crew_open(&crew);
	posts_plan(&posts, &crew.env);
	posts.life_write = crew.life_write;
}

void
posts_room_leave(void)
{
	posts_signal(&posts, SIGKILL);
	posts_stop(&posts);
	posts_until(posts_stop_step(&posts));
	posts_clear(&posts);
	crew_close(&crew);
	sigprocmask(SIG_SETMASK, &before, NULL);
}

struct post *
post_of(enum cast who)
{
	for (uint32_t i = 0; i < posts.count; i++)
		if (posts.at[i].role == &node_roles[who])
			return &posts.at[i];
	ck_abort_msg("no post of row %d", (int)who);
}

void
posts_turn(void)
{
	posts_reap(&posts);
	posts_start_due(&posts);
}

void
posts_load(void)
{
	posts_until(cast_count(EVENT_BEGAN, CAST_LOADER) == 1);
	kill(post_of(CAST_LOADER)->pid, SIGTERM);
	posts_until(posts.is_loaded);
}

void
posts_all_up(void)
{
	posts_load();
	posts_until(cast_count(EVENT_BEGAN, CAST_WORKER) == 2 && cast_count(EVENT_BEGAN, CAST_HELPER) == 1 &&
		    cast_count(EVENT_BEGAN, CAST_KEEPER) == 1);
}
