/* The commands of the client, one table row each; the rows live with their code in src/prog/cmd_NOUN.c. */
#ifndef RENSA_PROG_COMMANDS_H
#define RENSA_PROG_COMMANDS_H

#include "prog/args.h"

extern const struct command cmd_wallet_create;
extern const struct command cmd_wallet_list;
extern const struct command cmd_wallet_address;
extern const struct command cmd_wallet_export;
extern const struct command cmd_wallet_import;
extern const struct command cmd_send;
extern const struct command cmd_balance;
extern const struct command cmd_mine;
extern const struct command cmd_status;
extern const struct command cmd_health;
extern const struct command cmd_peers;
extern const struct command cmd_reload;
extern const struct command cmd_watch;
extern const struct command cmd_log_level;
extern const struct command cmd_blocks;
extern const struct command cmd_block;
extern const struct command cmd_tx;
extern const struct command cmd_verify;
extern const struct command cmd_export;
extern const struct command cmd_import;
extern const struct command cmd_compact;
extern const struct command cmd_backup;
extern const struct command cmd_doctor;

#endif
