/* One slot with one writer, which outlives all readers: no repair is needed. */
#include "store/reload_note.h"

#include "layout.h"
#include "seqslot.h"

static struct reload_region *
region(const struct store *s)
{
	return at(s, s->super->reload_at);
}

void
reload_note_put(struct store *s, const struct reload_note *note)
{
	struct reload_region *r = region(s);

	seqslot_open(&r->seq);
	seqslot_write(&r->note, note, sizeof(*note));
	atomic_store_explicit(&r->is_used, 1, memory_order_relaxed);
	seqslot_close(&r->seq);
}

/* Whoever may write everything may have spoilt the texts' ends. */
bool
reload_note_get(const struct store *s, struct reload_note *out)
{
	const struct reload_region *r = region(s);

	if (!seqslot_read(&r->seq, &r->is_used, out, &r->note, sizeof(*out)))
		return false;
	out->changed[RELOAD_TEXT_SIZE - 1] = out->waiting[RELOAD_TEXT_SIZE - 1] = out->errors[RELOAD_TEXT_SIZE - 1] =
	    '\0';
	return true;
}
