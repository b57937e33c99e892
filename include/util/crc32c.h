/* CRC-32C (Castagnoli; RFC 3720, appendix B.4): what frames on disk are checked by. Finds accidents, not forgers. */
#ifndef RENSA_UTIL_CRC32C_H
#define RENSA_UTIL_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Goes on from crc, which is 0 at the start: crc32c(crc32c(0, a), b) is that of a and b in a row. */
uint32_t crc32c(uint32_t crc, const void *data, size_t len);

#endif
