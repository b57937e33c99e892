/*
 * The object itself: made, mapped, grown and removed here, and nowhere else. The regions and their order are in
 * layout.h.
 *
 * What must stay true: memory behind every byte that any process touches was granted by posix_fallocate before; a child
 * never holds a writable mapping or descriptor beyond its access (a read-only mapping of a writable descriptor could be
 * made writable again by mprotect, one of a read-only descriptor cannot, so there are two descriptors).
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "chain/block.h"
#include "crypto/random.h"
#include "layout.h"
#include "lock.h"
#include "pool_slots.h"
#include "segment.h"
#include "store/commit.h"
#include "store/store.h"
#include "util/failpoint.h"
#include "util/file.h"
#include "util/mem.h"

#define ARENA_FIRST (UINT64_C(1) << 20)
#define GROW_MIN (UINT64_C(1) << 20)
#define GROW_MAX (UINT64_C(64) << 20)

static uint32_t
power_of_two_above(uint32_t n)
{
	uint32_t p = 1;
	while (p < n)
		p <<= 1;
	return p;
}

void
store_name(char out[STORE_NAME_SIZE], const char *node, const char *data_dir)
{
	struct hash256 h = sha256(data_dir, strlen(data_dir));

	snprintf(out, STORE_NAME_SIZE, "/rensa.%.32s.%02x%02x%02x%02x%02x%02x", node, h.b[0], h.b[1], h.b[2], h.b[3],
		 h.b[4], h.b[5]);
}

static void
layout_plan(struct super *p, const struct store_options *o)
{
	uint64_t next = align_page(sizeof(struct super)) + align_page(sizeof(struct control));

	memset(p, 0, sizeof(*p));
	p->magic = LAYOUT_MAGIC;
	p->version = LAYOUT_VERSION;
	p->roles = o->roles;
	p->pool_max = o->pool_max;
	p->pool_buckets = power_of_two_above(o->pool_max);
	p->params = o->params;
	p->genesis = genesis_hash(&o->params);
	random_bytes(p->seed, sizeof(p->seed));

	p->roles_at = next;
	next += p->roles * ROLE_STRIDE;
	p->peers_at = next;
	next += align_page(sizeof(struct peer_region));
	p->pauses_at = next;
	next += align_page(sizeof(struct pause_region));
	p->board_at = next;
	next += align_page(sizeof(struct board_region));
	p->reload_at = next;
	next += align_page(sizeof(struct reload_region));
	p->pool_at = next;
	p->pool_size = align_page(align8(sizeof(struct pool_region)) +
				  ((uint64_t)p->pool_max * 2 + (uint64_t)p->pool_buckets * 2) * sizeof(uint32_t) + 8 +
				  (uint64_t)p->pool_max * sizeof(struct pool_slot));
	next += p->pool_size;
	p->arena_at = next;

	/* The rings that there are count as part of what was asked for; those that may come later do not. */
	p->ring_stride = align_page(sizeof(struct ring_region));
	p->size_max = o->size_max / PAGE * PAGE;
	p->size_max -= p->size_max < o->rings * p->ring_stride ? p->size_max : o->rings * p->ring_stride;
	p->rings_at = p->size_max;
	p->size = p->rings_at + STORE_RINGS_MAX * p->ring_stride;
}

/* Does a test want this step to be one that the system refused? All of them together are passes of "shm.any". */
static bool
fails(const char *failpoint, int as)
{
	/* Both are asked, so that each counts all its passes. */
	bool any = FAILPOINT_FAILS("shm.any"), this = FAILPOINT_FAILS(failpoint);

	(void)failpoint;
	if (any || this)
		errno = as;
	return any || this;
}

static enum err
grant(int fd, uint64_t from, uint64_t size)
{
	int e;

	do
		e = posix_fallocate(fd, (off_t)from, (off_t)size);
	while (e == EINTR);
	return e == 0 ? OK : e == ENOSPC ? ERR_NOSPC : ERR_IO;
}

/* The genesis block is record one of the arena, written before anybody else can look. */
static enum err
write_genesis(struct store *s)
{
	uint8_t bytes[BLOCK_PREFIX_SIZE];
	struct blockref none = {0}, ref;
	struct block b;
	enum err e;

	genesis_encode(bytes, &s->super->params);
	if (block_parse(&b, bytes, sizeof(bytes)) != RULE_OK)
		return ERR_ARG;
	if ((e = store_begin(s, 1000)) != OK)
		return e;
	e = stage_block(s, &ref, none, &b, 0, NULL, 0, NULL);
	if (e == OK)
		e = commit_tip(s, none, ref);
	if (e == OK) {
		s->super->genesis_ref = ref.v;
		atomic_store(&pool_at(s)->settled, ref.v);
	}
	store_end(s);
	return e;
}

