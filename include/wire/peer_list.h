/*
 * The answer to POST /peer/peers: addresses of nodes that the answerer has as peers, as texts ("10.0.0.1:5000",
 * "[fd00::1]:5000"). Whether a text is an address is the reader's business.
 */
#ifndef RENSA_WIRE_PEER_LIST_H
#define RENSA_WIRE_PEER_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "util/attr.h"
#include "util/buf.h"
#include "wire/field.h"

#define PEER_LIST_MAX 64
#define PEER_LIST_SIZE_MAX 8192 /* bytes of the document */
#define PEER_LIST_TEXT_SIZE 56

struct peer_list {
	char at[PEER_LIST_MAX][PEER_LIST_TEXT_SIZE];
	size_t count;
};

/* Appends {"peers":[…]}. */
void peer_list_encode(struct buf *out, const struct peer_list *list);
/* Only the form: at most PEER_LIST_MAX texts that fit. Members that we do not know are passed over. */
bool peer_list_parse(struct peer_list *out, const void *text, size_t len, struct field_error *error) MUSTCHECK;

#endif
