/*
 * Wallet files. What must stay true: a secret is never in memory that this room gave back unwiped, never in a file that
 * others may read, not even for a moment, and never lost by writing over it. Reading is by hand and not by the ini
 * library, because that keeps each line in buffers of its own which nobody wipes.
 */
#include "disk/keyfile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/address.h"
#include "crypto/random.h"
#include "util/clock.h"
#include "util/file.h"
#include "util/mem.h"
#include "util/text.h"

#define KEYFILE_FORMAT 1
#define SUFFIX ".wallet"
#define LOCK_POLL_MS 10

static enum err fail(char error[KEYFILE_ERROR_SIZE], enum err e, const char *fmt, ...) PRINTFLIKE(3, 4);

static enum err
fail(char error[KEYFILE_ERROR_SIZE], enum err e, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	vsnprintf(error, KEYFILE_ERROR_SIZE, fmt, args);
	va_end(args);
	return e;
}

static enum err
err_of_errno(void)
{
	switch (errno) {
	case ENOENT:
		return ERR_NOT_FOUND;
	case EACCES:
	case EPERM:
	case ELOOP:
		return ERR_PERM;
	case EEXIST:
		return ERR_EXISTS;
	case ENOSPC:
	case EDQUOT:
		return ERR_NOSPC;
	default:
		return ERR_IO;
	}
}

bool
keyfile_name_is_valid(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
	size_t len = strlen(name);
	return len >= 1 && len <= KEYFILE_NAME_MAX && strspn(name, allowed) == len && name[0] != '-';
}

static enum err
folder_path(char path[KEYFILE_PATH_SIZE], const char *home)
{
	int len = snprintf(path, KEYFILE_PATH_SIZE, "%s/wallets", home);
	return len > 0 && len < KEYFILE_PATH_SIZE ? OK : ERR_LIMIT;
}

enum err
keyfile_path(char path[KEYFILE_PATH_SIZE], const char *home, const char *name)
{
	int len = snprintf(path, KEYFILE_PATH_SIZE, "%s/wallets/%s" SUFFIX, home, name);
	return len > 0 && len < KEYFILE_PATH_SIZE ? OK : ERR_LIMIT;
}

void
keyfile_wipe(struct keyfile *k)
{
	key_wipe(k, sizeof(*k));
}

static enum err
check_name(const char *home, const char *name, char path[KEYFILE_PATH_SIZE], char error[KEYFILE_ERROR_SIZE])
{
	if (!keyfile_name_is_valid(name))
		return fail(error, ERR_ARG, "a wallet's name has 1 to %d of a-z A-Z 0-9 - _ and does not start with -",
			    KEYFILE_NAME_MAX);
	if (keyfile_path(path, home, name) != OK)
		return fail(error, ERR_LIMIT, "the path of the wallet folder is too long: choose a shorter --home");
	return OK;
}

/* Opens the wallet folder and refuses it if others may look in: they could also swap a wallet under us. */
static enum err
folder_open(int *fd, const char *home, char error[KEYFILE_ERROR_SIZE])
{
	char path[KEYFILE_PATH_SIZE];
	if (folder_path(path, home) != OK)
		return fail(error, ERR_LIMIT, "the path of the wallet folder is too long: choose a shorter --home");
	*fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*fd < 0) {
		enum err e = err_of_errno();
		return fail(error, e, "cannot open the wallet folder %s: %s", path, strerror(errno));
	}
	struct stat st;
	enum err ret = OK;
	if (fstat(*fd, &st) != 0)
		ret = fail(error, ERR_IO, "cannot examine the wallet folder %s: %s", path, strerror(errno));
	else if ((st.st_mode & 077) != 0)
		ret =
		    fail(error, ERR_PERM, "others may look into the wallet folder: close it with  chmod 700 %s", path);
	if (ret != OK)
		fd_close(fd);
	return ret;
}

static enum err
write_all(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, text, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_of_errno();
		text += n;
		len -= (size_t)n;
	}
	return OK;
}

/* Gives the temporary file its name unless that is taken. Not every file system has both ways. */
static enum err
publish(int folder, const char *temporary, const char *name)
{
	if (renameat2(folder, temporary, folder, name, RENAME_NOREPLACE) == 0)
		return OK;
	if (errno != EINVAL && errno != ENOSYS)
		return err_of_errno();
	if (linkat(folder, temporary, folder, name, 0) != 0)
		return err_of_errno();
	unlinkat(folder, temporary, 0);
	return OK;
}

