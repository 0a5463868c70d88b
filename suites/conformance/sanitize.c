// SPDX-License-Identifier: GPL-2.0-or-later
/* Sanitize operations: what starts none, and what one does. */
#include <string.h>

#include "io_area.h"
#include "sanitize_op.h"
#include "temperature.h"

#define PATTERN	      0x5aa5c33cu
#define AREA	      16u
#define TYPE_IO_CS    6u /* I/O command specific status */
#define INFO_DONE     1u
#define INFO_UNEXPECT 2u
#define NODRM	      1u

static const char *na_scratch(const struct facts *f)
{
	if (!f->has_scratch)
		return "no active namespace of the NVM command set without metadata";
	return sanitize_na(f);
}

/* ---- bad-action ---- */

/* Refused, and the log says what it said before. */
static void check_refused(struct rig *r, uint32_t cdw10, uint16_t want)
{
	const struct nvme_sanitize_log_page *was = sanitize_status(r);

	CHECK_STATUS(r, sanitize(r, cdw10, PATTERN), want);
	CHECK_MEM(r, "the Sanitize Status log, as before", sanitize_status(r), was, 8);
}

static void reserved(struct rig *r)
{
	static const uint8_t none[] = { 0, ACT_EXIT_VERIFY, 6, 7 };

	for (size_t i = 0; i < sizeof(none); i++)
		check_refused(r, none[i], SC_INVALID_FIELD);
}

static void unsupported(struct rig *r)
{
	unsigned n = 0;

	for (unsigned act = ACT_BLOCK_ERASE; act <= ACT_CRYPTO_ERASE; act++) {
		if (sanitize_offers(r, act))
			continue;
		check_refused(r, act | CDW10_PASSES(1), SC_INVALID_FIELD);
		n++;
	}
	if (!n)
		rig_na(r, "SANICAP offers every operation");
}

static void exit_idle(struct rig *r)
{
	const struct nvme_sanitize_log_page *was = sanitize_status(r);

	if (sanitize_sos(was) == SOS_FAILED)
		rig_na(r, "the last operation failed");
	CHECK_STATUS(r, sanitize(r, ACT_EXIT_FAILURE, 0), SC_SUCCESS);
	CHECK_MEM(r, "the Sanitize Status log, as before", sanitize_status(r), was, 8);
}

/* NDAS where it is inhibited, and the response mode is that of an error. */
static void no_deallocate(struct rig *r)
{
	struct cpl cpl;

	if (!(le32_get(rig_facts(r)->id.sanicap) & SANICAP_NDI))
		rig_na(r, "SANICAP bit 29 is 0: NDAS is not inhibited");
	cpl = rig_admin(r, cmd_get_features(NVME_FEAT_FID_SANITIZE, 0, 0, 0));
	if (!cpl.status && (cpl.dw0 & NODRM)) {
		rig_keep_feature(r, NVME_FEAT_FID_SANITIZE, 0, 0);
		rig_admin_ok(r, cmd_set_features(NVME_FEAT_FID_SANITIZE, false, 0, 0));
	}
	check_refused(r, sanitize_any(r) | CDW10_NDAS, SC_INVALID_FIELD);
}

static void protected_ns(struct rig *r)
{
	uint32_t nsid = rig_ns(r)->nsid;

	if (!(rig_facts(r)->id.nwpc & 1))
		rig_na(r, "NWPC bit 0 is 0: no write protection");
	rig_keep_feature(r, NVME_FEAT_FID_WRITE_PROTECT, nsid, 0);
	rig_admin_ok(r, cmd_set_features(NVME_FEAT_FID_WRITE_PROTECT, false, nsid, 1));
	check_refused(r, sanitize_any(r), SC_NS_WRITE_PROTECTED);
}

static void pmr_off(void *arg)
{
	struct ctrl *c = arg;

	c->t->ops->reg_write(c->t, REG_PMRCTL, 32, 0);
}

static void memory_enabled(struct rig *r)
{
	if (!CAP_PMRS(rig_facts(r)->cap))
		rig_na(r, "CAP.PMRS is 0: no Persistent Memory Region");
	if (rig_reg32(r, REG_PMRCTL) & PMRCTL_EN)
		rig_na(r, "the Persistent Memory Region is somebody else's");
	rig_defer(r, pmr_off, rig_ctrl(r));
	rig_set_reg32(r, REG_PMRCTL, PMRCTL_EN);
	check_refused(r, sanitize_any(r), SC_SANITIZE_PMR);
}

