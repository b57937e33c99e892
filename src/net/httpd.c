/*
 * The server: listeners, the cap on connections, the way out. When the cap is reached, or accept finds no descriptor,
 * the connection that matters least is cut (see enum conn_list); if all are being answered, nobody is accepted until
 * one is done, so the worker never spins on a listener that it cannot serve.
 */
#include "net/httpd.h"

#include <errno.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "httpd_conn.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/mem.h"

#define MAX_HEADER_DEFAULT ((size_t)16 * 1024)
#define LINE_REWRITE_SLACK 32	/* a request line may grow when it is replaced */
#define DESCRIPTORS_RESERVED 32 /* for everything that is not a connection */
#define RESUME_MS 100
#define WARN_PAUSE_MS 10000

static LIST_HEAD(, httpd) servers = LIST_HEAD_INITIALIZER(servers);

static void
server_set_listening(struct httpd *s, bool is_listening)
{
	s->is_paused = !is_listening;
	for (size_t i = 0; i < s->bound_count; i++) {
		struct evconnlistener *listener = evhttp_bound_socket_get_listener(s->bound[i]);
		if (is_listening)
			evconnlistener_enable(listener);
		else
			evconnlistener_disable(listener);
	}
}

/* The connection to cut when one too many comes, or NULL: all are being answered. */
static struct conn *
server_victim(const struct httpd *s)
{
	for (int i = 0; i < CONN_LIST_BUSY; i++)
		if (!TAILQ_EMPTY(&s->lists[i]))
			return TAILQ_FIRST(&s->lists[i]);
	return NULL;
}

static void
server_warn(struct httpd *s, const char *text)
{
	uint64_t now = clock_mono_ms();
	if (s->warned_ms != 0 && now - s->warned_ms < WARN_PAUSE_MS)
		return;
	s->warned_ms = now;
	log_warn("httpd: %s", text);
}

static void
server_resume(void *ctx)
{
	struct httpd *s = ctx;
	if (s->is_paused && !s->is_draining)
		server_set_listening(s, true);
}

/* A listener's error callback is told of evhttp only, which knows nothing of us. */
static struct httpd *
server_of_listener(const struct evconnlistener *listener)
{
	struct httpd *s;
	LIST_FOREACH(s, &servers, link)
	for (size_t i = 0; i < s->bound_count; i++)
		if (evhttp_bound_socket_get_listener(s->bound[i]) == listener)
			return s;
	return NULL;
}

static void
on_accept_error(struct evconnlistener *listener, void *ctx)
{
	(void)ctx;
	int error = errno;
	struct httpd *s = server_of_listener(listener);
	if (s == NULL)
		return;
	server_warn(s, strerror(error));
	/* Cutting what has only just come would serve nobody: those get a moment to be answered first. */
	struct conn *victim = error == EMFILE || error == ENFILE ? server_victim(s) : NULL;
	if (victim != NULL && clock_mono_ms() - victim->since_ms >= RESUME_MS) {
		conn_cut(victim);
		return;
	}
	server_set_listening(s, false);
	loop_timer_arm(s->resume, RESUME_MS);
}

static struct bufferevent *
on_accept(struct event_base *base, void *ctx)
{
	(void)base;
	struct httpd *s = ctx;
	if (s->count >= s->options.max_connections) {
		struct conn *victim = server_victim(s);
		server_warn(s, "the connections allowed are all in use: cutting the one idle or unfinished longest");
		if (victim != NULL)
			conn_cut(victim);
	}
	return conn_accept(s);
}

/* At the cap with all connections being answered: let the next ones wait in the kernel's queue. */
static void
server_check_full(struct httpd *s)
{
	if (!s->is_paused && s->count >= s->options.max_connections && server_victim(s) == NULL)
		server_set_listening(s, false);
}

static void
on_request(struct evhttp_request *ev, void *ctx)
{
	struct httpd *s = ctx;
	struct conn *c = httpd_conn_of(s, ev);
	if (c == NULL || c->state != CONN_BODY)
		evhttp_send_error(ev, HTTP_INTERNAL, NULL);
	else
		req_start(c, ev);
}

static void
server_work(void *ctx)
{
	struct httpd *s = ctx;
	struct http_req *req;
	while ((req = TAILQ_FIRST(&s->gone)) != NULL) {
		TAILQ_REMOVE(&s->gone, req, link);
		req->gone_from = NULL;
		req_tell_gone(req);
	}
	if (s->is_draining && s->count == 0 && s->drained != NULL) {
		loop_callback *drained = s->drained;
		s->drained = NULL;
		drained(s->drained_ctx); /* may free the server */
	}
}

void
httpd_conn_added(struct httpd *s, struct conn *c)
{
	s->count++;
	c->list = CONN_LIST_IDLE;
	c->since_ms = clock_mono_ms();
	TAILQ_INSERT_TAIL(&s->lists[c->list], c, link);
}

void
httpd_conn_adopted(struct httpd *s, struct conn *c)
{
	size_t at = (size_t)c->fd;
	if (at >= s->by_fd_len) {
		size_t len = s->by_fd_len;
		s->by_fd_len = at + at / 2 + 16;
		s->by_fd = xrealloc(s->by_fd, s->by_fd_len * sizeof(*s->by_fd));
		memset(s->by_fd + len, 0, (s->by_fd_len - len) * sizeof(*s->by_fd));
	}
	s->by_fd[at] = c;
}

void
httpd_conn_removed(struct httpd *s, struct conn *c)
{
	if (c->fd >= 0)
		s->by_fd[c->fd] = NULL;
	TAILQ_REMOVE(&s->lists[c->list], c, link);
	s->count--;
	server_resume(s);
	if (s->is_draining && s->count == 0)
		loop_timer_arm(s->work, 0);
}

