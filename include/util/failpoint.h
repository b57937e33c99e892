/*
 * Named places where a test can make the program fail. Compiled in with ./configure --enable-failpoints, otherwise
 * FAILPOINT expands to nothing. Armed in process with failpoint_arm, or for a daemon with the environment variable
 * RENSA_FAILPOINTS="name=action[:n][,...]", read once by failpoint_load (n: act from the n-th pass on, once; 1 by
 * default).
 */
#ifndef RENSA_UTIL_FAILPOINT_H
#define RENSA_UTIL_FAILPOINT_H

#include <stdbool.h>

enum failpoint_action {
	FAILPOINT_OFF,
	FAILPOINT_KILL, /* SIGKILL to ourselves */
	FAILPOINT_FAIL, /* FAILPOINT_FAILS(name) is true, once */
	FAILPOINT_STOP	/* SIGSTOP to ourselves */
};

void failpoint_arm(const char *name, enum failpoint_action action, unsigned pass);
void failpoint_clear(void);
void failpoint_load(void);
/* Passes the point: may kill or stop the process; true if it shall fail. */
bool failpoint_hit(const char *name);

#ifdef RENSA_FAILPOINTS
#define FAILPOINT(name) ((void)failpoint_hit(name))
#define FAILPOINT_FAILS(name) failpoint_hit(name)
#else
#define FAILPOINT(name) ((void)0)
#define FAILPOINT_FAILS(name) false
#endif

#endif
