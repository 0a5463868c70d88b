/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Walking sysfs and procfs below a root, for what guards look at. */
#ifndef RIG_GUARD_TREE_H
#define RIG_GUARD_TREE_H

#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/types.h>

#include "target/sysfs.h"

/* "dir/name"; false: too long. */
bool tree_join(char ret[PATH_MAX], const char *dir, const char *name);
/* The real path of root and what the format says; false: it is not there. */
__attribute__((format(printf, 3, 4))) bool tree_at(char ret[PATH_MAX], const char *root,
						   const char *fmt, ...);
const char *tree_base(const char *path);
/* The number in its file `dev`. */
bool tree_dev(const char *dir, dev_t *ret);

/*
 * Calls fn for each entry of a directory but hidden ones, until it returns non-zero, and returns
 * that; 0 at the end; -errno of opening it. Entries come in no order.
 */
int tree_each(const char *dir, int (*fn)(void *ctx, const char *dir, const char *name), void *ctx);

/* In place: \040 and the like as the kernel writes them in mountinfo and swaps. */
void tree_unescape(char *s);

#endif
