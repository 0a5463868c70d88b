// SPDX-License-Identifier: GPL-2.0-or-later
/* Namespaces made and deleted. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ns_made.h"

#define OWN_BYTES	(1u << 20)
#define SEL_MAX		15u
#define CTRATT_GRANULES (1u << 7)
#define NSFEAT_THIN	1u
#define NSFEAT_UIDREUSE 8u
#define PI_BYTES	8u

/* ---- create-errors ---- */

/* What must not change when a Create fails. */
struct stock {
	uint32_t nsid[NS_LIST_MAX];
	unsigned n;
	uint64_t unallocated;
};

static struct stock *stock_take(struct rig *r)
{
	struct stock *s = rig_mem(r, sizeof(*s));

	s->n = ns_list(r, true, s->nsid);
	s->unallocated = ns_unallocated(r);
	return s;
}

static void stock_check(struct rig *r, const struct stock *was)
{
	const struct stock *now = stock_take(r);

	CHECK_EQ(r, "namespaces after a Create that failed", now->n, was->n);
	CHECK_MEM(r, "their NSIDs", now->nsid, was->nsid, sizeof(now->nsid));
	CHECK_EQ(r, "UNVMCAP after it", now->unallocated, was->unallocated);
}

#define REFUSED(r, w, ...)                                                                         \
	do {                                                                                       \
		const struct stock *was_ = stock_take(r);                                          \
		CHECK_STATUS(r, ns_create(r, w), __VA_ARGS__);                                     \
		stock_check(r, was_);                                                              \
	} while (0)

/* One block more than there is capacity for; the error log says how much it would have been. */
static void too_large(struct rig *r)
{
	struct ns_wish w = ns_wish(r, OWN_BYTES);
	const struct stock *was = stock_take(r);
	uint32_t lba = ns_wish_lba(r, &w);
	uint64_t needs = 0;
	struct cpl cpl;

	w.size = w.capacity = was->unallocated / lba + 1;
	cpl = ns_create(r, &w);
	CHECK_STATUS(r, cpl, SC_NS_CAPACITY);
	if (ns_error_specific(r, cpl, &needs))
		CHECK_GE(r, "capacity it needs, as the error log says", needs, w.size * lba);
	stock_check(r, was);
}

/* Sizes that arithmetic in 32 or 64 bits takes for small ones. */
static void too_large_wraps(struct rig *r)
{
	struct ns_wish w = ns_wish(r, OWN_BYTES);
	uint64_t lba = ns_wish_lba(r, &w), unallocated = ns_unallocated(r);
	const uint64_t sizes[] = { UINT64_MAX, UINT64_MAX / lba + 9, (1ull << 32) + 8, 1ull << 63 };

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		if (sizes[i] <= unallocated / lba)
			continue;
		w.size = w.capacity = sizes[i];
		REFUSED(r, &w, SC_NS_CAPACITY);
	}
}

static void format_past(struct rig *r)
{
	struct ns_wish w = ns_wish(r, OWN_BYTES);
	struct nvme_id_ns common;

	ns_common(r, &common);
	if (common.nlbaf + common.nulbaf >= 15)
		rig_na(r, "every LBA format that FLBAS bits 3:0 name is there");
	for (unsigned i = common.nlbaf + common.nulbaf + 1u; i < 16; i++) {
		w.flbas = (uint8_t)i;
		REFUSED(r, &w, SC_FORMAT_INVALID);
	}
}

/* Protection of types 1 to 3 in a format whose blocks have no room for it. */
static void pi_without_room(struct rig *r)
{
	struct ns_wish w = ns_wish(r, OWN_BYTES);
	struct nvme_id_ns common;

	ns_common(r, &common);
	if (le16_get(common.lbaf[w.flbas & 0xf].ms) >= PI_BYTES)
		rig_na(r, "the format has room for protection information");
	for (w.dps = 1; w.dps <= 3; w.dps++)
		REFUSED(r, &w, SC_FORMAT_INVALID, SC_INVALID_FIELD);
}

