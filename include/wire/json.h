/*
 * JSON in and out. Reading is by Jansson: whole documents, strict (duplicate keys, NaN, bad UTF-8, trailing text and
 * nesting deeper than 16 are refused, and so are more values than JSON_VALUES_MAX, since each costs far more memory
 * than the two bytes it can be written in). Writing is a small streaming writer onto a struct buf, thirty times as fast
 * as building a tree for long lists; it escapes strings and places commas.
 */
#ifndef RENSA_WIRE_JSON_H
#define RENSA_WIRE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/attr.h"
#include "util/buf.h"
#include "util/err.h"

#define JSON_DEPTH_MAX 16
#define JSON_ERROR_SIZE 256
/* Opening brackets and commas that a text of len bytes may have; documents of ours stay far below. */
#define JSON_VALUES_MAX(len) (4096 + (len) / 8)

/* A parsed document, or a borrowed part of one. Parts live as long as the document. */
struct jdoc;
struct jval; /* part of a document: Jansson's value seen from outside */

/* NULL: not a document; error then says what and where (line and column). */
struct jdoc *jdoc_parse(const void *text, size_t len, char error[JSON_ERROR_SIZE]);
void jdoc_free(struct jdoc *d); /* NULL is fine */
const struct jval *jdoc_root(const struct jdoc *d);

bool jval_is_object(const struct jval *v);
bool jval_is_array(const struct jval *v);
bool jval_is_string(const struct jval *v);
bool jval_is_integer(const struct jval *v);
bool jval_is_bool(const struct jval *v);
bool jval_is_null(const struct jval *v);
const struct jval *jval_get(const struct jval *object, const char *key); /* NULL: absent, or not an object */
size_t jval_count(const struct jval *v);				 /* elements or members */
const struct jval *jval_at(const struct jval *array, size_t index);
/* Text of a string member, fallback if absent or not a string. For trusted replies (the client). */
const char *jval_str(const struct jval *object, const char *key, const char *fallback);
uint64_t jval_u64(const struct jval *object, const char *key, uint64_t fallback);
bool jval_bool(const struct jval *object, const char *key, bool fallback);
/* The string itself, with its length (it may hold NUL bytes). NULL if v is not a string. */
const char *jval_text(const struct jval *v, size_t *len);
/* ERR_FORMAT: not an integer; ERR_LIMIT: negative or above max. */
enum err jval_number(uint64_t *out, const struct jval *v, uint64_t max) MUSTCHECK;
/* ERR_FORMAT: not an integer. */
enum err jval_signed(int64_t *out, const struct jval *v) MUSTCHECK;
/* The first key of object that is not among allowed[count], NULL if all are. */
const char *jval_unknown_key(const struct jval *object, const char *const *allowed, size_t count);
/* The document as text, indented: for `--json` and for people. */
void jval_dump(struct buf *out, const struct jval *v);
void jval_dump_line(struct buf *out, const struct jval *v); /* the same without line breaks */

/* The writer: values in order, keys in between; commas come by themselves. */
struct jout {
	struct buf *out;
	uint32_t depth;
	bool first; /* nothing yet in the innermost container */
	bool after_key;
};

struct jout jout_to(struct buf *out);
void jout_object(struct jout *j); /* { */
void jout_object_end(struct jout *j);
void jout_array(struct jout *j); /* [ */
void jout_array_end(struct jout *j);
void jout_key(struct jout *j, const char *key);
void jout_string(struct jout *j, const char *text);
/* May hold NULs; bytes that are not UTF-8 become U+FFFD, so that what is written is always a document. */
void jout_string_len(struct jout *j, const void *text, size_t len);
void jout_u64(struct jout *j, uint64_t v);
void jout_double(struct jout *j, double v); /* null if v is not finite */
void jout_bool(struct jout *j, bool v);
void jout_null(struct jout *j);
void jout_hex(struct jout *j, const void *bytes, size_t len);
void jout_raw(struct jout *j, const void *json, size_t len); /* one rendered value */

/* key and value in one go */
void jout_kstring(struct jout *j, const char *key, const char *text);
void jout_ku64(struct jout *j, const char *key, uint64_t v);
void jout_kbool(struct jout *j, const char *key, bool v);
void jout_khex(struct jout *j, const char *key, const void *bytes, size_t len);

/* {"error":{"code":…,"message":…}} */
void json_error(struct buf *out, const char *code, const char *message);

#endif
