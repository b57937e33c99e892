#include "node.h"
#include "store/load.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/listener.h"
#include "store/role_table.h"
#include "util/clock.h"

#define PATIENCE_MS 20000
#define MINER_COMMANDS (1u << COMMAND_MINE | 1u << COMMAND_MINE_START | 1u << COMMAND_MINE_STOP)

static void pool_turn(void *ctx);
static void miner_turn(void *ctx);
static void resolver_turn(void *ctx);

static void
wake(void *ctx, enum api_wake whom)
{
	struct node *n = ctx;

	n->woken[whom]++;
	if (whom <= API_WAKE_MINER)
		loop_timer_arm(n->turns[whom], 0);
}

void
node_init(struct node *n)
{
	memset(n, 0, sizeof(*n));
	params_default(&n->params);
	n->params.difficulty = 4;
	n->params.retarget = RETARGET_FIXED;
	n->pool_max = 2000;
	n->max_body = 1u << 20;
	n->drain_max = 1000;
	n->mine_to = person_address(0);
	n->options.node_name = "test";
	n->options.software = "rensa/test";
	n->options.mine_to = &n->mine_to;
	n->options.miner_mode = "manual";
	n->options.request_timeout_ms = PATIENCE_MS;
	n->options.node_nonce = 42;
	n->options.peer_port = 5000;
	n->options.peer_host = "";
	n->options.advertise = "";
}

static int
listen_any(struct netaddr *at)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	int fd;

	ck_assert_int_eq(netaddr_parse_ip(at, "127.0.0.1"), OK);
	ck_assert_int_eq(listener_open(&fd, at), OK);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	ck_assert_int_eq(netaddr_from_sockaddr(at, (struct sockaddr *)&sa), OK);
	return fd;
}

/* A test may end the api before the server, whose last answers nobody counts then. */
static void
served(void *ctx, const struct httpd_served *request)
{
	struct node *n = ctx;

	if (n->api != NULL)
		api_served(n->api, request);
}

void
node_start(struct node *n)
{
	struct httpd_options http = {.max_body = n->max_body,
				     .header_timeout_ms = PATIENCE_MS,
				     .request_timeout_ms = PATIENCE_MS,
				     .max_connections = 64,
				     .observer = served,
				     .observer_ctx = n};
	struct store_options store = {.name = "test-api",
				      .size_max = UINT64_C(256) << 20,
				      .roles = 4,
				      .rings = 2,
				      .pool_max = n->pool_max,
				      .params = n->params};
	char dir[64], path[160];
	struct buf why;
	enum err e;

	snprintf(dir, sizeof(dir), "/test-api/%ld", (long)getpid());
	store.data_dir = dir;
	buf_init(&why);
	e = store_create(&n->store, &store, &why);
	ck_assert_msg(e == OK, "%s", why.data);
	buf_clear(&why);
	store_loaded(n->store, &(struct log_place){0});
	/* Nothing else opens it, and so a test that fails leaves nothing behind. */
	snprintf(path, sizeof(path), "/dev/shm/%s", store_object_name(n->store));
	unlink(path);
	snprintf(path, sizeof(path), "/dev/shm/sem.%s", store_object_name(n->store));
	unlink(path);
	role_started(n->store, 0, "worker", getpid(), clock_wall_ms(), clock_mono_ms());
	ck_assert_int_eq(ring_assign(n->store, &n->options.ring), OK);
	n->pool = mempool_open(n->store);

	n->loop = loop_new();
	n->turns[API_WAKE_POOL] = loop_timer_new(n->loop, pool_turn, n);
	n->turns[API_WAKE_MINER] = loop_timer_new(n->loop, miner_turn, n);
	n->turns[API_WAKE_RESOLVER] = loop_timer_new(n->loop, resolver_turn, n);
	n->options.store = n->store;
	n->options.loop = n->loop;
	n->options.wake = wake;
	n->options.wake_ctx = n;
	n->options.started_ms = clock_wall_ms();
	n->api = api_new(&n->options);
	n->server = httpd_new(n->loop, &http, api_handle, n->api);
	n->fd = listen_any(&n->at);
	ck_assert_int_eq(httpd_serve(n->server, n->fd), OK);
	n->client = httpc_new(n->loop, &n->at, NULL, NULL);
	if (n->options.peer_is_apart) {
		n->peer_server = httpd_new(n->loop, &http, api_handle_peer, n->api);
		n->peer_fd = listen_any(&n->peer_at);
		ck_assert_int_eq(httpd_serve(n->peer_server, n->peer_fd), OK);
		n->peer_client = httpc_new(n->loop, &n->peer_at, NULL, NULL);
	}
}

