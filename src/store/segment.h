/* How the object grows. Private to the store. */
#ifndef RENSA_STORE_SEGMENT_H
#define RENSA_STORE_SEGMENT_H

#include <stdint.h>

#include "store/store.h"
#include "util/attr.h"
#include "util/err.h"

/*
 * Memory behind the bytes from `from`, up to which it reaches already, to `to`; both are pages. Several may do so at the
 * same time: granting is idempotent, and the mark only moves up.
 */
enum err segment_grow(struct store *s, uint64_t from, uint64_t to) MUSTCHECK;

#endif
