/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One file a format; report.c lists them. */
#ifndef RIG_REPORT_FORMATS_H
#define RIG_REPORT_FORMATS_H

#include "rig/report/report.h"

extern const struct report_ops report_tty, report_junit, report_ktap, report_jsonl, report_md,
	report_trace;

#endif
