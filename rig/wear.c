// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/wear.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "rig/guard_ask.h"

void wear_file_name(const char *serial, char *ret, size_t size)
{
	size_t n = 0;

	for (; *serial && n + 1 < size; serial++)
		ret[n++] = isalnum((unsigned char)*serial) || strchr("-.", *serial) ? *serial : '_';
	ret[n] = 0;
	if (ret[0] == '.')
		ret[0] = '_';
}

int wear_counter(const struct guard_drive *d, uint64_t *ret_bytes, char *error)
{
	struct guard_health h;
	char why[GUARD_ERROR];
	int err;

	if (d->kind != GUARD_NVME) {
		snprintf(error, WEAR_ERROR,
			 "%.60s keeps no count of what is written to it: a budget is for NVMe "
			 "drives",
			 d->name);
		return -ENOTSUP;
	}
	err = guard_ask_health(d, &h, why);
	if (err)
		snprintf(error, WEAR_ERROR, "what was written to it cannot be found out: %s", why);
	else
		*ret_bytes = h.written_bytes;
	return err;
}

static int read_start(const char *path, uint64_t *ret)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");

	if (!f)
		return -errno;
	return fscanf(f, "%" SCNu64, ret) == 1 ? 0 : -EINVAL;
}

static int write_start(const char *path, uint64_t bytes)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (dprintf(fd, "%" PRIu64 "\n", bytes) < 0 || fsync(fd))
		err = -errno;
	close(fd);
	if (err)
		unlink(path);
	return err;
}

static void make_dirs(void)
{
	char path[] = WEAR_DIR;

	for (char *c = path + 1; (c = strchr(c, '/')); c++) {
		*c = 0;
		mkdir(path, 0755);
		*c = '/';
	}
	mkdir(path, 0755);
}

int wear_used(const struct guard_drive *d, uint64_t *ret_bytes, char *error)
{
	char name[GUARD_NAME], path[PATH_MAX];
	uint64_t now, start;
	int err = wear_counter(d, &now, error);

	if (err)
		return err;
	wear_file_name(d->serial, name, sizeof(name));
	make_dirs();
	snprintf(path, sizeof(path), WEAR_DIR "/%s", name);
	err = read_start(path, &start);
	if (err == -ENOENT) {
		start = now;
		err = write_start(path, now);
	}
	if (!err && start > now)
		err = -ERANGE; /* a counter that went back is no counter */
	if (err)
		snprintf(error, WEAR_ERROR,
			 "%.200s: %s: what was written since it has a budget cannot be found out",
			 path, strerror(-err));
	else
		*ret_bytes = now - start;
	return err;
}
