#include "capacity.h"

#include "store/role_table.h"

struct capacity
capacity_get(const struct store *s, enum capacity_of what)
{
	bool is_disk = what == CAPACITY_DISK;
	struct capacity c = {
	    .used = role_total(s, is_disk ? COUNT_DISK_USED : COUNT_MEMORY_USED),
	    .max = role_total(s, is_disk ? COUNT_DISK_MAX : COUNT_MEMORY_MAX),
	    .full_ms = role_total(s, is_disk ? COUNT_DISK_FULL_MS : COUNT_MEMORY_FULL_MS),
	    .is_high = role_total(s, is_disk ? COUNT_DISK_IS_HIGH : COUNT_MEMORY_IS_HIGH) != 0,
	};

	c.left = c.max > c.used ? c.max - c.used : 0;
	c.percent = c.left == 0 ? 100 : (uint32_t)((unsigned __int128)c.used * 100 / c.max);
	return c;
}
