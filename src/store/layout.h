/*
 * The segment, byte by byte as the processes see it. Everything is found by offset from the start of the object;
 * 0 is "none".
 *
 *	offset        who writes it            what
 *	0             nobody after creation    struct super: identity, sizes, offsets of the regions below
 *	one page      committers, master       struct control: tip, owner of the lock, repair words, arena's end
 *	pages each    its role, master         struct role_page: heartbeat, counters, tallies
 *	pages         discovery                struct peer_region: peer table
 *	pages         resolver                 struct pause_region: addresses left alone
 *	pages         resolver, verifiers      struct board_region: signatures to be checked
 *	pages         master                   struct reload_region: how the last reload went
 *	pages         pool process             struct pool_region, buckets, slots
 *	to size_max   committers               the arena: records and tries, append only
 *	pages each    its worker + consumers   struct ring_region, as many as were asked for; room for STORE_RINGS_MAX
 *
 * Regions start on page boundaries, so that each process can be given write access to exactly its own. Numbers
 * that more than one process touches are _Atomic. The layout version changes with any change here.
 */
#ifndef RENSA_STORE_LAYOUT_H
#define RENSA_STORE_LAYOUT_H

#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chain/block.h"
#include "chain/params.h"
#include "chain/tx.h"
#include "chain/u256.h"
#include "crypto/hash.h"
#include "disk/journal.h"
#include "pool_packed.h"
#include "store/board.h"
#include "store/peer_table.h"
#include "store/reload_note.h"
#include "store/ring.h"
#include "store/role_table.h"
#include "store/store.h"
#include "store/tally.h"
#include "util/attr.h"
#include "util/bytes.h"
#include "util/err.h"

#define LAYOUT_MAGIC UINT64_C(0x52454e5341534547) /* "RENSASEG" */
#define LAYOUT_VERSION 9
#define PAGE UINT64_C(4096)

struct super {
	uint64_t magic;
	uint32_t version;
	uint32_t roles;
	uint64_t size_max; /* where the arena ends … */
	uint64_t size;	   /* … and the object, memory or not */
	uint64_t roles_at; /* ROLE_STRIDE each */
	uint64_t peers_at;
	uint64_t pauses_at;
	uint64_t board_at;
	uint64_t reload_at;
	uint64_t rings_at;
	uint64_t ring_stride;
	uint64_t pool_at;
	uint64_t pool_size;
	uint64_t arena_at;
	uint32_t pool_max;
	uint32_t pool_buckets; /* power of two */
	uint8_t seed[16];      /* key of every hash in here */
	struct params params;
	struct hash256 genesis;
	uint64_t genesis_ref;
};

/*
 * What lies in the arena is named there by its offset in units of 8 bytes, which 32 bits hold up to STORE_SIZE_LIMIT: records
 * are full of such names. They are structs so that the compiler refuses them where offsets in bytes belong.
 */
#define UNIT UINT64_C(8)

struct unit {
	uint32_t v; /* 0: none */
};

/* One that readers load while a writer stores it. */
struct unit_slot {
	_Atomic uint32_t v;
};

/* A trie is its root slot; see trie.c. */
struct trie_root {
	struct unit_slot slot;
};

/* How far the journal goes: where its next frame goes, and the block that the last tip entry names. */
struct journal_mark {
	struct log_place place;
	uint64_t tip;
};

struct control {
	_Atomic uint64_t tip;	/* THE chain: offset of its last block's record */
	_Atomic uint64_t swap;	/* odd while account heads move between branches */
	_Atomic uint64_t from;	/* repair words: the tip before the commit under way … */
	_Atomic uint64_t to;	/* … and after it; 0: none under way */
	_Atomic uint32_t owner; /* pid of the lock's holder, 0: free */
	_Atomic uint32_t in_sync_wait;
	_Atomic uint64_t end;	  /* first free byte of the arena */
	_Atomic uint64_t granted; /* memory behind the object reaches to here */
	_Atomic uint64_t dead;
	_Atomic uint64_t lock_waits;
	_Atomic uint64_t repairs;
	_Atomic uint64_t mark; /* marks[mark % 2] counts; the other one is being written */
	struct journal_mark marks[2];
	_Atomic uint32_t load_done; /* blocks of the journal that the loader has built … */
	_Atomic uint32_t load_of;   /* … and how many there are */
	_Atomic uint32_t is_loaded;
	_Atomic uint32_t roles;	   /* slots of the role table from here on were never used */
	_Atomic uint32_t is_full;  /* a committer heard that size_max is reached */
	struct trie_root blocks;   /* by hash */
	struct trie_root txs;	   /* by id */
	struct trie_root accounts; /* by address */
	/* What the master's own process takes; it has no page among the roles. */
	_Atomic uint64_t master_cpu_us;
	_Atomic uint64_t master_resident;
	_Atomic uint64_t master_private;
};

