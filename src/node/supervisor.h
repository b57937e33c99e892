/*
 * What the supervisor that started the node hears of it by sd_notify(3): that it is ready, in one line what it is doing, and
 * for its watchdog that all goes on. Who has no supervisor says nothing.
 *
 * What must stay true: readiness is told once it got through, and not before the node is ready; a line is told when it
 * has changed, and not more often than each second or two, however fast blocks come; the watchdog is fed while every
 * role beats, and by nobody but the process that WATCHDOG_PID names.
 */
#ifndef RENSA_SRC_NODE_SUPERVISOR_H
#define RENSA_SRC_NODE_SUPERVISOR_H

#include <stdbool.h>
#include <stdint.h>

#include "util/err.h"

#define SUPERVISOR_LINE_SIZE 200

struct supervisor {
	bool is_ready;	      /* it has heard so */
	bool is_reloading;    /* it has heard so, and not yet of the end */
	enum err trouble;     /* of the last word that mattered */
	uint32_t watchdog_ms; /* it wants a word in each; 0: it has no watchdog for us */
	uint64_t feed_at_ms;  /* monotonic, as all times here */
	bool is_starved;      /* the watchdog is not fed, and the log says so */
	uint64_t line_at_ms;  /* when the line below was told; 0: none was */
	char line[SUPERVISOR_LINE_SIZE];
};

/* Reads WATCHDOG_USEC and WATCHDOG_PID. */
void supervisor_init(struct supervisor *s);

/*
 * In each lap of the master. line: what the node is doing. Until it is ready, which it then stays, the supervisor also
 * hears that it shall go on waiting.
 */
void supervisor_tell(struct supervisor *s, const char *line, bool is_ready);
/* In each lap, too. all_beat: no role is stuck or missing. */
void supervisor_feed(struct supervisor *s, bool all_beat);
/* The configuration is read again; when that is done the next supervisor_tell says so. */
void supervisor_reloading(struct supervisor *s);
/* The node was told to stop. */
void supervisor_stopping(struct supervisor *s);
/* Still stopping, with something that may take a while: what it is. */
void supervisor_ending(struct supervisor *s, const char *line);

/* How long nothing is due, at most max_ms. */
uint64_t supervisor_wait_ms(const struct supervisor *s, uint64_t max_ms);

#endif
