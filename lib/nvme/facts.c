// SPDX-License-Identifier: GPL-2.0-or-later
#include "nvme/facts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "nvme/facts_tell.h"

#define ASK_QUEUES 64

static int ask(struct ctrl *c, struct cmd cmd)
{
	struct cpl cpl;
	int err = ctrl_admin(c, &cmd, &cpl);

	if (err)
		return err;
	return cpl.status == SC_SUCCESS ? 0 : -EIO;
}

/* CSI from the Namespace Identification Descriptor list; 0 (NVM) where it has none. */
static uint8_t find_csi(struct ctrl *c, uint32_t nsid)
{
	uint8_t list[4096];

	if (c->vs < VS(1, 3, 0) || ask(c, cmd_identify(0x03, nsid, list)))
		return 0;
	for (size_t at = 0; at + 4 < sizeof(list) && list[at + 1];) {
		if (list[at] == NVME_NIDT_CSI && list[at + 1] == 1)
			return list[at + 4];
		at += 4u + list[at + 1];
	}
	return 0;
}

/* What the format in use has beyond Identify Namespace; zeroes where there is no such structure. */
static void describe_pi(struct ctrl *c, const struct facts *f, struct facts_ns *ns, unsigned format)
{
	uint8_t page[4096];
	const struct nvme_nvm_id_ns *id = (const struct nvme_nvm_id_ns *)page;
	uint32_t elbaf;

	if (!(le32_get(f->id.ctratt) & NVME_CTRL_CTRATT_ELBAS) || ns->csi ||
	    ask(c, cmd_identify(0x05, ns->nsid, page)))
		return;
	elbaf = le32_get(id->elbaf[format]);
	ns->pif = elbaf >> 7 & 3;
	ns->sts = elbaf & 0x7f;
	ns->lbstm = le64_get(id->lbstm);
}

/* 0's based, and all ones for no limit. */
static uint32_t resources(__le32 field)
{
	uint32_t z = le32_get(field);

	return z == UINT32_MAX ? 0 : z + 1;
}

static void describe_zones(struct ctrl *c, struct facts_ns *ns, unsigned format)
{
	struct nvme_zns_id_ns id;
	struct facts_zones *z = &ns->zones;

	if (ask(c, cmd_identify_csi(NVME_IDENTIFY_CNS_CSI_NS, NVME_CSI_ZNS, ns->nsid, &id)))
		return;
	z->size = le64_get(id.lbafe[format].zsze);
	z->count = z->size ? ns->nsze / z->size : 0;
	z->mar = resources(id.mar);
	z->mor = resources(id.mor);
	z->extension = id.lbafe[format].zdes * 64u;
	z->read_across = le16_get(id.ozcs) & 1;
}

int facts_ask_ns(struct ctrl *c, const struct facts *f, uint32_t nsid, struct facts_ns *ret)
{
	unsigned format, ds;
	int err;

	memset(ret, 0, sizeof(*ret));
	err = ask(c, cmd_identify(0x00, nsid, &ret->id));
	if (err)
		return err;
	ret->nsid = nsid;
	ret->csi = find_csi(c, nsid);
	format = (ret->id.flbas & 0xf) |
		 (ret->id.nlbaf + ret->id.nulbaf > 15 ? (ret->id.flbas >> 5 & 3) << 4 : 0);
	ds = ret->id.lbaf[format].ds;
	ret->lba_bytes = ds >= 9 && ds < 32 ? 1u << ds : 0;
	ret->ms = le16_get(ret->id.lbaf[format].ms);
	ret->nsze = le64_get(ret->id.nsze);
	describe_pi(c, f, ret, format);
	if (ret->csi == NVME_CSI_ZNS)
		describe_zones(c, ret, format);
	return 0;
}

/* Zone Append is optional: the effects log of its command set tells, and ZASL how much. */
static void describe_append(struct ctrl *c, struct facts *f)
{
	struct nvme_cmd_effects_log log;
	struct nvme_zns_id_ctrl id;
	struct cmd get = cmd_get_log(NVME_LOG_LID_CMD_EFFECTS, NSID_ALL, 0, &log, sizeof(log));

	get.sqe.cdw14 = le32_from((uint32_t)NVME_CSI_ZNS << 24);
	if (!f->has_zoned || ask(c, get) ||
	    !(le32_get(log.iocs[nvme_zns_cmd_append]) & NVME_CMD_EFFECTS_CSUPP) ||
	    ask(c, cmd_identify_csi(NVME_IDENTIFY_CNS_CSI_CTRL, NVME_CSI_ZNS, 0, &id)))
		return;
	f->append_bytes = f->mdts_bytes ? f->mdts_bytes : 1u << 20;
	if (id.zasl && id.zasl < 32)
		f->append_bytes = (4096ull << CAP_MPSMIN(c->cap)) << id.zasl;
}

