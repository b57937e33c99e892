/*
 * Requests in the log, one line each: all that fail with 500 or more, all that are slow, and of the others one in so
 * many, by count and not by chance, so that figures taken from the log can be multiplied back.
 */
#ifndef RENSA_SRC_NODE_REQUEST_LOG_H
#define RENSA_SRC_NODE_REQUEST_LOG_H

#include <stdint.h>

#include "net/httpd.h"

struct request_log {
	uint32_t sample; /* 0: only slow ones and failures */
	uint64_t slow_us;
	uint64_t seen;
};

void request_log_begin(struct request_log *r, uint32_t sample, uint32_t slow_ms);
/* An httpd_observer; ctx is the request_log. */
httpd_observer request_log_served;

#endif
