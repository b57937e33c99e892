#include "caller.h"

#include <check.h>
#include <stdio.h>
#include <sys/socket.h>

#include "util/file.h"

const struct httpc_request caller_plain = {
    .method = HTTP_GET, .path = "/a", .max_reply = 1000 * 1000, .timeout_ms = 20000};

void
caller_start(struct caller *k, struct httpd_options options)
{
	*k = (struct caller){0};
	rig_start(&k->rig, options);
	k->client = httpc_new(k->rig.loop, &k->rig.at, NULL, NULL);
}

void
caller_start_by_hand(struct caller *k)
{
	*k = (struct caller){.rig = {.loop = loop_new()}};
	k->rig.listen_fd = rig_listen(&k->rig.at);
	k->client = httpc_new(k->rig.loop, &k->rig.at, NULL, "example.org");
}

void
caller_stop(struct caller *k)
{
	httpc_free(k->client);
	buf_clear(&k->got.body);
	rig_stop(&k->rig);
}

void
caller_note(void *ctx, const struct httpc_reply *reply)
{
	struct caller *k = ctx;
	k->got.count++;
	k->got.error = reply->error;
	k->got.status = reply->status;
	snprintf(k->got.type, sizeof(k->got.type), "%s", reply->content_type);
	buf_reset(&k->got.body);
	if (reply->len > 0)
		buf_append(&k->got.body, reply->body, reply->len);
}

void
caller_send(struct caller *k, const struct httpc_request *request)
{
	ck_assert_int_eq(httpc_send(k->client, request, caller_note, k), OK);
}

void
caller_call(struct caller *k, const struct httpc_request *request)
{
	unsigned before = k->got.count;
	caller_send(k, request);
	ck_assert_uint_eq(k->got.count, before); /* never from within */
	ck_assert(httpc_is_busy(k->client));
	rig_until(&k->rig, k->got.count == before + 1);
	ck_assert(!httpc_is_busy(k->client));
}

struct raw
caller_accept(struct caller *k)
{
	struct raw server = {.fd = -1};
	buf_init(&server.got);
	rig_until(&k->rig, (server.fd = accept(k->rig.listen_fd, NULL, NULL)) >= 0);
	return server;
}

void
caller_read_request(struct caller *k, struct raw *server, unsigned count)
{
	rig_until(&k->rig, raw_read(server) && raw_count(server, "\r\n\r\n") == count);
}
