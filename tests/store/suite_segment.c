/* The object itself: what is refused and why, names, leftovers, what a full /dev/shm does, who may attach. */
#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "process.h"
#include "store/commit.h"
#include "store/layout.h"
#include "store/ring.h"
#include "suites.h"
#include "util/failpoint.h"
#include "witness.h"

#define MIB (UINT64_C(1) << 20)
#define PATH_SIZE 512

/* Creates, expects this error and a sentence with this word in it; nothing may be left. */
static void
expect_refusal(const struct store_options *o, enum err expected, const char *word)
{
	struct store *s = NULL;
	struct buf why;
	enum err e;

	buf_init(&why);
	e = store_create(&s, o, &why);
	if (e != expected || s != NULL || why.data == NULL || strstr(why.data, word) == NULL) {
		fprintf(stderr, "got %d, \"%s\"\n", (int)e, why.data == NULL ? "" : why.data);
		need(!"refused as it should be");
	}
	buf_clear(&why);
}

static void
paths_of(char object[PATH_SIZE], char semaphore[PATH_SIZE], const char *name)
{
	snprintf(object, PATH_SIZE, "/dev/shm/%s", name);
	snprintf(semaphore, PATH_SIZE, "/dev/shm/sem.%s", name);
}

static bool
exists(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0;
}

/* Objects and semaphores of nodes with this name. */
static unsigned
count_left(const char *node)
{
	DIR *d = opendir("/dev/shm");
	char object[64], semaphore[64];
	unsigned count = 0;

	need(d != NULL);
	snprintf(object, sizeof(object), "rensa.%s.", node);
	snprintf(semaphore, sizeof(semaphore), "sem.rensa.%s.", node);
	for (struct dirent *e = readdir(d); e != NULL; e = readdir(d))
		count += strncmp(e->d_name, object, strlen(object)) == 0 ||
			 strncmp(e->d_name, semaphore, strlen(semaphore)) == 0;
	closedir(d);
	return count;
}

static const struct refusal {
	uint64_t size_max;
	uint32_t roles;
	uint32_t rings;
	uint32_t pool_max;
	const char *word;
} refusals[] = {
    {64 * MIB, STORE_ROLES_MAX + 1, 4, 64, "too many workers"},
    {64 * MIB, 8, STORE_RINGS_MAX + 1, 64, "too many workers"},
    {64 * MIB, 8, 4, 0, "too large a pool"},
    {64 * MIB, 8, 4, STORE_POOL_MAX + 1, "too large a pool"},
    {0, 8, 4, 64, "shm_max is too small"},
    {1, 8, 4, 64, "shm_max is too small"},
    {MIB, 8, 4, 64, "ask for at least"},
    {64 * MIB, 8, STORE_RINGS_MAX, 64, "shm_max is too small"},
    {64 * MIB, 8, 4, STORE_POOL_MAX, "shm_max is too small"},
};

START_TEST(what_cannot_be_laid_out_is_refused_with_a_sentence)
{
	const struct refusal *r = &refusals[_i];
	struct store_options o = segment_options(&(struct segment_plan){.name = "refused"});

	o.size_max = r->size_max;
	o.roles = r->roles;
	o.rings = r->rings;
	o.pool_max = r->pool_max;
	expect_refusal(&o, ERR_LIMIT, r->word);
	ck_assert_uint_eq(count_left("refused"), 0);
}
END_TEST

/* To the page: what the tables need and 1 MiB for the first blocks. */
START_TEST(the_smallest_size_that_is_taken_works_and_a_page_less_is_refused)
{
	struct store *s = segment_make(&(struct segment_plan){.name = "sizes"});
	struct store_options o = segment_options(&(struct segment_plan){.name = "sizes"});
	uint64_t least = segment_tables(s) + MIB;
	struct store_usage usage;
	struct maker m;

	segment_unmake();
	o.size_max = least - 1;
	expect_refusal(&o, ERR_LIMIT, "shm_max is too small");
	s = segment_make(&(struct segment_plan){.name = "sizes", .size_max = least + PAGE - 1});
	store_usage(s, &usage);
	ck_assert_uint_eq(usage.size_max, least);
	ck_assert_uint_eq(usage.granted, least);
	maker_init(&m, s, 1);
	ck_assert_int_eq(maker_grow(&m, chain_tip(s), 20, 5), OK);
	ck_assert_int_eq(store_reserve(s, MIB), ERR_LIMIT);
	witness_accounts(s);
	maker_clear(&m);
}
END_TEST

