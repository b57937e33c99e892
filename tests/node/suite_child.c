/* What the prologue makes of every fresh child, and how each of them ends. */
#include "node/child.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cast.h"
#include "crew.h"
#include "posts_suites.h"
#include "store/chain.h"
#include "util/failpoint.h"
#include "util/file.h"
#include "util/text.h"

static struct crew crew;

static void
begin(void)
{
	cast_open();
	crew_init(&crew);
	crew.config.http.workers = 2;
	crew_open(&crew);
}

static void
end(void)
{
	crew_close(&crew);
}

static pid_t
start(const char *role, enum cast who)
{
	pid_t pid = crew_start(&crew, role);

	crew_until(cast_count(EVENT_BEGAN, who) == 1);
	return pid;
}

/* Does the process have that file open? */
static bool
has_open(pid_t pid, int fd)
{
	char ours[64], theirs[64], path[64];
	ssize_t a, b;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	a = readlink(path, ours, sizeof(ours));
	ck_assert_int_gt(a, 0);
	for (int i = 0; i < 256; i++) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)pid, i);
		b = readlink(path, theirs, sizeof(theirs));
		if (a == b && memcmp(ours, theirs, (size_t)a) == 0)
			return true;
	}
	return false;
}

START_TEST(leaves_when_the_master_is_gone)
{
	start("helper", CAST_HELPER);
	/* As the kernel does it for a master that dies. */
	fd_close(&crew.life_write);
	ck_assert_int_eq(crew_wait(&crew, "helper"), CHILD_STOPPED);
	ck_assert(crew_said(&crew, "child: the master is gone, leaving"));
	ck_assert_uint_eq(cast_count(EVENT_ASKED, CAST_HELPER), 0);
}
END_TEST

START_TEST(leaves_for_a_dead_master_also_if_it_does_not_stop_for_a_living_one)
{
	pid_t pid;

	cast_play(CAST_HELPER, PART_DEAF);
	pid = start("helper", CAST_HELPER);
	kill(pid, SIGTERM);
	crew_until(cast_count(EVENT_ASKED, CAST_HELPER) == 1);
	fd_close(&crew.life_write);
	ck_assert_int_eq(crew_wait(&crew, "helper"), CHILD_STOPPED);
}
END_TEST

START_TEST(a_wish_to_stop_is_not_lost_however_early_it_comes)
{
	crew_start(&crew, "helper");
	ck_assert_int_eq(crew_stop(&crew, "helper"), CHILD_STOPPED);
	ck_assert_uint_eq(cast_count(EVENT_ASKED, CAST_HELPER), 1);
}
END_TEST

START_TEST(ends_with_the_code_that_its_role_gives)
{
	cast_play(CAST_HELPER, PART_LEAVE);
	for (int code = CHILD_STOPPED; code <= CHILD_NEVER; code++) {
		atomic_store(&cast_stage->codes[CAST_HELPER], code);
		crew_start(&crew, "helper");
		ck_assert_int_eq(crew_wait(&crew, "helper"), code);
	}
}
END_TEST

START_TEST(what_is_meant_for_the_master_does_not_end_it)
{
	pid_t pid = start("helper", CAST_HELPER);

	kill(pid, SIGINT);
	kill(pid, SIGHUP);
	kill(pid, SIGPIPE);
	ck_assert_int_eq(crew_stop(&crew, "helper"), CHILD_STOPPED);
}
END_TEST

START_TEST(opens_the_log_again_when_it_is_told_to)
{
	char old[PATH_MAX + 8];
	struct stat st;
	pid_t pid = start("helper", CAST_HELPER);

	snprintf(old, sizeof(old), "%s.1", crew.log);
	ck_assert_int_eq(rename(crew.log, old), 0);
	kill(pid, SIGUSR1);
	crew_until(stat(crew.log, &st) == 0);
	ck_assert_int_eq(crew_stop(&crew, "helper"), CHILD_STOPPED);
	ck_assert(crew_said(&crew, "role=helper"));
}
END_TEST

START_TEST(the_only_worker_keeps_all_listeners)
{
	pid_t worker;

	crew.env.workers = 1;
	worker = start("worker", CAST_WORKER);
	ck_assert(has_open(worker, crew.env.listeners.fds[0]));
	ck_assert(has_open(worker, crew.env.listeners.fds[1]));
}
END_TEST

START_TEST(has_its_roles_name_and_niceness)
{
	char path[64];
	struct buf name;
	pid_t pid = start("helper", CAST_HELPER);

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	buf_init(&name);
	ck_assert_int_eq(file_read(&name, path, 64), OK);
	ck_assert_str_eq(name.data, "helper\n");
	ck_assert_int_eq(getpriority(PRIO_PROCESS, (id_t)pid), getpriority(PRIO_PROCESS, 0) + CAST_NICE);
	buf_clear(&name);
}
END_TEST

