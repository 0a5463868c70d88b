// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/verdict.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "rig/verbs.h"

static const char *const names[VERDICTS] = {
	[VERDICT_NONE] = "", [PASS] = "PASS", [FAIL] = "FAIL",
	[KNOWN] = "KNOWN",   [NA] = "N/A",    [SKIP] = "SKIP",
	[BROKEN] = "BROKEN", [LOST] = "LOST", [NOTRUN] = "NOTRUN",
};

static const char *const fields[VERDICTS] = {
	[VERDICT_NONE] = "", [PASS] = "pass",	  [FAIL] = "fail", [KNOWN] = "known",	[NA] = "na",
	[SKIP] = "skip",     [BROKEN] = "broken", [LOST] = "lost", [NOTRUN] = "notrun",
};

const char *verdict_name(enum verdict v)
{
	return names[v];
}

const char *verdict_field(enum verdict v)
{
	return fields[v];
}

enum verdict verdict_find(const char *name)
{
	for (enum verdict v = PASS; v < VERDICTS; v++)
		if (!strcmp(name, names[v]))
			return v;
	return VERDICT_NONE;
}

void outcome_set(struct outcome *o, enum verdict v, const char *fmt, ...)
{
	va_list ap;

	o->verdict = v;
	va_start(ap, fmt);
	vsnprintf(o->reason, sizeof(o->reason), fmt, ap);
	va_end(ap);
}

void tally_add(struct tally *t, const struct outcome *o)
{
	t->count[o->verdict]++;
	if (o->advice)
		t->advised++;
}

int tally_status(const struct tally *t)
{
	const unsigned *n = t->count;

	if (n[FAIL] || t->unstable || (t->strict_skip && n[SKIP]))
		return RIG_DRIVE_FAILED;
	if (t->refused)
		return RIG_REFUSED;
	if (n[BROKEN] || n[LOST] || t->broke || (n[NOTRUN] && !t->stopped))
		return RIG_BROKE;
	if (t->stopped)
		return RIG_STOPPED;
	if (!n[PASS] && !n[KNOWN])
		return RIG_NOTHING_RAN;
	return RIG_GOOD;
}
