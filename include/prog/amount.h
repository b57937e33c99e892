/*
 * Amounts as people write them: coins with up to 8 decimals. Exact in both directions: digits to base units and back,
 * never through floating point.
 */
#ifndef RENSA_PROG_AMOUNT_H
#define RENSA_PROG_AMOUNT_H

#include <stdint.h>

#include "util/attr.h"
#include "util/err.h"

#define AMOUNT_TEXT_SIZE 22 /* the 12 digits of UINT64_MAX / COIN, the point, 8 decimals, NUL */

/*
 * Digits, or digits, a point and 1 to 8 digits: "1", "0.5", "12.00000001". No sign, space, exponent, or zero in front.
 * ERR_FORMAT: something else; ERR_LIMIT: above MONEY_MAX base units.
 */
enum err amount_parse(uint64_t *units, const char *text) MUSTCHECK;
/* The shortest text that amount_parse reads as units: no zeros at the end, "1" for a whole coin. */
void amount_format(char text[AMOUNT_TEXT_SIZE], uint64_t units);

#endif
