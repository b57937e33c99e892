/* The writers' lock. src/store/lock.c tells why it is made of two parts. */
#ifndef RENSA_STORE_LOCK_H
#define RENSA_STORE_LOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "layout.h"
#include "util/attr.h"
#include "util/err.h"

enum err lock_acquire(struct store *s, uint32_t timeout_ms) MUSTCHECK;
void lock_release(struct store *s);
bool lock_is_mine(const struct store *s);
/* Takes the lock over from a process known to be dead and not yet reaped. False: it was not the owner. */
bool lock_inherit(struct store *s, uint32_t dead);

#endif
