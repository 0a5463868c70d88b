// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * No device: whatever is asked succeeds at once, and no data move. What is measured on it is what
 * stands above it, the rig itself; verdicts of it mean nothing, so it says that it can do nothing.
 *
 * Queues and addresses are taken as the host gives them, unchecked: the host is this program.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "base/text.h"
#include "spec/wire.h"
#include "target/target.h"

#define QUEUES	     257u /* the Admin queue, and 256 */
#define BAR_BYTES    0x4000u
#define PAGE_BYTES   4096u
#define NS_BLOCKS    (2ull << 30) /* of 512 bytes: 1 TiB */
#define MDTS	     8		  /* 1 MiB */
#define VERSION	     0x00010400u
#define AER	     0x0c
#define DELETE_SQ    0x00
#define CREATE_SQ    0x01
#define DELETE_CQ    0x04
#define CREATE_CQ    0x05
#define IDENTIFY     0x06
#define SET_FEATURES 0x09
#define GET_FEATURES 0x0a
#define BATCH_MAX    65536u

struct null_queue {
	const struct sqe *sqe; /* NULL: none of that QID */
	struct cqe *cqe;
	uint32_t size, cq_size, head, tail; /* of the SQ, of the CQ */
	uint32_t phase;
};

struct null_device {
	uint32_t doorbell[(BAR_BYTES - REG_DOORBELLS) / 4];
	struct null_queue q[QUEUES];
	uint32_t cc, aqa;
	uint64_t asq, acq, batch;
};

static struct null_device *priv(struct target *t)
{
	return t->priv;
}

/* ---- commands ---- */

static void identify(const struct sqe *e, uint8_t *page)
{
	struct nvme_id_ctrl *ctrl = (void *)page;
	struct nvme_id_ns *ns = (void *)page;

	memset(page, 0, PAGE_BYTES);
	switch (le32_get(e->cdw10) & 0xff) {
	case 0:
		ns->nsze = ns->ncap = ns->nuse = le64_from(NS_BLOCKS);
		ns->lbaf[0].ds = 9;
		break;
	case 1:
		memcpy(ctrl->mn, "nvrig null", 10);
		ctrl->mdts = MDTS;
		ctrl->sqes = 0x66;
		ctrl->cqes = 0x44;
		ctrl->nn = le32_from(1);
		ctrl->oncs = le16_from(NVME_CTRL_ONCS_WRITE_ZEROES | NVME_CTRL_ONCS_DSM);
		break;
	case 2:
		page[0] = 1;
		break;
	}
}

static void *at(__le64 address)
{
	return (void *)(uintptr_t)le64_get(address);
}

static void admin(struct null_device *d, const struct sqe *e, struct cqe *c)
{
	uint32_t dw10 = le32_get(e->cdw10), dw11 = le32_get(e->cdw11);
	struct null_queue *q = &d->q[(dw10 & 0xffff) % QUEUES];

	switch (e->opcode) {
	case IDENTIFY:
		identify(e, at(e->prp1));
		break;
	case SET_FEATURES:
	case GET_FEATURES:
		c->dw0 = le32_from(dw11);
		break;
	case CREATE_CQ:
		*q = (struct null_queue){ .cqe = at(e->prp1),
					  .cq_size = (dw10 >> 16) + 1,
					  .phase = CQE_PHASE };
		d->doorbell[(dw10 & 0xffff) % QUEUES * 2 + 1] = 0;
		break;
	case CREATE_SQ: /* always bound to the CQ of its own number */
		q->sqe = at(e->prp1);
		q->size = (dw10 >> 16) + 1;
		d->doorbell[(dw10 & 0xffff) % QUEUES * 2] = 0;
		break;
	case DELETE_SQ:
	case DELETE_CQ:
		q->sqe = NULL;
		break;
	}
}

static void complete(struct null_device *d, unsigned qid, const struct sqe *e)
{
	struct null_queue *q = &d->q[qid];
	struct cqe *slot = &q->cqe[q->tail], c = { .sqhd = le16_from((uint16_t)q->head),
						   .sqid = le16_from((uint16_t)qid),
						   .cid = e->cid };

	if (!qid)
		admin(d, e, &c);
	slot->dw0 = c.dw0;
	slot->sqhd = c.sqhd;
	slot->sqid = c.sqid;
	slot->cid = c.cid;
	__atomic_store_n((uint16_t *)&slot->status, htole16((uint16_t)q->phase), __ATOMIC_RELEASE);
	q->tail++;
	if (q->tail == q->cq_size) {
		q->tail = 0;
		q->phase ^= CQE_PHASE;
	}
}

/* What the queue has, as far as its completion queue has room; at most n. The count. */
static unsigned run(struct null_device *d, unsigned qid, unsigned n)
{
	struct null_queue *q = &d->q[qid];
	uint32_t tail = le32toh(d->doorbell[qid * 2]), done = 0;

	while (q->sqe && q->head != tail && tail < q->size && done < n) {
		uint32_t next = q->tail + 1 == q->cq_size ? 0 : q->tail + 1;
		const struct sqe *e = &q->sqe[q->head];

		if (next == le32toh(d->doorbell[qid * 2 + 1]))
			break;
		q->head = q->head + 1 == q->size ? 0 : q->head + 1;
		if (qid || e->opcode != AER) /* nothing ever happens here */
			complete(d, qid, e);
		done++;
	}
	return done;
}

