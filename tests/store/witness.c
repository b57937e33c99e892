#include "witness.h"

#include <stdlib.h>
#include <string.h>

#include "chain/header_chain.h"
#include "chain/pow.h"
#include "process.h"
#include "util/mem.h"

/* Looking for an old state walks all the newer ones, so of a very long chain some heights have to do. */
#define BOOKS_MAX 2000

size_t
witness_walk(const struct store *s, struct blockref tip, struct blockref **refs)
{
	size_t count = (size_t)chain_height(s, tip) + 1;

	*refs = xcalloc(count, sizeof(**refs));
	for (size_t i = count; i-- > 0; tip = chain_parent(s, tip))
		(*refs)[i] = tip;
	need(tip.v == 0);
	need(blockref_equal((*refs)[0], chain_genesis(s)));
	return count;
}

static struct account *
account_of(struct book *b, const struct address *who)
{
	for (unsigned i = 0; i < PEOPLE; i++) {
		struct address a = person(i);
		if (address_equal(&a, who))
			return &b->of[i];
	}
	return NULL;
}

static void
credit(struct book *b, const struct address *who, uint64_t value)
{
	struct account *a = account_of(b, who);

	if (a != NULL)
		a->balance += value;
}

static struct tx
reward_of(const struct store *s, struct blockref ref)
{
	struct block_iter it;
	struct block b;
	struct tx tx;
	enum rule rule;

	chain_block(s, ref, &b);
	it = block_txs(&b);
	need(block_next(&it, &tx, &rule) && rule == RULE_OK && tx.version == TX_REWARD);
	return tx;
}

void
witness_apply(const struct store *s, const struct blockref *refs, uint64_t height, struct book *book)
{
	uint32_t maturity = store_params(s)->maturity;
	uint64_t fees = 0;
	struct block_iter it;
	struct block b;
	struct tx tx, reward;
	enum rule rule;

	if (height == 0)
		return;
	chain_block(s, refs[height], &b);
	for (it = block_txs(&b); block_next(&it, &tx, &rule);) {
		struct address sender;
		struct account *from;
		if (tx.version == TX_REWARD)
			continue;
		sender = tx_sender(&tx);
		from = account_of(book, &sender);
		need(from != NULL && from->sequence == tx.sequence && from->balance >= tx.value + tx.fee);
		from->balance -= tx.value + tx.fee;
		from->sequence++;
		fees += tx.fee;
		credit(book, &tx.recipient, tx.value);
	}
	book->supply += reward_of(s, refs[height]).value - fees;
	if (height > maturity) {
		reward = reward_of(s, refs[height - maturity]);
		credit(book, &reward.recipient, reward.value);
	}
}

static void
check_block(const struct store *s, struct blockref tip, const struct blockref *refs, uint64_t h, struct u256 *work)
{
	struct block_iter it;
	struct hash256 hash;
	struct block b;
	struct head head;
	struct tx tx;
	enum rule rule;

	chain_block(s, refs[h], &b);
	hash = header_hash_bytes(b.bytes);
	need(hash_equal(&hash, &b.hash) && hash_equal(&hash, chain_hash(s, refs[h])));
	need(b.header.height == h && chain_height(s, refs[h]) == h);
	if (h > 0) {
		struct u256 own = target_work(b.header.target);
		struct hash256 root = block_merkle_root(&b);
		need(hash_equal(&b.header.previous, chain_hash(s, refs[h - 1])));
		need(hash_equal(&root, &b.header.merkle_root));
		*work = u256_add(work, &own);
	}
	chain_head(s, refs[h], &head);
	need(u256_compare(&head.work, work) == 0 && head.height == h && hash_equal(&head.hash, &hash));
	need(blockref_equal(chain_at(s, tip, h), refs[h]));
	need(blockref_equal(chain_find(s, tip, &hash), refs[h]));
	need(blockref_equal(chain_find_any(s, &hash), refs[h]));
	for (it = block_txs(&b); block_next(&it, &tx, &rule);) {
		struct hash256 id = tx_id(&tx);
		struct tx_place place;
		need(rule == RULE_OK);
		need(chain_find_tx(s, tip, &id, &place));
		need(blockref_equal(place.block, refs[h]) && place.index == it.index && place.size == it.size &&
		     memcmp(place.bytes, it.bytes, it.size) == 0);
	}
}

