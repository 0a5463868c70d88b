// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What Identify and the effects log tell of zoned namespaces. Source: ZNS CS 1.1 Identify Command,
 * I/O Controller Requirements.
 */
#include "model/claim.h"
#include "model/zns.h"

#define NO_LIMIT     0xffffffffu
#define READ_ACROSS  0x1u
#define EFFECT_WRITE (NVME_CMD_EFFECTS_CSUPP | NVME_CMD_EFFECTS_LBCC)

static uint32_t resources_z(unsigned n)
{
	return n ? n - 1 : NO_LIMIT;
}

void zns_identify_ns(struct mcmd *c, const struct media_ns *ns, uint8_t *page)
{
	struct nvme_zns_id_ns *id = (struct nvme_zns_id_ns *)page;
	const struct zones *z = media_zones(ns);
	const struct media_format *all;
	unsigned n = media_formats(c->m, &all);

	id->ozcs = le16_from(z->read_across ? READ_ACROSS : 0);
	id->mar = le32_from(resources_z(z->mar));
	id->mor = le32_from(resources_z(z->mor));
	if (FAULT(c->m, ZNS_MOR_ABOVE_MAR))
		id->mor = le32_from(NO_LIMIT);
	for (unsigned i = 0; i < n; i++) {
		id->lbafe[i].zsze = le64_from(c->m->opt.zsze);
		id->lbafe[i].zdes =
			(uint8_t)(zns_extension_bytes(&c->m->opt, all[i].lbads) / ZNS_EXTENSION);
	}
	if (FAULT(c->m, ZNS_SIZE_ZERO))
		id->lbafe[(media_shape(ns)->format + 1) % n].zsze = le64_from(0);
}

void zns_identify_ctrl(struct mcmd *c, uint8_t *page)
{
	struct nvme_zns_id_ctrl *id = (struct nvme_zns_id_ctrl *)page;

	id->zasl = c->m->opt.append ? (uint8_t)c->m->opt.zasl : 0;
	if (FAULT(c->m, ZNS_ZASL_ABOVE_MDTS))
		id->zasl = (uint8_t)(c->m->opt.mdts + 1);
}

/* The commands that the NVM Command Set does not have, beside those that it has. */
void zns_effects(struct model *m, uint8_t *page)
{
	struct nvme_cmd_effects_log *log = (struct nvme_cmd_effects_log *)page;

	log->iocs[nvme_zns_cmd_mgmt_send] = le32_from(EFFECT_WRITE);
	log->iocs[nvme_zns_cmd_mgmt_recv] = le32_from(NVME_CMD_EFFECTS_CSUPP);
	if (claim_io(m, nvme_zns_cmd_append) && !FAULT(m, ZNS_APPEND_NOT_TOLD))
		log->iocs[nvme_zns_cmd_append] = le32_from(EFFECT_WRITE);
	if (FAULT(m, ZNS_RECEIVE_NOT_TOLD))
		log->iocs[nvme_zns_cmd_mgmt_recv] = le32_from(0);
}
