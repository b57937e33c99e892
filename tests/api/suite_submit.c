/* Transfers through the ring: more than it holds, a pool that is slow or away, clients that leave. */
#include <stdio.h>
#include <string.h>

#include "node.h"
#include "suites.h"

#define CLIENTS 8

static struct node n;

static void
setup(void)
{
	node_init(&n);
	n.params.reward = COIN;
	n.max_body = 4u << 20;
	node_start(&n);
	node_extend(&n, chain_tip(n.store), 3, 0);
}

static void
teardown(void)
{
	node_stop(&n);
}

/* Transfers of person `from` with sequences first to first + count - 1, as a list. */
static void
list_json(struct buf *out, unsigned from, uint64_t first, size_t count)
{
	buf_reset(out);
	for (size_t i = 0; i < count; i++) {
		struct tx tx = transfer(&n, from, 1, 1, 0, first + i);
		buf_putc(out, i == 0 ? '[' : ',');
		tx_json(out, &n, &tx);
	}
	buf_putc(out, ']');
}

static size_t
count_results(const struct reply *r, const char *status, const char *code)
{
	const struct jval *results = jval_get(jdoc_root(r->doc), "results");
	size_t count = 0;

	for (size_t i = 0; i < jval_count(results); i++) {
		const struct jval *one = jval_at(results, i);
		count += status != NULL ? strcmp(jval_str(one, "status", ""), status) == 0
					: strcmp(jval_str(jval_get(one, "error"), "code", ""), code) == 0;
	}
	return count;
}

START_TEST(takes_a_list_longer_than_the_ring)
{
	struct buf body;

	n.drain_max = 100;
	buf_init(&body);
	list_json(&body, 0, 0, 700);
	ck_assert_int_eq(node_call(&n, HTTP_POST, "/transactions", body.data, NULL), 202);
	ck_assert_uint_eq(count_results(&n.reply, "pending", NULL), 700);
	ck_assert_uint_eq(mempool_count(n.store), 700);
	buf_clear(&body);
}
END_TEST

START_TEST(answers_many_clients_at_once)
{
	struct httpc *clients[CLIENTS];
	struct reply replies[CLIENTS] = {{0}};
	struct buf body;

	n.drain_max = 7;
	buf_init(&body);
	for (size_t i = 0; i < CLIENTS; i++) {
		list_json(&body, 0, i * 64, 64);
		clients[i] = node_client(&n);
		node_send(clients[i], &replies[i], HTTP_POST, "/transactions", body.data, body.len, NULL);
	}
	for (size_t i = 0; i < CLIENTS; i++) {
		node_until(&n, replies[i].is_there);
		ck_assert_int_eq(replies[i].status, 202);
		ck_assert_uint_eq(jval_count(jval_get(jdoc_root(replies[i].doc), "results")), 64);
		httpc_free(clients[i]);
		reply_clear(&replies[i]);
	}
	ck_assert_uint_gt(mempool_count(n.store), 64);
	buf_clear(&body);
}
END_TEST

START_TEST(does_not_let_one_wait_for_a_thousand)
{
	struct httpc *other = node_client(&n);
	struct reply list = {0};
	struct tx tx = transfer(&n, 2, 1, 1, 0, 0);
	struct hash256 id = tx_id(&tx);
	struct pool_entry e;
	struct buf body;

	node_extend(&n, chain_tip(n.store), 1, 2);

	/* The list has filled the ring when the one comes, and the pool then judges one at a time. */
	n.drain_max = 1;
	n.is_pool_away = true;
	buf_init(&body);
	list_json(&body, 0, 0, 1000);
	node_send(other, &list, HTTP_POST, "/transactions", body.data, body.len, NULL);
	node_until(&n, n.woken[API_WAKE_POOL] == RING_TXS / 32);
	buf_reset(&body);
	tx_json(&body, &n, &tx);
	node_send(n.client, &n.reply, HTTP_POST, "/transactions", body.data, body.len, NULL);
	node_until(&n, httpd_connections(n.server) == 2);
	for (int i = 0; i < 100; i++)
		loop_poll(n.loop);
	node_pool_returns(&n);
	node_until(&n, n.reply.is_there);
	ck_assert_int_eq(n.reply.status, 202);
	node_until(&n, list.is_there);
	/* It came right behind what was in the ring before it. */
	ck_assert(mempool_find(n.store, &id, &e));
	ck_assert_uint_le(e.arrival, RING_TXS + 16);
	ck_assert_uint_eq(count_results(&list, "pending", NULL), 1000);
	reply_clear(&list);
	httpc_free(other);
	buf_clear(&body);
}
END_TEST

