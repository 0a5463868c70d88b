// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

int bytes_load_fd(int fd, size_t max, struct bytes *ret)
{
	struct bytes b = { 0 };
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if ((uint64_t)st.st_size > max)
		return -EFBIG;
	b.at = malloc((size_t)st.st_size + 1);
	if (!b.at)
		return -ENOMEM;
	while (b.size < (size_t)st.st_size) {
		ssize_t n = pread(fd, b.at + b.size, (size_t)st.st_size - b.size, (off_t)b.size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			int err = -errno;

			free(b.at);
			return err;
		}
		if (!n)
			break;
		b.size += (size_t)n;
	}
	b.at[b.size] = 0;
	*ret = b;
	return 0;
}

int bytes_load(const char *path, size_t max, struct bytes *ret)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	return fd < 0 ? -errno : bytes_load_fd(fd, max, ret);
}

void bytes_free(struct bytes *b)
{
	free(b->at);
	*b = (struct bytes){ 0 };
}

int bytes_write(int fd, const void *at, size_t size)
{
	const uint8_t *p = at;

	while (size) {
		ssize_t n = write(fd, p, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		size -= (size_t)n;
	}
	return 0;
}