/* Formats of a guard of 32 or 64 bits, or with a Storage Tag, while LBAFEE is 0. */
static void guard_lbafee(struct rig *r)
{
	struct ns_wish w = ns_wish(r, OWN_BYTES);
	uint8_t *page = rig_mem(r, 4096);
	struct nvme_id_ns common;
	unsigned n = 0;

	if (!(le32_get(rig_facts(r)->id.ctratt) & NVME_CTRL_CTRATT_ELBAS))
		rig_na(r, "CTRATT bit 15 is 0: no extended LBA formats");
	ns_common(r, &common);
	rig_admin_ok(r, cmd_identify(NVME_IDENTIFY_CNS_CSI_NS, NSID_ALL, page));
	for (w.flbas = 0, w.dps = 1; w.flbas <= common.nlbaf && w.flbas < 16; w.flbas++) {
		if (!(le32_at(page + 12 + 4 * w.flbas) & 0x1ff))
			continue; /* neither PIF nor STS */
		REFUSED(r, &w, SC_INVALID_NS);
		n++;
	}
	if (!n)
		rig_na(r, "every LBA format has a guard of 16 bits and no Storage Tag");
}

static void thin(struct rig *r)
{
	struct ns_wish w = ns_wish(r, OWN_BYTES);
	struct nvme_id_ns common;

	ns_common(r, &common);
	if (common.nsfeat & NSFEAT_THIN)
		rig_na(r, "NSFEAT bit 0 is 1: thin provisioning is there");
	w.capacity = w.size - 1;
	REFUSED(r, &w, SC_THIN_UNSUPPORTED);
}

static void sel_reserved(struct rig *r)
{
	struct ns_wish w = ns_wish(r, OWN_BYTES);
	const struct stock *was = stock_take(r);
	struct nvme_id_ns *id = rig_mem(r, 4096);

	id->nsze = id->ncap = le64_from(w.size);
	id->flbas = w.flbas;
	for (unsigned sel = 2; sel <= SEL_MAX; sel++) {
		struct cmd c = cmd_ns_create(0, id);

		c.sqe.cdw10 = le32_from(sel);
		CHECK_STATUS(r, rig_admin(r, c), SC_INVALID_FIELD);
	}
	stock_check(r, was);
}

/* Every I/O command set that no combination of CNS 1Ch has. */
static void csi_unsupported(struct rig *r)
{
	struct ns_wish w = ns_wish(r, OWN_BYTES);
	static const uint8_t asked[] = { 1, 2, 3, 4, 0x1f, 0x2f, 0x3f, 0xff };
	uint8_t *list = rig_mem(r, 4096);
	uint64_t there = 1;

	if (rig_facts(r)->vs < VS(2, 0, 0))
		rig_na(r, "the CSI field came with 2.0");
	if (rig_admin(r, cmd_identify(NVME_IDENTIFY_CNS_COMMAND_SET_STRUCTURE, 0, list)).status ==
	    SC_SUCCESS)
		for (unsigned i = 0; i < 512; i++)
			there |= le64_at(list + 8 * i);
	for (size_t i = 0; i < ARRAY_SIZE(asked); i++) {
		w.csi = asked[i];
		if (w.csi > 63 || !(there >> w.csi & 1))
			REFUSED(r, &w, SC_IOCS_UNSUPPORTED);
	}
}

/* What is off the granularity is allocated up to it, and not refused. */
static void off_granularity(struct rig *r)
{
	struct ns_wish w = ns_wish(r, OWN_BYTES);
	bool told = le32_get(rig_facts(r)->id.ctratt) & CTRATT_GRANULES;
	struct nvme_id_ns id;
	uint32_t nsid;

	w.size = ++w.capacity;
	nsid = ns_make(r, &w);
	ns_id_allocated(r, nsid, &id);
	CHECK_EQ(r, "NSZE of the namespace made", le64_get(id.nsze), w.size);
	CHECK_GE(r, "its NVMCAP", le64_at(id.nvmcap), w.size * ns_wish_lba(r, &w));
	rig_note(r, "%s", told ? "CTRATT bit 7 tells a granularity" : "no granularity is told");
}

/* Where the command is not known at all, that is what identify.oacs-truth tells. */
static void need_management(struct rig *r)
{
	if (rig_admin(r, cmd_ns_delete(0)).status == SC_INVALID_OPCODE)
		rig_na(r, "OACS bit 3 is 1 and opcode 0Dh is not known: identify.oacs-truth");
}

#define NSIDS_MOST 2000u

