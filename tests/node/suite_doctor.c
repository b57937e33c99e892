/*
 * What the doctor makes of a situation: each judgement is given facts that no test machine has, and must name state, cause and
 * remedy. That it looks at the right things is tested with real hosts, in tests/system/test_doctor.py.
 */
#include <stdlib.h>
#include <string.h>

#include "node/doctor_checks.h"
#include "suites.h"
#include "util/mem.h"

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)
#define NONE DOCTOR_NO_LIMIT

static struct config config;
static struct findings f;

static void
enter(void)
{
	config_default(&config);
	f = (struct findings){.check = "test"};
}

static void
leave(void)
{
	findings_clear(&f);
	config_clear(&config);
}

/* One finding has that state and these words in message and fix (NULL: there is no fix). */
static void
expect(size_t at, enum finding_state state, const char *message, const char *fix)
{
	ck_assert_uint_gt(f.count, at);
	const struct finding *one = &f.at[at];
	ck_assert_str_eq(one->check, "test");
	ck_assert_msg(one->state == state, "state %d: %s", (int)one->state, one->message);
	ck_assert_msg(strstr(one->message, message) != NULL, "\"%s\" is not in \"%s\"", message, one->message);
	if (fix == NULL)
		ck_assert_msg(one->fix == NULL, "a fix where none is needed: %s", one->fix);
	else
		ck_assert_msg(one->fix != NULL && strstr(one->fix, fix) != NULL, "\"%s\" is not in \"%s\"", fix,
			      one->fix);
}

static const struct {
	struct shm_facts facts;
	enum finding_state state;
	const char *message, *fix;
} shm_rows[] = {
    {{true, 16 * GIB, 15 * GIB, 0, 30 * MIB}, FOUND_OK, "15 GiB free of 16 GiB, the node may take 1 GiB", NULL},
    {{false, 0, 0, 0, 30 * MIB}, FOUND_PROBLEM, "no memory file system at /dev/shm", "mount -t tmpfs"},
    {{true, 16 * MIB, 16 * MIB, 0, 30 * MIB},
     FOUND_PROBLEM,
     "16 MiB free of 16 MiB, and a start needs 30 MiB",
     "shm_size"},
    {{true, 64 * MIB, 64 * MIB, 0, 30 * MIB}, FOUND_WARNING, "what a container gets by default", "--shm-size"},
    /* What the node itself holds is not missing, and it has started. */
    {{true, 64 * MIB, 1 * MIB, 63 * MIB, 30 * MIB}, FOUND_WARNING, "what a container gets by default", "shm_size"},
    {{true, 2 * GIB, 100 * MIB, 0, 30 * MIB}, FOUND_WARNING, "shm_max allows the node 1 GiB", "lower shm_max"},
    {{true, 2 * GIB, 500 * MIB, 600 * MIB, 30 * MIB}, FOUND_OK, "500 MiB free", NULL},
};

START_TEST(shared_memory_is_enough_to_start_and_to_grow)
{
	judge_shm(&f, &config, &shm_rows[_i].facts);
	ck_assert_uint_eq(f.count, 1);
	expect(0, shm_rows[_i].state, shm_rows[_i].message, shm_rows[_i].fix);
}
END_TEST

START_TEST(open_files_are_measured_by_the_connections)
{
	judge_files(&f, &config, &(struct limit_facts){.files = NONE});
	judge_files(&f, &config, &(struct limit_facts){.files = 4096 + 32});
	judge_files(&f, &config, &(struct limit_facts){.files = 1024, .is_of_node = true});
	judge_files(&f, &config, &(struct limit_facts){.files = 256});
	expect(0, FOUND_OK, "this shell", NULL);
	expect(1, FOUND_OK, "4096 connections", NULL);
	expect(2, FOUND_NOTE, "the running node may have 1024 files open", "LimitNOFILE=");
	expect(3, FOUND_WARNING, "each worker takes about 224 connections", "ulimit -n");
}
END_TEST

