/*
 * What is said of a block's parts: the first byte chooses whether a compact block, a question for parts, or an inventory's
 * answer. What is accepted accounts for every byte, and every name of a compact block can be read.
 */
#include "fuzz.h"

#include "wire/peer_msg.h"

static void
compact_walk(const uint8_t *body, size_t len)
{
	struct compact c;
	struct hash256 id;

	if (compact_parse(&c, body, len) != OK)
		return;
	MUST(c.tx_count > 0 && len == COMPACT_PREFIX_SIZE + (c.tx_count - 1) * COMPACT_NAME_SIZE);
	for (uint32_t i = 1; i < c.tx_count; i++) {
		compact_id(&id, &c, i);
		/* Nothing of this message is a transfer that it could name. */
		MUST(!compact_is_named(&c, i, c.reward, TX_REWARD_SIZE));
		(void)compact_is_named(&c, i, body, len);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint16_t positions[PUSH_TXS_MAX];
	struct hash256 block;
	size_t count;

	if (size == 0)
		return 0;
	const uint8_t *body = data + 1;
	size_t len = size - 1;
	switch (data[0] % 3) {
	case 0:
		compact_walk(body, len);
		break;
	case 1:
		if (parts_parse(&block, positions, &count, PUSH_TXS_MAX, body, len) == OK)
			MUST(len == HASH_SIZE + 2 + 2 * count);
		break;
	default:
		if (positions_parse(positions, &count, PUSH_TXS_MAX, body, len) != OK)
			break;
		MUST(len == 2 + 2 * count);
		for (size_t i = 1; i < count; i++)
			MUST(positions[i] > positions[i - 1]);
		break;
	}
	return 0;
}
