/* Mining and consensus on request, with a miner and a resolver that do well, badly, or nothing. */
#include <stdio.h>
#include <string.h>

#include "node.h"
#include "suites.h"

static struct node n;

static void
setup(void)
{
	node_init(&n);
	node_start(&n);
}

static void
teardown(void)
{
	node_stop(&n);
}

static void
restart_impatient(uint32_t timeout_ms)
{
	node_stop(&n);
	node_init(&n);
	n.options.request_timeout_ms = timeout_ms;
	node_start(&n);
}

/* The blocks of the chain's end, beside an error too. */
static void
check_blocks_told(const struct reply *r, size_t count)
{
	const struct jval *blocks = jval_get(jdoc_root(r->doc), "blocks");
	struct blockref tip = chain_tip(n.store);
	uint64_t first = chain_height(n.store, tip) + 1 - count;
	char hex[HASH_HEX_SIZE];

	ck_assert_uint_eq(jval_count(blocks), count);
	for (size_t i = 0; i < count; i++) {
		hash_hex(hex, chain_hash(n.store, chain_at(n.store, tip, first + i)));
		ck_assert_uint_eq(jval_u64(jval_at(blocks, i), "height", 0), first + i);
		ck_assert_str_eq(jval_str(jval_at(blocks, i), "hash", ""), hex);
	}
}

static int
mine(const char *body)
{
	return node_call(&n, HTTP_POST, "/mine", body, NULL);
}

START_TEST(mines_one_block_to_the_configured_address)
{
	char hex[HASH_HEX_SIZE];

	ck_assert_int_eq(mine(NULL), 200);
	const struct jval *blocks = jval_get(node_doc(&n), "blocks");
	ck_assert_uint_eq(jval_count(blocks), 1);
	ck_assert_uint_eq(jval_u64(jval_at(blocks, 0), "height", 0), 1);
	hash_hex(hex, chain_hash(n.store, chain_tip(n.store)));
	ck_assert_str_eq(jval_str(jval_at(blocks, 0), "hash", ""), hex);
	ck_assert(address_equal(&n.last_command.address, &n.mine_to));
	ck_assert_int_eq(mine("{}"), 200);
	ck_assert_uint_eq(chain_height(n.store, chain_tip(n.store)), 2);
}
END_TEST

START_TEST(mines_as_many_blocks_as_asked_for_to_whom_is_named)
{
	struct address to = person_address(3);
	char body[128];

	snprintf(body, sizeof(body), "{\"address\":\"%s\",\"blocks\":5}", person_text(3));
	ck_assert_int_eq(mine(body), 200);
	const struct jval *blocks = jval_get(node_doc(&n), "blocks");
	ck_assert_uint_eq(jval_count(blocks), 5);
	for (size_t i = 0; i < 5; i++)
		ck_assert_uint_eq(jval_u64(jval_at(blocks, i), "height", 0), i + 1);
	ck_assert(address_equal(&n.last_command.address, &to));
}
END_TEST

START_TEST(says_how_to_set_an_address_if_there_is_none)
{
	static const char *const paths[] = {"/mine", "/mine/start"};

	node_stop(&n);
	node_init(&n);
	n.options.mine_to = NULL;
	node_start(&n);
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		ck_assert_int_eq(node_call(&n, HTTP_POST, paths[i], NULL, NULL), 422);
		ck_assert_str_eq(node_code(&n), "no-address");
		ck_assert_ptr_nonnull(strstr(node_message(&n), "[miner]"));
	}
	ck_assert_uint_eq(n.woken[API_WAKE_MINER], 0);
}
END_TEST