START_TEST(a_limit_on_the_size_of_files_keeps_a_node_from_starting)
{
	judge_file_size(&f, &config, &(struct limit_facts){.file_size = NONE});
	judge_file_size(&f, &config, &(struct limit_facts){.file_size = 4 * GIB});
	judge_file_size(&f, &config, &(struct limit_facts){.file_size = 1 * MIB});
	expect(0, FOUND_OK, "in no way", NULL);
	expect(1, FOUND_OK, "far above", NULL);
	expect(2, FOUND_PROBLEM, "no file of more than 1 MiB", "LimitFSIZE=infinity");
}
END_TEST

START_TEST(memory_is_measured_by_the_group_and_the_machine)
{
	judge_memory(&f, &config, &(struct limit_facts){.memory_max = NONE, .ram = 8 * GIB});
	judge_memory(&f, &config, &(struct limit_facts){.memory_max = 512 * MIB, .ram = 8 * GIB});
	judge_memory(&f, &config, &(struct limit_facts){.memory_max = NONE, .ram = 1 * GIB});
	expect(0, FOUND_OK, "memory enough", NULL);
	expect(1, FOUND_WARNING, "grants 512 MiB", "MemoryMax=");
	expect(2, FOUND_WARNING, "this host has 1 GiB", "shm_max");
	judge_memory(&f, &config, &(struct limit_facts){.memory_max = NONE, .ram = 8 * GIB, .overcommit = 2});
	expect(4, FOUND_NOTE, "vm.overcommit_memory is 2", "overcommit_ratio");
}
END_TEST

START_TEST(the_clock_is_right_kept_right_and_past_the_begin)
{
	uint64_t begin = config.network.genesis_time_ms;

	judge_clock(&f, &config, &(struct clock_facts){true, true, begin + 1});
	judge_clock(&f, &config, &(struct clock_facts){true, false, begin + 1});
	judge_clock(&f, &config, &(struct clock_facts){false, false, begin + 1});
	judge_clock(&f, &config, &(struct clock_facts){true, true, begin});
	expect(0, FOUND_OK, "kept right", NULL);
	expect(1, FOUND_WARNING, "nothing keeps it right", "timedatectl");
	expect(2, FOUND_NOTE, "does not tell", NULL);
	expect(3, FOUND_PROBLEM, "before the chain's begin", "genesis_time");
}
END_TEST

static const struct {
	struct library_facts facts;
	enum finding_state state;
	const char *message;
} library_rows[] = {
    {{"2.1.12-stable", "2.1.12-stable-8+deb12u1"}, FOUND_OK, "2.1.12-stable-8+deb12u1"},
    {{"2.1.12-stable", "2.1.12-stable-10"}, FOUND_OK, "2.1.12-stable-10"},
    {{"2.1.12-stable", ""}, FOUND_OK, "libevent 2.1.12-stable"},
    {{"2.2.1-alpha", ""}, FOUND_OK, "2.2.1"},
    {{"2.1.12-stable", "2.1.12-stable-8"}, FOUND_WARNING, "known holes"},
    {{"2.1.8-stable", ""}, FOUND_WARNING, "known holes"},
    {{"2.0.22-stable", "2.0.22"}, FOUND_WARNING, "known holes"},
    {{"?", ""}, FOUND_WARNING, "known holes"},
};

START_TEST(a_library_with_holes_is_named)
{
	judge_libevent(&f, &library_rows[_i].facts);
	expect(0, library_rows[_i].state, library_rows[_i].message,
	       library_rows[_i].state == FOUND_OK ? NULL : "deb12u1");
}
END_TEST

#define US 1000
#define NODE 1001
#define STRANGER 4242

static const struct {
	struct file_facts facts;
	enum finding_state state;
	const char *message, *fix;
} folder_rows[] = {
    {{OK, true, 0700, US, US, false, 0}, FOUND_OK, "mode 0700", NULL},
    {{OK, true, 0755, 0, US, false, 0}, FOUND_OK, "belongs to root", NULL},
    {{OK, true, 0700, NODE, US, true, NODE}, FOUND_OK, "mode 0700", NULL},
    {{ERR_NOT_FOUND, false, 0, 0, US, false, 0}, FOUND_NOTE, "the first start makes it", NULL},
    {{ERR_PERM, false, 0, 0, US, false, 0}, FOUND_NOTE, "cannot be looked at", "sudo -u rensa"},
    {{OK, false, 0600, US, US, false, 0}, FOUND_PROBLEM, "is no folder", "data_dir"},
    {{OK, true, 0777, US, US, false, 0}, FOUND_PROBLEM, "others may write to", "chmod go-w"},
    {{OK, true, 0720, US, US, false, 0}, FOUND_PROBLEM, "mode 0720", "chmod go-w"},
    {{OK, true, 0700, STRANGER, US, true, NODE},
     FOUND_PROBLEM,
     "belongs to user 4242, who can replace the chain",
     "chown -R"},
    {{OK, true, 0700, STRANGER, US, false, 0}, FOUND_WARNING, "belongs to user 4242", "sudo -u"},
    {{OK, true, 0700, STRANGER, 0, false, 0}, FOUND_OK, "belongs to user 4242", NULL},
};

