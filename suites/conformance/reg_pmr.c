// SPDX-License-Identifier: GPL-2.0-or-later
/* The Persistent Memory Region: enabled, disabled, and what outlives what. */
#include <inttypes.h>

#include "base/clock.h"
#include "device.h"

#define RESERVED      0xfe00c007u /* of PMRCAP */
#define PMRTU_MS      500u
#define PMRTU_MINUTES 1u
#define PATTERN	      256u /* bytes, at the beginning, the middle and the end */
#define PLACES	      3u
#define POLL_NS	      (NS_PER_MS / 10)
#define CMBMSC_TRIED  ((1ull << 39) | CMBMSC_CMSE)
#define PAGE	      4096ull

struct pmr {
	struct target *t;
	struct ctrl *c;
	struct far far;
	uint64_t bytes, limit_ns;
	uint32_t ctl, mscl, mscu; /* as found */
	uint8_t was[PLACES][PATTERN];
	bool kept;
};

static uint64_t place(const struct pmr *p, unsigned i)
{
	return i == 0 ? 0 : i == 1 ? p->bytes / 2 : p->bytes - PATTERN;
}

/* Twice PMRTO, the least that a host should wait, and a moment for the way in. */
static uint64_t limit(uint32_t cap)
{
	uint64_t unit = PMRCAP_TU(cap) == PMRTU_MINUTES ? 60 * NS_PER_S : PMRTU_MS * NS_PER_MS;

	return 2 * PMRCAP_TO(cap) * unit + 100 * NS_PER_MS;
}

/* 0, or -1 when NRDY is not so within the time. */
static int follow(struct target *t, bool ready, uint64_t limit_ns, uint64_t *ret_ns)
{
	uint64_t begin = target_now(t), sts = 0, took;

	for (;;) {
		took = target_now(t) - begin;
		if (t->ops->reg_read(t, REG_PMRSTS, 32, &sts))
			return -1;
		if (!(sts & PMRSTS_NRDY) == ready) {
			*ret_ns = took;
			return 0;
		}
		if (took > limit_ns || t->ops->relax(t, POLL_NS))
			return -1;
	}
}

/* What was there before the case is there again, and the region as it was found. */
static void put_back(void *arg)
{
	struct pmr *p = arg;
	uint64_t ns;

	p->t->ops->reg_write(p->t, REG_PMRCTL, 32, PMRCTL_EN);
	if (p->kept && !follow(p->t, true, p->limit_ns, &ns))
		for (unsigned i = 0; i < PLACES; i++)
			far_store(p->c, &p->far, place(p, i), p->was[i], PATTERN);
	p->t->ops->reg_write(p->t, REG_PMRMSCL, 32, 0);
	p->t->ops->reg_write(p->t, REG_PMRMSCU, 32, p->mscu);
	p->t->ops->reg_write(p->t, REG_PMRMSCL, 32, p->mscl);
	p->t->ops->reg_write(p->t, REG_PMRCTL, 32, p->ctl);
	follow(p->t, p->ctl & PMRCTL_EN, p->limit_ns, &ns);
}

static void switch_to(struct rig *r, const struct pmr *p, bool on)
{
	uint64_t ns = 0;

	rig_set_reg32(r, REG_PMRCTL, on ? PMRCTL_EN : 0);
	REQUIRE_TRUE(r, !follow(p->t, on, p->limit_ns, &ns),
		     "PMRSTS.NRDY is %u within twice PMRCAP.PMRTO of PMRCTL.EN going to %u", !on,
		     on);
	CHECK_EQ(r, "PMRCTL", rig_reg32(r, REG_PMRCTL), on ? PMRCTL_EN : 0);
	rig_note(r, "PMRSTS.NRDY is %u after %" PRIu64 " us (PMRTO: %" PRIu64 " ms)", !on,
		 (uint64_t)(ns / NS_PER_US), (uint64_t)((p->limit_ns / NS_PER_MS - 100) / 2));
}

static struct pmr *start(struct rig *r)
{
	struct pmr *p = rig_mem(r, sizeof(*p));
	uint32_t cap;

