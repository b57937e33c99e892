/*
 * How answers of the node are shown to people. Fields come as they are in JSON; one that is missing or of another type
 * is shown as "?", because a display must not fail where nothing depends on it.
 */
#ifndef RENSA_PROG_SHOW_H
#define RENSA_PROG_SHOW_H

#include <stdint.h>

#include "prog/amount.h"
#include "prog/cli.h"
#include "prog/table.h"
#include "util/clock.h"
#include "wire/json.h"

#define SHOW_NUMBER_SIZE 24

/* Each writes to text and returns it, to stand in an argument list. */
const char *show_number(char text[SHOW_NUMBER_SIZE], const struct jval *object, const char *key);
const char *show_amount(char text[AMOUNT_TEXT_SIZE], const struct jval *object, const char *key);
const char *show_time(char text[CLOCK_TEXT_SIZE], const struct jval *object, const char *key);
/* A span in the unit that suits it, rounded: "0 s", "25 s", "3 min", "2 h", "5 d". */
const char *show_ms(char text[SHOW_NUMBER_SIZE], uint64_t ms);
/* The same of a member in milliseconds, with tenths while they tell something: "0.4 s". */
const char *show_span(char text[SHOW_NUMBER_SIZE], const struct jval *object, const char *key);
/* Borrowed from the document. */
const char *show_text(const struct jval *object, const char *key);

/* Prints the table and frees it; with --json it is only freed. */
void show_table(struct cli *c, struct table *t, const char *indent);

/* The answer itself as the document that --json prints. */
void show_json(struct cli *c, const struct jval *answer);

/* Appends the facts about a transaction. */
void show_tx(struct table *t, const struct jval *tx);

#endif
