/* The suites of the store layer: one for each module, and some across them. */
#ifndef RENSA_TESTS_STORE_SUITES_H
#define RENSA_TESTS_STORE_SUITES_H

#include "../suite.h"
#include "chain_maker.h"

Suite *suite_access(void);
Suite *suite_accounts(void);
Suite *suite_board(void);
Suite *suite_bulk(void);
Suite *suite_chain(void);
Suite *suite_command(void);
Suite *suite_commit(void);
Suite *suite_durable(void);
Suite *suite_durable_pool(void);
Suite *suite_kill(void);
Suite *suite_kill_pool(void);
Suite *suite_load(void);
Suite *suite_lock(void);
Suite *suite_mempool(void);
Suite *suite_peer_table(void);
Suite *suite_pool_log(void);
Suite *suite_pool_readers(void);
Suite *suite_readers(void);
Suite *suite_reload_note(void);
Suite *suite_ring(void);
Suite *suite_role_table(void);
Suite *suite_segment(void);
Suite *suite_sender_index(void);
Suite *suite_pool_owed(void);
Suite *suite_settle(void);
Suite *suite_settle_pieces(void);
Suite *suite_shared(void);
Suite *suite_snapshot(void);
Suite *suite_tally(void);
Suite *suite_transcript(void);
Suite *suite_trie(void);
Suite *suite_verdicts(void);

/* A suite whose tests leave no segment behind, also when they fail. */
static inline TCase *
segment_case(Suite **suite, const char *name, double timeout_s)
{
	TCase *tc = suite_case(suite, name, timeout_s);
	tcase_add_checked_fixture(tc, NULL, segment_unmake);
	return tc;
}

#endif
