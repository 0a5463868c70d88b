// SPDX-License-Identifier: GPL-2.0-or-later
#include "target/vfio_note.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/cleanup.h"

#define NOTE_BYTES 1024u
#define FORMAT	   "nvrig-vfio 1\npid %d\nstart %" PRIu64 "\ndriver %s\noverride %s\n"
#define NOBODY	   "-"

/* The 22nd field of /proc/PID/stat; the second is a name that may hold anything. 0: unknown. */
static uint64_t start_of(pid_t pid)
{
	char path[64], text[1024];
	uint64_t start = 0;
	const char *c;
	ssize_t n;
	_cleanup_close_ int fd = -1;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = 0;
	c = strrchr(text, ')');
	for (unsigned field = 2; c && field < 22; field++)
		c = strchr(c + 1, ' ');
	if (c)
		sscanf(c, " %" SCNu64, &start);
	return start;
}

void vfio_note_self(struct vfio_note *n)
{
	n->pid = getpid();
	n->start = start_of(n->pid);
}

static int note_path(const char *dir, const char *name, char ret[PCI_DEV_PATH])
{
	return snprintf(ret, PCI_DEV_PATH, "%s/%s", dir, name) >= (int)PCI_DEV_PATH ? -ENAMETOOLONG
										    : 0;
}

int vfio_note_write(const char *dir, const char *name, const struct vfio_note *n)
{
	char path[PCI_DEV_PATH], text[NOTE_BYTES];
	_cleanup_close_ int fd = -1;
	int err = note_path(dir, name, path);

	if (err)
		return err;
	if (mkdir(dir, 0700) && errno != EEXIST)
		return -errno;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	snprintf(text, sizeof(text), FORMAT, n->pid, n->start, n->driver[0] ? n->driver : NOBODY,
		 n->override[0] ? n->override : NOBODY);
	err = bytes_write(fd, text, strlen(text));
	if (!err && fsync(fd) && errno != EINVAL)
		err = -errno;
	if (err)
		unlink(path);
	return err;
}

static void nobody(char *word)
{
	if (!strcmp(word, NOBODY))
		*word = 0;
}

int vfio_note_read(const char *dir, const char *name, struct vfio_note *ret)
{
	char path[PCI_DEV_PATH];
	struct bytes b;
	int err = note_path(dir, name, path), got;

	err = err ? err : bytes_load(path, NOTE_BYTES, &b);
	if (err)
		return err;
	got = sscanf((const char *)b.at,
		     "nvrig-vfio 1 pid %d start %" SCNu64 " driver %63s override %63s", &ret->pid,
		     &ret->start, ret->driver, ret->override);
	bytes_free(&b);
	if (got != 4 || ret->pid <= 0)
		return -EBADMSG;
	nobody(ret->driver);
	nobody(ret->override);
	return 0;
}

/* Numbers are given anew: it is the one that began then. */
int vfio_note_alive(const struct vfio_note *n)
{
	uint64_t start = start_of(n->pid);

	return start && start == n->start;
}

void vfio_note_remove(const char *dir, const char *name)
{
	char path[PCI_DEV_PATH];

	if (note_path(dir, name, path))
		return;
	unlink(path);
	rmdir(dir); /* when it was the last */
}
