// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What Identify tells of namespaces. Sources: Base 2.0 Active Namespace ID list, Namespace
 * Identification Descriptor list, Unique Identifier; NVM CS 1.0 Identify Namespace data structure.
 */
#include "base/cleanup.h"
#include "model/ana.h"
#include "model/feature.h"
#include "model/identify.h"
#include "model/media.h"
#include "model/nvm.h"
#include "model/resv.h"
#include "model/shape.h"
#include "model/zns.h"

#define LIST_ENTRIES	(IDENTIFY_BYTES / 4)
#define NSFEAT_DAE	0x04u
#define NSFEAT_UIDREUSE 0x08u /* and never they are */
#define DLFEAT_ZEROES	0x01u
#define DLFEAT_DEAC	0x08u
#define DLFEAT_GUARD	0x10u
#define DPC_LAST	0x17u /* three types, in the last bytes of the metadata */
#define DPC_BOTH	0x1fu /* or in the first */
#define PIC_STORAGE	0x01u /* 16b guard with a Storage Tag */
#define NSTAT_READY	0x01u
#define CSI_NVM		0x00u

/* These speak of every namespace of the subsystem, attached to this controller or not. */
static bool is_allocated_cns(const struct mcmd *c)
{
	uint8_t cns = mcmd_cdw10(c) & 0xff;

	return cns == NVME_IDENTIFY_CNS_ALLOCATED_NS_LIST ||
	       cns == NVME_IDENTIFY_CNS_ALLOCATED_NS || cns == NVME_IDENTIFY_CNS_NS_CTRL_LIST;
}

/* The namespace of that NSID as this command sees it. */
static struct media_ns *seen(const struct mcmd *c, uint32_t nsid)
{
	return is_allocated_cns(c) ? media_allocated(c->m, nsid) : media_ns(c->m, nsid);
}

struct media_ns *identify_find_ns(struct mcmd *c)
{
	bool zero_as_one = !c->nsid && FAULT(c->m, NSID_ZERO_AS_ONE);

	if ((!c->nsid && !zero_as_one) || c->nsid > media_nn(c->m)) {
		mcmd_fail(c, SC_INVALID_NS, MCMD_AT(4, 0));
		return NULL;
	}
	return seen(c, zero_as_one ? 1 : c->nsid);
}

/* EUI64: the OUI, then what is ours to give. NGUID: the same behind eight bytes of extension. */
static void make_eui64(uint32_t nsid, uint8_t ret[8])
{
	static const uint8_t stem[8] = { 0x52, 0x54, 0x00, 0x6e, 0x76, 0x00, 0x00, 0x00 };

	memcpy(ret, stem, 8);
	ret[6] = (uint8_t)(nsid >> 8);
	ret[7] = (uint8_t)nsid;
}

static void make_nguid(uint32_t nsid, uint8_t ret[16])
{
	memcpy(ret, "nvrig-ns", 8);
	make_eui64(nsid, ret + 8);
}

/* RFC 4122, version 4 as to its form. */
static void make_uuid(uint32_t nsid, uint8_t ret[16])
{
	memcpy(ret, "nvrig-uuid", 10);
	ret[6] = 0x40 | (ret[6] & 0x0f);
	ret[8] = 0x80 | (ret[8] & 0x3f);
	memset(ret + 10, 0, 4);
	ret[14] = (uint8_t)(nsid >> 8);
	ret[15] = (uint8_t)nsid;
}

/* What makes the identifiers of a namespace its own. */
static uint32_t id_of(struct model *m, const struct media_ns *ns)
{
	if (FAULT(m, NS_IDS_BY_CONTROLLER))
		return media_serial(ns) + 256 * m->index;
	return FAULT(m, NS_IDS_SHARED) ? 1 : media_serial(ns);
}

/* NSID FFFFFFFFh asks for what all namespaces have in common, where they can be managed. */
static bool asks_common(const struct mcmd *c)
{
	return c->nsid == NSID_ALL && c->m->opt.oacs & NVME_CTRL_OACS_NS_MGMT;
}

/* ---- CNS 00h and 11h ---- */

static void formats(const struct model *m, struct nvme_id_ns *id)
{
	const struct media_format *all;
	unsigned n = shape_formats_told(m);

	media_formats(m, &all);
	id->nlbaf = (uint8_t)(n - 1);
	for (unsigned i = 0; i < n; i++) {
		id->lbaf[i].ds = all[i].lbads;
		id->lbaf[i].ms = le16_from(all[i].ms);
	}
	if (m->opt.meta) {
		id->mc = NVME_NS_MC_EXTENDED | NVME_NS_MC_SEPARATE;
		id->dpc = m->opt.vs < VS(1, 4, 0) ? DPC_BOTH : DPC_LAST;
	}
}

static bool has_groups(const struct model *m)
{
	return m->opt.ctratt & NVME_CTRL_CTRATT_ENDURANCE_GROUPS;
}

