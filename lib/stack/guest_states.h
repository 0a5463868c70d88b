/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The states of guests in the cache: their names, who makes one, how many there are. */
#ifndef STACK_GUEST_STATES_H
#define STACK_GUEST_STATES_H

#include <stdbool.h>
#include <stddef.h>

#define STATES_PATH 640

/* Of that program, its version (a script may start another), command line and image. 0 or -errno. */
int states_path(const char *program, const char *version, char *const *argv, int image_fd,
		char ret_path[STATES_PATH]);
/* Is it there? Then it is the last to go. */
bool states_use(const char *path);
/*
 * Who makes one, alone on this machine: ret_part is written to, then states_keep gives it its name
 * (or the file is removed), then the lock is closed. -EBUSY: somebody else does; -EEXIST: it is there.
 */
int states_begin(const char *path, char ret_part[STATES_PATH], int *ret_lock);
int states_keep(const char *part, const char *path);
/* As one word for a shell. 0 or -ENAMETOOLONG. */
int states_quote(const char *path, char *ret, size_t size);

#endif
