// SPDX-License-Identifier: GPL-2.0-or-later
/* Features with a data structure of the host, and write protection. */
#include <string.h>

#include "feat_table.h"

/* What is put back when the case ends: a data structure, and Dword 11. */
struct kept {
	struct ctrl *c;
	struct cmd set;
};

static void put_back(void *arg)
{
	struct kept *k = arg;
	struct cpl cpl;

	if (k->c->enabled)
		ctrl_admin(k->c, &k->set, &cpl);
}

static void keep_data(struct rig *r, uint8_t fid, uint32_t cdw11, const void *data, size_t len)
{
	struct kept *k = rig_mem(r, sizeof(*k));

	k->c = rig_ctrl(r);
	k->set = cmd_set_features(fid, false, 0, cdw11);
	k->set.dir = len ? CMD_OUT : CMD_NONE;
	k->set.data_len = len;
	k->set.data = len ? rig_mem(r, len) : NULL;
	if (len)
		memcpy(k->set.data, data, len);
	rig_defer(r, put_back, k);
}

static void some_io(struct rig *r)
{
	const struct facts_ns *ns = rig_ns(r);
	uint8_t *data = rig_mem(r, ns->lba_bytes), *back = rig_mem(r, ns->lba_bytes);
	struct sq *q = rig_queue(r);

	rig_stamp(data, 0, 1, ns->lba_bytes, rig_rand(r));
	CHECK_STATUS(r, rig_io(r, q, cmd_write(ns->nsid, 0, 1, data, ns->lba_bytes)), SC_SUCCESS);
	CHECK_STATUS(r, rig_io(r, q, cmd_read(ns->nsid, 0, 1, back, ns->lba_bytes)), SC_SUCCESS);
	CHECK_MEM(r, "a block written and read", back, data, ns->lba_bytes);
}

/* ---- apst ---- */

#define FID_APST	0x0c
#define APST_BYTES	256
#define APST_ENABLE	0x1u
#define NON_OPERATIONAL 0x2u
#define IDLE_MS		1000u

static const char *na_apst(const struct facts *f)
{
	return f->id.apsta & 1 ? feat_na_no_ns(f) : "APSTA is 0: not supported";
}

/* Each operational state leads to `to` after a second of idleness. */
static void fill_apst(struct rig *r, uint8_t table[APST_BYTES], unsigned to)
{
	const struct nvme_id_ctrl *id = &rig_facts(r)->id;

	memset(table, 0, APST_BYTES);
	for (unsigned i = 0; i <= id->npss; i++)
		if (!(id->psd[i].flags & NON_OPERATIONAL))
			le64_put(table + 8 * i, (uint64_t)IDLE_MS << 8 | (uint64_t)to << 3);
}

static unsigned idle_state(struct rig *r)
{
	const struct nvme_id_ctrl *id = &rig_facts(r)->id;

	for (unsigned i = 0; i <= id->npss; i++)
		if (id->psd[i].flags & NON_OPERATIONAL)
			return i;
	rig_na(r, "every power state is operational");
}

static void apst(struct rig *r)
{
	uint8_t was[APST_BYTES], table[APST_BYTES], got[APST_BYTES];
	struct cpl cpl;

	cpl = feat_get_data(r, FID_APST, 0, was, APST_BYTES);
	REQUIRE_STATUS(r, cpl, SC_SUCCESS);
	keep_data(r, FID_APST, cpl.dw0 & APST_ENABLE, was, APST_BYTES);
	fill_apst(r, table, idle_state(r));
	REQUIRE_STATUS(r, feat_set_data(r, FID_APST, APST_ENABLE, table, APST_BYTES), SC_SUCCESS);
	cpl = feat_get_data(r, FID_APST, 0, got, APST_BYTES);
	CHECK_EQ(r, "APSTE", cpl.dw0 & APST_ENABLE, APST_ENABLE);
	CHECK_MEM(r, "the table of transitions", got, table, APST_BYTES);
	rig_wait(r, 2ull * IDLE_MS * 1000 * 1000);
	some_io(r);
	fill_apst(r, table, 0); /* state 0 is no state to idle in */
	ADVISE_STATUS(r, feat_set_data(r, FID_APST, APST_ENABLE, table, APST_BYTES),
		      SC_INVALID_FIELD);
}

