/* Wallets: a key that others may read counts as known, and no command uses it. Only modes and owners are looked at. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "disk/keyfile.h"
#include "prog/doctor.h"

#define CHECK "wallets"

/* True if nothing is wrong with it. */
static bool
judge_wallet(struct report *r, const char *path)
{
	struct stat st;

	if (lstat(path, &st) != 0)
		return true; /* deleted meanwhile */
	if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		report_say(r, CHECK, REMARK_PROBLEM,
			   "Take that away with chmod 0600. If somebody else may have read it, send its coins to a new "
			   "wallet.",
			   "others may read or change %s (mode %04o): its key counts as known, and it is refused", path,
			   (unsigned)(st.st_mode & 07777));
	else if (st.st_uid != geteuid() && geteuid() != 0)
		report_say(r, CHECK, REMARK_WARNING, "Use it as its owner, or give it to you: chown.",
			   "%s belongs to another user", path);
	else
		return true;
	return false;
}

void
doctor_wallets(struct report *r, const struct cli *c)
{
	char error[KEYFILE_ERROR_SIZE], path[KEYFILE_PATH_SIZE];
	struct keyfile_name *names = NULL;
	size_t count = 0;

	if (c->home[0] == '\0') {
		report_say(r, CHECK, REMARK_NOTE, NULL,
			   "neither --home, RENSA_HOME nor HOME says where wallets are kept");
		return;
	}
	if (keyfile_list(&names, &count, c->home, error) != OK) {
		/* Others may look into the folder, or it is none. */
		report_add(r, CHECK, REMARK_PROBLEM, error, NULL);
		return;
	}
	bool is_well = true;
	for (size_t i = 0; i < count; i++)
		if (keyfile_path(path, c->home, names[i].text) == OK && !judge_wallet(r, path))
			is_well = false;
	if (is_well)
		report_say(r, CHECK, REMARK_OK, NULL, "%zu wallet%s in %s%s", count, count == 1 ? "" : "s", c->home,
			   count > 0 ? ", for their owner alone" : "");
	free(names);
}
