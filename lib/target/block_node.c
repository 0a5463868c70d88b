// SPDX-License-Identifier: GPL-2.0-or-later
/* struct node_ops on the machine's own system calls. */
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "target/block.h"
#include "target/door.h"

#ifndef RWF_ATOMIC
#define RWF_ATOMIC 0x40
#endif

struct node {
	struct target *t;
	int fd;
	bool is_block, has_ring;
	struct io_uring ring; /* of one operation at a time */
	struct iovec started;
};

static int node_facts_now(struct target *t, struct node_facts *ret)
{
	return block_facts(t->priv, ret);
}

/* The very node that was claimed, whatever its name leads to by now. */
static int node_open(struct target *t, unsigned flags, struct node **ret)
{
	const struct block_target *b = t->priv;
	struct node *n = calloc(1, sizeof(*n));
	char path[32];

	if (!n)
		return -ENOMEM;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", b->fd);
	n->t = t;
	n->is_block = b->is_block;
	n->fd = open(path, (flags & NODE_READ_ONLY || !b->writable ? O_RDONLY : O_RDWR) |
				   (flags & NODE_DIRECT ? O_DIRECT : 0) | O_CLOEXEC);
	if (n->fd < 0) {
		int err = -errno;

		free(n);
		return err;
	}
	*ret = n;
	return 0;
}

static void node_close(struct node *n)
{
	if (!n)
		return;
	if (n->has_ring)
		io_uring_queue_exit(&n->ring);
	close(n->fd);
	free(n);
}

static int prepare(struct node *n, bool is_write, int rwf, const struct iovec *iov, int iovs,
		   uint64_t at)
{
	int err = n->has_ring ? 0 : io_uring_queue_init(2, &n->ring, 0);
	struct io_uring_sqe *sqe;

	if (err)
		return err;
	n->has_ring = true;
	sqe = io_uring_get_sqe(&n->ring);
	if (!sqe)
		return -EBUSY;
	if (is_write)
		io_uring_prep_writev(sqe, n->fd, iov, (unsigned)iovs, at);
	else
		io_uring_prep_readv(sqe, n->fd, iov, (unsigned)iovs, at);
	sqe->rw_flags = rwf;
	return 0;
}

static ssize_t by_ring(struct node *n, bool is_write, int rwf, const struct iovec *iov, int iovs,
		       uint64_t at)
{
	struct io_uring_cqe *cqe;
	int ret = prepare(n, is_write, rwf, iov, iovs, at);

	if (ret)
		return ret;
	do
		ret = io_uring_submit_and_wait(&n->ring, 1);
	while (ret == -EINTR);
	if (ret >= 0)
		ret = io_uring_wait_cqe(&n->ring, &cqe);
	if (ret < 0)
		return ret;
	ret = cqe->res;
	io_uring_cqe_seen(&n->ring, cqe);
	return ret;
}

/* Linux says -EPERM itself, of what is read-only: the door's refusal is another one. */
static int ask_door(struct node *n, const char *what, uint64_t at, uint64_t bytes)
{
	return door_node(n->t, what, at, bytes) ? -ECANCELED : 0;
}

static uint64_t length(const struct iovec *iov, int iovs)
{
	uint64_t sum = 0;

	for (int i = 0; i < iovs; i++)
		sum += iov[i].iov_len;
	return sum;
}

static ssize_t node_io(struct node *n, unsigned flags, const struct iovec *iov, int iovs,
		       uint64_t at)
{
	int rwf = (flags & NODE_DSYNC ? RWF_DSYNC : 0) | (flags & NODE_ATOMIC ? RWF_ATOMIC : 0);
	bool is_write = flags & NODE_WRITE;
	ssize_t done = is_write ? ask_door(n, "Write", at, length(iov, iovs)) : 0;

	if (done)
		return done;
	if (flags & NODE_RING)
		return by_ring(n, is_write, rwf, iov, iovs, at);
	done = is_write ? pwritev2(n->fd, iov, iovs, (off_t)at, rwf)
			: preadv2(n->fd, iov, iovs, (off_t)at, rwf);
	return done < 0 ? -errno : done;
}

static int node_start(struct node *n, unsigned flags, void *buf, size_t len, uint64_t at)
{
	int err = flags & NODE_WRITE ? ask_door(n, "Write", at, len) : 0;

	if (err)
		return err;
	n->started = (struct iovec){ .iov_base = buf, .iov_len = len };
	err = prepare(n, flags & NODE_WRITE, flags & NODE_DSYNC ? RWF_DSYNC : 0, &n->started, 1, at);
	if (err)
		return err;
	err = io_uring_submit(&n->ring);
	return err < 0 ? err : 0;
}

static ssize_t node_finish(struct node *n)
{
	struct io_uring_cqe *cqe;
	int ret = n->has_ring ? io_uring_peek_cqe(&n->ring, &cqe) : -EINVAL;

	if (ret < 0)
		return ret;
	ret = cqe->res;
	io_uring_cqe_seen(&n->ring, cqe);
	return ret;
}

static int node_range(struct node *n, enum node_range what, uint64_t at, uint64_t len)
{
	static const unsigned long request[] = { [NODE_DISCARD] = BLKDISCARD,
						 [NODE_SECURE_DISCARD] = BLKSECDISCARD,
						 [NODE_ZEROOUT] = BLKZEROOUT };
	uint64_t range[2] = { at, len };
	int mode = FALLOC_FL_KEEP_SIZE;
	bool discards = what == NODE_DISCARD || what == NODE_SECURE_DISCARD;
	int err = ask_door(n, discards ? "Discard" : "Write Zeroes", at, len);

	if (err)
		return err;
	if (what == NODE_ZERO_RANGE || what == NODE_PUNCH) {
		mode |= what == NODE_PUNCH ? FALLOC_FL_PUNCH_HOLE : FALLOC_FL_ZERO_RANGE;
		return fallocate(n->fd, mode, (off_t)at, (off_t)len) ? -errno : 0;
	}
	if (!n->is_block)
		return -ENOTTY;
	return ioctl(n->fd, request[what], range) ? -errno : 0;
}

static int node_sync(struct node *n)
{
	return fdatasync(n->fd) ? -errno : 0;
}

static int node_drop(struct node *n)
{
	int err = node_sync(n);

	return err ? err : -posix_fadvise(n->fd, 0, 0, POSIX_FADV_DONTNEED);
}

/* What sysfs has of it; a file is its name. */
int block_who(const struct block_target *b, char *ret, size_t size)
{
	static const char *const names[] = { "device/subsysnqn", "device/serial", "device/model",
					     "serial",		 "wwid",	  "nguid",
					     "uuid",		 "eui" };
	size_t used = 0;

	ret[0] = 0;
	for (size_t i = 0; b->is_block && i < sizeof(names) / sizeof(*names); i++) {
		char text[256];

		block_sysfs_text(b->fd, names[i], text, sizeof(text));
		if (text[0] && used < size)
			used += (size_t)snprintf(ret + used, size - used, "%s%s=%s",
						 used ? ", " : "", names[i], text);
	}
	if (!ret[0])
		snprintf(ret, size, "%s", b->path);
	return used < size ? 0 : -ENAMETOOLONG;
}

static int node_who(struct target *t, char *ret, size_t size)
{
	return block_who(t->priv, ret, size);
}

const struct node_ops block_node_ops = {
	.facts = node_facts_now,
	.open = node_open,
	.close = node_close,
	.io = node_io,
	.start = node_start,
	.finish = node_finish,
	.range = node_range,
	.sync = node_sync,
	.drop = node_drop,
	.who = node_who,
};