/* ---- hmb ---- */

#define FID_HMB	   0x0d
#define HMB_ENABLE 0x1u
#define HMB_UNIT   4096ull /* of HMPRE and HMMIN */
#define HMB_CHUNKS 4u

static const char *na_hmb(const struct facts *f)
{
	return f->id.hmpre ? feat_na_no_ns(f) : "HMPRE is 0: no host memory buffer is wanted";
}

/* Four chunks, listed last to first. */
struct hmb {
	struct buf *memory, *list;
	uint32_t pages; /* of CC.MPS, in all */
};

static struct hmb make_hmb(struct rig *r)
{
	size_t page = rig_ctrl(r)->page;
	uint64_t bytes = le32_get(rig_facts(r)->id.hmmin) * HMB_UNIT;
	struct hmb h;

	bytes = (bytes + HMB_CHUNKS * page - 1) / (HMB_CHUNKS * page) * (HMB_CHUNKS * page);
	bytes = bytes ? bytes : HMB_CHUNKS * page;
	if (bytes > rig_facts(r)->caps.dma_bytes / 2)
		rig_skip(r, "memory", "the smallest host memory buffer is %llu bytes",
			 (unsigned long long)bytes);
	h.memory = rig_buf(r, bytes);
	h.list = rig_buf(r, 4096);
	h.pages = (uint32_t)(bytes / page);
	for (unsigned i = 0; i < HMB_CHUNKS; i++) {
		uint8_t *d = h.list->data + 16 * i;

		le64_put(d, h.memory->iova + (HMB_CHUNKS - 1 - i) * (bytes / HMB_CHUNKS));
		le32_put(d + 8, h.pages / HMB_CHUNKS);
		le32_put(d + 12, 0);
	}
	return h;
}

static struct cpl set_hmb(struct rig *r, const struct hmb *h, uint32_t cdw11, uint32_t pages,
			  uint32_t entries)
{
	struct cmd c = cmd_set_features(FID_HMB, false, 0, cdw11);

	if (cdw11 & HMB_ENABLE) {
		c.sqe.cdw12 = le32_from(pages);
		c.sqe.cdw13 = le32_from((uint32_t)h->list->iova);
		c.sqe.cdw14 = le32_from((uint32_t)(h->list->iova >> 32));
		c.sqe.cdw15 = le32_from(entries);
	}
	return rig_admin(r, c);
}

static void check_hmb(struct rig *r, const struct hmb *h)
{
	uint8_t *got = rig_mem(r, 4096);
	struct cpl cpl = feat_get_data(r, FID_HMB, 0, got, 4096);

	REQUIRE_STATUS(r, cpl, SC_SUCCESS);
	CHECK_EQ(r, "EHM", cpl.dw0 & HMB_ENABLE, HMB_ENABLE);
	CHECK_EQ(r, "HSIZE of the attributes", le32_at(got), h->pages);
	CHECK_EQ(r, "address of the descriptor list", le64_at(got + 4), h->list->iova);
	CHECK_EQ(r, "entries of the descriptor list", le32_at(got + 12), HMB_CHUNKS);
}

/* What is ours again is not touched, whatever the device is asked for. */
static void check_returned(struct rig *r, const struct hmb *h)
{
	uint8_t *before = rig_mem(r, h->memory->len);

	buf_poison(h->memory, 0x5a);
	memcpy(before, h->memory->data, h->memory->len);
	some_io(r);
	feat_get_data(r, FID_HMB, 0, rig_mem(r, 4096), 4096);
	check_untouched(r, CHECK_SITE(0, 0), h->memory, before, 0, 0);
}

