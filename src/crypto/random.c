#include "crypto/random.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "util/log.h"

void
random_bytes(void *out, size_t len)
{
	uint8_t *at = out;
	while (len > 0) {
		ssize_t got = getrandom(at, len, 0);
		if (got == -1 && errno == EINTR)
			continue;
		if (got <= 0) {
			log_error("random: the system gives no random bytes (%m), giving up");
			_exit(EXIT_FAILURE);
		}
		at += got;
		len -= (size_t)got;
	}
}

uint64_t
random_u64(void)
{
	uint64_t v;
	random_bytes(&v, sizeof(v));
	return v;
}
