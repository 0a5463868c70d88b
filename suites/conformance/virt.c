// SPDX-License-Identifier: GPL-2.0-or-later
/* Virtualization Management: what is refused, and how secondary controllers come and go. */
#include "virtual.h"

#include <string.h>

#include "base/clock.h"
#include "device.h"

#define NOBODY	 0xffefu /* the highest Controller Identifier that is not reserved */
#define RESERVED 7u	 /* Resource Type */

/* ---- errors ---- */

static void unknown_controller(struct rig *r)
{
	const unsigned actions[] = { VIRT_PRIMARY, VIRT_OFFLINE, VIRT_ASSIGN, VIRT_ONLINE };

	virt_borrow(r);
	for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
		CHECK_STATUS(r, virt_manage(r, actions[i], VIRT_VQ, NOBODY, 2), SC_CNTLID_INVALID);
}

/* The primary controller is not one of its secondary ones, nor is one of those it. */
static void wrong_kind(struct rig *r)
{
	uint16_t self = le16_get(rig_facts(r)->id.cntlid), scid = virt_borrow(r);

	CHECK_STATUS(r, virt_manage(r, VIRT_OFFLINE, VIRT_VQ, self, 0), SC_CNTLID_INVALID);
	CHECK_STATUS(r, virt_manage(r, VIRT_ASSIGN, VIRT_VQ, self, 2), SC_CNTLID_INVALID);
	CHECK_STATUS(r, virt_manage(r, VIRT_ONLINE, VIRT_VQ, self, 0), SC_CNTLID_INVALID);
	CHECK_STATUS(r, virt_manage(r, VIRT_PRIMARY, VIRT_VQ, scid, 0), SC_CNTLID_INVALID);
}

static void too_many(struct rig *r)
{
	const struct nvme_primary_ctrl_cap *cap = virt_caps(r);
	const uint32_t total[] = { le32_get(cap->vqfrt), le32_get(cap->vifrt) };
	uint16_t scid = virt_borrow(r);

	for (unsigned kind = VIRT_VQ; kind <= VIRT_VI; kind++) {
		if (total[kind] >= 0xffff)
			continue;
		CHECK_STATUS(r, virt_manage(r, VIRT_ASSIGN, kind, scid, total[kind] + 1),
			     SC_RESOURCE_COUNT_INVALID, SC_RESOURCE_ID_INVALID);
		CHECK_STATUS(r, virt_manage(r, VIRT_ASSIGN, kind, scid, 0xffff),
			     SC_RESOURCE_COUNT_INVALID, SC_RESOURCE_ID_INVALID);
	}
	CHECK_EQ(r, "VQ resources", le16_get(virt_entry(r, scid)->nvq), 0);
	CHECK_EQ(r, "VI resources", le16_get(virt_entry(r, scid)->nvi), 0);
}

static void wrong_resource(struct rig *r)
{
	const struct nvme_primary_ctrl_cap *cap = virt_caps(r);
	uint16_t scid = virt_borrow(r);

	for (unsigned kind = VIRT_VQ; kind <= VIRT_VI; kind++)
		if (!(cap->crt >> kind & 1))
			CHECK_STATUS(r, virt_manage(r, VIRT_ASSIGN, kind, scid, 1),
				     SC_RESOURCE_ID_INVALID);
	CHECK_STATUS(r, virt_manage(r, VIRT_ASSIGN, RESERVED, scid, 1), SC_INVALID_FIELD,
		     SC_RESOURCE_ID_INVALID);
}

static void online_without_resources(struct rig *r)
{
	uint16_t scid = virt_borrow(r);

	CHECK_STATUS(r, virt_manage(r, VIRT_ONLINE, 0, scid, 0), SC_SECONDARY_STATE_INVALID);
	CHECK_EQ(r, "Secondary Controller State", virt_entry(r, scid)->scs, 0);
}

static void assign_while_online(struct rig *r)
{
	uint16_t scid = virt_borrow(r);

	virt_bring_online(r, scid);
	CHECK_STATUS(r, virt_manage(r, VIRT_ASSIGN, VIRT_VQ, scid, 2), SC_SECONDARY_STATE_INVALID);
}

static void reserved_action(struct rig *r)
{
	const unsigned actions[] = { 0x0, 0x2, 0x6, 0xa, 0xf };
	uint16_t scid = virt_borrow(r);

	for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
		CHECK_STATUS(r, virt_manage(r, actions[i], VIRT_VQ, scid, 2), SC_INVALID_FIELD);
}