/* What is the same for every namespace: all that there is to say of NSID FFFFFFFFh. */
static void fill_common(struct model *m, struct nvme_id_ns *id)
{
	formats(m, id);
	if (NVM_HAS_COPY(m)) {
		id->mssrl = le16_from(COPY_RANGE_BLOCKS);
		id->mcl = le32_from(COPY_BLOCKS);
		id->msrc = COPY_RANGES - 1;
	}
	/* The atomic units of the controller, said once more. */
	id->nsfeat = NVME_NS_FEAT_NATOMIC | (m->opt.dae ? NSFEAT_DAE : 0);
	if (m->opt.vs >= VS(1, 4, 0))
		id->nsfeat |= NSFEAT_UIDREUSE;
	id->nawun = id->nawupf = le16_from(IDENTIFY_ATOMIC_Z);
	id->nabsn = id->nabspf = le16_from((uint16_t)m->opt.nabsn);
	id->nabo = le16_from((uint16_t)m->opt.nabo);
	if (m->opt.vs >= VS(1, 3, 0))
		id->dlfeat = DLFEAT_ZEROES | DLFEAT_DEAC | (m->opt.dlguard ? DLFEAT_GUARD : 0);
}

static uint8_t nmic(const struct model *m, const struct media_ns *ns)
{
	return media_shape(ns)->shared && !FAULT(m, SHARED_NS_CALLED_PRIVATE) ? NVME_NS_NMIC_SHARED
									      : 0;
}

static void fill_ns(struct mcmd *c, const struct media_ns *ns, struct nvme_id_ns *id)
{
	const struct media_shape *shape = media_shape(ns);
	uint64_t size = media_blocks(ns) + FAULT(c->m, NS_SIZE_TOO_LARGE);

	id->nsze = le64_from(size);
	id->ncap = le64_from(size);
	/* Not thinly provisioned: all of it is reckoned in use, always. */
	id->nuse = le64_from(size + FAULT(c->m, NS_CAPACITY_INVERTED));
	fill_common(c->m, id);
	id->flbas =
		(uint8_t)((shape->format & 0xf) | shape->extended << 4 | shape->format >> 4 << 5);
	id->dps = shape->dps;
	le64_put(id->nvmcap, media_capacity(ns));
	if (ana_hides_capacity(c->m, media_nsid(ns))) {
		id->nuse = le64_from(0);
		le64_put(id->nvmcap, 0);
	}
	id->anagrpid = le32_from(ana_group(c->m, media_nsid(ns)));
	if (has_groups(c->m))
		id->endgid = le16_from(IDENTIFY_ENDGID);
	id->nsattr = feature_write_protected(c->m, media_nsid(ns)) && !FAULT(c->m, NSATTR_UNTRUE);
	id->nmic = nmic(c->m, ns);
	id->rescap = resv_caps(c->m);
	make_nguid(id_of(c->m, ns), id->nguid);
	make_eui64(id_of(c->m, ns), id->eui64);
	if (FAULT(c->m, IDENTIFY_STALE_BYTES))
		memcpy(id->rsvd83, &c->e, sizeof(id->rsvd83));
}

void identify_ns(struct mcmd *c, uint8_t *page)
{
	struct media_ns *ns;

	if (c->nsid > media_nn(c->m) && c->nsid != NSID_ALL && FAULT(c->m, NS_INVALID_ACCEPTED))
		return;
	if (asks_common(c) && !is_allocated_cns(c)) {
		fill_common(c->m, (struct nvme_id_ns *)page);
		return;
	}
	ns = identify_find_ns(c);
	if (!ns && !c->status && is_allocated_cns(c) && FAULT(c->m, ALLOCATED_NS_ERROR))
		mcmd_fail(c, SC_INVALID_FIELD, MCMD_AT(4, 0));
	if (!ns && !c->status && FAULT(c->m, NS_INACTIVE_ERROR))
		mcmd_fail(c, SC_INVALID_NS, MCMD_AT(4, 0));
	if (!ns && !c->status && FAULT(c->m, NS_INACTIVE_STALE))
		ns = media_ns(c->m, 1);
	if (ns)
		fill_ns(c, ns, (struct nvme_id_ns *)page);
}

/* ---- CNS 05h: extended formats; no bit of a Storage Tag is masked ---- */

static uint64_t storage_mask(const struct media_pi *pi)
{
	uint64_t all = pi->type ? UINT64_MAX : 0;

	return pi->sts < 64 ? all & ((1ull << pi->sts) - 1) : all;
}

static bool csi_is_zns(const struct mcmd *c)
{
	return le32_get(c->e.cdw11) >> 24 == CSI_ZNS && c->m->opt.zns;
}

static void fill_zoned(struct mcmd *c, const struct media_ns *ns, uint8_t *page)
{
	if (zns_is_zoned(ns))
		zns_identify_ns(c, ns, page);
	else
		mcmd_fail(c, SC_INVALID_FIELD, MCMD_AT(47, 0));
}

