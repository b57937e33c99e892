/*
 * The master. It makes everything that outlives a child (data folder lock, segment, listeners, bells), forks the roles,
 * and then keeps its hands out of the data: it waits for signals, its bell and deadlines, nothing else. What becomes of
 * children is told in posts.c.
 *
 *	SIGTERM, SIGINT	stop the roles, order by order, 8 s in all; what is left is killed; remove the segment; exit 0.
 *			A second one ends at once
 *	SIGHUP		read the configuration, refuse it whole or take it over: every child is replaced, workers
 *			without a gap
 *	POST /reload	the same: a worker hands the command over in its ring and rings the master's bell
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
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "crypto/random.h"
#include "disk/datadir.h"
#include "disk/netfile.h"
#include "logging.h"
#include "node/proctitle.h"
#include "outfit.h"
#include "posts.h"
#include "reload.h"
#include "standing.h"
#include "storage.h"
#include "store/chain.h"
#include "store/load.h"
#include "store/peer_table.h"
#include "store/reload_note.h"
#include "store/ring.h"
#include "store/role_table.h"
#include "store/shared.h"
#include "store/snapshot.h"
#include "supervisor.h"
#include "usage.h"
#include "util/clock.h"
#include "util/file.h"
#include "util/log.h"
#include "util/mem.h"

#define LOCK_WAIT_MS 5000
#define TICK_MS 1000
#define COMMANDS_MAX (STORE_RINGS_MAX * RING_COMMANDS)
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
	struct config *config;		    /* main's; a reload replaces what is in it */
	const struct config_inputs *inputs; /* what it was read from */
	int lock;
	struct posts posts;
	bool is_rebuilding; /* the roles are stopped in order to begin again with a fresh segment */
	struct supervisor supervisor;
	bool is_refused;	/* the loader said that a person has to look */
	uint32_t load_failures; /* in a row */
	uint64_t rebuilt_ms;	/* when memory was last a reason to rebuild; 0: never. Monotonic */
	uint64_t rebuild_pause_ms;
	struct reload_note note; /* of the last reload */
};

