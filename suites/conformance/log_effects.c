// SPDX-License-Identifier: GPL-2.0-or-later
/* The log pages that say which commands and features there are, tried. */
#include <stdio.h>

#include "kit/kit.h"

#define LPA_EFFECTS  (1u << 1)
#define LPA_FIDS     (1u << 5)
#define ONCS_SSFS    (1u << 4)
#define CSUPP	     NVME_CMD_EFFECTS_CSUPP
#define LBCC	     NVME_CMD_EFFECTS_LBCC
#define EFFECTS_RSVD 0x3fe0u /* bits 13:5 */
#define VENDOR_ADMIN 0xc0u
#define VENDOR_IO    0x80u
#define NSID_INVALID 0xfffffffeu

/* ---- effects-truth ---- */

static const char *na_effects(const struct facts *f)
{
	if (!f->has_scratch)
		return "no active namespace of the NVM command set";
	return f->id.lpa & LPA_EFFECTS ? NULL : "LPA bit 1 is 0: no such log";
}

/* Opcodes that even a malformed command of is not sent: they would wait, or do harm. */
static const uint8_t admin_unsent[] = {
	nvme_admin_async_event,	 nvme_admin_ns_mgmt,	    nvme_admin_fw_commit,
	nvme_admin_fw_download,	 nvme_admin_dev_self_test,  nvme_admin_ns_attach,
	nvme_admin_keep_alive,	 nvme_admin_virtual_mgmt,   nvme_admin_lockdown,
	nvme_admin_dbbuf,	 nvme_admin_format_nvm,	    nvme_admin_security_send,
	nvme_admin_sanitize_nvm, nvme_admin_directive_send, nvme_admin_nvme_mi_send,
	nvme_admin_fabrics,	 nvme_admin_set_features,
};

static bool is_unsent(uint8_t opcode)
{
	for (size_t i = 0; i < ARRAY_SIZE(admin_unsent); i++)
		if (admin_unsent[i] == opcode)
			return true;
	return false;
}

static void check_known(struct rig *r, const char *kind, unsigned opcode, bool claimed,
			struct cpl cpl)
{
	char what[48], text[STATUS_TEXT];

	snprintf(what, sizeof(what), "%s opcode %02Xh, not in the log: status", kind, opcode);
	if (claimed)
		CHECK_TRUE(r, cpl.status != SC_INVALID_OPCODE,
			   "%s opcode %02Xh is in the log, and so it is known (%s)", kind, opcode,
			   status_text(cpl.status, text));
	else
		CHECK_STATUS_OF(r, what, cpl, SC_INVALID_OPCODE);
}

static void admin_opcodes(struct rig *r, const struct nvme_cmd_effects_log *log)
{
	static const uint8_t mandatory[] = {
		nvme_admin_get_log_page, nvme_admin_identify,	  nvme_admin_abort_cmd,
		nvme_admin_set_features, nvme_admin_get_features, nvme_admin_async_event,
	};
	static const uint8_t of_queues[] = { nvme_admin_delete_sq, nvme_admin_create_sq,
					     nvme_admin_delete_cq, nvme_admin_create_cq };
	struct buf *b = rig_buf(r, 4096);

	for (size_t i = 0; i < ARRAY_SIZE(mandatory); i++)
		CHECK_TRUE(r, le32_get(log->acs[mandatory[i]]) & CSUPP,
			   "mandatory admin opcode %02Xh is in the log", mandatory[i]);
	for (size_t i = 0; !rig_facts(r)->caps.fabrics && i < ARRAY_SIZE(of_queues); i++)
		CHECK_TRUE(r, le32_get(log->acs[of_queues[i]]) & CSUPP,
			   "mandatory admin opcode %02Xh is in the log", of_queues[i]);
	for (unsigned opcode = 0; opcode < VENDOR_ADMIN; opcode++) {
		struct cmd c = cmd_raw((uint8_t)opcode, 0);

		if (is_unsent((uint8_t)opcode))
			continue;
		rig_prp(r, &c, b, 0, b->len);
		check_known(r, "admin", opcode, le32_get(log->acs[opcode]) & CSUPP,
			    rig_admin(r, c));
	}
}

/*
 * One in the log goes to a namespace that is not there; one that is not, to a block that is not,
 * since the NSID may be looked at first.
 */
static struct cpl send_io(struct rig *r, unsigned opcode, bool claimed, struct buf *b)
{
	const struct facts_ns *ns = rig_ns(r);
	struct cmd c = cmd_raw((uint8_t)opcode, claimed ? NSID_INVALID : ns->nsid);

	c.sqe.cdw10 = le32_from((uint32_t)ns->nsze);
	c.sqe.cdw11 = le32_from((uint32_t)(ns->nsze >> 32));
	rig_prp(r, &c, b, 0, b->len);
	return rig_io(r, rig_queue(r), c);
}

