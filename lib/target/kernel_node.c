// SPDX-License-Identifier: GPL-2.0-or-later
#include "target/kernel_node.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "target/claim.h"
#include "target/target.h"

#define LIVE_WAIT_NS (10 * NS_PER_S)
#define LOOK_MS	     20

/* ---- sysfs ---- */

const char *kernel_node_attr(const struct kernel_node *k, const char *name, char ret[SYSFS_WORD])
{
	return sysfs_word(k->dir, name, ret);
}

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* "nvme3" */
static bool is_ctrl(const char *name)
{
	unsigned n;
	char rest;

	return sscanf(name, "nvme%u%c", &n, &rest) == 1;
}

/*
 * "nvme3n1", "ng3n1", or "nvme2c3n1", a path to what is nvme2n1 to everybody: the head's name,
 * without "nvme" or "ng".
 */
static bool is_ns(const char *name, char ret[KERNEL_NAME])
{
	unsigned subsystem, ctrl, n;
	char rest;

	if (sscanf(name, "nvme%uc%un%u%c", &subsystem, &ctrl, &n, &rest) != 3 &&
	    sscanf(name, "nvme%un%u%c", &subsystem, &n, &rest) != 2 &&
	    sscanf(name, "ng%un%u%c", &subsystem, &n, &rest) != 2)
		return false;
	snprintf(ret, KERNEL_NAME, "%un%u", subsystem, n);
	return true;
}

bool kernel_node_alive(const struct kernel_node *k)
{
	char state[SYSFS_WORD];

	kernel_node_attr(k, "state", state);
	return state[0] && strcmp(state, "dead") && strncmp(state, "deleting", 8);
}

int kernel_node_wait(struct target *t, const struct kernel_node *k)
{
	uint64_t end = clock_mono_ns() + LIVE_WAIT_NS;
	char state[SYSFS_WORD];

	for (;;) {
		kernel_node_attr(k, "state", state);
		if (!strcmp(state, "live"))
			return 0;
		if (!kernel_node_alive(k))
			return target_fail(t, -ENODEV,
					   "/dev/%s: the kernel has given the "
					   "controller up (state '%.20s')",
					   k->name, state);
		if (clock_mono_ns() >= end)
			return target_fail(t, -ETIMEDOUT,
					   "/dev/%s: not usable: its state is "
					   "'%.20s' for 10 s now",
					   k->name, state);
		poll(NULL, 0, LOOK_MS);
	}
}

/* The node of a device by its folder in sysfs, and only if it has that device's number. */
static int open_node(const char *name, const char *dir, int flags)
{
	char path[64], word[SYSFS_WORD];
	unsigned maj, min;
	struct stat st;
	int fd;

	if (sscanf(sysfs_word(dir, "dev", word), "%u:%u", &maj, &min) != 2)
		return -ENODEV;
	snprintf(path, sizeof(path), "/dev/%.40s", name);
	fd = open(path, flags | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) || st.st_rdev != makedev(maj, min)) {
		close(fd);
		return -ENODEV;
	}
	return fd;
}

/* ---- namespaces ---- */

static void add_ns(struct kernel_node *k, const char *entry)
{
	char dir[PATH_MAX], word[SYSFS_WORD], name[KERNEL_NAME];
	struct kernel_ns *ns = &k->ns[k->n_ns];
	unsigned nsid, bytes = 0;

	if (strncmp(entry, "nvme", 4) || !is_ns(entry, name) || k->n_ns == KERNEL_NS_MAX ||
	    snprintf(dir, sizeof(dir), "%s/%s", k->dir, entry) >= (int)sizeof(dir) ||
	    sscanf(sysfs_word(dir, "nsid", word), "%u", &nsid) != 1)
		return;
	sscanf(sysfs_word(dir, "queue/logical_block_size", word), "%u", &bytes);
	*ns = (struct kernel_ns){ .nsid = nsid, .lba_bytes = bytes, .fd = -1 };
	snprintf(ns->name, sizeof(ns->name), "%s", name);
	k->n_ns++;
}

