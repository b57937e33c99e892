/* How far a long command is, on standard error if that is a terminal, and nowhere else. */
#ifndef RENSA_PROG_PROGRESS_H
#define RENSA_PROG_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "prog/cli.h"

struct progress {
	const char *what; /* "reading the journal" */
	bool is_shown;
	bool is_drawn; /* there is a line to wipe */
	uint64_t drawn_ms;
};

void progress_begin(struct progress *p, const struct cli *c, const char *what);
/* of 0: nobody knows how many there are. Cheap enough for every block. */
void progress_at(struct progress *p, uint64_t done, uint64_t of);
/* Wipes the line, so that what is said next starts at its beginning. */
void progress_end(struct progress *p);

#endif
