/*
 * The table of armed points. Always compiled, so that tests link either way; without --enable-failpoints nothing in
 * the program passes a point. The table is a process's own: a child inherits what its parent had armed and from then
 * on counts by itself.
 */
#include "util/failpoint.h"

#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "util/attr.h"
#include "util/log.h"
#include "util/text.h"

#define FAILPOINTS_MAX 16
#define FAILPOINT_NAME_SIZE 48

static struct failpoint {
	char name[FAILPOINT_NAME_SIZE];
	enum failpoint_action action;
	unsigned pass; /* acts when this reaches 0 */
} points[FAILPOINTS_MAX];
static size_t point_count;

static const char *const action_names[] = {
    [FAILPOINT_OFF] = "off",
    [FAILPOINT_KILL] = "kill",
    [FAILPOINT_FAIL] = "fail",
    [FAILPOINT_STOP] = "stop",
};

static struct failpoint *
failpoint_find(const char *name)
{
	for (size_t i = 0; i < point_count; i++)
		if (strcmp(points[i].name, name) == 0)
			return &points[i];
	return NULL;
}

void
failpoint_arm(const char *name, enum failpoint_action action, unsigned pass)
{
	struct failpoint *point = failpoint_find(name);
	if (point == NULL) {
		if (point_count == FAILPOINTS_MAX) {
			log_error("failpoint: no room for %s, %d are armed already", name, FAILPOINTS_MAX);
			return;
		}
		point = &points[point_count];
		if (!text_copy(point->name, sizeof(point->name), name)) {
			log_error("failpoint: the name %s is longer than %d bytes", name, FAILPOINT_NAME_SIZE - 1);
			return;
		}
		point_count++;
	}
	point->action = action;
	point->pass = pass > 0 ? pass : 1;
}

void
failpoint_clear(void)
{
	point_count = 0;
}

/* Arms one "name=action[:n]"; eats the text. */
static bool
failpoint_parse(char *text)
{
	char *action = strchr(text, '=');
	if (action == NULL || action == text)
		return false;
	*action++ = '\0';

	uint64_t pass = 1;
	char *number = strchr(action, ':');
	if (number != NULL) {
		*number++ = '\0';
		if (text_u64(&pass, number, UINT32_MAX) != OK || pass == 0)
			return false;
	}
	for (size_t i = 0; i < ARRAY_LEN(action_names); i++) {
		if (strcmp(action, action_names[i]) == 0) {
			failpoint_arm(text, (enum failpoint_action)i, (unsigned)pass);
			return true;
		}
	}
	return false;
}

void
failpoint_load(void)
{
	const char *value = getenv("RENSA_FAILPOINTS");
	if (value == NULL)
		return;
	char copy[1024];
	if (!text_copy(copy, sizeof(copy), value)) {
		log_error("failpoint: RENSA_FAILPOINTS is longer than %zu bytes and was ignored", sizeof(copy) - 1);
		return;
	}
	char *rest = copy;
	unsigned item = 1;
	for (char *one = strsep(&rest, ","); one != NULL; one = strsep(&rest, ","), item++)
		if (*one != '\0' && !failpoint_parse(one))
			log_error("failpoint: RENSA_FAILPOINTS wants name=kill|fail|stop|off[:n], separated by commas; "
				  "item %u of \"%s\" was ignored",
				  item, value);
}

bool
failpoint_hit(const char *name)
{
	if (point_count == 0)
		return false;
	struct failpoint *point = failpoint_find(name);
	if (point == NULL || point->action == FAILPOINT_OFF || --point->pass > 0)
		return false;

	/* Disarmed before it acts: a process that was stopped and woken does not stop again. */
	enum failpoint_action action = point->action;
	point->action = FAILPOINT_OFF;
	switch (action) {
	case FAILPOINT_OFF:
		break;
	case FAILPOINT_KILL:
		raise(SIGKILL);
		break;
	case FAILPOINT_FAIL:
		return true;
	case FAILPOINT_STOP:
		raise(SIGSTOP);
		break;
	}
	return false;
}
