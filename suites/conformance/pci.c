// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>

#include "base/clock.h"
#include "device.h"

#define CFG_EXTENDED	0x100

#define STATUS_CAP_LIST 0x0010u

#define NOBODYS_QUEUE	0x5a5a5000ull /* an address that no queue of ours has */
#define FLR_NS		(100 * NS_PER_MS)

#define PAGE		4096ull

/* ---- cap-chain ---- */

/* One of the two lists: where its structures lie and how a header tells id and successor. */
struct cap_list {
	const char *name;
	unsigned begin, end;
	uint32_t id_mask;
	unsigned next_shift;
	uint32_t next_mask;
	const uint16_t *repeatable;
	size_t nrepeatable;
};

static const uint16_t repeatable[] = { 0x00, 0x08, 0x09 }; /* null, HyperTransport, vendor */
static const uint16_t ext_repeatable[] = { 0x0000, 0x0002, 0x0009, 0x000b, 0x0023 }; /* VC, VSEC */

static const struct cap_list conventional = {
	.name = "capability list",
	.begin = 0x40,
	.end = 0x100,
	.id_mask = 0xff,
	.next_shift = 8,
	.next_mask = 0xff,
	.repeatable = repeatable,
	.nrepeatable = ARRAY_SIZE(repeatable),
};

static const struct cap_list extended = {
	.name = "extended capability list",
	.begin = 0x100,
	.end = 0x1000,
	.id_mask = 0xffff,
	.next_shift = 20,
	.next_mask = 0xfff,
	.repeatable = ext_repeatable,
	.nrepeatable = ARRAY_SIZE(ext_repeatable),
};

struct walk {
	uint64_t seen[0x1000 / 4 / 64]; /* by dword of configuration space */
	uint16_t id[0x1000 / 4];
	unsigned n;
};

static bool may_repeat(const struct cap_list *l, uint16_t id)
{
	for (size_t i = 0; i < l->nrepeatable; i++)
		if (l->repeatable[i] == id)
			return true;
	return false;
}

/* Can the walk go on at this pointer? Each reason why not is a check of its own. */
static bool check_pointer(struct rig *r, const struct cap_list *l, struct walk *w, unsigned at)
{
	uint64_t *word = &w->seen[at / 4 / 64 % ARRAY_SIZE(w->seen)], bit = 1ull << at / 4 % 64;

	if (!CHECK_TRUE(r, at % 4 == 0, "%s: pointer %03Xh is dword-aligned", l->name, at) ||
	    !CHECK_TRUE(r, at >= l->begin && at <= l->end - 4, "%s: pointer %03Xh in %03Xh-%03Xh",
			l->name, at, l->begin, l->end - 4) ||
	    !CHECK_TRUE(r, !(*word & bit), "%s: %03Xh is met once", l->name, at))
		return false;
	*word |= bit;
	return true;
}

static void check_id(struct rig *r, const struct cap_list *l, struct walk *w, uint16_t id)
{
	unsigned before = 0;

	for (unsigned i = 0; i < w->n; i++)
		before += w->id[i] == id;
	if (!may_repeat(l, id))
		CHECK_TRUE(r, !before, "%s: capability ID %04Xh is there once", l->name, id);
	w->id[w->n++] = id;
}

static void walk_list(struct rig *r, const struct cap_list *l, unsigned at)
{
	struct walk *w = rig_mem(r, sizeof(*w));

	while (at && check_pointer(r, l, w, at)) {
		uint32_t header = rig_cfg(r, at, 32);

		check_id(r, l, w, (uint16_t)(header & l->id_mask));
		at = header >> l->next_shift & l->next_mask;
	}
	rig_note(r, "%s: %u capabilities", l->name, w->n);
}

/* An all-zero first header says that there is no extended capability. */
static void walk_extended(struct rig *r)
{
	struct target *t = rig_target(r);
	uint32_t header;

	if (t->ops->cfg_read(t, CFG_EXTENDED, 32, &header))
		rig_note(r, "the way in does not reach extended configuration space");
	else if (header == 0 || header == 0xffffffffu)
		rig_note(r, "no extended capability (first header %08Xh)", header);
	else
		walk_list(r, &extended, CFG_EXTENDED);
}

static void cap_chain(struct rig *r)
{
	REQUIRE_EQ(r, "Device Status, Capabilities List",
		   !!(rig_cfg(r, CFG_STATUS, 16) & STATUS_CAP_LIST), 1);
	REQUIRE_TRUE(r, rig_cfg(r, CFG_CAP_PTR, 8) != 0, "the Capabilities Pointer is not 0");
	walk_list(r, &conventional, rig_cfg(r, CFG_CAP_PTR, 8));
	walk_extended(r);
}

/* ---- msix-layout ---- */

