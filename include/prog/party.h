/* NAME|ADDRESS on the command line: a local wallet, or else an address. */
#ifndef RENSA_PROG_PARTY_H
#define RENSA_PROG_PARTY_H

#include <stdint.h>

#include "crypto/address.h"
#include "prog/cli.h"
#include "util/attr.h"

#define PARTY_LABEL_SIZE (ADDRESS_TEXT_SIZE + KEYFILE_NAME_MAX + 16)

struct party {
	const char *word;   /* as given; borrowed */
	const char *wallet; /* word, if a wallet of that name is it; else NULL */
	struct address address;
	char text[ADDRESS_TEXT_SIZE]; /* the address in the network's form, once party_settle knows it */
};

/* Looks for a wallet of that name; any other word must have the form of an address. Asks no node. */
enum cli_exit party_find(struct party *out, struct cli *c, const char *word) MUSTCHECK;
/* Gives the address the network's form; refuses one of another network. */
enum cli_exit party_settle(struct party *p, struct cli *c, uint8_t address_version) MUSTCHECK;
/* "wallet bob (R…)" or "R…", once settled. */
void party_label(char label[PARTY_LABEL_SIZE], const struct party *p);

#endif
