/* Discovery: what stands in the table of peers is what is at these addresses, and whoever needs a new peer hears of it. */
#include <string.h>

#include "crew.h"
#include "peer/kit.h"
#include "store/peer_table.h"
#include "store/ring.h"
#include "suites.h"
#include "util/file.h"
#include "util/mem.h"
#include "util/text.h"

#define HOUR_MS (3600u * 1000)

static struct crew crew;
static struct loop *loop;

static void
begin(void)
{
	crew_init(&crew);
	crew.config.discovery.interval_ms = HOUR_MS;
	loop = loop_new();
}

static void
end(void)
{
	crew_close(&crew);
	loop_free(loop);
}

#define until(condition) kit_until(loop, condition)

/* The operator names it. */
static void
name_peer(const struct netaddr *at)
{
	struct endpoint_list *list = &crew.config.discovery.peers;
	char text[NETADDR_TEXT_SIZE];

	netaddr_format(text, at);
	list->at = xrealloc(list->at, (list->count + 1) * sizeof(*list->at));
	ck_assert(endpoint_parse(&list->at[list->count++], text));
}

static void
start(void)
{
	crew_open(&crew);
	crew_load(&crew);
	crew_start(&crew, "discovery");
}

static bool
is_in_state(const struct netaddr *at, enum peer_state state, struct peer_entry *e)
{
	char text[NETADDR_TEXT_SIZE];

	netaddr_format(text, at);
	return peer_table_find(crew.store, text, e) && e->state == state;
}

START_TEST(a_node_that_answers_is_a_peer_and_those_who_need_one_are_woken)
{
	struct peer_entry e;
	struct actor actor;

	actor_start(&actor, loop, NULL);
	actor.hello.head.height = 7;
	name_peer(&actor.at);
	start();
	until(is_in_state(&actor.at, PEER_UP, &e));
	ck_assert_str_eq(e.node, "actor");
	ck_assert_str_eq(e.software, "rensa/test");
	ck_assert_str_eq(e.source, "static");
	ck_assert_uint_eq(e.head.height, 7);
	ck_assert_uint_eq(peer_table_count(crew.store, PEER_UP), 1);
	/* It was told who we are. */
	ck_assert_uint_eq(actor.heard.nonce, crew.env.nonce);
	ck_assert_str_eq(actor.heard.node, "test-node");
	until(crew_heard(&crew, crew.env.bells.role[BELL_RESOLVER]));
	until(crew_heard(&crew, crew.env.bells.role[BELL_RELAY]));
	until(crew_said(&crew, "discovery: neighbours 127.0.0.1:"));
	ck_assert_int_eq(crew_stop(&crew, "discovery"), CHILD_STOPPED);
	actor_stop(&actor);
}
END_TEST

START_TEST(an_address_where_nobody_listens_is_named_with_the_reason)
{
	struct netaddr at = kit_closed();
	struct peer_entry e;

	name_peer(&at);
	start();
	until(is_in_state(&at, PEER_REFUSED, &e));
	ck_assert_uint_gt(strlen(e.reason), 0);
	until(crew_said(&crew, "discovery: peer 127.0.0.1:"));
	until(crew_said(&crew, "discovery: neighbours none"));
}
END_TEST

