/*
 * The HTTP/1.1 server of one worker, over evhttp, with the limits that evhttp lacks: header and body sizes, deadlines
 * for the whole header and the whole request (a byte a second does not live for ever), a cap on connections, one Host,
 * one well-formed Content-Length, HEAD without a body.
 *
 * A request is the handler's until it is answered, by exactly one of http_reply or http_reply_stream, now or later.
 * If the client goes away before, the on_close callback tells; the request must still be answered, which then only
 * frees it.
 */
#ifndef RENSA_NET_HTTPD_H
#define RENSA_NET_HTTPD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/loop.h"
#include "net/netaddr.h"
#include "util/attr.h"
#include "util/buf.h"
#include "util/err.h"

struct httpd;
struct http_req;

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_POST, HTTP_PUT, HTTP_DELETE, HTTP_OPTIONS, HTTP_OTHER };

/*
 * A request that is over, for whoever counts or logs them: answered (the last byte is with the kernel), refused by the
 * server itself, or left by its client. Pointers are good during the call.
 */
struct httpd_served {
	enum http_method method;
	const char *route; /* as the handler named it, NULL: it did not */
	const char *path;  /* percent-decoded, without the query; "": the request could not be read */
	int status;	   /* 0: its client left before there was an answer */
	bool is_cut;	   /* its client left, or was cut off, before it had the whole answer */
	bool has_waited;   /* a stream that had nothing to say for a while: us tells how long it was listened to */
	uint64_t body_in;  /* bytes of the bodies */
	uint64_t body_out;
	uint64_t us; /* from when the request was whole; of those that never were, from their first byte */
	struct netaddr from;
};
typedef void httpd_observer(void *ctx, const struct httpd_served *served);

struct httpd_options {
	size_t max_header;	     /* bytes of request line and headers; 0: 16 KiB */
	size_t max_body;	     /* bytes */
	uint32_t header_timeout_ms;  /* for the first byte of a request to come, then for the end of its header */
	uint32_t request_timeout_ms; /* for the whole request, and for each pause of a reader */
	uint32_t max_connections;    /* when full, the connection whose request has been unfinished longest is cut,
				      * else the one idle longest; lowered to what the limit of open files leaves */
	httpd_observer *observer;    /* is told of each request that is over; NULL: nobody, and nothing is measured */
	void *observer_ctx;
};

/* Requests that the server refuses itself (400, 408, 413, 417, 431, 501, 505) get the JSON error form of the API. */
typedef void httpd_handler(void *ctx, struct http_req *req);

struct httpd *httpd_new(struct loop *l, const struct httpd_options *options, httpd_handler *handler, void *ctx);
void httpd_free(struct httpd *s);
/* Serves a listening socket; the fd stays the caller's and open. Several may be served. */
enum err httpd_serve(struct httpd *s, int listen_fd) MUSTCHECK;
/* Stops accepting, closes idle connections (those that have asked nothing yet, or did so only now, after a moment in which
 * they may), lets requests in hand finish; then calls drained once. */
void httpd_drain(struct httpd *s, loop_callback *drained, void *ctx);
uint32_t httpd_connections(const struct httpd *s);
uint32_t httpd_max_connections(const struct httpd *s); /* as the limit of open files left it */

enum http_method http_req_method(const struct http_req *req);
const char *http_req_path(const struct http_req *req); /* percent-decoded, without the query */
const char *http_req_query(const struct http_req *req,
			   const char *name);			       /* decoded value of a parameter, NULL: absent */
const char *http_req_query_name(const struct http_req *req, size_t i); /* of the parameter, NULL behind the last */
const char *http_req_header(const struct http_req *req, const char *name); /* NULL: absent */
const void *http_req_body(const struct http_req *req, size_t *len);	   /* contiguous; NULL and 0 if empty */
void http_req_from(const struct http_req *req, struct netaddr *out);	   /* the client's address and port */
/* What the observer shall call the request's route; the name is kept by the caller. */
void http_req_set_route(struct http_req *req, const char *route);
void http_req_on_close(struct http_req *req, loop_callback *gone,
		       void *ctx); /* at most one; not called after the answer */

/* A header of the reply; call before answering. The value must be free of CR and LF (else it is left out and logged).
 */
void http_reply_header(struct http_req *req, const char *name, const char *value);
void http_reply(struct http_req *req, int status, const char *type, const void *body, size_t len);
/* The same without copying: the buffer's bytes are taken and it is empty after. */
void http_reply_take(struct http_req *req, int status, const char *type, struct buf *body);
/*
 * A body in constant memory, piece by piece. more gives the next piece and returns false when nothing follows; it is
 * called when the client has taken what was given (several times in a row for small pieces, and first from here). If it
 * returns true and gives nothing, it has nothing yet: the stream sleeps, without a deadline, until http_reply_wake. done
 * is called once, as soon as more is not needed again, also when the client went away first; ctx is the caller's until
 * then, and so is req for http_reply_wake.
 *
 * length: of the whole body, which then gets a Content-Length, and more must give exactly that; HTTP_LENGTH_UNKNOWN:
 * chunked for HTTP/1.1, until close for 1.0.
 */
#define HTTP_LENGTH_UNKNOWN UINT64_MAX
struct http_piece {
	struct buf bytes; /* to be appended to: also pieces before may be in it still */
	/* Behind the bytes, if len is not 0: so much of a file, which goes from the kernel's cache to the socket without
	 * being copied here. The descriptor must stay open until done, and the bytes there. */
	int fd;
	uint64_t at;
	uint64_t len;
};
typedef bool http_more(void *ctx, struct http_piece *piece);
void http_reply_stream(struct http_req *req, int status, const char *type, uint64_t length, http_more *more,
		       loop_callback *done, void *ctx);
/* There is more now. more is called soon, not from here. */
void http_reply_wake(struct http_req *req);
/* Ends the connection of a stream at once, with whatever the client has not taken; done is called soon, not from here.
 * Not to be called from more or done. */
void http_reply_cut(struct http_req *req);

const char *http_status_text(int status);

#endif
