// SPDX-License-Identifier: GPL-2.0-or-later
/* Commands, queues and memory: for case bodies. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "kit/internal.h"

#define ORDINARY_ENTRIES 64
#define ASK_QUEUES	 64

static struct cpl exec(struct rig *r, struct sq *q, struct cmd *c)
{
	char name[24], doing[64];
	struct cpl cpl;
	int err;

	/* data pointer of the case's own: nothing to copy */
	err = ctrl_exec(q->c, q, c, &cpl);
	if (err) {
		snprintf(doing, sizeof(doing), "%s on SQ %u",
			 cmd_name(q->qid == 0, c->sqe.opcode, name), q->qid);
		kit_trouble_on(r, q->c, err, doing);
	}
	return cpl;
}

/* Either controller, enabled. */
static struct ctrl *ready(struct rig *r, struct ctrl *c)
{
	return c == kit_of(r)->peer ? rig_peer(r) : rig_ctrl(r);
}

struct cpl rig_admin(struct rig *r, struct cmd c)
{
	return exec(r, rig_ctrl(r)->asq, &c);
}

struct cpl rig_admin_on(struct rig *r, struct ctrl *c, struct cmd cmd)
{
	return exec(r, ready(r, c)->asq, &cmd);
}

struct cpl rig_io(struct rig *r, struct sq *q, struct cmd c)
{
	return exec(r, q, &c);
}

static struct cpl need_success(struct rig *r, struct sq *q, struct cmd *c)
{
	struct cpl cpl = exec(r, q, c);
	char name[24], text[STATUS_TEXT];

	if (cpl.status != SC_SUCCESS)
		rig_broken(r, "set-up: %s ended with %s",
			   cmd_name(q->qid == 0, c->sqe.opcode, name),
			   status_text(cpl.status, text));
	return cpl;
}

struct cpl rig_admin_ok(struct rig *r, struct cmd c)
{
	return need_success(r, rig_ctrl(r)->asq, &c);
}

struct cpl rig_admin_ok_on(struct rig *r, struct ctrl *c, struct cmd cmd)
{
	return need_success(r, ready(r, c)->asq, &cmd);
}

struct cpl rig_io_ok(struct rig *r, struct sq *q, struct cmd c)
{
	return need_success(r, q, &c);
}

uint16_t rig_put(struct rig *r, struct sq *q, struct cmd c)
{
	(void)r;
	return sq_put(q, &c.sqe);
}

void rig_ring(struct rig *r, struct sq *q)
{
	int err = sq_ring(q);

	if (err)
		kit_trouble_on(r, q->c, err, "ringing a submission queue");
}

static uint64_t queue_deadline(struct ctrl *c, uint16_t qid)
{
	return target_now(c->t) + (qid ? c->io_timeout_ns : c->admin_timeout_ns);
}

struct cpl rig_next(struct rig *r, struct cq *q)
{
	struct cpl cpl;
	char doing[48];
	int err = cq_wait(q, &cpl, queue_deadline(q->c, q->qid));

	if (err) {
		snprintf(doing, sizeof(doing), "next completion on CQ %u", q->qid);
		kit_trouble_on(r, q->c, err, doing);
	}
	return cpl;
}

int rig_try(struct rig *r, struct cq *q, struct cpl *ret, uint64_t ns)
{
	int err = cq_wait(q, ret, target_now(q->c->t) + ns);

	if (err && err != -ETIMEDOUT)
		kit_trouble_on(r, q->c, err, "looking for a completion");
	return !err;
}

struct cpl rig_wait_cid(struct rig *r, struct sq *q, uint16_t cid)
{
	struct cpl cpl;
	char doing[64];
	int err = ctrl_wait_cid(q->c, q, cid, &cpl, queue_deadline(q->c, q->qid));

	if (err) {
		snprintf(doing, sizeof(doing), "completion of CID %u on SQ %u", cid, q->qid);
		kit_trouble_on(r, q->c, err, doing);
	}
	return cpl;
}

