/*
 * The resolver makes the best chain that is known ours. It works in rounds, every [resolver] interval and whenever it
 * is woken for one (a new peer, PUT /consensus): it asks the heads of all peers, which costs the same whatever the
 * chains' lengths, and fetches from those that win, best first, those that did not answer last time after the others.
 * Who is slow with its headers while others wait loses its turn: any number of addresses may be somebody's who only wants
 * to keep us waiting.
 * Between rounds it takes in the blocks that peers push: one that fits is judged and committed at once, one whose
 * parent is missing makes it fetch from the peer that pushed it.
 *
 * A peer that breaks a rule is named with the rule and left alone for a growing pause; the broken block is remembered
 * if its bytes are what its hash says (their merkle root matches), else anybody could spoil a good block. Blocks ahead
 * of the clock are held and tried again.
 *
 * Either a round or one fetch for a push is under way, never both; a round that is wanted meanwhile follows at once. A
 * consensus command is answered by the first round that began after it came.
 *
 * If the resolver dies, what it had staged is dead weight, what it was committing is repaired by the master, commands
 * that it had taken are answered by its successor, which starts with a round. If it ends in order it hands them back, and a
 * round of its successor answers them.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "node/roles.h"
#include "resolver.h"
#include "store/role_table.h"
#include "util/clock.h"
#include "util/log.h"

#define HANDSHAKE_TIMEOUT_MS 5000
#define COMMANDS (1u << COMMAND_CONSENSUS)

bool
resolver_wins(const struct resolver *r, const struct head *head)
{
	struct head ours;

	chain_head(r->store, chain_tip(r->store), &ours);
	return head_is_better(head, &ours);
}

bool
resolver_is_too_deep(const struct resolver *r, struct blockref from)
{
	uint64_t max = r->child->env->config->resolver.max_reorg_depth;
	struct blockref tip = chain_tip(r->store), fork = chain_fork(r->store, tip, from);

	return max != 0 && chain_height(r->store, tip) - chain_height(r->store, fork) > max;
}

bool
resolver_is_paused(const struct resolver *r, const struct netaddr *at)
{
	char text[NETADDR_TEXT_SIZE];
	struct peer_pause pause;

	netaddr_format(text, at);
	return peer_pause_find(r->store, text, clock_wall_ms(), &pause);
}

void
resolver_note(struct resolver *r, const struct netaddr *at, const char *note)
{
	char text[NETADDR_TEXT_SIZE];

	netaddr_format(text, at);
	peer_note_set(r->store, text, note);
}

static void
count_reorg(struct store *s, uint64_t depth)
{
	role_count(s, COUNT_REORGS, 1);
	role_count(s, COUNT_ROLLED_BACK, depth);
	if (depth > role_get(s, COUNT_DEEPEST))
		role_set(s, COUNT_DEEPEST, depth);
}

void
resolver_adopted(struct resolver *r, struct blockref old)
{
	struct store *s = r->store;
	struct blockref tip = chain_tip(s), fork = chain_fork(s, old, tip);

	r->replaced = true;
	if (!blockref_equal(fork, old))
		r->refused_count = 0; /* they may fork from the new one later */
	role_count(s, COUNT_BLOCKS, chain_height(s, tip) - chain_height(s, fork));
	if (!blockref_equal(fork, old))
		count_reorg(s, chain_height(s, old) - chain_height(s, fork));
	bell_ring_tip(&r->child->env->bells);
}

void
resolver_say_adopted(struct resolver *r, struct blockref old, const char *from)
{
	struct store *s = r->store;
	struct blockref tip = chain_tip(s), fork = chain_fork(s, old, tip);
	uint64_t gone = chain_height(s, old) - chain_height(s, fork),
		 came = chain_height(s, tip) - chain_height(s, fork);

	if (gone > 0)
		log_info("resolver: adopted %" PRIu64 " blocks from %s in place of %" PRIu64 ", fork at height %" PRIu64
			 ", height %" PRIu64 " -> %" PRIu64,
			 came, from, gone, chain_height(s, fork), chain_height(s, old), chain_height(s, tip));
	else
		log_info("resolver: adopted %" PRIu64 " block%s from %s, height %" PRIu64 " -> %" PRIu64, came,
			 came == 1 ? "" : "s", from, chain_height(s, old), chain_height(s, tip));
}

