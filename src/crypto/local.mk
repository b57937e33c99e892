noinst_LIBRARIES += librensa_crypto.a
librensa_crypto_a_SOURCES = \
	src/crypto/address.c \
	src/crypto/base58.c \
	src/crypto/hash.c \
	src/crypto/headerhash.c \
	src/crypto/headerhash_avx2.c \
	src/crypto/headerhash_avx512.c \
	src/crypto/headerhash_lanes.inc \
	src/crypto/headerhash_plain.c \
	src/crypto/headerhash_shani.c \
	src/crypto/headerhash_ways.h \
	src/crypto/key.c \
	src/crypto/random.c \
	src/crypto/sha256_tables.h \
	include/crypto/address.h \
	include/crypto/base58.h \
	include/crypto/hash.h \
	include/crypto/headerhash.h \
	include/crypto/key.h \
	include/crypto/random.h
