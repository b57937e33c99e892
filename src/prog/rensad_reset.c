/*
 * The one command that deletes a chain. It names every file first, and how high the chain is that they hold; it has the
 * lock of the folder from before it looks until after it is done, so that no node starts meanwhile.
 */
#include "rensad_reset.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "disk/contents.h"
#include "disk/datadir.h"
#include "disk/journal.h"
#include "util/buf.h"
#include "util/file.h"

#define LOCK_WAIT_MS 500

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_REFUSED = 2 };

/* What the journal holds, for whoever is asked. A damaged one may be just why it is to be deleted. */
static void
say_height(struct buf *out, const struct config *config)
{
	char folder[PATH_MAX];
	struct framelog_options o = {.folder = folder, .kind = LOG_JOURNAL, .genesis = genesis_hash(&config->network)};
	struct framelog *log;
	struct journal j;
	struct buf why;

	snprintf(folder, sizeof(folder), "%s/" JOURNAL_FOLDER, config->node.data_dir);
	log = framelog_new(&o);
	buf_init(&why);
	if (journal_open(&j, log, false, NULL, NULL, &why) == OK) {
		buf_printf(out, "They hold a chain of network %s up to block %" PRIu64 ".\n", config->network.name,
			   j.tip_height);
		journal_close(&j);
	} else {
		buf_printf(out, "How high their chain is cannot be told: %s.\n", why.data == NULL ? "?" : why.data);
	}
	buf_clear(&why);
	framelog_free(log);
}

static void
say_what(struct buf *out, const struct config *config, const struct contents *c)
{
	uint64_t bytes = 0;

	buf_printf(out, "These files in %s will be deleted:\n", config->node.data_dir);
	for (size_t i = 0; i < c->count; i++) {
		buf_printf(out, "  %12" PRIu64 " bytes  %s\n", c->items[i].size, c->items[i].name);
		bytes += c->items[i].size;
	}
	buf_printf(out, "  %12" PRIu64 " bytes  in all\n", bytes);
	say_height(out, config);
	buf_puts(out,
		 "Nothing else is touched; wallets are elsewhere. The node will fetch the chain from its peers anew, "
		 "if it has any.\n");
}

/* Whole words only: a slip of the finger is no answer. */
static bool
is_confirmed(void)
{
	char line[16] = "";

	fputs("Delete them? Type yes: ", stdout);
	fflush(stdout);
	return fgets(line, sizeof(line), stdin) != NULL && strcmp(line, "yes\n") == 0;
}

static int
reset(const struct config *config, const struct contents *c, bool is_sure)
{
	struct buf text;
	enum err e;

	if (c->count == 0) {
		printf("%s holds nothing to delete.\n", config->node.data_dir);
		return EXIT_DONE;
	}
	buf_init(&text);
	say_what(&text, config, c);
	fputs(text.data, stdout);
	fflush(stdout);
	buf_clear(&text);
	if (!is_sure && isatty(STDIN_FILENO) != 1) {
		fputs("rensad: nothing was deleted: nobody can be asked here, so say --yes too\n", stderr);
		return EXIT_REFUSED;
	}
	if (!is_sure && !is_confirmed()) {
		fputs("rensad: nothing was deleted\n", stderr);
		return EXIT_FAILED;
	}
	buf_init(&text);
	e = contents_delete(c, config->node.data_dir, &text);
	if (e == OK)
		printf("Deleted.\n");
	else
		fprintf(stderr, "rensad: %s; run it again to delete the rest\n", text.data);
	buf_clear(&text);
	return e == OK ? EXIT_DONE : EXIT_FAILED;
}

int
reset_run(const struct config *config, bool is_sure)
{
	struct contents c = {0};
	int lock = -1, code = EXIT_FAILED;
	struct stat st;
	struct buf why;

	if (stat(config->node.data_dir, &st) != 0) {
		printf("There is no data folder %s: nothing to delete.\n", config->node.data_dir);
		return EXIT_DONE;
	}
	buf_init(&why);
	if (datadir_lock(&lock, config->node.data_dir, LOCK_WAIT_MS, &why) == OK &&
	    contents_list(&c, config->node.data_dir, &why) == OK)
		code = reset(config, &c, is_sure);
	else
		fprintf(stderr, "rensad: nothing was deleted: %s\n", why.data == NULL ? "?" : why.data);
	contents_clear(&c);
	buf_clear(&why);
	fd_close(&lock);
	return code;
}
