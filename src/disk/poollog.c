/*
 * Entries of a frame, one after another: kind (1 byte), length of what follows (4), and
 *
 *	1  transfer	when it came (8), 1 if from a client or 0 (1), the canonical transfer
 */
#include "disk/poollog.h"

#include <inttypes.h>

#include "chain/tx.h"
#include "util/bytes.h"

#define ENTRY_HEAD 14

enum entry_kind { ENTRY_TRANSFER = 1 };

void
poollog_put(struct buf *payload, const struct poollog_entry *e)
{
	uint8_t head[ENTRY_HEAD];
	struct writer w = writer_of(head, sizeof(head));

	put_u8(&w, ENTRY_TRANSFER);
	put_u32(&w, (uint32_t)(9 + e->size));
	put_u64(&w, e->received_ms);
	put_u8(&w, e->from_client);
	buf_append(payload, head, sizeof(head));
	buf_append(payload, e->bytes, e->size);
}

struct reading {
	struct framelog *log;
	poollog_visit *visit;
	void *ctx;
};

static enum err
visit_entry(const struct reading *r, struct reader *from)
{
	struct poollog_entry e = {0};
	uint8_t kind = get_u8(from);
	uint32_t len = get_u32(from);
	const uint8_t *at = get_span(from, len);
	struct reader entry = reader_of(at, at == NULL ? 0 : len);

	if (at == NULL)
		return ERR_FORMAT;
	if (kind != ENTRY_TRANSFER)
		return ERR_UNSUPPORTED;
	e.received_ms = get_u64(&entry);
	e.from_client = get_u8(&entry) != 0;
	e.size = reader_left(&entry);
	e.bytes = entry.at;
	if (entry.failed || e.size > TX_SIZE_MAX)
		return ERR_FORMAT;
	return r->visit(r->ctx, &e);
}

static enum err
visit_frame(void *ctx, const struct frame_at *frame, const uint8_t *payload, size_t size, struct buf *why)
{
	const struct reading *r = ctx;
	struct reader entries = reader_of(payload, size);
	char name[FRAMELOG_NAME_SIZE];
	enum err e = OK;

	while (reader_left(&entries) > 0 && e == OK)
		e = visit_entry(r, &entries);
	if (e != OK) {
		framelog_name(name, frame->file);
		buf_printf(why, "%s/%s, frame at byte %" PRIu64 ": an entry cannot be used: %s",
			   framelog_folder(r->log), name, frame->offset - FRAME_HEADER_SIZE, err_text(e));
	}
	return e;
}

enum err
poollog_read(struct framelog *l, struct framelog_scan *out, bool may_mend, poollog_visit *visit, void *ctx,
	     struct buf *why)
{
	struct reading r = {l, visit, ctx};

	return framelog_scan(l, out, may_mend, visit_frame, &r, why);
}