START_TEST(the_data_folder_is_for_the_nodes_user_alone)
{
	judge_data_dir(&f, "/data", &folder_rows[_i].facts);
	expect(0, folder_rows[_i].state, folder_rows[_i].message, folder_rows[_i].fix);
}
END_TEST

static const struct {
	struct file_facts facts;
	enum finding_state state;
	const char *message, *fix;
} secret_rows[] = {
    {{OK, false, 0600, US, US, false, 0}, FOUND_OK, "alone", NULL},
    {{OK, false, 0640, 0, US, false, 0}, FOUND_OK, "and its group", NULL},
    {{OK, false, 0644, US, US, false, 0}, FOUND_PROBLEM, "others may read /secret", "chmod 0640"},
    {{OK, false, 0660, US, US, false, 0}, FOUND_PROBLEM, "others may change /secret", "another secret"},
    {{OK, false, 0600, STRANGER, US, false, 0}, FOUND_WARNING, "belongs to user 4242", "chown root"},
    {{ERR_PERM, false, 0, 0, US, false, 0}, FOUND_NOTE, "cannot be looked at", "sudo -u rensa"},
};

START_TEST(a_secret_that_others_may_read_is_none)
{
	judge_secret(&f, "/secret", &secret_rows[_i].facts);
	expect(0, secret_rows[_i].state, secret_rows[_i].message, secret_rows[_i].fix);
}
END_TEST

START_TEST(a_configuration_that_others_may_change_is_told)
{
	judge_config(&f, "/conf", &(struct file_facts){.e = OK, .mode = 0644});
	judge_config(&f, "/conf", &(struct file_facts){.e = OK, .mode = 0664});
	judge_config(&f, "/conf", &(struct file_facts){.e = OK, .mode = 0666});
	expect(0, FOUND_OK, "/conf is good", NULL);
	expect(1, FOUND_NOTE, "its group may change it", NULL);
	expect(2, FOUND_PROBLEM, "everybody on this host may change it", "chmod go-w");
}
END_TEST

#define EXT4 0xef53
static const struct {
	struct disk_facts facts;
	enum finding_state state, kind;
	const char *message, *kind_message;
} disk_rows[] = {
    {{OK, EXT4, 9 * GIB, 5 * GIB, 1000, 900, false}, FOUND_OK, FOUND_OK, "5 GiB free of 9 GiB", "ext4"},
    {{OK, 0x9123683e, 9 * GIB, 5 * GIB, 0, 0, false}, FOUND_OK, FOUND_OK, "5 GiB free", "btrfs"},
    {{OK, EXT4, 9 * GIB, 500 * MIB, 1000, 900, false}, FOUND_WARNING, FOUND_OK, "500 MiB free", "ext4"},
    {{OK, EXT4, 9 * GIB, 3 * MIB, 1000, 900, false}, FOUND_PROBLEM, FOUND_OK, "is full: 3 MiB free", "ext4"},
    {{OK, EXT4, 9 * GIB, 5 * GIB, 1000, 2, false}, FOUND_PROBLEM, FOUND_OK, "no room for more files: 2 free", "ext4"},
    {{OK, EXT4, 9 * GIB, 5 * GIB, 1000, 900, true}, FOUND_PROBLEM, FOUND_OK, "mounted read-only", "ext4"},
    {{OK, 0x01021994, 9 * GIB, 5 * GIB, 0, 0, false}, FOUND_OK, FOUND_WARNING, "free", "tmpfs, which is memory"},
    {{OK, 0x794c7630, 9 * GIB, 5 * GIB, 0, 0, false}, FOUND_OK, FOUND_WARNING, "free", "gone with the container"},
    {{OK, 0x6969, 9 * GIB, 5 * GIB, 0, 0, false}, FOUND_OK, FOUND_WARNING, "free", "as durable as the server"},
    {{OK, 0x4d44, 9 * GIB, 5 * GIB, 0, 0, false}, FOUND_OK, FOUND_PROBLEM, "free", "vfat"},
    {{OK, 0x12345, 9 * GIB, 5 * GIB, 0, 0, false}, FOUND_OK, FOUND_NOTE, "free", "not known here (0x12345)"},
};

