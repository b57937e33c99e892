/*
 * Which network a data folder belongs to: DATA/network, the canonical parameters (docs/protocol.md, "Network file"). A node
 * writes it at its first start; whoever reads the folder without the node's configuration learns the rules from it.
 */
#ifndef RENSA_DISK_NETFILE_H
#define RENSA_DISK_NETFILE_H

#include "chain/params.h"
#include "disk/framelog.h"
#include "util/attr.h"
#include "util/buf.h"
#include "util/err.h"

#define NETFILE_NAME "network" /* in the data folder */

/* In all of these why gets a sentence on failure. */

/* ERR_NOT_FOUND; ERR_FORMAT: damaged; ERR_UNSUPPORTED: of a later version; ERR_PERM, ERR_IO. */
enum err netfile_read(struct params *out, const char *data_dir, struct buf *why) MUSTCHECK;
/* Replaces the file in one step. ERR_PERM, ERR_NOSPC, ERR_IO. */
enum err netfile_write(const char *data_dir, const struct params *p, struct buf *why) MUSTCHECK;
/*
 * For whoever is about to write into the folder: writes the file if it is not there. ERR_PERM: the folder, or its
 * journal, is one of another network; why names the first parameter that differs. Else as the two above.
 */
enum err netfile_settle(const char *data_dir, const struct params *p, struct framelog *journal,
			struct buf *why) MUSTCHECK;

#endif
