// SPDX-License-Identifier: GPL-2.0-or-later
/* The Controller Memory Buffer as the properties have it: where it is, how it is enabled. */
#include <inttypes.h>

#include "base/clock.h"
#include "device.h"

#define CMBLOC_RESERVED (7u << 9)
#define CMBSZ_RESERVED	(7u << 5)
#define CMBMSC_RESERVED 0xffcull
#define PAGE		4096ull
#define EVERY_USE	(CMBSZ_SQS | CMBSZ_CQS | CMBSZ_LISTS | CMBSZ_RDS | CMBSZ_WDS)

static const char *na_switched(const struct facts *f)
{
	return CAP_CMBS(f->cap) ? NULL : "CAP.CMBS is 0: nothing enables the buffer";
}

/* CMBMSC as the case found it comes back when it ends. */
struct found {
	struct target *t;
	uint64_t msc;
};

static void put_back(void *arg)
{
	const struct found *f = arg;

	f->t->ops->reg_write(f->t, REG_CMBMSC, 64, f->msc);
}

static void set_msc(struct rig *r, uint64_t value)
{
	rig_set_reg64(r, REG_CMBMSC, value);
}

static void start(struct rig *r)
{
	struct found *f = rig_mem(r, sizeof(*f));

	rig_ctrl_off(r);
	if (!CAP_CMBS(rig_reg64(r, REG_CAP)))
		return;
	*f = (struct found){ rig_target(r), rig_reg64(r, REG_CMBMSC) };
	rig_defer(r, put_back, f);
	set_msc(r, CMBMSC_CRE);
}

/* ---- cmb-geometry ---- */

/* Of the restrictions that CMBLOC can lift, those that came with 1.4. */
static void check_reserved(struct rig *r, uint32_t loc, uint32_t sz)
{
	CHECK_EQ(r, "CMBSZ bits 7:5, reserved", sz & CMBSZ_RESERVED, 0);
	CHECK_EQ(r, "CMBLOC bits 11:9, reserved", loc & CMBLOC_RESERVED, 0);
	if (rig_reg32(r, REG_VS) < VS(1, 4, 0) && loc & 0x1f8)
		rig_note(r, "CMBLOC has bits %03Xh, which came after version 1.3", loc & 0x1f8);
}

static void check_bar(struct rig *r, uint32_t loc)
{
	unsigned bar = CMBLOC_BIR(loc);
	uint32_t value;

	REQUIRE_TRUE(r, bar == 0 || (bar >= 2 && bar <= 5), "CMBLOC.BIR %u is 0 or 2 to 5", bar);
	value = rig_cfg(r, CFG_BAR0 + 4 * bar, 32);
	CHECK_EQ(r, "BAR of the buffer, bit 0 (want memory)", value & 1, 0);
	CHECK_EQ(r, "BAR of the buffer, address within 4 KiB", value & (PAGE - 1) & ~15ull, 0);
	REQUIRE_TRUE(r, rig_target(r)->caps.bar_size[bar],
		     "CMBLOC.BIR %u names a BAR with memory, the lower half of a 64-bit one", bar);
}

static void check_extent(struct rig *r, uint32_t loc, uint32_t sz)
{
	uint64_t room = rig_target(r)->caps.bar_size[CMBLOC_BIR(loc)];
	uint64_t unit = PAGE << 4 * CMBSZ_SZU(sz), off = CMBLOC_OFST(loc) * unit;
	uint64_t end = off + CMBSZ_SZ(sz) * unit;

	REQUIRE_TRUE(r, off < room,
		     "offset %" PRIX64 "h is inside the %" PRIX64 "h bytes of BAR %u", off, room,
		     CMBLOC_BIR(loc));
	if (end > room)
		rig_note(r, "the buffer claims %" PRIu64 " bytes more than its BAR has",
			 end - room);
	if (off % (2 * PAGE))
		rig_note(r, "the buffer is not at a multiple of 8 KiB, as is recommended");
}