static enum err
store(int folder, const char *name, const char *text, size_t len)
{
	char temporary[64];
	snprintf(temporary, sizeof(temporary), ".new-%016" PRIx64, random_u64());
	int fd = openat(folder, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_of_errno();
	enum err ret = write_all(fd, text, len);
	if (ret == OK && fsync(fd) != 0)
		ret = err_of_errno();
	fd_close(&fd);
	if (ret == OK)
		ret = publish(folder, temporary, name);
	if (ret != OK)
		unlinkat(folder, temporary, 0);
	else if (fsync(folder) != 0)
		ret = err_of_errno();
	return ret;
}

enum err
keyfile_create(const char *home, const char *name, const struct keyfile *k, char error[KEYFILE_ERROR_SIZE])
{
	char path[KEYFILE_PATH_SIZE];
	char folder[KEYFILE_PATH_SIZE];
	enum err ret = check_name(home, name, path, error);
	if (ret != OK)
		return ret;
	struct pubkey public;
	if (key_public(&public, &k->key) != OK)
		return fail(error, ERR_ARG, "this is not a secret key of the curve secp256k1");
	if (folder_path(folder, home) != OK)
		return fail(error, ERR_LIMIT, "the path of the wallet folder is too long: choose a shorter --home");
	errno = 0;
	ret = dir_make(folder);
	if (ret != OK)
		return fail(error, ret, "cannot make the wallet folder %s: %s", folder,
			    errno != 0 ? strerror(errno) : err_text(ret));

	int fd = -1;
	ret = folder_open(&fd, home, error);
	if (ret != OK)
		return ret;

	struct address who = address_of(&public);
	char address[ADDRESS_TEXT_SIZE];
	char wif[WIF_TEXT_SIZE];
	char text[KEYFILE_SIZE_MAX];
	char file[KEYFILE_NAME_MAX + sizeof(SUFFIX)];
	address_format(address, &who, k->address_version);
	wif_format(wif, &k->key, k->address_version);
	int len = snprintf(text, sizeof(text),
			   "# A Rensa wallet. Whoever reads this file can spend its coins; without it they are lost.\n"
			   "# Keep a copy where nobody else can read it.\n"
			   "format = %d\n"
			   "address_version = %u\n"
			   "address = %s\n"
			   "secret_key = %s\n",
			   KEYFILE_FORMAT, k->address_version, address, wif);
	snprintf(file, sizeof(file), "%s" SUFFIX, name);
	ret = store(fd, file, text, (size_t)len);
	key_wipe(text, sizeof(text));
	key_wipe(wif, sizeof(wif));
	fd_close(&fd);
	if (ret == ERR_EXISTS)
		fail(error, ret, "there is a wallet named %s already (%s): choose another name", name, path);
	else if (ret != OK)
		fail(error, ret, "cannot write the wallet %s: %s", path, err_text(ret));
	return ret;
}

/* What a file says, as text; the pieces point into its bytes. */
struct fields {
	const char *format;
	const char *address_version;
	const char *address;
	const char *secret_key;
};

/* Cuts text into fields in place. */
static enum err
parse_fields(struct fields *out, char *text)
{
	struct {
		const char *name;
		const char **value;
	} known[] = {
	    {"format", &out->format},
	    {"address_version", &out->address_version},
	    {"address", &out->address},
	    {"secret_key", &out->secret_key},
	};
	enum err ret = OK;
	for (char *line = text, *next; line != NULL; line = next) {
		next = strchr(line, '\n');
		if (next != NULL)
			*next++ = '\0';
		if (line[0] == '\0' || line[0] == '#')
			continue;
		char *equals = strstr(line, " = ");
		if (equals == NULL)
			return ERR_FORMAT;
		*equals = '\0';
		size_t i = 0;
		while (i < ARRAY_LEN(known) && strcmp(known[i].name, line) != 0)
			i++;
		/* Read on past an unknown key: if the format is a later one, that is what to say. */
		if (i == ARRAY_LEN(known))
			ret = ERR_UNSUPPORTED;
		else if (*known[i].value != NULL)
			return ERR_FORMAT;
		else
			*known[i].value = equals + 3;
	}
	return ret;
}

static enum err
parse(struct keyfile *out, char *text)
{
	struct fields f = {0};
	enum err ret = parse_fields(&f, text);
	if (ret != OK)
		return ret;
	uint64_t format, version;
	if (f.format == NULL || text_u64(&format, f.format, UINT32_MAX) != OK)
		return ERR_FORMAT;
	if (format != KEYFILE_FORMAT)
		return ERR_UNSUPPORTED;
	if (f.address_version == NULL || f.address == NULL || f.secret_key == NULL ||
	    text_u64(&version, f.address_version, UINT8_MAX) != OK)
		return ERR_FORMAT;
	out->address_version = (uint8_t)version;

	struct pubkey public;
	struct address stated;
	if (wif_parse(&out->key, f.secret_key, out->address_version) != OK || key_public(&public, &out->key) != OK ||
	    address_parse(&stated, f.address, out->address_version) != OK)
		return ERR_FORMAT;
	struct address actual = address_of(&public);
	return address_equal(&stated, &actual) ? OK : ERR_FORMAT;
}

/* Reads the open file, at most size - 1 bytes, and ends them with a NUL. */
static enum err
read_all(int fd, char *text, size_t size, size_t *len)
{
	*len = 0;
	while (*len < size) {
		ssize_t n = read(fd, text + *len, size - *len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_of_errno();
		if (n == 0)
			break;
		*len += (size_t)n;
	}
	if (*len == size || memchr(text, '\0', *len) != NULL)
		return ERR_FORMAT;
	text[*len] = '\0';
	return OK;
}

enum err
keyfile_load(struct keyfile *out, const char *home, const char *name, char error[KEYFILE_ERROR_SIZE])
{
	char path[KEYFILE_PATH_SIZE];
	char file[KEYFILE_NAME_MAX + sizeof(SUFFIX)];
	char text[KEYFILE_SIZE_MAX + 1];
	int folder = -1, fd = -1;
	enum err ret = check_name(home, name, path, error);
	if (ret != OK)
		return ret;
	ret = folder_open(&folder, home, error);
	if (ret == ERR_NOT_FOUND)
		fail(error, ret, "there is no wallet named %s (no file %s)", name, path);
	if (ret != OK)
		return ret;

	struct stat st;
	size_t len;
	snprintf(file, sizeof(file), "%s" SUFFIX, name);
	/* Non-blocking, so that a pipe of that name cannot keep us waiting. */
	fd = openat(folder, file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) {
		ret = err_of_errno();
		if (ret == ERR_NOT_FOUND)
			fail(error, ret, "there is no wallet named %s (no file %s)", name, path);
		else
			fail(error, ret, "cannot open the wallet %s: %s", path, strerror(errno));
		goto out;
	}
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		ret = fail(error, ERR_FORMAT, "%s is not a file", path);
		goto out;
	}
	if ((st.st_mode & 077) != 0) {
		ret = fail(
		    error, ERR_PERM,
		    "others may read the wallet %s. If nobody did, close it with  chmod 600 %s ; else move its coins "
		    "to a new wallet",
		    name, path);
		goto out;
	}
	ret = read_all(fd, text, sizeof(text), &len);
	if (ret == OK)
		ret = parse(out, text);
	if (ret == ERR_UNSUPPORTED)
		fail(error, ret, "the wallet %s was written by a later version: use that one", path);
	else if (ret == ERR_FORMAT)
		fail(error, ret, "the wallet %s is damaged: put back a copy, or import its key again", path);
	else if (ret != OK)
		fail(error, ret, "cannot read the wallet %s: %s", path, err_text(ret));
out:
	key_wipe(text, sizeof(text));
	if (ret != OK)
		keyfile_wipe(out);
	fd_close(&fd);
	fd_close(&folder);
	return ret;
}

enum err
keyfile_lock(int *fd, const char *home, const char *name, uint32_t wait_ms, char error[KEYFILE_ERROR_SIZE])
{
	char path[KEYFILE_PATH_SIZE];
	*fd = -1;
	enum err ret = check_name(home, name, path, error);
	if (ret != OK)
		return ret;
	*fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (*fd < 0) {
		ret = err_of_errno();
		return fail(error, ret, "cannot open the wallet %s: %s", path, strerror(errno));
	}
	uint64_t end_ms = clock_mono_ms() + wait_ms;
	while (flock(*fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno == EINTR)
			continue;
		if (errno != EWOULDBLOCK)
			break;
		if (clock_mono_ms() >= end_ms) {
			fd_close(fd);
			return fail(error, ERR_BUSY, "another process is sending from the wallet %s: try again later",
				    name);
		}
		clock_sleep_ms(LOCK_POLL_MS);
	}
	return OK;
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(((const struct keyfile_name *)a)->text, ((const struct keyfile_name *)b)->text);
}

/* The wallet's name if that is what a file's name says. */
static bool
name_of_file(struct keyfile_name *out, const char *file)
{
	size_t len = strlen(file), tail = strlen(SUFFIX);
	if (len <= tail || len - tail > KEYFILE_NAME_MAX || strcmp(file + len - tail, SUFFIX) != 0)
		return false;
	memcpy(out->text, file, len - tail);
	out->text[len - tail] = '\0';
	return keyfile_name_is_valid(out->text);
}

enum err
keyfile_list(struct keyfile_name **names, size_t *count, const char *home, char error[KEYFILE_ERROR_SIZE])
{
	*names = NULL;
	*count = 0;
	int fd = -1;
	enum err ret = folder_open(&fd, home, error);
	if (ret == ERR_NOT_FOUND)
		return OK;
	if (ret != OK)
		return ret;
	DIR *dir = fdopendir(fd);
	if (dir == NULL) {
		fd_close(&fd);
		return fail(error, ERR_IO, "cannot list the wallet folder: %s", strerror(errno));
	}
	size_t cap = 0;
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
		struct keyfile_name name;
		if (!name_of_file(&name, entry->d_name))
			continue;
		if (*count == KEYFILE_LIST_MAX) {
			ret = fail(error, ERR_LIMIT, "the wallet folder holds more than %d wallets", KEYFILE_LIST_MAX);
			break;
		}
		if (*count == cap) {
			cap = cap == 0 ? 16 : cap * 2;
			*names = xrealloc(*names, cap * sizeof(**names));
		}
		(*names)[(*count)++] = name;
	}
	closedir(dir);
	if (ret != OK) {
		free(*names);
		*names = NULL;
		*count = 0;
	} else if (*count > 0) {
		qsort(*names, *count, sizeof(**names), compare_names);
	}
	return ret;
}
