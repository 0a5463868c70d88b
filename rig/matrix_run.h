/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `nvrig run --stack PATTERN`: every stack that the pattern names, one after another. */
#ifndef RIG_MATRIX_RUN_H
#define RIG_MATRIX_RUN_H

#include "rig/options.h"

/* Does --stack ask for a matrix: is it a shell pattern and no name? */
bool matrix_asked(const struct run_options *o);

/*
 * Runs it, or goes on with the one in options->resume. options are complete (options_default) and
 * known to be sensible. Returns the exit status, of the table over all.
 */
int matrix_run(struct run_options *o, int argc, char **argv);

/* What it was asked for, as session_saved_options for a run. NULL with ret_error (512 bytes). */
struct json_object *matrix_saved_options(const char *dir, char *ret_error);

#endif
