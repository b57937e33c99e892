/* An upgrade: another program takes the place of the running one, in the same process. src/node/upgrade.c tells how. */
#ifndef RENSA_NODE_UPGRADE_H
#define RENSA_NODE_UPGRADE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "node/config.h"
#include "node/handover.h"
#include "util/attr.h"
#include "util/buf.h"
#include "util/err.h"

/* How this program was started, and so how the next one is. */
struct program {
	char *path;  /* absolute, not resolved: what stands there by then is the next program. NULL: not known */
	char **argv; /* its own copy, with the path in front */
};

/* First thing in main, before anybody changes argv. */
void program_init(struct program *p, char *const *argv);
void program_clear(struct program *p);

/* What the running master knows of an upgrade. */
struct upgrade {
	const struct program *program;
	bool is_wanted; /* checked and found good: the roles may stop */
	int file;	/* the next program, as it was checked; -1: none */
	int said;	/* what its check writes comes from there; -1: none */
	pid_t checker;	/* 0: none runs */
	uint64_t kill_at_ms;
};

void upgrade_init(struct upgrade *u, const struct program *program);
/* Has the next program say whether it can take over; the log tells if it cannot, and then nothing has changed. */
void upgrade_begin(struct upgrade *u);
bool upgrade_is_on(const struct upgrade *u);
/* A child that is no role has ended. */
void upgrade_reaped(struct upgrade *u, pid_t pid, int status);
/* Ends a check that takes too long. */
void upgrade_watch(struct upgrade *u);
/* There will be none, if one was on. */
void upgrade_drop(struct upgrade *u);
/* Becomes the next program, which gets h. Returns only if that fails, and then this one goes on: the log says why. */
void upgrade_execute(struct upgrade *u, const struct handover *h);

/* In the next program: what `rensad --check-upgrade=FORMAT` does. */
#define UPGRADE_OPTION "--check-upgrade"
/* ERR_UNSUPPORTED, ERR_PERM, ERR_FORMAT, ERR_IO: it cannot take over, and why says why. */
enum err upgrade_check(const struct config *c, const char *format, struct buf *why) MUSTCHECK;
/* What it then says, in a line of its own. */
void upgrade_say_ready(struct buf *out);

#endif
