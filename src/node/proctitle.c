#include "node/proctitle.h"

#include <string.h>
#include <unistd.h>

#include "util/mem.h"

static char *room;
static size_t room_size;

void
proctitle_init(int argc, char **argv)
{
	char *end = argv[0];
	char **copy;
	size_t count = 0;

	/* Arguments and environment lie one behind the other; use them as far as that holds. */
	for (int i = 0; i < argc; i++)
		if (argv[i] == end)
			end = argv[i] + strlen(argv[i]) + 1;
	for (; environ[count] != NULL; count++)
		if (environ[count] == end)
			end = environ[count] + strlen(environ[count]) + 1;
	copy = xcalloc(count + 1, sizeof(*copy));
	for (size_t i = 0; i < count; i++)
		copy[i] = xstrdup(environ[i]);
	environ = copy;
	for (int i = 1; i < argc; i++)
		argv[i] = xstrdup(argv[i]);
	room = argv[0];
	room_size = (size_t)(end - argv[0]);
}

void
proctitle_set(const char *title)
{
	if (room_size == 0)
		return;
	memset(room, 0, room_size);
	strncpy(room, title, room_size - 1);
}
