/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What `nvrig run` was asked for. Everything that decides which cases run and how is kept as one
 * JSON object, so that run.json can hold it and --resume can take it back or tell a difference.
 */
#ifndef RIG_OPTIONS_H
#define RIG_OPTIONS_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

#include "rig/plan.h"
#include "rig/require.h"
#include "rig/verbs.h"

#define OPTIONS_TO_MAX 16

struct run_options {
	struct globals globals;
	/* "target" or "stack" (and "store"), "suite" "case" "exclude" "confirm" "override" (lists), "allow", "effort", "seed",
	 * "repeat", "deadline", "known", "trace"; only what was said, until options_default() */
	struct json_object *asked;
	const char *out, *resume;
	char address[128]; /* of a target that is an alias of the bench file; "": it is none */
	const char *to[OPTIONS_TO_MAX];
	unsigned n_to;
	bool json, dry_run, fail_fast, strict_skip;
	struct require require;
	const struct rig_suite *const *suites; /* NULL: suites_all */
};

extern const struct argp run_argp;

/* The suites of the run: its own, or all there are. */
const struct rig_suite *const *options_suites(const struct run_options *o);

/* Fills in what was not said: effort, seed, repeat, known. 0 or -errno. */
int options_default(struct run_options *o);

/*
 * Takes over what the run being resumed was asked for. -EINVAL when this command line said
 * something else; ret_error (256 bytes) names it.
 */
int options_resume(struct run_options *o, struct json_object *saved, char *ret_error);

const char *options_str(const struct run_options *o, const char *key); /* NULL: not said */
/* The stack with the store that was asked for: "nvmet-tcp@loop". 0, or -ENAMETOOLONG. */
int options_stack(const struct run_options *o, char *ret_name, size_t size);
uint64_t options_u64(const struct run_options *o, const char *key);    /* 0: not said */

/* Where the run's drive is: the target that was said, or what its alias leads to. */
const char *options_address(const struct run_options *o);

enum rig_trace options_trace(const struct run_options *o); /* not said: FAILED */

/* A list of words that was said, whose array the caller frees; none: *ret and *ret_n as they were. */
int options_list(const struct run_options *o, const char *key, const char *const **ret,
		 size_t *ret_n);

/* The filter of it, lists valid until options_filter_free. -ENOMEM or 0. */
int options_filter(const struct run_options *o, struct plan_filter *ret);
void options_filter_free(struct plan_filter *f);

void options_free(struct run_options *o);

#endif
