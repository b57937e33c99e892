noinst_LIBRARIES += librensa_chain.a
librensa_chain_a_SOURCES = \
	include/chain/block.h \
	include/chain/fork_choice.h \
	include/chain/header_chain.h \
	include/chain/ledger.h \
	include/chain/merkle.h \
	include/chain/params.h \
	include/chain/pow.h \
	include/chain/rule.h \
	include/chain/template.h \
	include/chain/tx.h \
	include/chain/u256.h
