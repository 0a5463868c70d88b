// SPDX-License-Identifier: GPL-2.0-or-later
/* Get LBA Status, asked about blocks that Write Uncorrectable marks and a Write mends. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "io_area.h"

#define SCAN	    0x10u
#define TRACKED	    0x11u
#define FIRST	    64u /* the blocks of the case: BLOCKS from here */
#define BLOCKS	    64u
#define ROOM	    8192u
#define CUT_SHORT   1u /* Completion Condition */
#define DONE	    2u
#define WRITTEN_BAD 0x2u /* Status: by Write Uncorrectable */
#define STATUS_REF  "NVM CS 1.0 Get LBA Status command"

static const char *na_lba_status(const struct facts *f)
{
	return le16_get(f->id.oacs) & NVME_CTRL_OACS_LBA_STATUS
		       ? NULL
		       : "OACS bit 9 is 0: no Get LBA Status";
}

/* A range as the command has it: RL 0 is all that follows. */
struct question {
	uint64_t slba;
	uint16_t rl;
	uint8_t atype;
	size_t room;
};

struct bench_list {
	struct rig *r;
	const struct facts_ns *ns;
	struct area *area;
	struct buf *b;
	uint8_t *before;
	struct cpl cpl;
};

static const struct nvme_lba_status *list_in(const struct bench_list *l)
{
	return (const struct nvme_lba_status *)l->b->data;
}

static unsigned entries(const struct bench_list *l)
{
	return le32_get(list_in(l)->nlsd);
}

static uint64_t first_of(const struct bench_list *l, unsigned i)
{
	return le64_get(list_in(l)->descs[i].dslba);
}

static uint64_t blocks_of(const struct bench_list *l, unsigned i)
{
	return le32_get(list_in(l)->descs[i].nlb) + 1ull;
}

static void ask(struct bench_list *l, struct question q)
{
	struct cmd c = cmd_raw(nvme_admin_get_lba_status, l->ns->nsid);

	memset(l->b->data, 0xa5, ROOM);
	memcpy(l->before, l->b->data, ROOM);
	c.sqe.cdw10 = le32_from((uint32_t)q.slba);
	c.sqe.cdw11 = le32_from((uint32_t)(q.slba >> 32));
	c.sqe.cdw12 = le32_from((uint32_t)(q.room / 4) - 1);
	c.sqe.cdw13 = le32_from((uint32_t)q.atype << 24 | q.rl);
	c.dir = CMD_IN;
	rig_prp(l->r, &c, l->b, 0, q.room);
	l->cpl = rig_admin(l->r, c);
}

/* What every list must be: no longer than asked for, in order, inside the range. */
static void check_list(struct bench_list *l, struct question q)
{
	uint64_t end = q.rl ? q.slba + q.rl : l->ns->nsze, at = q.slba;
	unsigned n;

	CHECK_STATUS(l->r, l->cpl, SC_SUCCESS);
	check_untouched(l->r, CHECK_SITE(0, 0), l->b, l->before, 0, q.room);
	if (l->cpl.status != SC_SUCCESS || q.room < 8)
		return;
	n = entries(l);
	REQUIRE_TRUE(l->r, 8 + n * 16ull <= q.room, "%u entries fit the %zu bytes of MNDW", n,
		     q.room);
	CHECK_LE(l->r, "Completion Condition", list_in(l)->cmpc, DONE);
	for (unsigned i = 0; i < n; i++) {
		CHECK_GE(l->r, "DSLBA (against SLBA, or the end of the entry before)",
			 first_of(l, i), at);
		at = first_of(l, i) + blocks_of(l, i);
	}
	CHECK_LE(l->r, "end of the last entry (against NSZE)", at, l->ns->nsze);
	ADVISE_LE(l->r, "end of the last entry (against the range)", n ? at : end, end);
}

/* Is this block in the list? */
static bool is_listed(const struct bench_list *l, uint64_t lba)
{
	for (unsigned i = 0; i < entries(l); i++)
		if (lba >= first_of(l, i) && lba - first_of(l, i) < blocks_of(l, i))
			return true;
	return false;
}