/*
 * Arena records. All start on 8-byte boundaries. What belongs to one block lies together, in this order:
 *
 *	versions of the accounts that it changed, struct version_rec
 *	a leaf for each of its transactions, in their order, struct tx_leaf
 *	its record, struct block_rec, which is a leaf too, with the canonical bytes
 *	the upper words of its work, where it needs more than one
 *
 * so the record says how many there are, and nobody has to say where.
 */

/*
 * Trie leaves. They lie on odd units and nodes on even ones, which is how a slot tells what it names. All leaves of one
 * key are chained; keys are short enough that two things may well have the same one.
 */
struct leaf {
	struct unit next;
	uint32_t key;
};

enum block_flag {
	BLOCK_INDEXED = 1,   /* hash and transactions are in the tries */
	BLOCK_DEAD = 2,	     /* counted in control.dead: lost to another branch, or given up */
	BLOCK_JOURNALED = 4, /* it is in the journal */
	BLOCK_WIDE = 8	     /* its work does not fit into one word: three more stand behind its bytes */
};

struct block_rec {
	struct leaf leaf;
	struct unit parent;
	struct unit jump; /* an ancestor further down, see chain.c */
	uint32_t height;  /* there are fewer blocks than units */
	uint32_t size;
	uint64_t work;	 /* the lowest word of it, see BLOCK_WIDE */
	uint64_t supply; /* minted up to and with this block */
	struct hash256 hash;
	uint16_t version_count;
	_Atomic uint16_t flags; /* enum block_flag */
	uint8_t bytes[];	/* the canonical block */
};
#define BLOCK_REC_SIZE offsetof(struct block_rec, bytes)
#define WIDE_WORDS 3
_Static_assert(2 * (BLOCK_BYTES_LIMIT / TX_TRANSFER_SIZE(0)) + 2 <= UINT16_MAX,
	       "changes of a block are counted in 16 bits");

/* An account's state after one block; the older ones hang behind it. */
struct version_rec {
	uint64_t balance;
	uint32_t height;     /* of the block, so that readers need not look there */
	uint32_t sequence;   /* a chain in here has fewer transfers than units */
	struct unit prev;    /* older version on the same branch; none: the account was new */
	struct unit account; /* struct account_leaf */
};

struct tx_leaf {
	struct leaf leaf;
	uint32_t offset;   /* of the transaction in the block's bytes */
	uint32_t distance; /* leaves from this one to the block's record: 1 for its last transaction */
};

struct account_leaf {
	struct leaf leaf;
	struct unit_slot head; /* newest version */
	struct address address;
};
_Static_assert(sizeof(struct tx_leaf) % (2 * UNIT) == 0, "what follows a leaf is a leaf's place");
_Static_assert(sizeof(struct version_rec) % UNIT == 0, "whole units");

/* Tables. */

#define TALLY_RULES 64

struct span_words {
	_Atomic uint64_t buckets[TALLY_BUCKETS];
	_Atomic uint64_t sum_us;
};

struct route_words {
	_Atomic uint64_t statuses[TALLY_STATUSES];
	_Atomic uint64_t body_in, body_out;
	struct span_words span;
};

struct role_page {
	_Atomic uint32_t pid;
	_Atomic uint32_t restarts;
	_Atomic uint32_t failures;
	_Atomic uint64_t started_ms;
	_Atomic uint64_t beat_ms;
	char name[16];
	_Atomic uint64_t counters[COUNTERS];
	struct span_words times[TALLY_TIMES];
	_Atomic uint64_t rules[TALLY_RULES];
	struct route_words routes[TALLY_ROUTES];
};
#define ROLE_STRIDE (4 * PAGE)

struct peer_slot {
	_Atomic uint32_t seq; /* odd while it changes */
	_Atomic uint32_t is_used;
	struct peer_entry entry;
};

struct peer_region {
	_Atomic uint64_t version;
	struct peer_slot slots[PEER_TABLE_MAX];
};

struct pause_slot {
	_Atomic uint32_t seq;
	_Atomic uint32_t is_used;
	struct peer_pause pause;
};

struct board_region {
	_Atomic uint64_t reserved; /* tickets whose slots are, or are being, written: see board.c */
	_Atomic uint64_t posted;   /* tickets whose items are there */
	_Atomic uint64_t taken;	   /* tickets that somebody checks, or has checked */
	_Atomic uint64_t answers[BOARD_MAX];
	struct board_item items[BOARD_MAX];
};

struct pause_region {
	struct pause_slot slots[PAUSE_TABLE_MAX];
};

struct reload_region {
	_Atomic uint32_t seq;
	_Atomic uint32_t is_used;
	struct reload_note note;
};

