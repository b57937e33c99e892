noinst_LIBRARIES += librensa_chain.a
librensa_chain_a_SOURCES = \
	src/chain/addrmap.c \
	src/chain/block.c \
	src/chain/fork_choice.c \
	src/chain/header_chain.c \
	src/chain/ledger.c \
	src/chain/lineup.c \
	src/chain/lineup.h \
	src/chain/merkle.c \
	src/chain/outlook.c \
	src/chain/params.c \
	src/chain/pow.c \
	src/chain/replay.c \
	src/chain/rule.c \
	src/chain/template.c \
	src/chain/tx.c \
	src/chain/u256.c \
	include/chain/addrmap.h \
	include/chain/block.h \
	include/chain/fork_choice.h \
	include/chain/header_chain.h \
	include/chain/ledger.h \
	include/chain/merkle.h \
	include/chain/outlook.h \
	include/chain/params.h \
	include/chain/pow.h \
	include/chain/replay.h \
	include/chain/rule.h \
	include/chain/template.h \
	include/chain/tx.h \
	include/chain/u256.h
