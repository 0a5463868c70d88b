// SPDX-License-Identifier: GPL-2.0-or-later
/* The PCI header: what the function is, and its BAR0. */
#include "device.h"

#define CFG_CLASS	 0x09 /* programming interface, subclass, base class */
#define CFG_HEADER	 0x0e
#define CFG_SSVID	 0x2c
#define CFG_PIN		 0x3d
#define STATUS_CAP_LIST	 0x0010u
#define HEADER_MULTI	 0x80u
#define PIN_MAX		 4
#define CLASS_IO	 0x010802u
#define CLASS_ADMIN	 0x010803u
#define CNTRLTYPE_ADMIN	 3

#define BAR_IO		 0x1u
#define BAR_TYPE(v)	 ((v) >> 1 & 3u)
#define BAR_TYPE_32	 0u
#define BAR_TYPE_64	 2u
#define BAR_PREFETCHABLE 0x8u
#define BAR_FLAGS	 0xfull
#define BAR_LEAST	 0x4000u

/* ---- class-code ---- */

static void class_code(struct rig *r)
{
	uint32_t code = rig_cfg(r, CFG_CLASS, 8) | rig_cfg(r, CFG_CLASS + 1, 8) << 8 |
			rig_cfg(r, CFG_CLASS + 2, 8) << 16;

	if (code == CLASS_ADMIN && rig_facts(r)->id.cntrltype == CNTRLTYPE_ADMIN)
		rig_note(r, "an Administrative controller: programming interface 03h");
	else
		CHECK_EQ(r, "Class Code", code, CLASS_IO);
}

/* ---- header-sanity ---- */

static void header_sanity(struct rig *r)
{
	uint32_t type = rig_cfg(r, CFG_HEADER, 8);

	CHECK_EQ(r, "Header Layout", type & ~HEADER_MULTI, 0);
	CHECK_EQ(r, "Device Status, Capabilities List",
		 !!(rig_cfg(r, CFG_STATUS, 16) & STATUS_CAP_LIST), 1);
	CHECK_LE(r, "Interrupt Pin", rig_cfg(r, CFG_PIN, 8), PIN_MAX);
	rig_note(r, "multi-function bit %u; the other functions are not this target's to see",
		 !!(type & HEADER_MULTI));
}

/* ---- bar0-type, bar0-size ---- */

/* The BAR's flags, and its size by the address bits that can be written. */
struct bar {
	uint32_t flags;
	uint64_t size;
};

/* Memory space is off while the BAR holds ones, so that nothing is decoded there. */
static struct bar size_bar0(struct rig *r)
{
	struct device_config *config = device_config_keep(r);
	uint32_t low = rig_cfg(r, CFG_BAR0, 32);
	uint64_t mask, high = UINT32_MAX;

	rig_set_cfg(r, CFG_COMMAND, 16, rig_cfg(r, CFG_COMMAND, 16) & ~COMMAND_MSE);
	rig_set_cfg(r, CFG_BAR0, 32, ~0u);
	mask = rig_cfg(r, CFG_BAR0, 32);
	if (BAR_TYPE(low) == BAR_TYPE_64) {
		rig_set_cfg(r, CFG_BAR0 + 4, 32, ~0u);
		high = rig_cfg(r, CFG_BAR0 + 4, 32);
	}
	device_config_restore(config);
	mask = (high << 32 | mask) & ~BAR_FLAGS;
	return (struct bar){ low & BAR_FLAGS, ~mask + 1 };
}

static void bar0_type(struct rig *r)
{
	struct bar bar = size_bar0(r);

	CHECK_EQ(r, "BAR0, Memory Space Indicator (0: memory)", bar.flags & BAR_IO, 0);
	CHECK_EQ(r, "BAR0, Prefetchable", !!(bar.flags & BAR_PREFETCHABLE), 0);
	CHECK_TRUE(r, BAR_TYPE(bar.flags) == BAR_TYPE_64 || BAR_TYPE(bar.flags) == BAR_TYPE_32,
		   "BAR0, Type %u is 10b (64 bits) or 00b (32 bits)", BAR_TYPE(bar.flags));
	ADVISE_EQ(r, "BAR0, Type (10b: 64 bits)", BAR_TYPE(bar.flags), BAR_TYPE_64);
	CHECK_EQ(r, "bytes of BAR0 (as the way in reports them)", bar.size,
		 rig_target(r)->caps.bar_size[0]);
}

static void bar0_size(struct rig *r)
{
	struct bar bar = size_bar0(r);
	unsigned queues = rig_queue_count(r) + 1; /* admin too */
	uint64_t stride = rig_ctrl(r)->stride;

	CHECK_TRUE(r, bar.size && !(bar.size & (bar.size - 1)), "%llXh is a power of two",
		   (unsigned long long)bar.size);
	CHECK_GE(r, "bytes of BAR0", bar.size, BAR_LEAST);
	CHECK_GE(r, "bytes of BAR0 (want room for every doorbell)", bar.size,
		 REG_DOORBELLS + 2 * queues * stride);
}

/* ---- ro-fields ---- */

struct ro {
	struct rig *r;
	unsigned off, width;
	uint32_t was;
};

