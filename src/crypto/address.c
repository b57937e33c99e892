/*
 * Who is paid once is paid again, and whoever has paid pays again: the payloads of texts that were read lately are
 * remembered, since Base58 and its checksum cost more than all other members of a transfer together.
 */
#include "crypto/address.h"

#include <string.h>

#include "crypto/base58.h"
#include "util/recall.h"
#include "util/text.h"

/* An address: the version byte and the hash. */
#define ADDRESS_PAYLOAD_SIZE 21

/* A secret in wallet import format: version byte, secret, and the mark of a key that is used compressed. */
#define WIF_PAYLOAD_SIZE 34
#define WIF_COMPRESSED 0x01
#define WIF_VERSION_OFFSET 128

#define READ_LATELY 1024 /* about 60 KiB, and no more than are read */

static uint8_t read_space[READ_LATELY][RECALL_PLACE(ADDRESS_TEXT_SIZE, ADDRESS_PAYLOAD_SIZE)];
static struct recall read_lately = {.in_use = ATOMIC_FLAG_INIT,
				    .space = &read_space[0][0],
				    .count = READ_LATELY,
				    .key_size = ADDRESS_TEXT_SIZE,
				    .value_size = ADDRESS_PAYLOAD_SIZE};

struct address
address_of(const struct pubkey *key)
{
	struct hash160 hash = hash160(key->b, sizeof(key->b));
	struct address a;
	memcpy(a.b, hash.b, sizeof(a.b));
	return a;
}

bool
address_equal(const struct address *a, const struct address *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

void
address_format(char text[ADDRESS_TEXT_SIZE], const struct address *a, uint8_t version)
{
	uint8_t payload[ADDRESS_PAYLOAD_SIZE];
	char long_text[BASE58CHECK_TEXT_SIZE];
	payload[0] = version;
	memcpy(payload + 1, a->b, sizeof(a->b));
	base58check_encode(long_text, payload, sizeof(payload));
	text_copy(text, ADDRESS_TEXT_SIZE, long_text);
}

static enum err
payload_read(uint8_t payload[ADDRESS_PAYLOAD_SIZE], const char *text)
{
	char key[ADDRESS_TEXT_SIZE] = {0};
	size_t len = strnlen(text, sizeof(key));
	if (len == sizeof(key))
		return ERR_FORMAT;
	memcpy(key, text, len);
	if (recall_find(&read_lately, payload, key))
		return OK;
	enum err ret = base58check_decode(payload, ADDRESS_PAYLOAD_SIZE, key);
	if (ret == OK)
		recall_note(&read_lately, key, payload);
	return ret;
}

enum err
address_parse(struct address *out, const char *text, uint8_t version)
{
	uint8_t payload[ADDRESS_PAYLOAD_SIZE];
	enum err ret = payload_read(payload, text);
	if (ret != OK)
		return ret;
	if (payload[0] != version)
		return ERR_UNSUPPORTED;
	memcpy(out->b, payload + 1, sizeof(out->b));
	return OK;
}

void
wif_format(char text[WIF_TEXT_SIZE], const struct seckey *key, uint8_t version)
{
	uint8_t payload[WIF_PAYLOAD_SIZE];
	char long_text[BASE58CHECK_TEXT_SIZE];
	payload[0] = (uint8_t)(version + WIF_VERSION_OFFSET);
	memcpy(payload + 1, key->b, sizeof(key->b));
	payload[WIF_PAYLOAD_SIZE - 1] = WIF_COMPRESSED;
	base58check_encode(long_text, payload, sizeof(payload));
	text_copy(text, WIF_TEXT_SIZE, long_text);
	key_wipe(payload, sizeof(payload));
	key_wipe(long_text, sizeof(long_text));
}

enum err
wif_parse(struct seckey *out, const char *text, uint8_t version)
{
	uint8_t payload[WIF_PAYLOAD_SIZE];
	struct seckey key;
	enum err ret = base58check_decode(payload, sizeof(payload), text);
	if (ret != OK)
		goto out;
	memcpy(key.b, payload + 1, sizeof(key.b));
	if (payload[0] != (uint8_t)(version + WIF_VERSION_OFFSET))
		ret = ERR_UNSUPPORTED;
	else if (payload[WIF_PAYLOAD_SIZE - 1] != WIF_COMPRESSED || !key_is_valid(&key))
		ret = ERR_FORMAT;
	else
		*out = key;

out:
	key_wipe(&key, sizeof(key));
	key_wipe(payload, sizeof(payload));
	return ret;
}