static void close_ns(struct kernel_node *k)
{
	for (unsigned i = 0; i < k->n_ns; i++)
		if (k->ns[i].fd >= 0)
			close(k->ns[i].fd);
	k->n_ns = 0;
}

static void find_ns(struct kernel_node *k)
{
	DIR *d = opendir(k->dir);
	struct dirent *e;

	close_ns(k);
	while (d && (e = readdir(d)))
		add_ns(k, e->d_name);
	if (d)
		closedir(d);
}

/* The generic node is a class device of its own: its number is there, by its name. */
static int open_generic(const char *name)
{
	char dir[PATH_MAX], node[KERNEL_NAME + 8];

	snprintf(node, sizeof(node), "ng%s", name);
	snprintf(dir, sizeof(dir), "/sys/class/nvme-generic/%s", node);
	return open_node(node, dir, O_RDWR);
}

static struct kernel_ns *known_ns(struct kernel_node *k, uint32_t nsid)
{
	for (unsigned i = 0; i < k->n_ns; i++) {
		struct kernel_ns *ns = &k->ns[i];

		if (ns->nsid != nsid)
			continue;
		if (ns->fd < 0)
			ns->fd = open_generic(ns->name);
		return ns->fd >= 0 ? ns : NULL;
	}
	return NULL;
}

struct kernel_ns *kernel_node_ns(struct kernel_node *k, uint32_t nsid)
{
	struct kernel_ns *ns = known_ns(k, nsid);

	if (ns)
		return ns;
	find_ns(k); /* it may have come meanwhile */
	return known_ns(k, nsid);
}

/* ---- the controller ---- */

static int say_open(struct target *t, const char *path, int err)
{
	if (err == -EACCES || err == -EPERM)
		return target_fail(t, err,
				   "%.80s: %s: commands to a controller need root "
				   "(CAP_SYS_ADMIN)",
				   path, strerror(-err));
	if (err == -ENXIO || err == -ENODEV)
		return target_fail(t, -ENODEV, "%.80s: no device is behind that node any more",
				   path);
	return target_fail(t, err, "%.80s: %s", path, strerror(-err));
}

/* The driver opens a controller only while it is live, which may end between look and open. */
static int open_live(struct target *t, struct kernel_node *k)
{
	uint64_t end = clock_mono_ns() + LIVE_WAIT_NS;

	do {
		int err = kernel_node_wait(t, k);

		if (err)
			return err;
		k->fd = open_node(k->name, k->dir, O_RDWR);
	} while (k->fd == -EAGAIN && clock_mono_ns() < end);
	return k->fd < 0 ? say_open(t, k->name, k->fd) : 0;
}

static int use_ctrl(struct target *t, const char *dir, struct kernel_node *k)
{
	int err;

	snprintf(k->dir, sizeof(k->dir), "%s", dir);
	snprintf(k->name, sizeof(k->name), "%.31s", base_of(dir));
	err = open_live(t, k);
	if (!err)
		find_ns(k);
	return err;
}

/* A subsystem's first controller that is not on its way out. */
static bool pick_ctrl(const char *subsystem, char ret[PATH_MAX])
{
	char path[PATH_MAX], state[SYSFS_WORD];
	struct dirent *e;
	bool found = false;
	DIR *d = opendir(subsystem);

	while (d && !found && (e = readdir(d))) {
		if (!is_ctrl(e->d_name) ||
		    snprintf(path, sizeof(path), "%s/%s", subsystem, e->d_name) >=
			    (int)sizeof(path) ||
		    !realpath(path, ret))
			continue;
		sysfs_word(ret, "state", state);
		found = strcmp(state, "dead") && strncmp(state, "deleting", 8);
	}
	if (d)
		closedir(d);
	return found;
}

