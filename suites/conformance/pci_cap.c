// SPDX-License-Identifier: GPL-2.0-or-later
/* What is in the capabilities: power management, PCI Express, error reporting, the MSI-X table. */
#include "base/clock.h"
#include "device.h"

/* ---- pm-cap ---- */

#define CAP_PM		 0x01
#define PM_CONTROL	 4 /* offset into the capability: PMCSR */
#define PM_STATE	 3u
#define PM_D3HOT	 3u
#define PM_NO_SOFT_RESET 0x8u
#define PM_NS		 (10 * NS_PER_MS)

/* What a soft reset would change. */
struct state {
	uint32_t cc, csts, aqa;
	uint64_t asq, acq;
};

static struct state look(struct rig *r)
{
	return (struct state){ rig_reg32(r, REG_CC), rig_reg32(r, REG_CSTS), rig_reg32(r, REG_AQA),
			       rig_reg64(r, REG_ASQ), rig_reg64(r, REG_ACQ) };
}

static void go_to(struct rig *r, unsigned pm, unsigned state)
{
	uint32_t control = rig_cfg(r, pm + PM_CONTROL, 16);

	rig_set_cfg(r, pm + PM_CONTROL, 16, (control & ~PM_STATE) | state);
	rig_wait(r, PM_NS);
	CHECK_EQ(r, "PMCSR, Power State", rig_cfg(r, pm + PM_CONTROL, 16) & PM_STATE, state);
}

static void check_survived(struct rig *r, const struct state *was)
{
	struct state is = look(r);

	CHECK_EQ(r, "CC after D3hot", is.cc, was->cc);
	CHECK_EQ(r, "CSTS after D3hot", is.csts, was->csts);
	CHECK_EQ(r, "AQA after D3hot", is.aqa, was->aqa);
	CHECK_EQ(r, "ASQ after D3hot", is.asq, was->asq);
	CHECK_EQ(r, "ACQ after D3hot", is.acq, was->acq);
}

/* Shut down first, as a host does before it changes the power state. */
static void pm_cap(struct rig *r)
{
	unsigned pm = rig_pci_cap(r, CAP_PM);
	bool keeps;
	struct state was;

	REQUIRE_TRUE(r, pm, "there is a Power Management capability");
	device_config_keep(r);
	keeps = rig_cfg(r, pm + PM_CONTROL, 16) & PM_NO_SOFT_RESET;
	CHECK_EQ(r, "PMCSR, No_Soft_Reset", keeps, 1);
	CHECK_EQ(r, "PMCSR, Power State (D0)", rig_cfg(r, pm + PM_CONTROL, 16) & PM_STATE, 0);
	REQUIRE_EQ(r, "shutting down (0: SHST 10b)",
		   (uint64_t)-ctrl_shutdown(rig_ctrl(r), 1, 0, NULL), 0);
	was = look(r);
	go_to(r, pm, PM_D3HOT);
	go_to(r, pm, 0);
	if (keeps)
		check_survived(r, &was);
	rig_reset(r);
	CHECK_STATUS(r, rig_admin(r, cmd_get_features(NVME_FEAT_FID_NUM_QUEUES, 0, 0, 0)),
		     SC_SUCCESS);
}

/* ---- pcie-cap ---- */

#define EXP_CAPS      2
#define EXP_VERSION   2
#define EXP_TYPE(v)   ((v) >> 4 & 15)
#define TYPE_ENDPOINT 0
#define TYPE_RCIEP    9
#define DEVCAP_RBER   (1u << 15)

static void pcie_cap(struct rig *r)
{
	unsigned at = rig_pci_cap(r, CAP_EXPRESS);
	uint32_t caps, devcap;

	REQUIRE_TRUE(r, at, "there is a PCI Express capability");
	caps = rig_cfg(r, at + EXP_CAPS, 16);
	devcap = rig_cfg(r, at + EXP_DEVCAP, 32);
	CHECK_GE(r, "Capability Version", caps & 15, EXP_VERSION);
	if (EXP_TYPE(caps) == TYPE_RCIEP)
		rig_note(r, "a Root Complex integrated endpoint (type 9h)");
	else
		CHECK_EQ(r, "Device/Port Type (endpoint)", EXP_TYPE(caps), TYPE_ENDPOINT);
	CHECK_EQ(r, "Role-based Error Reporting", !!(devcap & DEVCAP_RBER), 1);
	CHECK_EQ(r, "Function Level Reset Capability", !!(devcap & DEVCAP_FLR), 1);
}

