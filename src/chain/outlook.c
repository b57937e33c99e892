/*
 * Work done over the time that it took is the best estimate for a rate of which only the successes are seen, as long as
 * the time runs to this moment and not just to the last success. Genesis was not mined, so the first block tells
 * nothing. The mean is that of the present target: while a chain stalls, the target eases, and the true one is shorter.
 */
#include "chain/outlook.h"

#include "chain/pow.h"

struct outlook
outlook_at(const struct params *p, const struct header *tip, double work, uint64_t past_ms, double own_pace,
	   uint64_t now_ms)
{
	struct u256 needed = target_work(target_next(p, tip->height, tip->target, tip->time_ms, now_ms));
	struct outlook o = {.needed = u256_to_double(&needed)};
	/* Times of blocks are their miners' word: they may be ahead of our clock, and not in order. */
	uint64_t until_ms = now_ms > tip->time_ms ? now_ms : tip->time_ms;
	uint64_t took_ms = until_ms > past_ms ? until_ms - past_ms : 1;
	double pace;

	if (work > 0)
		o.pace = work * 1000 / (double)took_ms;
	pace = own_pace > o.pace ? own_pace : o.pace;
	if (pace > 0)
		o.expected_ms = o.needed * 1000 / pace;
	return o;
}