static void hmb(struct rig *r)
{
	uint32_t least = le32_get(rig_facts(r)->id.hmmin);
	struct hmb h = make_hmb(r);
	uint32_t small = (uint32_t)(least * HMB_UNIT / rig_ctrl(r)->page);

	if (small > 1)
		CHECK_STATUS(r, set_hmb(r, &h, HMB_ENABLE, small - 1, HMB_CHUNKS),
			     SC_INVALID_FIELD);
	CHECK_STATUS(r, set_hmb(r, &h, HMB_ENABLE, h.pages, 0), SC_INVALID_FIELD);
	keep_data(r, FID_HMB, 0, NULL, 0);
	REQUIRE_STATUS(r, set_hmb(r, &h, HMB_ENABLE, h.pages, HMB_CHUNKS), SC_SUCCESS);
	check_hmb(r, &h);
	some_io(r);
	CHECK_STATUS(r, set_hmb(r, &h, HMB_ENABLE, h.pages, HMB_CHUNKS), SC_SEQUENCE_ERROR);
	CHECK_STATUS(r, set_hmb(r, &h, 0, 0, 0), SC_SUCCESS);
	check_returned(r, &h);
}

/* ---- host-behavior ---- */

#define FID_BEHAVIOR   0x16
#define BEHAVIOR_BYTES 512
#define CTRATT_ELBAS   (1u << 15)
enum { ACRE, ETDAS, LBAFEE };

static const char *na_behavior(const struct facts *f)
{
	if (f->vs >= VS(1, 4, 0))
		return NULL;
	return rig_na_text("VS is %u.%u: the feature came with 1.4", f->vs >> 16,
			   f->vs >> 8 & 0xff);
}

/* The formats that Identify tells of are no more than the host is ready for. */
static void check_formats(struct rig *r, unsigned most)
{
	const struct facts *f = rig_facts(r);
	struct nvme_id_ns id;

	for (unsigned i = 0; i < f->n_ns; i++) {
		if (f->ns[i].csi)
			continue;
		rig_id_ns(r, f->ns[i].nsid, &id);
		CHECK_LE(r, most > 16 ? "formats with LBAFEE 1h" : "formats with LBAFEE 0h",
			 id.nlbaf + 1u + id.nulbaf, most);
	}
}

static struct cpl read_first(struct rig *r, const struct facts_ns *ns)
{
	size_t len = ns->lba_bytes + (ns->id.flbas >> 4 & 1 ? ns->ms : 0u);
	struct cmd c = cmd_read(ns->nsid, 0, 1, rig_mem(r, len), len);

	c.sqe.mptr = le64_from(rig_buf(r, 4096)->iova);
	return rig_io(r, rig_queue(r), c);
}

/* Blocks with extended protection information are there while LBAFEE is 1h, and only then. */
static void check_reach(struct rig *r, bool lbafee)
{
	const struct facts *f = rig_facts(r);

	for (unsigned i = 0; i < f->n_ns; i++) {
		if (f->ns[i].csi || !facts_is_extended_pi(&f->ns[i]))
			continue;
		if (lbafee)
			CHECK_STATUS_OF(r, "Read of extended protection information, LBAFEE 1h",
					read_first(r, &f->ns[i]), SC_SUCCESS);
		else
			CHECK_STATUS_OF(r, "Read of extended protection information, LBAFEE 0h",
					read_first(r, &f->ns[i]), SC_INVALID_NS);
	}
}

static void set_lbafee(struct rig *r, uint8_t *data, uint8_t value)
{
	uint8_t got[BEHAVIOR_BYTES] = { 0 };

	data[LBAFEE] = value;
	REQUIRE_STATUS(r, feat_set_data(r, FID_BEHAVIOR, 0, data, BEHAVIOR_BYTES), SC_SUCCESS);
	REQUIRE_STATUS(r, feat_get_data(r, FID_BEHAVIOR, 0, got, BEHAVIOR_BYTES), SC_SUCCESS);
	CHECK_MEM(r, "host behavior with LBA Format Extension", got, data, BEHAVIOR_BYTES);
}

static void extended_formats(struct rig *r, uint8_t *data)
{
	set_lbafee(r, data, 1);
	check_formats(r, 64);
	check_reach(r, true);
	set_lbafee(r, data, 0);
	check_formats(r, 16);
	check_reach(r, false);
}