static void io_opcodes(struct rig *r, const struct nvme_cmd_effects_log *log)
{
	static const uint8_t mandatory[] = { nvme_cmd_flush, nvme_cmd_write, nvme_cmd_read };
	struct buf *b = rig_buf(r, rig_ns(r)->lba_bytes);

	for (size_t i = 0; i < ARRAY_SIZE(mandatory); i++)
		CHECK_TRUE(r, le32_get(log->iocs[mandatory[i]]) & CSUPP,
			   "mandatory I/O opcode %02Xh is in the log", mandatory[i]);
	for (unsigned opcode = 0; opcode < VENDOR_IO; opcode++) {
		bool claimed = le32_get(log->iocs[opcode]) & CSUPP;

		if (!claimed && !rig_facts(r)->caps.emulated)
			continue; /* a drive that has it after all would obey */
		if (opcode == nvme_admin_fabrics && rig_facts(r)->caps.fabrics)
			continue; /* there it is another command set's */
		check_known(r, "I/O", opcode, claimed, send_io(r, opcode, claimed, b));
	}
}

static void effects(struct rig *r, const struct nvme_cmd_effects_log *log)
{
	static const uint8_t writers[] = { nvme_cmd_write, nvme_cmd_write_uncor,
					   nvme_cmd_write_zeroes, nvme_cmd_dsm };
	static const uint8_t readers[] = { nvme_cmd_read, nvme_cmd_compare, nvme_cmd_verify };

	for (size_t i = 0; i < ARRAY_SIZE(writers); i++)
		if (le32_get(log->iocs[writers[i]]) & CSUPP)
			CHECK_TRUE(r, le32_get(log->iocs[writers[i]]) & LBCC,
				   "I/O opcode %02Xh changes blocks, and LBCC says so", writers[i]);
	for (size_t i = 0; i < ARRAY_SIZE(readers); i++)
		ADVISE_TRUE(r, !(le32_get(log->iocs[readers[i]]) & LBCC),
			    "I/O opcode %02Xh changes no block, and LBCC says so", readers[i]);
	for (unsigned opcode = 0; opcode < 256; opcode++) {
		uint32_t both = le32_get(log->acs[opcode]) | le32_get(log->iocs[opcode]);

		ADVISE_TRUE(r, !(both & EFFECTS_RSVD), "reserved bits of opcode %02Xh are 0: %08Xh",
			    opcode, both);
	}
}

static const struct part {
	const char *name;
	void (*ask)(struct rig *r, const struct nvme_cmd_effects_log *log);
} parts[] = { { "admin", admin_opcodes }, { "io", io_opcodes }, { "effects", effects } };

/* Every opcode is tried, also those that a host keeps to itself. */
static unsigned part_needs(const void *row)
{
	return ((const struct part *)row)->ask == effects ? 0 : NEED_SQE;
}

static void effects_truth(struct rig *r)
{
	const struct part *row = rig_row(r);
	struct nvme_cmd_effects_log *log = rig_mem(r, sizeof(*log));

	rig_admin_ok(r, cmd_get_log(NVME_LOG_LID_CMD_EFFECTS, NSID_ALL, 0, log, sizeof(*log)));
	row->ask(r, log);
}

/* ---- fid-effects ---- */

#define FSUPP	 0x1u
#define SCOPE_NS (1u << 20)
#define SEL_CAPS 3u
#define FIDS	 256u

static const char *na_fids(const struct facts *f)
{
	if (!f->has_scratch)
		return "no active namespace of the NVM command set";
	if (!(f->id.lpa & LPA_FIDS))
		return "LPA bit 5 is 0: no such log";
	return le16_get(f->id.oncs) & ONCS_SSFS ? NULL : "ONCS bit 4 is 0: no Select field";
}

/* The capabilities of a feature need neither data nor a legal selector. */
static void fid_effects(struct rig *r)
{
	__le32 *log = rig_mem(r, FIDS * sizeof(*log));
	uint32_t nsid = rig_ns(r)->nsid;
	char what[40];

	rig_admin_ok(r, cmd_get_log(0x12, NSID_ALL, 0, log, FIDS * sizeof(*log)));
	for (unsigned fid = 0; fid < FIDS; fid++) {
		uint32_t effect = le32_get(log[fid]);
		struct cmd c =
			cmd_get_features((uint8_t)fid, SEL_CAPS, effect & SCOPE_NS ? nsid : 0, 0);

		snprintf(what, sizeof(what), "feature %02Xh: status", fid);
		if (effect & FSUPP)
			CHECK_STATUS_OF(r, what, rig_admin(r, c), SC_SUCCESS);
		else
			CHECK_STATUS_OF(r, what, rig_admin(r, c), SC_INVALID_FIELD);
	}
}

static const struct rig_case cases[] = {
	{ .id = "effects-truth",
	  .rule = "The opcodes in the effects log are those that are known, and writers say so.",
	  .ref = "Base 2.0 Commands Supported and Effects (Log Identifier 05h)",
	  .needs = NEED_COMMAND,
	  .harm = HARM_DATA,
	  .fault = "effects-verify-missing effects-reservations-claimed "
		   "effects-write-harmless",
	  .na = na_effects,
	  .row_needs = part_needs,
	  .shakes = true, /* a fabric's controller may end the association */
	  .run = effects_truth,
	  ROWS(parts) },
	{ .id = "fid-effects",
	  .rule = "The features in the feature effects log are those that there are.",
	  .ref = "Base 2.0 Feature Identifiers Supported and Effects (Log Identifier 12h)",
	  .needs = NEED_COMMAND,
	  .fault = "fid-effects-missing fid-effects-extra",
	  .na = na_fids,
	  .run = fid_effects },
};

SUITE(log_effects_suite, CONFORMANCE, "log", cases);
