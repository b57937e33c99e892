/* The title that `ps` shows. Linux keeps it where argv and the environment lay at the start; the latter moves away
 * first. */
#ifndef RENSA_NODE_PROCTITLE_H
#define RENSA_NODE_PROCTITLE_H

/* Once, first thing in main, before anybody keeps pointers into argv or environ (copies of both stay valid). */
void proctitle_init(int argc, char **argv);
/* Truncated to the room there is. Before proctitle_init it does nothing. */
void proctitle_set(const char *title);

#endif
