// SPDX-License-Identifier: GPL-2.0-or-later
/* The lists that Identify returns, but for that of active namespaces. */
#include <string.h>

#include "kit/kit.h"

#define ID_LEN		 4096
#define CNS_NS		 0x00
#define CNS_ACTIVE	 0x02
#define CNS_ALLOCATED	 0x10
#define CNS_ALLOCATED_NS 0x11
#define CNS_UUIDS	 0x17
#define CNS_ENDURANCE_GROUPS 0x19
#define CTRATT_SETS	 (1u << 2)
#define CTRATT_GROUPS	 (1u << 4)
#define CTRATT_GRANULES	 (1u << 7)
#define CTRATT_UUIDS	 (1u << 9)
#define CTRATT_DOMAINS	 (1u << 13)

static bool is_zero(const uint8_t *at, size_t len)
{
	return !at[0] && !memcmp(at, at + 1, len - 1);
}

static const char *na_no_ns(const struct facts *f)
{
	return f->has_scratch ? NULL : "no active namespace of the NVM command set";
}

static bool manages_namespaces(struct rig *r)
{
	return le16_get(rig_facts(r)->id.oacs) & NVME_CTRL_OACS_NS_MGMT;
}

/* ---- allocated-lists ---- */

/* Where it is no must, it may be there all the same. */
static void need_allocated(struct rig *r, uint8_t cns, uint32_t nsid)
{
	struct cpl cpl = rig_admin(r, cmd_identify(cns, nsid, rig_mem(r, ID_LEN)));

	if (cpl.status == SC_INVALID_FIELD && !manages_namespaces(r))
		rig_na(r, "OACS bit 3 is 0, and allocated namespaces are not told");
}

static void check_rises(struct rig *r, const __le32 *list)
{
	unsigned i = 0;

	for (; i < ID_LEN / 4 && list[i]; i++)
		CHECK_TRUE(r, !i || le32_get(list[i]) > le32_get(list[i - 1]),
			   "entry %u rises: NSID %u", i, le32_get(list[i]));
	for (; i < ID_LEN / 4; i++)
		if (list[i])
			CHECK_EQ(r, "an entry after the end", le32_get(list[i]), 0);
}

static bool is_in(const __le32 *list, uint32_t nsid)
{
	for (unsigned i = 0; i < ID_LEN / 4 && list[i]; i++)
		if (le32_get(list[i]) == nsid)
			return true;
	return false;
}

/* Every active namespace is allocated, and the list above an entry is what follows it. */
static void allocated_list(struct rig *r)
{
	__le32 *all = rig_mem(r, ID_LEN), *active = rig_mem(r, ID_LEN), *rest = rig_mem(r, ID_LEN);

	need_allocated(r, CNS_ALLOCATED, 0);
	REQUIRE_STATUS(r, rig_admin(r, cmd_identify(CNS_ALLOCATED, 0, all)), SC_SUCCESS);
	rig_admin_ok(r, cmd_identify(CNS_ACTIVE, 0, active));
	check_rises(r, all);
	for (unsigned i = 0; i < ID_LEN / 4 && active[i]; i++)
		CHECK_TRUE(r, is_in(all, le32_get(active[i])), "active NSID %u is allocated",
			   le32_get(active[i]));
	for (unsigned i = 0; i < 16 && all[i]; i++) {
		REQUIRE_STATUS(r, rig_admin(r, cmd_identify(CNS_ALLOCATED, le32_get(all[i]), rest)),
			       SC_SUCCESS);
		CHECK_MEM(r, "the list above an entry is what follows it", rest, all + i + 1,
			  ID_LEN - (i + 1) * sizeof(*all));
	}
	CHECK_STATUS(r, rig_admin(r, cmd_identify(CNS_ALLOCATED, 0xfffffffe, rest)), SC_INVALID_NS);
	CHECK_STATUS(r, rig_admin(r, cmd_identify(CNS_ALLOCATED, NSID_ALL, rest)), SC_INVALID_NS);
}

/* The first valid NSID that is not allocated; 0: all are. */
static uint32_t unallocated(struct rig *r)
{
	__le32 *all = rig_mem(r, ID_LEN);
	uint32_t nn = rig_facts(r)->nn;

	rig_admin_ok(r, cmd_identify(CNS_ALLOCATED, 0, all));
	for (uint32_t nsid = 1; nsid <= nn && nsid <= ID_LEN / 4; nsid++)
		if (!is_in(all, nsid))
			return nsid;
	return 0;
}

