// SPDX-License-Identifier: GPL-2.0-or-later
/* A host that asks for too much: everything at once, over and over, or without end. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "queue_parts.h"
#include "robust_parts.h"

#define SOON_NS	 (2 * NS_PER_S)
#define QUIET_NS (2 * NS_PER_MS)
#define POLL_NS	 (10 * NS_PER_US)

/* ---- the Admin queue, full ---- */

#define ADMIN_CQ 8u
#define ADMIN_SQ 32u

static struct cmd flood_command(struct rig *r, struct buf *b, unsigned i)
{
	struct cmd c;

	switch (i % 4) {
	case 0:
		return cmd_get_features(NVME_FEAT_FID_NUM_QUEUES, 0, 0, 0);
	case 1:
		c = cmd_identify(NVME_IDENTIFY_CNS_CTRL, 0, NULL);
		rig_prp(r, &c, b, 0, 4096);
		return c;
	case 2:
		c = cmd_get_log(NVME_LOG_LID_SMART, NSID_ALL, 0, NULL, 512);
		rig_prp(r, &c, b, 0, 512);
		return c;
	default:
		return cmd_abort(0, 0xfff0);
	}
}

static unsigned flood(struct rig *r, struct sq *q, struct buf *b)
{
	unsigned n = 0;

	for (; sq_room(q); n++)
		rig_put(r, q, flood_command(r, b, n));
	rig_ring(r, q);
	return n;
}

/* Nobody consumes: the queue fills to the last slot but one, and no further. */
static void check_backpressure(struct rig *r, struct cq *q)
{
	uint64_t end = rig_now(r) + SOON_NS;

	while (parts_posted(q) < q->size - 1 && rig_now(r) < end)
		rig_wait(r, POLL_NS);
	rig_wait(r, QUIET_NS);
	CHECK_EQ(r, "completions in an Admin Completion Queue of 8 that nobody reads",
		 parts_posted(q), q->size - 1);
}

static void admin_flood(struct rig *r)
{
	struct ctrl_config cfg = ctrl_defaults(rig_ctrl_off(r));
	struct buf *b = rig_buf(r, 4096);
	struct sq *q;

	cfg.admin_sq_entries = ADMIN_SQ;
	cfg.admin_cq_entries = ADMIN_CQ;
	q = rig_ctrl_with(r, &cfg)->asq;
	for (uint64_t round = rig_pick(r, 4, 12, 1000); round; round--) {
		unsigned n = flood(r, q, b);

		check_backpressure(r, q->cq);
		while (n--) {
			CHECK_STATUS(r, rig_next(r, q->cq), SC_SUCCESS);
			rig_wait(r, rig_rand_below(r, POLL_NS));
		}
		CHECK_EQ(r, "commands without a completion", q->inflight, 0);
		CHECK_TRUE(r, !cq_ready(q->cq), "no completion without a command");
	}
}

/* ---- queues created and deleted without end ---- */

#define COUNTED 64u

/* Pairs that can be created; gone again when this returns. */
static unsigned creatable(struct rig *r)
{
	unsigned n, all = rig_queue_count(r) < COUNTED ? rig_queue_count(r) : COUNTED;
	uint64_t memory = rig_buf(r, rig_ctrl(r)->page)->iova;

	for (n = 0; n < all; n++) {
		uint16_t qid = (uint16_t)(n + 1);

		if (rig_admin(r, cmd_create_cq(qid, 2, memory, false, 0)).status != SC_SUCCESS)
			break;
		if (rig_admin(r, cmd_create_sq(qid, 2, memory, qid)).status != SC_SUCCESS) {
			rig_admin(r, cmd_delete_cq(qid));
			break;
		}
	}
	for (unsigned i = n; i; i--) {
		rig_admin_ok(r, cmd_delete_sq((uint16_t)i));
		rig_admin_ok(r, cmd_delete_cq((uint16_t)i));
	}
	return n;
}

