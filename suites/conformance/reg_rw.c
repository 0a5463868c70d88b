// SPDX-License-Identifier: GPL-2.0-or-later
/* Which bits of the properties can be written, and which cannot. All with CC.EN = 0. */
#include <inttypes.h>

#include "device.h"

#define CC_RESERVED    0xfe00000eu
#define CRMS_BOTH      3u
#define CAP_AMS_WRR    1u
#define CAP_AMS_VENDOR 2u
#define AQA_FIELDS     0x0fff0fffu
#define BASE_FIELDS    (~0xfffull)

/* ---- cc-rw ---- */

static void write_cc(struct rig *r, const char *field, uint32_t value)
{
	uint32_t got;

	rig_set_reg32(r, REG_CC, value);
	got = rig_reg32(r, REG_CC);
	CHECK_TRUE(r, got == value, "CC holds %s: got %08Xh, want %08Xh", field, got, value);
}

static void try_arbitration(struct rig *r, uint64_t cap)
{
	write_cc(r, "AMS round robin", CC_AMS(0));
	if (CAP_AMS(cap) & CAP_AMS_WRR)
		write_cc(r, "AMS weighted round robin", CC_AMS(1));
	if (CAP_AMS(cap) & CAP_AMS_VENDOR)
		write_cc(r, "AMS of the vendor", CC_AMS(7));
}

static void try_command_sets(struct rig *r, uint64_t cap)
{
	static const struct {
		unsigned bit, css;
	} sets[] = { { 0x01, 0 }, { 0x40, 6 }, { 0x80, 7 } };

	for (size_t i = 0; i < ARRAY_SIZE(sets); i++)
		if (CAP_CSS(cap) & sets[i].bit)
			write_cc(r, "CSS", CC_CSS(sets[i].css));
}

/* SQES and CQES: required size in bits 3:0, largest in bits 7:4. */
static void try_entry_sizes(struct rig *r, const struct nvme_id_ctrl *id)
{
	for (unsigned n = id->sqes & 15; n <= id->sqes >> 4; n++)
		write_cc(r, "IOSQES", CC_IOSQES(n));
	for (unsigned n = id->cqes & 15; n <= id->cqes >> 4; n++)
		write_cc(r, "IOCQES", CC_IOCQES(n));
}

static void cc_fields(struct rig *r)
{
	uint64_t cap = rig_ctrl_off(r)->cap;

	for (unsigned n = CAP_MPSMIN(cap); n <= CAP_MPSMAX(cap); n++)
		write_cc(r, "MPS", CC_MPS(n));
	try_arbitration(r, cap);
	try_command_sets(r, cap);
	try_entry_sizes(r, &rig_facts(r)->id);
	rig_set_reg32(r, REG_CC, CC_MPS(CAP_MPSMIN(cap)));
}

static void cc_reserved(struct rig *r)
{
	uint64_t cap = rig_ctrl_off(r)->cap;
	uint32_t reserved = CC_RESERVED | (CAP_CRMS(cap) == CRMS_BOTH ? 0 : CC_CRIME);

	rig_set_reg32(r, REG_CC, reserved);
	CHECK_EQ(r, "reserved bits of CC after writing 1s", rig_reg32(r, REG_CC) & reserved, 0);
	rig_set_reg32(r, REG_CC, 0);
}

static const struct cc_row {
	const char *name;
	void (*ask)(struct rig *r);
} cc_rows[] = { { "fields", cc_fields }, { "reserved", cc_reserved } };

static void cc_rw(struct rig *r)
{
	const struct cc_row *row = rig_row(r);

	row->ask(r);
}

/* ---- aqa-asq-acq-rw ---- */

