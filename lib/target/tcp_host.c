// SPDX-License-Identifier: GPL-2.0-or-later
#include "target/tcp_host.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "spec/status.h"
#include "target/target.h"

#define BUSY_NS	  (10 * NS_PER_MS) /* between two tries where the controller is busy */
#define STEPS_MAX 16384u	   /* in which the stepped clock has to move by a millisecond */
#define IN_DATA	  0x10000u	   /* Dword 0 of a refused Connect: the offset is of the data */
#define AT_CNTLID 16u

static int fail(struct tcp_host *h, int err, const char *text)
{
	if (err)
		snprintf(h->error, sizeof(h->error), "%.250s", *text ? text : strerror(-err));
	return err;
}

static int fail_queue(struct tcp_host *h, int err, const struct tcp_queue *q)
{
	return fail(h, err, q->error);
}

struct tcp_way tcp_host_way(const struct tcp_host *h)
{
	return (struct tcp_way){ .host = h->a.host,
				 .port = h->a.port,
				 .hdgst = h->a.hdgst,
				 .ddgst = h->a.ddgst,
				 .hpda = (unsigned)h->a.align,
				 .maxr2t = 1,
				 .timeout_ns = h->a.timeout_ms * NS_PER_MS };
}

uint64_t tcp_host_now(const struct tcp_host *h)
{
	return h->a.step ? h->clock_ns : clock_mono_ns();
}

/* ---- connect ---- */

int tcp_host_send_connect(struct tcp_host *h, struct tcp_queue *q, const struct connect *c,
			  struct cqe *ret)
{
	struct connect_data d = { .cntlid = le16_from(c->qid	     ? h->cntlid
						      : h->is_static ? CNTLID_STATIC
								     : CNTLID_DYNAMIC) };
	struct sqe e = fabrics_connect(c);
	int err;

	memcpy(d.hostid, h->a.hostid, sizeof(d.hostid));
	memcpy(d.subnqn, h->a.nqn, sizeof(d.subnqn));
	memcpy(d.hostnqn, h->a.hostnqn, sizeof(d.hostnqn));
	q->no_flow_control = false;
	err = tcp_queue_exec(q, &e, &d, sizeof(d), ret);
	return fail_queue(h, err, q);
}

static const char *refusal(uint16_t status, char buf[STATUS_TEXT])
{
	switch (status) {
	case FSC_INCOMPATIBLE_FORMAT:
		return "Incompatible Format";
	case FSC_CONTROLLER_BUSY:
		return "Controller Busy: another host has it";
	case FSC_CONNECT_INVALID_PARAM:
		return "Connect Invalid Parameters";
	case FSC_CONNECT_INVALID_HOST:
		return "Connect Invalid Host: this host NQN is not let in";
	default:
		return status_text(status, buf);
	}
}

static int refused(struct tcp_host *h, const struct cqe *e)
{
	uint16_t status = CQE_STATUS(le16_get(e->status));
	char buf[STATUS_TEXT];

	h->refuses_dynamic = status == FSC_CONNECT_INVALID_PARAM &&
			     (le32_get(e->dw0) & 0x1ffff) == (IN_DATA | AT_CNTLID);
	snprintf(h->error, sizeof(h->error), "Connect to %.120s: %s (byte %u of its %s)", h->a.nqn,
		 refusal(status, buf), le32_get(e->dw0) & 0xffff,
		 le32_get(e->dw0) >> 16 & 1 ? "data" : "command");
	return status == FSC_CONTROLLER_BUSY ? -EBUSY : -ECONNREFUSED;
}

static bool see_kato(void *ctx, const struct sqe *e)
{
	struct tcp_host *h = ctx;

	if (e->opcode == nvme_admin_set_features &&
	    (le32_get(e->cdw10) & 0xff) == NVME_FEAT_FID_KATO)
		h->case_has_kato = true;
	return true;
}

