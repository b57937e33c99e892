/*
 * Whom we have as peers, for other nodes that ask. Only those that are up are told, and none that is left alone for
 * breaking a rule: what we tell, we have verified ourselves. An address that means something on one host or link alone
 * is told there alone.
 */
#include <string.h>

#include "handlers.h"
#include "net/netaddr.h"
#include "reply.h"
#include "store/peer_table.h"
#include "util/clock.h"
#include "util/text.h"
#include "wire/peer_list.h"

static bool
is_local(const struct netaddr *a)
{
	return netaddr_is_loopback(a) || netaddr_is_link_local(a);
}

void
peer_peers(struct api *a, struct http_req *req, const char *name)
{
	uint64_t now_ms = clock_wall_ms();
	struct peer_list list = {0};
	struct peer_pause pause;
	struct peer_entry e;
	struct netaddr at, asker;

	(void)name;
	http_req_from(req, &asker);
	for (uint32_t i = 0; i < PEER_TABLE_MAX && list.count < PEER_LIST_MAX; i++)
		if (peer_table_get(a->store, i, &e) && e.state == PEER_UP && netaddr_parse(&at, e.address) == OK &&
		    (!is_local(&at) || is_local(&asker)) && !peer_pause_find(a->store, e.address, now_ms, &pause))
			text_copy(list.at[list.count++], PEER_LIST_TEXT_SIZE, e.address);
	buf_reset(&a->out);
	peer_list_encode(&a->out, &list);
	reply_out(a, req, 200, "application/json");
}
