/*
 * The peer table: what every known address is, and why it is not a peer. Discovery alone writes it; the resolver alone
 * writes the pauses of those that broke a rule, and its notes on others.
 */
#ifndef RENSA_STORE_PEER_TABLE_H
#define RENSA_STORE_PEER_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chain/fork_choice.h"
#include "chain/rule.h"
#include "store/store.h"

#define PEER_TABLE_MAX 512
#define PEER_GROUP_ROWS 192 /* of one group, those not counted that the operator named */
#define PAUSE_TABLE_MAX 128
#define PEER_ADDRESS_SIZE 56

enum peer_state {
	PEER_UNKNOWN,	    /* not tried yet */
	PEER_UP,	    /* shook hands in the last round: we fetch from it and relay to it */
	PEER_REFUSED,	    /* nothing listens there */
	PEER_SILENT,	    /* no answer in time */
	PEER_UNREACHABLE,   /* no route */
	PEER_NO_NODE,	    /* something else answers there */
	PEER_OTHER_NETWORK, /* a node of a network with another name */
	PEER_OTHER_GENESIS, /* same name, other parameters: reason names the first */
	PEER_OTHER_PROTOCOL,
	PEER_SELF,	/* ourselves */
	PEER_SPARE,	/* a node of ours like those that are up, in reserve: all slots are taken */
	PEER_SAME_NODE, /* the node at another address, which is up */
	PEER_STATES
};

struct peer_entry {
	char address[PEER_ADDRESS_SIZE]; /* host:port, numeric */
	enum peer_state state;
	char source[12];  /* "static", "dns", "scan", "hint", "peer", "saved" */
	char reason[120]; /* for people; "" while up */
	char node[65];	  /* name it gave itself */
	char software[33];
	struct head head;    /* as of the last handshake */
	uint64_t nonce;	     /* of the node that answered last */
	uint64_t group;	     /* part of the net that it lies in; 0: not known */
	uint64_t since_ms;   /* wall clock: in this state since */
	uint64_t checked_ms; /* wall clock: last tried */
	uint64_t next_ms;    /* wall clock: tried again then */
	uint64_t met_ms;     /* wall clock: a node of ours answers since; 0: none does */
	uint64_t good_ms;    /* wall clock: a node of ours answered last; 0: never */
	uint32_t failures;   /* in a row */
	uint32_t latency_us; /* of the last handshake */
	int64_t skew_ms;     /* its clock less ours */
};

const char *peer_state_name(enum peer_state s); /* "up", "refused", "silent", "other-network", … */

/* Reading: copies what stands at position i < PEER_TABLE_MAX; false if nothing does. */
bool peer_table_get(const struct store *s, uint32_t i, struct peer_entry *out);
bool peer_table_find(const struct store *s, const char *address, struct peer_entry *out);
uint32_t peer_table_count(const struct store *s, enum peer_state state);
uint64_t peer_table_version(const struct store *s); /* changes with every change */
/* Did the operator name it ("static", "dns")? */
bool peer_is_configured(const struct peer_entry *e);
/* The median of the skews of those that are up, over how many; 0 over none. */
int64_t peer_table_skew(const struct store *s, uint32_t *count);

/*
 * Discovery: replaces the entry of e->address, or adds it; false when the table, or the part of it that e->group may
 * have, is full of better ones.
 */
bool peer_table_set(struct store *s, const struct peer_entry *e);
/* Discovery: is there an entry? Copies nothing: a scan asks for each of its addresses. */
bool peer_table_has(const struct store *s, const char *address);
void peer_table_remove(struct store *s, const char *address);
void peer_table_recover(struct store *s); /* at its start: empties half-written entries */

/* Pauses: an address that broke a rule is left alone until then. */
struct peer_pause {
	char address[PEER_ADDRESS_SIZE];
	char rule[32];	   /* its name, or a word for what it did */
	uint64_t until_ms; /* wall clock */
	uint32_t count;	   /* how often so far: the pause grows */
	char note[32];	   /* why nothing is taken from it, though it did no wrong: a rule's name, or "" */
};
bool peer_pause_find(const struct store *s, const char *address, uint64_t now_ms, struct peer_pause *out);
/* Resolver: 30 s doubling to 1 h. Returns the pause's length in ms. */
uint64_t peer_pause_set(struct store *s, const char *address, const char *rule, uint64_t now_ms);
/* Master, while nobody else runs: what stands at position i < PAUSE_TABLE_MAX, over or not, and into a new segment. */
bool peer_pause_get(const struct store *s, uint32_t i, struct peer_pause *out);
void peer_pause_put(struct store *s, uint32_t i, const struct peer_pause *p);
bool peer_note_find(const struct store *s, const char *address, struct peer_pause *out);
/* Resolver. "" takes it back. */
void peer_note_set(struct store *s, const char *address, const char *note);

#endif