/* As many as the subsystem may have, and one more. */
static void no_nsid(struct rig *r)
{
	const struct nvme_id_ctrl *id = &rig_facts(r)->id;
	uint32_t most = le32_get(id->mnan) ? le32_get(id->mnan) : le32_get(id->nn);
	struct ns_wish w = ns_wish(r, 0);
	uint32_t n = stock_take(r)->n;
	struct cpl cpl = { .status = SC_SUCCESS };

	need_management(r);
	w.size = w.capacity = 1;
	if (most - n > NSIDS_MOST)
		rig_na(r, "%u more namespaces may be made: too many to make", most - n);
	for (; n < most && cpl.status == SC_SUCCESS; n++) {
		cpl = ns_create(r, &w);
		if (cpl.status == SC_NS_CAPACITY)
			rig_na(r, "capacity for %u namespaces alone, and %u may be", n, most);
		CHECK_STATUS(r, cpl, SC_SUCCESS);
	}
	REFUSED(r, &w, SC_NSID_UNAVAILABLE);
}

static const struct ask_row {
	const char *name;
	void (*ask)(struct rig *r);
} create_rows[] = {
	{ "too-large", too_large },
	{ "too-large-wraps", too_large_wraps },
	{ "format-past-the-last", format_past },
	{ "protection-without-room", pi_without_room },
	{ "guard-without-lbafee", guard_lbafee },
	{ "thin", thin },
	{ "sel-reserved", sel_reserved },
	{ "csi-unsupported", csi_unsupported },
	{ "off-granularity", off_granularity },
	{ "no-nsid", no_nsid },
};

static void run_row(struct rig *r)
{
	((const struct ask_row *)rig_row(r))->ask(r);
}

/* A Create that works shows that the next fails for what is asked about. */
static void create_errors(struct rig *r)
{
	const struct ask_row *row = rig_row(r);
	struct ns_wish w = ns_wish(r, OWN_BYTES);

	if (row->ask != no_nsid)
		rig_admin_ok(r, cmd_ns_delete(ns_make(r, &w)));
	row->ask(r);
}

/* ---- create-delete ---- */

static void check_made(struct rig *r, uint32_t nsid, const struct ns_wish *w, struct stock *was)
{
	struct nvme_id_ns id, inactive;

	for (unsigned i = 0; i < was->n; i++)
		CHECK_NE(r, "NSID of a namespace that is there already", nsid, was->nsid[i]);
	CHECK_TRUE(r, ns_is_listed(r, true, nsid), "NSID %u is allocated", nsid);
	CHECK_TRUE(r, !ns_is_listed(r, false, nsid), "NSID %u is not active", nsid);
	ns_id_allocated(r, nsid, &id);
	CHECK_EQ(r, "NSZE", le64_get(id.nsze), w->size);
	CHECK_EQ(r, "NCAP", le64_get(id.ncap), w->capacity);
	CHECK_EQ(r, "FLBAS, the format", id.flbas & 0xf, w->flbas);
	CHECK_EQ(r, "NMIC bit 0", id.nmic & 1, w->nmic);
	CHECK_EQ(r, "UNVMCAP, less by NVMCAP", ns_unallocated(r),
		 was->unallocated - le64_at(id.nvmcap));
	rig_id_ns(r, nsid, &inactive);
	CHECK_EQ(r, "NSZE that CNS 00h tells of a namespace not attached", le64_get(inactive.nsze),
		 0);
}

static void check_gone(struct rig *r, uint32_t nsid, const struct stock *was)
{
	struct nvme_id_ns id;

	CHECK_TRUE(r, !ns_is_listed(r, true, nsid), "NSID %u is not allocated any more", nsid);
	ns_id_allocated(r, nsid, &id);
	CHECK_EQ(r, "NSZE of it", le64_get(id.nsze), 0);
	CHECK_EQ(r, "UNVMCAP as before", ns_unallocated(r), was->unallocated);
}

static void cycles(struct rig *r)
{
	struct stock *was = stock_take(r);
	struct ns_wish w = ns_wish(r, OWN_BYTES);
	uint32_t nsid;

	for (uint64_t n = rig_pick(r, 3, 10, 100); n; n--) {
		w.nmic = n & 1;
		nsid = ns_make(r, &w);
		check_made(r, nsid, &w, was);
		CHECK_STATUS(r, rig_admin(r, cmd_ns_delete(nsid)), SC_SUCCESS);
		check_gone(r, nsid, was);
	}
}

