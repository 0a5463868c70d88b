// SPDX-License-Identifier: GPL-2.0-or-later
#include "ns_made.h"

#include <string.h>

#define CNS_ACTIVE	 0x02
#define CNS_ALLOCATED	 0x10
#define CNS_ALLOCATED_NS 0x11

const char *ns_na_management(const struct facts *f)
{
	return le16_get(f->id.oacs) & NVME_CTRL_OACS_NS_MGMT
		       ? NULL
		       : "OACS bit 3 is 0: no Namespace Management";
}

/* ---- what there is ---- */

unsigned ns_list(struct rig *r, bool allocated, uint32_t ret[NS_LIST_MAX])
{
	__le32 *list = rig_mem(r, sizeof(*list) * NS_LIST_MAX);
	unsigned n = 0;

	rig_admin_ok(r, cmd_identify(allocated ? CNS_ALLOCATED : CNS_ACTIVE, 0, list));
	for (; n < NS_LIST_MAX && list[n]; n++)
		ret[n] = le32_get(list[n]);
	return n;
}

bool ns_is_listed(struct rig *r, bool allocated, uint32_t nsid)
{
	__le32 *list = rig_mem(r, sizeof(*list) * NS_LIST_MAX);

	rig_admin_ok(r, cmd_identify(allocated ? CNS_ALLOCATED : CNS_ACTIVE, nsid - 1, list));
	return le32_get(list[0]) == nsid;
}

void ns_id_allocated(struct rig *r, uint32_t nsid, struct nvme_id_ns *ret)
{
	rig_admin_ok(r, cmd_identify(CNS_ALLOCATED_NS, nsid, ret));
}

uint64_t ns_unallocated(struct rig *r)
{
	struct nvme_id_ctrl id;

	rig_id_ctrl(r, &id);
	return le64_at(id.unvmcap);
}

uint32_t ns_free_nsid(struct rig *r)
{
	uint32_t *list = rig_mem(r, sizeof(*list) * NS_LIST_MAX), nn = rig_facts(r)->nn;
	unsigned n = ns_list(r, true, list);
	uint32_t nsid = 1;

	for (unsigned i = 0; i < n && list[i] == nsid; i++)
		nsid++;
	return nsid <= nn && nsid <= NS_LIST_MAX ? nsid : 0;
}

/* A host's own commands fail as well, after every change of namespaces; by its status it is told apart. */
static bool is_of(struct rig *r, const struct nvme_error_log_page *e, const struct cpl *cpl)
{
	if (rig_knows_cid(r))
		return le16_get(e->sqid) == cpl->sqid && le16_get(e->cmdid) == cpl->cid;
	return !le16_get(e->sqid) && CQE_STATUS(le16_get(e->status_field)) == cpl->status;
}

bool ns_error_specific(struct rig *r, struct cpl cpl, uint64_t *ret)
{
	unsigned n = rig_facts(r)->id.elpe + 1u;
	struct nvme_error_log_page *log = rig_mem(r, n * sizeof(*log));

	rig_admin_ok(r, cmd_get_log(NVME_LOG_LID_ERROR, NSID_ALL, 0, log, n * sizeof(*log)));
	for (unsigned i = 0; i < n && log[i].error_count; i++) {
		if (!is_of(r, &log[i], &cpl))
			continue;
		*ret = le64_get(log[i].cs);
		return true;
	}
	return false;
}

/* ---- making and undoing ---- */

struct made {
	struct ctrl *c;
	uint32_t nsid;
	bool borrowed; /* not made: detach it again */
	struct nvme_ctrl_list list;
};

static bool is_up(struct ctrl *c)
{
	struct ctrl_config cfg = ctrl_defaults(c);

	return c->enabled || !ctrl_enable(c, &cfg, NULL);
}

static void undo(void *arg)
{
	struct made *m = arg;
	struct cmd cmd =
		m->borrowed ? cmd_ns_attach(m->nsid, false, &m->list) : cmd_ns_delete(m->nsid);
	struct cpl cpl;

	if (is_up(m->c))
		ctrl_admin(m->c, &cmd, &cpl);
}

