// SPDX-License-Identifier: GPL-2.0-or-later
/* Commands through queues: submit, wait, data in and out, and the queues' own commands. */
#include <errno.h>
#include <string.h>

#include "nvme/native.h"
#include "nvme/prp.h"
#include "nvme/sgl.h"

/* What a command in flight holds: freed when it completes, or with the controller. */
struct flight {
	struct buf *buf;
	struct prp_list *list;
	uint16_t cid;
};

static int put_data(struct ctrl *c, const struct cmd *cmd, struct sqe *e, struct flight *f)
{
	size_t len = cmd->data_len;

	if (!cmd->data || !len)
		return 0;
	if (c->t->caps.fabrics) /* transports count in dwords */
		len = (len + 3) & ~(size_t)3;
	f->buf = buf_alloc(c, len, c->page);
	if (!f->buf)
		return -ENOMEM;
	if (cmd->dir == CMD_OUT)
		memcpy(f->buf->data, cmd->data, cmd->data_len);
	if (!c->t->caps.fabrics)
		return prp_fill(c, f->buf->iova, cmd->data_len, e, &f->list);
	sgl_put(e, sgl_data(f->buf->iova, (uint32_t)len));
	e->flags |= PSDT_SGL;
	return 0;
}

static bool take_stray(struct ctrl *c, uint16_t sqid, uint16_t cid, struct cpl *ret)
{
	for (unsigned i = 0; i < c->strays; i++) {
		if (c->stray[i].sqid != sqid || c->stray[i].cid != cid)
			continue;
		*ret = c->stray[i];
		memmove(c->stray + i, c->stray + i + 1, (c->strays - i - 1) * sizeof(c->stray[0]));
		c->strays--;
		return true;
	}
	return false;
}

static int submit(struct ctrl *c, struct sq *q, const struct cmd *cmd, struct flight *f)
{
	struct sqe e = cmd->sqe;
	struct cpl old;
	int err;

	*f = (struct flight){ .buf = NULL };
	if (c->native)
		return native_refuse(c, "a command that is not waited for");
	if (!sq_room(q))
		return -ENOSPC;
	err = put_data(c, cmd, &e, f);
	if (!err) {
		f->cid = sq_put(q, &e);
		trace_data_len(c, cmd->data ? cmd->data_len : 0);
		take_stray(c, q->qid, f->cid, &old); /* its CID begins anew */
		err = sq_ring(q);
	}
	if (err) {
		prp_free(c, f->list);
		buf_free(c, f->buf);
	}
	return err;
}

int ctrl_submit(struct ctrl *c, struct sq *q, const struct cmd *cmd, struct buf **ret_buf,
		uint16_t *ret_cid)
{
	struct flight f;
	int err = submit(c, q, cmd, &f);

	if (err)
		return err;
	if (ret_buf)
		*ret_buf = f.buf;
	if (ret_cid)
		*ret_cid = f.cid;
	return 0; /* the list's pages stay with the controller until it closes */
}

static bool take_event(struct ctrl *c, const struct cpl *cpl)
{
	for (unsigned i = 0; i < c->aers; i++) {
		if (c->aer_cid[i] != cpl->cid)
			continue;
		c->aer_cid[i] = c->aer_cid[--c->aers];
		if (c->events < CTRL_EVENTS)
			c->event[c->events++] = *cpl;
		else
			c->events_lost++;
		return true;
	}
	return false;
}

static void keep_stray(struct ctrl *c, const struct cpl *cpl)
{
	unsigned n = sizeof(c->stray) / sizeof(c->stray[0]);

	if (cpl->sqid == 0 && take_event(c, cpl))
		return;
	if (c->strays == n) {
		memmove(c->stray, c->stray + 1, (n - 1) * sizeof(c->stray[0]));
		c->strays--;
	}
	c->stray[c->strays++] = *cpl;
}

int ctrl_wait_cid(struct ctrl *c, struct sq *q, uint16_t cid, struct cpl *ret, uint64_t deadline_ns)
{
	int err;

	if (take_stray(c, q->qid, cid, ret))
		return 0;
	if (!q->cq)
		return -EINVAL;
	for (;;) {
		struct cpl cpl;

		err = cq_wait(q->cq, &cpl, deadline_ns);
		if (err)
			return err;
		if (cpl.sqid == q->qid && cpl.cid == cid) {
			*ret = cpl;
			return 0;
		}
		keep_stray(c, &cpl);
	}
}

int ctrl_exec(struct ctrl *c, struct sq *q, const struct cmd *cmd, struct cpl *ret)
{
	uint64_t limit = q->qid ? c->io_timeout_ns : c->admin_timeout_ns;
	struct flight f;
	int64_t at;
	int err;

	if (c->native)
		return native_exec(c, q, cmd, ret);
	err = submit(c, q, cmd, &f);
	if (err)
		return err;
	err = ctrl_wait_cid(c, q, f.cid, ret, target_now(c->t) + limit);
	if (err)
		return err; /* still in flight: its memory stays until the controller closes */
	if (f.buf) {
		if (cmd->dir == CMD_IN)
			memcpy(cmd->data, f.buf->data, cmd->data_len);
		at = buf_broken(f.buf);
		if (at != BUF_INTACT)
			ctrl_audit(c, "canary",
				   "opcode %02Xh wrote outside its buffer: byte %lld of %zu",
				   cmd->sqe.opcode, (long long)at, cmd->data_len);
	}
	prp_free(c, f.list);
	buf_free(c, f.buf);
	return 0;
}

int ctrl_admin(struct ctrl *c, const struct cmd *cmd, struct cpl *ret)
{
	return c->asq ? ctrl_exec(c, c->asq, cmd, ret) : -EINVAL;
}

