// SPDX-License-Identifier: GPL-2.0-or-later
/* fabrics: who is let in and as whom, which queues are made, what a cut connection leaves. */
#include <ctype.h>
#include <string.h>
#include <sys/socket.h>

#include "wire.h"

#define FID_HOSTID    0x81u
#define EXHID	      1u

#define QUEUES_ASKED  7u /* 0's based */
#define QUEUES_MADE   8u
#define FEW	      8u /* entries of each */
#define CUT_LBA	      8u
#define CUT_OTHER_LBA 256u
#define CUT_LEN	      32768u /* more than goes into a capsule, mostly */
#define CUT_ROUNDS    4u

/* Connect as that host, to the subsystem, on a connection that was greeted. */
static struct cqe connect_as(struct wire *w, const struct connect_data *who)
{
	struct connect c = { .sqsize_z = WIRE_ENTRIES - 1, .cattr = CATTR_DELETES_QUEUES };
	struct cqe e = wire_connect(w, &c, who);

	w->cntlid = (uint16_t)le32_get(e.dw0);
	return e;
}

/* ---- connect-bad-subnqn ---- */

static void name_longer(char nqn[NQN_BYTES])
{
	nqn[strnlen(nqn, NQN_MAX - 1)] = 'x';
}

static void name_shorter(char nqn[NQN_BYTES])
{
	nqn[strnlen(nqn, NQN_MAX) - 1] = 0;
}

/* Its last letter in the other case. That names are bytes to a controller is a should. */
static void name_case(char nqn[NQN_BYTES])
{
	size_t n = strnlen(nqn, NQN_MAX);

	while (n && !isalpha((unsigned char)nqn[n - 1]))
		n--;
	if (n)
		nqn[n - 1] ^= 0x20;
}

static void name_none(char nqn[NQN_BYTES])
{
	memset(nqn, 0, NQN_BYTES);
}

static const struct name_row {
	const char *name;
	void (*bend)(char nqn[NQN_BYTES]);
	bool should;
} name_rows[] = { { "one-byte-more", name_longer, false },
		  { "one-byte-less", name_shorter, false },
		  { "other-case", name_case, true },
		  { "none", name_none, false } };

static void bad_subnqn(struct rig *r)
{
	const struct name_row *row = rig_row(r);
	struct wire *w = wire_dial(r);
	struct connect_data who = wire_who(w, CNTLID_DYNAMIC);
	struct cqe e;

	row->bend(who.subnqn);
	wire_greet(w, 0);
	e = connect_as(w, &who);
	check_wire_status(r, CHECK_SITE(0, row->should), "status", &e,
			  STATUS_LIST(FSC_CONNECT_INVALID_PARAM, FSC_CONNECT_INVALID_HOST), 2);
	if (wire_status(&e) == FSC_CONNECT_INVALID_PARAM)
		CHECK_EQ(r, "Dword 0: where SUBNQN is", le32_get(e.dw0) & 0x1ffff,
			 0x10000 + offsetof(struct connect_data, subnqn));
}

/* ---- host-identity ---- */

/* The Host Identifier that the controller has of its host, where it tells. */
static void check_identifier(struct wire *w, const uint8_t want[16])
{
	struct sqe get = { .opcode = nvme_admin_get_features,
			   .cdw10 = le32_from(FID_HOSTID),
			   .cdw11 = le32_from(EXHID) };
	uint8_t got[16] = { 0 };
	struct cqe e = wire_exec(w, get, got, sizeof(got));

	if (wire_status(&e) == SC_INVALID_FIELD)
		rig_na(w->r, "there is no Host Identifier feature");
	CHECK_WIRE(w->r, "status of Get Features, Host Identifier", &e, SC_SUCCESS);
	CHECK_MEM(w->r, "Host Identifier", got, want, sizeof(got));
}

static void identity_feature(struct rig *r)
{
	struct wire *w = wire_admin(r, 0, true);

	check_identifier(w, w->f.hostid);
}

/* One name, two identifiers: as a host that has parts, each with a controller of its own. */
static void identity_two(struct rig *r)
{
	struct wire *first = wire_admin(r, 0, true), *second = wire_beside(first);

	second->f.hostid[0] ^= 0xff;
	wire_greet(second, 0);
	second = wire_admin_on(second, true);
	check_identifier(second, second->f.hostid);
	check_identifier(first, first->f.hostid);
}

/*
 * Host Identifier 0h in the Connect of an I/O queue is to be ignored, and a controller need not
 * support it in a Connect at all: TREQ says whether it does.
 */
static void identity_io_none(struct rig *r)
{
	bool claimed = wire_treq(r) & TREQ_ZERO_HOSTID;
	struct wire *admin = wire_admin(r, 0, true), *w = wire_beside(admin);
	struct connect c = { .qid = 1, .sqsize_z = wire_sqsize_z(admin, WIRE_ENTRIES) };
	struct connect_data who = wire_who(w, admin->cntlid);
	struct cqe e;

	memset(who.hostid, 0, sizeof(who.hostid));
	wire_greet(w, 0);
	e = wire_connect(w, &c, &who);
	if (claimed)
		CHECK_WIRE(r, "status", &e, SC_SUCCESS);
	else
		CHECK_WIRE(r, "status (TREQ bit 3 is 0)", &e, SC_SUCCESS,
			   FSC_CONNECT_INVALID_PARAM);
}

