// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What Identify tells of the controller. Sources: Base 2.0 Identify Controller data structure,
 * NVMe Qualified Names; NVM CS 1.0 I/O Command Set specific Identify Controller data structure.
 */
#include "model/ana.h"
#include "model/claim.h"
#include "model/core.h"
#include "model/fabrics.h"
#include "model/feature_table.h"
#include "model/firmware.h"
#include "model/identify.h"
#include "model/log.h"
#include "model/media.h"
#include "model/nvm.h"
#include "model/selftest.h"
#include "model/virt.h"
#include "model/zns.h"

#define SERIAL		"NVRIG0001"
#define MODEL_NAME	"nvrig model controller"
#define RTD3_US		500000u
#define NON_OPERATIONAL 0x2u
#define VERIFY_LIMIT	1 /* VSL: 8 KiB are verified without a tour of the medium */

const char model_nqn[] = "nqn.2014-08.org.nvmexpress:uuid:6e767269-6700-4d6f-8465-6c0000000001";

static void text(struct model *m, char *to, size_t len, const char *s)
{
	memset(to, FAULT(m, IDENTIFY_NUL_PADDED) ? 0 : ' ', len);
	memcpy(to, s, strlen(s));
}

static uint16_t oacs(struct model *m)
{
	uint16_t v = (uint16_t)m->opt.oacs;

	if (FAULT(m, OACS_COMMAND_WITHOUT_BIT))
		v = 0;
	if (FAULT(m, OACS_BIT_WITHOUT_COMMAND))
		v |= NVME_CTRL_OACS_CMD_FEAT_LD;
	return v;
}

static uint8_t lpa(const struct model *m)
{
	unsigned hidden = FAULT(m, LPO_UNCLAIMED_OVERRUN) ? NVME_CTRL_LPA_EXTENDED : 0;

	return (uint8_t)(m->opt.lpa & ~hidden);
}

static const struct power_state {
	uint16_t centiwatts;
	uint8_t flags, rank; /* rank: relative latency and throughput, reads and writes alike */
	uint32_t entry_us, exit_us;
} power[POWER_STATES] = {
	{ .centiwatts = 2500, .entry_us = 10, .exit_us = 10 },
	{ .centiwatts = 1000, .rank = 1, .entry_us = 100, .exit_us = 100 },
	{ .centiwatts = 50,
	  .flags = NON_OPERATIONAL,
	  .rank = 2,
	  .entry_us = 2000,
	  .exit_us = 2000 },
};

static void power_states(const struct model *m, struct nvme_id_ctrl *id)
{
	id->npss = (uint8_t)m->opt.npss;
	for (unsigned i = 0; i <= m->opt.npss; i++) {
		struct nvme_id_psd *psd = &id->psd[i];

		psd->mp = le16_from(power[i].centiwatts);
		psd->flags = power[i].flags;
		psd->enlat = le32_from(power[i].entry_us);
		psd->exlat = le32_from(power[i].exit_us);
		psd->rrt = psd->rrl = psd->rwt = psd->rwl = power[i].rank;
	}
}

const uint8_t identify_oui[3] = { 0x00, 0x54, 0x52 }; /* 52-54-00: locally administered */

/* Who it is. */
static void identity(struct model *m, struct nvme_id_ctrl *id)
{
	id->vid = le16_from(MODEL_PCI_VID);
	id->ssvid = le16_from(MODEL_PCI_SSVID ^ (FAULT(m, SSVID_DIFFERS) ? 0x100 : 0));
	text(m, id->sn, sizeof(id->sn), FAULT(m, IDENTIFY_BLANK_SERIAL) ? "" : SERIAL);
	text(m, id->mn, sizeof(id->mn), MODEL_NAME);
	memcpy(id->fr, firmware_revision(m), sizeof(id->fr));
	for (size_t i = sizeof(id->fr); FAULT(m, IDENTIFY_NUL_PADDED) && i-- && id->fr[i] == ' ';)
		id->fr[i] = 0;
	memcpy(id->ieee, identify_oui, sizeof(id->ieee));
	id->cntlid = le16_from(model_cntlid(FAULT(m, CNTLID_SHARED) ? m->sub->ctrl[0] : m));
	if (m->sub->n > 1 || virt_account(m, 0))
		id->cmic = NVME_CTRL_CMIC_MULTI_CTRL;
	if (m->opt.ana)
		id->cmic |= NVME_CTRL_CMIC_MULTI_ANA_REPORTING;
	id->ver = le32_from(m->opt.vs);
	if (m->opt.vs >= VS(1, 4, 0))
		id->cntrltype = NVME_CTRL_CNTRLTYPE_IO;
	id->ctratt = le32_from(m->opt.ctratt);
	if (m->opt.ctratt & NVME_CTRL_CTRATT_ENDURANCE_GROUPS)
		id->endgidmax = le16_from(IDENTIFY_ENDGID);
	if (m->opt.vs >= VS(1, 2, 1))
		memcpy(id->subnqn, model_nqn, sizeof(model_nqn));
}

