/* The handlers of the route table in routes.c, one file for each noun. */
#ifndef RENSA_SRC_API_HANDLERS_H
#define RENSA_SRC_API_HANDLERS_H

#include "net/httpd.h"
#include "state.h"

/* name: what stood in the path where the pattern has braces, "" if it has none. Answers, now or later. */
typedef void route_handler(struct api *a, struct http_req *req, const char *name);

/* routes.c */
route_handler index_get;
/* chain.c */
route_handler chain_get, chain_head_get, blocks_get, block_get;
/* transactions.c */
route_handler pool_get, transactions_post, transaction_get;
/* proof.c */
route_handler proof_get;
/* openapi.c */
route_handler openapi_get;
/* addresses.c */
route_handler amount_get, address_get;
/* events.c */
route_handler events_get;
/* mining.c */
route_handler mine_post, mine_start_post, mine_stop_post, consensus_put;
/* reload.c */
route_handler reload_post;
/* peers.c, status.c */
route_handler peers_get, status_get, live_get, ready_get;
/* metrics.c */
route_handler metrics_get;
/* log_levels.c */
route_handler log_levels_get, log_levels_post;
/* peer_exchange.c */
route_handler peer_peers;
/* peer_routes.c */
route_handler peer_hello, peer_headers, peer_blocks, peer_compact, peer_parts;
/* peer_push.c */
route_handler peer_block, peer_announce, peer_inventory, peer_transactions;

#endif
