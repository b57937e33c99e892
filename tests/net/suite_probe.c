/* Which addresses answer, at which pace, and that running short of something of ours is not their answer. */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/probe.h"
#include "rig.h"
#include "suites.h"
#include "util/file.h"

static struct rig r;
static struct probe *probe;
static struct {
	struct netaddr at[300];
	enum probe_result result[300];
	unsigned count;
	unsigned idle;
	unsigned idle_at; /* count when idle was last called */
} seen;
static struct netaddr chain_next; /* added by found, once; port 0: nothing */
static bool is_free_wanted;

static void
forget(void)
{
	memset(&seen, 0, sizeof(seen));
	chain_next.port = 0;
	is_free_wanted = false;
}

static void
found(void *ctx, const struct netaddr *at, enum probe_result result)
{
	(void)ctx;
	ck_assert_uint_lt(seen.count, ARRAY_LEN(seen.at));
	seen.at[seen.count] = *at;
	seen.result[seen.count++] = result;
	if (chain_next.port != 0) {
		probe_add(probe, &chain_next);
		chain_next.port = 0;
	}
	if (is_free_wanted)
		probe_free(probe);
}

static void
idle(void *ctx)
{
	(void)ctx;
	seen.idle++;
	seen.idle_at = seen.count;
}

static struct probe_options
options(void)
{
	return (struct probe_options){.rate = 100000, .timeout_ms = 10000, .open_max = 64};
}

static void
start(const struct probe_options *o)
{
	r = (struct rig){.loop = loop_new()};
	r.listen_fd = rig_listen(&r.at);
	probe = probe_new(r.loop, o, found, idle, NULL);
}

static void
stop(void)
{
	probe_free(probe);
	loop_free(r.loop);
	fd_close(&r.listen_fd);
}

/* An address of this host where nobody listens. */
static struct netaddr
closed_port(void)
{
	struct netaddr at;
	int fd = rig_listen(&at);
	fd_close(&fd);
	return at;
}

/* A listener whose queue is full, so that further connects get no answer. */
static int
full_listener(struct netaddr *at, int *fillers, size_t count)
{
	struct sockaddr_storage sa;
	*at = (struct netaddr){.ip = {127, 0, 0, 1}};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t len = netaddr_to_sockaddr(&sa, at);
	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&sa, len), 0);
	ck_assert_int_eq(listen(fd, 0), 0);
	*at = rig_address_of(fd);
	len = netaddr_to_sockaddr(&sa, at);
	for (size_t i = 0; i < count; i++) {
		fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)!connect(fillers[i], (const struct sockaddr *)&sa, len);
	}
	return fd;
}

START_TEST(tells_open_from_refused)
{
	struct probe_options o = options();
	start(&o);
	struct netaddr closed = closed_port();
	probe_add(probe, &r.at);
	probe_add(probe, &closed);
	ck_assert_uint_eq(probe_waiting(probe), 2);
	ck_assert_uint_eq(seen.count, 0); /* never from within */
	rig_until(&r, seen.count == 2);
	for (unsigned i = 0; i < 2; i++)
		ck_assert_int_eq(seen.result[i], netaddr_equal(&seen.at[i], &r.at) ? PROBE_OPEN : PROBE_REFUSED);
	ck_assert_uint_eq(probe_waiting(probe), 0);
	ck_assert_uint_eq(seen.idle, 1);
	ck_assert_uint_eq(seen.idle_at, 2);
	stop();
}
END_TEST

START_TEST(calls_silence_what_does_not_answer_in_time)
{
	struct probe_options o = options();
	struct netaddr silent;
	int fillers[4];
	o.timeout_ms = 100;
	int fd = full_listener(&silent, fillers, ARRAY_LEN(fillers));
	start(&o);
	probe_add(probe, &silent);
	rig_until(&r, seen.count == 1);
	ck_assert_int_eq(seen.result[0], PROBE_SILENT);
	for (size_t i = 0; i < ARRAY_LEN(fillers); i++)
		fd_close(&fillers[i]);
	fd_close(&fd);
	stop();
}
END_TEST

START_TEST(calls_unreachable_what_has_no_way)
{
	struct probe_options o = options();
	start(&o);
	struct netaddr broadcast = rig_address("255.255.255.255:80");
	probe_add(probe, &broadcast);
	rig_until(&r, seen.count == 1);
	ck_assert_int_eq(seen.result[0], PROBE_UNREACHABLE);
	ck_assert_uint_eq(seen.idle, 1);
	stop();

	struct netaddr from = rig_address("192.0.2.1:1");
	o.from = &from;
	seen.count = 0;
	start(&o);
	probe_add(probe, &r.at);
	rig_until(&r, seen.count == 1);
	ck_assert_int_eq(seen.result[0], PROBE_UNREACHABLE);
	stop();
}
END_TEST

START_TEST(connects_from_the_address_it_was_given)
{
	struct netaddr from = rig_address("127.0.0.77:1");
	struct probe_options o = options();
	o.from = &from;
	start(&o);
	memset(&from, 0, sizeof(from)); /* it was copied */
	probe_add(probe, &r.at);
	rig_until(&r, seen.count == 1);
	ck_assert_int_eq(seen.result[0], PROBE_OPEN);
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	struct netaddr peer;
	int fd = accept(r.listen_fd, (struct sockaddr *)&sa, &len);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(netaddr_from_sockaddr(&peer, (const struct sockaddr *)&sa), OK);
	from = rig_address("127.0.0.77:1");
	ck_assert(netaddr_same_ip(&peer, &from));
	fd_close(&fd);
	stop();
}
END_TEST

