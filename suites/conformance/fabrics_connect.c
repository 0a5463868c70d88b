// SPDX-License-Identifier: GPL-2.0-or-later
/* fabrics: Connect, what comes before it, and properties. */
#include <string.h>

#include "wire.h"

#define IN_DATA	   0x10000u /* Dword 0 of a refused Connect: the offset is of the data */
#define AT_SQSIZE  44u
#define AT_HOSTID  (0u | IN_DATA)
#define AT_CNTLID  (16u | IN_DATA)
#define AT_SUBNQN  (256u | IN_DATA)
#define AT_HOSTNQN (512u | IN_DATA)
#define AT_ANY	   UINT32_MAX
#define OTHER_NQN  "nqn.2014-08.org.nvmexpress:uuid:00000000-0000-4000-8000-000000000000"

/* ---- connect-bad-fields ---- */

static void bend_recfmt(struct connect *c, struct connect_data *d)
{
	(void)d;
	c->recfmt = 1;
}

static void bend_sqsize(struct connect *c, struct connect_data *d)
{
	(void)d;
	c->sqsize_z = 0;
}

static void bend_sqsize_most(struct connect *c, struct connect_data *d)
{
	(void)d;
	c->sqsize_z = 0xffff;
}

/* What the other controller model has; of an I/O queue a controller that there is not. */
static void bend_cntlid(struct connect *c, struct connect_data *d)
{
	uint16_t id = le16_get(d->cntlid);

	(void)c;
	d->cntlid = le16_from(id == CNTLID_DYNAMIC  ? 1
			      : id == CNTLID_STATIC ? CNTLID_DYNAMIC
						    : 0xffe0);
}

static void bend_cntlid_reserved(struct connect *c, struct connect_data *d)
{
	(void)c;
	d->cntlid = le16_from(0xfff0);
}

static void bend_subnqn(struct connect *c, struct connect_data *d)
{
	(void)c;
	memset(d->subnqn, 0, sizeof(d->subnqn));
	memcpy(d->subnqn, OTHER_NQN, sizeof(OTHER_NQN));
}

static void bend_subnqn_endless(struct connect *c, struct connect_data *d)
{
	(void)c;
	for (size_t i = strnlen(d->subnqn, NQN_BYTES); i < NQN_BYTES; i++)
		d->subnqn[i] = 'x';
}

static void bend_hostnqn_none(struct connect *c, struct connect_data *d)
{
	(void)c;
	memset(d->hostnqn, 0, sizeof(d->hostnqn));
}

static void bend_hostnqn(struct connect *c, struct connect_data *d)
{
	(void)c;
	memset(d->hostnqn, 0, sizeof(d->hostnqn));
	memcpy(d->hostnqn, OTHER_NQN, sizeof(OTHER_NQN));
}

static void bend_hostid(struct connect *c, struct connect_data *d)
{
	(void)c;
	d->hostid[15] ^= 1;
}

static const struct connect_row {
	const char *name;
	bool io;
	void (*bend)(struct connect *c, struct connect_data *d);
	uint16_t want[2]; /* the strict answer first */
	uint32_t at;	  /* Dword 0 with Connect Invalid Parameters */
} connect_rows[] = {
	{ "admin-recfmt", false, bend_recfmt, { FSC_INCOMPATIBLE_FORMAT }, AT_ANY },
	{ "admin-sqsize-0", false, bend_sqsize, { FSC_CONNECT_INVALID_PARAM }, AT_SQSIZE },
	{ "admin-cntlid", false, bend_cntlid, { FSC_CONNECT_INVALID_PARAM }, AT_CNTLID },
	{ "admin-cntlid-reserved",
	  false,
	  bend_cntlid_reserved,
	  { FSC_CONNECT_INVALID_PARAM },
	  AT_CNTLID },
	{ "admin-subnqn", false, bend_subnqn, { FSC_CONNECT_INVALID_PARAM }, AT_SUBNQN },
	{ "admin-subnqn-endless",
	  false,
	  bend_subnqn_endless,
	  { FSC_CONNECT_INVALID_PARAM },
	  AT_SUBNQN },
	{ "admin-hostnqn-none",
	  false,
	  bend_hostnqn_none,
	  { FSC_CONNECT_INVALID_PARAM, FSC_CONNECT_INVALID_HOST },
	  AT_HOSTNQN },
	{ "io-recfmt", true, bend_recfmt, { FSC_INCOMPATIBLE_FORMAT }, AT_ANY },
	{ "io-sqsize-0", true, bend_sqsize, { FSC_CONNECT_INVALID_PARAM }, AT_SQSIZE },
	{ "io-sqsize-past-mqes", true, bend_sqsize_most, { FSC_CONNECT_INVALID_PARAM }, AT_SQSIZE },
	{ "io-cntlid", true, bend_cntlid, { FSC_CONNECT_INVALID_PARAM }, AT_CNTLID },
	{ "io-subnqn", true, bend_subnqn, { FSC_CONNECT_INVALID_PARAM }, AT_SUBNQN },
	{ "io-hostnqn",
	  true,
	  bend_hostnqn,
	  { FSC_CONNECT_INVALID_PARAM, FSC_CONNECT_INVALID_HOST },
	  AT_HOSTNQN },
	{ "io-hostid", true, bend_hostid, { FSC_CONNECT_INVALID_PARAM }, AT_HOSTID },
};

