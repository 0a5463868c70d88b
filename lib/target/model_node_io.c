// SPDX-License-Identifier: GPL-2.0-or-later
/* The model's block node: read and write, as open(2) and pwritev2(2) have them, and fdatasync(2).
 */
#include <errno.h>
#include <string.h>

#include "target/model_node_internal.h"

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
	uint32_t logical = n->mn->disk->logical;

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
		    len >= mn->disk->logical && len <= ATOMIC_MAX;

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
			err = engine_write(&mn->engine, at + done, mn->bounce + done, part, how);
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
	if (mn->disk->bytes < mn->disk->before && NODE_FAULT(mn, NODE_SHRINK_TAIL_TAKEN))
		return (ssize_t)len;
	return NODE_FAULT(mn, NODE_PAST_END_TAKEN) ? (ssize_t)len : -ENOSPC;
}

bool model_node_gone(const struct node *n)
{
	const struct model_node *mn = n->mn;

	return !mn->engine.back && (mn->unplugged || n->plugs != mn->plugs) &&
	       !NODE_FAULT(mn, CROSS_PLUG_STAYS);
}

static ssize_t do_write(struct node *n, unsigned flags, const struct iovec *iov, int iovs,
			uint64_t at)
{
	uint64_t len = total(iov, iovs), asked = len, end = engine_bytes(&n->mn->engine);
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
	uint64_t len = total(iov, iovs), end = engine_bytes(&n->mn->engine);
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
		err = engine_read(&n->mn->engine, at, n->mn->bounce, len);
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
	if (model_node_gone(n))
		return -EIO;
	if (flags & NODE_WRITE && n->mn->plugs && NODE_FAULT(n->mn, CROSS_PLUG_DEAD))
		return -EIO;
	if (!(n->flags & NODE_DIRECT) && (at | total(iov, iovs)) % SECTOR)
		return -ENOSYS;
	return flags & NODE_WRITE ? do_write(n, flags, iov, iovs, at) : do_read(n, iov, iovs, at);
}

int model_node_start(struct node *n, unsigned flags, void *buf, size_t len, uint64_t at)
{
	if (n->started.on)
		return -EBUSY;
	n->started.on = true;
	n->started.gone = model_node_gone(n);
	n->started.hung = n->started.cut = false;
	n->started.flags = flags;
	n->started.iov = (struct iovec){ .iov_base = buf, .iov_len = len };
	n->started.at = at;
	model_node_settle(n);
	return 0;
}

/* What it waits for: a store that answers, a way to it. Those who wait are asked at each turn. */
bool model_node_settle(struct node *n)
{
	const struct model_node *mn = n->mn;

	if (mn->engine.back)
		return true;
	n->started.hung |= mn->disk->hung;
	n->started.cut |= mn->link_off;
	return !mn->disk->hung && !mn->link_off;
}

ssize_t model_node_finish(struct node *n)
{
	const struct model_node *mn = n->mn;
	bool write = n->started.flags & NODE_WRITE, free = model_node_settle(n);

	if (!n->started.on)
		return -EINVAL;
	if (n->started.hung && NODE_FAULT(mn, CROSS_HANG_LOST))
		return -EAGAIN;
	if (!n->started.gone && model_node_gone(n)) { /* it went under it */
		if (NODE_FAULT(mn, CROSS_PLUG_STUCK))
			return -EAGAIN;
		n->started.on = false;
		return write && NODE_FAULT(mn, CROSS_PLUG_DROPS) ? (ssize_t)n->started.iov.iov_len
								 : -EIO;
	}
	if (!free && !(write && n->started.hung && NODE_FAULT(mn, CROSS_HANG_ANSWERED)))
		return -EAGAIN;
	n->started.on = false;
	if (!free || (write && n->started.cut && NODE_FAULT(mn, CROSS_LINK_DROPS)))
		return (ssize_t)n->started.iov.iov_len;
	if (n->started.cut && NODE_FAULT(mn, CROSS_LINK_FAILS))
		return -EIO;
	return model_node_io(n, n->started.flags, &n->started.iov, 1, n->started.at);
}

int model_node_sync(struct node *n)
{
	struct model_node *mn = n->mn;
	bool failed;

	if (model_node_gone(n))
		return -EIO;
	if (!NODE_FAULT(mn, NODE_SYNC_SKIPS_PAGES))
		pages_write_back(&mn->pages, 0, DISK_ROOM);
	disk_flush(mn->disk);
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
