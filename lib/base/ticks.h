/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A counter that is cheap to read, for timing what takes tens of nanoseconds: the time stamp
 * counter where the processor says that it is invariant, else CLOCK_MONOTONIC. Its rate is found by
 * reading it and the clock at both ends of whatever is measured.
 */
#ifndef BASE_TICKS_H
#define BASE_TICKS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <x86intrin.h>

#define TICKS_POWER_LEAF    0x80000007u
#define TICKS_INVARIANT_TSC (1u << 8)

static inline bool ticks_are_tsc(void)
{
	unsigned a, b, c, d;

	return __get_cpuid(TICKS_POWER_LEAF, &a, &b, &c, &d) && (d & TICKS_INVARIANT_TSC);
}

/* tsc: what ticks_are_tsc said, asked once. */
static inline uint64_t ticks_now(bool tsc)
{
	return tsc ? __rdtsc() : clock_mono_ns();
}
#else
static inline bool ticks_are_tsc(void)
{
	return false;
}

static inline uint64_t ticks_now(bool tsc)
{
	(void)tsc;
	return clock_mono_ns();
}
#endif

#endif