static const struct part_row {
	const char *name;
	void (*run)(struct rig *r);
} identity_rows[] = { { "feature", identity_feature },
		      { "two-identifiers", identity_two },
		      { "io-without", identity_io_none } };

static void run_part(struct rig *r)
{
	((const struct part_row *)rig_row(r))->run(r);
}

/* ---- queue-options ---- */

/* An I/O queue of that SQSIZE, greeted anew: the status of its Connect. */
static struct wire *make_queue(struct wire *admin, uint16_t qid, uint16_t sqsize_z, struct cqe *ret)
{
	struct wire *w = wire_beside(admin);
	struct connect c = { .qid = qid, .sqsize_z = sqsize_z, .cattr = CATTR_DELETES_QUEUES };
	struct connect_data who = wire_who(w, admin->cntlid);

	wire_greet(w, 0);
	*ret = wire_connect(w, &c, &who);
	return w;
}

static void check_works(struct wire *w, unsigned qid)
{
	struct sqe flush = { .opcode = nvme_cmd_flush, .nsid = le32_from(rig_ns(w->r)->nsid) };

	for (unsigned i = 0; i < 3; i++) {
		struct cqe e = wire_exec(w, flush, NULL, 0);

		CHECK_TRUE(w->r, !wire_status(&e), "Flush %u on queue %u succeeds: %03Xh", i, qid,
			   wire_status(&e));
	}
}

static void queue_of(struct rig *r, struct wire *admin, uint16_t sqsize_z)
{
	struct cqe e;
	struct wire *w = make_queue(admin, 1, sqsize_z, &e);

	CHECK_WIRE(r, "status of Connect", &e, SC_SUCCESS);
	if (!wire_status(&e))
		check_works(w, 1);
}

static void queue_smallest(struct rig *r)
{
	queue_of(r, wire_admin(r, 0, true), 1);
}

static void queue_largest(struct rig *r)
{
	struct wire *admin = wire_admin(r, 0, true);

	queue_of(r, admin, wire_sqsize_z(admin, 0x10000));
}

/* How many I/O queues the controller gives. */
static unsigned count_queues(struct wire *admin)
{
	struct sqe set = { .opcode = nvme_admin_set_features,
			   .cdw10 = le32_from(NVME_FEAT_FID_NUM_QUEUES),
			   .cdw11 = le32_from(QUEUES_ASKED << 16 | QUEUES_ASKED) };
	uint32_t given = le32_get(wire_exec_ok(admin, set, NULL, 0).dw0);
	unsigned sqs = (given & 0xffff) + 1, cqs = (given >> 16) + 1;

	return sqs < cqs ? sqs : cqs;
}

static void queue_all(struct rig *r)
{
	struct wire *admin = wire_admin(r, 0, true), *w[QUEUES_MADE];
	unsigned n = count_queues(admin);
	struct cqe e;

	n = n < QUEUES_MADE ? n : QUEUES_MADE;
	for (unsigned i = 0; i < n; i++) {
		w[i] = make_queue(admin, (uint16_t)(i + 1), wire_sqsize_z(admin, FEW), &e);
		REQUIRE_TRUE(r, !wire_status(&e), "queue %u of %u is made: %03Xh", i + 1, n,
			     wire_status(&e));
	}
	for (unsigned i = 0; i < n; i++)
		check_works(w[i], i + 1);
}

static void queue_past_count(struct rig *r)
{
	struct wire *admin = wire_admin(r, 0, true);
	unsigned n = count_queues(admin);
	struct cqe e;

	if (n >= 0xfffe)
		rig_na(r, "there is a queue for every QID");
	make_queue(admin, (uint16_t)(n + 1), wire_sqsize_z(admin, FEW), &e);
	/* the text says nothing of such a QID; and of any Connect how it does not fail */
	ADVISE_TRUE(r, wire_status(&e), "Connect with the QID past the last, %u, is refused",
		    n + 1);
	CHECK_NE(r, "status (any but Invalid Field) of it", wire_status(&e), SC_INVALID_FIELD);
}

static const struct part_row option_rows[] = { { "two-entries", queue_smallest },
					       { "largest", queue_largest },
					       { "all", queue_all },
					       { "past-count", queue_past_count } };

/* ---- conn-reset-io ---- */

static struct sqe blocks_of(const struct facts_ns *ns, uint8_t opcode, uint64_t lba, uint32_t n)
{
	return (struct sqe){ .opcode = opcode,
			     .nsid = le32_from(ns->nsid),
			     .cdw10 = le32_from((uint32_t)lba),
			     .cdw12 = le32_from(n - 1) };
}

