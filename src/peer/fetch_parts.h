/*
 * What the files of a fetch share: fetch.c judges bodies and decides how it goes on, fetch_headers.c reads headers,
 * fetch_bodies.c asks for bodies. Each step of theirs ends with fetch_go_on or fetch_finish, after which the fetch may
 * be gone.
 */
#ifndef RENSA_PEER_FETCH_PARTS_H
#define RENSA_PEER_FETCH_PARTS_H

#include "net/httpc.h"
#include "peer/fetch.h"
#include "peer/window.h"

/* A peer that bodies are fetched from. Number 0 is the lead: it gives the headers too. */
struct source {
	struct fetch *fetch;
	struct netaddr at;
	struct head head;     /* by its own word */
	struct httpc *client; /* NULL: it is not asked for bodies any more */
	uint32_t share;	      /* bodies to ask for at a time */
	uint64_t asked_ms;
	unsigned overtaken;	   /* so often in a row another peer answered first */
	bool is_on_branch;	   /* the branch leads to its head */
	uint64_t lacked;	   /* it did not have the body of the branch at this height; 0: it had all */
	struct fetch_result fault; /* what it did; FETCH_DONE: nothing … */
	bool is_untold;		   /* … and the owner has not heard of it yet */
};

struct fetch {
	struct loop *loop;
	struct loop_timer *start;
	struct loop_timer *judge;
	struct loop_timer *watch;
	struct params params;
	struct netaddr from_space;
	const struct netaddr *from;
	uint64_t late_ms;
	struct fetch_callbacks cb;
	void *ctx;
	struct source sources[FETCH_PEERS_MAX];
	int source_count;
	struct fetch_result result; /* end != FETCH_DONE: what stops us once the valid prefix is in */
	bool is_untold;		    /* that is the lead's fault, told at the end */
	struct fetch_result last;   /* why the last source went */

	/* Headers. */
	struct httpc *reader;	   /* to the lead; NULL: no more are read */
	struct header_state state; /* behind the last header accepted, or the last known block */
	bool is_anchored;	   /* state is set: headers connect to a block we have */
	struct hash256 ancestor;   /* the block we have before the first pending header */
	struct hash256 *pending;   /* hashes of headers whose bodies are not judged yet, in order … */
	size_t count, room;
	uint64_t base;	 /* … the first having this height, once bodies have begun */
	bool is_full;	 /* the last headers reply was full: there may be more */
	bool is_swapped; /* the lead has another chain by now */

	/* Bodies. */
	bool has_begun;
	struct window window;
	uint64_t next;	     /* height of the body to judge next */
	uint64_t foreseen;   /* height of the body to foresee next */
	bool is_unflushed;   /* the branch in hand has what was not flushed … */
	uint64_t group;	     /* … so many bodies … */
	size_t group_bytes;  /* … and bytes */
	uint64_t gained;     /* headers and bodies that came since the pace was looked at … */
	size_t gained_bytes; /* … and bytes */
	uint64_t paced_ms;   /* monotonic: when that was */
	uint64_t begun_ms;   /* monotonic: when headers were first asked for */
};

/* fetch.c */

struct fetch_result fetch_fault(enum fetch_end end, const char *reason);
struct fetch_result fetch_fault_rule(enum rule rule, uint64_t height, const struct hash256 *hash);
/* What the lead's headers did wrong, to be told at the end; the first such note stays. */
void fetch_note(struct fetch *f, const struct fetch_result *fault);
void fetch_begin_bodies(struct fetch *f);
/* Whatever can be done now, or the end. */
void fetch_go_on(struct fetch *f);
void fetch_finish(struct fetch *f);
/* A reply that can be used; otherwise *fault says what is wrong with it. */
bool fetch_reply_is_usable(const struct httpc_reply *reply, struct fetch_result *fault);

/* fetch_headers.c */

void fetch_read_headers(struct fetch *f);
/* More, if there may be some and they are wanted soon. */
void fetch_read_on(struct fetch *f);

/* fetch_bodies.c */

const struct hash256 *fetch_hash_at(const struct fetch *f, uint64_t height);
/* The branch leads from there to its head. */
bool fetch_must_have(const struct source *s, uint64_t height);
/* Asks every source that has nothing to do. */
void fetch_ask_bodies(struct fetch *f);
/* It is not asked any more, because of that fault, or for none (NULL). */
void fetch_drop_source(struct fetch *f, struct source *s, const struct fetch_result *fault);
/* Tells the owner what it did, if that was not done. */
void fetch_tell(struct fetch *f, struct source *s);

#endif
