/*
 * How the last reload of the configuration went: written by the master, read by everybody. The master keeps its own copy
 * and writes it again into a segment made anew.
 */
#ifndef RENSA_STORE_RELOAD_NOTE_H
#define RENSA_STORE_RELOAD_NOTE_H

#include <stdbool.h>
#include <stdint.h>

#include "store/store.h"
#include "util/attr.h"

#define RELOAD_TEXT_SIZE 8192

enum reload_result { RELOAD_NEVER, RELOAD_TAKEN, RELOAD_REFUSED };

/* What does not fit into a text is left out of it, whole lines at a time; the counts are of all. */
struct reload_note {
	uint64_t number; /* reloads since the node was started */
	uint64_t at_ms;	 /* wall clock: the last one */
	uint32_t result; /* enum reload_result */
	uint32_t changed_count;
	uint32_t waiting_count;
	uint32_t error_count;
	char changed[RELOAD_TEXT_SIZE]; /* "key\told value\tnew value\n" each: what has another value now */
	char waiting[RELOAD_TEXT_SIZE]; /* the same: what would have, after a restart */
	char errors[RELOAD_TEXT_SIZE];	/* why it was refused, a line each */
};

/* Master. */
void reload_note_put(struct store *s, const struct reload_note *note);
/* False: there was no reload, or the note is being written all the while. */
bool reload_note_get(const struct store *s, struct reload_note *out) MUSTCHECK;

#endif
