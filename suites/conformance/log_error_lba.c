// SPDX-License-Identifier: GPL-2.0-or-later
/* Which of the blocks of a command the error log names. */
#include <string.h>

#include "io_area.h"

#define FIRST  64u
#define BLOCKS 8u
#define BAD    5u /* of them: the first one that is at fault */

enum { READ_OP, WRITE_OP, COMPARE_OP, VERIFY_OP, ZEROES_OP, UNCORRECTABLE_OP }; /* of io_ops */

static uint64_t newest(struct rig *r, struct nvme_error_log_page *ret)
{
	rig_admin_ok(r, cmd_get_log(NVME_LOG_LID_ERROR, NSID_ALL, 0, ret, sizeof(*ret)));
	return le64_get(ret->error_count);
}

/* Two blocks of the area are at fault, the first of them is what counts. */
static void mark(struct area *a)
{
	io_need(a->r, &io_ops[UNCORRECTABLE_OP]);
	rig_io_ok(a->r, a->q, io_cmd(a->r, &io_ops[UNCORRECTABLE_OP], a->ns, a->lba + BAD, 2));
}

static struct cmd compare(struct area *a)
{
	size_t len = (size_t)BLOCKS * a->ns->lba_bytes;

	io_need(a->r, &io_ops[COMPARE_OP]);
	a->data[BAD * a->ns->lba_bytes] ^= 1;
	a->data[(BAD + 1) * a->ns->lba_bytes] ^= 1;
	return cmd_compare(a->ns->nsid, a->lba, BLOCKS, a->data, len);
}

static struct cmd read_marked(struct area *a)
{
	mark(a);
	return io_cmd(a->r, &io_ops[READ_OP], a->ns, a->lba, BLOCKS);
}

static struct cmd verify_marked(struct area *a)
{
	io_need(a->r, &io_ops[VERIFY_OP]);
	mark(a);
	return io_cmd(a->r, &io_ops[VERIFY_OP], a->ns, a->lba, BLOCKS);
}

static struct cmd compare_marked(struct area *a)
{
	io_need(a->r, &io_ops[COMPARE_OP]);
	mark(a);
	return cmd_compare(a->ns->nsid, a->lba, BLOCKS, a->data, (size_t)BLOCKS * a->ns->lba_bytes);
}

static const struct lba_row {
	const char *name;
	struct cmd (*make)(struct area *a);
	uint16_t status; /* 0: any of the media and data integrity type */
} rows[] = {
	{ "compare", compare, SC_COMPARE_FAILURE },
	{ "read-of-marked", read_marked, SC_UNRECOVERED_READ },
	{ "verify-of-marked", verify_marked, 0 },
	{ "compare-of-marked", compare_marked, 0 },
};

static void error_lba(struct rig *r)
{
	const struct lba_row *row = rig_row(r);
	struct area *a = area_new(r, rig_ns(r), FIRST, BLOCKS);
	struct nvme_error_log_page e;
	struct cmd c;
	struct cpl cpl;
	uint64_t before;

	if (BLOCKS > io_chunk(r, a->ns))
		rig_na(r, "MDTS allows no command of %u blocks", BLOCKS);
	c = row->make(a);
	before = newest(r, &e);
	cpl = rig_io(r, a->q, c);
	area_stamp(a);
	CHECK_EQ(r, "status code type (2: media and data integrity)", cpl.status >> 8, 2);
	if (row->status)
		CHECK_STATUS(r, cpl, row->status);
	if (newest(r, &e) == before || (rig_knows_cid(r) && le16_get(e.cmdid) != cpl.cid))
		rig_na(r, "the error log has no entry of it, and M is %u", cpl.more);
	CHECK_EQ(r, "LBA of the entry: the first block at fault", le64_get(e.lba), a->lba + BAD);
	CHECK_EQ(r, "NSID of the entry", le32_get(e.nsid), a->ns->nsid);
	CHECK_EQ(r, "status of the entry", CQE_STATUS(le16_get(e.status_field)), cpl.status);
}

static const char *na_scratch(const struct facts *f)
{
	return f->has_scratch ? NULL
			      : "no active namespace of the NVM command set without metadata";
}

static const struct rig_case cases[] = {
	{ .id = "error-lba",
	  .rule = "The error log names the first block of a command that is at fault.",
	  .ref = "Base 2.1 Error Information (Log Page Identifier 01h); NVM CS 1.0 Error "
		 "Information (Log Identifier 01h)",
	  .needs = NEED_COMMAND,
	  .harm = HARM_DATA,
	  .fault = "error-entry-first-lba error-entry-no-nsid",
	  .na = na_scratch,
	  .run = error_lba,
	  ROWS(rows) },
};

SUITE(log_error_lba_suite, CONFORMANCE, "log", cases);
