// SPDX-License-Identifier: GPL-2.0-or-later
/* The Asymmetric Namespace Access log: how it stands, and what a change of state makes of it. */
#include "ana.h"
#include "target/target.h"

#define LIST_MOST 1024u

/* ---- ana ---- */

static bool is_state(uint8_t state, uint8_t capabilities)
{
	switch (state) {
	case NVME_ANA_STATE_OPTIMIZED:
		return capabilities & NVME_CTRL_ANACAP_OPT;
	case NVME_ANA_STATE_NONOPTIMIZED:
		return capabilities & NVME_CTRL_ANACAP_NON_OPT;
	case NVME_ANA_STATE_INACCESSIBLE:
		return capabilities & NVME_CTRL_ANACAP_INACCESSIBLE;
	case NVME_ANA_STATE_PERSISTENT_LOSS:
		return capabilities & NVME_CTRL_ANACAP_PERSISTENT_LOSS;
	case NVME_ANA_STATE_CHANGE:
		return capabilities & NVME_CTRL_ANACAP_CHANGE;
	default:
		return false;
	}
}

static void check_group(struct rig *r, const struct ana_group *g, uint32_t last)
{
	const struct nvme_id_ctrl *id = &rig_facts(r)->id;
	static const uint8_t none[15];

	CHECK_TRUE(r, g->id > last, "groups rise: %u after %u", g->id, last);
	CHECK_LE(r, "ANA Group ID against ANAGRPMAX", g->id, le32_get(id->anagrpmax));
	CHECK_TRUE(r, is_state(g->state, id->anacap),
		   "group %u: state %02Xh is one that ANACAP %02Xh claims", g->id, g->state,
		   id->anacap);
	CHECK_MEM(r, "bytes 31:17 of the descriptor, which are reserved", g->descriptor + 17, none,
		  sizeof(none));
}

static void check_header(struct rig *r, const struct ana_log *log)
{
	static const uint8_t none[6];

	CHECK_LE(r, "groups against NANAGRPID", log->n, le32_get(rig_facts(r)->id.nanagrpid));
	CHECK_MEM(r, "bytes 15:10 of the log, which are reserved", log->header + 10, none,
		  sizeof(none));
	for (unsigned i = 0; i < log->n; i++)
		check_group(r, &log->group[i], i ? log->group[i - 1].id : 0);
}

static void claims(struct rig *r)
{
	const struct nvme_id_ctrl *id = &rig_facts(r)->id;

	CHECK_NE(r, "ANATT", id->anatt, 0);
	CHECK_TRUE(r, id->anacap & NVME_CTRL_ANACAP_OPT, "ANACAP %02Xh: bit 0 is 1", id->anacap);
	CHECK_TRUE(r, le32_get(id->oaes) & NVME_CTRL_OAES_ANA, "OAES %08Xh: bit 11 is 1",
		   le32_get(id->oaes));
	CHECK_GE(r, "NANAGRPID", le32_get(id->nanagrpid), 1);
	CHECK_GE(r, "ANAGRPMAX against NANAGRPID", le32_get(id->anagrpmax),
		 le32_get(id->nanagrpid));
	check_header(r, ana_read(r, rig_ctrl(r), false));
}

/* How many groups list it; its own must. */
static void check_member(struct rig *r, const struct ana_log *log, uint32_t nsid)
{
	uint32_t group = ana_identify(r, rig_ctrl(r), nsid, NULL);
	unsigned lists = 0, of_its_own = 0;

	for (unsigned i = 0; i < log->n; i++)
		for (uint32_t k = 0; k < log->group[i].n; k++) {
			bool here = le32_get(log->group[i].nsids[k]) == nsid;

			lists += here;
			of_its_own += here && log->group[i].id == group;
		}
	CHECK_TRUE(r, group && group <= le32_get(rig_facts(r)->id.anagrpmax),
		   "namespace %u: ANAGRPID %u is valid", nsid, group);
	CHECK_TRUE(r, lists == 1 && of_its_own == 1,
		   "namespace %u is listed once, by group %u (of %u lists)", nsid, group, lists);
}

/* Every active namespace is a member of its group, and no other is listed. */
static void namespaces(struct rig *r)
{
	const struct ana_log *log = ana_read(r, rig_ctrl(r), false);
	__le32 *active = rig_mem(r, 4096);
	unsigned n = 0, listed = 0;

	rig_admin_ok(r, cmd_identify(NVME_IDENTIFY_CNS_NS_ACTIVE_LIST, 0, active));
	for (; n < LIST_MOST && active[n]; n++)
		check_member(r, log, le32_get(active[n]));
	for (unsigned i = 0; i < log->n; i++) {
		const struct ana_group *g = &log->group[i];

		listed += g->n;
		CHECK_GE(r, "namespaces of a group that is reported", g->n, 1);
		for (uint32_t k = 1; k < g->n; k++)
			CHECK_TRUE(r, le32_get(g->nsids[k]) > le32_get(g->nsids[k - 1]),
				   "NSIDs of group %u rise: %u after %u", g->id,
				   le32_get(g->nsids[k]), le32_get(g->nsids[k - 1]));
	}
	if (n < LIST_MOST)
		CHECK_EQ(r, "namespaces listed, against the active ones", listed, n);
}

