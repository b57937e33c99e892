noinst_LIBRARIES += librensa_crypto.a
librensa_crypto_a_SOURCES = \
	src/crypto/address.c \
	src/crypto/base58.c \
	src/crypto/hash.c \
	src/crypto/headerhash.c \
	src/crypto/key.c \
	src/crypto/random.c \
	include/crypto/address.h \
	include/crypto/base58.h \
	include/crypto/hash.h \
	include/crypto/headerhash.h \
	include/crypto/key.h \
	include/crypto/random.h
