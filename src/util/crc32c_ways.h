/* The two ways to a CRC-32C, for the tests that compare them. */
#ifndef RENSA_UTIL_CRC32C_WAYS_H
#define RENSA_UTIL_CRC32C_WAYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

uint32_t crc32c_by_tables(uint32_t crc, const void *data, size_t len);
/* Only where the processor has it. */
uint32_t crc32c_by_instruction(uint32_t crc, const void *data, size_t len);
bool crc32c_has_instruction(void);

#endif
