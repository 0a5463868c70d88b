/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RIG_LIST_STACKS_H
#define RIG_LIST_STACKS_H

#include <stddef.h>

#include "rig/list_names.h"

/*
 * Prints the stacks that a pattern names (all when n is 0): name, what it is for, and why this
 * machine cannot bring it up where it cannot. Starts none. Returns the exit status.
 */
int list_stacks(const char *const *patterns, size_t n, enum list_how how);

#endif
