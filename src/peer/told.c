#include "peer/told.h"

#define SECOND_MS 1000

bool
told_put(struct told_queue *q, const struct told *t)
{
	if (q->count == TOLD_MAX)
		return false;
	q->all[(q->first + q->count++) % TOLD_MAX] = *t;
	return true;
}

bool
told_next(struct told_queue *q, struct told *out, uint64_t *wait_ms, uint64_t now_ms)
{
	*wait_ms = 0;
	if (q->count == 0)
		return false;
	if (q->in_second == 0 || now_ms - q->second_ms >= SECOND_MS) {
		q->second_ms = now_ms;
		q->in_second = 0;
	}
	if (q->in_second == TOLD_A_SECOND) {
		*wait_ms = q->second_ms + SECOND_MS - now_ms;
		return false;
	}
	q->in_second++;
	*out = q->all[q->first];
	q->first = (q->first + 1) % TOLD_MAX;
	q->count--;
	return true;
}
