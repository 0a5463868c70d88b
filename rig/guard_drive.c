// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/guard_drive.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "rig/guard_tree.h"

__attribute__((format(printf, 3, 4))) static int fail(char *error, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(error, GUARD_ERROR, fmt, ap);
	va_end(ap);
	return err;
}

/* ---- nodes ---- */

/* disk: the folder of the disk that it is a partition of; NULL: none. */
static void add(struct guard_drive *d, const char *name, const char *dir, bool block,
		const char *disk)
{
	struct guard_node *n = &d->node[d->n];
	dev_t dev, whole;

	if (!tree_dev(dir, &dev) || guard_drive_node(d, block, dev))
		return;
	if (!disk || !tree_dev(disk, &whole))
		whole = dev;
	if (d->n == GUARD_NODES || strlen(name) >= GUARD_NAME) {
		d->cut = true;
		return;
	}
	*n = (struct guard_node){
		.dev = dev, .block = block, .disk = block && !disk, .whole = whole
	};
	snprintf(n->name, sizeof(n->name), "%s", name);
	d->n++;
}

struct adding {
	const char *root;
	struct guard_drive *d;
	const char *ctrl; /* the folder of an NVMe controller */
};

/* Partitions, and what an MMC card has beside its user area (mmcblk0boot0). */
static int add_part(void *ctx, const char *dir, const char *name)
{
	struct adding *a = ctx;
	char path[PATH_MAX], word[SYSFS_WORD];

	if (!strncmp(name, tree_base(dir), strlen(tree_base(dir))) && tree_join(path, dir, name))
		add(a->d, name, path, true, sysfs_word(path, "partition", word)[0] ? dir : NULL);
	return 0;
}

/* A character node, which hangs on the card and not on its disk. */
static void add_rpmb(struct adding *a, const char *disk)
{
	char dir[PATH_MAX], name[GUARD_NAME];

	snprintf(name, sizeof(name), "%.40srpmb", disk);
	if (!strncmp(disk, "mmcblk", 6) &&
	    tree_at(dir, a->root, "/sys/class/block/%s/device/%s", disk, name))
		add(a->d, name, dir, false, NULL);
}

static void add_disk(struct adding *a, const char *name)
{
	char dir[PATH_MAX];

	if (!tree_at(dir, a->root, "/sys/class/block/%s", name))
		return;
	add(a->d, name, dir, true, NULL);
	tree_each(dir, add_part, a);
	add_rpmb(a, name);
}

static void add_char(struct adding *a, const char *class, const char *name)
{
	char dir[PATH_MAX];

	if (tree_at(dir, a->root, "/sys/class/%s/%s", class, name))
		add(a->d, name, dir, false, NULL);
}

/* "nvme0n1", and "nvme0c1n1", a path to what is nvme0n1 to everybody. */
static int add_ns(void *ctx, const char *dir, const char *name)
{
	unsigned subsystem, path, ns;
	char disk[GUARD_NAME], rest;

	(void)dir;
	if (sscanf(name, "nvme%uc%un%u%c", &subsystem, &path, &ns, &rest) != 3 &&
	    sscanf(name, "nvme%un%u%c", &subsystem, &ns, &rest) != 2 &&
	    sscanf(name, "ng%un%u%c", &subsystem, &ns, &rest) != 2)
		return 0;
	snprintf(disk, sizeof(disk), "nvme%un%u", subsystem, ns);
	add_disk(ctx, disk);
	snprintf(disk, sizeof(disk), "ng%un%u", subsystem, ns);
	add_char(ctx, "nvme-generic", disk);
	return 0;
}

static bool is_ctrl(const char *name)
{
	unsigned n;
	char rest;

	return sscanf(name, "nvme%u%c", &n, &rest) == 1;
}

static int add_ctrl(void *ctx, const char *dir, const char *name)
{
	struct adding *a = ctx;
	char path[PATH_MAX];

	(void)dir;
	if (!is_ctrl(name) || !tree_at(path, a->root, "/sys/class/nvme/%s", name))
		return 0;
	add_char(a, "nvme", name);
	return tree_each(path, add_ns, a);
}