/* Rings. */

enum slot_state { SLOT_FREE, SLOT_FILLING, SLOT_FULL, SLOT_BUSY, SLOT_DONE };
enum ring_state { RING_FREE, RING_OWNED, RING_ORPHANED };

struct ring_tx {
	_Atomic uint32_t state;
	_Atomic uint32_t is_forgotten;
	uint32_t size;
	uint32_t from_client;
	struct admission verdict;
	uint8_t bytes[TX_SIZE_MAX];
};

struct ring_block {
	_Atomic uint32_t state;
	uint64_t number; /* they are taken in the order in which they were put */
	struct pushed_block block;
};

struct ring_command {
	_Atomic uint32_t state;
	_Atomic uint32_t is_cancelled;
	_Atomic uint32_t is_forgotten;
	struct command command;
	struct command_result result;
};

struct heard_slot {
	_Atomic uint64_t item;
	_Atomic uint64_t peer;
};

/* Everything in here is the worker's to write, so consumers believe none of it. The ring's state is kept elsewhere. */
struct ring_region {
	_Atomic uint64_t tx_head; /* transfers put so far; the next goes to slot tx_head % RING_TXS */
	_Atomic uint64_t tx_done; /* transfers judged so far */
	_Atomic uint64_t hint_count;
	char hints[RING_HINTS][RING_ADDRESS_SIZE];
	_Atomic uint64_t heard_count;
	struct heard_slot heard[RING_HEARD];
	struct ring_command commands[RING_COMMANDS];
	struct ring_tx txs[RING_TXS];
	uint64_t blocks_put;
	struct ring_block blocks[RING_BLOCKS];
};

/* The pool. */

#define POOL_GONE_MAX 4096
#define POOL_OWED_MAX 8
#define POOL_NONE UINT32_MAX

struct pool_slot {
	_Atomic uint32_t seq; /* odd while it changes */
	_Atomic uint32_t is_used;
	_Atomic uint32_t next_id;     /* chain of the id's bucket; of free slots while unused */
	_Atomic uint32_t next_sender; /* chain of the sender's bucket … */
	uint32_t before_sender;	      /* … and back, for the writer: a sender may have thousands in it */
	struct pool_packed entry;
};

struct gone_slot {
	_Atomic uint32_t seq;
	uint32_t rule;
	uint64_t height;
	struct hash256 id;
};

/* How far the pool's log goes. */
struct pool_mark {
	struct log_place place;
	uint64_t start; /* position where the log begins: what is before was replaced */
};

struct pool_region {
	_Atomic uint64_t links;			       /* odd while bucket chains change */
	_Atomic uint64_t arrivals;		       /* number of the last one that came */
	_Atomic uint64_t settled;		       /* the tip that the pool has followed to */
	_Atomic uint32_t rings;			       /* master: how many there are */
	_Atomic uint32_t ring_states[STORE_RINGS_MAX]; /* master, pool: who a ring belongs to, out of workers' reach */
	/* Tips whose blocks may hold transfers that are in neither pool nor chain: a walk away from them is not done
	 * yet. */
	_Atomic uint64_t owed[POOL_OWED_MAX];
	_Atomic uint64_t mark; /* marks[mark % 2] counts; the other one is being written */
	struct pool_mark marks[2];
	_Atomic uint64_t bytes;	       /* of the transfers in it */
	_Atomic uint32_t waiting;      /* of them, those whose predecessors are missing */
	_Atomic uint32_t in_sync_wait; /* pid of the pool process while it waits for the disk */
	_Atomic int32_t log_err;       /* enum err of the last write to the log */
	_Atomic int32_t journal_err;   /* of the last write to the journal; here, because the pool process sees to it */
	_Atomic uint32_t count;
	uint32_t free;		      /* first of the freed slots, chained by next_id */
	_Atomic uint32_t next_unused; /* slots from here on were never used, and no page of theirs was touched */
	_Atomic uint64_t gone_count;
	struct gone_slot gone[POOL_GONE_MAX];
	/* behind it: by_arrival[pool_max * 2], by_id[buckets], by_sender[buckets], slots[pool_max] */
};

/* What a region holds must fit its place, and what a sequence number guards is whole words (seqslot.h). */
_Static_assert(sizeof(struct role_page) <= ROLE_STRIDE, "a role has so many pages");
_Static_assert(sizeof(struct pool_packed) % 8 == 0, "whole words");
_Static_assert(sizeof(struct peer_entry) % 8 == 0 && sizeof(struct peer_pause) % 8 == 0, "whole words");
_Static_assert(sizeof(struct reload_note) % 8 == 0, "whole words");
_Static_assert(sizeof(struct gone_slot) % 8 == 0, "whole words");

