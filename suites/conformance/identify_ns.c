// SPDX-License-Identifier: GPL-2.0-or-later
/* What Identify tells of namespaces and command sets. */
#include <string.h>

#include "kit/kit.h"

#define ID_LEN	4096
#define CSI_NVM 0u

/* Runs the question for every active namespace of the NVM command set, asked again now. */
static void each_ns(struct rig *r, void (*ask)(struct rig *r, const struct nvme_id_ns *id))
{
	const struct facts *f = rig_facts(r);
	struct nvme_id_ns id;

	rig_ctrl(r);
	for (unsigned i = 0; i < f->n_ns; i++)
		if (f->ns[i].csi == CSI_NVM) {
			rig_id_ns(r, f->ns[i].nsid, &id);
			ask(r, &id);
		}
}

static const char *na_no_nvm_ns(const struct facts *f)
{
	for (unsigned i = 0; i < f->n_ns; i++)
		if (!f->ns[i].csi)
			return NULL;
	return "no active namespace of the NVM command set";
}

static unsigned format_count(const struct nvme_id_ns *id)
{
	return id->nlbaf + 1u + id->nulbaf;
}

/* Bits 6:5 are part of the index only where there are more than 16 formats. */
static unsigned format_in_use(const struct nvme_id_ns *id)
{
	unsigned low = id->flbas & 0xf;

	return format_count(id) > 16 ? low | (id->flbas >> 5 & 3u) << 4 : low;
}

/* ---- ns-lbaf ---- */

#define FID_BEHAVIOR 0x16
#define LBAFEE	     2 /* byte of the Host Behavior Support data */

static bool many_formats_enabled(struct rig *r)
{
	struct cmd c = cmd_get_features(FID_BEHAVIOR, 0, 0, 0);
	uint8_t data[512] = { 0 };

	c.dir = CMD_IN;
	c.data = data;
	c.data_len = sizeof(data);
	return rig_admin(r, c).status == SC_SUCCESS && data[LBAFEE];
}

static void ask_lbaf(struct rig *r, const struct nvme_id_ns *id)
{
	unsigned count = format_count(id), used = format_in_use(id);

	CHECK_LE(r, "LBA formats", count, many_formats_enabled(r) ? 64 : 16);
	REQUIRE_TRUE(r, used < count && used < ARRAY_SIZE(id->lbaf), "FLBAS names format %u of %u",
		     used, count);
	CHECK_GE(r, "LBADS of the format in use", id->lbaf[used].ds, 9);
	for (unsigned i = 0; i < count && i < ARRAY_SIZE(id->lbaf); i++)
		CHECK_TRUE(r, !id->lbaf[i].ds || id->lbaf[i].ds >= 9,
			   "LBADS of format %u is 0 or at least 9: %u", i, id->lbaf[i].ds);
	for (unsigned i = count; i < ARRAY_SIZE(id->lbaf); i++)
		ADVISE_TRUE(r, !id->lbaf[i].ds && !id->lbaf[i].ms,
			    "entry %u, past the %u formats, is 0", i, count);
}

static void ns_lbaf(struct rig *r)
{
	each_ns(r, ask_lbaf);
}

/* ---- ns-meta-pi ---- */

static void ask_metadata(struct rig *r, const struct nvme_id_ns *id)
{
	unsigned used = format_in_use(id) % ARRAY_SIZE(id->lbaf);
	unsigned ms = le16_get(id->lbaf[used].ms), type = id->dps & 7u;

	CHECK_LE(r, "protection type of DPS", type, 3);
	if (type)
		CHECK_TRUE(r, id->dpc >> (type - 1) & 1, "DPC %02Xh claims type %u, in use",
			   id->dpc, type);
	if (type)
		CHECK_GE(r, "metadata bytes that hold the protection information", ms, 8);
	if (rig_facts(r)->vs >= VS(1, 4, 0)) {
		CHECK_EQ(r, "DPS bit 3, protection information in the first bytes",
			 id->dps >> 3 & 1, 0);
		CHECK_EQ(r, "DPC bit 3, the same", id->dpc >> 3 & 1, 0);
	}
	if (!ms)
		return;
	if (id->flbas & 1u << 4)
		CHECK_TRUE(r, id->mc & 1, "MC %02Xh allows metadata at the end of the data",
			   id->mc);
	else
		CHECK_TRUE(r, id->mc & 2, "MC %02Xh allows metadata in a buffer of its own",
			   id->mc);
}

