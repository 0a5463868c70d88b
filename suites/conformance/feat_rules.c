// SPDX-License-Identifier: GPL-2.0-or-later
/* What Get and Set Features promise of every feature. */
#include <stdio.h>

#include "device.h"
#include "feat_table.h"
#include "spec/command.h"
#include "spec/feature.h"

#define FIDS		   256u
#define FIRST_SEL_RESERVED 4u
#define SELECTS		   8u
#define DATA_BYTES	   4096u

/* Get with room for data, should the feature have some. */
static struct cpl get_any(struct rig *r, uint8_t fid, unsigned sel, uint32_t nsid, struct buf *b)
{
	struct cmd c = cmd_get_features(fid, (uint8_t)sel, nsid, 0);

	rig_prp(r, &c, b, 0, b->len);
	return rig_admin(r, c);
}

/* ---- mandatory-get ---- */

static const struct fid_row {
	const char *name;
	uint8_t fid;
	bool of_ns;
} mandatory[] = {
	{ "arbitration", 0x01, false },		  { "power-management", 0x02, false },
	{ "temperature-threshold", 0x04, false }, { "error-recovery", 0x05, true },
	{ "number-of-queues", 0x07, false },	  { "interrupt-coalescing", 0x08, false },
	{ "interrupt-vector", 0x09, false },	  { "write-atomicity", 0x0a, false },
	{ "async-event-config", 0x0b, false },
};

static void mandatory_get(struct rig *r)
{
	const struct fid_row *row = rig_row(r);
	uint32_t nsid = row->of_ns ? rig_ns(r)->nsid : 0;

	if (rig_facts(r)->caps.fabrics && spec_feature(row->fid)->pcie)
		rig_na(r, "a feature of PCIe controllers alone");
	rig_queue(r); /* the interrupt vector is one that is used */
	CHECK_STATUS(r, rig_admin(r, cmd_get_features(row->fid, SEL_CURRENT, nsid, 0)), SC_SUCCESS);
}

/* ---- sel-values ---- */

/* Every feature of the table that there is, by each Select value. */
static void select_defined(struct rig *r)
{
	struct buf *b = rig_buf(r, DATA_BYTES);

	for (size_t i = 0; i < FEAT_COUNT; i++) {
		const struct feat *f = &feat_table[i];
		uint32_t nsid = feat_nsid(r, f);
		char what[64];

		if (feat_missing(rig_facts(r), f->fid))
			continue;
		for (unsigned sel = 0; sel < FIRST_SEL_RESERVED; sel++) {
			snprintf(what, sizeof(what), "%s, Select %u: status", f->name, sel);
			CHECK_STATUS_OF(r, what, get_any(r, f->fid, sel, nsid, b), SC_SUCCESS);
		}
	}
}

/* What is set does not move the default. */
static void select_default(struct rig *r)
{
	for (size_t i = 0; i < FEAT_COUNT; i++) {
		const struct feat *f = &feat_table[i];
		uint32_t def, now;
		char what[96];

		if (feat_missing(rig_facts(r), f->fid) ||
		    !(feat_capabilities(r, f) & CAP_CHANGEABLE))
			continue;
		rig_keep_feature(r, f->fid, feat_nsid(r, f), 0);
		now = feat_get(r, f, SEL_CURRENT).dw0;
		def = feat_get(r, f, SEL_DEFAULT).dw0;
		REQUIRE_STATUS(r, feat_set(r, f, false, now ^ feat_spec(f)->flip), SC_SUCCESS);
		snprintf(what, sizeof(what), "%s: default value after the current one was set",
			 f->name);
		CHECK_EQ(r, what, feat_get(r, f, SEL_DEFAULT).dw0, def);
		REQUIRE_STATUS(r, feat_set(r, f, false, now), SC_SUCCESS);
		snprintf(what, sizeof(what), "%s: default value after it was set back", f->name);
		CHECK_EQ(r, what, feat_get(r, f, SEL_DEFAULT).dw0, def);
	}
}

