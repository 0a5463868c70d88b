/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A whole file in memory: what others write to it later changes nothing here. */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stddef.h>
#include <stdint.h>

struct bytes {
	uint8_t *at;
	size_t size;
};

/* A regular file of at most max bytes, followed by a NUL that is not counted. 0, -EFBIG or -errno;
 * freed with bytes_free. */
int bytes_load(const char *path, size_t max, struct bytes *ret);
/* The same of a descriptor, from its beginning. */
int bytes_load_fd(int fd, size_t max, struct bytes *ret);
void bytes_free(struct bytes *b);

/* All of it, however often write(2) takes a part. 0 or -errno. */
int bytes_write(int fd, const void *at, size_t size);

#endif