void
node_start_small(struct node *n)
{
	node_init(n);
	n->params.reward = COIN;
	n->params.max_block_bytes = 4096;
	node_start(n);
}

void
node_stop(struct node *n)
{
	httpc_free(n->client);
	httpc_free(n->peer_client);
	httpd_free(n->server);
	if (n->peer_server != NULL) {
		httpd_free(n->peer_server);
		close(n->peer_fd);
	}
	api_free(n->api);
	close(n->fd);
	for (size_t i = 0; i < ARRAY_LEN(n->turns); i++)
		loop_timer_free(n->turns[i]);
	loop_free(n->loop);
	mempool_close(n->pool);
	store_destroy(n->store);
	reply_clear(&n->reply);
}

/* The pool. */

static struct admission
judge(void *ctx, const uint8_t *bytes, size_t size, bool from_client)
{
	struct node *n = ctx;
	struct reader r = reader_of(bytes, size);
	struct tx tx;

	ck_assert_int_eq(tx_decode(&tx, &r), RULE_OK);
	ck_assert(reader_done(&r));
	if (n->retries > 0) {
		n->retries--;
		return (struct admission){ADMISSION_RETRY, RULE_OK, false};
	}
	return mempool_admit(n->pool, &tx, from_client, clock_wall_ms());
}

static void
pool_turn(void *ctx)
{
	struct node *n = ctx;
	bool rang[STORE_RINGS_MAX] = {false};

	if (n->is_pool_away)
		return;
	if (ring_drain(n->store, n->drain_max, judge, NULL, n, rang) == n->drain_max)
		loop_timer_arm(n->turns[API_WAKE_POOL], 0);
	if (rang[n->options.ring])
		api_bell(n->api);
}

void
node_pool_returns(struct node *n)
{
	n->is_pool_away = false;
	loop_timer_arm(n->turns[API_WAKE_POOL], 0);
}

/* Miner and resolver. */

static void
finish(struct node *n, enum err e)
{
	command_finish(n->store, n->handle, e, n->consensus_replaced);
	n->has_command = false;
	api_bell(n->api);
}

static unsigned
person_of(const struct address *a)
{
	for (unsigned who = 0; who < 16; who++) {
		struct address candidate = person_address(who);
		if (address_equal(&candidate, a))
			return who;
	}
	ck_abort_msg("nobody has this address");
}

static void
miner_turn(void *ctx)
{
	struct node *n = ctx;

	if (n->is_miner_away)
		return;
	if (n->has_command) {
		if (command_is_cancelled(n->store, n->handle))
			finish(n, ERR_TIMEOUT);
		else
			loop_timer_arm(n->turns[API_WAKE_MINER], 1);
		return;
	}
	if (!command_next(n->store, MINER_COMMANDS, &n->handle, &n->last_command))
		return;
	n->has_command = true;
	for (uint32_t i = 0; n->last_command.kind == COMMAND_MINE && i < n->last_command.blocks; i++) {
		if (n->miner_stops > 0 && i == n->miner_stops)
			break;
		node_extend(n, chain_tip(n->store), 1, person_of(&n->last_command.address));
		command_mined(n->store, n->handle, chain_tip(n->store));
	}
	if (n->miner_waits)
		loop_timer_arm(n->turns[API_WAKE_MINER], 1);
	else
		finish(n, n->miner_error);
}

static void
resolver_turn(void *ctx)
{
	struct node *n = ctx;

	if (n->is_resolver_away || !command_next(n->store, 1u << COMMAND_CONSENSUS, &n->handle, &n->last_command))
		return;
	finish(n, OK);
}

/* Calls. */

void
reply_clear(struct reply *r)
{
	jdoc_free(r->doc);
	buf_clear(&r->body);
	memset(r, 0, sizeof(*r));
}

