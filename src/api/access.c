#include "access.h"

#include <string.h>
#include <strings.h>

#include "crypto/hash.h"

#define BEARER "Bearer "

bool
access_is_cross_site(const struct http_req *req)
{
	const char *site = http_req_header(req, "Sec-Fetch-Site");
	const char *origin = http_req_header(req, "Origin");
	const char *host = http_req_header(req, "Host");

	if (site != NULL && strcasecmp(site, "same-origin") != 0 && strcasecmp(site, "none") != 0)
		return true;
	if (origin == NULL)
		return false;
	/* "null" comes from sandboxed frames and files: no site of ours. */
	const char *authority = strstr(origin, "://");
	return authority == NULL || host == NULL || strcasecmp(authority + strlen("://"), host) != 0;
}

/* Hashes have one length and nothing to learn from where they differ, so the time tells nothing about the token. */
static bool
has_token(const struct api *a, const struct http_req *req)
{
	const char *given = http_req_header(req, "Authorization");
	uint8_t difference = 0;

	if (a->o.admin_token == NULL || a->o.admin_token[0] == '\0' || given == NULL ||
	    strncasecmp(given, BEARER, strlen(BEARER)) != 0)
		return false;
	given += strlen(BEARER);
	struct hash256 ours = sha256(a->o.admin_token, strlen(a->o.admin_token));
	struct hash256 theirs = sha256(given, strlen(given));
	for (size_t i = 0; i < sizeof(ours.b); i++)
		difference |= ours.b[i] ^ theirs.b[i];
	return difference == 0;
}

/* "127.0.0.1:5000", "[::1]", "localhost": names that no outsider can point elsewhere. */
static bool
is_fixed_host(const char *host)
{
	char name[NETADDR_TEXT_SIZE];
	struct netaddr ignored;
	size_t len;

	if (host == NULL)
		return false;
	if (*host == '[') {
		host++;
		len = strcspn(host, "]");
	} else {
		len = strcspn(host, ":");
	}
	if (len >= sizeof(name))
		return false;
	memcpy(name, host, len);
	name[len] = '\0';
	return strcasecmp(name, "localhost") == 0 || netaddr_parse_ip(&ignored, name) == OK;
}

bool
access_is_open_to(const struct netaddr *from, const struct netrange *allow, size_t count)
{
	if (netaddr_is_loopback(from))
		return true;
	for (size_t i = 0; i < count; i++)
		if (netrange_contains(&allow[i], from))
			return true;
	return false;
}

static bool
is_allowed_address(const struct api *a, const struct http_req *req)
{
	struct netaddr from;

	/* Behind a proxy everybody has the proxy's address. */
	if (http_req_header(req, "Forwarded") != NULL || http_req_header(req, "X-Forwarded-For") != NULL)
		return false;
	/*
	 * A site can point its own name at our address, and then its pages are of one origin with us; only the name in
	 * Host betrays it.
	 */
	if (http_req_header(req, "Origin") != NULL && !is_fixed_host(http_req_header(req, "Host")))
		return false;
	http_req_from(req, &from);
	return access_is_open_to(&from, a->o.admin_allow, a->o.admin_allow_count);
}

bool
access_is_admin(const struct api *a, const struct http_req *req)
{
	return is_allowed_address(a, req) || has_token(a, req);
}
