#include "usage.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "net/httpc.h"
#include "store/role_table.h"
#include "util/file.h"

#define STATM_MAX 128

static uint64_t
cpu_us(void)
{
	struct rusage u;

	if (getrusage(RUSAGE_SELF, &u) != 0)
		return 0;
	return (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000 +
	       (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

/* Bytes in memory, and of those what is not shared with other processes or a file. 0: the system does not say. */
static void
memory(uint64_t *resident, uint64_t *private)
{
	unsigned long long size, in, shared;
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	char text[STATM_MAX];
	ssize_t len = -1;
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);

	*resident = *private = 0;
	if (fd >= 0)
		len = read(fd, text, sizeof(text) - 1);
	fd_close(&fd);
	if (len <= 0)
		return;
	text[len] = '\0';
	if (sscanf(text, "%llu %llu %llu", &size, &in, &shared) != 3)
		return;
	*resident = in * page;
	*private = in > shared ? (in - shared) * page : 0;
}

void
usage_tell(struct store *s)
{
	/* What this process has told so far; its predecessor's share stays in the page. */
	static uint64_t told_cpu, told_sent, told_received;
	uint64_t cpu = cpu_us(), sent, received, resident, private;

	httpc_traffic(&sent, &received);
	role_count(s, COUNT_CPU_US, cpu - told_cpu);
	role_count(s, COUNT_SENT, sent - told_sent);
	role_count(s, COUNT_RECEIVED, received - told_received);
	told_cpu = cpu;
	told_sent = sent;
	told_received = received;
	memory(&resident, &private);
	role_set(s, COUNT_RESIDENT, resident);
	role_set(s, COUNT_PRIVATE, private);
}

void
usage_tell_master(struct store *s)
{
	uint64_t resident, private;

	memory(&resident, &private);
	role_master_takes(s, cpu_us(), resident, private);
}
