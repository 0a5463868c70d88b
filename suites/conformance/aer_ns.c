// SPDX-License-Identifier: GPL-2.0-or-later
/* Who is told that namespaces came and went. */
#include "duo.h"
#include "ns_made.h"
#include "temperature.h"

#define OWN_BYTES   (1u << 20)
#define TYPE_NOTICE 2u
#define INFO_NS	    0u

static void check_told(struct rig *r, const char *of)
{
	uint32_t *list = rig_mem(r, sizeof(*list) * NS_LIST_MAX);
	struct cpl cpl;

	REQUIRE_TRUE(r, rig_event_try(r, &cpl, EVENT_NS), "%s is reported", of);
	CHECK_STATUS(r, cpl, SC_SUCCESS);
	CHECK_EQ(r, "event type (2: Notice)", EVENT_TYPE(cpl.dw0), TYPE_NOTICE);
	CHECK_EQ(r, "event information (0: Namespace Attribute Changed)", EVENT_INFO(cpl.dw0),
		 INFO_NS);
	CHECK_EQ(r, "log page", EVENT_LID(cpl.dw0), NVME_LOG_LID_CHANGED_NS);
	ns_read_changed(r, list);
}

static void check_untold(struct rig *r, const char *why)
{
	struct cpl cpl;

	CHECK_TRUE(r, !rig_event_try(r, &cpl, HELD_NS), "no event: %s", why);
}

static void told(struct rig *r)
{
	uint32_t nsid = ns_own(r, OWN_BYTES);

	ns_watch(r);
	rig_aer(r);
	check_untold(r, "nothing changed");
	REQUIRE_STATUS(r, ns_attach(r, nsid, true), SC_SUCCESS);
	check_told(r, "an Attach");
	rig_aer(r);
	REQUIRE_STATUS(r, ns_attach(r, nsid, false), SC_SUCCESS);
	check_told(r, "a Detach");
}

/* Until the log was read there is no other one; afterwards there is. */
static void until_read(struct rig *r)
{
	uint32_t nsid = ns_own(r, OWN_BYTES), *list = rig_mem(r, sizeof(*list) * NS_LIST_MAX);
	struct cpl cpl;

	ns_watch(r);
	rig_aer(r);
	REQUIRE_STATUS(r, ns_attach(r, nsid, true), SC_SUCCESS);
	REQUIRE_TRUE(r, rig_event_try(r, &cpl, EVENT_NS), "an Attach is reported");
	rig_aer(r);
	REQUIRE_STATUS(r, ns_attach(r, nsid, false), SC_SUCCESS);
	check_untold(r, "the log of the one before was not read");
	ns_read_changed(r, list);
	REQUIRE_STATUS(r, ns_attach(r, nsid, true), SC_SUCCESS);
	check_told(r, "an Attach after the log was read");
}

static void switched_off(struct rig *r)
{
	uint32_t nsid = ns_own(r, OWN_BYTES);

	ns_watch(r);
	rig_admin_ok(r, cmd_set_features(NVME_FEAT_FID_ASYNC_EVENT, false, 0, 0));
	rig_aer(r);
	REQUIRE_STATUS(r, ns_attach(r, nsid, true), SC_SUCCESS);
	check_untold(r, "the notice is not enabled");
}

/* ---- aer.ns-change-peer ---- */

static bool peer_hears(struct rig *r, struct cpl *cpl, uint64_t ns)
{
	return rig_event_try_on(r, rig_peer(r), cpl, ns);
}

static void watch_peer(struct rig *r)
{
	struct ctrl *peer = rig_peer(r);
	uint8_t *log = rig_mem(r, 4096);

	rig_admin_ok_on(r, peer, cmd_set_features(NVME_FEAT_FID_ASYNC_EVENT, false, 0, AEC_NS));
	rig_admin_ok_on(r, peer, cmd_get_log(NVME_LOG_LID_CHANGED_NS, NSID_ALL, 0, log, 4096));
	rig_aer_on(r, peer);
}