static void
replied(void *ctx, const struct httpc_reply *reply)
{
	struct reply *r = ctx;
	char ignored[JSON_ERROR_SIZE];

	r->is_there = true;
	r->error = reply->error;
	if (reply->error != OK)
		return;
	r->status = reply->status;
	buf_append(&r->body, reply->body, reply->len);
	if (strcmp(reply->content_type, "application/json") == 0 && reply->len > 0) {
		r->doc = jdoc_parse(r->body.data, r->body.len, ignored);
		ck_assert_msg(r->doc != NULL, "not JSON: %s: %.200s", ignored, r->body.data);
	}
}

struct httpc *
node_client(const struct node *n)
{
	return httpc_new(n->loop, &n->at, NULL, NULL);
}

void
node_send(struct httpc *c, struct reply *out, enum http_method method, const char *path, const void *body, size_t len,
	  const char *const *headers)
{
	struct httpc_request request = {.method = method,
					.path = path,
					.body = body,
					.body_len = len,
					.headers = headers,
					.max_reply = 64u << 20,
					.timeout_ms = PATIENCE_MS};

	reply_clear(out);
	ck_assert_int_eq(httpc_send(c, &request, replied, out), OK);
}

int
node_call_bytes(struct node *n, enum http_method method, const char *path, const void *body, size_t len,
		const char *const *headers)
{
	struct httpc *client = n->client;

	/* The client has one name for the node, so another one needs another client. */
	if (headers != NULL && headers[0] != NULL && strcmp(headers[0], "Host") == 0) {
		client = httpc_new(n->loop, &n->at, NULL, headers[1]);
		headers += 2;
	}
	node_send(client, &n->reply, method, path, body, len, headers);
	node_until(n, n->reply.is_there);
	ck_assert_msg(n->reply.error == OK, "%s: %s", path, err_text(n->reply.error));
	if (client != n->client)
		httpc_free(client);
	return n->reply.status;
}

int
node_call(struct node *n, enum http_method method, const char *path, const char *body, const char *const *headers)
{
	return node_call_bytes(n, method, path, body, body == NULL ? 0 : strlen(body), headers);
}

int
node_get(struct node *n, const char *path)
{
	return node_call(n, HTTP_GET, path, NULL, NULL);
}

int
node_push(struct node *n, const char *path, const void *body, size_t len)
{
	return node_call_bytes(n, HTTP_POST, path, body, len, NULL);
}

const struct jval *
node_doc(const struct node *n)
{
	ck_assert_ptr_nonnull(n->reply.doc);
	return jdoc_root(n->reply.doc);
}

const char *
node_code(const struct node *n)
{
	const struct jval *error = n->reply.doc == NULL ? NULL : jval_get(jdoc_root(n->reply.doc), "error");

	return error == NULL ? "" : jval_str(error, "code", "");
}

const char *
node_message(const struct node *n)
{
	return jval_str(jval_get(node_doc(n), "error"), "message", "");
}

uint64_t
node_deadline(void)
{
	return clock_mono_ms() + PATIENCE_MS;
}

void
node_turn(struct node *n, uint64_t deadline, const char *condition)
{
	loop_poll(n->loop);
	ck_assert_msg(clock_mono_ms() < deadline, "did not come: %s", condition);
}

/* Raw clients. */

void
raw_open(struct raw *c, const struct node *n, int receive_buffer)
{
	struct sockaddr_storage sa;
	socklen_t len = netaddr_to_sockaddr(&sa, &n->at);

	memset(c, 0, sizeof(*c));
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(c->fd, 0);
	if (receive_buffer > 0)
		setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(receive_buffer));
	ck_assert_int_eq(connect(c->fd, (struct sockaddr *)&sa, len), 0);
}

void
raw_send(struct raw *c, const char *text)
{
	size_t len = strlen(text);

	ck_assert_int_eq(send(c->fd, text, len, MSG_NOSIGNAL), (ssize_t)len);
}

void
raw_read(struct raw *c, size_t max)
{
	char piece[65536];
	ssize_t got;

	if (c->is_closed)
		return;
	got = recv(c->fd, piece, max < sizeof(piece) ? max : sizeof(piece), MSG_DONTWAIT);
	if (got > 0)
		buf_append(&c->got, piece, (size_t)got);
	else if (got == 0 || (errno != EAGAIN && errno != EINTR))
		c->is_closed = true;
}

void
raw_close(struct raw *c)
{
	close(c->fd);
	buf_clear(&c->got);
}