void
resolver_say_trouble(struct resolver *r, enum err e, uint64_t height)
{
	if (e != OK)
		role_count(r->store, COUNT_UNKEPT, 1);
	if (e != OK && e != r->trouble)
		log_error("resolver: block %" PRIu64 " cannot be kept: %s", height, err_text(e));
	else if (e == OK && r->trouble != OK)
		log_info("resolver: blocks can be kept again");
	r->trouble = e;
}

void
resolver_remember_bad(struct resolver *r, const struct block *b)
{
	struct hash256 root = block_merkle_root(b);

	if (hash_equal(&root, &b->header.merkle_root))
		bad_blocks_add(&r->bad, &b->hash);
}

void
resolver_want_round(struct resolver *r, uint64_t after_ms)
{
	if (after_ms == 0 && !r->in_round && r->fetch == NULL)
		loop_timer_arm(r->next, 0);
	else if (!r->wants_round && !r->in_round && r->fetch == NULL)
		loop_timer_arm(r->next, after_ms);
	r->wants_round = true;
}

static void
end_round(struct resolver *r)
{
	r->in_round = false;
	role_count(r->store, COUNT_ROUNDS, 1);
	for (uint32_t i = 0; i < r->due_count; i++) {
		command_finish(r->store, r->waiting[i], OK, r->replaced);
		bell_ring_worker(&r->child->env->bells, r->waiting[i].ring);
	}
	r->waiting_count -= r->due_count;
	memmove(r->waiting, r->waiting + r->due_count, r->waiting_count * sizeof(*r->waiting));
	r->due_count = 0;
	loop_timer_arm(r->next, r->wants_round ? 0 : r->child->env->config->resolver.interval_ms);
}

/* The best of the heads still wanted; peers that did not answer last time come after all others. */
static struct asked *
best_asked(struct resolver *r)
{
	struct asked *best = NULL;
	bool best_failed = false;

	for (uint32_t i = 0; i < r->asked_count; i++) {
		struct asked *a = &r->asked[i];
		bool failed;

		if (a->is_wanted && (!resolver_wins(r, &a->head) || resolver_is_paused(r, &a->at)))
			a->is_wanted = false;
		if (!a->is_wanted)
			continue;
		failed = resolver_has_failed(r, &a->at);
		if (best == NULL || failed < best_failed ||
		    (failed == best_failed && head_is_better(&a->head, &best->head))) {
			best = a;
			best_failed = failed;
		}
	}
	return best;
}

bool
resolver_has_other(struct resolver *r)
{
	return best_asked(r) != NULL;
}

void
resolver_go_on(struct resolver *r)
{
	struct asked *best;

	if (!r->in_round) {
		if (r->wants_round)
			loop_timer_arm(r->next, 0);
		return;
	}
	if (r->answers_due > 0)
		return;
	best = best_asked(r);
	if (best != NULL) {
		best->is_wanted = false;
		resolver_fetch(r, &best->at, &best->head);
	} else {
		end_round(r);
	}
}

static void
shook(void *ctx, const struct netaddr *to, const struct handshake_result *result)
{
	struct asked *a = ctx;
	struct resolver *r = a->resolver;

	a->handshake = NULL;
	r->answers_due--;
	if (result->outcome == HANDSHAKE_UP) {
		a->head = result->hello.head;
		/* What the head claims is only a reason to ask: the headers prove it or not. */
		a->is_wanted = resolver_wins(r, &a->head) && !bad_blocks_has(&r->bad, &a->head.hash) &&
			       !resolver_has_refused(r, &a->head.hash);
		if (!resolver_wins(r, &a->head))
			resolver_note(r, to, "");
	}
	resolver_go_on(r);
}

