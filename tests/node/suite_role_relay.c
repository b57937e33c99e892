/*
 * The relay: peers hear of new blocks and transfers from us, each at its own pace, and no more of them than needed. They
 * are ears: servers that note what they are told.
 */
#include <string.h>

#include "crew.h"
#include "net/httpd.h"
#include "peer/kit.h"
#include "store/disk_maker.h"
#include "store/peer_table.h"
#include "store/process.h"
#include "store/ring.h"
#include "suites.h"
#include "util/clock.h"
#include "util/file.h"

#define HEARD_MAX 64
#define HOUR_MS (3600u * 1000)

struct ear {
	struct httpd *server;
	struct netaddr at;
	int fd;
	int status;   /* of its answers */
	bool is_hard; /* it does not answer */
	struct http_req *held;
	struct hash256 blocks[HEARD_MAX]; /* hashes of pushed blocks, in order */
	unsigned block_count;
	unsigned named;	  /* of those, announced by the names of their transfers */
	unsigned headers; /* likewise, by their headers alone */
	bool lacks_all;	  /* what it is offered */
	unsigned offers;
	struct hash256 offered[HEARD_MAX]; /* ids of the last offer */
	size_t offered_count;
	unsigned transfer_pushes;
	struct buf transfers; /* bytes of all pushes */
	char port[16];	      /* where the pusher can be asked */
};

static struct crew crew;
static struct loop *loop;
static struct maker maker;

static void
begin(void)
{
	crew_init(&crew);
	crew.config.discovery.interval_ms = HOUR_MS;
	crew.config.http.listen.port = 5005;
	crew_open(&crew);
	crew_load(&crew);
	loop = loop_new();
	maker_init(&maker, crew.store, 61);
}

static void
end(void)
{
	maker_clear(&maker);
	crew_close(&crew);
	loop_free(loop);
}

#define until(condition) kit_until(loop, condition)

static void
answer_offer(struct ear *e, struct http_req *req, const uint8_t *body, size_t len)
{
	static uint16_t positions[HEARD_MAX];
	struct buf answer;

	e->offers++;
	ck_assert_int_eq(hashes_parse(e->offered, &e->offered_count, HEARD_MAX, body, len), OK);
	for (size_t i = 0; i < e->offered_count; i++)
		positions[i] = (uint16_t)i;
	buf_init(&answer);
	positions_encode(&answer, positions, e->lacks_all ? e->offered_count : 0);
	http_reply(req, 200, PEER_BODY_TYPE, answer.data, answer.len);
	buf_clear(&answer);
}

static void
hear(void *ctx, struct http_req *req)
{
	struct ear *e = ctx;
	const char *port = http_req_header(req, PEER_PORT_HEADER);
	size_t len;
	const uint8_t *body = http_req_body(req, &len);

	ck_assert_int_eq(http_req_method(req), HTTP_POST);
	ck_assert_ptr_nonnull(port);
	ck_assert_uint_lt(strlen(port), sizeof(e->port));
	strcpy(e->port, port);
	if (strcmp(http_req_path(req), "/peer/inventory") == 0) {
		answer_offer(e, req, body, len);
		return;
	}
	if (strcmp(http_req_path(req), "/peer/block") == 0 || strcmp(http_req_path(req), "/peer/announce") == 0) {
		struct compact c;
		ck_assert_uint_ge(len, HEADER_SIZE);
		if (strcmp(http_req_path(req), "/peer/announce") == 0 && len == HEADER_SIZE)
			e->headers++;
		else if (strcmp(http_req_path(req), "/peer/announce") == 0)
			e->named += compact_parse(&c, body, len) == OK;
		ck_assert_uint_lt(e->block_count, HEARD_MAX);
		e->blocks[e->block_count++] = header_hash_bytes(body);
	} else {
		ck_assert_str_eq(http_req_path(req), "/peer/transactions");
		e->transfer_pushes++;
		buf_append(&e->transfers, body, len);
	}
	if (e->is_hard)
		e->held = req;
	else
		http_reply(req, e->status, NULL, NULL, 0);
}

static void
ear_open(struct ear *e, int status)
{
	static const struct httpd_options options = {
	    .max_body = 1 << 20, .header_timeout_ms = 60000, .request_timeout_ms = 60000, .max_connections = 64};

	memset(e, 0, sizeof(*e));
	e->status = status;
	buf_init(&e->transfers);
	e->fd = kit_silent(&e->at);
	e->server = httpd_new(loop, &options, hear, e);
	ck_assert_int_eq(httpd_serve(e->server, e->fd), OK);
}

