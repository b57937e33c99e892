/*
 * rensa wallet …: keys in files. No command here talks to a node, and none but `wallet export` lets a secret out.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "crypto/address.h"
#include "prog/commands.h"
#include "prog/show.h"
#include "util/text.h"
#include "wire/json.h"

#define DEFAULT_ADDRESS_VERSION 60

static enum cli_exit
load(struct keyfile *k, struct address *who, struct cli *c, const char *name)
{
	char error[KEYFILE_ERROR_SIZE];
	struct pubkey public;
	enum err e = keyfile_load(k, c->home, name, error);
	if (e == ERR_ARG)
		return cli_fail(c, CLI_USAGE, "usage", "%s", error);
	if (e != OK)
		return cli_fail(c, CLI_LOCAL, "wallet", "%s", error);
	if (key_public(&public, &k->key) != OK) {
		keyfile_wipe(k);
		return cli_fail(c, CLI_LOCAL, "wallet", "the wallet %s holds no usable key", name);
	}
	*who = address_of(&public);
	return CLI_DONE;
}

/* The value of --address-version, the default network's if it was not given. */
static enum cli_exit
take_version(uint8_t *version, struct cli *c, const char *text)
{
	uint64_t v = DEFAULT_ADDRESS_VERSION;
	if (text != NULL && text_u64(&v, text, UINT8_MAX) != OK)
		return cli_fail(c, CLI_USAGE, "usage", "--address-version is a number from 0 to 255");
	*version = (uint8_t)v;
	return CLI_DONE;
}

static enum cli_exit
check_name(struct cli *c, const char *name)
{
	struct address ignored;
	if (!keyfile_name_is_valid(name))
		return cli_fail(c, CLI_USAGE, "usage",
				"a wallet's name has 1 to %d of a-z A-Z 0-9 - _ and does not start with -",
				KEYFILE_NAME_MAX);
	/* Names are looked up before addresses: such a wallet would catch coins meant for somebody else. */
	if (address_parse(&ignored, name, 0) != ERR_FORMAT)
		return cli_fail(c, CLI_USAGE, "usage", "a wallet cannot be named like an address");
	return CLI_DONE;
}

/* Writes the new wallet and tells about it. */
static enum cli_exit
create(struct cli *c, const char *name, const struct keyfile *k, const char *done)
{
	char error[KEYFILE_ERROR_SIZE];
	char path[KEYFILE_PATH_SIZE];
	char text[ADDRESS_TEXT_SIZE];
	struct pubkey public;
	if (keyfile_create(c->home, name, k, error) != OK)
		return cli_fail(c, CLI_LOCAL, "wallet", "%s", error);
	if (key_public(&public, &k->key) != OK || keyfile_path(path, c->home, name) != OK)
		return cli_fail(c, CLI_LOCAL, "wallet", "the wallet %s cannot be told about", name);
	struct address who = address_of(&public);
	address_format(text, &who, k->address_version);
	if (c->is_json) {
		struct jout j = jout_to(&c->out);
		jout_object(&j);
		jout_kstring(&j, "name", name);
		jout_kstring(&j, "address", text);
		jout_ku64(&j, "address_version", k->address_version);
		jout_kstring(&j, "file", path);
		jout_object_end(&j);
	}
	struct table t;
	cli_say(c, "wallet %s %s", name, done);
	table_begin(&t, 2, 0);
	table_fact(&t, "address", "%s", text);
	table_fact(&t, "file", "%s", path);
	show_table(c, &t, "  ");
	cli_say(c, "The file holds the secret key. Whoever reads it can spend its coins; without it they are lost.");
	cli_say(c, "next: let it earn a reward:  rensa mine --to %s", name);
	return CLI_DONE;
}

enum { CREATE_ADDRESS_VERSION };

static const struct option_spec create_options[] = {
    [CREATE_ADDRESS_VERSION] = {"address-version", "N", "version byte of the network's addresses (60)", false},
};

static enum cli_exit
run_create(struct cli *c, const struct args *a)
{
	struct keyfile k;
	enum cli_exit ret = check_name(c, a->operand[0]);
	if (ret == CLI_DONE)
		ret = take_version(&k.address_version, c, a->value[CREATE_ADDRESS_VERSION]);
	if (ret != CLI_DONE)
		return ret;
	key_generate(&k.key);
	ret = create(c, a->operand[0], &k, "created");
	keyfile_wipe(&k);
	return ret;
}

