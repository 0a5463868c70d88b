// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Block I/O by io_uring: a ring for each queue, the node as its registered file, DMA memory as its
 * registered buffers where the kernel takes them. Rings are made when their queue is first used;
 * after that nothing is allocated.
 *
 * What a ring cannot do (BLKDISCARD, and in a polled one all but reads and writes) is done at once,
 * and its end is told through the ring by an empty operation, so that all ends come alike.
 */
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <linux/fs.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "target/block.h"
#include "target/door.h"

#define MAPS_MAX  16u
#define CLOSE_NS  (10 * NS_PER_S)
#define DONE	  1u /* beside the address in user_data: the result is there already */
#define PAGE	  4096u
#define ZERO_MODE (FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE)
#define HOLE_MODE (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)

struct ring {
	struct io_uring u;
	bool up;
	unsigned inflight;
	uint32_t registered; /* bit of each map */
};

struct block_rings {
	const struct block_target *b;
	unsigned depth, n; /* n: rings 0..n-1 may be up */
	unsigned inflight;
	bool poll;
	struct iovec map[MAPS_MAX]; /* iov_base NULL: free */
	struct pollfd *fds;
	struct ring ring[BLOCK_QUEUES_MAX];
};

/* ---- rings and memory ---- */

/* Only a help: memory that cannot be locked is used without. */
static void register_map(struct ring *g, unsigned i, const struct iovec *iov)
{
	if (io_uring_register_buffers_update_tag(&g->u, i, iov, NULL, 1) == 1 && iov->iov_base)
		g->registered |= 1u << i;
	else
		g->registered &= ~(1u << i);
}

static int ring_up(struct block_rings *r, unsigned queue)
{
	struct ring *g = &r->ring[queue];
	int err;

	if (g->up)
		return 0;
	err = io_uring_queue_init(r->depth, &g->u, r->poll ? IORING_SETUP_IOPOLL : 0);
	if (err)
		return err;
	err = io_uring_register_files(&g->u, &r->b->fd, 1);
	if (err) {
		io_uring_queue_exit(&g->u);
		return err;
	}
	g->up = true;
	if (queue >= r->n)
		r->n = queue + 1;
	if (io_uring_register_buffers_sparse(&g->u, MAPS_MAX))
		return 0;
	for (unsigned i = 0; i < MAPS_MAX; i++)
		if (r->map[i].iov_base)
			register_map(g, i, &r->map[i]);
	return 0;
}

int block_rings_open(const struct block_target *b, unsigned depth, bool poll,
		     struct block_rings **ret)
{
	struct block_rings *r = calloc(1, sizeof(*r));
	int err;

	if (r)
		r->fds = calloc(BLOCK_QUEUES_MAX, sizeof(*r->fds));
	if (!r || !r->fds) {
		free(r);
		return -ENOMEM;
	}
	r->b = b;
	r->depth = depth;
	r->poll = poll;
	err = ring_up(r, 0);
	if (err) {
		free(r->fds);
		free(r);
		return err;
	}
	*ret = r;
	return 0;
}

void block_rings_down(struct block_rings *r)
{
	uint64_t deadline = clock_mono_ns() + CLOSE_NS;
	struct block_io *some[64];

	if (!r)
		return;
	while (r->inflight && block_rings_reap(r, some, 64, deadline) > 0)
		;
	for (unsigned i = 0; i < r->n; i++) {
		if (!r->ring[i].up)
			continue;
		/* a ring ends when the kernel gets to it, and would keep the claim until then */
		io_uring_unregister_files(&r->ring[i].u);
		io_uring_queue_exit(&r->ring[i].u);
		r->ring[i].up = false;
	}
}

unsigned block_rings_busy(const struct block_rings *r)
{
	return r ? r->inflight : 0;
}

void block_rings_close(struct block_rings *r)
{
	if (!r)
		return;
	block_rings_down(r);
	free(r->fds);
	free(r);
}

static void register_everywhere(struct block_rings *r, unsigned i)
{
	for (unsigned q = 0; q < r->n; q++)
		if (r->ring[q].up)
			register_map(&r->ring[q], i, &r->map[i]);
}

int block_rings_map(struct block_rings *r, struct dma *d)
{
	size_t len = (d->len + PAGE - 1) & ~(size_t)(PAGE - 1);
	void *va;

	if (!len || d->align > PAGE)
		return -EINVAL;
	va = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (va == MAP_FAILED)
		return -ENOMEM;
	*d = (struct dma){ .len = len, .align = d->align, .va = va, .iova = (uintptr_t)va };
	for (unsigned i = 0; i < MAPS_MAX; i++) {
		if (r->map[i].iov_base)
			continue;
		r->map[i] = (struct iovec){ va, len };
		register_everywhere(r, i);
		break;
	}
	return 0;
}