/* Each LBA format, each layout of its metadata that MC offers, each type that DPC offers. */
static void make_format(struct rig *r, struct ns_wish w, const struct nvme_lbaf *lbaf)
{
	struct nvme_id_ns id;
	uint32_t nsid;

	w.size = w.capacity = OWN_BYTES >> lbaf->ds;
	nsid = ns_make(r, &w);
	ns_id_allocated(r, nsid, &id);
	CHECK_EQ(r, "FLBAS", id.flbas & 0x1f, w.flbas);
	CHECK_EQ(r, "DPS", id.dps, w.dps);
	CHECK_EQ(r, "NSZE", le64_get(id.nsze), w.size);
	CHECK_GE(r, "NVMCAP", le64_at(id.nvmcap), w.size << lbaf->ds);
	rig_admin_ok(r, cmd_ns_delete(nsid));
}

static void every_format(struct rig *r)
{
	struct ns_wish w = ns_wish(r, 0);
	uint8_t *page = rig_mem(r, 4096);
	struct nvme_id_ns common;

	ns_common(r, &common);
	if (rig_admin(r, cmd_identify(NVME_IDENTIFY_CNS_CSI_NS, NSID_ALL, page)).status)
		memset(page, 0, 4096);
	for (uint8_t i = 0; i <= common.nlbaf && i < 16; i++) {
		const struct nvme_lbaf *lbaf = &common.lbaf[i];
		bool plain_guard = !(le32_at(page + 12 + 4 * i) & 0x1ff);

		if (lbaf->ds < 9 || lbaf->ds > 19)
			continue; /* not there, or larger than the namespace */
		for (unsigned x = 0; x <= 1; x++) {
			if (le16_get(lbaf->ms) ? !(common.mc >> !x & 1) : x)
				continue;
			for (w.dps = 0; w.dps <= 3; w.dps++) {
				bool pi = w.dps && plain_guard && le16_get(lbaf->ms) >= PI_BYTES &&
					  common.dpc >> (w.dps - 1) & 1 && common.dpc & 0x10;

				w.flbas = (uint8_t)(i | x << 4);
				if (!w.dps || pi)
					make_format(r, w, lbaf);
			}
		}
	}
}

/* Where UIDREUSE is 1, the identifiers of a namespace are nobody's after it. */
static void identifiers(struct rig *r)
{
	struct ns_wish w = ns_wish(r, OWN_BYTES);
	struct nvme_id_ns a, b;
	uint32_t nsid = ns_make(r, &w);
	static const uint8_t none[16];

	ns_id_allocated(r, nsid, &a);
	if (!(a.nsfeat & NSFEAT_UIDREUSE))
		rig_na(r, "NSFEAT bit 3 is 0: identifiers may come again");
	rig_admin_ok(r, cmd_ns_delete(nsid));
	ns_id_allocated(r, ns_make(r, &w), &b);
	CHECK_TRUE(r, !memcmp(b.nguid, none, 16) || memcmp(a.nguid, b.nguid, 16),
		   "the NGUID of a new namespace is not that of the one before");
	CHECK_TRUE(r, !memcmp(b.eui64, none, 8) || memcmp(a.eui64, b.eui64, 8),
		   "the EUI64 of a new namespace is not that of the one before");
}

static void delete_invalid(struct rig *r)
{
	uint32_t nn = rig_facts(r)->nn, unallocated = ns_free_nsid(r);
	const struct stock *was = stock_take(r);

	need_management(r);
	CHECK_STATUS(r, rig_admin(r, cmd_ns_delete(0)), SC_INVALID_NS);
	if (nn < NSID_ALL - 1)
		CHECK_STATUS(r, rig_admin(r, cmd_ns_delete(nn + 1)), SC_INVALID_NS);
	if (nn < NSID_ALL - 1)
		CHECK_STATUS(r, rig_admin(r, cmd_ns_delete(NSID_ALL - 1)), SC_INVALID_NS);
	if (unallocated)
		CHECK_STATUS(r, rig_admin(r, cmd_ns_delete(unallocated)), SC_INVALID_FIELD,
			     SC_INVALID_NS);
	stock_check(r, was);
}

/* What there was, to be made once more. */
struct remade {
	struct rig *r;
	struct ctrl *c;
	unsigned n;
	struct {
		struct nvme_id_ns *fields;
		bool active;
	} ns[FACTS_NS_MAX];
	struct nvme_ctrl_list self;
};

static void remake(void *arg)
{
	struct remade *m = arg;
	struct cpl cpl;

	for (unsigned i = 0; m->c->enabled && i < m->n; i++) {
		struct cmd c = cmd_ns_create(0, m->ns[i].fields);

		if (ctrl_admin(m->c, &c, &cpl) || cpl.status || !m->ns[i].active)
			continue;
		c = cmd_ns_attach(cpl.dw0, true, &m->self);
		ctrl_admin(m->c, &c, &cpl);
	}
}

