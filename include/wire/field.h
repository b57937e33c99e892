/*
 * Strict reading of an object's members. Like a byte cursor the error is sticky: read every field, ask once at the
 * end. The first thing wrong is kept with a stable code and a sentence that names the field and what it must be.
 */
#ifndef RENSA_WIRE_FIELD_H
#define RENSA_WIRE_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chain/rule.h"
#include "crypto/address.h"
#include "util/attr.h"
#include "wire/json.h"

/* What is wrong with a JSON document: the API's code and message. */
struct field_error {
	/* Stable word: "unknown-field", "missing-field", "wrong-type", "bad-value", "id-mismatch", "address-mismatch",
	 * "unsupported-protocol", "bad-json", or the rule's name. */
	const char *code;
	char message[192];
	enum rule rule; /* the rule that broke, RULE_OK if it is the form: what tells 422 from 400 */
};

struct fields {
	const struct jval *object;
	const char *what; /* "a transaction", for messages */
	struct field_error *error;
	bool failed;
};

/* Begins to read object; if it is none, every read gives zeros. */
struct fields fields_of(const struct jval *object, const char *what, struct field_error *error);
/* Refuses members that are not among names[count], naming the one nearest in spelling. */
void fields_only(struct fields *f, const char *const *names, size_t count);
bool field_given(const struct fields *f, const char *key);

/* Records that something is wrong; only the first counts. */
void fields_fail(struct fields *f, const char *code, const char *fmt, ...) PRINTFLIKE(3, 4);
void fields_fail_rule(struct fields *f, enum rule rule);

/* The member, which must be there as in all reads below; NULL once anything failed. */
const struct jval *field_value(struct fields *f, const char *key);
/* An integer from 0 to max. above: the rule that a larger one breaks, RULE_OK for
 * "bad-value". */
uint64_t field_u64(struct fields *f, const char *key, uint64_t max, enum rule above);
/* The same for amounts: the message says what their unit is. */
uint64_t field_amount(struct fields *f, const char *key, uint64_t max, enum rule above);
/* Exactly 2 * len lower-case hexadecimal digits; out is zeroed on failure. */
void field_hex(struct fields *f, const char *key, void *out, size_t len);
void field_address(struct fields *f, const char *key, struct address *out, uint8_t version);
/* A string with its length, borrowed; it may hold NULs. Never NULL. */
const char *field_text(struct fields *f, const char *key, size_t *len);
/* A string without NULs or other control characters that fits out; "" on failure. */
void field_name(struct fields *f, const char *key, char *out, size_t size);

#endif