static void put_back(void *arg)
{
	struct ro *f = arg;

	rig_target(f->r)->ops->cfg_write(rig_target(f->r), f->off, f->width, f->was);
}

static void check_ro(struct rig *r, const char *name, unsigned off, unsigned width)
{
	struct ro *f = rig_mem(r, sizeof(*f));
	uint32_t was = rig_cfg(r, off, width), all = width == 32 ? ~0u : (1u << width) - 1;

	*f = (struct ro){ r, off, width, was };
	rig_defer(r, put_back, f);
	rig_set_cfg(r, off, width, ~was & all);
	CHECK_EQ(r, name, rig_cfg(r, off, width), was);
	put_back(f);
}

static const struct {
	const char *name;
	unsigned off, width;
} ro_fields[] = {
	{ "Vendor ID", 0x00, 16 },    { "Device ID", 0x02, 16 },
	{ "Revision ID", 0x08, 8 },   { "Programming Interface", 0x09, 8 },
	{ "Subclass", 0x0a, 8 },      { "Base Class", 0x0b, 8 },
	{ "Header Type", 0x0e, 8 },   { "Subsystem Vendor ID", 0x2c, 16 },
	{ "Subsystem ID", 0x2e, 16 }, { "Capabilities Pointer", 0x34, 8 },
	{ "Interrupt Pin", 0x3d, 8 },
};

static void check_ro_caps(struct rig *r)
{
	unsigned at = rig_cfg(r, CFG_CAP_PTR, 8) & ~3u;

	for (unsigned n = 0; at >= 0x40 && n < 48; n++) {
		check_ro(r, "capability ID", at, 8);
		check_ro(r, "next capability", at + 1, 8);
		at = rig_cfg(r, at + 1, 8) & ~3u;
	}
}

static void ro_fields_kept(struct rig *r)
{
	for (size_t i = 0; i < ARRAY_SIZE(ro_fields); i++)
		check_ro(r, ro_fields[i].name, ro_fields[i].off, ro_fields[i].width);
	check_ro_caps(r);
}

/* ---- ids-match-identify ---- */

static void ids_match_identify(struct rig *r)
{
	struct nvme_id_ctrl *id = rig_mem(r, sizeof(*id));

	rig_id_ctrl(r, id);
	CHECK_EQ(r, "Identify Controller VID (want the Vendor ID)", le16_get(id->vid),
		 rig_cfg(r, 0x00, 16));
	CHECK_EQ(r, "Identify Controller SSVID (want the Subsystem Vendor ID)", le16_get(id->ssvid),
		 rig_cfg(r, CFG_SSVID, 16));
}

static const struct rig_case cases[] = {
	{ .id = "class-code",
	  .rule = "The class code is that of an NVM Express I/O (or Administrative) controller.",
	  .ref = "PCIe Transport 1.0 PCI Header; PCIe Transport 1.0 Class Code",
	  .needs = NEED_CONFIG,
	  .fault = "class-code-wrong",
	  .run = class_code },
	{ .id = "header-sanity",
	  .rule = "The header is of type 0, has a capability list, and names a pin that exists.",
	  .ref = "PCIe Transport 1.0 PCI Header; PCIe Transport 1.0 Device Status, Header Type, "
		 "Interrupt Information",
	  .needs = NEED_CONFIG,
	  .fault = "header-type-bridge cap-list-bit-clear interrupt-pin-five",
	  .run = header_sanity },
	{ .id = "bar0-type",
	  .rule = "BAR0 is memory of 64 bits, not prefetchable, and as large as its mask tells.",
	  .ref = "PCIe Transport 1.0 Memory Register Base Address; PCIe Transport 1.0 MLBAR "
		 "(BAR0), MUBAR (BAR1)",
	  .needs = NEED_CONFIG | NEED_BARE_CONFIG,
	  .fault = "bar0-prefetchable bar0-mask-small",
	  .run = bar0_type },
	{ .id = "bar0-size",
	  .rule = "BAR0 is a power of two, of 16 KiB at least, and has room for every doorbell.",
	  .ref = "PCIe Transport 1.0 MLBAR (BAR0); PCIe Transport 1.0 Transport Specific "
		 "Controller Properties",
	  .needs = NEED_CONFIG | NEED_QUEUES | NEED_BARE_CONFIG,
	  .fault = "bar0-mask-small",
	  .run = bar0_size },
	{ .id = "ro-fields",
	  .rule = "Identifiers, class code, header type and capability headers ignore writes.",
	  .ref = "PCIe Transport 1.0 PCI Header; PCIe Transport 1.0 Identifiers, Revision ID, "
		 "Class Code, Subsystem Identifiers",
	  .needs = NEED_CONFIG | NEED_BARE_CONFIG,
	  .fault = "pci-ids-writable",
	  .run = ro_fields_kept },
	{ .id = "ids-match-identify",
	  .rule = "Identify Controller tells the vendor identifiers that the header tells.",
	  .ref = "Base 2.0 Identify Controller data structure (VID, SSVID)",
	  .needs = NEED_CONFIG | NEED_COMMAND,
	  .fault = "ssvid-differs",
	  .run = ids_match_identify },
};

SUITE(pci_header_suite, CONFORMANCE, "pci", cases);