/* Guards of 32 and 64 bits: room, block size, Storage Tag (CNS 05h). */
static void ask_format(struct rig *r, const struct nvme_id_ns *id, unsigned i, uint32_t elbaf)
{
	unsigned pif = elbaf >> 7 & 3, sts = elbaf & 0x7f, ds = id->lbaf[i].ds;
	static const unsigned least[] = { 0, 16, 0 }, most[] = { 32, 64, 48 };

	CHECK_LE(r, "Protection Information Format", pif, 2);
	if (!ds || pif > 2 || !(elbaf & 0x1ff))
		return;
	CHECK_TRUE(r, sts >= least[pif] && sts <= most[pif],
		   "format %u, PIF %u: Storage Tag Size %u is from %u to %u", i, pif, sts,
		   least[pif], most[pif]);
	if (pif)
		CHECK_GE(r, "LBADS of a format with a guard of 32 or 64 bits", ds, 12);
}

static void ask_extended(struct rig *r, const struct nvme_id_ns *id, uint32_t nsid)
{
	struct nvme_nvm_id_ns *nvm = rig_mem(r, ID_LEN);
	unsigned used = format_in_use(id) % ARRAY_SIZE(id->lbaf), ms;
	bool wide = false;

	rig_admin_ok(r, cmd_identify(0x05, nsid, nvm));
	for (unsigned i = 0; i < format_count(id) && i < ARRAY_SIZE(id->lbaf); i++) {
		ask_format(r, id, i, le32_get(nvm->elbaf[i]));
		wide |= id->lbaf[i].ds && (le32_get(nvm->elbaf[i]) >> 7 & 3);
	}
	if (wide)
		CHECK_EQ(r, "PIC bit 0, with guards of 32 or 64 bits among the formats",
			 nvm->pic & 1, 1);
	ms = le16_get(id->lbaf[used].ms);
	if ((id->dps & 7) && (le32_get(nvm->elbaf[used]) >> 7 & 3))
		CHECK_GE(r, "metadata bytes that hold the protection information", ms, 16);
}

static void ns_meta_pi(struct rig *r)
{
	const struct facts *f = rig_facts(r);
	struct nvme_id_ns id;

	each_ns(r, ask_metadata);
	if (!(le32_get(f->id.ctratt) & NVME_CTRL_CTRATT_ELBAS))
		return;
	for (unsigned i = 0; i < f->n_ns; i++) {
		if (f->ns[i].csi != CSI_NVM)
			continue;
		rig_id_ns(r, f->ns[i].nsid, &id);
		ask_extended(r, &id, f->ns[i].nsid);
	}
}

/* ---- ns-perf-fields ---- */

#define NSFEAT_NSABP   (1u << 1)
#define NSFEAT_OPTPERF (1u << 4)

static void ask_atomic(struct rig *r, const struct nvme_id_ns *id, const struct nvme_id_ctrl *ctrl)
{
	unsigned nawun = le16_get(id->nawun), nawupf = le16_get(id->nawupf);
	unsigned nacwu = le16_get(id->nacwu);

	if (nawun)
		CHECK_GE(r, "NAWUN against AWUN", nawun, le16_get(ctrl->awun));
	if (nawupf)
		CHECK_GE(r, "NAWUPF against AWUPF", nawupf, le16_get(ctrl->awupf));
	if (nawun && nawupf)
		CHECK_LE(r, "NAWUPF against NAWUN", nawupf, nawun);
	if (nacwu)
		CHECK_GE(r, "NACWU against ACWU", nacwu, le16_get(ctrl->acwu));
}

