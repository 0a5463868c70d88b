// SPDX-License-Identifier: GPL-2.0-or-later
#include "wire.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "target/tcp_queue.h"

#define PLEN_MAX      (8u << 20)
#define READY_NS      (10 * NS_PER_S)
#define BUSY_US	      50000 /* between two tries where the controller is busy */
#define AT_SGL1	      24u
#define PSDT_SGL_BITS 0x40u

/* ---- connections ---- */

static void close_link(void *arg)
{
	tcp_link_close(&((struct wire *)arg)->link);
}

void wire_hang_up(struct wire *w)
{
	tcp_link_close(&w->link);
}

static void open_link(struct wire *w)
{
	struct tcp_way way = { .host = w->f.host,
			       .port = w->f.port,
			       .timeout_ns = w->f.timeout_ns };
	char error[200];
	int fd;

	if (tcp_dial(&way, &fd, error))
		rig_fail(w->r, "no connection: %s", error);
	if (tcp_link_open(&w->link, fd, false, PLEN_MAX))
		rig_broken(w->r, "out of memory");
}

static struct wire *dial(struct rig *r, const struct target_fabric *f)
{
	struct wire *w = rig_mem(r, sizeof(*w));

	*w = (struct wire){ .r = r, .f = *f, .link.fd = -1 };
	rig_defer(r, close_link, w);
	open_link(w);
	return w;
}

struct wire *wire_dial(struct rig *r)
{
	struct target *t = rig_target(r);
	struct target_fabric f;

	if (t->ops->fabric->leave(t, &f))
		rig_broken(r, "%s", t->error);
	if (getentropy(f.hostid, sizeof(f.hostid)))
		rig_broken(r, "no random bytes");
	return dial(r, &f);
}

struct wire *wire_beside(struct wire *w)
{
	struct wire *other = dial(w->r, &w->f);

	other->cntlid = w->cntlid;
	return other;
}

/* ---- PDUs ---- */

static void flush(struct wire *w)
{
	uint64_t end = clock_mono_ns() + w->f.timeout_ns;
	int err = tcp_link_flush(&w->link);

	while (!err && tcp_link_pending(&w->link) && clock_mono_ns() < end) {
		poll(&(struct pollfd){ .fd = w->link.fd, .events = POLLOUT }, 1, 100);
		err = tcp_link_flush(&w->link);
	}
	/* one that has hung up is found out by who waits for its answer */
}

void wire_put(struct wire *w, union tcp_header *h, const void *data, size_t len)
{
	if (tcp_link_put(&w->link, h, data, len))
		rig_broken(w->r, "out of memory");
	flush(w);
}

void wire_raw(struct wire *w, const void *bytes, size_t len)
{
	if (tcp_link_put_bytes(&w->link, bytes, len))
		rig_broken(w->r, "out of memory");
	flush(w);
}

int wire_next(struct wire *w, struct tcp_pdu *ret, uint64_t ns)
{
	uint64_t end = clock_mono_ns() + ns, now;
	int n;

	while (!(n = tcp_link_next(&w->link, ret)) && (now = clock_mono_ns()) < end)
		poll(&(struct pollfd){ .fd = w->link.fd, .events = POLLIN }, 1,
		     (int)((end - now) / NS_PER_MS) + 1);
	return n == -ECONNRESET || n == -EPIPE || n == -ESHUTDOWN ? -ENODEV : n;
}

static void need_pdu(struct wire *w, struct tcp_pdu *ret, const char *what)
{
	int n = wire_next(w, ret, w->f.timeout_ns);

	if (!n)
		rig_fail(w->r, "%s: nothing came", what);
	if (n == -EPROTO)
		rig_fail(w->r, "%s: what came is no legal PDU (%s, %Xh)", what,
			 tcp_fes_name(w->link.wrong.fes, false), w->link.wrong.fei);
	if (n < 0)
		rig_fail(w->r, "%s: the connection was closed", what);
	if (ret->h->ch.type == TCP_C2H_TERM)
		rig_fail(w->r, "%s: C2HTermReq, %s, %Xh", what,
			 tcp_fes_name(le16_get(ret->h->term.fes), true), le32_at(ret->h->term.fei));
}

