// SPDX-License-Identifier: GPL-2.0-or-later
/* Faults that are one wrong field of a data structure that Identify returns. */
#include "base/cleanup.h"
#include "model/identify.h"
#include "model/log.h"

#define NS   NVME_IDENTIFY_CNS_NS
#define CTRL NVME_IDENTIFY_CNS_CTRL

static const struct bend {
	enum fault_id fault;
	uint8_t cns;
	uint16_t at; /* byte of the structure */
	uint8_t width;
	uint32_t value;
} bends[] = {
	{ FAULT_SUBNQN_MALFORMED, CTRL, 768, 1, 'x' },
	{ FAULT_SUBNQN_NOT_PADDED, CTRL, 1023, 1, 'x' },
	{ FAULT_SQES_MINIMUM_WRONG, CTRL, 512, 1, 0x65 },
	{ FAULT_CQES_MAXIMUM_WRONG, CTRL, 513, 1, 0x34 },
	{ FAULT_CNTLID_RESERVED, CTRL, 78, 2, 0xfff0 },
	{ FAULT_CNTRLTYPE_ZERO, CTRL, 111, 1, 0 },
	{ FAULT_AWUPF_ABOVE_AWUN, CTRL, 528, 2, 0xff },
	{ FAULT_HMMIN_ABOVE_HMPRE, CTRL, 276, 4, 0xffff },
	{ FAULT_FRMW_NO_SLOT, CTRL, 260, 1, 1 },
	{ FAULT_MNAN_ABOVE_NN, CTRL, 540, 4, 0x10000 },
	{ FAULT_PSD_POWER_RISES, CTRL, 2048 + 32, 2, 3000 },
	{ FAULT_PSD_RANK_TOO_LARGE, CTRL, 2048 + 12, 1, 3 },
	{ FAULT_PSD_PAST_NPSS, CTRL, 2048 + 3 * 32, 2, 1 },
	{ FAULT_IDENTIFY_RESERVED_NOT_ZERO, CTRL, 140, 1, 1 },
	{ FAULT_ENDURANCE_GROUPS_UNCLAIMED, CTRL, 96, 1, 0x81 },
	{ FAULT_VWC_UNCLAIMED, CTRL, 525, 1, 0x6 },
	{ FAULT_VWC_FLUSH_UNDEFINED, CTRL, 525, 1, 0x1 },
	{ FAULT_ONCS_BIT_WITHOUT_COMMAND, CTRL, 520, 1, 0xff },
	{ FAULT_ONCS_COMMAND_WITHOUT_BIT, CTRL, 520, 1, 0xde },
	{ FAULT_NLBAF_TOO_MANY, NS, 25, 1, 16 },
	{ FAULT_LBADS_TINY, NS, 25, 1, 2 },
	{ FAULT_LBADS_TINY, NS, 128 + 2 * 4 + 2, 1, 5 },
	{ FAULT_DPC_FIRST_BYTES, NS, 28, 1, 0x1f },
	{ FAULT_ELBAF_STORAGE_TAG_SMALL, NVME_IDENTIFY_CNS_CSI_NS, 12 + 8 * 4, 2, 1 << 7 | 8 },
	{ FAULT_PIC_WITHOUT_STORAGE, NVME_IDENTIFY_CNS_CSI_NS, 8, 1, 0 },
	{ FAULT_DPS_WITHOUT_DPC, NS, 29, 1, 1 },
	{ FAULT_NAWUPF_BELOW_AWUPF, NS, 36, 2, 3 },
	{ FAULT_NABO_WITHOUT_BOUNDARY, NS, 42, 2, 1 },
	{ FAULT_DSM_LIMITS_PARTIAL, NVME_IDENTIFY_CNS_CSI_CTRL, 3, 1, 16 },
	{ FAULT_IOCS_WITHOUT_NVM, NVME_IDENTIFY_CNS_COMMAND_SET_STRUCTURE, 0, 1, 2 },
	{ FAULT_CSI_NS_COMMON_DIFFERS, NVME_IDENTIFY_CNS_CSI_INDEPENDENT_ID_NS, 1, 1, 1 },
	{ FAULT_UUID_LIST_HOLE, NVME_IDENTIFY_CNS_UUID_LIST, 3 * 32 + 16, 4, 0x12345678 },
};

static bool is_zero(const uint8_t *page)
{
	return !page[0] && !memcmp(page, page + 1, IDENTIFY_BYTES - 1);
}

void identify_bend(struct model *m, uint8_t cns, uint8_t *page)
{
	if (cns == NVME_IDENTIFY_CNS_ALLOCATED_NS)
		cns = NS;
	if (cns == NS && is_zero(page))
		return; /* inactive */
	for (size_t i = 0; i < ARRAY_SIZE(bends); i++)
		if (bends[i].cns == cns && fault_is_on(m->fault, bends[i].fault))
			for (unsigned b = 0; b < bends[i].width; b++)
				page[bends[i].at + b] = (uint8_t)(bends[i].value >> 8 * b);
	if (cns == CTRL && FAULT(m, IDENTITY_CHANGES_AT_RESET))
		page[4 + 8] = (uint8_t)('0' + m->logs->resets % 10);
}
