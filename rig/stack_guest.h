/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RIG_STACK_GUEST_H
#define RIG_STACK_GUEST_H

#include "rig/stack_read.h"

/* What of a stack's section is about guests; in that of another kind it is an error. 0 or -EINVAL.
 */
int stack_guest_read(const struct stack_reading *r);

/*
 * As stack_lacks(), and of a guest whether this program has the way in to its target, or to the one
 * that the command line names in its place (NULL: none).
 */
const char *stack_guest_lacks(const struct stack_config *cfg, const char *target);

/*
 * The stack of the guest behind this one: 1 with it, 0 when there is none, or -errno with error
 * (CONFIG_ERROR bytes).
 */
int stack_guest_behind(const struct stack_config *cfg, struct stack_config *ret, char *error);

#endif
