/*
 * Slots with one writer and any number of readers in other processes: a sequence number, odd while the slot changes. A
 * reader copies and looks at the number again. A writer that died half-way left it odd; whoever takes over empties the
 * slot first and only then closes the number: closing alone would show readers what was half-written.
 *
 * What the number guards is copied word by word with relaxed atomics, because a reader may copy while the writer writes
 * and only afterwards learns that it has to throw the copy away. So guarded things are aligned to, and as long as,
 * whole words.
 */
#ifndef RENSA_STORE_SEQSLOT_H
#define RENSA_STORE_SEQSLOT_H

#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEQSLOT_TRIES 1000
#define SEQSLOT_YIELD 100 /* tries between two turns for a writer that this core keeps waiting */

typedef uint64_t seqslot_word __attribute__((may_alias));

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

/* Between open and close. */
static inline void
seqslot_write(void *to, const void *from, size_t size)
{
	seqslot_word *out = to;
	const seqslot_word *in = from;

	for (size_t i = 0; i < size / sizeof(*out); i++)
		__atomic_store_n(&out[i], in[i], __ATOMIC_RELAXED);
}

static inline void
seqslot_wipe(void *to, size_t size)
{
	seqslot_word *out = to;

	for (size_t i = 0; i < size / sizeof(*out); i++)
		__atomic_store_n(&out[i], 0, __ATOMIC_RELAXED);
}

/*
 * Copies size bytes guarded by seq. False: the slot was changing all the while (its writer is dead, or this core's turn
 * to run never came to it), or *is_used is 0 (NULL: always used).
 */
static inline bool
seqslot_read(const _Atomic uint32_t *seq, const _Atomic uint32_t *is_used, void *to, const void *from, size_t size)
{
	seqslot_word *out = to;
	const seqslot_word *in = from;

	for (int tries = 1; tries <= SEQSLOT_TRIES; tries++) {
		uint32_t before = atomic_load_explicit(seq, memory_order_acquire);
		bool used;

		if (before & 1) {
			if (tries % SEQSLOT_YIELD == 0)
				sched_yield();
			continue;
		}
		used = is_used == NULL || atomic_load_explicit(is_used, memory_order_relaxed) != 0;
		for (size_t i = 0; used && i < size / sizeof(*out); i++)
			out[i] = __atomic_load_n(&in[i], __ATOMIC_RELAXED);
		atomic_thread_fence(memory_order_acquire);
		if (atomic_load_explicit(seq, memory_order_relaxed) == before)
			return used;
	}
	return false;
}

#endif
