// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The pages that tell what is supported. Sources: Base 2.0 Commands Supported and Effects,
 * Feature Identifiers Supported and Effects.
 */
#include "base/cleanup.h"
#include "model/claim.h"
#include "model/feature.h"
#include "model/log.h"

#define SCOPE_NAMESPACE	 (1u << 20)
#define SCOPE_CONTROLLER (1u << 21)

static const uint8_t admin_opcodes[] = {
	nvme_admin_delete_sq,	   nvme_admin_create_sq,     nvme_admin_get_log_page,
	nvme_admin_delete_cq,	   nvme_admin_create_cq,     nvme_admin_identify,
	nvme_admin_abort_cmd,	   nvme_admin_set_features,  nvme_admin_get_features,
	nvme_admin_async_event,	   nvme_admin_fw_commit,     nvme_admin_fw_download,
	nvme_admin_dev_self_test,  nvme_admin_virtual_mgmt,  nvme_admin_keep_alive,
	nvme_admin_dbbuf,	   nvme_admin_ns_mgmt,	     nvme_admin_ns_attach,
	nvme_admin_sanitize_nvm,   nvme_admin_format_nvm,    nvme_admin_directive_send,
	nvme_admin_directive_recv, nvme_admin_security_send, nvme_admin_security_recv,
	nvme_admin_nvme_mi_send,   nvme_admin_nvme_mi_recv,  nvme_admin_get_lba_status,
};

static const struct {
	uint8_t opcode;
	bool changes_blocks;
} io_opcodes[] = {
	{ nvme_cmd_flush, false },	  { nvme_cmd_write, true },
	{ nvme_cmd_read, false },	  { nvme_cmd_write_uncor, true },
	{ nvme_cmd_compare, false },	  { nvme_cmd_write_zeroes, true },
	{ nvme_cmd_dsm, true },		  { nvme_cmd_verify, false },
	{ nvme_cmd_copy, true },	  { nvme_cmd_resv_register, false },
	{ nvme_cmd_resv_report, false },  { nvme_cmd_resv_acquire, false },
	{ nvme_cmd_resv_release, false },
};

/* What a command changes besides what its name says. */
static uint32_t admin_effects(uint8_t opcode)
{
	switch (opcode) {
	case nvme_admin_ns_mgmt:
		return NVME_CMD_EFFECTS_LBCC | NVME_CMD_EFFECTS_NIC;
	case nvme_admin_sanitize_nvm:
		return NVME_CMD_EFFECTS_LBCC;
	case nvme_admin_ns_attach:
		return NVME_CMD_EFFECTS_NIC;
	case nvme_admin_format_nvm:
		return NVME_CMD_EFFECTS_LBCC | NVME_CMD_EFFECTS_NCC;
	default:
		return 0;
	}
}

size_t effects_commands(struct model *m, uint8_t *page)
{
	struct nvme_cmd_effects_log *log = (struct nvme_cmd_effects_log *)page;

	for (unsigned i = 0; i < ARRAY_SIZE(admin_opcodes); i++)
		if (claim_admin(m, admin_opcodes[i]))
			log->acs[admin_opcodes[i]] =
				le32_from(NVME_CMD_EFFECTS_CSUPP | admin_effects(admin_opcodes[i]));
	for (unsigned i = 0; i < ARRAY_SIZE(io_opcodes); i++) {
		if (!claim_io(m, io_opcodes[i].opcode))
			continue;
		log->iocs[io_opcodes[i].opcode] =
			le32_from(NVME_CMD_EFFECTS_CSUPP |
				  (io_opcodes[i].changes_blocks ? NVME_CMD_EFFECTS_LBCC : 0));
	}
	if (FAULT(m, EFFECTS_VERIFY_MISSING))
		log->iocs[nvme_cmd_verify] = 0;
	if (FAULT(m, EFFECTS_RESERVATIONS_CLAIMED))
		log->iocs[nvme_cmd_resv_register] = le32_from(NVME_CMD_EFFECTS_CSUPP);
	if (FAULT(m, EFFECTS_WRITE_HARMLESS))
		log->iocs[nvme_cmd_write] = le32_from(NVME_CMD_EFFECTS_CSUPP);
	return sizeof(*log);
}

size_t effects_features(struct model *m, uint8_t *page)
{
	bool per_ns;

	for (unsigned fid = 0; fid < 256; fid++)
		if (feature_exists(m, (uint8_t)fid, &per_ns))
			le32_put(page + fid * 4, 1 | (per_ns ? SCOPE_NAMESPACE : SCOPE_CONTROLLER));
	if (FAULT(m, FID_EFFECTS_MISSING))
		le32_put(page + 0x04 * 4, 0);
	if (FAULT(m, FID_EFFECTS_EXTRA))
		le32_put(page + 0x11 * 4, 1 | SCOPE_CONTROLLER);
	return 1024;
}
