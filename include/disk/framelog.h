/*
 * A framed log: numbered files in one folder that are only ever appended to, one frame after another, each made durable
 * before the next is written. The chain's journal and the pool's log are two of them (docs/protocol.md, "Files").
 *
 * A handle belongs to one process. Where the next frame goes is a value, struct log_place, that the caller keeps, so
 * that several processes which take turns can write one log: the place lives in memory that they share. Nobody writes
 * without holding whatever gives him his turn.
 */
#ifndef RENSA_DISK_FRAMELOG_H
#define RENSA_DISK_FRAMELOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "crypto/hash.h"
#include "util/attr.h"
#include "util/buf.h"
#include "util/err.h"

#define FRAMELOG_HEADER_SIZE 96 /* of a file */
#define FRAME_HEADER_SIZE 24
#define FRAME_PAYLOAD_MAX (8u << 20)
#define FRAME_PARTS_MAX 1020
#define FRAMELOG_NAME_SIZE 24

enum log_kind { LOG_JOURNAL = 1, LOG_POOL = 2 };

struct framelog_options {
	const char *folder; /* copied */
	enum log_kind kind;
	struct hash256 genesis; /* whose chain it is about */
	bool is_synced;		/* false: what was written may be lost with the machine, though not with the process */
	uint64_t file_max;	/* bytes after which a new file begins; 0: 64 MiB */
	uint64_t step;		/* disk space is taken in such steps; 0: 4 MiB */
	uint64_t fill;		/* and filled with zeros in such pieces; 0: 256 KiB */
};

struct framelog;

/* Touches no disk yet. */
struct framelog *framelog_new(const struct framelog_options *o);
void framelog_free(struct framelog *l);
const char *framelog_folder(const struct framelog *l);
const struct hash256 *framelog_genesis(const struct framelog *l);

/* Where the next frame goes. All zero: there is no file yet. */
struct log_place {
	uint64_t file;	   /* its number, from 1 */
	uint64_t offset;   /* in that file */
	uint64_t position; /* bytes of frames before it in all files */
	uint32_t link;	   /* checksum of the frame before it */
	uint32_t
	    is_spoiled; /* a sync failed here: what the file holds from here on is not known, so nothing more goes in */
};

/* A frame in the making: pieces of memory that stay the caller's and must stay as they are until it is written. */
struct frame {
	struct iovec parts[FRAME_PARTS_MAX + 2];
	int count;
	size_t size; /* of the payload */
};
void frame_begin(struct frame *f);
/* False, and nothing was added: it would be too large, or of too many parts. */
bool frame_add(struct frame *f, const void *data, size_t len) MUSTCHECK;

/*
 * Writes and syncs a frame at *place, which then moves behind it; begins a new file where needed. The last of the disk
 * space that was taken is kept for vital frames, which conclude something. ERR_NOSPC: the disk is full; ERR_IO, ERR_PERM,
 * ERR_LIMIT, ERR_FORMAT: the files are damaged. On failure the frame counts as not written; keep *place all the same,
 * since it may be spoiled now, or in a newer file. Uses up f.
 */
enum err framelog_append(struct framelog *l, struct log_place *place, struct frame *f, bool is_vital) MUSTCHECK;

/* Would a disk that was full now have room for a new file? */
enum err framelog_probe(const struct framelog *l) MUSTCHECK;

/*
 * What is appended between the two goes into a new file that replaces all earlier ones in one step: when end returns OK
 * they are gone, else they are all that counts and *place is as before begin.
 */
enum err framelog_replace_begin(struct framelog *l, struct log_place *place) MUSTCHECK;
enum err framelog_replace_end(struct framelog *l, struct log_place *place, bool is_good) MUSTCHECK;

/* Reading. */

/* Where a frame stands. */
struct frame_at {
	uint64_t file;
	uint64_t offset; /* of the payload, in the file */
	uint64_t position;
};
/* The payload is borrowed for the call. Not OK ends the scan with that, and why names file and byte. */
typedef enum err framelog_visit(void *ctx, const struct frame_at *where, const uint8_t *payload, size_t size,
				struct buf *why);

struct framelog_scan {
	struct log_place place; /* where the next frame goes */
	uint64_t first_file;	/* 0: none */
	uint64_t start;		/* position of the first frame that counts */
	uint64_t frames;
	uint64_t bytes;	     /* of all frames that count */
	uint64_t torn_bytes; /* of a last frame that was never completed; 0: none */
	uint64_t torn_at;    /* its offset in the last file */
};

/*
 * Reads the log from its beginning, checks every frame and hands each over. A torn last frame is no error: it was never
 * acknowledged. may_mend: it is cut off, and files that were replaced or never completed are removed.
 *
 * On failure why gets a sentence that names file and byte and says what to do. ERR_FORMAT: damage; ERR_UNSUPPORTED: a
 * later format; ERR_PERM: another network's, or unreadable; ERR_IO.
 */
enum err framelog_scan(struct framelog *l, struct framelog_scan *out, bool may_mend, framelog_visit *visit, void *ctx,
		       struct buf *why) MUSTCHECK;

/*
 * Looks at the header of its first file alone: is it a log of this kind and network? OK if there is none. Errors as
 * above.
 */
enum err framelog_check(struct framelog *l, struct buf *why) MUSTCHECK;
/* The same for every file: a later version may have written only the last of them. */
enum err framelog_check_all(struct framelog *l, struct buf *why) MUSTCHECK;
/* The name of a file in the folder. */
void framelog_name(char name[FRAMELOG_NAME_SIZE], uint64_t file);
/* Reads from a file that a scan has passed. *got < len: the file ends there. */
enum err framelog_read_some(struct framelog *l, uint64_t file, uint64_t offset, void *out, size_t len,
			    size_t *got) MUSTCHECK;

#endif
