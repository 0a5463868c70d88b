/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Measurements of targets, each in a worker process: what is asked, and what came of it as JSON
 * objects, which are what `nvrig bench --json` prints.
 */
#ifndef RIG_MEASURE_H
#define RIG_MEASURE_H

#include <json-c/json.h>

#include "case/case.h"
#include "load/load.h"
#include "rig/verbs.h"

struct stop;

#define MEASURE_CELLS_MAX 64u
#define MEASURE_ERROR	  512

/* One row of the table: a load and its name. */
struct measure_cell {
	const char *rw; /* "randread" */
	struct load_spec spec;
};

struct measure {
	struct measure_cell cell[MEASURE_CELLS_MAX];
	unsigned cells;
	uint64_t limit_ns; /* of a cell, whatever it was asked for */
	enum rig_harm allow;
};

/*
 * What comes while it runs: event is of the type bench_progress (cell, done, iops, warming) or
 * bench_cell (docs/bench.md), and stays the worker's.
 */
typedef void measure_tell(void *ctx, struct json_object *event);

/*
 * Opens the target in a worker, sees that every cell can be had and may be run, runs them.
 * RIG_GOOD; RIG_DRIVE_FAILED with errors in some cell; RIG_USAGE, RIG_REFUSED, RIG_BROKE,
 * RIG_STOPPED with ret_error in words.
 */
enum rig_exit measure_target(const char *target, const struct measure *m, struct stop *stop,
			     measure_tell *tell, void *ctx, char ret_error[MEASURE_ERROR]);

#endif