/* Its subsystem has it: then all that the subsystem has, controllers and heads, are the drive. */
static int add_subsystem(void *ctx, const char *dir, const char *name)
{
	struct adding *a = ctx;
	char path[PATH_MAX], member[PATH_MAX];

	if (!tree_join(path, dir, name) || !tree_join(member, path, a->d->name) ||
	    access(member, F_OK))
		return 0;
	tree_each(path, add_ctrl, a);
	tree_each(path, add_ns, a);
	return 1;
}

/* ---- who it is ---- */

static void take_word(const char *dir, const char *name, char ret[GUARD_NAME])
{
	char word[SYSFS_WORD];
	const char *at;

	if (ret[0])
		return;
	sysfs_word(dir, name, word);
	for (at = word; *at == ' '; at++)
		;
	snprintf(ret, GUARD_NAME, "%.63s", at);
}

static void identify_ctrl(const char *root, const char *dir, struct guard_drive *d)
{
	char path[PATH_MAX], function[PATH_MAX], word[SYSFS_WORD];

	take_word(dir, "serial", d->serial);
	take_word(dir, "model", d->model);
	snprintf(d->nvme, sizeof(d->nvme), "%s", d->name);
	sysfs_word(dir, "transport", word);
	if ((!word[0] || !strcmp(word, "pcie")) && tree_join(path, dir, "device") &&
	    realpath(path, function))
		snprintf(d->pci, sizeof(d->pci), "%.15s", tree_base(function));
	(void)root;
}

/* SCSI's serial is in page 80h, after four bytes of head. */
static void take_vpd(const char *dir, char ret[GUARD_NAME])
{
	char path[PATH_MAX], page[256];
	_cleanup_close_ int fd = -1;
	ssize_t n;

	if (ret[0] || !tree_join(path, dir, "device/vpd_pg80"))
		return;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? 0 : read(fd, page, sizeof(page) - 1);
	if (n <= 4)
		return;
	page[n] = 0;
	snprintf(ret, GUARD_NAME, "%.63s", page + 4 + strspn(page + 4, " "));
	for (size_t at = strlen(ret); at && ret[at - 1] == ' ';)
		ret[--at] = 0;
}

static void identify_disk(const char *dir, struct guard_drive *d)
{
	take_word(dir, "serial", d->serial);	 /* virtio */
	take_word(dir, "device/cid", d->serial); /* MMC */
	take_word(dir, "device/serial", d->serial);
	take_vpd(dir, d->serial);
	take_word(dir, "device/model", d->model);
	take_word(dir, "device/name", d->model);
}

/* ---- from a node to the drive ---- */

static void take_ctrl(const char *root, const char *dir, struct guard_drive *d)
{
	struct adding a = { .root = root, .d = d };
	char path[PATH_MAX];

	d->kind = GUARD_NVME;
	snprintf(d->name, sizeof(d->name), "%.63s", tree_base(dir));
	identify_ctrl(root, dir, d);
	add_ctrl(&a, dir, d->name);
	if (tree_at(path, root, "/sys/class/nvme-subsystem"))
		tree_each(path, add_subsystem, &a);
}

static int is_member(void *ctx, const char *dir, const char *name)
{
	char path[PATH_MAX];

	return is_ctrl(name) && tree_join(path, dir, name) && realpath(path, ctx);
}

/* Of a namespace: `device` is its controller, or its subsystem, of which any controller will do. */
static bool find_ctrl(const char *dir, char ret[PATH_MAX])
{
	char path[PATH_MAX], up[PATH_MAX];

	if (!tree_join(path, dir, "device") || !realpath(path, up))
		return false;
	if (!is_ctrl(tree_base(up)))
		return tree_each(up, is_member, ret) == 1;
	memcpy(ret, up, PATH_MAX);
	return true;
}

static void take_disk(const char *root, const char *dir, struct guard_drive *d)
{
	struct adding a = { .root = root, .d = d };
	char disk[PATH_MAX], word[SYSFS_WORD], ctrl[PATH_MAX], path[PATH_MAX];

	if (!sysfs_word(dir, "partition", word)[0] || !tree_join(path, dir, "..") ||
	    !realpath(path, disk))
		snprintf(disk, sizeof(disk), "%s", dir);
	if (!strncmp(tree_base(disk), "nvme", 4) && find_ctrl(disk, ctrl)) {
		take_ctrl(root, ctrl, d);
		return;
	}
	d->kind = GUARD_DISK;
	snprintf(d->name, sizeof(d->name), "%.63s", tree_base(disk));
	identify_disk(disk, d);
	add_disk(&a, d->name);
}

