/* The route table: what can be asked for, who may, and who answers. */
#ifndef RENSA_SRC_API_ROUTES_H
#define RENSA_SRC_API_ROUTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "handlers.h"
#include "net/httpd.h"
#include "util/buf.h"

enum route_access {
	ACCESS_PUBLIC, /* anybody */
	ACCESS_ADMIN,  /* loopback, admin_allow, token */
	ACCESS_PEER    /* other nodes; on the peers' face if that is apart */
};

#define ROUTE_QUERY_MAX 3
#define ROUTE_NAME_SIZE 128 /* longer names are cut, and no longer name anything */

struct route {
	enum http_method method; /* GET implies HEAD */
	const char *path;	 /* a segment in braces stands for any one */
	enum route_access access;
	route_handler *handle;
	const char *query[ROUTE_QUERY_MAX]; /* the parameters it knows; others are refused */
	const char *about;
};

/* Which routes a listener serves. */
enum face { FACE_ALL, FACE_PUBLIC, FACE_PEER };

/*
 * The route of method and path on that face; NULL if there is none, and then *methods (emptied first) lists what the
 * path does take, "" if it is not known at all. *other is any route of that path.
 */
const struct route *route_find(enum face face, enum http_method method, const char *path, char name[ROUTE_NAME_SIZE],
			       struct buf *methods, const struct route **other);
/* The rows of the table by number: NULL behind the last. */
const struct route *route_at(uint32_t i);
const char *route_method_name(enum http_method m);
bool route_has_query(const struct route *r, const char *name);

#endif