START_TEST(refuses_bodies_that_make_no_sense)
{
	static const struct {
		const char *body;
		const char *code;
	} rows[] = {
	    {"{\"blocks\":0}", "bad-value"},
	    {"{\"blocks\":1001}", "bad-value"},
	    {"{\"blocks\":-1}", "bad-value"},
	    {"{\"blocks\":1.0}", "wrong-type"},
	    {"{\"blocks\":\"1\"}", "wrong-type"},
	    {"{\"blokcs\":1}", "unknown-field"},
	    {"{\"address\":\"R\"}", "bad-value"},
	    {"{\"address\":null}", "wrong-type"},
	    {"[]", "wrong-type"},
	    {"blocks=1", "malformed-json"},
	    {"{\"blocks\":1,\"blocks\":2}", "malformed-json"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		ck_assert_msg(mine(rows[i].body) == 400, "%s: %d", rows[i].body, n.reply.status);
		ck_assert_msg(strcmp(node_code(&n), rows[i].code) == 0, "%s: %s", rows[i].body, node_code(&n));
	}
	ck_assert_int_eq(node_call(&n, HTTP_PUT, "/consensus", "{\"now\":true}", NULL), 400);
	ck_assert_str_eq(node_code(&n), "unknown-field");
	ck_assert_int_eq(node_call(&n, HTTP_POST, "/mine/start", "[]", NULL), 400);
	ck_assert_uint_eq(n.woken[API_WAKE_MINER] + n.woken[API_WAKE_RESOLVER], 0);
}
END_TEST

START_TEST(cancels_when_the_time_is_up_and_says_how_far_it_came)
{
	restart_impatient(30);
	n.miner_stops = 3;
	n.miner_waits = true;
	ck_assert_int_eq(mine("{\"blocks\":10}"), 503);
	ck_assert_str_eq(node_code(&n), "timeout");
	ck_assert_ptr_nonnull(strstr(node_message(&n), "3 of 10 blocks were found within 0.03 s"));
	ck_assert_uint_eq(chain_height(n.store, chain_tip(n.store)), 3);
	check_blocks_told(&n.reply, 3);
	ck_assert_uint_ge(n.woken[API_WAKE_MINER], 2);
}
END_TEST

START_TEST(cancels_what_is_under_way_when_it_ends)
{
	struct httpc *clients[2] = {node_client(&n), node_client(&n)};
	struct reply replies[2] = {{0}};

	n.miner_stops = 2;
	n.miner_waits = true;
	n.is_resolver_away = true;
	node_send(clients[0], &replies[0], HTTP_POST, "/mine", "{\"blocks\":10}", 13, NULL);
	node_send(clients[1], &replies[1], HTTP_PUT, "/consensus", NULL, 0, NULL);
	node_until(&n, n.woken[API_WAKE_RESOLVER] == 1 && chain_height(n.store, chain_tip(n.store)) == 2);
	api_end(n.api);
	for (int i = 0; i < 2; i++) {
		node_until(&n, replies[i].is_there);
		ck_assert_int_eq(replies[i].status, 503);
		ck_assert_str_eq(jval_str(jval_get(jdoc_root(replies[i].doc), "error"), "code", ""), "stopping");
	}
	check_blocks_told(&replies[0], 2);
	for (int i = 0; i < 2; i++) {
		reply_clear(&replies[i]);
		httpc_free(clients[i]);
	}
}
END_TEST

START_TEST(says_that_comparing_goes_on_when_the_time_is_up)
{
	restart_impatient(10);
	n.is_resolver_away = true;
	ck_assert_int_eq(node_call(&n, HTTP_PUT, "/consensus", NULL, NULL), 503);
	ck_assert_str_eq(node_code(&n), "timeout");
	ck_assert_ptr_nonnull(strstr(node_message(&n), "within 0.01 s; the node goes on by itself"));
}
END_TEST

START_TEST(says_that_the_outcome_is_unknown_without_a_miner)
{
	restart_impatient(10);
	n.is_miner_away = true;
	ck_assert_int_eq(mine(NULL), 503);
	ck_assert_str_eq(node_code(&n), "outcome-unknown");
	/* The slot is free again, and what was cancelled is not mined late. */
	n.is_miner_away = false;
	ck_assert(command_next(n.store, 1u << COMMAND_MINE, &n.handle, &n.last_command));
	ck_assert(command_is_cancelled(n.store, n.handle));
	command_finish(n.store, n.handle, ERR_TIMEOUT, false);
	for (int i = 0; i < RING_COMMANDS + 1; i++)
		ck_assert_int_eq(mine(NULL), 200);
}
END_TEST

START_TEST(names_what_the_miner_could_not_do)
{
	static const struct {
		enum err error;
		int status;
		const char *code;
	} rows[] = {
	    {ERR_NOSPC, 507, "no-space"},	  {ERR_LIMIT, 507, "no-space"},	       {ERR_BUSY, 503, "busy"},
	    {ERR_CLOSED, 503, "outcome-unknown"}, {ERR_TIMEOUT, 503, "timeout"},       {ERR_IO, 503, "disk-failed"},
	    {ERR_PERM, 503, "disk-failed"},	  {ERR_FORMAT, 500, "internal-error"},
	};
	n.miner_stops = 1;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		n.miner_error = rows[i].error;
		ck_assert_int_eq(mine("{\"blocks\":2}"), rows[i].status);
		ck_assert_str_eq(node_code(&n), rows[i].code);
		check_blocks_told(&n.reply, 1);
	}
}
END_TEST

START_TEST(starts_and_stops_the_interval)
{
	ck_assert_int_eq(node_call(&n, HTTP_POST, "/mine/start", NULL, NULL), 200);
	ck_assert_str_eq(n.reply.body.data, "{\"mode\":\"interval\"}");
	ck_assert_int_eq(n.last_command.kind, COMMAND_MINE_START);
	ck_assert_int_eq(node_call(&n, HTTP_POST, "/mine/stop", "{}", NULL), 200);
	ck_assert_str_eq(n.reply.body.data, "{\"mode\":\"manual\"}");
	ck_assert_int_eq(n.last_command.kind, COMMAND_MINE_STOP);
}
END_TEST

