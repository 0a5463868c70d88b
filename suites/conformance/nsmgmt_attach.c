// SPDX-License-Identifier: GPL-2.0-or-later
/* Namespaces attached and detached. */
#include <stdio.h>
#include <string.h>

#include "duo.h"
#include "io_area.h"
#include "ns_made.h"

#define OWN_BYTES (1u << 20)
#define SEL_MAX	  15u
#define ID_NONE	  0xffefu /* FFF0h and above are reserved: no controller has this one */
#define LIST_PAST 2048u	  /* one identifier more than a list has room for */

/* ---- attach-errors ---- */

static uint16_t self_of(struct rig *r)
{
	return le16_get(rig_facts(r)->id.cntlid);
}

static void check_active(struct rig *r, uint32_t nsid, bool want)
{
	CHECK_EQ(r, "the namespace is active", ns_is_listed(r, false, nsid), want);
}

static void check_on_peer(struct rig *r, uint32_t nsid, bool want)
{
	__le32 *list = rig_mem(r, 4096);

	rig_admin_ok_on(r, rig_peer(r),
			cmd_identify(NVME_IDENTIFY_CNS_NS_ACTIVE_LIST, nsid - 1, list));
	CHECK_EQ(r, "the namespace is active on the other controller", le32_get(list[0]) == nsid,
		 want);
}

static void swap(uint16_t ids[2])
{
	uint16_t first = ids[0];

	ids[0] = ids[1];
	ids[1] = first;
}

/* The byte of the list where the first entry that fails stands. */
static void check_place(struct rig *r, struct cpl cpl, unsigned entry)
{
	uint64_t at;

	if (ns_error_specific(r, cpl, &at))
		CHECK_EQ(r, "byte of the failing entry, as the error log says", at, 2 * entry);
}

static void twice(struct rig *r)
{
	uint32_t nsid = ns_own_attached(r, OWN_BYTES)->nsid;
	struct cpl cpl = ns_attach(r, nsid, true);

	CHECK_STATUS(r, cpl, SC_NS_ATTACHED);
	check_place(r, cpl, 1);
	check_active(r, nsid, true);
}

static void detach_idle(struct rig *r)
{
	uint32_t nsid = ns_own(r, OWN_BYTES);
	struct cpl cpl = ns_attach(r, nsid, false);

	CHECK_STATUS(r, cpl, SC_NS_NOT_ATTACHED);
	check_place(r, cpl, 1);
	check_active(r, nsid, false);
}

/* A controller that is not there, alone and behind one that is, which is dealt with. */
static void unknown_controller(struct rig *r)
{
	uint32_t nsid = ns_own(r, OWN_BYTES);
	const uint16_t alone[] = { ID_NONE }, both[] = { self_of(r), ID_NONE };
	struct cpl cpl;

	CHECK_STATUS(r, ns_attach_list(r, nsid, true, 1, alone), SC_CONTROLLER_LIST_INVALID);
	check_active(r, nsid, false);
	cpl = ns_attach_list(r, nsid, true, 2, both);
	CHECK_STATUS(r, cpl, SC_CONTROLLER_LIST_INVALID);
	rig_note(r, "the entry before the one that failed is %s",
		 ns_is_listed(r, false, nsid) ? "attached" : "not attached");
}

static void list_malformed(struct rig *r)
{
	uint32_t nsid = ns_own(r, OWN_BYTES);
	const uint16_t falling[] = { ID_NONE, self_of(r) };
	uint16_t *many = rig_mem(r, LIST_PAST * sizeof(*many));

	for (unsigned i = 0; i < LIST_PAST; i++)
		many[i] = (uint16_t)(self_of(r) + i);
	CHECK_STATUS(r, ns_attach_list(r, nsid, true, 2, falling), SC_CONTROLLER_LIST_INVALID);
	check_active(r, nsid, false);
	/* entries before the one that fails may be dealt with */
	CHECK_STATUS(r, ns_attach_list(r, nsid, true, LIST_PAST, many), SC_CONTROLLER_LIST_INVALID);
}

static void sel_reserved(struct rig *r)
{
	uint32_t nsid = ns_own(r, OWN_BYTES);
	struct nvme_ctrl_list *list = rig_mem(r, sizeof(*list));

	list->num = le16_from(1);
	list->identifier[0] = le16_from(self_of(r));
	for (unsigned sel = 2; sel <= SEL_MAX; sel++) {
		struct cmd c = cmd_ns_attach(nsid, true, list);

		c.sqe.cdw10 = le32_from(sel);
		CHECK_STATUS(r, rig_admin(r, c), SC_INVALID_FIELD);
	}
	check_active(r, nsid, false);
}

static void nsid_wrong(struct rig *r)
{
	uint32_t nn = rig_facts(r)->nn, unallocated = ns_free_nsid(r);

	for (unsigned attach = 0; attach < 2; attach++) {
		CHECK_STATUS(r, ns_attach(r, 0, attach), SC_INVALID_NS);
		if (nn < NSID_ALL - 1)
			CHECK_STATUS(r, ns_attach(r, nn + 1, attach), SC_INVALID_NS);
		if (unallocated)
			CHECK_STATUS(r, ns_attach(r, unallocated, attach), SC_INVALID_FIELD,
				     SC_INVALID_NS);
		CHECK_STATUS(r, ns_attach(r, NSID_ALL, attach), SC_INVALID_FIELD, SC_INVALID_NS);
	}
}

