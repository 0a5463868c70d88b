// SPDX-License-Identifier: GPL-2.0-or-later
/* Data pointers with something in them that is unusual, reserved or wrong. */
#include <string.h>

#include "dptr_bench.h"

#define PRP_REF                                                                                    \
	"Base 2.0 Physical Region Page Entry and List; "                                           \
	"Base 2.2 Physical Region Page Entry and List"

/* A Read or Write through the layout, ready to be bent: poison and stamps are in place. */
static struct cmd prepare(struct bench *b, bool write, uint64_t tag)
{
	struct cmd c = bench_cmd(b, write);

	bench_point(b, &c);
	bench_poison(b);
	bench_stamp(b, tag);
	if (write)
		bench_spread(b, b->mem->data);
	else
		plain_write(b, b->l.blocks);
	return c;
}

/* What a transfer that succeeded must have done: as if nothing had been bent. */
static void check_done(struct bench *b, bool write, uint64_t tag)
{
	bench_spread(b, b->want);
	CHECK_MEM(b->r, b->what, b->mem->data, b->want, b->mem->len);
	if (!write)
		return;
	plain_read(b, b->l.blocks);
	CHECK_STAMP(b->r, b->line, FIRST_LBA, b->l.blocks, b->ns->lba_bytes, tag);
}

/* ---- prp2-ignored ---- */

static const struct spare_row {
	const char *name;
	bool hole; /* else the value */
	uint64_t prp2;
} spares[] = { { "3", false, 3 }, { "unmapped", true, 0 }, { "all-ones", false, UINT64_MAX } };

static void ask_spare(struct bench *b, const struct spare_row *row, bool write)
{
	uint64_t tag = rig_rand(b->r);
	struct cmd c = prepare(b, write, tag);
	struct cpl cpl;

	c.sqe.prp2 = le64_from(row->hole ? rig_target(b->r)->caps.hole : row->prp2);
	cpl = rig_io(b->r, b->q, c);
	if (CHECK_STATUS_OF(b->r, b->what, cpl, SC_SUCCESS, SC_INVALID_FIELD) &&
	    cpl.status == SC_SUCCESS)
		check_done(b, write, tag);
	else
		bench_check_elsewhere(b);
}

static void prp2_ignored(struct rig *r)
{
	const struct spare_row *row = rig_row(r);
	const struct facts_ns *ns = rig_ns(r);
	struct bench *b = bench_new(r, ns, rig_ctrl(r)->page);

	if (row->hole && !(rig_facts(r)->caps.has & NEED_HOLE))
		rig_skip(r, "needs", "an address that leads nowhere");
	if (!b->max)
		rig_na(r, "blocks of %u bytes do not fit a page", ns->lba_bytes);
	for (unsigned write = 0; write < 2; write++) {
		lay_straight(b, 0, 1);
		ask_spare(b, row, write);
		lay_straight(b, 0, b->max); /* to the very end of the page */
		ask_spare(b, row, write);
	}
}

/* ---- list-start-offset ---- */

static const struct start_row {
	const char *name;
	size_t slot; /* 0: any */
} starts[] = { { "8", 1 }, { "64", 8 }, { "2048", 256 }, { "any", 0 } };

static void ask_start(struct bench *b, size_t slot, uint32_t blocks)
{
	lay_scattered(b, 0, blocks);
	b->l.list_start = 8 * slot;
	ask_both(b);
}

static void list_start_offset(struct rig *r)
{
	const struct start_row *row = rig_row(r);
	uint64_t times = row->slot ? 1 : rig_pick(r, 2, 8, 500);
	size_t slots = rig_ctrl(r)->page / 8;
	const struct facts_ns *ns;

	for (unsigned at = 0; (ns = rig_ns_next(r, &at));) {
		struct bench *b = bench_new(r, ns, 8 * rig_ctrl(r)->page);
		uint32_t least = (uint32_t)(2 * b->page / ns->lba_bytes) + 1;

		for (uint64_t i = 0; i < times && least <= b->max; i++)
			ask_start(b, row->slot ? row->slot : 1 + rig_rand_below(r, slots - 1),
				  least + (uint32_t)rig_rand_below(r, b->max - least + 1));
	}
}

