/*
 * Commands: what miner, resolver and master do for a client of this worker. The request is answered when the result is there,
 * or when the request's time is up; then the command is cancelled, and what it did until then is told.
 */
#ifndef RENSA_SRC_API_COMMAND_H
#define RENSA_SRC_API_COMMAND_H

#include "net/httpd.h"
#include "state.h"
#include "store/ring.h"

/* Answers; is_late: the time was up, and the command was cancelled. */
typedef void command_answer(struct api *a, struct http_req *req, const struct command *asked,
			    const struct command_result *result, bool is_late);

void command_ask(struct api *a, struct http_req *req, const struct command *c, enum api_wake whom,
		 command_answer *then);
void command_bell(struct api *a);
void command_cancel_all(struct api *a);
void command_close(struct api *a); /* whoever still waits is told that the outcome is unknown */

#endif