static const struct ask_row {
	const char *name;
	void (*ask)(struct rig *r);
} bad_rows[] = {
	{ "reserved", reserved },
	{ "unsupported", unsupported },
	{ "exit-failure-mode-idle", exit_idle },
	{ "no-deallocate-inhibited", no_deallocate },
	{ "write-protected", protected_ns },
	{ "memory-region-enabled", memory_enabled },
};

static unsigned bad_needs(const void *row)
{
	return ((const struct ask_row *)row)->ask == memory_enabled ? NEED_QUEUES : 0;
}

static void bad_action(struct rig *r)
{
	sanitize_guard(r);
	((const struct ask_row *)rig_row(r))->ask(r);
}

/* ---- run ---- */

static const struct run_row {
	const char *name;
	uint32_t cdw10;
	unsigned passes;
} runs[] = {
	{ "block-erase", ACT_BLOCK_ERASE, 0 },
	{ "crypto-erase", ACT_CRYPTO_ERASE, 0 },
	{ "overwrite", ACT_OVERWRITE | CDW10_PASSES(1), 1 },
	{ "overwrite-inverting", ACT_OVERWRITE | CDW10_PASSES(2) | CDW10_OIPBP, 2 },
	{ "block-erase-unrestricted", ACT_BLOCK_ERASE | CDW10_AUSE, 0 },
	{ "block-erase-no-deallocate", ACT_BLOCK_ERASE | CDW10_NDAS, 0 },
	{ "crypto-erase-no-deallocate", ACT_CRYPTO_ERASE | CDW10_NDAS, 0 },
	{ "overwrite-no-deallocate", ACT_OVERWRITE | CDW10_PASSES(1) | CDW10_NDAS, 1 },
};

static bool is_inhibited(struct rig *r, uint32_t cdw10)
{
	return cdw10 & CDW10_NDAS && le32_get(rig_facts(r)->id.sanicap) & SANICAP_NDI;
}

/* Where NDAS is inhibited it is taken in the warning mode alone. */
static void need_warning_mode(struct rig *r)
{
	struct cpl cpl = rig_admin(r, cmd_get_features(NVME_FEAT_FID_SANITIZE, 0, 0, 0));

	if (cpl.status)
		rig_na(r, "NDAS is inhibited, and there is no Sanitize Config");
	rig_keep_feature(r, NVME_FEAT_FID_SANITIZE, 0, 0);
	cpl = rig_admin(r, cmd_set_features(NVME_FEAT_FID_SANITIZE, false, 0, NODRM));
	if (cpl.status == SC_FEATURE_NOT_CHANGEABLE)
		rig_na(r, "NDAS is inhibited, and the response mode cannot be changed");
	REQUIRE_STATUS(r, cpl, SC_SUCCESS);
}

static void check_log(struct rig *r, const struct run_row *row,
		      const struct nvme_sanitize_log_page *log)
{
	unsigned sos = sanitize_sos(log);

	if (sos == SOS_FAILED)
		rig_na(r, "the controller says that the operation failed");
	CHECK_EQ(r, "SSTAT bits 2:0", sos, is_inhibited(r, row->cdw10) ? SOS_UNEXPECTED : SOS_DONE);
	CHECK_EQ(r, "SCDW10", le32_get(log->scdw10), row->cdw10);
	CHECK_EQ(r, "overwrite passes completed", le16_get(log->sstat) >> 3 & 0x1f, row->passes);
	CHECK_TRUE(r, sanitize_gde(log), "GDE is 1 after it");
}

static void check_event(struct rig *r, const struct run_row *row)
{
	struct cpl cpl;

	REQUIRE_TRUE(r, rig_event_try(r, &cpl, EVENT_NS), "the end is reported");
	CHECK_STATUS(r, cpl, SC_SUCCESS);
	CHECK_EQ(r, "event type (6: I/O command specific)", EVENT_TYPE(cpl.dw0), TYPE_IO_CS);
	CHECK_EQ(r, "event information", EVENT_INFO(cpl.dw0),
		 is_inhibited(r, row->cdw10) ? INFO_UNEXPECT : INFO_DONE);
	CHECK_EQ(r, "log page", EVENT_LID(cpl.dw0), NVME_LOG_LID_SANITIZE);
}

/* Overwritten and not deallocated: every dword is the pattern. */
static bool shows_pattern(struct rig *r, const struct run_row *row)
{
	return row->passes && (row->cdw10 & CDW10_NDAS) && !is_inhibited(r, row->cdw10);
}