/* ---- aer-cap ---- */

#define CAP_AER		0x101 /* extended capability 1h */
#define AER_UNCORRECTED 0x04
#define AER_CORRECTED	0x10

/* Sticky bits of errors long past are no fault of the device; that they cannot be cleared is. */
static void check_status_register(struct rig *r, const char *name, unsigned at)
{
	uint32_t was = rig_cfg(r, at, 32);

	ADVISE_EQ(r, name, was, 0);
	rig_set_cfg(r, at, 32, 0);
	CHECK_EQ(r, "status after writing 0s", rig_cfg(r, at, 32), was);
	rig_set_cfg(r, at, 32, was);
	CHECK_EQ(r, "status after writing 1s to what was set", rig_cfg(r, at, 32) & was, 0);
	rig_set_cfg(r, at, 32, ~0u);
	CHECK_EQ(r, "status after writing 1s", rig_cfg(r, at, 32), 0);
}

static void aer_cap(struct rig *r)
{
	struct target *t = rig_target(r);
	unsigned at;
	uint32_t header;

	if (t->ops->cfg_read(t, 0x100, 32, &header))
		rig_skip(r, "needs", "the way in does not reach extended configuration space");
	at = rig_pci_cap(r, CAP_AER);
	if (!at)
		rig_na(r, "no Advanced Error Reporting capability");
	check_status_register(r, "Uncorrectable Error Status", at + AER_UNCORRECTED);
	check_status_register(r, "Correctable Error Status", at + AER_CORRECTED);
}

/* ---- msix-table-rw ---- */

#define ENTRY_BYTES   16
#define ENTRY_DATA    8
#define ENTRY_CONTROL 12
#define ENTRY_MASKED  1u
#define ADDRESS	      0x00000000feedc000ull

struct msix {
	unsigned n;
	uint64_t table, pba;
};

static struct msix find_msix(struct rig *r)
{
	unsigned cap = rig_pci_cap(r, CAP_MSIX);
	uint32_t table, pba;

	if (!cap)
		rig_na(r, "no MSI-X capability");
	table = rig_cfg(r, cap + MSIX_TABLE, 32);
	pba = rig_cfg(r, cap + MSIX_PBA, 32);
	if (table & 7 || pba & 7)
		rig_skip(r, "needs", "the table is in BAR %u, the PBA in BAR %u: out of reach",
			 table & 7, pba & 7);
	return (struct msix){ (rig_cfg(r, cap + MSIX_CONTROL, 16) & 0x7ff) + 1, table, pba };
}

static void check_fresh(struct rig *r, uint64_t at)
{
	CHECK_EQ(r, "Vector Control, Mask after a reset",
		 rig_reg32(r, at + ENTRY_CONTROL) & ENTRY_MASKED, 1);
	CHECK_EQ(r, "Message Address, bits 1:0 after a reset", rig_reg32(r, at) & 3, 0);
}

static void check_entry(struct rig *r, uint64_t at, unsigned i)
{
	uint64_t address = ADDRESS + 4ull * i;

	rig_set_reg32(r, at, (uint32_t)address);
	rig_set_reg32(r, at + 4, i + 1);
	rig_set_reg32(r, at + ENTRY_DATA, ~i);
	CHECK_EQ(r, "Message Address", rig_reg32(r, at), address);
	CHECK_EQ(r, "Message Upper Address", rig_reg32(r, at + 4), i + 1);
	CHECK_EQ(r, "Message Data", rig_reg32(r, at + ENTRY_DATA), ~i);
	CHECK_EQ(r, "Vector Control, Mask", rig_reg32(r, at + ENTRY_CONTROL) & ENTRY_MASKED, 1);
}