const struct command cmd_wallet_create = {
    .name = "wallet create",
    .operands = "NAME",
    .operands_min = 1,
    .operands_max = 1,
    .options = create_options,
    .option_count = ARRAY_LEN(create_options),
    .needs_home = true,
    .summary = "make a new key and keep it in a file",
    .about = "Draws a secret key and writes it to HOME/wallets/NAME.wallet, readable by you alone. Nothing is\n"
	     "overwritten and no node is asked: an address needs nobody's permission.\n",
    .example = "rensa wallet create alice\n",
    .run = run_create,
};

static enum cli_exit
run_list(struct cli *c, const struct args *a)
{
	(void)a;
	struct keyfile_name *names;
	size_t count;
	char error[KEYFILE_ERROR_SIZE];
	if (keyfile_list(&names, &count, c->home, error) != OK)
		return cli_fail(c, CLI_LOCAL, "wallet", "%s", error);

	struct table t;
	struct jout j = jout_to(&c->out);
	table_begin(&t, 2, 0);
	table_cell(&t, "WALLET");
	table_cell(&t, "ADDRESS");
	if (c->is_json) {
		jout_object(&j);
		jout_key(&j, "wallets");
		jout_array(&j);
	}
	for (size_t i = 0; i < count; i++) {
		struct keyfile k;
		struct pubkey public;
		char text[ADDRESS_TEXT_SIZE];
		bool ok = keyfile_load(&k, c->home, names[i].text, error) == OK;
		if (ok && key_public(&public, &k.key) == OK) {
			struct address who = address_of(&public);
			address_format(text, &who, k.address_version);
		}
		/* One that cannot be read is shown with the reason, and does not hide the others. */
		table_fact(&t, names[i].text, "%s", ok ? text : error);
		if (c->is_json) {
			jout_object(&j);
			jout_kstring(&j, "name", names[i].text);
			jout_kstring(&j, ok ? "address" : "problem", ok ? text : error);
			if (ok)
				jout_ku64(&j, "address_version", k.address_version);
			jout_object_end(&j);
		}
		keyfile_wipe(&k);
	}
	if (c->is_json) {
		jout_array_end(&j);
		jout_object_end(&j);
	}
	show_table(c, &t, "");
	if (count == 0)
		cli_say(c, "There are none in %s yet. Make one:  rensa wallet create NAME", c->home);
	free(names);
	return CLI_DONE;
}

const struct command cmd_wallet_list = {
    .name = "wallet list",
    .operands = "",
    .needs_home = true,
    .summary = "the wallets here and their addresses",
    .about = "Lists the wallet files under HOME/wallets. Their balances are on the chain, not in the files:\n"
	     "rensa balance NAME.\n",
    .example = "rensa wallet list\n",
    .run = run_list,
};

static enum cli_exit
run_address(struct cli *c, const struct args *a)
{
	struct keyfile k;
	struct address who;
	char text[ADDRESS_TEXT_SIZE];
	enum cli_exit ret = load(&k, &who, c, a->operand[0]);
	if (ret != CLI_DONE)
		return ret;
	address_format(text, &who, k.address_version);
	keyfile_wipe(&k);
	if (c->is_json) {
		struct jout j = jout_to(&c->out);
		jout_object(&j);
		jout_kstring(&j, "name", a->operand[0]);
		jout_kstring(&j, "address", text);
		jout_object_end(&j);
	}
	cli_say(c, "%s", text);
	return CLI_DONE;
}

const struct command cmd_wallet_address = {
    .name = "wallet address",
    .operands = "NAME",
    .operands_min = 1,
    .operands_max = 1,
    .needs_home = true,
    .summary = "print a wallet's address and nothing else",
    .about = "For scripts, and to give to somebody who wants to pay you.\n",
    .example = "rensa wallet address alice\n",
    .run = run_address,
};

enum { EXPORT_WIF };

static const struct option_spec export_options[] = {
    [EXPORT_WIF] = {"wif", NULL, "show the secret key, in wallet import format", true},
};

static enum cli_exit
run_export(struct cli *c, const struct args *a)
{
	struct keyfile k;
	struct address who;
	char text[ADDRESS_TEXT_SIZE];
	char wif[WIF_TEXT_SIZE];
	enum cli_exit ret = load(&k, &who, c, a->operand[0]);
	if (ret != CLI_DONE)
		return ret;
	address_format(text, &who, k.address_version);
	wif_format(wif, &k.key, k.address_version);
	keyfile_wipe(&k);
	if (c->is_json) {
		struct jout j = jout_to(&c->out);
		jout_object(&j);
		jout_kstring(&j, "name", a->operand[0]);
		jout_kstring(&j, "address", text);
		jout_kstring(&j, "wif", wif);
		jout_object_end(&j);
	} else {
		cli_say(c, "The secret key of wallet %s (%s). Whoever has it can spend its coins.", a->operand[0],
			text);
		/* Straight into the buffer, which is wiped, and by no other way that might keep a copy. */
		buf_puts(&c->out, wif);
		buf_putc(&c->out, '\n');
	}
	key_wipe(wif, sizeof(wif));
	return CLI_DONE;
}

