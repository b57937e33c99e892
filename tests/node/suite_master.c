/* A whole node in a folder: how it begins, takes a new configuration, and ends, and what is left of it. */
#include "node/master.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crew.h"
#include "disk/journal.h"
#include "node/storage.h"
#include "peer/kit.h"
#include "store/disk_maker.h"
#include "store/process.h"
#include "suites.h"
#include "util/file.h"
#include "util/text.h"

enum { EXIT_IN_ORDER = 0, EXIT_AGAIN = 1, EXIT_NEEDS_A_PERSON = 2 };

static struct crew crew; /* whose folder the node gets */
static char object[128]; /* name of the node's segment */
static char config_path[PATH_MAX];
static pid_t master;

static void
write_config(const char *addition)
{
	struct buf text;

	buf_init(&text);
	config_print(&text, &crew.config);
	buf_puts(&text, addition);
	ck_assert_int_eq(file_write(config_path, text.data, text.len, 0600), OK);
	buf_clear(&text);
}

/* A folder with a chain of ten blocks. */
static void
begin(void)
{
	struct maker m;

	crew_init(&crew);
	crew.config.http.listen = kit_closed();
	text_copy(crew.config.node.log_file, sizeof(crew.config.node.log_file), crew.log);
	crew_open(&crew);
	crew_load(&crew);
	maker_init(&m, crew.store, 71);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(durable_grow(&m, chain_tip(crew.store), 5, 2), OK);
	maker_clear(&m);
	snprintf(object, sizeof(object), "/dev/shm/%s", store_object_name(crew.store));
	snprintf(config_path, sizeof(config_path), "%s/rensad.conf", crew.folder);
	write_config("");
	/* The node makes one of its own. */
	store_destroy(crew.store);
	crew.store = crew.env.store = NULL;
}

static void
end(void)
{
	crew_close(&crew);
}

static void
start(void)
{
	fflush(NULL);
	master = fork();
	ck_assert_int_ge(master, 0);
	if (master == 0)
		process_end(master_run(&crew.config, &(struct config_inputs){.path = config_path}, NULL, NULL));
}

static int
wait_for_end(void)
{
	int status;

	crew_until(waitpid(master, &status, WNOHANG) == master);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* Does it answer that its chain is there? */
static bool
is_serving(void)
{
	static const char request[] = "GET /status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
	struct sockaddr_storage sa;
	socklen_t len = netaddr_to_sockaddr(&sa, &crew.config.http.listen);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char reply[4096];
	size_t got = 0;
	ssize_t n;

	if (connect(fd, (struct sockaddr *)&sa, len) == 0 && send(fd, request, strlen(request), MSG_NOSIGNAL) > 0)
		while (got + 1 < sizeof(reply) && (n = recv(fd, reply + got, sizeof(reply) - 1 - got, 0)) > 0)
			got += (size_t)n;
	reply[got] = '\0';
	close(fd);
	return strstr(reply, "\"height\":10") != NULL;
}

static int
stop(void)
{
	kill(master, SIGTERM);
	return wait_for_end();
}

START_TEST(serves_its_chain_until_it_is_stopped_and_leaves_no_memory_behind)
{
	struct journal j;
	struct framelog *log;
	struct buf why;

	start();
	crew_until(is_serving());
	ck_assert_int_eq(access(object, F_OK), 0);
	ck_assert_int_eq(stop(), EXIT_IN_ORDER);
	ck_assert_int_eq(access(object, F_OK), -1);
	ck_assert(crew_said(&crew, "master: stopping"));
	ck_assert(crew_said(&crew, "master: stopped"));
	ck_assert(!crew_said(&crew, "did not stop in time"));
	/* The journal notes that it ended in order. */
	buf_init(&why);
	log = storage_log(&crew.config, LOG_JOURNAL);
	ck_assert_int_eq(journal_open(&j, log, false, NULL, NULL, &why), OK);
	ck_assert(j.is_closed);
	ck_assert_uint_eq(j.tip_height, 10);
	journal_close(&j);
	framelog_free(log);
	buf_clear(&why);
}
END_TEST

START_TEST(its_children_leave_when_it_is_killed_and_the_next_one_begins)
{
	start();
	crew_until(is_serving());
	kill(master, SIGKILL);
	ck_assert_int_eq(waitpid(master, NULL, 0), master);
	crew_until(crew_said(&crew, "child: the master is gone, leaving"));
	start();
	crew_until(is_serving());
	ck_assert_int_eq(stop(), EXIT_IN_ORDER);
}
END_TEST

START_TEST(a_port_that_is_in_use_is_named_and_may_be_free_later)
{
	int fd = kit_listen_at(&crew.config.http.listen);

	start();
	ck_assert_int_eq(wait_for_end(), EXIT_AGAIN);
	ck_assert(crew_said(&crew, "the address is in use by another program"));
	fd_close(&fd);
}
END_TEST

START_TEST(damage_to_the_journal_needs_a_person)
{
	char path[PATH_MAX];
	uint8_t byte;
	int fd;

	/* In the first of its two frames. */
	snprintf(path, sizeof(path), "%s/journal/00000001.log", crew.folder);
	fd = open(path, O_RDWR);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pread(fd, &byte, 1, FRAMELOG_HEADER_SIZE + FRAME_HEADER_SIZE + 200), 1);
	byte ^= 1;
	ck_assert_int_eq(pwrite(fd, &byte, 1, FRAMELOG_HEADER_SIZE + FRAME_HEADER_SIZE + 200), 1);
	close(fd);
	start();
	ck_assert_int_eq(wait_for_end(), EXIT_NEEDS_A_PERSON);
	ck_assert(crew_said(&crew, "level=error role=loader"));
	ck_assert_int_eq(access(object, F_OK), -1);
}
END_TEST

START_TEST(a_folder_of_another_network_needs_a_person)
{
	start();
	crew_until(is_serving());
	ck_assert_int_eq(stop(), EXIT_IN_ORDER);
	crew.config.network.reward++;
	start();
	ck_assert_int_eq(wait_for_end(), EXIT_NEEDS_A_PERSON);
	ck_assert(crew_said(&crew, "reward"));
}
END_TEST

START_TEST(a_new_configuration_replaces_the_roles_and_a_wrong_one_nothing)
{
	start();
	crew_until(is_serving());
	kill(master, SIGHUP);
	crew_until(crew_said(&crew, "configuration read again: 0 keys changed, 0 wait for a restart"));
	write_config("\n[node]\nlog_levle = info\n");
	kill(master, SIGHUP);
	crew_until(crew_said(&crew, "the configuration is refused, the old one stays in use"));
	ck_assert(is_serving());
	crew.config.node.watchdog_ms += 1000;
	crew.config.http.max_connections++;
	write_config("");
	kill(master, SIGHUP);
	crew_until(crew_said(&crew, "master: node.watchdog: "));
	crew_until(is_serving());
	ck_assert_int_eq(stop(), EXIT_IN_ORDER);
}
END_TEST

Suite *
suite_master(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "master", 60);

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, serves_its_chain_until_it_is_stopped_and_leaves_no_memory_behind);
	tcase_add_test(tc, its_children_leave_when_it_is_killed_and_the_next_one_begins);
	tcase_add_test(tc, a_port_that_is_in_use_is_named_and_may_be_free_later);
	tcase_add_test(tc, damage_to_the_journal_needs_a_person);
	tcase_add_test(tc, a_folder_of_another_network_needs_a_person);
	tcase_add_test(tc, a_new_configuration_replaces_the_roles_and_a_wrong_one_nothing);
	return suite;
}
