/*
 * A worker answers tens of thousands of requests a second, and all of them have the same date: it is written once a
 * second. The names are ours and not strftime's, which would speak the locale's language.
 */
#include "httpd_date.h"

#include <stdio.h>
#include <time.h>

#include "util/clock.h"

void
http_date_format(char text[HTTP_DATE_SIZE], uint64_t wall_ms)
{
	static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
					   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	time_t now = (time_t)(wall_ms / 1000);
	struct tm tm;

	gmtime_r(&now, &tm);
	snprintf(text, HTTP_DATE_SIZE, "%s, %02u %s %04u %02u:%02u:%02u GMT", days[tm.tm_wday],
		 (unsigned)tm.tm_mday % 100, months[tm.tm_mon], (unsigned)(tm.tm_year + 1900) % 10000,
		 (unsigned)tm.tm_hour % 100, (unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100);
}

const char *
http_date(void)
{
	static char text[HTTP_DATE_SIZE];
	static uint64_t written_s = UINT64_MAX;
	uint64_t now_ms = clock_wall_ms();

	if (now_ms / 1000 != written_s) {
		http_date_format(text, now_ms);
		written_s = now_ms / 1000;
	}
	return text;
}
