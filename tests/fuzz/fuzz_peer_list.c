/* What peers tell of others: what is accepted is no more than agreed, and reads back as it was. */
#include "fuzz.h"

#include <string.h>

#include "wire/peer_list.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct peer_list list, again;
	struct field_error error = {0};
	if (!peer_list_parse(&list, data, size, &error)) {
		MUST(error.code != NULL && error.message[0] != '\0');
		return 0;
	}
	MUST(list.count <= PEER_LIST_MAX);
	struct buf out = {0};
	peer_list_encode(&out, &list);
	/* Escapes can make the text longer than it may be; what can be read is the same. */
	if (peer_list_parse(&again, out.data, out.len, &error))
		MUST(memcmp(&list, &again, sizeof(list)) == 0);
	else
		MUST(out.len > PEER_LIST_SIZE_MAX);
	buf_clear(&out);
	return 0;
}
