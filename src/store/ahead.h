/* Memory that will be needed soon, taken by a second thread. Private to the store. */
#ifndef RENSA_STORE_AHEAD_H
#define RENSA_STORE_AHEAD_H

#include <stdint.h>

#include "store/store.h"

struct ahead;

/* The arena is about to grow by so many bytes beyond its end. What cannot be had is left to store_reserve to say. */
struct ahead *ahead_begin(struct store *s, uint64_t bytes);
/* The thread is gone; what it took stays. NULL is fine. */
void ahead_end(struct ahead *a);

#endif