static void allocated_ns(struct rig *r)
{
	uint8_t *plain = rig_mem(r, ID_LEN), *data = rig_mem(r, ID_LEN);
	uint32_t nsid = rig_ns(r)->nsid, none;

	need_allocated(r, CNS_ALLOCATED_NS, nsid);
	REQUIRE_STATUS(r, rig_admin(r, cmd_identify(CNS_ALLOCATED_NS, nsid, data)), SC_SUCCESS);
	rig_admin_ok(r, cmd_identify(CNS_NS, nsid, plain));
	CHECK_MEM(r, "an allocated namespace that is active", data, plain, ID_LEN);
	none = unallocated(r);
	if (none) {
		CHECK_STATUS(r, rig_admin(r, cmd_identify(CNS_ALLOCATED_NS, none, data)),
			     SC_SUCCESS);
		CHECK_TRUE(r, is_zero(data, ID_LEN), "NSID %u is not allocated: all bytes are 0",
			   none);
	}
	CHECK_STATUS(r, rig_admin(r, cmd_identify(CNS_ALLOCATED_NS, 0xfffffffe, data)),
		     SC_INVALID_NS);
}

static const struct ask_row {
	const char *name;
	void (*ask)(struct rig *r);
} allocated_rows[] = { { "list", allocated_list }, { "namespace", allocated_ns } };

static void run_row(struct rig *r)
{
	((const struct ask_row *)rig_row(r))->ask(r);
}

/* ---- ctrl-lists ---- */

static struct cpl read_ctrls(struct rig *r, uint8_t cns, uint32_t nsid, uint16_t from,
			     uint8_t *list)
{
	struct cmd c = cmd_identify(cns, nsid, list);

	c.sqe.cdw10 = le32_from((uint32_t)from << 16 | cns);
	return rig_admin(r, c);
}

/* Count, ascending identifiers from `from` on; whether this controller is one of them. */
static bool check_ctrls(struct rig *r, const uint8_t *list, uint16_t from, uint16_t self)
{
	unsigned n = le16_at(list), last = 0;
	bool found = false;

	REQUIRE_TRUE(r, n < ID_LEN / 2, "%u identifiers fit into the list", n);
	for (unsigned i = 1; i <= n; i++) {
		unsigned id = le16_at(list + 2 * i);

		CHECK_GE(r, "an identifier against the one asked for", id, from);
		CHECK_TRUE(r, i == 1 || id > last, "entry %u rises: %04Xh after %04Xh", i, id,
			   last);
		found |= id == self;
		last = id;
	}
	for (size_t at = 2 + 2 * n; at < ID_LEN; at++)
		if (list[at])
			CHECK_EQ(r, "a byte past the count", list[at], 0);
	return found;
}

static const struct ctrls_row {
	const char *name;
	uint8_t cns;
	bool of_ns;
} ctrls_rows[] = { { "attached", 0x12, true }, { "all", 0x13, false } };

static void ctrl_lists(struct rig *r)
{
	const struct ctrls_row *row = rig_row(r);
	uint32_t nsid = row->of_ns ? rig_ns(r)->nsid : 0;
	uint16_t self = le16_get(rig_facts(r)->id.cntlid);
	uint8_t *list = rig_mem(r, ID_LEN);
	const uint16_t from[] = { 0, self, (uint16_t)(self + 1), 0xffff };

	if (read_ctrls(r, row->cns, nsid, 0, list).status == SC_INVALID_FIELD &&
	    !manages_namespaces(r))
		rig_na(r, "the list of controllers is not supported (OACS bit 3 is 0)");
	for (size_t i = 0; i < ARRAY_SIZE(from); i++) {
		REQUIRE_STATUS(r, read_ctrls(r, row->cns, nsid, from[i], list), SC_SUCCESS);
		CHECK_EQ(r, "whether this controller is in the list from an identifier on",
			 check_ctrls(r, list, from[i], self), from[i] <= self);
	}
}

/* ---- misc-lists ---- */

