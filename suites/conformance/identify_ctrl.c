// SPDX-License-Identifier: GPL-2.0-or-later
/* What Identify tells of the controller: that it is true, consistent and stays so. */
#include <string.h>

#include "kit/kit.h"

#define CNS_NS	     0x00
#define CNS_CTRL     0x01
#define CNS_ACTIVE   0x02
#define CNS_DESC     0x03
#define CNS_CTRLS    0x13
#define ID_LEN	     4096
#define CNTLID_AT    78
#define CNTLID_MAX   0xffef /* those above are reserved */
#define VWC_PRESENT  0x1u
#define VWC_FLUSH(v) ((v) >> 1 & 3u)
#define FID_VWC	     0x06

/* ---- stable ---- */

/* Who the controller and the namespace are: for good, whatever is reset. */
static const struct identity {
	const char *name;
	uint8_t cns;
	uint16_t at, len;
} identities[] = {
	{ "vendor, serial and model", CNS_CTRL, 0, 64 },
	{ "OUI", CNS_CTRL, 73, 3 },
	{ "CNTLID", CNS_CTRL, CNTLID_AT, 2 },
	{ "SUBNQN", CNS_CTRL, 768, 256 },
	{ "NSZE", CNS_NS, 0, 8 },
	{ "NGUID and EUI64", CNS_NS, 104, 24 },
	{ "namespace identifiers", CNS_DESC, 0, ID_LEN },
};

#define ID_SETS 4 /* by CNS, 00h to 03h */

static void read_identity(struct rig *r, uint8_t page[ID_SETS][ID_LEN])
{
	uint32_t nsid = rig_ns(r)->nsid;
	bool has_desc = rig_facts(r)->vs >= VS(1, 3, 0);

	rig_admin_ok(r, cmd_identify(CNS_NS, nsid, page[CNS_NS]));
	rig_admin_ok(r, cmd_identify(CNS_CTRL, 0, page[CNS_CTRL]));
	rig_admin_ok(r, cmd_identify(CNS_ACTIVE, 0, page[CNS_ACTIVE]));
	if (has_desc)
		rig_admin_ok(r, cmd_identify(CNS_DESC, nsid, page[CNS_DESC]));
	memset(page[CNS_NS] + 16, 0, 8); /* NUSE may move */
}

static void flr_and_enable(struct rig *r)
{
	rig_flr(r);
	rig_ctrl(r);
}

static void nothing(struct rig *r)
{
	(void)r;
}

static const struct between {
	const char *name;
	void (*happens)(struct rig *r);
} betweens[] = {
	{ "again", nothing },
	{ "controller-reset", rig_reset },
	{ "function-level-reset", flr_and_enable },
};

static void stable(struct rig *r)
{
	const struct between *row = rig_row(r);
	uint8_t(*a)[ID_LEN] = rig_mem(r, ID_SETS * ID_LEN);
	uint8_t(*b)[ID_LEN] = rig_mem(r, ID_SETS * ID_LEN);

	read_identity(r, a);
	row->happens(r);
	read_identity(r, b);
	for (size_t i = 0; i < ARRAY_SIZE(identities); i++) {
		const struct identity *id = &identities[i];

		if (id->at == CNTLID_AT && rig_facts(r)->caps.fabrics)
			continue; /* a reset ends the association, the next may be with another */
		CHECK_MEM(r, id->name, b[id->cns] + id->at, a[id->cns] + id->at, id->len);
	}
	CHECK_MEM(r, "active namespaces", b[CNS_ACTIVE], a[CNS_ACTIVE], ID_LEN);
	check_mem(r, CHECK_SITE(0, 1), "all of Identify Controller", b[CNS_CTRL], a[CNS_CTRL],
		  ID_LEN);
	check_mem(r, CHECK_SITE(0, 1), "all of Identify Namespace but NUSE", b[CNS_NS], a[CNS_NS],
		  ID_LEN);
}

