/*
 * What a program looks at before it is to take the place of a running one: all that would make its start fail and can be
 * seen while the other still has the folder. Nothing is written, and nothing waits.
 */
#include "disk/netfile.h"
#include "node/upgrade.h"
#include "storage.h"
#include "util/clock.h"
#include "util/text.h"

#define LOOKS_MAX 5
#define LOOK_PAUSE_MS 20

static enum err
check_network(const struct config *c, struct buf *why)
{
	const char *field;
	struct params theirs;
	struct buf absent;
	enum err e;

	buf_init(&absent);
	e = netfile_read(&theirs, c->node.data_dir, &absent);
	if (e == OK && (field = params_difference(&theirs, &c->network)) != NULL) {
		buf_printf(why, "the data folder %s belongs to another network: its %s is another", c->node.data_dir,
			   field);
		e = ERR_PERM;
	} else if (e == ERR_NOT_FOUND) {
		e = OK;
	} else if (e != OK) {
		buf_append(why, absent.data, absent.len);
	}
	buf_clear(&absent);
	return e;
}

/* Is it in a format that this version reads? A file may be replaced by another at any time; then one looks again. */
static enum err
check_log(const struct config *c, enum log_kind kind, struct buf *why)
{
	struct framelog *log = storage_log(c, kind);
	struct buf said;
	enum err e;

	buf_init(&said);
	for (int look = 1;; look++) {
		e = framelog_check_all(log, &said);
		if (e == OK || e == ERR_UNSUPPORTED || e == ERR_PERM || look == LOOKS_MAX)
			break;
		buf_reset(&said);
		clock_sleep_ms(LOOK_PAUSE_MS);
	}
	if (e != OK)
		buf_append(why, said.data, said.len);
	buf_clear(&said);
	framelog_free(log);
	return e;
}

enum err
upgrade_check(const struct config *c, const char *format, struct buf *why)
{
	uint64_t number;
	enum err e;

	if (text_u64(&number, format, UINT32_MAX) != OK || number != HANDOVER_FORMAT) {
		buf_printf(why, "the running program hands over in a form that rensad %s does not know: restart it",
			   build_name());
		return ERR_UNSUPPORTED;
	}
	if ((e = check_network(c, why)) == OK && (e = check_log(c, LOG_JOURNAL, why)) == OK)
		e = check_log(c, LOG_POOL, why);
	return e;
}

void
upgrade_say_ready(struct buf *out)
{
	buf_printf(out, "rensad %s can take over\n", build_name());
}
