// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>

#include "kit/kit.h"
#include "spec/command.h"

#define CNS_NS	   0x00
#define CNS_CTRL   0x01
#define CNS_ACTIVE 0x02
#define CNS_DESC   0x03
#define ID_LEN	   4096

/* Identify into a buffer whose poison the case knows. */
static struct cpl identify_into(struct rig *r, uint8_t cns, uint32_t nsid, struct buf *b)
{
	struct cmd c = cmd_identify(cns, nsid, NULL);

	rig_prp(r, &c, b, 0, ID_LEN);
	return rig_admin(r, c);
}

/* ---- reserved-cns ---- */

static const struct cns_row {
	const char *name;
	uint8_t cns;
} reserved_cns[] = {
	{ "0Fh", 0x0f }, { "3Fh", 0x3f }, { "7Fh", 0x7f }, { "A0h", 0xa0 }, { "FFh", 0xff },
};

static void reserved_cns_refused(struct rig *r)
{
	const struct cns_row *row = rig_row(r);
	struct buf *b = rig_buf(r, ID_LEN);
	uint8_t before[ID_LEN];

	rig_ctrl(r);
	memcpy(before, b->data, ID_LEN);
	CHECK_STATUS(r, identify_into(r, row->cns, 0, b), SC_INVALID_FIELD);
	check_untouched(r, CHECK_SITE(0, 0), b, before, 0, 0);
}

/* ---- full-4096 ---- */

static const struct structure_row {
	const char *name;
	uint8_t cns;
	bool of_ns;
	uint16_t dynamic_from, dynamic_to; /* bytes that may change between two reads */
} structures[] = {
	{ "namespace", CNS_NS, true, 16, 24 }, /* NUSE */
	{ "controller", CNS_CTRL, false, 0, 0 },
	{ "active-list", CNS_ACTIVE, false, 0, 0 },
	{ "descriptors", CNS_DESC, true, 0, 0 },
};

/* Bytes that no revision from 1.0 to 2.2 defines in Identify Controller. */
static const struct {
	uint16_t from, to;
} ctrl_reserved[] = { { 152, 240 }, { 640, 768 }, { 1024, 1792 } };

static void check_reserved(struct rig *r, const struct buf *b)
{
	for (size_t i = 0; i < ARRAY_SIZE(ctrl_reserved); i++) {
		int64_t at = buf_differs(b, ctrl_reserved[i].from, ctrl_reserved[i].to, 0);

		CHECK_TRUE(r, at < 0, "reserved bytes %u to %u are 0 (byte %lld is %02Xh)",
			   ctrl_reserved[i].from, ctrl_reserved[i].to - 1, (long long)at,
			   at < 0 ? 0 : b->data[at]);
	}
}

static void writes_4096(struct rig *r)
{
	const struct structure_row *row = rig_row(r);
	uint32_t nsid = row->of_ns ? rig_ns(r)->nsid : 0;
	struct buf *one = rig_buf(r, ID_LEN), *two = rig_buf(r, ID_LEN);

	rig_ctrl(r);
	if (row->cns == CNS_DESC && rig_facts(r)->vs < VS(1, 3, 0))
		rig_na(r, "the descriptors came with 1.3");
	buf_poison(one, 0x11);
	buf_poison(two, 0x77); /* differs from the first at every byte */
	REQUIRE_STATUS(r, identify_into(r, row->cns, nsid, one), SC_SUCCESS);
	REQUIRE_STATUS(r, identify_into(r, row->cns, nsid, two), SC_SUCCESS);
	memcpy(two->data + row->dynamic_from, one->data + row->dynamic_from,
	       row->dynamic_to - row->dynamic_from);
	CHECK_MEM(r, "all 4,096 bytes, read twice over different poison", two->data, one->data,
		  ID_LEN);
	if (row->cns == CNS_CTRL)
		check_reserved(r, one);
}

static const char *na_structure(const struct facts *f)
{
	return f->has_scratch ? NULL : "no active namespace of the NVM command set";
}

/* ---- ascii-fields ---- */

static const struct ascii_row {
	const char *name;
	uint16_t at, len;
	bool blank_allowed;
} ascii_fields[] = {
	{ "serial", 4, 20, false },
	{ "model", 24, 40, false },
	{ "firmware", 64, 8, true },
};

