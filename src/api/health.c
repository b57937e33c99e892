/*
 * For supervisors and load balancers. Ready is who has loaded the chain and can take in transfers and blocks; neither
 * peers nor the age of the last block matter.
 */
#include "handlers.h"
#include "reply.h"
#include "store/chain.h"
#include "store/load.h"
#include "sync.h"

void
live_get(struct api *a, struct http_req *req, const char *name)
{
	struct jout j = reply_begin(a);

	(void)name;
	jout_object(&j);
	jout_kbool(&j, "live", true);
	jout_object_end(&j);
	reply_end(a, req, 200);
}

/* What stands against new work: one sentence and what to do. NULL: nothing. */
static const char *
trouble(const struct store *s)
{
	enum err journal = store_journal_err(s), pool = store_pool_log_err(s);

	if (journal == ERR_NOSPC || pool == ERR_NOSPC)
		return "the disk of data_dir is full: nothing new is taken until there is room; free some";
	if (journal == ERR_LIMIT || journal == ERR_NOMEM)
		return "the chain has reached shm_max or the end of /dev/shm: raise it";
	if (journal != OK || pool != OK)
		return "the disk of data_dir refused a write: nothing new is taken until one succeeds; see the log";
	return NULL;
}

void
ready_get(struct api *a, struct http_req *req, const char *name)
{
	bool is_loaded = store_is_loaded(a->store);
	const char *reason = is_loaded ? trouble(a->store) : "the chain is being loaded from the disk";
	struct jout j = reply_begin(a);
	uint32_t done, of;

	(void)name;
	jout_object(&j);
	jout_kbool(&j, "ready", reason == NULL);
	if (is_loaded)
		jout_ku64(&j, "height", chain_height(a->store, chain_tip(a->store)));
	if (reason != NULL)
		jout_kstring(&j, "reason", reason);
	if (is_loaded && sync_is_active(a->store)) {
		jout_key(&j, "sync"); /* it takes in new work all the same */
		sync_write(&j, a->store);
	}
	if (!is_loaded) {
		store_load_progress(a->store, &done, &of);
		jout_ku64(&j, "blocks_loaded", done);
		jout_ku64(&j, "blocks_to_load", of);
	}
	jout_object_end(&j);
	reply_end(a, req, reason == NULL ? 200 : 503);
}
