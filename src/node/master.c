/*
 * The master. It makes everything that outlives a child (data folder lock, segment, listeners, bells), forks the roles,
 * and then keeps its hands out of the data: it waits for signals and deadlines, nothing else. What becomes of children
 * is told in posts.c.
 *
 *	SIGTERM, SIGINT	stop the roles, order by order, 8 s in all; what is left is killed; remove the segment; exit 0.
 *			A second one ends at once
 *	SIGHUP		read the configuration, refuse it whole or take it over: every child is replaced, workers
 *			without a gap
 *	SIGUSR1		log files are opened again, ours and the children's
 *
 * If the master dies, children see the end of its pipe and leave; the next master waits for them at the lock and makes
 * a fresh segment.
 */
#include "node/master.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "crypto/random.h"
#include "disk/datadir.h"
#include "disk/netfile.h"
#include "net/listener.h"
#include "node/notify.h"
#include "node/proctitle.h"
#include "posts.h"
#include "storage.h"
#include "store/chain.h"
#include "store/load.h"
#include "store/peer_table.h"
#include "store/snapshot.h"
#include "util/clock.h"
#include "util/file.h"
#include "util/log.h"
#include "util/mem.h"

#define LOCK_WAIT_MS 5000
#define TICK_MS 1000
#define VERIFIERS_MAX 16
#define LOADS_MAX 3 /* attempts at loading the chain, if it is not refused for good */
/*
 * Between two rebuilds for the sake of memory. What fills it again at once (a longer chain that has no room beside ours,
 * fetched again and again) would fill it for ever, and a node that rebuilds does nothing else.
 */
#define REBUILD_PAUSE_MS 60000
#define REBUILD_PAUSE_MAX_MS 3600000

enum { EXIT_STOPPED = 0, EXIT_FAILED = 1, EXIT_REFUSED = 2 };

struct master {
	struct node_env env;
	struct config *config; /* main's; a reload replaces what is in it */
	const char *config_path;
	int lock;
	struct posts posts;
	bool is_rebuilding;	/* the roles are stopped in order to begin again with a fresh segment */
	bool is_told;		/* the supervisor, that the node is ready */
	bool is_refused;	/* the loader said that a person has to look */
	uint32_t load_failures; /* in a row */
	uint64_t rebuilt_ms;	/* when memory was last a reason to rebuild; 0: never. Monotonic */
	uint64_t rebuild_pause_ms;
};

static enum err
open_listeners(struct master *m, int **fds, const struct netaddr *at, const char *key)
{
	char text[NETADDR_TEXT_SIZE];
	enum err e = listener_check(at);

	*fds = xmalloc(m->env.workers * sizeof(**fds));
	for (uint32_t i = 0; i < m->env.workers; i++)
		(*fds)[i] = -1;
	for (uint32_t i = 0; i < m->env.workers && e == OK; i++)
		e = listener_open(&(*fds)[i], at);
	netaddr_format(text, at);
	if (e == ERR_BUSY)
		log_error("master: %s %s: the address is in use by another program; stop it or choose another port",
			  key, text);
	else if (e == ERR_NOT_FOUND)
		log_error("master: %s %s: this host has no such address", key, text);
	else if (e == ERR_PERM)
		log_error("master: %s %s: not permitted; ports below 1024 need a privilege", key, text);
	else if (e != OK)
		log_error("master: %s %s: %s", key, text, err_text(e));
	return e;
}

static enum err
open_life_pipe(struct master *m)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) != 0)
		return ERR_IO;
	m->env.life = fds[0];
	m->posts.life_write = fds[1];
	return OK;
}

/* Is the folder one of this network? From now on it says of which it is. */
static enum err
settle_network(const struct master *m)
{
	const char *data_dir = m->config->node.data_dir;
	struct framelog *journal = storage_log(m->config, LOG_JOURNAL);
	struct buf why;
	enum err e;

	buf_init(&why);
	e = netfile_settle(data_dir, &m->config->network, journal, &why);
	if (e != OK)
		log_error("master: %s", why.data == NULL ? err_text(e) : why.data);
	buf_clear(&why);
	framelog_free(journal);
	return e;
}

/* It speaks of blocks by their place in the segment, so each segment has one of its own. A node can do without. */
static void
make_transcript(struct master *m)
{
	uint64_t size_max = m->config->http.chain_cache;

	transcript_free(m->env.transcript);
	m->env.transcript = NULL;
	if (size_max > 0 && transcript_create(&m->env.transcript, size_max) != OK)
		log_warn(
		    "master: there is no memory object for [http] chain_cache, so blocks are written anew for each "
		    "reader: %s",
		    strerror(errno));
}

