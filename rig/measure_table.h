/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is measured, as a table that grows row by row, or as one JSON document at the end. */
#ifndef RIG_MEASURE_TABLE_H
#define RIG_MEASURE_TABLE_H

#include "rig/measure.h"

struct measure_table;

/* targets outlive it. NULL: out of memory. */
struct measure_table *measure_table_new(const struct globals *g, const char *const targets[],
					unsigned n, bool json);
void measure_table_free(struct measure_table *t);

/* The target that is measured from now on; and what became of it: error "" when it is well. */
void measure_table_target(struct measure_table *t, const char *target);
void measure_table_target_end(struct measure_table *t, const char *error);

/* measure_tell of measure.h; ctx is the table. */
void measure_table_hear(void *ctx, struct json_object *event);

/* The end: notes, or the document. 0 or -errno of writing it. */
int measure_table_end(struct measure_table *t, enum rig_exit status);

#endif
