// SPDX-License-Identifier: GPL-2.0-or-later
/* What Identify claims of I/O commands, tried. */
#include "kit/kit.h"

#define CSI_CTRL    0x06
#define DSM_NO_HINT 0u
#define BLOCKS_MAX  65536u

/* ---- oncs-truth ---- */

/* A harmless instance of each optional I/O command. */
enum how { ONE_BLOCK_READ, BEYOND_THE_END, ONE_RANGE, REPORT };

static const struct oncs_row {
	const char *name;
	uint8_t bit, opcode;
	enum how how;
} oncs_rows[] = {
	{ "compare", 0, nvme_cmd_compare, ONE_BLOCK_READ },
	{ "write-uncorrectable", 1, nvme_cmd_write_uncor, BEYOND_THE_END },
	{ "dataset-management", 2, nvme_cmd_dsm, ONE_RANGE },
	{ "write-zeroes", 3, nvme_cmd_write_zeroes, BEYOND_THE_END },
	{ "reservation-report", 5, nvme_cmd_resv_report, REPORT },
	{ "verify", 7, nvme_cmd_verify, BEYOND_THE_END },
	{ "copy", 8, nvme_cmd_copy, BEYOND_THE_END },
};

static struct cmd harmless(struct rig *r, const struct oncs_row *row)
{
	const struct facts_ns *ns = rig_ns(r);
	struct cmd c = cmd_raw(row->opcode, ns->nsid);

	if (row->how == ONE_BLOCK_READ)
		return cmd_compare(ns->nsid, 0, 1, rig_mem(r, ns->lba_bytes), ns->lba_bytes);
	if (row->how == ONE_RANGE)
		return cmd_dsm(ns->nsid, rig_mem(r, sizeof(struct nvme_dsm_range)), 1, DSM_NO_HINT);
	if (row->how == BEYOND_THE_END) {
		c.sqe.cdw10 = le32_from((uint32_t)ns->nsze);
		c.sqe.cdw11 = le32_from((uint32_t)(ns->nsze >> 32));
	}
	if (row->how == REPORT)
		c.sqe.cdw10 = le32_from(64 / 4 - 1);
	if (row->how == REPORT || row->opcode == nvme_cmd_copy) {
		c.dir = row->how == REPORT ? CMD_IN : CMD_OUT;
		c.data_len = row->how == REPORT ? 64 : 32;
		c.data = rig_mem(r, c.data_len);
	}
	return c;
}

static bool read_limits(struct rig *r, struct nvme_id_ctrl_nvm *ret)
{
	return rig_admin(r, cmd_identify(CSI_CTRL, 0, ret)).status == SC_SUCCESS;
}

/* With the ONCS bit clear a limit all the same says that the command works up to there. */
static bool has_limit(const struct nvme_id_ctrl_nvm *l, uint8_t opcode)
{
	switch (opcode) {
	case nvme_cmd_verify:
		return l->vsl;
	case nvme_cmd_write_zeroes:
		return l->wzsl;
	case nvme_cmd_write_uncor:
		return l->wusl;
	case nvme_cmd_dsm:
		return l->dmrl;
	default:
		return false;
	}
}

static void oncs_truth(struct rig *r)
{
	const struct oncs_row *row = rig_row(r);
	struct nvme_id_ctrl_nvm *limits = rig_mem(r, sizeof(*limits));
	struct sq *q = rig_queue(r);
	struct cpl cpl = rig_io(r, q, harmless(r, row));
	bool claimed = le16_get(rig_facts(r)->id.oncs) >> row->bit & 1;
	char text[STATUS_TEXT];

	if (!claimed && !(read_limits(r, limits) && has_limit(limits, row->opcode))) {
		CHECK_STATUS(r, cpl, SC_INVALID_OPCODE);
		return;
	}
	CHECK_TRUE(r, cpl.status != SC_INVALID_OPCODE, "%s is claimed, so its opcode is known (%s)",
		   row->name, status_text(cpl.status, text));
}

static const char *na_no_ns(const struct facts *f)
{
	return f->has_scratch ? NULL : "no active namespace of the NVM command set";
}

/* ---- nvm-ctrl-limits ---- */

static const char *na_no_limits(const struct facts *f)
{
	if (!f->cap)
		return "CAP cannot be read here: limits count in pages of CAP.MPSMIN";
	if (f->vs < VS(2, 0, 0) && !(CAP_CSS(f->cap) & 1u << 6))
		return rig_na_text("VS is %u.%u: the structure came with 2.0", f->vs >> 16,
				   f->vs >> 8 & 0xff);
	return na_no_ns(f);
}

static const struct limit_row {
	const char *name;
	uint8_t bit;	/* of ONCS */
	uint8_t offset; /* of the limit in Identify CNS 06h: a power of two in pages of MPSMIN */
	uint8_t opcode;
} limit_rows[] = {
	{ "verify", 7, 0, nvme_cmd_verify },
	{ "write-zeroes", 3, 1, nvme_cmd_write_zeroes },
	{ "write-uncorrectable", 1, 2, nvme_cmd_write_uncor },
	{ "dataset-management", 2, 3, nvme_cmd_dsm },
};