/* A private namespace and the other controller, which gets it once the first has it no more. */
static void private_ns(struct rig *r)
{
	struct ns_wish w = ns_wish(r, OWN_BYTES);
	uint16_t ids[2] = { self_of(r), rig_facts(r)->peer.cntlid };
	uint32_t nsid = ns_make(r, &w);
	unsigned later = ids[0] < ids[1];
	struct cpl cpl;

	REQUIRE_STATUS(r, ns_attach(r, nsid, true), SC_SUCCESS);
	CHECK_STATUS(r, ns_attach_list(r, nsid, true, 1, &ids[1]), SC_NS_PRIVATE);
	check_on_peer(r, nsid, false);
	REQUIRE_STATUS(r, ns_attach(r, nsid, false), SC_SUCCESS);
	if (!later)
		swap(ids);
	cpl = ns_attach_list(r, nsid, true, 2, ids);
	CHECK_STATUS(r, cpl, SC_NS_PRIVATE);
	check_place(r, cpl, 2);
	CHECK_EQ(r, "the first of the list has it", ns_is_listed(r, false, nsid), later);
	check_on_peer(r, nsid, !later);
}

/* One that is shared is attached to both at once, and detached from one of them. */
static void shared_ns(struct rig *r)
{
	struct ns_wish w = ns_wish(r, OWN_BYTES);
	uint16_t ids[2] = { self_of(r), rig_facts(r)->peer.cntlid };
	uint32_t nsid;

	w.nmic = 1;
	nsid = ns_make(r, &w);
	if (ids[0] > ids[1])
		swap(ids);
	CHECK_STATUS(r, ns_attach_list(r, nsid, true, 2, ids), SC_SUCCESS);
	check_active(r, nsid, true);
	check_on_peer(r, nsid, true);
	CHECK_STATUS(r, ns_attach(r, nsid, false), SC_SUCCESS);
	check_active(r, nsid, false);
	check_on_peer(r, nsid, true);
}

#define LIMIT_MOST 256u

/* As many as MAXCNA or MAXDNA allow, and one more. */
static void limit(struct rig *r)
{
	const struct nvme_id_ctrl *id = &rig_facts(r)->id;
	uint64_t most = le32_get(id->maxcna), domain = le64_at(id->maxdna);
	uint32_t *active = rig_mem(r, sizeof(*active) * NS_LIST_MAX);
	struct ns_wish w = ns_wish(r, 0);
	unsigned n = ns_list(r, false, active);

	w.size = w.capacity = 8;
	most = most && (!domain || most < domain) ? most : domain;
	if (!most || most > n + LIMIT_MOST)
		rig_na(r, "MAXCNA %u, MAXDNA %llu: no limit that can be reached",
		       le32_get(id->maxcna), (unsigned long long)domain);
	for (; n < most; n++)
		CHECK_STATUS(r, ns_attach(r, ns_make(r, &w), true), SC_SUCCESS);
	CHECK_STATUS(r, ns_attach(r, ns_make(r, &w), true), SC_NS_ATTACH_LIMIT);
	CHECK_EQ(r, "namespaces attached", ns_list(r, false, active), most);
}

static const struct ask_row {
	const char *name;
	void (*ask)(struct rig *r);
} attach_rows[] = {
	{ "attached-twice", twice },
	{ "detached-twice", detach_idle },
	{ "unknown-controller", unknown_controller },
	{ "list-malformed", list_malformed },
	{ "sel-reserved", sel_reserved },
	{ "nsid-wrong", nsid_wrong },
	{ "limit", limit },
};

static void run_row(struct rig *r)
{
	((const struct ask_row *)rig_row(r))->ask(r);
}

static const char *na_peer(const struct facts *f)
{
	const char *no = ns_na_management(f);

	return no ? no : duo_na_alone(f);
}

static const struct ask_row peer_rows[] = { { "private", private_ns }, { "shared", shared_ns } };

/* ---- detach-io ---- */

#define AREA	  64u
#define IN_FLIGHT 16u

static void check_inactive(struct rig *r, const struct area *a)
{
	struct nvme_id_ns id;

	for (size_t i = 0; i < IO_OPS; i++)
		if (io_supported(r, &io_ops[i]))
			CHECK_STATUS_OF(r, io_ops[i].name,
					rig_io(r, a->q, io_cmd(r, &io_ops[i], a->ns, 0, 1)),
					SC_INVALID_FIELD, SC_INVALID_NS);
	CHECK_STATUS_OF(r, "flush", rig_io(r, a->q, cmd_flush(a->ns->nsid)), SC_INVALID_FIELD,
			SC_INVALID_NS);
	rig_id_ns(r, a->ns->nsid, &id);
	CHECK_EQ(r, "NSZE of the namespace that is not attached", le64_get(id.nsze), 0);
}

