// SPDX-License-Identifier: GPL-2.0-or-later
/* What a primary controller tells of itself and of its secondary ones. */
#include "virtual.h"

struct account {
	const char *name;
	uint32_t total, assigned;
	uint16_t primary, private, most, gran;
};

/* Private ones there are at least as many as a controller by itself cannot do without. */
static void check_account(struct rig *r, const struct account *a, unsigned least_private)
{
	CHECK_TRUE(r, a->assigned <= a->total && a->primary <= a->total - a->assigned,
		   "%s resources: %u of the secondary and %u of the primary controller, of %u",
		   a->name, a->assigned, a->primary, a->total);
	CHECK_TRUE(r, a->private >= least_private, "%s resources, private: %u, of %u at least",
		   a->name, a->private, least_private);
	CHECK_TRUE(r, a->most <= a->total,
		   "%s resources that one secondary controller may have: %u, of %u", a->name,
		   a->most, a->total);
	ADVISE_TRUE(r, a->gran <= a->total, "%s resources: granularity %u, of %u", a->name, a->gran,
		    a->total);
}

static void capabilities(struct rig *r)
{
	const struct nvme_primary_ctrl_cap *c = virt_caps(r);
	const struct account vq = { "VQ",
				    le32_get(c->vqfrt),
				    le32_get(c->vqrfa),
				    le16_get(c->vqrfap),
				    le16_get(c->vqprt),
				    le16_get(c->vqfrsm),
				    le16_get(c->vqgran) };
	const struct account vi = { "VI",
				    le32_get(c->vifrt),
				    le32_get(c->virfa),
				    le16_get(c->virfap),
				    le16_get(c->viprt),
				    le16_get(c->vifrsm),
				    le16_get(c->vigran) };

	CHECK_EQ(r, "Controller Identifier, that of Identify Controller", le16_get(c->cntlid),
		 le16_get(rig_facts(r)->id.cntlid));
	CHECK_EQ(r, "reserved bits of Controller Resource Types", c->crt & 0xfc, 0);
	if (c->crt >> VIRT_VQ & 1)
		check_account(r, &vq, 2);
	if (c->crt >> VIRT_VI & 1)
		check_account(r, &vi, 1);
}

static void check_entry(struct rig *r, const struct nvme_secondary_ctrl *e,
			const struct nvme_primary_ctrl_cap *cap)
{
	CHECK_EQ(r, "Primary Controller Identifier", le16_get(e->pcid), le16_get(cap->cntlid));
	CHECK_NE(r, "Secondary Controller Identifier", le16_get(e->scid), le16_get(cap->cntlid));
	CHECK_EQ(r, "reserved bits of Secondary Controller State", e->scs & 0xfe, 0);
	if (!(e->scs & VIRT_IS_ONLINE))
		return;
	if (cap->crt >> VIRT_VQ & 1)
		CHECK_GE(r, "VQ resources of one that is online", le16_get(e->nvq), 2);
	if (cap->crt >> VIRT_VI & 1)
		CHECK_GE(r, "VI resources of one that is online", le16_get(e->nvi), 1);
}

static void entries(struct rig *r)
{
	const struct nvme_primary_ctrl_cap *cap = virt_caps(r);
	const struct nvme_secondary_ctrl_list *list = virt_list(r, 0);
	uint32_t vq = 0, vi = 0;

	for (unsigned i = 0; i < list->num; i++) {
		const struct nvme_secondary_ctrl *e = &list->sc_entry[i];

		check_entry(r, e, cap);
		if (i)
			CHECK_GT(r, "Secondary Controller Identifier, against the one before",
				 le16_get(e->scid), le16_get(list->sc_entry[i - 1].scid));
		vq += le16_get(e->nvq);
		vi += le16_get(e->nvi);
	}
	REQUIRE_GE(r, "secondary controllers", list->num, 1);
	if (list->num == NVME_ID_SECONDARY_CTRL_MAX)
		return; /* there may be more, with resources of their own */
	CHECK_EQ(r, "VQ resources assigned, of the capabilities", le32_get(cap->vqrfa), vq);
	CHECK_EQ(r, "VI resources assigned, of the capabilities", le32_get(cap->virfa), vi);
}

/* From each identifier on, and from the one behind it. */
static void from_cntid(struct rig *r)
{
	const struct nvme_secondary_ctrl_list *all, *part;

	virt_caps(r);
	all = virt_list(r, 0);
	for (unsigned i = 0; i < all->num; i++) {
		uint16_t id = le16_get(all->sc_entry[i].scid);

		part = virt_list(r, id);
		CHECK_EQ(r, "entries of the list from one of its identifiers on", part->num,
			 all->num - i);
		CHECK_MEM(r, "its entries", part->sc_entry, &all->sc_entry[i],
			  (all->num - i) * sizeof(all->sc_entry[0]));
		part = virt_list(r, id + 1);
		CHECK_EQ(r, "entries from the identifier behind it on", part->num,
			 all->num - i - 1);
	}
	REQUIRE_GE(r, "secondary controllers", all->num, 1);
}

static const struct ask_row {
	const char *name;
	void (*ask)(struct rig *r);
} rows[] = {
	{ "capabilities", capabilities },
	{ "secondary-controllers", entries },
	{ "from-an-identifier-on", from_cntid },
};

static void sriov_structs(struct rig *r)
{
	((const struct ask_row *)rig_row(r))->ask(r);
}

static const struct rig_case cases[] = {
	{ .id = "sriov-structs",
	  .rule = "A primary controller's resources add up, and its secondary ones are listed in "
		  "order.",
	  .ref = "Base 2.0 Primary Controller Capabilities data structure; Base 2.0 Secondary "
		 "Controller list; Base 2.2 Virtualization Enhancements",
	  .needs = NEED_COMMAND,
	  .fault = "virt-assigned-wrong virt-private-queue-missing virt-most-above-total "
		   "virt-other-primary virt-state-reserved virt-list-unsorted virt-list-gt",
	  .run = sriov_structs,
	  ROWS(rows) },
};

SUITE(identify_virt_suite, CONFORMANCE, "identify", cases);
