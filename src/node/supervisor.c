#include "supervisor.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node/notify.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/text.h"

#define LINE_PAUSE_MS 1500
#define REMIND_MS 10000	     /* that it shall go on waiting */
#define PATIENCE_MS 60000    /* for so long each time */
#define WATCHDOG_LEAST_MS 10 /* what is shorter cannot be kept */

/* A word without which the supervisor would think wrongly of us: that it does not get through is worth knowing. */
static bool
say(struct supervisor *s, const char *state)
{
	enum err e = notify_supervisor(state);

	if (e == ERR_NOT_FOUND)
		return true;
	if (e != OK && e != s->trouble)
		log_warn("master: the supervisor at NOTIFY_SOCKET does not get %s: %s", state, err_text(e));
	s->trouble = e;
	return e == OK;
}

void
supervisor_init(struct supervisor *s)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	uint64_t whose = 0, span = 0;

	memset(s, 0, sizeof(*s));
	if (usec == NULL || (pid != NULL && (text_u64(&whose, pid, INT32_MAX) != OK || whose != (uint64_t)getpid())))
		return;
	if (text_u64(&span, usec, UINT64_MAX) != OK) {
		log_warn("master: WATCHDOG_USEC is no number: the watchdog of the supervisor is not fed");
		return;
	}
	span /= 1000;
	if (span > UINT32_MAX)
		span = UINT32_MAX;
	s->watchdog_ms = span == 0 ? 0 : span < WATCHDOG_LEAST_MS ? WATCHDOG_LEAST_MS : (uint32_t)span;
}

/* Is another line due? The first always is, and so is a reminder. */
static bool
is_line_due(const struct supervisor *s, const char *line, uint64_t now)
{
	if (s->line_at_ms == 0)
		return true;
	if (!s->is_ready && now - s->line_at_ms >= REMIND_MS)
		return true;
	return now - s->line_at_ms >= LINE_PAUSE_MS && strcmp(s->line, line) != 0;
}

void
supervisor_tell(struct supervisor *s, const char *line, bool is_ready)
{
	char text[SUPERVISOR_LINE_SIZE + 80];
	uint64_t now = clock_mono_ms();
	bool is_news = (is_ready && !s->is_ready) || s->is_reloading;

	if (!is_news && !is_line_due(s, line, now))
		return;
	if (is_news)
		snprintf(text, sizeof(text), "READY=1\nSTATUS=%s", line);
	else if (s->is_ready)
		snprintf(text, sizeof(text), "STATUS=%s", line);
	else
		snprintf(text, sizeof(text), "STATUS=%s\nEXTEND_TIMEOUT_USEC=%d000", line, PATIENCE_MS);
	if (is_news && say(s, text)) {
		s->is_ready = true;
		s->is_reloading = false;
	} else if (!is_news) {
		/* One that is lost is followed by another. */
		(void)notify_supervisor(text);
	}
	s->line_at_ms = now;
	text_copy(s->line, sizeof(s->line), line);
}

void
supervisor_feed(struct supervisor *s, bool all_beat)
{
	uint64_t now = clock_mono_ms();

	if (s->watchdog_ms == 0 || now < s->feed_at_ms)
		return;
	if (all_beat == s->is_starved) {
		if (!all_beat)
			log_warn("master: not every role beats: the watchdog of the supervisor is not fed, and "
				 "restarts the node if that lasts for %" PRIu32 " s",
				 s->watchdog_ms / 1000);
		else
			log_info("master: every role beats again: the watchdog of the supervisor is fed");
		s->is_starved = !all_beat;
	}
	/* What does not get through is tried again in the next lap. */
	if (all_beat && say(s, "WATCHDOG=1"))
		s->feed_at_ms = now + s->watchdog_ms / 2;
}

void
supervisor_reloading(struct supervisor *s)
{
	char text[80];

	if (!s->is_ready)
		return;
	/* Newer ones tell by the time that it is no word about an earlier reload. */
	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, clock_mono_us());
	s->is_reloading = say(s, text);
}

void
supervisor_stopping(struct supervisor *s)
{
	(void)say(s, "STOPPING=1\nSTATUS=stopping in order");
}

void
supervisor_ending(struct supervisor *s, const char *line)
{
	char text[SUPERVISOR_LINE_SIZE + 80];

	snprintf(text, sizeof(text), "STATUS=%s\nEXTEND_TIMEOUT_USEC=%d000", line, PATIENCE_MS);
	(void)say(s, text);
}

uint64_t
supervisor_wait_ms(const struct supervisor *s, uint64_t max_ms)
{
	uint64_t now = clock_mono_ms(), wait_ms = max_ms;

	if (s->watchdog_ms == 0)
		return max_ms;
	/* Overdue: all the laps that may come before the supervisor loses patience. */
	wait_ms = s->feed_at_ms > now ? s->feed_at_ms - now : s->watchdog_ms / 8 + 1;
	return wait_ms < max_ms ? wait_ms : max_ms;
}
