/*
 * Values of each type: from text, to text, and which are allowed. What is written reads back to the same value, and
 * every refusal says what would have been allowed.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "node/config_table.h"
#include "node/quantity.h"
#include "util/mem.h"
#include "util/text.h"

#define LONG_QUOTE_MAX 256
#define ITEM_SIZE 320 /* a list item with its NUL: "[host]:port" at its longest */

bool
config_value_is_list(const struct config_key *key)
{
	return key->type == CONFIG_ENDPOINTS || key->type == CONFIG_RANGES;
}

static void
quote(struct buf *out, const char *text, size_t max)
{
	size_t len = strlen(text);
	buf_putc(out, '"');
	for (size_t i = 0; i < len && i < max; i++) {
		unsigned char c = (unsigned char)text[i];
		if (isprint(c))
			buf_putc(out, (char)c);
		else
			buf_printf(out, "\\x%02x", c);
	}
	buf_puts(out, len > max ? "...\"" : "\"");
}

void
config_value_quote(struct buf *out, const char *text)
{
	quote(out, text, CONFIG_QUOTE_MAX);
}

void
config_value_quote_long(struct buf *out, const char *text)
{
	quote(out, text, LONG_QUOTE_MAX);
}

/* How numbers of this type are written. */
static enum quantity
type_quantity(enum config_type type)
{
	switch (type) {
	case CONFIG_SIZE:
		return QUANTITY_SIZE;
	case CONFIG_DURATION:
		return QUANTITY_DURATION;
	case CONFIG_COINS:
		return QUANTITY_COINS;
	case CONFIG_TIME:
		return QUANTITY_TIME;
	default:
		return QUANTITY_NUMBER;
	}
}

/* Members */

static void *
member_at(struct config *c, const struct config_key *key)
{
	return (char *)c + key->offset;
}

static const void *
member_of(const struct config *c, const struct config_key *key)
{
	return (const char *)c + key->offset;
}

static void
number_store(void *member, size_t size, uint64_t value)
{
	uint8_t v8 = (uint8_t)value;
	uint16_t v16 = (uint16_t)value;
	uint32_t v32 = (uint32_t)value;
	const void *from = size == 1 ? (void *)&v8 : size == 2 ? (void *)&v16 : size == 4 ? (void *)&v32 : &value;
	memcpy(member, from, size);
}

static uint64_t
number_load(const void *member, size_t size)
{
	uint8_t v8;
	uint16_t v16;
	uint32_t v32;
	uint64_t v64;
	switch (size) {
	case sizeof(v8):
		memcpy(&v8, member, size);
		return v8;
	case sizeof(v16):
		memcpy(&v16, member, size);
		return v16;
	case sizeof(v32):
		memcpy(&v32, member, size);
		return v32;
	default:
		memcpy(&v64, member, sizeof(v64));
		return v64;
	}
}

static bool
name_is_plain(const char *text)
{
	return text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-_.")] == '\0';
}

static void
range_format(struct buf *out, const struct netrange *r)
{
	char first[NETADDR_TEXT_SIZE], last[NETADDR_TEXT_SIZE];
	netaddr_format_ip(first, &r->first);
	netaddr_format_ip(last, &r->last);
	if (netaddr_same_ip(&r->first, &r->last))
		buf_puts(out, first);
	else
		buf_printf(out, "%s-%s", first, last);
}

/* Errors */

static const char *const nouns[] = {
    [CONFIG_NAME] = "a name",
    [CONFIG_PATH] = "an absolute path",
    [CONFIG_NUMBER] = "a number",
    [CONFIG_SIZE] = "a size",
    [CONFIG_DURATION] = "a duration",
    [CONFIG_COINS] = "an amount of coins",
    [CONFIG_TIME] = "a time",
    [CONFIG_CHOICE] = "one of the choices",
    [CONFIG_LISTEN] = "an address and port",
    [CONFIG_ENDPOINT] = "a host and port",
    [CONFIG_ENDPOINTS] = "a host and port",
    [CONFIG_RANGES] = "an address or a range of them",
    [CONFIG_PORTS] = "a port or a range of them",
    [CONFIG_LEVELS] = "a level",
    [CONFIG_ADDRESS] = "a wallet address",
};