static enum err
open_listeners(struct master *m, struct listeners *l, const struct netaddr *at, const char *key)
{
	char text[NETADDR_TEXT_SIZE];
	enum err e = listeners_open(l, at, m->env.workers, false);

	netaddr_format(text, at);
	if (e != OK)
		log_error("master: %s %s: %s", key, text, listeners_fault(e));
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

/* What the supervisor hears in each lap. */
static void
report(struct master *m)
{
	char line[SUPERVISOR_LINE_SIZE];

	if (!posts_is_stopping(&m->posts)) {
		standing_describe(line, sizeof(line), m->env.store, m->note.result == RELOAD_REFUSED);
		supervisor_tell(&m->supervisor, line, store_is_loaded(m->env.store));
	}
	supervisor_feed(&m->supervisor, posts_all_beat(&m->posts, m->config->node.watchdog_ms));
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

/* How the last reload went, for everybody to read. */
static void
publish_note(struct master *m)
{
	if (m->note.number > 0)
		reload_note_put(m->env.store, &m->note);
}

/*
 * Nobody runs any more. True: and all has begun again. Who was left alone still is: else a peer whose lost branches
 * filled the segment would be asked for them again. And what was counted goes on from where it was.
 */
static bool
begin_again(struct master *m)
{
	static struct peer_pause pauses[PAUSE_TABLE_MAX];
	struct role_ledger *ledger;
	bool is_taken[PAUSE_TABLE_MAX];

	if (!m->is_rebuilding)
		return false;
	m->is_rebuilding = false;
	for (uint32_t i = 0; i < PAUSE_TABLE_MAX; i++)
		is_taken[i] = peer_pause_get(m->env.store, i, &pauses[i]);
	ledger = role_ledger_keep(m->env.store);
	store_destroy(m->env.store);
	m->env.store = NULL;
	if (make_store(m) != OK) {
		role_ledger_free(ledger);
		return false;
	}
	role_ledger_put(m->env.store, ledger);
	role_ledger_free(ledger);
	publish_note(m);
	for (uint32_t i = 0; i < PAUSE_TABLE_MAX; i++)
		if (is_taken[i])
			peer_pause_put(m->env.store, i, &pauses[i]);
	posts_begin_again(&m->posts);
	return true;
}

/* Takes over a new configuration, or nothing of it. */
static bool
take_over(struct master *m, bool *concerns_roles)
{
	struct reload_note last = m->note;
	struct outfit outfit;
	struct config next;
	struct buf why;
	enum err e;

	if (!reload_read(&next, &m->note, m->config, m->inputs))
		return false;
	buf_init(&why);
	e = outfit_make(&outfit, &m->env, &next, &why);
	if (e != OK) {
		reload_refuse(&m->note, &last, why.data);
		config_clear(&next);
	}
	buf_clear(&why);
	if (e != OK)
		return false;
	outfit_take(&outfit, &m->env);
	*concerns_roles = config_concerns_roles(m->config, &next);
	config_clear(m->config);
	*m->config = next;
	return true;
}

/*
 * Reads the configuration again for whoever has asked by way of a worker, too: they are answered before their workers are
 * told to make way.
 */
static void
reload(struct master *m, const struct command_handle *askers, size_t count)
{
	bool concerns_roles = false, is_taken;

	supervisor_reloading(&m->supervisor);
	is_taken = take_over(m, &concerns_roles);
	reload_tell(&m->note);
	publish_note(m);
	for (size_t i = 0; i < count; i++) {
		command_finish(m->env.store, askers[i], OK, false);
		bell_ring_worker(&m->env.bells, askers[i].ring);
	}
	if (!is_taken)
		return;
	logging_configure(m->config);
	if (concerns_roles) {
		m->env.configured++;
		/* Who begins again anyway has it from the start. */
		if (!m->is_rebuilding)
			posts_replace(&m->posts);
	} else {
		/* We have just opened the log files again; who stays must not go on in others. */
		posts_signal(&m->posts, SIGUSR1);
	}
}

/* Workers hand over what clients ask of the master. */
static void
take_commands(struct master *m)
{
	struct command_handle askers[COMMANDS_MAX];
	bool is_ending = posts_is_stopping(&m->posts) && !m->is_rebuilding;
	struct command c;
	size_t count = 0;

	while (count < COMMANDS_MAX && command_next(m->env.store, 1u << COMMAND_RELOAD, &askers[count], &c))
		count++;
	if (count > 0 && !is_ending)
		reload(m, askers, count);
	for (size_t i = 0; i < count && is_ending; i++) {
		command_finish(m->env.store, askers[i], ERR_CLOSED, false);
		bell_ring_worker(&m->env.bells, askers[i].ring);
	}
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
		log_info("master: stopping, asked to by %s", signo == SIGTERM ? "SIGTERM" : "SIGINT");
		supervisor_stopping(&m->supervisor);
		/* A rebuild stops everybody too; then it is a stop after all. */
		if (!m->is_rebuilding)
			posts_stop(&m->posts);
		m->is_rebuilding = false;
		break;
	case SIGHUP:
		if (!posts_is_stopping(&m->posts) || m->is_rebuilding)
			reload(m, NULL, 0);
		break;
	case SIGUSR1:
		if (log_reopen() != OK)
			log_error("log: a log file cannot be opened again, the old one stays in use: %m");
		posts_signal(&m->posts, SIGUSR1);
		break;
	default:
		break;
	}
}

/* The signal that came, if one did; or a worker rang, or nothing happened for so long. */
static int
wait_for_news(struct master *m, uint64_t wait_ms)
{
	struct pollfd at[] = {{.fd = m->posts.signals, .events = POLLIN},
			      {.fd = m->env.bells.role[BELL_MASTER], .events = POLLIN}};
	struct signalfd_siginfo info;

	if (poll(at, ARRAY_LEN(at), (int)wait_ms) <= 0)
		return 0;
	if (at[1].revents != 0)
		bell_quiet(at[1].fd);
	if (at[0].revents != 0 && read(at[0].fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		return (int)info.ssi_signo;
	return 0;
}

static void
run(struct master *m)
{
	for (;;) {
		uint64_t wait_ms = posts_wait_ms(&m->posts, supervisor_wait_ms(&m->supervisor, TICK_MS));
		int signo = wait_for_news(m, wait_ms);

		if (signo > 0)
			on_signal(m, signo);
		/* Without a bell too: whoever was to ring it may have died before. */
		take_commands(m);
		usage_tell_master(m->env.store);
		posts_reap(&m->posts);
		report(m);
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
	/* A limit on the size of files is an error of whoever writes, and no end without a word. Children have it so, too. */
	signal(SIGXFSZ, SIG_IGN);
}

static void
say_hello(const struct master *m)
{
	char at[NETADDR_TEXT_SIZE], genesis[HASH_HEX_SIZE];

	netaddr_format(at, &m->config->http.listen);
	hash_hex(genesis, store_genesis(m->env.store));
	log_info("master: " PACKAGE_STRING ": node %s of network %s (genesis %.16s) listens on http://%s with %" PRIu32
		 " worker%s, data in %s",
		 m->config->node.name, m->config->network.name, genesis, at, m->env.workers,
		 m->env.workers == 1 ? "" : "s", m->config->node.data_dir);
}

static enum err
start(struct master *m, const sigset_t *signals)
{
	struct buf why;
	enum err e;

	buf_init(&why);
	logging_share();
	logging_configure(m->config);
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
	if (e == OK && (m->posts.signals = signalfd(-1, signals, SFD_CLOEXEC | SFD_NONBLOCK)) < 0)
		e = ERR_IO;
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
master_run(struct config *config, const struct config_inputs *inputs)
{
	struct master m = {.inputs = inputs, .lock = -1, .posts.life_write = -1, .posts.signals = -1};
	sigset_t signals;
	int exit_code;
	enum err e;

	m.config = config;
	m.env.config = config;
	m.env.life = -1;
	m.env.is_end_told = shared_new(sizeof(*m.env.is_end_told));
	m.env.nonce = random_u64();
	m.env.started_ms = clock_wall_ms();
	m.env.configured = 1;
	m.env.workers = outfit_workers(config);
	m.env.verifiers = outfit_verifiers();
	for (size_t i = 0; i < BELL_ROLES; i++)
		m.env.bells.role[i] = -1;
	for (size_t i = 0; i < STORE_RINGS_MAX; i++)
		m.env.bells.ring[i] = -1;

	log_set_role("master");
	supervisor_init(&m.supervisor);
	block_signals(&signals);
	if ((e = start(&m, &signals)) == OK) {
		char title[128];
		snprintf(title, sizeof(title), "rensad: %s master", config->node.name);
		proctitle_set(title);
		say_hello(&m);
		posts_start_due(&m.posts);
		run(&m);
		if (m.env.store != NULL && store_is_loaded(m.env.store)) {
			supervisor_ending(&m.supervisor, "all roles have stopped; putting the chain away");
			end_in_order(&m);
		}
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
	listeners_close(&m.env.listeners);
	listeners_close(&m.env.peer_listeners);
	fd_close(&m.env.life);
	fd_close(&m.posts.life_write);
	fd_close(&m.posts.signals);
	fd_close(&m.lock);
	posts_clear(&m.posts);
	return exit_code;
}
