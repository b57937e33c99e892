if HAVE_CHECK
include tests/util/local.mk
include tests/crypto/local.mk
include tests/chain/local.mk
include tests/disk/local.mk
include tests/store/local.mk
include tests/wire/local.mk
include tests/net/local.mk
include tests/peer/local.mk
include tests/api/local.mk
include tests/node/local.mk
include tests/prog/local.mk
endif
include tests/fuzz/local.mk