START_TEST(is_named_after_node_and_data_folder_and_gone_when_destroyed)
{
	struct store_options o = segment_options(&(struct segment_plan){.name = "names"});
	char object[2][PATH_SIZE], semaphore[2][PATH_SIZE];
	struct store *s[2];
	struct stat st;
	struct buf why;

	buf_init(&why);
	o.data_dir = "/var/lib/one";
	ck_assert_int_eq(store_create(&s[0], &o, &why), OK);
	o.data_dir = "/var/lib/two";
	ck_assert_int_eq(store_create(&s[1], &o, &why), OK);
	ck_assert_uint_eq(why.len, 0);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(strncmp(store_object_name(s[i]), "rensa.names.", 12), 0);
		ck_assert_uint_eq(strlen(store_object_name(s[i])), 12 + 12);
		paths_of(object[i], semaphore[i], store_object_name(s[i]));
		ck_assert(exists(object[i]) && exists(semaphore[i]));
		ck_assert_int_eq(stat(object[i], &st), 0);
		ck_assert_uint_eq(st.st_mode & 07777, 0600);
	}
	ck_assert_str_ne(object[0], object[1]);
	/* Two nodes of one host do not share a key for their hash tables. */
	ck_assert_int_ne(memcmp(store_seed(s[0]), store_seed(s[1]), 16), 0);
	store_destroy(s[0]);
	ck_assert(!exists(object[0]) && !exists(semaphore[0]));
	ck_assert(exists(object[1]) && exists(semaphore[1]));
	/* Closing leaves it; the next start clears it away. */
	store_close(s[1]);
	ck_assert(exists(object[1]) && exists(semaphore[1]));
	ck_assert_int_eq(store_create(&s[1], &o, &why), OK);
	store_destroy(s[1]);
	ck_assert_uint_eq(count_left("names"), 0);
	store_close(NULL);
	store_destroy(NULL);
}
END_TEST

START_TEST(what_a_crash_left_is_replaced_by_a_fresh_segment)
{
	struct store_options o = segment_options(&(struct segment_plan){0});
	struct store *old, *s;
	struct maker m;
	struct buf why;

	buf_init(&why);
	ck_assert_int_eq(store_create(&old, &o, &why), OK);
	maker_init(&m, old, 4);
	ck_assert_int_eq(maker_grow(&m, chain_tip(old), 5, 2), OK);
	maker_clear(&m);
	/* Its owner died with the lock, and with the semaphore down. */
	ck_assert_int_eq(store_begin(old, 1000), OK);
	store_close(old);
	s = segment_make(&(struct segment_plan){0});
	ck_assert_uint_eq(chain_height(s, chain_tip(s)), 0);
	ck_assert_int_eq(store_begin(s, 1000), OK);
	store_end(s);
	witness_chain(s);
}
END_TEST

/* A folder in the way can be neither unlinked nor opened. */
START_TEST(an_object_or_semaphore_that_cannot_be_made_is_named)
{
	struct store *s = segment_make(&(struct segment_plan){.name = "inway"});
	struct store_options o = segment_options(&(struct segment_plan){.name = "inway"});
	char path[2][PATH_SIZE];

	paths_of(path[0], path[1], store_object_name(s));
	segment_unmake();
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(mkdir(path[i], 0700), 0);
		expect_refusal(&o, ERR_IO, i == 0 ? "cannot create the shared memory object" : "semaphore");
		ck_assert_int_eq(rmdir(path[i]), 0);
		ck_assert_uint_eq(count_left("inway"), 0);
	}
	o.size_max = STORE_SIZE_LIMIT + 1;
	expect_refusal(&o, ERR_LIMIT, "too large");
	ck_assert_uint_eq(count_left("inway"), 0);
}
END_TEST

