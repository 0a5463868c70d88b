// SPDX-License-Identifier: GPL-2.0-or-later
/* Every feature that can be changed, through every reset. */
#include "device.h"
#include "feat_table.h"

#define APST_LEN 256
#define NONE	 UINT32_MAX

/* `flip` makes another legal value of one, `select` is the part of Dword 11 that says which. */
static const struct field {
	const char *name;
	uint8_t fid;
	bool of_ns;
	uint32_t select, flip;
	size_t len; /* of the data beside it */
} fields[] = {
	{ "Arbitration", 0x01, false, 0, 0x1, 0 },
	{ "Power Management", 0x02, false, 0, 0x1, 0 },
	{ "Temperature Threshold, over", 0x04, false, 0, 0x1, 0 },
	{ "Temperature Threshold, under", 0x04, false, 1u << 20, 0x1, 0 },
	{ "Error Recovery", 0x05, true, 0, 0x1, 0 },
	{ "Volatile Write Cache", 0x06, false, 0, 0x1, 0 },
	{ "Interrupt Coalescing", 0x08, false, 0, 0x101, 0 },
	{ "Interrupt Vector Configuration of vector 1", 0x09, false, 1, 0x10000, 0 },
	{ "Write Atomicity Normal", 0x0a, false, 0, 0x1, 0 },
	{ "Asynchronous Event Configuration", 0x0b, false, 0, 0x1f, 0 },
	{ "Autonomous Power State Transition", 0x0c, false, 0, 0x1, APST_LEN },
};

#define FIELDS ARRAY_SIZE(fields)

static struct cpl ask(struct rig *r, const struct field *f, uint8_t sel, bool set, uint32_t value)
{
	uint32_t nsid = f->of_ns ? rig_ns(r)->nsid : 0;
	struct cmd c = set ? cmd_set_features(f->fid, false, nsid, value | f->select)
			   : cmd_get_features(f->fid, sel, nsid, f->select);

	if (f->len) {
		c.dir = set ? CMD_OUT : CMD_IN;
		c.data = rig_mem(r, f->len);
		c.data_len = f->len;
	}
	return rig_admin(r, c);
}

/* By the feature's own word; what a reset made of it, where there is no Select field. */
static uint32_t value_of_reset(struct rig *r, const struct field *f, uint32_t now)
{
	struct cpl caps, cpl;

	if (!feat_has_select(r))
		return now;
	caps = ask(r, f, SEL_CAPABILITIES, false, 0);
	if (caps.status != SC_SUCCESS)
		return now;
	if (f->of_ns && (caps.dw0 & CAP_SAVEABLE) && (rig_facts(r)->id.cmic & 1))
		return NONE; /* another controller may have saved it for all */
	cpl = ask(r, f, caps.dw0 & CAP_SAVEABLE ? SEL_SAVED : SEL_DEFAULT, false, 0);
	return cpl.status == SC_SUCCESS ? cpl.dw0 : now;
}

/* Gives it another value, unsaved; the one that it has to have afterwards, or NONE. */
static uint32_t change(struct rig *r, const struct field *f)
{
	struct cpl now = ask(r, f, SEL_CURRENT, false, 0);
	uint32_t want;

	if (now.status != SC_SUCCESS)
		return NONE;
	want = value_of_reset(r, f, now.dw0);
	if (want == NONE || ask(r, f, 0, true, want ^ f->flip).status != SC_SUCCESS)
		return NONE;
	return ask(r, f, SEL_CURRENT, false, 0).dw0 == want ? NONE : want;
}

static void over_resets(struct rig *r)
{
	const struct device_reset *row = rig_row(r);
	uint32_t want[FIELDS];
	unsigned changed = 0;

	rig_reset(r); /* what another host left unsaved is gone */
	for (size_t i = 0; i < FIELDS; i++) {
		want[i] = change(r, &fields[i]);
		changed += want[i] != NONE;
	}
	row->happens(r);
	for (size_t i = 0; i < FIELDS; i++)
		if (want[i] != NONE)
			CHECK_EQ(r, fields[i].name, ask(r, &fields[i], SEL_CURRENT, false, 0).dw0,
				 want[i]);
	rig_note(r, "%u of %zu features were changed before", changed, FIELDS);
	if (!changed)
		rig_na(r, "no feature can be changed");
}

static const struct rig_case cases[] = {
	{ .id = "over-resets",
	  .rule = "After any reset a feature has its saved value, or its default.",
	  .ref = "Base 2.2 Feature Values; Base 2.0 Set Features command; Base 2.2 Controller "
		 "Level Reset",
	  .needs = NEED_CTRL,
	  .harm = HARM_SETTINGS,
	  .fault = "unsaved-survives-reset unsaved-survives-flr unsaved-survives-power-loss "
		   "unsaved-tables-survive-reset",
	  .na = feat_na_no_ns,
	  .run = over_resets,
	  ROWS(device_resets) },
};

SUITE(feat_reset_suite, CONFORMANCE, "feat", cases);
