/* A request's target: the decoded path and the parameters of its query. */
#ifndef RENSA_SRC_NET_HTTPD_TARGET_H
#define RENSA_SRC_NET_HTTPD_TARGET_H

#include <stddef.h>

#include "httpd_head.h"

#define HTTP_PARAMS_MAX 16

struct http_target {
	char *text; /* owns the decoded bytes */
	const char *path;
	size_t param_count;
	struct {
		const char *name;
		const char *value;
	} params[HTTP_PARAMS_MAX];
};

/* NULL if the target is sound; out is to be cleared in either case. */
const struct refusal *http_target_parse(struct http_target *out, const char *target, size_t len);
const char *http_target_param(const struct http_target *t, const char *name);
void http_target_clear(struct http_target *t);

#endif
