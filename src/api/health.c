/*
 * For supervisors and load balancers. Ready is who has loaded the chain and can take in transfers and blocks; neither
 * peers nor the age of the last block matter.
 */
#include <stdio.h>

#include "checks.h"
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

static void
write_checks(struct jout *j, const struct check *checks, size_t count)
{
	jout_key(j, "checks");
	jout_array(j);
	for (size_t i = 0; i < count; i++) {
		jout_object(j);
		jout_kstring(j, "name", checks[i].name);
		jout_kstring(j, "state", check_state_name(checks[i].state));
		jout_kstring(j, "found", checks[i].found);
		jout_kstring(j, "fix", checks[i].fix);
		jout_object_end(j);
	}
	jout_array_end(j);
}

static void
write_reason(struct jout *j, const struct check *failed)
{
	char reason[320];

	snprintf(reason, sizeof(reason), "%s; %s", failed->found, failed->fix);
	jout_kstring(j, "reason", reason);
}

void
ready_get(struct api *a, struct http_req *req, const char *name)
{
	bool is_loaded = store_is_loaded(a->store);
	struct check checks[CHECKS_MAX];
	size_t count = checks_make(checks, a);
	const struct check *failed = checks_failed(checks, count);
	struct jout j = reply_begin(a);
	uint32_t done, of;

	(void)name;
	jout_object(&j);
	jout_kbool(&j, "ready", failed == NULL);
	if (is_loaded)
		jout_ku64(&j, "height", chain_height(a->store, chain_tip(a->store)));
	if (failed != NULL)
		write_reason(&j, failed);
	if (is_loaded && sync_is_active(a->store)) {
		jout_key(&j, "sync"); /* it takes in new work all the same */
		sync_write(&j, a->store);
	}
	if (!is_loaded) {
		store_load_progress(a->store, &done, &of);
		jout_ku64(&j, "blocks_loaded", done);
		jout_ku64(&j, "blocks_to_load", of);
	}
	if (http_req_query(req, "verbose") != NULL)
		write_checks(&j, checks, count);
	jout_object_end(&j);
	reply_end(a, req, failed == NULL ? 200 : 503);
}
