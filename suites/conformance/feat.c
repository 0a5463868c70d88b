// SPDX-License-Identifier: GPL-2.0-or-later
#include "feat_table.h"

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

/* ---- set-get, save-refused ---- */

/* Current values of all of the table; those a controller lacks stay as they are. */
static void snapshot(struct rig *r, uint32_t value[FEAT_COUNT])
{
	for (size_t i = 0; i < FEAT_COUNT; i++) {
		struct cpl cpl = feat_get(r, &feat_table[i], SEL_CURRENT);

		value[i] = cpl.status == SC_SUCCESS ? cpl.dw0 : 0;
	}
}

static void check_others(struct rig *r, const struct feat *f, const uint32_t before[FEAT_COUNT])
{
	uint32_t now[FEAT_COUNT];

	snapshot(r, now);
	for (size_t i = 0; i < FEAT_COUNT; i++)
		if (feat_table[i].fid != f->fid)
			CHECK_TRUE(r, now[i] == before[i],
				   "%s stays %08Xh while %s is set; it is %08Xh",
				   feat_table[i].name, before[i], f->name, now[i]);
}

static void set_get(struct rig *r)
{
	const struct feat *f = rig_row(r);
	uint32_t before[FEAT_COUNT], was, want;

	if (!(feat_capabilities(r, f) & CAP_CHANGEABLE))
		rig_na(r, "the capabilities of this feature say that it cannot be changed");
	snapshot(r, before);
	rig_keep_feature(r, f->fid, feat_nsid(r, f), 0);
	was = feat_get(r, f, SEL_CURRENT).dw0;
	want = was ^ feat_spec(f)->flip;
	REQUIRE_STATUS(r, feat_set(r, f, false, want), SC_SUCCESS);
	CHECK_EQ(r, "current value after Set", feat_get(r, f, SEL_CURRENT).dw0, want);
	check_others(r, f, before);
	REQUIRE_STATUS(r, feat_set(r, f, false, was), SC_SUCCESS);
	CHECK_EQ(r, "current value after setting it back", feat_get(r, f, SEL_CURRENT).dw0, was);
}

static void save_refused(struct rig *r)
{
	const struct feat *f = rig_row(r);
	uint32_t was;
	struct cpl cpl;

	if (feat_capabilities(r, f) & CAP_SAVEABLE)
		rig_na(r, "the capabilities of this feature say that it can be saved");
	rig_keep_feature(r, f->fid, feat_nsid(r, f), 0);
	was = feat_get(r, f, SEL_CURRENT).dw0;
	cpl = feat_set(r, f, true, was ^ feat_spec(f)->flip);
	if (feat_has_select(r))
		CHECK_STATUS(r, cpl, SC_FID_NOT_SAVEABLE);
	else
		CHECK_STATUS(r, cpl, SC_FID_NOT_SAVEABLE, SC_INVALID_FIELD);
	CHECK_EQ(r, "current value after the refused Set", feat_get(r, f, SEL_CURRENT).dw0, was);
}

static const struct rig_case cases[] = {
	{ .id = "reserved-fid",
	  .rule = "Get and Set Features of a reserved identifier are refused.",
	  .ref = "Base 2.0 Set Features command; Base 2.0 Get Features command; Base 2.0 Feature "
		 "Identifiers",
	  .needs = NEED_COMMAND,
	  .harm = HARM_SETTINGS,
	  .fault = "feature-reserved-accepted",
	  .run = reserved_fid,
	  ROWS(reserved_fids) },
	{ .id = "set-get",
	  .rule = "What is set is what is got, and no other feature moves.",
	  .ref = "Base 2.0 Feature Values; Base 2.2 Feature Values; Base 2.0 Set Features command",
	  .needs = NEED_COMMAND,
	  .harm = HARM_SETTINGS,
	  .fault = "feature-set-lost feature-set-moves-other",
	  .na = feat_na_no_ns,
	  .run = set_get,
	  ROWS(feat_table) },
	{ .id = "save-refused",
	  .rule = "Saving a feature that cannot be saved is refused and changes nothing.",
	  .ref = "Base 2.0 Set Features command; Base 2.1 Set Features Command Completion (Feature "
		 "Identifier Not Saveable)",
	  .needs = NEED_COMMAND,
	  .harm = HARM_SETTINGS,
	  .fault = "feature-save-accepted feature-save-refused-stores",
	  .na = feat_na_no_ns,
	  .run = save_refused,
	  ROWS(feat_table) },
};

SUITE(feat_suite, CONFORMANCE, "feat", cases);
