/* --data DIR or --node URL: on which of the two a command works. */
#ifndef RENSA_PROG_SOURCE_H
#define RENSA_PROG_SOURCE_H

#include "chain/fork_choice.h"
#include "prog/args.h"
#include "prog/cli.h"
#include "prog/folder.h"
#include "util/attr.h"

/* Refuses both at once: data is the value of --data, NULL if it was not given. */
enum cli_exit source_check(struct cli *c, const struct args *a, const char *data) MUSTCHECK;
/* The head of the chain that a folder's journal holds; order as journal_chain gave it. */
enum cli_exit source_head(struct folder *f, struct head *head, const uint32_t *order, uint32_t count) MUSTCHECK;

#endif