/* dir: of the namespace's node that was named. */
static int use_ns(struct target *t, const char *path, const char *dir, struct kernel_node *k)
{
	char device[PATH_MAX], ctrl[PATH_MAX], name[KERNEL_NAME];
	int err;

	if (snprintf(device, sizeof(device), "%s/device", dir) >= (int)sizeof(device) ||
	    !realpath(device, ctrl))
		return target_fail(t, -ENODEV, "%.80s: the namespace is gone", path);
	if (!is_ctrl(base_of(ctrl))) {
		snprintf(device, sizeof(device), "%s", ctrl);
		if (!pick_ctrl(device, ctrl))
			return target_fail(t, -ENODEV, "%.80s: no controller has it any more",
					   path);
	}
	err = use_ctrl(t, ctrl, k);
	if (err || !is_ns(base_of(dir), name))
		return err;
	for (unsigned i = 0; i < k->n_ns; i++)
		if (!strcmp(k->ns[i].name, name))
			k->nsid = k->ns[i].nsid;
	return 0;
}

/* ---- not in use ---- */

static bool is_claimed(const char *dir)
{
	char word[SYSFS_WORD];
	unsigned maj, min;

	return sscanf(sysfs_word(dir, "dev", word), "%u:%u", &maj, &min) == 2 &&
	       claim_has(makedev(maj, min));
}

void kernel_node_hold(struct kernel_node *k)
{
	char node[KERNEL_NAME + 8], dir[PATH_MAX];

	for (unsigned i = 0; i < k->n_ns && !k->busy[0]; i++) {
		int fd;

		snprintf(node, sizeof(node), "nvme%s", k->ns[i].name);
		snprintf(dir, sizeof(dir), "/sys/class/block/%s", node);
		if (is_claimed(dir))
			continue;
		fd = open_node(node, dir, O_RDONLY | O_EXCL);
		if (fd >= 0)
			k->held[k->n_held++] = fd;
		else if (fd == -EBUSY)
			snprintf(k->busy, sizeof(k->busy),
				 "%s is in use: mounted, or held by a device above it", node);
		else if (fd != -ENOENT && fd != -ENODEV && fd != -ENXIO)
			snprintf(k->busy, sizeof(k->busy),
				 "%s: whether it is in use cannot be "
				 "found out: %s",
				 node, strerror(-fd));
	}
}

/* ---- open and close ---- */

static int look_up(struct target *t, const char *path, struct kernel_node *k)
{
	char link[64], dir[PATH_MAX], name[KERNEL_NAME], target[PATH_MAX];
	struct stat st;

	if (lstat(path, &st))
		return say_open(t, path, -errno);
	if (S_ISLNK(st.st_mode))
		return target_fail(t, -ELOOP, "%.80s is a link, to %.80s: name the node itself",
				   path, realpath(path, target) ? target : "nothing");
	if (!S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode))
		return target_fail(t, -ENOTTY, "%.80s is no device node", path);
	snprintf(link, sizeof(link), "/sys/dev/%s/%u:%u", S_ISBLK(st.st_mode) ? "block" : "char",
		 major(st.st_rdev), minor(st.st_rdev));
	if (!realpath(link, dir))
		return target_fail(t, -ENODEV, "%.80s: no device is behind that node any more",
				   path);
	if (is_ctrl(base_of(dir)) && S_ISCHR(st.st_mode))
		return use_ctrl(t, dir, k);
	if (is_ns(base_of(dir), name))
		return use_ns(t, path, dir, k);
	return target_fail(t, -ENOTTY,
			   "%.80s is %.30s, no NVMe controller or namespace: the nodes are "
			   "/dev/nvmeN, /dev/nvmeNnM and /dev/ngNnM",
			   path, base_of(dir));
}

int kernel_node_open(struct target *t, const char *path, struct kernel_node *ret)
{
	int err;

	*ret = (struct kernel_node){ .fd = -1 };
	err = look_up(t, path, ret);
	if (err)
		kernel_node_close(ret);
	return err;
}

void kernel_node_close(struct kernel_node *k)
{
	while (k->n_held)
		close(k->held[--k->n_held]);
	close_ns(k);
	if (k->fd >= 0)
		close(k->fd);
	k->fd = -1;
}