void
httpd_conn_move(struct conn *c, enum conn_list to)
{
	struct httpd *s = c->server;
	TAILQ_REMOVE(&s->lists[c->list], c, link);
	c->list = to;
	c->since_ms = clock_mono_ms();
	TAILQ_INSERT_TAIL(&s->lists[to], c, link);
	if (to == CONN_LIST_BUSY)
		server_check_full(s);
	else if (s->is_paused)
		server_resume(s); /* there is one to cut again */
}

void
httpd_req_gone(struct httpd *s, struct http_req *req)
{
	req->gone_from = s;
	TAILQ_INSERT_TAIL(&s->gone, req, link);
	loop_timer_arm(s->work, 0);
}

struct conn *
httpd_conn_of(const struct httpd *s, struct evhttp_request *ev)
{
	int fd = bufferevent_getfd(evhttp_connection_get_bufferevent(evhttp_request_get_connection(ev)));
	return fd >= 0 && (size_t)fd < s->by_fd_len ? s->by_fd[fd] : NULL;
}

struct conn *
httpd_conn_at(int fd)
{
	struct httpd *s;
	LIST_FOREACH(s, &servers, link)
	if (fd >= 0 && (size_t)fd < s->by_fd_len && s->by_fd[fd] != NULL)
		return s->by_fd[fd];
	return NULL;
}

struct httpd *
httpd_new(struct loop *l, const struct httpd_options *options, httpd_handler *handler, void *ctx)
{
	struct httpd *s = xcalloc(1, sizeof(*s));
	s->loop = l;
	s->options = *options;
	s->handler = handler;
	s->ctx = ctx;
	if (s->options.max_header == 0)
		s->options.max_header = MAX_HEADER_DEFAULT;
	if (s->options.max_connections < 1)
		s->options.max_connections = 1;
	struct rlimit files;
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur > 2 * DESCRIPTORS_RESERVED &&
	    s->options.max_connections > files.rlim_cur - DESCRIPTORS_RESERVED)
		s->options.max_connections = (uint32_t)files.rlim_cur - DESCRIPTORS_RESERVED;
	for (int i = 0; i < CONN_LIST_COUNT; i++)
		TAILQ_INIT(&s->lists[i]);
	TAILQ_INIT(&s->gone);
	s->resume = loop_timer_new(l, server_resume, s);
	s->work = loop_timer_new(l, server_work, s);
	s->evhttp = evhttp_new(loop_base(l));
	if (s->evhttp == NULL) {
		log_error("httpd: no memory for a server");
		exit(EXIT_FAILURE);
	}
	/* The gate refuses first and better; these are the second line. */
	evhttp_set_max_headers_size(s->evhttp, (ev_ssize_t)(s->options.max_header + LINE_REWRITE_SLACK));
	evhttp_set_max_body_size(s->evhttp, (ev_ssize_t)s->options.max_body);
	evhttp_set_default_content_type(s->evhttp, NULL);
	evhttp_set_allowed_methods(s->evhttp, UINT16_MAX);
	evhttp_set_bevcb(s->evhttp, on_accept, s);
	evhttp_set_gencb(s->evhttp, on_request, s);
	LIST_INSERT_HEAD(&servers, s, link);
	return s;
}

static void
server_unlisten(struct httpd *s)
{
	while (s->bound_count > 0)
		evhttp_del_accept_socket(s->evhttp, s->bound[--s->bound_count]);
}

void
httpd_free(struct httpd *s)
{
	if (s == NULL)
		return;
	server_unlisten(s);
	s->drained = NULL;
	for (int i = 0; i < CONN_LIST_COUNT; i++)
		while (!TAILQ_EMPTY(&s->lists[i]))
			conn_cut(TAILQ_FIRST(&s->lists[i]));
	evhttp_free(s->evhttp);
	server_work(s);
	LIST_REMOVE(s, link);
	loop_timer_free(s->resume);
	loop_timer_free(s->work);
	free(s->by_fd);
	free(s);
}

enum err
httpd_serve(struct httpd *s, int listen_fd)
{
	static const int on = 1;
	if (s->bound_count == LISTENERS_MAX)
		return ERR_LIMIT;
	setsockopt(listen_fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); /* inherited by what it accepts */
	struct evconnlistener *listener =
	    evconnlistener_new(loop_base(s->loop), NULL, NULL, LEV_OPT_CLOSE_ON_EXEC, 0, listen_fd);
	if (listener == NULL)
		return ERR_IO;
	struct evhttp_bound_socket *bound = evhttp_bind_listener(s->evhttp, listener);
	if (bound == NULL) {
		evconnlistener_free(listener);
		return ERR_NOMEM;
	}
	evconnlistener_set_error_cb(listener, on_accept_error);
	s->bound[s->bound_count++] = bound;
	if (s->is_paused)
		evconnlistener_disable(listener);
	return OK;
}

void
httpd_drain(struct httpd *s, loop_callback *drained, void *ctx)
{
	s->is_draining = true;
	s->drained = drained;
	s->drained_ctx = ctx;
	server_unlisten(s);
	struct conn *next;
	for (struct conn *c = TAILQ_FIRST(&s->lists[CONN_LIST_IDLE]); c != NULL; c = next) {
		next = TAILQ_NEXT(c, link);
		conn_leave(c);
	}
	if (s->count == 0)
		loop_timer_arm(s->work, 0);
}

uint32_t
httpd_connections(const struct httpd *s)
{
	return s->count;
}

uint32_t
httpd_max_connections(const struct httpd *s)
{
	return s->options.max_connections;
}