/* All 0's based but NABO; a boundary of 0 is none. */
static void ask_boundary(struct rig *r, const struct nvme_id_ns *id)
{
	unsigned nabsn = le16_get(id->nabsn), nabspf = le16_get(id->nabspf);
	unsigned nabo = le16_get(id->nabo);

	if (nabsn)
		CHECK_GE(r, "NABSN against NAWUN", nabsn, le16_get(id->nawun));
	if (nabspf)
		CHECK_GE(r, "NABSPF against NAWUPF", nabspf, le16_get(id->nawupf));
	if (nabsn)
		CHECK_LE(r, "NABO against NABSN", nabo, nabsn);
	if (nabspf)
		CHECK_LE(r, "NABO against NABSPF", nabo, nabspf);
	if (!nabsn && !nabspf)
		CHECK_EQ(r, "NABO without an atomic boundary", nabo, 0);
}

static void ask_optimal(struct rig *r, const struct nvme_id_ns *id)
{
	unsigned npwg = le16_get(id->npwg) + 1u, npwa = le16_get(id->npwa) + 1u;
	unsigned npdg = le16_get(id->npdg) + 1u, npda = le16_get(id->npda) + 1u;
	unsigned nows = le16_get(id->nows) + 1u;
	uint64_t most = rig_facts(r)->mdts_bytes;
	uint64_t bytes = 1ull << (id->lbaf[format_in_use(id) % 64].ds & 31);

	ADVISE_EQ(r, "NPWG modulo NPWA", npwg % npwa, 0);
	ADVISE_EQ(r, "NPDG modulo NPDA", npdg % npda, 0);
	ADVISE_EQ(r, "NOWS modulo NPWG", nows % npwg, 0);
	if (most) {
		ADVISE_LE(r, "bytes of NPWG against MDTS", npwg * bytes, most);
		ADVISE_LE(r, "bytes of NOWS against MDTS", nows * bytes, most);
	}
}

static void ask_perf(struct rig *r, const struct nvme_id_ns *id)
{
	struct nvme_id_ctrl ctrl;

	rig_id_ctrl(r, &ctrl);
	if (id->nsfeat & NSFEAT_NSABP)
		ask_atomic(r, id, &ctrl);
	ask_boundary(r, id);
	if (id->nsfeat & NSFEAT_OPTPERF)
		ask_optimal(r, id);
}

static void ns_perf_fields(struct rig *r)
{
	each_ns(r, ask_perf);
}

/* ---- ids-unique ---- */

static bool is_zero(const uint8_t *at, size_t len)
{
	return !at[0] && !memcmp(at, at + 1, len - 1);
}

static void check_differ(struct rig *r, const struct facts_ns *a, const struct facts_ns *b)
{
	struct nvme_id_ns x, y;

	rig_id_ns(r, a->nsid, &x);
	rig_id_ns(r, b->nsid, &y);
	if (!is_zero(x.eui64, 8))
		CHECK_TRUE(r, memcmp(x.eui64, y.eui64, 8), "EUI64 of NSID %u and %u differ",
			   a->nsid, b->nsid);
	if (!is_zero(x.nguid, 16))
		CHECK_TRUE(r, memcmp(x.nguid, y.nguid, 16), "NGUID of NSID %u and %u differ",
			   a->nsid, b->nsid);
}

/* The UUID descriptor, or NULL. */
static const uint8_t *uuid_in(const uint8_t *list)
{
	for (size_t at = 0; at + 20 <= ID_LEN && list[at + 1]; at += 4u + list[at + 1])
		if (list[at] == NVME_NIDT_UUID)
			return list + at + 4;
	return NULL;
}

