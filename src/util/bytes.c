#include "util/bytes.h"

#include <endian.h>
#include <string.h>

struct reader
reader_of(const void *data, size_t len)
{
	const uint8_t *at = data;
	return (struct reader){.at = at, .end = len > 0 ? at + len : at};
}

size_t
reader_left(const struct reader *r)
{
	return (size_t)(r->end - r->at);
}

const uint8_t *
get_span(struct reader *r, size_t len)
{
	if (r->failed || len > reader_left(r)) {
		r->failed = true;
		return NULL;
	}
	const uint8_t *span = r->at;
	if (len > 0)
		r->at += len;
	return span;
}

void
get_bytes(struct reader *r, void *out, size_t len)
{
	if (len == 0)
		return;
	const uint8_t *span = get_span(r, len);
	if (span != NULL)
		memcpy(out, span, len);
	else
		memset(out, 0, len);
}

uint8_t
get_u8(struct reader *r)
{
	uint8_t v;
	get_bytes(r, &v, sizeof(v));
	return v;
}

uint16_t
get_u16(struct reader *r)
{
	uint16_t v;
	get_bytes(r, &v, sizeof(v));
	return be16toh(v);
}

uint32_t
get_u32(struct reader *r)
{
	uint32_t v;
	get_bytes(r, &v, sizeof(v));
	return be32toh(v);
}

uint64_t
get_u64(struct reader *r)
{
	uint64_t v;
	get_bytes(r, &v, sizeof(v));
	return be64toh(v);
}

bool
reader_done(const struct reader *r)
{
	return !r->failed && r->at == r->end;
}

struct writer
writer_of(void *data, size_t cap)
{
	uint8_t *at = data;
	return (struct writer){.start = at, .at = at, .end = cap > 0 ? at + cap : at};
}

size_t
writer_len(const struct writer *w)
{
	return (size_t)(w->at - w->start);
}

void
put_bytes(struct writer *w, const void *data, size_t len)
{
	if (w->failed || len > (size_t)(w->end - w->at)) {
		w->failed = true;
		return;
	}
	if (len == 0)
		return;
	memcpy(w->at, data, len);
	w->at += len;
}

void
put_u8(struct writer *w, uint8_t v)
{
	put_bytes(w, &v, sizeof(v));
}

void
put_u16(struct writer *w, uint16_t v)
{
	v = htobe16(v);
	put_bytes(w, &v, sizeof(v));
}

void
put_u32(struct writer *w, uint32_t v)
{
	v = htobe32(v);
	put_bytes(w, &v, sizeof(v));
}

void
put_u64(struct writer *w, uint64_t v)
{
	v = htobe64(v);
	put_bytes(w, &v, sizeof(v));
}
