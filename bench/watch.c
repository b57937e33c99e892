/*
 * Sees when news arrives at nodes on this machine, without asking them: it maps their segments read-only and looks, twenty
 * thousand times a second, at the same few words of each. That costs a few hundredths of a core, whatever the nodes do,
 * and errs by the pause between looks.
 *
 * usage: watch OBJECT...	names of segments in /dev/shm
 *
 * It reads commands, one a line, answers "ready" when it has noted how things are, and then, as soon as it is so at all
 * nodes, one line with the times at which it saw that, in microseconds of the monotonic clock:
 *
 *	tip	the tip has changed
 *	pool N	so many more transfers have come into the pool
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "store/chain.h"
#include "store/layout.h"
#include "store/mempool.h"
#include "util/clock.h"
#include "util/mem.h"
#include "util/text.h"

#define PAUSE_US 50
#define PATIENCE_US UINT64_C(120000000)
#define NODES_MAX 64

static struct store nodes[NODES_MAX];
static int node_count;

static void
must(bool is_fine, const char *what)
{
	if (is_fine)
		return;
	fprintf(stderr, "watch: %s\n", what);
	exit(1);
}

static void
open_node(struct store *s, const char *name)
{
	struct super plan;
	char path[300];
	int fd;

	snprintf(path, sizeof(path), "/dev/shm/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	must(fd >= 0 && pread(fd, &plan, sizeof(plan), 0) == (ssize_t)sizeof(plan), path);
	must(plan.magic == LAYOUT_MAGIC && plan.version == LAYOUT_VERSION, "a segment of another version");
	s->base = mmap(NULL, plan.size_max, PROT_READ, MAP_SHARED, fd, 0);
	must(s->base != MAP_FAILED, "cannot map a segment");
	s->super = at(s, 0);
	s->control = at(s, align_page(sizeof(struct super)));
	close(fd);
}

/* What is looked at: the tip, or how many came into the pool. */
static uint64_t
look(const struct store *s, bool is_tip)
{
	return is_tip ? chain_tip(s).v : mempool_last_arrival(s);
}

static void
watch(bool is_tip, uint64_t more)
{
	uint64_t before[NODES_MAX], at_us[NODES_MAX] = {0}, until = clock_mono_us() + PATIENCE_US;
	int seen = 0;

	for (int i = 0; i < node_count; i++)
		before[i] = look(&nodes[i], is_tip);
	printf("ready\n");
	fflush(stdout);
	while (seen < node_count) {
		uint64_t now = clock_mono_us();
		must(now < until, "it does not arrive everywhere");
		for (int i = 0; i < node_count; i++) {
			uint64_t is = look(&nodes[i], is_tip);
			if (at_us[i] != 0 || (is_tip ? is == before[i] : is < before[i] + more))
				continue;
			at_us[i] = now;
			seen++;
		}
		clock_sleep_us(PAUSE_US);
	}
	for (int i = 0; i < node_count; i++)
		printf("%s%" PRIu64, i == 0 ? "" : " ", at_us[i]);
	printf("\n");
	fflush(stdout);
}

int
main(int argc, char **argv)
{
	char line[64];
	uint64_t more;

	must(argc > 1 && argc - 1 <= NODES_MAX, "usage: watch OBJECT...");
	for (int i = 1; i < argc; i++)
		open_node(&nodes[node_count++], argv[i]);
	prctl(PR_SET_TIMERSLACK, 1UL);
	while (fgets(line, sizeof(line), stdin) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (strcmp(line, "tip") == 0)
			watch(true, 0);
		else if (strncmp(line, "pool ", 5) == 0 && text_u64(&more, line + 5, 1000000) == OK)
			watch(false, more);
		else
			must(false, "no such command");
	}
	return 0;
}
