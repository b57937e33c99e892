/*
 * Helpers are forked, one for each further core, and draw blocks, some at a time, from a shared counter. What they find
 * stands in a shared table, a byte a block. The judge draws too while the block that it has come to is in a helper's
 * hands; when none is left to draw it looks itself, so it waits for nobody, and a helper that dies or cannot be made
 * costs time and nothing else.
 */
#include "disk/sigcheck.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/mem.h"

#define HELPERS_MAX 63
#define DRAW_BYTES 65536 /* some 20 ms of signatures, beside which it is nothing to read what is around them */

enum { UNSEEN = 0, IS_GOOD, IS_DOUBTFUL };

struct shared {
	_Atomic uint32_t drawn; /* places in order, from the first on */
	_Atomic uint8_t found[];
};

struct sigcheck {
	struct journal *journal;
	const uint32_t *order;
	uint32_t count;
	size_t shared_size;
	struct shared *shared; /* NULL: there is no memory for it, and nobody checks ahead */
	pid_t helpers[HELPERS_MAX];
	uint32_t helper_count;
};

static bool
are_signatures_good(const struct block *b)
{
	struct block_iter it = block_txs(b);
	enum rule rule;
	struct tx tx;

	while (block_next(&it, &tx, &rule))
		if (rule != RULE_OK || (tx.version == TX_TRANSFER && tx_check_signature(&tx) != RULE_OK))
			return false;
	return true;
}

/* Behind the blocks that are drawn together with the one at first. */
static uint32_t
draw_end(const struct sigcheck *s, uint32_t first)
{
	uint64_t bytes = 0;
	uint32_t end = first;

	while (end < s->count && bytes < DRAW_BYTES)
		bytes += s->journal->blocks[s->order[end++]].size;
	return end;
}

/* False: none is left. */
static bool
check_some(struct sigcheck *s)
{
	uint32_t place = atomic_load(&s->shared->drawn), end;
	struct block b;

	do
		end = draw_end(s, place);
	while (!atomic_compare_exchange_weak(&s->shared->drawn, &place, end));
	if (place == end)
		return false;
	for (; place < end; place++) {
		bool is_good = journal_block(s->journal, &b, s->order[place]) == OK && are_signatures_good(&b);
		atomic_store(&s->shared->found[place], is_good ? IS_GOOD : IS_DOUBTFUL);
	}
	return true;
}

static void NORETURN
help(struct sigcheck *s, pid_t judge)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != judge)
		_exit(0);
	while (check_some(s))
		;
	_exit(0);
}

struct sigcheck *
sigcheck_begin(struct journal *j, const uint32_t *order, uint32_t count)
{
	struct sigcheck *s = xcalloc(1, sizeof(*s));
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	pid_t judge = getpid();
	void *memory;

	s->journal = j;
	s->order = order;
	s->count = count;
	s->shared_size = sizeof(*s->shared) + count;
	memory = mmap(NULL, s->shared_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return s;
	s->shared = memory;
	while (s->helper_count + 1 < cores && s->helper_count + 1 < count && s->helper_count < HELPERS_MAX) {
		pid_t pid = fork();
		if (pid == 0)
			help(s, judge);
		if (pid < 0)
			break;
		s->helpers[s->helper_count++] = pid;
	}
	return s;
}

bool
sigcheck_is_good(struct sigcheck *s, uint32_t place)
{
	if (s->shared == NULL)
		return false;
	while (atomic_load(&s->shared->found[place]) == UNSEEN && check_some(s))
		;
	return atomic_load(&s->shared->found[place]) == IS_GOOD;
}

void
sigcheck_end(struct sigcheck *s)
{
	/* After a bad block nobody asks for the rest. */
	for (uint32_t i = 0; i < s->helper_count; i++)
		kill(s->helpers[i], SIGKILL);
	for (uint32_t i = 0; i < s->helper_count; i++)
		waitpid(s->helpers[i], NULL, 0);
	if (s->shared != NULL)
		munmap(s->shared, s->shared_size);
	free(s);
}