/* One that succeeds between three that fail, each for a reason of its own. */
static void create_and_fail(struct rig *r, uint64_t memory)
{
	CHECK_ERROR(r, rig_admin(r, cmd_create_sq(1, 2, memory, 1)));
	CHECK_STATUS(r, rig_admin(r, cmd_create_cq(1, 2, memory, false, 0)), SC_SUCCESS);
	CHECK_ERROR(r, rig_admin(r, cmd_create_cq(1, 2, memory, false, 0)));
	CHECK_ERROR(r, rig_admin(r, cmd_create_sq(0, 2, memory, 1)));
	CHECK_STATUS(r, rig_admin(r, cmd_create_sq(1, 2, memory, 1)), SC_SUCCESS);
	CHECK_STATUS(r, rig_admin(r, cmd_delete_sq(1)), SC_SUCCESS);
	CHECK_STATUS(r, rig_admin(r, cmd_delete_cq(1)), SC_SUCCESS);
}

static void queue_leak(struct rig *r)
{
	uint64_t memory = rig_buf(r, rig_ctrl(r)->page)->iova;
	unsigned before = creatable(r);

	CHECK_EQ(r, "queue pairs that can be created at once", before,
		 rig_queue_count(r) < COUNTED ? rig_queue_count(r) : COUNTED);
	for (uint64_t n = rig_pick(r, 40, 150, 100000); n; n--)
		create_and_fail(r, memory);
	CHECK_EQ(r, "queue pairs that can be created afterwards", creatable(r), before);
}

/* ---- counts beyond all bounds ---- */

#define SANDBOX_PAGES 8u

enum count_kind { COUNT_NUMD, COUNT_LPO, COUNT_NLB, COUNT_CNTID, COUNT_RANGES };

static const struct huge_row {
	const char *name;
	enum count_kind kind;
	uint64_t value; /* as the field holds it: 0's based where the field is */
	uint8_t opcode; /* of COUNT_NLB */
} huge[] = {
	{ "numd-ffff", COUNT_NUMD, 0xffff, 0 },
	{ "numd-3fffffff", COUNT_NUMD, 0x3fffffff, 0 },
	{ "numd-ffffffff", COUNT_NUMD, 0xffffffff, 0 },
	{ "lpo", COUNT_LPO, ~3ull, 0 },
	{ "nlb-read", COUNT_NLB, 0xffff, nvme_cmd_read },
	{ "nlb-write", COUNT_NLB, 0xffff, nvme_cmd_write },
	{ "nlb-compare", COUNT_NLB, 0xffff, nvme_cmd_compare },
	{ "cntid", COUNT_CNTID, 0xffff, 0 },
	{ "dsm-ranges", COUNT_RANGES, 0xff, 0 },
};

/* Whatever length the controller takes, the list leads to these pages over and over. */
static void point_at_sandbox(struct rig *r, struct cmd *c)
{
	size_t page = rig_ctrl(r)->page, entries = page / sizeof(__le64);
	struct buf *data = rig_buf(r, SANDBOX_PAGES * page), *list = rig_buf(r, page);
	__le64 *slot = (__le64 *)list->data;

	memset(data->data, 0, data->len);
	for (size_t i = 0; i < entries - 1; i++)
		slot[i] = le64_from(data->iova + i % SANDBOX_PAGES * page);
	slot[entries - 1] = le64_from(list->iova);
	c->sqe.prp1 = le64_from(data->iova);
	c->sqe.prp2 = le64_from(list->iova);
}

/* The command, and how much it says that it moves. */
static struct cmd huge_command(struct rig *r, const struct huge_row *row, uint64_t *ret_bytes)
{
	const struct facts_ns *ns = rig_ns(r);
	struct cmd c = cmd_get_log(NVME_LOG_LID_SMART, NSID_ALL, 0, NULL, 512);

