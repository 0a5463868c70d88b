/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel modules that a guest needs, with all they depend on, in the order in which they can be
 * loaded. Names and dependencies are read from the modules themselves (.modinfo), so that neither
 * depmod nor its tables are needed.
 */
#ifndef IMAGE_MODULES_H
#define IMAGE_MODULES_H

#include <stdbool.h>

#include "base/bytes.h"

struct module {
	char *name; /* "nvme_tcp": underscores */
	char *path; /* "kernel/drivers/nvme/host/nvme-tcp.ko", whatever it was compressed with */
	struct bytes data; /* unpacked */
	unsigned *need;	   /* places in struct modules of what it depends on */
	unsigned n_need;
};

struct modules {
	struct module *m;
	unsigned n;
};

/*
 * dir: lib/modules/RELEASE. A name that is built into the kernel is there already. -ENOENT with the
 * sentence in error (512 bytes): no module of that name, or one that it depends on is missing; the
 * nearest name is suggested. Freed with modules_free also after an error.
 */
int modules_load(const char *dir, const char *const *names, unsigned n, struct modules *ret,
		 char *error);
void modules_free(struct modules *m);

/* Tables for modprobe in the guest; the caller's to free. NULL: out of memory. */
char *modules_dep(const struct modules *m);   /* modules.dep */
char *modules_alias(const struct modules *m); /* modules.alias */

/* Is there a module of that name below dir, or is it built in? */
bool modules_has(const char *dir, const char *name);

#endif
