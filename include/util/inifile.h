/*
 * Reads an ini file with libinih and hands over each section and setting with its line number, so that errors can name
 * it, and each line that is neither: reading goes on behind it, so that all of them are told.
 */
#ifndef RENSA_UTIL_INIFILE_H
#define RENSA_UTIL_INIFILE_H

#include "util/attr.h"
#include "util/err.h"

#define INIFILE_LINE_MAX 1023	    /* bytes, without the line end */
#define INIFILE_SIZE_MAX (1u << 20) /* bytes; what is larger is no configuration, and a device never ends */

enum inifile_fault {
	INIFILE_NOT_INI, /* neither a setting, a section nor a comment */
	INIFILE_TOO_LONG,
	INIFILE_HAS_NUL
};

/* All are called in the order of the file; strings are borrowed for the call. */
struct inifile_reader {
	void (*on_section)(void *ctx, const char *section, int line);
	void (*on_setting)(void *ctx, const char *section, const char *key, const char *value, int line);
	void (*on_fault)(void *ctx, enum inifile_fault fault, int line);
	void *ctx;
};

/*
 * ERR_NOT_FOUND/ERR_PERM/ERR_IO if path cannot be read, ERR_LIMIT if it is larger than INIFILE_SIZE_MAX; what was read
 * until then was handed over. A reader may read another file from within a call.
 */
enum err inifile_read(const char *path, const struct inifile_reader *reader) MUSTCHECK;

#endif
