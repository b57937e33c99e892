/*
 * Who may write what: every kind of access against every region, tried by writing. What may not be written must not
 * become writable by mprotect either, and no descriptor may be left by which it could be mapped again.
 */
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "process.h"
#include "store/commit.h"
#include "store/layout.h"
#include "suites.h"

#define ROLE 2
#define RING 1

enum place {
	IN_SUPER,
	IN_CONTROL,
	IN_OWN_PAGE,
	IN_OTHER_PAGE,
	IN_PEERS,
	IN_PAUSES,
	IN_BOARD,
	IN_RELOAD,
	IN_OWN_RING,
	IN_OTHER_RING,
	IN_POOL,
	IN_ARENA,
	PLACES
};

static const char *const place_names[PLACES] = {
    "super", "control", "own page", "other page", "peers", "pauses",
    "board", "reload",	"own ring", "other ring", "pool",  "arena",
};

#define BIT(place) (1u << (place))
#define EVERYTHING (BIT(PLACES) - 1)

static const struct right {
	enum store_access access;
	const char *name;
	unsigned may_write;
} rights[] = {
    {STORE_READ, "read", BIT(IN_OWN_PAGE)},
    {STORE_WORKER, "worker", BIT(IN_OWN_PAGE) | BIT(IN_OWN_RING)},
    {STORE_POOL, "pool", BIT(IN_OWN_PAGE) | BIT(IN_OWN_RING) | BIT(IN_OTHER_RING) | BIT(IN_POOL)},
    {STORE_VERIFIER, "verifier", BIT(IN_OWN_PAGE) | BIT(IN_BOARD)},
    {STORE_DISCOVERY, "discovery", BIT(IN_OWN_PAGE) | BIT(IN_PEERS)},
    {STORE_COMMIT, "commit", EVERYTHING},
};

/* First byte and size of a place. */
static uint8_t *
place_at(const struct store *s, enum place place, uint64_t *size)
{
	const struct super *p = s->super;

	*size = PAGE;
	switch (place) {
	case IN_SUPER:
		*size = sizeof(struct super);
		return s->base;
	case IN_CONTROL:
		*size = sizeof(struct control);
		return (uint8_t *)s->control;
	case IN_OWN_PAGE:
		return at(s, p->roles_at + ROLE * ROLE_STRIDE);
	case IN_OTHER_PAGE:
		return at(s, p->roles_at + (ROLE + 1) * ROLE_STRIDE);
	case IN_PEERS:
		*size = align_page(sizeof(struct peer_region));
		return at(s, p->peers_at);
	case IN_PAUSES:
		*size = align_page(sizeof(struct pause_region));
		return at(s, p->pauses_at);
	case IN_BOARD:
		*size = align_page(sizeof(struct board_region));
		return at(s, p->board_at);
	case IN_RELOAD:
		*size = align_page(sizeof(struct reload_region));
		return at(s, p->reload_at);
	case IN_OWN_RING:
		*size = p->ring_stride;
		return at(s, p->rings_at + RING * p->ring_stride);
	case IN_OTHER_RING:
		*size = p->ring_stride;
		return at(s, p->rings_at + (RING + 1) * p->ring_stride);
	case IN_POOL:
		*size = p->pool_size;
		return at(s, p->pool_at);
	case IN_ARENA:
		*size = atomic_load(&s->control->granted) - p->arena_at;
		return at(s, p->arena_at);
	case PLACES:
		break;
	}
	need(!"a place");
	return NULL;
}

static sigjmp_buf back;

static void
on_fault(int signal)
{
	(void)signal;
	siglongjmp(back, 1);
}

/* The byte is written as it is, so that nothing is harmed where it may be. */
static bool
can_write(volatile uint8_t *byte)
{
	if (sigsetjmp(back, 1) != 0)
		return false;
	*byte = *byte;
	return true;
}

static unsigned
descriptors_of(const char *object)
{
	DIR *d = opendir("/proc/self/fd");
	char path[320], target[512];
	unsigned count = 0;

	need(d != NULL);
	for (struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
		ssize_t n;
		snprintf(path, sizeof(path), "/proc/self/fd/%s", e->d_name);
		n = readlink(path, target, sizeof(target) - 1);
		if (n <= 0)
			continue;
		target[n] = '\0';
		count += strstr(target, object) != NULL;
	}
	closedir(d);
	return count;
}

