// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What Linux answers on a block node: sizes and alignments are checked here as the block layer does
 * (fs/block fops and ioctls as sysfs-block, open(2), fallocate(2) and pwritev2(2) tell of them);
 * the content is the page cache's and the disk's.
 */
#include "target/model_node.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "target/model_pages.h"

#define MEM_ALIGN     512u
#define IO_MAX	      (256u << 10) /* max_hw_sectors */
#define SEGMENTS      32u
#define SEGMENT_BYTES (64u << 10)
#define GRANULARITY   4096u
#define ATOMIC_MAX    16384u
#define DISCARD_BYTES (1ull << 30)

struct model_node {
	const struct model *m;
	unsigned has; /* enum model_node_has */
	struct disk disk;
	struct pages pages;
	bool read_only, grown;
	unsigned opens;
	uint8_t *bounce; /* DISK_ROOM bytes: what an I/O moves, in one piece */
};

struct node {
	struct model_node *mn;
	unsigned flags;
	unsigned told; /* pages.errors that this one was told of */
};

/* ---- making ---- */

void model_node_free(struct model_node *mn)
{
	if (!mn)
		return;
	pages_close(&mn->pages);
	disk_close(&mn->disk);
	free(mn->bounce);
	free(mn);
}

struct model_node *model_node_new(const struct model *m)
{
	struct model_node *mn = calloc(1, sizeof(*mn));

	if (!mn)
		return NULL;
	mn->m = m;
	mn->has = model_node_bits(m);
	mn->bounce = malloc(DISK_ROOM);
	if (disk_open(&mn->disk, m) || pages_open(&mn->pages, &mn->disk) || !mn->bounce) {
		model_node_free(mn);
		return NULL;
	}
	mn->disk.logical = mn->has & MODEL_NODE_4KN ? 4096 : 512;
	mn->disk.physical = mn->has & (MODEL_NODE_4K | MODEL_NODE_4KN) ? 4096 : 512;
	mn->disk.write_back = mn->has & MODEL_NODE_CACHE;
	return mn;
}

/* What everyone is told of its size. */
static uint64_t size_told(struct model_node *mn)
{
	return mn->disk.bytes > DISK_BYTES && NODE_FAULT(mn, NODE_GROW_UNSEEN) ? DISK_BYTES
									       : mn->disk.bytes;
}

static void bend_facts(struct model_node *mn, struct node_facts *f)
{
	if (NODE_FAULT(mn, NODE_SIZE_ODD))
		f->bytes -= 100;
	if (NODE_FAULT(mn, NODE_SYSFS_SIZE_DIFFERS))
		f->sysfs_bytes -= 512;
	if (NODE_FAULT(mn, NODE_PHYSICAL_BELOW_LOGICAL))
		f->physical = f->logical / 2;
	if (NODE_FAULT(mn, NODE_IO_OPT_ODD))
		f->io_opt = f->logical + 1;
	if (NODE_FAULT(mn, NODE_MEM_ALIGN_LIES))
		f->mem_align = 4;
}

void model_node_facts(struct model_node *mn, struct node_facts *ret)
{
	const struct disk *d = &mn->disk;

	*ret = (struct node_facts){
		.is_block = true,
		.read_only = mn->read_only,
		.bytes = size_told(mn),
		.sysfs_bytes = size_told(mn),
		.logical = d->logical,
		.physical = d->physical,
		.io_min = d->physical,
		.io_opt = 65536,
		.mem_align = MEM_ALIGN,
		.offset_align = d->logical,
		.max_hw_bytes = IO_MAX,
		.max_segments = SEGMENTS,
		.max_segment_bytes = SEGMENT_BYTES,
		.zeroes_max = IO_MAX,
		.write_back = d->write_back,
		.fua = d->write_back,
		.can = NODE_CUT | NODE_RESIZE | NODE_BAD | NODE_SET_READ_ONLY | NODE_ROOM,
	};
	if (mn->has & MODEL_NODE_DISCARD) {
		ret->discard_max = DISCARD_BYTES;
		ret->discard_granularity = GRANULARITY;
	}
	if (mn->has & MODEL_NODE_ATOMIC) {
		ret->atomic_min = d->logical;
		ret->atomic_max = ATOMIC_MAX;
	}
	bend_facts(mn, ret);
}

/* ---- open and close ---- */

int model_node_open(struct model_node *mn, unsigned flags, struct node **ret)
{
	struct node *n = calloc(1, sizeof(*n));

	if (!n)
		return -ENOMEM;
	*n = (struct node){ .mn = mn, .flags = flags, .told = mn->pages.errors };
	mn->opens++;
	*ret = n;
	return 0;
}

