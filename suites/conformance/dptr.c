// SPDX-License-Identifier: GPL-2.0-or-later
#include <inttypes.h>
#include <string.h>

#include "dptr_bench.h"
#include "io_area.h"

#define PRP_REF                                                                                    \
	"Base 2.0 Physical Region Page Entry and List; "                                           \
	"Base 2.2 Physical Region Page Entry and List, Common Command Format"
#define ROOM_MAX (4u << 20) /* bytes of one transfer, where the case does not ask for more */

/* Pages that a transfer of one may take: CC.MPS is 4 KiB unless the controller's least is more. */
static const char *na_mdts(const struct facts *f, unsigned pages)
{
	uint64_t page = 4096ull << CAP_MPSMIN(f->cap);

	if (!f->mdts_bytes || f->mdts_bytes >= pages * page)
		return NULL;
	return rig_na_text("MDTS is %" PRIu64 " bytes: no transfer of %u pages", f->mdts_bytes,
			   pages);
}

static const char *na_mdts_3(const struct facts *f)
{
	return na_mdts(f, 3);
}

static const char *na_mdts_4(const struct facts *f)
{
	return na_mdts(f, 4);
}

/* ---- prp1-offsets ---- */

static const struct offset_row {
	const char *name;
	int offset; /* below 0: from the end of the page */
} offsets[] = { { "0", 0 },	{ "4", 4 },	{ "8", 8 },	      { "64", 64 },
		{ "508", 508 }, { "512", 512 }, { "page-512", -512 }, { "page-4", -4 } };

static size_t row_offset(const struct bench *b)
{
	const struct offset_row *row = rig_row(b->r);

	return row->offset < 0 ? b->page - (size_t)-row->offset : (size_t)row->offset;
}

static void prp1_offsets(struct rig *r)
{
	const struct facts_ns *ns;

	for (unsigned at = 0; (ns = rig_ns_next(r, &at));) {
		struct bench *b = bench_new(r, ns, 2 * ns->lba_bytes);

		for (uint32_t blocks = 1; blocks <= 2 && blocks <= b->max; blocks++) {
			lay_straight(b, row_offset(b), blocks);
			ask_both(b);
		}
	}
}

/* ---- prp2-direct ---- */

static const struct offset_row direct_offsets[] = {
	{ "aligned", 0 }, { "4", 4 }, { "512", 512 }, { "page-512", -512 }, { "page-4", -4 }
};

/* Every length that touches exactly two pages. */
static unsigned ask_two_pages(struct bench *b)
{
	size_t offset = row_offset(b), lba = b->ns->lba_bytes;
	unsigned asked = 0;

	for (uint32_t n = 1; n <= b->max && offset + n * lba <= 2 * b->page; n++) {
		if (offset + n * lba <= b->page)
			continue;
		lay_scattered(b, offset, n);
		ask_both(b);
		asked++;
	}
	return asked;
}

static void prp2_direct(struct rig *r)
{
	uint64_t times = rig_pick(r, 1, 2, 50);
	const struct facts_ns *ns;
	unsigned asked = 0;

	for (unsigned at = 0; (ns = rig_ns_next(r, &at));) {
		struct bench *b = bench_new(r, ns, 2 * rig_ctrl(r)->page);

		for (uint64_t i = 0; i < times; i++)
			asked += ask_two_pages(b);
	}
	if (!asked)
		rig_na(r, "no whole number of logical blocks touches exactly two pages");
}

/* ---- prp2-offset ---- */

static const struct offset_row bent_offsets[] = { { "4", 4 }, { "512", 512 }, { "page-4", -4 } };

static void prp2_offset(struct rig *r)
{
	const struct facts_ns *ns = rig_ns(r);
	struct bench *b = bench_new(r, ns, 2 * rig_ctrl(r)->page);
	struct cmd c;

	if (!b->max || 2 * b->page % ns->lba_bytes || b->max * ns->lba_bytes < 2 * b->page)
		rig_na(r, "two whole pages are no whole number of blocks of %u bytes",
		       ns->lba_bytes);
	for (unsigned write = 0; write < 2; write++) {
		lay_straight(b, 0, b->max); /* the page behind the second is a spare one */
		c = bench_cmd(b, write);
		bench_point(b, &c);
		c.sqe.prp2 = le64_from(le64_get(c.sqe.prp2) + row_offset(b));
		bench_poison(b);
		ADVISE_STATUS_OF(r, b->what, rig_io(r, b->q, c), SC_PRP_OFFSET_INVALID);
		bench_check_elsewhere(b);
	}
}

/* ---- list-basic ---- */

/* The edges first, then any; at soak every length in turn. */
static uint32_t nth_length(struct bench *b, uint64_t i, uint32_t first)
{
	if (rig_effort(b->r) == EFFORT_SOAK)
		return first + (uint32_t)i;
	switch (i) {
	case 0:
		return first;
	case 1:
		return b->max;
	case 2:
		return b->max - 1 > first ? b->max - 1 : first;
	default:
		return first + (uint32_t)rig_rand_below(b->r, b->max - first + 1);
	}
}

