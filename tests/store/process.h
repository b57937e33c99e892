/*
 * Processes for tests: the test plays the master, its children attach as roles do. What a child finds wrong ends it
 * with a line on stderr and a status that await_ok does not take; Check's assertions must not be used in children,
 * where they would run the test's teardown.
 */
#ifndef RENSA_TESTS_STORE_PROCESS_H
#define RENSA_TESTS_STORE_PROCESS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "store/store.h"
#include "util/attr.h"

/* Holds in tests and their children. */
#define need(claim) ((claim) ? (void)0 : need_failed(__FILE__, __LINE__, #claim))
NORETURN void need_failed(const char *file, int line, const char *claim);

/* Runs run(s, arg) in a child that has attached, then ends it with 0. Without a segment, s is NULL in all of these. */
typedef void process_run(struct store *s, void *arg);
pid_t spawn(struct store *s, enum store_access access, uint32_t role, uint32_t ring, process_run *run, void *arg);
/* As the master does: peeks at the dead child, buries it, reaps it. Returns its wait status. */
int await(struct store *s, pid_t pid);
/* And it must have ended by itself, finding nothing wrong. */
void await_ok(struct store *s, pid_t pid);
/* spawn and await; true if it was killed by SIGKILL, as armed failpoints do. */
bool was_killed(struct store *s, enum store_access access, uint32_t role, process_run *run, void *arg);

/* Ends a child without what exit would do for the test that it was forked from. */
NORETURN void process_end(int status);

/* Zeroed memory that children share; lives until the test ends. */
void *share(size_t size);

/* Waits until the word has this value; another process will set it soon, or the test fails. */
void wait_for(const _Atomic uint32_t *word, uint32_t value);

/* Random numbers that are the same in each run (SplitMix64). */
uint64_t random_next(uint64_t *state);
uint64_t random_below(uint64_t *state, uint64_t bound);

#endif
