// SPDX-License-Identifier: GPL-2.0-or-later
#include "nvme/trace.h"

#include <string.h>

#include "nvme/judge.h"
#include "spec/command.h"

/* The buffer of a command is nearly always among the newest; a case with hundreds pays no walk. */
#define BUFS_LOOKED_AT 16

static struct trace_record *next_record(struct ctrl *c, enum trace_kind kind, uint64_t now_ns)
{
	struct trace_record *r = &c->trace.record[c->trace.n++ % TRACE_RECORDS];

	r->kind = kind;
	r->at_ns = now_ns;
	r->completed = false;
	r->out_n = r->in_n = 0;
	return r;
}

/* The first bytes behind the data pointer, where that is memory of ours. */
static uint8_t first_bytes(const struct ctrl *c, const struct sqe *e, uint8_t data[TRACE_DATA])
{
	uint64_t iova = le64_get(e->prp1); /* an SGL's first descriptor begins with its address */
	const struct buf *b = c->bufs;

	for (unsigned i = 0; b && i < BUFS_LOOKED_AT; i++, b = b->next) {
		uint64_t at = iova - b->iova, n;

		if (iova < b->iova || at >= b->len)
			continue;
		n = b->len - at < TRACE_DATA ? b->len - at : TRACE_DATA;
		memcpy(data, b->data + at, n);
		return (uint8_t)n;
	}
	return 0;
}

/* The newest command of that queue and CID that is waited for; a CID may have had others. */
static struct trace_record *find_command(struct trace *t, uint16_t sqid, __le16 cid)
{
	uint64_t oldest = t->n > TRACE_RECORDS ? t->n - TRACE_RECORDS : 0;

	for (uint64_t i = t->n; i > oldest; i--) {
		struct trace_record *r = &t->record[(i - 1) % TRACE_RECORDS];

		if (r->kind == TRACE_COMMAND && !r->completed && r->sqid == sqid &&
		    r->sqe.cid == cid)
			return r;
	}
	return NULL;
}

void trace_put(struct sq *q, const struct sqe *e, uint64_t now_ns)
{
	struct trace_record *twin = find_command(&q->c->trace, q->qid, e->cid);
	struct trace_record *r = next_record(q->c, TRACE_COMMAND, now_ns);

	r->sqe = *e;
	r->sqid = q->qid;
	r->own_pointer = true;
	r->data_len = 0;
	if (spec_host_to_device(e->opcode))
		r->out_n = first_bytes(q->c, e, r->out);
	r->cid_in_use = twin != NULL;
	if (twin)
		twin->cid_in_use = true;
	judge_sent(q->c, r);
}

void trace_data_len(struct ctrl *c, size_t len)
{
	struct trace_record *r = &c->trace.record[(c->trace.n - 1) % TRACE_RECORDS];

	r->own_pointer = !len && (r->sqe.prp1 || r->sqe.prp2);
	r->data_len = (uint32_t)len;
}

void trace_completed(struct cq *q, const struct cqe *e)
{
	struct ctrl *c = q->c;
	uint64_t now = target_now(c->t);
	struct trace_record *r = find_command(&c->trace, le16_get(e->sqid), e->cid);

	if (!r) {
		r = next_record(c, TRACE_COMPLETION, now);
		r->sqid = le16_get(e->sqid);
	} else if (spec_device_to_host(r->sqe.opcode) &&
		   CQE_STATUS(le16_get(e->status)) == SC_SUCCESS) {
		r->in_n = first_bytes(c, &r->sqe, r->in);
	}
	r->cqe = *e;
	r->cqid = q->qid;
	r->completed = true;
	r->done_ns = now;
	if (r->kind == TRACE_COMMAND)
		judge_ended(c, r);
}

void trace_register(struct ctrl *c, uint64_t off, unsigned width, uint64_t value)
{
	struct trace_record *r = next_record(c, TRACE_REGISTER, target_now(c->t));

	judge_register(c, off, value);
	r->off = off;
	r->width = width;
	r->value = value;
}

void trace_reset(struct ctrl *c)
{
	next_record(c, TRACE_RESET, target_now(c->t));
}

const struct trace_record *trace_at(const struct trace *t, uint64_t i)
{
	if (i >= t->n || t->n - i > TRACE_RECORDS)
		return NULL;
	return &t->record[i % TRACE_RECORDS];
}