	*ret_bytes = 4096;
	switch (row->kind) {
	case COUNT_NUMD:
		c.sqe.cdw10 = le32_from((uint32_t)row->value << 16 | NVME_LOG_LID_SMART);
		c.sqe.cdw11 = le32_from((uint32_t)(row->value >> 16));
		*ret_bytes = (row->value + 1) * 4;
		return c;
	case COUNT_LPO:
		c.sqe.cdw12 = le32_from((uint32_t)row->value);
		c.sqe.cdw13 = le32_from((uint32_t)(row->value >> 32));
		return c;
	case COUNT_NLB:
		c = cmd_raw(row->opcode, ns->nsid);
		c.sqe.cdw12 = le32_from((uint32_t)row->value);
		*ret_bytes = (row->value + 1) * ns->lba_bytes;
		return c;
	case COUNT_CNTID:
		c = cmd_identify(NVME_IDENTIFY_CNS_CTRL_LIST, 0, NULL);
		c.sqe.cdw10 = le32_from((uint32_t)row->value << 16 | NVME_IDENTIFY_CNS_CTRL_LIST);
		return c;
	default:
		c = cmd_raw(nvme_cmd_dsm, ns->nsid);
		c.sqe.cdw10 = le32_from((uint32_t)row->value);
		return c;
	}
}

static void need_claims(struct rig *r, const struct huge_row *row, uint64_t bytes)
{
	const struct facts *f = rig_facts(r);

	if (!f->mdts_bytes && bytes > 1ull << 30)
		rig_na(r, "MDTS is 0: %" PRIu64 " bytes would be moved", bytes);
	if (row->opcode == nvme_cmd_compare && !(le16_get(f->id.oncs) & NVME_CTRL_ONCS_COMPARE))
		rig_na(r, "ONCS bit 0 is 0: no Compare");
	if ((row->kind == COUNT_NUMD || row->kind == COUNT_LPO) &&
	    !(f->id.lpa & NVME_CTRL_LPA_EXTENDED))
		rig_na(r, "LPA bit 2 is 0: no more than 12 bits of NUMD, and no offset");
}

/* An error, which one is told where the length alone is wrong; or a transfer within the pages. */
static void huge_counts(struct rig *r)
{
	const struct huge_row *row = rig_row(r);
	uint64_t bytes, mdts = rig_facts(r)->mdts_bytes;
	bool io = row->kind == COUNT_NLB || row->kind == COUNT_RANGES;
	struct cmd c = huge_command(r, row, &bytes);
	char text[STATUS_TEXT];
	struct cpl cpl;

	need_claims(r, row, bytes);
	point_at_sandbox(r, &c);
	cpl = io ? rig_io(r, rig_queue(r), c) : rig_admin(r, c);
	if (mdts && bytes > mdts && (!io || rig_ns(r)->nsze > row->value))
		CHECK_STATUS(r, cpl, SC_INVALID_FIELD);
	else
		CHECK_TRUE(r, status_is_legal(cpl.status), "%" PRIu64 " bytes: %s is a status",
			   bytes, status_text(cpl.status, text));
	robust_check_alive(r);
}

/* ---- doorbells, any, with anything ---- */

#define SPARED	   1u /* the pair whose doorbells are left alone */
#define FIRST_LBA  2048u
#define SAME_TAG   0x57u
#define STORM_LOOK 256u

/* Random tails run what is in the slots: Reads into memory that nobody looks at. */
static unsigned make_stormed(struct rig *r)
{
	unsigned n = rig_queue_count(r) < 8 ? rig_queue_count(r) : 8;
	struct cmd c = parts_any_read(r);

	for (uint16_t qid = SPARED + 1; qid <= n; qid++)
		if (qid % 3) /* and every third is not there */
			parts_fill_slots(rig_queue_pair(r, qid, rig_queue_fit(r, 16)), &c);
	return n;
}

static void storm_once(struct rig *r, unsigned n)
{
	static const unsigned widths[] = { 32, 32, 32, 32, 8, 16, 64 };
	static const uint32_t masks[] = { 0xf, 0xff, 0xffff, 0xffffffff };
	uint64_t first = doorbell_sq(rig_ctrl(r), SPARED + 1);
	uint64_t end = doorbell_sq(rig_ctrl(r), (uint16_t)(n + 1));
	unsigned width = widths[rig_rand_below(r, ARRAY_SIZE(widths))];
	uint64_t at = first + rig_rand_below(r, (end - first) / 4) * 4;

	if (at + width / 8 > end)
		width = 32;
	rig_set_reg(r, at, width, rig_rand(r) & masks[rig_rand_below(r, ARRAY_SIZE(masks))]);
}

