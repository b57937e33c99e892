/* Transfers as JSON: what is accepted is shown as a document that is accepted again, with the same identity. */
#include "fuzz.h"

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

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tx tx, again;
	if (!tx_read(&tx, data, size))
		return 0;
	struct buf out = {0};
	struct jout j = jout_to(&out);
	view_tx(&j, &tx, 60);
	MUST(tx_read(&again, out.data, out.len));
	struct hash256 id = tx_id(&tx), id_again = tx_id(&again);
	MUST(hash_equal(&id, &id_again));
	buf_clear(&out);
	return 0;
}
