// SPDX-License-Identifier: GPL-2.0-or-later
#include "target/emulated.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"
#include "target/emulated_internal.h"

#define VENDOR_QEMU   0x1b36u
#define VENDOR_VIRTIO 0x1af4u
#define OLD_QEMU_NVME 0x80865845u /* Intel's vendor id, a device id that it gave to QEMU */
#define MODEL	      0x4e562000u /* nvrig's own, which no vendor has: lib/model/internal.h */

void emulated_say(struct emulated *ret, bool yes, const char *fmt, ...)
{
	va_list ap;

	ret->yes = yes;
	va_start(ap, fmt);
	vsnprintf(ret->what, sizeof(ret->what), fmt, ap);
	va_end(ap);
}

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool has(const char *dir, const char *name, char ret[PATH_MAX])
{
	char path[PATH_MAX];

	return snprintf(path, sizeof(path), "%s/%s", dir, name) < (int)sizeof(path) &&
	       realpath(path, ret);
}

/* ---- PCI ---- */

void emulated_function(const char *path, struct emulated *ret)
{
	char word[SYSFS_WORD];
	unsigned vendor = 0, device = 0, both;

	if (sscanf(sysfs_word(path, "vendor", word), "%x", &vendor) != 1 ||
	    sscanf(sysfs_word(path, "device", word), "%x", &device) != 1) {
		emulated_say(ret, false, "%.40s: sysfs tells no PCI ids of it", base_of(path));
		return;
	}
	both = vendor << 16 | device;
	emulated_say(ret,
		     vendor == VENDOR_QEMU || vendor == VENDOR_VIRTIO || both == OLD_QEMU_NVME ||
			     both == MODEL,
		     "PCI %04x:%04x at %.40s", vendor, device, base_of(path));
}

void emulated_pci(const char *root, const char *function, struct emulated *ret)
{
	char path[PATH_MAX], dir[PATH_MAX];

	snprintf(dir, sizeof(dir), "%s/sys/bus/pci/devices", root);
	if (strchr(function, '/') || !has(dir, function, path))
		emulated_say(ret, false, "%.40s: no such PCI function", function);
	else
		emulated_function(path, ret);
}

/* ---- block devices ---- */

/* The driver behind a block major, by its name in /proc/devices; "": none. */
static const char *driver_of(const char *root, unsigned wanted, char ret[32])
{
	char path[PATH_MAX], line[128], name[32];
	bool block = false;
	unsigned major;

	ret[0] = 0;
	snprintf(path, sizeof(path), "%s/proc/devices", root);
	_cleanup_fclose_ FILE *f = fopen(path, "re");

	while (f && fgets(line, sizeof(line), f)) {
		block |= !strncmp(line, "Block", 5);
		if (block && sscanf(line, "%u %31s", &major, name) == 2 && major == wanted)
			memcpy(ret, name, sizeof(name));
	}
	return ret;
}

/* Everything that stands below: emulated if all of it is. False: nothing does. */
static bool look_below(const struct looking *l, const char *path, struct emulated *ret)
{
	const struct looking below = { l->root, l->depth + 1 };
	char dir[PATH_MAX], one[PATH_MAX];
	struct emulated found;
	struct dirent *e;
	bool any = false;
	DIR *d;

	d = has(path, "slaves", dir) ? opendir(dir) : NULL;
	while (d && (e = readdir(d))) {
		if (e->d_name[0] == '.' || (any && !ret->yes))
			continue;
		if (has(dir, e->d_name, one))
			emulated_block(&below, one, &found);
		else
			emulated_say(&found, false, "%.40s: gone", e->d_name);
		emulated_say(ret, found.yes, "%.24s over %.80s", base_of(path), found.what);
		any = true;
	}
	if (d)
		closedir(d);
	return any;
}

/* A device's node may lie anywhere, so what the name leads to counts and not how it begins. */
static void look_at_loop(const struct looking *l, const char *path, struct emulated *ret)
{
	char file[SYSFS_WORD], real[PATH_MAX];
	struct stat st;
	bool regular;

	sysfs_word(path, "loop/backing_file", file);
	regular = file[0] && snprintf(real, sizeof(real), "%s%s", l->root, file) < PATH_MAX &&
		  !stat(real, &st) && S_ISREG(st.st_mode);
	emulated_say(ret, regular, "%.24s: loop over %s%.60s", base_of(path),
		     regular ? "" : "no regular file: ", file[0] ? file : "nothing told");
}

