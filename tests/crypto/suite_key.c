/* Keys and signatures: published vectors, and each reason to refuse one. */
#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crypto/key.h"
#include "suites.h"
#include "unhex.h"

#define ORDER "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"
#define ORDER_LESS_1 "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140"
#define ORDER_MORE_1 "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364142"
#define HALF_ORDER "7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0"
#define HALF_ORDER_MORE_1 "7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a1"
#define ZERO "0000000000000000000000000000000000000000000000000000000000000000"
#define ONE "0000000000000000000000000000000000000000000000000000000000000001"
#define ONES "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
#define BASE_X "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"

/* ECDSA over SHA-256 of the text with nonces of RFC 6979, low S. */
static const struct {
	const char *secret;
	const char *text;
	const char *signature;
} sign_rows[] = {
    {ONE, "Satoshi Nakamoto",
     "934b1ea10a4b3c1757e2b0c017d0b6143ce3c9a7e6a4a49860d7a6ab210ee3d8"
     "2442ce9d2b916064108014783e923ec36b49743e2ffa1c4496f01a512aafd9e5"},
    {ONE, "All those moments will be lost in time, like tears in rain. Time to die...",
     "8600dbd41e348fe5c9465ab92d23e3db8b98b873beecd930736488696438cb6b"
     "547fe64427496db33bf66019dacbf0039c04199abb0122918601db38a72cfc21"},
    {ORDER_LESS_1, "Satoshi Nakamoto",
     "fd567d121db66e382991534ada77a6bd3106f0a1098c231e47993447cd6af2d0"
     "6b39cd0eb1bc8603e159ef5c20a5c8ad685a45b06ce9bebed3f153d10d93bed5"},
    {"f8b8af8ce3c7cca5e300d33939540c10d45ce001b8f252bfbc57ba0342904181", "Alan Turing",
     "7063ae83e7f62bbb171798131b4a0564b956930092b33b07b395615d9ec7e15c"
     "58dfcc1e00a35e1572f366ffe34ba0fc47db1e7189759b9fb233c5b05ab388ea"},
};

START_TEST(signs_as_rfc_6979_says_and_verifies_it)
{
	struct seckey key;
	struct pubkey pub;
	struct signature sig;
	char text[2 * SIGNATURE_SIZE + 1];
	struct hash256 digest = sha256(sign_rows[_i].text, strlen(sign_rows[_i].text));
	unhex(key.b, sizeof(key.b), sign_rows[_i].secret);
	ck_assert_int_eq(key_sign(&sig, &digest, &key), OK);
	hex_encode(text, sig.b, sizeof(sig.b));
	ck_assert_str_eq(text, sign_rows[_i].signature);
	ck_assert_int_eq(key_public(&pub, &key), OK);
	ck_assert_int_eq(key_verify(&sig, &digest, &pub), SIGNATURE_GOOD);
}
END_TEST

static const struct {
	const char *secret;
	const char *pubkey; /* NULL: there is none */
} public_rows[] = {
    {ONE, "02" BASE_X},
    {ORDER_LESS_1, "03" BASE_X},
    {"18e14a7b6a307f426a94f8114701e7c8e774e7f9a47e2c2035db29a206321725",
     "0250863ad64a87ae8a2fe83c1af1a8403cb53f53e486d8511dad8a04887e5b2352"},
    {ZERO, NULL},
    {ORDER, NULL},
    {ORDER_MORE_1, NULL},
    {ONES, NULL},
};

START_TEST(derives_the_public_key_of_each_valid_secret)
{
	struct seckey key;
	struct pubkey pub;
	struct signature sig;
	struct hash256 digest = sha256("x", 1);
	bool valid = public_rows[_i].pubkey != NULL;
	unhex(key.b, sizeof(key.b), public_rows[_i].secret);
	ck_assert(key_is_valid(&key) == valid);
	ck_assert_int_eq(key_public(&pub, &key), valid ? OK : ERR_ARG);
	ck_assert_int_eq(key_sign(&sig, &digest, &key), valid ? OK : ERR_ARG);
	if (valid) {
		char text[2 * PUBKEY_SIZE + 1];
		hex_encode(text, pub.b, sizeof(pub.b));
		ck_assert_str_eq(text, public_rows[_i].pubkey);
		ck_assert(pubkey_is_valid(&pub));
	}
}
END_TEST

/* What the rows of judgement start from: a key, a digest and a good signature. */
struct signed_digest {
	struct seckey key;
	struct pubkey pub;
	struct hash256 digest;
	struct signature sig;
};

