/* Wallets and addresses by what the user calls them. */
#include "prog/party.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/mem.h"
#include "util/text.h"

/* No wallet and no address: suggests a wallet of nearly that name. */
static enum cli_exit
unknown_name(struct cli *c, const char *word)
{
	struct keyfile_name *wallets;
	size_t count;
	char error[KEYFILE_ERROR_SIZE];
	const char *nearest = NULL;
	if (keyfile_list(&wallets, &count, c->home, error) == OK && count > 0) {
		const char **names = xcalloc(count, sizeof(*names));
		for (size_t i = 0; i < count; i++)
			names[i] = wallets[i].text;
		nearest = text_nearest(word, names, count);
		free(names);
	}
	if (nearest != NULL)
		cli_fail(c, CLI_LOCAL, "no-wallet", "there is no wallet '%s', and it is no address; did you mean '%s'?",
			 word, nearest);
	else
		cli_fail(c, CLI_LOCAL, "no-wallet",
			 "there is no wallet '%s', and it is no address (rensa wallet list shows the wallets)", word);
	free(wallets);
	return CLI_LOCAL;
}

enum cli_exit
party_find(struct party *out, struct cli *c, const char *word)
{
	*out = (struct party){.word = word};
	struct keyfile k;
	char error[KEYFILE_ERROR_SIZE];
	bool is_name = keyfile_name_is_valid(word), has_home = c->home[0] != '\0';
	enum err e = is_name && has_home ? keyfile_load(&k, c->home, word, error) : ERR_NOT_FOUND;
	if (e == OK) {
		struct pubkey public;
		e = key_public(&public, &k.key);
		keyfile_wipe(&k);
		if (e != OK)
			return cli_fail(c, CLI_LOCAL, "wallet", "the wallet %s holds no usable key", word);
		out->address = address_of(&public);
		out->wallet = word;
		return CLI_DONE;
	}
	if (e != ERR_NOT_FOUND)
		return cli_fail(c, CLI_LOCAL, "wallet", "%s", error);
	/* Which version byte is right is known only once the node told: here the checksum must do. */
	if (address_parse(&out->address, word, 0) != ERR_FORMAT)
		return CLI_DONE;
	if (is_name)
		return has_home ? unknown_name(c, word) : cli_no_home(c);
	return cli_fail(c, CLI_USAGE, "bad-address",
			"'%.80s' is neither the name of a wallet nor an address: was it copied whole?", word);
}

enum cli_exit
party_settle(struct party *p, struct cli *c, uint8_t address_version)
{
	if (p->wallet == NULL && address_parse(&p->address, p->word, address_version) != OK)
		return cli_fail(c, CLI_USAGE, "bad-address",
				"%.80s is an address of another network (this one's version byte is %u)", p->word,
				address_version);
	address_format(p->text, &p->address, address_version);
	return CLI_DONE;
}

void
party_label(char label[PARTY_LABEL_SIZE], const struct party *p)
{
	if (p->wallet != NULL)
		snprintf(label, PARTY_LABEL_SIZE, "wallet %s (%s)", p->wallet, p->text);
	else
		snprintf(label, PARTY_LABEL_SIZE, "%s", p->text);
}