static void
ear_close(struct ear *e)
{
	httpd_free(e->server);
	if (e->held != NULL)
		http_reply(e->held, 503, NULL, NULL, 0); /* frees it */
	buf_clear(&e->transfers);
	fd_close(&e->fd);
}

/* Discovery has shaken hands with it, when its chain ended there. */
static void
introduce(const struct ear *e, struct blockref head)
{
	struct peer_entry entry = {.state = PEER_UP, .source = "static", .since_ms = clock_wall_ms()};

	netaddr_format(entry.address, &e->at);
	chain_head(crew.store, head, &entry.head);
	ck_assert(peer_table_set(crew.store, &entry));
	bell_ring(&crew.env.bells, BELL_RELAY);
}

static void
grow(unsigned blocks)
{
	ck_assert_int_eq(maker_begin(&maker, chain_tip(crew.store)), OK);
	for (unsigned i = 0; i < blocks; i++)
		ck_assert_int_eq(maker_add(&maker, 0, NULL, 0, 20000), OK);
	ck_assert_int_eq(durable_commit(&maker), OK);
	bell_ring_tip(&crew.env.bells);
}

static bool
heard_of_tip(const struct ear *e)
{
	const struct hash256 *tip = chain_hash(crew.store, chain_tip(crew.store));

	return e->block_count > 0 && hash_equal(&e->blocks[e->block_count - 1], tip);
}

static void
pend(uint64_t sequence, bool from_client)
{
	struct tx tx = transfer(crew.store, 0, 1, 100, 10, sequence);
	struct mempool *pool = mempool_open(crew.store);

	ck_assert_int_eq(mempool_admit(pool, &tx, from_client, clock_wall_ms()).status, ADMISSION_PENDING);
	ck_assert_int_eq(mempool_keep(pool), OK);
	mempool_close(pool);
	bell_ring(&crew.env.bells, BELL_RELAY);
}

START_TEST(tells_every_peer_of_a_new_tip_at_once)
{
	struct ear ears[2];

	for (int i = 0; i < 2; i++) {
		ear_open(&ears[i], 200);
		introduce(&ears[i], chain_tip(crew.store));
	}
	crew_start(&crew, "relay");
	until(crew_counter(&crew, "relay", COUNT_OUTLETS) == 2);
	for (unsigned n = 1; n <= 3; n++) {
		grow(1);
		until(heard_of_tip(&ears[0]) && heard_of_tip(&ears[1]));
		ck_assert_uint_eq(ears[0].block_count, n);
		ck_assert_uint_eq(ears[1].block_count, n);
	}
	ck_assert_str_eq(ears[0].port, "5005");
	until(crew_counter(&crew, "relay", COUNT_PUSHES) == 6);
	ck_assert_int_eq(crew_stop(&crew, "relay"), CHILD_STOPPED);
	for (int i = 0; i < 2; i++)
		ear_close(&ears[i]);
}
END_TEST

START_TEST(tells_blocks_in_order_to_who_is_a_little_behind)
{
	struct ear ear;

	grow(5);
	ear_open(&ear, 200);
	introduce(&ear, chain_genesis(crew.store));
	crew_start(&crew, "relay");
	until(heard_of_tip(&ear));
	ck_assert_uint_eq(ear.block_count, 5);
	for (uint64_t h = 1; h <= 5; h++) {
		struct blockref ref = chain_at(crew.store, chain_tip(crew.store), h);
		ck_assert(hash_equal(&ear.blocks[h - 1], chain_hash(crew.store, ref)));
	}
	ear_close(&ear);
}
END_TEST

START_TEST(tells_the_tip_alone_to_who_is_far_behind)
{
	struct ear ear;

	grow(40);
	ear_open(&ear, 200);
	introduce(&ear, chain_genesis(crew.store));
	crew_start(&crew, "relay");
	until(heard_of_tip(&ear));
	ck_assert_uint_eq(ear.block_count, 1);
	ear_close(&ear);
}
END_TEST

START_TEST(a_peer_that_does_not_answer_delays_nobody)
{
	struct ear hard, quick;

	ear_open(&hard, 200);
	hard.is_hard = true;
	ear_open(&quick, 200);
	introduce(&hard, chain_tip(crew.store));
	introduce(&quick, chain_tip(crew.store));
	crew_start(&crew, "relay");
	grow(1);
	until(hard.held != NULL && heard_of_tip(&quick));
	grow(1);
	until(heard_of_tip(&quick));
	ck_assert_uint_eq(quick.block_count, 2);
	ck_assert_uint_eq(hard.block_count, 1);
	ear_close(&hard);
	ear_close(&quick);
}
END_TEST

