/*
 * How long an address is left alone after it has failed so many times in a row: one base, then twice that, and so on up
 * to a cap, each shortened by up to a quarter by lot, so that nodes that lost each other together do not call together.
 */
#ifndef RENSA_PEER_BACKOFF_H
#define RENSA_PEER_BACKOFF_H

#include <stdint.h>

/* failures from 1; a cap below base counts as base. lot is any random number. */
uint64_t backoff_ms(uint32_t failures, uint64_t base_ms, uint64_t cap_ms, uint64_t lot);

#endif
