/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The drive behind a device of this machine, whole: all its controllers, namespaces, partitions and
 * their nodes, by device number. Asked of sysfs (Documentation/ABI: sysfs-block, sysfs-dev,
 * sysfs-bus-pci; of nvme its class directories), not of udev: a guest that the rig boots has none,
 * and what must hold is what the kernel says, not a database beside it.
 */
#ifndef RIG_GUARD_DRIVE_H
#define RIG_GUARD_DRIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "target/emulated.h"

#define GUARD_NODES 512
#define GUARD_NAME  64
#define GUARD_ERROR 256

struct guard_node {
	char name[GUARD_NAME]; /* the kernel's: "nvme0n1p2", "ng0n1", "nvme0" */
	dev_t dev;
	bool block; /* else a character node */
	bool disk;  /* a block node that is no partition */
	dev_t whole; /* of a block node: the disk that it is a partition of, or its own number */
};

enum guard_kind {
	GUARD_NOTHING, /* no device of this machine: a model, a socket, an address elsewhere */
	GUARD_FILE,    /* a regular file, which lib/target knows how to spare */
	GUARD_NVME,
	GUARD_DISK,	/* another block device */
	GUARD_FUNCTION, /* a PCI function whose NVMe driver is not there: no nodes */
};

struct guard_drive {
	enum guard_kind kind;
	char name[GUARD_NAME];	 /* "nvme0", "sda", "0000:01:00.0" */
	char opened[GUARD_NAME]; /* the node that the address leads to; "" for a PCI function */
	dev_t dev;
	mode_t type;				    /* of that node: S_IFBLK or S_IFCHR */
	char serial[GUARD_NAME], model[GUARD_NAME]; /* as sysfs has them, trimmed; "" unknown */
	char nvme[GUARD_NAME]; /* a controller's node to send Identify to; "" */
	char pci[16];
	struct emulated emulated;
	struct guard_node node[GUARD_NODES];
	unsigned n;
	bool cut; /* it has more nodes than fit */
};

/* The drive that an address leads to, "kernel:/dev/nvme0". 0, or -errno with the sentence. */
int guard_drive_find(const char *root, const char *address, struct guard_drive *ret, char *error);

/* The same by a device number, and by a PCI function. */
int guard_drive_of(const char *root, mode_t type, dev_t dev, struct guard_drive *ret, char *error);
int guard_drive_of_function(const char *root, const char *pci, struct guard_drive *ret,
			    char *error);

/*
 * Every drive there is, each once: NVMe controllers and disks with a device behind them. Calls fn
 * until it returns non-zero, and returns that; 0, or -ENOMEM.
 */
int guard_drive_each(const char *root, int (*fn)(void *ctx, const struct guard_drive *d),
		     void *ctx);

/* The address to open it by: "kernel:/dev/nvme0", "block:/dev/sda", "vfio:0000:01:00.0". */
void guard_drive_address(const struct guard_drive *d, char *ret, size_t size);

/* The node of that number, or NULL. */
const struct guard_node *guard_drive_node(const struct guard_drive *d, bool block, dev_t dev);

/* The node of another controller of the drive than `nvme`, or NULL. */
const struct guard_node *guard_drive_other_ctrl(const struct guard_drive *d);

/*
 * Was what a target opened at that address (caps.dev) a node of this drive, and the one that was
 * named? A name may lead elsewhere from one moment to the next. 0: the target has no node.
 */
bool guard_drive_is(const struct guard_drive *d, const char *address, uint64_t opened);

/* Opens ROOT/dev/NAME if it is that very device. Descriptor or -errno. */
int guard_node_open(const char *root, const struct guard_node *n, int flags);

#endif
