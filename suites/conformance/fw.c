// SPDX-License-Identifier: GPL-2.0-or-later
/* Firmware: what is refused of images, slots and actions, and that the slots stay as they are. */
#include "firmware.h"

#include <string.h>

/* ---- download-align ---- */

static const struct piece_row {
	const char *name;
	bool at_unit;	     /* the offset: a unit of FWUG, or a dword */
	uint32_t units, odd; /* the length: so many units, and so many bytes more */
} pieces[] = {
	{ "one-unit", true, 1, 0 },	  { "one-dword", true, 0, 4 },
	{ "unit-and-dword", true, 1, 4 }, { "dword-less", true, 1, (uint32_t)-4 },
	{ "odd-offset", false, 1, 0 },	  { "half-a-unit", true, 0, 2048 },
};

static const char *na_align(const struct facts *f)
{
	if (fw_na(f))
		return fw_na(f);
	return f->id.fwug && f->id.fwug != 0xff ? NULL : "FWUG is 0 or FFh: any piece will do";
}

static void download_align(struct rig *r)
{
	const struct piece_row *row = rig_row(r);
	const struct fw_state *was = fw_look(r);
	uint32_t unit = fw_piece(r), bytes = row->units * unit + row->odd;

	if (bytes > rig_mdts(r))
		rig_na(r, "a piece of %u bytes is above MDTS", bytes);
	ADVISE_STATUS(r, fw_download(r, row->at_unit ? unit : 4, bytes), SC_INVALID_FIELD,
		      SC_SUCCESS, SC_OVERLAPPING_RANGE);
	fw_check_same(r, was);
	rig_reset(r); /* and whatever was taken is gone */
	fw_check_same(r, was);
}

/* ---- download-overlap ---- */

/* Two pieces, places and lengths in units of FWUG, that make no image together. */
static const struct pair_row {
	const char *name;
	uint8_t at[2], units[2];
	bool overlaps;
} pairs[] = {
	{ "same-piece-twice", { 0, 0 }, { 1, 1 }, true },
	{ "last-unit-again", { 0, 1 }, { 2, 1 }, true },
	{ "first-unit-again", { 1, 0 }, { 1, 2 }, true },
	{ "gap", { 0, 2 }, { 1, 1 }, false },
	{ "no-beginning", { 1, 2 }, { 1, 1 }, false },
};

static void download_overlap(struct rig *r)
{
	const struct pair_row *row = rig_row(r);
	const struct fw_state *was = fw_look(r);
	unsigned slot = fw_spare_slot(r, was);
	uint32_t unit = fw_piece(r);

	for (unsigned i = 0; i < 2; i++) {
		if (row->units[i] * unit > rig_mdts(r))
			rig_na(r, "pieces of %u bytes are above MDTS", row->units[i] * unit);
		CHECK_STATUS(r, fw_download(r, (uint64_t)row->at[i] * unit, row->units[i] * unit),
			     SC_SUCCESS, SC_OVERLAPPING_RANGE, SC_INVALID_FIELD);
	}
	if (row->overlaps)
		CHECK_STATUS(r, fw_commit(r, slot, FW_REPLACE), SC_OVERLAPPING_RANGE,
			     SC_FW_IMAGE_INVALID);
	else
		CHECK_STATUS(r, fw_commit(r, slot, FW_REPLACE), SC_FW_IMAGE_INVALID,
			     SC_OVERLAPPING_RANGE);
	fw_check_same(r, was);
}

/* ---- commit-bad-slot ---- */

/* What activates is asked of emulated devices alone: one that does not refuse would do it. */
static void need_emulated(struct rig *r)
{
	if (!rig_facts(r)->caps.emulated)
		rig_skip(r, "needs", "an emulated target: a drive that does not refuse activates");
}

