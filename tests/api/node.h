/*
 * A node in one process: a store, an api behind a server on 127.0.0.1, and a client, all on one loop. The test plays
 * the other processes: the pool drains the rings when it is woken, the miner and the resolver take commands; each can
 * be sent away to see what happens then.
 */
#ifndef RENSA_TESTS_API_NODE_H
#define RENSA_TESTS_API_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/api.h"
#include "chain/tx.h"
#include "net/httpc.h"
#include "net/httpd.h"
#include "net/loop.h"
#include "store/chain.h"
#include "store/mempool.h"
#include "store/ring.h"
#include "util/buf.h"
#include "wire/json.h"

struct reply {
	bool is_there;
	enum err error;
	int status;
	struct buf body;
	struct jdoc *doc; /* NULL: no JSON */
};

struct node {
	/* For the test to change between node_init and node_start. */
	struct params params;
	struct api_options options;
	uint32_t pool_max;
	size_t max_body;

	struct store *store;
	struct loop *loop;
	struct api *api;
	struct httpd *server;
	struct httpd *peer_server; /* if peer_is_apart */
	int fd, peer_fd;
	struct netaddr at, peer_at;
	struct httpc *client;
	struct httpc *peer_client;
	struct mempool *pool;
	struct address mine_to;
	struct reply reply; /* of the last call */

	/* The other processes. */
	bool is_pool_away, is_miner_away, is_resolver_away;
	size_t drain_max;     /* transfers that the pool judges in one turn */
	unsigned retries;     /* verdicts that the pool still withholds */
	enum err miner_error; /* how the next mining command ends */
	uint32_t miner_stops; /* after so many blocks, 0: when done */
	bool miner_waits;     /* for the cancellation, after those */
	bool consensus_replaced;
	unsigned woken[API_WAKES]; /* by enum api_wake */
	struct command last_command;
	struct loop_timer *turns[3];
	bool has_command;
	struct command_handle handle;
};

void node_init(struct node *n);
void node_start(struct node *n);
/* Of node_init too: a reward of one coin, and blocks of at most 4 KiB. */
void node_start_small(struct node *n);
void node_stop(struct node *n);
/* A new pool process looks into all rings when it starts. */
void node_pool_returns(struct node *n);

/* Calls and waits for the reply; body NULL: none. headers: name, value, …, NULL, or NULL; Host comes first. Returns the
 * status. */
int node_call(struct node *n, enum http_method method, const char *path, const char *body, const char *const *headers);
int node_call_bytes(struct node *n, enum http_method method, const char *path, const void *body, size_t len,
		    const char *const *headers);
int node_get(struct node *n, const char *path);
int node_push(struct node *n, const char *path, const void *body, size_t len); /* as other nodes post */
/* A further client, for calls that wait beside others: free with httpc_free. */
struct httpc *node_client(const struct node *n);
void node_send(struct httpc *c, struct reply *out, enum http_method method, const char *path, const void *body,
	       size_t len, const char *const *headers);
void reply_clear(struct reply *r);

/* The document of the last reply. */
const struct jval *node_doc(const struct node *n);
const char *node_code(const struct node *n); /* of the error in the last reply, "" if it is none */
const char *node_message(const struct node *n);

/* Turns the loop until the condition holds. */
#define node_until(n, condition)                                \
	do {                                                    \
		uint64_t node_limit = node_deadline();          \
		while (!(condition))                            \
			node_turn((n), node_limit, #condition); \
	} while (0)
uint64_t node_deadline(void);
void node_turn(struct node *n, uint64_t deadline, const char *condition);

/* People with fixed keys. */
struct seckey person_secret(unsigned who);
struct address person_address(unsigned who);
const char *person_text(unsigned who); /* the address, in a static buffer of its own for each who < 16 */
/* A signed transfer. */
struct tx transfer(const struct node *n, unsigned from, unsigned to, uint64_t value, uint64_t fee, uint64_t sequence);
void tx_json(struct buf *out, const struct node *n, const struct tx *tx);
int node_post(struct node *n, const struct tx *tx);

/* A solved block on parent, with up to max transfers of the pool. */
void block_make(struct node *n, struct buf *out, struct blockref parent, const struct address *to, size_t max);
/* Puts count blocks on fork in one commit; they carry what is pooled if fork is the tip. The pool follows. */
void node_extend(struct node *n, struct blockref fork, size_t count, unsigned miner);

/* A raw client that reads only when told to. */
struct raw {
	int fd;
	struct buf got;
	bool is_closed;
};
void raw_open(struct raw *c, const struct node *n, int receive_buffer);
void raw_send(struct raw *c, const char *text);
void raw_read(struct raw *c, size_t max); /* what is there, at most max bytes */
void raw_close(struct raw *c);

#endif
