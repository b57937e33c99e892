/*
 * Numbers are arrays of 32-bit limbs, most significant first, and five digits are moved at a time (58^5 fits a limb):
 * addresses are formatted for every transaction that is shown, and digit by digit would cost five times as much.
 *
 * Payloads can be secret keys, so every intermediate is wiped.
 */
#include "crypto/base58.h"

#include <stdint.h>
#include <string.h>

#include "crypto/hash.h"
#include "crypto/key.h"

#define CHECKSUM_SIZE 4
#define DATA_MAX (BASE58CHECK_PAYLOAD_MAX + CHECKSUM_SIZE)
#define LIMBS (DATA_MAX / sizeof(uint32_t))
#define GROUP_DIGITS 5
#define GROUP_BASE UINT32_C(656356768) /* 58^5 */

static const char digits[] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/* One more than the value of each digit; 0: it is none. */
static const uint8_t values[256] = {
    ['1'] = 1,	['2'] = 2,  ['3'] = 3,	['4'] = 4,  ['5'] = 5,	['6'] = 6,  ['7'] = 7,	['8'] = 8,  ['9'] = 9,
    ['A'] = 10, ['B'] = 11, ['C'] = 12, ['D'] = 13, ['E'] = 14, ['F'] = 15, ['G'] = 16, ['H'] = 17, ['J'] = 18,
    ['K'] = 19, ['L'] = 20, ['M'] = 21, ['N'] = 22, ['P'] = 23, ['Q'] = 24, ['R'] = 25, ['S'] = 26, ['T'] = 27,
    ['U'] = 28, ['V'] = 29, ['W'] = 30, ['X'] = 31, ['Y'] = 32, ['Z'] = 33, ['a'] = 34, ['b'] = 35, ['c'] = 36,
    ['d'] = 37, ['e'] = 38, ['f'] = 39, ['g'] = 40, ['h'] = 41, ['i'] = 42, ['j'] = 43, ['k'] = 44, ['m'] = 45,
    ['n'] = 46, ['o'] = 47, ['p'] = 48, ['q'] = 49, ['r'] = 50, ['s'] = 51, ['t'] = 52, ['u'] = 53, ['v'] = 54,
    ['w'] = 55, ['x'] = 56, ['y'] = 57, ['z'] = 58,
};

/* The first limb that is not zero; LIMBS: the number is zero. */
static size_t
limbs_first(const uint32_t limbs[LIMBS], size_t from)
{
	while (from < LIMBS && limbs[from] == 0)
		from++;
	return from;
}

/* Divides the number, whose first limb is first, by 58^5 in place and returns the remainder. */
static uint32_t
limbs_divide(uint32_t limbs[LIMBS], size_t first)
{
	uint64_t rest = 0;
	for (size_t i = first; i < LIMBS; i++) {
		rest = rest << 32 | limbs[i];
		limbs[i] = (uint32_t)(rest / GROUP_BASE);
		rest %= GROUP_BASE;
	}
	return (uint32_t)rest;
}

/* number = number * factor + addend; false if it outgrows the limbs. */
static bool
limbs_multiply_add(uint32_t limbs[LIMBS], uint32_t factor, uint32_t addend)
{
	uint64_t carry = addend;
	for (size_t i = LIMBS; i-- > 0;) {
		carry += (uint64_t)limbs[i] * factor;
		limbs[i] = (uint32_t)carry;
		carry >>= 32;
	}
	return carry == 0;
}

