/*
 * What a bare loop at the disk gets: at fixed times it appends as much as a pooled transfer takes in the log and syncs, with
 * one sync for all that are due by then, as the pool does, into disk space that is there already. It runs before everybody
 * else, where it is allowed to, so what it waits for is the disk and nothing else. No node that keeps its promises can be
 * faster on this machine under this load.
 *
 * usage: append FILE RATE SECONDS	makes FILE, removes it again, and prints {"count","p50","p99","p999"} in ms
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "maker.h"
#include "precise.h"
#include "util/mem.h"
#include "util/text.h"

#define ENTRY 320 /* bytes of a transfer and its frame in the pool's log */
#define COUNT_MAX 1000000
#define AT_ONCE_MAX 4096

static void
sleep_until(uint64_t ns)
{
	struct timespec t = {(time_t)(ns / 1000000000), (long)(ns % 1000000000)};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) != 0)
		;
}

static int
compare_ms(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* Written and synced ahead, so that an append changes nothing but bytes. */
static int
file_make(const char *path, uint64_t size)
{
	static const uint8_t zeros[1 << 16];
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	must(fd >= 0, "cannot make the file");
	for (uint64_t at = 0; at < size; at += sizeof(zeros))
		must(pwrite(fd, zeros, sizeof(zeros), (off_t)at) == sizeof(zeros), "cannot fill the file");
	must(fsync(fd) == 0, "cannot sync the file");
	return fd;
}

/* ms[i]: how long after it was due the i-th was on the disk. */
static void
run(int fd, uint64_t count, uint64_t pause_ns, double *ms)
{
	static uint8_t entries[AT_ONCE_MAX * ENTRY];
	uint64_t begun = now_ns(), i = 0;

	memset(entries, 1, sizeof(entries));
	while (i < count) {
		uint64_t due, n;

		sleep_until(begun + i * pause_ns);
		due = (now_ns() - begun) / pause_ns + 1;
		n = (due < count ? due : count) - i;
		if (n > AT_ONCE_MAX)
			n = AT_ONCE_MAX;
		must(pwrite(fd, entries, n * ENTRY, (off_t)(i * ENTRY)) == (ssize_t)(n * ENTRY), "cannot append");
		must(fdatasync(fd) == 0, "cannot sync");
		for (uint64_t on_disk = now_ns(); n > 0; n--, i++)
			ms[i] = (double)(on_disk - begun - i * pause_ns) / 1e6;
	}
}

int
main(int argc, char **argv)
{
	uint64_t rate, seconds, count;
	double *ms;
	int fd;

	if (argc != 4 || text_u64(&rate, argv[2], COUNT_MAX) != OK || text_u64(&seconds, argv[3], 60) != OK ||
	    rate == 0 || seconds == 0 || rate * seconds > COUNT_MAX) {
		fprintf(stderr, "usage: append FILE RATE SECONDS\n");
		return 2;
	}
	count = rate * seconds;
	ms = xcalloc(count, sizeof(*ms));
	fd = file_make(argv[1], count * ENTRY);
	go_first("append");
	run(fd, count, 1000000000 / rate, ms);
	unlink(argv[1]);
	close(fd);
	qsort(ms, count, sizeof(*ms), compare_ms);
	printf("{\"count\":%" PRIu64 ",\"p50\":%.3f,\"p99\":%.3f,\"p999\":%.3f}\n", count, ms[count / 2],
	       ms[count * 99 / 100], ms[count * 999 / 1000]);
	free(ms);
	return 0;
}
