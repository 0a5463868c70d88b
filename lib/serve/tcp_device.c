// SPDX-License-Identifier: GPL-2.0-or-later
#include "serve/tcp_device.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "model/model.h"
#include "serve/serve.h"
#include "target/model_options.h"
#include "target/target.h"

#define QUEUE_AT    0x10000000000ull /* and so many bytes apart: 2^24 */
#define BUF_AT	    0x20000000000ull /* 2^28 apart */
#define BAR_AT	    0xe00000000ull
#define BUFS_MAX    4096u
#define TICKS_MAX   100000u /* of the model between two looks at the sockets */
#define CFG_COMMAND 0x04u
#define CFG_BAR0    0x10u
#define COMMAND_ON  0x0006u

/* ---- the memory ---- */

static uint8_t *queue_memory(struct tdev *d, uint64_t addr, size_t len)
{
	uint64_t qid = (addr - QUEUE_AT) >> 24, off = addr & 0x7fffff;
	struct tdev_queue *q = qid < TDEV_QUEUES ? &d->q[qid] : NULL;
	bool cq = addr >> 23 & 1;
	size_t size = q ? q->entries * (cq ? sizeof(struct cqe) : sizeof(struct sqe)) : 0;

	return off <= size && len <= size - off ? (cq ? q->cq : q->sq) + off : NULL;
}

static uint8_t *buf_memory(struct tdev *d, uint64_t addr, size_t len, struct tdev_buf **ret)
{
	uint64_t i = (addr - BUF_AT) >> 28, off = addr & 0xfffffff;
	struct tdev_buf *b = i < d->n_bufs ? &d->buf[i] : NULL;

	*ret = b;
	return b && b->data && off <= b->len && len <= b->len - off ? b->data + off : NULL;
}

static int take(void *ctx, uint64_t addr, void *to, size_t len)
{
	struct tdev_buf *b = NULL;
	const uint8_t *at = addr >= BUF_AT     ? buf_memory(ctx, addr, len, &b)
			    : addr >= QUEUE_AT ? queue_memory(ctx, addr, len)
					       : NULL;

	if (!at)
		return -EFAULT;
	memcpy(to, at, len);
	return 0;
}

static int put(void *ctx, uint64_t addr, const void *from, size_t len)
{
	struct tdev_buf *b = NULL;
	uint8_t *at = addr >= BUF_AT	 ? buf_memory(ctx, addr, len, &b)
		      : addr >= QUEUE_AT ? queue_memory(ctx, addr, len)
					 : NULL;

	if (!at)
		return -EFAULT;
	memcpy(at, from, len);
	if (b && (size_t)(at - b->data) + len > b->high)
		b->high = (size_t)(at - b->data) + len;
	return 0;
}

uint64_t tdev_buf_at(int i)
{
	return BUF_AT + ((uint64_t)i << 28);
}

static int free_buf(struct tdev *d)
{
	struct tdev_buf *grown;
	unsigned n = d->n_bufs ? 2 * d->n_bufs : 64;

	for (unsigned i = 0; i < d->n_bufs; i++)
		if (!d->buf[i].data)
			return (int)i;
	grown = n <= BUFS_MAX ? realloc(d->buf, n * sizeof(*grown)) : NULL;
	if (!grown)
		return -ENOMEM;
	memset(grown + d->n_bufs, 0, (n - d->n_bufs) * sizeof(*grown));
	d->buf = grown;
	n = d->n_bufs;
	d->n_bufs = n ? 2 * n : 64;
	return (int)n;
}

int tdev_buf_get(struct tdev *d, size_t len)
{
	int i = len <= TDEV_BUF_MAX && len <= TDEV_BYTES_MAX - d->bytes ? free_buf(d) : -ENOMEM;

	if (i < 0)
		return i;
	d->buf[i] = (struct tdev_buf){ .data = calloc(1, len ? len : 1), .len = len };
	if (!d->buf[i].data)
		return -ENOMEM;
	d->bytes += len;
	return i;
}

