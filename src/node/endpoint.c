/* Places to dial. A mistyped address must not pass for a name, or it would be looked up for ever. */
#include "node/endpoint.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

#include "net/netaddr.h"
#include "util/text.h"

#define LABEL_MAX 63	/* of a DNS name (RFC 1035, 2.3.4) */
#define PORT_TEXT_MAX 5 /* digits of 65535 */

/* Labels of letters, digits, - and _ between dots. If the last one is a number, it was meant to be an address. */
static bool
host_is_name(const char *host)
{
	for (const char *label = host;;) {
		size_t len = strcspn(label, ".");
		if (len == 0 || len > LABEL_MAX || label[0] == '-' || label[len - 1] == '-')
			return false;
		for (size_t i = 0; i < len; i++)
			if (!isalnum((unsigned char)label[i]) && label[i] != '-' && label[i] != '_')
				return false;
		if (label[len] == '\0')
			return label[strspn(label, "0123456789")] != '\0';
		label += len + 1;
	}
}

static bool
port_parse(uint16_t *out, const char *text)
{
	uint64_t port;
	if (text_u64(&port, text, UINT16_MAX) != OK || port == 0)
		return false;
	*out = (uint16_t)port;
	return true;
}

bool
endpoint_parse(struct endpoint *out, const char *text)
{
	struct endpoint e;
	struct netaddr numeric;
	bool is_numeric = netaddr_parse(&numeric, text) == OK;
	const char *colon = strrchr(text, ':');
	if (colon == NULL || !port_parse(&e.port, colon + 1))
		return false;
	const char *from = text, *to = colon;
	if (is_numeric && *text == '[') {
		from++;
		to--;
	}
	size_t len = (size_t)(to - from);
	if (len == 0 || len > ENDPOINT_HOST_MAX)
		return false;
	memcpy(e.host, from, len);
	e.host[len] = '\0';
	if (is_numeric ? netaddr_is_any(&numeric) : !host_is_name(e.host))
		return false;
	*out = e;
	return true;
}

void
endpoint_format(struct buf *out, const struct endpoint *e)
{
	bool is_v6 = strchr(e->host, ':') != NULL;
	buf_printf(out, "%s%s%s:%u", is_v6 ? "[" : "", e->host, is_v6 ? "]" : "", (unsigned)e->port);
}

bool
port_range_parse(struct port_range *out, const char *text)
{
	char first[PORT_TEXT_MAX + 1];
	size_t len = strcspn(text, "-");
	if (len > PORT_TEXT_MAX)
		return false;
	memcpy(first, text, len);
	first[len] = '\0';
	struct port_range r;
	if (!port_parse(&r.first, first) || !port_parse(&r.last, text[len] == '-' ? text + len + 1 : first) ||
	    r.last < r.first)
		return false;
	*out = r;
	return true;
}

void
port_range_format(struct buf *out, const struct port_range *r)
{
	if (r->first == 0)
		return;
	buf_printf(out, "%u", (unsigned)r->first);
	if (r->last != r->first)
		buf_printf(out, "-%u", (unsigned)r->last);
}
