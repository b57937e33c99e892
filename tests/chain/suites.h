/* The suites of the chain layer, one for each module and three across them. */
#ifndef RENSA_TESTS_CHAIN_SUITES_H
#define RENSA_TESTS_CHAIN_SUITES_H

#include <check.h>

Suite *suite_addrmap(void);
Suite *suite_block(void);
Suite *suite_fork_choice(void);
Suite *suite_header_chain(void);
Suite *suite_judgement(void);
Suite *suite_ledger(void);
Suite *suite_merkle(void);
Suite *suite_outlook(void);
Suite *suite_params(void);
Suite *suite_pow(void);
Suite *suite_property(void);
Suite *suite_replay(void);
Suite *suite_rule(void);
Suite *suite_template(void);
Suite *suite_tx(void);
Suite *suite_u256(void);
Suite *suite_vectors(void);

#endif