START_TEST(nodes_of_other_networks_are_told_from_peers)
{
	struct actor named, rich, self;
	struct peer_entry e;

	actor_start(&named, loop, NULL);
	text_copy(named.hello.params.name, sizeof(named.hello.params.name), "elsewhere");
	named.hello.genesis = genesis_hash(&named.hello.params);
	actor_start(&rich, loop, NULL);
	rich.hello.params.reward++;
	rich.hello.genesis = genesis_hash(&rich.hello.params);
	actor_start(&self, loop, NULL);
	self.hello.nonce = crew.env.nonce;
	name_peer(&named.at);
	name_peer(&rich.at);
	name_peer(&self.at);
	start();
	until(is_in_state(&named.at, PEER_OTHER_NETWORK, &e));
	until(crew_said(&crew, "is no peer of ours"));
	until(is_in_state(&rich.at, PEER_OTHER_GENESIS, &e));
	ck_assert_msg(strstr(e.reason, "reward") != NULL, "%s", e.reason);
	until(is_in_state(&self.at, PEER_SELF, &e));
	ck_assert_uint_eq(peer_table_count(crew.store, PEER_UP), 0);
	ck_assert(!crew_heard(&crew, crew.env.bells.role[BELL_RESOLVER]));
	actor_stop(&named);
	actor_stop(&rich);
	actor_stop(&self);
}
END_TEST

static void
hint(const struct netaddr *at)
{
	char text[NETADDR_TEXT_SIZE];

	netaddr_format(text, at);
	ring_put_hint(crew.store, crew.ring, text);
	bell_ring(&crew.env.bells, BELL_DISCOVERY);
}

START_TEST(an_address_that_a_node_tells_is_tried_at_once)
{
	struct actor up, told;
	struct peer_entry e;

	/* With one that is up, the next round is far. */
	actor_start(&up, loop, NULL);
	actor_start(&told, loop, NULL);
	name_peer(&up.at);
	start();
	until(is_in_state(&up.at, PEER_UP, &e));
	until(crew_counter(&crew, "discovery", COUNT_ROUNDS) == 1);
	hint(&told.at);
	until(is_in_state(&told.at, PEER_UP, &e));
	ck_assert_str_eq(e.source, "hint");
	ck_assert_uint_eq(crew_counter(&crew, "discovery", COUNT_ROUNDS), 1);
	/* One that is a peer already is not asked again for a hint. */
	hint(&up.at);
	hint(&told.at);
	kit_settle(loop);
	ck_assert_uint_eq(up.asked[REQUEST_HELLO], 1);
	ck_assert_uint_eq(told.asked[REQUEST_HELLO], 1);
	actor_stop(&up);
	actor_stop(&told);
}
END_TEST

START_TEST(a_peer_that_is_none_any_more_is_missed)
{
	struct peer_entry e;
	struct actor actor;

	crew.config.discovery.interval_ms = 50;
	actor_start(&actor, loop, NULL);
	name_peer(&actor.at);
	start();
	until(is_in_state(&actor.at, PEER_UP, &e));
	actor_play(&actor, REQUEST_HELLO, TRICK_GARBAGE);
	until(is_in_state(&actor.at, PEER_NO_NODE, &e));
	ck_assert_uint_eq(peer_table_count(crew.store, PEER_UP), 0);
	until(crew_said(&crew, "discovery: neighbours none"));
	actor_stop(&actor);
}
END_TEST

START_TEST(a_peer_that_takes_connections_and_says_nothing_holds_up_nobody)
{
	struct peer_entry e;
	struct actor actor;
	struct netaddr silent;
	int fd = kit_silent(&silent);

	actor_start(&actor, loop, NULL);
	name_peer(&silent);
	name_peer(&actor.at);
	start();
	until(is_in_state(&actor.at, PEER_UP, &e));
	ck_assert(!is_in_state(&silent, PEER_UP, &e));
	actor_stop(&actor);
	fd_close(&fd);
}
END_TEST

Suite *
suite_role_discovery(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "role discovery", 60);

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, a_node_that_answers_is_a_peer_and_those_who_need_one_are_woken);
	tcase_add_test(tc, an_address_where_nobody_listens_is_named_with_the_reason);
	tcase_add_test(tc, nodes_of_other_networks_are_told_from_peers);
	tcase_add_test(tc, an_address_that_a_node_tells_is_tried_at_once);
	tcase_add_test(tc, a_peer_that_is_none_any_more_is_missed);
	tcase_add_test(tc, a_peer_that_takes_connections_and_says_nothing_holds_up_nobody);
	return suite;
}