static const struct base_row {
	const char *name;
	uint64_t off, fields;
	unsigned width;
	bool reserved;
} bases[] = {
	{ "aqa", REG_AQA, AQA_FIELDS, 32, false },
	{ "asq", REG_ASQ, BASE_FIELDS, 64, false },
	{ "acq", REG_ACQ, BASE_FIELDS, 64, false },
	{ "aqa-reserved", REG_AQA, AQA_FIELDS, 32, true },
	{ "asq-reserved", REG_ASQ, BASE_FIELDS, 64, true },
	{ "acq-reserved", REG_ACQ, BASE_FIELDS, 64, true },
};

static const uint64_t patterns[] = {
	0,
	UINT64_MAX,
	0x5555555555555555,
	0xaaaaaaaaaaaaaaaa,
	0x0123456789abcdef,
	0xfffffffffffff000,
	0x00000001ffffe000,
};

/* Read as the register's own width, and as its halves. */
static void check_holds(struct rig *r, const struct base_row *row, uint64_t want)
{
	uint64_t whole = rig_reg(r, row->off, row->width), halves = rig_reg32(r, row->off);

	if (row->width == 64)
		halves |= (uint64_t)rig_reg32(r, row->off + 4) << 32;
	CHECK_TRUE(r, whole == want && halves == want,
		   "%s holds %016" PRIX64 "h: got %016" PRIX64 "h, by halves %016" PRIX64 "h",
		   row->name, want, whole, halves);
}

static void aqa_asq_acq_rw(struct rig *r)
{
	const struct base_row *row = rig_row(r);
	uint64_t mask = row->reserved ? UINT64_MAX : row->fields;

	rig_ctrl_off(r);
	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++) {
		uint64_t want = patterns[i] & row->fields;

		rig_set_reg(r, row->off, row->width, patterns[i] & mask);
		check_holds(r, row, want);
		rig_set_reg32(r, row->off, (uint32_t)(~patterns[i] & mask));
		if (row->width == 64)
			rig_set_reg32(r, row->off + 4, (uint32_t)((~patterns[i] & mask) >> 32));
		check_holds(r, row, ~patterns[i] & row->fields & (UINT64_MAX >> (64 - row->width)));
	}
}

/* ---- ro-write-ignored ---- */

static const struct ro_row {
	const char *name;
	uint64_t off;
	unsigned width;
	uint32_t spare; /* bits that a write of 1 may change */
} ro_rows[] = {
	{ "cap", REG_CAP, 64, 0 },
	{ "vs", REG_VS, 32, 0 },
	{ "csts", REG_CSTS, 32, CSTS_NSSRO },
	{ "cmbloc", REG_CMBLOC, 32, 0 },
	{ "cmbsz", REG_CMBSZ, 32, 0 },
	{ "crto", REG_CRTO, 32, 0 },
};

static void write_complement(struct rig *r, const struct ro_row *row, unsigned width)
{
	uint64_t was = rig_reg(r, row->off, row->width);

	for (unsigned at = 0; at < row->width / 8; at += width / 8)
		rig_set_reg(r, row->off + at, width, ~was >> 8 * at & ~(uint64_t)row->spare);
	CHECK_EQ(r, row->name, rig_reg(r, row->off, row->width), was);
	for (unsigned at = 0; at < row->width / 8; at += width / 8)
		rig_set_reg(r, row->off + at, width, 0);
	CHECK_EQ(r, row->name, rig_reg(r, row->off, row->width), was);
}

static void ro_write_ignored(struct rig *r)
{
	const struct ro_row *row = rig_row(r);

	rig_ctrl_off(r);
	write_complement(r, row, 32);
	if (row->width == 64)
		write_complement(r, row, 64);
}

/* ---- intms-intmc ---- */

#define VECTOR_0 1u

static void check_mask(struct rig *r, const char *when, uint32_t want, uint32_t of)
{
	uint32_t set = rig_reg32(r, REG_INTMS) & of, clear = rig_reg32(r, REG_INTMC) & of;

	CHECK_TRUE(r, set == want && clear == want,
		   "the mask %s: INTMS reads %08Xh, INTMC %08Xh, want %08Xh", when, set, clear,
		   want);
}

