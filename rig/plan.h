/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Suites x filter x facts -> what runs, what does not, and why. Arithmetic: no device, no clock.
 */
#ifndef RIG_PLAN_H
#define RIG_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "case/case.h"
#include "nvme/facts.h"
#include "rig/verdict.h"

/* Words that pick instances; all lists may be empty, which picks all (excludes: none). */
struct plan_filter {
	const char *const *areas; /* --suite */
	size_t n_areas;
	/* Shell patterns over the full name, "area.id" or "area.id[row]"; one without a row takes
	 * all rows. A name in full is always itself, its brackets are no character class. */
	const char *const *cases; /* --case */
	size_t n_cases;
	const char *const *excludes; /* --exclude */
	size_t n_excludes;
	enum rig_harm allow; /* above it: SKIP */
	unsigned repeat;     /* how often each instance is planned; 0 is 1 */
};

struct plan_item {
	const struct rig_suite *suite;
	const struct rig_case *c;
	unsigned row;
	unsigned attempt;    /* from 1; 0 when nothing is repeated */
	enum verdict action; /* VERDICT_NONE: run; else NA or SKIP, decided here */
	char *reason;	     /* of NA and SKIP */
	char name[CASE_NAME];
};

struct plan {
	struct plan_item *item;
	size_t n, selected; /* selected: how many run */
};

/*
 * facts NULL (none known) or not alive: nothing is N/A, each case will tell. 0 or -ENOMEM. The
 * caller frees with plan_free, also after an error.
 */
int plan_make(const struct rig_suite *const *suites, const struct plan_filter *f,
	      const struct facts *facts, struct plan *ret);
void plan_free(struct plan *p);

/*
 * The first word of the filter that names nothing, in words with the nearest name: "no case
 * 'queue.delet-bad-id'; did you mean 'queue.delete-bad-id'?". False: all name something.
 */
bool plan_unknown(const struct rig_suite *const *suites, const struct plan_filter *f,
		  char *ret_text, size_t size);

/* Does a pattern as in plan_filter take this instance? */
bool plan_match(const char *pattern, const struct rig_suite *s, const struct rig_case *c,
		unsigned row);

const char *harm_name(enum rig_harm h);			      /* "settings" */
/* What may be harmed when nobody said: on what is emulated nothing is of value, and nothing wears.
 * Devices of this machine have data that somebody may want, unless the rig booted it. */
enum rig_harm harm_default(const struct facts *f);
int harm_find(const char *name);			      /* -1: none of that name */
const char *level_name(enum rig_level l);		      /* "must" */
const char *kind_name(enum rig_kind k);			      /* "conformance" */
const char *effort_name(enum rig_effort e);		      /* "normal" */
int effort_find(const char *name);			      /* -1: none of that name */
int trace_find(const char *name);			      /* enum rig_trace, or -1 */
/* The case of an instance's full name, "area.id[row]"; NULL: there is none. */
const struct rig_case *case_find(const char *name);
/* What an instance needs: the case, and that row of it. */
unsigned case_needs(const struct rig_case *c, unsigned row);
const char *row_name(const struct rig_case *c, unsigned row); /* NULL without rows */

#endif
