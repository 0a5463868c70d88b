// SPDX-License-Identifier: GPL-2.0-or-later
/* fabrics: what the controller claims and refuses, discovery, data in and out of capsules. */
#include <string.h>

#include "wire.h"

/* ---- identify-fields ---- */

static void identify_fields(struct rig *r)
{
	struct nvme_id_ctrl id;

	rig_id_ctrl(r, &id);
	CHECK_GE(r, "IOCCSZ, in 16 bytes", le32_get(id.ioccsz), 4);
	CHECK_EQ(r, "IORCSZ, in 16 bytes", le32_get(id.iorcsz), 1);
	CHECK_EQ(r, "ICDOFF", le16_get(id.icdoff), 0);
	CHECK_GE(r, "MSDBD", id.msdbd, 1);
	CHECK_NE(r, "SGLS bits 1:0", le32_get(id.sgls) & 3, 0);
	CHECK_NE(r, "KAS", le16_get(id.kas), 0);
	CHECK_NE(r, "MAXCMD", le16_get(id.maxcmd), 0);
	if (rig_ctrl(r)->vs >= VS(1, 4, 0))
		CHECK_EQ(r, "CNTRLTYPE (1: I/O)", id.cntrltype, 1);
}

/* ---- prohibited-admin ---- */

static const struct prohibited_row {
	const char *name;
	uint8_t opcode;
	uint32_t cdw10, cdw11;
} prohibited_rows[] = {
	{ "delete-sq", nvme_admin_delete_sq, 1, 0 },
	{ "create-sq", nvme_admin_create_sq, 0x000f0001, 0x00010001 },
	{ "delete-cq", nvme_admin_delete_cq, 1, 0 },
	{ "create-cq", nvme_admin_create_cq, 0x000f0001, 1 },
	{ "doorbell-buffer", nvme_admin_dbbuf, 0, 0 },
};

static void prohibited_admin(struct rig *r)
{
	const struct prohibited_row *row = rig_row(r);
	struct cmd c = cmd_raw(row->opcode, 0);

	c.sqe.cdw10 = le32_from(row->cdw10);
	c.sqe.cdw11 = le32_from(row->cdw11);
	CHECK_STATUS(r, rig_admin(r, c), SC_INVALID_OPCODE, SC_INVALID_FIELD);
	CHECK_STATUS(r, rig_admin(r, cmd_get_features(NVME_FEAT_FID_NUM_QUEUES, 0, 0, 0)),
		     SC_SUCCESS);
}

/* ---- in-capsule ---- */

static const struct capsule_row {
	const char *name;
	int32_t blocks; /* more or fewer than the limit of the capsule */
} capsule_rows[] = { { "one-block", INT32_MIN },
		     { "below", -1 },
		     { "limit", 0 },
		     { "above", 1 },
		     { "several-r2ts", 300 } };

static void in_capsule(struct rig *r)
{
	const struct capsule_row *row = rig_row(r);
	const struct facts_ns *ns = rig_ns(r);
	struct nvme_id_ctrl id;
	int64_t fits, n;
	uint8_t *out, *in;

	rig_id_ctrl(r, &id);
	fits = ((int64_t)le32_get(id.ioccsz) * 16 - 64) / ns->lba_bytes;
	n = row->blocks == INT32_MIN ? 1 : fits + row->blocks;
	if (n < 1 || (size_t)n * ns->lba_bytes > rig_mdts(r) || 8 + (uint64_t)n > ns->nsze)
		rig_na(r, "%lld blocks are no transfer here", (long long)n);
	out = rig_mem(r, (size_t)n * ns->lba_bytes);
	in = rig_mem(r, (size_t)n * ns->lba_bytes);
	rig_stamp(out, 8, (uint32_t)n, ns->lba_bytes, 0x5a);
	REQUIRE_STATUS(r,
		       rig_io(r, rig_queue(r),
			      cmd_write(ns->nsid, 8, (uint32_t)n, out, (size_t)n * ns->lba_bytes)),
		       SC_SUCCESS);
	REQUIRE_STATUS(r,
		       rig_io(r, rig_queue(r),
			      cmd_read(ns->nsid, 8, (uint32_t)n, in, (size_t)n * ns->lba_bytes)),
		       SC_SUCCESS);
	CHECK_STAMP(r, in, 8, (uint32_t)n, ns->lba_bytes, 0x5a);
}

/* ---- discovery ---- */

/* ASCII, and then blanks or zeros to the end. */
static bool is_padded(const char *s, size_t len)
{
	size_t n = 0;

	while (n < len && s[n] > ' ' && s[n] < 0x7f)
		n++;
	for (size_t i = n; i < len; i++)
		if (s[i] != ' ' && s[i] != 0)
			return false;
	return n > 0;
}