static void cmb_geometry(struct rig *r)
{
	uint32_t loc, sz;

	start(r);
	loc = rig_reg32(r, REG_CMBLOC);
	sz = rig_reg32(r, REG_CMBSZ);
	CHECK_NE(r, "CMBSZ.SZ", CMBSZ_SZ(sz), 0);
	check_reserved(r, loc, sz);
	CHECK_TRUE(r, !(sz & CMBSZ_LISTS) || (sz & CMBSZ_SQS), "CMBSZ %08Xh: LISTS only with SQS",
		   sz);
	if (!(sz & EVERY_USE))
		rig_note(r, "CMBSZ %08Xh: the controller itself has no use for the buffer", sz);
	REQUIRE_TRUE(r, CMBSZ_SZU(sz) <= 6, "CMBSZ.SZU %u is at most 6", CMBSZ_SZU(sz));
	check_bar(r, loc);
	check_extent(r, loc, sz);
}

/* ---- cmb-enable-seq ---- */

struct seen {
	uint32_t loc, sz, sts;
};

static struct seen look(struct rig *r)
{
	return (struct seen){ rig_reg32(r, REG_CMBLOC), rig_reg32(r, REG_CMBSZ),
			      rig_reg32(r, REG_CMBSTS) };
}

/* From 0 to 1 and back, whole and by halves. */
static void seq_cre(struct rig *r)
{
	struct seen on = look(r), off;

	CHECK_NE(r, "CMBSZ with CRE = 1", on.sz, 0);
	for (unsigned halves = 0; halves < 2; halves++) {
		rig_set_reg(r, REG_CMBMSC, halves ? 32 : 64, 0);
		off = look(r);
		CHECK_EQ(r, "CMBLOC with CRE = 0", off.loc, 0);
		CHECK_EQ(r, "CMBSZ with CRE = 0", off.sz, 0);
		rig_set_reg(r, REG_CMBMSC, halves ? 32 : 64, CMBMSC_CRE);
		CHECK_EQ(r, "CMBLOC with CRE = 1 again", look(r).loc, on.loc);
		CHECK_EQ(r, "CMBSZ with CRE = 1 again", look(r).sz, on.sz);
	}
}

static void seq_bits(struct rig *r)
{
	set_msc(r, CMBMSC_RESERVED);
	CHECK_EQ(r, "CMBMSC after its reserved bits were set", rig_reg64(r, REG_CMBMSC), 0);
	for (unsigned bit = 12; bit < 64; bit++) {
		set_msc(r, 1ull << bit | CMBMSC_CRE);
		CHECK_EQ(r, "CMBMSC", rig_reg64(r, REG_CMBMSC), 1ull << bit | CMBMSC_CRE);
		CHECK_EQ(r, "CMBSTS with CMSE = 0", rig_reg32(r, REG_CMBSTS), 0);
	}
	rig_set_reg32(r, REG_CMBMSC + 4, 0x55aa);
	rig_set_reg32(r, REG_CMBMSC, CMBMSC_CRE);
	CHECK_EQ(r, "CMBMSC, written by halves", rig_reg64(r, REG_CMBMSC),
		 0x55aa00000000ull | CMBMSC_CRE);
}

static void check_base(struct rig *r, const char *what, uint64_t base, bool valid)
{
	char text[96];

	set_msc(r, base | CMBMSC_CRE | CMBMSC_CMSE);
	snprintf(text, sizeof(text), "CMBSTS with CBA %016" PRIX64 "h, %s", base, what);
	CHECK_EQ(r, text, rig_reg32(r, REG_CMBSTS), valid ? 0 : CMBSTS_CBAI);
}

/*
 * What is past the end of the BAR may count or not: the last legal address is one by the size
 * that is claimed, the first past it by what can be reached.
 */