const struct command cmd_wallet_export = {
    .name = "wallet export",
    .operands = "NAME",
    .operands_min = 1,
    .operands_max = 1,
    .options = export_options,
    .option_count = ARRAY_LEN(export_options),
    .needs_home = true,
    .summary = "print a wallet's secret key",
    .about = "Prints the secret key in wallet import format (WIF) as the last line. It is for moving a key to\n"
	     "another program; a copy of the wallet file does as a backup. --wif must be said, so that no\n"
	     "secret is shown by accident.\n",
    .example = "rensa wallet export alice --wif | tail -n 1\n",
    .run = run_export,
};

/* Reads the first line of standard input, without showing it if a person types it. */
static enum cli_exit
read_secret(char *text, size_t size, struct cli *c)
{
	struct termios shown, hidden;
	bool is_typed = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &shown) == 0;
	if (is_typed) {
		static const char prompt[] = "secret key (WIF, not shown): ";
		hidden = shown;
		hidden.c_lflag &= ~(tcflag_t)ECHO;
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
		(void)!write(STDERR_FILENO, prompt, sizeof(prompt) - 1);
	}
	size_t len = 0;
	bool has_line = false, is_broken = false;
	/* A byte at a time: what follows the line is not ours. One byte too many tells that it is too long. */
	while (len < size && !has_line) {
		ssize_t n = read(STDIN_FILENO, text + len, 1);
		if (n < 0 && errno == EINTR)
			continue;
		is_broken = n < 0;
		if (n <= 0)
			break;
		has_line = text[len] == '\n';
		len += has_line ? 0 : 1;
	}
	if (is_typed) {
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
		(void)!write(STDERR_FILENO, "\n", 1);
	}
	if (is_broken)
		return cli_fail(c, CLI_LOCAL, "input", "cannot read standard input: %s", strerror(errno));
	while (len > 0 && len < size && (text[len - 1] == '\r' || text[len - 1] == ' '))
		len--;
	if (len == 0)
		return cli_fail(c, CLI_USAGE, "usage",
				"the secret key (WIF) is read from standard input, which is empty");
	if (len == size)
		return cli_fail(c, CLI_USAGE, "bad-wif",
				"that is no secret key in wallet import format: it is too long");
	text[len] = '\0';
	return CLI_DONE;
}

enum { IMPORT_ADDRESS_VERSION };

static const struct option_spec import_options[] = {
    [IMPORT_ADDRESS_VERSION] = {"address-version", "N", "version byte of the network's addresses (60)", false},
};

static enum cli_exit
run_import(struct cli *c, const struct args *a)
{
	struct keyfile k;
	char wif[128];
	enum cli_exit ret = check_name(c, a->operand[0]);
	if (ret == CLI_DONE)
		ret = take_version(&k.address_version, c, a->value[IMPORT_ADDRESS_VERSION]);
	if (ret == CLI_DONE)
		ret = read_secret(wif, sizeof(wif), c);
	if (ret == CLI_DONE) {
		enum err e = wif_parse(&k.key, wif, k.address_version);
		if (e == ERR_UNSUPPORTED)
			ret = cli_fail(
			    c, CLI_USAGE, "bad-wif",
			    "the secret key is for addresses of another version than %u: give --address-version",
			    k.address_version);
		else if (e != OK)
			ret = cli_fail(c, CLI_USAGE, "bad-wif",
				       "that is no secret key in wallet import format: was it copied whole?");
	}
	if (ret == CLI_DONE)
		ret = create(c, a->operand[0], &k, "imported");
	keyfile_wipe(&k);
	key_wipe(wif, sizeof(wif));
	return ret;
}

const struct command cmd_wallet_import = {
    .name = "wallet import",
    .operands = "NAME",
    .operands_min = 1,
    .operands_max = 1,
    .options = import_options,
    .option_count = ARRAY_LEN(import_options),
    .needs_home = true,
    .summary = "make a wallet of a secret key from standard input",
    .about = "Reads a secret key in wallet import format (WIF) from standard input, where neither the list of\n"
	     "processes nor the history of the shell shows it. At a terminal it asks, and does not show the key.\n",
    .example = "rensa wallet import alice < alice.wif\n",
    .run = run_import,
};