/* The connection that the row's Connect goes to, greeted, and that Connect as it should be. */
static struct wire *ready_for(struct rig *r, const struct connect_row *row, struct connect *ret)
{
	struct wire *w;

	*ret = (struct connect){ .qid = row->io, .sqsize_z = WIRE_ENTRIES - 1 };
	if (!row->io) {
		w = wire_dial(r);
	} else {
		struct wire *admin = wire_admin(r, 0, true);

		if (row->bend == bend_sqsize_most &&
		    CAP_MQES(wire_property(admin, REG_CAP, 64)) == 0xffff)
			rig_na(r, "CAP.MQES is FFFFh: no queue is too large");
		ret->sqsize_z = wire_sqsize_z(admin, WIRE_ENTRIES);
		w = wire_beside(admin);
	}
	wire_greet(w, 0);
	return w;
}

static void connect_bad_fields(struct rig *r)
{
	const struct connect_row *row = rig_row(r);
	struct connect c;
	struct wire *w = ready_for(r, row, &c);
	struct connect_data d = wire_who(w, row->io ? w->cntlid : CNTLID_DYNAMIC);
	struct cqe e;

	row->bend(&c, &d);
	e = wire_connect(w, &c, &d);
	check_wire_status(r, CHECK_SITE(0, 0), "status", &e, row->want, row->want[1] ? 2 : 1);
	if (row->at == AT_ANY || wire_status(&e) != FSC_CONNECT_INVALID_PARAM)
		return;
	if (row->bend == bend_hostnqn) /* that host has no such controller: either is wrong */
		CHECK_TRUE(r,
			   (le32_get(e.dw0) & 0x1ffff) == AT_HOSTNQN ||
				   (le32_get(e.dw0) & 0x1ffff) == AT_CNTLID,
			   "Dword 0 is where HOSTNQN or CNTLID is: %Xh", le32_get(e.dw0) & 0x1ffff);
	else
		CHECK_EQ(r, "Dword 0: where the parameter is", le32_get(e.dw0) & 0x1ffff, row->at);
}

/* ---- connect ---- */

static void connect_fields(struct rig *r)
{
	struct wire *w = wire_dial(r);
	struct connect c = { .sqsize_z = WIRE_ENTRIES - 1 };
	struct connect_data d = wire_who(w, CNTLID_DYNAMIC);
	struct cqe e;

	wire_greet(w, 0);
	e = wire_connect(w, &c, &d);
	CHECK_WIRE(r, "status", &e, SC_SUCCESS);
	CHECK_LE(r, "controller identifier", le32_get(e.dw0) & 0xffff, CNTLID_LAST);
	CHECK_NE(r, "SQHD, of a host that wants flow control", le16_get(e.sqhd), 0xffff);
	CHECK_LT(r, "SQHD", le16_get(e.sqhd), WIRE_ENTRIES);
}

static void connect_twice(struct rig *r)
{
	struct wire *w = wire_admin(r, 0, false);
	struct connect c = { .sqsize_z = WIRE_ENTRIES - 1 };
	struct connect_data d = wire_who(w, CNTLID_DYNAMIC);
	struct cqe e = wire_connect(w, &c, &d);

	CHECK_WIRE(r, "status of a second Connect", &e, SC_SEQUENCE_ERROR, SC_QID_INVALID);
	e = wire_exec(w, fabrics_property_get(REG_VS, 32), NULL, 0);
	CHECK_WIRE(r, "status of Property Get afterwards", &e, SC_SUCCESS);
}

