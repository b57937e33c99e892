#include "posts_room.h"

#include <check.h>
#include <signal.h>

#include "node/posts.h"

struct crew crew;
struct posts posts;

/* As in the master: a child that is asked to stop before it can hear is asked then. */
static void
block(int how)
{
	sigset_t asked;

	sigemptyset(&asked);
	sigaddset(&asked, SIGTERM);
	sigprocmask(how, &asked, NULL);
}

void
posts_room_enter(void)
{
	block(SIG_BLOCK);
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
	block(SIG_UNBLOCK);
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