static void list_basic(struct rig *r)
{
	const struct facts_ns *ns;

	for (unsigned at = 0; (ns = rig_ns_next(r, &at));) {
		struct bench *b = bench_new(r, ns, ROOM_MAX);
		uint32_t first = (uint32_t)(2 * b->page / ns->lba_bytes) + 1;
		uint64_t n = rig_pick(r, 4, 16, b->max - first + 1);

		if (b->max * (uint64_t)ns->lba_bytes < rig_mdts(r))
			rig_note(r, "lengths up to %u blocks; MDTS allows more", b->max);
		for (uint64_t i = 0; i < n && first <= b->max; i++) {
			lay_scattered(b, i % 2 ? 4 * rig_rand_below(r, b->page / 4) : 0,
				      nth_length(b, i, first));
			ask_both(b);
		}
	}
}

/* ---- list-chain, list-exact-end ---- */

static const struct chain_row {
	const char *name;
	unsigned slots;	  /* of the first list page, up to its end */
	unsigned entries; /* the least asked for; then one and four more */
	bool reverse;
} chains[] = {
	{ "pointer-first", 1, 2, false },    { "two-slots", 2, 3, false },
	{ "three-slots", 3, 4, false },	     { "descending", 2, 3, true },
	{ "three-list-pages", 1, 0, false }, /* one page full of entries between the two */
};

static void list_chain(struct rig *r)
{
	const struct chain_row *row = rig_row(r);
	unsigned per_page = (unsigned)rig_ctrl(r)->page / 8, asked = 0, least;
	const struct facts_ns *ns;

	least = row->entries ? row->entries : per_page + row->slots;
	for (unsigned at = 0; (ns = rig_ns_next(r, &at));) {
		struct bench *b = bench_new(r, ns, (least + 5ull) * rig_ctrl(r)->page);

		asked += ask_list(b, row->slots, least, row->reverse);
		asked += ask_list(b, row->slots, least + 1, row->reverse);
		asked += ask_list(b, row->slots, least + 4, row->reverse);
	}
	if (!asked)
		rig_na(r, "transfers of at most %zu bytes: no list of %u entries", rig_mdts(r),
		       least);
}

static const struct chain_row ends[] = {
	{ "2", 2, 2, false }, { "3", 3, 3, false }, { "5", 5, 5, false }, { "16", 16, 16, false }
};

static void list_exact_end(struct rig *r)
{
	const struct chain_row *row = rig_row(r);
	const struct facts_ns *ns;
	unsigned asked = 0;

	for (unsigned at = 0; (ns = rig_ns_next(r, &at));) {
		struct bench *b = bench_new(r, ns, (row->entries + 2ull) * rig_ctrl(r)->page);

		asked += ask_list(b, row->slots, row->entries, false);
		asked += ask_list(b, row->slots, row->entries + 1, false);
	}
	if (!asked)
		rig_na(r, "transfers of at most %zu bytes: no list of %u entries", rig_mdts(r),
		       row->entries);
}

/* ---- dma-fault ---- */

enum hole_in { IN_PRP1, IN_PRP2, IN_LIST, IN_ENTRY, IN_LAST_ENTRY, IN_ALL };

static const struct hole_row {
	const char *name;
	bool write;
	enum hole_in where;
	unsigned pages;
} holes[] = {
	{ "read-prp1", false, IN_PRP1, 2 },	  { "read-prp2", false, IN_PRP2, 2 },
	{ "read-list", false, IN_LIST, 4 },	  { "read-entry", false, IN_ENTRY, 4 },
	{ "read-last", false, IN_LAST_ENTRY, 4 }, { "read-all", false, IN_ALL, 4 },
	{ "write-prp1", true, IN_PRP1, 2 },	  { "write-prp2", true, IN_PRP2, 2 },
	{ "write-list", true, IN_LIST, 4 },	  { "write-entry", true, IN_ENTRY, 4 },
};

static void bend(struct bench *b, struct cmd *c, struct prp_list *list, enum hole_in where)
{
	uint64_t hole = rig_target(b->r)->caps.hole;
	unsigned entry = where == IN_LAST_ENTRY ? b->l.n - 2 : 0;

	if (where == IN_PRP1 || where == IN_ALL)
		c->sqe.prp1 = le64_from(hole);
	if (where == IN_PRP2 || where == IN_LIST || where == IN_ALL)
		c->sqe.prp2 = le64_from(hole);
	if (where == IN_ENTRY || where == IN_LAST_ENTRY)
		le64_put(prp_list_page(list, 0)->data + entry * 8u, hole);
}

/*
 * A PCIe write is posted: the drive need not learn that nobody took the data of a Read, so success
 * there is advice. What it reads itself, a Write's data and every list, it knows that it did not
 * get.
 */
static bool must_notice(const struct hole_row *row)
{
	return row->write || row->where == IN_LIST || row->where == IN_ALL;
}

/* The command with its memory bent; false when it was not answered, and the controller is reset. */
static bool hole_answered(struct bench *b, const struct hole_row *row, uint32_t blocks,
			  struct cpl *ret)
{
	struct cmd c;

