/*
 * Transactions, blocks and parameters as JSON, and transfers back from it, with the field names that users see
 * (docs/protocol.md, "JSON").
 */
#ifndef RENSA_WIRE_VIEWS_H
#define RENSA_WIRE_VIEWS_H

#include <stdbool.h>
#include <stdint.h>

#include "chain/block.h"
#include "chain/params.h"
#include "chain/tx.h"
#include "util/attr.h"
#include "wire/field.h"
#include "wire/json.h"

/*
 * {"id","version","network","sender_public_key","sender_blockchain_address","recipient_blockchain_address","value","fee",
 * "sequence","memo","signature"}. A reward has the sender "THE BLOCKCHAIN", its height as sequence, fee 0, memo "", and
 * null for key and signature.
 */
void view_tx(struct jout *j, const struct tx *tx, uint8_t address_version);
/* {"height","hash","version","previous_hash","merkle_root","timestamp","target","nonce","transactions"}; target: the
 * compact form as 8 hex digits. The genesis block has one more member, "parameters". */
void view_block(struct jout *j, const struct block *b, const struct params *p);
/* {"name","genesis_time","target_interval","retarget","difficulty","reward","address_version","maturity","minimum_fee",
 * "max_block_bytes"}; times in milliseconds, amounts in base units, retarget "per-block" or "fixed". */
void view_params(struct jout *j, const struct params *p);

/*
 * A transfer from JSON: every member but id required (id, if given, must match; sender address must match the key), no
 * others. Only the form is judged, so that rules can be reported by their names afterwards: e.g. value 0 parses.
 * False: *error says why. Memos longer than MEMO_MAX and high values are errors here, with the rule's name as code.
 */
bool view_tx_parse(struct tx *out, const struct jval *v, uint8_t address_version, struct field_error *error) MUSTCHECK;
/* Parameters from JSON (handshake). */
bool view_params_parse(struct params *out, const struct jval *v, struct field_error *error) MUSTCHECK;

#endif