static void check_block(struct area *a, const struct run_row *row, uint64_t lba)
{
	uint32_t len = a->ns->lba_bytes;
	uint8_t *now = rig_mem(a->r, len), *old = rig_mem(a->r, len);
	struct cpl cpl = rig_io(a->r, a->q, cmd_read(a->ns->nsid, lba, 1, now, len));

	if (cpl.status == SC_UNRECOVERED_READ && (row->cdw10 & CDW10_NDAS))
		return; /* its check codes may be lost with the data */
	CHECK_STATUS(a->r, cpl, SC_SUCCESS);
	rig_stamp(old, lba, 1, len, a->tag);
	for (uint32_t i = 0; i < len; i += 16)
		if (!memcmp(now + i, old + i, 16))
			rig_fail(a->r, "sixteen bytes of the data before the operation are there "
				       "still");
	for (uint32_t i = 0; shows_pattern(a->r, row) && i < len; i += 4)
		le32_put(old + i, PATTERN);
	if (shows_pattern(a->r, row))
		CHECK_MEM(a->r, "a block that was overwritten", now, old, len);
}

static void check_gone(struct area *a, const struct run_row *row)
{
	for (uint32_t i = 0; i < a->blocks; i++)
		check_block(a, row, a->lba + i);
	CHECK_TRUE(a->r, true, "%u blocks do not show what they held", a->blocks);
}

#define AREAS 33u

/* The last blocks of the scratch namespace, on the medium; the first ones of every namespace that
 * may be written, in the cache where there is one. */
static unsigned stamp(struct rig *r, struct area *a[AREAS])
{
	const struct facts_ns *ns = rig_ns(r);
	unsigned n = 1;

	a[0] = area_new(r, ns, ns->nsze - AREA, AREA);
	rig_io_ok(r, a[0]->q, cmd_flush(ns->nsid));
	for (unsigned at = 0; (ns = rig_ns_next(r, &at)) && n < AREAS;)
		a[n++] = area_new(r, ns, 0, AREA);
	return n;
}

static void run_one(struct rig *r)
{
	const struct run_row *row = rig_row(r);
	struct area *a[AREAS];
	unsigned n;

	sanitize_guard(r);
	if (!sanitize_offers(r, row->cdw10 & 7))
		rig_na(r, "SANICAP is %08Xh: no such operation",
		       le32_get(rig_facts(r)->id.sanicap));
	if (is_inhibited(r, row->cdw10))
		need_warning_mode(r);
	n = stamp(r, a);
	CHECK_TRUE(r, !sanitize_gde(sanitize_status(r)), "GDE is 0 once data were written");
	rig_aer(r);
	REQUIRE_STATUS(r, sanitize(r, row->cdw10, PATTERN), SC_SUCCESS);
	CHECK_EQ(r, "SCDW10 once it was started", le32_get(sanitize_status(r)->scdw10), row->cdw10);
	check_log(r, row, sanitize_wait(r));
	check_event(r, row);
	for (unsigned i = 0; i < n; i++)
		check_gone(a[i], row);
	area_stamp(a[0]);
	area_check(a[0], 0, 0);
	CHECK_TRUE(r, !sanitize_gde(sanitize_status(r)), "GDE is 0 once data were written again");
}

static const struct rig_case cases[] = {
	{ .id = "bad-action",
	  .rule = "A Sanitize that may not be starts nothing and says why.",
	  .ref = "Base 2.1 Sanitize command, Sanitize Operations (Idle State), Sanitize Config; "
		 "Base 2.0 Sanitize command",
	  .needs = NEED_COMMAND,
	  .harm = HARM_WEAR,
	  .fault = "sanitize-action-unchecked sanitize-nodrm-ignored sanitize-protected-accepted "
		   "sanitize-pmr-accepted",
	  .na = na_scratch,
	  .deadline_s = SANITIZE_S,
	  .row_needs = bad_needs,
	  .run = bad_action,
	  ROWS(bad_rows) },
	{ .id = "run",
	  .rule = "A sanitize operation runs in the background, ends in the log and an event, and "
		  "leaves no data.",
	  .ref = "Base 2.1 Sanitize command, Sanitize Operations, Sanitize Status (Log Page "
		 "Identifier 81h); Base 2.0 Sanitize Operations; NVM CS 1.0 Sanitize Operations",
	  .needs = NEED_CTRL,
	  .harm = HARM_WEAR,
	  .fault = "sanitize-noop sanitize-first-ns-alone sanitize-gde-stays "
		   "sanitize-event-missing sanitize-event-plain "
		   "sanitize-progress-falls sanitize-progress-idle-zero sanitize-cdw10-lost "
		   "sanitize-passes-untold",
	  .na = na_scratch,
	  .deadline_s = SANITIZE_S,
	  .run = run_one,
	  ROWS(runs) },
};

SUITE(sanitize_suite, CONFORMANCE, "sanitize", cases);