	p->c = rig_ctrl_off(r);
	p->t = rig_target(r);
	if (!CAP_PMRS(rig_reg64(r, REG_CAP)))
		rig_na(r, "CAP.PMRS is 0: no Persistent Memory Region");
	cap = rig_reg32(r, REG_PMRCAP);
	p->limit_ns = limit(cap);
	REQUIRE_TRUE(r, PMRCAP_BIR(cap) >= 2 && PMRCAP_BIR(cap) <= 5, "PMRCAP.BIR %u is 2 to 5",
		     PMRCAP_BIR(cap));
	p->far = (struct far){ .bar = PMRCAP_BIR(cap) };
	p->bytes = p->t->caps.bar_size[p->far.bar];
	REQUIRE_TRUE(r, p->bytes >= PATTERN * PLACES, "BAR %u has memory (%" PRIu64 " bytes)",
		     p->far.bar, p->bytes);
	p->ctl = rig_reg32(r, REG_PMRCTL);
	p->mscl = rig_reg32(r, REG_PMRMSCL);
	p->mscu = rig_reg32(r, REG_PMRMSCU);
	rig_defer(r, put_back, p);
	switch_to(r, p, true);
	CHECK_EQ(r, "PMRSTS.HSTS", PMRSTS_HSTS(rig_reg32(r, REG_PMRSTS)), 0);
	for (unsigned i = 0; i < PLACES; i++)
		rig_far_load(r, &p->far, place(p, i), p->was[i], PATTERN);
	p->kept = true;
	return p;
}

static void pattern(uint8_t *to, unsigned place, uint8_t seed)
{
	for (unsigned i = 0; i < PATTERN; i++)
		to[i] = (uint8_t)(i * 7 + place * 61 + seed);
}

static void fill(struct rig *r, const struct pmr *p, uint8_t seed)
{
	uint8_t data[PATTERN];

	for (unsigned i = 0; i < PLACES; i++) {
		pattern(data, i, seed);
		rig_far_store(r, &p->far, place(p, i), data, PATTERN);
	}
}

/* Reads that follow the writes are the barrier, or the read of PMRSTS is. */
static void check_filled(struct rig *r, const struct pmr *p, uint8_t seed, const char *when)
{
	uint8_t want[PATTERN], got[PATTERN];
	char what[96];

	rig_reg32(r, REG_PMRSTS);
	for (unsigned i = 0; i < PLACES; i++) {
		pattern(want, i, seed);
		rig_far_load(r, &p->far, place(p, i), got, PATTERN);
		snprintf(what, sizeof(what), "the region at %" PRIX64 "h, %s", place(p, i), when);
		CHECK_MEM(r, what, got, want, PATTERN);
	}
}

/* ---- rows ---- */

static const uint64_t pmr_registers[] = { REG_PMRCAP,  REG_PMRCTL,  REG_PMRSTS, REG_PMREBS,
					  REG_PMRSWTP, REG_PMRMSCL, REG_PMRMSCU };

static void absent(struct rig *r)
{
	if (CAP_PMRS(rig_reg64(r, REG_CAP)))
		rig_na(r, "CAP.PMRS is 1: there is a Persistent Memory Region");
	for (size_t i = 0; i < ARRAY_SIZE(pmr_registers); i++) {
		char what[48];

		snprintf(what, sizeof(what), "offset %" PRIX64 "h without a region",
			 pmr_registers[i]);
		CHECK_EQ(r, what, rig_reg32(r, pmr_registers[i]), 0);
		rig_set_reg32(r, pmr_registers[i], ~0u);
		CHECK_EQ(r, what, rig_reg32(r, pmr_registers[i]), 0);
	}
}

static void capabilities(struct rig *r)
{
	uint32_t cap, size;

	start(r);
	cap = rig_reg32(r, REG_PMRCAP);
	CHECK_EQ(r, "PMRCAP, reserved bits", cap & RESERVED, 0);
	CHECK_EQ(r, "PMRCAP.PMRWBM, reserved bits", PMRCAP_WBM(cap) & ~3u, 0);
	CHECK_NE(r, "PMRCAP.PMRWBM", PMRCAP_WBM(cap) & 3, 0);
	CHECK_LE(r, "PMRCAP.PMRTU", PMRCAP_TU(cap), PMRTU_MINUTES);
	CHECK_TRUE(r, (cap & PMRCAP_CMSS) || !(cap & (PMRCAP_RDS | PMRCAP_WDS)),
		   "PMRCAP %08Xh: RDS and WDS only with CMSS", cap);
	size = rig_reg32(r, REG_PMREBS);
	CHECK_EQ(r, "PMREBS, reserved bits", size & 0xe0, 0);
	CHECK_LE(r, "PMREBS.PMRSZU", size & 15, 3);
	CHECK_EQ(r, "PMRSWTP, reserved bits", rig_reg32(r, REG_PMRSWTP) & 0xf0, 0);
	CHECK_LE(r, "PMRSWTP.PMRSWTU", rig_reg32(r, REG_PMRSWTP) & 15, 3);
	rig_set_reg32(r, REG_PMRCAP, ~cap);
	CHECK_EQ(r, "PMRCAP after a write to it", rig_reg32(r, REG_PMRCAP), cap);
}