static void host_behavior(struct rig *r)
{
	uint8_t was[BEHAVIOR_BYTES], want[BEHAVIOR_BYTES], got[BEHAVIOR_BYTES] = { 0 };
	struct cpl cpl = feat_get_data(r, FID_BEHAVIOR, 0, was, BEHAVIOR_BYTES);

	if (cpl.status == SC_INVALID_FIELD)
		rig_na(r, "the feature is optional, and not there");
	REQUIRE_STATUS(r, cpl, SC_SUCCESS);
	keep_data(r, FID_BEHAVIOR, 0, was, BEHAVIOR_BYTES);
	memcpy(want, was, BEHAVIOR_BYTES);
	want[ACRE] = 1;
	REQUIRE_STATUS(r, feat_set_data(r, FID_BEHAVIOR, 0, want, BEHAVIOR_BYTES), SC_SUCCESS);
	REQUIRE_STATUS(r, feat_get_data(r, FID_BEHAVIOR, 0, got, BEHAVIOR_BYTES), SC_SUCCESS);
	CHECK_MEM(r, "host behavior with Advanced Command Retry", got, want, BEHAVIOR_BYTES);
	if (le32_get(rig_facts(r)->id.ctratt) & CTRATT_ELBAS) {
		extended_formats(r, want);
		return;
	}
	want[LBAFEE] = 1;
	feat_set_data(r, FID_BEHAVIOR, 0, want, BEHAVIOR_BYTES);
	REQUIRE_STATUS(r, feat_get_data(r, FID_BEHAVIOR, 0, got, BEHAVIOR_BYTES), SC_SUCCESS);
	ADVISE_EQ(r, "LBAFEE, which CTRATT does not claim", got[LBAFEE], 0);
}

/* ---- host-id ---- */

#define FID_HOST_ID  0x81
#define EXHID	     0x1u
#define CTRATT_LONG  (1u << 0)
#define ONCS_RESERVS (1u << 5)

static const struct id_row {
	const char *name;
	uint32_t exhid;
	size_t bytes;
} id_rows[] = { { "64-bit", 0, 8 }, { "128-bit", EXHID, 16 } };

static const char *na_host_id(const struct facts *f)
{
	if (f->caps.fabrics)
		return "Connect gives the Host Identifier";
	if (le32_get(f->id.ctratt) & CTRATT_LONG || le16_get(f->id.oncs) & ONCS_RESERVS)
		return NULL;
	return "neither CTRATT bit 0 nor ONCS bit 5: no Host Identifier";
}

/* A reset before it makes the identifier 0: nothing of another size was given in its place. */
static void host_id(struct rig *r)
{
	const struct id_row *row = rig_row(r);
	uint8_t want[16] = { 0 }, got[16] = { 0 };

	if (row->exhid && !(le32_get(rig_facts(r)->id.ctratt) & CTRATT_LONG))
		rig_na(r, "CTRATT bit 0 is 0: no Host Identifier of 128 bits");
	rig_reset(r);
	for (size_t i = 0; i < row->bytes; i++)
		want[i] = (uint8_t)(1 + rig_rand_below(r, 255));
	REQUIRE_STATUS(r, feat_set_data(r, FID_HOST_ID, row->exhid, want, row->bytes), SC_SUCCESS);
	REQUIRE_STATUS(r, feat_get_data(r, FID_HOST_ID, row->exhid, got, row->bytes), SC_SUCCESS);
	CHECK_MEM(r, "Host Identifier", got, want, row->bytes);
	rig_reset(r);
}

/* ---- iocs-profile ---- */

#define FID_PROFILE  0x19
#define CSS_NVM	     0u
#define COMBINATIONS 512u

static const char *na_profile(const struct facts *f)
{
	if (!(CAP_CSS(f->cap) & 1u << 6))
		return "CAP.CSS bit 6 is 0: command sets are not chosen by profile";
	return feat_na_no_ns(f);
}

static struct cpl set_profile(struct rig *r, uint32_t index)
{
	return rig_admin(r, cmd_set_features(FID_PROFILE, false, 0, index));
}

