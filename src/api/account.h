/* Accounts as of now. */
#ifndef RENSA_SRC_API_ACCOUNT_H
#define RENSA_SRC_API_ACCOUNT_H

#include "crypto/address.h"
#include "state.h"
#include "store/chain.h"
#include "util/attr.h"

/* The account at the current tip, looked up again if the chain moves meanwhile. ERR_BUSY, ERR_STALE: try later. */
enum err account_now(const struct api *a, const struct address *who, struct account *out) MUSTCHECK;

#endif