/* One process's view of the segment. */
struct store {
	uint8_t *base;	     /* mapping of the whole object */
	struct super *super; /* == base */
	struct control *control;
	int fd_read;   /* -1 once attached */
	int fd_write;  /* kept by master and committers, who grow the object */
	sem_t *sem;    /* master and committers */
	sem_t own_sem; /* of a store that nobody shares */
	uint32_t pid;
	uint32_t role;
	struct framelog *journal;  /* committers only; NULL: what is committed is not written to disk */
	struct framelog *pool_log; /* pool process and loader only; likewise */
	struct journal_frame *journal_frame;
	bool is_ahead;	       /* a thread of this process takes memory ahead, see ahead.c */
	uint64_t promised;     /* arena bytes that indexing what this process has staged will take */
	uint32_t worth_target; /* the last one asked for, and the work of one block of it */
	struct u256 worth;
	uint32_t next_ring;	    /* where the next look through the rings starts, so that none is always last */
	char name[STORE_NAME_SIZE]; /* "/rensa.NODE.HASH" */
};

/* The arena is empty again but for the genesis block. */
enum err store_refresh(struct store *s) MUSTCHECK;

static inline void *
at(const struct store *s, uint64_t offset)
{
	return s->base + offset;
}

static inline uint64_t
align8(uint64_t n)
{
	return (n + 7) & ~UINT64_C(7);
}

static inline uint64_t
align_page(uint64_t n)
{
	return (n + PAGE - 1) & ~(PAGE - 1);
}

static inline struct role_page *
role_page_at(const struct store *s, uint32_t role)
{
	return at(s, s->super->roles_at + role * ROLE_STRIDE);
}

static inline struct board_region *
board_at(const struct store *s)
{
	return at(s, s->super->board_at);
}

static inline struct ring_region *
ring_at(const struct store *s, uint32_t ring)
{
	return at(s, s->super->rings_at + ring * s->super->ring_stride);
}

static inline struct pool_region *
pool_at(const struct store *s)
{
	return at(s, s->super->pool_at);
}

/* How many of the pool's slots may be in use: who walks over all stops there. */
static inline uint32_t
pool_slots_used(const struct store *s)
{
	return atomic_load_explicit(&pool_at(s)->next_unused, memory_order_acquire);
}

/* There are more when the master was asked for them, and never fewer. */
static inline uint32_t
ring_count(const struct store *s)
{
	return atomic_load_explicit(&pool_at(s)->rings, memory_order_acquire);
}

static inline _Atomic uint32_t *
ring_state(const struct store *s, uint32_t ring)
{
	return &pool_at(s)->ring_states[ring];
}

static inline uint64_t
unit_offset(struct unit u)
{
	return u.v * UNIT;
}

static inline struct unit
unit_of(uint64_t offset)
{
	return (struct unit){(uint32_t)(offset / UNIT)};
}

/* As an offset in bytes, with all that was written before it was stored. */
static inline uint64_t
unit_load(const struct unit_slot *slot)
{
	return atomic_load_explicit(&slot->v, memory_order_acquire) * UNIT;
}

static inline void
unit_store(struct unit_slot *slot, uint64_t offset)
{
	atomic_store_explicit(&slot->v, unit_of(offset).v, memory_order_release);
}

static inline struct block_rec *
block_at(const struct store *s, uint64_t ref)
{
	return at(s, ref);
}

static inline uint32_t
block_tx_count(const struct block_rec *r)
{
	struct reader in = reader_of(r->bytes + HEADER_SIZE, sizeof(uint32_t));

	return get_u32(&in);
}

/* Where a block's first transaction leaf and its first version lie. */
static inline uint64_t
block_leaves(const struct block_rec *r, uint64_t ref)
{
	return ref - block_tx_count(r) * sizeof(struct tx_leaf);
}

static inline uint64_t
block_versions(const struct block_rec *r, uint64_t ref)
{
	return block_leaves(r, ref) - r->version_count * sizeof(struct version_rec);
}

/* Where the pool's variable parts lie behind its fixed one. */
static inline _Atomic uint32_t *
pool_by_arrival(const struct store *s)
{
	return at(s, s->super->pool_at + align8(sizeof(struct pool_region)));
}

static inline _Atomic uint32_t *
pool_by_id(const struct store *s)
{
	return pool_by_arrival(s) + (size_t)s->super->pool_max * 2;
}

static inline _Atomic uint32_t *
pool_by_sender(const struct store *s)
{
	return pool_by_id(s) + s->super->pool_buckets;
}

static inline struct pool_slot *
pool_slots(const struct store *s)
{
	return at(s, (uint64_t)((uint8_t *)(pool_by_sender(s) + s->super->pool_buckets) - s->base + 7) & ~UINT64_C(7));
}

#endif