static int connect_once(struct tcp_host *h)
{
	struct tcp_front *f = &h->front[0];
	struct tcp_way w = tcp_host_way(h);
	struct connect c = { .sqsize_z = TCP_ADMIN_ENTRIES - 1,
			     .cattr = CATTR_DELETES_QUEUES,
			     .kato_ms = (uint32_t)h->a.kato_ms };
	struct cqe e;
	int err;

	tcp_front_close(f);
	f->open = true;
	err = fail_queue(h, tcp_queue_open(&f->q, &w, 0, TCP_ADMIN_ENTRIES), &f->q);
	if (!err)
		err = tcp_host_send_connect(h, &f->q, &c, &e);
	if (!err && CQE_STATUS(le16_get(e.status)))
		err = refused(h, &e);
	if (err) {
		tcp_front_close(f);
		return err;
	}
	h->cntlid = (uint16_t)le32_get(e.dw0);
	f->spy = see_kato;
	f->ctx = h;
	return 0;
}

/* Time goes on from one association to the next, also where the server makes a new device. */
static int begin_clock(struct tcp_host *h)
{
	uint64_t before = h->clock_ns;
	int err;

	if (!h->a.step)
		return 0;
	h->clock_ns = h->ahead_ns = 0;
	err = tcp_host_step(h, 0);
	if (h->clock_ns < before) {
		h->ahead_ns = before - h->clock_ns;
		h->clock_ns = before;
	}
	return err;
}

/* Of a subsystem with the static controller model any controller will do, but it is asked so. */
static int connect_either(struct tcp_host *h)
{
	bool was = h->is_static;
	int err = connect_once(h);

	if (err != -ECONNREFUSED || was || !h->refuses_dynamic)
		return err;
	h->is_static = true;
	err = connect_once(h);
	h->is_static = !err || err == -EBUSY;
	return err;
}

/* A target may learn later than we that the host before us has gone. */
int tcp_host_connect(struct tcp_host *h)
{
	uint64_t deadline = clock_mono_ns() + h->a.timeout_ms * NS_PER_MS;
	const struct timespec pause = { .tv_nsec = BUSY_NS };
	int err;

	if (h->connected)
		return 0;
	while ((err = connect_either(h)) == -EBUSY && clock_mono_ns() < deadline)
		nanosleep(&pause, NULL);
	if (err)
		return err;
	h->connected = true;
	h->resetting = h->case_has_kato = false;
	h->cc = 0;
	err = begin_clock(h);
	h->alive_ns = tcp_host_now(h);
	return err;
}

void tcp_host_drop_queues(struct tcp_host *h)
{
	for (unsigned i = 1; i < TCP_QUEUES; i++)
		tcp_front_close(&h->front[i]);
}

void tcp_host_hang_up(struct tcp_host *h)
{
	tcp_host_drop_queues(h);
	tcp_front_close(&h->front[0]);
	h->connected = h->resetting = false;
}

/* A command that the controller itself runs, so that its time has to pass where that stands still.
 */
static int exec_admin(struct tcp_host *h, const struct sqe *e, void *data, size_t len,
		      struct cqe *ret)
{
	uint64_t end = tcp_host_now(h) + h->a.timeout_ms * NS_PER_MS;
	struct tcp_queue *q = &h->front[0].q;
	uint16_t cid = 0;
	int err = tcp_host_connect(h), n;

	if (err)
		return err;
	if (!h->a.step)
		return fail_queue(h, tcp_queue_exec(q, e, data, len, ret), q);
	err = fail_queue(h, tcp_queue_begin(q, e, data, len, &cid), q);
	if (err)
		return err;
	while (!(n = tcp_queue_take(q, cid, ret))) {
		err = tcp_host_step(h, NS_PER_MS);
		if (!err && tcp_host_now(h) > end)
			err = fail(h, -ETIMEDOUT, "no answer of the controller");
		if (err) {
			tcp_host_hang_up(h); /* its data are the caller's, who goes on */
			return err;
		}
	}
	return n < 0 ? fail_queue(h, n, q) : 0;
}

