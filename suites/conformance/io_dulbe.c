// SPDX-License-Identifier: GPL-2.0-or-later
/* Blocks that hold nothing, where reading one is an error: DULBE of Error Recovery. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "io_area.h"
#include "ns_made.h"

#define FIRST	   64u
#define BLOCKS	   16u
#define FROM	   4u /* of the area: the blocks that are deallocated */
#define TO	   12u
#define DULBE	   (1u << 16)
#define NSFEAT_DAE 4u

static const char *na_dulbe(const struct facts *f)
{
	if (!f->has_scratch)
		return "no active namespace of the NVM command set without metadata";
	return f->ns[f->scratch].id.nsfeat & NSFEAT_DAE ? NULL : "NSFEAT bit 2 is 0: no such error";
}

static void dulbe(struct rig *r, uint32_t nsid, bool on)
{
	rig_admin_ok(r, cmd_set_features(NVME_FEAT_FID_ERR_RECOVERY, false, nsid, on ? DULBE : 0));
}

static void dulbe_kept(struct rig *r, uint32_t nsid)
{
	rig_keep_feature(r, NVME_FEAT_FID_ERR_RECOVERY, nsid, 0);
	dulbe(r, nsid, true);
}

/* Read, Compare, Verify and Copy of the range; `gone`: there is a block in it that holds nothing.
 */
static void ask(struct area *a, uint64_t lba, uint32_t blocks, bool gone)
{
	for (size_t i = 0; i < IO_OPS; i++) {
		const struct io_op *op = &io_ops[i];
		struct cpl cpl;
		char what[80];

		if ((op->writes || !io_supported(a->r, op)) || blocks > io_most_blocks(a, op))
			continue;
		cpl = rig_io(a->r, a->q, io_cmd(a->r, op, a->ns, lba, blocks));
		snprintf(what, sizeof(what), "%s of %u blocks at LBA %" PRIu64 ": status", op->name,
			 blocks, lba);
		if (gone)
			CHECK_STATUS_OF(a->r, what, cpl, SC_UNWRITTEN_BLOCK);
		else if (op->opcode == nvme_cmd_compare)
			CHECK_STATUS_OF(a->r, what, cpl, SC_COMPARE_FAILURE);
		else
			CHECK_STATUS_OF(a->r, what, cpl, SC_SUCCESS);
	}
}

static void ask_all(struct area *a)
{
	ask(a, a->lba + FROM - 1, 1, false);
	ask(a, a->lba + FROM, 1, true);
	ask(a, a->lba + TO - 1, 1, true);
	ask(a, a->lba + TO, 1, false);
	ask(a, a->lba + FROM - 2, 3, true);
	ask(a, a->lba + TO - 1, 3, true);
	ask(a, a->lba + FROM, TO - FROM, true);
	ask(a, a->lba, FROM, false);
}

/* A Write makes a block hold something; the others hold nothing still. */
static void heal(struct area *a)
{
	uint8_t *data = rig_mem(a->r, a->ns->lba_bytes);

	rig_io_ok(a->r, a->q, cmd_write(a->ns->nsid, a->lba + FROM + 1, 1, data, a->ns->lba_bytes));
	ask(a, a->lba + FROM + 1, 1, false);
	ask(a, a->lba + FROM, 1, true);
	ask(a, a->lba + FROM + 2, 1, true);
}

/* Deallocation is advice: what reads as before may not be deallocated, and says nothing. */
static void deallocate(struct area *a)
{
	uint32_t len = a->ns->lba_bytes, kept = 0;
	struct nvme_dsm_range range = { .nlb = le32_from(TO - FROM),
					.slba = le64_from(a->lba + FROM) };
	uint8_t *now = rig_mem(a->r, len), *old = rig_mem(a->r, len);

	rig_io_ok(a->r, a->q, cmd_dsm(a->ns->nsid, &range, 1, NVME_DSMGMT_AD));
	for (uint64_t lba = a->lba + FROM; lba < a->lba + TO; lba++) {
		rig_io_ok(a->r, a->q, cmd_read(a->ns->nsid, lba, 1, now, len));
		rig_stamp(old, lba, 1, len, a->tag);
		kept += !memcmp(now, old, len);
	}
	if (kept)
		rig_na(a->r, "%u of %u blocks are not deallocated when they may be", kept,
		       TO - FROM);
}

