/* What a running node says of itself: whether it is ready, how its processes, memory, disk and peers are. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "prog/doctor.h"
#include "prog/remote.h"
#include "prog/show.h"

#define DEATHS_MANY 3 /* of one role */
#define USAGE_HIGH 80 /* per cent of shm_max */
#define SKEW_WARN_MS 30000

static void
judge_ready(struct report *r, const struct answer *a)
{
	const struct jval *sync = jval_get(a->root, "sync");
	char height[SHOW_NUMBER_SIZE], target[SHOW_NUMBER_SIZE];

	if (a->status != 200)
		report_say(r, "ready", jval_get(a->root, "blocks_to_load") != NULL ? REMARK_NOTE : REMARK_PROBLEM, NULL,
			   "the node is not ready: %s", jval_str(a->root, "reason", "it does not say why"));
	else if (sync != NULL)
		report_say(r, "ready", REMARK_NOTE, "Wait: it goes on by itself.",
			   "the node is ready, and fetches a chain: block %s of %s",
			   show_number(height, sync, "height"), show_number(target, sync, "target"));
	else
		report_say(r, "ready", REMARK_OK, NULL, "the node is ready, at height %s",
			   show_number(height, a->root, "height"));
}

/* A reload replaces processes in good order, and that counts as a start too: what is more than reloads is what died. */
static void
judge_roles(struct report *r, const struct jval *status)
{
	const struct jval *roles = jval_get(status, "roles");
	uint64_t reloads = jval_u64(jval_get(status, "reload"), "count", 0);
	bool is_well = true;

	for (size_t i = 0; i < jval_count(roles); i++) {
		const struct jval *role = jval_at(roles, i);
		uint64_t restarts = jval_u64(role, "restarts", 0), deaths = restarts > reloads ? restarts - reloads : 0;

		if (deaths == 0)
			continue;
		is_well = false;
		report_say(r, "roles", deaths > DEATHS_MANY ? REMARK_WARNING : REMARK_NOTE,
			   "The node's log says how it ended each time: look for \"the next one starts in\".",
			   "the %s died and was started again %" PRIu64 " time%s since the node began",
			   jval_str(role, "role", "?"), deaths, deaths == 1 ? "" : "s");
	}
	if (is_well)
		report_say(r, "roles", REMARK_OK, NULL, "none of the %zu processes has died since the node began",
			   jval_count(roles));
}

static void
judge_usage(struct report *r, const struct jval *status)
{
	const struct jval *segment = jval_get(status, "segment"), *pool = jval_get(status, "pool");
	uint64_t max = jval_u64(segment, "size_max", 0), granted = jval_u64(segment, "granted", 0);
	uint64_t waiting = jval_u64(pool, "transactions", 0), room = jval_u64(pool, "capacity", 0);
	uint64_t percent = max >= 100 ? granted / (max / 100) : 0;

	if (percent >= USAGE_HIGH)
		report_say(r, "usage", REMARK_WARNING,
			   "Raise [node] shm_max (and /dev/shm with it) before the node answers writes with 507, and "
			   "start it again.",
			   "the chain fills %" PRIu64 " %% of [node] shm_max", percent);
	else
		report_say(r, "usage", REMARK_OK, NULL, "the chain fills %" PRIu64 " %% of [node] shm_max", percent);
	if (room > 0 && waiting >= room)
		report_say(r, "usage", REMARK_WARNING,
			   "Mine, so that they get into blocks, or raise [node] pool_max and start the node again.",
			   "the pool is full: %" PRIu64 " transfers wait, and new ones are refused", waiting);
}

static void
judge_log(struct report *r, const char *name, const struct jval *log)
{
	const char *state = jval_str(log, "state", "?");

	if (strcmp(state, "ok") == 0)
		report_say(r, "logs", REMARK_OK, NULL, "the last write to the %s went well", name);
	else if (strcmp(state, "no-space") == 0)
		report_say(r, "logs", REMARK_PROBLEM, "Free some; the node goes on by itself once there is room.",
			   "the disk is full: the %s takes nothing new", name);
	else
		report_say(r, "logs", REMARK_PROBLEM,
			   "See the node's log and the kernel's (dmesg): the disk may be failing.",
			   "the disk refused the last write to the %s (%s)", name, state);
}

static void
judge_logs(struct report *r, const struct jval *status)
{
	judge_log(r, "journal", jval_get(status, "journal"));
	judge_log(r, "pool's log", jval_get(status, "pool_log"));
}

static void
judge_reload(struct report *r, const struct jval *status)
{
	const struct jval *reload = jval_get(status, "reload"), *restart = jval_get(reload, "restart");
	const char *error = jval_str(reload, "error", NULL), *first;
	size_t len, count = jval_count(restart);

	if (error != NULL) {
		report_say(r, "reload", REMARK_WARNING,
			   "Correct it and reload again: the node runs with what it had before.",
			   "the last reload was refused: %s", error);
	} else if (count > 0) {
		first = jval_text(jval_at(restart, 0), &len);
		report_say(r, "reload", REMARK_NOTE, "Start the node again when it suits.",
			   "%zu changed key%s wait%s for a restart: %s%s", count, count == 1 ? "" : "s",
			   count == 1 ? "s" : "", first != NULL ? first : "?", count > 1 ? " and others" : "");
	} else {
		report_say(r, "reload", REMARK_OK, NULL, "no change of the configuration waits for a restart");
	}
}