static struct signed_digest
sign_anew(void)
{
	struct signed_digest s;
	key_generate(&s.key);
	s.digest = sha256(s.key.b, sizeof(s.key.b));
	ck_assert_int_eq(key_public(&s.pub, &s.key), OK);
	ck_assert_int_eq(key_sign(&s.sig, &s.digest, &s.key), OK);
	return s;
}

/* s becomes the group order less s: as true mathematically, and high where it was low. */
static void
negate_s(struct signature *sig)
{
	uint8_t order[32];
	int borrow = 0;
	unhex(order, sizeof(order), ORDER);
	for (size_t i = 32; i-- > 0;) {
		int v = order[i] - sig->b[32 + i] - borrow;
		borrow = v < 0;
		sig->b[32 + i] = (uint8_t)(v & 0xff);
	}
}

START_TEST(tells_a_high_s_from_a_bad_signature)
{
	struct signed_digest s = sign_anew();
	negate_s(&s.sig);
	ck_assert_int_eq(key_verify(&s.sig, &s.digest, &s.pub), SIGNATURE_HIGH_S);
	negate_s(&s.sig);
	ck_assert_int_eq(key_verify(&s.sig, &s.digest, &s.pub), SIGNATURE_GOOD);
}
END_TEST

static const struct {
	const char *r; /* NULL: leave it */
	const char *s;
	enum signature_state state;
} number_rows[] = {
    {ZERO, NULL, SIGNATURE_BAD},
    {NULL, ZERO, SIGNATURE_BAD},
    {ZERO, ZERO, SIGNATURE_BAD},
    {ORDER, NULL, SIGNATURE_BAD},
    {NULL, ORDER, SIGNATURE_BAD},
    {ORDER_MORE_1, NULL, SIGNATURE_BAD},
    {NULL, ORDER_MORE_1, SIGNATURE_BAD},
    {ONES, ONES, SIGNATURE_BAD},
    {ORDER_LESS_1, NULL, SIGNATURE_BAD},
    {NULL, HALF_ORDER, SIGNATURE_BAD},
    {NULL, HALF_ORDER_MORE_1, SIGNATURE_HIGH_S},
    {NULL, ORDER_LESS_1, SIGNATURE_HIGH_S},
};

START_TEST(judges_numbers_at_the_borders)
{
	struct signed_digest s = sign_anew();
	if (number_rows[_i].r != NULL)
		unhex(s.sig.b, 32, number_rows[_i].r);
	if (number_rows[_i].s != NULL)
		unhex(s.sig.b + 32, 32, number_rows[_i].s);
	ck_assert_int_eq(key_verify(&s.sig, &s.digest, &s.pub), number_rows[_i].state);
}
END_TEST

START_TEST(refuses_a_signature_with_any_bit_changed)
{
	struct signed_digest s = sign_anew();
	for (size_t bit = 0; bit < 8 * SIGNATURE_SIZE; bit += 5) {
		struct signature sig = s.sig;
		sig.b[bit / 8] ^= (uint8_t)(1 << bit % 8);
		ck_assert_int_ne(key_verify(&sig, &s.digest, &s.pub), SIGNATURE_GOOD);
	}
}
END_TEST

START_TEST(refuses_another_digest_and_another_key)
{
	struct signed_digest s = sign_anew();
	struct signed_digest other = sign_anew();
	ck_assert_int_eq(key_verify(&s.sig, &other.digest, &s.pub), SIGNATURE_BAD);
	ck_assert_int_eq(key_verify(&s.sig, &s.digest, &other.pub), SIGNATURE_BAD);
	ck_assert_int_eq(key_verify(&other.sig, &s.digest, &s.pub), SIGNATURE_BAD);
}
END_TEST

static const char *const bad_pubkeys[] = {
    "000000000000000000000000000000000000000000000000000000000000000000",
    "00" BASE_X,
    "01" BASE_X,
    "04" BASE_X, /* the mark of an uncompressed key */
    "06" BASE_X, /* and of the hybrid form */
    "ff" BASE_X,
    "02" ZERO,
    "020000000000000000000000000000000000000000000000000000000000000005", /* no point has this x */
    "02fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f", /* the field's size */
    "02fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc30", /* x = 1, written a second way */
    "02" ONES,
};

START_TEST(refuses_bytes_that_are_no_key)
{
	struct signed_digest s = sign_anew();
	struct pubkey pub;
	unhex(pub.b, sizeof(pub.b), bad_pubkeys[_i]);
	ck_assert(!pubkey_is_valid(&pub));
	ck_assert_int_eq(key_verify(&s.sig, &s.digest, &pub), SIGNATURE_BAD_KEY);
}
END_TEST