static void ascii_field(struct rig *r)
{
	const struct ascii_row *row = rig_row(r);
	uint8_t id[ID_LEN];
	const uint8_t *s = id + row->at;
	unsigned bad = row->len, used = row->len;

	rig_admin_ok(r, cmd_identify(CNS_CTRL, 0, id));
	while (used && s[used - 1] == ' ')
		used--;
	for (unsigned i = row->len; i--;)
		if (s[i] < 0x20 || s[i] > 0x7e)
			bad = i;
	CHECK_TRUE(r, bad == row->len, "every byte of %s is 20h to 7Eh (byte %u is %02Xh)",
		   row->name, bad, bad == row->len ? 0 : s[bad]);
	CHECK_TRUE(r, !used || s[0] != ' ', "%s is left-justified", row->name);
	if (!row->blank_allowed)
		CHECK_TRUE(r, used > 0, "%s is not blank", row->name);
}

/* ---- oacs-truth ---- */

/* A harmless malformed instance of each optional admin command: to be refused, not to be done. */
static const struct oacs_row {
	const char *name;
	uint8_t bit, opcode;
	uint32_t nsid, cdw10, cdw11;
	uint32_t data_len;
	enum cmd_dir dir;
} oacs_rows[] = {
	{ "security-receive", 0, nvme_admin_security_recv, 0, 0xef000000, 512, 512, CMD_IN },
	{ "format", 1, nvme_admin_format_nvm, 0xfffffffe, 0xeef, 0, 0, CMD_NONE },
	{ "firmware-commit", 2, nvme_admin_fw_commit, 0, 4u << 3, 0, 0, CMD_NONE },
	{ "ns-management", 3, nvme_admin_ns_mgmt, 0, 0xf, 0, 4096, CMD_OUT },
	{ "self-test", 4, nvme_admin_dev_self_test, 0xfffffffe, 0x7, 0, 0, CMD_NONE },
	{ "directive-receive", 5, nvme_admin_directive_recv, 0xfffffffe, 0, 0x7fff, 4, CMD_IN },
	{ "nvme-mi-receive", 6, nvme_admin_nvme_mi_recv, 0, 0xff, 0xffffffff, 512, CMD_IN },
	{ "virtualization", 7, nvme_admin_virtual_mgmt, 0, 0xffff0000, 0, 0, CMD_NONE },
	{ "doorbell-buffer", 8, nvme_admin_dbbuf, 0, 0, 0, 0, CMD_NONE },
	{ "get-lba-status", 9, nvme_admin_get_lba_status, 0xfffffffe, 0, 0, 4096, CMD_IN },
	{ "lockdown", 10, nvme_admin_lockdown, 0, 0xff0f, 0, 0, CMD_NONE },
};

static unsigned oacs_needs(const void *row)
{
	return spec_is_hosts(true, ((const struct oacs_row *)row)->opcode, 0) ? NEED_SQE : 0;
}

static struct cpl try_oacs(struct rig *r, const struct oacs_row *row)
{
	struct cmd c = cmd_raw(row->opcode, row->nsid);

	c.sqe.cdw10 = le32_from(row->cdw10);
	c.sqe.cdw11 = le32_from(row->cdw11);
	c.dir = row->dir;
	c.data_len = row->data_len;
	c.data = row->data_len ? rig_mem(r, row->data_len) : NULL;
	/* off page alignment: to be refused; a transport without PRPs would refuse these first */
	if (row->opcode == nvme_admin_dbbuf && !rig_facts(r)->caps.fabrics)
		c.sqe.prp1 = c.sqe.prp2 = le64_from(rig_buf(r, 4096)->iova + 4);
	return rig_admin(r, c);
}

static void oacs_truth(struct rig *r)
{
	const struct oacs_row *row = rig_row(r);
	struct nvme_id_ctrl id;
	char text[STATUS_TEXT];
	struct cpl cpl;

	rig_id_ctrl(r, &id);
	cpl = try_oacs(r, row);
	if (!(le16_get(id.oacs) >> row->bit & 1)) {
		CHECK_STATUS(r, cpl, SC_INVALID_OPCODE);
		return;
	}
	CHECK_TRUE(r, cpl.status != SC_INVALID_OPCODE,
		   "OACS bit %u is 1, so the opcode is known (status %s)", row->bit,
		   status_text(cpl.status, text));
}

/* ---- ns-invalid ---- */

static const struct nsid_row {
	const char *name;
	uint32_t nsid;
} invalid_nsids[] = {
	{ "zero", 0 },
	{ "past-nn", 1 }, /* added to NN */
	{ "fffffffe", 0xfffffffe },
	{ "broadcast", NSID_ALL },
};