void wire_greet(struct wire *w, unsigned dgst)
{
	union tcp_header h = { .icreq.dgst = (uint8_t)dgst };
	struct tcp_pdu pdu;

	h.ch.type = TCP_ICREQ;
	wire_put(w, &h, NULL, 0);
	need_pdu(w, &pdu, "ICReq");
	w->said = pdu.h->icresp;
	tcp_link_agree(&w->link, dgst & w->said.dgst & TCP_HDGST_ON,
		       dgst & w->said.dgst & TCP_DDGST_ON, (w->said.cpda + 1u) * 4);
}

/* ---- commands ---- */

union tcp_header wire_command(struct wire *w, struct sqe e)
{
	union tcp_header h = { .cmd.sqe = e };

	h.ch.type = TCP_CMD;
	/*
	 * With data and without: so Base 2.2 Command Dword 0 has it of Admin and I/O commands. Of
	 * Fabrics commands it has 10b and 00b, and 01b is reserved; hosts send 01b all the same,
	 * and Linux's target refuses another.
	 */
	h.cmd.sqe.flags |= PSDT_SGL_BITS;
	h.cmd.sqe.cid = le16_from(++w->cid);
	return h;
}

static void put_command(struct wire *w, struct sqe e, const void *data, size_t len)
{
	bool in_capsule = len && sqe_direction(&e) == 1 && len <= TCP_ADMIN_CAPSULE;
	struct sgl_desc d =
		in_capsule ? sgl_in_capsule(0, (uint32_t)len) : sgl_transport((uint32_t)len);
	union tcp_header h;

	memcpy((uint8_t *)&e + AT_SGL1, &d, sizeof(d));
	h = wire_command(w, e);
	wire_put(w, &h, in_capsule ? data : NULL, in_capsule ? len : 0);
}

static void take_data(struct wire *w, const struct tcp_pdu *pdu, void *data, size_t len)
{
	uint32_t at = le32_get(pdu->h->data.datao);

	if (le16_get(pdu->h->data.cccid) != w->cid || at > len || pdu->len > len - at)
		rig_fail(w->r, "C2HData of %zu bytes at %u for CID %u: nobody waits for them",
			 pdu->len, at, le16_get(pdu->h->data.cccid));
	memcpy((uint8_t *)data + at, pdu->data, pdu->len);
}

uint32_t wire_piece(struct wire *w, const struct tcp_r2t *t)
{
	uint32_t most = le32_get(w->said.maxh2cdata) & ~3u, n = le32_get(t->r2tl);

	if (!most)
		rig_fail(w->r, "MAXH2CDATA is %u: no data can be given",
			 le32_get(w->said.maxh2cdata));
	return n < most ? n : most;
}

static void give_data(struct wire *w, const struct tcp_r2t *t, const void *data, size_t len)
{
	uint32_t at = le32_get(t->r2to), left = le32_get(t->r2tl), n;

	if (at > len || left > len - at)
		rig_fail(w->r, "R2T of %u bytes at %u: there are %zu", left, at, len);
	for (; left; at += n, left -= n) {
		union tcp_header h = {
			.data = { .cccid = t->cccid, .ttag = t->ttag, .datao = le32_from(at) }
		};

		n = wire_piece(w, t);
		n = n < left ? n : left;
		h.ch.type = TCP_H2C_DATA;
		h.ch.flags = n == left ? TCP_F_LAST : 0;
		h.data.datal = le32_from(n);
		wire_put(w, &h, (const uint8_t *)data + at, n);
	}
}

static struct cqe await(struct wire *w, void *data, size_t len)
{
	for (;;) {
		struct tcp_pdu pdu;

		need_pdu(w, &pdu, "a command");
		if (pdu.h->ch.type == TCP_C2H_DATA)
			take_data(w, &pdu, data, len);
		else if (pdu.h->ch.type == TCP_R2T)
			give_data(w, &pdu.h->r2t, data, len);
		else if (le16_get(pdu.h->resp.cqe.cid) == w->cid)
			return pdu.h->resp.cqe;
		else
			rig_fail(w->r, "a response to CID %u, which is not under way",
				 le16_get(pdu.h->resp.cqe.cid));
	}
}

struct cqe wire_response(struct wire *w)
{
	return await(w, NULL, 0);
}

struct cqe wire_response_to(struct wire *w, void *data, size_t len)
{
	return await(w, data, len);
}

struct cqe wire_exec(struct wire *w, struct sqe e, void *data, size_t len)
{
	put_command(w, e, data, len);
	return await(w, data, len);
}

