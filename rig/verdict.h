/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Verdicts, how many of each a run had, and the exit status they add up to. */
#ifndef RIG_VERDICT_H
#define RIG_VERDICT_H

#include <stdbool.h>
#include <stdint.h>

enum verdict {
	VERDICT_NONE, /* not given yet */
	PASS,
	FAIL,
	KNOWN,
	NA,
	SKIP,
	BROKEN,
	LOST,
	NOTRUN,
	VERDICTS,
};

const char *verdict_name(enum verdict v);    /* "N/A"; "" for VERDICT_NONE */
enum verdict verdict_find(const char *name); /* VERDICT_NONE: none of that name */
const char *verdict_field(enum verdict v);   /* "na": its key in run_end */

/* What became of one instance. */
struct outcome {
	enum verdict verdict;
	char reason[1024];	 /* a sentence; empty only for PASS */
	const char *error;	 /* "timeout", "lost", "notrun", "died", or NULL */
	bool down;		 /* its worker crashed or was late, whatever the verdict */
	bool crashed;		 /* it did not end by itself, and nobody ended it */
	unsigned checks, failed; /* all that ran; MUST checks that missed */
	unsigned advice;	 /* SHOULD checks that missed */
	uint64_t duration_ns;
};

/* Sets verdict and reason (printf). Counts and duration stay. */
__attribute__((format(printf, 3, 4))) void outcome_set(struct outcome *o, enum verdict v,
						       const char *fmt, ...);

struct tally {
	unsigned count[VERDICTS];
	unsigned unstable; /* repeated instances with both PASS and FAIL */
	unsigned advised;  /* cases with advice */
	bool stopped;	   /* by a signal or a limit: --resume can go on */
	bool broke;	   /* trouble of the rig that is no case's verdict: disk full, no target */
	bool refused;	   /* by a guard, before anything was changed */
	bool stuck;	   /* a worker sleeps in the kernel, for the drive: nobody touches that */
	bool strict_skip;  /* SKIP counts as a failure */
};

void tally_add(struct tally *t, const struct outcome *o);

/* libraries.md section 7: 1, 2, 4, 77, 0 in that order; never good when nothing ran. */
int tally_status(const struct tally *t);

#endif
