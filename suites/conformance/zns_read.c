// SPDX-License-Identifier: GPL-2.0-or-later
/* What reads: across zones, above the write pointer, in zones that cannot be written or read. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "zns_bench.h"

static const struct io_op readers[] = {
	{ "read", nvme_cmd_read, 0, false, false, false },
	{ "compare", nvme_cmd_compare, NVME_CTRL_ONCS_COMPARE, false, false, false },
	{ "verify", nvme_cmd_verify, NVME_CTRL_ONCS_VERIFY, false, false, false },
	{ "copy", nvme_cmd_copy, NVME_CTRL_ONCS_COPY, false, false, true },
};

/* The command on blocks of the namespace; a Copy goes to an Empty zone that is not among them. */
static struct cpl do_read(struct bench *b, const struct io_op *op, uint64_t lba, uint32_t blocks,
			  uint64_t target)
{
	struct cmd c = io_cmd(b->r, op, b->ns, lba, blocks);

	if (op->opcode == nvme_cmd_compare)
		memset(c.data, 0, c.data_len);
	if (op->opcode == nvme_cmd_copy) {
		c.sqe.cdw10 = le32_from((uint32_t)bench_start(b, target));
		c.sqe.cdw11 = le32_from((uint32_t)(bench_start(b, target) >> 32));
	}
	return rig_io(b->r, b->q, c);
}

static void text_of(const struct io_op *op, uint64_t lba, uint32_t blocks, const char *where,
		    char what[128])
{
	snprintf(what, 128, "%s of %u blocks at LBA %" PRIX64 "h, %s: status", op->name, blocks,
		 lba, where);
}

/* Success, or for Compare that the data differ. */
static void readable(struct bench *b, const struct io_op *op, uint64_t lba, uint32_t blocks,
		     uint64_t target, const char *where)
{
	struct cpl cpl = do_read(b, op, lba, blocks, target);
	char what[128];

	text_of(op, lba, blocks, where, what);
	if (op->opcode == nvme_cmd_compare)
		CHECK_STATUS_OF(b->r, what, cpl, SC_SUCCESS, SC_COMPARE_FAILURE);
	else
		CHECK_STATUS_OF(b->r, what, cpl, SC_SUCCESS);
	if (op->opcode == nvme_cmd_copy)
		bench_do(b, target, ZONE_DO_RESET);
}

static void unreadable(struct bench *b, const struct io_op *op, uint64_t lba, uint32_t blocks,
		       uint64_t target, uint16_t want)
{
	struct cpl cpl = do_read(b, op, lba, blocks, target);
	char what[128];

	text_of(op, lba, blocks, want == SC_ZONE_OFFLINE ? "Offline" : "across two zones", what);
	CHECK_STATUS_OF(b->r, what, cpl, want);
	if (op->opcode == nvme_cmd_copy)
		bench_check_state(b, "state of the zone that nothing was copied to",
				  bench_look(b, target).state, ZONE_EMPTY);
}

/* A zone apart from the two. */
static uint64_t third(struct bench *b, uint64_t pair)
{
	uint64_t n = 0, zone;

	do
		zone = bench_usable(b, n++);
	while (zone == pair || zone == pair + 1);
	if (zone == ZONE_NONE)
		rig_na(b->r, "NSID %u has no third zone", b->ns->nsid);
	return zone;
}

/* ---- read-rules: across a boundary ---- */

static void ask_boundary(struct bench *b, const struct io_op *op)
{
	uint64_t pair = bench_pair(b), next = bench_start(b, pair + 1), other = third(b, pair);

	bench_put(b, bench_start(b, pair), 2);
	bench_fill(b, pair + 1, 0);
	readable(b, op, next - 1, 1, other, "the last of its zone");
	readable(b, op, next - 2, 2, other, "up to the end of its zone");
	readable(b, op, next, 2, other, "from the beginning of its zone");
	for (uint32_t before = 1; before <= 2; before++)
		for (uint32_t after = 1; after <= 2; after++) {
			if (b->ns->zones.read_across)
				readable(b, op, next - before, before + after, other,
					 "across two zones, which OZCS bit 0 allows");
			else
				unreadable(b, op, next - before, before + after, other,
					   SC_ZONE_BOUNDARY);
		}
	CHECK_STATUS_OF(b->r, "past the end of the namespace: status",
			do_read(b, op, b->ns->nsze - 1, 2, other), SC_LBA_OUT_OF_RANGE,
			SC_ZONE_BOUNDARY);
}

/* ---- read-rules: above the write pointer, below it, past the capacity ---- */

static void ask_unwritten(struct bench *b, const struct io_op *op)
{
	uint64_t zone = bench_usable(b, 0), start = bench_start(b, zone),
		 other = bench_usable(b, 1);
	uint64_t capacity = bench_look(b, zone).capacity;

	readable(b, op, start, 2, other, "in an Empty zone");
	bench_put(b, start, 2);
	readable(b, op, start + 1, 2, other, "across the write pointer");
	readable(b, op, start + 2, 2, other, "above the write pointer");
	if (capacity < b->size)
		readable(b, op, start + capacity - 1, 2, other, "across the end of the capacity");
	bench_do(b, zone, ZONE_DO_FINISH);
	readable(b, op, start + 2, 2, other, "in a finished zone, never written");
}

/* ---- read-rules: Read Only and Offline ---- */