static const struct slot_row {
	const char *name;
	unsigned action;
	bool past; /* slot 7, where there are fewer; else slot 1, which is read-only */
} bad_slots[] = {
	{ "replace-past-the-last", FW_REPLACE, true },
	{ "activate-at-reset-past-the-last", FW_REPLACE_AND_ACTIVATE, true },
	{ "activate-past-the-last", FW_ACTIVATE, true },
	{ "activate-now-past-the-last", FW_ACTIVATE_NOW, true },
	{ "replace-read-only", FW_REPLACE, false },
	{ "activate-at-reset-read-only", FW_REPLACE_AND_ACTIVATE, false },
	{ "activate-now-read-only", FW_ACTIVATE_NOW, false },
};

static void commit_bad_slot(struct rig *r)
{
	const struct slot_row *row = rig_row(r);
	const struct fw_state *was = fw_look(r);

	if (row->action != FW_REPLACE)
		need_emulated(r);
	if (row->past && was->slots == 7)
		rig_na(r, "FRMW counts 7 slots: every number is one of a slot");
	if (!row->past && !was->first_ro)
		rig_na(r, "FRMW bit 0 is 0: slot 1 can be written");
	if (row->action == FW_ACTIVATE) {
		CHECK_STATUS(r, fw_commit(r, 7, row->action), SC_FW_SLOT_INVALID);
	} else {
		REQUIRE_STATUS(r, fw_download(r, 0, fw_piece(r)), SC_SUCCESS);
		CHECK_STATUS(r, fw_commit(r, row->past ? 7 : 1, row->action), SC_FW_SLOT_INVALID,
			     SC_FW_IMAGE_INVALID);
	}
	fw_check_same(r, was);
}

/* ---- commit-bad-image ---- */

static void noise(struct rig *r, const struct fw_state *s)
{
	unsigned slot = fw_spare_slot(r, s);

	REQUIRE_STATUS(r, fw_download(r, 0, fw_piece(r)), SC_SUCCESS);
	CHECK_STATUS(r, fw_commit(r, slot, FW_REPLACE), SC_FW_IMAGE_INVALID);
}

/* The controller chooses the slot, and so it is no wrong one. */
static void noise_slot_zero(struct rig *r, const struct fw_state *s)
{
	fw_spare_slot(r, s);
	REQUIRE_STATUS(r, fw_download(r, 0, fw_piece(r)), SC_SUCCESS);
	CHECK_STATUS(r, fw_commit(r, 0, FW_REPLACE), SC_FW_IMAGE_INVALID);
}

static void nothing(struct rig *r, const struct fw_state *s)
{
	unsigned slot = fw_spare_slot(r, s);

	rig_reset(r); /* what was downloaded before is discarded */
	CHECK_STATUS(r, fw_commit(r, slot, FW_REPLACE), SC_FW_IMAGE_INVALID, SC_SEQUENCE_ERROR);
}

/* After a commit, refused as well, there is no image any more. */
static void twice(struct rig *r, const struct fw_state *s)
{
	noise(r, s);
	CHECK_STATUS(r, fw_commit(r, fw_spare_slot(r, s), FW_REPLACE), SC_FW_IMAGE_INVALID,
		     SC_SEQUENCE_ERROR);
}

static void empty_slot(struct rig *r, const struct fw_state *s)
{
	static const char none[8];

	need_emulated(r);
	for (unsigned i = 1; i <= s->slots; i++) {
		if (memcmp(s->log.frs[i - 1], none, sizeof(none)) || i == s->active)
			continue;
		CHECK_STATUS(r, fw_commit(r, i, FW_ACTIVATE), SC_FW_IMAGE_INVALID,
			     SC_FW_SLOT_INVALID);
		return;
	}
	rig_na(r, "every slot has an image");
}

static const struct image_row {
	const char *name;
	void (*ask)(struct rig *r, const struct fw_state *s);
} bad_images[] = {
	{ "noise", noise },
	{ "noise-slot-zero", noise_slot_zero },
	{ "nothing-downloaded", nothing },
	{ "noise-twice", twice },
	{ "empty-slot", empty_slot },
};

static void commit_bad_image(struct rig *r)
{
	const struct image_row *row = rig_row(r);
	const struct fw_state *was = fw_look(r);

	row->ask(r, was);
	fw_check_same(r, was);
	rig_reset(r);
	fw_check_same(r, was);
}