void block_rings_unmap(struct block_rings *r, struct dma *d)
{
	for (unsigned i = 0; d->va && i < MAPS_MAX; i++) {
		if (r->map[i].iov_base != d->va)
			continue;
		r->map[i] = (struct iovec){ 0 };
		register_everywhere(r, i);
	}
	if (d->va)
		munmap(d->va, d->len);
	d->va = NULL;
}

/* ---- submission ---- */

static uint64_t bytes_of(const struct block_rings *r, const struct block_io *io)
{
	return (uint64_t)io->blocks * r->b->lba_bytes;
}

static int check(struct target *t, const struct block_rings *r, const struct block_io *io)
{
	bool data = io->op == BLOCK_READ || io->op == BLOCK_WRITE;
	uint64_t len = bytes_of(r, io);

	if (io->nsid != 1 || io->queue >= BLOCK_QUEUES_MAX)
		return target_fail(t, -EINVAL,
				   "namespace %u, queue %u: there are namespace 1 and "
				   "queues 0 to %u",
				   io->nsid, io->queue, BLOCK_QUEUES_MAX - 1);
	if (io->op != BLOCK_READ && io->op != BLOCK_FLUSH && !r->b->writable)
		return target_fail(t, -EINVAL, "only read: %.120s", r->b->why_read);
	if (io->op != BLOCK_FLUSH &&
	    (!io->blocks || io->lba > (uint64_t)INT64_MAX / r->b->lba_bytes - io->blocks))
		return target_fail(t, -EINVAL, "no such range of blocks");
	if (data && (!io->data || io->data_offset % 4 || io->data_offset > io->data->len ||
		     len > io->data->len - io->data_offset))
		return target_fail(t, -EINVAL, "no data, or not at a dword");
	return 0;
}

static int map_of(const struct block_rings *r, const struct ring *g, const struct block_io *io)
{
	for (int i = 0; i < (int)MAPS_MAX; i++)
		if (r->map[i].iov_base == io->data->va)
			return g->registered >> i & 1 ? i : -1;
	return -1;
}

static void prepare_data(const struct block_rings *r, const struct ring *g, struct block_io *io,
			 struct io_uring_sqe *sqe)
{
	uint8_t *at = (uint8_t *)io->data->va + io->data_offset;
	unsigned len = (unsigned)bytes_of(r, io);
	uint64_t off = io->lba * r->b->lba_bytes;
	int map = map_of(r, g, io);

	if (io->op == BLOCK_READ && map >= 0)
		io_uring_prep_read_fixed(sqe, 0, at, len, off, map);
	else if (io->op == BLOCK_READ)
		io_uring_prep_read(sqe, 0, at, len, off);
	else if (map >= 0)
		io_uring_prep_write_fixed(sqe, 0, at, len, off, map);
	else
		io_uring_prep_write(sqe, 0, at, len, off);
	if (io->fua && io->op == BLOCK_WRITE)
		sqe->rw_flags = RWF_DSYNC;
}

static int result_of(int ret)
{
	return ret < 0 ? -errno : 0;
}

static void do_at_once(const struct block_rings *r, struct block_io *io)
{
	uint64_t range[2] = { io->lba * r->b->lba_bytes, bytes_of(r, io) };

	io->submit_ns = clock_mono_ns();
	if (io->op == BLOCK_FLUSH)
		io->result = result_of(fdatasync(r->b->fd));
	else if (io->op == BLOCK_DISCARD && r->b->is_block)
		io->result = result_of(ioctl(r->b->fd, BLKDISCARD, range));
	else
		io->result = result_of(fallocate(r->b->fd,
						 io->op == BLOCK_DISCARD ? HOLE_MODE : ZERO_MODE,
						 (off_t)range[0], (off_t)range[1]));
}

static void prepare(const struct block_rings *r, struct ring *g, struct block_io *io)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&g->u);
	uint64_t off = io->lba * r->b->lba_bytes;
	bool data = io->op == BLOCK_READ || io->op == BLOCK_WRITE;
	uint64_t tag = (uintptr_t)io;

	io->status = 0;
	if (data) {
		prepare_data(r, g, io, sqe);
	} else if (r->poll || (io->op == BLOCK_DISCARD && r->b->is_block)) {
		do_at_once(r, io);
		io_uring_prep_nop(sqe);
		tag |= DONE;
	} else if (io->op == BLOCK_FLUSH) {
		io_uring_prep_fsync(sqe, 0, IORING_FSYNC_DATASYNC);
	} else {
		io_uring_prep_fallocate(sqe, 0, io->op == BLOCK_DISCARD ? HOLE_MODE : ZERO_MODE,
					(off_t)off, (off_t)bytes_of(r, io));
	}
	if (!(tag & DONE))
		sqe->flags |= IOSQE_FIXED_FILE;
	sqe->user_data = tag;
	g->inflight++;
}

