// SPDX-License-Identifier: GPL-2.0-or-later
#include "feat_table.h"

#include <string.h>

#define ONCS_SSFS (1u << 4)

const struct feat feat_table[FEAT_COUNT] = {
	{ "arbitration", 0x01 },	  { "temperature-threshold", 0x04 },
	{ "error-recovery", 0x05 },	  { "volatile-write-cache", 0x06 },
	{ "interrupt-coalescing", 0x08 }, { "write-atomicity", 0x0a },
	{ "async-event-config", 0x0b },
};

bool feat_has_select(struct rig *r)
{
	return le16_get(rig_facts(r)->id.oncs) & ONCS_SSFS;
}

uint32_t feat_nsid(struct rig *r, const struct feat *f)
{
	return feat_of_ns(f) ? rig_ns(r)->nsid : 0;
}

const char *feat_missing(const struct facts *f, uint8_t fid)
{
	bool irq = fid == NVME_FEAT_FID_IRQ_COALESCE || fid == NVME_FEAT_FID_IRQ_CONFIG;

	if (fid == NVME_FEAT_FID_VOLATILE_WC && !(f->id.vwc & 1))
		return "VWC bit 0 is 0: no volatile write cache";
	return irq && f->caps.fabrics ? "interrupts are of memory-based transports" : NULL;
}

static void need_there(struct rig *r, const struct feat *f)
{
	const char *no = feat_missing(rig_facts(r), f->fid);

	if (no)
		rig_na(r, "%s", no);
}

struct cpl feat_get(struct rig *r, const struct feat *f, enum feat_select sel)
{
	return rig_admin(r, cmd_get_features(f->fid, (uint8_t)sel, feat_nsid(r, f), 0));
}

struct cpl feat_set(struct rig *r, const struct feat *f, bool save, uint32_t value)
{
	need_there(r, f);
	return rig_admin(r, cmd_set_features(f->fid, save, feat_nsid(r, f), value));
}

uint32_t feat_capabilities(struct rig *r, const struct feat *f)
{
	struct cpl cpl;

	need_there(r, f);
	if (!feat_has_select(r))
		return CAP_CHANGEABLE;
	cpl = feat_get(r, f, SEL_CAPABILITIES);
	REQUIRE_STATUS(r, cpl, SC_SUCCESS);
	return cpl.dw0;
}

const char *feat_na_no_ns(const struct facts *f)
{
	return f->has_scratch ? NULL : "no active namespace of the NVM command set";
}

const char *feat_na_no_select(const struct facts *f)
{
	if (!(le16_get(f->id.oncs) & ONCS_SSFS))
		return "ONCS bit 4 is 0: no Select field";
	return feat_na_no_ns(f);
}

struct cpl feat_get_data(struct rig *r, uint8_t fid, uint32_t cdw11, void *data, size_t len)
{
	struct cmd c = cmd_get_features(fid, SEL_CURRENT, 0, cdw11);

	c.dir = CMD_IN;
	c.data = data;
	c.data_len = len;
	return rig_admin(r, c);
}

struct cpl feat_set_data(struct rig *r, uint8_t fid, uint32_t cdw11, const void *data, size_t len)
{
	struct cmd c = cmd_set_features(fid, false, 0, cdw11);

	c.dir = CMD_OUT;
	c.data = rig_mem(r, len);
	c.data_len = len;
	memcpy(c.data, data, len);
	return rig_admin(r, c);
}
