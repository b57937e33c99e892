#include "taker.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

static size_t
find(const struct taker *t, const struct hash256 *hash)
{
	for (size_t i = t->count; i-- > 0;)
		if (hash_equal(&t->records[i].state.hash, hash))
			return i;
	return SIZE_MAX;
}

static size_t
add(struct taker *t, const struct header_state *state)
{
	size_t known = find(t, &state->hash);

	if (known != SIZE_MAX)
		return known;
	if (t->count == t->room) {
		t->room = t->room == 0 ? 64 : t->room * 2;
		t->records = xrealloc(t->records, t->room * sizeof(*t->records));
	}
	t->records[t->count] = (struct record){*state, find(t, &state->header.previous)};
	return t->count++;
}

static struct head
head_of(const struct header_state *s)
{
	return (struct head){s->hash, s->work, s->header.height};
}

static bool
is_better(const struct taker *t, const struct head *theirs)
{
	struct head ours = head_of(&t->records[t->tip].state);

	return head_is_better(theirs, &ours);
}

/* Ten one by one, then each hundredth, then genesis. */
static size_t
locator(void *ctx, struct hash256 *out)
{
	const struct taker *t = ctx;
	size_t count = 0, step = 0;

	for (size_t at = t->tip; count < LOCATOR_MAX - 1 && at != 0; at = t->records[at].parent)
		if (step++ < 10 || step % 100 == 0)
			out[count++] = t->records[at].state.hash;
	out[count++] = t->records[0].state.hash;
	return count;
}

static bool
known(void *ctx, const struct hash256 *hash, struct header_state *out)
{
	const struct taker *t = ctx;
	size_t i = find(t, hash);

	if (i == SIZE_MAX)
		return false;
	*out = t->records[i].state;
	return true;
}

static bool
is_bad(void *ctx, const struct hash256 *hash)
{
	const struct taker *t = ctx;

	return t->bad != NULL && hash_equal(t->bad, hash);
}

static bool
wins(void *ctx, const struct head *head)
{
	return is_better(ctx, head);
}

static uint64_t
now_ms(void *ctx)
{
	return ((struct taker *)ctx)->clock_ms;
}

static enum rule
begin(void *ctx, const struct hash256 *ancestor)
{
	struct taker *t = ctx;

	t->begins++;
	t->at = find(t, ancestor);
	ck_assert_uint_ne(t->at, SIZE_MAX);
	t->has_begun = true;
	return t->begin_rule;
}

static bool
foresee(void *ctx, const struct block *b)
{
	struct taker *t = ctx;

	ck_assert(t->has_begun);
	if (b == NULL) {
		t->foreseen = t->bodies;
		t->forgotten++;
		return true;
	}
	if (t->foreseen - t->bodies == t->foresee_max)
		return false;
	if (t->foreseen > t->bodies)
		ck_assert(hash_equal(&b->header.previous, &t->last_foreseen));
	t->last_foreseen = b->hash;
	t->foreseen++;
	return true;
}

static bool
body(void *ctx, const struct block *b, struct verdict *v)
{
	struct taker *t = ctx;
	struct header_state state = t->records[t->at].state;
	struct hash256 root;

	ck_assert(t->has_begun);
	ck_assert_uint_gt(t->foreseen, t->bodies);
	if (t->on_body != NULL)
		t->on_body(t, b);
	ck_assert_int_eq(v->rule, RULE_OK);
	ck_assert_int_eq(header_check(&state, &b->header, &b->hash, &t->params), RULE_OK);
	root = block_merkle_root(b);
	if (!hash_equal(&root, &b->header.merkle_root)) {
		*v = verdict_of(RULE_WRONG_MERKLE_ROOT);
		return false;
	}
	if (b->header.height == t->refuse_height) {
		*v = verdict_of(t->refuse_rule);
		return false;
	}
	header_state_advance(&state, &b->header, &b->hash);
	t->at = add(t, &state);
	t->bodies++;
	return true;
}

