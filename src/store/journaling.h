/* The disk's part in a commit: see journaling.c. Private to the store. */
#ifndef RENSA_STORE_JOURNALING_H
#define RENSA_STORE_JOURNALING_H

#include "layout.h"
#include "store/chain.h"
#include "util/attr.h"
#include "util/err.h"

/*
 * Writes a frame with the blocks up to tip that the journal lacks, and with the tip; from its return on the commit has
 * happened, whatever happens to this process. The caller holds the lock and has set the repair words.
 */
enum err journaling_commit(struct store *s, struct blockref tip) MUSTCHECK;
/* Has the last tip entry on disk named this block? */
bool journaling_has_tip(const struct store *s, struct blockref tip);
/* Where the journal goes on. */
struct log_place journaling_place(const struct store *s);
/* After a load: what is in the segment is in the journal, which goes on at place. */
void journaling_start(struct store *s, const struct log_place *place);

#endif
