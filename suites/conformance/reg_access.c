// SPDX-License-Identifier: GPL-2.0-or-later
/* How properties and doorbells may be accessed, and what an access that may not be must not do. */
#include <errno.h>
#include <inttypes.h>

#include "base/clock.h"
#include "kit/kit.h"

#define START_NS (2 * NS_PER_MS) /* a command that was started would be done by then */

static struct cmd any_command(void)
{
	return cmd_get_features(NVME_FEAT_FID_NUM_QUEUES, 0, 0, 0);
}

/* ---- access-width ---- */

static const struct wide_row {
	const char *name;
	uint64_t off;
	uint64_t a, b; /* two values to write; none where it is read-only */
} wide[] = {
	{ "cap", REG_CAP, 0, 0 },
	{ "asq", REG_ASQ, 0x0000001234567000, 0x000000765432f000 },
	{ "acq", REG_ACQ, 0x00000021fedcb000, 0x00000012abcde000 },
};

static void check_halves(struct rig *r, const struct wide_row *row)
{
	uint64_t low = rig_reg32(r, row->off), high = rig_reg32(r, row->off + 4);
	uint64_t high_first = (uint64_t)rig_reg32(r, row->off + 4) << 32;
	uint64_t whole = rig_reg64(r, row->off);

	high_first |= rig_reg32(r, row->off);
	CHECK_TRUE(r, (high << 32 | low) == whole && high_first == whole,
		   "%s reads alike: %016" PRIX64 "h whole, %016" PRIX64 "h low half first, "
		   "%016" PRIX64 "h high half first",
		   row->name, whole, high << 32 | low, high_first);
}

static void check_value(struct rig *r, const struct wide_row *row, const char *how, uint64_t want)
{
	uint64_t got = rig_reg64(r, row->off);

	CHECK_TRUE(r, got == want, "%s after %s: got %016" PRIX64 "h, want %016" PRIX64 "h",
		   row->name, how, got, want);
	check_halves(r, row);
}

static void access_width(struct rig *r)
{
	const struct wide_row *row = rig_row(r);
	const uint64_t low = 0xffffffff;

	rig_ctrl_off(r);
	check_halves(r, row);
	if (!row->a)
		return;
	rig_set_reg64(r, row->off, row->a);
	check_value(r, row, "a write of 64 bits", row->a);
	rig_set_reg32(r, row->off, (uint32_t)row->b);
	check_value(r, row, "a write to the low half", (row->a & ~low) | (row->b & low));
	rig_set_reg32(r, row->off + 4, (uint32_t)(row->b >> 32));
	check_value(r, row, "a write to the high half", row->b);
	rig_set_reg32(r, row->off + 4, (uint32_t)(row->a >> 32));
	check_value(r, row, "a write to the high half first", (row->a & ~low) | (row->b & low));
}

/* ---- access-illegal ---- */

static const struct illegal_row {
	const char *name;
	uint64_t off;
	unsigned width;
	uint64_t value;
} illegals[] = {
	{ "cc-byte", REG_CC, 8, 0xf0 },
	{ "cc-word", REG_CC + 2, 16, 0x46 },
	{ "cc-misaligned", REG_CC + 1, 32, 0 },
	{ "csts-byte", REG_CSTS, 8, 0xff },
	{ "csts-straddling", REG_CSTS, 64, 0xff },
	{ "aqa-byte", REG_AQA, 8, 0x3f },
	{ "asq-byte", REG_ASQ + 1, 8, 0x30 },
	{ "asq-misaligned", REG_ASQ + 2, 32, 0x11111111 },
	{ "asq-straddling", REG_ASQ + 4, 64, 0x7777700000000077 },
};

static const uint64_t properties[] = { REG_CAP, REG_VS,	     REG_CC,  REG_CSTS,	  REG_AQA,
				       REG_ASQ, REG_ASQ + 4, REG_ACQ, REG_ACQ + 4 };

static void look(struct rig *r, uint32_t ret[static ARRAY_SIZE(properties)])
{
	for (size_t i = 0; i < ARRAY_SIZE(properties); i++)
		ret[i] = rig_reg32(r, properties[i]);
}

/* Is this dword part of a register that the access touches? */
static bool is_touched(const struct illegal_row *row, uint64_t off)
{
	return off >= (row->off & ~7ull) && off <= ((row->off + row->width / 8 - 1) | 7);
}

