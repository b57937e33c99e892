#include "disk/datadir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/clock.h"
#include "util/file.h"

#define RETRY_MS 50

/* For whoever looks into the folder: which process holds it. */
static void
write_pid(int fd)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%d\n", (int)getpid());

	/* Only a courtesy: a full disk must not keep the node from starting. */
	if (ftruncate(fd, 0) == 0 && pwrite(fd, text, (size_t)len, 0) != len)
		(void)!ftruncate(fd, 0);
}

static void
read_pid(int fd, char holder[DATADIR_HOLDER_SIZE])
{
	ssize_t n = pread(fd, holder, DATADIR_HOLDER_SIZE - 1, 0);

	holder[n > 0 ? n : 0] = '\0';
	holder[strspn(holder, "0123456789")] = '\0';
}

enum err
datadir_lock(int *fd, const char *path, uint32_t wait_ms, struct buf *why)
{
	uint64_t since = clock_mono_ms();
	char name[4096], holder[DATADIR_HOLDER_SIZE];
	enum err e = dir_make(path);

	*fd = -1;
	if (e != OK) {
		buf_printf(why, "cannot make the data folder %s: %s", path, strerror(errno));
		return e;
	}
	if (snprintf(name, sizeof(name), "%s/" DATADIR_LOCK_NAME, path) >= (int)sizeof(name)) {
		buf_printf(why, "the path of the data folder is too long: %s", path);
		return ERR_LIMIT;
	}
	*fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (*fd < 0) {
		e = errno == EACCES ? ERR_PERM : ERR_IO;
		buf_printf(why, "cannot open %s: %s; the data folder must belong to the user that runs the node", name,
			   strerror(errno));
		return e;
	}
	while (flock(*fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno == EINTR)
			continue;
		if (errno != EWOULDBLOCK) {
			buf_printf(why, "cannot lock %s: %s", name, strerror(errno));
			fd_close(fd);
			return ERR_IO;
		}
		if (clock_mono_ms() - since >= wait_ms) {
			read_pid(*fd, holder);
			buf_printf(
			    why, "another node (process %s) uses the data folder %s: stop it, or set another data_dir",
			    holder[0] == '\0' ? "unknown" : holder, path);
			fd_close(fd);
			return ERR_BUSY;
		}
		clock_sleep_ms(RETRY_MS);
	}
	write_pid(*fd);
	return OK;
}

bool
datadir_adopt(int fd, const char *path)
{
	struct stat there, ours;
	char name[4096];

	if (snprintf(name, sizeof(name), "%s/" DATADIR_LOCK_NAME, path) >= (int)sizeof(name) ||
	    stat(name, &there) != 0 || fstat(fd, &ours) != 0 || there.st_dev != ours.st_dev ||
	    there.st_ino != ours.st_ino || flock(fd, LOCK_EX | LOCK_NB) != 0)
		return false;
	write_pid(fd);
	return true;
}

bool
datadir_is_held(const char *path, char holder[DATADIR_HOLDER_SIZE])
{
	char name[4096];
	bool is_held = false;
	int fd = -1;

	holder[0] = '\0';
	if (snprintf(name, sizeof(name), "%s/" DATADIR_LOCK_NAME, path) < (int)sizeof(name))
		fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	if (flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
		is_held = true;
		read_pid(fd, holder);
	}
	fd_close(&fd);
	return is_held;
}

enum err
datadir_file(char path[PATH_MAX], const char *data_dir, const char *name, struct buf *why)
{
	int len = snprintf(path, PATH_MAX, "%s/%s", data_dir, name);

	if (len > 0 && len < PATH_MAX)
		return OK;
	buf_printf(why, "the path of the data folder is too long: %s", data_dir);
	return ERR_LIMIT;
}