/* The last one's close writes back what is dirty, and forgets the pages. */
void model_node_close(struct node *n)
{
	struct model_node *mn;

	if (!n)
		return;
	mn = n->mn;
	free(n);
	if (--mn->opens)
		return;
	if (!NODE_FAULT(mn, NODE_CLOSE_FORGETS))
		pages_write_back(&mn->pages, 0, DISK_ROOM);
	pages_forget(&mn->pages, 0, DISK_ROOM);
}

/* ---- reading and writing ---- */

static uint64_t total(const struct iovec *iov, int iovs)
{
	uint64_t len = 0;

	for (int i = 0; i < iovs; i++)
		len += iov[i].iov_len;
	return len;
}

static bool memory_aligned(const struct iovec *iov, int iovs, uint32_t logical)
{
	for (int i = 0; i < iovs; i++)
		if ((uintptr_t)iov[i].iov_base % MEM_ALIGN || iov[i].iov_len % logical)
			return false;
	return true;
}

/* Direct I/O that is not aligned is refused, never moved. By fault, offsets are rounded down. */
static int check_direct(struct node *n, const struct iovec *iov, int iovs, uint64_t *at,
			uint64_t len)
{
	uint32_t logical = n->mn->disk.logical;

	if ((*at | len) % logical == 0 && memory_aligned(iov, iovs, logical))
		return 0;
	if (len % logical == 0 && memory_aligned(iov, iovs, logical) &&
	    NODE_FAULT(n->mn, NODE_MISALIGNED_SHIFTED)) {
		*at -= *at % logical;
		return 0;
	}
	return NODE_FAULT(n->mn, NODE_MISALIGNED_EIO) ? -EIO : -EINVAL;
}

static int check_atomic(struct node *n, uint64_t at, uint64_t len, int iovs)
{
	const struct model_node *mn = n->mn;
	bool fits = iovs == 1 && len && !(len & (len - 1)) && at % len == 0 &&
		    len >= mn->disk.logical && len <= ATOMIC_MAX;

	if (!(mn->has & MODEL_NODE_ATOMIC) || !(n->flags & NODE_DIRECT))
		return NODE_FAULT(mn, NODE_ATOMIC_ABSENT_TAKEN) ? 0 : -EOPNOTSUPP;
	return fits || NODE_FAULT(mn, NODE_ATOMIC_ANY_SIZE) ? 0 : -EINVAL;
}

/* Into the bounce buffer, so that the disk has one piece. */
static void gather(struct node *n, const struct iovec *iov, int iovs, uint64_t len)
{
	struct model_node *mn = n->mn;
	uint64_t done = 0;

	for (int i = 0; i < iovs && done < len; i++) {
		uint64_t part = iov[i].iov_len < len - done ? iov[i].iov_len : len - done;

		memcpy(mn->bounce + done, iov[i].iov_base, part);
		if ((unsigned)i >= SEGMENTS && NODE_FAULT(mn, NODE_SEGMENT_LOST))
			memset(mn->bounce + done, 0, part);
		done += part;
	}
}

static void scatter(struct node *n, const struct iovec *iov, int iovs, uint64_t len)
{
	uint64_t done = 0;

	for (int i = 0; i < iovs && done < len; i++) {
		uint64_t part = iov[i].iov_len < len - done ? iov[i].iov_len : len - done;

		memcpy(iov[i].iov_base, n->mn->bounce + done, part);
		done += part;
	}
}

/* Past IO_MAX the block layer makes several requests of it. */
static int write_disk(struct node *n, uint64_t at, uint64_t len, unsigned how)
{
	struct model_node *mn = n->mn;

	for (uint64_t done = 0; done < len; done += IO_MAX) {
		uint64_t part = len - done < IO_MAX ? len - done : IO_MAX;
		int err = 0;

		if (!done || !NODE_FAULT(mn, NODE_SPLIT_LOST))
			err = disk_write(&mn->disk, at + done, mn->bounce + done, part, how);
		if (err)
			return err;
	}
	return 0;
}

static int write_direct(struct node *n, unsigned flags, uint64_t at, uint64_t len)
{
	struct pages *p = &n->mn->pages;
	int err;

	if (flags & NODE_DSYNC && NODE_FAULT(n->mn, NODE_DSYNC_DROPPED))
		return 0;
	pages_write_back(p, at, len);
	err = write_disk(n, at, len,
			 (flags & NODE_DSYNC ? DISK_FUA : 0) |
				 (flags & NODE_ATOMIC ? DISK_ATOMIC : 0));
	if (!NODE_FAULT(n->mn, NODE_STALE_PAGES))
		pages_forget(p, at, len);
	return err;
}

static int write_pages(struct node *n, unsigned flags, uint64_t at, uint64_t len)
{
	pages_write(&n->mn->pages, at, n->mn->bounce, len);
	return flags & NODE_DSYNC ? model_node_sync(n) : 0;
}