enum err
store_refresh(struct store *s)
{
	struct control *c = s->control;

	atomic_store(&c->end, s->super->arena_at);
	atomic_store(&c->dead, 0);
	unit_store(&c->blocks.slot, 0);
	unit_store(&c->txs.slot, 0);
	unit_store(&c->accounts.slot, 0);
	atomic_store(&c->tip, 0);
	return write_genesis(s);
}

static enum err
map_all(struct store *s, int fd, int prot, uint64_t size)
{
	void *p = fails("shm.map", ENOMEM) ? MAP_FAILED : mmap(NULL, size, prot, MAP_SHARED | MAP_NORESERVE, fd, 0);

	if (p == MAP_FAILED)
		return ERR_NOMEM;
	s->base = p;
	s->super = p;
	s->control = at(s, align_page(sizeof(struct super)));
	return OK;
}

static enum err
lay_out(struct store *s, const struct super *plan, uint64_t granted, uint32_t rings)
{
	*s->super = *plan;
	atomic_store(&s->control->granted, granted);
	atomic_store(&pool_at(s)->rings, rings);
	pool_links_reset(s);
	return store_refresh(s);
}

enum err
store_create_private(struct store **out, const struct store *like)
{
	struct store *s = xcalloc(1, sizeof(*s));
	struct super plan = *like->super;
	enum err e = ERR_NOMEM;
	void *p;

	s->fd_read = s->fd_write = -1;
	s->pid = (uint32_t)getpid();
	p = fails("shm.map", ENOMEM)
		? MAP_FAILED
		: mmap(NULL, plan.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p != MAP_FAILED && sem_init(&s->own_sem, 0, 1) == 0) {
		s->sem = &s->own_sem;
		s->base = p;
		s->super = p;
		s->control = at(s, align_page(sizeof(struct super)));
		e = lay_out(s, &plan, plan.size_max, ring_count(like));
	}
	if (e != OK) {
		store_close(s);
		s = NULL;
	}
	*out = s;
	return e;
}

uint64_t
store_first_size(const struct store_options *o)
{
	struct super plan;

	layout_plan(&plan, o);
	return plan.arena_at + ARENA_FIRST + o->rings * plan.ring_stride;
}

