// SPDX-License-Identifier: GPL-2.0-or-later
/* What a sanitize operation that runs, or has failed, keeps out and lets in; what outlives it. */
#include <string.h>

#include "device.h"
#include "duo.h"
#include "io_area.h"
#include "ns_made.h"
#include "sanitize_op.h"
#include "self_test.h"
#include "temperature.h"

static const char *na_scratch(const struct facts *f)
{
	if (!f->has_scratch)
		return "no active namespace of the NVM command set without metadata";
	return sanitize_na(f);
}

static const char *na_shared(const struct facts *f)
{
	const char *no = sanitize_na(f);

	return no ? no : duo_na(f);
}

#define PMR_NS (100 * 1000000ull) /* a Persistent Memory Region would be ready by then */

/* ---- locks-commands ---- */

/* Every command of the namespace; a Flush may have nothing to do. */
static void ask_io(struct rig *r, struct sq *q, uint16_t want)
{
	const struct facts_ns *ns = rig_ns(r);

	for (size_t i = 0; i < IO_OPS; i++)
		if (io_supported(r, &io_ops[i]))
			CHECK_STATUS_OF(r, io_ops[i].name,
					rig_io(r, q, io_cmd(r, &io_ops[i], ns, 0, 1)), want);
	CHECK_STATUS_OF(r, "flush", rig_io(r, q, cmd_flush(ns->nsid)), want, SC_SUCCESS);
}

static void io(struct rig *r)
{
	struct area *a = area_new(r, rig_ns(r), 0, 8);

	sanitize_start(r, sanitize_any(r));
	ask_io(r, a->q, SC_SANITIZE_IN_PROGRESS);
	sanitize_still(r);
	sanitize_wait(r);
	area_stamp(a);
	area_check(a, 0, 0);
}

/* Commands that the table does not list; each harmless where it is taken after all. */
static const struct barred {
	const char *name;
	uint8_t opcode;
	uint16_t oacs;
	uint32_t nsid, cdw10, cdw11;
	size_t len;
	enum cmd_dir dir;
} barred[] = {
	{ "Namespace Management", nvme_admin_ns_mgmt, NVME_CTRL_OACS_NS_MGMT, 0, 0xf, 0, 4096,
	  CMD_OUT },
	{ "Namespace Attachment", nvme_admin_ns_attach, NVME_CTRL_OACS_NS_MGMT, 1, 0xf, 0, 4096,
	  CMD_OUT },
	{ "Device Self-test", nvme_admin_dev_self_test, NVME_CTRL_OACS_SELF_TEST, 0, 0xf, 0, 0,
	  CMD_NONE },
	{ "Firmware Image Download", nvme_admin_fw_download, NVME_CTRL_OACS_FW, 0, 0, 0, 4,
	  CMD_OUT },
	{ "Directive Receive", nvme_admin_directive_recv, NVME_CTRL_OACS_DIRECTIVES, NSID_ALL, 0, 1,
	  4, CMD_IN },
	{ "Get LBA Status", nvme_admin_get_lba_status, NVME_CTRL_OACS_LBA_STATUS, 1, 0, 0, 4096,
	  CMD_IN },
};

static void ask_barred(struct rig *r, const struct barred *b)
{
	struct cmd c = cmd_raw(b->opcode, b->nsid);

	c.sqe.cdw10 = le32_from(b->cdw10);
	c.sqe.cdw11 = le32_from(b->cdw11);
	c.dir = b->dir;
	c.data_len = b->len;
	c.data = b->len ? rig_mem(r, b->len) : NULL;
	CHECK_STATUS_OF(r, b->name, rig_admin(r, c), SC_SANITIZE_IN_PROGRESS);
}

static void ask_barred_logs(struct rig *r)
{
	static const uint8_t lids[] = { NVME_LOG_LID_FW_SLOT, NVME_LOG_LID_CMD_EFFECTS,
					NVME_LOG_LID_DEVICE_SELF_TEST, NVME_LOG_LID_TELEMETRY_HOST,
					NVME_LOG_LID_PERSISTENT_EVENT };
	uint8_t *data = rig_mem(r, 512);

	for (size_t i = 0; i < sizeof(lids); i++)
		CHECK_STATUS_OF(r, "Get Log Page of a page that the table does not list",
				rig_admin(r, cmd_get_log(lids[i], NSID_ALL, 0, data, 512)),
				SC_SANITIZE_IN_PROGRESS, SC_LOG_PAGE_INVALID, SC_INVALID_FIELD);
}