static void select_reserved(struct rig *r)
{
	struct buf *b = rig_buf(r, DATA_BYTES);

	rig_ctrl(r);
	for (unsigned sel = FIRST_SEL_RESERVED; sel < SELECTS; sel++) {
		CHECK_STATUS(r, get_any(r, 0x01, sel, 0, b), SC_INVALID_FIELD);
		CHECK_STATUS(r, get_any(r, 0x07, sel, 0, b), SC_INVALID_FIELD);
	}
}

static const struct ask_row {
	const char *name;
	void (*ask)(struct rig *r);
} sel_rows[] = {
	{ "defined", select_defined },
	{ "default", select_default },
	{ "reserved", select_reserved },
};

/* What has no data goes without them, and what may have some with a buffer, filled in or not. */
static unsigned sel_needs(const void *row)
{
	return ((const struct ask_row *)row)->ask == select_default ? 0 : NEED_SQE;
}

static void run_row(struct rig *r)
{
	((const struct ask_row *)rig_row(r))->ask(r);
}

/* ---- caps-truth ---- */

/* Saved is what was saved before, so nothing but the current value moves, and that is put back. */
static void caps_truth(struct rig *r)
{
	const struct feat *f = rig_row(r);
	uint32_t caps = feat_capabilities(r, f), saved = feat_get(r, f, SEL_SAVED).dw0, now;
	struct cpl cpl;

	rig_keep_feature(r, f->fid, feat_nsid(r, f), 0);
	now = feat_get(r, f, SEL_CURRENT).dw0;
	CHECK_EQ(r, "capabilities bit 1, namespace specific", !!(caps & CAP_OF_NS), feat_of_ns(f));
	CHECK_EQ(r, "reserved bits of the capabilities", caps >> 3, 0);
	if (caps & CAP_CHANGEABLE)
		CHECK_STATUS(r, feat_set(r, f, false, now ^ feat_spec(f)->flip), SC_SUCCESS);
	else
		CHECK_STATUS(r, feat_set(r, f, false, now ^ feat_spec(f)->flip),
			     SC_FEATURE_NOT_CHANGEABLE);
	cpl = feat_set(r, f, true, saved);
	if (caps & CAP_SAVEABLE)
		CHECK_STATUS(r, cpl, SC_SUCCESS);
	else
		CHECK_STATUS(r, cpl, SC_FID_NOT_SAVEABLE, SC_FEATURE_NOT_CHANGEABLE);
}

/* ---- failed-set-no-change ---- */

static uint32_t illegal_power_state(struct rig *r)
{
	return rig_facts(r)->id.npss < 31 ? rig_facts(r)->id.npss + 1u : 0;
}

static uint32_t illegal_threshold(struct rig *r)
{
	(void)r;
	return 3u << 20 | 0x155; /* THSEL 11b is reserved */
}

static uint32_t illegal_count(struct rig *r)
{
	(void)r;
	return 0xffffffff;
}

static const struct illegal_row {
	const char *name;
	uint8_t fid;
	uint32_t (*value)(struct rig *r);
} illegal_rows[] = {
	{ "power-management", 0x02, illegal_power_state },
	{ "temperature-threshold", 0x04, illegal_threshold },
	{ "number-of-queues", 0x07, illegal_count },
};

static unsigned illegal_needs(const void *row)
{
	return spec_is_hosts(true, nvme_admin_set_features, ((const struct illegal_row *)row)->fid)
		       ? NEED_SQE
		       : 0;
}