/* A request that begins at the end or past it; by faults it does what it must not. */
static ssize_t write_past_end(struct node *n, unsigned flags, uint64_t len)
{
	struct model_node *mn = n->mn;

	if (NODE_FAULT(mn, NODE_PAST_END_WRAPS))
		write_direct(n, flags, 0, len % DISK_BYTES / SECTOR * SECTOR);
	if (flags & NODE_RING && NODE_FAULT(mn, NODE_RING_PAST_END_TAKEN))
		return (ssize_t)len;
	if (mn->disk.bytes < mn->disk.before && NODE_FAULT(mn, NODE_SHRINK_TAIL_TAKEN))
		return (ssize_t)len;
	return NODE_FAULT(mn, NODE_PAST_END_TAKEN) ? (ssize_t)len : -ENOSPC;
}

static ssize_t do_write(struct node *n, unsigned flags, const struct iovec *iov, int iovs,
			uint64_t at)
{
	uint64_t len = total(iov, iovs), asked = len, end = n->mn->disk.bytes;
	int err;

	if (n->flags & NODE_READ_ONLY)
		return -EBADF;
	if (n->mn->read_only && !NODE_FAULT(n->mn, NODE_READ_ONLY_WRITTEN))
		return -EPERM;
	gather(n, iov, iovs, len < DISK_ROOM ? len : DISK_ROOM);
	if (len && at >= end)
		return write_past_end(n, flags, len);
	if (len > end - at)
		len = end - at;
	err = n->flags & NODE_DIRECT ? check_direct(n, iov, iovs, &at, len) : 0;
	if (!err && flags & NODE_ATOMIC)
		err = check_atomic(n, at, asked, iovs);
	if (!err)
		err = n->flags & NODE_DIRECT ? write_direct(n, flags, at, len)
					     : write_pages(n, flags, at, len);
	if (err)
		return err;
	return len < asked && NODE_FAULT(n->mn, NODE_STRADDLE_NOT_CUT) ? (ssize_t)asked
								       : (ssize_t)len;
}

static ssize_t do_read(struct node *n, const struct iovec *iov, int iovs, uint64_t at)
{
	uint64_t len = total(iov, iovs), end = n->mn->disk.bytes;
	struct pages *p = &n->mn->pages;
	int err;

	if (at >= end)
		return NODE_FAULT(n->mn, NODE_READ_PAST_END_EIO) ? -EIO : 0;
	if (len > end - at)
		len = end - at;
	err = n->flags & NODE_DIRECT ? check_direct(n, iov, iovs, &at, len) : 0;
	if (err)
		return err;
	if (n->flags & NODE_DIRECT) {
		pages_write_back(p, at, len);
		err = disk_read(&n->mn->disk, at, n->mn->bounce, len);
	} else {
		err = pages_read(p, at, n->mn->bounce, len);
	}
	if (!err)
		scatter(n, iov, iovs, len);
	return err ? err : (ssize_t)len;
}

/* The model's callers keep to whole sectors where they write through the page cache. */
ssize_t model_node_io(struct node *n, unsigned flags, const struct iovec *iov, int iovs,
		      uint64_t at)
{
	if (!(n->flags & NODE_DIRECT) && (at | total(iov, iovs)) % SECTOR)
		return -ENOSYS;
	return flags & NODE_WRITE ? do_write(n, flags, iov, iovs, at) : do_read(n, iov, iovs, at);
}

int model_node_sync(struct node *n)
{
	struct model_node *mn = n->mn;
	bool failed;

	if (!NODE_FAULT(mn, NODE_SYNC_SKIPS_PAGES))
		pages_write_back(&mn->pages, 0, DISK_ROOM);
	disk_flush(&mn->disk);
	failed = n->told != mn->pages.errors;
	if (failed && NODE_FAULT(mn, NODE_SYNC_ERROR_LOST))
		failed = false;
	if (!failed || !NODE_FAULT(mn, NODE_SYNC_ERROR_STAYS))
		n->told = mn->pages.errors;
	return failed ? -EIO : 0;
}

int model_node_drop(struct node *n)
{
	int err = model_node_sync(n);

	pages_forget(&n->mn->pages, 0, DISK_ROOM);
	return err;
}

/* ---- ranges ---- */

