// SPDX-License-Identifier: GPL-2.0-or-later
#include "target/kernel_ring.h"

#include <errno.h>
#include <liburing.h>
#include <linux/nvme_ioctl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "nvme/cmd.h"
#include "target/door.h"
#include "target/kernel_node.h"
#include "target/target.h"

#define FUA	      (1u << 30)
#define STATUS_MASK   0x7ffu
#define STATUS_HOST   0x370u /* made up by the host: there is no way to the controller */
#define STATUS_LAST   0x37fu
#define CLOSE_WAIT_NS (10 * NS_PER_S)
#define BATCH	      64u

struct slot {
	struct block_io *io;
	struct slot *next; /* of those that are free */
	struct nvme_dsm_range range;
};

struct kernel_ring {
	struct io_uring u;
	struct slot slot[KERNEL_DEPTH];
	struct slot *free;
	unsigned inflight;
};

static int init_ring(struct io_uring *u, unsigned entries)
{
	return io_uring_queue_init(entries, u, IORING_SETUP_SQE128 | IORING_SETUP_CQE32);
}

int kernel_rings_probe(void)
{
	struct io_uring u;
	int err = init_ring(&u, 1);

	if (!err)
		io_uring_queue_exit(&u);
	return err;
}

static struct kernel_ring *ring_of(struct kernel_rings *r, unsigned queue)
{
	struct kernel_ring *g;

	if (queue >= KERNEL_RINGS || r->ring[queue])
		return queue < KERNEL_RINGS ? r->ring[queue] : NULL;
	g = calloc(1, sizeof(*g));
	if (!g || init_ring(&g->u, KERNEL_DEPTH)) {
		free(g);
		return NULL;
	}
	for (unsigned i = 0; i < KERNEL_DEPTH; i++) {
		g->slot[i].next = g->free;
		g->free = &g->slot[i];
	}
	r->ring[queue] = g;
	return g;
}

/* ---- submit ---- */

static void fill(struct nvme_uring_cmd *c, struct slot *s, const struct kernel_ns *ns)
{
	static const uint8_t opcode[] = { [BLOCK_READ] = nvme_cmd_read,
					  [BLOCK_WRITE] = nvme_cmd_write,
					  [BLOCK_FLUSH] = nvme_cmd_flush,
					  [BLOCK_ZEROES] = nvme_cmd_write_zeroes,
					  [BLOCK_DISCARD] = nvme_cmd_dsm };
	const struct block_io *io = s->io;

	memset(c, 0, sizeof(*c));
	c->opcode = opcode[io->op];
	c->nsid = io->nsid;
	if (io->op == BLOCK_FLUSH)
		return;
	if (io->op == BLOCK_DISCARD) {
		s->range = (struct nvme_dsm_range){ .nlb = htole32(io->blocks),
						    .slba = htole64(io->lba) };
		c->addr = (uintptr_t)&s->range;
		c->data_len = sizeof(s->range);
		c->cdw11 = NVME_DSMGMT_AD;
		return;
	}
	c->cdw10 = (uint32_t)io->lba;
	c->cdw11 = (uint32_t)(io->lba >> 32);
	c->cdw12 = (io->blocks - 1) | (io->op == BLOCK_WRITE && io->fua ? FUA : 0);
	if (io->op != BLOCK_ZEROES) {
		c->addr = (uintptr_t)io->data->va + io->data_offset;
		c->data_len = io->blocks * ns->lba_bytes;
	}
}

static int check(struct target *t, const struct block_io *io, const struct kernel_ns *ns)
{
	bool moves = io->op == BLOCK_READ || io->op == BLOCK_WRITE;

	if (!ns)
		return target_fail(t, -EINVAL, "the kernel has no namespace %Xh", io->nsid);
	if (io->op != BLOCK_FLUSH && (!io->blocks || io->blocks > 0x10000))
		return target_fail(t, -EINVAL, "%u blocks", io->blocks);
	if (moves && (!ns->lba_bytes || !io->data || io->data_offset % 4 ||
		      (uint64_t)io->blocks * ns->lba_bytes > io->data->len - io->data_offset ||
		      io->data_offset > io->data->len))
		return target_fail(t, -EINVAL, "no data for %u blocks of %u bytes", io->blocks,
				   ns->lba_bytes);
	return 0;
}

/* 1, 0: its queue is full, or -errno. */
static int put(struct target *t, struct kernel_node *k, struct kernel_rings *r, struct block_io *io)
{
	struct kernel_ns *ns = kernel_node_ns(k, io->nsid);
	struct kernel_ring *g = ring_of(r, io->queue);
	struct io_uring_sqe *e;
	struct slot *s;
	int err = check(t, io, ns);

	if (err)
		return err;
	if (!g)
		return target_fail(t, -EINVAL, "queue %u: no ring for it", io->queue);
	s = g->free;
	e = s ? io_uring_get_sqe(&g->u) : NULL;
	if (!e)
		return 0;
	g->free = s->next;
	s->io = io;
	memset(e, 0, 2 * sizeof(*e)); /* an SQE of 128 bytes */
	e->opcode = IORING_OP_URING_CMD;
	e->fd = ns->fd;
	e->cmd_op = NVME_URING_CMD_IO;
	e->user_data = (uintptr_t)s;
	fill((struct nvme_uring_cmd *)e->cmd, s, ns);
	g->inflight++;
	r->inflight++;
	return 1;
}

