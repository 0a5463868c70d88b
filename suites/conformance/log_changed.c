// SPDX-License-Identifier: GPL-2.0-or-later
/* Changed Namespace List: the namespaces that came and went. */
#include "ns_made.h"

#define OWN_BYTES (1u << 20)

/* These and no others; then none. */
static void check_changed(struct rig *r, const char *what, unsigned n, const uint32_t *want)
{
	uint32_t *list = rig_mem(r, sizeof(*list) * NS_LIST_MAX);
	unsigned got = ns_read_changed(r, list);

	REQUIRE_EQ(r, what, got, n);
	for (unsigned i = 0; i < n; i++)
		CHECK_EQ(r, "NSID that changed", list[i], want[i]);
	CHECK_EQ(r, "entries once the log was read", ns_read_changed(r, list), 0);
}

static void listed(struct rig *r)
{
	uint32_t nsid = ns_own(r, OWN_BYTES);

	ns_watch(r);
	REQUIRE_STATUS(r, ns_attach(r, nsid, true), SC_SUCCESS);
	check_changed(r, "namespaces changed by an Attach", 1, &nsid);
	REQUIRE_STATUS(r, ns_attach(r, nsid, false), SC_SUCCESS);
	check_changed(r, "namespaces changed by a Detach", 1, &nsid);
	REQUIRE_STATUS(r, ns_attach(r, nsid, true), SC_SUCCESS);
	REQUIRE_STATUS(r, ns_attach(r, nsid, false), SC_SUCCESS);
	check_changed(r, "namespaces changed by both", 1, &nsid);
}

/* One that is deleted while it is attached. */
static void deleted(struct rig *r)
{
	struct ns_wish w = ns_wish(r, OWN_BYTES);
	uint32_t nsid = ns_make(r, &w);

	REQUIRE_STATUS(r, ns_attach(r, nsid, true), SC_SUCCESS);
	ns_watch(r);
	REQUIRE_STATUS(r, rig_admin(r, cmd_ns_delete(nsid)), SC_SUCCESS);
	check_changed(r, "namespaces changed by a Delete", 1, &nsid);
}

/* Two, the higher one first. */
static void ascending(struct rig *r)
{
	struct ns_wish w = ns_wish(r, OWN_BYTES);
	uint32_t nsid[2] = { ns_make(r, &w), ns_make(r, &w) }, low = nsid[0] > nsid[1];
	const uint32_t rising[2] = { nsid[low], nsid[!low] };

	ns_watch(r);
	REQUIRE_STATUS(r, ns_attach(r, rising[1], true), SC_SUCCESS);
	REQUIRE_STATUS(r, ns_attach(r, rising[0], true), SC_SUCCESS);
	check_changed(r, "namespaces changed", 2, rising);
}

/* More than 1,024: the list says so, and nothing else. */
static void overflow(struct rig *r)
{
	struct ns_wish w = ns_wish(r, 0);
	uint32_t *list = rig_mem(r, sizeof(*list) * NS_LIST_MAX), nn = rig_facts(r)->nn;
	uint32_t *all = rig_mem(r, sizeof(*all) * NS_LIST_MAX), room = nn - ns_list(r, true, all);

	w.size = w.capacity = 1;
	if (room <= NS_LIST_MAX)
		rig_na(r, "room for %u more namespaces, and 1,025 have to change", room);
	ns_watch(r);
	for (unsigned i = 0; i <= NS_LIST_MAX; i++) {
		uint32_t nsid = ns_make(r, &w);

		REQUIRE_STATUS(r, ns_attach(r, nsid, true), SC_SUCCESS);
		REQUIRE_STATUS(r, ns_attach(r, nsid, false), SC_SUCCESS);
	}
	REQUIRE_EQ(r, "entries for 1,025 changed namespaces", ns_read_changed(r, list), 1);
	CHECK_EQ(r, "the one entry (FFFFFFFFh: too many)", list[0], NSID_ALL);
	CHECK_EQ(r, "entries once the log was read", ns_read_changed(r, list), 0);
}

static const struct ask_row {
	const char *name;
	void (*ask)(struct rig *r);
} rows[] = {
	{ "attach-detach", listed },
	{ "delete", deleted },
	{ "ascending", ascending },
	{ "overflow", overflow },
};

static void run_row(struct rig *r)
{
	((const struct ask_row *)rig_row(r))->ask(r);
}

/* A host with events of its own reads this log, which empties it: there must be none. */
static const struct rig_case cases[] = {
	{ .id = "changed-ns",
	  .rule = "The Changed Namespace List names what was attached, detached or deleted since "
		  "it was read.",
	  .ref = "Base 2.1 Changed Attached Namespace List (Log Page Identifier 04h); Base 2.0 "
		 "Changed Namespace List (Log Identifier 04h)",
	  .needs = NEED_COMMAND | NEED_CTRL,
	  .harm = HARM_WEAR,
	  .fault = "detach-untold delete-unlisted changed-list-unsorted changed-list-stays "
		   "changed-list-cut",
	  .na = ns_na_changes,
	  .run = run_row,
	  ROWS(rows) },
};

SUITE(log_changed_suite, CONFORMANCE, "log", cases);
