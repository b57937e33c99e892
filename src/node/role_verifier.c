/*
 * A verifier: checks signatures that lie on the board, while there are any. It is woken when some are posted. Killing it at
 * any moment costs nothing: what it had taken is checked again by who posted it.
 */
#include "node/roles.h"
#include "store/board.h"

#define TURN 64 /* chunks between two looks at the loop */

struct verifier {
	struct child *child;
	struct loop_timer *more;
};

static void
work(void *ctx)
{
	struct verifier *v = ctx;

	for (int i = 0; i < TURN; i++)
		if (!board_work(v->child->env->store))
			return;
	loop_timer_arm(v->more, 0);
}

int
role_verifier(struct child *c)
{
	static struct verifier v;

	v.child = c;
	v.more = loop_timer_new(c->loop, work, &v);
	child_on_bell(c, c->env->bells.role[BELL_VERIFIERS], work, &v);
	work(&v);
	return child_run(c);
}
