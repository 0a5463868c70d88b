/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stacks by name: configs/stacks/NAME.conf holds one section, stack "NAME". */
#ifndef RIG_STACK_H
#define RIG_STACK_H

#include "stack/stack.h"

/*
 * name: of the stack, or NAME@STORE with the store that it is to have in place of its own
 * (rig/store.h). dir: the directory that holds stacks/ and stores/, NULL: where config_find_dir()
 * looks. error: 512 bytes. -ENOENT: no stack or store of that name, the nearest is suggested;
 * -EDOM: that store is not for that stack; -EINVAL, -EFBIG and others: a file is wrong ("file:line:
 * what").
 */
int stack_config_load(const char *dir, const char *name, struct stack_config *ret, char *error);

/* Names of all there are, in byte order, NULL-terminated, freed by the caller with
 * stack_config_names_free. 0 or -errno of the directory. */
int stack_config_names(const char *dir, char ***ret_names);
void stack_config_names_free(char **names);

#endif
