/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a guest boots into: an archive of modules, busybox, programs with their libraries, and
 * files. It is written anew for every guest, which takes less than a tenth of a second: there is no
 * copy that could be out of date.
 */
#ifndef IMAGE_IMAGE_H
#define IMAGE_IMAGE_H

#include "base/bytes.h"
#include "image/kernel.h"

#define IMAGE_LIST  "/etc/nvrig/modules" /* paths, one a line, in the order to load them */
#define IMAGE_RIG   "/bin/nvrig"
#define IMAGE_SHELL "/bin/sh"
#define IMAGE_ERROR 512
#define IMAGE_WORDS 32 /* modules, programs: at most */

/* A file of the guest: a copy of one of ours, or these bytes. */
struct image_file {
	const char *path; /* absolute, in the guest */
	const char *from; /* NULL: data */
	const void *data;
	size_t size;
};

struct image {
	const char *rig; /* the program that is the agent */
	const char *const *modules, *const *programs,
					    *const *extras; /* extras: where they are installed */
	unsigned n_modules, n_programs, n_extras;
	const struct image_file *files;
	unsigned n_files;
};

/* Writes it to fd. 0, or -errno with the sentence in error (IMAGE_ERROR bytes). */
int image_write(const struct image *i, const struct kernel *k, int fd, char *error);

/* NULL, or the sentence why this machine cannot make it (in error), without making it. */
const char *image_lacks(const struct image *i, char *error);

#endif
