// SPDX-License-Identifier: GPL-2.0-or-later
#include "io_area.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "spec/command.h"

#define COPY_OTHER 32u /* where the end of a Copy lies that is not asked about */

const struct io_op io_ops[IO_OPS] = {
	{ "read", nvme_cmd_read, 0, false, false, false },
	{ "write", nvme_cmd_write, 0, true, false, false },
	{ "compare", nvme_cmd_compare, NVME_CTRL_ONCS_COMPARE, false, false, false },
	{ "verify", nvme_cmd_verify, NVME_CTRL_ONCS_VERIFY, false, false, false },
	{ "write-zeroes", nvme_cmd_write_zeroes, NVME_CTRL_ONCS_WRITE_ZEROES, true, false, false },
	{ "write-uncorrectable", nvme_cmd_write_uncor, NVME_CTRL_ONCS_WRITE_UNCORRECTABLE, true,
	  false, false },
	{ "dataset-management", nvme_cmd_dsm, NVME_CTRL_ONCS_DSM, true, true, false },
	{ "copy-to", nvme_cmd_copy, NVME_CTRL_ONCS_COPY, true, false, false },
	{ "copy-from", nvme_cmd_copy, NVME_CTRL_ONCS_COPY, false, false, true },
};

uint32_t io_chunk(struct rig *r, const struct facts_ns *ns)
{
	size_t mdts = rig_mdts(r), most = rig_pick(r, 1 << 20, 1 << 20, 8 << 20);
	size_t bytes = mdts < most ? mdts : most;

	return bytes > ns->lba_bytes ? (uint32_t)(bytes / ns->lba_bytes) : 1;
}

uint32_t io_atomic(struct rig *r, const struct facts_ns *ns)
{
	uint16_t own = le16_get(ns->id.nawupf);

	if ((ns->id.nsfeat & 2) && own)
		return own + 1u;
	return le16_get(rig_facts(r)->id.awupf) + 1u;
}

struct area *area_new(struct rig *r, const struct facts_ns *ns, uint64_t lba, uint32_t blocks)
{
	struct area *a = rig_mem(r, sizeof(*a));

	*a = (struct area){ r, ns, rig_queue(r), lba, blocks, 0, NULL };
	a->data = rig_mem(r, (size_t)blocks * ns->lba_bytes);
	area_stamp(a);
	return a;
}

void area_stamp(struct area *a)
{
	uint32_t chunk = io_chunk(a->r, a->ns), n;

	a->tag = rig_rand(a->r);
	rig_stamp(a->data, a->lba, a->blocks, a->ns->lba_bytes, a->tag);
	for (uint32_t i = 0; i < a->blocks; i += n) {
		n = a->blocks - i < chunk ? a->blocks - i : chunk;
		rig_io_ok(a->r, a->q,
			  cmd_write(a->ns->nsid, a->lba + i, n,
				    a->data + (size_t)i * a->ns->lba_bytes,
				    (size_t)n * a->ns->lba_bytes));
	}
}

void area_read(struct area *a)
{
	uint32_t chunk = io_chunk(a->r, a->ns), n;
	char what[80];

	for (uint32_t i = 0; i < a->blocks; i += n) {
		n = a->blocks - i < chunk ? a->blocks - i : chunk;
		snprintf(what, sizeof(what), "Read of %u blocks at LBA %" PRIu64 ": status", n,
			 a->lba + i);
		CHECK_STATUS_OF(a->r, what,
				rig_io(a->r, a->q,
				       cmd_read(a->ns->nsid, a->lba + i, n,
						a->data + (size_t)i * a->ns->lba_bytes,
						(size_t)n * a->ns->lba_bytes)),
				SC_SUCCESS);
	}
}

static void check_part(struct area *a, uint32_t from, uint32_t to, bool should)
{
	if (from < to)
		rig_check_stamp(a->r, CHECK_SITE(0, should),
				a->data + (size_t)from * a->ns->lba_bytes, a->lba + from, to - from,
				a->ns->lba_bytes, a->tag);
}

void area_check(struct area *a, uint32_t from, uint32_t to)
{
	area_read(a);
	to = to < a->blocks ? to : a->blocks;
	from = from < to ? from : to;
	check_part(a, 0, from, false);
	check_part(a, from, to, true);
	check_part(a, to, a->blocks, false);
}

