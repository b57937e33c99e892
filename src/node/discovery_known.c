/*
 * Addresses from elsewhere than the configuration: the file of those met before, and what peers tell. Both are only
 * reasons to shake hands.
 *
 * The file holds the addresses where a node of ours has answered, those that are up first. It is written when that set
 * has changed, at most every SAVE_MS, and when the role is asked to stop. One that cannot be read is said once and
 * replaced by the next that is written; one that cannot be written is said once until it can.
 */
#include <stdlib.h>
#include <string.h>

#include "crypto/random.h"
#include "discovery.h"
#include "disk/peerfile.h"
#include "util/clock.h"
#include "util/crc32c.h"
#include "util/log.h"
#include "util/mem.h"

#define SAVE_MS 60000
#define ASKED_EACH_ROUND 3
#define EXCHANGE_TIMEOUT_MS 5000

/* The file. */

void
discovery_load(struct discovery *d)
{
	struct peerfile_entry *saved = xcalloc(PEERFILE_MAX, sizeof(*saved));
	struct buf why;
	size_t count, told = 0;
	char text[NETADDR_TEXT_SIZE];
	enum err e;

	buf_init(&why);
	e = peerfile_read(saved, &count, d->child->env->config->node.data_dir, store_genesis(d->store), &why);
	if (e != OK && e != ERR_NOT_FOUND)
		log_warn("discovery: the peers known from before are not used: %s", why.data);
	for (size_t i = 0; i < count; i++) {
		struct netaddr at = {.is_v6 = saved[i].is_v6, .port = saved[i].port};

		memcpy(at.ip, saved[i].ip, sizeof(at.ip));
		netaddr_format(text, &at);
		/* After a reload, or a crash of this role, the table knows better. */
		if (peer_table_has(d->store, text))
			continue;
		finder_tell(d->finder, &at, SOURCE_SAVED);
		told++;
	}
	if (told > 0)
		log_info("discovery: %zu address%s known from before", told, told == 1 ? "" : "es");
	buf_clear(&why);
	free(saved);
}

struct known {
	struct peerfile_entry entry;
	bool is_up;
};

static int
best_first(const void *a, const void *b)
{
	const struct known *x = a, *y = b;

	if (x->is_up != y->is_up)
		return x->is_up ? -1 : 1;
	if (!x->is_up && x->entry.good_ms != y->entry.good_ms)
		return x->entry.good_ms > y->entry.good_ms ? -1 : 1;
	return memcmp(&x->entry, &y->entry, offsetof(struct peerfile_entry, good_ms));
}

/* The addresses worth keeping, best first, at most PEERFILE_MAX; and a mark that changes with the set. */
static size_t
collect(const struct discovery *d, struct peerfile_entry *out, uint32_t *mark)
{
	struct known *known = xcalloc(PEER_TABLE_MAX, sizeof(*known));
	struct peer_entry e;
	struct netaddr at;
	size_t count = 0;

	for (uint32_t i = 0; i < PEER_TABLE_MAX; i++) {
		if (!peer_table_get(d->store, i, &e) || e.good_ms == 0 || e.state == PEER_SAME_NODE ||
		    netaddr_parse(&at, e.address) != OK)
			continue;
		known[count].is_up = e.state == PEER_UP;
		known[count].entry.is_v6 = at.is_v6;
		memcpy(known[count].entry.ip, at.ip, sizeof(at.ip));
		known[count].entry.port = at.port;
		known[count++].entry.good_ms = e.good_ms;
	}
	qsort(known, count, sizeof(*known), best_first);
	if (count > PEERFILE_MAX)
		count = PEERFILE_MAX;
	*mark = 0;
	for (size_t i = 0; i < count; i++) {
		out[i] = known[i].entry;
		*mark = crc32c(*mark, &out[i].ip, sizeof(out[i].ip));
		*mark = crc32c(*mark, &out[i].port, sizeof(out[i].port));
	}
	free(known);
	return count;
}

void
discovery_save(struct discovery *d, bool is_end)
{
	struct peerfile_entry *known;
	uint64_t now_ms = clock_mono_ms();
	struct buf why;
	uint32_t mark;
	size_t count;

	if (!is_end && d->saved_ms != 0 && now_ms - d->saved_ms < SAVE_MS)
		return;
	known = xcalloc(PEERFILE_MAX, sizeof(*known));
	count = collect(d, known, &mark);
	/* With nobody met since the start, what the file says is the better knowledge. */
	if (count > 0 && mark != d->saved_mark) {
		buf_init(&why);
		if (peerfile_write(d->child->env->config->node.data_dir, store_genesis(d->store), known, count, &why) !=
		    OK)
			log_warn("discovery: the peers known are not kept for the next start: %s", why.data);
		buf_clear(&why);
		d->saved_mark = mark;
		d->saved_ms = now_ms;
	}
	free(known);
}

/* What peers tell. */

static void
told(void *ctx, const struct netaddr *by, const struct netaddr *list, size_t count)
{
	struct asking *a = ctx;
	struct discovery *d = a->discovery;
	char text[NETADDR_TEXT_SIZE];

	(void)by;
	a->exchange = NULL;
	for (size_t i = 0; i < count; i++) {
		netaddr_format(text, &list[i]);
		if (discovery_is_news(d, text, false))
			finder_tell(d->finder, &list[i], SOURCE_PEER);
	}
}

void
discovery_ask(struct discovery *d, const struct netaddr *peer)
{
	for (int i = 0; i < EXCHANGES_MAX; i++) {
		struct asking *a = &d->asking[i];

		if (a->exchange != NULL)
			continue;
		a->discovery = d;
		a->exchange = exchange_start(d->child->loop, peer, d->from, EXCHANGE_TIMEOUT_MS, told, a);
		return;
	}
}

void
discovery_ask_some(struct discovery *d)
{
	struct netaddr chosen[ASKED_EACH_ROUND], at;
	struct peer_entry e;
	size_t seen = 0;

	/* Each of those that are up is chosen with the same chance. */
	for (uint32_t i = 0; i < PEER_TABLE_MAX; i++) {
		size_t place = seen;

		if (!peer_table_get(d->store, i, &e) || e.state != PEER_UP || netaddr_parse(&at, e.address) != OK)
			continue;
		if (seen++ >= ASKED_EACH_ROUND)
			place = random_u64() % seen;
		if (place < ASKED_EACH_ROUND)
			chosen[place] = at;
	}
	for (size_t i = 0; i < seen && i < ASKED_EACH_ROUND; i++)
		discovery_ask(d, &chosen[i]);
}

void
discovery_known_clear(struct discovery *d)
{
	for (int i = 0; i < EXCHANGES_MAX; i++)
		exchange_cancel(d->asking[i].exchange);
}