/* What Namespace Management has to give. */
static void capacity(struct model *m, struct nvme_id_ctrl *id)
{
	if (!(m->opt.oacs & NVME_CTRL_OACS_NS_MGMT))
		return;
	le64_put(id->tnvmcap, media_total(m));
	le64_put(id->unvmcap, FAULT(m, UNVMCAP_STUCK) ? media_total(m) : media_unallocated(m));
	id->mnan = le32_from(m->opt.mnan);
	le64_put(id->maxdna, m->opt.maxdna);
	id->maxcna = le32_from(m->opt.maxcna);
}

/* How it tells of asymmetric access. */
static void asymmetry(struct model *m, struct nvme_id_ctrl *id)
{
	if (!m->opt.ana)
		return;
	id->anatt = ANA_TRANSITION_S;
	id->anacap = ana_capabilities(m);
	id->anagrpmax = le32_from(ANA_GROUP_MAX);
	id->nanagrpid = le32_from(ANA_GROUPS);
	id->mnan = le32_from(m->opt.mnan);
}

/* What it takes of admin commands. */
static void admin_limits(struct model *m, struct nvme_id_ctrl *id)
{
	id->mdts = (uint8_t)m->opt.mdts;
	id->oacs = le16_from(oacs(m));
	id->acl = (uint8_t)m->opt.acl;
	id->aerl = (uint8_t)m->opt.aerl;
	id->frmw = firmware_frmw(m);
	id->fwug = firmware_fwug(m);
	id->edstt = le16_from(selftest_minutes(m));
	id->dsto = id->edstt ? SELFTEST_DSTO : 0;
	id->oaes = le32_from(m->opt.oaes);
	if (id->frmw & FRMW_NO_RESET)
		id->mtfa = le16_from(1); /* of 100 ms */
	id->lpa = lpa(m);
	id->elpe = (uint8_t)m->opt.elpe;
	capacity(m, id);
	asymmetry(m, id);
	if (m->opt.lpa & NVME_CTRL_LPA_PERSETENT_EVENT)
		id->pels = le32_from(1); /* of 64 KiB */
	if (m->opt.vs >= VS(1, 2, 0)) {
		id->rtd3r = le32_from(RTD3_US);
		id->rtd3e = le32_from(RTD3_US);
		id->wctemp = le16_from(TEMP_WARNING);
		id->cctemp = le16_from(TEMP_CRITICAL);
	}
	power_states(m, id);
}

/* What it takes of features. */
static void feature_limits(struct model *m, struct nvme_id_ctrl *id)
{
	id->apsta = (uint8_t)m->opt.apsta;
	if (m->opt.hmb) {
		id->hmpre = le32_from(HMPRE);
		id->hmmin = le32_from(HMMIN);
	}
	if (m->opt.hctma) {
		id->hctma = le16_from(1);
		id->mntmt = le16_from(TMT_MIN);
		id->mxtmt = le16_from(TMT_MAX);
	}
	id->nwpc = (uint8_t)m->opt.nwpc;
	id->sanicap = le32_from(m->opt.sanicap);
	id->kas = le16_from((uint16_t)m->opt.kas);
}

/* What it takes of I/O commands. */
static void io_limits(struct model *m, struct nvme_id_ctrl *id)
{
	id->sqes = 0x66;
	id->cqes = 0x44;
	id->nn = le32_from(media_nn(m));
	id->oncs = le16_from((uint16_t)m->opt.oncs);
	id->awun = le16_from(IDENTIFY_ATOMIC_Z); /* a Write is one copy: it could be more */
	id->awupf = le16_from(IDENTIFY_ATOMIC_Z);
	id->acwu = le16_from(m->opt.fuses ? IDENTIFY_ATOMIC_Z : 0);
	id->ocfs = le16_from((uint16_t)(NVM_HAS_COPY(m) ? nvm_copy_formats(m) : 0));
	id->fna = (uint8_t)m->opt.fna;
	id->fuses = le16_from((uint16_t)m->opt.fuses);
	id->vwc = (uint8_t)m->opt.vwc;
	id->sgls = le32_from(m->opt.sgls);
}

