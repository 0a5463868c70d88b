// SPDX-License-Identifier: GPL-2.0-or-later
/* Notices of what a host does not bring about itself, and of firmware that is activated. */
#include <string.h>

#include "ana.h"
#include "duo.h"
#include "firmware.h"
#include "ns_made.h"
#include "target/target.h"
#include "temperature.h"

#define TYPE_NOTICE	  2u
#define INFO_ACTIVATION	  1u
#define INFO_TELEMETRY	  2u
#define INFO_ANA	  3u
#define AEC(info)	  (1u << (8 + (info)))
#define NOTICE(info, lid) (TYPE_NOTICE | (uint32_t)(info) << 8 | (uint32_t)(lid) << 16)

struct notice {
	struct rig *r;
	uint32_t group; /* of ANA */
	unsigned state; /* the next of two to enter */
	unsigned info, lid;
};

static void configure(struct rig *r, uint32_t aec)
{
	rig_admin_ok(r, cmd_set_features(NVME_FEAT_FID_ASYNC_EVENT, false, 0, aec));
}

/* Reads the log with RAE = 0, and so clears the event. */
static void read_log(struct notice *n)
{
	void *log = rig_mem(n->r, 512);

	rig_admin_ok(n->r, cmd_get_log((uint8_t)n->lid, NSID_ALL, 0, log, 512));
}

static void check_told(struct notice *n, const char *what)
{
	struct cpl cpl;

	REQUIRE_TRUE(n->r, rig_event_try(n->r, &cpl, EVENT_NS), "%s is reported", what);
	CHECK_STATUS(n->r, cpl, SC_SUCCESS);
	CHECK_EQ(n->r, "event type, information and log page", cpl.dw0, NOTICE(n->info, n->lid));
	rig_aer(n->r);
}

static void check_untold(struct rig *r, const char *what)
{
	struct cpl cpl = { .dw0 = 0 };
	bool came = rig_event_try(r, &cpl, HELD_NS);

	REQUIRE_TRUE(r, !came, "%s is not reported (an AER came back with Dword 0 %08Xh)", what,
		     came ? cpl.dw0 : 0);
}

/* ---- other-notices ---- */

static void make_telemetry(struct notice *n)
{
	rig_control_on(n->r, rig_ctrl(n->r), "telemetry");
}

static void make_ana(struct notice *n)
{
	static const struct ana_row next[] = { ANA_ROWS };
	static const struct ana_row back = { "optimized", NVME_ANA_STATE_OPTIMIZED,
					     NVME_CTRL_ANACAP_OPT, SC_SUCCESS, false };

	ana_enter(n->r, rig_ctrl(n->r), n->group, n->state++ % 2 ? &back : &next[1]);
}

static const struct notice_row {
	const char *name, *what;
	unsigned info, lid;
	void (*make)(struct notice *n);
} notices[] = {
	{ "ana-change", "a change of an ANA state", INFO_ANA, NVME_LOG_LID_ANA, make_ana },
	{ "telemetry", "telemetry data that the controller saved", INFO_TELEMETRY,
	  NVME_LOG_LID_TELEMETRY_CTRL, make_telemetry },
};

/* Enabled: once until the log is read. Disabled: not at all. */
static void other_notices(struct rig *r)
{
	const struct notice_row *row = rig_row(r);
	struct notice n = { .r = r, .info = row->info, .lid = row->lid };

	if (!(le32_get(rig_facts(r)->id.oaes) & AEC(row->info)))
		rig_na(r, "OAES bit %u is 0: the notice is not claimed", 8 + row->info);
	if (row->info == INFO_ANA)
		n.group = ana_identify(r, rig_ctrl(r), rig_ns(r)->nsid, NULL);
	rig_keep_feature(r, NVME_FEAT_FID_ASYNC_EVENT, 0, 0);
	configure(r, AEC(row->info));
	read_log(&n);
	rig_aer(r);
	row->make(&n);
	check_told(&n, row->what);
	row->make(&n);
	check_untold(r, "another one, before the log was read,");
	read_log(&n);
	row->make(&n);
	check_told(&n, row->what);
	read_log(&n);
	configure(r, 0);
	row->make(&n);
	check_untold(r, "one while the notice is not enabled");
}

