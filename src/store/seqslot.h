/*
 * Slots with one writer and any number of readers in other processes: a sequence number, odd while the slot changes. A
 * reader copies and looks at the number again. A writer that died half-way left it odd; whoever takes over empties the
 * slot first and only then closes the number: closing alone would show readers what was half-written.
 */
#ifndef RENSA_STORE_SEQSLOT_H
#define RENSA_STORE_SEQSLOT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static inline void
seqslot_open(_Atomic uint32_t *seq)
{
	atomic_store_explicit(seq, atomic_load_explicit(seq, memory_order_relaxed) | 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_seq_cst);
}

static inline void
seqslot_close(_Atomic uint32_t *seq)
{
	atomic_store_explicit(seq, (atomic_load_explicit(seq, memory_order_relaxed) | 1) + 1, memory_order_release);
}

/* Copies size bytes guarded by seq. False: the slot was changing all the while, or *is_used is 0 (NULL: always used).
 */
static inline bool
seqslot_read(const _Atomic uint32_t *seq, const _Atomic uint32_t *is_used, void *out, const void *from, size_t size)
{
	for (int tries = 0; tries < 1000; tries++) {
		uint32_t before = atomic_load_explicit(seq, memory_order_acquire);
		bool used;

		if (before & 1)
			continue;
		used = is_used == NULL || atomic_load_explicit(is_used, memory_order_relaxed) != 0;
		if (used)
			memcpy(out, from, size);
		atomic_thread_fence(memory_order_acquire);
		if (atomic_load_explicit(seq, memory_order_relaxed) == before)
			return used;
	}
	return false;
}

#endif