static void undo_at_end(struct rig *r, uint32_t nsid, bool borrowed)
{
	struct made *m = rig_mem(r, sizeof(*m));

	*m = (struct made){ .c = rig_ctrl(r), .nsid = nsid, .borrowed = borrowed };
	m->list.num = le16_from(1);
	m->list.identifier[0] = rig_facts(r)->id.cntlid;
	rig_defer(r, undo, m);
}

struct cpl ns_create(struct rig *r, const struct ns_wish *w)
{
	uint8_t *fields = rig_mem(r, 4096);
	struct nvme_id_ns *id = (struct nvme_id_ns *)fields;
	struct cpl cpl;

	id->nsze = le64_from(w->size);
	id->ncap = le64_from(w->capacity);
	id->flbas = w->flbas;
	id->dps = w->dps;
	id->nmic = w->nmic;
	cpl = rig_admin(r, cmd_ns_create(w->csi, fields));
	if (cpl.status == SC_SUCCESS && cpl.dw0 && cpl.dw0 != NSID_ALL)
		undo_at_end(r, cpl.dw0, false);
	return cpl;
}

/* The NSID of what was made; why there is none, where that is not what is asked about. */
static uint32_t nsid_of(struct rig *r, struct cpl cpl)
{
	if (cpl.status == SC_INVALID_OPCODE)
		rig_na(r, "OACS bit 3 is 1 and opcode 0Dh is not known: identify.oacs-truth");
	if (cpl.status == SC_NS_CAPACITY)
		rig_na(r, "no capacity is left for a namespace of the case's own");
	if (cpl.status == SC_NSID_UNAVAILABLE)
		rig_na(r, "no NSID is left for a namespace of the case's own");
	REQUIRE_STATUS(r, cpl, SC_SUCCESS);
	REQUIRE_TRUE(r, cpl.dw0 && cpl.dw0 <= rig_facts(r)->nn, "a Create returns an NSID: %08Xh",
		     cpl.dw0);
	return cpl.dw0;
}

uint32_t ns_make(struct rig *r, const struct ns_wish *w)
{
	return nsid_of(r, ns_create(r, w));
}

/* ---- what to make ---- */

void ns_common(struct rig *r, struct nvme_id_ns *ret)
{
	struct cpl cpl = rig_admin(r, cmd_identify(NVME_IDENTIFY_CNS_NS, NSID_ALL, ret));

	if (cpl.status != SC_SUCCESS)
		rig_na(r, "NSID FFFFFFFFh tells no formats: identify.ns-invalid");
}

uint32_t ns_wish_lba(struct rig *r, const struct ns_wish *w)
{
	struct nvme_id_ns common;

	ns_common(r, &common);
	return 1u << (common.lbaf[w->flbas & 0xf].ds & 31);
}

/* The first format without metadata and of blocks that there can be. */
static uint8_t plain_format(struct rig *r)
{
	struct nvme_id_ns common;

	ns_common(r, &common);
	for (uint8_t i = 0; i <= common.nlbaf && i < 16; i++)
		if (common.lbaf[i].ds >= 9 && common.lbaf[i].ds < 31 && !common.lbaf[i].ms)
			return i;
	rig_na(r, "no format without metadata");
}

struct ns_wish ns_wish(struct rig *r, uint64_t bytes)
{
	const struct facts *f = rig_facts(r);
	struct ns_wish w = { 0 };

	w.flbas = f->has_scratch ? f->ns[f->scratch].id.flbas & 0xf : plain_format(r);
	w.size = bytes / (f->has_scratch ? f->ns[f->scratch].lba_bytes : ns_wish_lba(r, &w));
	w.capacity = w.size;
	return w;
}

/* ---- attach ---- */

struct cpl ns_attach_list(struct rig *r, uint32_t nsid, bool attach, unsigned n,
			  const uint16_t *ids)
{
	struct nvme_ctrl_list *list = rig_mem(r, sizeof(*list));

	list->num = le16_from((uint16_t)n);
	for (unsigned i = 0; ids && i < n && i < ARRAY_SIZE(list->identifier); i++)
		list->identifier[i] = le16_from(ids[i]);
	return rig_admin(r, cmd_ns_attach(nsid, attach, list));
}