/* All that is prepared goes to the kernel, or the way in is broken. */
static int tell_kernel(struct block_rings *r)
{
	for (unsigned q = 0; q < r->n; q++) {
		struct ring *g = &r->ring[q];

		while (g->up && io_uring_sq_ready(&g->u)) {
			int done = io_uring_submit(&g->u);

			if (done < 0 && done != -EAGAIN && done != -EBUSY && done != -EINTR)
				return done;
		}
	}
	return 0;
}

int block_rings_submit(struct target *t, struct block_rings *r, struct block_io *io[], unsigned n)
{
	unsigned taken = 0;
	uint64_t now;
	int err = 0;

	for (; taken < n; taken++) {
		err = check(t, r, io[taken]);
		if (!err)
			err = door_io(t, io[taken]);
		if (!err)
			err = ring_up(r, io[taken]->queue);
		if (err || r->ring[io[taken]->queue].inflight == r->depth)
			break;
		io[taken]->submit_ns = 0;
		prepare(r, &r->ring[io[taken]->queue], io[taken]);
	}
	if (!taken)
		return err;
	now = clock_mono_ns();
	for (unsigned i = 0; i < taken; i++)
		if (!io[i]->submit_ns)
			io[i]->submit_ns = now;
	r->inflight += taken;
	err = tell_kernel(r);
	return err ? target_fail(t, err, "io_uring takes nothing: %s", strerror(-err)) : (int)taken;
}

/* ---- completion ---- */

static void settle(const struct block_rings *r, struct block_io *io, int res)
{
	bool data = io->op == BLOCK_READ || io->op == BLOCK_WRITE;

	if (res < 0)
		io->result = res;
	else
		io->result = data && (uint64_t)res != bytes_of(r, io) ? -EIO : 0;
}

static unsigned take(struct block_rings *r, struct ring *g, struct block_io *ret[], unsigned n)
{
	struct io_uring_cqe *cqe;
	unsigned got = 0;

	while (got < n && g->inflight && !io_uring_peek_cqe(&g->u, &cqe)) {
		struct block_io *io = (void *)(uintptr_t)(cqe->user_data & ~(uint64_t)DONE);

		if (!(cqe->user_data & DONE))
			settle(r, io, cqe->res);
		io_uring_cqe_seen(&g->u, cqe);
		g->inflight--;
		ret[got++] = io;
	}
	r->inflight -= got;
	return got;
}

static unsigned take_all(struct block_rings *r, struct block_io *ret[], unsigned n)
{
	unsigned got = 0;
	uint64_t now;

	for (unsigned q = 0; q < r->n && got < n; q++)
		if (r->ring[q].up)
			got += take(r, &r->ring[q], ret + got, n - got);
	now = got ? clock_mono_ns() : 0;
	for (unsigned i = 0; i < got; i++)
		ret[i]->complete_ns = now;
	return got;
}

static bool any_ready(struct block_rings *r)
{
	struct io_uring_cqe *cqe;

	for (unsigned q = 0; q < r->n; q++)
		if (r->ring[q].inflight && !io_uring_peek_cqe(&r->ring[q].u, &cqe))
			return true;
	return false;
}

/* Until one of the rings has something, or the time is over, or for no reason. */
static void wait_for_any(struct block_rings *r, uint64_t ns)
{
	struct timespec ts = { (time_t)(ns / NS_PER_S), (long)(ns % NS_PER_S) };
	nfds_t n = 0;

	if (r->poll)
		return; /* looking is what makes a polled ring go on */
	for (unsigned q = 0; q < r->n; q++)
		if (r->ring[q].inflight)
			r->fds[n++] =
				(struct pollfd){ .fd = r->ring[q].u.ring_fd, .events = POLLIN };
	ppoll(r->fds, n, &ts, NULL);
}

int block_rings_reap(struct block_rings *r, struct block_io *ret[], unsigned n,
		     uint64_t deadline_ns)
{
	for (;;) {
		unsigned got = take_all(r, ret, n);
		uint64_t now;

		if (got || (!n && any_ready(r)))
			return (int)got;
		if (!r->inflight || !deadline_ns)
			return 0;
		now = clock_mono_ns();
		if (now >= deadline_ns)
			return -ETIMEDOUT;
		wait_for_any(r, deadline_ns - now);
	}
}