static void
start_round(void *ctx)
{
	struct resolver *r = ctx;
	struct peer_entry e;
	struct hello ours;

	if (r->in_round || r->fetch != NULL) {
		r->wants_round = true; /* its end starts one */
		return;
	}
	r->in_round = true;
	r->wants_round = false;
	r->replaced = false;
	r->due_count = r->waiting_count;
	r->asked_count = 0;
	child_hello(r->child, &ours);
	ours.port = 0; /* discovery has introduced us already */
	for (uint32_t i = 0; i < PEER_TABLE_MAX; i++) {
		struct asked *a = &r->asked[r->asked_count];
		if (!peer_table_get(r->store, i, &e) || e.state != PEER_UP || netaddr_parse(&a->at, e.address) != OK ||
		    resolver_is_paused(r, &a->at))
			continue;
		a->resolver = r;
		a->is_wanted = false;
		a->head = (struct head){0};
		a->handshake = handshake_start(r->child->loop, &a->at, r->from, &ours, HANDSHAKE_TIMEOUT_MS, shook, a);
		r->asked_count++;
		r->answers_due++;
	}
	resolver_go_on(r);
}

/* Has a peer come up since the last look? */
static bool
has_new_peer(struct resolver *r)
{
	uint64_t version = peer_table_version(r->store), newest = 0;
	struct peer_entry e;
	bool is_new;

	if (version == r->peers_version)
		return false;
	for (uint32_t i = 0; i < PEER_TABLE_MAX; i++)
		if (peer_table_get(r->store, i, &e) && e.state == PEER_UP && e.since_ms > newest)
			newest = e.since_ms;
	is_new = newest > r->newest_peer;
	r->newest_peer = newest;
	r->peers_version = version;
	return is_new;
}

static void
rang(void *ctx)
{
	struct resolver *r = ctx;
	struct command_handle h;
	struct command c;
	bool wants = false;

	resolver_take_pushes(r);
	while (r->waiting_count < WAITING_MAX && command_next(r->store, COMMANDS, &h, &c)) {
		r->waiting[r->waiting_count++] = h;
		wants = true;
	}
	/* Discovery rings for a new peer, workers for PUT /consensus: both want a round soon. */
	if (has_new_peer(r)) {
		resolver_widen(r);
		wants = true;
	}
	if (wants)
		resolver_want_round(r, 0);
}

int
role_resolver(struct child *c)
{
	static struct resolver r;
	int code;

	r.child = c;
	r.store = c->env->store;
	r.from = child_from(c, &r.from_space);
	r.next = loop_timer_new(c->loop, start_round, &r);
	r.more = loop_timer_new(c->loop, rang, &r);
	r.patience = loop_timer_new(c->loop, resolver_lose_patience, &r);
	r.retry = loop_timer_new(c->loop, resolver_retry_held, &r);
	branch_init(&r.branch, r.store);
	resolver_verify_init(&r);
	progress_end(&r); /* of a predecessor */
	resolver_compacts_init(&r);
	child_recover_commands(c, COMMANDS);
	child_on_bell(c, c->env->bells.role[BELL_RESOLVER], rang, &r);
	(void)has_new_peer(&r); /* the first round asks all that are up by now */
	start_round(&r);
	rang(&r);
	code = child_run(c);
	for (uint32_t i = 0; i < r.waiting_count; i++)
		command_hand_back(r.store, r.waiting[i]);
	fetch_free(r.fetch);
	for (uint32_t i = 0; i < r.asked_count; i++)
		handshake_cancel(r.asked[i].handshake);
	for (int i = 0; i < HELD_MAX; i++)
		buf_clear(&r.held[i].bytes);
	resolver_compacts_clear(&r);
	branch_end(&r.branch);
	resolver_verify_clear(&r);
	return code;
}
