#include "freshness.h"

#include <string.h>

#include "crypto/hash.h"
#include "reply.h"
#include "util/crc32c.h"
#include "util/hex.h"

#define MARK_SIZE sizeof(uint32_t)
#define TAG_SIZE (1 + 2 * HASH_SIZE + 1 + 2 * MARK_SIZE + 1 + 1) /* "HASH-MARK" in quotes */

#define KEEP "public, max-age=86400, immutable"
#define ASK_FIRST "no-cache"

static void
tag_write(char tag[TAG_SIZE], const struct api *a, struct blockref ref)
{
	uint32_t crc = crc32c(0, a->o.software, strlen(a->o.software));
	const uint8_t mark[MARK_SIZE] = {(uint8_t)(crc >> 24), (uint8_t)(crc >> 16), (uint8_t)(crc >> 8), (uint8_t)crc};
	char *at = tag;

	*at++ = '"';
	hex_encode(at, chain_hash(a->store, ref)->b, HASH_SIZE);
	at += 2 * HASH_SIZE;
	*at++ = '-';
	hex_encode(at, mark, sizeof(mark));
	at += 2 * sizeof(mark);
	*at++ = '"';
	*at = '\0';
}

/*
 * Whether a list as in If-None-Match names the tag; "*" names any. "W/" before a tag, which a proxy adds when it
 * compresses, makes no difference here. A list that is malformed names nothing from there on.
 */
static bool
list_has(const char *list, const char *tag)
{
	size_t len = strlen(tag);

	if (list[strspn(list, " \t")] == '*')
		return true;
	while (*(list += strspn(list, " \t,")) != '\0') {
		const char *end;

		if (strncmp(list, "W/", 2) == 0)
			list += 2;
		if (*list != '"' || (end = strchr(list + 1, '"')) == NULL)
			return false;
		end++;
		if ((size_t)(end - list) == len && memcmp(list, tag, len) == 0)
			return true;
		list = end;
	}
	return false;
}

static bool
is_answered(struct api *a, struct http_req *req, struct blockref ref, const char *control)
{
	const char *known = http_req_header(req, "If-None-Match");
	char tag[TAG_SIZE];

	tag_write(tag, a, ref);
	http_reply_header(req, "ETag", tag);
	http_reply_header(req, "Cache-Control", control);
	if (known == NULL || !list_has(known, tag))
		return false;
	reply_count(a, 304);
	http_reply(req, 304, NULL, NULL, 0);
	return true;
}

bool
freshness_block(struct api *a, struct http_req *req, struct blockref tip, struct blockref ref, bool is_by_hash)
{
	bool is_settled = chain_height(a->store, tip) - chain_height(a->store, ref) >= SETTLED_DEPTH;

	return is_answered(a, req, ref, is_by_hash && is_settled ? KEEP : ASK_FIRST);
}

bool
freshness_chain(struct api *a, struct http_req *req, struct blockref last)
{
	return is_answered(a, req, last, ASK_FIRST);
}

bool
freshness_list(struct api *a, struct http_req *req, struct blockref tip, uint64_t from, uint64_t end)
{
	if (from < end)
		return freshness_chain(a, req, chain_at(a->store, tip, end - 1));
	freshness_none(req);
	return false;
}

void
freshness_none(struct http_req *req)
{
	http_reply_header(req, "Cache-Control", "no-store");
}
