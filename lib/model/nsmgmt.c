// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Namespaces made, deleted, attached and detached, and who is told of it. Sources: Base 2.1
 * Namespace Management command, Namespace Attachment command, Namespace Management, Changed
 * Attached Namespace List; NVM CS 1.0 Namespace Management command.
 */
#include "base/cleanup.h"
#include "model/ana.h"
#include "model/directive.h"
#include "model/feature.h"
#include "model/identify.h"
#include "model/log.h"
#include "model/media.h"
#include "model/resv.h"

#define DATA_BYTES   4096u
#define SEL(c)	     (mcmd_cdw10(c) & 0xf)
#define CSI(c)	     (le32_get((c)->e.cdw11) >> 24)
#define AT_NSID	     MCMD_AT(4, 0)
#define AT_DATA	     MCMD_AT(24, 0)
#define AT_SEL	     MCMD_AT(40, 0)
#define AT_CSI	     MCMD_AT(47, 0)
#define FLBAS_FORMAT 0x0fu
#define FLBAS_UPPER  0x60u
#define NOTICE	     2u
#define NOTICE_NS    0u /* Namespace Attribute Changed */
#define CHANGED_MOST 1024u
#define LIST_MOST    2047u
#define BYTES_MOST   (1ull << 40) /* of a namespace that a fault lets through */

enum { CREATE = 0, DELETE = 1 };
enum { ATTACH = 0, DETACH = 1 };

/* ---- who is told ---- */

static void mark_changed(struct model *m, uint32_t nsid)
{
	m->logs->changed_ns[nsid / 64] |= 1ull << nsid % 64;
}

/* An attached namespace came or went, for this controller. */
void nsmgmt_changed(struct model *m, uint32_t nsid)
{
	if (!(m->opt.oaes & NVME_CTRL_OAES_NA))
		return;
	mark_changed(m, nsid);
	if (!FAULT(m, NS_EVENT_MISSING))
		model_event(m, NOTICE, NOTICE_NS,
			    FAULT(m, NS_EVENT_WRONG_LOG) ? NVME_LOG_LID_SMART
							 : NVME_LOG_LID_CHANGED_NS);
}

size_t nsmgmt_build_changed(struct model *m, uint8_t *page)
{
	unsigned n = 0;

	for (uint32_t nsid = 1; nsid <= media_highest(m); nsid++) {
		if (!(m->logs->changed_ns[nsid / 64] >> nsid % 64 & 1))
			continue;
		if (n < CHANGED_MOST)
			le32_put(page + 4 * n, nsid);
		n++;
	}
	if (n > 1 && n <= CHANGED_MOST && FAULT(m, CHANGED_LIST_UNSORTED)) {
		uint32_t first = le32_at(page);

		le32_put(page, le32_at(page + 4));
		le32_put(page + 4, first);
	}
	if (n > CHANGED_MOST && !FAULT(m, CHANGED_LIST_CUT)) {
		memset(page, 0, 4 * CHANGED_MOST);
		le32_put(page, NSID_ALL);
	}
	return 4 * CHANGED_MOST;
}

void nsmgmt_changed_read(struct model *m)
{
	if (!FAULT(m, CHANGED_LIST_STAYS))
		memset(m->logs->changed_ns, 0, sizeof(m->logs->changed_ns));
}

/* ---- create ---- */

/* The least NSID that is not allocated; 0: there is none, or there are as many as may be. */
static uint32_t free_nsid(const struct model *m)
{
	uint32_t nn = media_nn(m);

	if (m->opt.mnan && media_count(m) >= m->opt.mnan)
		return 0;
	for (uint32_t nsid = 1; nsid <= nn && nsid <= MEDIA_NS_MAX; nsid++)
		if (!media_allocated(m, nsid))
			return nsid;
	if (nn < MEDIA_NS_MAX && FAULT(m, NSID_PAST_NN))
		return nn + 1;
	return 0;
}

static struct media_shape shape_asked(const struct mcmd *c, const struct nvme_id_ns *id)
{
	return (struct media_shape){
		.format = (id->flbas & FLBAS_FORMAT) | (id->flbas & FLBAS_UPPER) >> 1,
		.extended = id->flbas >> 4 & 1,
		.dps = FAULT(c->m, NS_DPS_DROPPED) ? 0 : id->dps,
		.csi = (uint8_t)CSI(c),
		.shared = id->nmic & 1,
		.blocks = le64_get(id->nsze),
	};
}