static void describe_all_ns(struct ctrl *c, struct facts *f)
{
	__le32 list[1024];
	uint32_t expected = 1;
	unsigned listed = 0;

	if (ask(c, cmd_identify(0x02, 0, list)))
		return;
	for (unsigned i = 0; i < 1024 && list[i]; i++) {
		uint32_t nsid = le32_get(list[i]);

		if (nsid > expected && !f->inactive_nsid)
			f->inactive_nsid = expected;
		expected = nsid + 1;
		if (f->n_ns < FACTS_NS_MAX && (!f->caps.nsid || f->caps.nsid == nsid))
			f->n_ns += !facts_ask_ns(c, f, nsid, &f->ns[f->n_ns]);
		listed++;
	}
	f->all_ns = listed == f->n_ns && listed < 1024;
	if (!f->inactive_nsid && expected <= f->nn)
		f->inactive_nsid = expected;
	for (unsigned i = 0; i < f->n_ns && !f->has_scratch; i++) {
		f->has_scratch = f->ns[i].csi == 0 && f->ns[i].ms == 0 && f->ns[i].lba_bytes;
		f->scratch = i;
	}
	for (unsigned i = 0; i < f->n_ns; i++)
		f->has_zoned |= f->ns[i].zones.count && !f->ns[i].ms && f->ns[i].lba_bytes;
}

/* Limits of the NVM command set; a version that does not know them has none. */
static void describe_limits(struct ctrl *c, struct facts *f)
{
	bool by_set = CAP_CSS(c->cap) & 0x40; /* I/O command sets came as an addition to 1.4 */
	uint8_t page[4096];

	if ((by_set || c->vs >= VS(2, 0, 0)) &&
	    !ask(c, cmd_identify(NVME_IDENTIFY_CNS_CSI_CTRL, 0, page)))
		memcpy(&f->id_nvm, page, sizeof(f->id_nvm));
}

static int bring_up(struct ctrl *c, struct nvme_id_ctrl *ret, char trouble[160])
{
	struct ctrl_config cfg = ctrl_defaults(c);
	int err;

	c->admin_timeout_ns = 3000000000ull;
	err = ctrl_enable(c, &cfg, NULL);
	if (err) {
		snprintf(trouble, 160, "the controller does not become ready: %s",
			 err == -EIO ? "CSTS.CFS is set" : strerror(-err));
		return err;
	}
	err = ask(c, cmd_identify(0x01, 0, ret));
	if (err)
		snprintf(trouble, 160, "Identify Controller fails: %s%s%.100s", strerror(-err),
			 c->t->error[0] ? ": " : "", c->t->error);
	else if (!ctrl_has_regs(c))
		c->vs = le32_get(ret->ver);
	return err;
}

static void describe_ctrl(struct ctrl *c, struct facts *f)
{
	uint8_t smart[512];

	if (bring_up(c, &f->id, f->trouble))
		return;
	f->alive = true;
	f->vs = c->vs;
	f->nn = le32_get(f->id.nn);
	if (f->id.mdts && f->id.mdts < 32)
		f->mdts_bytes = (4096ull << CAP_MPSMIN(c->cap)) << f->id.mdts;
	if (!ctrl_queue_count(c, ASK_QUEUES)) {
		f->nsq = c->nsq;
		f->ncq = c->ncq;
	}
	if (!ask(c, cmd_get_log(NVME_LOG_LID_SMART, NSID_ALL, 0, smart, sizeof(smart))))
		f->critical_warning = smart[0];
	describe_limits(c, f);
	describe_all_ns(c, f);
	describe_append(c, f);
}

/* What the properties say once they are enabled; CMBMSC is as before afterwards. */
static void describe_memory(struct ctrl *c, struct facts *f)
{
	uint64_t msc = 0;
	bool enables = !c->native && CAP_CMBS(c->cap) && !reg_read64(c, REG_CMBMSC, &msc) &&
		       !(msc & CMBMSC_CRE);

	if (enables)
		reg_write64(c, REG_CMBMSC, msc | CMBMSC_CRE);
	if (!ctrl_has_regs(c))
		return;
	reg_read32(c, REG_CMBSZ, &f->cmbsz);
	reg_read32(c, REG_CMBLOC, &f->cmbloc);
	if (enables)
		reg_write64(c, REG_CMBMSC, msc);
	if (CAP_PMRS(c->cap))
		reg_read32(c, REG_PMRCAP, &f->pmrcap);
}

