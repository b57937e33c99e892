/*
 * Runs a fuzz target over files: the folders and files named as arguments or, without any, its committed corpus
 * ($srcdir/tests/fuzz/corpus/TARGET for the program replay_TARGET). Each file is tried whole and cut short at every
 * byte, in a block of its own size, so that sanitizers see a read past the end. A corpus that is missing is a failure.
 */
#include "fuzz.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "util/file.h"

#define CORPUS_FILE_MAX (1u << 20)
#define CUT_MAX 4096 /* longer files are cut at their first bytes only */

static unsigned long files, inputs;

static void
input_run(const char *bytes, size_t len)
{
	uint8_t *piece = malloc(len ? len : 1);
	MUST(piece != NULL);
	memcpy(piece, bytes, len);
	LLVMFuzzerTestOneInput(piece, len);
	free(piece);
	inputs++;
}

static bool
file_run(const char *path)
{
	struct buf text = {0};
	if (file_read(&text, path, CORPUS_FILE_MAX) != OK) {
		fprintf(stderr, "replay: cannot read %s\n", path);
		return false;
	}
	for (size_t len = 0; len < text.len && len < CUT_MAX; len++)
		input_run(text.data, len);
	if (text.len > 0)
		input_run(text.data, text.len);
	buf_clear(&text);
	files++;
	return true;
}

static bool
path_run(const char *path)
{
	DIR *dir = opendir(path);
	if (dir == NULL)
		return file_run(path);
	bool ok = true;
	for (struct dirent *entry; ok && (entry = readdir(dir)) != NULL;) {
		char file[4096];
		if (entry->d_name[0] == '.')
			continue;
		snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
		ok = file_run(file);
	}
	closedir(dir);
	return ok;
}

int
main(int argc, char **argv)
{
	bool ok = true;
	const char *target = strstr(argv[0], "replay_");
	if (argc > 1) {
		for (int i = 1; ok && i < argc; i++)
			ok = path_run(argv[i]);
	} else {
		const char *top = getenv("srcdir");
		char corpus[4096];
		MUST(target != NULL);
		snprintf(corpus, sizeof(corpus), "%s/tests/fuzz/corpus/%s", top ? top : ".",
			 target + strlen("replay_"));
		ok = path_run(corpus);
	}
	printf("replay: %lu inputs from %lu files\n", inputs, files);
	return ok && files > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