static const char *na_no_ns(const struct facts *f)
{
	return f->has_scratch ? NULL : "no active namespace of the NVM command set";
}

/* ---- subnqn ---- */

#define NQN_MAX	 223
#define NQN_UUID "nqn.2014-08.org.nvmexpress:uuid:"

static bool is_digits(const char *s, size_t n)
{
	return strspn(s, "0123456789") >= n;
}

/* nqn.yyyy-mm.domain[:name], or the form with a UUID of 36 characters. */
static bool is_nqn(const char *s)
{
	if (!strncmp(s, NQN_UUID, strlen(NQN_UUID)))
		return strlen(s) == strlen(NQN_UUID) + 36 &&
		       strspn(s + strlen(NQN_UUID), "0123456789abcdefABCDEF-") == 36;
	return !strncmp(s, "nqn.", 4) && is_digits(s + 4, 4) && s[8] == '-' &&
	       is_digits(s + 9, 2) && s[11] == '.' && s[12] && s[12] != ':';
}

static void subnqn(struct rig *r)
{
	struct nvme_id_ctrl id;
	char nqn[sizeof(id.subnqn) + 1] = { 0 };
	size_t len, surplus = 0;

	rig_id_ctrl(r, &id);
	memcpy(nqn, id.subnqn, sizeof(id.subnqn));
	len = strlen(nqn);
	for (size_t i = len; i < sizeof(id.subnqn); i++)
		surplus += id.subnqn[i] != 0;
	if (!len && rig_facts(r)->vs < VS(1, 2, 1))
		rig_na(r, "SUBNQN is blank, as it may be before 1.2.1");
	CHECK_LE(r, "bytes of SUBNQN", len, NQN_MAX);
	CHECK_EQ(r, "bytes behind its terminator that are not 0", surplus, 0);
	CHECK_TRUE(r, is_nqn(nqn), "SUBNQN is an NVMe Qualified Name: \"%s\"", nqn);
}

/* ---- sqes-cqes ---- */

static void sqes_cqes(struct rig *r)
{
	struct nvme_id_ctrl id;
	struct cpl cpl;

	rig_id_ctrl(r, &id);
	CHECK_EQ(r, "SQES bits 3:0, required size (log2)", id.sqes & 0xfu, 6);
	CHECK_EQ(r, "CQES bits 3:0, required size (log2)", id.cqes & 0xfu, 4);
	CHECK_GE(r, "SQES bits 7:4, largest size (log2)", id.sqes >> 4, id.sqes & 0xf);
	CHECK_GE(r, "CQES bits 7:4, largest size (log2)", id.cqes >> 4, id.cqes & 0xf);
	/* the sizes are those that the ordinary queue is made with */
	cpl = rig_io(r, rig_queue(r), cmd_flush(rig_ns(r)->nsid));
	CHECK_STATUS(r, cpl, SC_SUCCESS);
}

/* ---- cntlid ---- */

static void check_own_id_listed(struct rig *r, uint16_t cntlid)
{
	uint8_t *list = rig_mem(r, ID_LEN);
	struct cpl cpl = rig_admin(r, cmd_identify(CNS_CTRLS, 0, list));
	unsigned n = le16_at(list), found = 0;

	if (cpl.status != SC_SUCCESS) {
		rig_note(r, "there is no list of controllers to find it in");
		return;
	}
	for (unsigned i = 1; i <= n && i < ID_LEN / 2; i++)
		found += le16_at(list + 2 * i) == cntlid;
	CHECK_EQ(r, "times that CNTLID is in the list of controllers", found, 1);
}

static void cntlid(struct rig *r)
{
	struct nvme_id_ctrl id, again;

	rig_id_ctrl(r, &id);
	CHECK_LE(r, "CNTLID", le16_get(id.cntlid), CNTLID_MAX);
	check_own_id_listed(r, le16_get(id.cntlid));
	if (rig_facts(r)->caps.fabrics)
		return; /* after a reset it is another association, of any controller */
	rig_reset(r);
	rig_id_ctrl(r, &again);
	CHECK_EQ(r, "CNTLID after a Controller Reset", le16_get(again.cntlid), le16_get(id.cntlid));
}