START_TEST(a_disk_has_room_and_keeps_what_it_is_given)
{
	judge_disk(&f, "/data", &disk_rows[_i].facts);
	ck_assert_uint_eq(f.count, 2);
	expect(0, disk_rows[_i].state, disk_rows[_i].message, disk_rows[_i].state == FOUND_OK ? NULL : "");
	expect(1, disk_rows[_i].kind, disk_rows[_i].kind_message, disk_rows[_i].kind == FOUND_OK ? NULL : "");
}
END_TEST

START_TEST(a_disk_that_may_not_be_looked_at_is_no_fault)
{
	judge_disk(&f, "/data", &(struct disk_facts){.e = ERR_PERM});
	ck_assert_uint_eq(f.count, 1);
	expect(0, FOUND_NOTE, "cannot be looked at", "sudo -u rensa");
}
END_TEST

START_TEST(a_journal_is_of_this_network)
{
	judge_journal(&f, "/data", &(struct journal_facts){.e = OK});
	judge_journal(&f, "/data", &(struct journal_facts){.e = OK, .files = 1, .bytes = 3 * MIB, .age_ms = 7 * 60000});
	judge_journal(&f, "/data",
		      &(struct journal_facts){.e = OK, .files = 2, .bytes = 3 * MIB, .age_ms = 5 * 3600000});
	judge_journal(&f, "/data", &(struct journal_facts){.e = OK, .difference = "difficulty"});
	judge_journal(&f, "/data", &(struct journal_facts){.e = ERR_FORMAT, .why = "/data/network is damaged"});
	judge_journal(&f, "/data", &(struct journal_facts){.e = ERR_PERM});
	expect(0, FOUND_OK, "holds no chain yet", NULL);
	expect(1, FOUND_OK, "3 MiB in 1 file of this network, last written 7 min ago", NULL);
	expect(2, FOUND_OK, "2 files of this network, last written 5 h ago", NULL);
	expect(3, FOUND_PROBLEM, "[network] difficulty differs", "data_dir");
	expect(4, FOUND_PROBLEM, "/data/network is damaged", "rensa verify --data /data");
	expect(5, FOUND_NOTE, "by the node's user alone", "sudo -u rensa");
}
END_TEST

START_TEST(a_segment_is_stale_if_all_could_be_seen_and_nobody_uses_it)
{
	struct segment_facts s = {
	    .name = "rensa.a.0123", .owner = STRANGER, .bytes = 14 * MIB, .user = 77, .has_segment = true};

	judge_segment(&f, &s);
	s.user = 0;
	judge_segment(&f, &s);
	s.is_seen = true;
	judge_segment(&f, &s);
	s.has_segment = false;
	judge_segment(&f, &s);
	s.is_ours = true;
	judge_segment(&f, &s);
	expect(0, FOUND_OK, "in use by process 77 of user 4242 (14 MiB)", NULL);
	expect(1, FOUND_NOTE, "only that user can see", "sudo rensa doctor --only segments");
	expect(2, FOUND_WARNING, "shared memory rensa.a.0123", "rm -f /dev/shm/rensa.a.0123 /dev/shm/sem.rensa.a.0123");
	expect(3, FOUND_WARNING, "the semaphore rensa.a.0123", "rm -f");
	expect(4, FOUND_NOTE, "left by this node", "next start removes it");
}
END_TEST