static void access_illegal(struct rig *r)
{
	const struct illegal_row *row = rig_row(r);
	uint32_t before[ARRAY_SIZE(properties)], after[ARRAY_SIZE(properties)];

	rig_ctrl_off(r);
	rig_set_reg32(r, REG_AQA, 0x001f001f);
	rig_set_reg64(r, REG_ASQ, 0x0000000222222000);
	rig_set_reg64(r, REG_ACQ, 0x0000000333333000);
	look(r, before);
	rig_reg(r, row->off, row->width);
	rig_set_reg(r, row->off, row->width, row->value);
	look(r, after);
	for (size_t i = 0; i < ARRAY_SIZE(properties); i++)
		if (!is_touched(row, properties[i]))
			CHECK_TRUE(r, before[i] == after[i],
				   "the property at %02" PRIX64 "h is left alone: %08Xh, was %08Xh",
				   properties[i], after[i], before[i]);
	rig_set_reg32(r, REG_CC, 0);
}

/* ---- doorbell-illegal ---- */

static const struct illegal_row bells[] = {
	{ "byte", 0, 8, 1 },
	{ "word", 0, 16, 1 },
	{ "misaligned", 2, 32, 1 },
	{ "two-at-once", 0, 64, 1 },
};

/* The command must not start, or, since the effect is undefined, at least run once. */
static void ring_illegally(struct rig *r)
{
	const struct illegal_row *row = rig_row(r);
	struct ctrl *c = rig_ctrl(r);
	struct cpl cpl;
	bool came;

	rig_reset(r); /* tail 0: the value to write is 1 */
	rig_put(r, c->asq, any_command());
	c->asq->rung = c->asq->tail; /* should it ring, SQHD may come as far */
	rig_set_reg(r, doorbell_sq(c, 0) + row->off, row->width, row->value);
	came = rig_try(r, c->acq, &cpl, START_NS);
	ADVISE_EQ(r, "commands that such an access started", came, 0);
	rig_ring(r, c->asq);
	if (!came)
		cpl = rig_next(r, c->acq);
	CHECK_STATUS(r, cpl, SC_SUCCESS);
	CHECK_EQ(r, "further CQEs", rig_try(r, c->acq, &cpl, START_NS), 0);
}

/* ---- bar-tail ---- */

static void bar_tail(struct rig *r)
{
	struct target *t = rig_target(r);
	uint64_t size = t->caps.bar_size[0], v;
	int err;

	rig_ctrl(r);
	v = rig_reg32(r, size - 4);
	rig_set_reg32(r, size - 4, (uint32_t)v);
	if (t->caps.emulated) { /* what lies there in a real drive is the vendor's own */
		rig_set_reg32(r, size - 4, ~0u);
		rig_set_reg32(r, size - 4, (uint32_t)v);
	}
	CHECK_STATUS(r, rig_admin(r, any_command()), SC_SUCCESS);
	err = t->ops->reg_read(t, size, 32, &v);
	CHECK_EQ(r, "a read past the end is refused (ERANGE)", (uint64_t)-err, ERANGE);
	err = t->ops->reg_write(t, size, 32, 0);
	CHECK_EQ(r, "a write past the end is refused (ERANGE)", (uint64_t)-err, ERANGE);
	CHECK_STATUS(r, rig_admin(r, any_command()), SC_SUCCESS);
}

/* ---- dstrd ---- */

#define FEW_ENTRIES 4

/* With a stride above four bytes: what lies between two doorbells rings none. */
static void write_gaps(struct rig *r, struct sq *q)
{
	uint64_t at = doorbell_sq(q->c, q->qid);

	for (unsigned gap = 4; gap < q->c->stride; gap += 4)
		rig_set_reg32(r, at + gap, q->tail);
}

static void check_silent(struct rig *r, struct sq *q, const char *why)
{
	struct cpl cpl;

	CHECK_TRUE(r, !rig_try(r, q->cq, &cpl, START_NS), "queue %u starts nothing: %s", q->qid,
		   why);
}

static void check_runs(struct rig *r, struct sq *q)
{
	struct cpl cpl;

	rig_ring(r, q);
	cpl = rig_next(r, q->cq);
	CHECK_STATUS(r, cpl, SC_SUCCESS);
	CHECK_EQ(r, "SQID", cpl.sqid, q->qid);
}