static void connect_disabled(struct rig *r)
{
	struct wire *admin = wire_admin(r, 0, false), *w = wire_beside(admin);
	struct connect c = { .qid = 1, .sqsize_z = wire_sqsize_z(admin, WIRE_ENTRIES) };
	struct connect_data d = wire_who(w, w->cntlid);
	struct cqe e;

	wire_greet(w, 0);
	e = wire_connect(w, &c, &d);
	CHECK_WIRE(r, "status", &e, FSC_CONNECT_INVALID_PARAM, SC_SEQUENCE_ERROR);
}

static void connect_qid_used(struct rig *r)
{
	struct wire *admin = wire_admin(r, 0, true), *first = wire_io(admin);
	struct wire *w = wire_beside(admin);
	struct connect c = { .qid = 1, .sqsize_z = wire_sqsize_z(admin, WIRE_ENTRIES) };
	struct connect_data d = wire_who(w, w->cntlid);
	struct cqe e;

	wire_greet(w, 0);
	e = wire_connect(w, &c, &d);
	CHECK_WIRE(r, "status", &e, SC_QID_INVALID, SC_SEQUENCE_ERROR, FSC_CONNECT_INVALID_PARAM);
	e = wire_exec(first, (struct sqe){ .opcode = nvme_cmd_flush, .nsid = le32_from(NSID_ALL) },
		      NULL, 0);
	CHECK_TRUE(r, wire_status(&e) != SC_SQ_DELETION, "the first queue of that QID goes on");
}

/* ---- cmd-before-connect ---- */

static const struct early_row {
	const char *name;
	struct sqe e;
} early_rows[] = {
	{ "identify", { .opcode = nvme_admin_identify, .cdw10 = 1 } },
	{ "keep-alive", { .opcode = nvme_admin_keep_alive } },
	{ "property-get", { .opcode = FABRICS_OPCODE, .nsid = FC_PROPERTY_GET, .cdw11 = REG_VS } },
	{ "disconnect", { .opcode = FABRICS_OPCODE, .nsid = FC_DISCONNECT } },
};

static void before_connect(struct rig *r)
{
	const struct early_row *row = rig_row(r);
	uint8_t *page = rig_mem(r, 4096);
	struct wire *w = wire_dial(r);
	bool data = sqe_direction(&row->e) == 2;
	struct cqe e;

	wire_greet(w, 0);
	e = wire_exec(w, row->e, page, data ? 4096 : 0);
	CHECK_WIRE(r, "status", &e, SC_SEQUENCE_ERROR, SC_INVALID_OPCODE);
}

/* ---- property ---- */

static void property_get(struct rig *r)
{
	struct wire *w = wire_admin(r, 0, false);
	struct nvme_id_ctrl id = { 0 };
	struct sqe ask = { .opcode = nvme_admin_identify, .cdw10 = le32_from(1) };
	uint64_t cap = wire_property(w, REG_CAP, 64);

	CHECK_NE(r, "CAP.MQES, one entry at least beside another", CAP_MQES(cap), 0);
	CHECK_EQ(r, "CAP.CQR", CAP_CQR(cap), 1);
	CHECK_EQ(r, "CC of a controller just connected", wire_property(w, REG_CC, 32) & CC_EN, 0);
	CHECK_EQ(r, "CSTS.RDY with CC.EN = 0", wire_property(w, REG_CSTS, 32) & CSTS_RDY, 0);
	wire_hang_up(w);
	w = wire_admin(r, 0, true);
	wire_exec_ok(w, ask, &id, sizeof(id));
	if (le32_get(id.ver))
		CHECK_EQ(r, "VS, and Identify VER", wire_property(w, REG_VS, 32), le32_get(id.ver));
	CHECK_EQ(r, "CC.EN of one that was enabled", wire_property(w, REG_CC, 32) & CC_EN, 1);
}

