/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A report is a pure function from events to bytes. It knows no device and no clock but the
 * events' own, so `nvrig report` remakes the same bytes from events.jsonl years later.
 */
#ifndef RIG_REPORT_REPORT_H
#define RIG_REPORT_REPORT_H

#include <stdio.h>

#include "event/event.h"

struct report_style {
	bool colour;   /* ANSI colours allowed: a terminal, and not switched off */
	bool terminal; /* a progress line may be redrawn */
	bool verbose;  /* passing checks too */
};

struct report_ops {
	const char *name; /* "junit" */
	const char *help; /* one sentence */
	bool streams;	  /* writes as events come; the others write all in close */
	/* Returns the report's own state, NULL when out of memory. */
	void *(*open)(FILE *out, const struct report_style *style);
	void (*event)(void *state, const struct json_object *e);
	/* Writes what is left and frees the state. 0 or -errno of the output. */
	int (*close)(void *state);
};

extern const struct report_ops *const report_all[]; /* NULL-terminated */

const struct report_ops *report_find(const char *name); /* NULL: none of that name */

#endif