/* ---- secondary-state ---- */

static void check_entry(struct rig *r, uint16_t scid, unsigned state, unsigned vq, unsigned vi)
{
	const struct nvme_secondary_ctrl *e = virt_entry(r, scid);
	const struct nvme_primary_ctrl_cap *cap = virt_caps(r);

	CHECK_EQ(r, "Secondary Controller State", e->scs, state);
	if (cap->crt >> VIRT_VQ & 1)
		CHECK_EQ(r, "VQ resources", le16_get(e->nvq), vq);
	if (cap->crt >> VIRT_VI & 1)
		CHECK_EQ(r, "VI resources", le16_get(e->nvi), vi);
}

static void up_and_down(struct rig *r)
{
	uint16_t scid = virt_borrow(r);

	virt_bring_online(r, scid);
	check_entry(r, scid, VIRT_IS_ONLINE, 2, 1);
	CHECK_STATUS(r, virt_manage(r, VIRT_ONLINE, 0, scid, 0), SC_SUCCESS);
	check_entry(r, scid, VIRT_IS_ONLINE, 2, 1);
	CHECK_STATUS(r, virt_manage(r, VIRT_OFFLINE, 0, scid, 0), SC_SUCCESS);
	check_entry(r, scid, 0, 0, 0);
	CHECK_STATUS(r, virt_manage(r, VIRT_OFFLINE, 0, scid, 0), SC_SUCCESS);
	check_entry(r, scid, 0, 0, 0);
}

static void primary_reset(struct rig *r)
{
	uint16_t scid = virt_borrow(r);

	virt_bring_online(r, scid);
	rig_reset(r);
	check_entry(r, scid, 0, 0, 0);
}

static void primary_flr(struct rig *r)
{
	uint16_t scid = virt_borrow(r);

	if (le16_get(virt_entry(r, scid)->vfn))
		rig_na(r, "a Function Level Reset takes the virtual functions away");
	virt_bring_online(r, scid);
	rig_flr(r);
	check_entry(r, scid, 0, 0, 0);
}

static void primary_shutdown(struct rig *r)
{
	uint16_t scid = virt_borrow(r);

	virt_bring_online(r, scid);
	if (ctrl_shutdown(rig_ctrl(r), 1, 0, NULL))
		rig_fail(r, "the primary controller does not shut down");
	rig_reset(r);
	check_entry(r, scid, 0, 0, 0);
}

/* ---- secondary-cycle ---- */

#define QUEUES 2 /* VQ resources: the Admin Queue and one for I/O */
#define TAG    0x5ec0

static const char *na_secondary(const struct facts *f)
{
	if (!(f->caps.has & NEED_SECONDARY))
		return "the target shows no secondary controller";
	return f->has_scratch ? NULL : "no active namespace of the NVM command set";
}

/* What it says of itself is what it was given. */
static struct ctrl *meet(struct rig *r, uint16_t scid)
{
	struct nvme_id_ctrl *id = rig_mem(r, sizeof(*id));
	struct ctrl *c = rig_peer(r);

	rig_admin_ok_on(r, c, cmd_identify(NVME_IDENTIFY_CNS_CTRL, 0, id));
	if (le16_get(id->cntlid) != scid)
		rig_na(r, "the target's other controller is %u, and %u could be had",
		       le16_get(id->cntlid), scid);
	CHECK_EQ(r, "I/O queue pairs of the secondary controller", rig_queue_count_on(r, c),
		 QUEUES - 1);
	return c;
}

/* Writes by the one, reads by the other. */
static void pass_on(struct rig *r, struct ctrl *from, struct ctrl *to, uint64_t tag)
{
	const struct facts_ns *ns = rig_ns(r);
	uint8_t *data = rig_mem(r, ns->lba_bytes);

	rig_stamp(data, 0, 1, ns->lba_bytes, tag);
	rig_io_ok(r, rig_queue_on(r, from), cmd_write(ns->nsid, 0, 1, data, ns->lba_bytes));
	memset(data, 0, ns->lba_bytes);
	CHECK_STATUS(r,
		     rig_io(r, rig_queue_on(r, to), cmd_read(ns->nsid, 0, 1, data, ns->lba_bytes)),
		     SC_SUCCESS);
	CHECK_STAMP(r, data, 0, 1, ns->lba_bytes, tag);
}