static void failed_set_no_change(struct rig *r)
{
	const struct illegal_row *row = rig_row(r);
	unsigned selects = feat_has_select(r) ? SEL_CAPABILITIES : 1;
	uint32_t before[SEL_CAPABILITIES], value = row->value(r);
	struct cpl cpl;

	if (!value)
		rig_na(r, "every value is a legal one");
	for (unsigned sel = 0; sel < selects; sel++)
		before[sel] = rig_feature(r, row->fid, (uint8_t)sel, 0, 0).dw0;
	if (row->fid != 0x07)
		rig_keep_feature(r, row->fid, 0, 0);
	cpl = rig_admin(r, cmd_set_features(row->fid, false, 0, value));
	if (cpl.status == SC_SUCCESS)
		rig_na(r, "the value %08Xh is accepted: for another case to judge", value);
	for (unsigned sel = 0; sel < selects; sel++)
		CHECK_EQ(r, "value (current, default, saved in turn) after the failed Set",
			 rig_admin(r, cmd_get_features(row->fid, (uint8_t)sel, 0, 0)).dw0,
			 before[sel]);
}

/* ---- not-changeable ---- */

static void not_changeable(struct rig *r)
{
	struct buf *b = rig_buf(r, DATA_BYTES);
	unsigned asked = 0;
	char what[48];

	rig_ctrl(r);
	for (unsigned fid = 1; fid < FIDS; fid++) {
		struct cpl cpl = get_any(r, (uint8_t)fid, SEL_CAPABILITIES, 0, b), now;

		if (cpl.status != SC_SUCCESS || cpl.dw0 & CAP_CHANGEABLE)
			continue;
		now = get_any(r, (uint8_t)fid, SEL_CURRENT, 0, b);
		if (now.status != SC_SUCCESS)
			continue;
		snprintf(what, sizeof(what), "Set Features of feature %02Xh: status", fid);
		/* the value it has: where it is taken all the same, nothing is lost */
		CHECK_STATUS_OF(r, what,
				rig_admin(r, cmd_set_features((uint8_t)fid, false, 0, now.dw0)),
				SC_FEATURE_NOT_CHANGEABLE);
		asked++;
	}
	if (!asked)
		rig_na(r, "the capabilities of every feature say that it can be changed");
}

/* ---- save-persists ---- */

struct saved {
	struct rig *r;
	const struct feat *f;
	uint32_t nsid, value;
};

static void save_back(void *arg)
{
	struct saved *s = arg;
	struct cmd c = cmd_set_features(s->f->fid, true, s->nsid, s->value);
	struct ctrl *ctrl = rig_ctrl(s->r);
	struct cpl cpl;

	if (ctrl->enabled)
		ctrl_admin(ctrl, &c, &cpl);
}

static void check_saved(struct rig *r, const struct feat *f, uint32_t want, const char *current,
			const char *saved)
{
	CHECK_EQ(r, current, feat_get(r, f, SEL_CURRENT).dw0, want);
	CHECK_EQ(r, saved, feat_get(r, f, SEL_SAVED).dw0, want);
}

static void save_persists(struct rig *r)
{
	const struct feat *f = rig_row(r);
	struct saved *s = rig_mem(r, sizeof(*s));
	uint32_t want;

	if (!(feat_capabilities(r, f) & CAP_SAVEABLE))
		rig_na(r, "the capabilities of this feature say that it cannot be saved");
	*s = (struct saved){ r, f, feat_nsid(r, f), feat_get(r, f, SEL_SAVED).dw0 };
	rig_defer(r, save_back, s);
	want = s->value ^ feat_spec(f)->flip;
	REQUIRE_STATUS(r, feat_set(r, f, true, want), SC_SUCCESS);
	check_saved(r, f, want, "current value after Set with SV", "saved value after it");
	rig_reset(r);
	check_saved(r, f, want, "current value after a Controller Reset", "saved value after it");
	if (!(rig_target(r)->caps.has & NEED_RESTART))
		return;
	device_power_cycle(r);
	check_saved(r, f, want, "current value after a power cycle", "saved value after it");
}

/* ---- nsid-rules ---- */

#define FID_ERROR_RECOVERY 0x05