static enum err
make_store(struct master *m)
{
	const struct config *c = m->config;
	struct store_options o = {.name = c->node.name,
				  .data_dir = c->node.data_dir,
				  .size_max = c->node.shm_max,
				  .roles = m->posts.count,
				  .rings = 2 * m->env.workers,
				  .pool_max = c->node.pool_max,
				  .params = c->network};
	char absolute[PATH_MAX];
	struct buf why;
	enum err e;

	/* The object's name comes from the folder, so one folder must have one spelling. */
	if (realpath(c->node.data_dir, absolute) != NULL)
		o.data_dir = absolute;
	buf_init(&why);
	e = store_create(&m->env.store, &o, &why);
	if (e == OK)
		store_use_logs(m->env.store, storage_log(c, LOG_JOURNAL), storage_log(c, LOG_POOL));
	else
		log_error("master: %s", why.data == NULL ? err_text(e) : why.data);
	buf_clear(&why);
	if (e == OK)
		make_transcript(m);
	return e;
}

/* The roles are stopped, in order, and begin again with what the disk has. */
static void
rebuild(struct master *m)
{
	m->is_rebuilding = true;
	posts_stop(&m->posts);
}

/* Whoever started us may wait for this word; then one that does not get through is worth knowing. */
static enum err
tell_supervisor(const char *state)
{
	enum err e = notify_supervisor(state);

	if (e != OK && e != ERR_NOT_FOUND)
		log_warn("master: the supervisor at NOTIFY_SOCKET does not get %s: %s", state, err_text(e));
	return e == ERR_NOT_FOUND ? OK : e;
}

/*
 * Once when the chain is there, until it gets through, and on the way there how far it is; a long way is no reason to give
 * us up.
 */
static void
tell_of_loading(struct master *m)
{
	char text[160];
	uint32_t done, of;
	bool is_loaded = store_is_loaded(m->env.store);

	if (m->is_told)
		return;
	store_load_progress(m->env.store, &done, &of);
	if (is_loaded)
		snprintf(text, sizeof(text), "READY=1\nSTATUS=height %" PRIu64,
			 chain_height(m->env.store, chain_tip(m->env.store)));
	else
		snprintf(text, sizeof(text),
			 "STATUS=loading the chain: %" PRIu32 " of %" PRIu32 " blocks\nEXTEND_TIMEOUT_USEC=60000000",
			 done, of);
	m->is_told = tell_supervisor(text) == OK && is_loaded;
}

/* Does memory want it, and was it not done just now? */
static bool
is_time_to_rebuild(struct master *m)
{
	uint64_t now = clock_mono_ms(), since = now - m->rebuilt_ms;

	if (!store_wants_rebuild(m->env.store) || (m->rebuilt_ms != 0 && since < m->rebuild_pause_ms))
		return false;
	if (m->rebuilt_ms == 0 || since > REBUILD_PAUSE_MAX_MS)
		m->rebuild_pause_ms = REBUILD_PAUSE_MS;
	else if (m->rebuild_pause_ms < REBUILD_PAUSE_MAX_MS / 2)
		m->rebuild_pause_ms *= 2;
	m->rebuilt_ms = now;
	return true;
}

static void
look_after_loading(struct master *m)
{
	int code = posts_load_failure(&m->posts);

	tell_of_loading(m);
	if (code == 0 && store_is_loaded(m->env.store))
		m->load_failures = 0;
	if (code == 0 && is_time_to_rebuild(m)) {
		log_info(
		    "master: too much of the shared memory is taken by blocks of lost branches: rebuilding it from "
		    "the journal");
		rebuild(m);
	} else if (code != 0 && code != CHILD_NEVER && ++m->load_failures < LOADS_MAX) {
		log_warn("master: the chain could not be loaded; trying again");
		rebuild(m);
	} else if (code != 0) {
		m->is_refused = code == CHILD_NEVER;
		m->load_failures = LOADS_MAX;
		posts_stop(&m->posts);
	}
}

/*
 * Nobody runs any more. True: and all has begun again. Who was left alone still is: else a peer whose lost branches
 * filled the segment would be asked for them again.
 */
