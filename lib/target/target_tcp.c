// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * tcp: an NVMe/TCP controller, reached by sockets alone. To lib/nvme it looks like queues in memory
 * with registers before them: doorbells send capsules, properties are Property Get and Set, queues
 * are made by Connect. What is bound to PCIe it has not, and caps.has says so.
 *
 * A Controller Level Reset ends an association (Base 2.2 NVM Controller Architecture), so after
 * CC.EN was cleared and CSTS.RDY with it the next access begins another one.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "spec/status.h"
#include "target/fabric.h"
#include "target/target.h"
#include "target/tcp_host.h"

#define ARENA_AT 0x100000000ull /* unlike our pointers: a leaked one faults */

static struct tcp_host *priv(struct target *t)
{
	return t->priv;
}

static int trouble(struct target *t, int err)
{
	return err ? target_fail(t, err, "%s", priv(t)->error) : 0;
}

/* ---- time ---- */

static uint64_t tcp_now(struct target *t)
{
	return tcp_host_now(priv(t));
}

static int wait_sockets(struct tcp_host *h, uint64_t ns)
{
	struct pollfd p[TCP_QUEUES];
	struct timespec ts = { (time_t)(ns / NS_PER_S), (long)(ns % NS_PER_S) };
	unsigned n = 0;

	for (unsigned i = 0; i < TCP_QUEUES; i++)
		if (h->front[i].open)
			p[n++] = (struct pollfd){
				.fd = h->front[i].q.link.fd,
				.events = POLLIN |
					  (tcp_link_pending(&h->front[i].q.link) ? POLLOUT : 0)
			};
	return ppoll(p, n, &ts, NULL) < 0 && errno != EINTR ? -errno : 0;
}

static int tcp_relax(struct target *t, uint64_t ns)
{
	struct tcp_host *h = priv(t);
	uint64_t most = h->a.kato_ms && !h->case_has_kato ? h->a.kato_ms * NS_PER_MS / 4 : ns;
	int err = tcp_host_connect(h);

	if (ns > most)
		ns = most;
	if (!err && h->a.step)
		err = tcp_host_step(h, ns);
	else if (!err && ns)
		err = wait_sockets(h, ns);
	return trouble(t, err ? err : tcp_host_pump(h));
}

/* ---- registers ---- */

static bool is_kept(uint64_t off)
{
	return off == REG_AQA || (off >= REG_ASQ && off < REG_CMBLOC);
}

static uint64_t *kept(struct tcp_host *h, uint64_t off)
{
	return off < REG_ACQ ? &h->asq : &h->acq;
}

static void read_kept(struct tcp_host *h, uint64_t off, unsigned width, uint64_t *ret)
{
	if (off == REG_AQA)
		*ret = h->aqa;
	else
		*ret = width == 64 ? *kept(h, off)
				   : (uint32_t)(*kept(h, off) >> (off & 4 ? 32 : 0));
}

static void write_kept(struct tcp_host *h, uint64_t off, unsigned width, uint64_t value)
{
	uint64_t *v = kept(h, off);

	if (off == REG_AQA)
		h->aqa = (uint32_t)value;
	else if (width == 64)
		*v = value;
	else if (off & 4)
		*v = (uint32_t)*v | value << 32;
	else
		*v = (*v & ~0xffffffffull) | (uint32_t)value;
}

/* The property that an access means, and its width; those of 64 bits are read whole. */
static int find_property(struct target *t, uint64_t off, unsigned width, uint32_t *ret_off,
			 unsigned *ret_width)
{
	bool wide = off < REG_VS || (off >= REG_BPMBL && off < REG_CMBSTS);

	if (width != 32 && width != 64)
		return target_fail(t, -ENOTSUP, "a property has no access of %u bits", width);
	if (off >= REG_DOORBELLS || off % 4)
		return target_fail(t, -ERANGE, "no property at %llxh", (unsigned long long)off);
	*ret_off = (uint32_t)(wide ? off & ~7ull : off);
	*ret_width = wide ? 64 : width;
	return 0;
}

/* RDY is 0 after a reset: this association is over, and the next access begins another. */
static void see_csts(struct tcp_host *h, uint64_t csts)
{
	if (h->resetting && !(csts & CSTS_RDY))
		tcp_host_hang_up(h);
}

static int get_status(struct target *t, int err, uint16_t status, uint64_t off, const char *what)
{
	char text[STATUS_TEXT];

	if (err)
		return trouble(t, err);
	if (!status)
		return 0;
	return target_fail(t, status == SC_INVALID_FIELD ? -ENOTSUP : -EIO,
			   "%s of property %llxh: %s", what, (unsigned long long)off,
			   status_text(status, text));
}