static struct cpl of_blocks(struct rig *r, const struct limit_row *row, uint32_t blocks)
{
	struct cmd c = cmd_raw(row->opcode, rig_ns(r)->nsid);

	c.sqe.cdw12 = le32_from(blocks - 1);
	return rig_io(r, rig_queue(r), c);
}

/* Blocks that the limit allows; 0: more than a command or the namespace has. */
static uint32_t blocks_of(struct rig *r, uint8_t exponent)
{
	const struct facts_ns *ns = rig_ns(r);
	unsigned log2 = exponent + 12u + CAP_MPSMIN(rig_facts(r)->cap);
	uint64_t blocks = log2 < 40 ? (1ull << log2) / ns->lba_bytes : 0;

	return blocks < BLOCKS_MAX && blocks < ns->nsze ? (uint32_t)blocks : 0;
}

static void make_readable(struct rig *r, uint32_t blocks)
{
	const struct facts_ns *ns = rig_ns(r);
	uint32_t most = (uint32_t)rig_mdts(r) / ns->lba_bytes, n;
	uint8_t *data = rig_mem(r, (size_t)most * ns->lba_bytes);

	for (uint32_t at = 0; at < blocks; at += n) {
		n = blocks - at < most ? blocks - at : most;
		rig_io_ok(r, rig_queue(r), cmd_write(ns->nsid, at, n, data, n * ns->lba_bytes));
	}
}

static void size_limit(struct rig *r, const struct limit_row *row, uint8_t exponent)
{
	bool claimed = le16_get(rig_facts(r)->id.oncs) >> row->bit & 1;
	uint32_t blocks = exponent ? blocks_of(r, exponent) : 0;

	if (!exponent)
		rig_na(r, "the limit of %s is 0: none", row->name);
	if (!blocks)
		rig_na(r, "the limit of %s is above what can be asked", row->name);
	make_readable(r, blocks + 1);
	CHECK_STATUS(r, of_blocks(r, row, blocks), SC_SUCCESS);
	if (claimed)
		CHECK_STATUS(r, of_blocks(r, row, blocks + 1), SC_SUCCESS);
	else
		CHECK_STATUS(r, of_blocks(r, row, blocks + 1), SC_INVALID_FIELD);
	make_readable(r, blocks + 1);
}

/* With the bit the limits bound what is processed, without it what is accepted. */
static void ranges_limit(struct rig *r, const struct nvme_id_ctrl_nvm *l)
{
	bool claimed = le16_get(rig_facts(r)->id.oncs) & 1u << 2;
	unsigned set = !!l->dmrl + !!l->dmrsl + !!l->dmsl;
	struct nvme_dsm_range *ranges = rig_mem(r, 256 * sizeof(*ranges));
	struct cmd c;

	CHECK_TRUE(r, set == 0 || set == 3,
		   "DMRL, DMRSL and DMSL are all 0 or all not (%u are not)", set);
	if (!l->dmrl || l->dmrl == 0xff)
		return;
	c = cmd_dsm(rig_ns(r)->nsid, ranges, l->dmrl + 1u, DSM_NO_HINT);
	if (claimed)
		CHECK_STATUS(r, rig_io(r, rig_queue(r), c), SC_SUCCESS);
	else
		CHECK_STATUS(r, rig_io(r, rig_queue(r), c), SC_COMMAND_SIZE_LIMIT);
}

static void nvm_ctrl_limits(struct rig *r)
{
	const struct limit_row *row = rig_row(r);
	struct nvme_id_ctrl_nvm *limits = rig_mem(r, sizeof(*limits));

	REQUIRE_STATUS(r, rig_admin(r, cmd_identify(CSI_CTRL, 0, limits)), SC_SUCCESS);
	if (row->opcode == nvme_cmd_dsm)
		ranges_limit(r, limits);
	else
		size_limit(r, row, ((const uint8_t *)limits)[row->offset]);
}

static const struct rig_case cases[] = {
	{ .id = "oncs-truth",
	  .rule = "An optional I/O command is known if and only if ONCS, or a limit, says so.",
	  .ref = "Base 2.0 Identify Controller data structure (ONCS); NVM CS 1.0 I/O Command Set "
		 "specific Identify Controller data structure",
	  .needs = NEED_COMMAND,
	  .harm = HARM_DATA,
	  .fault = "oncs-bit-without-command oncs-command-without-bit",
	  .na = na_no_ns,
	  .run = oncs_truth,
	  ROWS(oncs_rows) },
	{ .id = "nvm-ctrl-limits",
	  .rule = "A size limit of an I/O command is advice with its ONCS bit, and law without.",
	  .ref = "NVM CS 1.0 I/O Command Set specific Identify Controller data structure; NVM CS "
		 "1.0 Dataset Management Processing Limits",
	  .needs = NEED_COMMAND,
	  .harm = HARM_DATA,
	  .fault = "verify-limit-enforced dsm-limits-partial",
	  .na = na_no_limits,
	  .run = nvm_ctrl_limits,
	  ROWS(limit_rows) },
};

SUITE(identify_io_suite, CONFORMANCE, "identify", cases);