/* ---- commit-bad-action ---- */

static const struct action_row {
	const char *name;
	unsigned action;
} bad_actions[] = {
	{ "4", 4 },
	{ "5", 5 },
	{ "boot-replace", 6 },
	{ "boot-activate", 7 },
};

/* 110b and 111b are those of Boot Partitions, and reserved where there are none. */
static void commit_bad_action(struct rig *r)
{
	const struct action_row *row = rig_row(r);
	const struct fw_state *was = fw_look(r);

	if (row->action >= 6 && !rig_facts(r)->cap)
		rig_na(r, "CAP cannot be read here: the action may be one of Boot Partitions");
	if (row->action >= 6 && CAP_BPS(rig_facts(r)->cap))
		rig_na(r, "CAP.BPS is 1: the action is one of Boot Partitions");
	CHECK_STATUS(r, fw_commit(r, 0, row->action), SC_INVALID_FIELD);
	fw_check_same(r, was);
}

static const struct rig_case cases[] = {
	{ .id = "download-align",
	  .rule = "A piece of firmware off the granularity of FWUG is refused or taken, and "
		  "changes nothing.",
	  .ref = "Base 2.0 Firmware Image Download command; Base 2.1 Firmware Image Download "
		 "command; Base 2.0 Identify Controller data structure (FWUG)",
	  .needs = NEED_CTRL,
	  .harm = HARM_SETTINGS,
	  .fault = "fw-odd-piece-internal-error fw-piece-in-log",
	  .na = na_align,
	  .run = download_align,
	  ROWS(pieces) },
	{ .id = "download-overlap",
	  .rule = "An image whose pieces overlap, leave a gap or have no beginning is not "
		  "committed.",
	  .ref = "Base 2.0 Firmware Image Download command; Base 2.1 Firmware Image Download "
		 "command; Base 2.2 Firmware Update Process",
	  .needs = NEED_COMMAND,
	  .harm = HARM_WEAR,
	  .fault = "fw-overlap-accepted fw-gap-accepted fw-piece-in-log fw-failed-commit-stores "
		   "fw-multiple-update-unclaimed",
	  .na = fw_na,
	  .run = download_overlap,
	  ROWS(pairs) },
	{ .id = "commit-bad-slot",
	  .rule = "A slot that is not there, or that is read-only, is refused.",
	  .ref = "Base 2.0 Firmware Commit command; Base 2.1 Firmware Commit command",
	  .needs = NEED_COMMAND,
	  .harm = HARM_WEAR,
	  .fault = "fw-slot-past-count-accepted fw-slot-read-only-written fw-slot-wrong-status "
		   "fw-piece-in-log fw-multiple-update-unclaimed",
	  .na = fw_na,
	  .run = commit_bad_slot,
	  ROWS(bad_slots) },
	{ .id = "commit-bad-image",
	  .rule = "What is no image is neither committed nor activated; the slots stay as they "
		  "are.",
	  .ref = "Base 2.0 Firmware Commit command; Base 2.1 Firmware Commit command; Base 2.2 "
		 "Firmware Update Process",
	  .needs = NEED_CTRL,
	  .harm = HARM_WEAR,
	  .fault = "fw-noise-accepted fw-nothing-accepted fw-failed-commit-stores "
		   "fw-empty-slot-activates fw-slot-zero-refused fw-multiple-update-unclaimed "
		   "fw-piece-in-log",
	  .na = fw_na,
	  .run = commit_bad_image,
	  ROWS(bad_images) },
	{ .id = "commit-bad-action",
	  .rule = "A reserved Commit Action is refused.",
	  .ref = "Base 2.0 Firmware Commit command; Base 2.1 Firmware Commit command",
	  .needs = NEED_COMMAND,
	  .harm = HARM_WEAR,
	  .fault = "fw-action-accepted fw-boot-action-accepted fw-multiple-update-unclaimed",
	  .na = fw_na,
	  .run = commit_bad_action,
	  ROWS(bad_actions) },
};

SUITE(fw_suite, CONFORMANCE, "fw", cases);
