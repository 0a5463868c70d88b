// SPDX-License-Identifier: GPL-2.0-or-later
/* The Identify command. Source: Base 2.0 Identify command. */
#include "model/identify.h"

#include "base/cleanup.h"
#include "model/claim.h"
#include "model/core.h"
#include "model/log.h"
#include "model/virt.h"
#include "model/zns.h"

#define CSI_NVM	    0u
#define SHORT_BYTES 3584u

static const struct identify_cns {
	uint8_t cns;
	bool has_csi;	/* uses the CSI field, which must name a command set that is here */
	uint32_t since; /* VS */
	identify_builder *build;
} structures[] = {
	{ NVME_IDENTIFY_CNS_NS, false, VS(1, 0, 0), identify_ns },
	{ NVME_IDENTIFY_CNS_CTRL, false, VS(1, 0, 0), identify_ctrl },
	{ NVME_IDENTIFY_CNS_NS_ACTIVE_LIST, false, VS(1, 1, 0), identify_list },
	{ NVME_IDENTIFY_CNS_NS_DESC_LIST, false, VS(1, 3, 0), identify_ns_desc },
	{ NVME_IDENTIFY_CNS_ALLOCATED_NS_LIST, false, VS(1, 2, 0), identify_list },
	{ NVME_IDENTIFY_CNS_ALLOCATED_NS, false, VS(1, 2, 0), identify_ns },
	{ NVME_IDENTIFY_CNS_NS_CTRL_LIST, false, VS(1, 2, 0), identify_ctrls },
	{ NVME_IDENTIFY_CNS_CTRL_LIST, false, VS(1, 2, 0), identify_ctrls },
	{ NVME_IDENTIFY_CNS_PRIMARY_CTRL_CAP, false, VS(1, 3, 0), identify_primary },
	{ NVME_IDENTIFY_CNS_SECONDARY_CTRL_LIST, false, VS(1, 3, 0), identify_secondaries },
	{ NVME_IDENTIFY_CNS_ENDURANCE_GROUP_ID, false, VS(1, 4, 0), identify_groups },
	{ NVME_IDENTIFY_CNS_NS_GRANULARITY, false, VS(1, 4, 0), identify_granules },
	{ NVME_IDENTIFY_CNS_UUID_LIST, false, VS(1, 4, 0), identify_uuids },
	{ NVME_IDENTIFY_CNS_CSI_NS, true, VS(2, 0, 0), identify_ns_nvm },
	{ NVME_IDENTIFY_CNS_CSI_CTRL, true, VS(2, 0, 0), identify_ctrl_nvm },
	{ NVME_IDENTIFY_CNS_CSI_NS_ACTIVE_LIST, true, VS(2, 0, 0), identify_list },
	{ NVME_IDENTIFY_CNS_CSI_INDEPENDENT_ID_NS, false, VS(2, 0, 0), identify_ns_common },
	{ NVME_IDENTIFY_CNS_COMMAND_SET_STRUCTURE, false, VS(2, 0, 0), identify_iocs },
};

static const struct identify_cns *find(const struct model *m, uint8_t cns)
{
	for (unsigned i = 0; i < ARRAY_SIZE(structures); i++)
		if (structures[i].cns == cns && m->opt.vs >= structures[i].since &&
		    claim_cns(m, cns))
			return &structures[i];
	return NULL;
}

/* A fault's doing: four bytes behind the data structure, wherever the data pointer says that is. */
static void overrun(struct mcmd *c)
{
	uint64_t page = model_page_size(c->m), prp1 = le64_get(c->e.prp1);
	uint64_t end = prp1 % page + IDENTIFY_BYTES;

	/* When it ends with the page, past is the neighbour, not where PRP2 leads. */
	end = end <= page ? prp1 + IDENTIFY_BYTES : le64_get(c->e.prp2) + end - page;
	core_dma_write(c->m, end, "\xde\xad\xbe\xef", 4);
}

static void send(struct mcmd *c, const uint8_t *page)
{
	uint8_t cns = mcmd_cdw10(c) & 0xff;
	bool is_short = cns == NVME_IDENTIFY_CNS_CTRL && FAULT(c->m, IDENTIFY_SHORT);
	bool is_long = cns == NVME_IDENTIFY_CNS_NS_DESC_LIST && FAULT(c->m, IDENTIFY_OVERRUN);
	size_t len = is_short ? SHORT_BYTES : IDENTIFY_BYTES;

	if (!mcmd_to_host(c, page, 0, len, IDENTIFY_BYTES) && is_long)
		overrun(c);
}

static void send_unsupported(struct mcmd *c, const uint8_t *page)
{
	bool accepted = FAULT(c->m, IDENTIFY_RESERVED_CNS_ACCEPTED);

	if ((accepted || FAULT(c->m, IDENTIFY_RESERVED_CNS_WRITES)) &&
	    !mcmd_check_data(c, IDENTIFY_BYTES))
		send(c, page);
	if (!accepted)
		mcmd_fail(c, SC_INVALID_FIELD, MCMD_AT(40, 0));
}

static bool csi_is_known(const struct mcmd *c)
{
	uint32_t csi = le32_get(c->e.cdw11) >> 24;

	return csi == CSI_NVM || (csi == CSI_ZNS && c->m->opt.zns);
}

void admin_identify(struct mcmd *c)
{
	const struct identify_cns *s = find(c->m, mcmd_cdw10(c) & 0xff);
	_Alignas(8) uint8_t page[IDENTIFY_BYTES] = { 0 };

	smart_activity(c->m);
	if (!s) {
		send_unsupported(c, page);
		return;
	}
	if (s->has_csi && !csi_is_known(c) && !FAULT(c->m, CSI_UNSUPPORTED_ACCEPTED)) {
		mcmd_fail(c, SC_INVALID_FIELD, MCMD_AT(47, 0));
		return;
	}
	if (mcmd_check_data(c, IDENTIFY_BYTES))
		return;
	s->build(c, page);
	if (c->status)
		return;
	identify_bend(c->m, s->cns, page);
	send(c, page);
}