static void check_peer_told(struct rig *r, const char *of, uint32_t nsid)
{
	__le32 *log = rig_mem(r, 4096);
	struct cpl cpl;

	REQUIRE_TRUE(r, peer_hears(r, &cpl, EVENT_NS), "%s is reported by the other controller",
		     of);
	CHECK_EQ(r, "event type, information and log page", cpl.dw0,
		 TYPE_NOTICE | NVME_LOG_LID_CHANGED_NS << 16);
	rig_admin_ok_on(r, rig_peer(r),
			cmd_get_log(NVME_LOG_LID_CHANGED_NS, NSID_ALL, 0, log, 4096));
	CHECK_EQ(r, "first NSID of its Changed Namespace List", le32_get(log[0]), nsid);
	rig_aer_on(r, rig_peer(r));
}

/* What is done to the other controller it tells, and what is done to this one it does not. */
static void peer(struct rig *r)
{
	struct ns_wish w = ns_wish(r, OWN_BYTES);
	uint16_t id = rig_facts(r)->peer.cntlid;
	struct cpl cpl;
	uint32_t nsid;

	w.nmic = 1;
	nsid = ns_make(r, &w);
	watch_peer(r);
	REQUIRE_STATUS(r, ns_attach(r, nsid, true), SC_SUCCESS);
	CHECK_TRUE(r, !peer_hears(r, &cpl, HELD_NS), "an Attach to this one is not reported there");
	REQUIRE_STATUS(r, ns_attach_list(r, nsid, true, 1, &id), SC_SUCCESS);
	check_peer_told(r, "an Attach", nsid);
	REQUIRE_STATUS(r, ns_attach_list(r, nsid, false, 1, &id), SC_SUCCESS);
	check_peer_told(r, "a Detach", nsid);
	REQUIRE_STATUS(r, ns_attach_list(r, nsid, true, 1, &id), SC_SUCCESS);
	check_peer_told(r, "an Attach", nsid);
	REQUIRE_STATUS(r, rig_admin(r, cmd_ns_delete(nsid)), SC_SUCCESS);
	check_peer_told(r, "a Delete", nsid);
}

static const char *na_peer(const struct facts *f)
{
	const char *no = ns_na_changes(f);

	return no ? no : duo_na_alone(f);
}

static const struct ask_row {
	const char *name;
	void (*ask)(struct rig *r);
} rows[] = {
	{ "attach-detach", told },
	{ "until-read", until_read },
	{ "switched-off", switched_off },
};

static void run_row(struct rig *r)
{
	((const struct ask_row *)rig_row(r))->ask(r);
}

static const struct rig_case cases[] = {
	{ .id = "ns-change",
	  .rule = "A namespace attached or detached is reported, once until the log is read, and "
		  "only where that is enabled.",
	  .ref = "Base 2.1 Asynchronous Event Request command (Attached Namespace Attribute "
		 "Changed); Base 2.1 Asynchronous Event Configuration (Feature Identifier 0Bh); "
		 "Base 2.0 Asynchronous Event Request command",
	  .needs = NEED_COMMAND,
	  .harm = HARM_WEAR,
	  .fault = "ns-event-missing ns-event-wrong-log detach-untold aer-never-unmasked "
		   "ns-event-unasked",
	  .na = ns_na_changes,
	  .run = run_row,
	  ROWS(rows) },
	{ .id = "ns-change-peer",
	  .rule = "A controller reports namespaces that another one attaches to it, detaches or "
		  "deletes.",
	  .ref = "Base 2.1 Namespace Management (Namespace Deletion Asynchronous Event Reporting); "
		 "Base 2.1 Changed Attached Namespace List (Log Page Identifier 04h)",
	  .needs = NEED_QUEUES | NEED_PEER,
	  .harm = HARM_WEAR,
	  .fault = "ns-event-missing delete-untold delete-unlisted ns-event-everywhere",
	  .na = na_peer,
	  .run = peer },
};

SUITE(aer_ns_suite, CONFORMANCE, "aer", cases);
