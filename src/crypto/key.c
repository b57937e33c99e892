/*
 * One context of libsecp256k1 for each process, made on first use and blinded with random bytes, so that the time and
 * power that signing takes say nothing about the secret. A forked child blinds its copy anew. After that the context is
 * only read, so threads may share it.
 *
 * To read a public key takes a square root, a tenth of what a verification takes in all. Whoever has sent one transfer
 * sends more, so the points of keys that were met lately are remembered.
 */
#include "crypto/key.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <secp256k1.h>
#include <stdlib.h>

#include "crypto/random.h"
#include "util/log.h"
#include "util/recall.h"

#define POINTS 1024 /* about 100 KiB, and no more than are met */

static pthread_once_t context_once = PTHREAD_ONCE_INIT;
static secp256k1_context *context;

static uint8_t points_space[POINTS][RECALL_PLACE(PUBKEY_SIZE, sizeof(secp256k1_pubkey))];
static struct recall points = {.in_use = ATOMIC_FLAG_INIT,
			       .space = &points_space[0][0],
			       .count = POINTS,
			       .key_size = PUBKEY_SIZE,
			       .value_size = sizeof(secp256k1_pubkey)};

static void
context_blind(void)
{
	uint8_t seed[32];
	random_bytes(seed, sizeof(seed));
	/* Cannot fail for a context that may sign; without blinding results are the same. */
	(void)!secp256k1_context_randomize(context, seed);
	key_wipe(seed, sizeof(seed));
}

static void
context_make(void)
{
	context = secp256k1_context_create(SECP256K1_CONTEXT_SIGN | SECP256K1_CONTEXT_VERIFY);
	if (context == NULL) {
		log_error("key: no room for the signature library's tables, giving up");
		abort();
	}
	context_blind();
	/* If the handler finds no room, children share the blinding of their parent, which still hides the secret. */
	(void)pthread_atfork(NULL, NULL, context_blind);
}

static const secp256k1_context *
context_get(void)
{
	pthread_once(&context_once, context_make);
	return context;
}

void
key_wipe(void *secret, size_t len)
{
	/* Unlike memset, not removed by the compiler when nothing reads the bytes afterwards. */
	OPENSSL_cleanse(secret, len);
}

bool
key_is_valid(const struct seckey *key)
{
	return secp256k1_ec_seckey_verify(context_get(), key->b) == 1;
}

void
key_generate(struct seckey *out)
{
	/* One draw in 2^128 is not below the group order. */
	do
		random_bytes(out->b, sizeof(out->b));
	while (!key_is_valid(out));
}

enum err
key_public(struct pubkey *out, const struct seckey *key)
{
	secp256k1_pubkey point;
	if (secp256k1_ec_pubkey_create(context_get(), &point, key->b) != 1)
		return ERR_ARG;
	size_t len = sizeof(out->b);
	secp256k1_ec_pubkey_serialize(context_get(), out->b, &len, &point, SECP256K1_EC_COMPRESSED);
	return OK;
}

enum err
key_sign(struct signature *out, const struct hash256 *digest, const struct seckey *key)
{
	/* Without a nonce function of ours the library takes RFC 6979's, and it makes low-S signatures only. */
	secp256k1_ecdsa_signature sig;
	if (secp256k1_ecdsa_sign(context_get(), &sig, digest->b, key->b, NULL, NULL) != 1)
		return ERR_ARG;
	secp256k1_ecdsa_signature_serialize_compact(context_get(), out->b, &sig);
	return OK;
}

static bool
point_of(secp256k1_pubkey *out, const struct pubkey *key)
{
	if (recall_find(&points, out, key->b))
		return true;
	if (secp256k1_ec_pubkey_parse(context_get(), out, key->b, sizeof(key->b)) != 1)
		return false;
	recall_note(&points, key->b, out);
	return true;
}

enum signature_state
key_verify(const struct signature *sig, const struct hash256 *digest, const struct pubkey *key)
{
	const secp256k1_context *ctx = context_get();
	secp256k1_ecdsa_signature parsed;
	secp256k1_pubkey point;

	/* Cheapest first: a key costs a square root, the verification much more. */
	if (secp256k1_ecdsa_signature_parse_compact(ctx, &parsed, sig->b) != 1)
		return SIGNATURE_BAD;
	/* The library itself says no to a high S; asked beforehand, because whoever signed wants to know the
	 * difference. */
	if (secp256k1_ecdsa_signature_normalize(ctx, NULL, &parsed) == 1)
		return SIGNATURE_HIGH_S;
	if (!point_of(&point, key))
		return SIGNATURE_BAD_KEY;
	return secp256k1_ecdsa_verify(ctx, &parsed, digest->b, &point) == 1 ? SIGNATURE_GOOD : SIGNATURE_BAD;
}

bool
pubkey_is_valid(const struct pubkey *key)
{
	secp256k1_pubkey point;
	return point_of(&point, key);
}
