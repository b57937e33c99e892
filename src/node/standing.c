/* Reads without a lock what others write: a line that is a moment old is good enough. Nothing in it came from outside. */
#include "standing.h"

#include <inttypes.h>
#include <stdio.h>

#include "store/chain.h"
#include "store/load.h"
#include "store/peer_table.h"
#include "store/role_table.h"

static uint64_t
percent(uint64_t part, uint64_t whole)
{
	return part < whole ? part * 100 / whole : 100;
}

static void
describe_loading(char *line, size_t size, const struct store *s)
{
	uint32_t done, of;

	store_load_progress(s, &done, &of);
	if (of == 0)
		snprintf(line, size, "loading the chain");
	else
		snprintf(line, size, "loading the chain: %" PRIu64 " %%, %" PRIu32 " of %" PRIu32 " blocks",
			 percent(done, of), done, of);
}

/* What stands against new work; "": nothing. */
static const char *
obstacle(const struct store *s)
{
	enum err journal = store_journal_err(s), pool = store_pool_log_err(s);

	if (journal == ERR_NOSPC || pool == ERR_NOSPC)
		return "; takes nothing new: the disk is full";
	if (journal == ERR_LIMIT || journal == ERR_NOMEM)
		return "; takes nothing new: the shared memory is full";
	if (journal != OK || pool != OK)
		return "; takes nothing new: the disk refused a write";
	return "";
}

void
standing_describe(char *line, size_t size, const struct store *s, bool is_refused)
{
	const char *refused = is_refused ? "; the last reload was refused" : "";
	uint64_t target, at, height;
	char fetching[64] = "";
	uint32_t peers;

	if (!store_is_loaded(s)) {
		describe_loading(line, size, s);
		return;
	}
	height = chain_height(s, chain_tip(s));
	peers = peer_table_count(s, PEER_UP);
	target = role_total(s, COUNT_SYNC_TARGET);
	at = role_total(s, COUNT_SYNC_HEIGHT);
	if (target > at)
		snprintf(fetching, sizeof(fetching), "fetching blocks: %" PRIu64 " %% of %" PRIu64 ", ",
			 percent(at, target), target);
	snprintf(line, size, "%sheight %" PRIu64 ", %" PRIu32 " peer%s%s%s", fetching, height, peers,
		 peers == 1 ? "" : "s", obstacle(s), refused);
}