START_TEST(tells_again_who_was_busy)
{
	struct ear ear;

	ear_open(&ear, 503);
	introduce(&ear, chain_tip(crew.store));
	crew_start(&crew, "relay");
	grow(1);
	until(ear.block_count == 1);
	ear.status = 200;
	until(ear.block_count == 2);
	ck_assert(hash_equal(&ear.blocks[0], &ear.blocks[1]));
	ear_close(&ear);
}
END_TEST

START_TEST(tells_each_pending_transfer_whole_and_once)
{
	struct pool_entry e;
	uint64_t arrival = 0;
	struct ear ear;

	grow(1);
	ear_open(&ear, 202);
	introduce(&ear, chain_tip(crew.store));
	crew_start(&crew, "relay");
	pend(0, true);
	until(ear.transfer_pushes == 1);
	pend(1, false);
	until(ear.transfer_pushes == 2);
	ck_assert(mempool_next(crew.store, &arrival, &e));
	ck_assert(memcmp(ear.transfers.data, e.bytes, e.size) == 0);
	ck_assert_uint_eq(ear.transfers.len, 2 * e.size);
	/* A block comes after whatever would have been told before it. */
	grow(1);
	until(heard_of_tip(&ear));
	ck_assert_uint_eq(ear.transfer_pushes, 2);
	ear_close(&ear);
}
END_TEST

START_TEST(repeats_what_our_own_clients_sent_and_not_what_came_from_peers)
{
	struct pool_entry e;
	uint64_t arrival = 0;
	struct ear ear;

	crew.config.discovery.interval_ms = 100;
	grow(1);
	pend(0, true);
	pend(1, false);
	ear_open(&ear, 202);
	introduce(&ear, chain_tip(crew.store));
	crew_start(&crew, "relay");
	/* By its id: it was told once. */
	until(ear.offers >= 2);
	ck_assert(mempool_next(crew.store, &arrival, &e));
	ck_assert_uint_eq(ear.offered_count, 1);
	ck_assert(hash_equal(&ear.offered[0], &e.id));
	ck_assert_uint_eq(ear.transfer_pushes, 1);
	ck_assert_uint_eq(ear.transfers.len, 2 * e.size);
	/* Whoever lost it gets it whole. */
	ear.lacks_all = true;
	until(ear.transfer_pushes >= 2);
	ck_assert(memcmp(ear.transfers.data + 2 * e.size, e.bytes, e.size) == 0);
	ear_close(&ear);
}
END_TEST

START_TEST(who_is_paused_or_gone_hears_nothing)
{
	struct ear paused, ear;
	char text[NETADDR_TEXT_SIZE];

	ear_open(&paused, 200);
	ear_open(&ear, 200);
	introduce(&paused, chain_tip(crew.store));
	introduce(&ear, chain_tip(crew.store));
	netaddr_format(text, &paused.at);
	peer_pause_set(crew.store, text, "protocol", clock_wall_ms());
	crew_start(&crew, "relay");
	grow(1);
	until(heard_of_tip(&ear));
	grow(1);
	until(heard_of_tip(&ear));
	ck_assert_uint_eq(paused.block_count, 0);
	ear_close(&paused);
	ear_close(&ear);
}
END_TEST

/* A worker of ours has heard of it from that peer. */
static void
note_heard(const struct ear *e, const struct hash256 *hash)
{
	char text[NETADDR_TEXT_SIZE];

	netaddr_format(text, &e->at);
	ring_put_heard(crew.store, crew.ring, &(struct heard){item_key(hash), peer_key(text)});
}

START_TEST(tells_nobody_what_he_told_us)
{
	struct ear teller, other;
	struct tx first, second;
	struct hash256 id;

	grow(1);
	ear_open(&teller, 202);
	ear_open(&other, 202);
	introduce(&teller, chain_tip(crew.store));
	introduce(&other, chain_tip(crew.store));
	crew_start(&crew, "relay");
	first = transfer(crew.store, 0, 1, 100, 10, 0);
	second = transfer(crew.store, 0, 1, 100, 10, 1);
	id = tx_id(&first);
	note_heard(&teller, &id);
	pend(0, false);
	until(other.transfer_pushes == 1);
	pend(1, false);
	until(other.transfer_pushes == 2 && teller.transfer_pushes == 1);
	ck_assert_uint_eq(teller.transfers.len, tx_size(&second));
	ck_assert_uint_eq(other.transfers.len, tx_size(&first) + tx_size(&second));
	/* Blocks likewise: the bell rings when its hash was noted. */
	ck_assert_int_eq(maker_begin(&maker, chain_tip(crew.store)), OK);
	ck_assert_int_eq(maker_add(&maker, 0, NULL, 0, 20000), OK);
	note_heard(&teller, chain_hash(crew.store, maker.at));
	ck_assert_int_eq(durable_commit(&maker), OK);
	bell_ring_tip(&crew.env.bells);
	until(heard_of_tip(&other));
	grow(1);
	until(heard_of_tip(&other) && heard_of_tip(&teller));
	ck_assert_uint_eq(other.block_count, 2);
	ck_assert_uint_eq(teller.block_count, 1);
	ear_close(&teller);
	ear_close(&other);
}
END_TEST

