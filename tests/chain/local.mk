# tests of the chain layer
check_PROGRAMS += tests/chain/test_chain tests/chain/retarget_sim

tests_chain_test_chain_SOURCES = \
	tests/suite.h \
	tests/chain/fixture.c \
	tests/chain/fixture.h \
	tests/chain/main.c \
	tests/chain/suite_addrmap.c \
	tests/chain/suite_block.c \
	tests/chain/suite_fork_choice.c \
	tests/chain/suite_header_chain.c \
	tests/chain/suite_judgement.c \
	tests/chain/suite_ledger.c \
	tests/chain/suite_merkle.c \
	tests/chain/suite_outlook.c \
	tests/chain/suite_params.c \
	tests/chain/suite_pow.c \
	tests/chain/suite_property.c \
	tests/chain/suite_replay.c \
	tests/chain/suite_rule.c \
	tests/chain/suite_template.c \
	tests/chain/suite_tx.c \
	tests/chain/suite_u256.c \
	tests/chain/suite_vectors.c \
	tests/chain/suites.h \
	tests/chain/u256_rows.inc \
	tests/chain/vectors.c \
	tests/chain/vectors.h
tests_chain_test_chain_CPPFLAGS = $(AM_CPPFLAGS) -DVECTORS_FILE='"$(abs_top_srcdir)/tests/chain/vectors.json"'
tests_chain_test_chain_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_chain_test_chain_LDADD = $(CHAIN_LIBS) $(CHECK_LIBS)

tests_chain_retarget_sim_SOURCES = tests/chain/retarget_sim.c
tests_chain_retarget_sim_LDADD = $(CHAIN_LIBS) -lm

EXTRA_DIST += tests/chain/vectors.json
