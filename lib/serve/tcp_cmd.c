// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Commands of a queue. They begin in the order in which they came, each once its data are here, so
 * that what belongs together stays together; they complete as the controller completes them.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "model/model.h"
#include "serve/tcp_serve.h"

#define PSDT_MASK 0xc0u
#define OVER_FULL 512u /* commands beyond its entries that a queue may have under way */
#define DNR	  0x8000u

/* ---- the list ---- */

static struct tcmd *append(struct tconn *c, const struct sqe *e)
{
	struct tcmd *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	*t = (struct tcmd){ .sqe = *e, .state = TCMD_READY, .buf = -1 };
	t->direction = sqe_direction(e);
	if (!c->first)
		c->last = &c->first;
	*c->last = t;
	c->last = &t->next;
	c->n_cmds++;
	return t;
}

static void free_cmd(struct tconn *c, struct tcmd *t)
{
	if (c->a && c->a->d)
		tdev_buf_put(c->a->d, t->buf);
	free(t->own);
	free(t);
}

static void forget(struct tconn *c, struct tcmd *t)
{
	struct tcmd **p = &c->first;

	while (*p != t)
		p = &(*p)->next;
	*p = t->next;
	if (c->last == &t->next)
		c->last = p;
	c->n_cmds--;
	free_cmd(c, t);
}

void tcmd_drop_all(struct tconn *c)
{
	while (c->first)
		forget(c, c->first);
}

void tcmd_drop_gone(struct tconn *c)
{
	for (struct tcmd *t = c->first, *next; t; t = next) {
		next = t->next;
		if (t->state == TCMD_GONE)
			forget(c, t);
	}
}

struct tcmd *tcmd_find(struct tconn *c, uint16_t cid, bool wants_data)
{
	for (struct tcmd *t = c->first; t; t = t->next)
		if (le16_get(t->sqe.cid) == cid && t->state == (wants_data ? TCMD_DATA : TCMD_GONE))
			return t;
	return NULL;
}

uint8_t *tcmd_data(struct tconn *c, struct tcmd *t)
{
	return t->own ? t->own : c->a->d->buf[t->buf].data;
}

/* ---- its data ---- */

/* Does the model run it, or we? */
static bool is_for_device(const struct tconn *c, const struct tcmd *t)
{
	return c->live && c->a->d && t->sqe.opcode != FABRICS_OPCODE;
}

static bool get_room(struct tconn *c, struct tcmd *t)
{
	if (!is_for_device(c, t))
		t->own = t->len <= TCP_ADMIN_CAPSULE ? calloc(1, t->len + 1u) : NULL;
	else
		t->buf = tdev_buf_get(c->a->d, t->len);
	if (!t->own && t->buf < 0)
		t->status = SC_INTERNAL_ERROR;
	return t->status == SC_SUCCESS;
}

/* Less than all by fault. */
static size_t in_capsule_len(const struct tconn *c, const struct tcmd *t)
{
	bool full = t->len == MODEL_CAPSULE_DATA && c->qid;

	return full && TFAULT(c->s, TCP_CAPSULE_LIMIT_SHORT) ? t->len - 512 : t->len;
}

/* Data that came with the capsule. */
static void take_in_capsule(struct tconn *c, struct tcmd *t, const struct sgl_desc *d,
			    const struct tcp_pdu *pdu)
{
	uint64_t off = le64_get(d->addr);

	if (off > pdu->len)
		t->status = SC_SGL_OFFSET_INVALID;
	else if (t->len > pdu->len - off)
		t->status = SC_SGL_DATA_LENGTH_INVALID;
	else if (get_room(c, t))
		memcpy(tcmd_data(c, t), pdu->data + off, in_capsule_len(c, t));
	t->bad_data = pdu->bad_data && !TFAULT(c->s, TCP_DATA_DIGEST_UNREAD);
	if (t->bad_data && TFAULT(c->s, TCP_DATA_DIGEST_FATAL))
		c->fatal_digest = true;
}

/* What SGL1 describes; a command without data may have anything there. */
static void look_at_data(struct tconn *c, struct tcmd *t, const struct tcp_pdu *pdu)
{
	struct sgl_desc d;

	memcpy(&d, sqe_at(&t->sqe, 24), sizeof(d));
	t->len = t->direction == 1 || t->direction == 2 ? le32_get(d.len) : 0;
	if (!t->len)
		return;
	if (t->direction == 1 && d.id == SGL_ID_IN_CAPSULE) {
		take_in_capsule(c, t, &d, pdu);
	} else if (d.id != SGL_ID_TRANSPORT) {
		t->status = SC_SGL_TYPE_INVALID;
	} else if (t->len > TDEV_BUF_MAX || t->len % 4) {
		t->status = SC_SGL_DATA_LENGTH_INVALID;
	} else if ((t->direction == 1 || is_for_device(c, t)) && get_room(c, t) &&
		   t->direction == 1) {
		t->state = TCMD_DATA;
		if (t->len > MODEL_CAPSULE_DATA || !TFAULT(c->s, TCP_SMALL_R2T_LOST))
			tconn_ask(c, t);
	}
}

