/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The wall around a worker: from its raising on this process and its children open for writing the
 * nodes of one drive and nothing else, read no other device, and have no sockets but local ones.
 * Landlock (Documentation/userspace-api/landlock.rst) and seccomp; what was open before stays so.
 */
#ifndef RIG_WALL_H
#define RIG_WALL_H

#include <stdbool.h>

#define WALL_PATHS 1100
#define WALL_PATH  192
#define WALL_ERROR 256

struct wall {
	unsigned n;
	char (*path)[WALL_PATH]; /* may be written to, and below it */
};

/* Landlock's version here, 0 for none. */
int wall_version(void);

int wall_open(struct wall *w);
void wall_close(struct wall *w);
/* Lets a file, a node or a directory be written to; what is not there when the wall is raised is
 * left out. -ENOSPC: too many. */
__attribute__((format(printf, 2, 3))) int wall_let(struct wall *w, const char *fmt, ...);

/* 0, or -errno with the sentence (WALL_ERROR bytes): then nothing may be done in this process. */
int wall_raise(const struct wall *w, char *error);

#endif
