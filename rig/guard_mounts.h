/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is mounted, in every mount namespace that a process is in (proc(5), mountinfo). libmount
 * passes over a line that it cannot read; here such a line is a mount that nobody knows, so it is
 * an error.
 */
#ifndef RIG_GUARD_MOUNTS_H
#define RIG_GUARD_MOUNTS_H

#include <stdio.h>
#include <sys/types.h>

struct mounted {
	dev_t dev; /* major 0: of no block device of its own (btrfs, tmpfs, network) */
	const char *at, *type, *source; /* unescaped */
};

typedef int mounts_fn(void *ctx, const struct mounted *m);

/* Calls fn for each line until it returns non-zero, and returns that. -EPROTO: a line is none. */
int mounts_read(FILE *f, mounts_fn *fn, void *ctx);

/*
 * The same for all namespaces; pid tells whose it is. Errors: -EACCES and what is missing in words
 * (256 bytes), -EPROTO likewise.
 */
int mounts_each(const char *root, int (*fn)(void *ctx, int pid, const struct mounted *m), void *ctx,
		char *error);

/* "1234 (systemd)" */
const char *mounts_process(const char *root, int pid, char *ret, size_t size);

/* The number of a process directory's name, 0: it is none. */
int mounts_pid(const char *name);

#endif
