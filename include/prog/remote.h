/*
 * The node at the other end of --node: calls over HTTP, answers as JSON, and its failures as exit codes.
 * Everything that comes back is checked: size, form, types. A status of 4xx or 5xx is the node refusing (CLI_REFUSED);
 * no answer, a cut one, or one that no Rensa node gives is CLI_UNREACHABLE.
 */
#ifndef RENSA_PROG_REMOTE_H
#define RENSA_PROG_REMOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chain/params.h"
#include "crypto/hash.h"
#include "net/httpc.h"
#include "net/netaddr.h"
#include "prog/cli.h"
#include "util/attr.h"
#include "util/buf.h"
#include "util/err.h"
#include "wire/json.h"

#define REMOTE_PORT 5000
#define REMOTE_HOST_SIZE 256
#define REMOTE_ADDRESSES_MAX 8
#define REMOTE_TIMEOUT_MS 10000
#define REMOTE_REPLY_MAX (1u << 20)
#define REMOTE_BLOCKS_MAX (64u << 20) /* a block of 4 MiB takes about five times that as JSON */

struct remote {
	struct cli *cli;
	struct netaddr at[REMOTE_ADDRESSES_MAX];
	size_t count;
	size_t pick;			 /* the address in use */
	bool is_settled;		 /* it has answered, so we stay with it */
	bool is_moved;			 /* by remote_move */
	char host[REMOTE_HOST_SIZE + 8]; /* for the Host header */
	uint32_t timeout_ms;		 /* of each call */
	size_t max_reply;		 /* bytes */
};

/* What came of a call. Exactly one of: error set; status 2xx with root, a JSON object; another status with code. */
struct answer {
	enum err error;
	int status;
	struct jdoc *doc;
	const struct jval *root;
	char code[CLI_CODE_SIZE]; /* of a refusal */
	char message[512]; /* of a refusal, or what is wrong with the answer; may be cut, not safe to show as it is */
};

/*
 * "http://HOST[:PORT]" or "HOST[:PORT]", an IPv6 host in brackets, nothing behind but a slash. The port is REMOTE_PORT
 * unless given. ERR_FORMAT; ERR_UNSUPPORTED: another scheme.
 */
enum err remote_parse(char host[REMOTE_HOST_SIZE], uint16_t *port, const char *url) MUSTCHECK;

/* Parses c->node and looks its host up. */
enum cli_exit remote_open(struct remote *r, struct cli *c) MUSTCHECK;
/* To another port of the same node, and to another address of its host if `host` is one; "" if it is not. */
void remote_move(struct remote *r, const char *host, uint16_t port);

/* Calls, whatever comes of it. body NULL: GET, else POST of that JSON. Clear the answer with answer_clear. */
void remote_try(struct remote *r, struct answer *out, const char *path, const struct buf *body);
/* Notes what is wrong with an answer that is not 2xx, for the user. */
enum cli_exit remote_fail(const struct remote *r, const struct answer *a);
/* Notes that an answer does not hold what it must. */
enum cli_exit remote_bad(const struct remote *r, const char *what);
/* remote_try, and remote_fail unless it went well. */
enum cli_exit remote_call(struct remote *r, struct answer *out, const char *path, const struct buf *body) MUSTCHECK;
void answer_clear(struct answer *a);

/*
 * GET of what comes in parts, one after another for as long as piece returns true; a pause may take as long as timeout_ms.
 * last_id: for Last-Event-ID, "" for none. A stream that ends or breaks after its first part is no failure.
 */
enum cli_exit remote_listen(struct remote *r, const char *path, const char *last_id, httpc_piece *piece,
			    void *ctx) MUSTCHECK;

#define REMOTE_NO_PEER_ROUTES "no-peer-routes"
/*
 * What nodes say to one another (wire/peer_msg.h): posts a binary body; the reply's body is appended to reply, NULL: of no
 * interest. A node that serves others elsewhere is the failure REMOTE_NO_PEER_ROUTES.
 */
enum cli_exit remote_peer(struct remote *r, struct buf *reply, const char *path, const struct buf *body,
			  size_t max_reply) MUSTCHECK;

/* The network that the node is on, from GET /status. */
struct network {
	char name[NETWORK_NAME_MAX + 1];
	uint8_t address_version;
	uint64_t min_fee;
	struct hash256 genesis;
};

enum cli_exit remote_network(struct remote *r, struct network *out) MUSTCHECK;
/* The same from a status that is there already. */
enum cli_exit network_parse(struct network *out, const struct remote *r, const struct jval *status) MUSTCHECK;

#endif
