#include "sender_index.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/hash.h"
#include "util/mem.h"

/*
 * Buckets double when there are more senders than buckets; this table is private to one process, so moving entries is
 * fine here, unlike in the segment.
 */
struct sender_index {
	uint8_t seed[16];
	struct sender **buckets;
	uint32_t bucket_count; /* power of two */
	uint32_t senders;
};

#define BUCKETS_FIRST 256

struct sender_index *
sender_index_new(const uint8_t seed[16])
{
	struct sender_index *x = xcalloc(1, sizeof(*x));

	memcpy(x->seed, seed, sizeof(x->seed));
	x->bucket_count = BUCKETS_FIRST;
	x->buckets = xcalloc(x->bucket_count, sizeof(*x->buckets));
	return x;
}

static void
sender_free(struct sender *s)
{
	free(s->list);
	free(s);
}

void
sender_index_free(struct sender_index *x)
{
	if (x == NULL)
		return;
	for (uint32_t i = 0; i < x->bucket_count; i++)
		while (x->buckets[i] != NULL) {
			struct sender *s = x->buckets[i];
			x->buckets[i] = s->next;
			sender_free(s);
		}
	free(x->buckets);
	free(x);
}

static struct sender **
bucket_of(const struct sender_index *x, const struct address *who)
{
	return &x->buckets[siphash(x->seed, who, sizeof(*who)) & (x->bucket_count - 1)];
}

static void
grow(struct sender_index *x)
{
	struct sender **old = x->buckets;
	uint32_t count = x->bucket_count;

	x->bucket_count *= 2;
	x->buckets = xcalloc(x->bucket_count, sizeof(*x->buckets));
	for (uint32_t i = 0; i < count; i++)
		while (old[i] != NULL) {
			struct sender *s = old[i], **to = bucket_of(x, &s->who);
			old[i] = s->next;
			s->next = *to;
			*to = s;
		}
	free(old);
}

struct sender *
sender_find(const struct sender_index *x, const struct address *who)
{
	struct sender *s = *bucket_of(x, who);

	while (s != NULL && !address_equal(&s->who, who))
		s = s->next;
	return s;
}

uint32_t
sender_place(const struct sender *s, uint64_t sequence)
{
	uint32_t low = 0, high = s->count;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		if (s->list[mid].sequence < sequence)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

void
sender_add(struct sender_index *x, const struct address *who, struct pending p)
{
	struct sender *s = sender_find(x, who), **bucket;
	uint32_t i;

	if (s == NULL) {
		if (x->senders >= x->bucket_count)
			grow(x);
		s = xcalloc(1, sizeof(*s));
		s->who = *who;
		bucket = bucket_of(x, who);
		s->next = *bucket;
		*bucket = s;
		x->senders++;
	}
	if (s->count == s->room) {
		s->room = s->room == 0 ? 4 : s->room * 2;
		s->list = xrealloc(s->list, s->room * sizeof(*s->list));
	}
	i = sender_place(s, p.sequence);
	memmove(s->list + i + 1, s->list + i, (s->count - i) * sizeof(*s->list));
	s->list[i] = p;
	s->count++;
	s->outgoing += p.cost;
}

void
sender_remove(struct sender_index *x, const struct address *who, uint64_t sequence)
{
	struct sender **link = bucket_of(x, who), *s;
	uint32_t i;

	while ((s = *link) != NULL && !address_equal(&s->who, who))
		link = &s->next;
	if (s == NULL || (i = sender_place(s, sequence)) == s->count || s->list[i].sequence != sequence)
		return;
	s->outgoing -= s->list[i].cost;
	memmove(s->list + i, s->list + i + 1, (s->count - i - 1) * sizeof(*s->list));
	if (--s->count == 0) {
		*link = s->next;
		sender_free(s);
		x->senders--;
	}
}

const struct pending *
sender_at(const struct sender *s, uint64_t sequence)
{
	uint32_t i = sender_place(s, sequence);

	return i < s->count && s->list[i].sequence == sequence ? &s->list[i] : NULL;
}

uint64_t
sender_next(const struct sender *s, uint64_t from)
{
	uint32_t first = sender_place(s, from), low = first, high = s->count;

	/* Sequences are different and in order: up to the first gap each is as far from `from` as its place from
	 * `first`, after it none is. */
	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		if (s->list[mid].sequence - from == mid - first)
			low = mid + 1;
		else
			high = mid;
	}
	return from + (low - first);
}

bool
sender_each_of(struct sender_index *x, uint32_t *bucket, sender_visit *visit, void *ctx)
{
	/* Empty ones cost nothing worth a turn. */
	while (*bucket < x->bucket_count && x->buckets[*bucket] == NULL)
		++*bucket;
	if (*bucket >= x->bucket_count)
		return false;
	for (struct sender *s = x->buckets[(*bucket)++], *next; s != NULL; s = next) {
		next = s->next;
		visit(ctx, &s->who);
	}
	return true;
}
