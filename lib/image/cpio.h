/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An archive as the kernel unpacks it into its first root ("newc", Documentation/driver-api/early-
 * userspace/buffer-format.rst of the kernel). Everything belongs to root and has no time, so that
 * the same input makes the same bytes.
 */
#ifndef IMAGE_CPIO_H
#define IMAGE_CPIO_H

#include <stddef.h>
#include <stdint.h>

struct cpio {
	int fd;
	uint32_t ino;	/* of the last entry */
	uint64_t bytes; /* written */
	char *buf;	/* what is not written yet */
	size_t used;
	int err; /* the first error, -errno; nothing is written after it */
};

/* Begins an archive at fd's position, which stays the caller's. */
void cpio_begin(struct cpio *c, int fd);

/* Paths without a leading slash, parents before what is in them. Errors are kept in c->err. */
void cpio_dir(struct cpio *c, const char *path, unsigned mode);
void cpio_file(struct cpio *c, const char *path, unsigned mode, const void *data, size_t size);
void cpio_link(struct cpio *c, const char *path, const char *to);
void cpio_device(struct cpio *c, const char *path, unsigned mode, unsigned major, unsigned minor);

/* The end mark and padding, after which another archive may follow. 0 or -errno of any call. */
int cpio_end(struct cpio *c);

#endif
