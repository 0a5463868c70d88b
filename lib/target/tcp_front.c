// SPDX-License-Identifier: GPL-2.0-or-later
#include "target/tcp_front.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "target/qtest_ram.h"

#define AT_SGL1	  24u
#define PSDT_MASK 0xc0u
#define HELD_MAX  1024u

void *tcp_memory_at(const struct tcp_memory *m, uint64_t addr, size_t len)
{
	uint64_t off = addr - m->at;

	if (addr < m->at || off > m->ram->size || len > m->ram->size - off)
		return NULL;
	return ram_at(m->ram, off);
}

/* ---- completions ---- */

static bool is_full(const struct tcp_front *f)
{
	return (f->cq_tail + 1) % f->cq_size == f->cq_head;
}

/* The dword with the phase last, so that whoever sees it new sees all of it. */
static void post(struct tcp_front *f, struct cqe e)
{
	struct cqe *slot = &f->cq[f->cq_tail];
	uint16_t status = (uint16_t)((le16_get(e.status) & ~CQE_PHASE) | f->phase);

	e.sqid = le16_from(f->q.qid);
	slot->dw0 = e.dw0;
	slot->dw1 = e.dw1;
	slot->sqhd = e.sqhd;
	slot->sqid = e.sqid;
	slot->cid = e.cid;
	__atomic_store_n(&slot->status, le16_from(status), __ATOMIC_RELEASE);
	if (++f->cq_tail == f->cq_size) {
		f->cq_tail = 0;
		f->phase ^= CQE_PHASE;
	}
}

static void hold(struct tcp_front *f, const struct cqe *e)
{
	if (!f->held)
		f->held = calloc(HELD_MAX, sizeof(*f->held));
	if (f->held && f->n_held < HELD_MAX)
		f->held[f->n_held++] = *e;
}

static void complete(void *ctx, struct tcp_queue *q, const struct cqe *e)
{
	struct tcp_front *f = ctx;

	(void)q;
	if (!f->cq)
		return;
	if (f->n_held || is_full(f))
		hold(f, e);
	else
		post(f, *e);
}

void tcp_front_took(struct tcp_front *f, uint32_t head)
{
	unsigned n = 0;

	if (!f->cq || head >= f->cq_size)
		return;
	f->cq_head = head;
	while (n < f->n_held && !is_full(f))
		post(f, f->held[n++]);
	if (n)
		memmove(f->held, f->held + n, (f->n_held - n) * sizeof(*f->held));
	f->n_held -= n;
}

/* ---- commands ---- */

/* One data block of the arena, or nothing: what else a case may write there is sent as it is. */
static int find_data(struct tcp_front *f, struct tcp_command *c)
{
	struct sgl_desc d;

	memcpy(&d, (const uint8_t *)&c->sqe + AT_SGL1, sizeof(d));
	if (!(c->sqe.flags & PSDT_MASK) || d.id || !le32_get(d.len))
		return 0;
	c->len = le32_get(d.len);
	c->data = tcp_memory_at(f->memory, le64_get(d.addr), c->len);
	if (c->data)
		return 0;
	snprintf(f->q.error, sizeof(f->q.error), "a command's data lie outside of the arena");
	return -EINVAL;
}

static int send_next(struct tcp_front *f)
{
	uint32_t after = f->head + 1 == f->sq_size ? 0 : f->head + 1;
	struct tcp_command c = { .sqe = f->sq[f->head], .position = after };
	int err = find_data(f, &c);

	if (!err)
		err = tcp_queue_send(&f->q, &c);
	if (err)
		return err;
	if (f->spy)
		f->spy(f->ctx, &c.sqe);
	f->head = after;
	return 0;
}

static int feed(struct tcp_front *f)
{
	int err = 0;

	while (!err && f->sq && f->head != f->tail)
		err = send_next(f);
	return err == -ENOSPC ? 0 : err;
}

int tcp_front_ring(struct tcp_front *f, uint32_t tail)
{
	if (!f->sq || tail >= f->sq_size)
		return 0;
	f->tail = tail;
	f->broken = f->broken ? f->broken : feed(f);
	return f->broken ? f->broken : tcp_queue_flush(&f->q);
}

int tcp_front_pump(struct tcp_front *f)
{
	int err = tcp_queue_pump(&f->q);

	if (!err && f->head != f->tail) {
		err = feed(f);
		err = err ? err : tcp_queue_flush(&f->q);
	}
	return err;
}

int tcp_front_place(struct tcp_front *f, uint64_t sq, uint32_t sq_size, uint64_t cq,
		    uint32_t cq_size)
{
	f->sq = tcp_memory_at(f->memory, sq, sq_size * sizeof(struct sqe));
	f->cq = tcp_memory_at(f->memory, cq, cq_size * sizeof(struct cqe));
	if (!f->sq || !f->cq) {
		f->sq = NULL;
		f->cq = NULL;
		return -EINVAL;
	}
	f->sq_size = sq_size;
	f->cq_size = cq_size;
	f->head = f->tail = f->cq_tail = f->cq_head = f->n_held = 0;
	f->phase = CQE_PHASE;
	f->q.complete = complete;
	f->q.ctx = f;
	return 0;
}

void tcp_front_close(struct tcp_front *f)
{
	const struct tcp_memory *memory = f->memory;

	if (f->open)
		tcp_queue_close(&f->q);
	free(f->held);
	*f = (struct tcp_front){ .memory = memory };
}