/* A reset in place of an orderly end. */
static void cut(struct wire *w)
{
	const struct linger at_once = { .l_onoff = 1 };

	setsockopt(w->link.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	wire_hang_up(w);
}

/* A Write whose data are in the host, of which half have been given, or what goes into a PDU. */
static void half_a_write(struct wire *w, const struct facts_ns *ns, uint32_t blocks,
			 const uint8_t *data)
{
	struct sqe e = blocks_of(ns, nvme_cmd_write, CUT_OTHER_LBA, blocks);
	struct sgl_desc d = sgl_transport(blocks * ns->lba_bytes);
	union tcp_header h;
	struct tcp_pdu pdu;
	uint32_t n;

	memcpy((uint8_t *)&e + 24, &d, sizeof(d));
	h = wire_command(w, e);
	wire_put(w, &h, NULL, 0);
	if (wire_next(w, &pdu, w->f.timeout_ns) != 1 || pdu.h->ch.type != TCP_R2T)
		rig_fail(w->r, "a Write whose data are in the host is not answered with R2T");
	n = wire_piece(w, &pdu.h->r2t) / 2 & ~3u;
	h = (union tcp_header){ .data = { .cccid = pdu.h->r2t.cccid,
					  .ttag = pdu.h->r2t.ttag,
					  .datao = pdu.h->r2t.r2to,
					  .datal = le32_from(n) } };
	h.ch.type = TCP_H2C_DATA;
	wire_put(w, &h, data, n);
}

/* Again the same host, as soon as the controller has noticed. */
static struct wire *come_back(struct wire *w)
{
	struct cqe e;
	struct wire *next = wire_again(w, &e);

	if (wire_status(&e))
		rig_fail(w->r, "Connect after the cut is refused: status %03Xh", wire_status(&e));
	wire_enable(next);
	return next;
}

static void conn_reset_io(struct rig *r)
{
	const struct facts_ns *ns = rig_ns(r);
	uint32_t n = wire_blocks(r, ns, CUT_OTHER_LBA, CUT_LEN);
	size_t len = n * (size_t)ns->lba_bytes;
	uint8_t *data = rig_mem(r, len);
	struct wire *admin = wire_admin(r, 0, true), *io = wire_io(admin);

	for (unsigned round = 0; round < CUT_ROUNDS; round++) {
		rig_stamp(data, CUT_LBA, n, ns->lba_bytes, round);
		wire_exec_ok(io, blocks_of(ns, nvme_cmd_write, CUT_LBA, n), data, len);
		half_a_write(io, ns, n, data);
		cut(io);
		cut(admin);
		admin = come_back(admin);
		io = wire_io(admin);
		wire_exec_ok(io, blocks_of(ns, nvme_cmd_read, CUT_LBA, n), data, len);
		CHECK_STAMP(r, data, CUT_LBA, n, ns->lba_bytes, round);
	}
}

static const struct rig_case cases[] = {
	{ .id = "connect-bad-subnqn",
	  .rule = "A name that is not quite the subsystem's is refused, and the place is told.",
	  .ref = WIRE_BASE "Connect Command and Response; NVMe Qualified Names; UTF-8 String "
			   "Processing",
	  .needs = WIRE_NEEDS,
	  .fault = "tcp-subnqn-case-unread tcp-subnqn-beginning",
	  .shakes = true,
	  .run = bad_subnqn,
	  ROWS(name_rows) },
	{ .id = "host-identity",
	  .rule = "The Host Identifier of Connect is the controller's, of each host its own.",
	  .ref = WIRE_BASE "Connect Command and Response; Discovery Log Page",
	  .needs = WIRE_NEEDS,
	  .fault = "tcp-hostid-lost tcp-hostid-zero-refused",
	  .shakes = true,
	  .run = run_part,
	  ROWS(identity_rows) },
	{ .id = "queue-options",
	  .rule = "I/O queues of any legal size, as many as were promised, are made and work.",
	  .ref = WIRE_BASE "Connect Command and Response; Base 2.0 Number of Queues (Feature "
			   "Identifier 07h); Base 2.0 Controller Capabilities (CAP)",
	  .needs = WIRE_NEEDS,
	  .fault = "tcp-two-entries-refused tcp-qid-past-count",
	  .shakes = true,
	  .run = run_part,
	  ROWS(option_rows) },
	{ .id = "conn-reset-io",
	  .rule = "A connection cut in the middle of a Write loses nothing that was acknowledged, "
		  "and the host can come back.",
	  .ref = WIRE_BASE "NVM Controller Architecture; TCP Transport 1.0 Transport Error "
			   "Handling",
	  .needs = WIRE_NEEDS,
	  .harm = HARM_DATA,
	  .fault = "tcp-cut-keeps-controller",
	  .shakes = true,
	  .run = conn_reset_io },
};

SUITE(fabrics_host_suite, CONFORMANCE, "fabrics", cases);
