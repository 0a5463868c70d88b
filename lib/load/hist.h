/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Latencies, counted in bins that grow with the value: 64 to an octave, exact below 64 ns. A bin's
 * width is at most 1/64 of its lower edge, so a percentile, which is the upper edge of its bin (or
 * the greatest value, if that is less), is at most 1.6 % above the value it stands for and never
 * below it. The bin rule is that of fio's json+. From 2^40 ns (18 minutes) on there is one bin.
 */
#ifndef LOAD_HIST_H
#define LOAD_HIST_H

#include <stdbool.h>
#include <stdint.h>

#define HIST_STEP_BITS	6
#define HIST_STEPS	(1u << HIST_STEP_BITS)
#define HIST_VALUE_BITS 40
#define HIST_BINS	((HIST_VALUE_BITS - HIST_STEP_BITS + 1) * HIST_STEPS + 1)
#define HIST_BEYOND	10 /* so many samples lie beyond a percentile that is told */

struct hist {
	uint64_t count, sum, min, max; /* sum, min, max exact; 0 while count is */
	uint64_t bin[HIST_BINS];
};

static inline unsigned hist_bin(uint64_t v)
{
	unsigned octave;

	if (v < HIST_STEPS)
		return (unsigned)v;
	if (v >> HIST_VALUE_BITS)
		return HIST_BINS - 1;
	octave = 63u - HIST_STEP_BITS - (unsigned)__builtin_clzll(v);
	return (octave + 1) * HIST_STEPS + ((unsigned)(v >> octave) & (HIST_STEPS - 1));
}

static inline void hist_add(struct hist *h, uint64_t v)
{
	if (v < h->min || !h->count)
		h->min = v;
	if (v > h->max)
		h->max = v;
	h->count++;
	h->sum += v;
	h->bin[hist_bin(v)]++;
}

/* Everything of `from` is added to h. */
void hist_merge(struct hist *h, const struct hist *from);

/* The greatest value that falls into that bin. */
uint64_t hist_edge(unsigned bin);

/*
 * The value that `ppm` of a million samples do not pass. False, and nothing returned, when fewer
 * than HIST_BEYOND samples lie beyond it: then it is an accident, not a percentile.
 */
bool hist_percentile(const struct hist *h, unsigned ppm, uint64_t *ret);

/* 0 without samples. */
double hist_mean(const struct hist *h);

#endif
