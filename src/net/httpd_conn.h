/*
 * Inside the HTTP server. httpd.c has the server (listeners, the cap, draining), httpd_conn.c a connection (its states,
 * the gate before evhttp, deadlines, refusals), httpd_req.c a request and its reply, httpd_stream.c a reply that comes
 * piece by piece.
 */
#ifndef RENSA_SRC_NET_HTTPD_CONN_H
#define RENSA_SRC_NET_HTTPD_CONN_H

#include <event2/bufferevent.h>
#include <event2/event_struct.h>
#include <sys/queue.h>

#include "httpd_head.h"
#include "httpd_target.h"
#include "loop_base.h"
#include "net/httpd.h"

struct evbuffer;
struct evbuffer_cb_entry;
struct evconnlistener;
struct evhttp;
struct evhttp_bound_socket;
struct evhttp_connection;
struct evhttp_request;
struct part;

/* What a connection is doing. Each state has its own deadline and its own meaning for the bytes that arrive. */
enum conn_state {
	CONN_IDLE,    /* nothing of a request has arrived */
	CONN_HEAD,    /* some of a head has; evhttp sees none of it before it is whole and sound */
	CONN_BODY,    /* evhttp reads the request */
	CONN_HANDLER, /* the handler has it; no deadline */
	CONN_REPLY,   /* a reply is being written; the deadline moves whenever the client takes some */
	CONN_REFUSED, /* taken from evhttp: our refusal is being written */
	CONN_LINGER   /* the refusal is out; input is thrown away until the client closes */
};

/* Order of the lists is order of sacrifice: at the cap the first of the first non-empty list is cut. */
enum conn_list { CONN_LIST_CLOSING, CONN_LIST_RECEIVING, CONN_LIST_IDLE, CONN_LIST_BUSY, CONN_LIST_COUNT };

struct conn {
	TAILQ_ENTRY(conn) link;
	struct httpd *server;
	struct bufferevent *bev;
	struct evhttp_connection *evcon; /* NULL until adopted */
	struct event timer;		 /* deadlines, and what must wait for a clean stack */
	uint64_t armed_ms;		 /* when the timer fires; 0: not armed */
	uint64_t deadline_ms;		 /* 0: none */
	uint64_t started_ms;		 /* first byte of the request in hand */
	uint64_t since_ms;		 /* in its list */
	enum conn_state state;
	enum conn_list list;
	int fd;
	bool is_gating;		       /* our own changes to the input call us again */
	bool is_wake_wanted;	       /* the stream shall be asked for more */
	bool has_asked;		       /* a request was answered */
	bool is_half_closed;	       /* nothing more will come from the client */
	bufferevent_event_cb on_event; /* evhttp's, while ours stands before it */
	const struct refusal *refusal;
	struct http_head head;
	char *target;	/* if evhttp was shown another request line */
	size_t scanned; /* bytes of the head without its end */
	struct chunk_scan chunks;
	struct evbuffer *held; /* a piece of the next head that arrived before its turn; NULL: none */
	size_t low, high;      /* read watermarks as set */
	struct evbuffer_cb_entry *input_tap;
	struct evbuffer_cb_entry *output_tap;
	struct http_req *req; /* with the handler or being answered */
};
TAILQ_HEAD(conn_tailq, conn);

enum req_state {
	REQ_PENDING,   /* the handler owes an answer */
	REQ_STREAMING, /* more pieces may follow */
	REQ_ANSWERED   /* evhttp has all of it */
};

struct http_req {
	TAILQ_ENTRY(http_req) link; /* in the server's list of those whose client is gone */
	struct conn *conn;	    /* NULL: the client is gone */
	struct httpd *gone_from;    /* set while in that list */
	struct evhttp_request *ev;
	enum req_state state;
	enum http_method method;
	uint8_t minor;
	bool is_asleep; /* the stream had nothing to give */
	struct netaddr from;
	struct http_target target;
	/* For the observer */
	const char *route;
	uint64_t started_us; /* 0: nobody observes */
	uint64_t body_in, body_out;
	int status;
	bool has_waited;
	loop_callback *on_close;
	void *on_close_ctx;
	http_more *more;
	loop_callback *done;
	void *stream_ctx;
	bool is_chunked;   /* the stream's length was not known when it began */
	struct part *part; /* of a file, on its way; NULL before the stream's first one */
};
TAILQ_HEAD(req_tailq, http_req);

#define LISTENERS_MAX 64

struct httpd {
	LIST_ENTRY(httpd) link; /* all servers of the process, for a listener's error callback */
	struct loop *loop;
	struct evhttp *evhttp;
	struct httpd_options options;
	httpd_handler *handler;
	void *ctx;
	struct evhttp_bound_socket *bound[LISTENERS_MAX];
	size_t bound_count;
	bool is_paused; /* full, and nobody to cut */
	bool is_draining;
	loop_callback *drained;
	void *drained_ctx;
	struct loop_timer *resume; /* accept again after running out of descriptors */
	struct loop_timer *work;   /* callbacks that must wait for a clean stack */
	uint64_t warned_ms;
	uint32_t count;
	struct conn_tailq lists[CONN_LIST_COUNT];
	struct req_tailq gone;
	struct conn **by_fd;
	size_t by_fd_len;
};

/* httpd.c */
void httpd_conn_added(struct httpd *s, struct conn *c);	  /* in the idle list */
void httpd_conn_adopted(struct httpd *s, struct conn *c); /* its fd is known */
void httpd_conn_removed(struct httpd *s, struct conn *c);
void httpd_conn_move(struct conn *c, enum conn_list to); /* to the end of that list */
void httpd_req_gone(struct httpd *s, struct http_req *req);
struct conn *httpd_conn_of(const struct httpd *s, struct evhttp_request *ev);
struct conn *httpd_conn_at(int fd); /* of any server of the process */

/* httpd_conn.c */
struct bufferevent *conn_accept(struct httpd *s);
void conn_cut(struct conn *c);	 /* frees it */
void conn_reset(struct conn *c); /* the same, and the kernel keeps nothing of what was not sent */
/* An idle one while the server drains: cut, but if its client has only just come or asked, with a moment to ask. */
void conn_leave(struct conn *c);
void conn_set_state(struct conn *c, enum conn_state state);
void conn_request_done(struct conn *c); /* the reply is out: the next request may start */
void conn_watch_close(struct conn *c);	/* while the handler takes its time */
void conn_flush(struct conn *c);	/* writes now what a reply just added */
void conn_wake(struct conn *c);
void conn_from(const struct conn *c, struct netaddr *out); /* the client, all zero if that is not known */
void conn_moved(struct conn *c);			   /* the client has taken something */

/* httpd_req.c */
void req_start(struct conn *c, struct evhttp_request *ev);
void req_lost(struct http_req *req);	  /* the connection ends; called once, from its end */
void req_tell_gone(struct http_req *req); /* the callbacks of a lost request, on a clean stack */
void req_make_last(struct http_req *req); /* call before the reply begins */
void req_drop(struct http_req *req);	  /* the client is gone and the answer no longer matters */
bool req_has_body(const struct http_req *req, int status);
bool req_reply_begin(struct http_req *req,
		     const char *type); /* what every reply starts with; false: the client is gone */
void req_give_bytes(struct evbuffer *out, struct buf *bytes); /* without copying them */

/* httpd_stream.c */
void req_pump(struct http_req *req); /* may free the request and its connection */
void part_end(struct http_req *req); /* nothing more of a file is sent, nor counted as if it had been */

#endif
