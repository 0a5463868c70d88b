// SPDX-License-Identifier: GPL-2.0-or-later
/* What the fields of an I/O command mean, and what those that mean nothing must not do. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "io_area.h"

#define FIRST 64u /* the blocks that these cases use begin here */
#define GUARD 16u

/* ---- nlb-zero-based ---- */

static const struct nlb_row {
	const char *name;
	uint32_t blocks;
} nlbs[] = { { "1", 1 }, { "2", 2 }, { "5", 5 }, { "8", 8 }, { "16", 16 } };

static struct area *whole(struct rig *r, const struct facts_ns *ns, uint32_t blocks)
{
	return area_new(r, ns, FIRST, blocks + 2 * GUARD);
}

/* A Write in the middle of the area: its own blocks are new, the others are not. */
static void write_middle(struct area *a, uint32_t blocks, uint32_t cdw3, uint32_t cdw13)
{
	uint32_t size = a->ns->lba_bytes;
	uint64_t lba = a->lba + GUARD, tag = rig_rand(a->r);
	uint8_t *data = rig_mem(a->r, (size_t)blocks * size);
	struct cmd c = cmd_write(a->ns->nsid, lba, blocks, data, (size_t)blocks * size);
	struct cpl cpl;
	bool done;

	rig_stamp(data, lba, blocks, size, tag);
	c.sqe.cdw3 = le32_from(cdw3);
	c.sqe.cdw13 = le32_from(cdw13);
	cpl = rig_io(a->r, a->q, c);
	done = cpl.status == SC_SUCCESS;
	if (cdw3 || cdw13)
		CHECK_STATUS(a->r, cpl, SC_SUCCESS, SC_INVALID_FIELD);
	else
		CHECK_STATUS(a->r, cpl, SC_SUCCESS);
	area_read(a);
	CHECK_STAMP(a->r, a->data, a->lba, GUARD, size, a->tag);
	CHECK_STAMP(a->r, a->data + (size_t)GUARD * size, lba, blocks, size, done ? tag : a->tag);
	CHECK_STAMP(a->r, a->data + (size_t)(GUARD + blocks) * size, lba + blocks, GUARD, size,
		    a->tag);
}

/* A Read of that many blocks fills as many and not a byte more; the buffer has room for one more.
 */
static void read_middle(struct area *a, uint32_t blocks)
{
	size_t len = (size_t)blocks * a->ns->lba_bytes;
	struct buf *b = rig_buf(a->r, len + a->ns->lba_bytes);
	struct cmd c = cmd_read(a->ns->nsid, a->lba + GUARD, blocks, NULL, len);

	area_stamp(a);
	buf_poison(b, 0x5a);
	rig_prp(a->r, &c, b, 0, len);
	CHECK_STATUS(a->r, rig_io(a->r, a->q, c), SC_SUCCESS);
	CHECK_STAMP(a->r, b->data, a->lba + GUARD, blocks, a->ns->lba_bytes, a->tag);
	area_read(a);
	CHECK_TRUE(a->r,
		   memcmp(b->data + len, a->data + (size_t)(GUARD + blocks) * a->ns->lba_bytes,
			  a->ns->lba_bytes),
		   "a Read of %u blocks leaves what follows in memory alone", blocks);
}

static void nlb_zero_based(struct rig *r)
{
	const struct nlb_row *row = rig_row(r);
	const struct facts_ns *ns;

	for (unsigned at = 0; (ns = rig_ns_next(r, &at));) {
		struct area *a;

		if (row->blocks > io_chunk(r, ns))
			continue;
		a = whole(r, ns, row->blocks);
		write_middle(a, row->blocks, 0, 0);
		read_middle(a, row->blocks);
	}
}

/* ---- nsid-inactive ---- */

static const char *na_inactive(const struct facts *f)
{
	return f->inactive_nsid ? NULL : rig_na_text("every NSID up to NN (%u) is active", f->nn);
}

static void nsid_inactive(struct rig *r)
{
	const struct io_op *op = rig_row(r);
	struct area *guard = area_new(r, rig_ns(r), 0, GUARD);
	struct cmd c;

	io_need(r, op);
	c = io_cmd(r, op, rig_ns(r), 0, 1);
	c.sqe.nsid = le32_from(rig_facts(r)->inactive_nsid);
	CHECK_STATUS(r, rig_io(r, guard->q, c), SC_INVALID_FIELD, SC_INVALID_NS);
	area_check(guard, 0, 0);
}