static void admin(struct rig *r)
{
	uint16_t oacs = le16_get(rig_facts(r)->id.oacs);

	sanitize_start(r, sanitize_any(r));
	for (size_t i = 0; i < ARRAY_SIZE(barred); i++)
		if (oacs & barred[i].oacs)
			ask_barred(r, &barred[i]);
	ask_barred_logs(r);
	if (rig_facts(r)->id.nwpc & 1)
		CHECK_STATUS_OF(r, "Set Features of Namespace Write Protection",
				rig_admin(r, cmd_set_features(NVME_FEAT_FID_WRITE_PROTECT, false,
							      rig_ns(r)->nsid, 0)),
				SC_SANITIZE_IN_PROGRESS);
	CHECK_STATUS_OF(r, "Sanitize", sanitize(r, sanitize_any(r), 0), SC_SANITIZE_IN_PROGRESS);
	CHECK_STATUS_OF(r, "Sanitize, Exit Failure Mode", sanitize(r, ACT_EXIT_FAILURE, 0),
			SC_SANITIZE_IN_PROGRESS);
	sanitize_still(r);
}

/* What the table lists works as ever. */
static void allowed(struct rig *r)
{
	struct nvme_id_ctrl *id = rig_mem(r, sizeof(*id));
	uint8_t *log = rig_mem(r, 512);
	struct cpl cpl;

	rig_keep_feature(r, NVME_FEAT_FID_ASYNC_EVENT, 0, 0);
	sanitize_start(r, sanitize_any(r));
	CHECK_STATUS(r, rig_admin(r, cmd_identify(NVME_IDENTIFY_CNS_CTRL, 0, id)), SC_SUCCESS);
	cpl = rig_admin(r, cmd_get_features(NVME_FEAT_FID_ASYNC_EVENT, 0, 0, 0));
	CHECK_STATUS(r, cpl, SC_SUCCESS);
	CHECK_STATUS(r, rig_admin(r, cmd_set_features(NVME_FEAT_FID_ASYNC_EVENT, false, 0, 0)),
		     SC_SUCCESS);
	CHECK_STATUS(r, rig_admin(r, cmd_get_log(NVME_LOG_LID_SMART, NSID_ALL, 0, log, 512)),
		     SC_SUCCESS);
	CHECK_STATUS(r, rig_admin(r, cmd_get_log(NVME_LOG_LID_ERROR, NSID_ALL, 0, log, 64)),
		     SC_SUCCESS);
	CHECK_STATUS(r, rig_admin(r, cmd_abort(0, 0xfff0)), SC_SUCCESS);
	rig_aer(r);
	rig_queue(r); /* created: anything else is told */
	CHECK_EQ(r, "AERs that came back", rig_event_try(r, &cpl, HELD_NS), 0);
	sanitize_still(r);
}

/* An entry of before shows no LBA meanwhile. */
static void error_log(struct rig *r)
{
	const struct facts_ns *ns = rig_ns(r);
	struct nvme_error_log_page e;
	uint8_t *data = rig_mem(r, ns->lba_bytes);
	struct cpl cpl;

	cpl = rig_io(r, rig_queue(r), cmd_read(ns->nsid, ns->nsze + 5, 1, data, ns->lba_bytes));
	CHECK_STATUS(r, cpl, SC_LBA_OUT_OF_RANGE);
	rig_admin_ok(r, cmd_get_log(NVME_LOG_LID_ERROR, NSID_ALL, 0, &e, sizeof(e)));
	if ((rig_knows_cid(r) && le16_get(e.cmdid) != cpl.cid) || !le64_get(e.lba))
		rig_na(r, "the error log tells no LBA anyway");
	sanitize_start(r, sanitize_any(r));
	rig_admin_ok(r, cmd_get_log(NVME_LOG_LID_ERROR, NSID_ALL, 0, &e, sizeof(e)));
	CHECK_EQ(r, "LBA of the newest error", le64_get(e.lba), 0);
	sanitize_still(r);
}

/* A self-test that runs when it starts is over then, and says why. */
static void self_tests(struct rig *r)
{
	const struct nvme_self_test_log *was;

	if (self_test_na(rig_facts(r)))
		rig_na(r, "OACS bit 4 is 0: no Device Self-test");
	was = self_test_start(r, STC_EXTENDED, NSID_ALL);
	sanitize_start(r, sanitize_any(r));
	sanitize_wait(r);
	self_test_check_result(r, was, STC_EXTENDED, NVME_ST_RESULT_ABORTED_SANITIZE);
}

