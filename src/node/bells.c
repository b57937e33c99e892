#include "node/bells.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include "util/file.h"

enum err
bells_open(struct bells *b, uint32_t rings)
{
	int *fd;

	for (uint32_t i = 0; i < BELL_ROLES; i++)
		b->role[i] = -1;
	for (uint32_t i = 0; i < STORE_RINGS_MAX; i++)
		b->ring[i] = -1;
	if (rings > STORE_RINGS_MAX)
		return ERR_LIMIT;
	for (uint32_t i = 0; i < BELL_ROLES + rings; i++) {
		fd = i < BELL_ROLES ? &b->role[i] : &b->ring[i - BELL_ROLES];
		*fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		if (*fd < 0) {
			bells_close(b);
			return ERR_IO;
		}
	}
	return OK;
}

void
bells_close(struct bells *b)
{
	for (uint32_t i = 0; i < BELL_ROLES; i++)
		fd_close(&b->role[i]);
	for (uint32_t i = 0; i < STORE_RINGS_MAX; i++)
		fd_close(&b->ring[i]);
}

static void
ring_fd(int fd)
{
	uint64_t one = 1;

	/* Fails only when the counter is full, and then the bell is ringing already. */
	if (fd >= 0)
		(void)!write(fd, &one, sizeof(one));
}

void
bell_ring(const struct bells *b, enum bell which)
{
	ring_fd(b->role[which]);
}

void
bell_ring_worker(const struct bells *b, uint32_t ring)
{
	if (ring < STORE_RINGS_MAX)
		ring_fd(b->ring[ring]);
}

void
bell_quiet(int fd)
{
	uint64_t count;

	(void)!read(fd, &count, sizeof(count));
}

void
bell_ring_tip(const struct bells *b)
{
	bell_ring(b, BELL_POOL);
	bell_ring(b, BELL_MINER);
	bell_ring(b, BELL_RELAY);
}