/* ---- opcode-invalid ---- */

/* Every opcode of the command set, of whatever revision. */
static bool is_claimed(struct rig *r, unsigned opcode)
{
	uint16_t oncs = le16_get(rig_facts(r)->id.oncs);

	switch (opcode) {
	case nvme_cmd_flush:
		return true;
	case nvme_cmd_resv_register:
	case nvme_cmd_resv_report:
	case nvme_cmd_resv_acquire:
	case nvme_cmd_resv_release:
		return oncs & NVME_CTRL_ONCS_RESERVATIONS;
	case nvme_admin_fabrics:
		return rig_facts(r)->caps.fabrics;
	case 0x12: /* I/O Management Receive, Cancel, I/O Management Send: told by other fields */
	case 0x18:
	case 0x1d:
		return true;
	default:
		break;
	}
	for (size_t i = 0; i < IO_OPS; i++)
		if (io_ops[i].opcode == opcode)
			return io_supported(r, &io_ops[i]);
	return false;
}

/* Commands of the zoned namespaces, where there is one. */
static bool is_zoned(const struct facts *f, unsigned opcode)
{
	for (unsigned i = 0; i < f->n_ns; i++)
		if (f->ns[i].csi == 2)
			return opcode == nvme_zns_cmd_mgmt_send ||
			       opcode == nvme_zns_cmd_mgmt_recv || opcode == nvme_zns_cmd_append;
	return false;
}

static void opcode_invalid(struct rig *r)
{
	struct area *guard = area_new(r, rig_ns(r), 0, GUARD);
	struct buf *b = rig_buf(r, 4096);
	char what[64];

	for (unsigned opcode = 0; opcode < 0x80; opcode++) {
		struct cmd c = cmd_raw((uint8_t)opcode, rig_ns(r)->nsid);

		if (is_claimed(r, opcode) || is_zoned(rig_facts(r), opcode))
			continue;
		rig_prp(r, &c, b, 0, 512);
		snprintf(what, sizeof(what), "opcode %02Xh: status", opcode);
		CHECK_STATUS_OF(r, what, rig_io(r, guard->q, c), SC_INVALID_OPCODE);
	}
	area_check(guard, 0, 0);
}

/* ---- reserved-fields ---- */

static const struct reserved_row {
	const char *name;
	uint32_t cdw3, cdw13;
} reserved[] = { { "none", 0, 0 },
		 { "cdw3-1", 1, 0 },
		 { "cdw3-ones", UINT32_MAX, 0 },
		 { "cdw13-8", 0, 1u << 8 },
		 { "cdw13-15-8", 0, 0xff00 } };

static void reserved_fields(struct rig *r)
{
	const struct reserved_row *row = rig_row(r);
	struct area *a = whole(r, rig_ns(r), 2);
	struct cmd c = cmd_flush(a->ns->nsid);

	write_middle(a, 2, row->cdw3, row->cdw13);
	area_stamp(a);
	c.sqe.cdw3 = le32_from(row->cdw3);
	c.sqe.cdw13 = le32_from(row->cdw13);
	CHECK_STATUS(r, rig_io(r, a->q, c), SC_SUCCESS, SC_INVALID_FIELD);
	area_check(a, 0, 0);
}

/* ---- status-one-fault ---- */

static const struct fault_row {
	const char *name;
	uint16_t status;
} faults[] = { { "opcode", SC_INVALID_OPCODE },
	       { "lba", SC_LBA_OUT_OF_RANGE },
	       { "namespace", SC_INVALID_NS },
	       { "field", SC_INVALID_FIELD } };

static unsigned fault_needs(const void *row)
{
	uint16_t status = ((const struct fault_row *)row)->status;

	return status == SC_INVALID_NS || status == SC_INVALID_FIELD ? NEED_SQE : 0;
}

static struct cmd bad_command(struct rig *r, const struct fault_row *row)
{
	const struct facts_ns *ns = rig_ns(r);
	struct cmd c = io_cmd(r, &io_ops[0], ns, 0, 1); /* a Read */