#ifdef RENSA_FAILPOINTS
START_TEST(no_room_at_creation_is_said_and_nothing_is_left)
{
	struct store_options o = segment_options(&(struct segment_plan){.name = "full"});

	failpoint_arm("segment.grant", FAILPOINT_FAIL, 1);
	expect_refusal(&o, ERR_NOSPC, "no room in /dev/shm");
	ck_assert_uint_eq(count_left("full"), 0);
	segment_make(&(struct segment_plan){.name = "full"});
}
END_TEST

static unsigned
count_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned count = 0;

	need(d != NULL);
	while (readdir(d) != NULL)
		count++;
	closedir(d);
	return count;
}

/* Each step at which the system may refuse what a segment is made of, once. */
START_TEST(whatever_is_refused_at_creation_is_said_and_nothing_is_left)
{
	static const char *const steps[] = {"shm.open",	     "shm.open",      "shm.size",
					    "segment.grant", "shm.semaphore", "shm.map"};
	struct store_options o = segment_options(&(struct segment_plan){.name = "refused"});
	unsigned descriptors = count_descriptors();
	struct store *s = NULL;
	struct buf why;

	for (unsigned i = 0; i < ARRAY_LEN(steps); i++) {
		enum err e;
		buf_init(&why);
		/* By its own name, and as one of all. */
		failpoint_arm(i % 2 == 0 ? steps[i] : "shm.any", FAILPOINT_FAIL, i % 2 == 0 ? 1 : i + 1);
		e = store_create(&s, &o, &why);
		failpoint_clear();
		ck_assert_msg(e != OK && s == NULL && why.len > 0, "%s: %s", steps[i], err_text(e));
		buf_clear(&why);
		ck_assert_uint_eq(count_left("refused"), 0);
		ck_assert_uint_eq(count_descriptors(), descriptors);
	}
	/* And there are no more of them. */
	failpoint_arm("shm.any", FAILPOINT_FAIL, ARRAY_LEN(steps) + 1);
	segment_make(&(struct segment_plan){.name = "refused"});
	failpoint_clear();
}
END_TEST

START_TEST(without_room_for_more_rings_there_are_those_that_there_were)
{
	struct store *s = segment_make(&(struct segment_plan){.rings = 2});
	uint32_t ring;

	failpoint_arm("segment.grant", FAILPOINT_FAIL, 1);
	ck_assert_int_eq(store_want_rings(s, 4), ERR_NOSPC);
	failpoint_clear();
	for (uint32_t i = 0; i < 2; i++)
		ck_assert_int_eq(ring_assign(s, &ring), OK);
	ck_assert_int_eq(ring_assign(s, &ring), ERR_BUSY);
	ck_assert_int_eq(store_want_rings(s, 4), OK);
	ck_assert_int_eq(ring_assign(s, &ring), OK);
}
END_TEST

struct refused_attach {
	enum store_access access;
	unsigned pass;
	_Atomic uint32_t was_refused;
};

static void
attach(struct store *none, void *arg)
{
	(void)none;
	(void)arg;
}

static void
attach_refused(struct store *s, struct refused_attach *r)
{
	pid_t pid;

	fflush(NULL);
	if ((pid = fork()) == 0) {
		failpoint_arm("shm.any", FAILPOINT_FAIL, r->pass);
		atomic_store(&r->was_refused, store_attach(s, r->access, 1, 0) != OK);
		_exit(0);
	}
	await_ok(s, pid);
}

