#include "peer/backoff.h"

uint64_t
backoff_ms(uint32_t failures, uint64_t base_ms, uint64_t cap_ms, uint64_t lot)
{
	uint64_t pause = base_ms;

	for (uint32_t i = 1; i < failures && pause < cap_ms; i++)
		pause *= 2;
	if (pause > cap_ms)
		pause = cap_ms > base_ms ? cap_ms : base_ms;
	return pause - lot % (pause / 4 + 1);
}
