/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An NVMe controller that Linux's driver has: its nodes, found by the device number of the one that
 * was named, never by its name. Sources: Documentation/ABI/stable/sysfs-block, the driver's sysfs
 * attributes (drivers/nvme/host), which are: state, transport, subsysnqn of a controller, nsid of a
 * namespace.
 */
#ifndef TARGET_KERNEL_NODE_H
#define TARGET_KERNEL_NODE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "target/sysfs.h"

#define KERNEL_NS_MAX 64
#define KERNEL_NAME   32

struct target;

struct kernel_ns {
	uint32_t nsid;
	uint32_t lba_bytes;	/* 0: the block layer has none for it */
	char name[KERNEL_NAME]; /* "nvme0n1" */
	int fd;			/* its generic character node, opened at first use; -1 until then */
};

struct kernel_node {
	int fd;			/* of the controller's character node */
	char name[KERNEL_NAME]; /* "nvme0" */
	char dir[PATH_MAX];	/* its folder in sysfs */
	uint32_t nsid;		/* of the namespace that was named; 0: the controller was */
	struct kernel_ns ns[KERNEL_NS_MAX];
	unsigned n_ns;
	int held[KERNEL_NS_MAX]; /* block nodes, opened for us alone */
	unsigned n_held;
	char busy[SYSFS_WORD]; /* why a namespace is not ours alone; "": all are */
};

/*
 * path: /dev/nvmeN, /dev/nvmeNnM or /dev/ngNnM. 0, or -errno with words in t's error. Waits, a few
 * seconds at most, for a controller that is being reset or connected again.
 */
int kernel_node_open(struct target *t, const char *path, struct kernel_node *ret);
void kernel_node_close(struct kernel_node *k);

/* Waits until the controller is live, a few seconds at most. 0, -ENODEV, -ETIMEDOUT. */
int kernel_node_wait(struct target *t, const struct kernel_node *k);

/* An attribute of the controller in sysfs, "" when it cannot be read. */
const char *kernel_node_attr(const struct kernel_node *k, const char *name, char ret[SYSFS_WORD]);
/* Is it there, and neither dead nor being deleted? */
bool kernel_node_alive(const struct kernel_node *k);

/* The namespace of that NSID with its node open; NULL: the kernel has none for it. */
struct kernel_ns *kernel_node_ns(struct kernel_node *k, uint32_t nsid);

/*
 * Takes the block nodes of all namespaces with O_EXCL, which a mount and every device above it do
 * as well. What cannot be had is told in k->busy.
 */
void kernel_node_hold(struct kernel_node *k);

#endif