/* A key and its mirror image have the same x: what is remembered of one is not to be taken for the other. */
START_TEST(tells_keys_apart_however_often_it_met_them)
{
	struct signed_digest s = sign_anew();
	struct pubkey mirrored = s.pub;
	mirrored.b[0] ^= 1;
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(key_verify(&s.sig, &s.digest, &s.pub), SIGNATURE_GOOD);
		ck_assert_int_eq(key_verify(&s.sig, &s.digest, &mirrored), SIGNATURE_BAD);
	}
	/* More than are remembered at a time. */
	for (uint32_t i = 1; i <= 1500; i++) {
		struct seckey key = {{0}};
		struct pubkey pub;
		memcpy(key.b, &i, sizeof(i));
		ck_assert_int_eq(key_public(&pub, &key), OK);
		ck_assert(pubkey_is_valid(&pub));
		ck_assert_int_eq(key_verify(&s.sig, &s.digest, &pub), SIGNATURE_BAD);
	}
	ck_assert_int_eq(key_verify(&s.sig, &s.digest, &s.pub), SIGNATURE_GOOD);
}
END_TEST

START_TEST(generates_valid_keys_that_differ)
{
	struct seckey a;
	struct seckey b;
	key_generate(&a);
	key_generate(&b);
	ck_assert(key_is_valid(&a));
	ck_assert(key_is_valid(&b));
	ck_assert_mem_ne(a.b, b.b, sizeof(a.b));
}
END_TEST

START_TEST(works_in_a_forked_child)
{
	struct signed_digest s = sign_anew();
	pid_t pid = fork();
	ck_assert_int_ne(pid, -1);
	if (pid == 0) {
		struct signature sig;
		bool good = key_sign(&sig, &s.digest, &s.key) == OK && memcmp(sig.b, s.sig.b, sizeof(sig.b)) == 0 &&
			    key_verify(&sig, &s.digest, &s.pub) == SIGNATURE_GOOD;
		_exit(good ? 0 : 1);
	}
	int status;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 0);
}
END_TEST

static void *
sign_and_verify(void *arg)
{
	struct signed_digest *s = arg;
	unhex(s->key.b, sizeof(s->key.b), ONE);
	s->digest = sha256("x", 1);
	bool good = key_public(&s->pub, &s->key) == OK && key_sign(&s->sig, &s->digest, &s->key) == OK &&
		    key_verify(&s->sig, &s->digest, &s->pub) == SIGNATURE_GOOD;
	return good ? s : NULL;
}

START_TEST(may_be_used_by_several_threads_from_the_start)
{
	pthread_t threads[4];
	struct signed_digest results[ARRAY_LEN(threads)];
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, sign_and_verify, &results[i]), 0);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
		void *good = NULL;
		pthread_join(threads[i], &good);
		ck_assert_ptr_nonnull(good);
		ck_assert_mem_eq(results[i].sig.b, results[0].sig.b, SIGNATURE_SIZE);
	}
}
END_TEST

START_TEST(wipes_every_byte)
{
	uint8_t secret[40];
	uint8_t zeros[sizeof(secret)] = {0};
	memset(secret, 0x5a, sizeof(secret));
	key_wipe(secret, sizeof(secret) - 1);
	ck_assert_mem_eq(secret, zeros, sizeof(secret) - 1);
	ck_assert_uint_eq(secret[sizeof(secret) - 1], 0x5a);
}
END_TEST

Suite *
suite_key(void)
{
	Suite *suite;
	TCase *tc = suite_case(&suite, "key", 20);
	tcase_add_test(tc, may_be_used_by_several_threads_from_the_start);
	tcase_add_loop_test(tc, signs_as_rfc_6979_says_and_verifies_it, 0, ARRAY_LEN(sign_rows));
	tcase_add_loop_test(tc, derives_the_public_key_of_each_valid_secret, 0, ARRAY_LEN(public_rows));
	tcase_add_test(tc, tells_a_high_s_from_a_bad_signature);
	tcase_add_loop_test(tc, judges_numbers_at_the_borders, 0, ARRAY_LEN(number_rows));
	tcase_add_test(tc, refuses_a_signature_with_any_bit_changed);
	tcase_add_test(tc, refuses_another_digest_and_another_key);
	tcase_add_loop_test(tc, refuses_bytes_that_are_no_key, 0, ARRAY_LEN(bad_pubkeys));
	tcase_add_test(tc, tells_keys_apart_however_often_it_met_them);
	tcase_add_test(tc, generates_valid_keys_that_differ);
	tcase_add_test(tc, works_in_a_forked_child);
	tcase_add_test(tc, wipes_every_byte);
	return suite;
}
