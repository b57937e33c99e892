/*
 * rensad --doctor, started and listened to. It bounds its own time; should it hang all the same, it is ended here.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "prog/doctor.h"
#include "util/clock.h"
#include "util/file.h"
#include "util/mem.h"
#include "util/text.h"
#include "wire/json.h"

#define PROGRAM "rensad"
#define WAIT_MAX_MS 60000
#define OUTPUT_MAX (4u << 20)
#define ARGUMENTS_MAX 128
#define EXIT_REFUSED 2 /* of rensad: its command line */

struct output {
	int fd; /* -1: at its end */
	struct buf text;
};

static bool
is_program(char path[PATH_MAX], const char *folder, size_t len, const char *below)
{
	return snprintf(path, PATH_MAX, "%.*s%s/" PROGRAM, (int)len, folder, below) < PATH_MAX &&
	       access(path, X_OK) == 0;
}

/* Beside this program, in the sbin beside its bin, in PATH, and where PATH of ordinary users does not lead. */
static bool
find_program(char path[PATH_MAX])
{
	static const char *const usual[] = {"/usr/local/sbin", "/usr/sbin"};
	char self[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (len > 0) {
		self[len] = '\0';
		char *slash = strrchr(self, '/');
		size_t folder = slash != NULL ? (size_t)(slash - self) : 0;
		if (is_program(path, self, folder, "") || is_program(path, self, folder, "/../sbin"))
			return true;
	}
	for (const char *at = getenv("PATH"); at != NULL && *at != '\0';) {
		size_t part = strcspn(at, ":");
		if (part > 0 && is_program(path, at, part, ""))
			return true;
		at += part + (at[part] == ':');
	}
	for (size_t i = 0; i < ARRAY_LEN(usual); i++)
		if (is_program(path, usual[i], strlen(usual[i]), ""))
			return true;
	return false;
}

/* The arguments are borrowed. */
static void
arguments_make(const char *arguments[ARGUMENTS_MAX + 1], const char *program, const struct doctor_host *h)
{
	size_t n = 0;

	arguments[n++] = program;
	arguments[n++] = "--doctor";
	if (h->config != NULL) {
		arguments[n++] = "-c";
		arguments[n++] = h->config;
	}
	for (const char *const *only = h->only; only != NULL && *only != NULL && n + 2 <= ARGUMENTS_MAX; only++) {
		arguments[n++] = "--only";
		arguments[n++] = *only;
	}
	arguments[n] = NULL;
}

/* The process, with the read ends of its output; -1 with errno set. */
static pid_t
start(struct output out[2], const char *const *arguments)
{
	int pipes[2][2] = {{-1, -1}, {-1, -1}};
	pid_t pid = -1;

	if (pipe2(pipes[0], O_CLOEXEC) == 0 && pipe2(pipes[1], O_CLOEXEC) == 0)
		pid = fork();
	if (pid == 0) {
		int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
		dup2(nothing, STDIN_FILENO);
		dup2(pipes[0][1], STDOUT_FILENO);
		dup2(pipes[1][1], STDERR_FILENO);
		signal(SIGPIPE, SIG_DFL);
		execv(arguments[0], (char *const *)(uintptr_t)arguments);
		_exit(127);
	}
	for (int i = 0; i < 2; i++) {
		fd_close(&pipes[i][1]);
		if (pid < 0)
			fd_close(&pipes[i][0]);
		out[i].fd = pipes[i][0];
	}
	return pid;
}

/* False: it says too much, or it takes too long. */
static bool
listen_to(struct output out[2])
{
	uint64_t since = clock_mono_ms(), waited;

	while ((out[0].fd >= 0 || out[1].fd >= 0) && (waited = clock_mono_ms() - since) < WAIT_MAX_MS) {
		struct pollfd at[2] = {{.fd = out[0].fd, .events = POLLIN}, {.fd = out[1].fd, .events = POLLIN}};

		if (poll(at, 2, (int)(WAIT_MAX_MS - waited)) < 0 && errno != EINTR)
			return false;
		for (int i = 0; i < 2; i++) {
			char part[8192];
			if (at[i].revents == 0)
				continue;
			ssize_t n = read(out[i].fd, part, sizeof(part));
			if (n > 0)
				buf_append(&out[i].text, part, (size_t)n);
			else if (n == 0 || errno != EINTR)
				fd_close(&out[i].fd);
			if (out[i].text.len > OUTPUT_MAX)
				return false;
		}
	}
	return out[0].fd < 0 && out[1].fd < 0;
}

/* Takes its findings over. False: that is no document of a doctor. */
static bool
take_findings(struct report *r, struct doctor_host *h, const struct buf *text)
{
	char error[JSON_ERROR_SIZE];
	struct jdoc *doc = text->len > 0 ? jdoc_parse(text->data, text->len, error) : NULL;
	const struct jval *root = doc != NULL ? jdoc_root(doc) : NULL, *checks = jval_get(root, "checks");
	bool is_document = jval_is_array(checks);

	for (size_t i = 0; i < jval_count(checks) && is_document; i++) {
		const struct jval *one = jval_at(checks, i);
		enum remark_state state;

		is_document = remark_state_parse(&state, jval_str(one, "state", ""));
		if (is_document)
			report_add(r, jval_str(one, "name", "?"), state, jval_str(one, "message", "?"),
				   jval_str(one, "fix", NULL));
	}
	text_copy(h->url, sizeof(h->url), jval_str(root, "http", ""));
	h->has_node = jval_is_integer(jval_get(root, "node"));
	jdoc_free(doc);
	return is_document;
}

/* It is without a document: why? */
static enum cli_exit
tell_failure(struct report *r, struct cli *c, const char *program, const struct buf *said, int status)
{
	if (WIFSIGNALED(status)) {
		report_say(r, "rensad", REMARK_PROBLEM,
			   "If it was killed, something that it looked at does not answer: often a network file "
			   "system; df shows which.",
			   "%s was ended by signal %d before it had examined this host", program, WTERMSIG(status));
		return CLI_DONE;
	}
	size_t len = said->len > 0 ? strcspn(said->data, "\n") : 0;

	if (len > 0 && WIFEXITED(status) && WEXITSTATUS(status) == EXIT_REFUSED)
		return cli_fail(c, CLI_USAGE, "usage", "%.*s", (int)len, said->data);
	report_say(r, "rensad", REMARK_PROBLEM,
		   "It must be a rensad of the same version as rensa; name one with --rensad PATH.",
		   "%s did not examine this host%s%.*s", program, len > 0 ? ": " : "", (int)len,
		   len > 0 ? said->data : "");
	return CLI_DONE;
}

enum cli_exit
doctor_host(struct report *r, struct cli *c, struct doctor_host *h)
{
	struct output out[2] = {{.fd = -1}, {.fd = -1}};
	const char *arguments[ARGUMENTS_MAX + 1];
	enum cli_exit ret = CLI_DONE;
	char program[PATH_MAX];
	int status = 0;

	if (h->program != NULL ? access(h->program, X_OK) != 0 : !find_program(program)) {
		report_say(r, "rensad", REMARK_PROBLEM,
			   "Install the node, or name its program with --rensad PATH; to ask a node on another host "
			   "alone: rensa --node URL doctor",
			   "%s is not found, so this host was not examined",
			   h->program != NULL ? h->program : "the program rensad");
		return CLI_DONE;
	}
	if (h->program != NULL)
		text_copy(program, sizeof(program), h->program);
	arguments_make(arguments, program, h);
	pid_t pid = start(out, arguments);
	if (pid < 0) {
		report_say(r, "rensad", REMARK_PROBLEM, NULL, "%s cannot be started: %s", program, strerror(errno));
		return CLI_DONE;
	}
	if (!listen_to(out))
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!take_findings(r, h, &out[0].text))
		ret = tell_failure(r, c, program, &out[1].text, status);
	for (int i = 0; i < 2; i++) {
		fd_close(&out[i].fd);
		buf_clear(&out[i].text);
	}
	return ret;
}
