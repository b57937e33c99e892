/* The pool's slots and the chains through them: what the pool process writes and everybody reads. */
#ifndef RENSA_STORE_POOL_SLOTS_H
#define RENSA_STORE_POOL_SLOTS_H

#include "layout.h"
#include "pool_packed.h"
#include "store/mempool.h"

/* Empty chains; slots are left alone. At creation and before relinking. */
void pool_links_reset(struct store *s);
/* Links every used slot again; half-written ones are emptied. */
void pool_relink(struct store *s);
/* POOL_NONE if all slots are taken. Stamps e's arrival. */
uint32_t pool_insert(struct store *s, struct pool_packed *e);
void pool_remove(struct store *s, uint32_t slot);
void pool_set_waiting(struct store *s, uint32_t slot, bool is_waiting);
void pool_set_kept(struct store *s, uint32_t slot, bool is_kept);
void pool_set_from_client(struct store *s, uint32_t slot);
/* The writer's own look-up: no sequence numbers needed. */
uint32_t pool_slot_of(const struct store *s, const struct hash256 *id);
/* Is one there that the log lacks? Not without a log. */
bool pool_has_unkept(const struct store *s);
void pool_mark_gone(struct store *s, const struct hash256 *id, enum rule rule, uint64_t height);

#endif