static int check_range(struct node *n, enum node_range what, uint64_t at, uint64_t len)
{
	struct model_node *mn = n->mn;
	uint32_t logical = mn->disk.logical;

	if (n->flags & NODE_READ_ONLY)
		return -EBADF;
	if (mn->read_only && !(what == NODE_DISCARD && NODE_FAULT(mn, NODE_READ_ONLY_DISCARDED)) &&
	    !(what != NODE_DISCARD && NODE_FAULT(mn, NODE_READ_ONLY_ZEROED)))
		return -EPERM;
	if (!len || at > mn->disk.bytes || len > mn->disk.bytes - at)
		return -EINVAL;
	if ((at | len) % logical &&
	    !(what == NODE_DISCARD && NODE_FAULT(mn, NODE_DISCARD_UNALIGNED_TAKEN)))
		return -EINVAL;
	return 0;
}

/* Zeroes on all of it, whatever the granularity; faults fall short of it or go beyond. */
static int zero(struct node *n, enum node_range what, uint64_t at, uint64_t len)
{
	struct model_node *mn = n->mn;
	int err;

	if (what == NODE_PUNCH && NODE_FAULT(mn, NODE_PUNCH_KEEPS))
		return 0;
	if (NODE_FAULT(mn, NODE_ZEROOUT_OUTWARDS)) {
		len += at % GRANULARITY;
		at -= at % GRANULARITY;
	}
	if (len > SECTOR && NODE_FAULT(mn, NODE_ZEROOUT_TAIL_LEFT))
		len -= SECTOR;
	pages_forget(&mn->pages, at, len);
	err = disk_zero(&mn->disk, at, len);
	return err;
}

static int discard(struct node *n, uint64_t at, uint64_t len)
{
	struct model_node *mn = n->mn;

	if (!(mn->has & MODEL_NODE_DISCARD))
		return NODE_FAULT(mn, NODE_DISCARD_ABSENT_TAKEN) ? 0 : -EOPNOTSUPP;
	at -= at % SECTOR; /* by fault alone */
	len -= len % SECTOR;
	if (NODE_FAULT(mn, NODE_DISCARD_REFUSED))
		return -EOPNOTSUPP;
	if (NODE_FAULT(mn, NODE_DISCARD_KEEPS_PAGES)) {
		disk_discard(&mn->disk, at, len);
		return 0;
	}
	pages_forget(&mn->pages, at, len);
	disk_discard(&mn->disk, at, len);
	return 0;
}

static int secure_discard(struct node *n, uint64_t at, uint64_t len)
{
	struct model_node *mn = n->mn;

	if (!(mn->has & MODEL_NODE_SECURE))
		return NODE_FAULT(mn, NODE_SECURE_ABSENT_TAKEN) ? 0 : -EOPNOTSUPP;
	pages_forget(&mn->pages, at, len);
	disk_erase(&mn->disk, at, len);
	return 0;
}

int model_node_range(struct node *n, enum node_range what, uint64_t at, uint64_t len)
{
	int err = check_range(n, what, at, len);

	if (err)
		return err;
	switch (what) {
	case NODE_DISCARD:
		return discard(n, at, len);
	case NODE_SECURE_DISCARD:
		return secure_discard(n, at, len);
	default:
		return zero(n, what, at, len);
	}
}

/* ---- what the side below is told ---- */

static void cut(struct model_node *mn)
{
	pages_forget(&mn->pages, 0, DISK_ROOM);
	disk_cut(&mn->disk);
}

static int resize(struct model_node *mn, uint64_t bytes)
{
	if (!bytes || bytes > DISK_ROOM || bytes % mn->disk.physical)
		return -EINVAL;
	if (bytes < mn->disk.bytes)
		pages_forget(&mn->pages, bytes, mn->disk.bytes - bytes);
	disk_resize(&mn->disk, bytes);
	return 0;
}

static int mark_bad(struct model_node *mn, uint64_t at, uint64_t len)
{
	if ((at | len) % SECTOR || !len || at >= DISK_ROOM || len > DISK_ROOM - at)
		return -EINVAL;
	disk_mark_bad(&mn->disk, at, len);
	return 0;
}

int model_node_control(struct model_node *mn, const char *what)
{
	uint64_t a, b;

	if (sscanf(what, "node resize %" SCNu64, &a) == 1)
		return resize(mn, a);
	if (sscanf(what, "node bad %" SCNu64 " %" SCNu64, &a, &b) == 2)
		return mark_bad(mn, a, b);
	if (!strcmp(what, "node cut"))
		cut(mn);
	else if (!strcmp(what, "node mend"))
		disk_mend(&mn->disk);
	else if (!strcmp(what, "node read-only on") || !strcmp(what, "node read-only off"))
		mn->read_only = !strcmp(what, "node read-only on");
	else if (!strcmp(what, "node room all"))
		disk_set_room(&mn->disk, UINT64_MAX);
	else if (sscanf(what, "node room %" SCNu64, &a) == 1)
		disk_set_room(&mn->disk, a / DISK_CHUNK);
	else
		return -EINVAL;
	return 0;
}
