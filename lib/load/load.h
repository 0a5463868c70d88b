/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A load on a target: block I/Os by a rule, so many in flight, for so long; what came of them, and
 * what sending and taking them cost. Closed loop: a block I/O that is complete makes room for the
 * next one. Runs on the block rung (nvme/rung.h), so on every target.
 *
 * What is sent is a function of the seed, the queue and the number in the queue alone.
 */
#ifndef LOAD_LOAD_H
#define LOAD_LOAD_H

#include "load/hist.h"
#include "nvme/rung.h"

#define LOAD_ERROR    256
#define LOAD_STATUSES 8 /* different ones that are counted apart */

struct load_spec {
	bool random;	       /* else each queue goes through its own part of the region */
	unsigned read_percent; /* of the I/Os, 0..100 */
	bool fua;	       /* writes */
	uint32_t nsid;
	uint32_t bytes;	       /* of an I/O */
	uint64_t from, length; /* the region, bytes; length 0: to the end of the namespace */
	unsigned depth, queues;
	uint64_t seed;
	uint64_t warm_up_ns;  /* before anything is counted */
	uint64_t run_ns;      /* 0: until ios are done */
	uint64_t ios;	      /* 0: until run_ns has passed */
	uint64_t patience_ns; /* target clock: no completion for so long is an error */
};

enum load_dir { LOAD_READ, LOAD_WRITE, LOAD_DIRS };

/*
 * Calls of one kind, each timed with the time stamp counter where it can be used. What timing costs
 * is taken off, and so are register writes. A call in which the thread was plainly interrupted (20
 * us and 200 ns an I/O) tells of the machine, not of the call: it is counted apart, with its I/Os.
 */
struct load_calls {
	uint64_t calls, ios, interrupted;
	double ns;
};

/* Where the time of the thread went. */
struct load_cost {
	struct load_calls submit, reap; /* rung_io_submit; rung_io_reap where it gave something */
	double way_in;	/* ns in register writes (doorbells) within both; 0: doorbells are stores */
	double wait;	/* ns of looking in vain and of letting the device work */
	double cpu;	/* ns of CPU time of the thread, waiting included */
	uint64_t rings; /* register writes */
};

struct load_result {
	struct hist lat[LOAD_DIRS]; /* target clock; those that succeeded */
	uint64_t bytes[LOAD_DIRS];
	uint64_t errors; /* completions with an error status */
	struct {
		uint16_t status;
		uint64_t count;
	} status[LOAD_STATUSES]; /* the first ones met; count 0: no more */
	uint64_t real_ns;	 /* counted time, CLOCK_MONOTONIC */
	uint64_t device_ns;	 /* the same on the target's clock */
	struct load_cost cost;
	const char *doorbells;
	bool cut; /* ended by load_stop before its time */
};

struct load_progress {
	uint64_t ios, errors, done_ns;
	bool warming;
};

/* Called about five times a second, from load_run's loop. True: stop now. */
typedef bool load_tick(void *ctx, const struct load_progress *p);

/*
 * Does the target have what the spec asks for, and is it clear? Fills a region length of 0. 0 or
 * -EINVAL with ret_error.
 */
int load_check(const struct facts *f, struct load_spec *s, char ret_error[LOAD_ERROR]);

/*
 * Opens a rung, runs, closes it. 0, or -errno with words in ret_error, and then the result has what
 * was counted until then: -ETIMEDOUT, -EPROTO, -ENODEV are the device's.
 */
int load_run(struct target *t, const struct facts *f, const struct load_spec *s, load_tick *tick,
	     void *ctx, struct load_result *ret, char ret_error[LOAD_ERROR]);

#endif