/* ---- cntrltype ---- */

static const char *na_before_1_4(const struct facts *f)
{
	if (f->vs >= VS(1, 4, 0))
		return NULL;
	return rig_na_text("VS is %u.%u: CNTRLTYPE came with 1.4", f->vs >> 16, f->vs >> 8 & 0xff);
}

/* A controller that creates I/O queues is an I/O controller. */
static void cntrltype(struct rig *r)
{
	struct nvme_id_ctrl id;

	rig_id_ctrl(r, &id);
	CHECK_TRUE(r, id.cntrltype >= 1 && id.cntrltype <= 3,
		   "CNTRLTYPE is 1 (I/O), 2 (discovery) or 3 (administrative): %u", id.cntrltype);
	rig_queue(r);
	CHECK_EQ(r, "CNTRLTYPE of a controller with an I/O queue", id.cntrltype, 1);
}

/* ---- limits-sane ---- */

static uint64_t low64(const uint8_t field[16])
{
	return le64_at(field);
}

static void check_memory_limits(struct rig *r, const struct nvme_id_ctrl *id)
{
	CHECK_LE(r, "HMMIN against HMPRE", le32_get(id->hmmin), le32_get(id->hmpre));
	CHECK_LE(r, "AWUPF against AWUN", le16_get(id->awupf), le16_get(id->awun));
	if (!le64_at(id->tnvmcap + 8) && !le64_at(id->unvmcap + 8))
		CHECK_LE(r, "UNVMCAP against TNVMCAP", low64(id->unvmcap), low64(id->tnvmcap));
}

static void limits_sane(struct rig *r)
{
	struct nvme_id_ctrl id;

	rig_id_ctrl(r, &id);
	CHECK_TRUE(r, (id.frmw >> 1 & 7) >= 1, "FRMW counts 1 to 7 firmware slots: %u",
		   id.frmw >> 1 & 7);
	check_memory_limits(r, &id);
	if (id.wctemp && id.cctemp)
		ADVISE_LE(r, "WCTEMP against CCTEMP", le16_get(id.wctemp), le16_get(id.cctemp));
	ADVISE_GE(r, "AERL (0's based)", id.aerl, 3);
	ADVISE_GE(r, "ACL (0's based)", id.acl, 3);
	ADVISE_LE(r, "RTD3E in microseconds, against ten minutes", le32_get(id.rtd3e), 600000000u);
	ADVISE_LE(r, "RTD3R in microseconds, against ten minutes", le32_get(id.rtd3r), 600000000u);
}

/* ---- nn-mnan ---- */

static void nn_mnan(struct rig *r)
{
	__le32 *list = rig_mem(r, ID_LEN);
	struct nvme_id_ctrl id;
	uint32_t nn, mnan, active = 0, highest = 0;

	rig_id_ctrl(r, &id);
	nn = le32_get(id.nn);
	mnan = le32_get(id.mnan);
	rig_admin_ok(r, cmd_identify(CNS_ACTIVE, 0, list));
	for (; active < ID_LEN / 4 && list[active]; active++)
		highest = le32_get(list[active]);
	CHECK_GE(r, "NN", nn, 1);
	CHECK_LE(r, "MNAN against NN", mnan, nn);
	if (id.cmic & NVME_CTRL_CMIC_MULTI_ANA_REPORTING)
		CHECK_NE(r, "MNAN of a controller that reports ANA", mnan, 0);
	CHECK_LE(r, "active namespaces against NN", active, nn);
	CHECK_LE(r, "highest active NSID against NN", highest, nn);
	if (mnan)
		CHECK_LE(r, "active namespaces against MNAN", active, mnan);
}

