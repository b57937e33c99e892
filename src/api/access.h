/*
 * Who may change the node. Admin routes are open to loopback clients, to the ranges of admin_allow, and to whoever
 * knows the token. A browser is not its user: a page of another site can make it send requests from inside, so those
 * are refused wherever something would be changed.
 */
#ifndef RENSA_SRC_API_ACCESS_H
#define RENSA_SRC_API_ACCESS_H

#include <stdbool.h>

#include "net/httpd.h"
#include "state.h"

/* Was it sent by a browser on behalf of another site? */
bool access_is_cross_site(const struct http_req *req);
/* Is this address by itself enough: loopback, or in one of the ranges? */
bool access_is_open_to(const struct netaddr *from, const struct netrange *allow, size_t count);
bool access_is_admin(const struct api *a, const struct http_req *req);

#endif
