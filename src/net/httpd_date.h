/* The time of a reply, as the header Date has it: "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, 5.6.7). */
#ifndef RENSA_SRC_NET_HTTPD_DATE_H
#define RENSA_SRC_NET_HTTPD_DATE_H

#include <stdint.h>

#define HTTP_DATE_SIZE 30

/* Now; good until the next call. */
const char *http_date(void);
void http_date_format(char text[HTTP_DATE_SIZE], uint64_t wall_ms);

#endif