/* A structure in a BAR: bytes [begin, end). */
struct extent {
	const char *name;
	unsigned bir;
	uint64_t begin, end;
};

static struct extent extent_of(struct rig *r, const char *name, unsigned at, uint64_t bytes)
{
	uint32_t place = rig_cfg(r, at, 32);
	uint64_t begin = place & ~7u;

	return (struct extent){ name, place & 7, begin, begin + bytes };
}

/* The properties and every doorbell of the queues that this controller allocates. */
static struct extent registers_of(const struct facts *f)
{
	unsigned queues = 1u + (f->nsq > f->ncq ? f->nsq : f->ncq);
	uint64_t stride = 4ull << CAP_DSTRD(f->cap);

	return (struct extent){ "the properties and doorbells", 0, 0,
				REG_DOORBELLS + 2 * queues * stride };
}

static void check_inside(struct rig *r, const struct extent *e)
{
	const struct target_caps *caps = &rig_target(r)->caps;

	if (!CHECK_TRUE(r, e->bir == 0 || e->bir == 4 || e->bir == 5,
			"%s: BIR %u is one of 0, 4, 5", e->name, e->bir))
		return;
	CHECK_TRUE(r, e->end <= caps->bar_size[e->bir],
		   "%s: ends at %llXh, within the %llXh bytes of its BAR", e->name,
		   (unsigned long long)e->end, (unsigned long long)caps->bar_size[e->bir]);
	ADVISE_TRUE(r, e->begin % PAGE == 0, "%s: begins at %llXh, a 4 KiB boundary", e->name,
		    (unsigned long long)e->begin);
}

/* Do the two share a unit of `grain` bytes of the same BAR? */
static void check_apart(struct rig *r, const struct extent *a, const struct extent *b,
			uint64_t grain)
{
	bool apart = a->bir != b->bir || (a->end + grain - 1) / grain <= b->begin / grain ||
		     (b->end + grain - 1) / grain <= a->begin / grain;

	CHECK_TRUE(r, apart, "%s (BAR %u, %llXh-%llXh) and %s (BAR %u, %llXh-%llXh) share no %s",
		   a->name, a->bir, (unsigned long long)a->begin, (unsigned long long)a->end - 1,
		   b->name, b->bir, (unsigned long long)b->begin, (unsigned long long)b->end - 1,
		   grain > 1 ? "4 KiB page" : "byte");
}

static void msix_layout(struct rig *r)
{
	unsigned cap = rig_pci_cap(r, CAP_MSIX), n;

	if (!cap)
		rig_na(r, "no MSI-X capability");
	n = (rig_cfg(r, cap + MSIX_CONTROL, 16) & 0x7ff) + 1;

	struct extent registers = registers_of(rig_facts(r));
	struct extent table = extent_of(r, "the MSI-X table", cap + MSIX_TABLE, n * 16ull);
	struct extent pba = extent_of(r, "the PBA", cap + MSIX_PBA, (n + 63) / 64 * 8ull);

	check_inside(r, &table);
	check_inside(r, &pba);
	check_apart(r, &table, &pba, 1);
	check_apart(r, &table, &registers, PAGE);
	check_apart(r, &pba, &registers, PAGE);
}

/* ---- flr ---- */

/* What BAR0 holds once it can be reached again. */
struct registers {
	uint32_t cc, csts, aqa;
	uint64_t asq, acq, cmbmsc;
};

/* Function Level Reset by DEVCTL; the configuration space is looked at before it is restored. */
static struct registers reset_function(struct rig *r, struct device_config *config)
{
	unsigned express = rig_pci_cap(r, CAP_EXPRESS), msix = rig_pci_cap(r, CAP_MSIX);
	uint32_t devctl = rig_cfg(r, express + EXP_DEVCTL, 16), command;

	if (msix)
		rig_set_cfg(r, msix + MSIX_CONTROL, 16, MSIX_ENABLE);
	rig_set_cfg(r, express + EXP_DEVCTL, 16, devctl | DEVCTL_FLR);
	rig_wait(r, FLR_NS);
	command = rig_cfg(r, CFG_COMMAND, 16);
	CHECK_EQ(r, "Command, Memory Space Enable", !!(command & COMMAND_MSE), 0);
	CHECK_EQ(r, "Command, Bus Master Enable", !!(command & COMMAND_BME), 0);
	if (msix)
		CHECK_EQ(r, "MSI-X Enable", !!(rig_cfg(r, msix + MSIX_CONTROL, 16) & MSIX_ENABLE),
			 0);
	device_config_restore(config);
	return (struct registers){ rig_reg32(r, REG_CC),  rig_reg32(r, REG_CSTS),
				   rig_reg32(r, REG_AQA), rig_reg64(r, REG_ASQ),
				   rig_reg64(r, REG_ACQ), rig_reg64(r, REG_CMBMSC) };
}

