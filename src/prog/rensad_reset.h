/* rensad --reset: deletes what the node keeps in its data folder, after it said what that is and was told to. */
#ifndef RENSA_PROG_RENSAD_RESET_H
#define RENSA_PROG_RENSAD_RESET_H

#include <stdbool.h>

#include "node/config.h"

/* The exit code: 0 done, 1 failed or not wanted, 2 nobody can be asked. is_sure: does not ask. */
int reset_run(const struct config *config, bool is_sure);

#endif