static const char *na_before_1_1(const struct facts *f)
{
	return f->vs >= VS(1, 1, 0) ? NULL : "VS is 1.0: the active list came with 1.1";
}

/* ---- psd ---- */

#define PSD_SCALE_100_UW 0x1u
#define PSD_NOT_WORKING	 0x2u

/* Maximum power in units of 0.1 mW. */
static uint32_t power_of(const struct nvme_id_psd *p)
{
	return le16_get(p->mp) * (p->flags & PSD_SCALE_100_UW ? 1u : 100u);
}

static void check_ranks(struct rig *r, const struct nvme_id_psd *p, unsigned i, unsigned count)
{
	const uint8_t rank[] = { p->rrt, p->rrl, p->rwt, p->rwl };
	static const char *const name[] = { "read throughput", "read latency", "write throughput",
					    "write latency" };

	for (size_t k = 0; k < ARRAY_SIZE(rank); k++)
		CHECK_TRUE(r, (rank[k] & 0x1fu) < count,
			   "power state %u: relative %s %u is below the %u states", i, name[k],
			   rank[k] & 0x1fu, count);
}

static void psd(struct rig *r)
{
	struct nvme_id_psd unused = { 0 };
	struct nvme_id_ctrl id;
	unsigned count;

	rig_id_ctrl(r, &id);
	count = id.npss + 1u;
	REQUIRE_TRUE(r, count <= ARRAY_SIZE(id.psd), "NPSS %u is at most 31", id.npss);
	for (unsigned i = 0; i < count; i++)
		check_ranks(r, &id.psd[i], i, count);
	for (unsigned i = 1; i < count; i++)
		CHECK_LE(r, "maximum power (0.1 mW) against that of the state before",
			 power_of(&id.psd[i]), power_of(&id.psd[i - 1]));
	for (unsigned i = count; i < ARRAY_SIZE(id.psd); i++)
		CHECK_MEM(r, "descriptor of a power state that is not there", &id.psd[i], &unused,
			  sizeof(unused));
	ADVISE_TRUE(r, !(id.psd[0].flags & PSD_NOT_WORKING), "power state 0 is operational");
}

/* ---- reserved-zero ---- */

/* Bytes of Identify Controller that mean nothing up to a revision. */
static const struct reserved {
	uint32_t until; /* VS: the first revision that defines them */
	uint16_t from, to;
} reserved[] = {
	{ VS(1, 2, 0), 80, 96 },   { VS(1, 2, 0), 266, 316 },  { VS(1, 2, 1), 96, 100 },
	{ VS(1, 2, 1), 320, 322 }, { VS(1, 2, 1), 768, 1024 }, { VS(1, 3, 0), 112, 128 },
	{ VS(1, 3, 0), 316, 320 }, { VS(1, 3, 0), 322, 332 },  { VS(1, 4, 0), 100, 102 },
	{ VS(1, 4, 0), 111, 112 }, { VS(1, 4, 0), 128, 134 },  { VS(1, 4, 0), 332, 356 },
	{ VS(1, 4, 0), 540, 544 }, { VS(2, 0, 0), 356, 358 },  { VS(2, 0, 0), 368, 384 },
	{ VS(2, 0, 0), 544, 564 }, { VS(2, 1, 0), 134, 152 },  { VS(2, 1, 0), 358, 368 },
	{ VS(2, 1, 0), 384, 512 }, { VS(2, 1, 0), 564, 640 },  { UINT32_MAX, 152, 240 },
	{ UINT32_MAX, 640, 768 },  { UINT32_MAX, 1024, 1792 },
};

static void reserved_zero(struct rig *r)
{
	struct buf page;
	struct nvme_id_ctrl id;

	rig_id_ctrl(r, &id);
	page = (struct buf){ .data = (uint8_t *)&id, .len = sizeof(id) };
	for (size_t i = 0; i < ARRAY_SIZE(reserved); i++) {
		const struct reserved *b = &reserved[i];
		int64_t at = buf_differs(&page, b->from, b->to, 0);

		if (rig_facts(r)->vs < b->until)
			CHECK_TRUE(r, at < 0,
				   "bytes %u to %u mean nothing at this VS and are 0 (byte %lld is "
				   "%02Xh)",
				   b->from, b->to - 1, (long long)at, at < 0 ? 0 : page.data[at]);
	}
}