START_TEST(whatever_is_refused_at_attaching_is_an_error_and_the_next_one_attaches)
{
	struct store *s = segment_make(&(struct segment_plan){0});
	struct refused_attach *r = share(sizeof(*r));
	static const unsigned steps[] = {[STORE_READ] = 3, [STORE_WORKER] = 4,	  [STORE_VERIFIER] = 4,
					 [STORE_POOL] = 5, [STORE_DISCOVERY] = 4, [STORE_COMMIT] = 2};

	for (unsigned access = STORE_READ; access <= STORE_COMMIT; access++)
		for (r->pass = 1; r->pass <= steps[access] + 1; r->pass++) {
			r->access = (enum store_access)access;
			attach_refused(s, r);
			ck_assert_msg(atomic_load(&r->was_refused) == (r->pass <= steps[access]), "access %u, step %u",
				      access, r->pass);
			await_ok(s, spawn(s, r->access, 1, 0, attach, NULL));
		}
}
END_TEST
#endif

/* A /dev/shm of the child's own, of so many bytes, read-only to all but root. False: this host does not let us. */
static bool
shm_of_own(uint64_t size)
{
	char options[64];

	snprintf(options, sizeof(options), "mode=755,size=%llu", (unsigned long long)size);
	return unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("rensa-test", "/dev/shm", "tmpfs", 0, options) == 0;
}

/*
 * A /dev/shm that is really full, as in a container: the tables fit, some blocks too, then it is over. Every page that
 * was granted is touched by what is written there, so a SIGBUS would end the child.
 */
static void
fill_up(struct store *none, void *arg)
{
	struct store_options o = segment_options(&(struct segment_plan){.rings = 1});
	struct store *s;
	struct maker m;
	struct buf why;
	unsigned blocks = 0;
	uint64_t end;
	enum err e;

	(void)none;
	(void)arg;
	if (!shm_of_own(MIB))
		return;
	expect_refusal(&o, ERR_NOSPC, "no room in /dev/shm");
	need(count_left("test") == 0);
	need(umount("/dev/shm") == 0);
	need(shm_of_own(8 * MIB));
	buf_init(&why);
	need(store_create(&s, &o, &why) == OK);
	maker_init(&m, s, 1);
	while ((e = maker_grow(&m, chain_tip(s), 1, BLOCK_TXS_MAX)) == OK)
		need(++blocks < 3000);
	need(e == ERR_NOSPC);
	need(blocks > 50);
	/* Page by page, and to the last byte of each. */
	end = atomic_load(&s->control->end);
	do {
		memset(at(s, end), 0xa5, atomic_load(&s->control->granted) - end);
	} while ((e = store_reserve(s, atomic_load(&s->control->granted) - end + 1)) == OK);
	need(e == ERR_NOSPC);
	witness_chain(s);
	need(chain_swap(s, chain_at(s, chain_tip(s), 5)) == OK);
	witness_chain(s);
	store_destroy(s);
}

START_TEST(a_dev_shm_that_is_really_full_is_no_space_and_no_sigbus)
{
	await_ok(NULL, spawn(NULL, STORE_READ, 0, 0, fill_up, NULL));
}
END_TEST

static void
create_as_nobody(struct store *none, void *arg)
{
	struct store_options o = segment_options(&(struct segment_plan){0});

	(void)none;
	(void)arg;
	if (!shm_of_own(64 * MIB) || seteuid(65534) != 0)
		return;
	expect_refusal(&o, ERR_PERM, "cannot create the shared memory object");
	need(seteuid(0) == 0);
}

START_TEST(a_dev_shm_that_we_may_not_write_is_a_matter_of_permission)
{
	await_ok(NULL, spawn(NULL, STORE_READ, 0, 0, create_as_nobody, NULL));
}
END_TEST