static void groups_only(struct rig *r)
{
	const struct ana_log *all = ana_read(r, rig_ctrl(r), false);
	const struct ana_log *log = ana_read(r, rig_ctrl(r), true);

	REQUIRE_EQ(r, "groups with RGO = 1", log->n, all->n);
	for (unsigned i = 0; i < log->n; i++) {
		REQUIRE_EQ(r, "Number of NSID Values with RGO = 1", log->group[i].n, 0);
		CHECK_EQ(r, "ANA Group ID with RGO = 1", log->group[i].id, all->group[i].id);
		CHECK_EQ(r, "ANA state with RGO = 1", log->group[i].state, all->group[i].state);
	}
	check_header(r, log);
}

static const struct log_row {
	const char *name;
	void (*ask)(struct rig *r);
} log_rows[] = {
	{ "claims-and-groups", claims },
	{ "namespaces", namespaces },
	{ "groups-only", groups_only },
};

static void ana(struct rig *r)
{
	const struct log_row *row = rig_row(r);

	row->ask(r);
}

/* ---- ana-change ---- */

static const struct ana_row states[] = { ANA_ROWS };

/* One group of the log before and after; it is the one that changed, or is not. */
static void check_change(struct rig *r, const struct ana_group *was, const struct ana_group *is,
			 const struct ana_row *row, bool changed)
{
	CHECK_EQ(r, "ANA Group ID", is->id, was->id);
	CHECK_EQ(r, "ANA state", is->state, changed ? row->state : was->state);
	REQUIRE_EQ(r, "Number of NSID Values", is->n, was->n);
	CHECK_MEM(r, "its namespaces", is->nsids, was->nsids, 4ull * is->n);
	if (was->changes && changed)
		CHECK_GT(r, "Change Count of the group that changed", is->changes, was->changes);
	if (was->changes && !changed)
		CHECK_EQ(r, "Change Count of a group that did not", is->changes, was->changes);
}

static void check_restarted(struct rig *r, struct ctrl *c)
{
	const struct ana_log *log;

	rig_reset_on(r, c);
	log = ana_read(r, c, false);
	rig_note(r, "Change Count of the log after a Controller Reset: %llu",
		 (unsigned long long)log->changes);
	for (unsigned i = 0; i < log->n; i++)
		CHECK_LE(r, "Change Count of a group after a Controller Reset",
			 log->group[i].changes, 1);
}

static void ana_change(struct rig *r)
{
	const struct ana_row *row = rig_row(r);
	struct ctrl *c = rig_ctrl(r);
	uint32_t group = ana_identify(r, c, rig_ns(r)->nsid, NULL);
	const struct ana_log *was, *is;

	was = ana_read(r, c, false);
	ana_find(r, was, group);
	ana_enter(r, c, group, row);
	is = ana_read(r, c, false);
	CHECK_GT(r, "Change Count of the log after a change", is->changes, was->changes);
	REQUIRE_EQ(r, "groups", is->n, was->n);
	for (unsigned i = 0; i < is->n; i++)
		check_change(r, &was->group[i], &is->group[i], row, was->group[i].id == group);
	check_restarted(r, c);
}

static const struct rig_case cases[] = {
	{ .id = "ana",
	  .rule = "The ANA log has groups in rising order, states that are claimed, and each "
		  "attached namespace once, in the group that Identify names.",
	  .ref = "Base 2.1 Asymmetric Namespace Access (Log Page Identifier 0Ch); Base 2.2 "
		 "Asymmetric Namespace Access Reporting; Base 2.1 Identify Controller data "
		 "structure "
		 "(ANATT, ANACAP)",
	  .needs = NEED_COMMAND,
	  .fault = "ana-groups-fall ana-nsid-in-every-group ana-unattached-listed "
		   "ana-groups-only-ignored ana-state-reserved ana-group-past-max",
	  .na = ana_na,
	  .run = ana,
	  ROWS(log_rows) },
	{ .id = "ana-change",
	  .rule = "A change of state is that of one group alone, is counted, and counting begins "
		  "anew at a reset.",
	  .ref = "Base 2.1 Asymmetric Namespace Access (Log Page Identifier 0Ch); Base 2.2 ANA "
		 "Groups",
	  .needs = NEED_QUEUES | NEED_CONTROL,
	  .harm = HARM_SETTINGS,
	  .fault = "ana-changes-uncounted ana-count-over-reset ana-state-of-all-groups "
		   "ana-state-reserved",
	  .na = ana_na,
	  .run = ana_change,
	  ROWS(states) },
};

SUITE(log_ana_suite, CONFORMANCE, "log", cases);
