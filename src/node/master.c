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
 *	SIGUSR2		another program takes our place, and no connection is refused (upgrade.c)
 *
 * If the master dies, children see the end of its pipe and leave; the next master waits for them at the lock and makes
 * a fresh segment.
 */
#include "node/master.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "crypto/random.h"
#include "estate.h"
#include "logging.h"
#include "node/proctitle.h"
#include "outfit.h"
#include "posts.h"
#include "reload.h"
#include "standing.h"
#include "store/chain.h"
#include "store/load.h"
#include "store/peer_table.h"
#include "store/reload_note.h"
#include "store/ring.h"
#include "store/role_table.h"
#include "store/shared.h"
#include "supervisor.h"
#include "usage.h"
#include "util/clock.h"
#include "util/file.h"
#include "util/log.h"
#include "util/mem.h"

#define TICK_MS 1000
#define COMMANDS_MAX (STORE_RINGS_MAX * RING_COMMANDS)
#define LOADS_MAX 3 /* attempts at loading the chain, if it is not refused for good */
/*
 * Between two rebuilds for the sake of memory. What fills it again at once (a longer chain that has no room beside ours,
 * fetched again and again) would fill it for ever, and a node that rebuilds does nothing else.
 */
#define REBUILD_PAUSE_MS 60000
#define REBUILD_PAUSE_MAX_MS 3600000
#define UPGRADE_PATIENCE_MS 2000

enum { EXIT_STOPPED = 0, EXIT_FAILED = 1, EXIT_REFUSED = 2 };

struct master {
	struct node_env env;
	struct config *config;		    /* main's; a reload replaces what is in it */
	const struct config_inputs *inputs; /* what it was read from */
	int lock;
	struct posts posts;
	struct upgrade upgrade;
	bool is_upgrading;	/* the roles are stopped in order to make way for another program */
	struct handover handed; /* by the program before this one; without a name once the log has told of it */
	uint32_t left;		/* of its addresses, how many have no use any more */
	uint64_t stopped_ms;	/* when the roles were told to make way */
	bool is_rebuilding;	/* the roles are stopped in order to begin again with a fresh segment */
	struct supervisor supervisor;
	bool is_refused;	/* the loader said that a person has to look */
	uint32_t load_failures; /* in a row */
	uint64_t rebuilt_ms;	/* when memory was last a reason to rebuild; 0: never. Monotonic */
	uint64_t rebuild_pause_ms;
	struct reload_note note; /* of the last reload */
};

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