static void
check_accounts(const struct store *s, struct blockref at, const struct book *book)
{
	for (unsigned i = 0; i < PEOPLE; i++) {
		struct address who = person(i);
		struct account a;
		need(chain_account(s, at, &who, &a, NULL) == OK);
		need(a.balance == book->of[i].balance && a.sequence == book->of[i].sequence);
	}
}

static void
check_chain(const struct store *s, bool at_every_height)
{
	struct blockref tip = chain_tip(s), *refs;
	struct u256 work = u256_of(0);
	struct book book = {0};
	struct store_usage usage;
	size_t count = witness_walk(s, tip, &refs);

	for (size_t h = 0; h < count; h++) {
		check_block(s, tip, refs, h, &work);
		witness_apply(s, refs, h, &book);
		need(chain_supply(s, refs[h]) == book.supply);
		if (at_every_height && h % (count / BOOKS_MAX + 1) == 0)
			check_accounts(s, refs[h], &book);
	}
	check_accounts(s, tip, &book);
	need(chain_at(s, tip, count).v == 0);
	free(refs);
	store_usage(s, &usage);
	need(usage.arena_dead <= usage.arena_used && usage.arena_used < usage.granted &&
	     usage.granted <= usage.size_max);
}

void
witness_chain(const struct store *s)
{
	check_chain(s, false);
}

void
witness_accounts(const struct store *s)
{
	check_chain(s, true);
}

static int
compare_entries(const void *a, const void *b)
{
	const struct pool_entry *x = a, *y = b;
	int order = memcmp(&x->sender, &y->sender, sizeof(x->sender));

	return order != 0 ? order : x->sequence < y->sequence ? -1 : x->sequence > y->sequence;
}

/* One sender's transfers, in order. */
static void
check_sender(const struct store *s, const struct pool_entry *list, size_t count)
{
	struct account account;
	struct pool_sender told;
	uint64_t next, outgoing = 0;

	need(chain_account(s, chain_tip(s), &list[0].sender, &account, NULL) == OK);
	next = account.sequence;
	for (size_t i = 0; i < count; i++) {
		need(list[i].sequence >= account.sequence);
		need(i == 0 || list[i].sequence > list[i - 1].sequence);
		need(list[i].is_waiting == (list[i].sequence != next));
		if (!list[i].is_waiting)
			next++;
		outgoing += list[i].value + list[i].fee;
	}
	need(outgoing <= account.balance);
	mempool_sender(s, &list[0].sender, account.sequence, &told);
	need(told.outgoing == outgoing && told.count == count && told.next_sequence == next);
}

void
witness_pool(const struct store *s)
{
	uint32_t max = mempool_capacity(s), count = 0, waiting = 0;
	struct pool_entry *list = xcalloc((size_t)max + 1, sizeof(*list)), again;
	struct candidate *candidates = xcalloc(max, sizeof(*candidates));
	uint64_t arrival = 0, before = 0, bytes_pooled = 0;
	struct tx_place place;

	while (mempool_next(s, &arrival, &list[count])) {
		struct pool_entry *e = &list[count++];
		struct reader r = reader_of(e->bytes, e->size);
		struct hash256 id;
		struct tx tx;

		need(count <= max);
		need(e->arrival > before && arrival == e->arrival + 1);
		before = e->arrival;
		waiting += e->is_waiting;
		bytes_pooled += e->size;
		need(tx_decode(&tx, &r) == RULE_OK && reader_done(&r));
		id = tx_id(&tx);
		need(hash_equal(&id, &e->id) && tx.sequence == e->sequence && tx.value == e->value && tx.fee == e->fee);
		need(mempool_find(s, &id, &again) && memcmp(again.bytes, e->bytes, e->size) == 0);
		need(!chain_find_tx(s, chain_tip(s), &id, &place));
	}
	need(count == mempool_count(s) && waiting == mempool_waiting(s) && bytes_pooled == mempool_bytes(s));
	need(mempool_candidates(s, candidates, max) == count);
	for (uint32_t i = 0; i < count; i++) {
		uint8_t bytes[TX_SIZE_MAX];
		uint32_t size;
		struct tx tx;
		need(mempool_fetch(s, candidates[i].ref, &tx, bytes, &size));
		need(size == candidates[i].size && tx.fee == candidates[i].fee &&
		     tx.sequence == candidates[i].sequence);
	}
	qsort(list, count, sizeof(*list), compare_entries);
	for (uint32_t first = 0, i = 1; i <= count; i++)
		if (i == count || !address_equal(&list[i].sender, &list[first].sender)) {
			check_sender(s, list + first, i - first);
			first = i;
		}
	free(list);
	free(candidates);
}
