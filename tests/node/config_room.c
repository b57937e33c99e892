#include "config_room.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "suite.h"
#include "util/file.h"

static char folder[64];
static int home = -1;

void
room_enter(void)
{
	snprintf(folder, sizeof(folder), "/tmp/rensa-config-XXXXXX");
	home = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(home, 0);
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(chdir(folder), 0);
}

void
room_leave(void)
{
	unlink(ROOM_CONFIG);
	unlink(ROOM_TOKEN);
	ck_assert_int_eq(fchdir(home), 0);
	fd_close(&home);
	ck_assert_int_eq(rmdir(folder), 0);
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

void
room_load(struct config *out, const char *text)
{
	struct buf errors;
	buf_init(&errors);
	room_write(ROOM_CONFIG, text, 0600);
	enum err e = config_load(out, ROOM_CONFIG, &errors);
	ck_assert_msg(e == OK, "%s", errors.len > 0 ? errors.data : err_text(e));
	ck_assert_uint_eq(errors.len, 0);
	buf_clear(&errors);
}

void
room_refuse(struct buf *errors, const char *text)
{
	struct config c;
	buf_init(errors);
	room_write(ROOM_CONFIG, text, 0600);
	ck_assert_int_eq(config_load(&c, ROOM_CONFIG, errors), ERR_FORMAT);
	ck_assert_uint_gt(errors->len, 0);
}