void rig_aer_on(struct rig *r, struct ctrl *c)
{
	int err = ctrl_aer_post(ready(r, c));

	if (err)
		kit_trouble_on(r, c, err, "Async Event Request");
}

void rig_aer(struct rig *r)
{
	rig_aer_on(r, rig_ctrl(r));
}

void rig_aer_held_on(struct rig *r, struct ctrl *c)
{
	rig_aer_on(r, c);
	rig_admin_ok_on(r, c, cmd_get_features(NVME_FEAT_FID_NUM_QUEUES, 0, 0, 0));
}

void rig_aer_held(struct rig *r)
{
	rig_aer_held_on(r, rig_ctrl(r));
}

int rig_event_try_on(struct rig *r, struct ctrl *c, struct cpl *ret, uint64_t ns)
{
	int err = ctrl_aer_take(ready(r, c), ret, target_now(c->t) + ns);

	if (err && err != -ETIMEDOUT)
		kit_trouble_on(r, c, err, "looking for an asynchronous event");
	return !err;
}

int rig_event_try(struct rig *r, struct cpl *ret, uint64_t ns)
{
	return rig_event_try_on(r, rig_ctrl(r), ret, ns);
}

unsigned rig_queue_count_on(struct rig *r, struct ctrl *c)
{
	int err;

	if (!ready(r, c)->nsq) {
		err = ctrl_queue_count(c, ASK_QUEUES);
		if (err)
			kit_trouble_on(r, c, err, "Set Features Number of Queues");
	}
	return c->nsq < c->ncq ? c->nsq : c->ncq;
}

unsigned rig_queue_count(struct rig *r)
{
	return rig_queue_count_on(r, rig_ctrl(r));
}

uint32_t rig_queue_max(struct rig *r)
{
	return CAP_MQES(rig_ctrl(r)->cap) + 1u;
}

uint32_t rig_queue_fit(struct rig *r, uint32_t entries)
{
	uint32_t max = rig_queue_max(r);

	return entries < max ? entries : max;
}

struct sq *rig_queue_pair_on(struct rig *r, struct ctrl *c, uint16_t qid, uint32_t entries)
{
	char text[STATUS_TEXT];
	struct cpl cpl = { .status = 0 };
	struct sq *q;
	int err;

	rig_queue_count_on(r, c);
	err = queue_pair_create(c, qid, entries, false, 0, &q, &cpl);
	if (err == -EIO)
		rig_broken(r, "set-up: queue pair %u of %u entries refused: %s", qid, entries,
			   status_text(cpl.status, text));
	if (err)
		kit_trouble_on(r, c, err, "creating a queue pair");
	return q;
}

struct sq *rig_queue_pair(struct rig *r, uint16_t qid, uint32_t entries)
{
	return rig_queue_pair_on(r, rig_ctrl(r), qid, entries);
}

bool rig_knows_cid(struct rig *r)
{
	return !rig_ctrl(r)->native;
}

struct sq *rig_queue_on(struct rig *r, struct ctrl *c)
{
	struct sq **ordinary = kit_ordinary(kit_of(r), ready(r, c));
	uint32_t max = CAP_MQES(c->cap) + 1u;

	if (!*ordinary)
		*ordinary =
			rig_queue_pair_on(r, c, 1, ORDINARY_ENTRIES < max ? ORDINARY_ENTRIES : max);
	return *ordinary;
}

struct sq *rig_queue(struct rig *r)
{
	return rig_queue_on(r, rig_ctrl(r));
}

struct cq *rig_cq_alloc(struct rig *r, uint16_t qid, uint32_t entries)
{
	struct cq *q = cq_alloc(rig_ctrl(r), qid, entries);

	if (!q)
		kit_trouble(r, -ENOMEM, "memory for a completion queue");
	return q;
}

struct sq *rig_sq_alloc(struct rig *r, uint16_t qid, uint32_t entries, struct cq *cq)
{
	struct sq *q = sq_alloc(rig_ctrl(r), qid, entries, cq);