START_TEST(resolves_on_request)
{
	char hex[HASH_HEX_SIZE];

	node_extend(&n, chain_tip(n.store), 2, 1);
	hash_hex(hex, chain_hash(n.store, chain_tip(n.store)));
	for (int replaced = 0; replaced < 2; replaced++) {
		n.consensus_replaced = replaced;
		ck_assert_int_eq(node_call(&n, HTTP_PUT, "/consensus", NULL, NULL), 200);
		ck_assert(jval_bool(node_doc(&n), "replaced", !replaced) == replaced);
		ck_assert_uint_eq(jval_u64(node_doc(&n), "height", 0), 2);
		ck_assert_str_eq(jval_str(node_doc(&n), "hash", ""), hex);
	}
}
END_TEST

START_TEST(takes_as_many_commands_as_there_are_slots)
{
	struct httpc *clients[RING_COMMANDS];
	struct reply replies[RING_COMMANDS] = {{0}};

	n.is_miner_away = true;
	for (unsigned i = 0; i < RING_COMMANDS; i++) {
		clients[i] = node_client(&n);
		node_send(clients[i], &replies[i], HTTP_POST, "/mine", NULL, 0, NULL);
		node_until(&n, n.woken[API_WAKE_MINER] == i + 1);
	}
	ck_assert_int_eq(mine(NULL), 503);
	ck_assert_str_eq(node_code(&n), "busy");
	n.is_miner_away = false;
	for (unsigned i = 0; i < RING_COMMANDS; i++) {
		loop_timer_arm(n.turns[API_WAKE_MINER], 0);
		node_until(&n, chain_height(n.store, chain_tip(n.store)) == i + 1);
	}
	for (unsigned i = 0; i < RING_COMMANDS; i++) {
		node_until(&n, replies[i].is_there);
		ck_assert_int_eq(replies[i].status, 200);
		reply_clear(&replies[i]);
		httpc_free(clients[i]);
	}
}
END_TEST

START_TEST(cancels_the_command_of_a_client_that_left)
{
	struct httpc *client = node_client(&n);
	struct reply reply = {0};

	n.is_miner_away = true;
	node_send(client, &reply, HTTP_POST, "/mine", "{\"blocks\":9}", 12, NULL);
	node_until(&n, n.woken[API_WAKE_MINER] == 1);
	ck_assert(command_next(n.store, 1u << COMMAND_MINE, &n.handle, &n.last_command));
	ck_assert_uint_eq(n.last_command.blocks, 9);
	ck_assert(!command_is_cancelled(n.store, n.handle));
	httpc_free(client);
	node_until(&n, command_is_cancelled(n.store, n.handle));
	command_finish(n.store, n.handle, OK, false);
	api_bell(n.api);
	n.is_miner_away = false;
	ck_assert_int_eq(mine(NULL), 200);
}
END_TEST

START_TEST(ends_with_a_command_in_hand)
{
	struct httpc *client = node_client(&n);
	struct reply reply = {0};

	n.is_miner_away = true;
	node_send(client, &reply, HTTP_POST, "/mine", NULL, 0, NULL);
	node_until(&n, n.woken[API_WAKE_MINER] == 1);
	api_free(n.api);
	n.api = NULL;
	node_until(&n, reply.is_there);
	ck_assert_int_eq(reply.status, 503);
	reply_clear(&reply);
	httpc_free(client);
}
END_TEST

Suite *
suite_mining(void)
{
	Suite *s;
	TCase *tc = suite_case(&s, "mining", 60);

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, mines_one_block_to_the_configured_address);
	tcase_add_test(tc, mines_as_many_blocks_as_asked_for_to_whom_is_named);
	tcase_add_test(tc, says_how_to_set_an_address_if_there_is_none);
	tcase_add_test(tc, refuses_bodies_that_make_no_sense);
	tcase_add_test(tc, cancels_when_the_time_is_up_and_says_how_far_it_came);
	tcase_add_test(tc, cancels_what_is_under_way_when_it_ends);
	tcase_add_test(tc, says_that_comparing_goes_on_when_the_time_is_up);
	tcase_add_test(tc, says_that_the_outcome_is_unknown_without_a_miner);
	tcase_add_test(tc, names_what_the_miner_could_not_do);
	tcase_add_test(tc, starts_and_stops_the_interval);
	tcase_add_test(tc, resolves_on_request);
	tcase_add_test(tc, takes_as_many_commands_as_there_are_slots);
	tcase_add_test(tc, cancels_the_command_of_a_client_that_left);
	tcase_add_test(tc, ends_with_a_command_in_hand);
	return s;
}
