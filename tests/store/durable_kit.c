#include "durable_kit.h"

#include "chain/fork_choice.h"
#include "disk_maker.h"
#include "store/layout.h"
#include "suites.h"
#include "witness.h"

const struct segment_plan again_plan = {.name = "again"};

struct store *
durable_base(const char *folder)
{
	struct store *s = durable_start(folder, &(struct segment_plan){0});
	struct maker m;

	maker_init(&m, s, 5);
	ck_assert_int_eq(durable_grow(&m, chain_tip(s), BASE_HEIGHT, 4), OK);
	maker_clear(&m);
	return s;
}

void
durable_check(const struct store *s, const char *folder, const struct told *told, bool is_exact)
{
	static const char *copy;
	struct head ours, theirs, last;
	struct store *again;
	uint32_t n = told == NULL ? 0 : atomic_load(&told->count);

	if (copy == NULL)
		copy = scratch_make();
	scratch_copy(copy, folder);
	again = durable_start(copy, &again_plan);
	witness_accounts(again);
	chain_head(s, chain_tip(s), &ours);
	chain_head(again, chain_tip(again), &theirs);
	if (is_exact || !head_is_better(&theirs, &ours))
		ck_assert_msg(hash_equal(&ours.hash, &theirs.hash), "height %lu here, %lu from the disk",
			      (unsigned long)ours.height, (unsigned long)theirs.height);
	/* The last one told was swapped for nothing worse. */
	if (n > 0) {
		chain_head(s, chain_find_any(s, &told->tips[n - 1]), &last);
		ck_assert(hash_equal(&last.hash, &theirs.hash) || head_is_better(&theirs, &last));
	}
	ck_assert_uint_eq(again->promised, 0);
	segment_unmake_one(again);
}

TCase *
durable_case(Suite **suite, const char *name)
{
	TCase *tc = segment_case(suite, name, 600);

	tcase_add_checked_fixture(tc, NULL, scratch_unmake);
	return tc;
}
