/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The running case, as case.c and check.c share it. Not for suites. */
#ifndef CASE_RUNNING_H
#define CASE_RUNNING_H

#include <setjmp.h>

#include "case/case.h"
#include "event/event.h"

#define RIG_TEXT  512
#define RIG_SITES 256

struct deferred {
	struct deferred *next;
	void (*fn)(void *arg);
	void *arg;
};

/* Checks that held at one place: the first is an event, the rest are counted. */
struct site {
	const char *file;
	int line;
	uint64_t passed, failed;
};

struct rig {
	const struct case_run *run;
	void *env;
	uint64_t rand;
	struct deferred *deferred;
	bool in_body;	       /* begin or the body runs; what follows does not count as asking */
	bool done_checking;    /* deferred functions run: they never check */
	const char *left;      /* verdict the case left by: "N/A", "SKIP", "BROKEN" or NULL */
	char left_code[24];    /* SKIP's reason code */
	char reason[RIG_TEXT]; /* of `left`, else the first failed check */
	char advice_text[RIG_TEXT];
	uint64_t checks, failed, advice;
	uint64_t body_checks;
	struct site site[RIG_SITES];
	unsigned sites;
};

/* The check's event and its tally; with `required` and not held the case is left. */
bool check_done(struct rig *r, const struct check_site *s, bool held, const char *what,
		const char *got, const char *op, const char *want);

/* A source file's name without its folders, as events show it. */
const char *check_file(const char *file);

#endif
