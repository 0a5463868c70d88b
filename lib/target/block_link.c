// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The way from a host to nvmet in the same kernel: a link in configfs by which a port shows the
 * subsystem. Without it the target drops the host's connections and takes none
 * (drivers/nvme/target/configfs.c).
 */
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "target/block.h"
#include "target/emulated.h"

#define NVMET "/sys/kernel/config/nvmet"

/* The only one of its kind, or none. */
static bool only_one(const char *pattern, char *ret, size_t size)
{
	bool one;
	glob_t g;

	if (glob(pattern, 0, NULL, &g))
		return false;
	one = g.gl_pathc == 1 && strlen(g.gl_pathv[0]) < size;
	if (one)
		strcpy(ret, g.gl_pathv[0]);
	globfree(&g);
	return one;
}

static const char *subsystem_of(const char *link, char path[512])
{
	snprintf(path, 512, NVMET "/subsystems/%.250s", strrchr(link, '/') + 1);
	return path;
}

void block_link_find(const struct block_target *b, char *ret, size_t size)
{
	char nqn[224], pattern[320], ports[128], path[512];

	ret[0] = 0;
	/* elsewhere it is somebody's target, who cut it off or not */
	if (!emulated_in_guest(""))
		return;
	block_sysfs_text(b->fd, "device/subsysnqn", nqn, sizeof(nqn));
	if (!nqn[0] || strpbrk(nqn, "/*?["))
		return;
	snprintf(pattern, sizeof(pattern), NVMET "/ports/*/subsystems/%s", nqn);
	if (only_one(pattern, ret, size))
		return;
	/* a process that was killed while the way was cut has left it so */
	if (!only_one(NVMET "/ports/*/subsystems", ports, sizeof(ports)) ||
	    (size_t)snprintf(ret, size, "%s/%s", ports, nqn) >= size ||
	    access(subsystem_of(ret, path), F_OK) ||
	    (access(ret, F_OK) && block_link_set(ret, true)))
		ret[0] = 0;
}

int block_link_set(const char *link, bool on)
{
	char path[512];
	int err = on ? symlink(subsystem_of(link, path), link) : unlink(link);

	return err && errno != (on ? EEXIST : ENOENT) ? -errno : 0;
}