static struct cpl set_same(struct rig *r, uint8_t fid, uint32_t nsid, uint32_t of_nsid)
{
	struct cpl now = rig_feature(r, fid, SEL_CURRENT, of_nsid, 0);

	return rig_admin(r, cmd_set_features(fid, false, nsid, now.dw0));
}

/* The feature need not be changeable; then either answer is one fault of two. */
static void nsid_of_controller_feature(struct rig *r)
{
	CHECK_STATUS(r, set_same(r, 0x0b, rig_ns(r)->nsid, 0), SC_FEATURE_NOT_PER_NS);
	CHECK_STATUS(r, set_same(r, 0x04, rig_ns(r)->nsid, 0), SC_FEATURE_NOT_PER_NS);
}

static void nsid_invalid(struct rig *r)
{
	uint32_t nsid = rig_facts(r)->nn + 1, own = rig_ns(r)->nsid;

	if (!nsid || nsid == NSID_ALL)
		rig_na(r, "NN is %u: no NSID is past it", rig_facts(r)->nn);
	CHECK_STATUS(r, set_same(r, FID_ERROR_RECOVERY, nsid, own), SC_INVALID_NS);
	CHECK_STATUS(r, rig_admin(r, cmd_get_features(FID_ERROR_RECOVERY, SEL_CURRENT, nsid, 0)),
		     SC_INVALID_NS);
}

static void nsid_inactive(struct rig *r)
{
	uint32_t nsid = rig_facts(r)->inactive_nsid, own = rig_ns(r)->nsid;

	if (!nsid)
		rig_na(r, "every valid NSID is active");
	CHECK_STATUS(r, set_same(r, FID_ERROR_RECOVERY, nsid, own), SC_INVALID_FIELD);
	CHECK_STATUS(r, rig_admin(r, cmd_get_features(FID_ERROR_RECOVERY, SEL_CURRENT, nsid, 0)),
		     SC_INVALID_FIELD);
}

/* Set for all is set for each. */
static void nsid_broadcast(struct rig *r)
{
	const struct facts *f = rig_facts(r);
	uint32_t want, got;

	want = rig_feature(r, FID_ERROR_RECOVERY, 0, rig_ns(r)->nsid, 0).dw0 ^ 1;
	for (unsigned i = 0; i < f->n_ns; i++)
		if (!f->ns[i].csi)
			rig_keep_feature(r, FID_ERROR_RECOVERY, f->ns[i].nsid, 0);
	REQUIRE_STATUS(r, rig_admin(r, cmd_set_features(FID_ERROR_RECOVERY, false, NSID_ALL, want)),
		       SC_SUCCESS);
	for (unsigned i = 0; i < f->n_ns; i++) {
		if (f->ns[i].csi)
			continue;
		got = rig_admin_ok(r, cmd_get_features(FID_ERROR_RECOVERY, 0, f->ns[i].nsid, 0))
			      .dw0;
		CHECK_TRUE(r, got == want, "NSID %u has the value %08Xh that all were given: %08Xh",
			   f->ns[i].nsid, want, got);
	}
}

static const struct ask_row nsid_rows[] = {
	{ "controller-feature", nsid_of_controller_feature },
	{ "invalid", nsid_invalid },
	{ "inactive", nsid_inactive },
	{ "broadcast", nsid_broadcast },
};

/* ---- reserved-bits ---- */

static void reserved_bits(struct rig *r)
{
	const struct feat *f = rig_row(r);
	uint32_t was;
	struct cpl cpl;

	if (!(feat_capabilities(r, f) & CAP_CHANGEABLE))
		rig_na(r, "the capabilities of this feature say that it cannot be changed");
	rig_keep_feature(r, f->fid, feat_nsid(r, f), 0);
	was = feat_get(r, f, SEL_CURRENT).dw0;
	cpl = feat_set(r, f, false, was | spec_feature_reserved(feat_spec(f)));
	CHECK_STATUS(r, cpl, SC_SUCCESS, SC_INVALID_FIELD);
	CHECK_EQ(r, "current value after Set with reserved bits",
		 feat_get(r, f, SEL_CURRENT).dw0 & ~was, 0);
	feat_set(r, f, false, was);
}