/* fault NULL: text is not of the key's type at all. */
static void
fault_add(struct buf *why, const struct config_key *key, const char *text, const char *fault)
{
	if (why->len > 0)
		buf_putc(why, '\n');
	if (*text == '\0' && fault == NULL) {
		buf_puts(why, "has no value");
	} else {
		/* Whoever writes the secret itself here shall not find it in logs. */
		if (config_key_hides(key))
			buf_puts(why, "the value");
		else
			config_value_quote(why, text);
		if (fault != NULL)
			buf_printf(why, " %s", fault);
		else
			buf_printf(why, " is not %s", nouns[key->type]);
	}
	if (*text == '"' || *text == '\'')
		buf_puts(why, "; leave the quotes out");
	buf_puts(why, "; allowed: ");
	config_value_allowed(why, key);
}

void
config_value_allowed(struct buf *out, const struct config_key *key)
{
	switch (key->type) {
	case CONFIG_NAME:
		buf_printf(out, "1 to %" PRIu64 " of the characters a-z 0-9 - . _", key->max);
		break;
	case CONFIG_PATH:
		buf_printf(out, "a path that begins with /, at most %" PRIu64 " bytes", key->max);
		break;
	case CONFIG_NUMBER:
	case CONFIG_SIZE:
	case CONFIG_DURATION:
	case CONFIG_COINS:
		quantity_format(out, type_quantity(key->type), key->min);
		buf_puts(out, " to ");
		quantity_format(out, type_quantity(key->type), key->max);
		if (key->type == CONFIG_SIZE)
			buf_puts(out, " (bytes, or with K, M, G or T)");
		else if (key->type == CONFIG_DURATION)
			buf_puts(out, " (seconds, or with ms, s, m, h or d)");
		else if (key->type == CONFIG_COINS)
			buf_puts(out, " coins, with up to 8 decimals");
		break;
	case CONFIG_TIME:
		buf_puts(out, "UTC as 2026-01-31T12:00:00Z, with up to 3 decimals of a second");
		break;
	case CONFIG_CHOICE:
		for (size_t i = 0; key->choices[i] != NULL; i++) {
			if (i > 0)
				buf_puts(out, key->choices[i + 1] != NULL ? ", " : " or ");
			buf_puts(out, key->choices[i]);
		}
		break;
	case CONFIG_LISTEN:
		buf_puts(out, "ADDRESS:PORT as 127.0.0.1:5000, 0.0.0.0:5000 or [::]:5000 (no names)");
		break;
	case CONFIG_ENDPOINT:
		buf_printf(out, "host:port as 10.0.0.2:5000, [fd00::2]:5000 or node2:5000, at most %" PRIu64 " bytes",
			   key->max);
		break;
	case CONFIG_ENDPOINTS:
		buf_puts(out, "a list of host:port as 10.0.0.2:5000, [fd00::2]:5000 or node2:5000");
		break;
	case CONFIG_RANGES:
		buf_puts(out,
			 "a list of 10.0.0.2, 10.0.0.2-10.0.0.9 or 10.0.0.0/24, IPv6 too, each at most 2^24 addresses");
		break;
	case CONFIG_PORTS:
		buf_puts(out, "PORT or FIRST-LAST as 5000-5002, 1 to 65535");
		break;
	case CONFIG_LEVELS:
		buf_puts(out, "error, warn, info or debug, MODULE=LEVEL, or a list of these; modules are");
		for (size_t i = 1; i < log_module_count; i++)
			buf_printf(out, "%s %s", i > 1 ? "," : "", log_module_names[i]);
		break;
	case CONFIG_ADDRESS:
		buf_puts(out, "an address of this network");
		break;
	}
	if (key->min == 0 && (key->type == CONFIG_PATH || key->type == CONFIG_LISTEN || key->type == CONFIG_ENDPOINT ||
			      key->type == CONFIG_PORTS || key->type == CONFIG_ADDRESS))
		buf_puts(out, ", or nothing");
}

/* Parsing */

