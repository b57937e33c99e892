/*
 * Messages between nodes. What must stay true: every count is compared with its cap and then with the bytes that are
 * there, before anything is read by it; a message is right to its last byte or refused whole.
 */
#include "wire/peer_msg.h"

#include <assert.h>
#include <string.h>

#define COUNT_SIZE 2
#define LENGTH_SIZE 4

static void
head_write(struct jout *j, const struct head *h)
{
	struct hash256 work = u256_to_hash(&h->work);
	jout_object(j);
	jout_ku64(j, "height", h->height);
	jout_khex(j, "hash", h->hash.b, sizeof(h->hash.b));
	jout_khex(j, "work", work.b, sizeof(work.b));
	jout_object_end(j);
}

static void
head_read(struct fields *hello, struct head *out)
{
	const struct jval *v = field_value(hello, "head");
	if (v == NULL)
		return;
	struct hash256 work;
	struct fields f = fields_of(v, "head", hello->error);
	out->height = field_u64(&f, "height", NUMBER_MAX, RULE_OK);
	field_hex(&f, "hash", out->hash.b, sizeof(out->hash.b));
	field_hex(&f, "work", work.b, sizeof(work.b));
	out->work = u256_of_hash(&work);
	hello->failed = f.failed;
}

void
hello_encode(struct buf *out, const struct hello *h)
{
	uint8_t nonce[8];
	struct writer w = writer_of(nonce, sizeof(nonce));
	put_u64(&w, h->nonce);

	struct jout j = jout_to(out);
	jout_object(&j);
	jout_ku64(&j, "protocol", h->protocol);
	jout_kstring(&j, "software", h->software);
	jout_kstring(&j, "node", h->node);
	jout_khex(&j, "nonce", nonce, sizeof(nonce));
	jout_khex(&j, "genesis", h->genesis.b, sizeof(h->genesis.b));
	jout_key(&j, "parameters");
	view_params(&j, &h->params);
	jout_ku64(&j, "port", h->port);
	jout_kstring(&j, "advertise", h->advertise);
	jout_key(&j, "head");
	head_write(&j, &h->head);
	jout_ku64(&j, "timestamp", h->time_ms);
	jout_object_end(&j);
}

static void
hello_read(struct fields *f, struct hello *out)
{
	out->protocol = (uint32_t)field_u64(f, "protocol", UINT32_MAX, RULE_OK);
	if (!f->failed && out->protocol != PEER_PROTOCOL)
		fields_fail(f, "unsupported-protocol", "the peer speaks protocol %u, this node speaks %d",
			    out->protocol, PEER_PROTOCOL);
	uint8_t nonce[8];
	field_name(f, "software", out->software, sizeof(out->software));
	field_name(f, "node", out->node, sizeof(out->node));
	field_hex(f, "nonce", nonce, sizeof(nonce));
	struct reader r = reader_of(nonce, sizeof(nonce));
	out->nonce = get_u64(&r);
	field_hex(f, "genesis", out->genesis.b, sizeof(out->genesis.b));
	const struct jval *params = field_value(f, "parameters");
	if (params != NULL && !view_params_parse(&out->params, params, f->error))
		f->failed = true;
	out->port = (uint16_t)field_u64(f, "port", UINT16_MAX, RULE_OK);
	field_name(f, "advertise", out->advertise, sizeof(out->advertise));
	head_read(f, &out->head);
	out->time_ms = field_u64(f, "timestamp", NUMBER_MAX, RULE_OK);
}

bool
hello_parse(struct hello *out, const void *text, size_t len, struct field_error *error)
{
	memset(out, 0, sizeof(*out));
	struct fields f = {.what = "a hello", .error = error};
	if (len > HELLO_SIZE_MAX) {
		fields_fail(&f, "bad-value", "a hello has at most %d bytes", HELLO_SIZE_MAX);
		return false;
	}
	char reason[JSON_ERROR_SIZE];
	struct jdoc *d = jdoc_parse(text, len, reason);
	if (d == NULL) {
		fields_fail(&f, "malformed-json", "a hello must be a JSON document: %.140s", reason);
		return false;
	}
	f = fields_of(jdoc_root(d), "a hello", error);
	hello_read(&f, out);
	jdoc_free(d);
	return !f.failed;
}

