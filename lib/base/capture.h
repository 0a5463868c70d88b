/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BASE_CAPTURE_H
#define BASE_CAPTURE_H

#include <stddef.h>

/*
 * Runs a program (argv[0]: a path) and keeps the first size - 1 bytes of what it prints on stdout
 * and stderr, NUL-terminated. 0 when it exited with 0; -ETIMEDOUT (killed), -EIO when it ended
 * otherwise, or the -errno of starting it.
 */
int capture(char *const *argv, unsigned timeout_ms, char *ret_text, size_t size);

/* The same for any end: 0 with *ret_status as waitpid(2) has it. */
int capture_status(char *const *argv, unsigned timeout_ms, char *ret_text, size_t size,
		   int *ret_status);

/*
 * Runs a program from one file to another (-1: /dev/null); what it says on stderr is lost. 0 when
 * it exited with 0, else as capture().
 */
int capture_filter(char *const *argv, int in_fd, int out_fd, unsigned timeout_ms);

/* The path of a program: itself when it has a slash, else looked for in PATH. 0 or -ENOENT. */
int capture_find(const char *program, char *ret_path, size_t size);

#endif
