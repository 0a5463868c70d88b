// SPDX-License-Identifier: GPL-2.0-or-later
/* G3: nobody uses any part of the drive. */
#include "rig/guard_use.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "rig/guard_mounts.h"
#include "rig/guard_tree.h"
#include "target/claim.h"

/* ---- the drive and all that lies on it ---- */

static bool add(struct use *u, const char *name, dev_t dev, bool block, int on)
{
	struct use_dev *d = &u->dev[u->n];

	if (use_by_number(u, block, dev) >= 0)
		return false; /* also where holders run in a circle */
	if (u->n == USE_MAX) {
		snprintf(u->error, sizeof(u->error), "more than %d devices lie on it", USE_MAX);
		return false;
	}
	*d = (struct use_dev){ .dev = dev, .block = block, .on = on };
	snprintf(d->name, sizeof(d->name), "%.63s", name);
	u->n++;
	return true;
}

struct holding {
	struct use *u;
	int on;
};

static int add_holder(void *ctx, const char *dir, const char *name)
{
	struct holding *h = ctx;
	char path[PATH_MAX];
	dev_t dev;

	if (!tree_join(path, dir, name) || !tree_dev(path, &dev))
		snprintf(h->u->error, sizeof(h->u->error),
			 "%.40s is held by %.40s, which sysfs does "
			 "not tell more of",
			 h->u->dev[h->on].name, name);
	else
		add(h->u, name, dev, true, h->on);
	return 0;
}

static int add_part(void *ctx, const char *dir, const char *name)
{
	struct holding *h = ctx;
	char path[PATH_MAX], word[SYSFS_WORD];
	dev_t dev;

	if (tree_join(path, dir, name) && sysfs_word(path, "partition", word)[0] &&
	    tree_dev(path, &dev))
		add(h->u, name, dev, true, h->on);
	return 0;
}

/* The list grows while it is walked, so that the end of every chain is reached. */
void use_find(const struct guard_ask *a, struct use *u)
{
	char dir[PATH_MAX], path[PATH_MAX];

	u->a = a;
	u->n = 0;
	u->error[0] = 0;
	for (unsigned i = 0; i < a->drive->n; i++)
		add(u, a->drive->node[i].name, a->drive->node[i].dev, a->drive->node[i].block, -1);
	for (unsigned i = 0; i < u->n; i++) {
		struct holding h = { u, (int)i };

		if (!u->dev[i].block)
			continue;
		if (!tree_at(dir, a->root, "/sys/class/block/%s", u->dev[i].name)) {
			snprintf(u->error, sizeof(u->error), "%.60s: not in sysfs any more",
				 u->dev[i].name);
			continue;
		}
		if (u->dev[i].on >= 0)
			tree_each(dir, add_part, &h);
		if (tree_join(path, dir, "holders"))
			tree_each(path, add_holder, &h);
	}
}

int use_by_number(const struct use *u, bool block, dev_t dev)
{
	for (unsigned i = 0; i < u->n; i++)
		if (u->dev[i].block == block && u->dev[i].dev == dev)
			return (int)i;
	return -1;
}

int use_by_path(const struct use *u, const char *path)
{
	const char *name = tree_base(path);
	char real[PATH_MAX];
	struct stat st;

	if (snprintf(real, sizeof(real), "%s%s", u->a->root, path) < (int)sizeof(real) &&
	    !stat(real, &st) && (S_ISBLK(st.st_mode) || S_ISCHR(st.st_mode)))
		return use_by_number(u, S_ISBLK(st.st_mode), st.st_rdev);
	if (strncmp(path, "/dev/", 5))
		return -1;
	for (unsigned i = 0; i < u->n; i++)
		if (!strcmp(u->dev[i].name, name))
			return (int)i;
	return -1;
}

