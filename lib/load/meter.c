// SPDX-License-Identifier: GPL-2.0-or-later
#include "load/meter.h"

#include "load/load.h"

#define CALIBRATIONS	  1000u
#define INTERRUPTED_NS	  20000.0
#define INTERRUPTED_IO_NS 200.0

static int timed_reg_write(struct target *t, uint64_t off, unsigned width, uint64_t value)
{
	struct meter *m = (struct meter *)(void *)(uintptr_t)t->ops;
	uint64_t begin = ticks_now(m->tsc);
	int err = m->real->reg_write(t, off, width, value);

	m->inside += ticks_now(m->tsc) - begin;
	m->rings++;
	return err;
}

/* The least that two readings are apart. */
static uint64_t pair_cost(bool tsc)
{
	uint64_t least = UINT64_MAX;

	for (unsigned i = 0; i < CALIBRATIONS; i++) {
		uint64_t begin = ticks_now(tsc), took = ticks_now(tsc) - begin;

		least = took < least ? took : least;
	}
	return least;
}

static double measure_rate(bool tsc)
{
	uint64_t ticks = ticks_now(tsc), begin = clock_mono_ns(), now;

	do
		now = clock_mono_ns();
	while (now - begin < NS_PER_MS);
	ticks = ticks_now(tsc) - ticks;
	return ticks ? (double)(now - begin) / (double)ticks : 0;
}

void meter_on(struct meter *m, struct target *t)
{
	*m = (struct meter){ .ops = *t->ops, .real = t->ops, .tsc = ticks_are_tsc() };
	m->overhead = pair_cost(m->tsc);
	m->rate = measure_rate(m->tsc);
	if (m->ops.reg_write)
		m->ops.reg_write = timed_reg_write;
	t->ops = &m->ops;
}

void meter_off(struct meter *m, struct target *t)
{
	t->ops = m->real;
}

void meter_restart(struct meter *m)
{
	m->inside = m->rings = m->way_in = 0;
}

void meter_count(const struct meter *m, struct load_calls *c, uint64_t ticks, unsigned ios)
{
	if ((double)ticks * m->rate > INTERRUPTED_NS + INTERRUPTED_IO_NS * ios) {
		c->interrupted++;
		return;
	}
	c->calls++;
	c->ios += ios;
	c->ns += (double)ticks;
}