static void ns_invalid(struct rig *r)
{
	const struct nsid_row *row = rig_row(r);
	uint32_t nsid = row->nsid == 1 ? rig_facts(r)->nn + 1 : row->nsid;
	struct buf *b = rig_buf(r, ID_LEN);
	struct nvme_id_ctrl id;
	struct cpl cpl;

	rig_id_ctrl(r, &id);
	if (row->nsid != NSID_ALL && nsid <= le32_get(id.nn) && nsid)
		rig_na(r, "NN is %08Xh: this NSID is a valid one", le32_get(id.nn));
	cpl = identify_into(r, CNS_NS, nsid, b);
	if (nsid == NSID_ALL && (le16_get(id.oacs) & 1u << 3))
		CHECK_STATUS(r, cpl, SC_SUCCESS); /* common data of all namespaces */
	else if (nsid == NSID_ALL && rig_facts(r)->vs >= VS(2, 0, 0))
		CHECK_STATUS(r, cpl, SC_INVALID_NS, SC_INVALID_FIELD);
	else
		CHECK_STATUS(r, cpl, SC_INVALID_NS);
}

/* ---- ns-inactive ---- */

static const char *na_inactive(const struct facts *f)
{
	return f->inactive_nsid ? NULL : "every valid NSID is active";
}

static void ns_inactive(struct rig *r)
{
	struct buf *b = rig_buf(r, ID_LEN);
	int64_t at;

	rig_ctrl(r);
	REQUIRE_STATUS(r, identify_into(r, CNS_NS, rig_facts(r)->inactive_nsid, b), SC_SUCCESS);
	at = buf_differs(b, 0, ID_LEN, 0);
	CHECK_TRUE(r, at < 0, "NSID %u is inactive: all 4,096 bytes are 0 (byte %lld is %02Xh)",
		   rig_facts(r)->inactive_nsid, (long long)at, at < 0 ? 0 : b->data[at]);
}

/* ---- ns-capacity ---- */

static void read_ends(struct rig *r, const struct facts_ns *ns, uint64_t nsze)
{
	uint8_t *data = rig_mem(r, ns->lba_bytes);
	struct sq *q = rig_queue(r);

	CHECK_STATUS(r, rig_io(r, q, cmd_read(ns->nsid, nsze - 1, 1, data, ns->lba_bytes)),
		     SC_SUCCESS, SC_UNWRITTEN_BLOCK);
	CHECK_STATUS(r, rig_io(r, q, cmd_read(ns->nsid, nsze, 1, data, ns->lba_bytes)),
		     SC_LBA_OUT_OF_RANGE);
}

static void ns_capacity(struct rig *r)
{
	const struct facts *f = rig_facts(r);

	rig_ctrl(r);
	for (unsigned i = 0; i < f->n_ns; i++) {
		const struct facts_ns *ns = &f->ns[i];
		struct nvme_id_ns id;

		if (ns->csi || !ns->lba_bytes)
			continue;
		rig_id_ns(r, ns->nsid, &id);
		CHECK_GE(r, "NSZE against NCAP", le64_get(id.nsze), le64_get(id.ncap));
		CHECK_GE(r, "NCAP against NUSE", le64_get(id.ncap), le64_get(id.nuse));
		ADVISE_TRUE(r, le64_get(id.ncap), "NCAP of NSID %u is not 0", ns->nsid);
		if (!(id.nsfeat & 1))
			CHECK_EQ(r, "NCAP without thin provisioning", le64_get(id.ncap),
				 le64_get(id.nsze));
		if (!ns->ms && id.nsze)
			read_ends(r, ns, le64_get(id.nsze));
	}
}

static const char *na_no_nvm_ns(const struct facts *f)
{
	for (unsigned i = 0; i < f->n_ns; i++)
		if (!f->ns[i].csi)
			return NULL;
	return "no active namespace of the NVM command set";
}

/* ---- active-list ---- */

static void check_list(struct rig *r, const __le32 *list, uint32_t above, uint32_t nn)
{
	uint32_t last = above;
	bool ended = false;

	for (unsigned i = 0; i < ID_LEN / 4; i++) {
		uint32_t nsid = le32_get(list[i]);

		if (!nsid) {
			ended = true;
			continue;
		}
		CHECK_TRUE(r, !ended, "entry %u after the end is 0, not %08Xh", i, nsid);
		CHECK_TRUE(r, nsid > last, "entry %u rises: %08Xh after %08Xh", i, nsid, last);
		CHECK_LE(r, "an active NSID against NN", nsid, nn);
		last = nsid;
	}
}