static int tcp_reg_read(struct target *t, uint64_t off, unsigned width, uint64_t *ret)
{
	struct tcp_host *h = priv(t);
	uint16_t status = 0;
	uint64_t v = 0;
	uint32_t at = 0;
	unsigned whole = 0;
	int err = find_property(t, off, width, &at, &whole);

	if (err)
		return err;
	if (is_kept(off)) {
		read_kept(h, off, width, ret);
		return 0;
	}
	err = tcp_host_connect(h);
	if (!err)
		err = tcp_host_get(h, at, whole, &v, &status);
	if (err == -ENODEV && h->resetting) { /* it went with the association */
		tcp_host_hang_up(h);
		err = tcp_host_connect(h);
		if (!err)
			err = tcp_host_get(h, at, whole, &v, &status);
	}
	err = get_status(t, err, status, off, "Property Get");
	if (err)
		return err;
	if (off == REG_CSTS)
		see_csts(h, v);
	*ret = width == 64 ? v : (uint32_t)(v >> (off > at ? 32 : 0));
	return 0;
}

static int place_admin(struct target *t)
{
	struct tcp_host *h = priv(t);

	if (tcp_front_place(&h->front[0], h->asq, (h->aqa & 0xfff) + 1, h->acq,
			    (h->aqa >> 16 & 0xfff) + 1))
		return target_fail(t, -EINVAL, "ASQ or ACQ do not lie in memory of ours");
	return 0;
}

static int write_cc(struct target *t, uint32_t value)
{
	struct tcp_host *h = priv(t);
	bool was = h->cc & CC_EN, is = value & CC_EN;
	uint16_t status = 0;
	int err = is && !was ? place_admin(t) : 0;

	if (err)
		return err;
	err = tcp_host_set(h, REG_CC, 32, value, &status);
	err = get_status(t, err, status, REG_CC, "Property Set");
	if (err)
		return err;
	h->cc = value;
	if (was && !is) {
		h->resetting = true;
		tcp_host_drop_queues(h);
	}
	return 0;
}

/* The reset may take the connection before it takes the answer. */
static int write_nssr(struct target *t, uint64_t value)
{
	struct tcp_host *h = priv(t);
	uint16_t status = 0;
	int err = tcp_host_set(h, REG_NSSR, 32, value, &status);

	if (err == -ENODEV || (!err && !status)) {
		tcp_host_hang_up(h);
		return 0;
	}
	return get_status(t, err, status, REG_NSSR, "Property Set");
}

static int ring(struct target *t, uint64_t off, uint32_t value)
{
	struct tcp_host *h = priv(t);
	uint64_t n = (off - REG_DOORBELLS) / 4, qid = n / 2;
	struct tcp_front *f = qid < TCP_QUEUES ? &h->front[qid] : NULL;
	int err = 0;

	if (!f || !f->open)
		return 0;
	if (n % 2)
		tcp_front_took(f, value);
	else
		err = tcp_front_ring(f, value);
	return err ? target_fail(t, err, "%s", f->q.error) : 0;
}

static int tcp_reg_write(struct target *t, uint64_t off, unsigned width, uint64_t value)
{
	struct tcp_host *h = priv(t);
	uint16_t status = 0;
	int err;

	if (off >= REG_DOORBELLS && width == 32)
		return ring(t, off, (uint32_t)value);
	if (is_kept(off)) {
		write_kept(h, off, width, value);
		return 0;
	}
	err = trouble(t, tcp_host_connect(h));
	if (err)
		return err;
	if (off == REG_CC && width == 32)
		return write_cc(t, (uint32_t)value);
	if (off == REG_NSSR && width == 32)
		return write_nssr(t, value);
	err = tcp_host_set(h, (uint32_t)off, width, value, &status);
	return get_status(t, err, status, off, "Property Set");
}

/* ---- queues ---- */

static int tcp_queue_make(struct target *t, const struct target_queue *q,
			  struct target_queue_reply *ret)
{
	struct tcp_host *h = priv(t);
	struct tcp_front *f = q->qid < TCP_QUEUES ? &h->front[q->qid] : NULL;
	struct tcp_way w = tcp_host_way(h);
	struct connect c = { .qid = q->qid,
			     .sqsize_z = (uint16_t)(q->entries - 1),
			     .cattr = CATTR_DELETES_QUEUES };
	struct cqe e;
	int err;

	if (!f || f->open || q->qid > h->a.queues)
		return target_fail(t, -ENOTSUP, "no I/O queue %u is made here (queues=)", q->qid);
	if (h->a.no_flow_control)
		c.cattr |= CATTR_NO_FLOW_CONTROL;
	err = trouble(t, tcp_host_find_capsule(h));
	if (err)
		return err;
	f->open = true;
	err = tcp_queue_open(&f->q, &w, q->qid, q->entries);
	if (err)
		err = target_fail(t, err, "%s", f->q.error);
	if (!err)
		err = trouble(t, tcp_host_send_connect(h, &f->q, &c, &e));
	if (!err) {
		ret->status = CQE_STATUS(le16_get(e.status));
		ret->dw0 = le32_get(e.dw0);
	}
	if (!err && !ret->status) {
		f->q.capsule = h->capsule;
		f->q.no_flow_control = h->a.no_flow_control && le16_get(e.sqhd) == 0xffff;
		err = tcp_front_place(f, q->sq, q->entries, q->cq, q->entries);
	}
	if (err || ret->status)
		tcp_front_close(f);
	return err;
}

