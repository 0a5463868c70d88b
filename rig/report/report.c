// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/report/report.h"

#include <string.h>

#include "rig/report/formats.h"

const struct report_ops *const report_all[] = { &report_tty,   &report_junit, &report_ktap,
						&report_jsonl, &report_md,    &report_trace,
						NULL };

const struct report_ops *report_find(const char *name)
{
	for (size_t i = 0; report_all[i]; i++)
		if (!strcmp(report_all[i]->name, name))
			return report_all[i];
	return NULL;
}
