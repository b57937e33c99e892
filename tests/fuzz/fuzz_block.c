/* Blocks: what parses can be walked to its end and shown as a JSON document. */
#include "fuzz.h"

#include <string.h>

#include "wire/views.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct block b;
	struct params p;
	struct buf out = {0};
	char error[JSON_ERROR_SIZE];
	params_default(&p);
	if (block_parse(&b, data, size) != RULE_OK)
		return 0;
	(void)block_merkle_root(&b);
	struct jout j = jout_to(&out);
	view_block(&j, &b, &p);
	struct jdoc *d = jdoc_parse(out.data, out.len, error);
	/* Only numbers that the rules refuse are written and not read back: those beyond 63 bits. */
	MUST(d != NULL || strstr(error, "too big integer") != NULL);
	if (d != NULL)
		MUST(jval_count(jval_get(jdoc_root(d), "transactions")) == b.tx_count);
	jdoc_free(d);
	buf_clear(&out);
	return 0;
}