	if (row->status == SC_INVALID_OPCODE)
		c.sqe.opcode = 0x7c;
	else if (row->status == SC_LBA_OUT_OF_RANGE)
		c = io_cmd(r, &io_ops[0], ns, ns->nsze, 1);
	else if (row->status == SC_INVALID_NS)
		c.sqe.nsid = 0;
	else
		c.sqe.flags |= 3 << 6; /* PSDT 11b */
	return c;
}

static uint64_t newest_error(struct rig *r, struct nvme_error_log_page *ret)
{
	rig_admin_ok(r, cmd_get_log(NVME_LOG_LID_ERROR, NSID_ALL, 0, ret, sizeof(*ret)));
	return le64_get(ret->error_count);
}

static void status_one_fault(struct rig *r)
{
	const struct fault_row *row = rig_row(r);
	struct sq *q = rig_queue(r);
	struct nvme_error_log_page e;
	uint64_t before = newest_error(r, &e);
	struct cpl cpl = rig_io(r, q, bad_command(r, row));

	if (row->status == SC_INVALID_FIELD)
		CHECK_ERROR(r, cpl); /* for PSDT 11b no text demands the code */
	else
		CHECK_STATUS(r, cpl, row->status);
	ADVISE_TRUE(r, cpl.dnr, "Do Not Retry is set: the same command can only fail again");
	if (!cpl.more) {
		rig_note(r, "More is 0");
		return;
	}
	CHECK_GT(r, "Error Count of the newest entry, More being 1", newest_error(r, &e), before);
	if (!rig_knows_cid(r))
		return;
	CHECK_EQ(r, "its submission queue", le16_get(e.sqid), q->qid);
	CHECK_EQ(r, "its command identifier", le16_get(e.cmdid), cpl.cid);
}

/* ---- limited-retry ---- */

static const struct hint_row {
	const char *name;
	uint32_t cdw12, cdw13;
} hints[] = {
	{ "limited-retry", 1u << 31, 0 },  { "frequency-typical", 0, 1 },
	{ "frequency-rare", 0, 2 },	   { "frequency-read-often", 0, 3 },
	{ "frequency-often", 0, 5 },	   { "frequency-once", 0, 6 },
	{ "frequency-speculative", 0, 7 }, { "frequency-overwritten-soon", 0, 8 },
	{ "latency-idle", 0, 1 << 4 },	   { "latency-normal", 0, 2 << 4 },
	{ "latency-low", 0, 3 << 4 },	   { "sequential", 0, 1 << 6 },
	{ "incompressible", 0, 1 << 7 },   { "all-at-once", 1u << 31, 0xe1 },
};

/* Attributes that go together badly may be refused, and what is reserved for this command; one
 * defined value alone may not. Access frequencies above 6h are of Read alone. */
static void check_hint(struct rig *r, const struct hint_row *row, bool write, struct cpl cpl)
{
	const char *what = write ? "Write: status" : "Read: status";
	unsigned kinds = !!(row->cdw13 & 0xf) + !!(row->cdw13 & 0x30) + !!(row->cdw13 & 0xc0);

	if (kinds > 1)
		CHECK_STATUS_OF(r, what, cpl, SC_SUCCESS, SC_CONFLICTING_ATTRIBUTES);
	else if (write && (row->cdw13 & 0xf) > 6)
		CHECK_STATUS_OF(r, what, cpl, SC_SUCCESS, SC_INVALID_FIELD);
	else
		CHECK_STATUS_OF(r, what, cpl, SC_SUCCESS);
}

static struct cpl send_hint(struct area *a, const struct hint_row *row, struct cmd c)
{
	struct cpl cpl;

	c.sqe.cdw12 = le32_from(le32_get(c.sqe.cdw12) | row->cdw12);
	c.sqe.cdw13 = le32_from(row->cdw13);
	cpl = rig_io(a->r, a->q, c);
	check_hint(a->r, row, c.dir == CMD_OUT, cpl);
	return cpl;
}

static void limited_retry(struct rig *r)
{
	const struct hint_row *row = rig_row(r);
	struct area *a = area_new(r, rig_ns(r), FIRST, 4);
	uint32_t size = a->ns->lba_bytes, nsid = a->ns->nsid;
	uint64_t tag = rig_rand(r);

	rig_stamp(a->data, FIRST, 4, size, tag);
	if (!send_hint(a, row, cmd_write(nsid, FIRST, 4, a->data, 4 * size)).status)
		a->tag = tag;
	area_check(a, 0, 0);
	memset(a->data, 0xee, 4 * size);
	if (!send_hint(a, row, cmd_read(nsid, FIRST, 4, a->data, 4 * size)).status)
		CHECK_STAMP(r, a->data, FIRST, 4, size, a->tag);
}

