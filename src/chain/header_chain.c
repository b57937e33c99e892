/*
 * The rules of a header, in the order in which they are judged, cheapest first:
 *
 *   1. the version is 1                                             block-version
 *   2. the time is below 2^53                                       block-malformed
 *   3. the previous hash is the parent's                            unknown-parent
 *   4. the height is the parent's plus one, and below 2^53          wrong-height
 *   5. the time is later than the median of the last 11 blocks      time-too-old
 *   6. the target is the one that the retarget rule gives           wrong-target
 *   7. the nonce is below 2^53                                      nonce-too-large
 *   8. the hash meets the target                                    insufficient-work
 *
 * With fewer than 11 blocks the median is taken of those there are; of an even number, the later of the middle two.
 * What the clock says is judged apart (time-too-new), because it passes by waiting.
 */
#include "chain/header_chain.h"

#include "chain/pow.h"

static void
times_push(struct header_state *s, uint64_t time_ms)
{
	s->times_ms[s->at] = time_ms;
	s->at = (s->at + 1) % MEDIAN_SPAN;
	if (s->times < MEDIAN_SPAN)
		s->times++;
}

void
header_state_genesis(struct header_state *s, const struct params *p)
{
	uint8_t genesis[BLOCK_PREFIX_SIZE];
	genesis_encode(genesis, p);
	struct header h;
	header_decode(&h, genesis);
	struct hash256 hash = header_hash_bytes(genesis);
	struct u256 none = u256_of(0);
	header_state_at(s, &h, &hash, &none, &h.time_ms, 1);
}

void
header_state_at(struct header_state *s, const struct header *h, const struct hash256 *hash, const struct u256 *work,
		const uint64_t *times_ms, uint32_t count)
{
	*s = (struct header_state){.header = *h, .hash = *hash, .work = *work};
	for (uint32_t i = 0; i < count; i++)
		times_push(s, times_ms[i]);
}

uint64_t
header_state_median_ms(const struct header_state *s)
{
	/* Insertion sort: eleven numbers, nearly in order already. */
	uint64_t sorted[MEDIAN_SPAN];
	for (uint32_t i = 0; i < s->times; i++) {
		uint32_t oldest = s->times < MEDIAN_SPAN ? 0 : s->at;
		uint64_t time_ms = s->times_ms[(oldest + i) % MEDIAN_SPAN];
		uint32_t place = i;
		for (; place > 0 && sorted[place - 1] > time_ms; place--)
			sorted[place] = sorted[place - 1];
		sorted[place] = time_ms;
	}
	return sorted[s->times / 2];
}

enum rule
header_check(const struct header_state *s, const struct header *h, const struct hash256 *hash, const struct params *p)
{
	if (h->version != BLOCK_VERSION)
		return RULE_BLOCK_VERSION;
	if (h->time_ms > NUMBER_MAX)
		return RULE_BLOCK_MALFORMED;
	if (!hash_equal(&h->previous, &s->hash))
		return RULE_UNKNOWN_PARENT;
	if (h->height != s->header.height + 1 || h->height > NUMBER_MAX)
		return RULE_WRONG_HEIGHT;
	if (h->time_ms <= header_state_median_ms(s))
		return RULE_TIME_TOO_OLD;
	if (h->target != target_next(p, s->header.height, s->header.target, s->header.time_ms, h->time_ms))
		return RULE_WRONG_TARGET;
	if (h->nonce > NUMBER_MAX)
		return RULE_NONCE_TOO_LARGE;
	if (!target_is_met(h->target, hash))
		return RULE_INSUFFICIENT_WORK;
	return RULE_OK;
}

enum rule
header_check_clock(const struct header *h, uint64_t now_ms)
{
	return h->time_ms > now_ms && h->time_ms - now_ms > TIME_AHEAD_MS ? RULE_TIME_TOO_NEW : RULE_OK;
}

void
header_state_advance(struct header_state *s, const struct header *h, const struct hash256 *hash)
{
	struct u256 work = target_work(h->target);
	s->header = *h;
	s->hash = *hash;
	s->work = u256_add(&s->work, &work);
	times_push(s, h->time_ms);
}
