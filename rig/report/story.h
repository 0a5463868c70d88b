/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the reports share: a run's events gathered into tales, one a case instance. Events are
 * read defensively; any field may be absent or of another type, any event may be missing.
 */
#ifndef RIG_REPORT_STORY_H
#define RIG_REPORT_STORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event/event.h"

enum report_verdict {
	V_PASS,
	V_FAIL,
	V_KNOWN,
	V_NA,
	V_SKIP,
	V_BROKEN,
	V_LOST,
	V_NOTRUN,
	V_UNSTABLE,
	V_COUNT
};

extern const char *const report_verdicts[V_COUNT]; /* "PASS" ... */

/* Bits of a verdict: how formats that know only good and bad take it. */
bool report_is_red(enum report_verdict v);     /* FAIL BROKEN LOST NOTRUN UNSTABLE */
bool report_is_skipped(enum report_verdict v); /* N/A SKIP */

/* One case instance. The events are references held by the tale. */
struct tale {
	enum report_verdict verdict;
	bool begun;		   /* false: left out by the plan, or not reached */
	bool timeout;		   /* BROKEN by the rig's deadline */
	bool derived;		   /* made from tables, as the plan says */
	struct json_object *begin; /* case_begin or NULL */
	struct json_object *end;   /* case_end, or NULL: the journal stops in this case */
	struct json_object *told;  /* array: failed checks, notes, samples, engine, in order */
	size_t dropped;		   /* events past TOLD_MAX */

	/* Of a repeated case, whose attempts are one tale: begin, end and told are the worst's. */
	unsigned tries;	   /* 0: not one of these */
	unsigned failures; /* how many of them were FAIL */
	uint64_t tries_ns; /* what they took together */
	struct json_object
		*failed; /* array: case_end of the FAILs, the first FAILED_MAX, or NULL */
};

#define TOLD_MAX   2000 /* evidence kept of one case; the journal has it all */
#define FAILED_MAX 100

/* "" when nothing is known; valid as long as the tale. */
const char *tale_name(const struct tale *o); /* "queue.delete-bad-id[admin]" */
const char *tale_reason(const struct tale *o);
const char *tale_known(const struct tale *o); /* what the profile says of the deviation */
/* The code that a SKIP's reason begins with, from the closed list; "other" when it has none. */
const char *tale_skip_code(const struct tale *o);
/* "3 of 10" when it is UNSTABLE; "" otherwise. */
const char *tale_unstable(const struct tale *o, char *buf, size_t len);
/* Which try of a repeated case this is, from 1; 0: not repeated, or a tale of all tries. */
uint64_t tale_attempt(const struct tale *o);
uint64_t tale_deadline_s(const struct tale *o);
uint64_t tale_duration_ns(const struct tale *o);
size_t tale_suite_len(const struct tale *o); /* bytes of the name before its dot; 0: none */

/* "status: got 0h Success, want 101h ... [file.c:12]" of a check event, into buf. */
const char *check_text_line(const struct json_object *e, char *buf, size_t len);
/* The same for any told event: check, note, sample or engine. */
const char *told_line(const struct json_object *e, char *buf, size_t len);
/* The log that came with an engine's death, "" otherwise. */
const char *told_log(const struct json_object *e);
#define TOLD_LINE 1024

bool check_failed(const struct json_object *e); /* a check event that did not hold */
bool check_is_advice(const struct json_object *e);

/* Takes its own references; *ret is overwritten. tale_clear drops them. */
void tale_copy(struct tale *ret, const struct tale *o);
void tale_clear(struct tale *o);

/* A case ended, begun or not; a repeated one in all its attempts. The tale dies after the call. */
typedef void story_ended_fn(void *ctx, const struct tale *o);

struct folds;

struct story {
	story_ended_fn *ended;
	story_ended_fn *tried; /* one attempt of a repeated case ended; may be NULL */
	void *ctx;
	struct json_object *run, *end; /* run_begin, the last run_end; NULL before */
	struct tale *open;
	struct json_object
		*planned;    /* name and attempt -> plan event of cases that have not ended */
	struct folds *folds; /* repeated cases with attempts to come */
	uint64_t count[V_COUNT];
	uint64_t derived[V_COUNT]; /* of these, the derived ones */
	uint64_t begun;
	uint64_t last_ns; /* the latest mono_ns */
	int error;	  /* -ENOMEM: something was not kept */
};

void story_event(struct story *s, const struct json_object *e);
/*
 * Ends what the journal leaves open: a case begun is LOST, cases planned and never reached are
 * NOTRUN. The run's facts stay for the writer's last words.
 */
void story_finish(struct story *s);
void story_free(struct story *s);

/*
 * "by hand 3: 2 PASS, 1 FAIL" and "derived 9: 9 PASS": the counts apart, into buf; "" when the run
 * has no derived case.
 */
const char *story_tally(const struct story *s, bool derived, char *buf, size_t len);
#define TALLY_TEXT 256

/* A string of run_begin, or "". */
const char *story_fact(const struct story *s, const char *key);

/* Copies of tales, for the reports that write in close. */
struct tale_list {
	struct tale *all;
	size_t n, cap;
};

/* Takes its own references. 0 or -ENOMEM. */
int tale_list_add(struct tale_list *l, const struct tale *o);
void tale_list_free(struct tale_list *l);

#endif