static bool
number_parse(struct config *c, const struct config_key *key, const char *text, struct buf *why)
{
	uint64_t value = 0;
	enum err e = quantity_parse(&value, type_quantity(key->type), text);
	if (e != OK && e != ERR_LIMIT)
		fault_add(why, key, text, NULL);
	else if (e == ERR_LIMIT || value > key->max)
		fault_add(why, key, text, "is too large");
	else if (value < key->min)
		fault_add(why, key, text, "is too small");
	else {
		number_store(member_at(c, key), key->size, value);
		return true;
	}
	return false;
}

static bool
choice_parse(struct config *c, const struct config_key *key, const char *text, struct buf *why)
{
	size_t count = 0;
	for (; key->choices[count] != NULL; count++) {
		if (strcmp(key->choices[count], text) == 0) {
			number_store(member_at(c, key), key->size, count);
			return true;
		}
	}
	fault_add(why, key, text, NULL);
	const char *near = text_nearest(text, key->choices, count);
	if (near != NULL)
		buf_printf(why, "; did you mean \"%s\"?", near);
	return false;
}

/* A semicolon behind a space begins a comment in a file, so such a text could not be written in one. */
static bool
text_is_printable(const char *text)
{
	for (const char *p = text; *p != '\0'; p++)
		if (iscntrl((unsigned char)*p) || (p[0] == ' ' && p[1] == ';'))
			return false;
	return text_is_utf8(text, strlen(text));
}

static bool
text_parse(struct config *c, const struct config_key *key, const char *text, struct buf *why)
{
	size_t len = strlen(text);
	struct endpoint endpoint;
	bool fits = len <= key->max && len < key->size;
	bool is_good = len == 0			     ? key->min == 0
		       : key->type == CONFIG_NAME    ? name_is_plain(text)
		       : key->type == CONFIG_PATH    ? text[0] == '/' && text_is_printable(text)
		       : key->type == CONFIG_ADDRESS ? strspn(text, "123456789ABCDEFGHJKLMNPQRSTUVWXYZ"
								    "abcdefghijkmnopqrstuvwxyz") == len
						     : endpoint_parse(&endpoint, text);
	if (!is_good || !fits) {
		fault_add(why, key, text, is_good ? "is too long" : NULL);
		return false;
	}
	memcpy(member_at(c, key), text, len + 1);
	return true;
}

static bool
listen_parse(struct config *c, const struct config_key *key, const char *text, struct buf *why)
{
	struct netaddr at = {0};
	if ((*text != '\0' || key->min > 0) && netaddr_parse(&at, text) != OK) {
		fault_add(why, key, text, NULL);
		return false;
	}
	memcpy(member_at(c, key), &at, sizeof(at));
	return true;
}

static bool
ports_parse(struct config *c, const struct config_key *key, const char *text, struct buf *why)
{
	struct port_range range = {0};
	if (*text != '\0' && !port_range_parse(&range, text)) {
		fault_add(why, key, text, NULL);
		return false;
	}
	memcpy(member_at(c, key), &range, sizeof(range));
	return true;
}

/* Appends one item to the list; NULL, or what is wrong with it ("" for the usual "is not a ..."). */
static const char *
list_add(struct config *c, const struct config_key *key, const char *item)
{
	if (key->type == CONFIG_ENDPOINTS) {
		struct endpoint_list *list = member_at(c, key);
		struct endpoint endpoint;
		if (!endpoint_parse(&endpoint, item))
			return "";
		if (list->count >= CONFIG_LIST_MAX)
			return "is one too many";
		list->at = xrealloc(list->at, (list->count + 1) * sizeof(*list->at));
		list->at[list->count++] = endpoint;
		return NULL;
	}
	struct netrange_list *list = member_at(c, key);
	struct netrange range;
	enum err e = netrange_parse(&range, item);
	if (e != OK)
		return e == ERR_LIMIT ? "has too many addresses" : "";
	if (list->count >= CONFIG_LIST_MAX)
		return "is one too many";
	list->at = xrealloc(list->at, (list->count + 1) * sizeof(*list->at));
	list->at[list->count++] = range;
	return NULL;
}