static bool
begin_again(struct master *m)
{
	static struct peer_pause pauses[PAUSE_TABLE_MAX];
	bool is_taken[PAUSE_TABLE_MAX];

	if (!m->is_rebuilding)
		return false;
	m->is_rebuilding = false;
	for (uint32_t i = 0; i < PAUSE_TABLE_MAX; i++)
		is_taken[i] = peer_pause_get(m->env.store, i, &pauses[i]);
	store_destroy(m->env.store);
	m->env.store = NULL;
	if (make_store(m) != OK)
		return false;
	for (uint32_t i = 0; i < PAUSE_TABLE_MAX; i++)
		if (is_taken[i])
			peer_pause_put(m->env.store, i, &pauses[i]);
	posts_begin_again(&m->posts);
	return true;
}

/* Children have it from us. On failure the old one stays in use. */
static enum err
open_log(const struct config *c)
{
	enum err e = log_open(c->node.log_file, c->node.log_level, c->node.log_format);

	if (e != OK)
		log_error("master: [node] log_file %s cannot be opened: %s", c->node.log_file, err_text(e));
	return e;
}

/* Takes over a new configuration: what must not change stays, children that use the rest are replaced. */
static void
reload(struct master *m)
{
	struct buf errors, live, fixed;
	struct config next;
	enum err e;

	buf_init(&errors);
	buf_init(&live);
	buf_init(&fixed);
	e = config_load(&next, m->config_path, &errors);
	if (e == OK) {
		config_differs(&live, &fixed, m->config, &next);
		e = config_keep_fixed(&next, m->config, m->config_path, &errors);
		if (e != OK)
			config_clear(&next);
	}
	if (e != OK) {
		/* A log line holds no line ends. */
		for (size_t i = 0; i < errors.len; i++) {
			if (errors.data[i] == '\n')
				errors.data[i] = i + 1 < errors.len ? ';' : '\0';
		}
		log_error("master: the configuration is refused, the old one stays in use: %s",
			  errors.data == NULL ? err_text(e) : errors.data);
		goto out;
	}
	if (fixed.len > 0)
		log_warn("master: these keys wait for a restart: %s", fixed.data);
	log_info("master: configuration read again; changed: %s", live.len == 0 ? "nothing" : live.data);
	config_clear(m->config);
	*m->config = next;
	open_log(m->config);
	if (live.len > 0) {
		m->env.configured++;
		/* Who begins again anyway has it from the start. */
		if (!m->is_rebuilding)
			posts_replace(&m->posts);
	}
out:
	buf_clear(&errors);
	buf_clear(&live);
	buf_clear(&fixed);
}

static void
on_signal(struct master *m, int signo)
{
	switch (signo) {
	case SIGTERM:
	case SIGINT:
		if (posts_is_stopping(&m->posts) && !m->is_rebuilding) {
			posts_stop_now(&m->posts);
			break;
		}
		log_info("master: stopping");
		(void)tell_supervisor("STOPPING=1");
		/* A rebuild stops everybody too; then it is a stop after all. */
		if (!m->is_rebuilding)
			posts_stop(&m->posts);
		m->is_rebuilding = false;
		break;
	case SIGHUP:
		if (!posts_is_stopping(&m->posts) || m->is_rebuilding)
			reload(m);
		break;
	case SIGUSR1:
		if (log_reopen() != OK)
			log_error("master: the log file cannot be opened again, the old one stays in use");
		posts_signal(&m->posts, SIGUSR1);
		break;
	default:
		break;
	}
}

static void
run(struct master *m, const sigset_t *signals)
{
	for (;;) {
		uint64_t wait_ms = posts_wait_ms(&m->posts, TICK_MS);
		struct timespec wait = {(time_t)(wait_ms / 1000), (long)(wait_ms % 1000) * 1000000L};
		int signo = sigtimedwait(signals, NULL, &wait);

		if (signo > 0)
			on_signal(m, signo);
		posts_reap(&m->posts);
		if (posts_is_stopping(&m->posts)) {
			if (posts_stop_step(&m->posts) && !begin_again(m))
				return;
			continue;
		}
		look_after_loading(m);
		posts_watch(&m->posts, m->config->node.watchdog_ms);
		posts_start_due(&m->posts);
	}
}