void identify_ns_nvm(struct mcmd *c, uint8_t *page)
{
	struct nvme_nvm_id_ns *id = (struct nvme_nvm_id_ns *)page;
	const struct media_ns *ns = asks_common(c) ? NULL : identify_find_ns(c);
	const struct media_format *all;

	if (ns && csi_is_zns(c)) {
		fill_zoned(c, ns, page);
		return;
	}
	if ((!ns && !asks_common(c)) || !(c->m->opt.ctratt & NVME_CTRL_CTRATT_ELBAS))
		return;
	id->pic = PIC_STORAGE;
	if (ns)
		id->lbstm = le64_from(storage_mask(media_pi(ns)));
	media_formats(c->m, &all);
	for (unsigned i = 0; i < shape_formats_told(c->m); i++)
		id->elbaf[i] = le32_from((uint32_t)all[i].pif << 7 | all[i].sts);
}

/* ---- CNS 08h ---- */

void identify_ns_common(struct mcmd *c, uint8_t *page)
{
	struct nvme_id_independent_id_ns *id = (struct nvme_id_independent_id_ns *)page;
	const struct media_ns *ns = asks_common(c) ? NULL : identify_find_ns(c);

	if (!ns)
		return;
	if (has_groups(c->m))
		id->endgid = le16_from(IDENTIFY_ENDGID);
	id->nsattr = feature_write_protected(c->m, media_nsid(ns));
	id->anagrpid = le32_from(ana_group(c->m, media_nsid(ns)));
	id->nmic = nmic(c->m, ns);
	id->rescap = resv_caps(c->m);
	id->nstat = NSTAT_READY;
}

/* ---- CNS 02h, 07h and 10h ---- */

/* The list by command set has those of one alone. */
static bool has_listed_csi(const struct mcmd *c, uint32_t nsid)
{
	bool by_csi = (mcmd_cdw10(c) & 0xff) == NVME_IDENTIFY_CNS_CSI_NS_ACTIVE_LIST;

	return !by_csi || FAULT(c->m, ZNS_ACTIVE_LIST_MIXED) ||
	       media_shape(media_ns(c->m, nsid))->csi == le32_get(c->e.cdw11) >> 24;
}

void identify_list(struct mcmd *c, uint8_t *page)
{
	uint64_t nsid = (uint64_t)c->nsid + !FAULT(c->m, ACTIVE_LIST_GE);
	bool allocated = is_allocated_cns(c);
	unsigned n = 0;

	if (allocated && FAULT(c->m, ALLOCATED_LIST_SHORT) && nsid == 1)
		nsid++;

	if (c->nsid >= NSID_ALL - 1) {
		if (!FAULT(c->m, ACTIVE_LIST_BROADCAST_ACCEPTED))
			mcmd_fail(c, SC_INVALID_NS, MCMD_AT(4, 0));
		return;
	}
	for (; nsid <= media_nn(c->m) && n < LIST_ENTRIES; nsid++)
		if (seen(c, (uint32_t)nsid) && has_listed_csi(c, (uint32_t)nsid))
			le32_put(page + 4 * n++, (uint32_t)nsid);
	if (n > 1 && FAULT(c->m, ACTIVE_LIST_UNSORTED)) {
		uint32_t first = le32_at(page);

		le32_put(page, le32_at(page + 4));
		le32_put(page + 4, first);
	}
}

/* ---- CNS 03h ---- */

/* Appends one descriptor; returns where the next goes. */
static uint8_t *descriptor(uint8_t *at, uint8_t nidt, const uint8_t *nid, uint8_t nidl)
{
	struct nvme_ns_id_desc *d = (struct nvme_ns_id_desc *)at;

	d->nidt = nidt;
	d->nidl = nidl;
	memcpy(d->nid, nid, nidl);
	return at + sizeof(*d) + nidl;
}

void identify_ns_desc(struct mcmd *c, uint8_t *page)
{
	struct media_ns *ns = identify_find_ns(c);
	uint8_t csi, eui64[8], nguid[16], uuid[16];

	if (!ns) {
		if (!c->status)
			mcmd_fail(c, SC_INVALID_FIELD, MCMD_AT(4, 0));
		return;
	}
	csi = media_shape(ns)->csi;
	if (media_nsid(ns) > c->m->opt.ns + 1 && FAULT(c->m, ZNS_CSI_UNTRUE))
		csi = CSI_NVM;
	make_eui64(id_of(c->m, ns), eui64);
	make_nguid(id_of(c->m, ns), nguid);
	make_uuid(id_of(c->m, ns), uuid);
	if (FAULT(c->m, NS_DESC_MISMATCH))
		nguid[15] ^= 0xff;
	if (!FAULT(c->m, NS_DESC_NO_ID)) {
		page = descriptor(page, NVME_NIDT_EUI64, eui64, sizeof(eui64));
		if (FAULT(c->m, NS_DESC_DUPLICATE))
			page = descriptor(page, NVME_NIDT_EUI64, eui64, sizeof(eui64));
		page = descriptor(page, NVME_NIDT_NGUID, nguid, sizeof(nguid));
		page = descriptor(page, NVME_NIDT_UUID, uuid, sizeof(uuid));
	}
	if (c->m->opt.vs >= VS(2, 0, 0))
		descriptor(page, NVME_NIDT_CSI, &csi, sizeof(csi));
}
