/* Transactions, one after another as peers push them: what decodes encodes to the same bytes. */
#include "fuzz.h"

#include <string.h>

#include "chain/tx.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = reader_of(data, size);
	struct tx tx;
	struct params p;
	params_default(&p);
	while (reader_left(&r) > 0) {
		const uint8_t *from = r.at;
		size_t span = tx_span(&r);
		enum rule rule = tx_decode(&tx, &r);
		if (rule != RULE_OK) {
			MUST(rule == RULE_TX_VERSION || rule == RULE_MEMO_TOO_LONG || rule == RULE_TX_MALFORMED);
			break;
		}
		uint8_t bytes[TX_SIZE_MAX];
		struct writer w = writer_of(bytes, sizeof(bytes));
		tx_encode(&w, &tx);
		MUST(!w.failed && writer_len(&w) == span && memcmp(from, bytes, span) == 0);
		(void)!tx_check_form(&tx, &p, &tx.network);
	}
	return 0;
}