void tdev_buf_put(struct tdev *d, int i)
{
	if (i < 0)
		return;
	d->bytes -= d->buf[i].len;
	free(d->buf[i].data);
	d->buf[i] = (struct tdev_buf){ .data = NULL };
}

/* ---- time ---- */

void tdev_pass_time(struct tdev *d)
{
	uint64_t now = clock_mono_ns() - d->base_ns;

	if (d->stepped)
		return;
	for (unsigned i = 0; i < TICKS_MAX && model_now(d->m) < now; i++)
		model_relax(d->m, now - model_now(d->m));
}

uint64_t tdev_idle_ns(const struct tdev *d)
{
	uint64_t now = clock_mono_ns() - d->base_ns, due = model_next(d->m);

	if (d->stepped || due == UINT64_MAX)
		return UINT64_MAX;
	return due > now ? due - now : 0;
}

/* ---- properties ---- */

static const struct {
	uint32_t off;
	unsigned width;
	bool set;
} properties[] = {
	{ REG_CAP, 64, false },	 { REG_VS, 32, false },	 { REG_CC, 32, true },
	{ REG_CSTS, 32, false }, { REG_NSSR, 32, true }, { REG_CRTO, 32, false },
};

static bool is_property(uint32_t off, unsigned width, bool set)
{
	for (size_t i = 0; i < ARRAY_SIZE(properties); i++)
		if (properties[i].off == off && properties[i].width == width)
			return !set || properties[i].set;
	return false;
}

int tdev_property_get(struct tdev *d, uint32_t off, unsigned width, uint64_t *ret)
{
	if (!is_property(off, width, false))
		return -EINVAL;
	return model_bar_read(d->m, off, width, ret) ? -EINVAL : 0;
}

static uint32_t property(struct tdev *d, uint32_t off)
{
	uint64_t v = 0;

	model_bar_read(d->m, off, 32, &v);
	return (uint32_t)v;
}

bool tdev_enabled(struct tdev *d)
{
	return property(d, REG_CC) & CC_EN && property(d, REG_CSTS) & CSTS_RDY;
}

static void rewind_queue(struct tdev_queue *q)
{
	q->tail = q->rung = q->cq_head = 0;
	q->phase = CQE_PHASE;
	if (q->cq)
		memset(q->cq, 0, q->entries * sizeof(struct cqe));
}

/* Where the admin queues lie is said before they begin. */
static void place_admin(struct tdev *d)
{
	uint32_t z = d->q[0].entries - 1;

	rewind_queue(&d->q[0]);
	model_bar_write(d->m, REG_AQA, 32, z << 16 | z);
	model_bar_write(d->m, REG_ASQ, 64, QUEUE_AT);
	model_bar_write(d->m, REG_ACQ, 64, QUEUE_AT + (1u << 23));
}

/* What firmware does of a PCI function: the model is one underneath. */
static void place(struct tdev *d)
{
	model_cfg_write(d->m, CFG_BAR0, 32, (uint32_t)BAR_AT);
	model_cfg_write(d->m, CFG_BAR0 + 4, 32, (uint32_t)(BAR_AT >> 32));
	model_cfg_write(d->m, CFG_COMMAND, 16, COMMAND_ON);
}

int tdev_property_set(struct tdev *d, uint32_t off, unsigned width, uint64_t value)
{
	if (!is_property(off, width, true))
		return -EINVAL;
	if (off == REG_CC && value & CC_EN && !(property(d, REG_CC) & CC_EN))
		place_admin(d);
	model_bar_write(d->m, off, width, value);
	if (off == REG_NSSR)
		place(d);
	return 0;
}

/* ---- queues ---- */

static void free_queue(struct tdev_queue *q)
{
	free(q->sq);
	free(q->cq);
	*q = (struct tdev_queue){ .entries = 0 };
}

