/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A question to another program, with a deadline. */
#ifndef RIG_ASK_H
#define RIG_ASK_H

#include <stddef.h>

/*
 * Runs argv (found by PATH) without input and keeps the first size - 1 bytes of its standard
 * output as a string; the rest and its standard error go nowhere. It is killed after ms
 * milliseconds and never outlives the call. 0; -ENOENT: not installed; -ETIMEDOUT; -EIO: it ended
 * with a status other than 0; another -errno.
 */
int ask_program(char *const argv[], unsigned ms, char *ret_output, size_t size);

/* The same for a function in a child process: 0 when fn returned 0, -EIO when not. */
int ask_function(int (*fn)(void), unsigned ms);

#endif
