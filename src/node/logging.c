#include "logging.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "store/shared.h"
#include "util/log.h"

/* A log that cannot be opened is no reason not to run: lines go where they went before, at first to stderr. */
static void
told_of_log(const char *key, const char *path, enum err e)
{
	if (e != OK)
		log_error("log: %s %s cannot be opened: %s; the log goes where it went before", key, path,
			  e == ERR_LIMIT ? err_text(e) : strerror(errno));
}

/* Children have it from us. */
void
logging_configure(const struct config *c)
{
	bool is_file = c->node.log_file[0] != '\0', has_records = c->http.request_log == REQUEST_LOG_FILE;
	struct log_target to = {.file = c->node.log_file,
				.syslog = c->node.log_syslog,
				.facility = c->node.log_facility,
				.format = c->node.log_format};

	told_of_log(is_file ? "[node] log_file" : "[node] log_syslog", is_file ? to.file : to.syslog, log_direct(&to));
	told_of_log("[http] request_log_file", c->http.request_log_file,
		    log_direct_records(has_records ? c->http.request_log_file : NULL));
	log_set_levels(&c->node.log_levels);
}

/* Without a board to share, each process has the levels that it was started with. */
void
logging_share(void)
{
	struct log_board *board = shared_new(sizeof(*board));

	if (board == NULL)
		log_warn("log: no memory to share: levels change only with a start");
	else
		log_share(board);
}
