/* Tells the supervisor that started the node how far it is: the protocol of sd_notify(3), which is one datagram. */
#ifndef RENSA_NODE_NOTIFY_H
#define RENSA_NODE_NOTIFY_H

#include "util/err.h"

/*
 * Sends state, such as "READY=1", to the socket that the environment variable NOTIFY_SOCKET names. ERR_NOT_FOUND without
 * that variable: nobody waits for a word. ERR_ARG if no socket can have that name, ERR_IO if the word does not arrive.
 */
enum err notify_supervisor(const char *state);

#endif