static const struct {
	struct port_facts facts;
	enum finding_state state;
	const char *message, *fix;
} port_rows[] = {
    {{.bind = OK}, FOUND_OK, "k: 10.0.0.1:5000 is free", NULL},
    {{.bind = ERR_BUSY, .is_held = true, .is_ours = true, .has_node = true}, FOUND_OK, "the node listens at", NULL},
    {{.bind = ERR_NOT_FOUND}, FOUND_PROBLEM, "this host has no address 10.0.0.1:5000", "ip address"},
    {{.bind = ERR_BUSY, .is_held = true, .holder = 7, .title = "nc -l"},
     FOUND_PROBLEM,
     "taken by process 7 (nc -l)",
     "another port"},
    {{.bind = ERR_BUSY, .is_held = true, .owner = STRANGER},
     FOUND_PROBLEM,
     "taken by a program of user 4242",
     "ss -ltnp"},
    {{.bind = ERR_BUSY}, FOUND_PROBLEM, "taken by a program", "ss -ltnp"},
    {{.bind = ERR_PERM, .privileged = 5001}, FOUND_WARNING, "needs a privilege", "CAP_NET_BIND_SERVICE"},
    {{.bind = ERR_PERM, .privileged = 1024}, FOUND_PROBLEM, "cannot be listened at", "another address"},
    {{.bind = OK, .has_node = true}, FOUND_WARNING, "does not listen at", "another configuration"},
    {{.bind = OK, .local_first = 4000, .local_last = 6000},
     FOUND_NOTE,
     "outgoing connections",
     "ip_local_reserved_ports=5000"},
};

START_TEST(a_port_is_free_or_our_own)
{
	struct port_facts p = port_rows[_i].facts;

	p.key = "k";
	ck_assert_int_eq(netaddr_parse(&p.at, "10.0.0.1:5000"), OK);
	judge_port(&f, &p);
	expect(0, port_rows[_i].state, port_rows[_i].message, port_rows[_i].fix);
}
END_TEST

static const struct {
	struct peer_facts facts;
	enum finding_state state;
	const char *message, *fix;
} peer_rows[] = {
    {{.hello = {.outcome = HANDSHAKE_UP, .hello = {.node = "b", .head = {.height = 7}}}},
     FOUND_OK,
     "P is node b of our chain, at height 7",
     NULL},
    {{.is_self = true}, FOUND_OK, "this node itself", NULL},
    {{.hello = {.outcome = HANDSHAKE_SELF}}, FOUND_OK, "this node itself", NULL},
    {{.lookup = ERR_NOT_FOUND}, FOUND_WARNING, "the name is not found", "getent"},
    {{.is_unanswered = true}, FOUND_WARNING, "did not answer in time", "firewall"},
    {{.hello = {.outcome = HANDSHAKE_SILENT, .reason = "why"}}, FOUND_WARNING, "does not answer: why", "firewall"},
    {{.hello = {.outcome = HANDSHAKE_REFUSED, .reason = "why"}}, FOUND_WARNING, "P: why", "listens"},
    {{.hello = {.outcome = HANDSHAKE_NO_NODE, .reason = "why"}}, FOUND_PROBLEM, "is no node: why", "[peers] listen"},
    {{.hello = {.outcome = HANDSHAKE_OTHER_PROTOCOL, .reason = "too old"}},
     FOUND_PROBLEM,
     "P is too old",
     "same version"},
    {{.hello = {.outcome = HANDSHAKE_OTHER_NETWORK, .reason = "why"}},
     FOUND_PROBLEM,
     "another network: why",
     "[network]"},
    {{.hello = {.outcome = HANDSHAKE_OTHER_GENESIS, .reason = "[network] reward differs"}},
     FOUND_PROBLEM,
     "[network] reward differs",
     "rensad -T"},
};

START_TEST(a_peer_is_judged_by_its_handshake)
{
	struct peer_facts p = peer_rows[_i].facts;

	strcpy(p.name, "P");
	judge_peer(&f, &p);
	expect(0, peer_rows[_i].state, peer_rows[_i].message, peer_rows[_i].fix);
}
END_TEST