static void reserved_bits(struct rig *r)
{
	start(r);
	rig_set_reg32(r, REG_PMRCTL, ~0u);
	CHECK_EQ(r, "PMRCTL after all ones were written", rig_reg32(r, REG_PMRCTL), PMRCTL_EN);
	CHECK_EQ(r, "PMRSTS, reserved bits", rig_reg32(r, REG_PMRSTS) & 0xffffe000u, 0);
}

static void on_and_off(struct rig *r)
{
	const struct pmr *p = start(r);

	for (uint64_t n = rig_pick(r, 3, 10, 100); n; n--) {
		fill(r, p, (uint8_t)n);
		check_filled(r, p, (uint8_t)n, "just written");
		switch_to(r, p, false);
		switch_to(r, p, true);
		check_filled(r, p, (uint8_t)n, "after it was disabled and enabled");
	}
}

static void not_ready(struct rig *r)
{
	const struct pmr *p = start(r);

	fill(r, p, 1);
	check_filled(r, p, 1, "just written");
	switch_to(r, p, false);
	fill(r, p, 2);
	rig_reg32(r, REG_PMRSTS);
	switch_to(r, p, true);
	check_filled(r, p, 1, "after writes while it was not ready");
}

static void with_controller(struct rig *r)
{
	const struct pmr *p = start(r);

	fill(r, p, 3);
	rig_ctrl(r);
	CHECK_EQ(r, "PMRCTL when the controller is ready", rig_reg32(r, REG_PMRCTL), PMRCTL_EN);
	check_filled(r, p, 3, "when the controller is ready");
	rig_ctrl_off(r);
	CHECK_EQ(r, "PMRCTL after a Controller Reset", rig_reg32(r, REG_PMRCTL), PMRCTL_EN);
	CHECK_EQ(r, "PMRSTS.NRDY after it", rig_reg32(r, REG_PMRSTS) & PMRSTS_NRDY, 0);
	check_filled(r, p, 3, "after a Controller Reset");
}

/* The address that the controller would reach it by is no matter of a Controller Reset either. */
static void space_control(struct rig *r)
{
	start(r);
	if (!(rig_reg32(r, REG_PMRCAP) & PMRCAP_CMSS))
		rig_na(r, "PMRCAP.CMSS is 0: no host address leads to the region");
	rig_set_reg32(r, REG_PMRMSCU, (uint32_t)(CMBMSC_TRIED >> 32));
	rig_set_reg32(r, REG_PMRMSCL, (uint32_t)CMBMSC_TRIED);
	CHECK_EQ(r, "PMRSTS.CBAI with a base address that is valid",
		 rig_reg32(r, REG_PMRSTS) & PMRSTS_CBAI, 0);
	rig_ctrl(r);
	rig_ctrl_off(r);
	CHECK_EQ(r, "PMRMSCL after a Controller Reset", rig_reg32(r, REG_PMRMSCL),
		 (uint32_t)CMBMSC_TRIED);
	CHECK_EQ(r, "PMRMSCU after a Controller Reset", rig_reg32(r, REG_PMRMSCU),
		 (uint32_t)(CMBMSC_TRIED >> 32));
	rig_set_reg32(r, REG_PMRMSCL, 0xffcu | 1);
	CHECK_EQ(r, "PMRMSCL after its reserved bits were set", rig_reg32(r, REG_PMRMSCL), 0);
}