/* Once, when the roles that answer are there. */
static void
tell_of_upgrade(struct master *m)
{
	struct handover *h = &m->handed;

	if (h->from[0] == '\0' || !m->posts.is_loaded)
		return;
	log_info("upgrade: rensad %s -> %s in %" PRIu64 " ms, %" PRIu64 " blocks, %s", h->from, build_name(),
		 clock_mono_ms() - h->since_ms, chain_height(m->env.store, chain_tip(m->env.store)),
		 m->left == 0 ? "nothing refused" : "at an address that was given up connections are refused");
	h->from[0] = '\0';
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

/* Is this the end of the node, as far as we can tell by now? */
static bool
is_ending(const struct master *m)
{
	return posts_is_stopping(&m->posts) && !m->is_rebuilding && !m->is_upgrading;
}

/* The next program is good: the roles make way for it. */
static void
make_way(struct master *m)
{
	m->is_upgrading = true;
	m->stopped_ms = clock_mono_ms();
	supervisor_reloading(&m->supervisor);
	/* A rebuild is on its way to the same. */
	if (!m->is_rebuilding)
		posts_stop(&m->posts);
	m->is_rebuilding = false;
}

/* Nobody runs any more: becomes the next program, or else begins again as what we are. */
static void
hand_over(struct master *m)
{
	struct handover h;

	handover_init(&h);
	/* If we have answered nobody since we took over ourselves, it is still that interruption. */
	bool is_first = m->handed.from[0] == '\0';
	snprintf(h.from, sizeof(h.from), "%s", is_first ? build_name() : m->handed.from);
	h.since_ms = is_first ? m->stopped_ms : m->handed.since_ms;
	h.lock = m->lock;
	handover_add(&h, &m->config->http.listen, &m->env.listeners);
	handover_add(&h, &m->config->peers.listen, &m->env.peer_listeners);
	supervisor_ending(&m->supervisor, "all roles have stopped; making way for another program");
	estate_end_store(&m->env, true);
	upgrade_execute(&m->upgrade, &h);
	/* It waits for us to be ready as at the start. */
	m->supervisor.is_ready = m->supervisor.is_reloading = false;
	m->is_upgrading = false;
	m->is_rebuilding = true;
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
		is_taken[i] = m->env.store != NULL && peer_pause_get(m->env.store, i, &pauses[i]);
	/* What another program was to have is gone, and what was counted with it. */
	ledger = m->env.store == NULL ? NULL : role_ledger_keep(m->env.store);
	estate_end_store(&m->env, false);
	if (estate_make_store(&m->env, m->posts.count) != OK) {
		role_ledger_free(ledger);
		return false;
	}
	if (ledger != NULL)
		role_ledger_put(m->env.store, ledger);
	role_ledger_free(ledger);
	publish_note(m);
	for (uint32_t i = 0; i < PAUSE_TABLE_MAX; i++)
		if (is_taken[i])
			peer_pause_put(m->env.store, i, &pauses[i]);
	posts_begin_again(&m->posts);
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
	is_taken = reload_take(&m->env, m->config, &m->note, m->inputs, &concerns_roles);
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
	/* Another program reads the configuration anyway. */
	bool is_idle = !is_ending(m) && !m->is_upgrading;
	struct command c;
	size_t count = 0;

	while (count < COMMANDS_MAX && command_next(m->env.store, 1u << COMMAND_RELOAD, &askers[count], &c))
		count++;
	if (count > 0 && is_idle)
		reload(m, askers, count);
	for (size_t i = 0; i < count && !is_idle; i++) {
		command_finish(m->env.store, askers[i], ERR_CLOSED, false);
		bell_ring_worker(&m->env.bells, askers[i].ring);
	}
}

static void
stop(struct master *m, int signo)
{
	if (is_ending(m)) {
		posts_stop_now(&m->posts);
		return;
	}
	log_info("master: stopping, asked to by %s", signo == SIGTERM ? "SIGTERM" : "SIGINT");
	supervisor_stopping(&m->supervisor);
	if (upgrade_is_on(&m->upgrade))
		log_info("upgrade: off, since the node is to stop");
	upgrade_drop(&m->upgrade);
	/* A rebuild and an upgrade stop everybody too; then it is a stop after all. */
	if (!posts_is_stopping(&m->posts))
		posts_stop(&m->posts);
	m->is_rebuilding = m->is_upgrading = false;
}

static void
begin_upgrade(struct master *m)
{
	if (is_ending(m))
		log_info("upgrade: not now, since the node is stopping");
	else if (upgrade_is_on(&m->upgrade))
		log_info("upgrade: one is on its way already");
	else
		upgrade_begin(&m->upgrade);
}

static void
on_signal(struct master *m, int signo)
{
	switch (signo) {
	case SIGTERM:
	case SIGINT:
		stop(m, signo);
		break;
	case SIGHUP:
		if (!is_ending(m) && !m->is_upgrading)
			reload(m, NULL, 0);
		break;
	case SIGUSR1:
		if (log_reopen() != OK)
			log_error("log: a log file cannot be opened again, the old one stays in use: %m");
		posts_signal(&m->posts, SIGUSR1);
		break;
	case SIGUSR2:
		begin_upgrade(m);
		break;
	default:
		break;
	}
}

static void
on_stranger(void *ctx, pid_t pid, int status)
{
	upgrade_reaped(&((struct master *)ctx)->upgrade, pid, status);
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
		upgrade_watch(&m->upgrade);
		if (m->upgrade.is_wanted && !m->is_upgrading && !is_ending(m))
			make_way(m);
		report(m);
		if (posts_is_stopping(&m->posts)) {
			if (!posts_stop_step(&m->posts))
				continue;
			if (m->is_upgrading)
				hand_over(m);
			if (!begin_again(m))
				return;
			continue;
		}
		look_after_loading(m);
		posts_watch(&m->posts, m->config->node.watchdog_ms);
		posts_start_due(&m->posts);
		tell_of_upgrade(m);
	}
}

static void
block_signals(sigset_t *signals)
{
	static const int wanted[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2};

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
	enum err e;

	logging_share();
	logging_configure(m->config);
	if ((e = estate_settle(&m->env, &m->lock, &m->handed)) != OK)
		return e;
	m->left = handover_drop(&m->handed);
	posts_plan(&m->posts, &m->env);
	m->posts.on_stranger = on_stranger;
	m->posts.on_stranger_ctx = m;
	/* Who was let wait for an upgrade is let wait for the chain rather than told that it is still loaded. */
	if (m->handed.from[0] != '\0')
		m->posts.early_at_ms += UPGRADE_PATIENCE_MS;
	if ((e = estate_make_store(&m->env, m->posts.count)) != OK ||
	    (e = estate_open_bells(&m->env, &m->posts.life_write)) != OK)
		return e;
	if ((m->posts.signals = signalfd(-1, signals, SFD_CLOEXEC | SFD_NONBLOCK)) < 0) {
		log_error("master: cannot listen to signals: %s", strerror(errno));
		return ERR_IO;
	}
	return OK;
}

int
master_run(struct config *config, const struct config_inputs *inputs, const struct program *program,
	   struct handover *handed)
{
	struct master m = {.inputs = inputs, .lock = -1, .posts.life_write = -1, .posts.signals = -1};
	sigset_t signals;
	int exit_code;
	enum err e;

	m.config = config;
	upgrade_init(&m.upgrade, program);
	handover_init(&m.handed);
	if (handed != NULL) {
		m.handed = *handed;
		handover_init(handed);
	}
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
		exit_code = m.is_refused					  ? EXIT_REFUSED
			    : m.load_failures >= LOADS_MAX || m.env.store == NULL ? EXIT_FAILED
										  : EXIT_STOPPED;
		supervisor_ending(&m.supervisor, "all roles have stopped; putting the chain away");
		estate_end_store(&m.env, true);
		log_info("master: stopped");
	} else {
		exit_code = e == ERR_PERM || e == ERR_LIMIT || e == ERR_FORMAT || e == ERR_UNSUPPORTED ? EXIT_REFUSED
												       : EXIT_FAILED;
	}
	upgrade_drop(&m.upgrade);
	estate_close(&m.env);
	fd_close(&m.posts.life_write);
	fd_close(&m.posts.signals);
	fd_close(&m.lock);
	posts_clear(&m.posts);
	return exit_code;
}