/* ---- vwc-fields ---- */

static void vwc_feature(struct rig *r)
{
	struct cpl cpl = rig_admin(r, cmd_get_features(FID_VWC, 0, 0, 0));
	struct nvme_id_ctrl id;

	rig_id_ctrl(r, &id);
	if (id.vwc & VWC_PRESENT) {
		CHECK_STATUS(r, cpl, SC_SUCCESS);
		return;
	}
	CHECK_STATUS(r, cpl, SC_INVALID_FIELD);
	CHECK_STATUS(r, rig_admin(r, cmd_set_features(FID_VWC, false, 0, 1)), SC_INVALID_FIELD);
}

/* What VWC says of Flush to all namespaces is what Flush to all namespaces does. */
static void vwc_flush(struct rig *r)
{
	struct sq *q = rig_queue(r);
	struct cpl cpl = rig_io(r, q, cmd_flush(NSID_ALL));
	struct nvme_id_ctrl id;

	rig_id_ctrl(r, &id);
	if (rig_facts(r)->vs >= VS(1, 4, 0))
		CHECK_TRUE(r, VWC_FLUSH(id.vwc) >= 2, "VWC bits 2:1 are 10b or 11b from 1.4: %u",
			   VWC_FLUSH(id.vwc));
	if (VWC_FLUSH(id.vwc) == 3)
		CHECK_STATUS(r, cpl, SC_SUCCESS);
	else if (VWC_FLUSH(id.vwc) == 2)
		CHECK_STATUS(r, cpl, SC_INVALID_NS);
	else
		CHECK_STATUS(r, cpl, SC_SUCCESS, SC_INVALID_NS, SC_INVALID_FIELD);
}

static const struct between vwc_rows[] = { { "feature", vwc_feature }, { "flush", vwc_flush } };

static unsigned vwc_needs(const void *row)
{
	return ((const struct between *)row)->happens == vwc_flush ? NEED_SQE : 0;
}

static void run_row(struct rig *r)
{
	((const struct between *)rig_row(r))->happens(r);
}

/* ---- nsid-unused ---- */

static const struct unused_nsid {
	const char *name;
	uint32_t nsid;
} unused_nsids[] = { { "one", 1 }, { "broadcast", NSID_ALL } };

static void nsid_unused(struct rig *r)
{
	const struct unused_nsid *row = rig_row(r);
	uint8_t *plain = rig_mem(r, ID_LEN), *with = rig_mem(r, ID_LEN);
	struct cpl cpl;

	rig_admin_ok(r, cmd_identify(CNS_CTRL, 0, plain));
	cpl = rig_admin(r, cmd_identify(CNS_CTRL, row->nsid, with));
	if (rig_facts(r)->vs >= VS(2, 0, 0))
		CHECK_STATUS(r, cpl, SC_INVALID_FIELD, SC_SUCCESS);
	else
		CHECK_STATUS(r, cpl, SC_SUCCESS, SC_INVALID_FIELD);
	if (cpl.status == SC_SUCCESS)
		CHECK_MEM(r, "Identify Controller with an NSID", with, plain, ID_LEN);
}