static void seq_base(struct rig *r)
{
	struct rig_cmb cmb = rig_cmb_find(r);
	uint64_t last = 0 - cmb.claimed, past = 0 - cmb.bytes + PAGE;

	check_base(r, "an ordinary one", 1ull << 39, true);
	check_base(r, "0h", 0, true);
	check_base(r, "above 32 bits", 1ull << 32, true);
	check_base(r, "the last that leaves room below 2^64", last, true);
	check_base(r, "the first past it", past, false);
	check_base(r, "the last page there is", ~(PAGE - 1), cmb.bytes <= PAGE);
	check_base(r, "an ordinary one again", 1ull << 39, true);
	check_base(r, "the first past the last once more", past, false);
	set_msc(r, past | CMBMSC_CMSE);
	CHECK_EQ(r, "CMBSTS with a bad base and CRE = 0", rig_reg32(r, REG_CMBSTS), 0);
	set_msc(r, past | CMBMSC_CRE);
	CHECK_EQ(r, "CMBSTS with a bad base and CMSE = 0", rig_reg32(r, REG_CMBSTS), 0);
}

/* Where both have a range of the host's addresses, they must not meet. */
static void seq_pmr(struct rig *r)
{
	struct rig_cmb cmb = rig_cmb_find(r);
	const uint64_t base = 1ull << 39;
	uint32_t cap = rig_reg32(r, REG_PMRCAP);
	uint64_t bytes;

	if (!(cap & PMRCAP_CMSS))
		rig_na(r, "PMRCAP.CMSS is 0: no host address leads to persistent memory");
	bytes = rig_target(r)->caps.bar_size[PMRCAP_BIR(cap)];
	rig_set_reg32(r, REG_PMRMSCU, (uint32_t)(base >> 32));
	rig_set_reg32(r, REG_PMRMSCL, (uint32_t)base | CMBMSC_CMSE);
	check_base(r, "that of the Persistent Memory Region", base, false);
	check_base(r, "with one page in common", base + bytes - PAGE, false);
	check_base(r, "right behind it", base + bytes, true);
	check_base(r, "one that ends where it begins", base - cmb.claimed, true);
	rig_set_reg32(r, REG_PMRMSCL, 0);
	rig_set_reg32(r, REG_PMRMSCU, 0);
	check_base(r, "that of the region, which is disabled", base, true);
}

static void seq_controller_reset(struct rig *r)
{
	const uint64_t msc = 1ull << 39 | CMBMSC_CRE | CMBMSC_CMSE;
	struct seen was, is;

	set_msc(r, msc);
	rig_ctrl(r);
	was = look(r);
	CHECK_EQ(r, "CMBMSC when the controller is ready", rig_reg64(r, REG_CMBMSC), msc);
	rig_ctrl_off(r);
	CHECK_EQ(r, "CMBMSC after a Controller Reset", rig_reg64(r, REG_CMBMSC), msc);
	is = look(r);
	CHECK_MEM(r, "CMBLOC, CMBSZ, CMBSTS after it", &is, &was, sizeof(is));
}

static void seq_flr(struct rig *r)
{
	const uint64_t msc = 1ull << 39 | CMBMSC_CRE | CMBMSC_CMSE;
	struct seen was, is;

	set_msc(r, msc);
	was = look(r);
	rig_flr(r);
	CHECK_EQ(r, "CMBMSC after a Function Level Reset", rig_reg64(r, REG_CMBMSC), msc);
	is = look(r);
	CHECK_MEM(r, "CMBLOC, CMBSZ, CMBSTS after it", &is, &was, sizeof(is));
}

static void seq_nssr(struct rig *r)
{
	struct device_config *config = device_config_keep(r);

	if (!CAP_NSSRS(rig_reg64(r, REG_CAP)))
		rig_na(r, "CAP.NSSRS is 0: no NVM Subsystem Reset");
	set_msc(r, 1ull << 39 | CMBMSC_CRE | CMBMSC_CMSE);
	device_nssr(r, config);
	CHECK_EQ(r, "CMBMSC after an NVM Subsystem Reset", rig_reg64(r, REG_CMBMSC), 0);
	CHECK_EQ(r, "CMBSZ after it", rig_reg32(r, REG_CMBSZ), 0);
}