/* ---- dsm-args ---- */

static const char *na_dsm(const struct facts *f)
{
	uint16_t oncs = le16_get(f->id.oncs);

	return oncs & NVME_CTRL_ONCS_DSM
		       ? NULL
		       : rig_na_text("ONCS is %04Xh: no Dataset Management", oncs);
}

/* One range, the first half of the area; nothing but that may change, and that by AD alone. */
static void ask_dsm(struct area *a, uint32_t attributes, bool reserved_bits)
{
	struct nvme_dsm_range *range = rig_mem(a->r, sizeof(*range));
	uint32_t half = a->blocks / 2, from = attributes & NVME_DSMGMT_AD ? half : 0;
	struct cpl cpl;
	char what[64];

	area_stamp(a);
	range->slba = le64_from(a->lba);
	range->nlb = le32_from(half);
	snprintf(what, sizeof(what), "attributes %Xh: status", attributes);
	cpl = rig_io(a->r, a->q, cmd_dsm(a->ns->nsid, range, 1, attributes));
	if (reserved_bits)
		CHECK_STATUS_OF(a->r, what, cpl, SC_SUCCESS, SC_INVALID_FIELD);
	else
		CHECK_STATUS_OF(a->r, what, cpl, SC_SUCCESS);
	area_read(a);
	CHECK_STAMP(a->r, a->data + (size_t)from * a->ns->lba_bytes, a->lba + from,
		    a->blocks - from, a->ns->lba_bytes, a->tag);
}

static void dsm_attributes(struct rig *r)
{
	struct area *a = whole(r, rig_ns(r), 0);

	for (uint32_t bits = 0; bits < 8; bits++)
		ask_dsm(a, bits, false);
}

static void dsm_reserved(struct rig *r)
{
	struct area *a = whole(r, rig_ns(r), 0);

	ask_dsm(a, 1u << 3, true);
	ask_dsm(a, 1u << 31 | NVME_DSMGMT_AD, true);
}

/* n ranges of `blocks` blocks each from the first of each eighth on; the others stay. */
static void ask_ranges(struct area *a, unsigned n, uint32_t blocks)
{
	struct nvme_dsm_range *list = rig_mem(a->r, n * sizeof(*list));
	uint32_t step = a->blocks / n;

	for (unsigned i = 0; i < n; i++) {
		list[i].slba = le64_from(a->lba + i * step);
		list[i].nlb = le32_from(blocks);
	}
	CHECK_STATUS(a->r, rig_io(a->r, a->q, cmd_dsm(a->ns->nsid, list, n, NVME_DSMGMT_AD)),
		     SC_SUCCESS);
	area_read(a);
	for (uint32_t i = 0; i < a->blocks; i += step)
		CHECK_STAMP(a->r, a->data + (size_t)(i + blocks) * a->ns->lba_bytes,
			    a->lba + i + blocks, step - blocks, a->ns->lba_bytes, a->tag);
}

static void dsm_256_ranges(struct rig *r)
{
	if (rig_ns(r)->nsze < FIRST + 512)
		rig_na(r, "a namespace of %" PRIu64 " blocks is too small", rig_ns(r)->nsze);
	ask_ranges(area_new(r, rig_ns(r), FIRST, 512), 256, 1);
}

static void dsm_no_blocks(struct rig *r)
{
	ask_ranges(area_new(r, rig_ns(r), FIRST, 32), 1, 0);
	ask_ranges(area_new(r, rig_ns(r), FIRST, 32), 4, 0);
}

