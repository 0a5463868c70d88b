// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Is a controller's store in use? The kernel knows best: it refuses an exclusive open of a block
 * device that is mounted, swapped to or part of another one, itself or a partition of it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "target/vfio_bind.h"

#define LINE 1024

/* " mounted at /x", "" where mountinfo does not have it. Of the disk or of one of its partitions.
 */
static void find_mount(const char *disk, char *ret, size_t size)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/self/mountinfo", "re");
	char line[LINE], at[256], source[256], want[80];

	*ret = 0;
	snprintf(want, sizeof(want), "/dev/%.64s", disk);
	while (f && !*ret && fgets(line, sizeof(line), f)) {
		const char *dash = strstr(line, " - ");

		if (!dash || sscanf(line, "%*s %*s %*s %*s %255s", at) != 1 ||
		    sscanf(dash, " - %*s %255s", source) != 1)
			continue;
		if (!strncmp(source, want, strlen(want)))
			snprintf(ret, size, ": %.60s is mounted at %.100s", source, at);
	}
}

/* ": swap is on it", "" for none. */
static void find_swap(const char *disk, char *ret, size_t size)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/swaps", "re");
	char line[LINE], want[80];

	*ret = 0;
	snprintf(want, sizeof(want), "/dev/%.64s", disk);
	while (f && !*ret && fgets(line, sizeof(line), f))
		if (!strncmp(line, want, strlen(want)))
			snprintf(ret, size, ": swap is on %.*s", (int)strcspn(line, " \t"), line);
}

/* ": held by dm-0", "" for nobody. */
static void find_holder(const char *sysfs, const char *disk, char *ret, size_t size)
{
	char path[PCI_DEV_PATH];
	struct dirent *e;
	DIR *d;

	*ret = 0;
	snprintf(path, sizeof(path), "%.250s/class/block/%.64s/holders", sysfs, disk);
	d = opendir(path);
	while (d && !*ret && (e = readdir(d)))
		if (e->d_name[0] != '.')
			snprintf(ret, size, ": held by %.60s", e->d_name);
	if (d)
		closedir(d);
}

static int refuse(const struct vfio_place *p, const char *name, const char *disk, char *error)
{
	char why[180];

	find_mount(disk, why, sizeof(why));
	if (!*why)
		find_swap(disk, why, sizeof(why));
	if (!*why)
		find_holder(p->sysfs ? p->sysfs : "/sys", disk, why, sizeof(why));
	snprintf(error, VFIO_BIND_ERROR,
		 "%s is in use by this machine: %.40s%.140s; nothing was changed", name, disk,
		 *why ? why : ": the kernel has it open for itself alone");
	return -EBUSY;
}

static int look_disk(const struct vfio_place *p, const char *name, const char *disk, char *error)
{
	char path[PCI_DEV_PATH];
	_cleanup_close_ int fd = -1;

	snprintf(path, sizeof(path), "%.250s/%.64s", p->dev ? p->dev : "/dev", disk);
	fd = open(path, O_RDONLY | O_EXCL | O_CLOEXEC | O_NONBLOCK);
	if (fd >= 0 || errno == ENOENT || errno == ENXIO) /* no such node: nobody has opened it */
		return 0;
	if (errno == EBUSY)
		return refuse(p, name, disk, error);
	snprintf(error, VFIO_BIND_ERROR, "%.100s: whether it is in use cannot be told: %s", path,
		 strerror(errno));
	return -errno;
}

/* "nvme0n1"; with native multipath "nvme0c1n1" is a path of it, and the disk is another name. */
static bool disk_of(const char *entry, const char *controller, char ret[PCI_DEV_WORD])
{
	unsigned subsystem, path, ns;

	if (sscanf(entry, "nvme%uc%un%u", &subsystem, &path, &ns) == 3)
		return snprintf(ret, PCI_DEV_WORD, "nvme%un%u", subsystem, ns) > 0;
	if (strncmp(entry, controller, strlen(controller)) || entry[strlen(controller)] != 'n' ||
	    strlen(entry) >= PCI_DEV_WORD)
		return false;
	strcpy(ret, entry);
	return true;
}

int vfio_check_unused(const struct vfio_place *p, const char *name, char *error)
{
	char controller[PCI_DEV_WORD], disk[PCI_DEV_WORD], path[PCI_DEV_PATH];
	struct dirent *e;
	int err = 0;
	DIR *d;

	pci_dev_nvme_name(p->sysfs, name, controller);
	if (!*controller)
		return 0;
	snprintf(path, sizeof(path), "%.200s/bus/pci/devices/%s/nvme/%s",
		 p->sysfs ? p->sysfs : "/sys", name, controller);
	d = opendir(path);
	while (d && !err && (e = readdir(d)))
		if (disk_of(e->d_name, controller, disk))
			err = look_disk(p, name, disk, error);
	if (d)
		closedir(d);
	return err;
}