enum err
store_create(struct store **out, const struct store_options *o, struct buf *why)
{
	struct store *s = xcalloc(1, sizeof(*s));
	struct super plan;
	uint64_t rings;
	enum err e = ERR_IO;

	*out = NULL;
	s->fd_read = s->fd_write = -1;
	s->pid = (uint32_t)getpid();
	store_name(s->name, o->name, o->data_dir);
	if (o->rings > STORE_RINGS_MAX || o->roles > STORE_ROLES_MAX || o->pool_max == 0 ||
	    o->pool_max > STORE_POOL_MAX) {
		buf_printf(why, "the shared segment cannot be laid out: too many workers or too large a pool");
		store_close(s);
		return ERR_LIMIT;
	}
	if (o->size_max > STORE_SIZE_LIMIT) {
		buf_printf(why, "shm_max is too large: a segment has at most %" PRIu64 " GiB", STORE_SIZE_LIMIT >> 30);
		store_close(s);
		return ERR_LIMIT;
	}
	layout_plan(&plan, o);
	rings = o->rings * plan.ring_stride;
	if (plan.size_max < plan.arena_at + ARENA_FIRST) {
		buf_printf(why,
			   "shm_max is too small: pool and rings alone need %" PRIu64 " MiB, ask for at least %" PRIu64
			   " MiB",
			   ((plan.arena_at + rings) >> 20) + 1, ((plan.arena_at + rings) >> 20) + 16);
		e = ERR_LIMIT;
		goto out;
	}

	shm_unlink(s->name);
	sem_unlink(s->name);
	if (!fails("shm.open", EMFILE))
		s->fd_write = shm_open(s->name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (s->fd_write >= 0 && !fails("shm.open", EMFILE))
		s->fd_read = shm_open(s->name, O_RDONLY | O_CLOEXEC, 0);
	if (s->fd_read < 0) {
		e = errno == EACCES ? ERR_PERM : ERR_IO;
		buf_printf(why, "cannot create the shared memory object %s: %s", s->name, strerror(errno));
		goto out;
	}
	if (fails("shm.size", EIO) || ftruncate(s->fd_write, (off_t)plan.size) != 0) {
		buf_printf(why, "cannot size the shared memory object %s: %s", s->name, strerror(errno));
		goto out;
	}
	e = fails("segment.grant", ENOSPC) ? ERR_NOSPC : grant(s->fd_write, 0, plan.arena_at + ARENA_FIRST);
	if (e == OK)
		e = grant(s->fd_write, plan.rings_at, rings);
	if (e != OK) {
		buf_printf(why,
			   "no room in /dev/shm for %" PRIu64
			   " MiB: free some, enlarge it (docker: shm_size), or lower pool_max",
			   ((plan.arena_at + ARENA_FIRST + rings) >> 20) + 1);
		goto out;
	}
	s->sem = fails("shm.semaphore", EMFILE) ? SEM_FAILED : sem_open(s->name, O_CREAT | O_EXCL, 0600, 1);
	if (s->sem == SEM_FAILED) {
		s->sem = NULL;
		e = ERR_IO;
		buf_printf(why, "cannot create the semaphore %s: %s", s->name, strerror(errno));
		goto out;
	}
	if ((e = map_all(s, s->fd_write, PROT_READ | PROT_WRITE, plan.size)) != OK) {
		buf_printf(why, "cannot map %" PRIu64 " MiB of shared memory: %s", plan.size >> 20, strerror(errno));
		goto out;
	}
	madvise(s->base, plan.size, MADV_DONTFORK);
	if ((e = lay_out(s, &plan, plan.arena_at + ARENA_FIRST, o->rings)) != OK)
		buf_printf(why, "cannot write the genesis block: %s", err_text(e));
out:
	if (e != OK) {
		store_destroy(s);
		s = NULL;
	}
	*out = s;
	return e;
}

static void
drop_journal(struct store *s)
{
	framelog_free(s->journal);
	free(s->journal_frame);
	s->journal = NULL;
	s->journal_frame = NULL;
}

static void
drop_pool_log(struct store *s)
{
	framelog_free(s->pool_log);
	s->pool_log = NULL;
}

/* Lays a writable window over the read-only mapping, at the same place. */
static enum err
window(struct store *s, uint64_t from, uint64_t size)
{
	void *p = fails("shm.map", ENOMEM) ? MAP_FAILED
					   : mmap(s->base + from, size, PROT_READ | PROT_WRITE,
						  MAP_SHARED | MAP_FIXED | MAP_NORESERVE, s->fd_write, (off_t)from);
	return p == MAP_FAILED ? ERR_NOMEM : OK;
}

enum err
store_attach(struct store *s, enum store_access access, uint32_t role, uint32_t ring)
{
	struct super plan;
	enum err e = OK;

	/* The master's mapping did not come along (MADV_DONTFORK): the identity is read back from the object. */
	s->base = NULL;
	s->promised = 0;
	if (fails("shm.read", EIO) || pread(s->fd_read, &plan, sizeof(plan), 0) != (ssize_t)sizeof(plan) ||
	    plan.magic != LAYOUT_MAGIC || plan.version != LAYOUT_VERSION)
		return ERR_UNSUPPORTED;
	if (role >= plan.roles)
		return ERR_ARG;
	s->pid = (uint32_t)getpid();
	s->role = role;
	if (access == STORE_COMMIT) {
		e = map_all(s, s->fd_write, PROT_READ | PROT_WRITE, plan.size);
		fd_close(&s->fd_read);
		return e;
	}
	drop_journal(s);
	if (access != STORE_POOL)
		drop_pool_log(s);
	if ((e = map_all(s, s->fd_read, PROT_READ, plan.size)) != OK)
		return e;
	if (access == STORE_WORKER && ring >= ring_count(s))
		return ERR_ARG;
	e = window(s, plan.roles_at + role * ROLE_STRIDE, ROLE_STRIDE);
	if (e == OK && access == STORE_WORKER)
		e = window(s, plan.rings_at + ring * plan.ring_stride, plan.ring_stride);
	if (e == OK && access == STORE_POOL)
		e = window(s, plan.rings_at, plan.size - plan.rings_at);
	if (e == OK && access == STORE_POOL)
		e = window(s, plan.pool_at, plan.pool_size);
	if (e == OK && access == STORE_VERIFIER)
		e = window(s, plan.board_at, align_page(sizeof(struct board_region)));
	if (e == OK && access == STORE_DISCOVERY)
		e = window(s, plan.peers_at, align_page(sizeof(struct peer_region)));
	fd_close(&s->fd_read);
	fd_close(&s->fd_write);
	if (s->sem != NULL)
		sem_close(s->sem);
	s->sem = NULL;
	return e;
}

void
store_close(struct store *s)
{
	if (s == NULL)
		return;
	if (s->base != NULL)
		munmap(s->base, s->super->size);
	if (s->sem == &s->own_sem)
		sem_destroy(s->sem);
	else if (s->sem != NULL)
		sem_close(s->sem);
	drop_journal(s);
	drop_pool_log(s);
	fd_close(&s->fd_read);
	fd_close(&s->fd_write);
	free(s);
}

void
store_destroy(struct store *s)
{
	if (s == NULL)
		return;
	shm_unlink(s->name);
	sem_unlink(s->name);
	store_close(s);
}

enum err
segment_grow(struct store *s, uint64_t from, uint64_t to)
{
	struct control *c = s->control;
	enum err e = grant(s->fd_write, from, to - from);

	if (e != OK)
		return e;
#ifdef MADV_POPULATE_WRITE
	/* Faults taken in one go cost a tenth of those taken one by one. A kernel that cannot says so, and no harm is done. */
	(void)madvise(s->base + from, to - from, MADV_POPULATE_WRITE);
#endif
	while (from < to && !atomic_compare_exchange_weak(&c->granted, &from, to))
		;
	return OK;
}

/* Passes of the failpoint are ours alone: a thread that takes memory ahead would spoil their order. */
static enum err
grow_now(struct store *s, uint64_t from, uint64_t to)
{
	return fails("segment.grant", ENOSPC) ? ERR_NOSPC : segment_grow(s, from, to);
}

enum err
store_reserve(struct store *s, uint64_t bytes)
{
	struct control *c = s->control;
	uint64_t granted = atomic_load(&c->granted), need, grow, to;
	enum err e;

	if (bytes > s->super->size_max)
		return ERR_LIMIT;
	need = atomic_load(&c->end) + s->promised + bytes;
	if (need <= granted)
		return OK;
	if (need > s->super->size_max) {
		atomic_store(&c->is_full, 1);
		return ERR_LIMIT;
	}
	/*
	 * A quarter more each time, within bounds, so that growth costs a bounded share of work and of memory. Where a
	 * thread takes memory ahead, only what it has not come to.
	 */
	grow = s->is_ahead ? 0 : granted / 4;
	grow = grow < GROW_MIN ? GROW_MIN : grow > GROW_MAX ? GROW_MAX : grow;
	to = align_page(need > granted + grow ? need : granted + grow);
	if (to > s->super->size_max)
		to = s->super->size_max;
	e = grow_now(s, granted, to);
	if (e == ERR_NOSPC && to > align_page(need))
		e = grow_now(s, granted, align_page(need));
	return e;
}

enum err
store_want_rings(struct store *s, uint32_t rings)
{
	const struct super *p = s->super;
	uint32_t before = ring_count(s);
	enum err e;

	if (rings > STORE_RINGS_MAX)
		return ERR_LIMIT;
	if (rings <= before)
		return OK;
	e = fails("segment.grant", ENOSPC)
		? ERR_NOSPC
		: grant(s->fd_write, p->rings_at + before * p->ring_stride, (rings - before) * p->ring_stride);
	if (e == OK)
		atomic_store_explicit(&pool_at(s)->rings, rings, memory_order_release);
	return e;
}

const char *
store_object_name(const struct store *s)
{
	return s->name + 1;
}

const struct params *
store_params(const struct store *s)
{
	return &s->super->params;
}

const struct hash256 *
store_genesis(const struct store *s)
{
	return &s->super->genesis;
}

const uint8_t *
store_seed(const struct store *s)
{
	return s->super->seed;
}

void
store_usage(const struct store *s, struct store_usage *out)
{
	const struct control *c = s->control;
	uint64_t rings = ring_count(s) * s->super->ring_stride;

	out->size_max = s->super->size_max + rings;
	out->granted = atomic_load(&c->granted) + rings;
	out->arena_max = s->super->size_max - s->super->arena_at;
	out->arena_granted = atomic_load(&c->granted) - s->super->arena_at;
	out->arena_used = atomic_load(&c->end) - s->super->arena_at;
	out->arena_dead = atomic_load(&c->dead);
	out->lock_waits = atomic_load(&c->lock_waits);
	out->repairs = atomic_load(&c->repairs);
}
