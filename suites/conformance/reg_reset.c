// SPDX-License-Identifier: GPL-2.0-or-later
/* What each kind of reset does to the properties. */
#include "base/clock.h"
#include "device.h"

/* ---- cc-defaults ---- */

#define POLL_NS NS_PER_MS

static const struct after_row {
	const char *name;
	bool power;
} afters[] = { { "flr", false }, { "power-on", true } };

/* Other values may show until the reset is complete: polled for as long as CAP.TO says. */
static uint32_t settled_cc(struct rig *r)
{
	uint64_t end = rig_now(r) + ctrl_ready_limit_ns(rig_ctrl_off(r), false);
	uint32_t cc;

	while ((cc = rig_reg32(r, REG_CC)) && rig_now(r) < end)
		rig_wait(r, POLL_NS);
	return cc;
}

/* CC and CSTS are far from their reset values before: enabled, and shut down. */
static void cc_defaults(struct rig *r)
{
	const struct after_row *row = rig_row(r);
	uint32_t cc, csts;

	REQUIRE_EQ(r, "shutting down (0: SHST 10b)",
		   (uint64_t)-ctrl_shutdown(rig_ctrl(r), 1, 0, NULL), 0);
	if (row->power)
		device_power_cycle(r);
	else
		rig_flr(r);
	cc = settled_cc(r);
	csts = rig_reg32(r, REG_CSTS);
	CHECK_EQ(r, "CC", cc, 0);
	CHECK_EQ(r, "CSTS.RDY", csts & CSTS_RDY, 0);
	CHECK_EQ(r, "CSTS.CFS", !!(csts & CSTS_CFS), 0);
	CHECK_EQ(r, "CSTS.SHST", CSTS_SHST(csts), 0);
	rig_note(r, "CSTS %08Xh", csts);
}

/* ---- aqa-kept-over-cc-reset ---- */

static void check_kept(struct rig *r, uint32_t aqa, uint64_t asq, uint64_t acq)
{
	CHECK_EQ(r, "AQA", rig_reg32(r, REG_AQA), aqa);
	CHECK_EQ(r, "ASQ", rig_reg64(r, REG_ASQ), asq);
	CHECK_EQ(r, "ACQ", rig_reg64(r, REG_ACQ), acq);
}

static void aqa_kept(struct rig *r)
{
	struct ctrl_config cfg = ctrl_defaults(rig_ctrl_off(r));
	uint32_t aqa, csts;
	uint64_t asq, acq;

	cfg.admin_sq_entries = 19;
	cfg.admin_cq_entries = 27;
	rig_ctrl_with(r, &cfg);
	aqa = rig_reg32(r, REG_AQA);
	asq = rig_reg64(r, REG_ASQ);
	acq = rig_reg64(r, REG_ACQ);
	rig_ctrl_off(r);
	check_kept(r, aqa, asq, acq);
	csts = rig_reg32(r, REG_CSTS);
	CHECK_EQ(r, "CSTS.CFS", !!(csts & CSTS_CFS), 0);
	CHECK_EQ(r, "CSTS.SHST", CSTS_SHST(csts), 0);
	cfg.keep_aqa = true; /* enabled again as it stands, with nothing written but CC */
	rig_ctrl_with(r, &cfg);
	CHECK_STATUS(r, rig_admin(r, cmd_get_features(NVME_FEAT_FID_NUM_QUEUES, 0, 0, 0)),
		     SC_SUCCESS);
	check_kept(r, aqa, asq, acq);
}

/* ---- nssr-guard ---- */

#define SETTLE_NS (5 * NS_PER_MS)

static const struct guard_row {
	const char *name;
	uint32_t value;
} guards[] = {
	{ "zero", 0 },
	{ "all-ones", 0xffffffff },
	{ "one-above", NSSR_RESET + 1 },
	{ "one-bit-off", NSSR_RESET ^ 0x80000000 },
	{ "byte-swapped", 0x654d564e },
	{ "lower-case", NSSR_RESET | 0x20202020 },
};

