/*
 * Export files: a whole chain in one file or stream, from block 1 on, with the parameters of its network
 * (docs/protocol.md, "Export file"). Read and written from front to back in bounded memory.
 */
#ifndef RENSA_DISK_CHAINFILE_H
#define RENSA_DISK_CHAINFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chain/block.h"
#include "chain/fork_choice.h"
#include "chain/params.h"
#include "util/attr.h"
#include "util/buf.h"
#include "util/bytes.h"
#include "util/err.h"

/* What a file begins with. */
struct chainfile_head {
	struct params params;
	struct head tip; /* of the chain in it, as its writer says */
};

struct chainfile_writer {
	int fd;
	uint32_t link;	   /* checksum of the record before */
	struct buf group;  /* blocks not yet written */
	uint32_t in_group; /* how many they are */
	uint64_t blocks;   /* added so far: the height of the last */
	struct hash256 tip;
};

/* ERR_NOSPC, ERR_IO (also a pipe that nobody reads), with errno. The descriptor stays the caller's, unsynced. */
enum err chainfile_begin(struct chainfile_writer *w, int fd, const struct chainfile_head *head) MUSTCHECK;
/* In order, from height 1 on. */
enum err chainfile_add(struct chainfile_writer *w, const void *bytes, size_t size) MUSTCHECK;
enum err chainfile_end(struct chainfile_writer *w) MUSTCHECK;
void chainfile_writer_clear(struct chainfile_writer *w);

struct chainfile_reader {
	int fd;
	const char *name; /* for sentences; borrowed */
	struct chainfile_head head;
	uint64_t at; /* bytes read so far */
	uint32_t link;
	struct buf group;
	struct reader rest; /* of the group */
	uint32_t in_group;
	uint64_t blocks; /* given so far */
	struct hash256 tip;
};

/*
 * In these two why gets a sentence on failure: what is wrong, and at which byte. ERR_FORMAT: cut short or damaged;
 * ERR_UNSUPPORTED: of a later version; ERR_IO. The checksums of a group are right when its first block is given.
 */
enum err chainfile_open(struct chainfile_reader *r, int fd, const char *name, struct buf *why) MUSTCHECK;
/* ERR_NOT_FOUND: that was all, and it is complete. Borrowed until the next call. */
enum err chainfile_next(struct chainfile_reader *r, const uint8_t **bytes, size_t *size, struct buf *why) MUSTCHECK;
void chainfile_reader_clear(struct chainfile_reader *r);

#endif