static void check_uuids(struct rig *r, const struct facts_ns *a, const struct facts_ns *b)
{
	uint8_t *x = rig_mem(r, ID_LEN), *y = rig_mem(r, ID_LEN);

	if (rig_facts(r)->vs < VS(1, 3, 0))
		return;
	rig_admin_ok(r, cmd_identify(0x03, a->nsid, x));
	rig_admin_ok(r, cmd_identify(0x03, b->nsid, y));
	if (uuid_in(x) && uuid_in(y))
		CHECK_TRUE(r, memcmp(uuid_in(x), uuid_in(y), 16), "UUID of NSID %u and %u differ",
			   a->nsid, b->nsid);
}

static void ids_unique(struct rig *r)
{
	const struct facts *f = rig_facts(r);

	rig_ctrl(r);
	for (unsigned i = 0; i < f->n_ns; i++)
		for (unsigned k = i + 1; k < f->n_ns; k++) {
			check_differ(r, &f->ns[i], &f->ns[k]);
			check_uuids(r, &f->ns[i], &f->ns[k]);
		}
}

static const char *na_one_ns(const struct facts *f)
{
	return f->n_ns > 1 ? NULL : "fewer than two active namespaces";
}

/* ---- csi ---- */

static struct cpl identify_csi(struct rig *r, uint8_t cns, uint32_t nsid, uint8_t csi, void *data)
{
	struct cmd c = cmd_identify(cns, nsid, data);

	c.sqe.cdw11 = le32_from((uint32_t)csi << 24);
	return rig_admin(r, c);
}

static const char *na_no_csi(const struct facts *f)
{
	if (!f->has_scratch)
		return "no active namespace of the NVM command set";
	if (f->vs >= VS(2, 0, 0) || CAP_CSS(f->cap) & 1u << 6)
		return NULL;
	return rig_na_text("VS is %u.%u and CAP.CSS bit 6 is 0", f->vs >> 16, f->vs >> 8 & 0xff);
}

static void csi_lists(struct rig *r)
{
	uint8_t *plain = rig_mem(r, ID_LEN), *nvm = rig_mem(r, ID_LEN);
	const struct facts *f = rig_facts(r);

	rig_admin_ok(r, cmd_identify(0x02, 0, plain));
	REQUIRE_STATUS(r, identify_csi(r, 0x07, 0, CSI_NVM, nvm), SC_SUCCESS);
	for (unsigned i = 0; i < f->n_ns; i++)
		if (f->ns[i].csi)
			rig_na(r, "a namespace of another command set: the lists differ");
	CHECK_MEM(r, "active namespaces of the NVM command set", nvm, plain, ID_LEN);
}

/* CNS 08h says what CNS 00h says, of what both have. */
static void csi_common(struct rig *r)
{
	uint32_t nsid = rig_ns(r)->nsid;
	struct nvme_id_independent_id_ns *common = rig_mem(r, ID_LEN);
	struct nvme_id_ns id;
	struct cpl cpl;

	rig_id_ns(r, nsid, &id);
	cpl = rig_admin(r, cmd_identify(0x08, nsid, common));
	if (cpl.status != SC_SUCCESS && rig_facts(r)->vs < VS(2, 0, 0))
		rig_na(r, "CNS 08h is not there, and came with 2.0");
	REQUIRE_STATUS(r, cpl, SC_SUCCESS);
	CHECK_EQ(r, "NMIC", common->nmic, id.nmic);
	CHECK_EQ(r, "RESCAP", common->rescap, id.rescap);
	CHECK_EQ(r, "ANAGRPID", le32_get(common->anagrpid), le32_get(id.anagrpid));
	CHECK_EQ(r, "NSATTR", common->nsattr, id.nsattr);
	CHECK_EQ(r, "NVMSETID", le16_get(common->nvmsetid), le16_get(id.nvmsetid));
	CHECK_EQ(r, "ENDGID", le16_get(common->endgid), le16_get(id.endgid));
}

