// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>
#include <string.h>

#include "kit/kit.h"

#define OPCODES	    0xc0u /* from here on they are the vendor's: what they do is unknown */
#define LPA_EFFECTS 0x02u
#define CSUPP	    0x1u
#define ID_LEN	    4096

/*
 * The opcodes that some revision from 1.0 to 2.2 gives a meaning (Opcodes for Admin Commands).
 * `oacs` is the bit without which the command is unsupported, 0: no bit tells. `harmful`: an
 * unsupported one is sent to emulated devices alone, as a drive that has it after all would obey.
 */
static const struct opcode {
	uint8_t opcode;
	uint16_t oacs;
	bool harmful;
} defined[] = {
	{ nvme_admin_delete_sq, 0, false },
	{ nvme_admin_create_sq, 0, false },
	{ nvme_admin_get_log_page, 0, false },
	{ nvme_admin_delete_cq, 0, false },
	{ nvme_admin_create_cq, 0, false },
	{ nvme_admin_identify, 0, false },
	{ nvme_admin_abort_cmd, 0, false },
	{ nvme_admin_set_features, 0, false },
	{ nvme_admin_get_features, 0, false },
	{ nvme_admin_async_event, 0, false },
	{ nvme_admin_ns_mgmt, NVME_CTRL_OACS_NS_MGMT, true },
	{ nvme_admin_fw_commit, NVME_CTRL_OACS_FW, true },
	{ nvme_admin_fw_download, NVME_CTRL_OACS_FW, true },
	{ nvme_admin_dev_self_test, NVME_CTRL_OACS_SELF_TEST, false },
	{ nvme_admin_ns_attach, NVME_CTRL_OACS_NS_MGMT, true },
	{ nvme_admin_keep_alive, 0, false },
	{ nvme_admin_directive_send, NVME_CTRL_OACS_DIRECTIVES, false },
	{ nvme_admin_directive_recv, NVME_CTRL_OACS_DIRECTIVES, false },
	{ nvme_admin_virtual_mgmt, NVME_CTRL_OACS_VIRT_MGMT, true },
	{ nvme_admin_nvme_mi_send, NVME_CTRL_OACS_NVME_MI, false },
	{ nvme_admin_nvme_mi_recv, NVME_CTRL_OACS_NVME_MI, false },
	{ 0x20, 0, false }, /* Capacity Management */
	{ 0x21, 0, false },
	{ 0x22, 0, false },
	{ nvme_admin_lockdown, NVME_CTRL_OACS_CMD_FEAT_LD, true },
	{ 0x25, 0, false }, /* fabrics: zoning, exported resources */
	{ 0x28, 0, false },
	{ 0x29, 0, false },
	{ 0x2a, 0, false },
	{ 0x2d, 0, false },
	{ 0x31, 0, false },
	{ 0x35, 0, false },
	{ 0x39, 0, false },
	{ 0x3d, 0, false }, /* Track Send and Receive, Migration, Controller Data Queue */
	{ 0x3e, 0, false },
	{ 0x41, 0, false },
	{ 0x42, 0, false },
	{ 0x45, 0, false },
	{ nvme_admin_dbbuf, NVME_CTRL_OACS_DBBUF_CFG, true },
	{ 0x7f, 0, false },
	{ nvme_admin_format_nvm, NVME_CTRL_OACS_FORMAT, true },
	{ nvme_admin_security_send, NVME_CTRL_OACS_SECURITY, true },
	{ nvme_admin_security_recv, NVME_CTRL_OACS_SECURITY, false },
	{ nvme_admin_sanitize_nvm, 0, false },
	{ 0x85, 0, false }, /* computational programs */
	{ nvme_admin_get_lba_status, NVME_CTRL_OACS_LBA_STATUS, false },
	{ 0x88, 0, false },
	{ 0x89, 0, false },
};