static uint32_t profile(struct rig *r)
{
	struct cpl cpl = rig_admin(r, cmd_get_features(FID_PROFILE, SEL_CURRENT, 0, 0));

	REQUIRE_STATUS(r, cpl, SC_SUCCESS);
	return cpl.dw0 & 0x1ff;
}

/* The first combination without the NVM command set, which the scratch namespace has. */
static uint32_t bad_combination(struct rig *r)
{
	uint8_t *vectors = rig_mem(r, 4096);
	struct cmd c = cmd_identify(0x1c, 0, vectors);
	uint32_t i = 0;

	c.sqe.cdw10 = le32_from(0xffffu << 16 | 0x1c);
	rig_admin_ok(r, c);
	while (i < COMBINATIONS && le64_at(vectors + 8 * i) & 1)
		i++;
	if (i == COMBINATIONS)
		rig_na(r, "every combination has the NVM command set");
	return i;
}

static void iocs_profile(struct rig *r)
{
	struct ctrl_config cfg = ctrl_defaults(rig_ctrl(r));
	uint32_t was = profile(r), bad = bad_combination(r);

	CHECK_STATUS(r, set_profile(r, was), SC_SUCCESS);
	CHECK_STATUS(r, set_profile(r, bad), SC_IOCS_COMBINATION);
	CHECK_STATUS(r, set_profile(r, COMBINATIONS - 1), SC_IOCS_COMBINATION);
	CHECK_EQ(r, "combination after the refused ones", profile(r), was);
	if (!(CAP_CSS(rig_facts(r)->cap) & 1u))
		return;
	cfg.css = CSS_NVM;
	rig_ctrl_with(r, &cfg);
	was = profile(r);
	ADVISE_STATUS(r, set_profile(r, bad), SC_SUCCESS);
	ADVISE_EQ(r, "combination, not in force, after one was set", profile(r), was);
}

/* ---- write-protect ---- */

#define FID_PROTECT 0x84
#define NSATTR_WP   0x1u

static const char *na_protect(const struct facts *f)
{
	return f->id.nwpc & 1 ? feat_na_no_ns(f) : "NWPC bit 0 is 0: no write protection";
}

static void protect(struct rig *r, uint32_t state)
{
	uint32_t nsid = rig_ns(r)->nsid;
	struct nvme_id_ns id;

	REQUIRE_STATUS(r, rig_admin(r, cmd_set_features(FID_PROTECT, false, nsid, state)),
		       SC_SUCCESS);
	CHECK_EQ(r, "write protection state",
		 rig_admin(r, cmd_get_features(FID_PROTECT, SEL_CURRENT, nsid, 0)).dw0 & 7, state);
	rig_id_ns(r, nsid, &id);
	CHECK_EQ(r, "NSATTR bit 0, currently write protected", id.nsattr & NSATTR_WP, !!state);
}

/* Commands that write, where ONCS claims them. */
static void check_writers(struct rig *r, uint16_t want)
{
	const struct facts_ns *ns = rig_ns(r);
	uint16_t oncs = le16_get(rig_facts(r)->id.oncs);
	struct nvme_dsm_range range = { .nlb = le32_from(1) };
	uint8_t *data = rig_mem(r, ns->lba_bytes);
	struct sq *q = rig_queue(r);

	CHECK_STATUS(r, rig_io(r, q, cmd_write(ns->nsid, 0, 1, data, ns->lba_bytes)), want);
	if (oncs & NVME_CTRL_ONCS_WRITE_ZEROES)
		CHECK_STATUS(r, rig_io(r, q, cmd_write_zeroes(ns->nsid, 0, 1, false)), want);
	if (oncs & NVME_CTRL_ONCS_DSM)
		CHECK_STATUS(r, rig_io(r, q, cmd_dsm(ns->nsid, &range, 1, NVME_DSMGMT_AD)), want);
	if (oncs & NVME_CTRL_ONCS_WRITE_UNCORRECTABLE && want != SC_SUCCESS)
		CHECK_STATUS(r, rig_io(r, q, cmd_raw(nvme_cmd_write_uncor, ns->nsid)), want);
}