static void pmr_off(void *arg)
{
	struct ctrl *c = arg;

	c->t->ops->reg_write(c->t, REG_PMRCTL, 32, 0);
}

/* The Persistent Memory Region does not become ready, however long one waits. */
static void memory_region(struct rig *r)
{
	if (!CAP_PMRS(rig_facts(r)->cap))
		rig_na(r, "CAP.PMRS is 0: no Persistent Memory Region");
	if (rig_reg32(r, REG_PMRCTL) & PMRCTL_EN)
		rig_na(r, "the Persistent Memory Region is somebody else's");
	sanitize_start(r, sanitize_any(r));
	rig_defer(r, pmr_off, rig_ctrl(r));
	rig_set_reg32(r, REG_PMRCTL, PMRCTL_EN);
	rig_wait(r, PMR_NS);
	CHECK_EQ(r, "PMRSTS.NRDY while the operation runs",
		 !!(rig_reg32(r, REG_PMRSTS) & PMRSTS_NRDY), 1);
	sanitize_still(r);
}

/* ---- both controllers ---- */

/* The other controller is kept out as well, and is told nothing at the end. */
static void on_the_peer(struct rig *r)
{
	struct ctrl *peer = rig_peer(r);
	struct sq *q = rig_queue_on(r, peer);
	const struct facts_ns *ns = duo_ns(rig_facts(r));
	uint8_t *data = rig_mem(r, ns->lba_bytes);
	struct cmd read = cmd_read(ns->nsid, 0, 1, data, ns->lba_bytes);
	struct cpl cpl;

	rig_aer_on(r, peer);
	rig_aer(r);
	sanitize_start(r, sanitize_any(r));
	CHECK_STATUS_OF(r, "a Read through the peer", rig_io(r, q, read), SC_SANITIZE_IN_PROGRESS);
	CHECK_STATUS_OF(r, "Sanitize through the peer",
			rig_admin_on(r, peer, sanitize_cmd(sanitize_any(r), 0)),
			SC_SANITIZE_IN_PROGRESS);
	sanitize_still(r);
	CHECK_EQ(r, "SSTAT bits 2:0 at the end", sanitize_sos(sanitize_wait(r)), SOS_DONE);
	CHECK_TRUE(r, rig_event_try(r, &cpl, EVENT_NS), "who started it reports its end");
	CHECK_TRUE(r, !rig_event_try_on(r, peer, &cpl, HELD_NS), "the other one does not");
	CHECK_STATUS_OF(r, "a Read through the peer afterwards", rig_io(r, q, read), SC_SUCCESS);
}

/* ---- what does not end it ---- */

static void check_goes_on(struct rig *r, uint32_t cdw10)
{
	const struct nvme_sanitize_log_page *log = sanitize_status(r);
	unsigned sos = sanitize_sos(log);

	CHECK_EQ(r, "SCDW10, as it was started", le32_get(log->scdw10), cdw10);
	if (sos == SOS_RUNNING)
		ask_io(r, rig_queue(r), SC_SANITIZE_IN_PROGRESS);
	else
		CHECK_EQ(r, "SSTAT bits 2:0 of one that ended meanwhile", sos, SOS_DONE);
	CHECK_EQ(r, "SSTAT bits 2:0 at the end", sanitize_sos(sanitize_wait(r)), SOS_DONE);
}

static void over_reset(struct rig *r)
{
	area_new(r, rig_ns(r), 0, 8);
	sanitize_start(r, sanitize_any(r));
	rig_reset(r);
	check_goes_on(r, sanitize_any(r));
}

static void over_power(struct rig *r)
{
	area_new(r, rig_ns(r), 0, 8);
	sanitize_start(r, sanitize_any(r));
	device_power_cycle(r);
	check_goes_on(r, sanitize_any(r));
}

/* ---- failure ---- */

/* An operation that fails; N/A: none does. */
static void need_failure(struct rig *r, uint32_t flags)
{
	for (unsigned act = ACT_CRYPTO_ERASE; act >= ACT_BLOCK_ERASE; act--) {
		if (!sanitize_offers(r, act))
			continue;
		sanitize_start(r, act | flags | (act == ACT_OVERWRITE ? CDW10_PASSES(1) : 0));
		if (sanitize_sos(sanitize_wait(r)) == SOS_FAILED)
			return;
	}
	rig_na(r, "every sanitize operation succeeds");
}