static void refuse_msix(struct rig *r)
{
	unsigned cap = rig_pci_cap(r, CAP_MSIX);
	uint32_t control = cap ? rig_cfg(r, cap + MSIX_CONTROL, 16) : 0;

	if (control & MSIX_ENABLE)
		rig_set_cfg(r, cap + MSIX_CONTROL, 16, control & ~MSIX_ENABLE);
}

/* How many vectors there are depends on the interrupt mode; vector 0 is there in each. */
static void intms_intmc(struct rig *r)
{
	refuse_msix(r); /* with MSI-X on, an access is undefined */
	rig_reset(r);
	check_mask(r, "after a reset", 0, ~0u);
	rig_set_reg32(r, REG_INTMS, VECTOR_0);
	check_mask(r, "after 1 to INTMS", VECTOR_0, VECTOR_0);
	rig_set_reg32(r, REG_INTMS, 0);
	check_mask(r, "after 0 to INTMS", VECTOR_0, VECTOR_0);
	rig_set_reg32(r, REG_INTMC, 0);
	check_mask(r, "after 0 to INTMC", VECTOR_0, VECTOR_0);
	rig_set_reg32(r, REG_INTMC, ~VECTOR_0);
	check_mask(r, "after 1s to all other bits of INTMC", VECTOR_0, VECTOR_0);
	rig_set_reg32(r, REG_INTMC, VECTOR_0);
	check_mask(r, "after 1 to INTMC", 0, VECTOR_0);
	rig_set_reg32(r, REG_INTMS, VECTOR_0);
	rig_reset(r);
	check_mask(r, "after a reset that found it set", 0, ~0u);
}

/* ---- cmb-absent ---- */

static const struct {
	const char *name;
	uint64_t off;
	unsigned width;
} cmb_registers[] = {
	{ "CMBLOC", REG_CMBLOC, 32 },
	{ "CMBMSC", REG_CMBMSC, 64 },
	{ "CMBSTS", REG_CMBSTS, 32 },
};

static const char *na_cmb(const struct facts *f)
{
	return CAP_CMBS(f->cap) ? "CAP.CMBS is 1: there is a Controller Memory Buffer" : NULL;
}

static void cmb_absent(struct rig *r)
{
	rig_ctrl_off(r);
	if (rig_reg32(r, REG_CMBSZ))
		rig_na(r, "CMBSZ is %08Xh: there is a Controller Memory Buffer",
		       rig_reg32(r, REG_CMBSZ));
	for (size_t i = 0; i < ARRAY_SIZE(cmb_registers); i++) {
		uint64_t off = cmb_registers[i].off;
		unsigned width = cmb_registers[i].width;

		CHECK_EQ(r, cmb_registers[i].name, rig_reg(r, off, width), 0);
		rig_set_reg(r, off, width, UINT64_MAX >> (64 - width));
		CHECK_EQ(r, cmb_registers[i].name, rig_reg(r, off, width), 0);
	}
	CHECK_EQ(r, "CMBSZ", rig_reg32(r, REG_CMBSZ), 0);
}

/* ---- reserved-read-zero ---- */

/* Reserved at every version so far; what a later one took stands between. */
static const struct span {
	uint64_t begin, end;
} reserved_spans[] = { { 0x18, 0x1c }, { 0x6c, 0xe00 }, { 0xe1c, 0x1000 } };

static const uint64_t witnesses[] = { REG_CAP, REG_CAP + 4, REG_VS,	 REG_CC,  REG_CSTS,
				      REG_AQA, REG_ASQ,	    REG_ASQ + 4, REG_ACQ, REG_ACQ + 4 };

static void look(struct rig *r, uint32_t ret[static ARRAY_SIZE(witnesses)])
{
	for (size_t i = 0; i < ARRAY_SIZE(witnesses); i++)
		ret[i] = rig_reg32(r, witnesses[i]);
}

