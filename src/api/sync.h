/* How far a sync with peers is, as other documents show it. */
#ifndef RENSA_SRC_API_SYNC_H
#define RENSA_SRC_API_SYNC_H

#include <stdbool.h>

#include "store/store.h"
#include "wire/json.h"

bool sync_is_active(const struct store *s);
/* The object's value. */
void sync_write(struct jout *j, const struct store *s);

#endif
