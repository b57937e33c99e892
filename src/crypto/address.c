#include "crypto/address.h"

#include <string.h>

#include "crypto/base58.h"
#include "util/text.h"

/* An address: the version byte and the hash. */
#define ADDRESS_PAYLOAD_SIZE 21

/* A secret in wallet import format: version byte, secret, and the mark of a key that is used compressed. */
#define WIF_PAYLOAD_SIZE 34
#define WIF_COMPRESSED 0x01
#define WIF_VERSION_OFFSET 128

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

enum err
address_parse(struct address *out, const char *text, uint8_t version)
{
	uint8_t payload[ADDRESS_PAYLOAD_SIZE];
	enum err ret = base58check_decode(payload, sizeof(payload), text);
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
