/*
 * The addresses at which nodes of this network were met: DATA/peers (docs/protocol.md, "Peers file"), so that a node that
 * starts again knows where to ask. It is a convenience, never the truth: each address is verified by a handshake, and a
 * file that cannot be used is left out.
 */
#ifndef RENSA_DISK_PEERFILE_H
#define RENSA_DISK_PEERFILE_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/hash.h"
#include "util/attr.h"
#include "util/buf.h"
#include "util/err.h"

#define PEERFILE_NAME "peers" /* in the data folder */
#define PEERFILE_MAX 256      /* addresses */

struct peerfile_entry {
	uint8_t is_v6;
	uint8_t ip[16];	  /* network order; IPv4 uses the first 4, the rest is 0 */
	uint16_t port;	  /* 1 and up */
	uint64_t good_ms; /* wall clock: a node of ours answered there last */
};

/*
 * The entries of DATA/peers, in its order. ERR_NOT_FOUND; ERR_FORMAT: damaged, or of another network;
 * ERR_UNSUPPORTED: of a later version; ERR_PERM, ERR_IO. Then count is 0 and why gets a sentence.
 */
enum err peerfile_read(struct peerfile_entry out[PEERFILE_MAX], size_t *count, const char *data_dir,
		       const struct hash256 *genesis, struct buf *why) MUSTCHECK;
/* Replaces the file in one step with at most PEERFILE_MAX entries. ERR_PERM, ERR_NOSPC, ERR_IO; why gets a sentence. */
enum err peerfile_write(const char *data_dir, const struct hash256 *genesis, const struct peerfile_entry *entries,
			size_t count, struct buf *why) MUSTCHECK;

#endif
