/* GET /events: the clients of one worker that listen to what happens. The handler itself is in handlers.h. */
#ifndef RENSA_SRC_API_EVENTS_H
#define RENSA_SRC_API_EVENTS_H

#include "state.h"

#define EVENTS_LISTENERS_MAX 256 /* of a worker, unless its options say less */

struct events *events_new(struct api *a);
void events_free(struct events *e); /* after the server */
/* Somebody rang: those who listen are told what is new. */
void events_bell(struct events *e);
/* Ends all streams; who does not even take what was sent to it is cut off a little later. */
void events_end(struct events *e);

#endif