START_TEST(asks_the_pool_again_when_the_chain_moved_under_it)
{
	struct tx tx = transfer(&n, 0, 1, 1, 0, 0), next = transfer(&n, 0, 1, 1, 0, 1);

	n.retries = 3;
	ck_assert_int_eq(node_post(&n, &tx), 202);
	ck_assert_str_eq(jval_str(node_doc(&n), "status", ""), "pending");
	n.retries = 1000;
	ck_assert_int_eq(node_post(&n, &next), 503);
	ck_assert_str_eq(node_code(&n), "busy");
	n.retries = 0;
	ck_assert_int_eq(node_post(&n, &next), 202);
}
END_TEST

static void
restart_impatient(uint32_t timeout_ms)
{
	node_stop(&n);
	node_init(&n);
	n.params.reward = COIN;
	n.max_body = 4u << 20;
	n.options.request_timeout_ms = timeout_ms;
	node_start(&n);
	node_extend(&n, chain_tip(n.store), 3, 0);
}

START_TEST(says_that_the_outcome_is_unknown_while_the_pool_is_away)
{
	struct tx tx = transfer(&n, 0, 1, 1, 0, 0);

	restart_impatient(30);
	n.is_pool_away = true;
	ck_assert_int_eq(node_post(&n, &tx), 503);
	ck_assert_str_eq(node_code(&n), "outcome-unknown");
	ck_assert_ptr_nonnull(strstr(node_message(&n), "safe to send"));
	/* It was handed in all the same, and asking again finds that out. */
	node_pool_returns(&n);
	ck_assert_int_eq(node_post(&n, &tx), 202);
	ck_assert_uint_eq(mempool_count(n.store), 1);
}
END_TEST

START_TEST(tells_what_was_not_handed_in_from_what_is_unknown)
{
	struct buf body;

	restart_impatient(400);
	n.is_pool_away = true;
	buf_init(&body);
	list_json(&body, 0, 0, 600);
	ck_assert_int_eq(node_call(&n, HTTP_POST, "/transactions", body.data, NULL), 202);
	ck_assert_uint_eq(count_results(&n.reply, NULL, "outcome-unknown"), RING_TXS);
	ck_assert_uint_eq(count_results(&n.reply, NULL, "busy"), 600 - RING_TXS);
	/* The pool comes back: what lies in the ring is judged, and there is room again. */
	node_pool_returns(&n);
	ck_assert_int_eq(node_call(&n, HTTP_POST, "/transactions", body.data, NULL), 202);
	ck_assert_uint_eq(count_results(&n.reply, "pending", NULL), 600);
	buf_clear(&body);
}
END_TEST

static size_t
first_there(const struct reply *replies, size_t count)
{
	size_t i = 0;

	while (i < count && !replies[i].is_there)
		i++;
	return i;
}

