/* Binary messages between nodes: the first byte chooses which. What is accepted accounts for every byte. */
#include "fuzz.h"

#include "wire/peer_msg.h"

static void
blocks_walk(const uint8_t *body, size_t len)
{
	struct reader r;
	size_t count, size, seen = 0;
	const uint8_t *bytes;
	if (blocks_open(&r, &count, body, len) != OK)
		return;
	for (; blocks_next(&r, &bytes, &size); seen++) {
		struct block b;
		(void)!block_parse(&b, bytes, size);
	}
	MUST(!r.failed && seen == count);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct hash256 hashes[BLOCKS_MAX];
	const uint8_t *first;
	size_t count;
	if (size == 0)
		return 0;
	const uint8_t *body = data + 1;
	size_t len = size - 1;
	switch (data[0] % 4) {
	case 0:
		if (hashes_parse(hashes, &count, LOCATOR_MAX, body, len) == OK)
			MUST(count <= LOCATOR_MAX && len == 2 + count * HASH_SIZE);
		break;
	case 1:
		if (hashes_parse(hashes, &count, BLOCKS_MAX, body, len) == OK)
			MUST(count <= BLOCKS_MAX && len == 2 + count * HASH_SIZE);
		break;
	case 2:
		if (headers_parse(&first, &count, body, len) == OK)
			MUST(count <= HEADERS_MAX && first + count * HEADER_SIZE == body + len);
		break;
	default:
		blocks_walk(body, len);
		break;
	}
	return 0;
}
