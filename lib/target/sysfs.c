// SPDX-License-Identifier: GPL-2.0-or-later
#include "target/sysfs.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"

const char *sysfs_word(const char *dir, const char *name, char ret[SYSFS_WORD])
{
	char path[PATH_MAX];
	ssize_t n;

	ret[0] = 0;
	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
		return ret;
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

	n = fd < 0 ? 0 : read(fd, ret, SYSFS_WORD - 1);
	while (n > 0 && (ret[n - 1] == '\n' || ret[n - 1] == ' '))
		n--;
	ret[n > 0 ? n : 0] = 0;
	return ret;
}
