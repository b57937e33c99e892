/*
 * Wallet files: one secret key each, HOME/wallets/NAME.wallet, for the command-line client.
 *
 * A file is text of at most KEYFILE_SIZE_MAX bytes: lines `key = value`, each of these keys exactly once, in any order;
 * empty lines and lines that start with # mean nothing. A key that is not listed makes the file one of a later version.
 *
 *   format           1
 *   address_version  the network's Base58Check version byte, 0 to 255
 *   address          for people; it must be the one that belongs to the secret key
 *   secret_key       as WIF, whose checksum finds a damaged digit
 *
 * The file has mode 0600 and the folder 0700; with wider ones a key counts as exposed and is refused. A file appears
 * whole or not at all and is never overwritten. Everything that held a secret is wiped before a call returns.
 *
 * Failures leave a sentence in error: what is wrong and what to do.
 */
#ifndef RENSA_DISK_KEYFILE_H
#define RENSA_DISK_KEYFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/key.h"
#include "util/attr.h"
#include "util/err.h"

#define KEYFILE_NAME_MAX 32
#define KEYFILE_SIZE_MAX 1024
#define KEYFILE_PATH_SIZE 1024
#define KEYFILE_ERROR_SIZE (KEYFILE_PATH_SIZE + 256)
#define KEYFILE_LIST_MAX 100000 /* wallets in one folder */

struct keyfile {
	struct seckey key; /* wipe with keyfile_wipe */
	uint8_t address_version;
};

struct keyfile_name {
	char text[KEYFILE_NAME_MAX + 1];
};

/* 1 to 32 of a-z A-Z 0-9 - _, not starting with - (which would look like an option). */
bool keyfile_name_is_valid(const char *name);
/* Where the wallet of that name is or would be. ERR_LIMIT: the path is too long. */
enum err keyfile_path(char path[KEYFILE_PATH_SIZE], const char *home, const char *name) MUSTCHECK;

/* Makes the folder if need be. ERR_EXISTS: there is a wallet of that name; ERR_ARG: bad name or key; ERR_PERM, ERR_IO.
 */
enum err keyfile_create(const char *home, const char *name, const struct keyfile *k,
			char error[KEYFILE_ERROR_SIZE]) MUSTCHECK;
/* ERR_NOT_FOUND; ERR_PERM: unreadable, or others may read it; ERR_FORMAT: damaged; ERR_UNSUPPORTED: a later version. */
enum err keyfile_load(struct keyfile *out, const char *home, const char *name,
		      char error[KEYFILE_ERROR_SIZE]) MUSTCHECK;
/*
 * Keeps other processes of this host from spending from the wallet meanwhile: two that sign at the same moment would
 * use the same sequence, and if all else is equal too, make the same transfer, which counts once. Waits up to wait_ms.
 * fd_close(fd) lets go. ERR_BUSY: still held by another; else as keyfile_load. A file system without locks gives OK.
 */
enum err keyfile_lock(int *fd, const char *home, const char *name, uint32_t wait_ms,
		      char error[KEYFILE_ERROR_SIZE]) MUSTCHECK;
/* The names of all wallets in order, in *names (free() it; NULL if there are none). No folder is no wallets. */
enum err keyfile_list(struct keyfile_name **names, size_t *count, const char *home,
		      char error[KEYFILE_ERROR_SIZE]) MUSTCHECK;
void keyfile_wipe(struct keyfile *k);

#endif