/* IOCCSZ counts 16 bytes, the command's 64 among them. */
int tcp_host_find_capsule(struct tcp_host *h)
{
	struct sqe e = { .opcode = nvme_admin_identify,
			 .cdw10 = le32_from(NVME_IDENTIFY_CNS_CTRL) };
	struct nvme_id_ctrl id = { 0 };
	uint64_t bytes;
	struct cqe c;
	int err;

	if (h->knows_capsule)
		return 0;
	err = exec_admin(h, &e, &id, sizeof(id), &c);
	if (err)
		return err;
	bytes = le32_get(id.ioccsz) * 16ull;
	h->capsule = bytes < 64 ? 0 : bytes - 64 > (1u << 20) ? 1u << 20 : (uint32_t)bytes - 64;
	h->knows_capsule = true;
	return 0;
}

/* ---- properties ---- */

static int property(struct tcp_host *h, const struct sqe *e, struct cqe *ret, uint16_t *ret_status)
{
	struct tcp_queue *q = &h->front[0].q;
	int err = tcp_host_connect(h);

	if (!err)
		err = fail_queue(h, tcp_queue_exec(q, e, NULL, 0, ret), q);
	if (!err)
		*ret_status = CQE_STATUS(le16_get(ret->status));
	return err;
}

int tcp_host_get(struct tcp_host *h, uint32_t off, unsigned width, uint64_t *ret,
		 uint16_t *ret_status)
{
	struct sqe e = fabrics_property_get(off, width);
	struct cqe c;
	int err = property(h, &e, &c, ret_status);

	if (!err)
		*ret = le32_get(c.dw0) | (width == 64 ? (uint64_t)le32_get(c.dw1) << 32 : 0);
	return err;
}

int tcp_host_set(struct tcp_host *h, uint32_t off, unsigned width, uint64_t value,
		 uint16_t *ret_status)
{
	struct sqe e = fabrics_property_set(off, width, value);
	struct cqe c;

	return property(h, &e, &c, ret_status);
}

/* ---- time ---- */

static int check_steps(struct tcp_host *h)
{
	if (h->clock_ns - h->moved_ns >= NS_PER_MS) {
		h->moved_ns = h->clock_ns;
		h->steps = 0;
	}
	if (++h->steps <= STEPS_MAX)
		return 0;
	return fail(h, -ETIMEDOUT, "the server's clock stands still, however often it is stepped");
}

int tcp_host_step(struct tcp_host *h, uint64_t ns)
{
	struct sqe e = fabrics_relax(ns);
	struct cqe c;
	uint16_t status;
	uint64_t at;
	int err = property(h, &e, &c, &status);

	if (err)
		return err;
	if (status)
		return fail(h, -ENOTSUP,
			    "clock=step: the target's clock is not to be stepped; "
			    "leave it away, or give `nvrig serve --clock step`");
	at = (le32_get(c.dw0) | (uint64_t)le32_get(c.dw1) << 32) + h->ahead_ns;
	h->clock_ns = at > h->clock_ns ? at : h->clock_ns;
	return check_steps(h);
}

/* Half of the time is left for the way. */
static int keep_alive(struct tcp_host *h)
{
	struct tcp_command c = { .sqe.opcode = nvme_admin_keep_alive,
				 .ours = true,
				 .unread = true };
	struct tcp_queue *q = &h->front[0].q;
	uint64_t now = tcp_host_now(h);

	if (!h->a.kato_ms || h->case_has_kato || !(h->cc & CC_EN) || h->resetting ||
	    now - h->alive_ns < h->a.kato_ms * NS_PER_MS / 2 || !tcp_queue_room(q))
		return 0;
	h->alive_ns = now;
	c.sqe.cid = le16_from(0xffffu - 1); /* one at a time; a late one is in the way of none */
	return tcp_queue_send(q, &c) == -ENOSPC ? 0 : tcp_queue_flush(q);
}

int tcp_host_pump(struct tcp_host *h)
{
	int err = 0;

	if (!h->connected)
		return 0;
	for (unsigned i = 0; i < TCP_QUEUES && !err; i++)
		if (h->front[i].open)
			err = fail_queue(h, tcp_front_pump(&h->front[i]), &h->front[i].q);
	return err ? err : fail_queue(h, keep_alive(h), &h->front[0].q);
}