START_TEST(names_the_transfers_of_a_block_that_is_not_small)
{
	struct tx txs[40];
	struct ear ear;

	grow(1);
	ear_open(&ear, 202);
	introduce(&ear, chain_tip(crew.store));
	crew_start(&crew, "relay");
	for (uint64_t i = 0; i < ARRAY_LEN(txs); i++)
		txs[i] = transfer(crew.store, 0, 1, 100, 0, i);
	ck_assert_int_eq(maker_begin(&maker, chain_tip(crew.store)), OK);
	ck_assert_int_eq(maker_add(&maker, 0, txs, ARRAY_LEN(txs), 20000), OK);
	ck_assert_int_eq(durable_commit(&maker), OK);
	bell_ring_tip(&crew.env.bells);
	until(heard_of_tip(&ear));
	ck_assert_uint_eq(ear.named, 1);
	grow(1);
	until(heard_of_tip(&ear));
	ck_assert_uint_eq(ear.named, 1);
	ck_assert_uint_eq(ear.block_count, 2);
	ear_close(&ear);
}
END_TEST

#define CROWD 20

static void
crowd_open(struct ear *ears, int status)
{
	for (int i = 0; i < CROWD; i++) {
		ear_open(&ears[i], status);
		introduce(&ears[i], chain_tip(crew.store));
	}
	crew_start(&crew, "relay");
}

static unsigned
crowd_heard(const struct ear *ears, unsigned *headers)
{
	unsigned sum = 0;

	*headers = 0;
	for (int i = 0; i < CROWD; i++) {
		sum += ears[i].block_count;
		*headers += ears[i].headers;
	}
	return sum;
}

START_TEST(tells_eight_and_asks_four_when_the_others_have_heard)
{
	static struct ear ears[CROWD];
	unsigned headers;

	crowd_open(ears, 200);
	for (unsigned n = 1; n <= 3; n++) {
		grow(1);
		until(crowd_heard(ears, &headers) == n * (8 + 4));
		ck_assert_uint_eq(headers, n * 4);
		/* The burst ends: nobody else is asked about this block, or the next sum would be another. */
		until(crew_counter(&crew, "relay", COUNT_PUSHES) == n * (8 + 4));
	}
	for (int i = 0; i < CROWD; i++)
		ear_close(&ears[i]);
}
END_TEST

START_TEST(tells_all_as_long_as_it_is_news)
{
	static struct ear ears[CROWD];
	unsigned headers;

	crowd_open(ears, 202);
	for (unsigned n = 1; n <= 2; n++) {
		grow(1);
		until(crowd_heard(ears, &headers) == n * CROWD);
		ck_assert_uint_eq(headers, n * (CROWD - 8));
		for (int i = 0; i < CROWD; i++)
			ck_assert_uint_eq(ears[i].block_count, n);
	}
	for (int i = 0; i < CROWD; i++)
		ear_close(&ears[i]);
}
END_TEST

Suite *
suite_role_relay(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "role relay", 60);

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, tells_every_peer_of_a_new_tip_at_once);
	tcase_add_test(tc, tells_blocks_in_order_to_who_is_a_little_behind);
	tcase_add_test(tc, tells_the_tip_alone_to_who_is_far_behind);
	tcase_add_test(tc, a_peer_that_does_not_answer_delays_nobody);
	tcase_add_test(tc, tells_again_who_was_busy);
	tcase_add_test(tc, tells_each_pending_transfer_whole_and_once);
	tcase_add_test(tc, repeats_what_our_own_clients_sent_and_not_what_came_from_peers);
	tcase_add_test(tc, who_is_paused_or_gone_hears_nothing);
	tcase_add_test(tc, tells_nobody_what_he_told_us);
	tcase_add_test(tc, names_the_transfers_of_a_block_that_is_not_small);
	tcase_add_test(tc, tells_eight_and_asks_four_when_the_others_have_heard);
	tcase_add_test(tc, tells_all_as_long_as_it_is_news);
	return suite;
}