static void ask_dead(struct bench *b, const struct io_op *op)
{
	uint64_t offline = bench_find(b, ZONE_OFFLINE), read_only = bench_find(b, ZONE_READ_ONLY);
	uint64_t other = bench_usable(b, 0);

	if (read_only != ZONE_NONE)
		readable(b, op, bench_start(b, read_only), 1, other, "Read Only");
	if (offline == ZONE_NONE)
		rig_na(b->r, "no zone is Offline");
	unreadable(b, op, bench_start(b, offline), 1, other, SC_ZONE_OFFLINE);
	unreadable(b, op, bench_start(b, offline) + b->size - 1, 1, other, SC_ZONE_OFFLINE);
}

struct read_row {
	const char *name;
	const struct io_op *op;
	void (*ask)(struct bench *b, const struct io_op *op);
};

#define ASKED(i, text)                                                                             \
	{ text "-boundary", &readers[i], ask_boundary },                                           \
		{ text "-unwritten", &readers[i], ask_unwritten },                                 \
	{                                                                                          \
		text "-dead", &readers[i], ask_dead                                                \
	}

static const struct read_row read_rows[] = { ASKED(0, "read"), ASKED(1, "compare"),
					     ASKED(2, "verify"), ASKED(3, "copy") };

static void read_rules(struct rig *r)
{
	const struct read_row *row = rig_row(r);
	struct bench b = { 0 };

	io_need(r, row->op);
	while (bench_next_empty(r, &b)) {
		row->ask(&b, row->op);
		bench_send_all(&b, ZONE_DO_RESET);
	}
}

/* ---- deallocated: what blocks that were not written read as ---- */

static void deallocated(struct rig *r)
{
	struct bench b = { 0 };

	while (bench_next_empty(r, &b)) {
		uint64_t zone = bench_usable(&b, 0);
		struct zone_view v = bench_look(&b, zone);

		bench_fill(&b, zone, 0);
		bench_do(&b, zone, ZONE_DO_RESET);
		bench_check_deallocated(&b, v.start, b.size);
		bench_put(&b, v.start, 3);
		bench_check_deallocated(&b, v.start + 3, b.size - 3);
		bench_do(&b, zone, ZONE_DO_FINISH);
		bench_check_data(&b, v.start, 3);
		bench_check_deallocated(&b, v.start + 3, b.size - 3);
		bench_send_all(&b, ZONE_DO_RESET);
	}
}

/* ---- offline-dsm ---- */

static const char *na_dsm(const struct facts *f)
{
	return le16_get(f->id.oncs) & NVME_CTRL_ONCS_DSM ? bench_na(f)
							 : "ONCS bit 2 is 0: no Dataset Management";
}

static struct cpl deallocate(struct bench *b, uint64_t zone)
{
	struct nvme_dsm_range *range = rig_mem(b->r, sizeof(*range));

	range->slba = le64_from(bench_start(b, zone));
	range->nlb = le32_from(1);
	return rig_io(b->r, b->q, cmd_dsm(b->ns->nsid, range, 1, NVME_DSMGMT_AD));
}

/* Deallocating is no writing: the zone's state and write pointer stay. */
static void dataset_management(struct rig *r)
{
	struct bench b = { 0 };

	while (bench_next_empty(r, &b)) {
		uint64_t zone = bench_usable(&b, 0), offline = bench_find(&b, ZONE_OFFLINE);
		struct zone_view *before;

		bench_put(&b, bench_start(&b, zone), 2);
		before = bench_look_all(&b);
		CHECK_STATUS_OF(r, "Dataset Management of a written block: status",
				deallocate(&b, zone), SC_SUCCESS);
		bench_check_others(&b, before, ZONE_NONE);
		if (offline != ZONE_NONE)
			CHECK_STATUS_OF(r, "Dataset Management of an Offline zone: status",
					deallocate(&b, offline), SC_ZONE_OFFLINE);
		bench_send_all(&b, ZONE_DO_RESET);
	}
}

#define REF_READ "ZNS CS 1.1 Reading in Sequential Write Required Zones; "

static const struct rig_case cases[] = {
	{ .id = "read-rules",
	  .rule = "Reads stay in one zone unless OZCS allows more, and none is of an Offline zone.",
	  .ref = REF_READ "ZNS CS 1.1 NVM Command Set I/O Commands; ZNS CS 1.1 Capacity and Sizes",
	  .needs = NEED_COMMAND,
	  .harm = HARM_DATA,
	  .fault = "zns-read-crosses zns-others-cross zns-offline-readable "
		   "zns-offline-others-read zns-unwritten-unreadable",
	  .na = bench_na,
	  .run = read_rules,
	  .deadline_s = 120,
	  ROWS(read_rows) },
	{ .id = "deallocated",
	  .rule = "What was not written since the zone was reset reads as deallocated blocks do.",
	  .ref = REF_READ "ZNS CS 1.1 Logical Block Allocation and Capacity Management; NVM CS 1.0 "
			  "Deallocated or Unwritten Logical Blocks",
	  .needs = NEED_COMMAND,
	  .harm = HARM_DATA,
	  .fault = "zns-reset-keeps-data",
	  .na = bench_na,
	  .run = deallocated,
	  .deadline_s = 300 },
	{ .id = "dataset-management",
	  .rule = "Dataset Management leaves states and write pointers, and Offline zones alone.",
	  .ref = "ZNS CS 1.1 Dataset Management command",
	  .needs = NEED_COMMAND,
	  .harm = HARM_DATA,
	  .fault = "zns-offline-deallocates zns-deallocate-moves",
	  .na = na_dsm,
	  .run = dataset_management },
};

SUITE(zns_read_suite, CONFORMANCE, "zns", cases);