static void seq_power(struct rig *r)
{
	set_msc(r, 1ull << 39 | CMBMSC_CRE | CMBMSC_CMSE);
	device_power_cycle(r);
	CHECK_EQ(r, "CMBMSC after power was lost", rig_reg64(r, REG_CMBMSC), 0);
	CHECK_EQ(r, "CMBSZ after it", rig_reg32(r, REG_CMBSZ), 0);
}

static const struct seq_row {
	const char *name;
	void (*run)(struct rig *r);
} seqs[] = {
	{ "cre", seq_cre },
	{ "bits", seq_bits },
	{ "base-address", seq_base },
	{ "beside-pmr", seq_pmr },
	{ "controller-reset", seq_controller_reset },
	{ "function-level-reset", seq_flr },
	{ "subsystem-reset", seq_nssr },
	{ "power-loss", seq_power },
};

static void cmb_enable_seq(struct rig *r)
{
	const struct seq_row *row = rig_row(r);

	start(r);
	row->run(r);
}

/* ---- cmb-rw ---- */

#define SPAN 64u /* bytes around an edge */

static uint8_t fresh(uint64_t at)
{
	return (uint8_t)(at * 131 >> 3 ^ at ^ 0x5a);
}

/* Every width at every alignment: what is written is there, and nothing beside it has changed. */
static void check_edge(struct rig *r, const struct far *f, uint64_t at)
{
	uint8_t want[SPAN], got[SPAN];
	char what[64];

	for (unsigned width = 8; width <= 64; width *= 2)
		for (unsigned shift = 0; shift + width / 8 <= 16; shift++) {
			uint64_t value = rig_rand(r);

			for (unsigned i = 0; i < SPAN; i++)
				want[i] = fresh(at + i);
			rig_far_store(r, f, at, want, SPAN);
			rig_far_write(r, f, at + 24 + shift, width, value);
			for (unsigned i = 0; i < width / 8; i++)
				want[24 + shift + i] = (uint8_t)(value >> 8 * i);
			rig_far_load(r, f, at, got, SPAN);
			snprintf(what, sizeof(what), "%u bits written at offset %" PRIX64 "h",
				 width, at + 24 + shift);
			CHECK_MEM(r, what, got, want, SPAN);
			value = width < 64 ? value & ((1ull << width) - 1) : value;
			snprintf(what, sizeof(what), "%u bits read at offset %" PRIX64 "h", width,
				 at + 24 + shift);
			CHECK_EQ(r, what, rig_far_read(r, f, at + 24 + shift, width), value);
		}
}

static void cmb_rw_edges(struct rig *r, const struct rig_cmb *cmb)
{
	check_edge(r, &cmb->far, 0);
	check_edge(r, &cmb->far, cmb->bytes - SPAN);
	for (uint64_t at = PAGE; at < cmb->bytes; at *= 2)
		check_edge(r, &cmb->far, at - SPAN / 2);
}

/* One word that names its place in every page, or in many of them: none is another's. */
static void cmb_rw_pages(struct rig *r, const struct rig_cmb *cmb)
{
	uint64_t pages = cmb->bytes / PAGE, most = rig_pick(r, 64, 1024, 65536), step;

	step = pages > most ? pages / most : 1;
	for (uint64_t i = 0; i < pages; i += step)
		rig_far_write(r, &cmb->far, i * PAGE + i * 8 % PAGE, 64, ~i << 16 | 0x6a);
	for (uint64_t i = 0; i < pages; i += step)
		CHECK_EQ(r, "the word of a page",
			 rig_far_read(r, &cmb->far, i * PAGE + i * 8 % PAGE, 64), ~i << 16 | 0x6a);
}

