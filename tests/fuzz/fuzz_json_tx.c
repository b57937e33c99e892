/*
 * Transfers as JSON: what is accepted is shown as a document that is accepted again, with the same identity; and what the
 * quick way takes, the other one takes, too, as the same transfer.
 */
#include "fuzz.h"

#include <string.h>

#include "wire/tx_scan.h"
#include "wire/views.h"

static bool
tx_read(struct tx *out, const void *text, size_t len)
{
	char reason[JSON_ERROR_SIZE];
	struct field_error error = {0};
	struct jdoc *d = jdoc_parse(text, len, reason);
	if (d == NULL) {
		MUST(reason[0] != '\0');
		return false;
	}
	bool ok = view_tx_parse(out, jdoc_root(d), 60, &error);
	MUST(ok || (error.code != NULL && error.message[0] != '\0'));
	jdoc_free(d);
	return ok;
}

static bool
tx_scan_one(struct tx *out, const void *text, size_t len)
{
	struct tx_scan s = tx_scan_of(text, len, 60);
	struct hash256 id, id_again;
	struct tx more;
	if (!tx_scan_next(&s, out, &id) || s.is_list)
		return false;
	id_again = tx_id(out);
	MUST(hash_equal(&id, &id_again));
	return !tx_scan_next(&s, &more, &id) && tx_scan_is_whole(&s);
}

static bool
tx_equal(const struct tx *a, const struct tx *b)
{
	struct hash256 ida = tx_id(a), idb = tx_id(b);
	return hash_equal(&ida, &idb) && memcmp(&a->signature, &b->signature, sizeof(a->signature)) == 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tx tx, again, scanned;
	bool is_scanned = tx_scan_one(&scanned, data, size);
	if (!tx_read(&tx, data, size)) {
		MUST(!is_scanned);
		return 0;
	}
	MUST(!is_scanned || tx_equal(&scanned, &tx));
	struct buf out = {0};
	struct jout j = jout_to(&out);
	view_tx(&j, &tx, 60);
	MUST(tx_read(&again, out.data, out.len));
	struct hash256 id = tx_id(&tx), id_again = tx_id(&again);
	MUST(hash_equal(&id, &id_again));
	buf_clear(&out);
	return 0;
}
