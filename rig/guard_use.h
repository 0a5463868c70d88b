/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of G3 and G4: a drive, everything that is made of it, and who uses any of that. */
#ifndef RIG_GUARD_USE_H
#define RIG_GUARD_USE_H

#include "rig/guard.h"

#define USE_MAX	  2048
#define USE_DEPTH 16

/* A device that is the drive's, or lies on one that is. */
struct use_dev {
	char name[GUARD_NAME];
	dev_t dev;
	bool block;
	int on; /* index of what it lies on; -1: of the drive itself */
};

struct use {
	const struct guard_ask *a;
	struct use_dev dev[USE_MAX];
	unsigned n;
	char error[256]; /* why not all of it is there; "" */
};

/* Follows holders from every node of the drive to the end. u->error tells what went wrong. */
void use_find(const struct guard_ask *a, struct use *u);

/* That device, or -1. */
int use_by_number(const struct use *u, bool block, dev_t dev);
/* The same by a path as the kernel shows it: by the node's number, and where there is no node by
 * its name. */
int use_by_path(const struct use *u, const char *path);

/* "nvme1n1p2 is held by md127, that by dm-0" */
const char *use_chain(const struct use *u, int index, char *ret, size_t size);

/* Can the block device be had exclusively? 0, also where it has no medium or the run has it;
 * -EBUSY: somebody else has it; or -errno: that cannot be found out. */
int use_try(const struct guard_ask *a, const struct guard_node *n);

/* ---- who uses it; each says what it finds to f ---- */

void use_mounts(const struct use *u, struct guard_finding *f);
void use_kernel(const struct use *u, struct guard_finding *f);	  /* swap, loop, btrfs, exports */
void use_processes(const struct use *u, struct guard_finding *f); /* open descriptors */

#endif
