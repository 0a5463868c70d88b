// SPDX-License-Identifier: GPL-2.0-or-later
/* What Identify tells through both controllers of a subsystem. */
#include <stdio.h>
#include <string.h>

#include "duo.h"

#define ID_LEN 4096u

/* ---- cntlid-peer ---- */

/* A controller list; leaves as N/A where there is none, which NMS alone makes mandatory. */
static uint8_t *ctrl_list(struct rig *r, struct ctrl *c, uint8_t cns, uint32_t nsid)
{
	uint8_t *list = rig_mem(r, ID_LEN);
	struct cpl cpl = rig_admin_on(r, c, cmd_identify(cns, nsid, list));

	if (cpl.status == SC_INVALID_FIELD &&
	    !(le16_get(rig_facts(r)->id.oacs) & NVME_CTRL_OACS_NS_MGMT))
		rig_na(r, "the list of controllers is not supported (OACS bit 3 is 0)");
	REQUIRE_STATUS(r, cpl, SC_SUCCESS);
	return list;
}

static bool is_listed(struct rig *r, struct ctrl *c, uint16_t cntlid)
{
	uint8_t *list = ctrl_list(r, c, NVME_IDENTIFY_CNS_CTRL_LIST, 0);
	unsigned n = le16_at(list);

	for (unsigned i = 1; i <= n && i < ID_LEN / 2; i++)
		if (le16_at(list + 2 * i) == cntlid)
			return true;
	return false;
}

static void cntlid_peer(struct rig *r)
{
	struct ctrl *c[2] = { rig_ctrl(r), rig_peer(r) };
	struct nvme_id_ctrl id[2];

	for (unsigned i = 0; i < 2; i++)
		rig_admin_ok_on(r, c[i], cmd_identify(0x01, 0, &id[i]));
	CHECK_NE(r, "CNTLID of the peer", le16_get(id[1].cntlid), le16_get(id[0].cntlid));
	CHECK_MEM(r, "SUBNQN of the peer", id[1].subnqn, id[0].subnqn, sizeof(id[0].subnqn));
	for (unsigned i = 0; i < 2; i++) {
		CHECK_EQ(r, "CMIC bit 1", !!(id[i].cmic & NVME_CTRL_CMIC_MULTI_CTRL), 1);
		for (unsigned k = 0; k < 2; k++)
			CHECK_TRUE(r, is_listed(r, c[i], le16_get(id[k].cntlid)),
				   "the list of %s has CNTLID %u", rig_ctrl_name(r, c[i]),
				   le16_get(id[k].cntlid));
	}
}

/* ---- ids-peer ---- */

static const char *na_no_shared(const struct facts *f)
{
	const char *alone = duo_na_alone(f);

	if (alone || !(f->caps.has & NEED_PEER) || !f->peer.alive)
		return alone;
	for (unsigned i = 0; i < f->n_ns; i++)
		if (f->ns[i].on_peer)
			return NULL;
	return "no namespace is attached to both controllers";
}

/* EUI64, NGUID and UUID of one namespace, through both. */
static void same_ids(struct rig *r, const struct facts_ns *ns)
{
	struct ctrl *c[2] = { rig_ctrl(r), rig_peer(r) };
	uint8_t *list[2] = { rig_mem(r, ID_LEN), rig_mem(r, ID_LEN) };
	struct nvme_id_ns id[2];
	char what[64];

	for (unsigned i = 0; i < 2; i++)
		rig_admin_ok_on(r, c[i], cmd_identify(0x00, ns->nsid, &id[i]));
	snprintf(what, sizeof(what), "EUI64 of NSID %u through the peer", ns->nsid);
	CHECK_MEM(r, what, id[1].eui64, id[0].eui64, sizeof(id[0].eui64));
	snprintf(what, sizeof(what), "NGUID of NSID %u through the peer", ns->nsid);
	CHECK_MEM(r, what, id[1].nguid, id[0].nguid, sizeof(id[0].nguid));
	if (rig_facts(r)->vs < VS(1, 3, 0))
		return;
	for (unsigned i = 0; i < 2; i++)
		rig_admin_ok_on(r, c[i], cmd_identify(0x03, ns->nsid, list[i]));
	snprintf(what, sizeof(what), "identification descriptors of NSID %u through the peer",
		 ns->nsid);
	CHECK_MEM(r, what, list[1], list[0], ID_LEN);
}

static void ids_peer(struct rig *r)
{
	const struct facts *f = rig_facts(r);

	for (unsigned i = 0; i < f->n_ns; i++)
		if (f->ns[i].on_peer)
			same_ids(r, &f->ns[i]);
}

/* ---- attached-peer ---- */

/* CNS 12h of the namespace: exactly the controllers that have it active. */
static void ask_attached(struct rig *r, struct ctrl *c, const struct facts_ns *ns)
{
	const struct facts *f = rig_facts(r);
	uint8_t *list = ctrl_list(r, c, NVME_IDENTIFY_CNS_NS_CTRL_LIST, ns->nsid);
	bool self = false, peer = false;

	for (unsigned i = 1; i <= le16_at(list) && i < ID_LEN / 2; i++) {
		self |= le16_at(list + 2 * i) == le16_get(f->id.cntlid);
		peer |= le16_at(list + 2 * i) == f->peer.cntlid;
	}
	CHECK_TRUE(r, self, "NSID %u: its list through %s has the controller", ns->nsid,
		   rig_ctrl_name(r, c));
	CHECK_TRUE(r, peer == ns->on_peer, "NSID %u: its list through %s %s the peer", ns->nsid,
		   rig_ctrl_name(r, c), ns->on_peer ? "has" : "does not have");
}

static void attached_peer(struct rig *r)
{
	const struct facts *f = rig_facts(r);
	struct ctrl *peer = rig_peer(r);

	for (unsigned i = 0; i < f->n_ns; i++) {
		ask_attached(r, rig_ctrl(r), &f->ns[i]);
		if (f->ns[i].on_peer)
			ask_attached(r, peer, &f->ns[i]);
	}
}

static const char *na_lists(const struct facts *f)
{
	const char *alone = duo_na_alone(f);

	if (alone)
		return alone;
	return f->vs >= VS(1, 2, 0) ? NULL : "VS is before 1.2: no controller lists";
}

static const struct rig_case cases[] = {
	{ .id = "cntlid-peer",
	  .rule = "Two controllers of a subsystem have two CNTLIDs, one SUBNQN, and both lists "
		  "name both.",
	  .ref = "Base 2.0 Identify Controller data structure; Base 2.0 Controller List",
	  .needs = NEED_QUEUES | NEED_PEER,
	  .fault = "cntlid-shared ctrl-list-self-alone",
	  .na = na_lists,
	  .run = cntlid_peer },
	{ .id = "ids-peer",
	  .rule = "A namespace has the same identifiers through every controller.",
	  .ref = "Base 2.0 Unique Identifier; NVM CS 1.0 Identify Namespace data structure (NGUID, "
		 "EUI64)",
	  .needs = NEED_QUEUES | NEED_PEER,
	  .fault = "ns-ids-by-controller",
	  .na = na_no_shared,
	  .run = ids_peer },
	{ .id = "attached-peer",
	  .rule = "The list of a namespace's controllers is those that have it active.",
	  .ref = "Base 2.0 Identify command (CNS 12h); Base 2.0 Controller List",
	  .needs = NEED_QUEUES | NEED_PEER,
	  .fault = "ctrl-list-self-alone ctrl-list-ignores-ns",
	  .na = na_lists,
	  .run = attached_peer },
};

SUITE(identify_peer_suite, CONFORMANCE, "identify", cases);
