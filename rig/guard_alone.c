// SPDX-License-Identifier: GPL-2.0-or-later
/* G7: no other run is on the drive: a lock a serial, and the claim of its block nodes. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "rig/guard_hold.h"
#include "rig/wear.h"
#include "target/claim.h"
#include "target/emulated.h"

/* Kept open to the process's end: the lock is its life's, and the children's that it forks. */
static int lock_fd = -1;

static void lock_name(const struct guard_drive *d, char *ret, size_t size)
{
	if (d->serial[0])
		wear_file_name(d->serial, ret, size);
	else if (d->kind == GUARD_FUNCTION)
		wear_file_name(d->pci, ret, size);
	else
		snprintf(ret, size, "dev-%u-%u", major(d->dev), minor(d->dev));
}

static void say_other(const struct guard_ask *a, int fd, struct guard_finding *f)
{
	char pid[16] = "";
	ssize_t n = pread(fd, pid, sizeof(pid) - 1, 0);

	pid[n > 0 ? n : 0] = 0;
	pid[strspn(pid, "0123456789")] = 0;
	guard_refuse(f, "another nvrig, process %s, is on %s: wait for its end",
		     *pid ? pid : "unknown", a->drive->name);
}

static void lock(const struct guard_ask *a, const char *path, struct guard_finding *f)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0) {
		guard_refuse(
			f, "%s: %s: whether another run is on it cannot be found out; run as root",
			path, strerror(errno));
		return;
	}
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		say_other(a, fd, f);
		close(fd);
		return;
	}
	if (ftruncate(fd, 0) || dprintf(fd, "%d\n", a->pid) < 0)
		guard_refuse(f, "%s: %s", path, strerror(errno));
	lock_fd = fd;
}

void guard_alone(const struct guard_ask *a, struct guard_finding *ret)
{
	char name[GUARD_NAME], path[128];

	lock_name(a->drive, name, sizeof(name));
	if (lock_fd >= 0) {
		guard_pass(ret, "the lock of %s is ours already", name);
		return;
	}
	if (mkdir(GUARD_LOCKS, 0700) && errno != EEXIST && !a->light)
		guard_refuse(ret,
			     GUARD_LOCKS
			     ": %s: whether another run is on it cannot be found out; run "
			     "as root",
			     strerror(errno));
	snprintf(path, sizeof(path), GUARD_LOCKS "/%s", name);
	if (a->light && access(GUARD_LOCKS, W_OK))
		guard_na(ret, "emulated, and no right to make a lock: its nodes are claimed alone");
	else
		lock(a, path, ret);
	guard_pass(ret, "locked as %s", path);
}

/* ---- for the run's time ---- */

/* flock on the node keeps udev away (systemd's block device locking). */
int guard_hold(const struct guard_ask *a, bool write, bool waived, char *error)
{
	/* nobody else is in a guest of the rig's, and a case may take the drive away, whose name would
	 * stay taken: each worker has its own claim */
	if (a->light && emulated_in_guest(a->root))
		return 0;
	for (unsigned i = 0; i < a->drive->n; i++) {
		const struct guard_node *n = &a->drive->node[i];
		int fd, err;

		/* partitions are claimed with their disk; the one that was named is known by itself
		 */
		if (!n->block || claim_has(n->dev) || !(n->disk || n->dev == a->drive->dev))
			continue;
		fd = guard_node_open(a->root, n, O_RDONLY | (n->disk ? O_EXCL : 0));
		if (fd == -ENXIO || fd == -ENOMEDIUM || (fd < 0 && waived))
			continue;
		if (fd < 0) {
			snprintf(error, GUARD_ERROR, "/dev/%s: %s: somebody took it meanwhile",
				 n->name, strerror(-fd));
			return fd;
		}
		flock(fd, LOCK_EX | LOCK_NB);
		err = claim_take(fd, n->dev, write);
		if (err) {
			close(fd);
			snprintf(error, GUARD_ERROR, "%s has more block nodes than can be held",
				 n->name);
			return err;
		}
	}
	return 0;
}

void guard_drop(void)
{
	claim_drop();
	if (lock_fd >= 0)
		close(lock_fd);
	lock_fd = -1;
}