struct cqe wire_exec_ok(struct wire *w, struct sqe e, void *data, size_t len)
{
	struct cqe c = wire_exec(w, e, data, len);
	char text[STATUS_TEXT];

	if (wire_status(&c))
		rig_broken(w->r, "set-up: opcode %02Xh (%02Xh) ended with %s", e.opcode,
			   sqe_fctype(&e), status_text(wire_status(&c), text));
	return c;
}

uint64_t wire_property(struct wire *w, uint32_t off, unsigned width)
{
	struct cqe c = wire_exec_ok(w, fabrics_property_get(off, width), NULL, 0);

	return le32_get(c.dw0) | (width == 64 ? (uint64_t)le32_get(c.dw1) << 32 : 0);
}

/* ---- queues ---- */

struct connect_data wire_who(const struct wire *w, uint16_t cntlid)
{
	bool any = cntlid == CNTLID_DYNAMIC && w->f.is_static;
	struct connect_data d = { .cntlid = le16_from(any ? CNTLID_STATIC : cntlid) };

	memcpy(d.hostid, w->f.hostid, sizeof(d.hostid));
	memcpy(d.subnqn, w->f.nqn, sizeof(d.subnqn));
	memcpy(d.hostnqn, w->f.hostnqn, sizeof(d.hostnqn));
	return d;
}

struct cqe wire_connect(struct wire *w, const struct connect *c, const struct connect_data *who)
{
	struct connect_data copy = *who;

	return wire_exec(w, fabrics_connect(c), &copy, sizeof(copy));
}

void wire_enable(struct wire *w)
{
	uint64_t end = clock_mono_ns() + READY_NS;

	wire_exec_ok(w, fabrics_property_set(REG_CC, 32, CC_IOSQES(6) | CC_IOCQES(4) | CC_EN), NULL,
		     0);
	while (!(wire_property(w, REG_CSTS, 32) & CSTS_RDY))
		if (clock_mono_ns() > end)
			rig_fail(w->r, "CSTS.RDY does not become 1");
}

static struct wire *connect_admin(struct wire *w, bool enabled)
{
	struct connect c = { .sqsize_z = WIRE_ENTRIES - 1, .cattr = CATTR_DELETES_QUEUES };
	struct connect_data who = wire_who(w, CNTLID_DYNAMIC);
	struct cqe e = wire_connect(w, &c, &who);

	if (wire_status(&e) == FSC_CONTROLLER_BUSY)
		rig_skip(w->r, "needs", "a controller for a second host: the subsystem has none");
	if (wire_status(&e))
		rig_fail(w->r, "Connect of an admin queue is refused: status %03Xh, %Xh",
			 wire_status(&e), le32_get(e.dw0));
	w->cntlid = (uint16_t)le32_get(e.dw0);
	if (enabled)
		wire_enable(w);
	return w;
}

struct wire *wire_admin(struct rig *r, unsigned dgst, bool enabled)
{
	struct wire *w = wire_dial(r);

	wire_greet(w, dgst);
	return connect_admin(w, enabled);
}

struct wire *wire_admin_on(struct wire *w, bool enabled)
{
	return connect_admin(w, enabled);
}

struct wire *wire_again(struct wire *w, struct cqe *ret)
{
	struct connect c = { .sqsize_z = WIRE_ENTRIES - 1, .cattr = CATTR_DELETES_QUEUES };
	struct connect_data who = wire_who(w, CNTLID_DYNAMIC);
	uint64_t end = clock_mono_ns() + w->f.timeout_ns;
	struct wire *next = wire_beside(w);

	wire_greet(next, 0);
	*ret = wire_connect(next, &c, &who);
	while (wire_status(ret) == FSC_CONTROLLER_BUSY && clock_mono_ns() < end) {
		wire_hang_up(next);
		usleep(BUSY_US);
		open_link(next);
		wire_greet(next, 0);
		*ret = wire_connect(next, &c, &who);
	}
	next->cntlid = (uint16_t)le32_get(ret->dw0);
	return next;
}

uint16_t wire_sqsize_z(struct wire *admin, uint32_t entries)
{
	uint32_t most = CAP_MQES(wire_property(admin, REG_CAP, 64));

	return (uint16_t)(entries - 1 < most ? entries - 1 : most);
}

