// SPDX-License-Identifier: GPL-2.0-or-later
/* Features over a reset. */
#include "kit/kit.h"

/* ---- features-default ---- */

#define CAP_SAVEABLE 1u
#define SEL_CURRENT  0
#define SEL_DEFAULT  1
#define SEL_SAVED    2
#define SEL_SUPPORT  3
#define ONCS_SSFS    (1u << 4)
#define CMIC_PORTS   1u

/* Features that do not persist over a reset; `flip` turns one legal value into another. */
static const struct feature_row {
	const char *name;
	uint8_t fid;
	bool of_ns;
	uint32_t select, flip;
} features[] = {
	{ "arbitration", NVME_FEAT_FID_ARBITRATION, false, 0, 0x00000001 },
	{ "power-management", NVME_FEAT_FID_POWER_MGMT, false, 0, 0x00000001 },
	{ "over-temperature", NVME_FEAT_FID_TEMP_THRESH, false, 0, 0x00000001 },
	{ "under-temperature", NVME_FEAT_FID_TEMP_THRESH, false, 1u << 20, 0x00000001 },
	{ "error-recovery", NVME_FEAT_FID_ERR_RECOVERY, true, 0, 0x00000001 },
	{ "write-cache", NVME_FEAT_FID_VOLATILE_WC, false, 0, 0x00000001 },
	{ "coalescing", NVME_FEAT_FID_IRQ_COALESCE, false, 0, 0x00000101 },
	{ "write-atomicity", NVME_FEAT_FID_WRITE_ATOMIC, false, 0, 0x00000001 },
	{ "async-events", NVME_FEAT_FID_ASYNC_EVENT, false, 0, 0x00000001 },
};

static uint32_t feature_nsid(struct rig *r, const struct feature_row *row)
{
	return row->of_ns ? rig_ns(r)->nsid : 0;
}

static struct cpl get_feature(struct rig *r, const struct feature_row *row, uint8_t sel)
{
	return rig_admin(r, cmd_get_features(row->fid, sel, feature_nsid(r, row), row->select));
}

/* Sets, unsaved, another value than this one; leaves where the feature cannot be set. */
static uint32_t set_other(struct rig *r, const struct feature_row *row, uint32_t than)
{
	uint32_t other = (than ^ row->flip) | row->select;
	char text[STATUS_TEXT];
	struct cpl cpl;

	rig_keep_feature(r, row->fid, feature_nsid(r, row), row->select);
	cpl = rig_admin(r, cmd_set_features(row->fid, false, feature_nsid(r, row), other));
	if (cpl.status != SC_SUCCESS)
		rig_na(r, "the feature cannot be set to %08Xh: %s", other,
		       status_text(cpl.status, text));
	cpl = get_feature(r, row, SEL_CURRENT);
	REQUIRE_STATUS(r, cpl, SC_SUCCESS);
	if (cpl.dw0 == than)
		rig_na(r, "the feature stays %08Xh when set to %08Xh", than, other);
	return cpl.dw0;
}

/* What must be current after a reset, by the feature's own word; what it was, where it has none. */
static uint32_t value_after_reset(struct rig *r, const struct feature_row *row, uint32_t was)
{
	struct cpl support, cpl;

	if (!(le16_get(rig_facts(r)->id.oncs) & ONCS_SSFS))
		return was;
	support = get_feature(r, row, SEL_SUPPORT);
	if (support.status != SC_SUCCESS)
		return was;
	cpl = get_feature(r, row, support.dw0 & CAP_SAVEABLE ? SEL_SAVED : SEL_DEFAULT);
	REQUIRE_STATUS(r, cpl, SC_SUCCESS);
	if (row->of_ns && (support.dw0 & CAP_SAVEABLE) && (rig_facts(r)->id.cmic & CMIC_PORTS))
		rig_na(r, "of namespace scope, saveable, and CMIC %02Xh claims several ports",
		       rig_facts(r)->id.cmic);
	return cpl.dw0;
}

static void features_default(struct rig *r)
{
	const struct feature_row *row = rig_row(r);
	struct cpl cpl;
	uint32_t want;

	rig_reset(r); /* what another host left unsaved is gone */
	cpl = get_feature(r, row, SEL_CURRENT);
	if (cpl.status != SC_SUCCESS)
		rig_na(r, "Get Features of %02Xh fails with %03Xh", row->fid, cpl.status);
	want = value_after_reset(r, row, cpl.dw0);
	CHECK_EQ(r, "value after the first reset", cpl.dw0, want);
	rig_note(r, "set to %08Xh before the reset", set_other(r, row, want));
	rig_reset(r);
	cpl = get_feature(r, row, SEL_CURRENT);
	CHECK_STATUS(r, cpl, SC_SUCCESS);
	CHECK_EQ(r, "value after the reset (want the saved or default one)", cpl.dw0, want);
}

static const struct rig_case cases[] = {
	{ .id = "features-default",
	  .rule = "A reset makes the saved value of a feature current, or its default.",
	  .ref = "Base 2.2 Feature Values; Base 2.1 Set Features command; NVM CS 1.0 Get Features "
		 "& "
		 "Set Features commands",
	  .needs = NEED_QUEUES,
	  .harm = HARM_SETTINGS,
	  .fault = "unsaved-survives-reset",
	  .run = features_default,
	  ROWS(features) },
};

SUITE(life_feature_suite, CONFORMANCE, "life", cases);