START_TEST(asks_in_order_when_one_at_a_time)
{
	struct probe_options o = options();
	o.open_max = 1;
	start(&o);
	struct netaddr at = closed_port();
	for (unsigned i = 0; i < 200; i++) {
		at.ip[3] = (uint8_t)(i + 1);
		probe_add(probe, &at);
	}
	rig_until(&r, seen.count == 200);
	for (unsigned i = 0; i < 200; i++)
		ck_assert_uint_eq(seen.at[i].ip[3], i + 1);
	ck_assert_uint_eq(seen.idle, 1);
	stop();
}
END_TEST

/* A silent address holds its place while those behind it wait: the slow rate is seen in who came before whom. */
START_TEST(starts_no_faster_than_its_rate)
{
	struct probe_options o = options();
	struct netaddr silent;
	int fillers[4];
	int fd = full_listener(&silent, fillers, ARRAY_LEN(fillers));
	o.rate = 5;
	o.timeout_ms = 50; /* shorter than the time between two starts */
	start(&o);
	probe_add(probe, &silent);
	probe_add(probe, &r.at);
	rig_until(&r, seen.count == 2);
	ck_assert(netaddr_equal(&seen.at[0], &silent));
	ck_assert_int_eq(seen.result[0], PROBE_SILENT);
	ck_assert_int_eq(seen.result[1], PROBE_OPEN);
	for (size_t i = 0; i < ARRAY_LEN(fillers); i++)
		fd_close(&fillers[i]);
	fd_close(&fd);
	stop();
}
END_TEST

START_TEST(a_burst_is_as_long_as_it_is_given)
{
	struct probe_options o = options();
	o.rate = 1;
	o.burst = 40;
	start(&o);
	struct netaddr at = closed_port();
	for (unsigned i = 0; i < 60; i++) {
		at.ip[3] = (uint8_t)(i + 1);
		probe_add(probe, &at);
	}
	/* All of the burst in one turn of the loop, and the rest not for a minute. */
	rig_until(&r, seen.count >= 40);
	for (int i = 0; i < 20; i++)
		rig_turn(r.loop, rig_deadline(), "");
	ck_assert_uint_lt(seen.count, 60);
	stop();
}
END_TEST

START_TEST(takes_more_addresses_from_its_callback)
{
	struct probe_options o = options();
	start(&o);
	chain_next = closed_port();
	struct netaddr next = chain_next;
	probe_add(probe, &r.at);
	rig_until(&r, seen.count == 2);
	ck_assert(netaddr_equal(&seen.at[1], &next));
	ck_assert_uint_eq(seen.idle, 1);
	ck_assert_uint_eq(seen.idle_at, 2);
	stop();
}
END_TEST

START_TEST(may_be_freed_by_its_callback_or_half_way)
{
	struct probe_options o = options();
	start(&o);
	is_free_wanted = true;
	for (int i = 0; i < 10; i++)
		probe_add(probe, &r.at);
	rig_until(&r, seen.count == 1);
	for (int i = 0; i < 10; i++)
		rig_turn(r.loop, rig_deadline(), "");
	ck_assert_uint_eq(seen.count, 1);
	ck_assert_uint_eq(seen.idle, 0);
	is_free_wanted = false;
	probe = probe_new(r.loop, &o, found, idle, NULL);
	probe_add(probe, &r.at);
	stop();
	ck_assert_uint_eq(seen.count, 1);
}
END_TEST

START_TEST(waits_for_descriptors_rather_than_misreport)
{
	struct probe_options o = options();
	struct rlimit files;
	start(&o);
	loop_poll(r.loop);
	int lowest = dup(r.listen_fd);
	close(lowest);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &files), 0);
	rlim_t before = files.rlim_cur;
	files.rlim_cur = (rlim_t)lowest; /* none left */
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &files), 0);
	probe_add(probe, &r.at);
	probe_add(probe, &r.at);
	for (int i = 0; i < 20; i++)
		rig_turn(r.loop, rig_deadline(), "");
	ck_assert_uint_eq(seen.count, 0);
	ck_assert_uint_eq(probe_waiting(probe), 2);
	files.rlim_cur = before;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &files), 0);
	rig_until(&r, seen.count == 2);
	ck_assert_int_eq(seen.result[0], PROBE_OPEN);
	ck_assert_int_eq(seen.result[1], PROBE_OPEN);
	stop();
}
END_TEST

START_TEST(names_its_results)
{
	ck_assert_str_eq(probe_result_name(PROBE_OPEN), "open");
	ck_assert_str_eq(probe_result_name(PROBE_REFUSED), "refused");
	ck_assert_str_eq(probe_result_name(PROBE_SILENT), "silent");
	ck_assert_str_eq(probe_result_name(PROBE_UNREACHABLE), "unreachable");
}
END_TEST

Suite *
suite_probe(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "probe", 60);
	tcase_add_checked_fixture(tc, forget, NULL);
	tcase_add_test(tc, tells_open_from_refused);
	tcase_add_test(tc, calls_silence_what_does_not_answer_in_time);
	tcase_add_test(tc, calls_unreachable_what_has_no_way);
	tcase_add_test(tc, connects_from_the_address_it_was_given);
	tcase_add_test(tc, asks_in_order_when_one_at_a_time);
	tcase_add_test(tc, starts_no_faster_than_its_rate);
	tcase_add_test(tc, a_burst_is_as_long_as_it_is_given);
	tcase_add_test(tc, takes_more_addresses_from_its_callback);
	tcase_add_test(tc, may_be_freed_by_its_callback_or_half_way);
	tcase_add_test(tc, waits_for_descriptors_rather_than_misreport);
	tcase_add_test(tc, names_its_results);
	return suite;
}