struct wire *wire_io(struct wire *admin)
{
	struct connect c = { .qid = 1,
			     .sqsize_z = wire_sqsize_z(admin, WIRE_ENTRIES),
			     .cattr = CATTR_DELETES_QUEUES };
	struct wire *w = wire_beside(admin);
	struct connect_data who = wire_who(w, w->cntlid);
	unsigned dgst = (admin->link.rules.hdgst ? TCP_HDGST_ON : 0) |
			(admin->link.rules.ddgst ? TCP_DDGST_ON : 0);
	struct cqe e;

	wire_greet(w, dgst);
	e = wire_connect(w, &c, &who);
	if (wire_status(&e))
		rig_fail(w->r, "Connect of I/O queue 1 is refused: status %03Xh, %Xh",
			 wire_status(&e), le32_get(e.dw0));
	return w;
}

uint32_t wire_blocks(struct rig *r, const struct facts_ns *ns, uint64_t lba, size_t len)
{
	size_t most = len < rig_mdts(r) ? len : rig_mdts(r);
	uint32_t n = (uint32_t)(most / ns->lba_bytes);

	if (!n || lba + n > ns->nsze)
		rig_na(r, "no transfer of %zu bytes from LBA %llu on: there are %llu blocks of %u",
		       most, (unsigned long long)lba, (unsigned long long)ns->nsze, ns->lba_bytes);
	return n;
}

/* ---- checks ---- */

static const char *status_name_of(uint16_t status, char buf[STATUS_TEXT])
{
	static const char *const names[] = {
		"Incompatible Format",	     "Controller Busy",	     "Connect Invalid Parameters",
		"Connect Restart Discovery", "Connect Invalid Host", "Invalid Queue Type"
	};

	if (status < FSC_INCOMPATIBLE_FORMAT || status > FSC_INVALID_QUEUE_TYPE)
		return status_text(status, buf);
	snprintf(buf, STATUS_TEXT, "%03Xh %s", status, names[status - FSC_INCOMPATIBLE_FORMAT]);
	return buf;
}

bool check_wire_status(struct rig *r, const struct check_site *s, const char *what,
		       const struct cqe *e, const uint16_t *want, unsigned n)
{
	char got_text[STATUS_TEXT], want_text[4 * STATUS_TEXT] = "", one[STATUS_TEXT];
	bool held = false;

	for (unsigned i = 0; i < n; i++) {
		size_t at = strlen(want_text);

		held |= wire_status(e) == want[i];
		snprintf(want_text + at, sizeof(want_text) - at, "%s%s", i ? " or " : "",
			 status_name_of(want[i], one));
	}
	return check_text(r, s, what, held, status_name_of(wire_status(e), got_text), want_text);
}

/* What ends it: 1 with C2HTermReq, -ENODEV without; 0: it goes on. */
static int await_end(struct wire *w, struct tcp_pdu *ret)
{
	int n = wire_next(w, ret, w->f.timeout_ns);

	if (n == 1 && ret->h->ch.type != TCP_C2H_TERM) {
		char name[16];

		rig_fail(w->r, "a fatal error is answered with %s",
			 tcp_type_name(ret->h->ch.type, name));
	}
	return n;
}

void wire_check_fatal(struct wire *w, unsigned fes_set, int64_t fei, const void *header)
{
	const struct tcp_term *t;
	struct tcp_pdu pdu;
	int n = await_end(w, &pdu);
	unsigned fes;

	if (!n)
		rig_fail(w->r, "the connection goes on after a fatal transport error");
	ADVISE_TRUE(w->r, n == 1, "C2HTermReq comes before the connection is closed");
	CHECK_TRUE(w->r, n == 1 || n == -ENODEV, "the connection ends");
	if (n != 1)
		return;
	t = &pdu.h->term;
	fes = le16_get(t->fes);
	CHECK_TRUE(w->r, fes < 32 && fes_set & WIRE_FES(fes),
		   "Fatal Error Status %Xh (%s) is one that fits", fes, tcp_fes_name(fes, true));
	if (fei >= 0 && fes == TCP_FES_FIELD)
		CHECK_EQ(w->r, "Fatal Error Information: offset of the field", le32_at(t->fei),
			 (uint32_t)fei);
	CHECK_TRUE(w->r, pdu.len >= sizeof(struct tcp_ch),
		   "the header in error is in it (%zu bytes)", pdu.len);
	if (pdu.len >= sizeof(struct tcp_ch))
		CHECK_MEM(w->r, "header in error", pdu.data, header, sizeof(struct tcp_ch));
}
