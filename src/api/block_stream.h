/* Blocks on their way to a client: a list of them, or one. */
#ifndef RENSA_SRC_API_BLOCK_STREAM_H
#define RENSA_SRC_API_BLOCK_STREAM_H

#include "net/httpd.h"
#include "state.h"
#include "store/chain.h"

/* Of tip's chain the heights from `from` up to, not including, end. */
struct block_list {
	struct blockref tip;
	uint64_t from;
	uint64_t end;
	bool is_descending;
	const char *opening; /* what stands before the first block, and behind the last */
	const char *closing;
};

/* Answers with 200; freshness.h has said for how long it may be kept. */
void block_stream(struct api *a, struct http_req *req, const struct block_list *list);

#endif