static int tell(struct target *t, struct kernel_rings *r)
{
	for (unsigned i = 0; i < KERNEL_RINGS; i++) {
		int err = 0;

		while (r->ring[i] && io_uring_sq_ready(&r->ring[i]->u) && err >= 0)
			err = io_uring_submit(&r->ring[i]->u);
		if (err < 0 && err != -EBUSY && err != -EAGAIN && err != -EINTR)
			return target_fail(t, err, "io_uring: %s", strerror(-err));
	}
	return 0;
}

int kernel_rings_submit(struct target *t, struct kernel_node *k, struct kernel_rings *r,
			struct block_io *io[], unsigned n)
{
	unsigned taken = 0;
	uint64_t now;
	int err = 0;

	while (taken < n) {
		err = door_io(t, io[taken]);
		if (err)
			break;
		err = put(t, k, r, io[taken]);
		if (err != 1)
			break;
		taken++;
	}
	if (!taken)
		return err;
	now = clock_mono_ns();
	for (unsigned i = 0; i < taken; i++)
		io[i]->submit_ns = now;
	err = tell(t, r);
	return err ? err : (int)taken;
}

/* ---- reap ---- */

static void judge(struct block_io *io, int res)
{
	unsigned code = res > 0 ? (unsigned)res & STATUS_MASK : 0;

	io->status = 0;
	io->result = res < 0 ? res : code ? -EIO : 0;
	if (code >= STATUS_HOST && code <= STATUS_LAST)
		io->result = -ENODEV;
	else
		io->status = (uint16_t)code;
}

/* Takes what is there, up to n. */
static unsigned take(struct kernel_rings *r, struct kernel_ring *g, struct block_io *ret[],
		     unsigned n)
{
	struct io_uring_cqe *cqe;
	unsigned got = 0;

	while (got < n && !io_uring_peek_cqe(&g->u, &cqe)) {
		struct slot *s = (struct slot *)(uintptr_t)cqe->user_data;

		judge(s->io, cqe->res);
		ret[got++] = s->io;
		io_uring_cqe_seen(&g->u, cqe);
		s->io = NULL;
		s->next = g->free;
		g->free = s;
		g->inflight--;
		r->inflight--;
	}
	return got;
}

static unsigned take_all(struct kernel_rings *r, struct block_io *ret[], unsigned n)
{
	unsigned got = 0;

	for (unsigned i = 0; i < KERNEL_RINGS && got < n; i++)
		if (r->ring[i] && r->ring[i]->inflight)
			got += take(r, r->ring[i], ret + got, n - got);
	return got;
}

static bool any_ready(const struct kernel_rings *r)
{
	for (unsigned i = 0; i < KERNEL_RINGS; i++)
		if (r->ring[i] && io_uring_cq_ready(&r->ring[i]->u))
			return true;
	return false;
}

/* Until one of the rings has something. 0 or -ETIMEDOUT. */
static int wait_any(const struct kernel_rings *r, uint64_t deadline_ns)
{
	struct pollfd p[KERNEL_RINGS];
	struct timespec left;
	nfds_t n = 0;

	for (unsigned i = 0; i < KERNEL_RINGS; i++)
		if (r->ring[i] && r->ring[i]->inflight)
			p[n++] = (struct pollfd){ .fd = r->ring[i]->u.ring_fd, .events = POLLIN };
	for (;;) {
		uint64_t now = clock_mono_ns(), ns = deadline_ns > now ? deadline_ns - now : 0;

		if (any_ready(r))
			return 0;
		if (!ns)
			return -ETIMEDOUT;
		left = (struct timespec){ (time_t)(ns / NS_PER_S), (long)(ns % NS_PER_S) };
		ppoll(p, n, &left, NULL);
	}
}

int kernel_rings_reap(struct target *t, struct kernel_rings *r, struct block_io *ret[], unsigned n,
		      uint64_t deadline_ns)
{
	uint64_t now;
	unsigned got;
	int err;

	if (!r->inflight)
		return 0;
	err = tell(t, r); /* what the kernel was too busy for */
	if (!err && deadline_ns && !any_ready(r))
		err = wait_any(r, deadline_ns);
	if (err)
		return err;
	got = take_all(r, ret, n);
	now = clock_mono_ns();
	for (unsigned i = 0; i < got; i++)
		ret[i]->complete_ns = now;
	return (int)got;
}

void kernel_rings_close(struct target *t, struct kernel_rings *r)
{
	uint64_t end = clock_mono_ns() + CLOSE_WAIT_NS;
	struct block_io *io[BATCH];

	while (r->inflight && kernel_rings_reap(t, r, io, BATCH, end) >= 0)
		;
	for (unsigned i = 0; i < KERNEL_RINGS; i++) {
		if (!r->ring[i])
			continue;
		io_uring_queue_exit(&r->ring[i]->u);
		free(r->ring[i]);
		r->ring[i] = NULL;
	}
}