static void check_reserved_dword(struct rig *r, uint64_t off)
{
	uint32_t before = rig_reg32(r, off), after;

	rig_set_reg32(r, off, ~0u);
	after = rig_reg32(r, off);
	CHECK_TRUE(r, !before && !after,
		   "the reserved dword at %03" PRIX64 "h reads 0 (got %08Xh), also after writing "
		   "1s (got %08Xh)",
		   off, before, after);
}

static void reserved_read_zero(struct rig *r)
{
	uint32_t before[ARRAY_SIZE(witnesses)], after[ARRAY_SIZE(witnesses)];

	rig_ctrl_off(r);
	rig_set_reg32(r, REG_AQA, 0x00070005);
	rig_set_reg64(r, REG_ASQ, 0x1000);
	rig_set_reg64(r, REG_ACQ, 0x2000);
	look(r, before);
	for (size_t i = 0; i < ARRAY_SIZE(reserved_spans); i++)
		for (uint64_t at = reserved_spans[i].begin; at < reserved_spans[i].end; at += 4)
			check_reserved_dword(r, at);
	look(r, after);
	CHECK_MEM(r, "the properties that are there (unchanged)", after, before, sizeof(after));
}

static const struct rig_case cases[] = {
	{ .id = "cc-rw",
	  .rule = "CC holds every supported value with EN = 0, and its reserved bits read 0.",
	  .ref = "Base 2.2 Offset 14h: CC - Controller Configuration; Base 2.2 Controller "
		 "Properties",
	  .needs = NEED_QUEUES,
	  .fault = "cc-reserved-bits-stick cc-mps-reads-zero",
	  .run = cc_rw,
	  ROWS(cc_rows) },
	{ .id = "aqa-asq-acq-rw",
	  .rule = "AQA, ASQ and ACQ hold what is written with EN = 0; their reserved bits read 0.",
	  .ref = "Base 2.0 Offset 24h: AQA - Admin Queue Attributes; Base 2.2 AQA, ASQ, ACQ; Base "
		 "2.2 Controller Properties",
	  .needs = NEED_QUEUES,
	  .fault = "asq-low-bits-stick aqa-reserved-bits-stick half-write-clears-half",
	  .run = aqa_asq_acq_rw,
	  ROWS(bases) },
	{ .id = "ro-write-ignored",
	  .rule = "Read-only properties ignore writes.",
	  .ref = "Base 2.0 Controller Properties; Base 2.2 Controller Properties",
	  .needs = NEED_QUEUES,
	  .fault = "vs-writable csts-shst-writable",
	  .run = ro_write_ignored,
	  ROWS(ro_rows) },
	{ .id = "intms-intmc",
	  .rule = "INTMS sets mask bits, INTMC clears them, and both read the mask.",
	  .ref = "Base 2.0 Offset Ch: INTMS; Base 2.2 Offset Ch: INTMS - Interrupt Mask Set; Base "
		 "2.2 Offset 10h: INTMC - Interrupt Mask Clear",
	  .needs = NEED_QUEUES | NEED_CONFIG,
	  .fault = "intmc-ignored intms-survives-reset",
	  .run = intms_intmc },
	{ .id = "cmb-absent",
	  .rule = "Without a Controller Memory Buffer its properties read 0 and ignore writes.",
	  .ref = "Base 2.0 CMBSZ; Base 2.2 CMBLOC, CMBSZ, CMBMSC, CMBSTS",
	  .needs = NEED_QUEUES,
	  .na = na_cmb,
	  .fault = "cmbmsc-without-cmb",
	  .run = cmb_absent },
	{ .id = "reserved-read-zero",
	  .rule = "Reserved offsets read 0, and a write there changes nothing.",
	  .ref = "Base 2.0 Controller Properties; Base 2.2 Controller Properties",
	  .needs = NEED_QUEUES,
	  .fault = "reserved-reads-ones reserved-write-aliases",
	  .run = reserved_read_zero },
};

SUITE(reg_rw_suite, CONFORMANCE, "reg", cases);