	lay_scattered(b, 0, blocks);
	c = bench_cmd(b, row->write);
	bend(b, &c, bench_point(b, &c), row->where);
	bench_poison(b);
	rig_put(b->r, b->q, c);
	rig_ring(b->r, b->q);
	if (rig_try(b->r, b->q->cq, ret, BENCH_ANSWER_NS))
		return true;
	rig_reset(b->r);
	b->q = rig_queue(b->r);
	return false;
}

static void ask_hole(struct bench *b, const struct hole_row *row, uint32_t blocks)
{
	const struct check_site site = { __FILE__, __LINE__, .should = !must_notice(row) };
	struct cpl cpl;
	bool answered = hole_answered(b, row, blocks, &cpl);

	ADVISE_TRUE(b->r, answered, "a command whose memory does not exist completes: %s", b->what);
	if (answered &&
	    check_true(b->r, &site, cpl.status != SC_SUCCESS,
		       "a transfer with memory that does not exist is no success: %s", b->what))
		ADVISE_STATUS_OF(b->r, b->what, cpl, SC_DATA_TRANSFER_ERROR, SC_INVALID_FIELD,
				 SC_INTERNAL_ERROR);
}

static void dma_fault(struct rig *r)
{
	const struct hole_row *row = rig_row(r);
	const struct facts_ns *ns = rig_ns(r);
	struct bench *b = bench_new(r, ns, row->pages * rig_ctrl(r)->page);
	uint32_t blocks = (uint32_t)(row->pages * b->page / ns->lba_bytes);
	struct area *guard;

	if (!blocks || blocks > b->max)
		rig_na(r, "no transfer of %u pages fits MDTS and blocks of %u bytes", row->pages,
		       ns->lba_bytes);
	guard = area_new(r, ns, FIRST_LBA + blocks, 1);
	ask_hole(b, row, blocks);
	bench_check_elsewhere(b);
	bench_check_usable(b);
	guard->q = b->q;
	area_check(guard, 0, 0);
}

static const struct rig_case cases[] = {
	{ .id = "prp1-offsets",
	  .rule = "Data land at exactly the address in PRP1, whatever its dword offset in the "
		  "page.",
	  .ref = PRP_REF,
	  .needs = NEED_QUEUES,
	  .harm = HARM_DATA,
	  .fault = "prp1-offset-dropped",
	  .run = prp1_offsets,
	  ROWS(offsets) },
	{ .id = "prp2-direct",
	  .rule = "A transfer that touches exactly two pages takes PRP2 as the address of the "
		  "second.",
	  .ref = PRP_REF,
	  .needs = NEED_QUEUES,
	  .harm = HARM_DATA,
	  .fault = "prp2-direct-ignored prp1-offset-dropped",
	  .run = prp2_direct,
	  ROWS(direct_offsets) },
	{ .id = "prp2-offset",
	  .rule = "An offset in PRP2 as second page should be refused, and never leads data past "
		  "the pages named.",
	  .ref = PRP_REF,
	  .needs = NEED_QUEUES,
	  .harm = HARM_DATA,
	  .fault = "prp2-offset-overrun prp2-offset-masked",
	  .run = prp2_offset,
	  ROWS(bent_offsets) },
	{ .id = "list-basic",
	  .rule = "PRP lists with pages in any order place data right, for every length up to "
		  "MDTS.",
	  .ref = PRP_REF,
	  .needs = NEED_QUEUES,
	  .harm = HARM_DATA,
	  .fault = "list-last-entry-dropped prp1-offset-dropped list-sorted",
	  .na = na_mdts_3,
	  .run = list_basic },
	{ .id = "list-chain",
	  .rule = "When more entries remain than fit, the last slot of a list page points to the "
		  "next list page.",
	  .ref = PRP_REF,
	  .needs = NEED_QUEUES,
	  .harm = HARM_DATA,
	  .fault = "chain-slot-as-data list-last-entry-dropped list-start-offset-dropped "
		   "list-sorted",
	  .na = na_mdts_4,
	  .run = list_chain,
	  ROWS(chains) },
	{ .id = "list-exact-end",
	  .rule = "The last slot of a list page that holds the last entry is data, not a chain "
		  "pointer.",
	  .ref = PRP_REF,
	  .needs = NEED_QUEUES,
	  .harm = HARM_DATA,
	  .fault = "exact-end-as-chain chain-slot-as-data list-last-entry-dropped "
		   "list-start-offset-dropped list-sorted",
	  .na = na_mdts_3,
	  .run = list_exact_end,
	  ROWS(ends) },
	{ .id = "dma-fault",
	  .rule = "A command whose data or list lie where no memory is fails, and harms nothing "
		  "else.",
	  .ref = "Base 2.2 Memory Error Handling, Controller Fatal Status Condition",
	  .needs = NEED_QUEUES | NEED_HOLE,
	  .harm = HARM_DATA,
	  .fault = "dma-fault-success prp2-direct-ignored list-last-entry-dropped",
	  .run = dma_fault,
	  ROWS(holes) },
};

SUITE(dptr_suite, CONFORMANCE, "dptr", cases);
