/*
 * One pass over the bytes, with a sticky "odd". What must stay true: a text that is not odd is a JSON document that the
 * other way reads to the same transfers. So everything about which two readers could differ is odd: escapes, control
 * characters, bytes that are not UTF-8, numbers with anything but plain digits, members that are unknown, twice there or
 * missing. Members may come in any order; in the order in which they are shown each is found at the first try.
 */
#include "wire/tx_scan.h"

#include <string.h>

#include "util/hex.h"
#include "util/text.h"

#define DIGITS_MAX 16 /* as many as NUMBER_MAX and MONEY_MAX have, and far from an overflow */

enum member {
	MEMBER_ID,
	MEMBER_VERSION,
	MEMBER_NETWORK,
	MEMBER_KEY,
	MEMBER_SENDER,
	MEMBER_RECIPIENT,
	MEMBER_VALUE,
	MEMBER_FEE,
	MEMBER_SEQUENCE,
	MEMBER_MEMO,
	MEMBER_SIGNATURE,
	MEMBERS
};

#define ALL_MEMBERS ((1u << MEMBERS) - 1)
#define ID_ALONE (1u << MEMBER_ID) /* the one that may be missing */

static const struct name {
	const char *text;
	size_t len;
} names[MEMBERS] = {
#define NAME(text)                     \
	{                              \
		text, sizeof(text) - 1 \
	}
    [MEMBER_ID] = NAME("id"),
    [MEMBER_VERSION] = NAME("version"),
    [MEMBER_NETWORK] = NAME("network"),
    [MEMBER_KEY] = NAME("sender_public_key"),
    [MEMBER_SENDER] = NAME("sender_blockchain_address"),
    [MEMBER_RECIPIENT] = NAME("recipient_blockchain_address"),
    [MEMBER_VALUE] = NAME("value"),
    [MEMBER_FEE] = NAME("fee"),
    [MEMBER_SEQUENCE] = NAME("sequence"),
    [MEMBER_MEMO] = NAME("memo"),
    [MEMBER_SIGNATURE] = NAME("signature"),
#undef NAME
};

struct span {
	const char *at;
	size_t len;
};

/* What a document claims, beside the transfer itself. */
struct claims {
	struct hash256 id;
	struct address sender;
	uint32_t given; /* bits of enum member */
};

static void
skip_space(struct tx_scan *s)
{
	while (s->at < s->end && (*s->at == ' ' || *s->at == '\n' || *s->at == '\t' || *s->at == '\r'))
		s->at++;
}

/* Takes this character, if it comes next. */
static bool
has(struct tx_scan *s, char c)
{
	skip_space(s);
	if (s->is_odd || s->at == s->end || *s->at != c)
		return false;
	s->at++;
	return true;
}

static void
need(struct tx_scan *s, char c)
{
	if (!has(s, c))
		s->is_odd = true;
}

/*
 * What stands between two quotes, as it is. Escapes are left in it, so whoever reads it must not take a backslash or a
 * control character for anything that it knows; an escaped quote ends it too early, behind a backslash.
 */
static struct span
read_string(struct tx_scan *s)
{
	struct span span = {s->at, 0};
	const char *quote;
	need(s, '"');
	quote = s->is_odd ? NULL : memchr(s->at, '"', (size_t)(s->end - s->at));
	if (quote == NULL) {
		s->is_odd = true;
		return span;
	}
	span = (struct span){s->at, (size_t)(quote - s->at)};
	s->at = quote + 1;
	return span;
}

static uint64_t
read_number(struct tx_scan *s, uint64_t max)
{
	uint64_t n = 0;
	skip_space(s);
	const char *start = s->at;
	for (; s->at < s->end && *s->at >= '0' && *s->at <= '9' && s->at - start < DIGITS_MAX; s->at++)
		n = n * 10 + (uint64_t)(*s->at - '0');
	/* A fraction, an exponent or more digits are not the comma or bracket that has to follow. */
	if (s->at == start || (*start == '0' && s->at - start > 1) || n > max)
		s->is_odd = true;
	return n;
}

static void
read_hex(struct tx_scan *s, void *out, size_t len)
{
	struct span text = read_string(s);
	if (s->is_odd || text.len != 2 * len || !hex_read(out, len, text.at))
		s->is_odd = true;
}

static void
read_address(struct tx_scan *s, struct address *out)
{
	char text[ADDRESS_TEXT_SIZE];
	struct span span = read_string(s);
	if (s->is_odd || span.len >= sizeof(text)) {
		s->is_odd = true;
		return;
	}
	memcpy(text, span.at, span.len);
	text[span.len] = '\0';
	/* A NUL within would end the text before its time. */
	if (strlen(text) != span.len || address_parse(out, text, s->address_version) != OK)
		s->is_odd = true;
}

/* Stands for itself in every string of JSON. */
static bool
is_literal(struct span text)
{
	bool is = true;
	for (size_t i = 0; i < text.len; i++)
		is &= text.at[i] != '\\' && (unsigned char)text.at[i] >= 0x20;
	return is && text_is_utf8(text.at, text.len);
}