static struct device_config *config_for_flr(struct rig *r)
{
	unsigned express = rig_pci_cap(r, CAP_EXPRESS);

	if (!express || !(rig_cfg(r, express + EXP_DEVCAP, 32) & DEVCAP_FLR))
		rig_na(r, "the function does not claim Function Level Reset");
	return device_config_keep(r);
}

/* ASQ and ACQ have reset values of the vendor's choice: a first reset, from others, tells them. */
static struct registers fresh_registers(struct rig *r, struct device_config *config)
{
	rig_ctrl_off(r);
	rig_set_reg64(r, REG_ASQ, NOBODYS_QUEUE);
	rig_set_reg64(r, REG_ACQ, NOBODYS_QUEUE);
	return reset_function(r, config);
}

/* The one property that this reset spares, set where there is a Controller Memory Buffer. */
static uint64_t set_cmbmsc(struct rig *r)
{
	if (CAP_CMBS(rig_reg64(r, REG_CAP)))
		rig_set_reg64(r, REG_CMBMSC, CMBMSC_CRE);
	return rig_reg64(r, REG_CMBMSC);
}

static void check_reset(struct rig *r, const struct registers *got, const struct registers *fresh)
{
	CHECK_EQ(r, "CC", got->cc, 0);
	CHECK_EQ(r, "CSTS.RDY", got->csts & CSTS_RDY, 0);
	CHECK_EQ(r, "CSTS.CFS", got->csts & CSTS_CFS, 0);
	CHECK_EQ(r, "CSTS.SHST", CSTS_SHST(got->csts), 0);
	CHECK_EQ(r, "AQA", got->aqa, 0);
	CHECK_EQ(r, "ASQ (as after the first reset)", got->asq, fresh->asq);
	CHECK_EQ(r, "ACQ (as after the first reset)", got->acq, fresh->acq);
}

static void flr(struct rig *r)
{
	struct device_config *config = config_for_flr(r);
	struct registers fresh = fresh_registers(r, config), got;
	uint64_t cmbmsc;

	rig_queue(r);
	REQUIRE_EQ(r, "CSTS.RDY before the reset", rig_reg32(r, REG_CSTS) & CSTS_RDY, 1);
	cmbmsc = set_cmbmsc(r);
	got = reset_function(r, config);
	check_reset(r, &got, &fresh);
	ADVISE_EQ(r, "CMBMSC (as before the reset)", got.cmbmsc, cmbmsc);
	rig_ctrl_off(r);
	CHECK_ERROR(r, rig_admin(r, cmd_delete_sq(1))); /* the queue went with the reset */
	CHECK_STATUS(r, rig_admin(r, cmd_get_features(NVME_FEAT_FID_NUM_QUEUES, 0, 0, 0)),
		     SC_SUCCESS);
}

static const struct rig_case cases[] = {
	{ .id = "cap-chain",
	  .rule = "The capability lists are well formed: aligned pointers, no loop, an end.",
	  .ref = "PCIe Transport 1.0 Offset 06h: STS - Device Status; PCIe Transport 1.0 Offset "
		 "34h: CAP - Capabilities Pointer; PCI Local Bus 3.0 Capabilities List",
	  .needs = NEED_CONFIG | NEED_BARE_CONFIG,
	  .fault = "cap-chain-loop cap-chain-unaligned cap-list-bit-clear",
	  .run = cap_chain },
	{ .id = "msix-layout",
	  .rule = "The MSI-X table and PBA lie inside their BARs, apart from every register.",
	  .ref = "PCIe Transport 1.0 MSI-X Capability (Optional); PCIe Transport 1.0 Offset "
		 "MSIXCAP + 4h: MTAB; PCIe Transport 1.0 Offset MSIXCAP + 8h: MPBA",
	  .needs = NEED_CONFIG,
	  .fault = "msix-pba-over-doorbells msix-table-outside-bar",
	  .run = msix_layout },
	{ .id = "flr",
	  .rule = "A Function Level Reset brings registers and configuration space to their reset "
		  "values, and the controller enables again.",
	  .ref = "Base 2.2 Controller Level Reset; PCIe Transport 1.0 Controller Level Reset; "
		 "PCIe Transport 1.0 Offset 04h: CMD - Command; Base 2.2 Offset 24h: AQA",
	  .needs = NEED_CONFIG | NEED_QUEUES | NEED_BARE_CONFIG,
	  .fault = "flr-keeps-cc flr-keeps-aqa flr-keeps-msix flr-keeps-io-queues",
	  .run = flr },
};

SUITE(pci_suite, CONFORMANCE, "pci", cases);
