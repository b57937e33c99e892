/* How the last reload of the configuration went, as /status shows it. */
#ifndef RENSA_SRC_API_RELOAD_H
#define RENSA_SRC_API_RELOAD_H

#include "store/store.h"
#include "wire/json.h"

/* The object's value; null if there was no reload since the node was started. */
void reload_write(struct jout *j, const struct store *s);

#endif