struct cpl ns_attach(struct rig *r, uint32_t nsid, bool attach)
{
	uint16_t self = le16_get(rig_facts(r)->id.cntlid);

	return ns_attach_list(r, nsid, attach, 1, &self);
}

/* One that is allocated and not attached; 0: there is none. */
static uint32_t find_unattached(struct rig *r)
{
	uint32_t *all = rig_mem(r, sizeof(*all) * NS_LIST_MAX);
	unsigned n = ns_list(r, true, all);

	for (unsigned i = 0; i < n; i++)
		if (!ns_is_listed(r, false, all[i]))
			return all[i];
	return 0;
}

uint32_t ns_own(struct rig *r, uint64_t bytes)
{
	struct ns_wish w = ns_wish(r, bytes);
	struct cpl cpl = ns_create(r, &w);
	bool emulated = rig_facts(r)->caps.emulated;
	uint32_t nsid = cpl.status == SC_INVALID_OPCODE && emulated ? find_unattached(r) : 0;

	if (!nsid)
		return nsid_of(r, cpl);
	undo_at_end(r, nsid, true);
	return nsid;
}

const struct facts_ns *ns_know(struct rig *r, uint32_t nsid)
{
	struct facts_ns *ns = rig_mem(r, sizeof(*ns));
	const struct nvme_lbaf *lbaf;

	rig_id_ns(r, nsid, &ns->id);
	lbaf = &ns->id.lbaf[ns->id.flbas & 0xf];
	ns->nsid = nsid;
	ns->nsze = le64_get(ns->id.nsze);
	ns->ms = le16_get(lbaf->ms);
	REQUIRE_TRUE(r, ns->nsze && lbaf->ds >= 9 && lbaf->ds < 31,
		     "NSID %u, which is attached, has blocks", nsid);
	ns->lba_bytes = 1u << lbaf->ds;
	return ns;
}

const struct facts_ns *ns_own_attached(struct rig *r, uint64_t bytes)
{
	uint32_t nsid = ns_own(r, bytes);

	REQUIRE_STATUS(r, ns_attach(r, nsid, true), SC_SUCCESS);
	return ns_know(r, nsid);
}

/* ---- events ---- */

void ns_watch(struct rig *r)
{
	uint8_t *log = rig_mem(r, 4096);

	rig_keep_feature(r, NVME_FEAT_FID_ASYNC_EVENT, 0, 0);
	rig_admin_ok(r, cmd_set_features(NVME_FEAT_FID_ASYNC_EVENT, false, 0, AEC_NS));
	rig_admin_ok(r, cmd_get_log(NVME_LOG_LID_CHANGED_NS, NSID_ALL, 0, log, 4096));
}

const char *ns_na_changes(const struct facts *f)
{
	if (!(le32_get(f->id.oaes) & NVME_CTRL_OAES_NA))
		return "OAES bit 8 is 0: changes of namespaces are not told";
	return ns_na_management(f);
}

/* Reads it with RAE = 0, which clears it; returns how many entries there are. */
unsigned ns_read_changed(struct rig *r, uint32_t ret[NS_LIST_MAX])
{
	__le32 *log = rig_mem(r, sizeof(*log) * NS_LIST_MAX);
	unsigned n = 0, i;

	REQUIRE_STATUS(r,
		       rig_admin(r, cmd_get_log(NVME_LOG_LID_CHANGED_NS, NSID_ALL, 0, log,
						sizeof(*log) * NS_LIST_MAX)),
		       SC_SUCCESS);
	for (; n < NS_LIST_MAX && log[n]; n++) {
		ret[n] = le32_get(log[n]);
		if (n)
			CHECK_TRUE(r, ret[n] > ret[n - 1], "NSIDs rise: %u after %u", ret[n],
				   ret[n - 1]);
	}
	for (i = n; i < NS_LIST_MAX; i++)
		if (log[i])
			CHECK_EQ(r, "an entry after the end", le32_get(log[i]), 0);
	return n;
}