static const struct {
	int64_t skews[3];
	size_t count;
	enum finding_state state;
	const char *message;
} skew_rows[] = {
    {{100, -200, 300}, 3, FOUND_OK, "agrees with those of 3 peers"},
    {{29000}, 1, FOUND_OK, "of 1 peer"},
    {{31000}, 1, FOUND_WARNING, "is 31 s behind"},
    {{-31000}, 1, FOUND_WARNING, "is 31 s ahead of"},
    {{125000, 125000, 0}, 3, FOUND_PROBLEM, "is 125 s behind"},
    /* One of three that is wrong is the others' business. */
    {{0, 999000, 10}, 3, FOUND_OK, "agrees"},
};

START_TEST(the_median_of_the_peers_clocks_counts)
{
	struct peer_facts *list = xcalloc(4, sizeof(*list));

	for (size_t i = 0; i < skew_rows[_i].count; i++)
		list[i].hello = (struct handshake_result){.outcome = HANDSHAKE_UP, .skew_ms = skew_rows[_i].skews[i]};
	/* Of whom nothing is known. */
	list[skew_rows[_i].count] = (struct peer_facts){.is_unanswered = true, .hello.skew_ms = 900000};
	judge_skew(&f, list, skew_rows[_i].count + 1);
	free(list);
	ck_assert_uint_eq(f.count, 1);
	expect(0, skew_rows[_i].state, skew_rows[_i].message, skew_rows[_i].state == FOUND_OK ? NULL : "timedatectl");
}
END_TEST

START_TEST(without_peers_nothing_is_said_of_their_clocks)
{
	judge_skew(&f, &(struct peer_facts){.is_self = true}, 1);
	ck_assert_uint_eq(f.count, 0);
}
END_TEST

START_TEST(sizes_are_written_for_people)
{
	char text[DOCTOR_SIZE_TEXT];

	ck_assert_str_eq(doctor_size(text, 0), "0 bytes");
	ck_assert_str_eq(doctor_size(text, 1023), "1023 bytes");
	ck_assert_str_eq(doctor_size(text, 1024), "1 KiB");
	ck_assert_str_eq(doctor_size(text, 1536), "1.5 KiB");
	ck_assert_str_eq(doctor_size(text, 64 * MIB), "64 MiB");
	ck_assert_str_eq(doctor_size(text, UINT64_MAX), "16 EiB");
}
END_TEST

Suite *
suite_doctor(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "doctor", 30);

	tcase_add_checked_fixture(tc, enter, leave);
	tcase_add_loop_test(tc, shared_memory_is_enough_to_start_and_to_grow, 0, ARRAY_LEN(shm_rows));
	tcase_add_test(tc, open_files_are_measured_by_the_connections);
	tcase_add_test(tc, a_limit_on_the_size_of_files_keeps_a_node_from_starting);
	tcase_add_test(tc, memory_is_measured_by_the_group_and_the_machine);
	tcase_add_test(tc, the_clock_is_right_kept_right_and_past_the_begin);
	tcase_add_loop_test(tc, a_library_with_holes_is_named, 0, ARRAY_LEN(library_rows));
	tcase_add_loop_test(tc, the_data_folder_is_for_the_nodes_user_alone, 0, ARRAY_LEN(folder_rows));
	tcase_add_loop_test(tc, a_secret_that_others_may_read_is_none, 0, ARRAY_LEN(secret_rows));
	tcase_add_test(tc, a_configuration_that_others_may_change_is_told);
	tcase_add_loop_test(tc, a_disk_has_room_and_keeps_what_it_is_given, 0, ARRAY_LEN(disk_rows));
	tcase_add_test(tc, a_disk_that_may_not_be_looked_at_is_no_fault);
	tcase_add_test(tc, a_journal_is_of_this_network);
	tcase_add_test(tc, a_segment_is_stale_if_all_could_be_seen_and_nobody_uses_it);
	tcase_add_loop_test(tc, a_port_is_free_or_our_own, 0, ARRAY_LEN(port_rows));
	tcase_add_loop_test(tc, a_peer_is_judged_by_its_handshake, 0, ARRAY_LEN(peer_rows));
	tcase_add_loop_test(tc, the_median_of_the_peers_clocks_counts, 0, ARRAY_LEN(skew_rows));
	tcase_add_test(tc, without_peers_nothing_is_said_of_their_clocks);
	tcase_add_test(tc, sizes_are_written_for_people);
	return suite;
}