/* Which of the namespaces the other controller has, and whether it has one of its own. */
static void compare_ns(struct ctrl *peer, struct facts *f)
{
	__le32 list[1024];

	if (ask(peer, cmd_identify(0x02, 0, list)))
		return;
	for (unsigned i = 0; i < 1024 && list[i]; i++) {
		bool known = false;

		for (unsigned k = 0; k < f->n_ns; k++) {
			if (f->ns[k].nsid != le32_get(list[i]))
				continue;
			f->ns[k].on_peer = known = true;
		}
		if (!known && !f->peer.own_nsid && f->n_ns < FACTS_NS_MAX)
			f->peer.own_nsid = le32_get(list[i]);
	}
}

static void describe_peer(struct target *t, struct facts *f)
{
	struct nvme_id_ctrl id;
	struct target *second;
	struct ctrl *c;
	int err = t->ops->peer(t, &second);

	if (!err)
		err = ctrl_open(second, &c);
	if (err) {
		snprintf(f->peer.trouble, sizeof(f->peer.trouble), "cannot be opened: %s",
			 strerror(-err));
		return;
	}
	if (!bring_up(c, &id, f->peer.trouble)) {
		f->peer.alive = true;
		f->peer.cntlid = le16_get(id.cntlid);
		compare_ns(c, f);
	}
	ctrl_close(c);
}

int facts_gather(struct target *t, struct facts *ret)
{
	struct ctrl *c;
	int err;

	memset(ret, 0, sizeof(*ret));
	ret->caps = t->caps;
	if (t->caps.has & NEED_MMC) {
		err = facts_gather_mmc(t, ret);
		if (err)
			return err;
	}
	if (t->caps.has & NEED_NODE) {
		err = facts_gather_node(t, ret);
		if (err || !(t->caps.has & (NEED_QUEUES | NEED_COMMAND)))
			return err;
	}
	err = ctrl_open(t, &c);
	if (err == -ENODEV) {
		snprintf(ret->trouble, sizeof(ret->trouble), "the registers read all ones");
		return 0;
	}
	if (err)
		return err;
	ret->cap = c->cap;
	ret->vs = c->vs;
	describe_memory(c, ret);
	describe_ctrl(c, ret);
	if (ret->alive && t->caps.has & NEED_PEER)
		describe_peer(t, ret);
	ctrl_close(c);
	return 0;
}

static struct spec_ns claims_of_ns(const struct facts_ns *ns)
{
	return (struct spec_ns){
		.nsid = ns->nsid,
		.csi = ns->csi,
		.lba_bytes = ns->lba_bytes,
		.ms = ns->ms,
		.dps = ns->id.dps & 7,
		.extended = ns->id.flbas >> 4 & 1,
		.pif = ns->pif,
		.extended_pi = facts_is_extended_pi(ns),
		.nsze = ns->nsze,
		.mssrl = le16_get(ns->id.mssrl),
		.mcl = le32_get(ns->id.mcl),
		.msrc = ns->id.msrc,
		.thin = ns->id.nsfeat & 1,
	};
}

void facts_claims(const struct facts *f, struct spec_ctrl *ret)
{
	*ret = (struct spec_ctrl){
		.cap = f->cap,
		.vs = f->vs,
		.id = f->id,
		.nvm = f->id_nvm,
		.vectors = (uint16_t)f->caps.vectors,
		.pcie = !f->caps.fabrics,
		.all_ns = f->all_ns,
	};
	for (unsigned i = 0; i < f->n_ns && i < SPEC_NS_MAX; i++)
		ret->ns[ret->n_ns++] = claims_of_ns(&f->ns[i]);
}

/* A space-padded string of Identify without its padding; ret holds len + 1 bytes. */
static const char *trimmed(const char *s, size_t len, char *ret)
{
	while (len && (s[len - 1] == ' ' || s[len - 1] == 0))
		len--;
	memcpy(ret, s, len);
	ret[len] = 0;
	return ret;
}