/* The same bytes through the BAR and by the controller: a Read of the drive's into the buffer. */
static void cmb_rw_controller(struct rig *r, const struct rig_cmb *cmb)
{
	uint64_t most = rig_pick(r, 8, 64, 1024), pages = cmb->bytes / PAGE;
	uint8_t *want = rig_mem(r, PAGE), *got = rig_mem(r, PAGE);

	if (!(cmb->sz & CMBSZ_RDS))
		rig_na(r, "CMBSZ.RDS is 0: no data from the controller go to the buffer");
	rig_admin_ok(r, cmd_identify(0x01, 0, want));
	for (uint64_t n = 0; n < most && n < pages; n++) {
		uint64_t at = (n % 2 ? pages - 1 - n / 2 : n / 2) * PAGE;
		struct cmd c = cmd_identify(0x01, 0, NULL);

		c.sqe.prp1 = le64_from(cmb->far.iova + at);
		CHECK_STATUS(r, rig_admin(r, c), SC_SUCCESS);
		rig_far_load(r, &cmb->far, at, got, PAGE);
		CHECK_MEM(r, "Identify Controller in the buffer, read through the BAR", got, want,
			  PAGE);
	}
}

static const struct rw_row {
	const char *name;
	void (*run)(struct rig *r, const struct rig_cmb *cmb);
} rws[] = {
	{ "every-width", cmb_rw_edges },
	{ "every-page", cmb_rw_pages },
	{ "controller-sees-the-same", cmb_rw_controller },
};

static void cmb_rw(struct rig *r)
{
	const struct rw_row *row = rig_row(r);

	row->run(r, rig_cmb(r));
}

static const struct rig_case cases[] = {
	{ .id = "cmb-geometry",
	  .rule = "CMBLOC and CMBSZ describe a buffer that begins inside a BAR with memory, in "
		  "legal "
		  "units, for uses that go together.",
	  .ref = "Base 2.2 Offset 38h: CMBLOC; Base 2.2 Offset 3Ch: CMBSZ; Base 2.2 Controller "
		 "Memory Buffer",
	  .needs = NEED_QUEUES | NEED_CONFIG,
	  .na = rig_na_cmb,
	  .fault =
		  "cmbsz-units-reserved cmbsz-reserved-bits cmbsz-lists-without-sqs cmbloc-bir-one "
		  "cmbloc-bir-upper-half cmbloc-reserved-bits cmbloc-past-the-bar",
	  .run = cmb_geometry },
	{ .id = "cmb-enable-seq",
	  .rule = "CMBMSC shows and hides CMBLOC and CMBSZ, takes valid base addresses and tells "
		  "of "
		  "others, and is kept over a Controller Reset and a Function Level Reset alone.",
	  .ref = "Base 2.2 Offset 50h: CMBMSC; Base 2.2 Offset 58h: CMBSTS; Base 2.2 Controller "
		 "Level Reset",
	  .needs = NEED_QUEUES | NEED_CONFIG,
	  .na = na_switched,
	  .fault = "cmb-shown-without-cre cmb-hidden-with-cre cmbmsc-reserved-bits-stick "
		   "cbai-never-set cbai-sticks cba-last-refused cba-over-pmr-accepted "
		   "cmbmsc-lost-over-reset cmbmsc-lost-over-flr cmbmsc-kept-over-nssr",
	  .run = cmb_enable_seq,
	  ROWS(seqs) },
	{ .id = "cmb-rw",
	  .rule = "The buffer holds what is written to it, by any width at any byte, and the "
		  "controller sees the same.",
	  .ref = "Base 2.2 Controller Memory Buffer",
	  .needs = NEED_QUEUES | NEED_BARS,
	  .na = rig_na_cmb,
	  .fault = "cmb-byte-enables-ignored cmb-unaligned-rounds-down cmb-pages-alias "
		   "cmb-dma-lands-off",
	  .run = cmb_rw,
	  ROWS(rws) },
};

SUITE(reg_cmb_suite, CONFORMANCE, "reg", cases);