/* Nothing that the controller says leads one to expect that it knows the opcode. */
static bool is_unknown(struct rig *r, uint8_t opcode, const struct nvme_cmd_effects_log *effects)
{
	const struct facts *f = rig_facts(r);

	if (le32_get(effects->acs[opcode]) & CSUPP)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(defined); i++)
		if (defined[i].opcode == opcode)
			return defined[i].oacs && !(le16_get(f->id.oacs) & defined[i].oacs) &&
			       (!defined[i].harmful || f->caps.emulated);
	return true;
}

/* All zeroes where there is no such log page. */
static const struct nvme_cmd_effects_log *read_effects(struct rig *r)
{
	struct nvme_cmd_effects_log *log = rig_mem(r, sizeof(*log));

	if (rig_facts(r)->id.lpa & LPA_EFFECTS)
		rig_admin_ok(r, cmd_get_log(NVME_LOG_LID_CMD_EFFECTS, 0, 0, log, sizeof(*log)));
	return log;
}

/* With a page to write to, should it be tempted. */
static void ask_opcode(struct rig *r, uint8_t opcode, const struct buf *b)
{
	struct cmd c = cmd_raw(opcode, 0);
	struct cpl cpl;
	char what[32];

	rig_prp(r, &c, b, 0, b->len);
	cpl = rig_admin(r, c);
	snprintf(what, sizeof(what), "opcode %02Xh: status", opcode);
	CHECK_STATUS_OF(r, what, cpl, SC_INVALID_OPCODE);
	ADVISE_TRUE(r, cpl.dnr, "opcode %02Xh: Do Not Retry is set", opcode);
}

static void reserved_opcodes(struct rig *r)
{
	const struct nvme_cmd_effects_log *effects = read_effects(r);
	struct buf *b = rig_buf(r, ID_LEN);
	uint8_t before[ID_LEN];

	memcpy(before, b->data, ID_LEN);
	for (unsigned opcode = 0; opcode < OPCODES; opcode++)
		if (is_unknown(r, (uint8_t)opcode, effects))
			ask_opcode(r, (uint8_t)opcode, b);
	check_untouched(r, CHECK_SITE(0, 0), b, before, 0, 0);
	rig_admin_ok(r, cmd_identify(0x01, 0, rig_mem(r, ID_LEN)));
}

/* ---- fuse-nonzero ---- */

static const struct fuse_row {
	const char *name;
	uint8_t fuse;
} fuse_rows[] = { { "first", 1 }, { "second", 2 }, { "reserved", 3 } };

static void fuse_nonzero(struct rig *r)
{
	const struct fuse_row *row = rig_row(r);
	struct cmd c = cmd_identify(0x01, 0, rig_mem(r, ID_LEN));

	c.sqe.flags = row->fuse;
	CHECK_STATUS(r, rig_admin(r, c), SC_INVALID_FIELD, SC_FUSED_MISSING);
	rig_admin_ok(r, cmd_identify(0x01, 0, rig_mem(r, ID_LEN)));
}

static const struct rig_case cases[] = {
	{ .id = "reserved-opcodes",
	  .rule = "Every reserved or unsupported admin opcode fails with Invalid Command Opcode, "
		  "and "
		  "does nothing else.",
	  .ref = "Base 2.1 Admin Command Set (Opcodes for Admin Commands); "
		 "Base 2.2 Generic Command Status Definition",
	  .needs = NEED_CTRL,
	  .harm = HARM_NONE,
	  .fault = "admin-reserved-accepted admin-reserved-wrong-status",
	  .shakes = true, /* a fabric's controller may end the association */
	  .run = reserved_opcodes },
	{ .id = "fuse-nonzero",
	  .rule = "Admin commands are not fused: one that says so is refused.",
	  .ref = "Base 2.0 Fused Operations",
	  .needs = NEED_COMMAND | NEED_SQE,
	  .level = SHOULD,
	  .fault = "admin-fuse-ignored admin-fuzz-hangs-on-fuse",
	  .run = fuse_nonzero,
	  ROWS(fuse_rows) },
};

SUITE(admin_suite, CONFORMANCE, "admin", cases);
