/*
 * Transfers on their way through this worker's ring to the pool. A batch is what one request brought: one transfer, a
 * list, or a push of another node. Each transfer is checked by itself (form and signature) when its turn comes, put
 * into the ring as slots free up, and judged by the pool process; then the request is answered.
 */
#ifndef RENSA_SRC_API_SUBMIT_H
#define RENSA_SRC_API_SUBMIT_H

#include <sys/queue.h>

#include "chain/tx.h"
#include "net/httpd.h"
#include "reply.h"
#include "state.h"
#include "store/mempool.h"

#define SUBMIT_MAX 4096	     /* transfers that one worker holds at a time */
#define SUBMIT_WAIT_MS 10000 /* for the verdicts of a request */
#define SUBMIT_LIST_MAX 1000 /* transfers in one request of a client */

enum transfer_state {
	TRANSFER_WAITING, /* to be checked, or to be put into the ring */
	TRANSFER_IN_RING,
	TRANSFER_JUDGED, /* admission is the pool's verdict */
	TRANSFER_REFUSED /* by us: `no` says why */
};

struct transfer {
	enum transfer_state state;
	bool is_checked;
	uint8_t tries; /* the pool asked for another one */
	int slot;      /* while in the ring */
	uint16_t size;
	struct hash256 id;
	struct admission admission;
	struct no no;
	uint8_t bytes[TX_SIZE_MAX];
};

enum batch_kind {
	BATCH_ONE,  /* answered with the verdict */
	BATCH_LIST, /* answered with a list of verdicts */
	BATCH_PUSH  /* from another node: answered once all are in the ring, or with the first that is bad */
};

struct batch {
	TAILQ_ENTRY(batch) queued; /* while some wait for the ring */
	TAILQ_ENTRY(batch) held;   /* until it is answered, oldest first */
	struct submit *submit;
	struct http_req *req;
	enum batch_kind kind;
	bool is_queued;
	uint64_t deadline_ms;
	size_t next;  /* none before this one waits for the ring */
	size_t open;  /* neither judged nor refused yet */
	size_t known; /* of a push: the pool or the chain had them */
	size_t count;
	struct transfer transfers[];
};

/* Submits a batch: fill it with batch_put or batch_refuse, in order, `count` times. id: tx_id of what is put. */
struct batch *batch_new(enum batch_kind kind, size_t count);
void batch_free(struct batch *b); /* one that was not submitted */
void batch_put(struct batch *b, size_t i, const struct tx *tx, const struct hash256 *id);
void batch_refuse(struct batch *b, size_t i, const struct field_error *e);

struct submit *submit_new(struct api *a);
void submit_free(struct submit *s); /* what is still held is answered as unknown */
void submit_bell(struct submit *s);
/* Room for count more? If not, the request is to be answered with submit_full. */
bool submit_has_room(const struct submit *s, size_t count);
void submit_full(struct api *a, struct http_req *req);
/* Takes over batch and request. */
void submit_take(struct submit *s, struct batch *b, struct http_req *req);

/* Is it pending or confirmed? Peers tell of the same transfer one after another; only the first need be checked. */
bool submit_is_known(const struct api *a, const struct hash256 *id);

/* verdict.c: what a transfer came to, for its client. */
/* Answers a batch of which nothing is open. */
void verdict_reply(struct api *a, struct batch *b, struct http_req *req);
/* Why a rule refuses this transfer, with the figures that matter. */
void verdict_explain(const struct api *a, struct no *no, const struct tx *tx, enum rule rule);

#endif