static const char *na_notices(const struct facts *f)
{
	if (le32_get(f->id.oaes) & (AEC(INFO_ANA) | AEC(INFO_TELEMETRY)))
		return NULL;
	return "OAES bits 11:10 are 00b: neither ANA changes nor telemetry are told of";
}

/* ---- ana-entry ---- */

static const struct ana_row entries[] = { ANA_ROWS };

static void watch_on(struct rig *r, struct ctrl *c)
{
	rig_admin_ok_on(r, c, cmd_set_features(NVME_FEAT_FID_ASYNC_EVENT, false, 0, AEC(INFO_ANA)));
	ana_read(r, c, true);
	rig_aer_on(r, c);
}

/* The controller whose relation changed tells it, and the other one does not. */
static void ana_entry(struct rig *r)
{
	const struct ana_row *row = rig_row(r);
	struct notice n = { .r = r, .info = INFO_ANA, .lid = NVME_LOG_LID_ANA };
	struct ctrl *c = rig_ctrl(r), *peer = rig_peer(r);
	struct cpl cpl = { .dw0 = 0 };
	bool came;

	rig_keep_feature(r, NVME_FEAT_FID_ASYNC_EVENT, 0, 0);
	watch_on(r, c);
	watch_on(r, peer);
	ana_enter(r, c, ana_identify(r, c, rig_ns(r)->nsid, NULL), row);
	if (row->state != NVME_ANA_STATE_CHANGE) /* of which the text says nothing */
		check_told(&n, "the state that was entered");
	came = rig_event_try_on(r, peer, &cpl, HELD_NS);
	CHECK_TRUE(r, !came, "the other controller reports nothing (its AER came back with %08Xh)",
		   came ? cpl.dw0 : 0);
}

static const char *na_entry(const struct facts *f)
{
	const char *no = ana_na(f);

	return no ? no : duo_na_alone(f);
}

/* ---- ana-attach ---- */

#define OWN_BYTES (1u << 20)

/* Every event that comes is that of a changed attribute; one does. */
static void check_attribute_alone(struct rig *r, const char *what)
{
	const uint32_t want = NOTICE(0, NVME_LOG_LID_CHANGED_NS);
	void *log = rig_mem(r, 4096);
	struct cpl cpl;

	REQUIRE_TRUE(r, rig_event_try(r, &cpl, EVENT_NS), "%s is reported", what);
	CHECK_EQ(r, "event type, information and log page", cpl.dw0, want);
	rig_aer(r);
	rig_admin_ok(r, cmd_get_log(NVME_LOG_LID_CHANGED_NS, NSID_ALL, 0, log, 4096));
	check_untold(r, "the same once more");
}

static void ana_attach(struct rig *r)
{
	uint32_t nsid = ns_own(r, OWN_BYTES);

	ns_watch(r);
	configure(r, AEC(INFO_ANA) | AEC_NS);
	ana_read(r, rig_ctrl(r), true);
	rig_aer(r);
	REQUIRE_STATUS(r, ns_attach(r, nsid, true), SC_SUCCESS);
	check_attribute_alone(r, "an Attach");
	REQUIRE_STATUS(r, ns_attach(r, nsid, false), SC_SUCCESS);
	check_attribute_alone(r, "a Detach");
}

static const char *na_attach(const struct facts *f)
{
	if (ana_na(f))
		return ana_na(f);
	if (!(le32_get(f->id.oaes) & NVME_CTRL_OAES_NA))
		return "OAES bit 8 is 0: changes of namespaces are not told";
	return ns_na_management(f);
}

/* ---- firmware-notice ---- */

static const char *na_firmware(const struct facts *f)
{
	if (fw_na(f))
		return fw_na(f);
	if (!(le32_get(f->id.oaes) & NVME_CTRL_OAES_FA))
		return "OAES bit 9 is 0: activations are not told of";
	return f->id.frmw & 0x10 ? NULL : "FRMW bit 4 is 0: nothing is activated without a reset";
}

