/*
 * Reading what a request asks for: query parameters, the part of the path that names a thing, and JSON bodies. Each
 * answers with an error itself and returns false (or NULL) when the input is not sound.
 */
#ifndef RENSA_SRC_API_INPUT_H
#define RENSA_SRC_API_INPUT_H

#include <stdbool.h>
#include <stdint.h>

#include "crypto/address.h"
#include "crypto/hash.h"
#include "net/httpd.h"
#include "routes.h"
#include "state.h"
#include "util/attr.h"
#include "wire/json.h"

/* Only parameters that the route knows: one that is mistyped would else be passed over, and all be shown, say. */
bool input_query(struct api *a, struct http_req *req, const struct route *r) MUSTCHECK;
/* The parameter as a number from min to max; fallback if it is not given. */
bool input_number(struct api *a, struct http_req *req, const char *name, uint64_t *out, uint64_t fallback, uint64_t min,
		  uint64_t max) MUSTCHECK;
/* 64 lower-case hexadecimal digits; what: "a transaction id". */
bool input_hash(struct api *a, struct http_req *req, struct hash256 *out, const char *text, const char *what) MUSTCHECK;
bool input_address(struct api *a, struct http_req *req, struct address *out, const char *text) MUSTCHECK;
/* Hashes that make up the body, as wire/peer_msg.h lists them. out has room for max. */
bool input_hashes(struct api *a, struct http_req *req, struct hash256 *out, size_t *count, size_t max) MUSTCHECK;
/* The body as a document, to be freed. */
struct jdoc *input_json(struct api *a, struct http_req *req) MUSTCHECK;
/* The same of a body that may be left out: *doc is NULL then. */
bool input_body(struct api *a, struct http_req *req, struct jdoc **doc) MUSTCHECK;
/* For commands without parameters: no body, or an object without members. what: "a request to reload". */
bool input_nothing(struct api *a, struct http_req *req, const char *what) MUSTCHECK;

#endif
