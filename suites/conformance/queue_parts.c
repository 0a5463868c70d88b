// SPDX-License-Identifier: GPL-2.0-or-later
#include "queue_parts.h"

struct cq *parts_cq(struct rig *r, uint16_t qid, uint32_t entries)
{
	struct cq *q = rig_cq_alloc(r, qid, entries);

	rig_queue_count(r);
	REQUIRE_STATUS(r, rig_admin(r, cmd_create_cq(qid, entries, q->mem->iova, false, 0)),
		       SC_SUCCESS);
	return q;
}

struct sq *parts_sq(struct rig *r, uint16_t qid, uint32_t entries, struct cq *cq)
{
	struct sq *q = rig_sq_alloc(r, qid, entries, cq);

	REQUIRE_STATUS(r, rig_admin(r, cmd_create_sq(qid, entries, q->mem->iova, cq->qid)),
		       SC_SUCCESS);
	return q;
}

struct cmd parts_read_cmd(struct rig *r, uint64_t lba, struct buf *b, size_t off)
{
	const struct facts_ns *ns = rig_ns(r);
	struct cmd c = cmd_read(ns->nsid, lba, 1, NULL, ns->lba_bytes);

	rig_prp(r, &c, b, off, ns->lba_bytes);
	return c;
}

struct cmd parts_any_read(struct rig *r)
{
	return parts_read_cmd(r, 0, rig_buf(r, rig_ns(r)->lba_bytes), 0);
}

struct cpl parts_read(struct rig *r, struct sq *q)
{
	const struct facts_ns *ns = rig_ns(r);

	return rig_io(r, q, cmd_read(ns->nsid, 0, 1, rig_mem(r, ns->lba_bytes), ns->lba_bytes));
}