int ctrl_queue_count(struct ctrl *c, uint16_t n)
{
	uint32_t want = (uint32_t)(n - 1) << 16 | (uint32_t)(n - 1);
	struct cmd cmd = cmd_set_features(NVME_FEAT_FID_NUM_QUEUES, false, 0, want);
	struct cpl cpl;
	int err;

	if (c->native)
		return native_queue_count(c);
	err = ctrl_admin(c, &cmd, &cpl);
	if (err)
		return err;
	if (cpl.status != SC_SUCCESS)
		return -EIO;
	/* 0's based: FFFFh would be 65,536, one past what a QID can name */
	c->nsq = (uint16_t)((cpl.dw0 & 0xffff) + 1);
	c->ncq = (uint16_t)((cpl.dw0 >> 16) + 1);
	if (!c->nsq)
		c->nsq = 0xffff;
	if (!c->ncq)
		c->ncq = 0xffff;
	return 0;
}

int cq_create(struct cq *q, bool ien, uint16_t vector, struct cpl *ret)
{
	struct cmd cmd = cmd_create_cq(q->qid, q->size, cq_address(q), ien, vector);
	struct cpl cpl = { .status = SC_SUCCESS };
	int err = q->c->t->ops->queue_make ? 0 : ctrl_admin(q->c, &cmd, &cpl); /* with its SQ */

	if (err)
		return err;
	if (ret)
		*ret = cpl;
	q->ien = ien;
	q->vector = vector;
	return cpl.status == SC_SUCCESS ? 0 : -EIO;
}

/* Both of one QID at once, by the way in. */
static int make_pair(struct sq *q, struct cpl *ret)
{
	struct target *t = q->c->t;
	const struct target_queue pair = { q->qid, q->size, sq_address(q), cq_address(q->cq) };
	struct target_queue_reply reply;
	int err;

	if (q->cq->qid != q->qid || q->cq->size != q->size)
		return target_fail(t, -ENOTSUP, "SQ %u and CQ %u: here a pair has one QID and size",
				   q->qid, q->cq->qid);
	err = t->ops->queue_make(t, &pair, &reply);
	if (!err)
		*ret = (struct cpl){ .status = reply.status, .dw0 = reply.dw0 };
	return err;
}

int sq_create(struct sq *q, struct cpl *ret)
{
	struct cmd cmd = cmd_create_sq(q->qid, q->size, sq_address(q), q->cq->qid);
	struct cpl cpl;
	int err = q->c->t->ops->queue_make ? make_pair(q, &cpl) : ctrl_admin(q->c, &cmd, &cpl);

	if (err)
		return err;
	if (ret)
		*ret = cpl;
	return cpl.status == SC_SUCCESS ? 0 : -EIO;
}

int queue_pair_create(struct ctrl *c, uint16_t qid, uint32_t entries, bool ien, uint16_t vector,
		      struct sq **ret, struct cpl *ret_cpl)
{
	struct sq *sq = NULL;
	struct cpl ignored;
	struct cq *cq;
	int err;

	if (c->native)
		return native_pair(c, qid, ret);
	cq = cq_alloc(c, qid, entries);
	if (!cq)
		return -ENOMEM;
	err = cq_create(cq, ien, vector, ret_cpl);
	if (err)
		goto free_cq;
	sq = sq_alloc(c, qid, entries, cq);
	err = sq ? sq_create(sq, ret_cpl) : -ENOMEM;
	if (err)
		goto delete_cq;
	*ret = sq;
	return 0;

delete_cq:
	sq_free(sq);
	if (!c->t->ops->queue_make)
		ctrl_admin(c, &(struct cmd){ .sqe = cmd_delete_cq(qid).sqe }, &ignored);
free_cq:
	cq_free(cq);
	return err;
}

int queue_pair_delete(struct sq *q)
{
	struct ctrl *c = q->c;
	struct cq *cq = q->cq;
	struct cmd delete_sq = cmd_delete_sq(q->qid), delete_cq = cmd_delete_cq(cq->qid);
	struct cpl cpl;
	int err;

	if (c->native || c->t->ops->queue_delete) {
		err = c->native ? 0 : c->t->ops->queue_delete(c->t, q->qid);
		if (err)
			return err;
		sq_free(q);
		cq_free(cq);
		return 0;
	}
	err = ctrl_admin(c, &delete_sq, &cpl);
	if (!err && cpl.status != SC_SUCCESS)
		err = -EIO;
	if (err)
		return err;
	sq_free(q);
	err = ctrl_admin(c, &delete_cq, &cpl);
	if (!err && cpl.status != SC_SUCCESS)
		err = -EIO;
	if (!err)
		cq_free(cq);
	return err;
}

int ctrl_aer_post(struct ctrl *c)
{
	struct cmd cmd = cmd_aer();
	uint16_t cid;
	int err;

	if (c->aers == CTRL_EVENTS)
		return -ENOSPC;
	err = ctrl_submit(c, c->asq, &cmd, NULL, &cid);
	if (!err)
		c->aer_cid[c->aers++] = cid;
	return err;
}

int ctrl_aer_take(struct ctrl *c, struct cpl *ret, uint64_t deadline_ns)
{
	struct cpl cpl;
	int err;

	while (!c->events) {
		err = cq_wait(c->acq, &cpl, deadline_ns);
		if (err)
			return err;
		keep_stray(c, &cpl);
	}
	*ret = c->event[0];
	memmove(c->event, c->event + 1, --c->events * sizeof(c->event[0]));
	return 0;
}
