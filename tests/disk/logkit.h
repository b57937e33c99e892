/*
 * A framed log in a folder of its own, and what tests do to it. A frame has a name, one character, from which all its
 * bytes follow: so a scan tells by a word of names which frames it gave, and no wrong byte goes unnoticed.
 */
#ifndef RENSA_TESTS_DISK_LOGKIT_H
#define RENSA_TESTS_DISK_LOGKIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "disk/framelog.h"
#include "suite.h"

#define KIT_STEP 4096
#define KIT_RESERVE 65536 /* the log keeps so much for vital frames */
#define KIT_FRAMES_MAX 64

/* Gives the case a folder, removed after its last test. */
void kit_use(TCase *tc);
/* Removes the log, if there is one; nothing is to fail any more. Comes before each test, as a fixture. */
void kit_clear(void);
const char *kit_folder(void);
const char *kit_path(const char *name);
bool kit_has(const char *name);
size_t kit_count(void); /* of names in the folder; a missing one has none */

/* The options of the log; a test may change its copy. */
struct framelog_options kit_options(void);
/* A handle whose files hold about `room` bytes of frames; 0: no roll-over. */
struct framelog *kit_open(uint64_t room);

/* The bytes of a frame: none is zero. */
const uint8_t *kit_payload(char name, size_t size);
enum err kit_try(struct framelog *l, struct log_place *place, char name, size_t size, bool is_vital);
/* Must succeed; gives the length on disk. */
uint64_t kit_put(struct framelog *l, struct log_place *place, char name, size_t size);
/* One frame for each character of names. */
void kit_put_all(struct framelog *l, struct log_place *place, const char *names, size_t size);

struct kit_scan {
	enum err e;
	struct framelog_scan out;
	char names[KIT_FRAMES_MAX + 1];
	struct frame_at at[KIT_FRAMES_MAX];
	size_t sizes[KIT_FRAMES_MAX];
	char why[1024];
};
/* By a handle of its own. Good until the next call. */
const struct kit_scan *kit_scan(bool may_mend);
const struct kit_scan *kit_scan_by(struct framelog *l, bool may_mend);
/* Scans, mending or not, and finds exactly these frames. */
const struct kit_scan *kit_expect(bool may_mend, const char *names);
/* Mends and goes on, twice: the frames are these, and what comes after is found as well. */
void kit_expect_goes_on(const char *names);

/* Files as they are, and back. */
struct kit_image {
	struct {
		char name[256];
		uint8_t *bytes;
		size_t size;
	} files[16];
	size_t count;
};
void kit_save(struct kit_image *image);
void kit_restore(const struct kit_image *image);
void kit_image_clear(struct kit_image *image);
/* The bytes of a file of the image. */
uint8_t *kit_file(struct kit_image *image, uint64_t file, size_t *size);

void kit_write(uint64_t file, uint64_t offset, const void *bytes, size_t size);
void kit_read(uint64_t file, uint64_t offset, void *bytes, size_t size);
void kit_flip(uint64_t file, uint64_t offset, uint8_t bits);
void kit_cut(uint64_t file, uint64_t size);
uint64_t kit_size(uint64_t file);
/* Where the first space is that was taken and never written; its size, if there is none, or the file system does not tell. */
uint64_t kit_written(uint64_t file);

/* Did the point that was armed act? It is off then. */
bool kit_fired(const char *failpoint);
/* Runs act in a child, which is to be killed at a failpoint. True: it was; false: it came to its end. */
bool kit_dies(const char *failpoint, unsigned pass, void (*act)(void *ctx), void *ctx);

#endif
