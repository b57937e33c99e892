/*
 * SIGUSR2 replaces the program by the one that stands at its path, and no connection is refused meanwhile. Who does what:
 *
 *	1. check	the master opens the file and runs it as a child: `NEW --check-upgrade=1` and our own options. It reads the
 *			configuration and looks at the data folder, as far as that can be done beside us, and says whether
 *			it can take over. Until then everything goes on as ever. If it says no, says nothing of the kind, or
 *			takes longer than CHECK_MS, the log says so and nothing has changed.
 *	2. stop		the roles stop in order, as for SIGTERM: what is in hand is finished. The master keeps every listening
 *			socket open, so connections wait in the kernel's queue.
 *	3. hand over	the segment is removed, and the master executes the very file that was checked, with our options and
 *			environment and a variable that names what stays open (node/handover.h): the listening sockets and
 *			the lock of the data folder.
 *	4. take over	the new program finds the variable, takes the sockets and the lock, and starts like any other: it
 *			loads the chain from the disk and forks the roles, which find the connections that have waited.
 *
 * The other shape is a new master beside the old one, as web servers have it. It is of no use here: a chain has one
 * owner, so the new one could do nothing until the old one were gone. In one process there is nothing to agree on: the
 * process id stays, and with it what a supervisor, a pid file or a container holds on to; the lock is never free, so that
 * no third node gets in between; and nothing is forked that could be left over. The price is that requests wait while the
 * old roles finish and the chain is loaded: some 100 ms, half a second more for a million blocks, and up to 6 s if a
 * client takes its answer so slowly.
 *
 * What goes wrong:
 *	before 3	the old program goes on; after a failed execve it begins again with the chain from the disk
 *	after 3		there is no old program to go back to. The new one ends with a status that is not 0 and words in
 *			its log, the sockets close, and the supervisor starts anew
 *	SIGKILL		at any time: as always, the next start finds everything on the disk
 *	SIGTERM		before 3 the upgrade is off, and it is a stop; during 3 it waits for the new program, which then stops
 *
 * The signals that the master listens to stay blocked across execve: in a program that has not yet begun to listen they
 * would end it. The path is that of argv[0], not what /proc/self/exe points to: links in it are followed anew, and the
 * file that we run from has another name, or none, once a package has replaced it.
 */
#include "node/upgrade.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/clock.h"
#include "util/failpoint.h"
#include "util/file.h"
#include "util/log.h"
#include "util/mem.h"

#define CHECK_MS 30000
#define SAID_MAX 4096
#define LINES_MAX 20
#define EXIT_NO_PROGRAM 127

/* The program */

/* argv[0] as a path. One without a slash was looked for in PATH. NULL: there is none such. */
static char *
path_of(const char *name)
{
	char *copy, *rest, *folder, *cwd, *found = NULL;
	struct buf path;

	buf_init(&path);
	if (strchr(name, '/') != NULL) {
		cwd = name[0] == '/' ? NULL : getcwd(NULL, 0);
		name += strncmp(name, "./", 2) == 0 ? 2 : 0;
		buf_printf(&path, "%s%s%s", cwd == NULL ? "" : cwd, cwd == NULL ? "" : "/", name);
		free(cwd);
		return buf_take(&path);
	}
	rest = copy = xstrdup(getenv("PATH") == NULL ? "" : getenv("PATH"));
	while (found == NULL && (folder = strsep(&rest, ":")) != NULL) {
		buf_reset(&path);
		buf_printf(&path, "%s/%s", folder, name);
		if (folder[0] == '/' && access(path.data, X_OK) == 0)
			found = buf_take(&path);
	}
	free(copy);
	buf_clear(&path);
	return found;
}

/*
 * Is that another file than the one that we run from? A name in argv[0] is only the word of whoever started us. Without
 * /proc it has to do.
 */