static const struct io_op *uncorrectable(void)
{
	const struct io_op *op = io_ops;

	while (op->opcode != nvme_cmd_write_uncor)
		op++;
	return op;
}

static void mark(struct bench_list *l, uint64_t lba, uint32_t blocks)
{
	rig_io_ok(l->r, l->area->q, io_cmd(l->r, uncorrectable(), l->ns, lba, blocks));
}

static void mend(void *arg)
{
	struct bench_list *l = arg;
	size_t len = l->ns->lba_bytes;
	struct cpl cpl;

	for (unsigned i = 0; i < BLOCKS; i++) {
		struct cmd c = cmd_write(l->ns->nsid, FIRST + i, 1, l->area->data, len);

		if (ctrl_exec(rig_ctrl(l->r), l->area->q, &c, &cpl))
			return;
	}
}

/* Nothing in the blocks of the case is marked yet; at the end nothing is any more. */
static struct bench_list *list_new(struct rig *r)
{
	struct bench_list *l = rig_mem(r, sizeof(*l));

	io_need(r, uncorrectable());
	l->r = r;
	l->ns = rig_ns(r);
	l->area = area_new(r, l->ns, FIRST, BLOCKS);
	l->b = rig_buf(r, ROOM);
	l->before = rig_mem(r, ROOM);
	rig_defer(r, mend, l);
	return l;
}

/* Every marked block is listed, and no other of the case's. That they are listed is advice: an
 * empty list is a valid one. */
static void check_marks(struct bench_list *l, uint64_t marks)
{
	for (unsigned i = 0; i < BLOCKS; i++) {
		bool marked = marks >> i & 1, listed = is_listed(l, FIRST + i);

		if (marked)
			ADVISE_TRUE(l->r, listed, "marked LBA %u is listed", FIRST + i);
		else
			CHECK_TRUE(l->r, !listed, "LBA %u, which can be read, is not listed",
				   FIRST + i);
	}
	for (unsigned i = 0; i < entries(l); i++)
		if (first_of(l, i) >= FIRST && first_of(l, i) < FIRST + BLOCKS)
			ADVISE_TRUE(l->r, list_in(l)->descs[i].status & WRITTEN_BAD,
				    "entry %u says that Write Uncorrectable wrote it", i);
}

static void ask_marks(struct bench_list *l, struct question q, uint64_t marks)
{
	ask(l, q);
	check_list(l, q);
	check_marks(l, marks);
}

/* ---- what is asked ---- */

static void ask_listed(struct bench_list *l, uint8_t atype)
{
	const struct question q = { FIRST, BLOCKS, atype, ROOM };

	ask_marks(l, q, 0);
	mark(l, FIRST + 5, 3);
	mark(l, FIRST + 20, 1);
	mark(l, FIRST + 63, 1);
	ask_marks(l, q, 7ull << 5 | 1ull << 20 | 1ull << 63);
	CHECK_EQ(l->r, "Completion Condition when nothing is left", list_in(l)->cmpc, DONE);
	area_stamp(l->area);
	ask_marks(l, q, 0);
}

static void ask_part_rewritten(struct bench_list *l, uint8_t atype)
{
	const struct question q = { FIRST, BLOCKS, atype, ROOM };

	mark(l, FIRST + 8, 8);
	rig_io_ok(l->r, l->area->q,
		  cmd_write(l->ns->nsid, FIRST + 10, 2, l->area->data, 2ul * l->ns->lba_bytes));
	ask_marks(l, q, 0xf300);
}

/* Marks at the ends of the range and outside it. */
static void ask_range(struct bench_list *l, uint8_t atype)
{
	const struct question q = { FIRST + 10, 20, atype, ROOM };

	mark(l, FIRST + 4, 8);
	mark(l, FIRST + 29, 2);
	ask(l, q);
	check_list(l, q);
	ADVISE_TRUE(l->r, is_listed(l, FIRST + 10) && is_listed(l, FIRST + 29),
		    "marked LBAs at both ends of the range are listed");
}