static void write_same(struct rig *r, struct sq *q, void *data)
{
	const struct facts_ns *ns = rig_ns(r);

	rig_stamp(data, FIRST_LBA, 1, ns->lba_bytes, SAME_TAG);
	rig_io_ok(r, q, cmd_write(ns->nsid, FIRST_LBA, 1, data, ns->lba_bytes));
}

static void check_same(struct rig *r, struct sq *q, void *data)
{
	const struct facts_ns *ns = rig_ns(r);

	memset(data, 0, ns->lba_bytes);
	CHECK_STATUS(r, rig_io(r, q, cmd_read(ns->nsid, FIRST_LBA, 1, data, ns->lba_bytes)),
		     SC_SUCCESS);
	CHECK_STAMP(r, data, FIRST_LBA, 1, ns->lba_bytes, SAME_TAG);
}

/* The pair that was spared goes on all the while; a reset makes the others anew. */
static void doorbell_storm(struct rig *r)
{
	struct sq *q = rig_queue_pair(r, SPARED, rig_queue_fit(r, 16));
	void *data = rig_mem(r, rig_ns(r)->lba_bytes);
	unsigned n = make_stormed(r);

	if (rig_ns(r)->nsze <= FIRST_LBA)
		rig_na(r, "the scratch namespace has %" PRIu64 " blocks", rig_ns(r)->nsze);
	write_same(r, q, data);
	for (uint64_t i = rig_pick(r, 1500, 6000, 1000000); i; i--) {
		storm_once(r, n);
		if (i % STORM_LOOK == 0)
			check_same(r, q, data);
	}
	robust_check_recovers(r);
	check_same(r, rig_queue(r), data);
	for (uint16_t qid = SPARED + 1; qid <= n; qid++)
		CHECK_STATUS(r, parts_read(r, rig_queue_pair(r, qid, rig_queue_fit(r, 16))),
			     SC_SUCCESS);
}

static const struct rig_case cases[] = {
	{ .id = "admin-flood",
	  .rule = "With the Admin queue full and its completions unread the controller waits, and "
		  "then completes each command once.",
	  .ref = "Base 2.0 Completion Queue Flow Control; Base 2.2 Completion Queue Flow Control",
	  .needs = NEED_QUEUES,
	  .fault = "admin-cq-full-drops-one admin-cq-full-overwrites",
	  .run = admin_flood },
	{ .id = "queue-leak",
	  .rule = "Creating and deleting queues, failures among it, uses up none.",
	  .ref = "Base 2.0 Create I/O Submission Queue command, Create I/O Completion Queue "
		 "command",
	  .needs = NEED_QUEUES,
	  .fault = "failed-create-leaks",
	  .run = queue_leak },
	{ .id = "huge-counts",
	  .rule = "The largest count of every data command ends in an error or in a transfer "
		  "within the pages named.",
	  .ref = "Base 2.0 Get Log Page command, Identify Controller data structure (MDTS)",
	  .needs = NEED_QUEUES,
	  .harm = HARM_DATA,
	  .fault = "nlb-ffff-past-mdts numd-4-gib-is-none",
	  .run = huge_counts,
	  ROWS(huge) },
	{ .id = "doorbell-storm",
	  .rule = "Doorbells written with anything disturb no other queue, and a reset brings "
		  "theirs back.",
	  .ref = "Base 2.0 Queue Usage; Base 2.2 Queue Usage; PCIe Transport 1.0 SQyTDBL",
	  .needs = NEED_QUEUES,
	  .harm = HARM_DATA,
	  .fault = "bad-doorbells-wedge cq-full-stops-others db-nonexistent-rings-other",
	  .na = parts_na_one_pair,
	  .run = doorbell_storm },
};

SUITE(robust_load_suite, CONFORMANCE, "robust", cases);
