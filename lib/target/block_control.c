// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the side below a node can be told here: a file and a loop device get another size, a block
 * node is read-only, null_blk has bad blocks (Documentation/block/null_blk.rst, loop(4)), and so
 * has a node of device mapper that nvrig made.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "target/block.h"
#include "target/door.h"

#define ENTRY_SECTORS 512u
#define NVMET_STORES  "/sys/kernel/config/nvmet/subsystems/*/namespaces/*/device_path"

/* Of null_blk: "" where it is none. The directory is named after the node, since Linux 5.19. */
static void badblocks_path(const struct block_target *b, char *ret, size_t size)
{
	char name[64];

	block_sysfs_name(b->fd, name, sizeof(name));
	ret[0] = 0;
	if (name[0])
		snprintf(ret, size, "/sys/kernel/config/nullb/%.60s/badblocks", name);
	if (access(ret, W_OK))
		ret[0] = 0;
}

static bool is_loop(const struct block_target *b)
{
	struct loop_info64 info;

	return b->is_block && !ioctl(b->fd, LOOP_GET_STATUS64, &info);
}

unsigned block_control_can(const struct block_target *b)
{
	unsigned can = 0;
	char path[128];

	if (!b->writable)
		return 0;
	badblocks_path(b, path, sizeof(path));
	if (path[0] || b->linear.name[0])
		can |= NODE_BAD;
	if (b->is_block)
		can |= NODE_SET_READ_ONLY;
	if (b->linear.name[0])
		can |= NODE_HANG;
	if (b->link[0])
		can |= NODE_LINK;
	if (b->plug[0])
		can |= NODE_PLUG;
	if (!b->is_block || is_loop(b))
		can |= NODE_RESIZE;
	return can;
}

static int resize_loop(const struct block_target *b, uint64_t bytes)
{
	char file[512];

	block_sysfs_text(b->fd, "loop/backing_file", file, sizeof(file));
	if (!file[0] || truncate(file, (off_t)bytes))
		return file[0] ? -errno : -ENODEV;
	return ioctl(b->fd, LOOP_SET_CAPACITY, 0) ? -errno : 0;
}

/* nvmet looks at the size of its store when it is told to, and then tells its hosts. */
static void tell_nvmet(const struct block_target *b)
{
	glob_t g;
	struct stat mine, st;

	if (fstat(b->fd, &mine) || glob(NVMET_STORES, 0, NULL, &g))
		return;
	for (size_t i = 0; i < g.gl_pathc; i++) {
		char path[512], tell[512];
		char *slash = strrchr(g.gl_pathv[i], '/');
		_cleanup_close_ int from = open(g.gl_pathv[i], O_RDONLY | O_CLOEXEC), to = -1;
		ssize_t n = from < 0 ? -1 : read(from, path, sizeof(path) - 1);

		path[n > 0 ? n : 0] = 0;
		path[strcspn(path, "\n")] = 0;
		if (stat(path, &st) || st.st_rdev != mine.st_rdev)
			continue;
		snprintf(tell, sizeof(tell), "%.*s/revalidate_size", (int)(slash - g.gl_pathv[i]),
			 g.gl_pathv[i]);
		to = open(tell, O_WRONLY | O_CLOEXEC);
		if (to >= 0 && write(to, "1", 1) != 1)
			continue; /* a disabled namespace has nobody to tell */
	}
	globfree(&g);
}

static int resize(struct block_target *b, uint64_t bytes)
{
	struct node_facts f;
	int err = block_facts(b, &f);

	if (err)
		return err;
	if (b->is_block)
		err = resize_loop(b, bytes);
	else
		err = ftruncate(b->fd, (off_t)bytes) ? -errno : 0;
	if (!err && !b->bytes_before)
		b->bytes_before = f.bytes;
	if (!err && b->is_block)
		tell_nvmet(b);
	return err;
}

static int set_read_only(struct block_target *b, bool on)
{
	int value = on;

	if (ioctl(b->fd, BLKROSET, &value))
		return -errno;
	b->was_set_read_only = on;
	return 0;
}

