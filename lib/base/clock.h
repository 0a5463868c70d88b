/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

#define NS_PER_US 1000ull
#define NS_PER_MS 1000000ull
#define NS_PER_S  1000000000ull

/* CLOCK_MONOTONIC in nanoseconds. */
uint64_t clock_mono_ns(void);

/* CLOCK_REALTIME as RFC 3339 UTC with nanoseconds; ret_text holds CLOCK_TEXT bytes. */
#define CLOCK_TEXT 31
void clock_utc_text(char ret_text[CLOCK_TEXT]);

#endif