/* Asking for what lies above each entry gives the rest of the list: each NSID once. */
static void active_list_pages(struct rig *r)
{
	__le32 *all = rig_mem(r, ID_LEN), *rest = rig_mem(r, ID_LEN);
	uint32_t nn = rig_facts(r)->nn;

	rig_ctrl(r);
	REQUIRE_STATUS(r, rig_admin(r, cmd_identify(CNS_ACTIVE, 0, all)), SC_SUCCESS);
	check_list(r, all, 0, nn);
	for (unsigned i = 0; i < 64 && all[i]; i++) {
		REQUIRE_STATUS(r, rig_admin(r, cmd_identify(CNS_ACTIVE, le32_get(all[i]), rest)),
			       SC_SUCCESS);
		CHECK_MEM(r, "the list above an entry is what follows it", rest, all + i + 1,
			  ID_LEN - (i + 1) * sizeof(*all));
	}
	REQUIRE_STATUS(r, rig_admin(r, cmd_identify(CNS_ACTIVE, 0xfffffffd, rest)), SC_SUCCESS);
	CHECK_EQ(r, "first entry above FFFFFFFDh", le32_get(rest[0]), 0);
}

static void active_list_bounds(struct rig *r)
{
	uint8_t *data = rig_mem(r, ID_LEN);

	CHECK_STATUS(r, rig_admin(r, cmd_identify(CNS_ACTIVE, 0xfffffffe, data)), SC_INVALID_NS);
	CHECK_STATUS(r, rig_admin(r, cmd_identify(CNS_ACTIVE, NSID_ALL, data)), SC_INVALID_NS);
}

static const char *na_before_1_1(const struct facts *f)
{
	return f->vs >= VS(1, 1, 0) ? NULL : "VS is 1.0: the active list came with 1.1";
}

static const struct list_row {
	const char *name;
	void (*ask)(struct rig *r);
} list_rows[] = { { "pages", active_list_pages }, { "bounds", active_list_bounds } };

static void run_list_row(struct rig *r)
{
	((const struct list_row *)rig_row(r))->ask(r);
}

/* ---- ns-desc-list ---- */

struct descriptors {
	unsigned eui64, nguid, uuid, csi; /* how many of each */
	const uint8_t *eui64_at, *nguid_at;
};

static const uint8_t nidt_len[] = { 0, 8, 16, 16, 1 };

static void parse_descriptors(struct rig *r, const uint8_t *list, struct descriptors *d)
{
	unsigned *count[] = { NULL, &d->eui64, &d->nguid, &d->uuid, &d->csi };
	size_t at = 0;

	while (at + 4 <= ID_LEN && list[at + 1]) {
		uint8_t nidt = list[at], nidl = list[at + 1];

		REQUIRE_TRUE(r, at + 4 + nidl <= ID_LEN, "the descriptor at byte %zu ends inside",
			     at);
		if (nidt >= 1 && nidt < ARRAY_SIZE(nidt_len)) {
			CHECK_EQ(r, "length of a descriptor of a known type", nidl, nidt_len[nidt]);
			CHECK_EQ(r, "descriptors of one type", ++*count[nidt], 1);
		} else {
			rig_note(r, "descriptor type %02Xh of %u bytes is none that is known", nidt,
				 nidl);
		}
		if (nidt == NVME_NIDT_EUI64)
			d->eui64_at = list + at + 4;
		if (nidt == NVME_NIDT_NGUID)
			d->nguid_at = list + at + 4;
		at += 4u + nidl;
	}
}

static void ns_desc_list(struct rig *r)
{
	const struct facts_ns *ns = rig_ns(r);
	uint8_t *list = rig_mem(r, ID_LEN);
	struct descriptors d = { 0 };
	struct nvme_id_ns id;

	rig_id_ns(r, ns->nsid, &id);
	REQUIRE_STATUS(r, rig_admin(r, cmd_identify(CNS_DESC, ns->nsid, list)), SC_SUCCESS);
	parse_descriptors(r, list, &d);
	CHECK_GE(r, "identifiers (EUI64, NGUID or UUID)", d.eui64 + d.nguid + d.uuid, 1);
	if (d.eui64_at)
		CHECK_MEM(r, "EUI64 as in Identify Namespace", d.eui64_at, id.eui64, 8);
	if (d.nguid_at)
		CHECK_MEM(r, "NGUID as in Identify Namespace", d.nguid_at, id.nguid, 16);
	if (rig_facts(r)->vs >= VS(2, 0, 0))
		CHECK_EQ(r, "command set descriptors", d.csi, 1);
}

static void ns_desc_bad_nsid(struct rig *r)
{
	uint8_t *list = rig_mem(r, ID_LEN);

	CHECK_STATUS(r, rig_admin(r, cmd_identify(CNS_DESC, 0xfffffffe, list)), SC_INVALID_NS);
	CHECK_STATUS(r, rig_admin(r, cmd_identify(CNS_DESC, NSID_ALL, list)), SC_INVALID_NS);
}