/* The table is written entry by entry, then looked at again: no entry is another's. */
static void msix_table_rw(struct rig *r)
{
	struct msix m;

	rig_flr(r);
	m = find_msix(r);
	for (unsigned i = 0; i < m.n; i++)
		check_fresh(r, m.table + ENTRY_BYTES * i);
	for (unsigned i = 0; i < m.n; i++)
		check_entry(r, m.table + ENTRY_BYTES * i, i);
	for (unsigned i = 0; i < m.n; i++)
		CHECK_EQ(r, "Message Data, at last",
			 rig_reg32(r, m.table + ENTRY_BYTES * i + ENTRY_DATA), ~i);
	for (unsigned at = 0; at < (m.n + 31) / 32 * 4; at += 4) {
		CHECK_EQ(r, "pending bits", rig_reg32(r, m.pba + at), 0);
		rig_set_reg32(r, m.pba + at,
			      ~0u); /* software should not: the effect is undefined */
		ADVISE_EQ(r, "pending bits after a write", rig_reg32(r, m.pba + at), 0);
		rig_set_reg32(r, m.pba + at, 0);
	}
	rig_flr(r);
}

/* ---- irq-info-matches ---- */

static void irq_info_matches(struct rig *r)
{
	unsigned cap;

	rig_ctrl(r);
	cap = rig_pci_cap(r, CAP_MSIX);
	if (!cap)
		rig_na(r, "no MSI-X capability");
	CHECK_EQ(r, "vectors of the way in (want Table Size + 1)", rig_target(r)->caps.vectors,
		 (rig_cfg(r, cap + MSIX_CONTROL, 16) & 0x7ff) + 1);
}

static const struct rig_case cases[] = {
	{ .id = "pm-cap",
	  .rule = "D0 to D3hot and back leaves the registers as they were, and it enables again.",
	  .ref = "PCIe Transport 1.0 PCI Power Management Capabilities; PCIe Transport 1.0 PMCS - "
		 "PCI Power Management Control and Status",
	  .needs = NEED_CONFIG | NEED_QUEUES,
	  .fault = "pm-loses-state pm-no-soft-reset-clear cap-list-bit-clear",
	  .run = pm_cap },
	{ .id = "pcie-cap",
	  .rule = "The PCI Express capability tells of an endpoint of version 2 with FLR.",
	  .ref = "PCIe Transport 1.0 PCI Express Capabilities; PCIe Transport 1.0 PCI Express "
		 "Device Capabilities",
	  .needs = NEED_CONFIG,
	  .fault = "pcie-no-role-based pcie-version-one cap-list-bit-clear",
	  .run = pcie_cap },
	{ .id = "aer-cap",
	  .rule = "The error status registers are clear, and a set bit is cleared by writing 1.",
	  .ref = "PCIe Transport 1.0 Advanced Error Reporting Capability",
	  .needs = NEED_CONFIG | NEED_BARE_CONFIG,
	  .fault = "aer-status-not-clear aer-status-sticks",
	  .run = aer_cap },
	{ .id = "msix-table-rw",
	  .rule = "MSI-X entries are masked after a reset and hold what is written to them.",
	  .ref = "PCIe Transport 1.0 MSI-X Capability (Optional); PCI Local Bus 3.0 MSI-X Table",
	  .needs = NEED_CONFIG | NEED_QUEUES | NEED_MSIX_TABLE,
	  .fault = "msix-unmasked-after-reset pba-writable msix-address-low-bits",
	  .run = msix_table_rw },
	{ .id = "irq-info-matches",
	  .rule = "The way in offers as many vectors as the MSI-X Table Size tells.",
	  .ref = "PCIe Transport 1.0 MSI-X Capability (Optional); PCIe Transport 1.0 Offset "
		 "MSIXCAP + 2h: MXC - MSI-X Message Control",
	  .needs = NEED_CONFIG | NEED_IRQ | NEED_QUEUES,
	  .level = SHOULD,
	  .fault = "msix-size-changes",
	  .run = irq_info_matches },
};

SUITE(pci_cap_suite, CONFORMANCE, "pci", cases);