START_TEST(refuses_more_than_it_can_hold)
{
	enum { LISTS = 5 }; /* of a thousand: one too many, whichever comes last */
	struct httpc *clients[LISTS];
	struct reply replies[LISTS] = {{0}};
	size_t refused = LISTS;
	struct buf body;

	n.is_pool_away = true;
	buf_init(&body);
	list_json(&body, 0, 0, 1000);
	for (size_t i = 0; i < LISTS; i++) {
		clients[i] = node_client(&n);
		node_send(clients[i], &replies[i], HTTP_POST, "/transactions", body.data, body.len, NULL);
	}
	node_until(&n, (refused = first_there(replies, LISTS)) < LISTS);
	ck_assert_int_eq(replies[refused].status, 503);
	ck_assert_str_eq(jval_str(jval_get(jdoc_root(replies[refused].doc), "error"), "code", ""), "busy");
	node_pool_returns(&n);
	for (size_t i = 0; i < LISTS; i++) {
		node_until(&n, replies[i].is_there);
		if (i != refused)
			ck_assert_uint_eq(count_results(&replies[i], "pending", NULL), 1000);
		reply_clear(&replies[i]);
		httpc_free(clients[i]);
	}
	buf_clear(&body);
}
END_TEST

/* Sends one transfer as raw text and leaves before the answer. */
static void
post_and_leave(const struct tx *tx, unsigned wakes)
{
	struct buf json, request;
	struct raw c;

	buf_init(&json);
	buf_init(&request);
	tx_json(&json, &n, tx);
	buf_printf(&request, "POST /transactions HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n%s", json.len,
		   json.data);
	raw_open(&c, &n, 0);
	raw_send(&c, request.data);
	node_until(&n, n.woken[API_WAKE_POOL] > wakes);
	raw_close(&c);
	buf_clear(&json);
	buf_clear(&request);
}

START_TEST(frees_the_slots_of_clients_that_left)
{
	n.is_pool_away = true;
	for (uint64_t i = 0; i < 64; i++) {
		struct tx tx = transfer(&n, 0, 1, 1, 0, i);
		post_and_leave(&tx, (unsigned)i);
	}
	node_pool_returns(&n);
	/* Everything they left behind is judged, and the ring goes round more than once after them. */
	for (uint64_t i = 64; i < 64 + 2 * RING_TXS; i++) {
		struct tx tx = transfer(&n, 0, 1, 1, 0, i);
		ck_assert_int_eq(node_post(&n, &tx), 202);
	}
	ck_assert_uint_eq(mempool_count(n.store), 64 + 2 * RING_TXS);
}
END_TEST

START_TEST(ends_with_requests_in_hand)
{
	struct httpc *client = node_client(&n);
	struct reply reply = {0};
	struct buf body;

	n.is_pool_away = true;
	buf_init(&body);
	list_json(&body, 0, 0, 600);
	node_send(client, &reply, HTTP_POST, "/transactions", body.data, body.len, NULL);
	node_until(&n, n.woken[API_WAKE_POOL] > 0);
	api_free(n.api);
	n.api = NULL;
	node_until(&n, reply.is_there);
	ck_assert_uint_eq(jval_count(jval_get(jdoc_root(reply.doc), "results")), 600);
	ck_assert_uint_eq(count_results(&reply, NULL, "outcome-unknown") + count_results(&reply, NULL, "busy"), 600);
	httpc_free(client);
	reply_clear(&reply);
	buf_clear(&body);
}
END_TEST

Suite *
suite_submit(void)
{
	Suite *s;
	TCase *tc = suite_case(&s, "submit", 120);

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, takes_a_list_longer_than_the_ring);
	tcase_add_test(tc, answers_many_clients_at_once);
	tcase_add_test(tc, does_not_let_one_wait_for_a_thousand);
	tcase_add_test(tc, asks_the_pool_again_when_the_chain_moved_under_it);
	tcase_add_test(tc, says_that_the_outcome_is_unknown_while_the_pool_is_away);
	tcase_add_test(tc, tells_what_was_not_handed_in_from_what_is_unknown);
	tcase_add_test(tc, refuses_more_than_it_can_hold);
	tcase_add_test(tc, frees_the_slots_of_clients_that_left);
	tcase_add_test(tc, ends_with_requests_in_hand);
	return s;
}