START_TEST(keeps_the_listener_that_it_serves_and_no_other)
{
	pid_t worker = start("worker", CAST_WORKER), helper = start("helper", CAST_HELPER);

	ck_assert(has_open(worker, crew.env.listeners.fds[0]));
	ck_assert(!has_open(worker, crew.env.listeners.fds[1]));
	ck_assert(!has_open(helper, crew.env.listeners.fds[0]));
	ck_assert(!has_open(helper, crew.env.listeners.fds[1]));
}
END_TEST

START_TEST(shows_a_sign_of_life_also_when_nothing_happens)
{
	struct role_info first, next;

	start("helper", CAST_HELPER);
	ck_assert(role_info(crew.store, CAST_HELPER, &first));
	crew_until(role_info(crew.store, CAST_HELPER, &next) && next.beat_ms > first.beat_ms);
}
END_TEST

#ifdef RENSA_FAILPOINTS
START_TEST(without_the_segment_it_asks_for_another_try)
{
	failpoint_arm("shm.any", FAILPOINT_FAIL, 1);
	crew_start(&crew, "helper");
	ck_assert_int_eq(crew_wait(&crew, "helper"), CHILD_AGAIN);
	ck_assert(crew_said(&crew, "child: cannot attach to the segment"));
	ck_assert_uint_eq(cast_count(EVENT_BEGAN, CAST_HELPER), 0);
}
END_TEST
#endif

START_TEST(its_hello_says_who_we_are_now)
{
	struct child c = {.env = &crew.env};
	struct hello h;

	text_copy(crew.config.peers.advertise, sizeof(crew.config.peers.advertise), "node.example:5000");
	crew.config.http.listen.port = 5005;
	child_hello(&c, &h);
	ck_assert_uint_eq(h.protocol, PEER_PROTOCOL);
	ck_assert(hash_equal(&h.genesis, store_genesis(crew.store)));
	ck_assert(hash_equal(&h.head.hash, store_genesis(crew.store)));
	ck_assert_uint_eq(h.nonce, crew.env.nonce);
	ck_assert_str_eq(h.node, "test-node");
	ck_assert_str_eq(h.advertise, "node.example:5000");
	ck_assert_uint_eq(h.port, 5005);
	/* Where peers have a listener of their own, that is where we are. */
	crew.config.peers.listen.port = 6005;
	child_hello(&c, &h);
	ck_assert_uint_eq(h.port, 6005);
}
END_TEST

START_TEST(connections_leave_from_a_specific_listeners_address)
{
	struct child c = {.env = &crew.env};
	struct netaddr space, expected;

	ck_assert_int_eq(netaddr_parse(&crew.config.http.listen, "0.0.0.0:5000"), OK);
	ck_assert_ptr_null(child_from(&c, &space));
	ck_assert_int_eq(netaddr_parse(&crew.config.http.listen, "127.0.0.2:5000"), OK);
	ck_assert_int_eq(netaddr_parse_ip(&expected, "127.0.0.2"), OK);
	ck_assert_ptr_nonnull(child_from(&c, &space));
	ck_assert(netaddr_equal(&space, &expected));
	ck_assert_int_eq(netaddr_parse(&crew.config.peers.listen, "127.0.0.3:5001"), OK);
	ck_assert_int_eq(netaddr_parse_ip(&expected, "127.0.0.3"), OK);
	ck_assert_ptr_nonnull(child_from(&c, &space));
	ck_assert(netaddr_equal(&space, &expected));
}
END_TEST

Suite *
suite_child(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "child", 60);

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, leaves_when_the_master_is_gone);
	tcase_add_test(tc, leaves_for_a_dead_master_also_if_it_does_not_stop_for_a_living_one);
	tcase_add_test(tc, a_wish_to_stop_is_not_lost_however_early_it_comes);
	tcase_add_test(tc, ends_with_the_code_that_its_role_gives);
	tcase_add_test(tc, what_is_meant_for_the_master_does_not_end_it);
	tcase_add_test(tc, opens_the_log_again_when_it_is_told_to);
	tcase_add_test(tc, has_its_roles_name_and_niceness);
	tcase_add_test(tc, the_only_worker_keeps_all_listeners);
	tcase_add_test(tc, keeps_the_listener_that_it_serves_and_no_other);
	tcase_add_test(tc, shows_a_sign_of_life_also_when_nothing_happens);
#ifdef RENSA_FAILPOINTS
	tcase_add_test(tc, without_the_segment_it_asks_for_another_try);
#endif
	tcase_add_test(tc, its_hello_says_who_we_are_now);
	tcase_add_test(tc, connections_leave_from_a_specific_listeners_address);
	return suite;
}