static void
judge_clocks(struct report *r, const struct jval *status)
{
	char span[SHOW_NUMBER_SIZE];
	int64_t skew;

	if (jval_signed(&skew, jval_get(jval_get(status, "peers"), "skew_ms")) != OK)
		return;
	uint64_t off = skew > 0 ? (uint64_t)skew : -(uint64_t)skew;
	if (off >= SKEW_WARN_MS)
		report_say(r, "neighbours", REMARK_WARNING,
			   "Set the clocks right: \"timedatectl\" on each host shows whether a time service keeps it.",
			   "the node's clock is %s %s those of its peers: blocks more than 120 s ahead of a clock are "
			   "not taken",
			   show_ms(span, off), skew > 0 ? "behind" : "ahead of");
}

/* States in which a node that answers can never become a peer. */
static bool
is_foreign(const char *state)
{
	return strncmp(state, "other-", 6) == 0;
}

static void
judge_neighbours(struct report *r, const struct jval *peers)
{
	const struct jval *list = jval_get(peers, "peers");
	size_t up = 0, others = 0;

	for (size_t i = 0; i < jval_count(list); i++) {
		const struct jval *peer = jval_at(list, i);
		const char *state = jval_str(peer, "state", "?"), *reason = jval_str(peer, "reason", "");

		up += strcmp(state, "up") == 0;
		others += strcmp(state, "up") != 0 && strcmp(state, "self") != 0 && strcmp(state, "same-node") != 0;
		if (is_foreign(state))
			report_say(r, "neighbours", REMARK_WARNING,
				   "Give both nodes the same [network] section and version, if they belong together.",
				   "%s cannot be a peer: %s", jval_str(peer, "address", "?"), reason);
		else if (strcmp(state, "paused") == 0)
			report_say(
			    r, "neighbours", REMARK_WARNING, "That node is broken or hostile: ask whoever runs it.",
			    "%s is left alone because it broke a rule: %s", jval_str(peer, "address", "?"), reason);
	}
	if (up > 0)
		report_say(r, "neighbours", REMARK_OK, NULL, "%zu peer%s up", up, up == 1 ? " is" : "s are");
	else if (others > 0)
		report_say(r, "neighbours", REMARK_WARNING, "\"rensa peers\" shows why each is none.",
			   "the node knows %zu others, and none of them is a peer", others);
	else
		report_say(r, "neighbours", REMARK_NOTE,
			   "Name some in [discovery] peers, dns or scan_hosts, unless it is alone on purpose.",
			   "the node has no peers");
}

typedef bool wanting(const void *ctx, const char *check);

static void
ask_status(struct report *r, struct remote *at, wanting *wants, const void *ctx)
{
	static const struct {
		const char *check;
		void (*judge)(struct report *r, const struct jval *status);
	} parts[] = {{"roles", judge_roles},
		     {"usage", judge_usage},
		     {"logs", judge_logs},
		     {"reload", judge_reload},
		     {"neighbours", judge_clocks}};
	struct answer status;

	if (remote_call(at, &status, "/status", NULL) != CLI_DONE) {
		report_say(r, "ready", REMARK_PROBLEM, NULL, "the node does not tell its status: %s", at->cli->message);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if (wants(ctx, parts[i].check))
			parts[i].judge(r, status.root);
	answer_clear(&status);
}

static void
ask_peers(struct report *r, struct remote *at)
{
	struct answer peers;

	at->max_reply = REMOTE_BLOCKS_MAX;
	if (remote_call(at, &peers, "/peers", NULL) != CLI_DONE) {
		report_say(r, "neighbours", REMARK_PROBLEM, NULL, "the node does not tell its peers: %s",
			   at->cli->message);
		return;
	}
	judge_neighbours(r, peers.root);
	answer_clear(&peers);
}

void
doctor_node(struct report *r, struct cli *c, wanting *wants, const void *ctx)
{
	struct remote at;
	struct answer ready = {0};
	bool is_there = remote_open(&at, c) == CLI_DONE;

	if (is_there)
		remote_try(&at, &ready, "/readyz", NULL);
	/* 503 is an answer too: it says what the node waits for. */
	bool is_node = ready.root != NULL && (ready.status == 200 || ready.status == 503);
	if (!is_there || !is_node) {
		if (is_there)
			(void)remote_fail(&at, &ready);
		report_add(r, "ready", REMARK_PROBLEM, c->message, NULL);
	} else {
		if (wants(ctx, "ready"))
			judge_ready(r, &ready);
		ask_status(r, &at, wants, ctx);
		if (wants(ctx, "neighbours"))
			ask_peers(r, &at);
	}
	answer_clear(&ready);
	/* What failed is a remark now. */
	c->code[0] = '\0';
}