static void
block_signals(sigset_t *signals)
{
	static const int wanted[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGUSR1};

	sigemptyset(signals);
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
		sigaddset(signals, wanted[i]);
	sigprocmask(SIG_BLOCK, signals, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static void
say_hello(const struct master *m)
{
	char at[NETADDR_TEXT_SIZE], genesis[HASH_HEX_SIZE];

	netaddr_format(at, &m->config->http.listen);
	hash_hex(genesis, store_genesis(m->env.store));
	log_info("master: node %s of network %s (genesis %.16s) listens on http://%s with %" PRIu32 " workers",
		 m->config->node.name, m->config->network.name, genesis, at, m->env.workers);
}

static uint32_t
core_count(void)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	return cores > 0 ? (uint32_t)cores : 1;
}

static uint32_t
worker_count(const struct config *c)
{
	uint32_t workers = c->http.workers != 0 ? c->http.workers : core_count();

	return workers < CONFIG_WORKERS_MAX ? workers : CONFIG_WORKERS_MAX;
}

static uint32_t
verifier_count(void)
{
	uint32_t others = core_count() - 1;

	return others < 1 ? 1 : others < VERIFIERS_MAX ? others : VERIFIERS_MAX;
}

static void
close_listeners(int *fds, uint32_t count)
{
	for (uint32_t i = 0; fds != NULL && i < count; i++)
		fd_close(&fds[i]);
	free(fds);
}

static enum err
start(struct master *m)
{
	struct buf why;
	enum err e;

	buf_init(&why);
	if ((e = open_log(m->config)) != OK)
		goto out;
	if ((e = datadir_lock(&m->lock, m->config->node.data_dir, LOCK_WAIT_MS, &why)) != OK) {
		log_error("master: %s", why.data);
		goto out;
	}
	if ((e = open_listeners(m, &m->env.listeners, &m->config->http.listen, "[http] listen")) != OK)
		goto out;
	if (m->config->peers.listen.port != 0 &&
	    (e = open_listeners(m, &m->env.peer_listeners, &m->config->peers.listen, "[peers] listen")) != OK)
		goto out;
	posts_plan(&m->posts, &m->env);
	if ((e = settle_network(m)) != OK || (e = make_store(m)) != OK)
		goto out;
	e = bells_open(&m->env.bells, 2 * m->env.workers);
	if (e == OK)
		e = open_life_pipe(m);
	if (e != OK)
		log_error("master: cannot make pipes: %s", strerror(errno));
out:
	buf_clear(&why);
	return e;
}

/* Everybody has stopped: what makes the next start quick. */
static void
end_in_order(struct master *m)
{
	char path[PATH_MAX];

	store_end_journal(m->env.store);
	storage_snapshot(path, m->config);
	if (snapshot_is_due(m->env.store, path) && snapshot_write(m->env.store, path) != OK)
		log_warn("master: the snapshot %s cannot be written: %s; the next start takes longer", path,
			 strerror(errno));
}

int
master_run(struct config *config, const char *config_path)
{
	struct master m = {.config_path = config_path, .lock = -1, .posts.life_write = -1};
	sigset_t signals;
	int exit_code;
	enum err e;

	m.config = config;
	m.env.config = config;
	m.env.life = -1;
	m.env.nonce = random_u64();
	m.env.started_ms = clock_wall_ms();
	m.env.configured = 1;
	m.env.workers = worker_count(config);
	m.env.verifiers = verifier_count();
	for (size_t i = 0; i < BELL_ROLES; i++)
		m.env.bells.role[i] = -1;
	for (size_t i = 0; i < STORE_RINGS_MAX; i++)
		m.env.bells.ring[i] = -1;

	log_set_role("master");
	block_signals(&signals);
	if ((e = start(&m)) == OK) {
		char title[128];
		snprintf(title, sizeof(title), "rensad: %s master", config->node.name);
		proctitle_set(title);
		say_hello(&m);
		posts_start_due(&m.posts);
		run(&m, &signals);
		if (m.env.store != NULL && store_is_loaded(m.env.store))
			end_in_order(&m);
		log_info("master: stopped");
		exit_code = m.is_refused					  ? EXIT_REFUSED
			    : m.load_failures >= LOADS_MAX || m.env.store == NULL ? EXIT_FAILED
										  : EXIT_STOPPED;
	} else {
		exit_code = e == ERR_PERM || e == ERR_LIMIT || e == ERR_FORMAT || e == ERR_UNSUPPORTED ? EXIT_REFUSED
												       : EXIT_FAILED;
	}
	store_destroy(m.env.store);
	transcript_free(m.env.transcript);
	bells_close(&m.env.bells);
	close_listeners(m.env.listeners, m.env.workers);
	close_listeners(m.env.peer_listeners, m.env.workers);
	fd_close(&m.env.life);
	fd_close(&m.posts.life_write);
	fd_close(&m.lock);
	posts_clear(&m.posts);
	return exit_code;
}