/* It is gone: its registers say so, and a command that is rung is not done. */
static void check_gone(struct rig *r, struct ctrl *c, uint16_t scid)
{
	const struct facts_ns *ns = rig_ns(r);
	struct sq *q = rig_queue_on(r, c);
	struct cpl cpl;

	CHECK_EQ(r, "CSTS.CFS of one that is offline", !!(rig_reg32_on(r, c, REG_CSTS) & CSTS_CFS),
		 1);
	rig_put(r, q, cmd_flush(ns->nsid));
	rig_ring(r, q);
	CHECK_EQ(r, "completions of its I/O queue", rig_try(r, q->cq, &cpl, 100 * NS_PER_MS), 0);
	check_entry(r, scid, 0, 0, 0);
}

static void secondary_cycle(struct rig *r)
{
	uint16_t scid;
	struct ctrl *c;

	virt_caps(r);
	scid = virt_borrow(r);
	virt_bring_online(r, scid);
	c = meet(r, scid);
	pass_on(r, c, rig_ctrl(r), TAG);
	pass_on(r, rig_ctrl(r), c, TAG + 1);
	check_entry(r, scid, VIRT_IS_ONLINE, QUEUES, 1);
	rig_health_off(r, "the secondary controller is offline, as it was told");
	CHECK_STATUS(r, virt_manage(r, VIRT_OFFLINE, 0, scid, 0), SC_SUCCESS);
	check_gone(r, c, scid);
	CHECK_STATUS(r, rig_io(r, rig_queue(r), cmd_flush(rig_ns(r)->nsid)), SC_SUCCESS);
}

static const struct ask_row {
	const char *name;
	void (*ask)(struct rig *r);
} error_rows[] = {
	{ "unknown-controller", unknown_controller },
	{ "primary-as-secondary", wrong_kind },
	{ "too-many-resources", too_many },
	{ "wrong-resource", wrong_resource },
	{ "online-without-resources", online_without_resources },
	{ "assign-while-online", assign_while_online },
	{ "reserved-action", reserved_action },
}, state_rows[] = {
	{ "up-and-down", up_and_down },
	{ "primary-controller-reset", primary_reset },
	{ "primary-function-level-reset", primary_flr },
	{ "primary-shutdown", primary_shutdown },
};

static void run_row(struct rig *r)
{
	virt_caps(r); /* or it is none of the controller's business */
	((const struct ask_row *)rig_row(r))->ask(r);
}

static const struct rig_case cases[] = {
	{ .id = "errors",
	  .rule = "What no secondary controller can be given or told is refused, each by its name.",
	  .ref = "Base 2.0 Virtualization Management command; Base 2.1 Virtualization Management "
		 "command",
	  .needs = NEED_COMMAND,
	  .harm = HARM_SETTINGS,
	  .fault = "virt-cntlid-unchecked virt-too-many-accepted virt-resource-type-unchecked "
		   "virt-online-without-resources virt-assign-while-online virt-action-unchecked",
	  .run = run_row,
	  ROWS(error_rows) },
	{ .id = "secondary-state",
	  .rule = "A secondary controller goes online with resources, and offline without, with "
		  "its primary at the latest.",
	  .ref = "Base 2.0 Virtualization Enhancements; Base 2.1 Virtualization Management "
		 "command; Base 2.2 Secondary Controller States and Resource Configuration",
	  .needs = NEED_QUEUES | NEED_CONFIG,
	  .harm = HARM_SETTINGS,
	  .fault = "virt-state-stuck virt-again-refused virt-offline-keeps-resources "
		   "virt-reset-keeps-online",
	  .run = run_row,
	  ROWS(state_rows) },
	{ .id = "secondary-cycle",
	  .rule = "A secondary controller that is brought online works with what it was given, and "
		  "stops when it goes offline.",
	  .ref = "Base 2.0 Virtualization Enhancements; Base 2.2 Secondary Controller States and "
		 "Resource Configuration",
	  .needs = NEED_QUEUES | NEED_CONFIG | NEED_SECONDARY,
	  .harm = HARM_DATA,
	  .fault = "virt-offline-alive virt-queues-too-many virt-state-stuck "
		   "virt-offline-keeps-resources",
	  .na = na_secondary,
	  .run = secondary_cycle },
};

SUITE(virt_suite, CONFORMANCE, "virt", cases);
