noinst_LIBRARIES += librensa_crypto.a
librensa_crypto_a_SOURCES = \
	include/crypto/address.h \
	include/crypto/hash.h \
	include/crypto/headerhash.h \
	include/crypto/key.h \
	include/crypto/random.h
