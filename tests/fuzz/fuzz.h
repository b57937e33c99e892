/*
 * A fuzz target is one function over outside bytes. libFuzzer drives it under --enable-fuzzers (clang); replay.c runs
 * it over the committed corpus in every `make check`.
 */
#ifndef RENSA_TESTS_FUZZ_H
#define RENSA_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A property that every input must have. */
#define MUST(holds)              \
	do {                     \
		if (!(holds))    \
			abort(); \
	} while (0)

#endif
