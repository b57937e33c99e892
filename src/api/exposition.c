#include "exposition.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>

static const char *const type_names[] = {
    [METRIC_GAUGE] = "gauge",
    [METRIC_COUNTER] = "counter",
    [METRIC_HISTOGRAM] = "histogram",
};

const char *
metric_type_name(enum metric_type type)
{
	return type_names[type];
}

void
exposition_begin(struct exposition *e, struct buf *out)
{
	*e = (struct exposition){.out = out, .name = ""};
	buf_init(&e->labels);
}

void
exposition_end(struct exposition *e)
{
	buf_clear(&e->labels);
}

/* Quotes are escaped in a label's value alone: in a help they mean nothing. */
static void
put_escaped(struct buf *out, const char *text, bool is_label)
{
	for (; *text != '\0'; text++) {
		if (*text == '\\')
			buf_puts(out, "\\\\");
		else if (*text == '\n')
			buf_puts(out, "\\n");
		else if (*text == '"' && is_label)
			buf_puts(out, "\\\"");
		else
			buf_putc(out, *text);
	}
}

void
exposition_metric(struct exposition *e, const char *name, enum metric_type type, const char *help)
{
	e->name = name;
	buf_printf(e->out, "# HELP %s ", name);
	put_escaped(e->out, help, false);
	buf_printf(e->out, "\n# TYPE %s %s\n", name, type_names[type]);
}

void
exposition_label(struct exposition *e, const char *name, const char *value)
{
	if (e->labels.len > 0)
		buf_putc(&e->labels, ',');
	buf_printf(&e->labels, "%s=\"", name);
	put_escaped(&e->labels, value, true);
	buf_putc(&e->labels, '"');
}

/* A sample up to its value; more: one label more than there are, as it is written, or "". */
static void
sample(struct exposition *e, const char *suffix, const char *more)
{
	const char *labels = e->labels.len > 0 ? e->labels.data : "";

	buf_puts(e->out, e->name);
	buf_puts(e->out, suffix);
	if (labels[0] != '\0' || more[0] != '\0')
		buf_printf(e->out, "{%s%s%s}", labels, labels[0] != '\0' && more[0] != '\0' ? "," : "", more);
	buf_putc(e->out, ' ');
}

void
exposition_u64(struct exposition *e, uint64_t v)
{
	sample(e, "", "");
	buf_printf(e->out, "%" PRIu64 "\n", v);
	buf_reset(&e->labels);
}

void
exposition_double(struct exposition *e, double v)
{
	sample(e, "", "");
	if (isfinite(v))
		buf_printf(e->out, "%.17g\n", v);
	else
		buf_printf(e->out, "%s\n", isnan(v) ? "NaN" : v > 0 ? "+Inf" : "-Inf");
	buf_reset(&e->labels);
}

void
exposition_ms(struct exposition *e, int64_t ms)
{
	uint64_t size = ms < 0 ? -(uint64_t)ms : (uint64_t)ms;

	sample(e, "", "");
	buf_printf(e->out, "%s%" PRIu64 ".%03" PRIu64 "\n", ms < 0 ? "-" : "", size / 1000, size % 1000);
	buf_reset(&e->labels);
}

static void
put_us(struct buf *out, uint64_t us)
{
	buf_printf(out, "%" PRIu64 ".%06" PRIu64 "\n", us / 1000000, us % 1000000);
}

void
exposition_us(struct exposition *e, uint64_t us)
{
	sample(e, "", "");
	put_us(e->out, us);
	buf_reset(&e->labels);
}

/* Others go on adding: the count is that of the buckets as they were read, so that it is equal to the last of them. */
void
exposition_span(struct exposition *e, const struct tally_span *span)
{
	uint64_t count = 0;
	char bound[32];

	for (int i = 0; i < TALLY_BUCKETS; i++) {
		count += span->buckets[i];
		if (i < TALLY_BUCKETS - 1)
			snprintf(bound, sizeof(bound), "le=\"%g\"", (double)tally_bounds_us[i] / 1e6);
		else
			snprintf(bound, sizeof(bound), "le=\"+Inf\"");
		sample(e, "_bucket", bound);
		buf_printf(e->out, "%" PRIu64 "\n", count);
	}
	sample(e, "_sum", "");
	put_us(e->out, span->sum_us);
	sample(e, "_count", "");
	buf_printf(e->out, "%" PRIu64 "\n", count);
	buf_reset(&e->labels);
}
