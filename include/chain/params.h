/*
 * The consensus parameters of a network, and the fixed limits of protocol version 1. Every parameter is hashed into the
 * genesis block, so nodes that differ in one refuse each other (docs/protocol.md, "Parameters").
 */
#ifndef RENSA_CHAIN_PARAMS_H
#define RENSA_CHAIN_PARAMS_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/hash.h"
#include "util/attr.h"
#include "util/err.h"

#define COIN UINT64_C(100000000)	     /* base units to a coin */
#define MONEY_MAX ((UINT64_C(1) << 53) - 1)  /* exact in every JSON reader; also the largest supply */
#define NUMBER_MAX ((UINT64_C(1) << 53) - 1) /* heights, times, sequences and nonces stay below 2^53 */

#define MEMO_MAX 256
#define TIME_AHEAD_MS 120000 /* how far ahead of our clock a block may be */
#define MEDIAN_SPAN 11	     /* blocks whose median time a new block must exceed */
#define SEQUENCE_AHEAD 64    /* pool: sequences accepted before their predecessors */

#define NETWORK_NAME_MAX 32
#define BLOCK_BYTES_MIN 1024
#define BLOCK_BYTES_LIMIT (4u << 20) /* cap of the max_block_bytes parameter: what buffers must hold */
#define DIFFICULTY_LIMIT 64	     /* leading zero bits */
#define MATURITY_LIMIT 1000

enum retarget { RETARGET_FIXED = 0, RETARGET_PER_BLOCK = 1 };

struct params {
	char name[NETWORK_NAME_MAX + 1]; /* 1 to 32 of a-z 0-9 - _ . */
	uint8_t address_version;	 /* Base58Check version byte; 60 makes addresses start with R */
	uint64_t genesis_time_ms;
	uint64_t target_interval_ms; /* 100 ms to a day */
	enum retarget retarget;
	uint32_t difficulty; /* leading zero bits of the easiest target, 0 to 64 */
	uint64_t reward;     /* base units a block, 0 to MONEY_MAX */
	uint32_t maturity;   /* a reward is credited this many blocks later, 0 to 1000 */
	uint64_t min_fee;    /* base units a transfer, 0 to MONEY_MAX */
	uint32_t max_block_bytes;
};

void params_default(struct params *p);
/* ERR_ARG with the name of the offending parameter (as in [network]) in *field. */
enum err params_check(const struct params *p, const char **field) MUSTCHECK;

#define PARAMS_SIZE_MAX 128
/* The canonical bytes; returns their length, at most PARAMS_SIZE_MAX. */
size_t params_encode(uint8_t out[PARAMS_SIZE_MAX], const struct params *p);
/*
 * What params_encode wrote. ERR_UNSUPPORTED: a later format; ERR_FORMAT: not these bytes to the last, or a parameter out
 * of its bounds.
 */
enum err params_decode(struct params *out, const void *bytes, size_t len) MUSTCHECK;
struct hash256 params_hash(const struct params *p);
/* The name of the first parameter in which a and b differ, NULL if none. */
const char *params_difference(const struct params *a, const struct params *b);

#endif
