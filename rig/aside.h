/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Something that may hang, done in a child with a deadline, in memory that both see. */
#ifndef RIG_ASIDE_H
#define RIG_ASIDE_H

#include <stddef.h>
#include <stdint.h>

/* Zeroed memory that parent and child share; NULL: none. */
void *aside_alloc(size_t size);
void aside_free(void *shared, size_t size);

/*
 * Runs fn(shared) in a child. 0 when it returned; -ETIMEDOUT: it was killed at the deadline; -EIO:
 * it died; else the -errno of making it.
 */
int aside_run(void (*fn)(void *shared), void *shared, uint64_t within_ns);

#endif