static void nssr_guard(struct rig *r)
{
	const struct guard_row *row = rig_row(r);
	struct sq *q = rig_queue(r);
	uint32_t nssro = rig_reg32(r, REG_CSTS) & CSTS_NSSRO;

	device_config_keep(r); /* should the value be taken for a reset */
	CHECK_EQ(r, "NSSR", rig_reg32(r, REG_NSSR), 0);
	rig_set_reg32(r, REG_NSSR, row->value);
	rig_wait(r, SETTLE_NS);
	CHECK_EQ(r, "NSSR after the write", rig_reg32(r, REG_NSSR), 0);
	CHECK_EQ(r, "CSTS.NSSRO", rig_reg32(r, REG_CSTS) & CSTS_NSSRO, nssro);
	CHECK_EQ(r, "CSTS.RDY", rig_reg32(r, REG_CSTS) & CSTS_RDY, CSTS_RDY);
	CHECK_STATUS(r, rig_admin(r, cmd_get_features(NVME_FEAT_FID_NUM_QUEUES, 0, 0, 0)),
		     SC_SUCCESS);
	CHECK_STATUS(r, rig_io(r, q, cmd_flush(rig_ns(r)->nsid)), SC_SUCCESS);
}

/* ---- nssro-w1c ---- */

static void nssro_w1c(struct rig *r)
{
	struct device_config *config = device_config_keep(r);

	rig_ctrl(r);
	device_nssr(r, config);
	CHECK_EQ(r, "CSTS.NSSRO after the reset", !!(rig_reg32(r, REG_CSTS) & CSTS_NSSRO), 1);
	rig_set_reg32(r, REG_CSTS, 0);
	CHECK_EQ(r, "CSTS.NSSRO after writing 0", !!(rig_reg32(r, REG_CSTS) & CSTS_NSSRO), 1);
	rig_reset(r);
	CHECK_EQ(r, "CSTS.NSSRO after a Controller Reset", !!(rig_reg32(r, REG_CSTS) & CSTS_NSSRO),
		 1);
	rig_set_reg32(r, REG_CSTS, CSTS_NSSRO);
	CHECK_EQ(r, "CSTS.NSSRO after writing 1", !!(rig_reg32(r, REG_CSTS) & CSTS_NSSRO), 0);
	CHECK_EQ(r, "CSTS.RDY after writing 1 to NSSRO", rig_reg32(r, REG_CSTS) & CSTS_RDY,
		 CSTS_RDY);
}

static const struct rig_case cases[] = {
	{ .id = "cc-defaults",
	  .rule = "After a Function Level Reset or power-on CC is 0h, CSTS.RDY 0, SHST 00b.",
	  .ref = "Base 2.2 Offset 14h: CC - Controller Configuration; Base 2.2 Offset 1Ch: CSTS - "
		 "Controller Status; Base 2.2 Controller Level Reset",
	  .needs = NEED_QUEUES | NEED_CONFIG,
	  .fault = "flr-keeps-cc flr-keeps-shst",
	  .run = cc_defaults,
	  ROWS(afters) },
	{ .id = "aqa-kept-over-cc-reset",
	  .rule = "AQA, ASQ and ACQ keep their values over a reset made by CC.EN.",
	  .ref = "Base 2.0 Controller Level Reset; Base 2.2 Controller Level Reset; Base 2.2 "
		 "Offset 14h: CC (EN)",
	  .needs = NEED_QUEUES,
	  .fault = "aqa-lost-over-reset asq-lost-over-reset",
	  .run = aqa_kept },
	{ .id = "nssr-guard",
	  .rule = "NSSR reads 0h, and no value but the one for it resets anything.",
	  .ref = "Base 2.0 Offset 20h: NSSR - NVM Subsystem Reset; Base 2.2 Offset 20h: NSSR - "
		 "NVM Subsystem Reset",
	  .needs = NEED_QUEUES | NEED_CONFIG,
	  .na = device_na_nssr,
	  .fault = "nssr-any-value nssr-reads-back",
	  .run = nssr_guard,
	  ROWS(guards) },
	{ .id = "nssro-w1c",
	  .rule = "CSTS.NSSRO is set by an NVM Subsystem Reset and cleared by writing 1 alone.",
	  .ref = "Base 2.2 Offset 1Ch: CSTS - Controller Status (NSSRO); Base 2.2 NVM Subsystem "
		 "Reset",
	  .needs = NEED_QUEUES | NEED_CONFIG,
	  .na = device_na_nssr,
	  .fault = "nssro-not-set nssro-any-write-clears nssro-stuck",
	  .run = nssro_w1c },
};

SUITE(reg_reset_suite, CONFORMANCE, "reg", cases);
