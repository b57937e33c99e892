/*
 * Cursors over canonical bytes. Integers are unsigned and big-endian. Errors are sticky: read or write every field,
 * then ask once at the end. After a failure reads give zeros and writes do nothing.
 */
#ifndef RENSA_UTIL_BYTES_H
#define RENSA_UTIL_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/attr.h"

struct reader {
	const uint8_t *at;
	const uint8_t *end;
	bool failed; /* a read went past the end */
};

struct reader reader_of(const void *data, size_t len);
size_t reader_left(const struct reader *r);
uint8_t get_u8(struct reader *r);
uint16_t get_u16(struct reader *r);
uint32_t get_u32(struct reader *r);
uint64_t get_u64(struct reader *r);
void get_bytes(struct reader *r, void *out, size_t len);
/* The next len bytes in place, or NULL (and failed) if fewer are left. */
const uint8_t *get_span(struct reader *r, size_t len);
/* Nothing failed and nothing is left. */
bool reader_done(const struct reader *r) MUSTCHECK;

struct writer {
	uint8_t *start;
	uint8_t *at;
	uint8_t *end;
	bool failed; /* a write did not fit */
};

struct writer writer_of(void *data, size_t cap);
size_t writer_len(const struct writer *w);
void put_u8(struct writer *w, uint8_t v);
void put_u16(struct writer *w, uint16_t v);
void put_u32(struct writer *w, uint32_t v);
void put_u64(struct writer *w, uint64_t v);
void put_bytes(struct writer *w, const void *data, size_t len);

#endif