static const struct list_row {
	const char *name;
	uint8_t cns;
	uint32_t ctratt;
	unsigned header, entry, id_bytes; /* bytes before the entries, of one, of its identifier */
	bool counted;			  /* the first byte, or the first two, count the entries */
} list_rows[] = {
	{ "nvm-sets", 0x04, CTRATT_SETS, 128, 128, 2, true },
	{ "granularity", 0x16, CTRATT_GRANULES, 32, 16, 0, true },
	{ "uuids", CNS_UUIDS, CTRATT_UUIDS, 32, 32, 0, false },
	{ "domains", 0x18, CTRATT_DOMAINS, 128, 128, 2, true },
	{ "endurance-groups", CNS_ENDURANCE_GROUPS, CTRATT_GROUPS, 2, 2, 2, true },
};

static void check_counted(struct rig *r, const struct list_row *row, const uint8_t *list)
{
	unsigned n = row->header == 2 ? le16_at(list) : list[0] & 0x7fu, last = 0;

	if (row->cns == 0x16)
		n = (list[4] & 0x1fu) + 1u; /* 0's based */
	REQUIRE_TRUE(r, row->header + n * row->entry <= ID_LEN, "%u entries fit", n);
	for (unsigned i = 0; row->id_bytes && i < n; i++) {
		unsigned id = le16_at(list + row->header + i * row->entry);

		CHECK_TRUE(r, id > last, "identifier %u rises: %u after %u", i, id, last);
		last = id;
	}
	for (size_t at = row->header + n * row->entry; at < ID_LEN; at++)
		if (list[at])
			CHECK_EQ(r, "a byte past the entries", list[at], 0);
}

/* The list ends at the first UUID of zero. */
static void check_uuid_list(struct rig *r, const uint8_t *list)
{
	bool ended = false;

	CHECK_TRUE(r, is_zero(list, 32), "the first entry of the UUID list is reserved");
	for (size_t at = 32; at < ID_LEN; at += 32) {
		bool zero = is_zero(list + at + 16, 16);

		CHECK_TRUE(r, zero || !ended,
			   "the UUID list ends at its first UUID of 0 (byte %zu)", at);
		ended |= zero;
	}
}

static void misc_lists(struct rig *r)
{
	const struct list_row *row = rig_row(r);
	uint8_t *list = rig_mem(r, ID_LEN);
	struct cpl cpl = rig_admin(r, cmd_identify(row->cns, 0, list));

	if (!(le32_get(rig_facts(r)->id.ctratt) & row->ctratt)) {
		if (row->cns == CNS_ENDURANCE_GROUPS && cpl.status == SC_SUCCESS)
			CHECK_EQ(r, "Endurance Groups listed, and none claimed", le16_at(list), 0);
		else
			CHECK_STATUS(r, cpl, SC_INVALID_FIELD);
		return;
	}
	REQUIRE_STATUS(r, cpl, SC_SUCCESS);
	if (row->counted)
		check_counted(r, row, list);
	else
		check_uuid_list(r, list);
}

static const struct rig_case cases[] = {
	{ .id = "allocated-lists",
	  .rule = "Allocated namespaces are listed as active ones are, which are some of them.",
	  .ref = "Base 2.0 Allocated Namespace ID list; NVM CS 1.0 Identify Namespace data "
		 "structure for an Allocated Namespace ID (CNS 11h)",
	  .needs = NEED_COMMAND,
	  .fault = "allocated-list-short allocated-ns-error",
	  .na = na_no_ns,
	  .run = run_row,
	  ROWS(allocated_rows) },
	{ .id = "ctrl-lists",
	  .rule = "A list of controllers is counted, rises from the one asked for, has this one.",
	  .ref = "Base 2.0 Controller List",
	  .needs = NEED_COMMAND,
	  .fault = "ctrl-list-gt ctrl-list-without-self",
	  .run = ctrl_lists,
	  ROWS(ctrls_rows) },
	{ .id = "misc-lists",
	  .rule = "A list that CTRATT claims is in order and ends in zeroes; another is refused.",
	  .ref = "Base 2.0 Identify command; NVM CS 1.0 Namespace Granularity List (CNS 16h)",
	  .needs = NEED_COMMAND,
	  .fault = "uuid-list-hole identify-reserved-cns-accepted endurance-groups-unclaimed",
	  .run = misc_lists,
	  ROWS(list_rows) },
};

SUITE(identify_list_suite, CONFORMANCE, "identify", cases);
