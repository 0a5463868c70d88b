// SPDX-License-Identifier: GPL-2.0-or-later
#include "kit/kit.h"

#define SEL_CURRENT	 0
#define SEL_CAPABILITIES 3
#define CAP_SAVEABLE	 1u
#define CAP_CHANGEABLE	 4u
#define ONCS_SSFS	 (1u << 4)

static bool has_select(struct rig *r)
{
	return le16_get(rig_facts(r)->id.oncs) & ONCS_SSFS;
}

/* ---- reserved-fid ---- */

static const struct fid_row {
	const char *name;
	uint8_t fid;
} reserved_fids[] = { { "00h", 0x00 }, { "60h", 0x60 }, { "77h", 0x77 } };

static void reserved_fid(struct rig *r)
{
	const struct fid_row *row = rig_row(r);

	CHECK_STATUS(r, rig_admin(r, cmd_get_features(row->fid, SEL_CURRENT, 0, 0)),
		     SC_INVALID_FIELD);
	CHECK_STATUS(r, rig_admin(r, cmd_set_features(row->fid, false, 0, 0)), SC_INVALID_FIELD);
}

/* ---- features that can be set to another legal value and back ---- */

static const struct feature {
	const char *name;
	uint8_t fid;
	bool of_ns;
	uint32_t flip;	/* bits of Dword 11 that make another legal value */
	bool needs_vwc; /* the feature exists only with a volatile write cache */
} features[] = {
	{ "arbitration", 0x01, false, 0x1, false },
	{ "temperature-threshold", 0x04, false, 0x1, false },
	{ "error-recovery", 0x05, true, 0x1, false },
	{ "volatile-write-cache", 0x06, false, 0x1, true },
	{ "interrupt-coalescing", 0x08, false, 0x101, false },
	{ "write-atomicity", 0x0a, false, 0x1, false },
	{ "async-event-config", 0x0b, false, 0x1, false },
};

static uint32_t nsid_of(struct rig *r, const struct feature *f)
{
	return f->of_ns ? rig_ns(r)->nsid : 0;
}

static struct cpl get(struct rig *r, const struct feature *f, uint8_t sel)
{
	return rig_admin(r, cmd_get_features(f->fid, sel, nsid_of(r, f), 0));
}

static struct cpl set(struct rig *r, const struct feature *f, bool save, uint32_t value)
{
	return rig_admin(r, cmd_set_features(f->fid, save, nsid_of(r, f), value));
}

/* Capabilities by Select 3; without that, changeable and not saveable is all there can be. */
static uint32_t capabilities(struct rig *r, const struct feature *f)
{
	struct cpl cpl;

	if (f->needs_vwc && !(rig_facts(r)->id.vwc & 1))
		rig_na(r, "VWC bit 0 is 0: no volatile write cache");
	if (!has_select(r))
		return CAP_CHANGEABLE;
	cpl = get(r, f, SEL_CAPABILITIES);
	REQUIRE_STATUS(r, cpl, SC_SUCCESS);
	return cpl.dw0;
}

/* Current values of all of the table; those a controller lacks stay as they are. */
static void snapshot(struct rig *r, uint32_t value[ARRAY_SIZE(features)])
{
	for (size_t i = 0; i < ARRAY_SIZE(features); i++) {
		struct cpl cpl = get(r, &features[i], SEL_CURRENT);

		value[i] = cpl.status == SC_SUCCESS ? cpl.dw0 : 0;
	}
}

static void check_others(struct rig *r, const struct feature *f,
			 const uint32_t before[ARRAY_SIZE(features)])
{
	uint32_t now[ARRAY_SIZE(features)];

	snapshot(r, now);
	for (size_t i = 0; i < ARRAY_SIZE(features); i++)
		if (features[i].fid != f->fid)
			CHECK_TRUE(r, now[i] == before[i],
				   "%s stays %08Xh while %s is set; it is %08Xh", features[i].name,
				   before[i], f->name, now[i]);
}

static void set_get(struct rig *r)
{
	const struct feature *f = rig_row(r);
	uint32_t before[ARRAY_SIZE(features)], was, want;

	if (!(capabilities(r, f) & CAP_CHANGEABLE))
		rig_na(r, "the capabilities of this feature say that it cannot be changed");
	snapshot(r, before);
	rig_keep_feature(r, f->fid, nsid_of(r, f), 0);
	was = get(r, f, SEL_CURRENT).dw0;
	want = was ^ f->flip;
	REQUIRE_STATUS(r, set(r, f, false, want), SC_SUCCESS);
	CHECK_EQ(r, "current value after Set", get(r, f, SEL_CURRENT).dw0, want);
	check_others(r, f, before);
	REQUIRE_STATUS(r, set(r, f, false, was), SC_SUCCESS);
	CHECK_EQ(r, "current value after setting it back", get(r, f, SEL_CURRENT).dw0, was);
}

static void save_refused(struct rig *r)
{
	const struct feature *f = rig_row(r);
	uint32_t was;
	struct cpl cpl;

	if (capabilities(r, f) & CAP_SAVEABLE)
		rig_na(r, "the capabilities of this feature say that it can be saved");
	rig_keep_feature(r, f->fid, nsid_of(r, f), 0);
	was = get(r, f, SEL_CURRENT).dw0;
	cpl = set(r, f, true, was ^ f->flip);
	if (has_select(r))
		CHECK_STATUS(r, cpl, SC_FID_NOT_SAVEABLE);
	else
		CHECK_STATUS(r, cpl, SC_FID_NOT_SAVEABLE, SC_INVALID_FIELD);
	CHECK_EQ(r, "current value after the refused Set", get(r, f, SEL_CURRENT).dw0, was);
}

static const char *na_no_ns(const struct facts *f)
{
	return f->has_scratch ? NULL : "no active namespace of the NVM command set";
}

static const struct rig_case cases[] = {
	{ .id = "reserved-fid",
	  .rule = "Get and Set Features of a reserved identifier are refused.",
	  .ref = "Base 2.0 Set Features command; Base 2.0 Get Features command; Base 2.0 Feature "
		 "Identifiers",
	  .needs = NEED_QUEUES,
	  .harm = HARM_SETTINGS,
	  .fault = "feature-reserved-accepted",
	  .run = reserved_fid,
	  ROWS(reserved_fids) },
	{ .id = "set-get",
	  .rule = "What is set is what is got, and no other feature moves.",
	  .ref = "Base 2.0 Feature Values; Base 2.2 Feature Values; Base 2.0 Set Features command",
	  .needs = NEED_QUEUES,
	  .harm = HARM_SETTINGS,
	  .fault = "feature-set-lost feature-set-moves-other",
	  .na = na_no_ns,
	  .run = set_get,
	  ROWS(features) },
	{ .id = "save-refused",
	  .rule = "Saving a feature that cannot be saved is refused and changes nothing.",
	  .ref = "Base 2.0 Set Features command; Base 2.1 Set Features Command Completion (Feature "
		 "Identifier Not Saveable)",
	  .needs = NEED_QUEUES,
	  .harm = HARM_SETTINGS,
	  .fault = "feature-save-accepted feature-save-refused-stores",
	  .na = na_no_ns,
	  .run = save_refused,
	  ROWS(features) },
};

SUITE(feat_suite, CONFORMANCE, "feat", cases);