/* What was written is there again when the namespace is. */
static void comes_back(struct rig *r)
{
	const struct facts_ns *ns = ns_own_attached(r, OWN_BYTES);
	struct area *a = area_new(r, ns, 0, AREA);

	CHECK_STATUS(r, ns_attach(r, ns->nsid, false), SC_SUCCESS);
	check_active(r, ns->nsid, false);
	check_inactive(r, a);
	CHECK_STATUS(r, ns_attach(r, ns->nsid, true), SC_SUCCESS);
	check_active(r, ns->nsid, true);
	area_check(a, 0, 0);
}

/* Reads and Writes under way, as many as the queue takes; the Writes write what is there. */
static unsigned put_load(struct rig *r, struct area *a, struct buf *mem)
{
	unsigned room = sq_room(a->q), n = room < IN_FLIGHT ? room : IN_FLIGHT;
	size_t len = a->ns->lba_bytes;

	memcpy(mem->data, a->data, IN_FLIGHT * len);
	for (unsigned i = 0; i < n; i++) {
		struct cmd c = i & 1 ? cmd_read(a->ns->nsid, i, 1, NULL, len)
				     : cmd_write(a->ns->nsid, i, 1, NULL, len);

		rig_prp(r, &c, mem, i * len, len);
		rig_put(r, a->q, c);
	}
	rig_ring(r, a->q);
	return n;
}

/* Each ends once, as done or as one to a namespace that is not there. */
static void under_load(struct rig *r)
{
	const struct facts_ns *ns = ns_own_attached(r, OWN_BYTES);
	struct area *a = area_new(r, ns, 0, AREA);
	struct buf *mem = rig_buf(r, (size_t)IN_FLIGHT * ns->lba_bytes);

	for (uint64_t round = rig_pick(r, 2, 10, 200); round; round--) {
		unsigned n = put_load(r, a, mem);
		struct cpl more;

		CHECK_STATUS(r, ns_attach(r, ns->nsid, false), SC_SUCCESS);
		while (n--)
			CHECK_STATUS(r, rig_next(r, a->q->cq), SC_SUCCESS, SC_INVALID_FIELD,
				     SC_INVALID_NS, SC_ABORT_REQUESTED);
		CHECK_EQ(r, "completions too many", rig_try(r, a->q->cq, &more, 1000000), 0);
		REQUIRE_STATUS(r, ns_attach(r, ns->nsid, true), SC_SUCCESS);
		area_check(a, 0, 0);
	}
}

/* An attachment is no part of what a reset takes away. */
static void over_reset(struct rig *r)
{
	uint32_t there = ns_own_attached(r, OWN_BYTES)->nsid;

	rig_reset(r);
	check_active(r, there, true);
	CHECK_STATUS(r, ns_attach(r, there, false), SC_SUCCESS);
	rig_reset(r);
	check_active(r, there, false);
	CHECK_STATUS(r, ns_attach(r, there, true), SC_SUCCESS);
}

static const struct ask_row io_rows[] = {
	{ "comes-back", comes_back },
	{ "under-load", under_load },
	{ "over-reset", over_reset },
};

static const struct rig_case cases[] = {
	{ .id = "attach-errors",
	  .rule = "An attachment that cannot be is refused, and what is attached stays so.",
	  .ref = "Base 2.1 Namespace Attachment command; Base 2.0 Namespace Attachment command, "
		 "Controller List; Base 2.1 NSID and Namespace Relationships",
	  .needs = NEED_COMMAND,
	  .harm = HARM_WEAR,
	  .fault = "ns-attached-twice ns-detached-twice ctrl-list-unchecked "
		   "attach-error-unplaced attach-sel-reserved-accepted ns-attach-limit-unchecked",
	  .na = ns_na_management,
	  .run = run_row,
	  ROWS(attach_rows) },
	{ .id = "attach-peer",
	  .rule = "A private namespace has one controller, a shared one as many as are listed.",
	  .ref = "Base 2.1 Namespace Attachment command; Base 2.0 Namespace Attachment command; "
		 "NVM "
		 "CS 1.0 Identify Namespace data structure (NMIC)",
	  .needs = NEED_QUEUES | NEED_PEER,
	  .harm = HARM_WEAR,
	  .fault = "ns-private-shared ns-attach-noop",
	  .na = na_peer,
	  .run = run_row,
	  ROWS(peer_rows) },
	{ .id = "detach-io",
	  .rule = "A namespace that is detached takes no command and loses nothing.",
	  .ref = "Base 2.1 Namespace Management, Namespace Attachment command; Base 2.1 NSID and "
		 "Namespace Relationships",
	  /* a host has another node for what was attached again, and none for what is not */
	  .needs = NEED_COMMAND | NEED_CTRL,
	  .harm = HARM_WEAR,
	  .fault = "ns-attach-noop ns-detach-noop detach-loses-data nsid-any-accepted "
		   "attachments-lost-at-reset",
	  .na = ns_na_management,
	  .run = run_row,
	  ROWS(io_rows) },
};

SUITE(nsmgmt_attach_suite, CONFORMANCE, "nsmgmt", cases);
