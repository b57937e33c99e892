/*
 * The text format of Prometheus (0.0.4): for each metric its help and type, then its samples. Whatever a label's value
 * holds, the text stays well-formed.
 */
#ifndef RENSA_SRC_API_EXPOSITION_H
#define RENSA_SRC_API_EXPOSITION_H

#include <stdint.h>

#include "store/tally.h"
#include "util/buf.h"

#define EXPOSITION_TYPE "text/plain; version=0.0.4; charset=utf-8"

enum metric_type { METRIC_GAUGE, METRIC_COUNTER, METRIC_HISTOGRAM };

struct exposition {
	struct buf *out;
	const char *name;  /* of the metric in hand */
	struct buf labels; /* of the sample in hand: a="b",c="d" */
};

void exposition_begin(struct exposition *e, struct buf *out);
void exposition_end(struct exposition *e);
void exposition_metric(struct exposition *e, const char *name, enum metric_type type, const char *help);
const char *metric_type_name(enum metric_type type);

/* Labels of the next sample, which the sample uses up. */
void exposition_label(struct exposition *e, const char *name, const char *value);
void exposition_u64(struct exposition *e, uint64_t v);
void exposition_double(struct exposition *e, double v);
/* In seconds. */
void exposition_ms(struct exposition *e, int64_t ms);
void exposition_us(struct exposition *e, uint64_t us);
/* All samples of a histogram: in seconds, and cumulative. */
void exposition_span(struct exposition *e, const struct tally_span *span);

#endif