static void check_entry(struct rig *r, const struct discovery_entry *e)
{
	uint16_t cntlid = le16_get(e->cntlid);

	CHECK_TRUE(r, e->subtype >= 1 && e->subtype <= 3, "SUBTYPE %u is defined", e->subtype);
	CHECK_TRUE(r, cntlid <= CNTLID_LAST || cntlid >= 0xfffe, "CNTLID %04Xh is legal", cntlid);
	CHECK_GE(r, "ASQSZ", le16_get(e->asqsz), 32);
	CHECK_TRUE(r, memchr(e->subnqn, 0, NQN_BYTES) && !strncmp(e->subnqn, "nqn.", 4),
		   "SUBNQN is a name with an end");
	CHECK_TRUE(r, is_padded(e->trsvcid, sizeof(e->trsvcid)), "TRSVCID is ASCII, padded");
	CHECK_TRUE(r, is_padded(e->traddr, sizeof(e->traddr)), "TRADDR is ASCII, padded");
}

static struct wire *discovery(struct rig *r)
{
	struct wire *w = wire_discovery(r);

	if (!w)
		rig_fail(r, "a host is not let in to the discovery service");
	return w;
}

static void discovery_log(struct rig *r)
{
	struct wire *w = discovery(r);
	struct discovery_header h, again;
	struct discovery_entry e;
	bool found = false;
	uint64_t n;

	wire_discovery_log(w, 0, &h, sizeof(h));
	n = le64_get(h.numrec);
	CHECK_EQ(r, "RECFMT", le16_get(h.recfmt), 0);
	for (uint64_t i = 0; i < n && i < 64; i++) {
		wire_discovery_log(w, DISCOVERY_HEADER + i * DISCOVERY_ENTRY, &e, sizeof(e));
		check_entry(r, &e);
		found |= !strncmp(e.subnqn, w->f.nqn, NQN_BYTES);
	}
	wire_discovery_log(w, 0, &again, sizeof(again));
	CHECK_EQ(r, "GENCTR after the log was read in pieces", le64_get(again.genctr),
		 le64_get(h.genctr));
	CHECK_TRUE(r, found || n > 64, "the subsystem that is tested is among %llu records",
		   (unsigned long long)n);
}

static void discovery_ctrl(struct rig *r)
{
	struct wire *w = discovery(r), *io;
	struct sqe ask = { .opcode = nvme_admin_identify, .cdw10 = le32_from(1) };
	struct connect c = { .qid = 1, .sqsize_z = WIRE_ENTRIES - 1 };
	struct connect_data who;
	struct nvme_id_ctrl id = { 0 };
	struct cqe e;

	wire_exec_ok(w, ask, &id, sizeof(id));
	if (le32_get(id.ver) >= VS(1, 4, 0))
		CHECK_EQ(r, "CNTRLTYPE (2: discovery)", id.cntrltype, 2);
	e = wire_exec(w, (struct sqe){ .opcode = nvme_admin_format_nvm, .nsid = le32_from(1) },
		      NULL, 0);
	CHECK_WIRE(r, "status of Format NVM", &e, SC_INVALID_OPCODE);
	io = wire_beside(w);
	wire_greet(io, 0);
	who = wire_who(io, w->cntlid);
	memset(who.subnqn, 0, sizeof(who.subnqn));
	memcpy(who.subnqn, DISCOVERY_NQN, sizeof(DISCOVERY_NQN));
	e = wire_connect(io, &c, &who);
	CHECK_NE(r, "status (any error) of Connect of an I/O queue", wire_status(&e), SC_SUCCESS);
}

/* ---- property-reset, keepalive-timeout ---- */

#define ALIVE_MS    1000u
#define PATIENCE_NS (20 * NS_PER_S)

static void property_reset(struct rig *r)
{
	struct wire *w = wire_admin(r, 0, true), *io = wire_io(w), *next;
	uint64_t end = clock_mono_ns() + w->f.timeout_ns;
	struct cqe e;

	wire_exec_ok(w, fabrics_property_set(REG_CC, 32, CC_IOSQES(6) | CC_IOCQES(4)), NULL, 0);
	while (wire_property(w, REG_CSTS, 32) & CSTS_RDY)
		REQUIRE_TRUE(r, clock_mono_ns() < end, "CSTS.RDY becomes 0");
	wire_hang_up(io);
	wire_hang_up(w);
	next = wire_again(w, &e);
	CHECK_WIRE(r, "status of Connect after the reset", &e, SC_SUCCESS);
	CHECK_EQ(r, "CC.EN of the controller", wire_property(next, REG_CC, 32) & CC_EN, 0);
}

