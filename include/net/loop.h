/*
 * The event loop of one process, over libevent. Make it after the fork. Callbacks run one at a time in the process that
 * runs the loop; freeing a timer or watch inside its own callback is allowed.
 */
#ifndef RENSA_NET_LOOP_H
#define RENSA_NET_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct loop_timer;
struct loop_watch;

typedef void loop_callback(void *ctx);

struct loop *loop_new(void); /* never NULL: without a loop the process ends. Also ignores SIGPIPE */
void loop_free(struct loop *l);
void loop_run(struct loop *l);	/* until loop_stop; at once if it was called already. It may run again after */
void loop_poll(struct loop *l); /* what is ready now, without waiting */
void loop_stop(struct loop *l); /* loop_run returns after the callback in hand */
bool loop_is_stopped(const struct loop *l);

/* The version of libevent that runs below, as it says itself: "2.1.12-stable". */
const char *loop_library(void);

/* One-shot timers on the monotonic clock; arming an armed timer moves it. */
struct loop_timer *loop_timer_new(struct loop *l, loop_callback *fire, void *ctx);
void loop_timer_arm(struct loop_timer *t, uint64_t after_ms);
void loop_timer_disarm(struct loop_timer *t);
void loop_timer_free(struct loop_timer *t); /* NULL is fine */

/* Calls back whenever fd is readable (end of file included). The fd stays the caller's. */
struct loop_watch *loop_watch_read(struct loop *l, int fd, loop_callback *ready, void *ctx);
/* Calls back when a signal arrives; the previous disposition returns with loop_watch_free. */
struct loop_watch *loop_watch_signal(struct loop *l, int signo, loop_callback *raised, void *ctx);
void loop_watch_free(struct loop_watch *w); /* NULL is fine */

#endif
