/*
 * For supervisors and load balancers. A worker starts after the chain is loaded, so what listens is also ready; neither
 * peers nor the age of the last block matter.
 */
#include "handlers.h"
#include "reply.h"
#include "store/chain.h"

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

void
ready_get(struct api *a, struct http_req *req, const char *name)
{
	struct jout j = reply_begin(a);

	(void)name;
	jout_object(&j);
	jout_kbool(&j, "ready", true);
	jout_ku64(&j, "height", chain_height(a->store, chain_tip(a->store)));
	jout_object_end(&j);
	reply_end(a, req, 200);
}