static const struct list_row desc_rows[] = { { "contents", ns_desc_list },
					     { "bad-nsid", ns_desc_bad_nsid } };

static const char *na_before_1_3(const struct facts *f)
{
	if (f->vs < VS(1, 3, 0))
		return rig_na_text("VS is %u.%u: the list came with 1.3", f->vs >> 16,
				   f->vs >> 8 & 0xff);
	return na_structure(f);
}

static const struct rig_case cases[] = {
	{ .id = "reserved-cns",
	  .rule = "A reserved CNS value is refused and writes nothing.",
	  .ref = "Base 2.0 Identify command; Base 2.1 Identify command overview",
	  .needs = NEED_CTRL,
	  .fault = "identify-reserved-cns-accepted identify-reserved-cns-writes",
	  .run = reserved_cns_refused,
	  ROWS(reserved_cns) },
	{ .id = "full-4096",
	  .rule = "A successful Identify writes 4,096 bytes, reserved ones as 0, and no more.",
	  .ref = "Base 2.0 Identify command; Base 2.1 Identify command overview",
	  .needs = NEED_CTRL,
	  .fault = "identify-short identify-stale-bytes identify-overrun",
	  .na = na_structure,
	  .run = writes_4096,
	  ROWS(structures) },
	{ .id = "ascii-fields",
	  .rule = "Serial, model and firmware are printable, left-justified, padded with blanks.",
	  .ref = "Base 2.0 Identify Controller data structure; Base 2.1 Identify Controller data "
		 "structure (CNS 01h)",
	  .needs = NEED_COMMAND,
	  .fault = "identify-nul-padded identify-blank-serial",
	  .run = ascii_field,
	  ROWS(ascii_fields) },
	{ .id = "oacs-truth",
	  .rule = "An optional admin command is known if and only if its OACS bit says so.",
	  .ref = "Base 2.0 Identify Controller data structure (OACS); Base 2.2 Generic Command "
		 "Status "
		 "Definition (Invalid Command Opcode)",
	  .needs = NEED_COMMAND,
	  .fault = "oacs-bit-without-command oacs-command-without-bit",
	  .row_needs = oacs_needs,
	  .run = oacs_truth,
	  ROWS(oacs_rows) },
	{ .id = "ns-invalid",
	  .rule = "Identify Namespace of an invalid NSID is refused.",
	  .ref = "NVM CS 1.0 Identify Namespace data structure (CNS 00h)",
	  .needs = NEED_CTRL,
	  .fault = "ns-invalid-accepted",
	  .run = ns_invalid,
	  ROWS(invalid_nsids) },
	{ .id = "ns-inactive",
	  .rule = "Identify Namespace of an inactive NSID succeeds and is all zeroes.",
	  .ref = "NVM CS 1.0 Identify Namespace data structure (CNS 00h)",
	  .needs = NEED_CTRL,
	  .fault = "ns-inactive-error ns-inactive-stale",
	  .na = na_inactive,
	  .run = ns_inactive },
	{ .id = "ns-capacity",
	  .rule = "NSZE, NCAP and NUSE are in order, and NSZE is where reading ends.",
	  .ref = "NVM CS 1.0 Identify Namespace data structure (CNS 00h); NVM CS 1.0 Namespaces",
	  .needs = NEED_COMMAND,
	  .fault = "ns-capacity-inverted ns-size-too-large",
	  .na = na_no_nvm_ns,
	  .run = ns_capacity },
	{ .id = "active-list",
	  .rule = "The active list holds each active NSID above the one given, rising, "
		  "zero-filled.",
	  .ref = "Base 2.0 Active Namespace ID list; Base 2.1 Active Namespace ID list (CNS 02h)",
	  .needs = NEED_COMMAND,
	  .fault = "active-list-ge active-list-unsorted active-list-broadcast-accepted",
	  .na = na_before_1_1,
	  .run = run_list_row,
	  ROWS(list_rows) },
	{ .id = "ns-desc-list",
	  .rule = "The descriptor list names the namespace, each way once, as Identify Namespace "
		  "does.",
	  .ref = "Base 2.0 Namespace Identification Descriptor list; Base 2.1 Namespace "
		 "Identification "
		 "Descriptor list (CNS 03h)",
	  .needs = NEED_COMMAND,
	  .fault = "ns-desc-no-id ns-desc-mismatch ns-desc-duplicate",
	  .na = na_before_1_3,
	  .run = run_list_row,
	  ROWS(desc_rows) },
};

SUITE(identify_suite, CONFORMANCE, "identify", cases);
