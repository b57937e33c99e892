/*
 * System failures: what a function could not do. Every fallible function returns one of these; 0 is success and
 * failures are negative. A judgement about somebody's data is not an error: see chain/rule.h.
 */
#ifndef RENSA_UTIL_ERR_H
#define RENSA_UTIL_ERR_H

enum err {
	OK = 0,
	ERR_NOMEM = -1,	      /* an allocation sized by an outsider failed */
	ERR_IO = -2,	      /* the system refused a read, write or socket call */
	ERR_NOSPC = -3,	      /* disk or shared memory is full */
	ERR_STALE = -4,	      /* the chain moved on since the caller looked */
	ERR_TIMEOUT = -5,     /* it took longer than allowed */
	ERR_NOT_FOUND = -6,   /* no such thing */
	ERR_EXISTS = -7,      /* it is there already */
	ERR_ARG = -8,	      /* the caller passed something impossible */
	ERR_LIMIT = -9,	      /* a named maximum was exceeded */
	ERR_FORMAT = -10,     /* bytes or text do not parse */
	ERR_PERM = -11,	      /* not permitted */
	ERR_BUSY = -12,	      /* somebody else holds it, or a queue is full: try again */
	ERR_CLOSED = -13,     /* the other side is gone */
	ERR_UNSUPPORTED = -14 /* a version or feature this build does not know */
};

/* A short English text for e, never NULL. */
const char *err_text(enum err e);

#endif
