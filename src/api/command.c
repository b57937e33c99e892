/* Calls under way, each in the slot of the ring that it has, so that there are never more than RING_COMMANDS. */
#include "command.h"

#include <stdlib.h>

#include "reply.h"
#include "util/failpoint.h"
#include "util/mem.h"

#define CANCEL_WAIT_MS 2000 /* for the result of a command that was cancelled */

struct call {
	struct api *api;
	struct http_req *req;
	struct command asked;
	enum api_wake whom;
	int slot;
	bool is_late;
	struct loop_timer *timer;
	command_answer *then;
};

static void
call_free(struct call *c)
{
	c->api->calls[c->slot] = NULL;
	loop_timer_free(c->timer);
	free(c);
}

static void
call_give_up(struct call *c)
{
	struct api *a = c->api;
	struct http_req *req = c->req;

	ring_forget_command(a->store, a->o.ring, c->slot);
	call_free(c);
	reply_error(a, req, 503, "outcome-unknown",
		    "the process that does this did not answer in time; what it has done so far is not known, look "
		    "before you ask "
		    "again");
}

/* The resolver finishes its round whatever becomes of the request, so nothing is gained by waiting for it. */
static void
call_leave(struct call *c)
{
	static const struct command_result none = {.error = ERR_TIMEOUT};
	struct call left = *c;

	ring_forget_command(c->api->store, c->api->o.ring, c->slot);
	call_free(c);
	left.then(left.api, left.req, &left.asked, &none, true);
}

/* Whoever works on it may be at rest, or at something else, and looks when woken. */
static void
call_cancel(struct call *c)
{
	struct api *a = c->api;

	if (c->asked.kind == COMMAND_CONSENSUS) {
		call_leave(c);
		return;
	}
	c->is_late = true;
	ring_cancel_command(a->store, a->o.ring, c->slot);
	a->o.wake(a->o.wake_ctx, c->whom);
	loop_timer_arm(c->timer, CANCEL_WAIT_MS);
}

static void
time_is_up(void *ctx)
{
	struct call *c = ctx;

	if (c->is_late)
		call_give_up(c);
	else
		call_cancel(c);
}

static void
client_gone(void *ctx)
{
	struct call *c = ctx;
	struct api *a = c->api;
	struct http_req *req = c->req;

	ring_forget_command(a->store, a->o.ring, c->slot);
	a->o.wake(a->o.wake_ctx, c->whom);
	call_free(c);
	http_reply(req, 503, NULL, NULL, 0);
}

void
command_ask(struct api *a, struct http_req *req, const struct command *asked, enum api_wake whom, command_answer *then)
{
	int slot = ring_put_command(a->store, a->o.ring, asked);
	struct call *c;

	if (slot < 0) {
		reply_error(a, req, 503, "busy", "too many such requests are being worked on; ask again");
		return;
	}
	c = xcalloc(1, sizeof(*c));
	c->api = a;
	c->req = req;
	c->asked = *asked;
	c->whom = whom;
	c->slot = slot;
	c->then = then;
	c->timer = loop_timer_new(a->o.loop, time_is_up, c);
	a->calls[slot] = c;
	loop_timer_arm(c->timer, a->o.request_timeout_ms);
	http_req_on_close(req, client_gone, c);
	FAILPOINT("command.put");
	a->o.wake(a->o.wake_ctx, whom);
}

void
command_bell(struct api *a)
{
	struct command_result result;

	for (int i = 0; i < RING_COMMANDS; i++) {
		struct call *c = a->calls[i];

		if (c == NULL || !ring_take_result(a->store, a->o.ring, i, &result))
			continue;
		struct call done = *c;
		call_free(c);
		done.then(a, done.req, &done.asked, &result, done.is_late);
	}
}

void
command_cancel_all(struct api *a)
{
	/* A reload that replaces this worker was answered before. */
	command_bell(a);
	for (int i = 0; i < RING_COMMANDS; i++)
		if (a->calls[i] != NULL && !a->calls[i]->is_late)
			call_cancel(a->calls[i]);
}

void
command_close(struct api *a)
{
	for (int i = 0; i < RING_COMMANDS; i++)
		if (a->calls[i] != NULL)
			call_give_up(a->calls[i]);
}