/* A limit other than 0h claims the command as well, where ONCS does not. */
static bool has_limit(struct rig *r, uint8_t opcode)
{
	struct nvme_id_ctrl_nvm id = { 0 };
	uint8_t page[4096];

	if (rig_admin(r, cmd_identify(NVME_IDENTIFY_CNS_CSI_CTRL, 0, page)).status == SC_SUCCESS)
		memcpy(&id, page, sizeof(id));
	switch (opcode) {
	case nvme_cmd_verify:
		return id.vsl;
	case nvme_cmd_write_zeroes:
		return id.wzsl;
	case nvme_cmd_write_uncor:
		return id.wusl;
	case nvme_cmd_dsm:
		return id.dmrl;
	default:
		return false;
	}
}

bool io_supported(struct rig *r, const struct io_op *op)
{
	return !op->oncs || (le16_get(rig_facts(r)->id.oncs) & op->oncs) ||
	       has_limit(r, op->opcode);
}

const char *io_row_na(const struct facts *f, const void *row)
{
	const struct io_op *op = row;
	struct spec_ctrl claims;

	facts_claims(f, &claims);
	return spec_offers(&claims, spec_command(false, op->opcode))
		       ? NULL
		       : rig_na_text("ONCS is %04Xh: no %s", le16_get(f->id.oncs), op->name);
}

void io_need(struct rig *r, const struct io_op *op)
{
	if (!io_supported(r, op))
		rig_na(r, "ONCS is %04Xh: no %s", le16_get(rig_facts(r)->id.oncs), op->name);
}

static struct cmd dsm_cmd(struct rig *r, const struct facts_ns *ns, uint64_t slba, uint32_t blocks)
{
	struct nvme_dsm_range *range = rig_mem(r, sizeof(*range));

	range->slba = le64_from(slba);
	range->nlb = le32_from(blocks);
	return cmd_dsm(ns->nsid, range, 1, NVME_DSMGMT_AD);
}

/* One source range of format 0h; the range asked about at one end, COPY_OTHER at the other. */
static struct cmd copy_cmd(struct rig *r, const struct io_op *op, const struct facts_ns *ns,
			   uint64_t slba, uint32_t blocks)
{
	struct nvme_copy_range *range = rig_mem(r, sizeof(*range));
	uint64_t to = op->source ? COPY_OTHER : slba;
	struct cmd c = cmd_raw(nvme_cmd_copy, ns->nsid);

	range->slba = le64_from(op->source ? slba : COPY_OTHER);
	range->nlb = le16_from((uint16_t)(blocks - 1));
	c.sqe.cdw10 = le32_from((uint32_t)to);
	c.sqe.cdw11 = le32_from((uint32_t)(to >> 32));
	c.dir = CMD_OUT;
	c.data = range;
	c.data_len = sizeof(*range);
	return c;
}

struct cmd io_cmd(struct rig *r, const struct io_op *op, const struct facts_ns *ns, uint64_t slba,
		  uint32_t blocks)
{
	size_t len = (size_t)blocks * ns->lba_bytes;
	struct cmd c = cmd_verify(ns->nsid, slba, blocks);
	uint8_t *data = rig_mem(r, len);

	rig_stamp(data, slba, blocks, ns->lba_bytes, rig_rand(r));
	switch (op->opcode) {
	case nvme_cmd_read:
		return cmd_read(ns->nsid, slba, blocks, data, len);
	case nvme_cmd_write:
		return cmd_write(ns->nsid, slba, blocks, data, len);
	case nvme_cmd_compare:
		return cmd_compare(ns->nsid, slba, blocks, data, len);
	case nvme_cmd_dsm:
		return dsm_cmd(r, ns, slba, blocks);
	case nvme_cmd_copy:
		return copy_cmd(r, op, ns, slba, blocks);
	default: /* no data: the same dwords for all of them */
		c.sqe.opcode = op->opcode;
		return c;
	}
}