/* What becomes of a Keep Alive Timeout in units of KAS, twice, as traffic may restart it, and some. */
static uint64_t silence_ns(struct rig *r)
{
	struct sqe ask = { .opcode = nvme_admin_identify, .cdw10 = le32_from(1) };
	struct wire *w = wire_admin(r, 0, true);
	struct nvme_id_ctrl id;
	uint64_t unit, kato;

	wire_exec_ok(w, ask, &id, sizeof(id));
	wire_hang_up(w);
	unit = le16_get(id.kas) * 100ull;
	if (!unit)
		rig_na(r, "KAS is 0: no Keep Alive");
	kato = (ALIVE_MS + unit - 1) / unit * unit;
	if (2 * kato * NS_PER_MS > PATIENCE_NS)
		rig_skip(r, "patience", "KAS makes a timeout of a second one of %llu ms",
			 (unsigned long long)kato);
	return 2 * kato * NS_PER_MS + 5 * NS_PER_S;
}

static void keepalive_timeout(struct rig *r)
{
	uint64_t silence = silence_ns(r);
	struct wire *w = wire_dial(r);
	struct connect c = { .sqsize_z = WIRE_ENTRIES - 1, .kato_ms = ALIVE_MS };
	struct connect_data who = wire_who(w, CNTLID_DYNAMIC);
	struct tcp_pdu pdu;
	struct cqe e;
	int n;

	wire_greet(w, 0);
	e = wire_connect(w, &c, &who);
	REQUIRE_TRUE(r, !wire_status(&e), "Connect with a Keep Alive Timeout of a second");
	wire_exec_ok(w, fabrics_property_set(REG_CC, 32, CC_IOSQES(6) | CC_IOCQES(4) | CC_EN), NULL,
		     0);
	n = wire_next(w, &pdu, silence);
	CHECK_TRUE(r, n < 0 || (n == 1 && pdu.h->ch.type == TCP_C2H_TERM),
		   "the connection of a host that is silent ends");
}

static const struct rig_case cases[] = {
	{ .id = "identify-fields",
	  .rule = "Identify Controller claims what Fabrics want of it.",
	  .ref = "Base 2.0 Identify Controller data structure; " WIRE_TCP "Capsules",
	  .needs = WIRE_NEEDS,
	  .fault = "fabrics-iorcsz-zero fabrics-icdoff-set fabrics-ioccsz-short fabrics-msdbd-zero "
		   "fabrics-sgls-unclaimed",
	  .shakes = true,
	  .run = identify_fields },
	{ .id = "prohibited-admin",
	  .rule = "Admin commands of memory-based queues fail and break nothing.",
	  .ref = "Base 2.0 Admin Command Set",
	  .needs = WIRE_NEEDS,
	  .fault = "fabrics-queue-commands",
	  .shakes = true,
	  .run = prohibited_admin,
	  ROWS(prohibited_rows) },
	{ .id = "in-capsule",
	  .rule = "Data are the same in the capsule, up to its limit, and asked for, beyond it.",
	  .ref = WIRE_TCP "Data Transfer Model",
	  .needs = WIRE_NEEDS,
	  .harm = HARM_DATA,
	  .fault = "tcp-capsule-limit-short tcp-r2t-second-lost",
	  .shakes = true,
	  .run = in_capsule,
	  ROWS(capsule_rows) },
	{ .id = "discovery-log",
	  .rule = "The discovery log is legal, stands still while it is read, and has the "
		  "subsystem.",
	  .ref = WIRE_BASE "Discovery Log Page",
	  .needs = WIRE_NEEDS,
	  .fault = "discovery-genctr-moves discovery-unpadded discovery-asqsz-small",
	  .shakes = true,
	  .run = discovery_log },
	{ .id = "discovery-ctrl",
	  .rule = "A discovery controller says that it is one and has no I/O queues.",
	  .ref = WIRE_BASE "Discovery Controller",
	  .needs = WIRE_NEEDS,
	  .fault = "discovery-type-io discovery-format-done",
	  .shakes = true,
	  .run = discovery_ctrl },
	{ .id = "property-reset",
	  .rule = "A reset by Property Set ends the association, and the host can begin another.",
	  .ref = WIRE_BASE "Property Set Command and Response; NVM Controller Architecture",
	  .needs = WIRE_NEEDS,
	  .fault = "tcp-reset-keeps-ready",
	  .shakes = true,
	  .run = property_reset },
	{ .id = "keepalive-timeout",
	  .rule = "A host that is silent for its Keep Alive Timeout loses its association.",
	  .ref = WIRE_BASE "Keep Alive; Keep Alive Timeout Cleanup",
	  .needs = WIRE_NEEDS,
	  .fault = "tcp-silent-host-stays",
	  .shakes = true,
	  .run = keepalive_timeout },
};

SUITE(fabrics_ctrl_suite, CONFORMANCE, "fabrics", cases);
