/*
 * Answers: JSON documents, errors in the one form of the API, and their counters. Every answer of this room but streams
 * goes through here.
 */
#ifndef RENSA_SRC_API_REPLY_H
#define RENSA_SRC_API_REPLY_H

#include "net/httpd.h"
#include "state.h"
#include "util/attr.h"
#include "wire/field.h"
#include "wire/json.h"

/* Why something is refused: what becomes an error document, or an element of a list of verdicts. */
struct no {
	int status;
	const char *code; /* stable word */
	char message[288];
};

/* A document written into the api's own buffer, then sent. */
struct jout reply_begin(struct api *a);
void reply_end(struct api *a, struct http_req *req, int status);
/* The same where freshness.h has said for how long the document may be kept; with reply_end it may not be kept. */
void reply_end_kept(struct api *a, struct http_req *req, int status);
/* Sends what the caller wrote into a->out; says nothing of how long it may be kept. */
void reply_out(struct api *a, struct http_req *req, int status, const char *type);

void reply_error(struct api *a, struct http_req *req, int status, const char *code, const char *fmt, ...)
    PRINTFLIKE(5, 6);
void reply_no(struct api *a, struct http_req *req, const struct no *no);
/* A document that is not as it must be: 422 if a rule says so, else 400. */
void reply_field_error(struct api *a, struct http_req *req, const struct field_error *e);
/* What the store could not do. */
void reply_failure(struct api *a, struct http_req *req, enum err e);

void no_set(struct no *no, int status, const char *code, const char *fmt, ...) PRINTFLIKE(4, 5);
void no_of_field(struct no *no, const struct field_error *e);
void no_of_failure(struct no *no, enum err e);
/* {"error":{"code":…,"message":…}} as a value; or "error":… alone, in an object that says more. */
void no_write(struct jout *j, const struct no *no);
void no_write_member(struct jout *j, const struct no *no);

/* Counts an answer that was given without the functions above. */
void reply_count(struct api *a, int status);

#endif