/* The last two queues of all, one command in each: each doorbell starts its own alone. */
static void dstrd(struct rig *r)
{
	uint16_t last = (uint16_t)rig_queue_count(r);
	struct sq *q = rig_queue_pair(r, last, rig_queue_fit(r, FEW_ENTRIES)), *other = NULL;
	struct cmd flush = cmd_flush(rig_ns(r)->nsid);

	if (last > 1)
		other = rig_queue_pair(r, last - 1, q->size);
	rig_put(r, q, flush);
	if (other)
		rig_put(r, other, flush);
	write_gaps(r, q);
	check_silent(r, q, "no doorbell was written");
	check_runs(r, q);
	if (other) {
		check_silent(r, other, "its neighbour's doorbell was written");
		check_runs(r, other);
	}
	rig_note(r, "CAP.DSTRD %u, the last queue is %u", CAP_DSTRD(q->c->cap), last);
}

/* ---- doorbell-read ---- */

static void read_doorbells(struct rig *r, unsigned queues)
{
	struct ctrl *c = rig_ctrl(r);

	for (uint16_t qid = 0; qid <= queues; qid++) {
		rig_reg32(r, doorbell_sq(c, qid));
		rig_reg32(r, doorbell_cq(c, qid));
	}
}

#define BATCH 7u

static void doorbell_read(struct rig *r)
{
	struct sq *q = rig_queue(r);
	unsigned queues = rig_queue_count(r), done = 0, batch = rig_queue_fit(r, BATCH + 1) - 1;
	struct cmd flush = cmd_flush(rig_ns(r)->nsid);
	uint64_t rounds = rig_pick(r, 5, 12, 500);
	struct cpl cpl;

	for (uint64_t n = 0; n < rounds; n++) {
		for (unsigned i = 0; i < batch; i++)
			rig_put(r, q, flush);
		read_doorbells(r, queues);
		rig_ring(r, q);
		read_doorbells(r, queues);
		for (unsigned i = 0; i < batch; i++) {
			cpl = rig_next(r, q->cq);
			done += cpl.status == SC_SUCCESS;
		}
	}
	CHECK_EQ(r, "commands that completed with success", done, rounds * batch);
	CHECK_EQ(r, "further CQEs", rig_try(r, q->cq, &cpl, START_NS), 0);
	CHECK_STATUS(r, rig_admin(r, any_command()), SC_SUCCESS);
}

static const struct rig_case cases[] = {
	{ .id = "access-width",
	  .rule = "A 64-bit property reads alike whole and by halves, and each half is written "
		  "alone.",
	  .ref = "PCIe Transport 1.0 Controller Properties; PCIe Transport 1.0 Transport Specific "
		 "Controller Properties",
	  .needs = NEED_QUEUES,
	  .fault = "half-write-clears-half",
	  .run = access_width,
	  ROWS(wide) },
	{ .id = "access-illegal",
	  .rule = "An access of another width or alignment leaves the other properties alone.",
	  .ref = "PCIe Transport 1.0 Controller Properties; PCIe Transport 1.0 Transport Specific "
		 "Controller Properties",
	  .needs = NEED_QUEUES,
	  .level = SHOULD,
	  .fault = "illegal-write-spills",
	  .run = access_illegal,
	  ROWS(illegals) },
	{ .id = "doorbell-illegal",
	  .rule = "An access of another width or alignment to a doorbell starts nothing, or once.",
	  .ref = "PCIe Transport 1.0 Controller Properties; PCIe Transport 1.0 Transport Specific "
		 "Controller Properties",
	  .needs = NEED_QUEUES,
	  .level = SHOULD,
	  .fault = "narrow-write-counts",
	  .run = ring_illegally,
	  ROWS(bells) },
	{ .id = "bar-tail",
	  .rule = "The last dword of BAR0 is read and written without harm, past it nothing is.",
	  .ref = "PCIe Transport 1.0 Memory Register Base Address; PCIe Transport 1.0 MLBAR (BAR0)",
	  .needs = NEED_QUEUES,
	  .level = SHOULD,
	  .fault = "bar-tail-hangs",
	  .run = bar_tail },
	{ .id = "dstrd",
	  .rule = "Doorbells lie where CAP.DSTRD puts them, and each is one queue's alone.",
	  .ref = "PCIe Transport 1.0 Transport Specific Controller Properties; Base 2.2 Doorbell "
		 "Stride for Software Emulation",
	  .needs = NEED_QUEUES,
	  .fault = "doorbell-rings-neighbour",
	  .run = dstrd },
	{ .id = "doorbell-read",
	  .rule = "Reading doorbells during I/O loses no completion and makes none.",
	  .ref = "PCIe Transport 1.0 SQyTDBL; PCIe Transport 1.0 CQyHDBL",
	  .needs = NEED_QUEUES,
	  .level = SHOULD,
	  .fault = "doorbell-read-rings",
	  .run = doorbell_read },
};

SUITE(reg_access_suite, CONFORMANCE, "reg", cases);
