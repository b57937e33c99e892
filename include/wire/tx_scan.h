/*
 * Transfers out of the text in which wallets send them, without a tree of values in between: a tenth of the time of
 * Jansson's way. What is read here is a part of what jdoc_parse and view_tx_parse accept, with the same outcome;
 * whatever is written in another way, or is wrong, is declined, and they have to be asked: they know what is wrong.
 */
#ifndef RENSA_WIRE_TX_SCAN_H
#define RENSA_WIRE_TX_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chain/tx.h"
#include "util/attr.h"

struct tx_scan {
	const char *at, *end;
	uint8_t address_version;
	bool is_list;  /* an array, not one object */
	bool is_first; /* nothing was read yet */
	bool is_ended; /* behind the object, or the array's bracket */
	bool is_odd;   /* declined */
};

/* The text is borrowed. */
struct tx_scan tx_scan_of(const void *text, size_t len, uint8_t address_version);
/* The next transfer and its id. False: there is no more, or the text is declined. */
bool tx_scan_next(struct tx_scan *s, struct tx *out, struct hash256 *id) MUSTCHECK;
/* All was read, to the end of the text, and nothing was declined: only then what was read counts. */
bool tx_scan_is_whole(const struct tx_scan *s) MUSTCHECK;
/* How many transfers a text has at most. */
size_t tx_scan_count(const void *text, size_t len);

#endif
