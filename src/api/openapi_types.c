/* The shapes themselves, a row for each member; docs/protocol.md, "JSON", has the rules behind them. */
#include "openapi_types.h"

#include <stdio.h>
#include <string.h>

#include "util/attr.h"

#define MEMBERS_MAX 24
#define TYPE_SIZE 40

struct member {
	const char *name; /* with "?" behind if it may be absent; NULL: no more */
	const char *type;
	const char *about;
};

static const struct shape {
	const char *name, *about;
	struct member members[MEMBERS_MAX];
} shapes[] = {
    {"Error",
     "Why a request was refused; some errors have further members.",
     {{"error", "ErrorReason", "what is wrong"}}},
    {"ErrorReason",
     "The reason of an error.",
     {{"code", "string", "a stable word, for programs; of a broken rule its name"},
      {"message", "string", "what is wrong and what to do, for people"}}},
    {"Transaction",
     "A transfer, or the reward of a block. Of one that is posted id may be left out.",
     {{"id?", "hash", "double SHA-256 of the canonical bytes without the signature"},
      {"version", "integer", "1 of a transfer, 0 of a reward"},
      {"network", "hash", "the hash of the genesis block"},
      {"sender_public_key", "hex?", "compressed, 33 bytes; null in a reward"},
      {"sender_blockchain_address", "string", "an address, or THE BLOCKCHAIN"},
      {"recipient_blockchain_address", "address", "who gets the value"},
      {"value", "integer", "in base units, 100,000,000 to a coin"},
      {"fee", "integer", "in base units, to the miner"},
      {"sequence", "integer", "the sender's own counter from 0; of a reward the height"},
      {"memo", "string", "up to 256 bytes"},
      {"signature", "hex?", "compact, 64 bytes; null in a reward"}}},
    {"TransactionState",
     "A transaction and how it stands.",
     {{"transaction", "Transaction?", "null if only its fate is known"},
      {"status", "string", "pending, waiting, confirmed or conflicted"},
      {"height", "integer?", "of the block that holds it"},
      {"confirmations", "integer", "blocks from that one to the head"},
      {"reason?", "string", "the rule that a conflicted one breaks"},
      {"message?", "string", "the same for people"}}},
    {"Proof",
     "What proves that a block holds a transaction.",
     {{"id", "hash", "of the transaction"},
      {"transaction", "hex", "its canonical bytes"},
      {"index", "integer", "its place in the block"},
      {"leaves", "integer", "how many transactions the block has"},
      {"path", "[hash]", "the audit path of RFC 6962, from the leaf up"},
      {"header", "hex", "of the block, 96 bytes"},
      {"hash", "hash", "of the block"},
      {"height", "integer", "of the block"}}},
    {"Submitted",
     "What has become of a transfer that was handed in.",
     {{"id", "hash", "of the transfer"}, {"status", "string", "pending or waiting"}}},
    {"Verdicts",
     "What has become of each transfer of a list, in its order.",
     {{"results", "[Verdict]", "as many as were handed in"}}},
    {"Verdict",
     "Of a transfer that was taken id and status, of one that was refused the error.",
     {{"id?", "hash", "of the transfer"},
      {"status?", "string", "pending or waiting"},
      {"error?", "ErrorReason", "why it was refused"}}},
    {"Block",
     "A block; the genesis block also has the parameters of the network.",
     {{"height", "integer", "0 is the genesis block"},
      {"hash", "hash", "double SHA-256 of the header"},
      {"version", "integer", "1"},
      {"previous_hash", "hash", "of the block before"},
      {"merkle_root", "hash", "of its transactions"},
      {"timestamp", "time", "when its search began"},
      {"target", "hex", "compact, 4 bytes"},
      {"nonce", "integer", "below 2^53"},
      {"transactions", "[Transaction]", "the reward first"},
      {"parameters?", "object", "of the network, in the genesis block"}}},
    {"Chain", "Blocks, the lowest first.", {{"chain", "[Block]", "of the whole chain, or the slice asked for"}}},
    {"Blocks", "Blocks, the highest first.", {{"blocks", "[Block]", "up to as many as asked for"}}},
    {"Head",
     "The last block.",
     {{"height", "integer", "of the chain"},
      {"hash", "hash", "of the block"},
      {"work", "hex", "in the whole chain, 32 bytes"},
      {"timestamp", "time", "of the block"}}},
    {"Pool",
     "Transfers that wait for a block, in the order in which they came.",
     {{"transactions", "[Transaction]", "up to as many as asked for"},
      {"length", "integer", "how many there are in all"},
      {"next?", "integer", "what to ask for with after= to get the rest, if there is more"}}},
    {"Amount", "A confirmed balance.", {{"amount", "integer", "in base units"}}},
    {"Account",
     "An address, confirmed and pending.",
     {{"address", "address", "whose"},
      {"balance", "integer", "confirmed, in base units"},
      {"pending", "integer", "what own pending transfers will take of it"},
      {"spendable", "integer", "what a new transfer may take"},
      {"next_sequence", "integer", "of a new transfer"},
      {"transactions_pending", "integer", "own transfers that wait"}}},
    {"MineOrder",
     "What to mine; all of it may be left out.",
     {{"address?", "address", "who gets the reward; without it that of the configuration"},
      {"blocks?", "integer", "how many, 1 if left out"}}},
    {"Mined", "Blocks that were mined.", {{"blocks", "[BlockName]", "in their order"}}},
    {"BlockName", "A block by height and hash.", {{"height", "integer", "its height"}, {"hash", "hash", "its hash"}}},
    {"Peers", "Every address known.", {{"timestamp", "time", "of this answer"}, {"peers", "[Peer]", "in no order"}}},
    {"Peer",
     "An address, and what answers there; further members tell when it was asked and what it said.",
     {{"address", "string", "host and port"},
      {"state", "string", "up, refused, silent, other-network, other-genesis, self, paused and others"},
      {"reason", "string", "what keeps it from being a peer"},
      {"source", "string", "from where it is known"}}},
    {"LevelsOrder",
     "How much is to be logged.",
     {{"levels", "string", "a level, and others for modules: info, resolver=debug"}}},
    {"LogLevels",
     "How much is logged.",
     {{"levels", "string", "a level, and others for modules: info, resolver=debug"},
      {"modules", "[string]", "those that a level can be given to"}}},
};