static void look_at_scsi(const char *path, struct emulated *ret)
{
	char vendor[SYSFS_WORD], model[SYSFS_WORD];

	sysfs_word(path, "device/vendor", vendor);
	sysfs_word(path, "device/model", model);
	emulated_say(ret, !strcmp(model, "scsi_debug") || !strcmp(vendor, "QEMU"),
		     "%.24s: SCSI, %.24s %.40s", base_of(path), vendor, model);
}

static bool is_memory(const char *driver)
{
	static const char *const drivers[] = { "nullb", "virtblk", "ramdisk", "brd", "zram" };

	for (size_t i = 0; i < ARRAY_SIZE(drivers); i++)
		if (!strcmp(driver, drivers[i]))
			return true;
	return false;
}

static void look_at_disk(const struct looking *l, const char *path, struct emulated *ret)
{
	char word[SYSFS_WORD], driver[32], below[PATH_MAX];
	unsigned major = 0;

	sscanf(sysfs_word(path, "dev", word), "%u", &major);
	driver_of(l->root, major, driver);
	if (look_below(l, path, ret))
		return;
	if (!strcmp(driver, "loop"))
		look_at_loop(l, path, ret);
	else if (is_memory(driver))
		emulated_say(ret, true, "%.24s: a device of %s", base_of(path), driver);
	else if (!strcmp(driver, "device-mapper"))
		emulated_say(ret, true, "%.24s: device mapper over no device", base_of(path));
	else if (!strcmp(driver, "sd"))
		look_at_scsi(path, ret);
	else if (!strncmp(base_of(path), "nvme", 4) && has(path, "device", below))
		emulated_nvme(l, below, ret);
	else
		emulated_say(ret, emulated_is_guest(l), "%.24s: a device of %s%s", base_of(path),
			     driver[0] ? driver : "a driver that is not known",
			     emulated_is_guest(l) ? " in a guest of the rig's" : "");
}

void emulated_block(const struct looking *l, const char *path, struct emulated *ret)
{
	char word[SYSFS_WORD], disk[PATH_MAX];

	if (l->depth >= EMULATED_DEPTH)
		emulated_say(ret, false, "%.40s: devices on devices, %u deep", base_of(path),
			     l->depth);
	else if (sysfs_word(path, "partition", word)[0] && has(path, "..", disk))
		look_at_disk(l, disk, ret);
	else
		look_at_disk(l, path, ret);
}

/* ---- device numbers ---- */

void emulated_number(const struct looking *l, mode_t type, dev_t dev, struct emulated *ret)
{
	bool block = (type & S_IFMT) == S_IFBLK;
	char dir[PATH_MAX], name[32], path[PATH_MAX], below[PATH_MAX];

	snprintf(dir, sizeof(dir), "%s/sys/dev/%s", l->root, block ? "block" : "char");
	snprintf(name, sizeof(name), "%u:%u", major(dev), minor(dev));
	if (!has(dir, name, path))
		emulated_say(ret, false, "%s device %s: not in sysfs",
			     block ? "block" : "character", name);
	else if (block)
		emulated_block(l, path, ret);
	else if (!strncmp(base_of(path), "nvme", 4))
		emulated_nvme(l, path, ret);
	else if (!strncmp(base_of(path), "ng", 2) && has(path, "device", below))
		emulated_nvme(l, below, ret);
	else
		emulated_say(ret, false, "%.40s: no NVMe device", base_of(path));
}

void emulated_dev(const char *root, mode_t type, dev_t dev, struct emulated *ret)
{
	emulated_number(&(struct looking){ .root = root }, type, dev, ret);
}

bool emulated_in_guest(const char *root)
{
	return emulated_is_guest(&(struct looking){ .root = root });
}

void emulated_fd(const char *root, int fd, struct emulated *ret)
{
	struct stat st;

	if (fstat(fd, &st))
		emulated_say(ret, false, "a descriptor that is none: %s", strerror(errno));
	else if (S_ISREG(st.st_mode))
		emulated_say(ret, true, "a regular file");
	else if (S_ISBLK(st.st_mode) || S_ISCHR(st.st_mode))
		emulated_dev(root, st.st_mode, st.st_rdev, ret);
	else
		emulated_say(ret, false, "neither a device nor a file");
}
