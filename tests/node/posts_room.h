/* The posts of a cast, with the test in place of the master's loop. */
#ifndef RENSA_TESTS_NODE_POSTS_ROOM_H
#define RENSA_TESTS_NODE_POSTS_ROOM_H

#include "cast.h"
#include "crew.h"

struct post;
struct posts; /* of src/node/posts.h, whose times tests move */

extern struct crew crew;
extern struct posts posts;

/* Checked fixtures: two workers, and posts that are planned; nobody runs. */
void posts_room_enter(void);
void posts_room_leave(void);

/* The first post of a row. */
struct post *post_of(enum cast who);
/* What the master does in each turn: buries, and starts who is due. */
void posts_turn(void);
/* Turns until the condition holds. */
#define posts_until(condition) crew_until((posts_turn(), (condition)))
/* The chain is loaded. */
void posts_load(void);
/* And everybody has begun, at their parts. */
void posts_all_up(void);

#endif
