/* The host's clock, the library that all requests go through, and the node that may be running. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timex.h>

#include "doctor_checks.h"
#include "net/loop.h"
#include "util/clock.h"

#define PACKAGES "/var/lib/dpkg/status"
#define LIBEVENT_PACKAGE "Package: libevent-core-2.1-7" /* "t64" behind it since Debian 13 */
#define LIBEVENT_HOLED "2.1.12-stable-8"		/* Debian 12 before its security update */

void
judge_clock(struct findings *f, const struct config *c, const struct clock_facts *k)
{
	char now[CLOCK_TEXT_SIZE], genesis[CLOCK_TEXT_SIZE];

	clock_format(now, k->now_ms);
	clock_format(genesis, c->network.genesis_time_ms);
	if (k->now_ms <= c->network.genesis_time_ms) {
		found(f, FOUND_PROBLEM,
		      "the clock says %s, which is before the chain's begin (genesis_time %s): no block can be mined "
		      "or taken",
		      now, genesis);
		advise(f, "Set the clock right (timedatectl set-ntp true). If it is right, [network] genesis_time is "
			  "in the future, "
			  "and the chain begins then.");
	} else if (!k->is_known) {
		found(f, FOUND_NOTE, "the clock says %s; whether anything keeps it right, the system does not tell",
		      now);
	} else if (!k->is_synced) {
		found(f, FOUND_WARNING,
		      "the clock says %s and nothing keeps it right: blocks more than 120 s ahead of a clock are not "
		      "taken",
		      now);
		advise(f, "Run a time service: \"timedatectl set-ntp true\", or install chrony. In a container that is "
			  "the host's business.");
	} else {
		found(f, FOUND_OK, "the clock says %s and is kept right by a time service", now);
	}
}

void
check_clock(struct findings *f, const struct doctor *d)
{
	struct timex t = {.modes = 0}; /* only asks */
	int state = adjtimex(&t);
	struct clock_facts k = {.is_known = state >= 0, .now_ms = clock_wall_ms()};

	k.is_synced = state >= 0 && state != TIME_ERROR && (t.status & STA_UNSYNC) == 0;
	judge_clock(f, d->config, &k);
}

/* "2.1.12-stable" is 2001012. */
static unsigned
version_number(const char *version)
{
	unsigned major = 0, minor = 0, patch = 0;

	if (sscanf(version, "%3u.%3u.%3u", &major, &minor, &patch) < 2)
		return 0;
	return (major * 1000 + minor) * 1000 + patch;
}

void
judge_libevent(struct findings *f, const struct library_facts *l)
{
	bool has_package = l->package[0] != '\0';

	if (version_number(l->version) < 2001012 || strcmp(l->package, LIBEVENT_HOLED) == 0) {
		found(f, FOUND_WARNING, "libevent %s%s%s%s has known holes in what reads HTTP from outside", l->version,
		      has_package ? " (package " : "", l->package, has_package ? ")" : "");
		advise(f, "Bring it up to date and start the node again: \"apt-get update && apt-get upgrade\"; on "
			  "Debian 12 that is " LIBEVENT_HOLED "+deb12u1 or later.");
	} else {
		found(f, FOUND_OK, "libevent %s%s%s%s", l->version, has_package ? " (package " : "", l->package,
		      has_package ? ")" : "");
	}
}

/* The version of the package as Debian's list of what is installed has it, "" if there is no such list. */
static void
package_version(char *out, size_t size)
{
	FILE *file = fopen(PACKAGES, "re");
	char line[1024];
	bool is_it = false;

	out[0] = '\0';
	if (file == NULL)
		return;
	while (out[0] == '\0' && fgets(line, sizeof(line), file) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "Package: ", 9) == 0)
			is_it = strncmp(line, LIBEVENT_PACKAGE, strlen(LIBEVENT_PACKAGE)) == 0;
		else if (is_it && strncmp(line, "Version: ", 9) == 0)
			snprintf(out, size, "%.80s", line + 9);
	}
	fclose(file);
}

void
check_libevent(struct findings *f, const struct doctor *d)
{
	char package[96];

	(void)d;
	package_version(package, sizeof(package));
	judge_libevent(f, &(struct library_facts){.version = loop_library(), .package = package});
}

/* What it says of itself is asked for by the client, over HTTP. */
void
check_node(struct findings *f, const struct doctor *d)
{
	char user[DOCTOR_WHO_SIZE];
	uid_t owner;

	if (d->node == 0) {
		found(f, FOUND_NOTE, "no node \"%s\" is seen to run on %s", d->config->node.name,
		      d->config->node.data_dir);
		advise(
		    f,
		    "Start it when nothing below stands in its way: \"rensad -c %s\", or \"systemctl start rensad\".",
		    d->path);
	} else if (proc_owner(&owner, d->node)) {
		found(f, FOUND_OK, "node %s runs as %s, process %d", d->config->node.name, doctor_user(user, owner),
		      (int)d->node);
	} else {
		found(f, FOUND_OK, "node %s runs, process %d", d->config->node.name, (int)d->node);
	}
}