static void remake_at_end(struct rig *r, const struct stock *was)
{
	struct remade *m = rig_mem(r, sizeof(*m));
	struct nvme_id_ns id;

	*m = (struct remade){ .r = r, .c = rig_ctrl(r) };
	m->self.num = le16_from(1);
	m->self.identifier[0] = rig_facts(r)->id.cntlid;
	for (; m->n < was->n; m->n++) {
		struct nvme_id_ns *fields = rig_mem(r, 4096);

		ns_id_allocated(r, was->nsid[m->n], &id);
		fields->nsze = id.nsze;
		fields->ncap = id.ncap;
		fields->flbas = id.flbas;
		fields->dps = id.dps;
		fields->nmic = id.nmic;
		m->ns[m->n].fields = fields;
		m->ns[m->n].active = ns_is_listed(r, false, was->nsid[m->n]);
	}
	rig_defer(r, remake, m);
}

/* What Create does not say of a namespace, zones above all, is lost with it. */
static void need_plain(struct rig *r)
{
	const struct facts *f = rig_facts(r);

	for (unsigned i = 0; i < f->n_ns; i++)
		if (f->ns[i].csi)
			rig_na(r, "NSID %u is of another command set: Create cannot make it again "
				  "as it is", f->ns[i].nsid);
}

/* All of them, on an emulated target: nothing of value is there, and it is made anew. */
static void delete_all(struct rig *r)
{
	struct ns_wish w = ns_wish(r, OWN_BYTES);
	uint32_t nsid = ns_make(r, &w);
	struct stock *was;

	rig_admin_ok(r, cmd_ns_delete(nsid));
	was = stock_take(r);
	if (!rig_facts(r)->caps.emulated || was->n > FACTS_NS_MAX)
		rig_skip(r, "needs", "an emulated target: every namespace would be lost");
	need_plain(r);
	remake_at_end(r, was);
	CHECK_STATUS(r, rig_admin(r, cmd_ns_delete(NSID_ALL)), SC_SUCCESS);
	CHECK_EQ(r, "namespaces left", stock_take(r)->n, 0);
	CHECK_GE(r, "UNVMCAP", ns_unallocated(r), was->unallocated);
	CHECK_STATUS(r, rig_admin(r, cmd_ns_delete(NSID_ALL)), SC_SUCCESS);
}

static const struct ask_row delete_rows[] = {
	{ "cycles", cycles },		{ "every-format", every_format },
	{ "identifiers", identifiers }, { "delete-invalid", delete_invalid },
	{ "delete-all", delete_all },
};

static const struct rig_case cases[] = {
	{ .id = "create-errors",
	  .rule = "A namespace that cannot be is not made, and the status says why.",
	  .ref = "Base 2.1 Namespace Management command; NVM CS 1.0 Namespace Management command; "
		 "Base 2.0 Namespace Management command",
	  .needs = NEED_CTRL,
	  .harm = HARM_WEAR,
	  .fault = "ns-capacity-unchecked ns-capacity-untold ns-size-wraps ns-format-unchecked "
		   "ns-thin-accepted ns-sel-reserved-accepted ns-csi-ignored ns-granule-demanded "
		   "nsid-past-nn ns-lbafee-unchecked",
	  .na = ns_na_management,
	  .run = create_errors,
	  ROWS(create_rows) },
	{ .id = "create-delete",
	  .rule = "A namespace that is made is there with what it was asked to be, and gone when "
		  "it "
		  "is deleted; so is its capacity.",
	  .ref = "Base 2.1 Namespace Management command, Namespace Management; Base 2.0 Identify "
		 "Controller data structure (TNVMCAP, UNVMCAP); NVM CS 1.0 Identify Namespace data "
		 "structure (NSFEAT, NVMCAP)",
	  .needs = NEED_COMMAND,
	  .harm = HARM_WEAR,
	  .fault = "ns-created-untold ns-created-attached unvmcap-stuck unvmcap-not-returned "
		   "ns-delete-noop ns-dps-dropped ns-ids-reused ns-delete-unknown-accepted",
	  .na = ns_na_management,
	  .run = run_row,
	  .deadline_s = 120, /* a kernel that looks at each anew takes its time */
	  ROWS(delete_rows) },
};

SUITE(nsmgmt_suite, CONFORMANCE, "nsmgmt", cases);
