#include "estate.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "disk/datadir.h"
#include "disk/netfile.h"
#include "storage.h"
#include "store/load.h"
#include "store/snapshot.h"
#include "util/file.h"
#include "util/log.h"

#define LOCK_WAIT_MS 5000

static enum err
take_lock(int *lock, const char *data_dir, struct handover *h)
{
	struct buf why;
	enum err e;

	if (h->lock != -1 && datadir_adopt(h->lock, data_dir)) {
		*lock = h->lock;
		h->lock = -1;
		return OK;
	}
	fd_close(&h->lock);
	buf_init(&why);
	e = datadir_lock(lock, data_dir, LOCK_WAIT_MS, &why);
	if (e != OK)
		log_error("master: %s", why.data);
	buf_clear(&why);
	return e;
}

static enum err
open_listeners(const struct node_env *env, struct listeners *l, const struct netaddr *at, const char *key,
	       struct handover *h)
{
	char text[NETADDR_TEXT_SIZE];
	bool is_ours = handover_has_port(h, at->port);
	enum err e;

	handover_claim(h, l, at);
	e = listeners_open(l, at, env->workers, is_ours);
	netaddr_format(text, at);
	if (e != OK)
		log_error("master: %s %s: %s", key, text, listeners_fault(e));
	return e;
}

/* Is the folder one of this network? From now on it says of which it is. */
static enum err
settle_network(const struct config *c)
{
	struct framelog *journal = storage_log(c, LOG_JOURNAL);
	struct buf why;
	enum err e;

	buf_init(&why);
	e = netfile_settle(c->node.data_dir, &c->network, journal, &why);
	if (e != OK)
		log_error("master: %s", why.data == NULL ? err_text(e) : why.data);
	buf_clear(&why);
	framelog_free(journal);
	return e;
}

enum err
estate_settle(struct node_env *env, int *lock, struct handover *h)
{
	const struct config *c = env->config;
	enum err e = take_lock(lock, c->node.data_dir, h);

	if (e == OK)
		e = open_listeners(env, &env->listeners, &c->http.listen, "[http] listen", h);
	if (e == OK && c->peers.listen.port != 0)
		e = open_listeners(env, &env->peer_listeners, &c->peers.listen, "[peers] listen", h);
	return e == OK ? settle_network(c) : e;
}

enum err
estate_open_bells(struct node_env *env, int *life_write)
{
	enum err e = bells_open(&env->bells, 2 * env->workers);
	int fds[2];

	if (e == OK && pipe2(fds, O_CLOEXEC | O_NONBLOCK) == 0) {
		env->life = fds[0];
		*life_write = fds[1];
		return OK;
	}
	log_error("master: cannot make pipes: %s", strerror(errno));
	return ERR_IO;
}

/* It speaks of blocks by their place in the segment, so each segment has one of its own. A node can do without. */
static void
make_transcript(struct node_env *env)
{
	uint64_t size_max = env->config->http.chain_cache;

	if (size_max > 0 && transcript_create(&env->transcript, size_max) != OK)
		log_warn(
		    "master: there is no memory object for [http] chain_cache, so blocks are written anew for each "
		    "reader: %s",
		    strerror(errno));
}

enum err
estate_make_store(struct node_env *env, uint32_t roles)
{
	const struct config *c = env->config;
	struct store_options o = {.name = c->node.name,
				  .data_dir = c->node.data_dir,
				  .size_max = c->node.shm_max,
				  .roles = roles,
				  .rings = 2 * env->workers,
				  .pool_max = c->node.pool_max,
				  .params = c->network};
	char absolute[PATH_MAX];
	struct buf why;
	enum err e;

	/* The object's name comes from the folder, so one folder must have one spelling. */
	if (realpath(c->node.data_dir, absolute) != NULL)
		o.data_dir = absolute;
	buf_init(&why);
	e = store_create(&env->store, &o, &why);
	if (e == OK)
		store_use_logs(env->store, storage_log(c, LOG_JOURNAL), storage_log(c, LOG_POOL));
	else
		log_error("master: %s", why.data == NULL ? err_text(e) : why.data);
	buf_clear(&why);
	if (e == OK)
		make_transcript(env);
	return e;
}

/* What makes the next start quick. */
static void
put_away(const struct node_env *env)
{
	char path[PATH_MAX];

	store_end_journal(env->store);
	storage_snapshot(path, env->config);
	if (snapshot_is_due(env->store, path) && snapshot_write(env->store, path) != OK)
		log_warn("master: the snapshot %s cannot be written: %s; the next start takes longer", path,
			 strerror(errno));
}

void
estate_end_store(struct node_env *env, bool is_over)
{
	if (is_over && env->store != NULL && store_is_loaded(env->store))
		put_away(env);
	store_destroy(env->store);
	transcript_free(env->transcript);
	env->store = NULL;
	env->transcript = NULL;
}

void
estate_close(struct node_env *env)
{
	estate_end_store(env, false);
	bells_close(&env->bells);
	listeners_close(&env->listeners);
	listeners_close(&env->peer_listeners);
	fd_close(&env->life);
}
