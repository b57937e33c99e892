/*
 * How the retarget rule behaves, by simulation through the real target_next: mining is a Poisson process whose rate
 * follows from the target that the moment's own time stamp allows. Each scenario prints its mean interval, spread and
 * time to settle, and must stay within its bounds. Random numbers are seeded, so every run is the same.
 */
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "chain/header_chain.h"
#include "chain/params.h"
#include "chain/pow.h"
#include "util/attr.h"

#define INTERVAL_MS 20000.0
#define STEP_MS (INTERVAL_MS / 16) /* the rate changes by 0.07 % in a step */
#define START_HEIGHT 1000
#define HOUR_MS 3600000.0
#define MINUTE_MS 60000.0

/* How a miner stamps its blocks. */
enum stamp {
	STAMP_HONEST,
	STAMP_LATEST,	/* as far ahead as nodes accept */
	STAMP_EARLIEST, /* just above the median */
	STAMP_ANY	/* anywhere between */
};

struct miner {
	double power; /* hashes a millisecond */
	enum stamp stamp;
	uint32_t found;
};

struct sim {
	struct params params;
	struct header_state head;
	double now_ms;
	uint64_t random;
	struct miner honest, liar;
	uint32_t blocks;
	double sum_ms, sum_squares;
};

/* SplitMix64: 64 random bits. */
static uint64_t
sim_random(struct sim *s)
{
	uint64_t z = s->random += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* Evenly in (0, 1]. */
static double
sim_uniform(struct sim *s)
{
	return (double)((sim_random(s) >> 11) + 1) / 9007199254740992.0;
}

static double
sim_exponential(struct sim *s, double mean)
{
	return -log(sim_uniform(s)) * mean;
}

/* Hashes that a block at the head's target takes. */
static double
sim_work(const struct sim *s)
{
	struct u256 work = target_work(s->head.header.target);
	return u256_to_double(&work);
}

/* A chain in balance: power finds a block in each interval. */
static void
sim_init(struct sim *s, double work, uint64_t seed)
{
	*s = (struct sim){.random = seed};
	params_default(&s->params);
	s->honest.power = work / INTERVAL_MS;
	struct u256 all = {{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}};
	struct u256 divisor = u256_of((uint64_t)work);
	struct u256 target = u256_div(&all, &divisor);
	struct header h = {
	    .version = BLOCK_VERSION,
	    .time_ms = s->params.genesis_time_ms,
	    .target = target_compact(&target),
	    .height = START_HEIGHT,
	};
	uint64_t times_ms[MEDIAN_SPAN];
	for (unsigned i = 0; i < MEDIAN_SPAN; i++)
		times_ms[i] = h.time_ms - (uint64_t)(INTERVAL_MS * (MEDIAN_SPAN - 1 - i));
	struct hash256 hash = {{0}};
	struct u256 none = u256_of(0);
	header_state_at(&s->head, &h, &hash, &none, times_ms, MEDIAN_SPAN);
	s->now_ms = (double)h.time_ms;
}

static uint64_t
sim_stamp(struct sim *s, enum stamp stamp)
{
	uint64_t now_ms = (uint64_t)s->now_ms;
	uint64_t earliest_ms = header_state_median_ms(&s->head) + 1;
	uint64_t latest_ms = now_ms + TIME_AHEAD_MS;
	switch (stamp) {
	case STAMP_LATEST:
		return latest_ms;
	case STAMP_EARLIEST:
		return earliest_ms;
	case STAMP_ANY:
		return earliest_ms + sim_random(s) % (latest_ms - earliest_ms + 1);
	case STAMP_HONEST:
		break;
	}
	return now_ms > earliest_ms ? now_ms : earliest_ms;
}

static uint32_t
sim_target(const struct sim *s, uint64_t time_ms)
{
	const struct header *parent = &s->head.header;
	return target_next(&s->params, parent->height, parent->target, parent->time_ms, time_ms);
}

/* Blocks a millisecond that the miner finds with that stamp. */
static double
sim_rate(const struct sim *s, const struct miner *m, uint64_t time_ms)
{
	if (m->power == 0)
		return 0;
	struct u256 work = target_work(sim_target(s, time_ms));
	return m->power / u256_to_double(&work);
}

static void
sim_append(struct sim *s, uint64_t time_ms)
{
	struct header h = s->head.header;
	h.height++;
	h.target = sim_target(s, time_ms);
	h.time_ms = time_ms;
	struct hash256 hash = {{0}};
	header_state_advance(&s->head, &h, &hash);
}

static void
sim_mine(struct sim *s)
{
	double start_ms = s->now_ms, luck = sim_exponential(s, 1);
	for (;;) {
		uint64_t honest_ms = sim_stamp(s, s->honest.stamp), liar_ms = sim_stamp(s, s->liar.stamp);
		double honest = sim_rate(s, &s->honest, honest_ms), liar = sim_rate(s, &s->liar, liar_ms);
		double expected = (honest + liar) * STEP_MS;
		if (luck <= expected) {
			s->now_ms += STEP_MS * luck / expected;
			bool lie = sim_uniform(s) * (honest + liar) <= liar;
			(lie ? &s->liar : &s->honest)->found++;
			/* The stamp of the moment it was found, unless it is made up. */
			enum stamp stamp = lie ? s->liar.stamp : s->honest.stamp;
			sim_append(s, stamp == STAMP_ANY ? liar_ms : sim_stamp(s, stamp));
			break;
		}
		luck -= expected;
		s->now_ms += STEP_MS;
	}
	double took_ms = s->now_ms - start_ms;
	s->blocks++;
	s->sum_ms += took_ms;
	s->sum_squares += took_ms * took_ms;
}

static void
sim_run(struct sim *s, uint32_t blocks)
{
	for (uint32_t i = 0; i < blocks; i++)
		sim_mine(s);
}

static void
sim_forget(struct sim *s)
{
	s->blocks = s->honest.found = s->liar.found = 0;
	s->sum_ms = s->sum_squares = 0;
}

/* Power changes; how long until blocks come at half to twice their interval? The mean of several times. */
static double
sim_settle(struct sim *s, double factor)
{
	const int times = 10;
	double sum_ms = 0;
	for (int i = 0; i < times; i++) {
		struct sim once = *s;
		once.random += (uint64_t)i;
		sim_run(&once, 100);
		once.honest.power *= factor;
		double start_ms = once.now_ms, ratio;
		do {
			sim_mine(&once);
			ratio = sim_work(&once) / once.honest.power / INTERVAL_MS;
		} while (ratio < 0.5 || ratio > 2);
		sum_ms += once.now_ms - start_ms;
		if (i == times - 1)
			*s = once;
	}
	return sum_ms / times;
}

/* What a scenario measured beside the intervals: one figure, if it has one. */
typedef double scenario_run(struct sim *s);

static double
steady(struct sim *s)
{
	sim_run(s, 8000);
	return 0;
}

static double
power_up(struct sim *s)
{
	double settled_ms = sim_settle(s, 100);
	sim_run(s, 400); /* to balance */
	sim_forget(s);
	sim_run(s, 4000);
	return settled_ms / MINUTE_MS;
}

static double
power_down(struct sim *s)
{
	double settled_ms = sim_settle(s, 0.01);
	sim_run(s, 400); /* to balance */
	sim_forget(s);
	sim_run(s, 4000);
	return settled_ms / HOUR_MS;
}

/* Most of the power stays an hour or so, is away as long, and so on. */
static double
come_and_go(struct sim *s)
{
	double few = s->honest.power, many = 8 * few, change_ms = 0;
	for (uint32_t i = 0; i < 20000; i++) {
		if (s->now_ms >= change_ms) {
			s->honest.power = s->honest.power == few ? many : few;
			change_ms = s->now_ms + sim_exponential(s, HOUR_MS);
		}
		sim_mine(s);
	}
	return 0;
}

/* The liar's part of the power is `part`; the figure is its part of the blocks in percent. */
static double
lie(struct sim *s, double part, enum stamp stamp)
{
	s->liar.power = s->honest.power * part;
	s->liar.stamp = stamp;
	s->honest.power *= 1 - part;
	sim_run(s, 4000);
	return 100.0 * s->liar.found / s->blocks;
}

static double
minority_latest(struct sim *s)
{
	return lie(s, 0.3, STAMP_LATEST);
}

static double
minority_earliest(struct sim *s)
{
	return lie(s, 0.3, STAMP_EARLIEST);
}

static double
minority_any(struct sim *s)
{
	return lie(s, 0.3, STAMP_ANY);
}

static double
majority_latest(struct sim *s)
{
	return lie(s, 0.6, STAMP_LATEST);
}

static double
majority_earliest(struct sim *s)
{
	return lie(s, 0.6, STAMP_EARLIEST);
}

static double
majority_any(struct sim *s)
{
	return lie(s, 0.6, STAMP_ANY);
}

/*
 * Somebody mines a hundred blocks by hand, each a millisecond after the other: how much harder is the next? The blocks
 * after them make up for the hundred intervals, so their mean is longer by 100 in 4,000.
 */
static double
by_hand(struct sim *s)
{
	double before = sim_work(s);
	for (int i = 0; i < 100; i++)
		sim_append(s, s->head.header.time_ms + 1);
	s->now_ms = (double)s->head.header.time_ms;
	double harder = sim_work(s) / before;
	sim_run(s, 4000);
	return harder;
}

/*
 * A timer mines a block each interval, a few milliseconds late, for half a year. Power plays no part, and what is seen
 * is that compact targets round down: how much harder than the easiest does it get?
 */
static double
by_timer(struct sim *s)
{
	double before = sim_work(s), start_ms = s->now_ms;
	const uint32_t blocks = 788400;
	for (uint32_t i = 1; i <= blocks; i++) {
		s->now_ms = start_ms + i * INTERVAL_MS;
		sim_append(s, (uint64_t)s->now_ms + sim_random(s) % 11);
	}
	s->blocks = blocks;
	s->sum_ms = s->now_ms - start_ms;
	s->sum_squares = s->sum_ms * INTERVAL_MS;
	return sim_work(s) / before;
}

struct scenario {
	const char *name;
	scenario_run *run;
	double work;	    /* hashes a block at the start */
	double tolerance;   /* of the mean interval, in percent */
	const char *figure; /* printf format of what run returns, NULL if nothing */
	double figure_low, figure_high;
};

#define WORK 1073741824.0			   /* 2^30 */
#define COARSE_WORK (4294967296.0 * 65535 / 65536) /* a compact mantissa just above 2^16: the coarsest steps */

static const struct scenario scenarios[] = {
    {"steady power", steady, WORK, 1, NULL, 0, 0},
    {"steady, coarsest targets", steady, COARSE_WORK, 1, NULL, 0, 0},
    {"power x 100", power_up, WORK, 2, "settled after %.1f min", 12, 22},
    {"power / 100", power_down, WORK, 2, "settled after %.2f h", 1.8, 2.6},
    {"miners come and go (x 8)", come_and_go, WORK, 2, NULL, 0, 0},
    {"30 % stamp the latest time", minority_latest, WORK, 2, "found %.1f %% of the blocks", 28, 33},
    {"30 % stamp the earliest", minority_earliest, WORK, 2, "found %.1f %% of the blocks", 25, 31},
    {"30 % stamp at random", minority_any, WORK, 2, "found %.1f %% of the blocks", 27, 33},
    {"60 % stamp the latest time", majority_latest, WORK, 2, "found %.1f %% of the blocks", 58, 64},
    {"60 % stamp the earliest", majority_earliest, WORK, 2, "found %.1f %% of the blocks", 0, 60},
    {"60 % stamp at random", majority_any, WORK, 2, "found %.1f %% of the blocks", 55, 64},
    {"100 blocks by hand at once", by_hand, WORK, 4, "the next is %.2f times harder", 2.9, 3.4},
    {"a timer, half a year", by_timer, 4096.0, 1, "%.2f times harder than at first", 1, 2.5},
};

/* Prints the scenario's row; false if it left its bounds. */
static bool
scenario_holds(const struct scenario *sc, uint64_t seed)
{
	struct sim s;
	sim_init(&s, sc->work, seed);
	double figure = sc->run(&s);
	double mean_ms = s.sum_ms / s.blocks;
	double variance = s.sum_squares / s.blocks - mean_ms * mean_ms;
	double off_percent = 100 * (mean_ms / INTERVAL_MS - 1);
	bool holds = fabs(off_percent) <= sc->tolerance;
	if (sc->figure)
		holds = holds && figure >= sc->figure_low && figure <= sc->figure_high;

	printf("%-28s %7u %8.3f %+7.2f %7.2f  ", sc->name, s.blocks, mean_ms / 1000, off_percent,
	       sqrt(variance > 0 ? variance : 0) / mean_ms);
	if (sc->figure) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		printf(sc->figure, figure);
#pragma GCC diagnostic pop
	}
	printf("%s\n", holds ? "" : "  OUT OF BOUNDS");
	return holds;
}

int
main(void)
{
	printf("%-28s %7s %8s %7s %7s\n", "retarget, T = 20 s", "blocks", "mean s", "off %", "spread");
	bool holds = true;
	for (size_t i = 0; i < ARRAY_LEN(scenarios); i++)
		holds = scenario_holds(&scenarios[i], 20260101 + i) && holds;
	return holds ? EXIT_SUCCESS : EXIT_FAILURE;
}
