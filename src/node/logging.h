/* The log of a node, as its configuration wants it. Only the master calls this; its children have the log from it. */
#ifndef RENSA_SRC_NODE_LOGGING_H
#define RENSA_SRC_NODE_LOGGING_H

#include "node/config.h"

/* Before the first fork: from here on all processes have the same levels. */
void logging_share(void);
/* Opens what c names, and sets its levels. What cannot be opened is told, and lines go where they went before. */
void logging_configure(const struct config *c);

#endif
