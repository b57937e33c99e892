/* Handshakes: what is accepted has parameters within their bounds and reads back as it was. */
#include "fuzz.h"

#include <string.h>

#include "wire/peer_msg.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hello h, again;
	struct field_error error = {0};
	const char *bad;
	if (!hello_parse(&h, data, size, &error)) {
		MUST(error.code != NULL && error.message[0] != '\0');
		return 0;
	}
	MUST(params_check(&h.params, &bad) == OK);
	struct buf out = {0};
	hello_encode(&out, &h);
	MUST(hello_parse(&again, out.data, out.len, &error));
	MUST(params_difference(&h.params, &again.params) == NULL);
	MUST(strcmp(h.node, again.node) == 0 && h.nonce == again.nonce && h.port == again.port);
	MUST(u256_compare(&h.head.work, &again.head.work) == 0 && h.time_ms == again.time_ms);
	buf_clear(&out);
	return 0;
}
