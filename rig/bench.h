/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is under the cases: a target somebody else keeps, or a stack of the rig's own. */
#ifndef RIG_BENCH_H
#define RIG_BENCH_H

#include <stdbool.h>

#include "stack/stack.h"

struct stop;
struct target_hold;

#define BENCH_ERROR 512 /* bytes of every error text here */

enum health {
	HEALTH_GOOD,
	HEALTH_DEAD,   /* the way in is there, the controller does not come up */
	HEALTH_SILENT, /* nothing answers */
};

/* The functions may be NULL: nothing of that kind is under the cases. */
struct bench {
	const char *target; /* address in full; read again after a restart */
	const char *engine; /* "QEMU 7.2.22" of an own stack; NULL: the target's caps know */
	void *ctx;
	struct stop *stop;
	struct target_hold *hold; /* what the target has to have settled around the run; or NULL */
	/* An engine that the rig started itself: is it alive? Looks, does not wait. */
	bool (*alive)(struct bench *b, struct stack_death *ret);
	/* Brings that engine up again. 0 or -errno with ret_error. */
	int (*restart)(struct bench *b, char ret_error[BENCH_ERROR]);
	/* Asks the device, in a worker, after a case that went wrong; ret_trouble says why not. */
	enum health (*health)(struct bench *b, char ret_trouble[BENCH_ERROR]);
};

/* A target by its address, which must outlive the bench. */
void bench_on_target(struct bench *b, const char *target, struct stop *stop);

/* What the target needs settled once a run. 0 or -errno with ret_error. */
int bench_hold(struct bench *b, char ret_error[BENCH_ERROR]);

/* Brings the stack up; what it makes lies below dir. 0 or -errno with ret_error. */
int bench_on_stack(struct bench *b, const struct stack_config *cfg, const char *dir,
		   struct stop *stop, char ret_error[BENCH_ERROR]);

/* Takes down what bench_on_stack brought up, and puts back what bench_hold settled. 0; or -errno
 * with ret_error: what could not be put back. */
int bench_close(struct bench *b, char ret_error[BENCH_ERROR]);

#endif