static void
read_memo(struct tx_scan *s, struct tx *tx)
{
	struct span text = read_string(s);
	if (s->is_odd || text.len > MEMO_MAX || !is_literal(text)) {
		s->is_odd = true;
		return;
	}
	memcpy(tx->memo, text.at, text.len);
	tx->memo_len = (uint16_t)text.len;
}

/* expected: the one that comes next in the usual order. MEMBERS: no such member. */
static enum member
member_of(struct span key, enum member expected)
{
	for (int n = 0; n < MEMBERS; n++) {
		enum member m = (enum member)(((int)expected + n) % MEMBERS);
		if (key.len == names[m].len && memcmp(key.at, names[m].text, key.len) == 0)
			return m;
	}
	return MEMBERS;
}

static void
read_value(struct tx_scan *s, enum member m, struct tx *tx, struct claims *claims)
{
	switch (m) {
	case MEMBER_ID:
		read_hex(s, claims->id.b, sizeof(claims->id.b));
		break;
	case MEMBER_VERSION:
		tx->version = (uint8_t)read_number(s, TX_TRANSFER);
		break;
	case MEMBER_NETWORK:
		read_hex(s, tx->network.b, sizeof(tx->network.b));
		break;
	case MEMBER_KEY:
		read_hex(s, tx->sender_key.b, sizeof(tx->sender_key.b));
		break;
	case MEMBER_SENDER:
		read_address(s, &claims->sender);
		break;
	case MEMBER_RECIPIENT:
		read_address(s, &tx->recipient);
		break;
	case MEMBER_VALUE:
		tx->value = read_number(s, MONEY_MAX);
		break;
	case MEMBER_FEE:
		tx->fee = read_number(s, MONEY_MAX);
		break;
	case MEMBER_SEQUENCE:
		tx->sequence = read_number(s, NUMBER_MAX);
		break;
	case MEMBER_MEMO:
		read_memo(s, tx);
		break;
	case MEMBER_SIGNATURE:
		read_hex(s, tx->signature.b, sizeof(tx->signature.b));
		break;
	case MEMBERS:
		s->is_odd = true;
		break;
	}
}

static void
read_object(struct tx_scan *s, struct tx *tx, struct claims *claims)
{
	enum member expected = MEMBER_ID;
	need(s, '{');
	do {
		struct span key = read_string(s);
		need(s, ':');
		if (s->is_odd)
			return;
		enum member m = member_of(key, expected);
		if (m == MEMBERS || (claims->given & 1u << m)) {
			s->is_odd = true;
			return;
		}
		claims->given |= 1u << m;
		read_value(s, m, tx, claims);
		expected = (enum member)((m + 1) % MEMBERS);
	} while (has(s, ','));
	need(s, '}');
}

static bool
claims_hold(const struct claims *claims, const struct tx *tx, const struct hash256 *id)
{
	struct address sender = tx_sender(tx);
	return (claims->given | ID_ALONE) == ALL_MEMBERS && tx->version == TX_TRANSFER &&
	       address_equal(&claims->sender, &sender) && (!(claims->given & ID_ALONE) || hash_equal(&claims->id, id));
}

struct tx_scan
tx_scan_of(const void *text, size_t len, uint8_t address_version)
{
	const char *at = text;
	struct tx_scan s = {
	    .at = at, .end = len > 0 ? at + len : at, .address_version = address_version, .is_first = true};
	s.is_list = has(&s, '[');
	return s;
}

/* Before the next element; false: there is none. */
static bool
go_to_next(struct tx_scan *s)
{
	bool is_first = s->is_first;
	s->is_first = false;
	if (s->is_odd || s->is_ended)
		return false;
	if (is_first)
		return true;
	s->is_ended = !s->is_list || !has(s, ',');
	if (!s->is_ended)
		return true;
	if (s->is_list)
		need(s, ']');
	skip_space(s);
	if (s->at != s->end)
		s->is_odd = true;
	return false;
}

bool
tx_scan_next(struct tx_scan *s, struct tx *out, struct hash256 *id)
{
	struct claims claims = {.given = 0};
	if (!go_to_next(s))
		return false;
	*out = (struct tx){0};
	read_object(s, out, &claims);
	if (s->is_odd)
		return false;
	*id = tx_id(out);
	s->is_odd = !claims_hold(&claims, out, id);
	return !s->is_odd;
}

bool
tx_scan_is_whole(const struct tx_scan *s)
{
	return s->is_ended && !s->is_odd;
}

size_t
tx_scan_count(const void *text, size_t len)
{
	const char *at = text, *end;
	size_t count = 0;
	if (len == 0)
		return 0;
	/* Brackets in memos count as well. */
	for (end = at + len; (at = memchr(at, '{', (size_t)(end - at))) != NULL; at++)
		count++;
	return count;
}
