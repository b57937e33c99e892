/* The other addresses that this node knows, and what keeps it apart from those that are no peers. */
#include <inttypes.h>
#include <stdio.h>

#include "handlers.h"
#include "reply.h"
#include "store/peer_table.h"
#include "util/clock.h"

static void
write_head(struct jout *j, const struct peer_entry *e)
{
	if (hash_is_zero(&e->head.hash)) {
		jout_key(j, "height");
		jout_null(j);
		jout_key(j, "head");
		jout_null(j);
		jout_key(j, "work");
		jout_null(j);
		return;
	}
	struct hash256 work = u256_to_hash(&e->head.work);
	jout_ku64(j, "height", e->head.height);
	jout_khex(j, "head", e->head.hash.b, sizeof(e->head.hash.b));
	jout_khex(j, "work", work.b, sizeof(work.b));
}

static void
write_time(struct jout *j, const char *key, uint64_t ms)
{
	jout_key(j, key);
	if (ms == 0)
		jout_null(j);
	else
		jout_u64(j, ms);
}

static void
write_peer(struct jout *j, const struct api *a, const struct peer_entry *e, uint64_t now_ms)
{
	struct peer_pause pause;
	const char *reason = e->reason;
	bool is_paused = peer_pause_find(a->store, e->address, now_ms, &pause);
	char skew[24];
	int len = snprintf(skew, sizeof(skew), "%" PRId64, e->skew_ms);

	if (is_paused)
		reason = pause.rule;
	else if (e->state == PEER_UP && peer_note_find(a->store, e->address, &pause))
		reason = pause.note;
	jout_object(j);
	jout_kstring(j, "address", e->address);
	jout_kstring(j, "state", is_paused ? "paused" : peer_state_name(e->state));
	jout_kstring(j, "reason", reason);
	jout_kstring(j, "node", e->node);
	jout_kstring(j, "software", e->software);
	write_head(j, e);
	jout_ku64(j, "latency_us", e->latency_us);
	jout_key(j, "skew_ms");
	jout_raw(j, skew, (size_t)len);
	jout_ku64(j, "since", e->since_ms);
	jout_ku64(j, "checked", e->checked_ms);
	write_time(j, "met", e->good_ms);
	write_time(j, "next_try", e->next_ms);
	write_time(j, "paused_until", is_paused ? pause.until_ms : 0);
	jout_ku64(j, "failures", e->failures);
	jout_kstring(j, "source", e->source);
	jout_object_end(j);
}

void
peers_get(struct api *a, struct http_req *req, const char *name)
{
	uint64_t now_ms = clock_wall_ms();
	struct jout j = reply_begin(a);
	struct peer_entry e;

	(void)name;
	jout_object(&j);
	jout_ku64(&j, "timestamp", now_ms);
	jout_key(&j, "peers");
	jout_array(&j);
	for (uint32_t i = 0; i < PEER_TABLE_MAX; i++)
		if (peer_table_get(a->store, i, &e))
			write_peer(&j, a, &e, now_ms);
	jout_array_end(&j);
	jout_object_end(&j);
	reply_end(a, req, 200);
}