const char *use_chain(const struct use *u, int index, char *ret, size_t size)
{
	int chain[USE_DEPTH], n = 0;
	size_t at;

	for (int i = index; i >= 0 && n < USE_DEPTH; i = u->dev[i].on)
		chain[n++] = i;
	at = (size_t)snprintf(ret, size, "%.40s", n ? u->dev[chain[n - 1]].name : "?");
	for (int i = n - 2; i >= 0 && at < size; i--)
		at += (size_t)snprintf(ret + at, size - at, "%s %.40s",
				       i == n - 2 ? " is held by" : ", that by",
				       u->dev[chain[i]].name);
	return ret;
}

/* ---- mounts ---- */

struct mounts {
	const struct use *u;
	struct guard_finding *f;
};

static int look_at_mount(void *ctx, int pid, const struct mounted *m)
{
	struct mounts *s = ctx;
	char chain[200], who[48];
	int i = use_by_number(s->u, true, m->dev);

	if (i < 0 && m->source[0] == '/')
		i = use_by_path(s->u, m->source);
	if (i < 0)
		return 0;
	guard_refuse(s->f, "%s is mounted at %.80s (seen by process %s): umount it",
		     use_chain(s->u, i, chain, sizeof(chain)), m->at,
		     mounts_process(s->u->a->root, pid, who, sizeof(who)));
	return 1;
}

void use_mounts(const struct use *u, struct guard_finding *f)
{
	struct mounts s = { u, f };
	char error[256];

	if (mounts_each(u->a->root, look_at_mount, &s, error) < 0)
		guard_refuse(f, "%s", error);
}

/* ---- what the kernel itself says ---- */

int use_try(const struct guard_ask *a, const struct guard_node *n)
{
	int fd;

	/* who has a disk for himself alone has its partitions, and is refused them */
	if (claim_has(n->dev) || claim_has(n->whole))
		return 0;
	fd = guard_node_open(a->root, n, O_RDONLY | O_EXCL);
	if (fd >= 0)
		close(fd);
	return fd >= 0 || fd == -ENXIO || fd == -ENOMEDIUM ? 0 : fd;
}

static void try_alone(const struct guard_ask *a, struct guard_finding *f)
{
	for (unsigned i = 0; i < a->drive->n; i++) {
		const struct guard_node *n = &a->drive->node[i];
		int err = n->block ? use_try(a, n) : 0;

		if (err == -EBUSY)
			guard_refuse(
				f,
				"%s: the kernel has it for itself alone: a file system, pool or "
				"array that sysfs does not name, or a process with O_EXCL; see "
				"what uses it, and end that",
				n->name);
		else if (err)
			guard_refuse(
				f,
				"/dev/%s: %s: whether it is in use cannot be found out; the node "
				"has to be there, and this to run as root",
				n->name, strerror(-err));
	}
}

static void say_holder(const struct use *u, struct guard_finding *f)
{
	char chain[300];

	for (unsigned i = u->n; i-- > 0;)
		if (u->dev[i].on >= 0) {
			guard_refuse(
				f,
				"%s: take that down (vgchange -an, mdadm --stop, dmsetup remove)",
				use_chain(u, (int)i, chain, sizeof(chain)));
			return;
		}
}

void guard_use(const struct guard_ask *a, struct guard_finding *ret)
{
	_cleanup_free_ struct use *u = calloc(1, sizeof(*u));

	if (!u) {
		guard_refuse(ret, "out of memory");
		return;
	}
	if (a->drive->kind == GUARD_FUNCTION) {
		if (a->light)
			guard_pass(ret, "no driver of Linux has it, so it has no nodes");
		else
			guard_refuse(ret,
				     "%s has no driver by which it can be looked at: bind it to "
				     "nvme, nvrig takes it from there itself",
				     a->drive->name);
		return;
	}
	use_find(a, u);
	use_mounts(u, ret);
	use_kernel(u, ret);
	use_processes(u, ret);
	say_holder(u, ret);
	if (u->error[0])
		guard_refuse(ret, "%s", u->error);
	if (!a->root[0])
		try_alone(a, ret);
	guard_pass(ret, "%u nodes: no mount, swap, holder, export or open descriptor", a->drive->n);
}