/* RL 0: to the end of the namespace. */
static void ask_to_end(struct bench_list *l, uint8_t atype)
{
	const struct question q = { FIRST, 0, atype, ROOM };

	mark(l, FIRST, 1);
	mark(l, FIRST + 63, 1);
	ask(l, q);
	check_list(l, q);
	ADVISE_TRUE(l->r, is_listed(l, FIRST) && is_listed(l, FIRST + 63),
		    "marked LBAs from SLBA on are listed");
}

/* No more than MNDW has room for, and that there is more is said. */
static void ask_cut(struct bench_list *l, uint8_t atype)
{
	static const size_t rooms[] = { 4, 8, 20, 24, 28, 36, 40 };
	const struct question whole = { FIRST, BLOCKS, atype, ROOM };
	unsigned n;

	for (unsigned i = 0; i < 4; i++)
		mark(l, FIRST + 2 + 3 * i, 1);
	ask(l, whole);
	check_list(l, whole);
	n = entries(l);
	for (unsigned i = 0; i < ARRAY_SIZE(rooms); i++) {
		struct question q = whole;

		q.room = rooms[i];
		ask(l, q);
		check_list(l, q);
		if (q.room >= 8 && entries(l) < n)
			CHECK_NE(l->r, "Completion Condition with entries left", list_in(l)->cmpc,
				 DONE);
	}
}

static void ask_bad_type(struct bench_list *l, uint8_t atype)
{
	static const uint8_t bad[] = { 0x00, 0x01, 0x0f, 0x12, 0xff };

	(void)atype;
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		ask(l, (struct question){ FIRST, BLOCKS, bad[i], ROOM });
		CHECK_STATUS(l->r, l->cpl, SC_INVALID_FIELD);
		check_untouched(l->r, CHECK_SITE(0, 1), l->b, l->before, 0, 0);
	}
}

/* A range that is not all in the namespace: LBA Out of Range is the code for it, without a shall.
 */
static void ask_beyond(struct bench_list *l, uint8_t atype)
{
	const struct question beyond[] = { { l->ns->nsze, 1, atype, ROOM },
					   { l->ns->nsze, 0, atype, ROOM },
					   { l->ns->nsze - 1, 2, atype, ROOM },
					   { UINT64_MAX, 1, atype, ROOM } };

	for (unsigned i = 0; i < ARRAY_SIZE(beyond); i++) {
		ask(l, beyond[i]);
		ADVISE_STATUS(l->r, l->cpl, SC_LBA_OUT_OF_RANGE);
	}
	ask(l, (struct question){ l->ns->nsze - 1, 1, atype, ROOM });
	CHECK_STATUS(l->r, l->cpl, SC_SUCCESS);
}

static const struct lba_status_row {
	const char *name;
	void (*ask)(struct bench_list *l, uint8_t atype);
	uint8_t atype;
} rows[] = {
	{ "listed-by-scan", ask_listed, SCAN },
	{ "listed-tracked", ask_listed, TRACKED },
	{ "part-rewritten", ask_part_rewritten, SCAN },
	{ "range", ask_range, SCAN },
	{ "range-tracked", ask_range, TRACKED },
	{ "to-the-end", ask_to_end, SCAN },
	{ "cut-short", ask_cut, SCAN },
	{ "cut-short-tracked", ask_cut, TRACKED },
	{ "type-reserved", ask_bad_type, 0 },
	{ "beyond-the-end", ask_beyond, SCAN },
};

static void lba_status(struct rig *r)
{
	const struct lba_status_row *row = rig_row(r);

	row->ask(list_new(r), row->atype);
}

static const struct rig_case cases[] = {
	{ .id = "lba-status",
	  .rule = "Get LBA Status lists blocks that cannot be read, in order, inside the range, in "
		  "no more dwords than asked for; what was written again is not among them.",
	  .ref = STATUS_REF,
	  .needs = NEED_CTRL,
	  .harm = HARM_DATA,
	  .fault = "lba-status-nlb-ones-based lba-status-without-bits lba-status-from-zero "
		   "lba-status-cut-as-done lba-status-descends lba-status-mndw-ignored "
		   "lba-status-atype-any lba-status-range-unchecked uncorrectable-stays",
	  .na = na_lba_status,
	  .run = lba_status,
	  ROWS(rows) },
};

SUITE(admin_lba_status_suite, CONFORMANCE, "admin", cases);
