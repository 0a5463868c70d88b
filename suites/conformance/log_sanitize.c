// SPDX-License-Identifier: GPL-2.0-or-later
/* The Sanitize Status log: what it may say, and what it keeps. */
#include <string.h>

#include "device.h"
#include "sanitize_op.h"

static bool is_zero(const uint8_t *at, size_t len)
{
	return !at[0] && !memcmp(at, at + 1, len - 1);
}

static void check_idle(struct rig *r, const struct nvme_sanitize_log_page *log)
{
	CHECK_LE(r, "SSTAT bits 2:0 (101b and above are reserved)", sanitize_sos(log),
		 SOS_UNEXPECTED);
	if (sanitize_sos(log) != SOS_RUNNING)
		CHECK_EQ(r, "SPROG where none runs", le16_get(log->sprog), 0xffff);
	ADVISE_TRUE(r, !(le16_get(log->sstat) >> 10), "reserved bits of SSTAT are 0: %04Xh",
		    le16_get(log->sstat));
	ADVISE_TRUE(r, is_zero((const uint8_t *)log + 37, 512 - 37), "reserved bytes are 0");
	rig_note(r, "estimated seconds: overwrite %u, block erase %u, crypto erase %u",
		 le32_get(log->eto), le32_get(log->etbe), le32_get(log->etce));
}

static void idle(struct rig *r)
{
	check_idle(r, sanitize_status(r));
}

/* What it said, it says after resets. */
static void kept(struct rig *r)
{
	const struct nvme_sanitize_log_page *was;

	sanitize_start(r, sanitize_any(r));
	was = sanitize_wait(r);
	check_idle(r, was);
	rig_reset(r);
	CHECK_MEM(r, "the log after a Controller Reset", sanitize_status(r), was, 8);
	if (rig_target(r)->caps.has & NEED_RESTART)
		device_power_cycle(r);
	CHECK_MEM(r, "the log after a power cycle, where there was one", sanitize_status(r), was,
		  8);
}

static const struct ask_row {
	const char *name;
	void (*ask)(struct rig *r);
} rows[] = { { "idle", idle }, { "kept", kept } };

static void run_row(struct rig *r)
{
	((const struct ask_row *)rig_row(r))->ask(r);
}

static const struct rig_case cases[] = {
	{ .id = "sanitize-status",
	  .rule = "The Sanitize Status log is a possible one, and is kept over resets.",
	  .ref = "Base 2.1 Sanitize Status (Log Page Identifier 81h); Base 2.0 Sanitize Status "
		 "(Log Identifier 81h)",
	  .needs = NEED_COMMAND,
	  .harm = HARM_WEAR,
	  .fault = "sanitize-status-reserved sanitize-progress-idle-zero sanitize-log-lost",
	  .na = sanitize_na,
	  .deadline_s = SANITIZE_S,
	  .run = run_row,
	  ROWS(rows) },
};

SUITE(log_sanitize_suite, CONFORMANCE, "log", cases);
