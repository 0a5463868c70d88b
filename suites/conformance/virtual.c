// SPDX-License-Identifier: GPL-2.0-or-later
#include "virtual.h"

#include "base/clock.h"

#define CAP_SRIOV	(0x100 + 0x10) /* an extended capability */
#define SRIOV_CONTROL	0x08	       /* offsets into it */
#define SRIOV_NUM_VFS	0x10
#define SRIOV_VF_ENABLE 0x1u
#define VF_NS		(100 * NS_PER_MS) /* PCI Express: until a virtual function may be used */
#define VQ_LEAST	2
#define VI_LEAST	1

/*
 * OACS bit 7 claims it; so does a controller that has the capabilities of a primary one to tell.
 */
const struct nvme_primary_ctrl_cap *virt_caps(struct rig *r)
{
	struct nvme_primary_ctrl_cap *cap = rig_mem(r, sizeof(*cap));
	struct cmd c = cmd_identify(NVME_IDENTIFY_CNS_PRIMARY_CTRL_CAP, 0, cap);
	bool claimed = le16_get(rig_facts(r)->id.oacs) & NVME_CTRL_OACS_VIRT_MGMT;
	struct cpl cpl;

	c.sqe.cdw10 = le32_from(le32_get(c.sqe.cdw10) | (uint32_t)le16_get(rig_facts(r)->id.cntlid)
								<< 16);
	cpl = rig_admin(r, c);
	if (!claimed && (cpl.status != SC_SUCCESS || (!cap->vqfrt && !cap->vifrt)))
		rig_na(r, "OACS bit 7 is 0, and there are no flexible resources to manage");
	if (!claimed && rig_ctrl(r)->judges)
		rig_judge_off(r, "OACS bit 7 is 0, and there is what a primary controller has");
	REQUIRE_STATUS(r, cpl, SC_SUCCESS);
	return cap;
}

const struct nvme_secondary_ctrl_list *virt_list(struct rig *r, uint16_t from)
{
	struct nvme_secondary_ctrl_list *list = rig_mem(r, sizeof(*list));
	struct cmd c = cmd_identify(NVME_IDENTIFY_CNS_SECONDARY_CTRL_LIST, 0, list);
	struct cpl cpl;

	c.sqe.cdw10 = le32_from(le32_get(c.sqe.cdw10) | (uint32_t)from << 16);
	cpl = rig_admin(r, c);
	REQUIRE_STATUS(r, cpl, SC_SUCCESS);
	REQUIRE_TRUE(r, list->num <= NVME_ID_SECONDARY_CTRL_MAX,
		     "the list counts at most 127 entries: %u", list->num);
	return list;
}

const struct nvme_secondary_ctrl *virt_entry(struct rig *r, uint16_t scid)
{
	const struct nvme_secondary_ctrl_list *list = virt_list(r, scid);

	REQUIRE_TRUE(r, list->num && le16_get(list->sc_entry[0].scid) == scid,
		     "the list that begins with controller %u has it first", scid);
	return &list->sc_entry[0];
}

struct cpl virt_manage(struct rig *r, unsigned action, unsigned resource, unsigned cntlid,
		       unsigned n)
{
	struct cmd c = cmd_raw(nvme_admin_virtual_mgmt, 0);

	c.sqe.cdw10 = le32_from(cntlid << 16 | resource << 8 | action);
	c.sqe.cdw11 = le32_from(n);
	return rig_admin(r, c);
}

/* ---- borrowed, and given back ---- */

struct borrowed {
	struct ctrl *c;
	uint16_t scid;
	unsigned sriov; /* offset of the capability; 0: not a virtual function */
};

static void give_back(void *arg)
{
	struct borrowed *b = arg;
	struct cmd c = cmd_raw(nvme_admin_virtual_mgmt, 0);
	struct cpl cpl;

	c.sqe.cdw10 = le32_from((uint32_t)b->scid << 16 | VIRT_OFFLINE);
	if (b->c->enabled)
		ctrl_admin(b->c, &c, &cpl);
	if (!b->sriov)
		return;
	b->c->t->ops->cfg_write(b->c->t, b->sriov + SRIOV_CONTROL, 16, 0);
	b->c->t->ops->cfg_write(b->c->t, b->sriov + SRIOV_NUM_VFS, 16, 0);
}

static void enable_vf(struct rig *r, struct borrowed *b, unsigned vfn)
{
	unsigned at = rig_pci_cap(r, CAP_SRIOV);

	if (!at)
		rig_na(r,
		       "secondary controller %u is virtual function %u, and the target shows no "
		       "SR-IOV capability",
		       b->scid, vfn);
	if (!rig_target(r)->ops->cfg_write)
		rig_skip(r, "needs",
			 "configuration space that can be written: a virtual function is enabled "
			 "there");
	if (rig_cfg(r, at + SRIOV_CONTROL, 16) & SRIOV_VF_ENABLE)
		rig_skip(r, "busy", "virtual functions are enabled already");
	b->sriov = at;
	rig_set_cfg(r, at + SRIOV_NUM_VFS, 16, vfn);
	rig_set_cfg(r, at + SRIOV_CONTROL, 16, SRIOV_VF_ENABLE);
	rig_wait(r, VF_NS);
}

uint16_t virt_borrow(struct rig *r)
{
	const struct nvme_secondary_ctrl_list *list = virt_list(r, 0);
	struct borrowed *b = rig_mem(r, sizeof(*b));

	for (unsigned i = 0; i < list->num; i++) {
		const struct nvme_secondary_ctrl *e = &list->sc_entry[i];

		if ((e->scs & VIRT_IS_ONLINE) || le16_get(e->nvq) || le16_get(e->nvi))
			continue;
		*b = (struct borrowed){ .c = rig_ctrl(r), .scid = le16_get(e->scid) };
		rig_defer(r, give_back, b);
		if (le16_get(e->vfn))
			enable_vf(r, b, le16_get(e->vfn));
		return b->scid;
	}
	rig_na(r, "of %u secondary controllers none is offline and without resources", list->num);
}

void virt_bring_online(struct rig *r, uint16_t scid)
{
	const struct nvme_primary_ctrl_cap *cap = virt_caps(r);
	const unsigned least[] = { [VIRT_VQ] = VQ_LEAST, [VIRT_VI] = VI_LEAST };

	for (unsigned kind = VIRT_VQ; kind <= VIRT_VI; kind++) {
		struct cpl cpl;

		if (!(cap->crt >> kind & 1))
			continue;
		cpl = virt_manage(r, VIRT_ASSIGN, kind, scid, least[kind]);
		REQUIRE_STATUS(r, cpl, SC_SUCCESS);
		CHECK_GE(r, "Number of Controller Resources Modified", cpl.dw0 & 0xffff,
			 least[kind]);
	}
	REQUIRE_STATUS(r, virt_manage(r, VIRT_ONLINE, 0, scid, 0), SC_SUCCESS);
}
