/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Trees that look like the proc, sys and dev of a machine with two NVMe drives. */
#ifndef TESTS_FAKE_DRIVES_H
#define TESTS_FAKE_DRIVES_H

#include <stdarg.h>
#include <string.h>

#include "rig/guard_drive.h"
#include "tests/fake_sysfs.h"

static char top[] = "/tmp/nvrig-guard-XXXXXX";
static char root[FAKE_PATH]; /* of the tree of the test that runs */
static unsigned trees;

/* A file below the tree, with the directories it is in. */
static inline void put(const char *name, const char *text)
{
	char path[FAKE_PATH];

	fake_path(path, "%s/%s", root, name);
	*strrchr(path, '/') = 0;
	fake_dir(path);
	fake_text(fake_path(path, "%s/%s", root, name), text);
}

static inline void tie(const char *name, const char *to)
{
	char path[FAKE_PATH], target[FAKE_PATH];

	fake_path(path, "%s/%s", root, name);
	*strrchr(path, '/') = 0;
	fake_dir(path);
	/* what another process has is shown by its own name, what the tree has by the tree's */
	fake_link(fake_path(path, "%s/%s", root, name),
		  to[0] == '/' ? to : fake_path(target, "%s/%s", root, to));
}

__attribute__((format(printf, 2, 3))) static inline const char *text(char ret[FAKE_PATH],
								     const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(ret, FAKE_PATH, fmt, ap);
	va_end(ap);
	return ret;
}

/* A block device, below another one's directory or by itself. */
static inline void block(const char *in, const char *name, const char *number)
{
	char path[FAKE_PATH], dir[FAKE_PATH];

	text(dir, "%s/%s", in, name);
	put(text(path, "%s/dev", dir), number);
	tie(text(path, "sys/class/block/%s", name), dir);
	tie(text(path, "sys/dev/block/%s", number), dir);
	fake_dir(fake_path(path, "%s/%s/holders", root, dir));
}

static inline void partition(const char *in, const char *name, const char *number)
{
	char path[FAKE_PATH];

	block(in, name, number);
	put(text(path, "%s/%s/partition", in, name), "1\n");
}

#define NVME(n)	   "sys/devices/pci0000:00/0000:00:0" #n ".0/nvme/nvme" #n
#define VIRTUAL	   "sys/devices/virtual/block"
#define HELD(a, b) tie("sys/class/block/" a "/holders/" b, "sys/class/block/" b)

/* nvme1 with a namespace of two partitions, as a machine without multipath has it. */
static inline void nvme(const char *dir, unsigned n, const char *serial)
{
	char path[FAKE_PATH], disk[FAKE_PATH], name[GUARD_NAME], number[16];

	put(text(path, "%s/serial", dir), serial);
	put(text(path, "%s/model", dir), "EXAMPLE 1000    \n");
	put(text(path, "%s/transport", dir), "pcie\n");
	put(text(path, "%s/dev", dir), text(disk, "242:%u\n", n));
	put(text(path, "sys/devices/pci0000:00/0000:00:0%u.0/vendor", n), "0x144d\n");
	put(text(path, "sys/devices/pci0000:00/0000:00:0%u.0/device", n), "0xa80a\n");
	tie(text(path, "%s/device", dir), text(disk, "sys/devices/pci0000:00/0000:00:0%u.0", n));
	tie(text(path, "sys/class/nvme/nvme%u", n), dir);
	tie(text(path, "sys/dev/char/242:%u", n), dir);
	snprintf(name, sizeof(name), "nvme%un1", n);
	snprintf(number, sizeof(number), "259:%u", 10 * n);
	block(dir, name, number);
	tie(text(path, "%s/%s/device", dir, name), dir);
	text(disk, "%s/nvme%un1", dir, n);
	for (unsigned p = 1; p <= 2; p++) {
		snprintf(name, sizeof(name), "nvme%un1p%u", n, p);
		snprintf(number, sizeof(number), "259:%u", 10 * n + p);
		partition(disk, name, number);
	}
	put(text(path, "%s/ng%un1/dev", dir, n), text(disk, "243:%u\n", n));
	tie(text(path, "sys/class/nvme-generic/ng%un1", n), text(disk, "%s/ng%un1", dir, n));
}

static inline void process(int pid, const char *comm, const char *mounts)
{
	char path[FAKE_PATH], stat[FAKE_PATH];

	put(text(path, "proc/%d/comm", pid), comm);
	put(text(path, "proc/%d/stat", pid), text(stat, "%d (%s) S 1 1 1", pid, comm));
	put(text(path, "proc/%d/mountinfo", pid), mounts);
	fake_dir(fake_path(path, "%s/proc/%d/fd", root, pid));
}

#define ROOT_MOUNT "27 1 8:1 / / rw - ext4 /dev/sda1 rw\n"

static inline void begin(void)
{
	fake_path(root, "%s/%u", top, trees++);
	fake_dir(root);
	nvme(NVME(1), 1, "S1\n");
	nvme(NVME(2), 2, "S2\n");
	process(1, "init", ROOT_MOUNT);
	process(2, "kthreadd", "");
	put("proc/self/mountinfo", ROOT_MOUNT);
	put("proc/swaps", "Filename\tType\tSize\tUsed\tPriority\n");
	put("proc/cmdline", "root=/dev/sda1 quiet\n");
	put("proc/devices", "Block devices:\n  7 loop\n259 blkext\n");
}

#endif