/* Bytes that a namespace of that shape takes; UINT64_MAX: more than can be said. */
static uint64_t needs(const struct model *m, const struct media_shape *s)
{
	const struct media_format *all;
	uint64_t block;

	media_formats(m, &all);
	block = (1ull << all[s->format].lbads) + all[s->format].ms;
	if (FAULT(m, NS_SIZE_WRAPS))
		return s->blocks * block;
	if (s->blocks > (UINT64_MAX - MEDIA_GRANULE) / block)
		return UINT64_MAX;
	return (s->blocks * block + MEDIA_GRANULE - 1) / MEDIA_GRANULE * MEDIA_GRANULE;
}

static bool too_large(struct mcmd *c, const struct media_shape *s)
{
	uint64_t bytes = needs(c->m, s);

	if (bytes <= media_unallocated(c->m))
		return false;
	if (bytes < BYTES_MOST && FAULT(c->m, NS_CAPACITY_UNCHECKED))
		return false;
	mcmd_fail(c, SC_NS_CAPACITY, AT_DATA);
	c->specific = FAULT(c->m, NS_CAPACITY_UNTOLD) ? 0 : bytes;
	return true;
}

/* Thin provisioning is not there: what is promised is there. */
static bool sizes_wrong(struct mcmd *c, uint64_t size, uint64_t capacity)
{
	if (size && capacity > size)
		mcmd_fail(c, SC_INVALID_FIELD, AT_DATA);
	else if (capacity < size && !FAULT(c->m, NS_THIN_ACCEPTED))
		mcmd_fail(c, SC_THIN_UNSUPPORTED, AT_DATA);
	else if (!size)
		mcmd_fail(c, SC_INVALID_FIELD, AT_DATA);
	return c->status != SC_SUCCESS;
}

static bool shape_wrong(struct mcmd *c, struct media_shape *s)
{
	uint16_t status = media_shape_status(c->m, s);

	if (status && FAULT(c->m, NS_FORMAT_UNCHECKED)) {
		s->format = 0;
		s->dps = 0;
		status = SC_SUCCESS;
	}
	if (status)
		mcmd_fail(c, status, AT_DATA);
	else if (s->blocks % 8 && FAULT(c->m, NS_GRANULE_DEMANDED))
		mcmd_fail(c, SC_INVALID_FIELD, AT_DATA);
	return c->status != SC_SUCCESS;
}

/* What the fault ns-size-wraps makes of a size that is none. */
static void bend_size(const struct mcmd *c, struct media_shape *s)
{
	if (s->blocks > BYTES_MOST && FAULT(c->m, NS_SIZE_WRAPS))
		s->blocks = 8;
}

static void make(struct mcmd *c, struct media_shape *s)
{
	struct model *m = c->m;
	uint32_t nsid = free_nsid(m);

	if (!nsid) {
		mcmd_fail(c, SC_NSID_UNAVAILABLE, MCMD_NOWHERE);
		return;
	}
	bend_size(c, s);
	if (media_create(m, nsid, s)) {
		mcmd_fail(c, SC_INTERNAL_ERROR, MCMD_NOWHERE);
		return;
	}
	for (unsigned i = 0; i < m->sub->n; i++)
		features_new_ns(m->sub->ctrl[i], nsid);
	c->dw0 = FAULT(m, NS_CREATED_UNTOLD) ? 0 : nsid;
	if (FAULT(m, NS_CREATED_ATTACHED))
		media_attach(media_allocated(m, nsid), m->index, true);
}

static void create(struct mcmd *c)
{
	_Alignas(8) uint8_t data[DATA_BYTES];
	const struct nvme_id_ns *id = (const struct nvme_id_ns *)data;
	struct media_shape s;

	if (mcmd_check_data(c, sizeof(data)) ||
	    mcmd_from_host(c, data, 0, sizeof(data), sizeof(data)))
		return;
	s = shape_asked(c, id);
	if (s.csi && c->m->opt.vs >= VS(2, 0, 0) && !FAULT(c->m, NS_CSI_IGNORED)) {
		mcmd_fail(c, SC_IOCS_UNSUPPORTED, AT_CSI);
		return;
	}
	s.csi = 0;
	if (sizes_wrong(c, s.blocks, le64_get(id->ncap)) || shape_wrong(c, &s) || too_large(c, &s))
		return;
	make(c, &s);
}