static const struct rig_case cases[] = {
	{ .id = "stable",
	  .rule = "Who a controller and its namespaces are does not change, whatever is reset.",
	  .ref = "Base 2.0 Identify Controller data structure; NVM CS 1.0 Identify Namespace data "
		 "structure (NGUID, EUI64)",
	  .needs = NEED_COMMAND,
	  .fault = "identity-changes-at-reset",
	  .na = na_no_ns,
	  .run = stable,
	  ROWS(betweens) },
	{ .id = "subnqn",
	  .rule = "SUBNQN is an NVMe Qualified Name, terminated and padded with zeroes.",
	  .ref = "Base 2.0 NVMe Qualified Names; Base 2.0 Identify Controller data structure",
	  .needs = NEED_COMMAND,
	  .fault = "subnqn-malformed subnqn-not-padded",
	  .run = subnqn },
	{ .id = "sqes-cqes",
	  .rule = "SQES and CQES require the entry sizes of the NVM command set.",
	  .ref = "Base 2.0 Identify Controller data structure; Base 2.1 Identify Controller data "
		 "structure",
	  .needs = NEED_COMMAND,
	  .fault = "sqes-minimum-wrong cqes-maximum-wrong",
	  .na = na_no_ns,
	  .run = sqes_cqes },
	{ .id = "cntlid",
	  .rule = "CNTLID is a legal identifier, is in the list of controllers, and stays.",
	  .ref = "Base 2.0 Identify Controller data structure; Base 2.0 Controller List",
	  .needs = NEED_CTRL,
	  .fault = "cntlid-reserved ctrl-list-without-self",
	  .run = cntlid },
	{ .id = "cntrltype",
	  .rule = "CNTRLTYPE names the kind of controller that this one is.",
	  .ref = "Base 2.0 Identify Controller data structure",
	  .needs = NEED_COMMAND,
	  .fault = "cntrltype-zero",
	  .na = na_before_1_4,
	  .run = cntrltype },
	{ .id = "limits-sane",
	  .rule = "Limits that bound each other do so.",
	  .ref = "Base 2.0 Identify Controller data structure; NVM CS 1.0 Atomic Operation",
	  .needs = NEED_COMMAND,
	  .fault = "awupf-above-awun hmmin-above-hmpre frmw-no-slot",
	  .run = limits_sane },
	{ .id = "nn-mnan",
	  .rule = "No more namespaces are active than NN and MNAN allow.",
	  .ref = "Base 2.0 Namespaces; Base 2.0 Identify Controller data structure",
	  .needs = NEED_COMMAND,
	  .fault = "mnan-above-nn",
	  .na = na_before_1_1,
	  .run = nn_mnan },
	{ .id = "psd",
	  .rule = "Power states are ordered by power, rank within their number, and end at NPSS.",
	  .ref = "Base 2.0 Power Management; Base 2.0 Identify Controller data structure",
	  .needs = NEED_COMMAND,
	  .fault = "psd-power-rises psd-rank-too-large psd-past-npss",
	  .run = psd },
	{ .id = "reserved-zero",
	  .rule = "What the claimed revision does not define of Identify Controller is 0.",
	  .ref = "Base 2.0 Identify Controller data structure",
	  .needs = NEED_COMMAND,
	  .level = SHOULD,
	  .fault = "identify-reserved-not-zero",
	  .run = reserved_zero },
	{ .id = "vwc-fields",
	  .rule = "VWC says whether feature 06h exists and what Flush to all namespaces does.",
	  .ref = "Base 2.0 Identify Controller data structure; Base 2.2 Flush command",
	  .needs = NEED_COMMAND,
	  .harm = HARM_SETTINGS,
	  .fault = "vwc-unclaimed vwc-flush-undefined",
	  .row_needs = vwc_needs,
	  .run = run_row,
	  ROWS(vwc_rows) },
	{ .id = "nsid-unused",
	  .rule = "Identify Controller takes no NSID: one is refused or changes nothing.",
	  .ref = "Base 2.0 Submission Queue Entry; Base 2.2 Common Command Format",
	  .needs = NEED_COMMAND,
	  .level = SHOULD,
	  .fault = "identify-ctrl-by-nsid",
	  .run = nsid_unused,
	  ROWS(unused_nsids) },
};

SUITE(identify_ctrl_suite, CONFORMANCE, "identify", cases);
