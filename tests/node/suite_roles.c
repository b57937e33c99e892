/* What the table of roles must keep to, whatever row is added; and where a node keeps what it has on the disk. */
#include "node/roles.h"

#include <limits.h>
#include <string.h>

#include "disk/poollog.h"
#include "node/config.h"
#include "node/storage.h"
#include "suites.h"
#include "util/text.h"

static const struct role *
role_named(const char *name)
{
	for (size_t i = 0; i < node_role_count; i++)
		if (strcmp(node_roles[i].name, name) == 0)
			return &node_roles[i];
	ck_abort_msg("there is no role %s", name);
}

START_TEST(each_has_a_name_of_its_own_that_ps_can_show)
{
	for (size_t i = 0; i < node_role_count; i++) {
		ck_assert_uint_ge(strlen(node_roles[i].name), 1);
		ck_assert_uint_le(strlen(node_roles[i].name), 15);
		ck_assert_ptr_eq(role_named(node_roles[i].name), &node_roles[i]);
		ck_assert(node_roles[i].main != NULL);
	}
}
END_TEST

START_TEST(one_loads_and_is_the_first)
{
	for (size_t i = 0; i < node_role_count; i++)
		ck_assert_msg((node_roles[i].start == START_ONCE) == (i == 0), "%s", node_roles[i].name);
}
END_TEST

START_TEST(workers_stop_before_and_the_pool_after_all_whom_they_need)
{
	const struct role *worker = role_named("worker"), *pool = role_named("pool");

	for (size_t i = 0; i < node_role_count; i++) {
		const struct role *r = &node_roles[i];
		if (r != worker)
			ck_assert_msg(r->stop_order > worker->stop_order, "%s", r->name);
		if (r != pool)
			ck_assert_msg(r->stop_order <= pool->stop_order, "%s", r->name);
		/* Who commits rings for the pool, which has to be there to settle. */
		if (r->access == STORE_COMMIT)
			ck_assert_msg(r->stop_order < pool->stop_order, "%s", r->name);
	}
}
END_TEST

START_TEST(who_serves_the_network_never_writes_the_chain)
{
	static const char *const committers[] = {"loader", "miner", "resolver"};

	for (size_t i = 0; i < node_role_count; i++) {
		bool may = false;
		for (size_t k = 0; k < ARRAY_LEN(committers); k++)
			may = may || strcmp(node_roles[i].name, committers[k]) == 0;
		ck_assert_msg((node_roles[i].access == STORE_COMMIT) == may, "%s", node_roles[i].name);
		ck_assert_msg((node_roles[i].access == STORE_WORKER) == (node_roles[i].number == NUMBER_WORKERS), "%s",
			      node_roles[i].name);
	}
	ck_assert_int_eq(role_named("relay")->access, STORE_READ);
	ck_assert_int_eq(role_named("discovery")->access, STORE_DISCOVERY);
	ck_assert_int_eq(role_named("pool")->access, STORE_POOL);
}
END_TEST

START_TEST(there_are_as_many_as_the_node_has_room_for)
{
	struct node_env env = {.workers = 7, .verifiers = 3};

	ck_assert_uint_eq(role_number(role_named("worker"), &env), 7);
	ck_assert_uint_eq(role_number(role_named("verifier"), &env), 3);
	ck_assert_uint_eq(role_number(role_named("miner"), &env), 1);
	ck_assert_uint_eq(role_number(role_named("pool"), &env), 1);
	/* Workers may become more while the node runs. */
	for (size_t i = 0; i < node_role_count; i++)
		ck_assert_uint_eq(role_places(&node_roles[i], &env), node_roles[i].number == NUMBER_WORKERS
									 ? CONFIG_WORKERS_MAX
									 : role_number(&node_roles[i], &env));
}
END_TEST

START_TEST(logs_and_snapshot_lie_below_the_data_folder_and_say_whose_chain_it_is)
{
	struct hash256 genesis;
	struct framelog *journal, *pool;
	char path[PATH_MAX];
	struct config c;

	config_default(&c);
	text_copy(c.node.data_dir, sizeof(c.node.data_dir), "/srv/rensa");
	genesis = genesis_hash(&c.network);
	journal = storage_log(&c, LOG_JOURNAL);
	pool = storage_log(&c, LOG_POOL);
	ck_assert_str_eq(framelog_folder(journal), "/srv/rensa/journal");
	ck_assert_str_eq(framelog_folder(pool), "/srv/rensa/" POOLLOG_FOLDER);
	ck_assert(hash_equal(framelog_genesis(journal), &genesis));
	ck_assert(hash_equal(framelog_genesis(pool), &genesis));
	storage_snapshot(path, &c);
	ck_assert_str_eq(path, "/srv/rensa/snapshot");
	framelog_free(journal);
	framelog_free(pool);
	config_clear(&c);
}
END_TEST

Suite *
suite_roles(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "roles", 10);

	tcase_add_test(tc, each_has_a_name_of_its_own_that_ps_can_show);
	tcase_add_test(tc, one_loads_and_is_the_first);
	tcase_add_test(tc, workers_stop_before_and_the_pool_after_all_whom_they_need);
	tcase_add_test(tc, who_serves_the_network_never_writes_the_chain);
	tcase_add_test(tc, there_are_as_many_as_the_node_has_room_for);
	tcase_add_test(tc, logs_and_snapshot_lie_below_the_data_folder_and_say_whose_chain_it_is);
	return suite;
}
