// SPDX-License-Identifier: GPL-2.0-or-later
#include "nvme/native.h"

#include <errno.h>
#include <string.h>

#define ENTRIES 2 /* nothing is ever in them */

int native_refuse(struct ctrl *c, const char *what)
{
	return target_fail(c->t, -ENOTSUP, "%s: %s has no queues of its own", what,
			   c->t->ops->scheme);
}

int native_pair(struct ctrl *c, uint16_t qid, struct sq **ret)
{
	struct cq *cq = cq_alloc(c, qid, ENTRIES);
	struct sq *sq = cq ? sq_alloc(c, qid, ENTRIES, cq) : NULL;

	if (!sq) {
		cq_free(cq);
		return -ENOMEM;
	}
	*ret = sq;
	return 0;
}

static int reset(struct ctrl *c)
{
	int err;

	if (!c->t->ops->reset)
		return native_refuse(c, "a Controller Reset");
	trace_reset(c);
	err = c->t->ops->reset(c->t, RESET_CTRL);
	ctrl_forget(c);
	return err;
}

int native_enable(struct ctrl *c, const struct ctrl_config *cfg)
{
	int err = c->enabled ? reset(c) : 0;

	if (!err && !c->asq)
		err = native_pair(c, 0, &c->asq);
	if (err)
		return err;
	c->acq = c->asq->cq;
	c->config = *cfg;
	c->enabled = true;
	return 0;
}

static struct cqe cqe_of(const struct cpl *cpl)
{
	return (struct cqe){
		.dw0 = le32_from(cpl->dw0),
		.dw1 = le32_from(cpl->dw1),
		.sqhd = le16_from(cpl->sqhd),
		.sqid = le16_from(cpl->sqid),
		.cid = le16_from(cpl->cid),
		.status = le16_from((uint16_t)((cpl->status & 0x7ff) << 1 | (cpl->crd & 3) << 12 |
					       cpl->more << 14 | cpl->dnr << 15)),
	};
}

/* What arrived, believed no more than a CQE on queues of our own. */
static void take(struct ctrl *c, struct sq *q, struct cpl *cpl, uint64_t begin_ns)
{
	struct cqe e = cqe_of(cpl);
	char text[STATUS_TEXT];

	cpl->took_ns = target_now(c->t) - begin_ns;
	trace_completed(q->cq, &e);
	c->audited++;
	if (!status_is_legal(cpl->status))
		ctrl_audit(c, "cqe.status", "status of a command: got %s, want a defined one",
			   status_text(cpl->status, text));
}

static void copy_back(struct ctrl *c, const struct cmd *cmd, const struct buf *b)
{
	int64_t at = buf_broken(b);

	if (cmd->dir == CMD_IN)
		memcpy(cmd->data, b->data, cmd->data_len);
	if (at != BUF_INTACT)
		ctrl_audit(c, "canary", "opcode %02Xh wrote outside its buffer: byte %lld of %zu",
			   cmd->sqe.opcode, (long long)at, cmd->data_len);
}

/* The copy that the target sends: its data canaried, a number of its own for the trace. */
static int prepare(struct ctrl *c, struct sq *q, struct cmd *cmd, struct buf **ret)
{
	struct buf *b = NULL;

	if (cmd->data && cmd->data_len) {
		b = buf_alloc(c, cmd->data_len, c->page);
		if (!b)
			return -ENOMEM;
		if (cmd->dir == CMD_OUT)
			memcpy(b->data, cmd->data, cmd->data_len);
		cmd->data = b->data;
		cmd->sqe.prp1 = le64_from(b->iova);
	}
	q->next_cid += q->next_cid == CID_NONE;
	cmd->sqe.cid = le16_from(q->next_cid++);
	*ret = b;
	return 0;
}

int native_exec(struct ctrl *c, struct sq *q, const struct cmd *cmd, struct cpl *ret)
{
	uint64_t limit = q->qid ? c->io_timeout_ns : c->admin_timeout_ns, begin;
	struct cmd sent = *cmd;
	struct buf *b;
	int err = prepare(c, q, &sent, &b);

	if (err)
		return err;
	begin = target_now(c->t);
	trace_put(q, &sent.sqe, begin);
	trace_data_len(c, b ? cmd->data_len : 0);
	err = c->t->ops->submit(c->t, q->qid, &sent, limit, ret);
	if (!err) {
		ret->sqid = q->qid;
		ret->cid = le16_get(sent.sqe.cid);
		take(c, q, ret, begin);
	}
	if (!err && b)
		copy_back(c, cmd, b);
	if (err != -ETIMEDOUT) /* else it may still be written to */
		buf_free(c, b);
	return err;
}

int native_queue_count(struct ctrl *c)
{
	struct cmd cmd = cmd_get_features(NVME_FEAT_FID_NUM_QUEUES, 0, 0, 0);
	struct cpl cpl;
	int err = ctrl_admin(c, &cmd, &cpl);

	if (err)
		return err;
	if (cpl.status != SC_SUCCESS)
		return -EIO;
	c->nsq = (uint16_t)((cpl.dw0 & 0xffff) + 1);
	c->ncq = (uint16_t)((cpl.dw0 >> 16) + 1);
	return 0;
}