static const struct rig_case cases[] = {
	{ .id = "mandatory-get",
	  .rule = "Every feature that an I/O controller must have can be got.",
	  .ref = "Base 2.0 Feature Identifiers; Base 2.2 Feature Support Requirements; NVM CS 1.0 "
		 "Features Support",
	  .needs = NEED_COMMAND,
	  .fault = "feature-mandatory-missing",
	  .na = feat_na_no_ns,
	  .run = mandatory_get,
	  ROWS(mandatory) },
	{ .id = "sel-values",
	  .rule = "Current, default, saved value and capabilities are told; other selections not.",
	  .ref = "Base 2.0 Get Features command; Base 2.1 Get Features, Select field",
	  .needs = NEED_COMMAND,
	  .harm = HARM_SETTINGS,
	  .fault = "select-reserved-accepted select-default-moves",
	  .na = feat_na_no_select,
	  .row_needs = sel_needs,
	  .run = run_row,
	  ROWS(sel_rows) },
	{ .id = "caps-truth",
	  .rule = "What the capabilities of a feature say is what Set Features does.",
	  .ref = "Base 2.0 Get Features command; Base 2.0 Set Features command",
	  .needs = NEED_COMMAND,
	  .harm = HARM_SETTINGS,
	  .fault = "caps-saveable-hidden",
	  .na = feat_na_no_select,
	  .run = caps_truth,
	  ROWS(feat_table) },
	{ .id = "failed-set-no-change",
	  .rule = "A Set Features that fails leaves every value as it was.",
	  .ref = "Base 2.0 Set Features command",
	  .needs = NEED_COMMAND,
	  .harm = HARM_SETTINGS,
	  .fault = "feature-failed-set-stores",
	  .row_needs = illegal_needs,
	  .run = failed_set_no_change,
	  ROWS(illegal_rows) },
	{ .id = "not-changeable",
	  .rule = "A feature whose capabilities say that it is fixed is not to be set.",
	  .ref = "Base 2.0 Set Features command; Base 2.1 Set Features Command Completion",
	  .needs = NEED_CTRL,
	  .harm = HARM_SETTINGS,
	  .fault = "not-changeable-accepted",
	  .na = feat_na_no_select,
	  .run = not_changeable },
	{ .id = "save-persists",
	  .rule = "A saved value is the current one after a reset, and after a power cycle.",
	  .ref = "Base 2.0 Feature Values",
	  .needs = NEED_CTRL,
	  .harm = HARM_DATA,
	  .fault = "saved-lost-at-reset",
	  .na = feat_na_no_select,
	  .run = save_persists,
	  ROWS(feat_table) },
	{ .id = "nsid-rules",
	  .rule = "A feature is set for what it belongs to: the controller, a namespace, or all.",
	  .ref = "Base 2.0 Set Features command; Base 2.1 Set Features Command Completion",
	  .needs = NEED_COMMAND,
	  .harm = HARM_SETTINGS,
	  .fault = "feature-nsid-ignored feature-broadcast-first-only",
	  .na = feat_na_no_ns,
	  .run = run_row,
	  ROWS(nsid_rows) },
	{ .id = "reserved-bits",
	  .rule = "Reserved bits of a feature are not stored and returned.",
	  .ref = "Base 2.0 Set Features command",
	  .needs = NEED_COMMAND,
	  .harm = HARM_SETTINGS,
	  .level = SHOULD,
	  .fault = "feature-reserved-stored",
	  .na = feat_na_no_ns,
	  .run = reserved_bits,
	  ROWS(feat_table) },
};

SUITE(feat_rules_suite, CONFORMANCE, "feat", cases);