static const struct property_row {
	const char *name;
	bool set;
	uint32_t off;
	unsigned width;
} property_rows[] = {
	{ "get-unknown", false, 0x0ffc, 32 },	{ "get-misaligned", false, 0x15, 32 },
	{ "get-cap-as-4", false, REG_CAP, 32 }, { "get-vs-as-8", false, REG_VS, 64 },
	{ "set-unknown", true, 0x0ffc, 32 },	{ "set-cap", true, REG_CAP, 64 },
	{ "set-vs", true, REG_VS, 32 },		{ "set-csts", true, REG_CSTS, 32 },
};

static void property_bad(struct rig *r)
{
	const struct property_row *row = rig_row(r);
	struct wire *w = wire_admin(r, 0, false);
	uint64_t cap = wire_property(w, REG_CAP, 64), vs = wire_property(w, REG_VS, 32);
	struct cqe e = wire_exec(w,
				 row->set ? fabrics_property_set(row->off, row->width, 0)
					  : fabrics_property_get(row->off, row->width),
				 NULL, 0);

	CHECK_WIRE(r, "status", &e, SC_INVALID_FIELD);
	CHECK_EQ(r, "CAP afterwards", wire_property(w, REG_CAP, 64), cap);
	CHECK_EQ(r, "VS afterwards", wire_property(w, REG_VS, 32), vs);
}

static const struct rig_case cases[] = {
	{ .id = "connect",
	  .rule = "Connect of an admin queue gives a controller identifier that is one.",
	  .ref = WIRE_BASE "Connect Command and Response",
	  .needs = WIRE_NEEDS,
	  .fault = "tcp-cntlid-reserved tcp-sqhd-none",
	  .shakes = true,
	  .run = connect_fields },
	{ .id = "connect-bad-fields",
	  .rule = "A Connect with a wrong field is refused with the status and the place that are "
		  "its.",
	  .ref = WIRE_BASE "Connect Command and Response",
	  .needs = WIRE_NEEDS,
	  .fault = "tcp-recfmt-unread tcp-cntlid-unread tcp-sqsize-zero tcp-refusal-invalid-field "
		   "tcp-refusal-place-wrong tcp-io-host-unread tcp-nqn-end-unread",
	  .shakes = true,
	  .run = connect_bad_fields,
	  ROWS(connect_rows) },
	{ .id = "connect-twice",
	  .rule = "A second Connect on a queue is refused, and the queue goes on.",
	  .ref = WIRE_BASE "Connect Command and Response",
	  .needs = WIRE_NEEDS,
	  .fault = "tcp-connect-twice",
	  .shakes = true,
	  .run = connect_twice },
	{ .id = "connect-disabled",
	  .rule = "A Connect of an I/O queue is refused while the controller is disabled.",
	  .ref = WIRE_BASE "Connect Command and Response",
	  .needs = WIRE_NEEDS,
	  .fault = "tcp-io-while-disabled",
	  .shakes = true,
	  .run = connect_disabled },
	{ .id = "connect-qid-used",
	  .rule = "A Connect with the QID of a queue that exists is refused and leaves that one "
		  "alone.",
	  .ref = WIRE_BASE "Connect Command and Response",
	  .needs = WIRE_NEEDS,
	  .fault = "tcp-qid-in-use-vague",
	  .shakes = true,
	  .run = connect_qid_used },
	{ .id = "cmd-before-connect",
	  .rule = "On a queue without Connect every other command fails.",
	  .ref = WIRE_BASE "Message-based Transport Queue Model",
	  .needs = WIRE_NEEDS,
	  .fault = "tcp-commands-before-connect",
	  .shakes = true,
	  .run = before_connect,
	  ROWS(early_rows) },
	{ .id = "property",
	  .rule = "Property Get gives CAP, VS, CC and CSTS as the controller is.",
	  .ref = WIRE_BASE "Property Get Command and Response; Base 2.0 Controller Properties",
	  .needs = WIRE_NEEDS,
	  .fault = "tcp-property-stale",
	  .shakes = true,
	  .run = property_get },
	{ .id = "property-bad",
	  .rule = "Properties that are not there, of another size, or that cannot be set are "
		  "refused.",
	  .ref = WIRE_BASE "Property Get Command and Response; Property Set Command and Response",
	  .needs = WIRE_NEEDS,
	  .fault = "tcp-property-unchecked tcp-property-set-ignored",
	  .shakes = true,
	  .run = property_bad,
	  ROWS(property_rows) },
};

SUITE(fabrics_connect_suite, CONFORMANCE, "fabrics", cases);
