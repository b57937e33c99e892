/*
 * The shapes of what goes over HTTP, in words of three kinds: a plain type ("integer", "string", "boolean", "object", "any"),
 * one of our own texts ("hash", "hex", "address", "time"), or the name of a shape. "[X]" is a list of X, "X?" one that may be
 * null, "X|Y" one or the other.
 */
#ifndef RENSA_SRC_API_OPENAPI_TYPES_H
#define RENSA_SRC_API_OPENAPI_TYPES_H

#include "wire/json.h"

/* Writes the schema of a type. */
void openapi_type(struct jout *j, const char *type);
/* Writes the object of all shapes, for components/schemas. */
void openapi_shapes(struct jout *j);

#endif
