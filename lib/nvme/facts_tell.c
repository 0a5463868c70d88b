// SPDX-License-Identifier: GPL-2.0-or-later
#include "nvme/facts_tell.h"

#include <stdarg.h>
#include <stdio.h>

void facts_tell(const struct teller *t, const char *name, const char *note, const char *fmt, ...)
{
	char value[128];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(value, sizeof(value), fmt, ap);
	va_end(ap);
	t->fn(t->ctx, name, value, note);
}
