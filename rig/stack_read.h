/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One stack's section into its configuration, or over that of the stack that it refines. */
#ifndef RIG_STACK_READ_H
#define RIG_STACK_READ_H

#include "rig/config.h"
#include "stack/stack.h"

struct stack_reading {
	cfg_t *section;
	struct stack_config *to;
	const char *path;
	char *error;
	bool refines; /* `to` is filled: only what the file says counts */
};

/* The tables hold every text to what its field can take. 0 or -EINVAL with error. */
int stack_read(struct stack_reading *r);

/* -EINVAL, with "file:line: what" in error. */
int stack_refuse(char *error, const char *path, int line, const char *what);

/* Does the file have to say for this key? */
bool stack_says(const struct stack_reading *r, const char *key);

/* A list of words, a section part; 0 or -EINVAL with error. */
int stack_read_words(cfg_t *s, const char *key, struct stack_words *ret, const char *path,
		     char *error);
int stack_read_part(cfg_t *s, struct stack_part *ret, const char *path, char *error);

#endif
