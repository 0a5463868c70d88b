/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RIG_LIST_STORES_H
#define RIG_LIST_STORES_H

#include <stddef.h>

#include "rig/list_names.h"

/* As list_stacks(), of the stores: what each is for, what it lies on, what it needs. */
int list_stores(const char *const *patterns, size_t n, enum list_how how);

#endif
