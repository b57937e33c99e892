/*
 * The parameters of a network. Their canonical bytes are what the genesis block commits to: every field is in them, in
 * the order of params_encode, and a new field is a new format byte.
 *
 *   format 1 (= 1), name length 1, name, address_version 1, genesis_time 8, target_interval 8, retarget 1,
 *   difficulty 1, reward 8, maturity 4, minimum_fee 8, max_block_bytes 4
 */
#include "chain/params.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "util/attr.h"
#include "util/bytes.h"

#define PARAMS_FORMAT 1

#define INTERVAL_MIN_MS 100
#define INTERVAL_MAX_MS 86400000

void
params_default(struct params *p)
{
	*p = (struct params){
	    .name = "rensa",
	    .address_version = 60,
	    .genesis_time_ms = UINT64_C(1767225600000), /* 2026-01-01T00:00:00Z */
	    .target_interval_ms = 20000,
	    .retarget = RETARGET_PER_BLOCK,
	    .difficulty = 12,
	    .reward = COIN,
	    .maturity = 0,
	    .min_fee = 0,
	    .max_block_bytes = 1u << 20,
	};
}

static bool
name_is_valid(const char *name)
{
	size_t len = strnlen(name, NETWORK_NAME_MAX + 1);
	return len >= 1 && len <= NETWORK_NAME_MAX && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.") == len;
}

enum err
params_check(const struct params *p, const char **field)
{
	const struct {
		const char *field;
		bool is_fine;
	} checks[] = {
	    {"name", name_is_valid(p->name)},
	    {"genesis_time", p->genesis_time_ms <= NUMBER_MAX},
	    {"target_interval", p->target_interval_ms >= INTERVAL_MIN_MS && p->target_interval_ms <= INTERVAL_MAX_MS},
	    {"retarget", p->retarget == RETARGET_FIXED || p->retarget == RETARGET_PER_BLOCK},
	    {"difficulty", p->difficulty <= DIFFICULTY_LIMIT},
	    {"reward", p->reward <= MONEY_MAX},
	    {"maturity", p->maturity <= MATURITY_LIMIT},
	    {"minimum_fee", p->min_fee <= MONEY_MAX},
	    {"max_block_bytes", p->max_block_bytes >= BLOCK_BYTES_MIN && p->max_block_bytes <= BLOCK_BYTES_LIMIT},
	};
	*field = NULL;
	for (size_t i = 0; i < ARRAY_LEN(checks) && !*field; i++)
		if (!checks[i].is_fine)
			*field = checks[i].field;
	return *field ? ERR_ARG : OK;
}

size_t
params_encode(uint8_t out[PARAMS_SIZE_MAX], const struct params *p)
{
	struct writer w = writer_of(out, PARAMS_SIZE_MAX);
	size_t name_len = strnlen(p->name, NETWORK_NAME_MAX);
	put_u8(&w, PARAMS_FORMAT);
	put_u8(&w, (uint8_t)name_len);
	put_bytes(&w, p->name, name_len);
	put_u8(&w, p->address_version);
	put_u64(&w, p->genesis_time_ms);
	put_u64(&w, p->target_interval_ms);
	put_u8(&w, (uint8_t)p->retarget);
	put_u8(&w, (uint8_t)p->difficulty);
	put_u64(&w, p->reward);
	put_u32(&w, p->maturity);
	put_u64(&w, p->min_fee);
	put_u32(&w, p->max_block_bytes);
	return writer_len(&w);
}

enum err
params_decode(struct params *out, const void *bytes, size_t len)
{
	struct reader r = reader_of(bytes, len);
	uint8_t format = get_u8(&r), name_len = get_u8(&r);
	const char *field;

	if (!r.failed && format > PARAMS_FORMAT)
		return ERR_UNSUPPORTED;
	*out = (struct params){0};
	if (format != PARAMS_FORMAT || name_len > NETWORK_NAME_MAX)
		return ERR_FORMAT;
	get_bytes(&r, out->name, name_len);
	out->address_version = get_u8(&r);
	out->genesis_time_ms = get_u64(&r);
	out->target_interval_ms = get_u64(&r);
	out->retarget = get_u8(&r);
	out->difficulty = get_u8(&r);
	out->reward = get_u64(&r);
	out->maturity = get_u32(&r);
	out->min_fee = get_u64(&r);
	out->max_block_bytes = get_u32(&r);
	/* A NUL inside the name would make it another one. */
	return reader_done(&r) && strlen(out->name) == name_len && params_check(out, &field) == OK ? OK : ERR_FORMAT;
}

struct hash256
params_hash(const struct params *p)
{
	uint8_t bytes[PARAMS_SIZE_MAX];
	size_t len = params_encode(bytes, p);
	return sha256(bytes, len);
}

const char *
params_difference(const struct params *a, const struct params *b)
{
	const struct {
		const char *field;
		bool is_same;
	} fields[] = {
	    {"name", strncmp(a->name, b->name, sizeof(a->name)) == 0},
	    {"address_version", a->address_version == b->address_version},
	    {"genesis_time", a->genesis_time_ms == b->genesis_time_ms},
	    {"target_interval", a->target_interval_ms == b->target_interval_ms},
	    {"retarget", a->retarget == b->retarget},
	    {"difficulty", a->difficulty == b->difficulty},
	    {"reward", a->reward == b->reward},
	    {"maturity", a->maturity == b->maturity},
	    {"minimum_fee", a->min_fee == b->min_fee},
	    {"max_block_bytes", a->max_block_bytes == b->max_block_bytes},
	};
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (!fields[i].is_same)
			return fields[i].field;
	return NULL;
}
