/* One line of the log while it is composed: escaped, in either form, never longer than its size. */
#ifndef RENSA_SRC_UTIL_LOG_LINE_H
#define RENSA_SRC_UTIL_LOG_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOG_LINE_SIZE 4096

struct log_line {
	char text[LOG_LINE_SIZE];
	size_t len;
	bool is_json;
	bool is_begun; /* it has a member */
};

/* lead stands before everything, as it is: the priority that a journal or a syslog daemon reads. */
void log_line_begin(struct log_line *l, bool is_json, const char *lead);
/* Our own word, which needs no escape. */
void log_line_word(struct log_line *l, const char *key, const char *word);
void log_line_number(struct log_line *l, const char *key, uint64_t number);
/* Any text, quoted and escaped, of which max bytes at most; what does not fit is cut between characters. */
void log_line_text(struct log_line *l, const char *key, const char *text, size_t max);
void log_line_end(struct log_line *l);

#endif
