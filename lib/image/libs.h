/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The shared libraries that programs want, at first and second hand. No program is run to find out.
 */
#ifndef IMAGE_LIBS_H
#define IMAGE_LIBS_H

#include "base/bytes.h"

struct lib {
	char *name; /* what asks for it calls it so: "libc.so.6"; of an interpreter its path */
	struct bytes data;
};

struct libs {
	struct lib *l;
	unsigned n;
};

/*
 * Adds all that a program (loaded from path) needs and that is not there yet. -ENOENT with the
 * sentence in error (512 bytes): a library is nowhere. root: a tree that is searched first, or "".
 */
int libs_add(struct libs *l, const struct bytes *program, const char *path, const char *root,
	     char *error);
void libs_free(struct libs *l);

#endif
