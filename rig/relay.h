/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The events of a run in a guest, into the journal outside. A guest may say anything: what comes is
 * an event of a run that goes on, in an order that one has, or it is told as noise.
 */
#ifndef RIG_RELAY_H
#define RIG_RELAY_H

#include "rig/session.h"
#include "stack/console.h"

#define RELAY_TOLD 32u

struct relay {
	struct session *s;
	struct json_object *planned; /* case and attempt -> place in the plan; gone once ended */
	FILE *plan;		     /* plan.jsonl, until the first case */
	bool begun, told_plan, ended;
	bool goes_on; /* a guest goes on with the run: until its "resume" it tells what we know */
	char open[512]; /* the case that was begun; "" */
	uint64_t attempt, index;
	char finding[256]; /* what the guest's kernel said first during it */
	bool shaken;	   /* it makes a driver abort, reset or connect again */
	unsigned findings, shakes, noises;
	/* Lines of its kernel told last: they come by the console and, where the run in it hears
	 * /dev/kmsg, with its events, in either order. */
	char told[RELAY_TOLD][CONSOLE_LINE];
	unsigned n_told;
	uint64_t noise_bytes;
	int inner_status; /* of its run_end */
};

/* 0 or -ENOMEM. */
int relay_init(struct relay *r, struct session *s);
void relay_free(struct relay *r);

/*
 * A journal that was reopened: what of its plan has no end yet is to come, what has one counts. A
 * run whose plan is not whole cannot go on: -ENOENT with error (JOURNAL_ERROR bytes).
 */
int relay_resume(struct relay *r, char *error);

/* The next guest goes on with the run. */
void relay_go_on(struct relay *r);

/* For struct guest_ops, ctx is the relay. */
void relay_event(void *ctx, struct json_object *e);
void relay_finding(void *ctx, const char *line);
void relay_noise(void *ctx, size_t bytes);

/*
 * The run in the guest will tell no more. The case that was begun gets that verdict and reason, log
 * (or NULL) stands with it; the rest is NOTRUN. 0 or -errno.
 */
int relay_cut(struct relay *r, enum verdict v, const char *reason, const char *log);

/* The same, but the rest is for another guest. */
int relay_cut_open(struct relay *r, enum verdict v, const char *reason, const char *log);

#endif
