#include "prog/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "util/clock.h"

#define REDRAW_MS 100
#define BAR_WIDTH 30

void
progress_begin(struct progress *p, const struct cli *c, const char *what)
{
	*p = (struct progress){.what = what, .is_shown = !c->is_json && isatty(STDERR_FILENO) == 1};
}

void
progress_at(struct progress *p, uint64_t done, uint64_t of)
{
	static const char full[] = "##############################", empty[] = "..............................";
	uint64_t now;

	if (!p->is_shown)
		return;
	now = clock_mono_ms();
	if (p->is_drawn && now - p->drawn_ms < REDRAW_MS)
		return;
	p->drawn_ms = now;
	p->is_drawn = true;
	if (of == 0) {
		fprintf(stderr, "\r%s: %" PRIu64 " blocks\033[K", p->what, done);
	} else {
		int part = (int)((double)(done < of ? done : of) / (double)of * BAR_WIDTH);
		fprintf(stderr, "\r%s [%.*s%.*s] %" PRIu64 " of %" PRIu64 " blocks\033[K", p->what, part, full,
			BAR_WIDTH - part, empty, done, of);
	}
	fflush(stderr);
}

void
progress_end(struct progress *p)
{
	if (p->is_drawn)
		fputs("\r\033[K", stderr);
	p->is_drawn = false;
}