int tdev_queue_make(struct tdev *d, uint16_t qid, uint32_t entries)
{
	uint64_t at = QUEUE_AT + ((uint64_t)qid << 24);
	struct tdev_queue *q = &d->q[qid];
	int err;

	if (qid >= TDEV_QUEUES || q->entries)
		return -EEXIST;
	*q = (struct tdev_queue){ .entries = entries,
				  .sq = calloc(entries, sizeof(struct sqe)),
				  .cq = calloc(entries, sizeof(struct cqe)) };
	err = q->sq && q->cq ? 0 : -ENOMEM;
	rewind_queue(q);
	if (!err && qid)
		err = model_queue_make(d->m, qid, entries, at, at + (1u << 23));
	if (err)
		free_queue(q);
	return err;
}

void tdev_queue_drop(struct tdev *d, uint16_t qid)
{
	model_queue_drop(d->m, qid);
	free_queue(&d->q[qid]);
}

static void ring(struct tdev *d, uint16_t qid, bool cq, uint32_t value)
{
	model_bar_write(d->m, REG_DOORBELLS + 8ull * qid + 4ull * cq, 32, value);
}

uint32_t tdev_waiting(const struct tdev *d, uint16_t qid)
{
	const struct tdev_queue *q = &d->q[qid];
	int head = model_queue_head(d->m, qid);

	if (!q->entries || head < 0)
		return 0;
	return (q->tail + q->entries - (uint32_t)head % q->entries) % q->entries;
}

bool tdev_put(struct tdev *d, uint16_t qid, const struct sqe *e)
{
	struct tdev_queue *q = &d->q[qid];

	if (!q->entries || model_queue_head(d->m, qid) < 0 ||
	    tdev_waiting(d, qid) + 1 >= q->entries)
		return false;
	memcpy(q->sq + q->tail * sizeof(*e), e, sizeof(*e));
	q->tail = (q->tail + 1) % q->entries;
	return true;
}

void tdev_ring(struct tdev *d, uint16_t qid)
{
	struct tdev_queue *q = &d->q[qid];

	if (q->rung == q->tail)
		return;
	q->rung = q->tail;
	ring(d, qid, false, q->tail);
}

bool tdev_take(struct tdev *d, uint16_t qid, struct cqe *ret)
{
	struct tdev_queue *q = &d->q[qid];

	if (!q->entries)
		return false;
	memcpy(ret, q->cq + q->cq_head * sizeof(*ret), sizeof(*ret));
	if ((le16_get(ret->status) & CQE_PHASE) != q->phase)
		return false;
	if (++q->cq_head == q->entries) {
		q->cq_head = 0;
		q->phase ^= CQE_PHASE;
	}
	ring(d, qid, true, q->cq_head);
	return true;
}

/* ---- beginning and end ---- */

void tdev_leave(struct tdev *d)
{
	model_flr(d->m);
	place(d);
	for (unsigned i = 0; i < TDEV_QUEUES; i++)
		free_queue(&d->q[i]);
	for (unsigned i = 0; i < d->n_bufs; i++)
		if (d->buf[i].data)
			tdev_buf_put(d, (int)i);
	if (d->stepped) {
		d->stepped = false;
		d->base_ns = clock_mono_ns() - model_now(d->m);
	}
}

int tdev_open(struct tdev *d, const struct serve_options *o, uint16_t cntlid, char *error)
{
	struct model_bus bus = { .read = take, .write = put, .ctx = d };
	struct target voice = { 0 }; /* what says in words which option is wrong */
	int err;

	memset(d, 0, sizeof(*d));
	d->m = model_new(&bus);
	if (d->m)
		model_message_based(d->m, cntlid, o->is_static);
	err = d->m ? model_options_start(&voice, o->model, d->m) : -ENOMEM;
	if (err) {
		snprintf(error, 256, "%.250s", voice.error[0] ? voice.error : strerror(-err));
		model_free(d->m);
		d->m = NULL;
		return err;
	}
	place(d);
	d->base_ns = clock_mono_ns() - model_now(d->m);
	return 0;
}

void tdev_close(struct tdev *d)
{
	if (!d->m)
		return;
	tdev_leave(d);
	free(d->buf);
	model_free(d->m);
	d->m = NULL;
	d->buf = NULL;
}
