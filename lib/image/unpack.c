// SPDX-License-Identifier: GPL-2.0-or-later
#include "image/unpack.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/capture.h"
#include "base/cleanup.h"

#define UNPACK_MS 60000

static const struct {
	const char *magic;
	size_t n;
	const char *program, *package;
} kinds[] = {
	{ "\xfd"
	  "7zXZ\0",
	  6, "xz", "xz-utils" },
	{ "\x1f\x8b", 2, "gzip", "gzip" },
	{ "\x28\xb5\x2f\xfd", 4, "zstd", "zstd" },
	{ "\x02\x21\x4c\x18", 4, "lz4", "lz4" },
};

static int find(const struct bytes *b)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (b->size > kinds[i].n && !memcmp(b->at, kinds[i].magic, kinds[i].n))
			return (int)i;
	return -1;
}

const char *unpack_program(const struct bytes *b)
{
	int i = find(b);

	return i < 0 ? NULL : kinds[i].program;
}

static int filter(const char *path, const struct bytes *b, size_t max, struct bytes *ret)
{
	_cleanup_close_ int in = memfd_create("rig-packed", MFD_CLOEXEC);
	_cleanup_close_ int out = memfd_create("rig-unpacked", MFD_CLOEXEC);
	char *argv[] = { (char *)path, (char[]){ "-dc" }, NULL };
	int err = in < 0 || out < 0 ? -errno : bytes_write(in, b->at, b->size);

	if (!err && lseek(in, 0, SEEK_SET))
		err = -errno;
	if (!err)
		err = capture_filter(argv, in, out, UNPACK_MS);
	return err ? err : bytes_load_fd(out, max, ret);
}

int unpack(const struct bytes *b, size_t max, struct bytes *ret, char *error)
{
	int i = find(b), err;
	char path[256];

	if (i < 0) {
		snprintf(error, 512, "compressed in a way that is not known here");
		return -EPROTO;
	}
	if (capture_find(kinds[i].program, path, sizeof(path))) {
		snprintf(error, 512, "%s is not installed; on Debian: apt-get install %s",
			 kinds[i].program, kinds[i].package);
		return -ENOENT;
	}
	err = filter(path, b, max, ret);
	if (err)
		snprintf(error, 512, "%s: %s", path,
			 err == -EIO ? "it cannot unpack it" : strerror(-err));
	return err == -EIO ? -EPROTO : err;
}
