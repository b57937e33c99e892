#include "node/bells.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include "util/file.h"

static enum err
bell_open(int *fd)
{
	*fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	return *fd < 0 ? ERR_IO : OK;
}

enum err
bells_open(struct bells *b, uint32_t rings)
{
	enum err e = OK;

	for (uint32_t i = 0; i < BELL_ROLES; i++)
		b->role[i] = -1;
	for (uint32_t i = 0; i < STORE_RINGS_MAX; i++)
		b->ring[i] = -1;
	for (uint32_t i = 0; i < BELL_ROLES && e == OK; i++)
		e = bell_open(&b->role[i]);
	if (e == OK)
		e = bells_extend(b, rings);
	if (e != OK)
		bells_close(b);
	return e;
}

enum err
bells_extend(struct bells *b, uint32_t rings)
{
	enum err e = rings > STORE_RINGS_MAX ? ERR_LIMIT : OK;

	for (uint32_t i = 0; i < rings && e == OK; i++)
		if (b->ring[i] < 0)
			e = bell_open(&b->ring[i]);
	return e;
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
bell_ring_workers(const struct bells *b)
{
	for (uint32_t i = 0; i < STORE_RINGS_MAX; i++)
		ring_fd(b->ring[i]);
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