static bool
is_another(const char *path)
{
	struct stat there, self;

	return stat("/proc/self/exe", &self) == 0 &&
	       (stat(path, &there) != 0 || there.st_dev != self.st_dev || there.st_ino != self.st_ino);
}

void
program_init(struct program *p, char *const *argv)
{
	size_t count = 0;

	p->path = argv[0] == NULL ? NULL : path_of(argv[0]);
	if (p->path == NULL || is_another(p->path)) {
		free(p->path);
		p->path = realpath("/proc/self/exe", NULL);
	}
	/* The kernel calls a program that is executed by a descriptor after that, if it is one before 6.14. */
	if (p->path != NULL)
		prctl(PR_SET_NAME, strrchr(p->path, '/') + 1);
	while (argv[count] != NULL)
		count++;
	p->argv = xcalloc(count + 2, sizeof(*p->argv));
	for (size_t i = 1; i < count; i++)
		p->argv[i] = xstrdup(argv[i]);
	p->argv[0] = xstrdup(p->path != NULL ? p->path : PACKAGE_NAME);
}

void
program_clear(struct program *p)
{
	for (size_t i = 0; p->argv != NULL && p->argv[i] != NULL; i++)
		free(p->argv[i]);
	free(p->argv);
	free(p->path);
	memset(p, 0, sizeof(*p));
}

/* The same vector with one more at its end; borrows all of it. */
static char **
vector_with(char *const *vector, char *last)
{
	size_t count = 0;
	char **out;

	while (vector[count] != NULL)
		count++;
	out = xcalloc(count + 2, sizeof(*out));
	memcpy(out, vector, count * sizeof(*out));
	out[count] = last;
	return out;
}

/* The check */

void
upgrade_init(struct upgrade *u, const struct program *program)
{
	*u = (struct upgrade){.program = program, .file = -1, .said = -1};
}

bool
upgrade_is_on(const struct upgrade *u)
{
	return u->checker != 0 || u->is_wanted;
}

static void
forget(struct upgrade *u)
{
	fd_close(&u->file);
	fd_close(&u->said);
	u->checker = 0;
	u->is_wanted = false;
}

static void
refuse(struct upgrade *u, const char *why)
{
	log_error("upgrade: refused, rensad %s goes on: %s: %s", build_name(), u->program->path, why);
	forget(u);
}

/*
 * In the child. What it says goes into a pipe that is read when it has ended. A pipe has room for more than any node says,
 * and does not wait for more: what is no node may write without end.
 */
static void
be_checker(const struct upgrade *u, int said)
{
	char option[sizeof(UPGRADE_OPTION) + 16];
	int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
	sigset_t none;
	char **argv;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGUSR2, SIG_IGN); /* as all children of a node do */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	dup2(nothing, STDIN_FILENO);
	dup2(said, STDOUT_FILENO);
	dup2(said, STDERR_FILENO);
	snprintf(option, sizeof(option), UPGRADE_OPTION "=%d", HANDOVER_FORMAT);
	argv = vector_with(u->program->argv, option);
	fexecve(u->file, argv, environ);
	/* A script has no interpreter that could read it from a descriptor which is closed by then. */
	dprintf(STDERR_FILENO, "it cannot be executed: %s\n",
		errno == ENOENT ? "it is no program, or its loader is missing" : strerror(errno));
	_exit(EXIT_NO_PROGRAM);
}

void
upgrade_begin(struct upgrade *u)
{
	int pipe[2] = {-1, -1};
	pid_t pid = -1;

	if (u->program == NULL || u->program->path == NULL) {
		log_error("upgrade: refused: it is not known from which file this program was started");
		return;
	}
	u->file = open(u->program->path, O_PATH | O_CLOEXEC);
	if (u->file == -1) {
		refuse(u, strerror(errno));
		return;
	}
	fflush(NULL);
	if (pipe2(pipe, O_CLOEXEC | O_NONBLOCK) == 0)
		pid = fork();
	if (pid == 0)
		be_checker(u, pipe[1]);
	u->said = pipe[0];
	if (pid < 0) {
		int error = errno;
		fd_close(&pipe[1]);
		errno = error;
		refuse(u, strerror(errno));
		return;
	}
	fd_close(&pipe[1]);
	u->checker = pid;
	u->kill_at_ms = clock_mono_ms() + CHECK_MS;
	log_info("upgrade: asking %s whether it can take over", u->program->path);
}