static void space_base(struct rig *r)
{
	struct pmr *p = start(r);
	uint64_t bases[] = { 0 - p->bytes, 0 - p->bytes + PAGE, 1ull << 39, ~(PAGE - 1) };

	if (!(rig_reg32(r, REG_PMRCAP) & PMRCAP_CMSS))
		rig_na(r, "PMRCAP.CMSS is 0: no host address leads to the region");
	for (size_t i = 0; i < ARRAY_SIZE(bases); i++) {
		bool valid = bases[i] + (p->bytes - 1) >= bases[i];
		char what[80];

		rig_set_reg32(r, REG_PMRMSCL, 0);
		rig_set_reg32(r, REG_PMRMSCU, (uint32_t)(bases[i] >> 32));
		rig_set_reg32(r, REG_PMRMSCL, (uint32_t)bases[i] | CMBMSC_CMSE);
		snprintf(what, sizeof(what), "PMRSTS.CBAI with CBA %016" PRIX64 "h", bases[i]);
		CHECK_EQ(r, what, !!(rig_reg32(r, REG_PMRSTS) & PMRSTS_CBAI), !valid);
	}
}

static void over_flr(struct rig *r)
{
	const struct pmr *p = start(r);

	fill(r, p, 4);
	check_filled(r, p, 4, "just written");
	rig_flr(r);
	CHECK_EQ(r, "PMRCTL after a Function Level Reset", rig_reg32(r, REG_PMRCTL), 0);
	switch_to(r, p, true);
	check_filled(r, p, 4, "after a Function Level Reset");
}

static void over_nssr(struct rig *r)
{
	struct device_config *config = device_config_keep(r);
	const struct pmr *p = start(r);

	if (!CAP_NSSRS(rig_reg64(r, REG_CAP)))
		rig_na(r, "CAP.NSSRS is 0: no NVM Subsystem Reset");
	fill(r, p, 5);
	check_filled(r, p, 5, "just written");
	device_nssr(r, config);
	CHECK_EQ(r, "PMRCTL after an NVM Subsystem Reset", rig_reg32(r, REG_PMRCTL), 0);
	switch_to(r, p, true);
	check_filled(r, p, 5, "after an NVM Subsystem Reset");
}

static void over_power(struct rig *r)
{
	const struct pmr *p = start(r);

	fill(r, p, 6);
	check_filled(r, p, 6, "just written");
	device_power_cycle(r);
	CHECK_EQ(r, "PMRCTL after power was lost", rig_reg32(r, REG_PMRCTL), 0);
	switch_to(r, p, true);
	check_filled(r, p, 6, "after power was lost");
}

static const struct pmr_row {
	const char *name;
	void (*run)(struct rig *r);
} rows[] = {
	{ "absent", absent },
	{ "capabilities", capabilities },
	{ "reserved", reserved_bits },
	{ "on-and-off", on_and_off },
	{ "not-ready", not_ready },
	{ "controller-reset", with_controller },
	{ "space-control", space_control },
	{ "space-base", space_base },
	{ "function-level-reset", over_flr },
	{ "subsystem-reset", over_nssr },
	{ "power-loss", over_power },
};

static void pmr_enable(struct rig *r)
{
	const struct pmr_row *row = rig_row(r);

	row->run(r);
}

static const struct rig_case cases[] = {
	{ .id = "pmr-enable",
	  .rule = "The region is ready and not ready as PMRCTL.EN says within its time; what was "
		  "written while it was ready outlives disabling and every reset; without a region "
		  "its properties are 0.",
	  .ref = "Base 2.2 Persistent Memory Region; Base 2.2 Offset E00h: PMRCAP to Offset E18h: "
		 "PMRMSCU; Base 2.2 Controller Level Reset",
	  .needs = NEED_QUEUES | NEED_CONFIG | NEED_BARS,
	  .harm = HARM_DATA,
	  .fault = "pmrcap-without-pmr pmrcap-no-barrier pmrcap-bir-zero pmrcap-units-reserved "
		   "pmrcap-reserved-bits pmrcap-rds-without-cmss pmrctl-reserved-bits-stick "
		   "pmr-never-ready pmr-slow pmr-nrdy-not-set pmr-writable-when-off "
		   "pmr-lost-over-disable pmr-lost-over-reset pmr-lost-over-flr "
		   "pmr-lost-over-power pmrctl-lost-over-reset pmrmsc-lost-over-reset "
		   "pmr-cbai-never-set",
	  .run = pmr_enable,
	  ROWS(rows),
	  .deadline_s = 60 },
};

SUITE(reg_pmr_suite, CONFORMANCE, "reg", cases);
