/* A folder of its own for each test case, made before its first test and removed with all that is in it after the last.
 */
#ifndef RENSA_TESTS_UTIL_SCRATCH_H
#define RENSA_TESTS_UTIL_SCRATCH_H

#include <check.h>
#include <stddef.h>

/* Gives the case its folder. */
void scratch_use(TCase *tc);
/* Gives each of its tests one. */
void scratch_use_each(TCase *tc);
/* The path of a name in the folder; each call has its own text, of the last eight. "" is the folder. */
const char *scratch_path(const char *name);
/* How many names the folder holds. */
size_t scratch_count(void);
/* Removes what the path names, a folder with all that is in it; it may be missing. */
void scratch_remove_tree(const char *path);

/* The whole file as text, at most 64 KiB less one byte; overwritten by the next call. */
const char *scratch_read(const char *name);
void scratch_write(const char *name, const void *data, size_t len);

#endif