int guard_drive_of(const char *root, mode_t type, dev_t dev, struct guard_drive *ret, char *error)
{
	bool block = S_ISBLK(type);
	char dir[PATH_MAX], ctrl[PATH_MAX];

	*ret = (struct guard_drive){ .dev = dev, .type = type & S_IFMT };
	if (!tree_at(dir, root, "/sys/dev/%s/%u:%u", block ? "block" : "char", major(dev),
		     minor(dev)))
		return fail(error, -ENODEV, "%s device %u:%u: no device of this machine has it",
			    block ? "block" : "character", major(dev), minor(dev));
	snprintf(ret->opened, sizeof(ret->opened), "%.63s", tree_base(dir));
	emulated_dev(root, type, dev, &ret->emulated);
	if (block)
		take_disk(root, dir, ret);
	else if (is_ctrl(tree_base(dir)))
		take_ctrl(root, dir, ret);
	else if (!strncmp(tree_base(dir), "ng", 2) && find_ctrl(dir, ctrl))
		take_ctrl(root, ctrl, ret);
	else
		return fail(error, -ENOTTY, "%.40s: no drive's node", tree_base(dir));
	if (ret->cut)
		return fail(error, -E2BIG, "%.40s: more than %d nodes", ret->name, GUARD_NODES);
	return 0;
}

static int is_ctrl_here(void *ctx, const char *dir, const char *name)
{
	return is_member(ctx, dir, name);
}

int guard_drive_of_function(const char *root, const char *pci, struct guard_drive *ret, char *error)
{
	char dir[PATH_MAX], path[PATH_MAX], ctrl[PATH_MAX];

	*ret = (struct guard_drive){ .kind = GUARD_FUNCTION };
	if (strchr(pci, '/') || !tree_at(dir, root, "/sys/bus/pci/devices/%s", pci))
		return fail(error, -ENODEV, "%.40s: no such PCI function", pci);
	emulated_pci(root, pci, &ret->emulated);
	snprintf(ret->name, sizeof(ret->name), "%.63s", pci);
	snprintf(ret->pci, sizeof(ret->pci), "%.15s", pci);
	if (tree_join(path, dir, "nvme") && tree_each(path, is_ctrl_here, ctrl) == 1)
		take_ctrl(root, ctrl, ret);
	return ret->cut ? fail(error, -E2BIG, "%.40s: more than %d nodes", pci, GUARD_NODES) : 0;
}

int guard_drive_find(const char *root, const char *address, struct guard_drive *ret, char *error)
{
	char path[PATH_MAX], pci[GUARD_NAME];
	const char *at = strchr(address, ':');
	size_t n = at ? (size_t)(at - address) : 0;
	struct stat st;

	*ret = (struct guard_drive){ .kind = GUARD_NOTHING };
	if (!at)
		return 0;
	at++;
	if (n == 4 && !strncmp(address, "vfio", 4)) {
		/* "01:00.0" is of domain 0000 */
		n = strcspn(at, "?");
		snprintf(pci, sizeof(pci), "%s%.*s", n < 12 ? "0000:" : "", (int)(n < 40 ? n : 40),
			 at);
		return guard_drive_of_function(root, pci, ret, error);
	}
	if (!(n == 6 && !strncmp(address, "kernel", 6)) &&
	    !(n == 5 && !strncmp(address, "block", 5)) && !(n == 3 && !strncmp(address, "mmc", 3)))
		return 0;
	if (snprintf(path, sizeof(path), "%s%.*s", root, (int)strcspn(at, "?"), at) >=
		    (int)sizeof(path) ||
	    stat(path, &st))
		return fail(error, -errno, "%.120s: %s", at, strerror(errno));
	if (S_ISREG(st.st_mode)) {
		ret->kind = GUARD_FILE;
		return 0;
	}
	if (!S_ISBLK(st.st_mode) && !S_ISCHR(st.st_mode))
		return fail(error, -ENOTTY, "%.120s: no device node", at);
	return guard_drive_of(root, st.st_mode, st.st_rdev, ret, error);
}

/* ---- all of them ---- */

struct each {
	const char *root;
	int (*fn)(void *ctx, const struct guard_drive *d);
	void *ctx;
	struct guard_drive *d;
	char seen[GUARD_NODES][GUARD_NAME]; /* controllers of a drive that was told */
	unsigned n_seen;
};

