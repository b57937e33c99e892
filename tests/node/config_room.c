#include "config_room.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/config_table.h"
#include "suite.h"
#include "util/file.h"

static char folder[64];
static int home = -1;

const char room_full[] = "# A comment\n"
			 "[node]\n"
			 "name = node-2.test\n"
			 "data_dir = /srv/rensa data\n"
			 "shm_max = 64MiB\n"
			 "pool_max = 1000\n"
			 "log_level = debug, httpd=warn\n"
			 "log_format = json\n"
			 "log_syslog = /dev/log\n"
			 "log_facility = local3\n"
			 "watchdog = 1500ms\n"
			 "sync = off\n"
			 "[http]\n"
			 "\tlisten = [::1]:5001\n"
			 "\tworkers = 4 ; as many as cores\n"
			 "admin_allow = 10.0.0.0/30, 192.168.1.7\n"
			 "header_timeout = 1m\n"
			 "request_timeout = 2h\n"
			 "max_body = 8M\n"
			 "chain_cache = 1M\n"
			 "max_connections = 100\n"
			 "request_log = file\n"
			 "request_log_file = /var/log/requests.log\n"
			 "request_log_sample = 100\n"
			 "request_log_slow = 250ms\n"
			 "[network]\n"
			 "name = class-4b\n"
			 "genesis_time = 2025-09-01T08:00:00.5Z\n"
			 "target_interval = 500ms\n"
			 "retarget = fixed\n"
			 "difficulty = 8\n"
			 "reward = 12.5\n"
			 "address_version = 0\n"
			 "maturity = 10\n"
			 "minimum_fee = 0.00000001\n"
			 "max_block_bytes = 512K\n"
			 "[peers]\n"
			 "listen = 10.0.0.2:6000\n"
			 "advertise = 203.0.113.7:6000\n"
			 "[discovery]\n"
			 "interval = 5\n"
			 "peers = 10.0.0.3:5000,node4:5000 [fd00::5]:5000\n"
			 "peers = node6:5000\n"
			 "dns = rensa.example:5000\n"
			 "scan_hosts = 172.16.0.2-172.16.0.4\n"
			 "scan_ports = 5000-5002\n"
			 "scan_rate = 300\n"
			 "probe_timeout = 250ms\n"
			 "[resolver]\n"
			 "interval = 7\n"
			 "max_reorg_depth = 100\n"
			 "[miner]\n"
			 "mode = on-demand\n"
			 "address = 1111111111111111111114oLvT2\n"
			 "interval = 3s\n"
			 "cpu_percent = 50\n";

void
room_enter(void)
{
	snprintf(folder, sizeof(folder), "/tmp/rensa-config-XXXXXX");
	home = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(home, 0);
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(chdir(folder), 0);
}

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *place)
{
	(void)st;
	(void)kind;
	(void)place;
	return remove(path);
}

void
room_leave(void)
{
	ck_assert_int_eq(fchdir(home), 0);
	fd_close(&home);
	ck_assert_int_eq(nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

const char *
room_path(void)
{
	return folder;
}

void
room_write(const char *name, const char *text, mode_t mode)
{
	ck_assert_int_eq(file_write(name, text, strlen(text), mode), OK);
	ck_assert_int_eq(chmod(name, mode), 0);
}

static void
load(struct config *out, const struct config_inputs *in)
{
	struct buf errors;
	buf_init(&errors);
	enum err e = config_load(out, in, &errors);
	ck_assert_msg(e == OK, "%s", errors.len > 0 ? errors.data : err_text(e));
	ck_assert_uint_eq(errors.len, 0);
	buf_clear(&errors);
}

void
room_load(struct config *out, const char *text)
{
	room_write(ROOM_CONFIG, text, 0600);
	room_read(out, NULL, NULL);
}

void
room_read(struct config *out, char *const *environment, const char *const *settings)
{
	load(out, &(struct config_inputs){ROOM_CONFIG, environment, settings});
}

void
room_refuse(struct buf *errors, const char *text)
{
	room_write(ROOM_CONFIG, text, 0600);
	room_refuse_all(errors, NULL, NULL);
}

void
room_refuse_all(struct buf *errors, char *const *environment, const char *const *settings)
{
	struct config c;
	buf_init(errors);
	ck_assert_int_eq(config_load(&c, &(struct config_inputs){ROOM_CONFIG, environment, settings}, errors),
			 ERR_FORMAT);
	ck_assert_uint_gt(errors->len, 0);
}

static void
note(void *ctx, const struct config_key *key, const char *from, const char *to)
{
	buf_printf(ctx, "%s.%s: %s -> %s%s\n", key->section, key->name, from, to,
		   config_change_waits(key) ? " (restart)" : "");
}

void
room_compare(struct buf *out, const struct config *a, const struct config *b)
{
	size_t len = out->len;
	buf_puts(out, "");
	ck_assert_uint_eq(config_compare(a, b, note, out) == 0, out->len == len);
}