static void check_failed(struct rig *r)
{
	CHECK_TRUE(r, !sanitize_gde(sanitize_status(r)), "GDE is 0 after a failure");
	ask_io(r, rig_queue(r), SC_SANITIZE_FAILED);
	CHECK_STATUS_OF(
		r, "Get Log Page of a page that the table does not list",
		rig_admin(r, cmd_get_log(NVME_LOG_LID_FW_SLOT, NSID_ALL, 0, rig_mem(r, 512), 512)),
		SC_SANITIZE_IN_PROGRESS, SC_SANITIZE_FAILED);
}

/* Restricted: another operation, restricted too, is the one way out. */
static void failed_restricted(struct rig *r)
{
	struct area *a = area_new(r, rig_ns(r), 0, 8);

	sanitize_guard(r);
	need_failure(r, 0);
	check_failed(r);
	CHECK_STATUS(r, sanitize(r, ACT_EXIT_FAILURE, 0), SC_SANITIZE_FAILED);
	CHECK_STATUS(r, sanitize(r, sanitize_any(r) | CDW10_AUSE, 0), SC_SANITIZE_FAILED);
	CHECK_EQ(r, "SSTAT bits 2:0", sanitize_sos(sanitize_status(r)), SOS_FAILED);
	REQUIRE_STATUS(r, sanitize(r, sanitize_any(r), 0), SC_SUCCESS);
	CHECK_EQ(r, "SSTAT bits 2:0 of another one", sanitize_sos(sanitize_wait(r)), SOS_DONE);
	area_stamp(a);
	area_check(a, 0, 0);
}

/* Unrestricted: the host may leave it at that. */
static void failed_unrestricted(struct rig *r)
{
	struct area *a = area_new(r, rig_ns(r), 0, 8);

	sanitize_guard(r);
	need_failure(r, CDW10_AUSE);
	check_failed(r);
	CHECK_STATUS(r, sanitize(r, ACT_EXIT_FAILURE, 0), SC_SUCCESS);
	area_stamp(a);
	area_check(a, 0, 0);
}

static const struct ask_row {
	const char *name;
	void (*ask)(struct rig *r);
} lock_rows[] = {
	{ "io", io },
	{ "admin", admin },
	{ "allowed", allowed },
	{ "error-log", error_log },
	{ "self-test", self_tests },
	{ "memory-region", memory_region },
	{ "over-reset", over_reset },
	{ "over-power", over_power },
	{ "failed-restricted", failed_restricted },
	{ "failed-unrestricted", failed_unrestricted },
};

static unsigned lock_needs(const void *row)
{
	return ((const struct ask_row *)row)->ask == memory_region ? NEED_QUEUES : 0;
}

static void run_row(struct rig *r)
{
	((const struct ask_row *)rig_row(r))->ask(r);
}

static const struct rig_case cases[] = {
	{ .id = "locks-commands",
	  .rule = "A sanitize operation that runs or failed lets in what the text lists, and "
		  "nothing ends it.",
	  .ref = "Base 2.1 Sanitize Operation Restrictions, Sanitize Operation State Machine, "
		 "Admin "
		 "Command Set (Sanitize Operations and Format NVM Command - Admin Commands "
		 "Allowed); Base 2.2 Flush command; NVM CS 1.0 Sanitize command",
	  .needs = NEED_COMMAND,
	  .harm = HARM_WEAR,
	  .fault = "sanitize-reads-open sanitize-writes-open sanitize-admin-open "
		   "sanitize-logs-open sanitize-identify-closed sanitize-lba-shown "
		   "sanitize-wrong-status sanitize-twice sanitize-spares-self-test "
		   "sanitize-pmr-enabled "
		   "sanitize-restricted-left "
		   "sanitize-ended-by-reset sanitize-ended-by-power",
	  .na = na_scratch,
	  .deadline_s = SANITIZE_S,
	  .row_needs = lock_needs,
	  .run = run_row,
	  ROWS(lock_rows) },
	{ .id = "both-controllers",
	  .rule = "A sanitize operation keeps I/O out on every controller; the one that started it "
		  "reports its end, and no other.",
	  .ref = "Base 2.1 Sanitize Operation Types and Support, Sanitize Operation Restrictions",
	  .needs = NEED_QUEUES | NEED_PEER,
	  .harm = HARM_WEAR,
	  .fault = "sanitize-one-controller sanitize-event-everywhere",
	  .na = na_shared,
	  .deadline_s = SANITIZE_S,
	  .run = on_the_peer },
};

SUITE(sanitize_locks_suite, CONFORMANCE, "sanitize", cases);