static const struct {
	const char *type, *pattern;
} texts[] = {
    {"hash", "^[0-9a-f]{64}$"},
    {"hex", "^([0-9a-f]{2})*$"},
    {"address", "^[1-9A-HJ-NP-Za-km-z]+$"},
};

static void
plain_type(struct jout *j, const char *type)
{
	jout_object(j);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		if (strcmp(texts[i].type, type) != 0)
			continue;
		jout_kstring(j, "type", "string");
		jout_kstring(j, "pattern", texts[i].pattern);
		jout_object_end(j);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
		if (strcmp(shapes[i].name, type) != 0)
			continue;
		char ref[TYPE_SIZE + 32];
		snprintf(ref, sizeof(ref), "#/components/schemas/%s", shapes[i].name);
		jout_kstring(j, "$ref", ref);
		jout_object_end(j);
		return;
	}
	if (strcmp(type, "time") == 0) {
		jout_kstring(j, "type", "integer");
		jout_kstring(j, "description", "milliseconds since 1970");
	} else if (strcmp(type, "any") != 0) {
		jout_kstring(j, "type", type);
	}
	jout_object_end(j);
}

/* One of several: "A|B". */
static void
alternatives(struct jout *j, const char *types)
{
	char one[TYPE_SIZE];

	jout_object(j);
	jout_key(j, "oneOf");
	jout_array(j);
	while (*types != '\0') {
		size_t len = strcspn(types, "|");

		snprintf(one, sizeof(one), "%.*s", (int)len, types);
		openapi_type(j, one);
		types += len + (types[len] == '|');
	}
	jout_array_end(j);
	jout_object_end(j);
}

void
openapi_type(struct jout *j, const char *type)
{
	size_t len = strlen(type);
	bool is_list = type[0] == '[', may_be_null = type[len - 1] == '?';
	char inner[TYPE_SIZE];

	if (strchr(type, '|') != NULL) {
		alternatives(j, type);
		return;
	}
	if (!is_list && !may_be_null) {
		plain_type(j, type);
		return;
	}
	snprintf(inner, sizeof(inner), "%.*s", (int)(len - 1 - is_list), type + is_list);
	jout_object(j);
	if (is_list) {
		jout_kstring(j, "type", "array");
		jout_key(j, "items");
		plain_type(j, inner);
	} else {
		jout_key(j, "anyOf");
		jout_array(j);
		plain_type(j, inner);
		plain_type(j, "null");
		jout_array_end(j);
	}
	jout_object_end(j);
}

/* Its name without the mark. */
static const char *
member_name(char out[TYPE_SIZE], const struct member *m)
{
	snprintf(out, TYPE_SIZE, "%.*s", (int)strcspn(m->name, "?"), m->name);
	return out;
}

static void
put_shape(struct jout *j, const struct shape *s)
{
	char name[TYPE_SIZE];

	jout_key(j, s->name);
	jout_object(j);
	jout_kstring(j, "type", "object");
	jout_kstring(j, "description", s->about);
	jout_key(j, "required");
	jout_array(j);
	for (const struct member *m = s->members; m->name != NULL; m++)
		if (strchr(m->name, '?') == NULL)
			jout_string(j, m->name);
	jout_array_end(j);
	jout_key(j, "properties");
	jout_object(j);
	for (const struct member *m = s->members; m->name != NULL; m++) {
		jout_key(j, member_name(name, m));
		/* Older tools pass over what stands beside a reference, so the reference stands inside. */
		jout_object(j);
		jout_kstring(j, "description", m->about);
		jout_key(j, "allOf");
		jout_array(j);
		openapi_type(j, m->type);
		jout_array_end(j);
		jout_object_end(j);
	}
	jout_object_end(j);
	jout_object_end(j);
}

void
openapi_shapes(struct jout *j)
{
	jout_object(j);
	for (size_t i = 0; i < ARRAY_LEN(shapes); i++)
		put_shape(j, &shapes[i]);
	jout_object_end(j);
}
