/*
 * The files of a configuration. A line "include = NAME", before the first section or below any, stands for the text of
 * another file: it is read at that place, begins outside of any section, and the including file's section goes on
 * behind it. NAME is relative to the folder of the file that it stands in. One with * ? or [ is a pattern: the files
 * that match are read in the order of their names, and that none does is fine; without, the file must be there.
 *
 * What must stay true: reading ends, whatever the files hold. No file is read within itself, depth and number of files
 * are capped, and a file by its size.
 */
#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "config_read.h"
#include "util/inifile.h"
#include "util/mem.h"

#define DEPTH_MAX 8
#define FILES_MAX 256
#define PATTERN_CHARACTERS "*?["

/* A file that is being read, in those that include it. */
struct file {
	struct config_reading *reading;
	const struct file *parent;
	const char *path;
	struct stat identity;
	uint32_t source;
	int depth;
	int *lines;	      /* where this file set each key; 0: nowhere yet */
	bool is_section_told; /* the section that settings stand in is unknown, and that was reported */
};

static const char *
unreadable_text(enum err e)
{
	switch (e) {
	case ERR_NOT_FOUND:
		return "there is no such file";
	case ERR_PERM:
		return "this user may not read it";
	case ERR_LIMIT:
		return "it is larger than a configuration can be (1 MiB)";
	default:
		return "it cannot be read as a file";
	}
}

static struct config_place
place(const struct file *f, int line)
{
	return (struct config_place){f->source, line};
}

static void
include_fault(const struct file *f, int line, const char *path, const char *fault)
{
	struct buf b;
	buf_init(&b);
	config_value_quote_long(&b, path);
	config_report_add(f->reading->report, place(f, line), CONFIG_INCLUDE ": %s: %s", b.data, fault);
	buf_clear(&b);
}

static enum err file_read(struct file *f);

/* Why a file is not to be included here; NULL: it may. */
static const char *
include_check(struct file *f)
{
	if (stat(f->path, &f->identity) != 0)
		return unreadable_text(errno == ENOENT || errno == ENOTDIR ? ERR_NOT_FOUND
				       : errno == EACCES		   ? ERR_PERM
									   : ERR_IO);
	if (!S_ISREG(f->identity.st_mode))
		return "it is not a file";
	for (const struct file *p = f->parent; p != NULL; p = p->parent)
		if (p->identity.st_dev == f->identity.st_dev && p->identity.st_ino == f->identity.st_ino)
			return "it includes itself, here or by way of other files";
	if (f->depth > DEPTH_MAX)
		return "files include one another more than 8 deep";
	return NULL;
}

static void
include_one(struct file *parent, const char *path, int line)
{
	struct config_reading *reading = parent->reading;
	struct file f = {.reading = reading, .parent = parent, .path = path, .depth = parent->depth + 1};
	if (reading->files > FILES_MAX)
		return;
	const char *fault = include_check(&f);
	/* Told once: what includes too much does so again and again. */
	if (fault == NULL && reading->files++ == FILES_MAX)
		fault = "more than 256 files are included";
	if (fault == NULL) {
		f.source = config_report_source(reading->report, path);
		enum err e = file_read(&f);
		if (e != OK)
			fault = unreadable_text(e);
	}
	if (fault != NULL)
		include_fault(parent, line, path, fault);
}

/* A folder that is not there holds nothing that matches; one that may not be read is worth knowing. */
static int
folder_failed(const char *path, int error)
{
	(void)path;
	return error != ENOENT && error != ENOTDIR;
}

static void
include_all(struct file *f, const char *pattern, const char *name, int line)
{
	glob_t found = {0};
	int e = glob(pattern, 0, folder_failed, &found);
	if (e != 0 && e != GLOB_NOMATCH)
		include_fault(f, line, name, "its folder cannot be read");
	for (size_t i = 0; e == 0 && i < found.gl_pathc; i++)
		include_one(f, found.gl_pathv[i], line);
	globfree(&found);
}

static void
include(struct file *f, const char *name, int line)
{
	bool is_pattern = strpbrk(name, PATTERN_CHARACTERS) != NULL;
	const char *slash = strrchr(f->path, '/');
	struct buf path;
	if (*name == '\0') {
		config_report_add(f->reading->report, place(f, line),
				  CONFIG_INCLUDE ": has no value; allowed: a file, or a pattern as conf.d/*.conf");
		return;
	}
	buf_init(&path);
	/* The folder is no pattern, whatever it is called. */
	for (const char *p = f->path; *name != '/' && slash != NULL && p <= slash; p++) {
		if (is_pattern && strchr(PATTERN_CHARACTERS "\\", *p) != NULL)
			buf_putc(&path, '\\');
		buf_putc(&path, *p);
	}
	buf_puts(&path, name);
	if (is_pattern)
		include_all(f, path.data, name, line);
	else
		include_one(f, path.data, line);
	buf_clear(&path);
}

static void
on_section(void *ctx, const char *section, int line)
{
	struct file *f = ctx;
	f->is_section_told = !config_section_is_known(section);
	if (f->is_section_told)
		config_section_unknown(f->reading->report, place(f, line), section);
}

static void
on_setting(void *ctx, const char *section, const char *name, const char *value, int line)
{
	struct file *f = ctx;
	struct config_report *r = f->reading->report;
	size_t count;
	if (strcmp(name, CONFIG_INCLUDE) == 0) {
		include(f, value, line);
		return;
	}
	if (*section == '\0') {
		config_name_homeless(r, place(f, line), name);
		return;
	}
	if (f->is_section_told)
		return;
	const struct config_key *key = config_name_find(r, place(f, line), section, name);
	if (key == NULL)
		return;
	int *before = &f->lines[key - config_keys(&count)];
	if (*before > 0 && !config_value_is_list(key)) {
		config_report_set(r, key, place(f, line));
		config_report_key(r, key, "is set twice, in line %d too; keep one of them", *before);
		return;
	}
	*before = line;
	config_reading_set(f->reading, key, value, place(f, line));
}

static void
on_fault(void *ctx, enum inifile_fault fault, int line)
{
	static const char *const texts[] = {
	    [INIFILE_NOT_INI] =
		"this line is not understood; allowed: key = value, [section], or a comment after # or ;",
	    [INIFILE_TOO_LONG] =
		"this line is too long; allowed: at most 1023 bytes (lists may be given on several lines)",
	    [INIFILE_HAS_NUL] = "this line holds a NUL byte, so it is no text",
	};
	struct file *f = ctx;
	config_report_add(f->reading->report, place(f, line), "%s", texts[fault]);
}

static enum err
file_read(struct file *f)
{
	const struct inifile_reader reader = {on_section, on_setting, on_fault, f};
	size_t count;
	config_keys(&count);
	f->lines = xcalloc(count, sizeof(*f->lines));
	enum err e = inifile_read(f->path, &reader);
	free(f->lines);
	return e;
}

enum err
config_read_files(struct config_reading *reading, const char *path)
{
	struct file f = {.reading = reading, .path = path};
	f.source = config_report_source(reading->report, path);
	/* Its reader says what is wrong; without an identity it is nobody's parent. */
	if (stat(path, &f.identity) != 0)
		f.identity = (struct stat){0};
	enum err e = file_read(&f);
	if (e != OK)
		config_report_add(reading->report, place(&f, 0), "%s", unreadable_text(e));
	return e;
}