/* ---- list-entry-offset ---- */

static const struct entry_row {
	const char *name;
	bool pointer; /* PRP2 itself, else the last entry of the list */
	unsigned add;
} entries[] = {
	{ "4", false, 4 }, { "512", false, 512 }, { "pointer-1", true, 1 }, { "pointer-4", true, 4 }
};

/* The last entry, because the page behind the last of the layout is a spare one. */
static struct cmd bend_list(struct bench *b, const struct entry_row *row, bool write, uint64_t tag)
{
	struct cmd c = prepare(b, write, tag);
	__le64 *last;

	if (row->pointer) {
		c.sqe.prp2 = le64_from(le64_get(c.sqe.prp2) + row->add);
		return c;
	}
	last = (__le64 *)prp_list_page(b->list, 0)->data + b->l.n - 2;
	*last = le64_from(le64_get(*last) + row->add);
	return c;
}

/* No text says what becomes of a list at an odd address: an error, or the list where it is. */
static void advise_done(struct bench *b, bool write)
{
	if (write)
		return;
	bench_spread(b, b->want);
	ADVISE_TRUE(b->r, !memcmp(b->mem->data, b->want, b->mem->len),
		    "a list at an odd address is refused or read where it is");
}

static void ask_entry(struct bench *b, const struct entry_row *row, bool write)
{
	uint64_t tag = rig_rand(b->r);
	struct cpl cpl = rig_io(b->r, b->q, bend_list(b, row, write, tag));

	if (!row->pointer)
		ADVISE_STATUS_OF(b->r, b->what, cpl, SC_PRP_OFFSET_INVALID);
	if (cpl.status != SC_SUCCESS)
		bench_check_elsewhere(b);
	else if (row->pointer)
		advise_done(b, write);
	else
		check_done(b, write, tag);
}

static void list_entry_offset(struct rig *r)
{
	const struct facts_ns *ns = rig_ns(r);
	struct bench *b = bench_new(r, ns, 4 * rig_ctrl(r)->page);

	if (b->max * (uint64_t)ns->lba_bytes < 4 * b->page)
		rig_na(r, "no transfer of four whole pages with blocks of %u bytes and MDTS %zu",
		       ns->lba_bytes, rig_mdts(r));
	for (unsigned write = 0; write < 2; write++) {
		lay_straight(b, 0, b->max);
		ask_entry(b, rig_row(r), write);
	}
}

/* ---- unaligned-dword ---- */

static const struct low_row {
	const char *name;
	unsigned add;
} lows[] = { { "1", 1 }, { "2", 2 }, { "3", 3 } };

static void ask_low(struct bench *b, bool write)
{
	const struct low_row *row = rig_row(b->r);
	uint64_t tag = rig_rand(b->r);
	struct cmd c = prepare(b, write, tag);
	struct cpl cpl;

	c.sqe.prp1 = le64_from(le64_get(c.sqe.prp1) + row->add);
	cpl = rig_io(b->r, b->q, c);
	CHECK_STATUS_OF(b->r, b->what, cpl, SC_PRP_OFFSET_INVALID, SC_SUCCESS);
	if (cpl.status == SC_SUCCESS)
		check_done(b, write, tag);
	else
		bench_check_elsewhere(b);
}

static void unaligned_dword(struct rig *r)
{
	const struct facts_ns *ns = rig_ns(r);
	struct bench *b = bench_new(r, ns, 3 * ns->lba_bytes);

	if (!b->max)
		rig_na(r, "not one block of %u bytes fits MDTS", ns->lba_bytes);
	for (unsigned write = 0; write < 2; write++) {
		lay_straight(b, 0, 1);
		ask_low(b, write);
		lay_straight(b, 64, b->max);
		ask_low(b, write);
	}
}

/* ---- sgl-unsupported ---- */