/* The next line of what was said; NULL: there is none. */
static char *
next_line(char **rest)
{
	char *line;

	while ((line = strsep(rest, "\n")) != NULL && line[0] == '\0')
		;
	return line;
}

static void
upgrade_judge(struct upgrade *u, int status)
{
	static const char ready[] = " can take over";
	char text[SAID_MAX + 1], *rest = text, *line, *last = NULL;
	ssize_t len = read(u->said, text, SAID_MAX);
	size_t tail = strlen(ready);
	bool is_good = WIFEXITED(status) && WEXITSTATUS(status) == 0;
	int lines = 0;

	text[len > 0 ? len : 0] = '\0';
	while ((line = next_line(&rest)) != NULL) {
		if (!is_good && lines++ < LINES_MAX)
			log_error("upgrade: %s: %s", u->program->path, line);
		last = line;
	}
	if (WIFSIGNALED(status)) {
		refuse(u, u->kill_at_ms == UINT64_MAX ? "its check did not end" : strsignal(WTERMSIG(status)));
	} else if (!is_good) {
		refuse(u, last == NULL ? "it ended without a word" : "the lines above say why");
	} else if (last == NULL || strncmp(last, "rensad ", 7) != 0 || strlen(last) < tail ||
		   strcmp(last + strlen(last) - tail, ready) != 0) {
		refuse(u, "it does not say that it can take over");
	} else {
		log_info("upgrade: %s, stopping rensad %s in order", last, build_name());
		fd_close(&u->said);
		u->is_wanted = true;
	}
}

void
upgrade_reaped(struct upgrade *u, pid_t pid, int status)
{
	if (u->checker == 0 || pid != u->checker)
		return;
	u->checker = 0;
	upgrade_judge(u, status);
}

void
upgrade_watch(struct upgrade *u)
{
	if (u->checker == 0 || clock_mono_ms() < u->kill_at_ms)
		return;
	kill(u->checker, SIGKILL);
	u->kill_at_ms = UINT64_MAX;
}

void
upgrade_drop(struct upgrade *u)
{
	if (u->checker != 0)
		kill(u->checker, SIGKILL);
	forget(u);
}

/* The hand-over */

static void
set_inherited(const struct handover *h, bool is_inherited)
{
	int flags = is_inherited ? 0 : FD_CLOEXEC;

	fcntl(h->lock, F_SETFD, flags);
	for (uint32_t i = 0; i < h->place_count; i++)
		for (uint32_t k = 0; k < h->places[i].sockets.count; k++)
			fcntl(h->places[i].sockets.fds[k], F_SETFD, flags);
}

void
upgrade_execute(struct upgrade *u, const struct handover *h)
{
	struct buf variable;
	char **environment;

	buf_init(&variable);
	handover_format(&variable, h);
	environment = vector_with(environ, variable.data);
	fflush(NULL);
	/* All else that we opened closes by itself; what we had from whoever started us stays, as the environment does. */
	set_inherited(h, true);
	FAILPOINT("upgrade.execute");
	if (FAILPOINT_FAILS("upgrade.refused"))
		errno = ENOMEM;
	else
		fexecve(u->file, u->program->argv, environment);
	log_error("upgrade: %s cannot be executed: %s; rensad %s begins again", u->program->path, strerror(errno),
		  build_name());
	set_inherited(h, false);
	free(environment);
	buf_clear(&variable);
	forget(u);
}