static int tcp_queue_delete(struct target *t, uint16_t qid)
{
	struct tcp_front *f = qid < TCP_QUEUES ? &priv(t)->front[qid] : NULL;
	struct sqe e = fabrics_disconnect();
	struct cqe c;
	int err;

	if (!f || !f->open || !qid)
		return target_fail(t, -EINVAL, "there is no I/O queue %u", qid);
	err = tcp_queue_exec(&f->q, &e, NULL, 0, &c);
	if (err)
		return target_fail(t, err, "%s", f->q.error);
	if (CQE_STATUS(le16_get(c.status)))
		return target_fail(t, -ENOTSUP, "the controller does not delete single queues");
	tcp_front_close(f);
	return 0;
}

/* ---- memory ---- */

static int tcp_dma_map(struct target *t, struct dma *d)
{
	struct tcp_host *h = priv(t);
	uint64_t at = ram_alloc(&h->ram, d->len, d->align);

	if (!at)
		return target_fail(t, -ENOMEM, "no room for %zu bytes in the arena of %zu (mem=)",
				   d->len, h->ram.size);
	d->iova = ARENA_AT + at;
	d->va = ram_at(&h->ram, at);
	return 0;
}

static void tcp_dma_unmap(struct target *t, struct dma *d)
{
	ram_free(&priv(t)->ram, d->iova - ARENA_AT);
}

static int make_arena(struct target *t)
{
	struct tcp_host *h = priv(t);
	int err;

	h->arena_fd = memfd_create("nvrig", MFD_CLOEXEC);
	if (h->arena_fd < 0 || ftruncate(h->arena_fd, (off_t)h->a.mem))
		err = -errno;
	else
		err = ram_open_fd(&h->ram, h->arena_fd, h->a.mem);
	h->memory = (struct tcp_memory){ &h->ram, ARENA_AT };
	return err ? target_fail(t, err, "mem=%llu: no memory of that size: %s",
				 (unsigned long long)h->a.mem, strerror(-err))
		   : 0;
}

/* ---- open and close ---- */

static void tcp_close(struct target *t)
{
	struct tcp_host *h = priv(t);

	tcp_host_hang_up(h);
	ram_close(&h->ram);
	if (h->arena_fd >= 0)
		close(h->arena_fd);
	free(h);
	t->priv = NULL;
}

static int tcp_open(struct target *t, const char *address)
{
	struct tcp_host *h = calloc(1, sizeof(*h));
	int err;

	if (!h)
		return -ENOMEM;
	h->arena_fd = -1;
	t->priv = h;
	for (unsigned i = 0; i < TCP_QUEUES; i++)
		h->front[i].memory = &h->memory;
	err = tcp_address_parse(t, address, &h->a);
	if (!err)
		err = make_arena(t);
	if (!err && !h->a.nqn[0])
		err = trouble(t, tcp_discover(h));
	if (!err)
		err = trouble(t, tcp_host_connect(h));
	if (err)
		tcp_close(t);
	return err;
}

static int tcp_leave(struct target *t, struct target_fabric *ret)
{
	struct tcp_host *h = priv(t);

	tcp_host_hang_up(h);
	*ret = (struct target_fabric){ .host = h->a.host,
				       .port = h->a.port,
				       .nqn = h->a.nqn,
				       .hostnqn = h->a.hostnqn,
				       .is_static = h->is_static,
				       .timeout_ns = h->a.timeout_ms * NS_PER_MS };
	memcpy(ret->hostid, h->a.hostid, sizeof(ret->hostid));
	return 0;
}

static const struct fabric_ops fabric = { .leave = tcp_leave };

static int tcp_caps(struct target *t, struct target_caps *ret)
{
	struct tcp_host *h = priv(t);

	*ret = (struct target_caps){ .has = NEED_COMMAND | NEED_REGS | NEED_CTRL | NEED_PDUS |
					    NEED_SQE,
				     .fabrics = true,
				     .emulated = h->a.step, /* no other has that clock */
				     .stepped = h->a.step,
				     .dma_bytes = h->ram.size - RAM_FIRST };
	if (h->a.engine[0])
		snprintf(ret->engine, sizeof(ret->engine), "%s", h->a.engine);
	else
		snprintf(ret->engine, sizeof(ret->engine), "NVMe/TCP at %.32s:%s", h->a.host,
			 h->a.port);
	return 0;
}

extern const struct target_ops target_tcp;
const struct target_ops target_tcp = {
	.scheme = "tcp",
	.help = tcp_address_help,
	.open = tcp_open,
	.close = tcp_close,
	.caps = tcp_caps,
	.reg_read = tcp_reg_read,
	.reg_write = tcp_reg_write,
	.dma_map = tcp_dma_map,
	.dma_unmap = tcp_dma_unmap,
	.fabric = &fabric,
	.queue_make = tcp_queue_make,
	.queue_delete = tcp_queue_delete,
	.now = tcp_now,
	.relax = tcp_relax,
};
