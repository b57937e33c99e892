/* What the two halves of a framed log share: the handle, and both headers (docs/protocol.md, "Files"). */
#ifndef RENSA_DISK_FRAMELOG_FILE_H
#define RENSA_DISK_FRAMELOG_FILE_H

#include <limits.h>

#include "disk/framelog.h"

#define LOG_FORMAT 1
#define LOG_FLAG_BASE 1u /* files before this one do not count */
#define LOG_SUFFIX ".log"
#define LOG_NEW_SUFFIX ".log.new"

struct framelog {
	char folder[PATH_MAX];
	enum log_kind kind;
	struct hash256 genesis;
	bool is_synced;
	uint64_t file_max;
	uint64_t step;
	uint64_t fill;

	/* The file that is open for writing; 0: none. */
	int fd;
	uint64_t file;
	uint32_t seed;	    /* of its checksums */
	bool is_base;	    /* it replaces those before it */
	uint64_t allocated; /* at least so many bytes; another process may have taken more */
	uint64_t filled;    /* up to here with zeros or frames, as far as we know */
	/* Between replace_begin and replace_end. */
	bool is_replacing;
	struct log_place before;

	/* The file that was read from last; 0: none. */
	int read_fd;
	uint64_t read_file;
};

struct file_header {
	uint64_t number;
	uint64_t position; /* of its first frame */
	uint32_t link;	   /* of its first frame */
	uint32_t flags;
	uint64_t salt; /* drawn for each file: nobody outside can make bytes that pass for a frame */
};

struct frame_header {
	uint32_t size; /* of the payload */
	uint64_t position;
	uint32_t link;
	uint32_t checksum;
};

/* Frames start on 8-byte boundaries. */
static inline uint64_t
frame_length(uint64_t payload)
{
	return FRAME_HEADER_SIZE + ((payload + 7) & ~UINT64_C(7));
}

/* The numbers of the files that are there, in order, in *files (free() it). Other names are passed over. */
enum err framelog_list(const struct framelog *l, uint64_t **files, size_t *count) MUSTCHECK;
/* Removes files before `first` and those that never got their name. What cannot be removed now is next time. */
void framelog_tidy(const struct framelog *l, uint64_t first);
/* *place becomes the end of what a file holds; its frames are checked. */
enum err framelog_end_of(struct framelog *l, struct log_place *place, uint64_t file) MUSTCHECK;
enum err framelog_path(const struct framelog *l, char path[PATH_MAX], uint64_t file, const char *suffix) MUSTCHECK;
void file_header_encode(uint8_t out[FRAMELOG_HEADER_SIZE], const struct framelog *l, const struct file_header *h);
/* Why it is none of ours is told in why. */
enum err file_header_decode(struct file_header *out, const struct framelog *l,
			    const uint8_t bytes[FRAMELOG_HEADER_SIZE], const char *name, struct buf *why) MUSTCHECK;
uint32_t file_header_seed(const struct file_header *h);
/* The header without its checksum, which frame_checksum gives. */
void frame_header_encode(uint8_t out[FRAME_HEADER_SIZE], const struct frame_header *h);
/* False: these bytes start no frame. */
bool frame_header_decode(struct frame_header *out, const uint8_t bytes[FRAME_HEADER_SIZE]) MUSTCHECK;
/* Over the header up to its checksum; go on with the payload. */
uint32_t frame_checksum(uint32_t seed, const uint8_t header[FRAME_HEADER_SIZE]);

#endif
