// SPDX-License-Identifier: GPL-2.0-or-later
/* What the block layer says of a node: ioctls, statx, and the attributes of sysfs. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "target/block.h"

static int open_attribute(dev_t dev, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/%s", major(dev), minor(dev), name);
	return open(path, O_RDONLY | O_CLOEXEC);
}

void block_sysfs_text(int fd, const char *name, char *ret, size_t size)
{
	_cleanup_close_ int file = -1;
	struct stat st;
	ssize_t n;

	ret[0] = 0;
	if (fstat(fd, &st) || !S_ISBLK(st.st_mode))
		return;
	file = open_attribute(st.st_rdev, name);
	n = file < 0 ? -1 : read(file, ret, size - 1);
	ret[n > 0 ? n : 0] = 0;
	ret[strcspn(ret, "\n")] = 0;
}

void block_sysfs_name(int fd, char *ret, size_t size)
{
	char link[64], to[256], *slash;
	struct stat st;
	ssize_t n;

	ret[0] = 0;
	if (fstat(fd, &st) || !S_ISBLK(st.st_mode))
		return;
	snprintf(link, sizeof(link), "/sys/dev/block/%u:%u", major(st.st_rdev), minor(st.st_rdev));
	n = readlink(link, to, sizeof(to) - 1);
	to[n > 0 ? n : 0] = 0;
	slash = strrchr(to, '/');
	snprintf(ret, size, "%s", slash ? slash + 1 : "");
}

static uint64_t number(int fd, const char *name)
{
	char text[32];
	uint64_t n;

	block_sysfs_text(fd, name, text, sizeof(text));
	return text_number(text, &n) ? 0 : n;
}

/* A partition has the queue of its disk. */
uint64_t block_queue_number(int fd, const char *name)
{
	char path[64], text[32];

	snprintf(path, sizeof(path), "queue/%s", name);
	block_sysfs_text(fd, path, text, sizeof(text));
	if (text[0])
		return number(fd, path);
	snprintf(path, sizeof(path), "../queue/%s", name);
	return number(fd, path);
}

static bool queue_says(int fd, const char *name, const char *word)
{
	char path[64], text[32];

	snprintf(path, sizeof(path), "../queue/%s", name);
	block_sysfs_text(fd, path + 3, text, sizeof(text));
	if (!text[0])
		block_sysfs_text(fd, path, text, sizeof(text));
	return !strcmp(text, word);
}

static void tell_alignment(int fd, struct node_facts *f)
{
#ifdef STATX_DIOALIGN
	struct statx sx;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &sx) || !(sx.stx_mask & STATX_DIOALIGN))
		return;
	f->mem_align = sx.stx_dio_mem_align;
	f->offset_align = sx.stx_dio_offset_align;
#else
	(void)fd;
	(void)f;
#endif
}

static void tell_queue(int fd, struct node_facts *f)
{
	f->sysfs_bytes = number(fd, "size") * 512;
	f->max_hw_bytes = block_queue_number(fd, "max_hw_sectors_kb") << 10;
	f->max_segments = (uint32_t)block_queue_number(fd, "max_segments");
	f->max_segment_bytes = block_queue_number(fd, "max_segment_size");
	f->discard_max = block_queue_number(fd, "discard_max_bytes");
	f->discard_granularity = (uint32_t)block_queue_number(fd, "discard_granularity");
	f->discard_alignment = (uint32_t)number(fd, "discard_alignment");
	f->zeroes_max = block_queue_number(fd, "write_zeroes_max_bytes");
	f->atomic_min = (uint32_t)block_queue_number(fd, "atomic_write_unit_min_bytes");
	f->atomic_max = (uint32_t)block_queue_number(fd, "atomic_write_unit_max_bytes");
	f->fua = block_queue_number(fd, "fua") == 1;
	f->write_back = queue_says(fd, "write_cache", "write back");
	f->zoned = queue_says(fd, "zoned", "host-managed");
}

/* Of QEMU's disks: what a guest has beside them is none of that store. */
static void tell_bad(int fd, struct node_facts *f)
{
	const char *said = getenv(BLOCK_BAD);
	char name[64];

	block_sysfs_name(fd, name, sizeof(name));
	if (!said || (strncmp(name, "nvme", 4) && strncmp(name, "vd", 2)))
		return;
	if (sscanf(said, "%" SCNu64 " %" SCNu64, &f->bad_at, &f->bad_bytes) != 2 ||
	    f->bad_at >= f->bytes || f->bad_bytes > f->bytes - f->bad_at)
		f->bad_at = f->bad_bytes = 0;
}

static int tell_node(int fd, struct node_facts *f)
{
	int logical = 0, read_only = 0;

	if (ioctl(fd, BLKGETSIZE64, &f->bytes) || ioctl(fd, BLKSSZGET, &logical) ||
	    ioctl(fd, BLKPBSZGET, &f->physical) || ioctl(fd, BLKIOMIN, &f->io_min) ||
	    ioctl(fd, BLKIOOPT, &f->io_opt) || ioctl(fd, BLKROGET, &read_only))
		return -errno;
	f->logical = (uint32_t)logical;
	f->read_only = read_only != 0;
	tell_queue(fd, f);
	tell_bad(fd, f);
	return 0;
}

/* A file has no blocks of its own: what direct I/O takes stands for them. */
static int tell_file(int fd, struct node_facts *f)
{
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	f->bytes = f->sysfs_bytes = (uint64_t)st.st_size;
	f->logical = f->offset_align >= 512 ? f->offset_align : 4096;
	f->physical = f->io_min = f->logical;
	f->write_back = true;
	return 0;
}

int block_facts(const struct block_target *b, struct node_facts *ret)
{
	*ret = (struct node_facts){ .is_block = b->is_block, .can = b->can };
	tell_alignment(b->fd, ret);
	return b->is_block ? tell_node(b->fd, ret) : tell_file(b->fd, ret);
}