static bool
flush(void *ctx)
{
	struct taker *t = ctx;
	struct head head = head_of(&t->records[t->at].state);

	t->flushes++;
	if (t->flushes_left-- == 0)
		return false;
	if (is_better(t, &head)) {
		t->tip = t->at;
		t->commits++;
	}
	return true;
}

static void
progress(void *ctx, uint64_t height, uint64_t target)
{
	struct taker *t = ctx;

	ck_assert_uint_ge(target, height);
	t->progress_height = height;
	t->progress_target = target;
}

static void
fault(void *ctx, const struct netaddr *peer, const struct fetch_result *what)
{
	struct taker *t = ctx;

	ck_assert_uint_lt(t->fault_count, TAKER_FAULTS);
	ck_assert_uint_eq(t->done, 0);
	t->faults[t->fault_count].at = *peer;
	t->faults[t->fault_count++].what = *what;
}

static void
done(void *ctx, const struct fetch_result *result)
{
	struct taker *t = ctx;

	t->done++;
	t->result = *result;
	fetch_free(t->fetch);
	t->fetch = NULL;
}

void
taker_init(struct taker *t, struct loop *l)
{
	struct header_state genesis;

	memset(t, 0, sizeof(*t));
	t->loop = l;
	t->params = strand_params();
	t->clock_ms = NEVER / 2;
	t->refuse_height = NEVER;
	t->flushes_left = UINT32_MAX;
	t->foresee_max = UINT64_MAX;
	t->late_ms = FETCH_LATE_MS;
	header_state_genesis(&genesis, &t->params);
	add(t, &genesis);
}

void
taker_clear(struct taker *t)
{
	fetch_free(t->fetch);
	free(t->records);
	memset(t, 0, sizeof(*t));
}

void
taker_have(struct taker *t, const struct strand *s, uint64_t from, uint64_t to)
{
	for (uint64_t h = from; h <= to; h++) {
		size_t at = add(t, &s->blocks[h].state);
		struct head head = head_of(&s->blocks[h].state);
		if (is_better(t, &head))
			t->tip = at;
	}
}

void
taker_start_many(struct taker *t, const struct fetch_peer *peers, size_t count)
{
	static const struct fetch_callbacks callbacks = {locator, known, is_bad, wins,	   now_ms, begin,
							 foresee, body,	 flush,	 progress, fault,  done};
	struct fetch_options options = {
	    .peers = peers, .peer_count = count, .params = &t->params, .late_ms = t->late_ms};

	t->done = 0;
	t->fault_count = 0;
	t->fetch = fetch_start(t->loop, &options, &callbacks, t);
	ck_assert_uint_eq(t->done, 0);
}

void
taker_start(struct taker *t, const struct netaddr *peer)
{
	taker_start_many(t, &(struct fetch_peer){.at = *peer}, 1);
}

enum fetch_end
taker_fetch_many(struct taker *t, const struct fetch_peer *peers, size_t count)
{
	taker_start_many(t, peers, count);
	kit_until(t->loop, t->done > 0);
	ck_assert_uint_eq(t->done, 1);
	return t->result.end;
}

enum fetch_end
taker_fetch(struct taker *t, const struct netaddr *peer)
{
	return taker_fetch_many(t, &(struct fetch_peer){.at = *peer}, 1);
}

const struct fetch_result *
taker_fault(const struct taker *t, const struct netaddr *peer)
{
	const struct fetch_result *last = NULL;

	for (unsigned i = 0; i < t->fault_count; i++)
		if (netaddr_equal(&t->faults[i].at, peer))
			last = &t->faults[i].what;
	return last;
}

uint64_t
taker_height(const struct taker *t)
{
	return t->records[t->tip].state.header.height;
}

const struct hash256 *
taker_hash(const struct taker *t)
{
	return &t->records[t->tip].state.hash;
}
