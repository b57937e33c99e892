#include "chain/fork_choice.h"

bool
head_is_better(const struct head *theirs, const struct head *ours)
{
	int by_work = u256_compare(&theirs->work, &ours->work);
	return by_work != 0 ? by_work > 0 : hash_compare(&theirs->hash, &ours->hash) < 0;
}