/* ---- delete ---- */

/* The controllers that lose it are told; the one that deletes says nothing of it. */
static void delete_one(struct mcmd *c, uint32_t nsid)
{
	struct model *m = c->m;

	for (unsigned i = 0; i < m->sub->n; i++) {
		struct model *other = m->sub->ctrl[i];

		if (!media_ns(other, nsid) || FAULT(m, DELETE_UNLISTED))
			continue;
		if (other == m || FAULT(m, DELETE_UNTOLD))
			mark_changed(other, nsid);
		else
			nsmgmt_changed(other, nsid);
	}
	directive_delete(m, nsid);
	if (FAULT(m, NS_DELETE_NOOP))
		return;
	for (unsigned i = 0; i < m->sub->n; i++)
		if (media_ns(m->sub->ctrl[i], nsid))
			ana_members_changed(m->sub->ctrl[i], nsid);
	media_delete(m, nsid);
	resv_forget(m, nsid);
}

static void delete_all(struct mcmd *c)
{
	for (uint32_t nsid = 1; nsid <= media_highest(c->m); nsid++) {
		if (!feature_write_protected(c->m, nsid))
			continue;
		mcmd_fail(c, SC_NS_WRITE_PROTECTED, AT_NSID);
		return;
	}
	for (uint32_t nsid = 1; nsid <= media_highest(c->m); nsid++)
		if (media_allocated(c->m, nsid))
			delete_one(c, nsid);
}

/* The namespace of the command, attached or not. */
static struct media_ns *find_ns(struct mcmd *c)
{
	struct media_ns *ns = media_allocated(c->m, c->nsid);
	bool valid = c->nsid && c->nsid <= media_nn(c->m);
	bool old = c->m->opt.vs < VS(2, 0, 0);

	if (ns)
		return ns;
	mcmd_fail(c, valid || (c->nsid == NSID_ALL && !old) ? SC_INVALID_FIELD : SC_INVALID_NS,
		  AT_NSID);
	return NULL;
}

static void delete (struct mcmd *c)
{
	if (c->nsid == NSID_ALL) {
		delete_all(c);
		return;
	}
	if (!find_ns(c)) {
		if (FAULT(c->m, NS_DELETE_UNKNOWN_ACCEPTED))
			c->status = SC_SUCCESS;
		return;
	}
	if (feature_write_protected(c->m, c->nsid))
		mcmd_fail(c, SC_NS_WRITE_PROTECTED, AT_NSID);
	else
		delete_one(c, c->nsid);
}

void admin_ns_mgmt(struct mcmd *c)
{
	unsigned sel = SEL(c);

	smart_activity(c->m);
	if (sel == CREATE)
		create(c);
	else if (sel == DELETE)
		delete (c);
	else if (!FAULT(c->m, NS_SEL_RESERVED_ACCEPTED))
		mcmd_fail(c, SC_INVALID_FIELD, AT_SEL);
}

/* ---- attach and detach ---- */

/* The controller of that identifier; NULL: the subsystem has none. */
static struct model *find_ctrl(struct model *m, uint16_t id)
{
	for (unsigned i = 0; i < m->sub->n; i++)
		if (model_cntlid(m->sub->ctrl[i]) == id)
			return m->sub->ctrl[i];
	return NULL;
}

/* Namespaces attached to this controller. */
static unsigned attachments(const struct model *m)
{
	unsigned n = 0;

	for (uint32_t nsid = 1; nsid <= media_highest(m); nsid++)
		n += media_ns(m, nsid) != NULL;
	return n;
}

static unsigned attachments_of_all(const struct model *m)
{
	unsigned n = 0;

	for (unsigned i = 0; i < m->sub->n; i++)
		n += attachments(m->sub->ctrl[i]);
	return n;
}