/* Base 58 of len bytes, at most DATA_MAX. Returns the length of the text. */
static size_t
base58_encode(char text[BASE58CHECK_TEXT_SIZE], const uint8_t *data, size_t len)
{
	uint32_t limbs[LIMBS] = {0};
	for (size_t i = 0; i < len; i++) {
		size_t power = len - 1 - i; /* of 256 */
		limbs[LIMBS - 1 - power / 4] |= (uint32_t)data[i] << (8 * (power % 4));
	}

	/* Digits come out least significant first, so they are laid from the end of a buffer with room for whole
	 * groups. */
	char from_end[BASE58CHECK_TEXT_SIZE + GROUP_DIGITS];
	char *const end = from_end + sizeof(from_end);
	char *at = end;
	for (size_t first = 0; (first = limbs_first(limbs, first)) < LIMBS;) {
		uint32_t group = limbs_divide(limbs, first);
		for (int i = 0; i < GROUP_DIGITS; i++) {
			*--at = digits[group % 58];
			group /= 58;
		}
	}
	while (at < end && *at == digits[0])
		at++;

	size_t zeros = 0;
	while (zeros < len && data[zeros] == 0)
		zeros++;
	size_t digit_count = (size_t)(end - at);
	memset(text, digits[0], zeros);
	memcpy(text + zeros, at, digit_count);
	text[zeros + digit_count] = '\0';

	key_wipe(limbs, sizeof(limbs));
	key_wipe(from_end, sizeof(from_end));
	return zeros + digit_count;
}

/* Exactly len bytes, at most DATA_MAX, from base 58. */
static enum err
base58_decode(uint8_t *data, size_t len, const char *text)
{
	enum err ret = ERR_FORMAT;
	uint32_t limbs[LIMBS] = {0};
	/* Bounded before any arithmetic: texts come from outside. */
	size_t text_len = strnlen(text, BASE58CHECK_TEXT_SIZE);
	size_t zeros = 0;
	size_t used = 0;

	if (text_len == BASE58CHECK_TEXT_SIZE)
		goto out;
	while (text[zeros] == digits[0])
		zeros++;
	for (size_t i = zeros; i < text_len;) {
		uint32_t factor = 1;
		uint32_t group = 0;
		for (int n = 0; n < GROUP_DIGITS && i < text_len; n++, i++) {
			uint32_t value = values[(uint8_t)text[i]];
			if (value == 0)
				goto out;
			group = group * 58 + value - 1;
			factor *= 58;
		}
		if (!limbs_multiply_add(limbs, factor, group))
			goto out;
	}

	/* The leading ones and the bytes of the number must make up the length together: each data has one text only.
	 */
	for (size_t power = 0; power < DATA_MAX; power++)
		if ((limbs[LIMBS - 1 - power / 4] >> (8 * (power % 4)) & 0xff) != 0)
			used = power + 1;
	if (zeros + used != len)
		goto out;
	for (size_t i = 0; i < len; i++) {
		size_t power = len - 1 - i;
		data[i] = (uint8_t)(limbs[LIMBS - 1 - power / 4] >> (8 * (power % 4)));
	}
	ret = OK;

out:
	key_wipe(limbs, sizeof(limbs));
	return ret;
}

size_t
base58check_encode(char text[BASE58CHECK_TEXT_SIZE], const void *payload, size_t len)
{
	uint8_t data[DATA_MAX];
	text[0] = '\0';
	if (len > BASE58CHECK_PAYLOAD_MAX)
		return 0;
	if (len > 0)
		memcpy(data, payload, len);
	struct hash256 checksum = sha256d(data, len);
	memcpy(data + len, checksum.b, CHECKSUM_SIZE);
	size_t text_len = base58_encode(text, data, len + CHECKSUM_SIZE);
	key_wipe(data, sizeof(data));
	return text_len;
}

enum err
base58check_decode(void *out, size_t len, const char *text)
{
	uint8_t data[DATA_MAX];
	if (len > BASE58CHECK_PAYLOAD_MAX)
		return ERR_LIMIT;
	enum err ret = base58_decode(data, len + CHECKSUM_SIZE, text);
	if (ret == OK) {
		struct hash256 checksum = sha256d(data, len);
		if (memcmp(data + len, checksum.b, CHECKSUM_SIZE) != 0)
			ret = ERR_FORMAT;
	}
	if (ret == OK && len > 0)
		memcpy(out, data, len);
	key_wipe(data, sizeof(data));
	return ret;
}