void tcmd_begin(struct tconn *c, const struct tcp_pdu *pdu)
{
	struct tcmd *t;

	if (c->n_cmds >= c->entries + OVER_FULL) {
		tconn_end(c, "more commands than its queue holds");
		return;
	}
	t = append(c, &pdu->h->cmd.sqe);
	if (!t) {
		tconn_end(c, "out of memory");
		return;
	}
	c->capsules++;
	c->s->messages++;
	look_at_data(c, t, pdu);
}

/* ---- complete ---- */

/* How far the queue has been read: what waits in the device's has not been. */
static uint16_t head(const struct tconn *c)
{
	uint32_t waiting = c->live && c->a->d ? tdev_waiting(c->a->d, c->qid) : 0;

	return c->entries ? (uint16_t)((c->taken + c->put - waiting) % c->entries) : 0;
}

static bool is_connect(const struct tcmd *t)
{
	return t->sqe.opcode == FABRICS_OPCODE && sqe_fctype(&t->sqe) == FC_CONNECT;
}

static void respond(struct tconn *c, struct tcmd *t, struct cqe *e, const void *data, size_t len)
{
	if (t->bad_data && !CQE_STATUS(le16_get(e->status))) {
		e->status = le16_from(SC_TRANSIENT_TRANSPORT << 1);
		len = 0;
	}
	e->sqhd = le16_from(c->no_sqhd ? (is_connect(t) ? 0xffff : 0) : head(c));
	if (is_connect(t) && TFAULT(c->s, TCP_SQHD_NONE))
		e->sqhd = le16_from(0xffff);
	c->errors += CQE_STATUS(le16_get(e->status)) != 0;
	tconn_respond(c, t, e, data, len);
	forget(c, t);
}

void tcmd_complete(struct tconn *c, struct tcmd *t, uint16_t status, uint64_t dw, const void *data,
		   size_t len)
{
	struct cqe e = { .dw0 = le32_from((uint32_t)dw),
			 .dw1 = le32_from((uint32_t)(dw >> 32)),
			 .cid = t->sqe.cid,
			 .status = le16_from((uint16_t)(status << 1 | (status ? DNR : 0))) };

	respond(c, t, &e, status ? NULL : data, status ? 0 : len);
}

/* As much as the controller wrote, in dwords. */
static void complete_gone(struct tconn *c, struct tcmd *t, struct cqe *e)
{
	const struct tdev_buf *b = t->buf >= 0 ? &c->a->d->buf[t->buf] : NULL;
	bool gives = b && t->direction == 2 && !CQE_STATUS(le16_get(e->status));
	size_t len = gives ? (b->high + 3) & ~(size_t)3 : 0;

	if (gives && len > b->len)
		len = b->len;
	respond(c, t, e, gives ? b->data : NULL, len);
}

/* ---- its turn ---- */

/* SGL1 as the model is to see it: memory of ours. */
static struct sqe for_device(const struct tcmd *t)
{
	struct sqe e = t->sqe;
	struct sgl_desc d = { .len = le32_from(t->len) };

	if (t->buf < 0)
		return e;
	d.addr = le64_from(tdev_buf_at(t->buf));
	memcpy((uint8_t *)&e + 24, &d, sizeof(d));
	return e;
}

uint16_t tcmd_early_status(const struct tconn *c)
{
	return TFAULT(c->s, TCP_COMMANDS_BEFORE_CONNECT) ? SC_SUCCESS : SC_SEQUENCE_ERROR;
}

/* True: it has gone, one way or the other. */
static bool give(struct tconn *c, struct tcmd *t)
{
	struct sqe e = for_device(t);

	if (!is_for_device(c, t) || t->status || t->bad_data || !tdev_enabled(c->a->d)) {
		c->taken++;
		if (t->status)
			tcmd_complete(c, t, t->status, 0, NULL, 0);
		else if (t->bad_data)
			tcmd_complete(c, t, SC_TRANSIENT_TRANSPORT, 0, NULL, 0);
		else if (t->sqe.opcode == FABRICS_OPCODE)
			fabrics_run(c, t);
		else if (!c->live || c->a->d)
			tcmd_complete(c, t, tcmd_early_status(c), 0, NULL, 0);
		else
			discovery_run(c, t);
		return true;
	}
	if (!tdev_put(c->a->d, c->qid, &e))
		return false;
	c->put++;
	t->state = TCMD_GONE;
	return true;
}

static struct tcmd *next_ready(struct tconn *c)
{
	struct tcmd *t = c->first;

	while (t && (t->state == TCMD_GONE || t->state == TCMD_OURS))
		t = t->next;
	return t && t->state == TCMD_READY ? t : NULL;
}

static void take_completions(struct tconn *c)
{
	struct cqe e;

	while (c->live && c->a->d && tdev_take(c->a->d, c->qid, &e)) {
		struct tcmd *t = tcmd_find(c, le16_get(e.cid), false);

		if (t)
			complete_gone(c, t, &e);
		else
			tconn_answer(c, &e); /* of a faulty controller: its host is to see it */
	}
}

/* All that there is room for, told together, as a fused pair has to come. How many. */
static unsigned give_ready(struct tconn *c)
{
	struct tcmd *t;
	unsigned n = 0;

	while (!c->closing && (t = next_ready(c)) && give(c, t))
		n++;
	if (c->live && c->a->d)
		tdev_ring(c->a->d, c->qid);
	return n;
}

void tcmd_pump(struct tconn *c)
{
	take_completions(c);
	while (give_ready(c))
		take_completions(c);
}
