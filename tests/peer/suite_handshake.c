#include "peer/handshake.h"

#include <stdio.h>
#include <string.h>

#include "kit.h"
#include "suites.h"
#include "util/clock.h"
#include "util/file.h"

#define HOUR_MS 3600000

static struct loop *loop;
static struct actor actor;
static struct handshake_result last;
static struct netaddr last_to;
static unsigned calls;

static void
enter(void)
{
	loop = loop_new();
	actor_start(&actor, loop, NULL);
	calls = 0;
}

static void
leave(void)
{
	actor_stop(&actor);
	loop_free(loop);
}

static void
shook(void *ctx, const struct netaddr *to, const struct handshake_result *result)
{
	(void)ctx;
	last = *result;
	last_to = *to;
	calls++;
}

/* Shakes hands as a node with nonce 1. */
static enum handshake_outcome
shake(const struct netaddr *at, uint32_t timeout_ms)
{
	struct hello ours = kit_hello(1);
	unsigned before = calls;

	handshake_start(loop, at, NULL, &ours, timeout_ms, shook, NULL);
	ck_assert_uint_eq(calls, before);
	kit_until(loop, calls > before);
	ck_assert(netaddr_equal(&last_to, at));
	return last.outcome;
}

START_TEST(a_node_of_our_chain_is_up_and_both_have_heard_each_other)
{
	struct hello ours = kit_hello(1);

	actor.hello.head.height = 7;
	snprintf(actor.hello.node, sizeof(actor.hello.node), "tokyo");
	ck_assert_int_eq(shake(&actor.at, 5000), HANDSHAKE_UP);
	ck_assert_str_eq(last.reason, "");
	ck_assert_str_eq(last.hello.node, "tokyo");
	ck_assert_uint_eq(last.hello.head.height, 7);
	ck_assert_uint_eq(actor.heard.nonce, ours.nonce);
	ck_assert_uint_eq(actor.heard.port, ours.port);
	ck_assert(hash_equal(&actor.heard.genesis, &ours.genesis));
	ck_assert_uint_eq(actor.asked[REQUEST_HELLO], 1);
}
END_TEST

START_TEST(our_own_nonce_tells_that_it_is_ourselves)
{
	actor.hello.nonce = 1;
	ck_assert_int_eq(shake(&actor.at, 5000), HANDSHAKE_SELF);
}
END_TEST

START_TEST(the_difference_of_clocks_is_told)
{
	actor.hello.time_ms = clock_wall_ms() + HOUR_MS;
	ck_assert_int_eq(shake(&actor.at, 5000), HANDSHAKE_UP);
	ck_assert_int_gt(last.skew_ms, HOUR_MS - HOUR_MS / 10);
	ck_assert_int_lt(last.skew_ms, HOUR_MS + HOUR_MS / 10);
	ck_assert_uint_gt(last.latency_us, 0);
	actor.hello.time_ms = clock_wall_ms() - HOUR_MS;
	ck_assert_int_eq(shake(&actor.at, 5000), HANDSHAKE_UP);
	ck_assert_int_lt(last.skew_ms, HOUR_MS / 10 - HOUR_MS);
}
END_TEST

START_TEST(another_network_is_named)
{
	snprintf(actor.hello.params.name, sizeof(actor.hello.params.name), "elsewhere");
	actor.hello.genesis = genesis_hash(&actor.hello.params);
	ck_assert_int_eq(shake(&actor.at, 5000), HANDSHAKE_OTHER_NETWORK);
	ck_assert_ptr_nonnull(strstr(last.reason, "\"elsewhere\""));
	ck_assert_str_eq(last.hello.params.name, "elsewhere");
}
END_TEST

START_TEST(another_genesis_names_the_parameter)
{
	actor.hello.params.reward++;
	actor.hello.genesis = genesis_hash(&actor.hello.params);
	ck_assert_int_eq(shake(&actor.at, 5000), HANDSHAKE_OTHER_GENESIS);
	ck_assert_ptr_nonnull(strstr(last.reason, "reward"));
}
END_TEST

/* Its parameters are ours, but not what it has built its chain on. */
START_TEST(another_genesis_with_our_parameters_is_no_peer)
{
	actor.hello.genesis.b[0] ^= 1;
	ck_assert_int_eq(shake(&actor.at, 5000), HANDSHAKE_OTHER_GENESIS);
}
END_TEST

