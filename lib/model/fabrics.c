// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The model behind a message-based transport. Its queues are made by who speaks that transport,
 * its data are reached by SGLs alone, and what is bound to memory of the host or of its own is not
 * there.
 * Source: Base 2.2 Fabrics Command Set, Identify Controller data structure (Fabrics specific),
 * Admin Command Set (support by controller kind); Base 2.0 Controller Properties.
 */
#include "model/fabrics.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "model/core.h"
#include "model/feature.h"
#include "model/option.h"

#define SGLS_OFFSET	(1u << 20) /* an address in SGL1 may be an offset into the capsule */
#define SGLS_TRANSPORT	(1u << 21) /* Transport SGL Data Block descriptors */
#define OFCS_DISCONNECT 1u
#define FCATT_STATIC	1u
#define KAS_DEFAULT	10u /* a second */

void model_message_based(struct model *m, uint16_t cntlid, bool is_static)
{
	m->is_static = is_static;
	m->cntlid_first = cntlid;
	m->message_based = true;
}

/* Options that have one value here. */
static const struct {
	const char *key;
	size_t offset;
	unsigned value;
} fixed[] = {
	{ "cqr", offsetof(struct model_opt, cqr), 1 },
	{ "dstrd", offsetof(struct model_opt, dstrd), 0 },
	{ "cmb", offsetof(struct model_opt, cmb), 0 },
	{ "pmr", offsetof(struct model_opt, pmr), 0 },
	{ "hmb", offsetof(struct model_opt, hmb), 0 },
	{ "bps", offsetof(struct model_opt, bps), 0 },
	{ "wrr", offsetof(struct model_opt, wrr), 0 },
	{ "meta", offsetof(struct model_opt, meta), 0 },
	{ "secondary", offsetof(struct model_opt, secondary), 0 },
};

static unsigned *value_at(struct model *m, size_t offset)
{
	return (unsigned *)((char *)&m->opt + offset);
}

/* An entry of `shapes` has a slash before its bytes of metadata. */
static int refuse_metadata(const struct model *m, char *why, size_t len)
{
	if (!strchr(m->opt.shapes, '/'))
		return 0;
	if (option_given(m, "shapes"))
		snprintf(why, len,
			 "shapes has metadata, which does not go behind a message-based "
			 "transport");
	else
		snprintf(why, len,
			 "preset=%s has shapes with metadata, which does not go behind a "
			 "message-based transport",
			 preset_name(m));
	return -EINVAL;
}

int fabrics_settle(struct model *m, char *why, size_t len)
{
	const unsigned bound = NVME_CTRL_OACS_DBBUF_CFG | NVME_CTRL_OACS_VIRT_MGMT;

	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++) {
		unsigned *v = value_at(m, fixed[i].offset);

		if (option_given(m, fixed[i].key) && *v != fixed[i].value) {
			snprintf(why, len, "%s=%#x: behind a message-based transport it is %u",
				 fixed[i].key, *v, fixed[i].value);
			return -EINVAL;
		}
		*v = fixed[i].value;
	}
	if (option_given(m, "oacs") && m->opt.oacs & bound) {
		snprintf(why, len, "oacs=%#x claims commands of PCIe alone", m->opt.oacs);
		return -EINVAL;
	}
	m->opt.oacs &= ~bound;
	m->opt.sgls = (m->opt.sgls & ~(unsigned)NVME_CTRL_SGLS_BIT_BUCKET) |
		      (m->opt.sgls & NVME_CTRL_SGLS_SUPPORTED ? 0 : 1);
	if (!m->opt.kas)
		m->opt.kas = KAS_DEFAULT;
	return refuse_metadata(m, why, len);
}

bool fabrics_lacks_admin(const struct model *m, uint8_t opcode)
{
	static const uint8_t of_memory[] = { nvme_admin_delete_sq, nvme_admin_create_sq,
					     nvme_admin_delete_cq, nvme_admin_create_cq };

	if (!m->message_based)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(of_memory); i++)
		if (of_memory[i] == opcode)
			return !FAULT(m, FABRICS_QUEUE_COMMANDS);
	return false;
}

bool fabrics_lacks_feature(const struct model *m, uint8_t fid)
{
	return m->message_based &&
	       (fid == NVME_FEAT_FID_IRQ_COALESCE || fid == NVME_FEAT_FID_IRQ_CONFIG);
}

void fabrics_identify(struct model *m, struct nvme_id_ctrl *id)
{
	if (!m->message_based)
		return;
	id->sgls = le32_from(m->opt.sgls | SGLS_OFFSET | SGLS_TRANSPORT);
	id->ioccsz = le32_from((64 + MODEL_CAPSULE_DATA) / 16);
	id->iorcsz = le32_from(FAULT(m, FABRICS_IORCSZ_ZERO) ? 0 : 1);
	id->icdoff = le16_from(FAULT(m, FABRICS_ICDOFF_SET) ? 4 : 0);
	id->msdbd = FAULT(m, FABRICS_MSDBD_ZERO) ? 0 : 1;
	id->fcatt = m->is_static ? FCATT_STATIC : 0;
	id->ofcs = le16_from(OFCS_DISCONNECT);
	id->maxcmd = le16_from((uint16_t)(m->opt.mqes + 1));
	if (FAULT(m, FABRICS_IOCCSZ_SHORT))
		id->ioccsz = le32_from(3);
	if (FAULT(m, FABRICS_SGLS_UNCLAIMED))
		id->sgls = le32_from(SGLS_OFFSET | SGLS_TRANSPORT);
}

int model_queue_make(struct model *m, uint16_t qid, uint32_t entries, uint64_t sq, uint64_t cq)
{
	unsigned nsq, ncq;

	feature_queue_count(m, &nsq, &ncq);
	if (!qid || qid > nsq || qid > ncq || core_sq(m, qid))
		return -EEXIST;
	if (entries < 2 || entries > m->opt.mqes + 1u)
		return -EINVAL;
	m->core->cq[qid] = (struct model_cq){
		.used = true, .base = cq, .size = entries, .phase = 1, .sqs = 1
	};
	m->core->sq[qid] =
		(struct model_sq){ .used = true, .base = sq, .size = entries, .cqid = qid };
	return 0;
}

void model_queue_drop(struct model *m, uint16_t qid)
{
	struct model_sq *sq = qid ? core_sq(m, qid) : NULL;

	if (!sq)
		return;
	for (unsigned i = 0; i < m->core->nslots; i++)
		if (m->core->slot[i].state != SLOT_FREE && m->core->slot[i].c.sqid == qid)
			engine_drop(m, &m->core->slot[i]);
	sq->used = false;
	m->core->cq[qid].used = false;
}

int model_queue_head(const struct model *m, uint16_t qid)
{
	return qid <= m->opt.nsq && m->core->sq[qid].used ? (int)m->core->sq[qid].head : -1;
}

bool model_keep_alive_expired(const struct model *m)
{
	return m->core->alive_expired;
}

void model_connected(struct model *m, uint32_t kato_ms, const uint8_t hostid[16])
{
	feature_connected(m, kato_ms, hostid);
	keepalive_restart(m);
}
