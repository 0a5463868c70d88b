/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The reports that a command line asked for with --to FORMAT[=FILE]: opened together, fed the same
 * events, closed together. `nvrig run` and `nvrig report` both go through here, so that a report
 * made during the run and one made years later are the same bytes.
 */
#ifndef RIG_OUTPUTS_H
#define RIG_OUTPUTS_H

#include <json-c/json.h>
#include <stdbool.h>

#include "rig/verbs.h"

#define OUTPUTS_MAX   16
#define OUTPUTS_ERROR 512 /* bytes of every error text here: what, where, what to do */

struct output;

struct outputs {
	struct output *out[OUTPUTS_MAX];
	unsigned n;
};

/*
 * Notes one --to value. `-` and a missing FILE are standard output, at most once. 0; -EINVAL with
 * the reason in ret_error (unknown format, second standard output, too many).
 */
int outputs_add(struct outputs *o, const char *spec, char ret_error[OUTPUTS_ERROR]);

/* Does one of them write to standard output? */
bool outputs_on_stdout(const struct outputs *o);

/*
 * Opens them; a file is made beside its name and takes the name in outputs_close. 0, or -errno
 * with ret_error; what was opened is closed by outputs_close (complete: false).
 */
int outputs_open(struct outputs *o, const struct globals *g, char ret_error[OUTPUTS_ERROR]);

void outputs_event(struct outputs *o, const struct json_object *e);

/*
 * Closes all, renames the files when complete, removes them when not; frees. The first trouble is
 * returned as -errno with ret_error; the others are closed all the same.
 */
int outputs_close(struct outputs *o, bool complete, char ret_error[OUTPUTS_ERROR]);

#endif
