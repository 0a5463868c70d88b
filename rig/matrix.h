/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One plan on many stacks, and what they answered side by side. A matrix is a directory:
 * matrix.json names the stacks and what became of each, STACK/RUN-ID is a run like any other. The
 * table is made from those journals alone, so that `nvrig report MATRIX` makes it again.
 */
#ifndef RIG_MATRIX_H
#define RIG_MATRIX_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "rig/report/story.h"
#include "rig/require.h"

#define MATRIX_FILE  "matrix.json"
#define MATRIX_ERROR 512 /* bytes of every error text here */

enum column_state {
	COLUMN_PLANNED, /* not begun */
	COLUMN_BEGUN,	/* its run may go on */
	COLUMN_DONE,
	COLUMN_SKIP,   /* this machine or this program cannot; reason says so */
	COLUMN_BROKEN, /* the run did not come to its cases; reason says why */
};

struct column {
	char *stack, *about;
	enum column_state state;
	char *run;    /* its directory, relative to the matrix's; NULL: none */
	char *reason; /* NULL: none */
	/* filled by matrix_collect */
	char *engine;
	unsigned count[V_COUNT];
};

struct cell {
	bool there;
	enum report_verdict verdict;
	char *reason; /* of a KNOWN: what the profile says */
};

struct matrix_row {
	char *name;
	struct cell *cell; /* one a column */
};

struct matrix {
	char *dir;
	struct json_object *options; /* as in run.json, "stack" is the pattern */
	struct column *column;
	size_t n_columns;
	struct matrix_row *row; /* in the order of the first column that has it */
	size_t n_rows, cap_rows;
	struct json_object *index; /* name -> place in row */
};

const char *column_state_name(enum column_state s);

/* Adds a column; texts are copied. 0 or -ENOMEM. Before matrix_collect. */
int matrix_add(struct matrix *m, const char *stack, const char *about);
/* Replaces state, run and reason; both may be NULL. 0 or -ENOMEM. */
int matrix_set(struct column *c, enum column_state state, const char *run, const char *reason);

/* matrix.json in m->dir, whole or as it was. 0 or -errno. */
int matrix_save(const struct matrix *m);
/* Fills an empty one. -ENOENT: dir is no matrix; -EPROTO: not ours. error says so. */
int matrix_load(struct matrix *m, const char *dir, char error[MATRIX_ERROR]);

/* Is it the directory of one? */
bool matrix_is(const char *dir);

/*
 * Reads the journals of all columns that have a run. require (or NULL) hears what ended. 0, or
 * -errno with error; columns before the trouble are there.
 */
int matrix_collect(struct matrix *m, struct require *require, char error[MATRIX_ERROR]);

void matrix_free(struct matrix *m);

/* ---- the table ---- */

struct matrix_format {
	const char *name;
	/* all: rows where every cell is PASS or N/A, too. Writes; errors are left in out. */
	void (*print)(const struct matrix *m, FILE *out, bool all);
};

/* "tty", "md", "json"; NULL: none of that name. */
const struct matrix_format *matrix_format_find(const char *name);

/* One --to value, FORMAT[=FILE]. 0, -EINVAL (no such format) or -errno, with error. */
int matrix_write(const struct matrix *m, const char *spec, bool all, char error[MATRIX_ERROR]);

#endif