/* The NVM command set is in a combination that can be chosen, and each combination is not empty. */
static void csi_combinations(struct rig *r)
{
	uint8_t *vectors = rig_mem(r, ID_LEN);
	uint64_t all = 0;
	struct cmd c;

	c = cmd_identify(0x1c, 0, vectors);
	c.sqe.cdw10 = le32_from(0xffffu << 16 | 0x1c); /* the controller that is asked */
	if (rig_admin(r, c).status != SC_SUCCESS && !(CAP_CSS(rig_facts(r)->cap) & 1u << 6))
		rig_na(r, "CAP.CSS bit 6 is 0, and there is no such structure");
	for (unsigned i = 0; i < ID_LEN / 8; i++)
		all |= le64_at(vectors + 8 * i);
	CHECK_EQ(r, "NVM command set in the combinations", all & 1, 1);
}

static void csi_unsupported(struct rig *r)
{
	static const uint8_t cns[] = { 0x05, 0x06, 0x07 };
	uint8_t *data = rig_mem(r, ID_LEN);

	for (size_t i = 0; i < ARRAY_SIZE(cns); i++) {
		uint32_t nsid = cns[i] == 0x05 ? rig_ns(r)->nsid : 0;

		CHECK_STATUS(r, identify_csi(r, cns[i], nsid, 0x2f, data), SC_INVALID_FIELD,
			     SC_IOCS_INVALID);
		CHECK_STATUS(r, identify_csi(r, cns[i], nsid, 0xff, data), SC_INVALID_FIELD,
			     SC_IOCS_INVALID);
	}
}

static const struct ask_row {
	const char *name;
	void (*ask)(struct rig *r);
} csi_rows[] = {
	{ "lists", csi_lists },
	{ "common", csi_common },
	{ "combinations", csi_combinations },
	{ "unsupported", csi_unsupported },
};

static void run_row(struct rig *r)
{
	((const struct ask_row *)rig_row(r))->ask(r);
}

static const struct rig_case cases[] = {
	{ .id = "ns-lbaf",
	  .rule = "The LBA formats are as many as may be, none is tiny, and one is in use.",
	  .ref = "NVM CS 1.0 LBA Format data structure",
	  .needs = NEED_COMMAND,
	  .fault = "nlbaf-too-many lbads-tiny",
	  .na = na_no_nvm_ns,
	  .run = ns_lbaf },
	{ .id = "ns-meta-pi",
	  .rule = "Metadata and protection in use are of the kinds that are claimed.",
	  .ref = "NVM CS 1.0 End-to-end Data Protection; NVM CS 1.0 Identify Namespace data "
		 "structure",
	  .needs = NEED_COMMAND,
	  .fault = "dps-without-dpc dpc-first-bytes elbaf-storage-tag-small pic-without-storage",
	  .na = na_no_nvm_ns,
	  .run = ns_meta_pi },
	{ .id = "ns-perf-fields",
	  .rule = "A namespace's atomic units are no less than the controller's, within "
		  "boundaries.",
	  .ref = "NVM CS 1.0 Identify Namespace data structure; NVM CS 1.0 Atomic Operation",
	  .needs = NEED_COMMAND,
	  .fault = "nawupf-below-awupf nabo-without-boundary",
	  .na = na_no_nvm_ns,
	  .run = ns_perf_fields },
	{ .id = "ids-unique",
	  .rule = "No two namespaces have an identifier in common.",
	  .ref = "Base 2.0 Unique Identifier; NVM CS 1.0 Identify Namespace data structure (NGUID, "
		 "EUI64)",
	  .needs = NEED_COMMAND,
	  .fault = "ns-ids-shared",
	  .na = na_one_ns,
	  .run = ids_unique },
	{ .id = "csi",
	  .rule = "What Identify tells by command set agrees with what it tells without.",
	  .ref = "Base 2.0 I/O Command Set data structure; Base 2.3 Identify command overview",
	  .needs = NEED_COMMAND,
	  .fault = "csi-unsupported-accepted iocs-without-nvm csi-ns-common-differs",
	  .na = na_no_csi,
	  .run = run_row,
	  ROWS(csi_rows) },
};

SUITE(identify_ns_suite, CONFORMANCE, "identify", cases);
