/*
 * The shared segment: one POSIX shared-memory object that holds the chain, its indexes, the pool, the workers' rings
 * and the tables of peers and roles. src/store/README.md draws it.
 *
 * The master creates it and forks; each child then attaches, which drops the inherited mapping and maps everything from
 * a read-only descriptor, and from a writable one only what its access says. The mapping spans all of it from the start,
 * so growth never moves it; memory behind it is granted by posix_fallocate, so a full /dev/shm is ERR_NOSPC and no
 * SIGBUS.
 */
#ifndef RENSA_STORE_STORE_H
#define RENSA_STORE_STORE_H

#include <stdint.h>
#include <sys/types.h>

#include "chain/params.h"
#include "crypto/hash.h"
#include "util/attr.h"
#include "util/buf.h"
#include "util/err.h"

struct store;

#define STORE_SIZE_MIN (UINT64_C(16) << 20)
#define STORE_SIZE_LIMIT (UINT64_C(32) << 30) /* records name one another by 32 bits, in units of 8 bytes */
#define STORE_RINGS_MAX 128
#define STORE_ROLES_MAX 96
#define STORE_POOL_MAX (1u << 20)

struct store_options {
	const char *name;     /* of the node: a-z 0-9 - _ . */
	const char *data_dir; /* hashed into the object's name, so that two nodes live on one host */
	uint64_t size_max;    /* bytes of the object, fixed tables included */
	uint32_t roles;	      /* slots in the role table */
	uint32_t rings;	      /* twice the workers; more can be had later */
	uint32_t pool_max;    /* transfers in the pool */
	struct params params;
};

enum store_access {
	STORE_READ,	 /* everything read-only, but the own role page */
	STORE_WORKER,	 /* and the own ring */
	STORE_VERIFIER,	 /* and the board */
	STORE_POOL,	 /* and the pool and all rings */
	STORE_DISCOVERY, /* and the peer table */
	STORE_COMMIT	 /* everything: miner, resolver */
};

/*
 * Removes a stale object of the same name (the caller holds the data folder's lock, so nobody else uses it) and creates
 * a fresh one that holds the genesis block. why gets a sentence on failure: ERR_NOSPC, ERR_PERM, ERR_LIMIT (size_max
 * below what the fixed tables need), ERR_IO.
 */
enum err store_create(struct store **out, const struct store_options *options, struct buf *why) MUSTCHECK;
/*
 * A fresh one in memory of this process alone, laid out like another: to build a chain beside the live one. store_close
 * frees it. ERR_NOMEM.
 */
enum err store_create_private(struct store **out, const struct store *like) MUSTCHECK;
/* In a child, once, right after the fork. ring matters to STORE_WORKER only. */
enum err store_attach(struct store *s, enum store_access access, uint32_t role, uint32_t ring) MUSTCHECK;
/* The master: from here on there are so many rings at least. ERR_NOSPC: /dev/shm has no room for them; ERR_LIMIT. */
enum err store_want_rings(struct store *s, uint32_t rings) MUSTCHECK;
/* Unmaps and closes. The object stays. */
void store_close(struct store *s);
/* The master, at the end: unlinks the object and its semaphore, then closes. */
void store_destroy(struct store *s);

#define STORE_NAME_SIZE 64
/*
 * The name of the objects of a node, for shm_open and sem_open: its own name for people, a hash of its data folder (one
 * spelling of it: an absolute path without links) for uniqueness.
 */
void store_name(char out[STORE_NAME_SIZE], const char *node, const char *data_dir);
/* What a start takes of /dev/shm at once: bytes. */
uint64_t store_first_size(const struct store_options *options);
/* The name under which the objects appear in /dev/shm, without "sem.". */
const char *store_object_name(const struct store *s);
const struct params *store_params(const struct store *s);
const struct hash256 *store_genesis(const struct store *s); /* hash of the genesis block: the network id */
/* Random bytes drawn at creation: keys of hash tables, also those of other rooms. */
const uint8_t *store_seed(const struct store *s);

struct store_usage {
	uint64_t size_max;
	uint64_t granted;	/* bytes of memory behind the object */
	uint64_t arena_max;	/* what the chain may take of it … */
	uint64_t arena_granted; /* … has memory behind it … */
	uint64_t arena_used;	/* … and is taken: records and indexes */
	uint64_t arena_dead;	/* of those, records that no chain of ours needs any more, or abandoned */
	uint64_t lock_waits;	/* times a writer had to wait for the lock */
	uint64_t repairs;	/* commits that another process had to finish or take back */
};
void store_usage(const struct store *s, struct store_usage *out);

#endif