	if (!q)
		kit_trouble(r, -ENOMEM, "memory for a submission queue");
	return q;
}

struct buf *rig_buf_on(struct rig *r, struct ctrl *c, size_t len)
{
	struct buf *b = buf_alloc(c, len, c->page);

	if (!b)
		kit_trouble_on(r, c, -ENOMEM, "a DMA buffer");
	return b;
}

struct buf *rig_buf(struct rig *r, size_t len)
{
	struct kit *k = kit_of(r);

	if (!k->c && k->t->ops->submit)
		rig_ctrl(r);
	else if (!k->c)
		rig_ctrl_off(r);
	return rig_buf_on(r, k->c, len);
}

void rig_prp(struct rig *r, struct cmd *c, const struct buf *b, size_t off, size_t len)
{
	struct prp_list *list;
	int err;

	if (kit_of(r)->t->caps.fabrics) {
		rig_sgl(r, c, b, off, len);
		return;
	}
	err = prp_fill(kit_of(r)->c, b->iova + off, len, &c->sqe, &list);
	if (err)
		kit_trouble(r, err, "building a PRP list");
}

void rig_prp_plan(struct rig *r, struct cmd *c, const struct prp_plan *plan,
		  struct prp_list **ret_list)
{
	struct prp_list *list;
	int err = prp_build(kit_of(r)->c, plan, &c->sqe, &list);

	if (err)
		kit_trouble(r, err, "building a PRP list");
	if (ret_list)
		*ret_list = list;
}

void rig_sgl(struct rig *r, struct cmd *c, const struct buf *b, size_t off, size_t len)
{
	struct sgl_desc d = sgl_data(b->iova + off, (uint32_t)len);

	rig_sgl_plan(r, c, &(struct sgl_plan){ .desc = &d, .n = 1 }, NULL);
}

void rig_sgl_plan(struct rig *r, struct cmd *c, const struct sgl_plan *plan,
		  struct sgl_list **ret_list)
{
	struct sgl_list *list;
	int err = sgl_build(kit_of(r)->c, plan, &c->sqe, &list);

	if (err)
		kit_trouble(r, err, "building an SGL");
	if (ret_list)
		*ret_list = list;
}

bool check_status_of(struct rig *r, const struct check_site *s, const char *what, struct cpl cpl,
		     const uint16_t *want, unsigned n)
{
	char got_text[STATUS_TEXT], want_text[4 * STATUS_TEXT], one[STATUS_TEXT], said[256];
	bool held = false;
	size_t at = 0;

	for (unsigned i = 0; i < n; i++) {
		held |= cpl.status == want[i];
		at += (size_t)snprintf(want_text + at, sizeof(want_text) - at, "%s%s",
				       i ? " or " : "", status_text(want[i], one));
		if (at >= sizeof(want_text))
			break;
	}
	snprintf(said, sizeof(said), "%s%s", what,
		 held && cpl.status != want[0] ? " (a permitted answer, not the strict one)" : "");
	return check_text(r, s, said, held, status_text(cpl.status, got_text), want_text);
}

bool check_status(struct rig *r, const struct check_site *s, struct cpl cpl, const uint16_t *want,
		  unsigned n)
{
	return check_status_of(r, s, "status", cpl, want, n);
}

bool check_untouched(struct rig *r, const struct check_site *s, const struct buf *b,
		     const void *before, size_t from, size_t to)
{
	const uint8_t *was = before;

	for (size_t i = 0; i < b->len; i++) {
		if (i == from)
			i = to;
		if (i >= b->len)
			break;
		if (b->data[i] != was[i])
			return check_true(r, s, false,
					  "byte %zu of the buffer, outside [%zu, %zu), kept %02Xh; "
					  "it is %02Xh",
					  i, from, to, was[i], b->data[i]);
	}
	return check_true(r, s, true, "buffer outside [%zu, %zu) is untouched", from, to);
}
