/* Reads an ini file with libinih and hands over each setting with its line number, so that errors can name it. */
#ifndef RENSA_UTIL_INIFILE_H
#define RENSA_UTIL_INIFILE_H

#include "util/attr.h"
#include "util/err.h"

/* Called for each `key = value`; the strings are borrowed for the call. */
typedef void inifile_setting(void *ctx, const char *section, const char *key, const char *value, int line);

/*
 * ERR_NOT_FOUND/ERR_PERM/ERR_IO if path cannot be read; ERR_FORMAT if a line is not ini, with its number in *bad_line
 * (the settings of other lines were still handed over). Lines longer than 1,023 bytes are ERR_FORMAT.
 */
enum err inifile_read(const char *path, inifile_setting *on_setting, void *ctx, int *bad_line) MUSTCHECK;

#endif