/* The image that runs is activated once more. */
static void activate(struct rig *r)
{
	const struct fw_state *s = fw_look(r);
	struct cpl cpl = fw_commit(r, s->active, FW_ACTIVATE_NOW);

	if (cpl.status != SC_SUCCESS)
		rig_na(r, "the image that runs cannot be activated again: %03Xh", cpl.status);
}

/* A controller that does not pause tells nothing; one that tells says it so. */
static void firmware_notice(struct rig *r)
{
	struct notice n = { .r = r, .info = INFO_ACTIVATION, .lid = NVME_LOG_LID_FW_SLOT };
	struct cpl cpl;

	if (!rig_facts(r)->caps.emulated)
		rig_skip(r, "needs", "an emulated target: nothing is activated on a drive");
	rig_keep_feature(r, NVME_FEAT_FID_ASYNC_EVENT, 0, 0);
	configure(r, 0);
	rig_aer(r);
	activate(r);
	check_untold(r, "an activation while the notice is not enabled");
	configure(r, AEC(INFO_ACTIVATION));
	activate(r);
	if (!rig_event_try(r, &cpl, EVENT_NS)) {
		rig_note(r, "the activation is not reported: it may be that nothing paused");
		return;
	}
	CHECK_STATUS(r, cpl, SC_SUCCESS);
	CHECK_EQ(r, "event type, information and log page", cpl.dw0, NOTICE(n.info, n.lid));
	read_log(&n);
}

static const struct rig_case cases[] = {
	{ .id = "other-notices",
	  .rule = "A change of an ANA state and new telemetry data are reported, once until their "
		  "log is read, and only where that is enabled.",
	  .ref = "Base 2.1 Asynchronous Event Request command (Asymmetric Namespace Access Change, "
		 "Telemetry Log Changed); Base 2.1 Asynchronous Event Configuration (Feature "
		 "Identifier 0Bh); Base 2.2 Asymmetric Namespace Access Change Notifications",
	  .needs = NEED_QUEUES | NEED_CONTROL,
	  .harm = HARM_SETTINGS,
	  .fault = "ana-event-missing ana-event-wrong-log telemetry-untold ns-event-unasked",
	  .na = na_notices,
	  .run = other_notices,
	  ROWS(notices) },
	{ .id = "ana-entry",
	  .rule = "A controller reports each ANA state that it enters, but for the Change state, "
		  "and another controller does not.",
	  .ref = "Base 2.2 Asymmetric Namespace Access Change Notifications",
	  .needs = NEED_QUEUES | NEED_PEER | NEED_CONTROL,
	  .harm = HARM_SETTINGS,
	  .fault = "ana-event-missing ana-event-wrong-log ana-state-of-subsystem",
	  .na = na_entry,
	  .run = ana_entry,
	  ROWS(entries) },
	{ .id = "ana-attach",
	  .rule = "A namespace attached or detached is reported as a changed attribute, and not as "
		  "a change of an ANA state.",
	  .ref = "Base 2.1 Asynchronous Event Request command (Asymmetric Namespace Access Change)",
	  .needs = NEED_QUEUES,
	  .harm = HARM_WEAR,
	  .fault = "ana-told-of-attachment ns-event-missing",
	  .na = na_attach,
	  .run = ana_attach },
	{ .id = "firmware-notice",
	  .rule = "An activation of firmware without a reset is reported as such or not at all, "
		  "and not where that is disabled.",
	  .ref = "Base 2.1 Asynchronous Event Request command (Firmware Activation Starting); Base "
		 "2.1 Asynchronous Event Configuration (Feature Identifier 0Bh)",
	  .needs = NEED_CTRL,
	  .harm = HARM_WEAR,
	  .fault = "fw-activation-wrong-log ns-event-unasked",
	  .na = na_firmware,
	  .run = firmware_notice },
};

SUITE(aer_notices_suite, CONFORMANCE, "aer", cases);