static const struct psdt_row {
	const char *name;
	unsigned psdt;
	bool admin;
} psdts[] = { { "io-01b", 1, false },	{ "io-10b", 2, false },	  { "io-11b", 3, false },
	      { "admin-01b", 1, true }, { "admin-10b", 2, true }, { "admin-11b", 3, true } };

static void sgl_unsupported(struct rig *r)
{
	const struct psdt_row *row = rig_row(r);
	const struct facts_ns *ns = rig_ns(r);
	uint32_t sgls = le32_get(rig_facts(r)->id.sgls);
	size_t len = row->admin ? 4096 : ns->lba_bytes;
	struct buf *b = rig_buf(r, len);
	struct cmd c = row->admin ? cmd_identify(NVME_IDENTIFY_CNS_CTRL, 0, NULL)
				  : cmd_read(ns->nsid, 0, 1, NULL, len);
	struct cpl cpl;

	if (!row->admin && row->psdt != 3 && (sgls & 3))
		rig_na(r, "SGLS is %08Xh: SGLs are supported", sgls);
	rig_prp(r, &c, b, 0, len);
	c.sqe.flags |= (uint8_t)(row->psdt << 6);
	cpl = row->admin ? rig_admin(r, c) : rig_io(r, rig_queue(r), c);
	CHECK_ERROR(r, cpl);
	ADVISE_STATUS(r, cpl, SC_INVALID_FIELD);
}

static const char *na_mdts_4_pages(const struct facts *f)
{
	uint64_t page = 4096ull << CAP_MPSMIN(f->cap);

	return !f->mdts_bytes || f->mdts_bytes >= 4 * page
		       ? NULL
		       : rig_na_text("MDTS is %u bytes: no PRP list of three entries",
				     (unsigned)f->mdts_bytes);
}

static const struct rig_case cases[] = {
	{ .id = "prp2-ignored",
	  .rule = "Data that fit the page of PRP1 need no PRP2: whatever is there is never used.",
	  .ref = "Base 2.2 Common Command Format (PRP Entry 2)",
	  .needs = NEED_QUEUES,
	  .harm = HARM_DATA,
	  .fault = "prp2-reserved-hangs",
	  .run = prp2_ignored,
	  ROWS(spares) },
	{ .id = "list-start-offset",
	  .rule = "A PRP list may begin at any qword of its page; only entries from there count.",
	  .ref = PRP_REF,
	  .needs = NEED_QUEUES,
	  .harm = HARM_DATA,
	  .fault = "list-start-offset-dropped list-last-entry-dropped list-sorted",
	  .na = na_mdts_4_pages,
	  .run = list_start_offset,
	  ROWS(starts) },
	{ .id = "list-entry-offset",
	  .rule = "A list entry with an offset should be refused; it never moves data past the "
		  "pages named.",
	  .ref = PRP_REF,
	  .needs = NEED_QUEUES,
	  .harm = HARM_DATA,
	  .fault = "prp2-offset-overrun list-entry-offset-masked",
	  .na = na_mdts_4_pages,
	  .run = list_entry_offset,
	  ROWS(entries) },
	{ .id = "unaligned-dword",
	  .rule = "Low bits in PRP1 are refused or taken for zero, never a shift of the data.",
	  .ref = PRP_REF,
	  .needs = NEED_QUEUES,
	  .harm = HARM_DATA,
	  .fault = "prp1-low-bits-shift",
	  .run = unaligned_dword,
	  ROWS(lows) },
	{ .id = "sgl-unsupported",
	  .rule = "A command that asks for SGLs where they are not supported, or for the reserved "
		  "value, fails.",
	  .ref = "Base 2.2 Common Command Format (Command Dword 0, PSDT), Generic Command Status "
		 "Definition",
	  .needs = NEED_QUEUES,
	  .harm = HARM_NONE,
	  .fault = "psdt-accepted io-fuzz-writes-outside",
	  .run = sgl_unsupported,
	  ROWS(psdts) },
};

SUITE(dptr_bent_suite, CONFORMANCE, "dptr", cases);