static void write_protect(struct rig *r)
{
	const struct facts_ns *ns = rig_ns(r);
	uint8_t *data = rig_mem(r, ns->lba_bytes), *back = rig_mem(r, ns->lba_bytes);
	struct sq *q = rig_queue(r);

	rig_keep_feature(r, FID_PROTECT, ns->nsid, 0);
	rig_stamp(data, 0, 1, ns->lba_bytes, rig_rand(r));
	rig_io_ok(r, q, cmd_write(ns->nsid, 0, 1, data, ns->lba_bytes));
	protect(r, 1);
	check_writers(r, SC_NS_WRITE_PROTECTED);
	CHECK_STATUS(r, rig_io(r, q, cmd_flush(ns->nsid)), SC_SUCCESS);
	CHECK_STATUS(r, rig_io(r, q, cmd_read(ns->nsid, 0, 1, back, ns->lba_bytes)), SC_SUCCESS);
	CHECK_MEM(r, "the block that was protected", back, data, ns->lba_bytes);
	protect(r, 0);
	check_writers(r, SC_SUCCESS);
}

static const struct rig_case cases[] = {
	{ .id = "apst",
	  .rule = "Autonomous power state transitions are kept as given, and do I/O no harm.",
	  .ref = "Base 2.0 Autonomous Power State Transition (Feature Identifier 0Ch)",
	  .needs = NEED_CTRL,
	  .harm = HARM_DATA,
	  .fault = "apst-table-short apst-state-unchecked",
	  .na = na_apst,
	  .run = apst },
	{ .id = "hmb",
	  .rule = "A host memory buffer is taken once, if it is large enough, and given back "
		  "whole.",
	  .ref = "Base 2.0 Host Memory Buffer (Feature Identifier 0Dh); Base 2.3 Host Memory "
		 "Buffer",
	  .needs = NEED_QUEUES,
	  .harm = HARM_DATA,
	  .fault = "hmb-size-unchecked hmb-enabled-twice hmb-touched-after-disable",
	  .na = na_hmb,
	  .run = hmb },
	{ .id = "host-behavior",
	  .rule = "Host Behavior Support is kept as given, and what is not claimed stays off.",
	  .ref = "Base 2.0 Host Behavior Support (Feature Identifier 16h); NVM CS 1.0 Host "
		 "Behavior "
		 "Support (Feature Identifier 16h)",
	  .needs = NEED_COMMAND,
	  .harm = HARM_SETTINGS,
	  .fault = "behavior-lost behavior-unsupported-stored lbafee-lost lbafee-not-needed",
	  .na = na_behavior,
	  .run = host_behavior },
	{ .id = "host-id",
	  .rule = "The Host Identifier is kept as given, in the sizes that are claimed.",
	  .ref = "Base 2.0 Host Identifier (Feature Identifier 81h)",
	  .needs = NEED_CTRL,
	  .harm = HARM_SETTINGS,
	  .fault = "host-id-halved",
	  .na = na_host_id,
	  .run = host_id,
	  ROWS(id_rows) },
	{ .id = "iocs-profile",
	  .rule = "A combination of command sets that is none, or leaves a namespace out, is "
		  "refused.",
	  .ref = "Base 2.0 I/O Command Set Profile (Feature Identifier 19h)",
	  .needs = NEED_CTRL,
	  .harm = HARM_SETTINGS,
	  .fault = "iocs-combination-accepted",
	  .na = na_profile,
	  .run = iocs_profile },
	{ .id = "write-protect",
	  .rule = "A write protected namespace refuses what writes, is read, and says what it is.",
	  .ref = "Base 2.0 Namespace Write Protection Config (Feature Identifier 84h)",
	  .needs = NEED_COMMAND,
	  .harm = HARM_DATA,
	  .fault = "write-protect-leaks nsattr-untrue",
	  .na = na_protect,
	  .run = write_protect },
};

SUITE(feat_data_suite, CONFORMANCE, "feat", cases);