static int each_ctrl(void *ctx, const char *dir, const char *name)
{
	struct each *e = ctx;
	char path[PATH_MAX], error[GUARD_ERROR];
	dev_t dev;

	for (unsigned i = 0; i < e->n_seen; i++)
		if (!strcmp(e->seen[i], name))
			return 0;
	if (!is_ctrl(name) || !tree_join(path, dir, name) || !tree_dev(path, &dev) ||
	    guard_drive_of(e->root, S_IFCHR, dev, e->d, error))
		return 0;
	for (unsigned i = 0; i < e->d->n && e->n_seen < GUARD_NODES; i++)
		if (is_ctrl(e->d->node[i].name))
			memcpy(e->seen[e->n_seen++], e->d->node[i].name, GUARD_NAME);
	return e->fn(e->ctx, e->d);
}

static int each_disk(void *ctx, const char *dir, const char *name)
{
	struct each *e = ctx;
	char path[PATH_MAX], word[SYSFS_WORD], device[PATH_MAX], error[GUARD_ERROR];
	dev_t dev;

	if (!strncmp(name, "nvme", 4) || !tree_join(path, dir, name) || !tree_dev(path, &dev) ||
	    sysfs_word(path, "partition", word)[0] || !tree_join(device, path, "device") ||
	    access(device, F_OK) || guard_drive_of(e->root, S_IFBLK, dev, e->d, error))
		return 0;
	return e->fn(e->ctx, e->d);
}

int guard_drive_each(const char *root, int (*fn)(void *ctx, const struct guard_drive *d), void *ctx)
{
	_cleanup_free_ struct each *e = calloc(1, sizeof(*e));
	_cleanup_free_ struct guard_drive *d = calloc(1, sizeof(*d));
	char dir[PATH_MAX];
	int ret = 0;

	if (!e || !d)
		return -ENOMEM;
	*e = (struct each){ .root = root, .fn = fn, .ctx = ctx, .d = d };
	if (tree_at(dir, root, "/sys/class/nvme"))
		ret = tree_each(dir, each_ctrl, e);
	if (!ret && tree_at(dir, root, "/sys/class/block"))
		ret = tree_each(dir, each_disk, e);
	return ret;
}

/* ---- small things ---- */

void guard_drive_address(const struct guard_drive *d, char *ret, size_t size)
{
	if (d->kind == GUARD_FUNCTION)
		snprintf(ret, size, "vfio:%s", d->pci);
	else
		snprintf(ret, size, "%s:/dev/%s", d->kind == GUARD_NVME ? "kernel" : "block",
			 d->name);
}

const struct guard_node *guard_drive_node(const struct guard_drive *d, bool block, dev_t dev)
{
	for (unsigned i = 0; i < d->n; i++)
		if (d->node[i].block == block && d->node[i].dev == dev)
			return &d->node[i];
	return NULL;
}

const struct guard_node *guard_drive_other_ctrl(const struct guard_drive *d)
{
	for (unsigned i = 0; i < d->n; i++)
		if (!d->node[i].block && is_ctrl(d->node[i].name) &&
		    strcmp(d->node[i].name, d->nvme))
			return &d->node[i];
	return NULL;
}

bool guard_drive_is(const struct guard_drive *d, const char *address, uint64_t opened)
{
	if (!strncmp(address, "vfio:", 5))
		return !opened;
	if (!strncmp(address, "kernel:", 7)) /* whichever node is named, it opens a controller's */
		return guard_drive_node(d, false, (dev_t)opened);
	return S_ISBLK(d->type) && d->dev == (dev_t)opened;
}

int guard_node_open(const char *root, const struct guard_node *n, int flags)
{
	char path[PATH_MAX];
	struct stat st;
	int fd;

	snprintf(path, sizeof(path), "%s/dev/%s", root, n->name);
	for (char *c = path + strlen(root) + 5; (c = strchr(c, '!'));)
		*c = '/'; /* sysfs has it for a name with a slash */
	fd = open(path, flags | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) || st.st_rdev != n->dev ||
	    (n->block ? !S_ISBLK(st.st_mode) : !S_ISCHR(st.st_mode))) {
		close(fd);
		return -ENODEV;
	}
	return fd;
}