/* Its unit is the smallest page: VSL is a power of two of CAP.MPSMIN. */
uint64_t io_verify_limit(struct rig *r, const struct facts_ns *ns)
{
	struct nvme_id_ctrl_nvm id = { 0 };
	uint8_t page[4096];

	if (rig_admin(r, cmd_identify(NVME_IDENTIFY_CNS_CSI_CTRL, 0, page)).status == SC_SUCCESS)
		memcpy(&id, page, sizeof(id));
	if (!id.vsl || id.vsl > 31)
		return 0;
	return (4096ull << CAP_MPSMIN(rig_facts(r)->cap) << id.vsl) / ns->lba_bytes;
}

uint32_t io_most_blocks(const struct area *a, const struct io_op *op)
{
	uint32_t mssrl = le16_get(a->ns->id.mssrl), mcl = le32_get(a->ns->id.mcl);
	uint64_t vsl;

	switch (op->opcode) {
	case nvme_cmd_read:
	case nvme_cmd_write:
	case nvme_cmd_compare:
		return io_chunk(a->r, a->ns);
	case nvme_cmd_copy:
		return mssrl < mcl ? mssrl : mcl;
	case nvme_cmd_verify:
		vsl = io_verify_limit(a->r, a->ns);
		return vsl && vsl < UINT32_MAX ? (uint32_t)vsl : UINT32_MAX;
	default:
		return UINT32_MAX;
	}
}

void io_ask_beyond(struct area *guard, const struct io_op *op, struct io_probe p)
{
	bool thin = guard->ns->id.nsfeat & 1;
	struct cpl cpl;
	char what[128];

	if (p.blocks > io_most_blocks(guard, op))
		return;
	cpl = rig_io(guard->r, guard->q, io_cmd(guard->r, op, guard->ns, p.slba, p.blocks));
	snprintf(what, sizeof(what), "%s of %u blocks at %" PRIX64 "h of %" PRIX64 "h: status",
		 op->name, p.blocks, p.slba, guard->ns->nsze);
	if (op->advisory)
		CHECK_STATUS_OF(guard->r, what, cpl, SC_LBA_OUT_OF_RANGE, SC_SUCCESS);
	else if (thin)
		CHECK_STATUS_OF(guard->r, what, cpl, SC_LBA_OUT_OF_RANGE, SC_CAPACITY_EXCEEDED);
	else
		CHECK_STATUS_OF(guard->r, what, cpl, SC_LBA_OUT_OF_RANGE);
}

/*
 * Blocks of the guard that the probe names. What a failed Write leaves there is fixed only up to
 * the atomic size, and an advisory command may have worked on them.
 */
void io_check_guard(struct area *guard, const struct io_op *op, struct io_probe p)
{
	uint64_t end = guard->lba + guard->blocks;
	bool named = p.slba >= guard->lba && p.slba < end;
	bool open = op->writes && (op->advisory || p.blocks > io_atomic(guard->r, guard->ns));
	uint32_t from = named ? (uint32_t)(p.slba - guard->lba) : guard->blocks;

	area_check(guard, open ? from : guard->blocks, guard->blocks);
	if (named && open)
		area_stamp(guard);
}

void io_ask_last(struct area *guard, const struct io_op *op)
{
	struct cpl cpl =
		rig_io(guard->r, guard->q, io_cmd(guard->r, op, guard->ns, guard->ns->nsze - 1, 1));
	char what[64];

	snprintf(what, sizeof(what), "%s of the last block: status", op->name);
	if (op->opcode == nvme_cmd_compare)
		CHECK_STATUS_OF(guard->r, what, cpl, SC_COMPARE_FAILURE);
	else
		CHECK_STATUS_OF(guard->r, what, cpl, SC_SUCCESS);
	area_stamp(guard);
}

void area_cache_off(struct rig *r)
{
	struct cpl cpl;
	char text[STATUS_TEXT];

	if (!(rig_facts(r)->id.vwc & 1))
		rig_na(r, "VWC is %02Xh: no volatile write cache", rig_facts(r)->id.vwc);
	rig_keep_feature(r, NVME_FEAT_FID_VOLATILE_WC, 0, 0);
	cpl = rig_admin(r, cmd_set_features(NVME_FEAT_FID_VOLATILE_WC, false, 0, 0));
	if (cpl.status != SC_SUCCESS) /* whether it may refuse is feat.vwc's question */
		rig_na(r, "the write cache cannot be switched off: %s",
		       status_text(cpl.status, text));
}
