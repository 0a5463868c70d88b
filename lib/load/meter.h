/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Times calls, and apart from them the register writes of a target that pass within. */
#ifndef LOAD_METER_H
#define LOAD_METER_H

#include "base/ticks.h"
#include "target/target.h"

struct load_calls;

struct meter {
	struct target_ops ops; /* the target's, but for reg_write: first, so that it is found */
	const struct target_ops *real;
	bool tsc;
	double rate;	   /* ns a tick, within 1 %: for telling calls that were interrupted */
	uint64_t overhead; /* ticks that a pair of readings takes */
	uint64_t inside;   /* ticks in register writes */
	uint64_t rings;	   /* register writes */
	uint64_t way_in;   /* ticks in those within calls that were timed */
};

/* From now on t's register writes are timed. meter_off before m goes. Takes a millisecond. */
void meter_on(struct meter *m, struct target *t);
void meter_off(struct meter *m, struct target *t);

/* Counts from 0 again. */
void meter_restart(struct meter *m);

struct meter_call {
	uint64_t begin, inside, rings;
};

static inline struct meter_call meter_begin(const struct meter *m)
{
	return (struct meter_call){ .inside = m->inside,
				    .rings = m->rings,
				    .begin = ticks_now(m->tsc) };
}

static inline uint64_t meter_less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

/* Ticks that the call took, without register writes and without what timing took. */
static inline uint64_t meter_end(struct meter *m, const struct meter_call *c)
{
	uint64_t took = ticks_now(m->tsc) - c->begin;
	uint64_t rings = m->rings - c->rings, inside = m->inside - c->inside;

	m->way_in += meter_less(inside, rings * m->overhead);
	return meter_less(took, inside + (rings + 1) * m->overhead);
}

/* A call of so many I/Os is counted, in ticks into c->ns; or as one that was interrupted. */
void meter_count(const struct meter *m, struct load_calls *c, uint64_t ticks, unsigned ios);

#endif