static const struct wrong_attach {
	enum store_access access;
	uint32_t role;
	uint32_t ring;
	uint64_t magic;
	uint32_t version;
	enum err expected;
} wrong_attaches[] = {
    {STORE_READ, 7, 99, LAYOUT_MAGIC, LAYOUT_VERSION, OK},
    {STORE_READ, 8, 0, LAYOUT_MAGIC, LAYOUT_VERSION, ERR_ARG},
    {STORE_COMMIT, UINT32_MAX, 0, LAYOUT_MAGIC, LAYOUT_VERSION, ERR_ARG},
    {STORE_WORKER, 0, 3, LAYOUT_MAGIC, LAYOUT_VERSION, OK},
    {STORE_WORKER, 0, 4, LAYOUT_MAGIC, LAYOUT_VERSION, ERR_ARG},
    {STORE_WORKER, 0, UINT32_MAX, LAYOUT_MAGIC, LAYOUT_VERSION, ERR_ARG},
    {STORE_READ, 0, 0, LAYOUT_MAGIC + 1, LAYOUT_VERSION, ERR_UNSUPPORTED},
    {STORE_COMMIT, 0, 0, LAYOUT_MAGIC, LAYOUT_VERSION - 1, ERR_UNSUPPORTED},
};

struct attach_case {
	const struct wrong_attach *row;
	struct store *store;
};

static void
attach_wrongly(struct store *none, void *arg)
{
	struct attach_case *c = arg;

	(void)none;
	need(store_attach(c->store, c->row->access, c->row->role, c->row->ring) == c->row->expected);
}

START_TEST(attaching_is_refused_to_what_the_segment_has_not)
{
	struct store *s = segment_make(&(struct segment_plan){0});
	struct attach_case c = {&wrong_attaches[_i], s};

	s->super->magic = c.row->magic;
	s->super->version = c.row->version;
	await_ok(s, spawn(NULL, STORE_READ, 0, 0, attach_wrongly, &c));
}
END_TEST

static void
use_ring(struct store *s, void *arg)
{
	struct hint_cursor cursor = {{0}};
	char hint[RING_ADDRESS_SIZE];

	ring_put_hint(s, *(const uint32_t *)arg, "127.0.0.1:5000");
	need(ring_next_hint(s, &cursor, hint) && strcmp(hint, "127.0.0.1:5000") == 0);
}

START_TEST(more_rings_come_when_they_are_wanted_and_stay)
{
	struct store *s = segment_make(&(struct segment_plan){.rings = 2});
	struct store_usage before, after;
	uint32_t ring = 0;

	store_usage(s, &before);
	for (uint32_t i = 0; i < 2; i++)
		ck_assert_int_eq(ring_assign(s, &ring), OK);
	ck_assert_int_eq(ring_assign(s, &ring), ERR_BUSY);
	ck_assert_int_eq(store_want_rings(s, 5), OK);
	ck_assert_int_eq(store_want_rings(s, 1), OK);
	for (uint32_t i = 2; i < 5; i++)
		ck_assert_int_eq(ring_assign(s, &ring), OK);
	ck_assert_uint_eq(ring, 4);
	ck_assert_int_eq(ring_assign(s, &ring), ERR_BUSY);
	await_ok(s, spawn(s, STORE_WORKER, 0, ring, use_ring, &ring));
	store_usage(s, &after);
	ck_assert_uint_eq(after.granted - before.granted, 3 * s->super->ring_stride);
	ck_assert_uint_eq(after.size_max - before.size_max, 3 * s->super->ring_stride);
	/* The arena has what it had. */
	ck_assert_uint_eq(after.arena_used, before.arena_used);
	ck_assert_int_eq(store_want_rings(s, STORE_RINGS_MAX), OK);
	ck_assert_int_eq(store_want_rings(s, STORE_RINGS_MAX + 1), ERR_LIMIT);
}
END_TEST

static void
look_for_mapping(struct store *none, void *arg)
{
	const struct store *s = arg;

	(void)none;
	/* The child has the address, and nothing is there. */
	need(msync(s->base, PAGE, MS_ASYNC) != 0 && errno == ENOMEM);
}

START_TEST(the_masters_mapping_does_not_come_along_into_a_child)
{
	struct store *s = segment_make(&(struct segment_plan){0});

	ck_assert_int_eq(msync(s->base, PAGE, MS_ASYNC), 0);
	await_ok(s, spawn(NULL, STORE_READ, 0, 0, look_for_mapping, s));
}
END_TEST