static void
try_everything(struct store *s, void *arg)
{
	const struct right *right = arg;
	struct sigaction action = {.sa_handler = on_fault};

	need(sigaction(SIGSEGV, &action, NULL) == 0);
	for (enum place place = 0; place < PLACES; place++) {
		bool may = (right->may_write & BIT(place)) != 0;
		uint64_t size;
		uint8_t *first = place_at(s, place, &size);
		uint8_t *bytes[] = {first, first + size / 2, first + size - 1};

		for (size_t i = 0; i < ARRAY_LEN(bytes); i++) {
			uintptr_t page = (uintptr_t)bytes[i] & ~(uintptr_t)(PAGE - 1);
			bool did = can_write(bytes[i]);
			if (did != may)
				fprintf(stderr, "%s, %s, byte %zu\n", right->name, place_names[place], i);
			need(did == may);
			if (!may) {
				need(mprotect((void *)page, PAGE, PROT_READ | PROT_WRITE) != 0 && errno == EACCES);
				need(!can_write(bytes[i]));
			}
		}
	}
	/* By a descriptor it could all be mapped anew. Committers grow the object, so they keep one. */
	need(descriptors_of(store_object_name(s)) == (right->access == STORE_COMMIT ? 1 : 0));
	need((s->sem != NULL) == (right->access == STORE_COMMIT));
}

START_TEST(each_kind_of_access_can_write_what_it_may_and_nothing_else)
{
	const struct right *right = &rights[_i];
	struct store *s = segment_make(&(struct segment_plan){0});

	await_ok(s, spawn(s, right->access, ROLE, RING, try_everything, (void *)right));
	ck_assert_uint_eq(descriptors_of(store_object_name(s)), 2);
}
END_TEST

/* What comes with later growth is no more writable than what was there. */
static void
try_later_growth(struct store *s, void *arg)
{
	struct sigaction action = {.sa_handler = on_fault};
	_Atomic uint32_t *turn = arg;
	uint64_t granted;

	need(sigaction(SIGSEGV, &action, NULL) == 0);
	atomic_store(turn, 1);
	wait_for(turn, 2);
	granted = atomic_load(&s->control->granted);
	need(granted > s->super->arena_at + (UINT64_C(2) << 20));
	need(!can_write(at(s, granted - 1)));
	need(mprotect(at(s, granted - PAGE), PAGE, PROT_READ | PROT_WRITE) != 0 && errno == EACCES);
}

START_TEST(what_is_granted_later_stays_out_of_a_workers_reach)
{
	struct store *s = segment_make(&(struct segment_plan){0});
	_Atomic uint32_t *turn = share(sizeof(*turn));
	pid_t pid = spawn(s, STORE_WORKER, ROLE, RING, try_later_growth, (void *)turn);

	wait_for(turn, 1);
	ck_assert_int_eq(store_reserve(s, UINT64_C(4) << 20), OK);
	atomic_store(turn, 2);
	await_ok(s, pid);
}
END_TEST

/* The test above is worth something only if mprotect would work where it should not. */
START_TEST(a_read_only_mapping_of_a_writable_descriptor_would_not_do)
{
	struct store *s = segment_make(&(struct segment_plan){0});
	void *p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, s->fd_write, 0);

	ck_assert(p != MAP_FAILED);
	ck_assert_int_eq(mprotect(p, PAGE, PROT_READ | PROT_WRITE), 0);
	munmap(p, PAGE);
	p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, s->fd_read, 0);
	ck_assert(p != MAP_FAILED);
	ck_assert_int_ne(mprotect(p, PAGE, PROT_READ | PROT_WRITE), 0);
	ck_assert_int_eq(errno, EACCES);
	ck_assert(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, s->fd_read, 0) == MAP_FAILED);
	munmap(p, PAGE);
}
END_TEST

Suite *
suite_access(void)
{
	Suite *suite;
	TCase *tc = segment_case(&suite, "access", 30);
	tcase_add_loop_test(tc, each_kind_of_access_can_write_what_it_may_and_nothing_else, 0, ARRAY_LEN(rights));
	tcase_add_test(tc, what_is_granted_later_stays_out_of_a_workers_reach);
	tcase_add_test(tc, a_read_only_mapping_of_a_writable_descriptor_would_not_do);
	return suite;
}
