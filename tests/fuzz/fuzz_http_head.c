/*
 * A request from its first byte: the end of its head is found however it is cut, what passes has no byte that another
 * reader could stumble over, and what follows as a chunked body is judged alike in one piece and in two.
 */
#include "fuzz.h"

#include <string.h>

#include "net/httpd_head.h"
#include "net/httpd_target.h"

#define BODY_MAX 1000

static void
check_end(const char *text, size_t len, size_t end)
{
	size_t cut = len / 2;

	MUST(end <= len);
	if (http_head_end(text, cut, 0) == 0)
		MUST(http_head_end(text, len, cut) == end);
	else
		MUST(http_head_end(text, cut, 0) == end);
}

static void
check_head(const struct http_head *h, const char *text, size_t len)
{
	MUST(h->target > text && h->target_len > 0 && h->target + h->target_len < text + len);
	MUST(h->line_len < len && h->length <= BODY_MAX && !(h->is_chunked && h->length > 0));
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		MUST(c == '\t' || c == '\n' || (c >= 0x20 && c != 0x7f) || (c == '\r' && text[i + 1] == '\n'));
	}
}

static void
check_target(const struct http_head *h)
{
	struct http_target t;

	if (http_target_parse(&t, h->target, h->target_len) == NULL) {
		MUST(t.path[0] != '\0' && t.param_count <= HTTP_PARAMS_MAX);
		for (size_t i = 0; i < t.param_count; i++)
			MUST(t.params[i].name[0] != '\0' &&
			     http_target_param(&t, t.params[i].name) == t.params[i].value);
	}
	http_target_clear(&t);
}

static void
check_chunks(const char *data, size_t len)
{
	struct chunk_scan whole, cut;
	const struct refusal *no, *also;

	chunk_scan_init(&whole);
	chunk_scan_init(&cut);
	no = chunk_scan_feed(&whole, data, len, BODY_MAX);
	also = chunk_scan_feed(&cut, data, len / 3, BODY_MAX);
	if (also == NULL)
		also = chunk_scan_feed(&cut, data + len / 3, len - len / 3, BODY_MAX);
	MUST(no == also);
	if (no == NULL)
		MUST(whole.is_done == cut.is_done && whole.total == cut.total && whole.total <= BODY_MAX);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	size_t end = http_head_end(text, size, 0);
	struct http_head head;

	check_end(text, size, end);
	if (end > 0 && http_head_parse(&head, text, end, BODY_MAX) == NULL) {
		check_head(&head, text, end);
		check_target(&head);
		check_chunks(text + end, size - end);
	}
	return 0;
}
