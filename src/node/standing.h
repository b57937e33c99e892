/* What the node is doing, in one line for its supervisor: systemctl status shows it. */
#ifndef RENSA_SRC_NODE_STANDING_H
#define RENSA_SRC_NODE_STANDING_H

#include <stdbool.h>
#include <stddef.h>

#include "store/store.h"

/* is_refused: the last reload was, and an older configuration is in use than the files have. */
void standing_describe(char *line, size_t size, const struct store *s, bool is_refused);

#endif