static bool attached_elsewhere(const struct model *m, const struct media_ns *ns)
{
	for (unsigned i = 0; i < m->sub->n; i++)
		if (i != m->index && media_is_attached(ns, i))
			return true;
	return false;
}

static bool over_limit(const struct model *m)
{
	if (FAULT(m, NS_ATTACH_LIMIT_UNCHECKED))
		return false;
	return (m->opt.maxcna && attachments(m) >= m->opt.maxcna) ||
	       (m->opt.maxdna && attachments_of_all(m) >= m->opt.maxdna);
}

static uint16_t attach(struct model *m, struct media_ns *ns)
{
	if (media_is_attached(ns, m->index))
		return FAULT(m, NS_ATTACHED_TWICE) ? SC_SUCCESS : SC_NS_ATTACHED;
	if (!media_shape(ns)->shared && attached_elsewhere(m, ns) && !FAULT(m, NS_PRIVATE_SHARED))
		return SC_NS_PRIVATE;
	if (over_limit(m))
		return SC_NS_ATTACH_LIMIT;
	media_attach(ns, m->index, !FAULT(m, NS_ATTACH_NOOP));
	ana_members_changed(m, media_nsid(ns));
	for (unsigned i = 0; i < m->sub->n; i++)
		if (i == m->index || FAULT(m, NS_EVENT_EVERYWHERE))
			nsmgmt_changed(m->sub->ctrl[i], media_nsid(ns));
	return SC_SUCCESS;
}

static uint16_t detach(struct model *m, struct media_ns *ns)
{
	if (!media_is_attached(ns, m->index))
		return FAULT(m, NS_DETACHED_TWICE) ? SC_SUCCESS : SC_NS_NOT_ATTACHED;
	if (FAULT(m, DETACH_LOSES_DATA))
		media_drop(ns);
	media_attach(ns, m->index, FAULT(m, NS_DETACH_NOOP));
	ana_members_changed(m, media_nsid(ns));
	if (!FAULT(m, DETACH_UNTOLD))
		nsmgmt_changed(m, media_nsid(ns));
	return SC_SUCCESS;
}

/* Identifiers rise, and there are no more than have room. */
static bool list_wrong(const uint8_t *list)
{
	unsigned n = le16_at(list);

	if (!n || n > LIST_MOST)
		return true;
	for (unsigned i = 2; i <= n; i++)
		if (le16_at(list + 2 * i) <= le16_at(list + 2 * (i - 1)))
			return true;
	return false;
}

/* What fails leaves the entries before it done, and those after it not. */
static void each_entry(struct mcmd *c, struct media_ns *ns, const uint8_t *list)
{
	unsigned n = le16_at(list);

	for (unsigned i = 1; i <= n && i <= LIST_MOST; i++) {
		struct model *m = find_ctrl(c->m, le16_at(list + 2 * i));
		uint16_t status = SC_CONTROLLER_LIST_INVALID;

		if (m)
			status = SEL(c) == ATTACH ? attach(m, ns) : detach(m, ns);
		else if (FAULT(c->m, CTRL_LIST_UNCHECKED))
			status = SC_SUCCESS;
		if (!status)
			continue;
		mcmd_fail(c, status, AT_DATA);
		c->specific = FAULT(c->m, ATTACH_ERROR_UNPLACED) ? 0 : 2 * i;
		return;
	}
}

void admin_ns_attach(struct mcmd *c)
{
	uint8_t list[DATA_BYTES];
	struct media_ns *ns;

	smart_activity(c->m);
	if (SEL(c) > DETACH) {
		if (!FAULT(c->m, ATTACH_SEL_RESERVED_ACCEPTED))
			mcmd_fail(c, SC_INVALID_FIELD, AT_SEL);
		return;
	}
	ns = find_ns(c);
	if (!ns || mcmd_check_data(c, sizeof(list)) ||
	    mcmd_from_host(c, list, 0, sizeof(list), sizeof(list)))
		return;
	if (list_wrong(list) && !FAULT(c->m, CTRL_LIST_UNCHECKED)) {
		mcmd_fail(c, SC_CONTROLLER_LIST_INVALID, AT_DATA);
		return;
	}
	each_entry(c, ns, list);
}
