// SPDX-License-Identifier: GPL-2.0-or-later
#include "load/hist.h"

#define MILLION 1000000u

void hist_merge(struct hist *h, const struct hist *from)
{
	if (!from->count)
		return;
	if (!h->count || from->min < h->min)
		h->min = from->min;
	if (from->max > h->max)
		h->max = from->max;
	h->count += from->count;
	h->sum += from->sum;
	for (unsigned i = 0; i < HIST_BINS; i++)
		h->bin[i] += from->bin[i];
}

uint64_t hist_edge(unsigned bin)
{
	unsigned octave;

	if (bin < HIST_STEPS)
		return bin;
	if (bin >= HIST_BINS - 1)
		return UINT64_MAX;
	octave = bin / HIST_STEPS - 1;
	return ((uint64_t)(HIST_STEPS + bin % HIST_STEPS + 1) << octave) - 1;
}

bool hist_percentile(const struct hist *h, unsigned ppm, uint64_t *ret)
{
	__extension__ unsigned __int128 product = (unsigned __int128)h->count * ppm;
	uint64_t rank = (uint64_t)((product + MILLION - 1) / MILLION), seen = 0, edge;

	if (!h->count || h->count - rank < HIST_BEYOND)
		return false;
	for (unsigned i = 0; i < HIST_BINS; i++) {
		seen += h->bin[i];
		if (seen < rank || !seen)
			continue;
		edge = hist_edge(i);
		*ret = edge < h->max ? edge : h->max;
		return true;
	}
	return false;
}

double hist_mean(const struct hist *h)
{
	return h->count ? (double)h->sum / (double)h->count : 0;
}
