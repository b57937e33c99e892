#include "util/err.h"

#include <stddef.h>

#include "util/attr.h"

static const struct {
	enum err e;
	const char *text;
} texts[] = {
    {OK, "done"},
    {ERR_NOMEM, "out of memory"},
    {ERR_IO, "input or output failed"},
    {ERR_NOSPC, "no space left"},
    {ERR_STALE, "the chain has moved on"},
    {ERR_TIMEOUT, "it took too long"},
    {ERR_NOT_FOUND, "not found"},
    {ERR_EXISTS, "it exists already"},
    {ERR_ARG, "impossible argument"},
    {ERR_LIMIT, "a limit was exceeded"},
    {ERR_FORMAT, "malformed"},
    {ERR_PERM, "not permitted"},
    {ERR_BUSY, "busy"},
    {ERR_CLOSED, "the other side is gone"},
    {ERR_UNSUPPORTED, "not supported"},
};

const char *
err_text(enum err e)
{
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (texts[i].e == e)
			return texts[i].text;
	return "unknown error";
}
