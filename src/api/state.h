/* What one worker's api holds, for the files of this room alone. */
#ifndef RENSA_SRC_API_STATE_H
#define RENSA_SRC_API_STATE_H

#include "api/api.h"
#include "chain/params.h"
#include "store/ring.h"
#include "util/buf.h"

struct events;
struct submit;
struct call;

struct api {
	struct api_options o;
	struct store *store; /* o.store */
	const struct params *params;
	struct buf out; /* the reply in hand; replies are sent before the next request is looked at */
	struct submit *submit;
	struct events *events;
	struct call *calls[RING_COMMANDS]; /* commands under way, by slot of the ring */
	bool is_ending;			   /* nothing is waited for any more */
	uint64_t garbage;		   /* pushes refused for their form and not logged yet … */
	uint64_t garbage_after_ms;	   /* … and until when (monotonic) none is */
};

#endif
