#include "sync.h"

#include "store/role_table.h"

bool
sync_is_active(const struct store *s)
{
	return role_total(s, COUNT_SYNC_TARGET) > 0;
}

void
sync_write(struct jout *j, const struct store *s)
{
	uint64_t height = role_total(s, COUNT_SYNC_HEIGHT), target = role_total(s, COUNT_SYNC_TARGET);
	uint64_t rate = role_total(s, COUNT_SYNC_RATE), left = target > height ? target - height : 0;

	jout_object(j);
	jout_kbool(j, "active", target > 0);
	jout_ku64(j, "height", height);
	jout_ku64(j, "target", target);
	if (target > 0) {
		jout_ku64(j, "percent", height < target ? height * 100 / target : 100);
		jout_ku64(j, "blocks_per_second", rate);
		if (rate > 0)
			jout_ku64(j, "seconds_left", (left + rate - 1) / rate);
		jout_ku64(j, "peers", role_total(s, COUNT_SYNC_PEERS));
	}
	jout_object_end(j);
}
