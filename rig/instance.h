/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One instance of a case as a worker's job; also without a journal and with nobody told. */
#ifndef RIG_INSTANCE_H
#define RIG_INSTANCE_H

#include "case/case.h"
#include "rig/judge.h"
#include "rig/worker.h"

struct instance {
	struct case_run run;			     /* event_fd is filled in the worker */
	int (*run_case)(const struct case_run *run); /* NULL: case_run() */
	void (*prepare)(void *ctx);		     /* in the worker, before it; may be NULL */
	void *ctx;
};

/* Seconds a case may take: its own or 30, ten times that at soak. */
unsigned instance_deadline_s(const struct rig_case *c, enum rig_effort effort);

/* The job, its deadline counted from now. instance must outlive worker_start(). */
struct worker_job instance_job(struct instance *instance, unsigned deadline_s);

#endif