START_TEST(another_protocol_is_named)
{
	actor.hello.protocol = PEER_PROTOCOL + 6;
	ck_assert_int_eq(shake(&actor.at, 5000), HANDSHAKE_OTHER_PROTOCOL);
	ck_assert_str_eq(last.reason, "too new: it speaks protocol 7, this node speaks 1");
	actor.hello.protocol = PEER_PROTOCOL - 1;
	ck_assert_int_eq(shake(&actor.at, 5000), HANDSHAKE_OTHER_PROTOCOL);
	ck_assert_str_eq(last.reason, "too old: it speaks protocol 0, this node speaks 1");
}
END_TEST

static const struct {
	enum trick trick;
	int status;
} strangers[] = {
    {TRICK_STATUS, 404}, {TRICK_STATUS, 500}, {TRICK_STATUS, 302}, {TRICK_GARBAGE, 0}, {TRICK_TYPE, 0}, {TRICK_HUGE, 0},
};

START_TEST(what_does_not_answer_as_a_node_is_none)
{
	actor_play(&actor, REQUEST_HELLO, strangers[_i].trick);
	actor.trick_status = strangers[_i].status;
	ck_assert_int_eq(shake(&actor.at, 5000), HANDSHAKE_NO_NODE);
	ck_assert_str_ne(last.reason, "");
}
END_TEST

START_TEST(a_closed_port_refuses)
{
	struct netaddr at = kit_closed();

	ck_assert_int_eq(shake(&at, 5000), HANDSHAKE_REFUSED);
}
END_TEST

START_TEST(one_that_hangs_up_refuses)
{
	struct hello ours = kit_hello(1);

	actor_play(&actor, REQUEST_HELLO, TRICK_HANG);
	handshake_start(loop, &actor.at, NULL, &ours, 60000, shook, NULL);
	kit_until(loop, actor.held_count == 1);
	actor_stop(&actor);
	kit_until(loop, calls == 1);
	ck_assert_int_eq(last.outcome, HANDSHAKE_REFUSED);
}
END_TEST

START_TEST(one_that_does_not_answer_is_silent)
{
	struct netaddr at;
	int fd = kit_silent(&at);

	ck_assert_int_eq(shake(&at, 50), HANDSHAKE_SILENT);
	actor_play(&actor, REQUEST_HELLO, TRICK_HANG);
	ck_assert_int_eq(shake(&actor.at, 50), HANDSHAKE_SILENT);
	fd_close(&fd);
}
END_TEST

START_TEST(one_given_up_does_not_call_back)
{
	struct hello ours = kit_hello(1);
	struct handshake *h;

	handshake_cancel(handshake_start(loop, &actor.at, NULL, &ours, 5000, shook, NULL));
	actor_play(&actor, REQUEST_HELLO, TRICK_HANG);
	h = handshake_start(loop, &actor.at, NULL, &ours, 5000, shook, NULL);
	kit_until(loop, actor.held_count == 1);
	handshake_cancel(h);
	handshake_cancel(NULL);
	kit_settle(loop);
	ck_assert_uint_eq(calls, 0);
}
END_TEST

START_TEST(it_leaves_from_the_given_address)
{
	struct hello ours = kit_hello(1);
	struct netaddr from;

	ck_assert_int_eq(netaddr_parse_ip(&from, "127.0.0.9"), OK);
	actor_play(&actor, REQUEST_HELLO, TRICK_HANG);
	handshake_start(loop, &actor.at, &from, &ours, 5000, shook, NULL);
	kit_until(loop, actor.held_count == 1);
	http_req_from(actor.held[0], &from);
	char text[NETADDR_TEXT_SIZE];
	netaddr_format_ip(text, &from);
	ck_assert_str_eq(text, "127.0.0.9");
	actor_stop(&actor);
	kit_until(loop, calls == 1);
}
END_TEST

Suite *
suite_handshake(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "handshake", 60);

	tcase_add_checked_fixture(tc, enter, leave);
	tcase_add_test(tc, a_node_of_our_chain_is_up_and_both_have_heard_each_other);
	tcase_add_test(tc, our_own_nonce_tells_that_it_is_ourselves);
	tcase_add_test(tc, the_difference_of_clocks_is_told);
	tcase_add_test(tc, another_network_is_named);
	tcase_add_test(tc, another_genesis_names_the_parameter);
	tcase_add_test(tc, another_genesis_with_our_parameters_is_no_peer);
	tcase_add_test(tc, another_protocol_is_named);
	tcase_add_loop_test(tc, what_does_not_answer_as_a_node_is_none, 0, ARRAY_LEN(strangers));
	tcase_add_test(tc, a_closed_port_refuses);
	tcase_add_test(tc, one_that_hangs_up_refuses);
	tcase_add_test(tc, one_that_does_not_answer_is_silent);
	tcase_add_test(tc, one_given_up_does_not_call_back);
	tcase_add_test(tc, it_leaves_from_the_given_address);
	return suite;
}