static bool
list_parse(struct config *c, const struct config_key *key, const char *text, struct buf *why)
{
	static const char separators[] = ", \t";
	bool is_good = true;
	for (const char *p = text + strspn(text, separators); *p != '\0'; p += strspn(p, separators)) {
		char item[ITEM_SIZE];
		size_t len = strcspn(p, separators);
		size_t kept = len < sizeof(item) ? len : sizeof(item) - 1;
		memcpy(item, p, kept);
		item[kept] = '\0';
		const char *fault = kept == len ? list_add(c, key, item) : "";
		if (fault != NULL) {
			fault_add(why, key, item, *fault != '\0' ? fault : NULL);
			is_good = false;
		}
		p += len;
	}
	return is_good;
}

void
config_value_reset(struct config *c, const struct config_key *key)
{
	if (key->type == CONFIG_ENDPOINTS) {
		struct endpoint_list *list = member_at(c, key);
		free(list->at);
		*list = (struct endpoint_list){0};
	} else if (key->type == CONFIG_RANGES) {
		struct netrange_list *list = member_at(c, key);
		free(list->at);
		*list = (struct netrange_list){0};
	}
}

/* What it does not say of all modules together is the default. */
static bool
levels_parse(struct config *c, const struct config_key *key, const char *text, struct buf *why)
{
	struct log_levels levels;
	if (!log_levels_parse(&levels, text, why))
		return false;
	if (levels.base == LOG_LEVEL_UNSET)
		levels.base = LOG_LEVEL_INFO;
	memcpy(member_at(c, key), &levels, sizeof(levels));
	return true;
}

bool
config_value_parse(struct config *c, const struct config_key *key, const char *text, struct buf *why)
{
	switch (key->type) {
	case CONFIG_NAME:
	case CONFIG_PATH:
	case CONFIG_ENDPOINT:
	case CONFIG_ADDRESS:
		return text_parse(c, key, text, why);
	case CONFIG_NUMBER:
	case CONFIG_SIZE:
	case CONFIG_DURATION:
	case CONFIG_COINS:
	case CONFIG_TIME:
		return number_parse(c, key, text, why);
	case CONFIG_CHOICE:
		return choice_parse(c, key, text, why);
	case CONFIG_LISTEN:
		return listen_parse(c, key, text, why);
	case CONFIG_PORTS:
		return ports_parse(c, key, text, why);
	case CONFIG_LEVELS:
		return levels_parse(c, key, text, why);
	case CONFIG_ENDPOINTS:
	case CONFIG_RANGES:
		return list_parse(c, key, text, why);
	}
	return false;
}

void
config_value_format(struct buf *out, const struct config *c, const struct config_key *key)
{
	const void *member = member_of(c, key);
	char address[NETADDR_TEXT_SIZE];
	switch (key->type) {
	case CONFIG_NAME:
	case CONFIG_PATH:
	case CONFIG_ENDPOINT:
	case CONFIG_ADDRESS:
		buf_puts(out, member);
		break;
	case CONFIG_NUMBER:
	case CONFIG_SIZE:
	case CONFIG_DURATION:
	case CONFIG_COINS:
	case CONFIG_TIME:
		quantity_format(out, type_quantity(key->type), number_load(member, key->size));
		break;
	case CONFIG_CHOICE:
		buf_puts(out, key->choices[number_load(member, key->size)]);
		break;
	case CONFIG_LISTEN: {
		const struct netaddr *at = member;
		if (at->port != 0) {
			netaddr_format(address, at);
			buf_puts(out, address);
		}
		break;
	}
	case CONFIG_PORTS:
		port_range_format(out, member);
		break;
	case CONFIG_LEVELS:
		log_levels_format(out, member);
		break;
	case CONFIG_ENDPOINTS: {
		const struct endpoint_list *list = member;
		for (size_t i = 0; i < list->count; i++) {
			buf_puts(out, i > 0 ? ", " : "");
			endpoint_format(out, &list->at[i]);
		}
		break;
	}
	case CONFIG_RANGES: {
		const struct netrange_list *list = member;
		for (size_t i = 0; i < list->count; i++) {
			buf_puts(out, i > 0 ? ", " : "");
			range_format(out, &list->at[i]);
		}
		break;
	}
	}
}