static void deallocated(struct rig *r)
{
	const struct facts_ns *ns = rig_ns(r);
	struct area *a = area_new(r, ns, FIRST, BLOCKS);

	if (!(le16_get(rig_facts(r)->id.oncs) & NVME_CTRL_ONCS_DSM))
		rig_na(r, "ONCS bit 2 is 0: no Dataset Management");
	deallocate(a);
	ask(a, a->lba + FROM, TO - FROM, false);
	dulbe_kept(r, ns->nsid);
	ask_all(a);
	ask_all(a); /* a look changes nothing */
	heal(a);
	dulbe(r, ns->nsid, false);
	ask(a, a->lba + FROM, TO - FROM, false);
}

/* What no host ever wrote: first block, last, and those beside what was written. */
static void new_namespace(struct rig *r)
{
	struct ns_wish w;
	const struct facts_ns *ns;
	struct area *a;
	uint32_t nsid;

	if (ns_na_management(rig_facts(r)))
		rig_na(r, "OACS bit 3 is 0: no namespace is new");
	w = ns_wish(r, 1 << 20);
	nsid = ns_make(r, &w);
	REQUIRE_STATUS(r, ns_attach(r, nsid, true), SC_SUCCESS);
	ns = ns_know(r, nsid);
	if (!(ns->id.nsfeat & NSFEAT_DAE))
		rig_na(r, "NSFEAT bit 2 of the new namespace is 0: no such error");
	dulbe(r, ns->nsid, true);
	a = area_new(r, ns, FIRST, BLOCKS);
	ask(a, 0, 1, true);
	ask(a, ns->nsze - 1, 1, true);
	ask(a, FIRST - 1, 1, true);
	ask(a, FIRST, BLOCKS, false);
	ask(a, FIRST + BLOCKS - 1, 2, true);
}

/* Not saved, it is off after a reset. */
static void off_by_default(struct rig *r)
{
	uint32_t nsid = rig_ns(r)->nsid;

	dulbe_kept(r, nsid);
	CHECK_EQ(r, "DULBE once it is set",
		 !!(rig_admin_ok(r, cmd_get_features(NVME_FEAT_FID_ERR_RECOVERY, 0, nsid, 0)).dw0 &
		    DULBE),
		 1);
	CHECK_EQ(r, "DULBE by default",
		 !!(rig_admin_ok(r, cmd_get_features(NVME_FEAT_FID_ERR_RECOVERY, 1, nsid, 0)).dw0 &
		    DULBE),
		 0);
}

static const struct ask_row {
	const char *name;
	void (*ask)(struct rig *r);
} rows[] = {
	{ "deallocated", deallocated },
	{ "off-by-default", off_by_default },
};

static void run_row(struct rig *r)
{
	((const struct ask_row *)rig_row(r))->ask(r);
}

static const struct rig_case cases[] = {
	{ .id = "dulbe",
	  .rule = "Where that is enabled, a command that reads a block that holds nothing fails, "
		  "and "
		  "no other does.",
	  .ref = "NVM CS 1.0 Deallocated or Unwritten Logical Blocks, Error Recovery (Feature "
		 "Identifier 05h), Identify Namespace data structure (NSFEAT)",
	  .needs = NEED_COMMAND,
	  .harm = HARM_DATA,
	  .fault = "dulbe-ignored dulbe-read-alone dulbe-first-block-alone dulbe-write-stays "
		   "dulbe-cannot-be-set",
	  .na = na_dulbe,
	  .run = run_row,
	  ROWS(rows) },
	{ .id = "dulbe-unwritten",
	  .rule = "Where that is enabled, blocks that were never written cannot be read.",
	  .ref = "NVM CS 1.0 Deallocated or Unwritten Logical Blocks, Error Recovery (Feature "
		 "Identifier 05h)",
	  .needs = NEED_CTRL,
	  .harm = HARM_WEAR,
	  .fault = "dulbe-ignored dulbe-read-alone dulbe-first-block-alone",
	  .na = na_dulbe,
	  .run = new_namespace },
};

SUITE(io_dulbe_suite, CONFORMANCE, "io", cases);