void identify_ctrl(struct mcmd *c, uint8_t *page)
{
	struct nvme_id_ctrl *id = (struct nvme_id_ctrl *)page;

	if (!FAULT(c->m, IDENTIFY_CTRL_BY_NSID) && admin_nsid_wrong(c))
		return;
	identity(c->m, id);
	admin_limits(c->m, id);
	io_limits(c->m, id);
	feature_limits(c->m, id);
	fabrics_identify(c->m, id);
	if (FAULT(c->m, IDENTIFY_STALE_BYTES))
		memcpy(id->rsvd384, &c->e, sizeof(c->e));
	if (c->nsid && FAULT(c->m, IDENTIFY_CTRL_BY_NSID))
		id->nn = le32_from(1);
}

/* A limit of zero: the command works up to what NLB can say. Verify's is a recommendation. */
void identify_ctrl_nvm(struct mcmd *c, uint8_t *page)
{
	struct nvme_id_ctrl_nvm *id = (struct nvme_id_ctrl_nvm *)page;

	if (admin_nsid_wrong(c))
		return;
	if (le32_get(c->e.cdw11) >> 24 == CSI_ZNS && c->m->opt.zns) {
		zns_identify_ctrl(c, page);
		return;
	}
	id->vsl = c->m->opt.oncs & NVME_CTRL_ONCS_VERIFY ? VERIFY_LIMIT : 0;
	id->wzsl = (uint8_t)c->m->opt.wzsl;
	id->wusl = (uint8_t)c->m->opt.wusl;
}

/* Those of the subsystem, or those that the namespace is attached to, from a CNTLID on. */
void identify_ctrls(struct mcmd *c, uint8_t *page)
{
	const struct model_subsystem *s = c->m->sub;
	unsigned cntid = mcmd_cdw10(c) >> 16, n = 0;
	bool of_ns = (mcmd_cdw10(c) & 0xff) == NVME_IDENTIFY_CNS_NS_CTRL_LIST;
	struct media_ns *ns = of_ns ? identify_find_ns(c) : NULL;

	if ((of_ns && !ns) || (!of_ns && admin_nsid_wrong(c)))
		return;
	for (unsigned i = 0; i < s->n; i++) {
		uint16_t id = model_cntlid(s->ctrl[i]);

		if ((ns && !media_is_attached(ns, i) && !FAULT(c->m, CTRL_LIST_IGNORES_NS)) ||
		    id < cntid + FAULT(c->m, CTRL_LIST_GT) ||
		    (s->ctrl[i] == c->m && FAULT(c->m, CTRL_LIST_WITHOUT_SELF)) ||
		    (s->ctrl[i] != c->m && FAULT(c->m, CTRL_LIST_SELF_ALONE)))
			continue;
		le16_put(page + 2 + 2 * n++, id);
	}
	for (unsigned i = 0; !of_ns && virt_account(c->m, i); i++)
		if (virt_account(c->m, i) >= cntid + FAULT(c->m, CTRL_LIST_GT))
			le16_put(page + 2 + 2 * n++, virt_account(c->m, i));
	le16_put(page, (uint16_t)n);
}

/* One endurance group, of all namespaces. */
void identify_groups(struct mcmd *c, uint8_t *page)
{
	if (admin_nsid_wrong(c) || (le32_get(c->e.cdw11) & 0xffff) > IDENTIFY_ENDGID)
		return;
	le16_put(page, 1);
	le16_put(page + 2, IDENTIFY_ENDGID);
}

/* One granule for every format: what a namespace is off it is allocated and not given. */
void identify_granules(struct mcmd *c, uint8_t *page)
{
	struct nvme_id_ns_granularity_list *list = (struct nvme_id_ns_granularity_list *)page;

	if (admin_nsid_wrong(c))
		return;
	list->entry[0].nszegran = list->entry[0].ncapgran = le64_from(MEDIA_GRANULE);
}

/* One vendor's UUID; the first entry of the list is reserved. */
void identify_uuids(struct mcmd *c, uint8_t *page)
{
	static const uint8_t uuid[16] = "nvrig-u\x4f-\x80nvrig";

	if (!admin_nsid_wrong(c))
		memcpy(page + 32 + 16, uuid, sizeof(uuid));
}

/* One combination of I/O command sets: all that there are. */
void identify_iocs(struct mcmd *c, uint8_t *page)
{
	unsigned cntid = mcmd_cdw10(c) >> 16;

	if (admin_nsid_wrong(c))
		return;
	if (cntid != model_cntlid(c->m) && cntid != 0xffff)
		mcmd_fail(c, SC_INVALID_FIELD, MCMD_AT(42, 0));
	else
		le64_put(page, 1ull << 0 | (c->m->opt.zns ? 1ull << CSI_ZNS : 0));
}