static void tell_ctrl(const struct facts *f, const struct teller *t)
{
	const struct nvme_id_ctrl *id = &f->id;
	char text[64];

	facts_tell(t, "model", "", "%s", trimmed(id->mn, sizeof(id->mn), text));
	facts_tell(t, "serial", "", "%s", trimmed(id->sn, sizeof(id->sn), text));
	facts_tell(t, "firmware", "", "%s", trimmed(id->fr, sizeof(id->fr), text));
	facts_tell(t, "vid", "PCI vendor", "%04Xh", le16_get(id->vid));
	facts_tell(t, "cntlid", "controller identifier", "%u", le16_get(id->cntlid));
	facts_tell(t, "mdts", f->mdts_bytes ? "bytes of one transfer" : "no limit", "%" PRIu64,
		   f->mdts_bytes);
	facts_tell(t, "oacs", "optional admin commands", "%04Xh", le16_get(id->oacs));
	facts_tell(t, "oncs", "optional NVM commands", "%04Xh", le16_get(id->oncs));
	facts_tell(t, "lpa", "log page attributes", "%02Xh", id->lpa);
	facts_tell(t, "vwc", "volatile write cache", "%02Xh", id->vwc);
	facts_tell(t, "sgls", "SGL support", "%08Xh", le32_get(id->sgls));
	facts_tell(t, "aerl", "outstanding AERs, 0's based", "%u", id->aerl);
	facts_tell(t, "nn", "largest valid NSID", "%u", f->nn);
	facts_tell(t, "queues", "I/O SQs and CQs allocated", "%u/%u", f->nsq, f->ncq);
}

static void tell_peer(const struct facts_peer *p, const struct teller *t)
{
	facts_tell(t, "peer-alive", p->trouble, "%s", p->alive ? "yes" : "no");
	if (p->alive)
		facts_tell(t, "peer-cntlid", "of the other controller", "%u", p->cntlid);
}

static void tell_zones(const struct facts_ns *ns, const struct teller *t)
{
	char name[32];

	if (!ns->zones.size)
		return;
	snprintf(name, sizeof(name), "ns%u-zones", ns->nsid);
	facts_tell(t, name, "0: no limit",
		   "%" PRIu64 " of %" PRIu64 " blocks, %u active, %u open, extension %u bytes",
		   ns->zones.count, ns->zones.size, ns->zones.mar, ns->zones.mor,
		   ns->zones.extension);
}

void facts_each(const struct facts *f,
		void (*fn)(void *ctx, const char *name, const char *value, const char *note),
		void *ctx)
{
	struct teller t = { fn, ctx };

	facts_tell(&t, "engine", "who answers", "%s", f->caps.engine);
	for (unsigned bit = 1; bit; bit <<= 1)
		if ((f->caps.has & bit) && target_need_name(bit))
			facts_tell(&t, target_need_name(bit), target_need_text(bit), "yes");
	facts_tell(&t, "emulated", f->caps.of_machine ? f->caps.behind : "no real media behind it",
		   "%s", f->caps.emulated ? "yes" : "no");
	facts_each_node(f, fn, ctx);
	facts_each_mmc(f, fn, ctx);
	if (!(f->caps.has & (NEED_QUEUES | NEED_COMMAND)))
		return;
	facts_tell(&t, "vectors", "MSI-X messages", "%u", f->caps.vectors);
	if (f->cap)
		facts_tell(&t, "cap", "CAP register", "%016" PRIX64 "h", f->cap);
	facts_tell(&t, "vs", "version claimed", "%u.%u.%u", f->vs >> 16, f->vs >> 8 & 0xff,
		   f->vs & 0xff);
	if (f->cap)
		facts_tell(&t, "mqes", "largest queue, entries", "%u", CAP_MQES(f->cap) + 1);
	facts_tell(&t, "alive", f->trouble, "%s", f->alive ? "yes" : "no");
	if (f->cmbsz)
		facts_tell(&t, "cmb", "CMBLOC, CMBSZ", "%08Xh %08Xh", f->cmbloc, f->cmbsz);
	if (f->pmrcap)
		facts_tell(&t, "pmr", "PMRCAP", "%08Xh", f->pmrcap);
	if (f->alive)
		tell_ctrl(f, &t);
	if (f->caps.has & NEED_PEER)
		tell_peer(&f->peer, &t);
	for (unsigned i = 0; i < f->n_ns; i++) {
		char name[24];

		snprintf(name, sizeof(name), "ns%u", f->ns[i].nsid);
		facts_tell(&t, name, i == f->scratch && f->has_scratch ? "scratch namespace" : "",
			   "%" PRIu64 " blocks of %u+%u bytes, command set %u", f->ns[i].nsze,
			   f->ns[i].lba_bytes, f->ns[i].ms, f->ns[i].csi);
		tell_zones(&f->ns[i], &t);
	}
	if (f->inactive_nsid)
		facts_tell(&t, "inactive-nsid", "valid and not active", "%u", f->inactive_nsid);
}
