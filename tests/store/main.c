#include "suites.h"

int
main(void)
{
	static suite_maker *const makers[] = {
	    suite_segment,	 suite_access,	    suite_trie,		suite_chain,	    suite_accounts,
	    suite_bulk,		 suite_commit,	    suite_lock,		suite_sender_index, suite_mempool,
	    suite_settle,	 suite_ring,	    suite_verdicts,	suite_command,	    suite_role_table,
	    suite_peer_table,	 suite_board,	    suite_pool_readers, suite_readers,	    suite_kill,
	    suite_kill_pool,	 suite_durable,	    suite_load,		suite_durable_pool, suite_pool_log,
	    suite_snapshot,	 suite_reload_note, suite_transcript,	suite_shared,	    suite_tally,
	    suite_settle_pieces, suite_pool_owed,
	};
	return suites_run(makers, ARRAY_LEN(makers));
}