/*
 * A write is one range, of no more than what one entry of the kernel's list holds: longer ones are
 * not in force in Linux 6.1, whose list is out of order then (docs/findings/block.md).
 */
static int tell_bad(const struct block_target *b, char sign)
{
	uint64_t end = b->bad + b->bads, last;
	_cleanup_close_ int fd = -1;
	char path[128], line[64];

	badblocks_path(b, path, sizeof(path));
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	for (uint64_t at = b->bad; at < end; at = last + 1) {
		int n;

		last = end - at < ENTRY_SECTORS ? end - 1 : at + ENTRY_SECTORS - 1;
		n = snprintf(line, sizeof(line), "%c%" PRIu64 "-%" PRIu64, sign, at, last);
		if (pwrite(fd, line, (size_t)n, 0) != n)
			return -errno;
	}
	return 0;
}

static int mend(struct block_target *b)
{
	int err = 0;

	if (b->bads)
		err = b->linear.name[0] ? block_dm_mend(&b->linear) : tell_bad(b, '-');
	b->bads = 0;
	return err;
}

static int set_bad(struct block_target *b, uint64_t from, uint64_t bytes)
{
	int err;

	if (b->bads || from % 512 || bytes % 512 || !bytes)
		return -EINVAL;
	b->bad = from / 512;
	b->bads = bytes / 512;
	err = b->linear.name[0] ? block_dm_set_bad(&b->linear, b->bad, b->bads) : tell_bad(b, '+');
	if (err)
		mend(b);
	return err;
}

static int hang(struct block_target *b, bool on)
{
	int err = block_dm_hang(&b->linear, on);

	if (!err)
		b->hung = on;
	return err;
}

static int set_link(struct block_target *b, bool on)
{
	int err = block_link_set(b->link, on);

	if (!err)
		b->link_off = !on;
	return err;
}

static int obey(struct block_target *b, const char *what)
{
	uint64_t from, bytes;
	unsigned can = b->can;

	if (can & NODE_RESIZE && sscanf(what, "node resize %" SCNu64, &bytes) == 1)
		return resize(b, bytes);
	if (can & NODE_BAD && sscanf(what, "node bad %" SCNu64 " %" SCNu64, &from, &bytes) == 2)
		return set_bad(b, from, bytes);
	if (can & NODE_BAD && !strcmp(what, "node mend"))
		return mend(b);
	if (can & NODE_HANG && (!strcmp(what, "node hang") || !strcmp(what, "node wake")))
		return hang(b, !strcmp(what, "node hang"));
	if (can & NODE_LINK && (!strcmp(what, "node link on") || !strcmp(what, "node link off")))
		return set_link(b, !strcmp(what, "node link on"));
	if (can & NODE_SET_READ_ONLY && !strcmp(what, "node read-only on"))
		return set_read_only(b, true);
	if (can & NODE_SET_READ_ONLY && !strcmp(what, "node read-only off"))
		return set_read_only(b, false);
	return -EINVAL;
}

int block_control(struct target *t, const char *what)
{
	struct block_target *b = t->priv;
	int err = door_node(t, "a change of the store", 0, 0);

	if (err)
		return err;
	if (b->can & NODE_PLUG && !strcmp(what, "node plug out"))
		return block_plug_out(t);
	if (b->can & NODE_PLUG && !strcmp(what, "node plug in"))
		return block_plug_in(t);
	err = b->unplugged ? -ENODEV : obey(b, what);

	return err ? target_fail(t, err, "'%.60s': %s", what,
				 err == -EINVAL ? "this node cannot be told that" : strerror(-err))
		   : 0;
}

void block_control_undo(struct block_target *b)
{
	if (b->unplugged) {
		block_plug_undo(b);
		return;
	}
	if (b->fd < 0)
		return;
	if (b->hung)
		hang(b, false);
	if (b->link_off)
		set_link(b, true);
	mend(b);
	if (b->was_set_read_only)
		set_read_only(b, false);
	if (b->bytes_before)
		resize(b, b->bytes_before);
	b->bytes_before = 0;
}
