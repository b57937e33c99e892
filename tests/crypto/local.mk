check_PROGRAMS += tests/crypto/test_crypto
tests_crypto_test_crypto_SOURCES = \
	tests/suite.h \
	tests/crypto/main.c \
	tests/crypto/suite_address.c \
	tests/crypto/suite_base58.c \
	tests/crypto/suite_hash.c \
	tests/crypto/suite_headerhash.c \
	tests/crypto/suite_key.c \
	tests/crypto/suite_random.c \
	tests/crypto/suites.h \
	tests/crypto/unhex.h
tests_crypto_test_crypto_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/src
tests_crypto_test_crypto_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_crypto_test_crypto_LDADD = $(CRYPTO_LAYER_LIBS) $(CHECK_LIBS)
