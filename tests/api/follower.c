#include "follower.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/clock.h"
#include "util/text.h"

void
follower_node_start(struct node *n)
{
	node_init(n);
	n->options.listeners_max = 3;
	node_start(n);
}

void
follower_open(struct raw *c, struct node *n, const char *target, const char *id)
{
	char request[512];

	raw_open(c, n, 0);
	snprintf(request, sizeof(request), "GET %s HTTP/1.0\r\n%s%s%s\r\n", target, id != NULL ? "Last-Event-ID: " : "",
		 id != NULL ? id : "", id != NULL ? "\r\n" : "");
	raw_send(c, request);
	node_until(n, (raw_read(c, SIZE_MAX), c->got.len > 0 && strstr(c->got.data, "\r\n\r\n") != NULL));
}

int
follower_status(const struct raw *c)
{
	return atoi(c->got.data + strlen("HTTP/1.0 "));
}

/* One event in few words: "block 3", "pending", "reorganisation 2 to 1", "peer ADDRESS STATE". */
static void
retell(struct buf *out, const char *name, const char *data)
{
	char error[JSON_ERROR_SIZE];
	struct jdoc *doc = jdoc_parse(data, strlen(data), error);

	ck_assert_msg(doc != NULL, "%s: %s", error, data);
	const struct jval *v = jdoc_root(doc);
	if (strcmp(name, "block") == 0 || strcmp(name, "reset") == 0)
		buf_printf(out, "%s %llu", name, (unsigned long long)jval_u64(v, "height", UINT64_MAX));
	else if (strcmp(name, "transaction") == 0)
		buf_puts(out, jval_str(v, "status", "?"));
	else if (strcmp(name, "reorganisation") == 0)
		buf_printf(out, "reorganisation %llu to %llu", (unsigned long long)jval_u64(v, "depth", UINT64_MAX),
			   (unsigned long long)jval_u64(jval_get(v, "fork"), "height", UINT64_MAX));
	else
		buf_printf(out, "%s %s %s", name, jval_str(v, "address", "?"), jval_str(v, "state", "?"));
	buf_puts(out, "; ");
	jdoc_free(doc);
}

void
follower_story(struct buf *out, char id[FOLLOWER_ID_SIZE], const struct raw *c)
{
	const char *at = c->got.len > 0 ? strstr(c->got.data, "\r\n\r\n") : NULL, *end;
	char name[32] = "", line[1024];

	buf_reset(out);
	buf_puts(out, "");
	for (at = at == NULL ? NULL : at + 4; at != NULL && (end = strchr(at, '\n')) != NULL; at = end + 1) {
		snprintf(line, sizeof(line), "%.*s", (int)(end - at), at);
		if (strncmp(line, "event: ", 7) == 0)
			snprintf(name, sizeof(name), "%.31s", line + 7);
		else if (strncmp(line, "id: ", 4) == 0)
			text_copy(id, FOLLOWER_ID_SIZE, line + 4);
		else if (strncmp(line, "data: ", 6) == 0)
			retell(out, name, line + 6);
	}
}

const char *
follower_expect(struct raw *c, struct node *n, const char *expected)
{
	static char id[FOLLOWER_ID_SIZE];
	uint64_t deadline = node_deadline();
	struct buf story;

	buf_init(&story);
	for (;;) {
		raw_read(c, SIZE_MAX);
		follower_story(&story, id, c);
		if (strcmp(story.data, expected) == 0)
			break;
		ck_assert_msg(clock_mono_ms() < deadline, "told: %s\nexpected: %s", story.data, expected);
		loop_poll(n->loop);
	}
	buf_clear(&story);
	return id;
}

void
node_tell_blocks(struct node *n, struct blockref fork, size_t count, unsigned miner)
{
	node_extend(n, fork, count, miner);
	api_bell(n->api);
}

void
node_tell_tx(struct node *n, const struct tx *tx)
{
	ck_assert_int_eq(node_post(n, tx), 202);
	api_bell(n->api);
}

void
node_tell_some_tx(struct node *n, uint64_t sequence)
{
	struct tx tx = transfer(n, 0, 1, 5, 0, sequence);

	node_tell_tx(n, &tx);
}