/* The mapping spans size_max: what is granted later is there for those who attached before. */
static void
read_what_came_later(struct store *s, void *arg)
{
	_Atomic uint32_t *turn = arg;

	atomic_store(turn, 1);
	wait_for(turn, 2);
	need(chain_tip(s).v > s->super->arena_at + 4 * MIB);
	witness_chain(s);
}

START_TEST(children_read_what_was_granted_after_they_attached)
{
	struct store *s = segment_make(&(struct segment_plan){0});
	_Atomic uint32_t *turn = share(sizeof(*turn));
	pid_t pid = spawn(s, STORE_READ, 1, 0, read_what_came_later, (void *)turn);
	struct maker m;

	wait_for(turn, 1);
	maker_init(&m, s, 1);
	while (chain_tip(s).v <= s->super->arena_at + 4 * MIB)
		ck_assert_int_eq(maker_grow(&m, chain_tip(s), 10, BLOCK_TXS_MAX), OK);
	atomic_store(turn, 2);
	await_ok(s, pid);
	maker_clear(&m);
}
END_TEST

START_TEST(says_what_it_was_made_with_and_how_much_is_used)
{
	struct store *s = segment_make(&(struct segment_plan){.maturity = 9});
	struct store_options o = segment_options(&(struct segment_plan){.maturity = 9});
	struct hash256 genesis = genesis_hash(&o.params);
	struct store_usage usage;

	ck_assert_ptr_null(params_difference(store_params(s), &o.params));
	ck_assert(hash_equal(store_genesis(s), &genesis));
	store_usage(s, &usage);
	ck_assert_uint_eq(usage.size_max, 64 * MIB);
	ck_assert_uint_eq(usage.granted, segment_tables(s) + MIB);
	ck_assert_uint_gt(usage.arena_used, sizeof(struct block_rec));
	ck_assert_uint_lt(usage.arena_used, 4096);
	ck_assert_uint_eq(usage.arena_dead + usage.lock_waits + usage.repairs, 0);
}
END_TEST

Suite *
suite_segment(void)
{
	Suite *suite;
	TCase *tc = segment_case(&suite, "segment", 60);
	tcase_add_loop_test(tc, what_cannot_be_laid_out_is_refused_with_a_sentence, 0, ARRAY_LEN(refusals));
	tcase_add_test(tc, the_smallest_size_that_is_taken_works_and_a_page_less_is_refused);
	tcase_add_test(tc, is_named_after_node_and_data_folder_and_gone_when_destroyed);
	tcase_add_test(tc, what_a_crash_left_is_replaced_by_a_fresh_segment);
	tcase_add_test(tc, an_object_or_semaphore_that_cannot_be_made_is_named);
#ifdef RENSA_FAILPOINTS
	tcase_add_test(tc, no_room_at_creation_is_said_and_nothing_is_left);
	tcase_add_test(tc, whatever_is_refused_at_creation_is_said_and_nothing_is_left);
	tcase_add_test(tc, without_room_for_more_rings_there_are_those_that_there_were);
	tcase_add_test(tc, whatever_is_refused_at_attaching_is_an_error_and_the_next_one_attaches);
#endif
	tcase_add_test(tc, a_dev_shm_that_is_really_full_is_no_space_and_no_sigbus);
	tcase_add_test(tc, a_dev_shm_that_we_may_not_write_is_a_matter_of_permission);
	tcase_add_loop_test(tc, attaching_is_refused_to_what_the_segment_has_not, 0, ARRAY_LEN(wrong_attaches));
	tcase_add_test(tc, more_rings_come_when_they_are_wanted_and_stay);
	tcase_add_test(tc, the_masters_mapping_does_not_come_along_into_a_child);
	tcase_add_test(tc, children_read_what_was_granted_after_they_attached);
	tcase_add_test(tc, says_what_it_was_made_with_and_how_much_is_used);
	return suite;
}