static int null_relax(struct target *t, uint64_t ns)
{
	struct null_device *d = priv(t);
	unsigned left = (unsigned)d->batch;

	(void)ns;
	for (unsigned i = 0; i < QUEUES && left; i++)
		if (d->q[i].sqe)
			left -= run(d, i, left);
	return 0;
}

/* ---- registers ---- */

static void enable(struct null_device *d, uint32_t cc)
{
	if ((cc & CC_EN) && !(d->cc & CC_EN)) {
		memset(d->q, 0, sizeof(d->q));
		memset(d->doorbell, 0, sizeof(d->doorbell));
		d->q[0] = (struct null_queue){ .sqe = (void *)(uintptr_t)d->asq,
					       .cqe = (void *)(uintptr_t)d->acq,
					       .size = (d->aqa & 0xfff) + 1,
					       .cq_size = (d->aqa >> 16 & 0xfff) + 1,
					       .phase = CQE_PHASE };
	}
	d->cc = cc;
}

static uint32_t csts(const struct null_device *d)
{
	return (d->cc & CC_EN ? CSTS_RDY : 0) | (d->cc & CC_SHN_MASK ? 2u << 2 : 0);
}

static int null_reg_read(struct target *t, uint64_t off, unsigned width, uint64_t *ret)
{
	const struct null_device *d = priv(t);
	/* 65,536 entries, contiguous queues, 500 ms, the NVM command set */
	const uint64_t cap = 0xffffull | 1ull << 16 | 1ull << 24 | 1ull << 37;

	if (off >= BAR_BYTES || width / 8 > BAR_BYTES - off)
		return -ERANGE;
	*ret = 0;
	if (off == REG_CAP)
		*ret = width == 64 ? cap : (uint32_t)cap;
	else if (off == REG_VS)
		*ret = VERSION;
	else if (off == REG_CC)
		*ret = d->cc;
	else if (off == REG_CSTS)
		*ret = csts(d);
	return 0;
}

static int null_reg_write(struct target *t, uint64_t off, unsigned width, uint64_t value)
{
	struct null_device *d = priv(t);

	if (off >= BAR_BYTES || width / 8 > BAR_BYTES - off)
		return -ERANGE;
	if (off == REG_CC)
		enable(d, (uint32_t)value);
	else if (off == REG_AQA)
		d->aqa = (uint32_t)value;
	else if (off == REG_ASQ)
		d->asq = value;
	else if (off == REG_ACQ)
		d->acq = value;
	else if (off >= REG_DOORBELLS && off % 4 == 0)
		d->doorbell[(off - REG_DOORBELLS) / 4] = htole32((uint32_t)value);
	return 0;
}

static uint32_t *null_reg_mapped(struct target *t, uint64_t off)
{
	return off >= REG_DOORBELLS && off % 4 == 0 && off < BAR_BYTES
		       ? &priv(t)->doorbell[(off - REG_DOORBELLS) / 4]
		       : NULL;
}

/* ---- memory, time, beginning and end ---- */

static int null_dma_map(struct target *t, struct dma *d)
{
	d->len = (d->len + PAGE_BYTES - 1) & ~(size_t)(PAGE_BYTES - 1);
	d->va = d->len && d->align <= PAGE_BYTES ? mmap(NULL, d->len, PROT_READ | PROT_WRITE,
							MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
						 : MAP_FAILED;
	if (d->va == MAP_FAILED) {
		d->va = NULL;
		return target_fail(t, -ENOMEM, "no memory for %zu bytes aligned to %zu", d->len,
				   d->align);
	}
	d->iova = (uintptr_t)d->va;
	return 0;
}

static void null_dma_unmap(struct target *t, struct dma *d)
{
	(void)t;
	if (d->va)
		munmap(d->va, d->len);
	d->va = NULL;
}

static uint64_t null_now(struct target *t)
{
	(void)t;
	return clock_mono_ns();
}

static int null_caps(struct target *t, struct target_caps *ret)
{
	(void)t;
	*ret = (struct target_caps){ .emulated = true,
				     .stepped = true,
				     .dma_bytes = 4ull << 30,
				     .bar_size = { BAR_BYTES },
				     .engine = "no device" };
	return 0;
}

static int set_option(void *ctx, const char *key, const char *value)
{
	struct null_device *d = ctx;

	if (strcmp(key, "batch"))
		return -ENOENT;
	return text_number(value, &d->batch) || !d->batch || d->batch > BATCH_MAX ? -EINVAL : 0;
}

static int null_open(struct target *t, const char *address)
{
	static const char *const keys[] = { "batch", NULL };
	struct null_device *d = calloc(1, sizeof(*d));
	int err;

	if (!d)
		return target_fail(t, -ENOMEM, "out of memory");
	d->batch = BATCH_MAX;
	err = *address ? target_options(t, address, keys, set_option, d) : 0;
	if (err) {
		free(d);
		return err;
	}
	t->priv = d;
	return 0;
}

static void null_close(struct target *t)
{
	free(t->priv);
	t->priv = NULL;
}

extern const struct target_ops target_null;
const struct target_ops target_null = {
	.scheme = "null",
	.help = "null:[batch=N]  no device, for measuring the rig itself: commands complete when "
		"they "
		"are waited for, at most N together, and no data move",
	.open = null_open,
	.close = null_close,
	.caps = null_caps,
	.reg_read = null_reg_read,
	.reg_write = null_reg_write,
	.reg_mapped = null_reg_mapped,
	.dma_map = null_dma_map,
	.dma_unmap = null_dma_unmap,
	.now = null_now,
	.relax = null_relax,
};