/* A good range and one that ends past the namespace. */
static void dsm_past_end(struct rig *r)
{
	const struct facts_ns *ns = rig_ns(r);
	struct nvme_dsm_range *list = rig_mem(r, 2 * sizeof(*list));
	struct area *last = area_new(r, ns, ns->nsze - GUARD, GUARD);
	struct area *first = area_new(r, ns, FIRST, GUARD);

	list[0].slba = le64_from(FIRST);
	list[0].nlb = le32_from(1);
	list[1].slba = le64_from(ns->nsze - 1);
	list[1].nlb = le32_from(2);
	CHECK_STATUS(r, rig_io(r, last->q, cmd_dsm(ns->nsid, list, 2, NVME_DSMGMT_AD)),
		     SC_LBA_OUT_OF_RANGE, SC_SUCCESS);
	area_read(first);
	area_read(last);
	CHECK_STAMP(r, first->data + ns->lba_bytes, FIRST + 1, GUARD - 1, ns->lba_bytes,
		    first->tag);
	CHECK_STAMP(r, last->data, last->lba, GUARD - 1, ns->lba_bytes, last->tag);
}

static const struct dsm_row {
	const char *name;
	void (*ask)(struct rig *r);
} dsm_rows[] = { { "attributes", dsm_attributes },
		 { "reserved-bits", dsm_reserved },
		 { "256-ranges", dsm_256_ranges },
		 { "no-blocks", dsm_no_blocks },
		 { "past-end", dsm_past_end } };

static void dsm_args(struct rig *r)
{
	const struct dsm_row *row = rig_row(r);

	row->ask(r);
}

static const struct rig_case cases[] = {
	{ .id = "nlb-zero-based",
	  .rule = "NLB = n moves n + 1 blocks and touches no other.",
	  .ref = "NVM CS 1.0 Write command, Read command",
	  .needs = NEED_CTRL,
	  .harm = HARM_DATA,
	  .fault = "nlb-plus-one",
	  .run = nlb_zero_based,
	  ROWS(nlbs) },
	{ .id = "nsid-inactive",
	  .rule = "A command on a valid NSID that is not active fails.",
	  .ref = "Base 2.0 Submission Queue Entry; Base 2.2 Submission Queue Entry (NSID)",
	  .needs = NEED_COMMAND | NEED_SQE,
	  .harm = HARM_DATA,
	  .fault = "nsid-any-accepted",
	  .na = na_inactive,
	  .row_na = io_row_na,
	  .run = nsid_inactive,
	  ROWS(io_ops) },
	{ .id = "opcode-invalid",
	  .rule = "I/O opcodes that are reserved, or not claimed, are Invalid Command Opcode.",
	  .ref = "Base 2.0 I/O Command Set; NVM CS 1.0 NVM Command Set Commands",
	  .needs = NEED_CTRL,
	  .harm = HARM_DATA,
	  .fault = "io-opcode-accepted io-opcode-wrong-status",
	  .shakes = true, /* a fabric's controller may end the association */
	  .run = opcode_invalid },
	{ .id = "reserved-fields",
	  .rule = "Reserved fields of Write and Flush are ignored or refused, and never change "
		  "what moves.",
	  .ref = "Base 2.0 Submission Queue Entry; NVM CS 1.0 Write command",
	  .needs = NEED_COMMAND,
	  .harm = HARM_DATA,
	  .fault = "cdw3-counts",
	  .run = reserved_fields,
	  ROWS(reserved) },
	{ .id = "status-one-fault",
	  .rule = "A command that can only fail again says so, and More is set only with an entry "
		  "in the error log.",
	  .ref = "Base 2.0 Status Field Definition; Base 2.2 Status Field Definition",
	  .needs = NEED_COMMAND,
	  .harm = HARM_NONE,
	  .fault = "error-entry-missing error-entry-wrong-cid",
	  .row_needs = fault_needs,
	  .run = status_one_fault,
	  ROWS(faults) },
	{ .id = "limited-retry",
	  .rule = "Limited Retry and the hints about a dataset change nothing that can be seen.",
	  .ref = "NVM CS 1.0 Read command, Write command",
	  .needs = NEED_COMMAND,
	  .harm = HARM_DATA,
	  .fault = "access-hints-refused limited-retry-short",
	  .run = limited_retry,
	  ROWS(hints) },
	{ .id = "dsm-args",
	  .rule = "Dataset Management takes every mix of attributes and up to 256 ranges, and "
		  "leaves what they do not name.",
	  .ref = "NVM CS 1.0 Dataset Management command",
	  .needs = NEED_COMMAND,
	  .harm = HARM_DATA,
	  .fault = "dsm-zero-length-as-one dsm-hints-refused",
	  .na = na_dsm,
	  .run = dsm_args,
	  ROWS(dsm_rows) },
};

SUITE(io_args_suite, CONFORMANCE, "io", cases);