static void
u16_append(struct buf *out, size_t v)
{
	const uint8_t bytes[COUNT_SIZE] = {(uint8_t)(v >> 8), (uint8_t)v};
	buf_append(out, bytes, sizeof(bytes));
}

/* One more in the count at the front of out, which stays within max. */
static void
count_raise(struct buf *out, size_t max)
{
	uint8_t *count = (uint8_t *)out->data;
	size_t n = (size_t)count[0] << 8 | count[1];
	assert(n < max);
	n++;
	count[0] = (uint8_t)(n >> 8);
	count[1] = (uint8_t)n;
}

void
hashes_encode(struct buf *out, const struct hash256 *hashes, size_t count)
{
	assert(count <= UINT16_MAX);
	u16_append(out, count);
	for (size_t i = 0; i < count; i++)
		buf_append(out, hashes[i].b, sizeof(hashes[i].b));
}

/* Opens a list of `count` pieces of one size that fill the body exactly; *at is the first. */
static enum err
list_open(const uint8_t **at, size_t *count, size_t piece, size_t max, const void *body, size_t len)
{
	struct reader r = reader_of(body, len);
	size_t n = get_u16(&r);
	*count = 0;
	*at = NULL;
	if (r.failed)
		return ERR_FORMAT;
	if (n > max)
		return ERR_LIMIT;
	if (reader_left(&r) != n * piece)
		return ERR_FORMAT;
	*at = r.at;
	*count = n;
	return OK;
}

enum err
hashes_parse(struct hash256 *out, size_t *count, size_t max, const void *body, size_t len)
{
	const uint8_t *at;
	enum err e = list_open(&at, count, HASH_SIZE, max, body, len);
	if (e != OK)
		return e;
	for (size_t i = 0; i < *count; i++)
		memcpy(out[i].b, at + i * HASH_SIZE, HASH_SIZE);
	return OK;
}

void
headers_begin(struct buf *out)
{
	buf_reset(out);
	u16_append(out, 0);
}

void
headers_add(struct buf *out, const uint8_t header[HEADER_SIZE])
{
	count_raise(out, HEADERS_MAX);
	buf_append(out, header, HEADER_SIZE);
}

enum err
headers_parse(const uint8_t **first, size_t *count, const void *body, size_t len)
{
	return list_open(first, count, HEADER_SIZE, HEADERS_MAX, body, len);
}

void
blocks_begin(struct buf *out)
{
	buf_reset(out);
	u16_append(out, 0);
}

void
blocks_add(struct buf *out, const void *bytes, size_t size)
{
	count_raise(out, BLOCKS_MAX);
	u16_append(out, size >> 16);
	u16_append(out, size & 0xffff);
	buf_append(out, bytes, size);
}

bool
blocks_next(struct reader *r, const uint8_t **bytes, size_t *size)
{
	if (r->failed || reader_left(r) == 0)
		return false;
	*size = get_u32(r);
	*bytes = get_span(r, *size);
	return !r->failed;
}

enum err
blocks_open(struct reader *r, size_t *count, const void *body, size_t len)
{
	*r = reader_of(body, len);
	size_t n = get_u16(r), seen = 0, size;
	*count = 0;
	if (r->failed)
		return ERR_FORMAT;
	if (n > BLOCKS_MAX)
		return ERR_LIMIT;
	const uint8_t *bytes;
	struct reader walk = *r;
	while (blocks_next(&walk, &bytes, &size)) {
		if (size > BLOCK_BYTES_LIMIT)
			return ERR_LIMIT;
		seen++;
	}
	if (!reader_done(&walk) || seen != n)
		return ERR_FORMAT;
	*count = n;
	return OK;
}
