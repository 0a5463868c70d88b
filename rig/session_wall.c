// SPDX-License-Identifier: GPL-2.0-or-later
/* What the wall around a run's workers lets through. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rig/guard_tree.h"
#include "rig/session_guard.h"
#include "target/emulated.h"

static int let_block(struct wall *w, const char *name)
{
	char dir[PATH_MAX], file[SYSFS_WORD];
	int err = wall_let(w, "/sys/class/block/%s", name);

	if (!err && tree_at(dir, "", "/sys/class/block/%s", name) &&
	    sysfs_word(dir, "loop/backing_file", file)[0])
		err = wall_let(w, "%s", file);
	if (!err && !strncmp(name, "dm-", 3))
		err = wall_let(w, "/dev/mapper/control");
	return err;
}

static int let_node(struct wall *w, const struct guard_node *n)
{
	char path[GUARD_NAME + 8];
	int err;

	snprintf(path, sizeof(path), "/dev/%s", n->name);
	for (char *c = path + 5; (c = strchr(c, '!'));)
		*c = '/';
	err = wall_let(w, "%s", path);
	return !err && n->disk ? let_block(w, n->name) : err;
}

struct letting {
	struct wall *w;
};

static int let_vfio_dev(void *ctx, const char *dir, const char *name)
{
	(void)dir;
	return wall_let(((struct letting *)ctx)->w, "/dev/vfio/devices/%s", name);
}

static int let_function(struct wall *w, const char *pci)
{
	struct letting l = { w };
	char dir[PATH_MAX];
	int err = wall_let(w, "/sys/bus/pci/devices/%s", pci);

	if (!err)
		err = wall_let(w, "/dev/vfio/vfio");
	if (!err)
		err = wall_let(w, "/dev/iommu");
	if (!err && tree_at(dir, "", "/sys/bus/pci/devices/%s/iommu_group", pci))
		err = wall_let(w, "/dev/vfio/%.40s", tree_base(dir));
	if (!err && tree_at(dir, "", "/sys/bus/pci/devices/%s/vfio-dev", pci))
		err = tree_each(dir, let_vfio_dev, &l);
	return err;
}

/* The store at the other end of a stack: by the address, or by who made the stack (docs/guests.md).
 */
static int let_back(struct wall *w, const char *address)
{
	const char *said = strstr(address, "back="), *back = said ? said + 5 : getenv("NVRIG_BACK");
	char path[WALL_PATH], real[PATH_MAX];
	int err;

	if (!back)
		return 0;
	snprintf(path, sizeof(path), "%.*s", said ? (int)strcspn(back, ",") : (int)strlen(back),
		 back);
	if (!realpath(path, real))
		return 0;
	err = wall_let(w, "%.180s", real);
	if (!err)
		err = wall_let(w, "/dev/mapper/control");
	return err ? err : let_block(w, tree_base(real));
}

int session_guard_wall(const struct session_guard *g, const char *address, struct wall *w)
{
	const struct guard_drive *d = &g->drive;
	int err = 0;

	/* by VFIO it has no nodes: what has their names now is another's */
	for (unsigned i = 0; !err && !g->by_vfio && i < d->n; i++)
		err = let_node(w, &d->node[i]);
	if (!err && !strncmp(d->name, "mmcblk", 6))
		err = wall_let(w, "/dev/%srpmb", d->name);
	if (!err && d->kind == GUARD_NVME && !g->by_vfio)
		err = wall_let(w, "/sys/class/nvme/%s", d->name);
	if (!err && d->pci[0])
		err = let_function(w, d->pci);
	if (!err && d->emulated.yes) { /* what is below it can be told to change, target/node.h */
		err = wall_let(w, "/sys/kernel/config/nullb");
		if (!err)
			err = wall_let(w, "/sys/kernel/config/nvmet");
		/* one that is plugged in again has other nodes; in a guest without a bench file
		 * there is nobody's device */
		if (!err && g->ask.light && emulated_in_guest(""))
			err = wall_let(w, "/dev");
	}
	return err ? err : let_back(w, address);
}
