// SPDX-License-Identifier: GPL-2.0-or-later
/* Format NVM. What a case formats it formats back. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "format_op.h"
#include "pi_bench.h"

#define SES_DATA   1u
#define SES_CRYPTO 2u
#define FNA_ALL	   0x3u /* formats, erasures, of all namespaces */
#define FNA_CRYPTO 0x4u
#define FNA_NO_ALL 0x8u

/* ---- refusals: nothing changes ---- */

struct victim {
	struct pi_bench *b;
	uint8_t *data;
	uint32_t bits;
};

static struct victim *victim_new(struct rig *r, const struct facts_ns *ns)
{
	struct victim *v = rig_mem(r, sizeof(*v));
	struct nvme_id_ns id;

	format_keep_all(r);
	rig_id_ns(r, ns->nsid, &id);
	v->b = pi_bench_new(r, ns, PI_BLOCKS);
	v->bits = cmd_format_now(&id);
	pi_fill(v->b);
	pi_store(v->b);
	v->data = pi_copy_data(v->b);
	return v;
}

static void check_unharmed(struct victim *v)
{
	struct nvme_id_ns id;

	rig_id_ns(v->b->r, v->b->ns->nsid, &id);
	CHECK_EQ(v->b->r, pi_says(v->b, "its format as Dword 10 has it"), cmd_format_now(&id),
		 v->bits);
	if (pi_load(v->b))
		CHECK_MEM(v->b->r, pi_says(v->b, "its data"), v->b->data, v->data,
			  (size_t)v->b->blocks * v->b->s.lba_bytes);
}

/* One that must fail; the list of what it may fail with ends with 0. */
static void refused(struct victim *v, const char *what, uint32_t cdw10, const uint16_t *want,
		    unsigned n)
{
	struct cpl cpl = rig_admin(v->b->r, cmd_format(v->b->ns->nsid, cdw10));

	check_status_of(v->b->r, CHECK_SITE(0, 0),
			pi_says(v->b, "Format with %s, Dword 10 %Xh: status", what, cdw10), cpl,
			want, n);
}

static const uint16_t invalid_format[] = { SC_FORMAT_INVALID };
static const uint16_t format_or_field[] = { SC_FORMAT_INVALID, SC_INVALID_FIELD };
static const uint16_t field_or_format[] = { SC_INVALID_FIELD, SC_FORMAT_INVALID };
static const uint16_t invalid_ns[] = { SC_INVALID_NS };

static void bad_lbaf(struct rig *r)
{
	unsigned at = 0, count;
	struct victim *v = victim_new(r, format_next_ns(r, &at));

	count = format_count(&v->b->ns->id);
	if (count == 16)
		rig_na(r, "16 formats: every index of Dword 10 is one");
	for (unsigned i = count; i < 16; i++)
		refused(v, "a format past the last", cmd_format_index(i), invalid_format, 1);
	for (unsigned i = count; count > 16 && i < 64; i++)
		refused(v, "a format past the last", cmd_format_index(i), invalid_format, 1);
	check_unharmed(v);
}

/* ---- bad-fields ---- */

/* Protection information where there is no room for it. */
static void pi_without_room(struct victim *v)
{
	const struct nvme_id_ns *id = &v->b->ns->id;

	for (unsigned i = 0; i < format_count(id) && i < ARRAY_SIZE(id->lbaf); i++)
		for (unsigned type = 1; type < 4; type++)
			if (id->lbaf[i].ds && le16_get(id->lbaf[i].ms) < 8)
				refused(v, "protection information and no metadata",
					cmd_format_index(i) | FORMAT_PI(type), format_or_field, 2);
}

static void pi_reserved(struct victim *v)
{
	for (unsigned type = 4; type < 8; type++)
		refused(v, "a reserved protection type",
			(v->bits & ~FORMAT_PI(7)) | FORMAT_PI(type), field_or_format, 2);
}

static void ses_reserved(struct victim *v)
{
	for (unsigned ses = 3; ses < 8; ses++)
		refused(v, "a reserved erase setting", v->bits | FORMAT_SES(ses), field_or_format,
			2);
}

static void crypto_unclaimed(struct victim *v)
{
	uint8_t fna = rig_facts(v->b->r)->id.fna;

	if (fna & FNA_CRYPTO)
		rig_na(v->b->r, "FNA is %02Xh: cryptographic erase is supported", fna);
	/* no text says so in so many words; success would be a claim that is not true */
	ADVISE_STATUS_OF(
		v->b->r, pi_says(v->b, "Format with cryptographic erase, FNA %02Xh: status", fna),
		rig_admin(v->b->r, cmd_format(v->b->ns->nsid, v->bits | FORMAT_SES(SES_CRYPTO))),
		SC_INVALID_FIELD, SC_FORMAT_INVALID);
	pi_store(v->b);
}

/* Guards of 32 and 64 bits, and Storage Tags, while LBAFEE is 0h. */
static void without_lbafee(struct victim *v)
{
	const struct nvme_id_ns *id = &v->b->ns->id;
	const struct nvme_nvm_id_ns *nvm = rig_mem(v->b->r, 4096);
	unsigned asked = 0;

	if (!(le32_get(rig_facts(v->b->r)->id.ctratt) & NVME_CTRL_CTRATT_ELBAS))
		rig_na(v->b->r, "CTRATT does not claim extended formats");
	if (!rig_no_lbafee(v->b->r))
		rig_na(v->b->r, "LBAFEE of Host Behavior Support cannot be made 0h");
	rig_admin_ok(v->b->r, cmd_identify(0x05, v->b->ns->nsid, (void *)(uintptr_t)nvm));
	for (unsigned i = 0; i < format_count(id) && i < 16; i++) {
		if (!(le32_get(nvm->elbaf[i]) & 0x1ff) || !(id->dpc & 1))
			continue;
		refused(v, "extended protection information", cmd_format_index(i) | FORMAT_PI(1),
			invalid_ns, 1);
		asked++;
	}
	if (!asked)
		rig_na(v->b->r, "no extended format is among those told");
}

static const struct field_row {
	const char *name;
	void (*ask)(struct victim *v);
} field_rows[] = {
	{ "pi-without-room", pi_without_room }, { "pi-reserved", pi_reserved },
	{ "ses-reserved", ses_reserved },	{ "crypto-unclaimed", crypto_unclaimed },
	{ "lbafee", without_lbafee },
};

static void bad_fields(struct rig *r)
{
	const struct field_row *row = rig_row(r);
	unsigned at = 0;
	struct victim *v = victim_new(r, format_next_ns(r, &at));

	row->ask(v);
	check_unharmed(v);
}

/* ---- bad-nsid ---- */

enum nsid_kind { NSID_ZERO, NSID_PAST, NSID_HIGH, NSID_INACTIVE, NSID_BROADCAST };

static const struct nsid_row {
	const char *name;
	enum nsid_kind kind;
} nsid_rows[] = { { "0", NSID_ZERO },
		  { "NN+1", NSID_PAST },
		  { "FFFFFFFEh", NSID_HIGH },
		  { "inactive", NSID_INACTIVE },
		  { "FFFFFFFFh", NSID_BROADCAST } };

/* One that is not allocated either: such a one may be formatted. */
static uint32_t inactive_nsid(struct rig *r)
{
	uint32_t nsid = rig_facts(r)->inactive_nsid;
	uint8_t *id = rig_mem(r, 4096);

	if (!nsid)
		rig_na(r, "every valid NSID is active");
	if (rig_admin(r, cmd_identify(0x11, nsid, id)).status == SC_SUCCESS && le64_at(id))
		rig_na(r, "NSID %u is inactive and allocated", nsid);
	return nsid;
}

static uint32_t bad_nsid_of(struct rig *r, enum nsid_kind kind)
{
	uint32_t nn = rig_facts(r)->nn;

	if (kind == NSID_BROADCAST && !(rig_facts(r)->id.fna & FNA_NO_ALL))
		rig_na(r, "FNA is %02Xh: all namespaces can be formatted at once",
		       rig_facts(r)->id.fna);
	if ((kind == NSID_PAST || kind == NSID_HIGH) && nn >= NSID_ALL - 1)
		rig_na(r, "NN is %" PRIX32 "h: no NSID lies beyond", nn);
	switch (kind) {
	case NSID_ZERO:
		return 0;
	case NSID_PAST:
		return nn + 1;
	case NSID_HIGH:
		return NSID_ALL - 1;
	case NSID_INACTIVE:
		return inactive_nsid(r);
	default:
		return NSID_ALL;
	}
}

/* On a real drive with a format that there is not, so that no mistake costs its data. */
static void bad_nsid(struct rig *r)
{
	const struct nsid_row *row = rig_row(r);
	uint32_t nsid = bad_nsid_of(r, row->kind), bits;
	bool field = row->kind == NSID_INACTIVE || row->kind == NSID_BROADCAST;
	unsigned at = 0;
	struct victim *v = victim_new(r, format_next_ns(r, &at));
	uint16_t want[] = { field ? SC_INVALID_FIELD : SC_INVALID_NS,
			    field ? SC_INVALID_NS : SC_FORMAT_INVALID, SC_FORMAT_INVALID };

	bits = rig_facts(r)->caps.emulated ? v->bits : 15;
	check_status_of(r, CHECK_SITE(0, 0), pi_says(v->b, "Format of NSID %X: status", nsid),
			rig_admin(r, cmd_format(nsid, bits)), want,
			rig_facts(r)->caps.emulated ? 1 + field : 2 + field);
	check_unharmed(v);
}

/* ---- effect ---- */

/* It is what was asked for, by Identify. */
static void check_told(struct rig *r, uint32_t nsid, uint32_t bits, struct nvme_id_ns *ret)
{
	uint32_t got;
	unsigned ms;
	char what[64];

	rig_id_ns(r, nsid, ret);
	got = cmd_format_now(ret);
	ms = le16_get(ret->lbaf[(bits & 0xf) | (bits >> 12 & 3) << 4].ms);
	if (!ms) { /* then it says nothing */
		got &= ~FORMAT_MSET;
		bits &= ~FORMAT_MSET;
	}
	snprintf(what, sizeof(what), "NSID %u: its format as Dword 10 has it", nsid);
	CHECK_EQ(r, what, got, bits);
	CHECK_NE(r, "NSZE after a Format", le64_get(ret->nsze), 0);
}

/* Of what was there nothing can be read: neither in its old place nor in that of the new size. */
static void check_gone(struct pi_bench *b, const uint8_t *old, size_t len)
{
	size_t n = (size_t)b->blocks * b->s.lba_bytes;

	if (!pi_load(b))
		return;
	for (size_t i = 0; i + 512 <= n && i + 512 <= len; i += 512)
		CHECK_TRUE(b->r, memcmp(b->data + i, old + i, 512), "%s",
			   pi_says(b, "512 bytes at %zu are not what was there before", i));
}

/* New blocks, with what metadata there are, are written and read. */
static void check_usable(struct pi_bench *b)
{
	uint8_t *data, *meta;

	pi_fill(b);
	pi_store(b);
	data = pi_copy_data(b);
	meta = pi_copy_meta(b);
	if (!pi_load(b))
		return;
	CHECK_MEM(b->r, pi_says(b, "data written after a Format"), b->data, data,
		  (size_t)b->blocks * b->s.lba_bytes);
	if (b->s.ms)
		CHECK_MEM(b->r, pi_says(b, "metadata written after a Format"), b->meta, meta,
			  (size_t)b->blocks * b->s.ms);
}

/* From whatever it is to that; b: blocks of it as it is, replaced by those that it then has. */
static void format_to(struct pi_bench **b, uint32_t bits, unsigned ses)
{
	struct rig *r = (*b)->r;
	uint32_t nsid = (*b)->ns->nsid;
	struct nvme_id_ns id;
	const uint8_t *old;
	size_t len = (size_t)(*b)->blocks * (*b)->s.lba_bytes;

	pi_fill(*b);
	pi_store(*b);
	old = pi_copy_data(*b);
	CHECK_STATUS_OF(r, pi_says(*b, "Format, Dword 10 %Xh: status", bits | FORMAT_SES(ses)),
			rig_admin(r, cmd_format(nsid, bits | FORMAT_SES(ses))), SC_SUCCESS);
	check_told(r, nsid, bits, &id);
	*b = pi_bench_new(r, rig_ns_now(r, nsid), PI_BLOCKS);
	check_gone(*b, old, len);
	check_usable(*b);
}

/* Every layout and type of one format that is claimed, one in turn where time is short. */
static void format_each_way(struct pi_bench **b, const struct nvme_id_ns *id, unsigned i,
			    unsigned ses, unsigned pi_least)
{
	unsigned ms = le16_get(id->lbaf[i].ms), ways = 0;
	bool few = rig_effort((*b)->r) == EFFORT_QUICK;

	for (unsigned mset = 0; mset < (ms ? 2u : 1u); mset++)
		for (unsigned type = 0; type < (ms >= pi_least ? 4u : 1u); type++) {
			if (ms && !(id->mc >> !mset & 1))
				continue;
			if (type && !(id->dpc >> (type - 1) & 1))
				continue;
			if (!few || (mset * 4 + type) == i % 8 || !ways++)
				format_to(b,
					  cmd_format_index(i) | (mset ? FORMAT_MSET : 0) |
						  FORMAT_PI(type),
					  ses);
		}
}

static void each_format(struct rig *r, const struct facts_ns *ns, unsigned ses)
{
	struct nvme_nvm_id_ns *nvm = rig_mem(r, 4096);
	struct pi_bench *b = pi_bench_new(r, ns, PI_BLOCKS);
	bool extended = rig_lbafee(r);
	struct nvme_id_ns id;

	format_keep_all(r);
	rig_id_ns(r, ns->nsid, &id);
	if (extended)
		rig_admin_ok(r, cmd_identify(0x05, ns->nsid, nvm));
	for (unsigned i = 0; i < format_count(&id) && i < ARRAY_SIZE(id.lbaf); i++)
		if (id.lbaf[i].ds)
			format_each_way(&b, &id, i, ses, le32_get(nvm->elbaf[i]) >> 7 & 3 ? 16 : 8);
}

static void effect(struct rig *r, unsigned ses)
{
	unsigned at = 0;
	uint8_t fna = rig_facts(r)->id.fna;
	const struct facts_ns *ns;

	if (ses == SES_CRYPTO && !(fna & FNA_CRYPTO))
		rig_na(r, "FNA is %02Xh: no cryptographic erase", fna);
	rig_lbafee(r); /* put back after the formats that need it */
	each_format(r, format_next_ns(r, &at), ses);
	while ((ns = rig_ns_that(r, &at,
				 format_any_ns))) { /* formatted with the first, as FNA may say */
		struct pi_bench *b = pi_bench_new(r, rig_ns_now(r, ns->nsid), PI_BLOCKS);

		format_to(&b, 0, ses);
	}
}

/* ---- the other controller is told ---- */

#define OAES_NS	   (1u << 8)
#define EVENT_NS   (1 * NS_PER_S)
#define EVENT_DW0  0x00040002u /* Namespace Attribute Changed: log page 04h, notice */
#define DW0_FIELDS 0x00ffff07u

static bool is_shared(const struct facts_ns *ns)
{
	return ns->id.nmic & 1;
}

static void told(struct rig *r, unsigned ses)
{
	const struct facts *f = rig_facts(r);
	unsigned at = 0;
	const struct facts_ns *ns = rig_ns_that(r, &at, is_shared);
	uint32_t *list = rig_mem(r, 4096);
	struct cpl event;

	if (!ns || !(f->id.cmic & 2))
		rig_na(r, "no namespace is shared by two controllers");
	if (!(le32_get(f->id.oaes) & OAES_NS))
		rig_na(r, "OAES does not claim Namespace Attribute Notices");
	if (!(f->caps.has & NEED_PEER))
		rig_skip(r, "needs", "a target with the other controller of the subsystem");
	format_keep_all(r);
	rig_admin_ok_on(r, rig_peer(r),
			cmd_set_features(NVME_FEAT_FID_ASYNC_EVENT, false, 0, OAES_NS));
	rig_aer_on(r, rig_peer(r));
	CHECK_STATUS(r,
		     rig_admin(r, cmd_format(ns->nsid,
					     (cmd_format_now(&ns->id) ^ 1) | FORMAT_SES(ses))),
		     SC_SUCCESS);
	REQUIRE_TRUE(r, rig_event_try_on(r, rig_peer(r), &event, EVENT_NS),
		     "the other controller tells of a namespace that was formatted");
	CHECK_EQ(r, "event: type, information, log page", event.dw0 & DW0_FIELDS, EVENT_DW0);
	rig_admin_ok_on(r, rig_peer(r),
			cmd_get_log(NVME_LOG_LID_CHANGED_NS, NSID_ALL, 0, list, 4096));
	CHECK_EQ(r, "first of the Changed Namespace List", le32_get((__le32)list[0]), ns->nsid);
}

static const struct effect_row {
	const char *name;
	unsigned ses;
	void (*ask)(struct rig *r, unsigned ses);
} effect_rows[] = { { "plain", 0, effect },
		    { "user-data-erase", SES_DATA, effect },
		    { "cryptographic-erase", SES_CRYPTO, effect },
		    { "told", 0, told } };

static void run_effect(struct rig *r)
{
	const struct effect_row *row = rig_row(r);

	row->ask(r, row->ses);
}

/* ---- during-io ---- */

#define LOOKS_MAX 20000u

/* Read of one block while it is formatted: old data as they were, or none of them, or not now. */
static unsigned look(struct pi_bench *b, const uint8_t *old)
{
	size_t n = b->s.lba_bytes;
	uint8_t *got = rig_mem(b->r, 8192);
	struct cmd c = cmd_read(b->ns->nsid, b->lba, 1, got, 8192);
	struct cpl cpl = rig_io(b->r, b->q, c);

	CHECK_STATUS_OF(b->r, pi_says(b, "Read during a Format: status"), cpl,
			SC_FORMAT_IN_PROGRESS, SC_SUCCESS, SC_NS_NOT_READY, SC_INVALID_NS);
	if (cpl.status == SC_FORMAT_IN_PROGRESS)
		CHECK_TRUE(b->r, !cpl.dnr, "%s",
			   pi_says(b, "Format In Progress comes with DNR = 0"));
	if (cpl.status == SC_SUCCESS && !memcmp(got, old, 16))
		CHECK_MEM(b->r, pi_says(b, "a block read during a Format that begins as before"),
			  got, old, n);
	return cpl.status == SC_FORMAT_IN_PROGRESS;
}

static void check_ended(struct pi_bench *b, const uint8_t *old, struct cpl cpl)
{
	CHECK_STATUS_OF(b->r, pi_says(b, "Format with Reads under way: status"), cpl, SC_SUCCESS,
			SC_SEQUENCE_ERROR);
	if (cpl.status == SC_SUCCESS) {
		b = pi_bench_new(b->r, rig_ns_now(b->r, b->ns->nsid), PI_BLOCKS);
		check_gone(b, old, b->s.lba_bytes);
		check_usable(b);
	}
}

static void during_io(struct rig *r)
{
	unsigned at = 0, looks = 0, refused_reads = 0;
	struct pi_bench *b = pi_bench_new(r, rig_ns(r), PI_BLOCKS);
	struct sq *asq = rig_ctrl(r)->asq;
	const uint8_t *old;
	struct cpl cpl;
	uint16_t cid;

	format_next_ns(r, &at); /* leaves where it must not be */
	rig_lbafee(r);		/* where all are formatted together */
	format_keep_all(r);
	pi_fill(b);
	pi_store(b);
	old = pi_copy_data(b);
	cid = rig_put(r, asq, cmd_format(b->ns->nsid, cmd_format_now(&b->ns->id)));
	rig_ring(r, asq);
	while (!rig_try(r, asq->cq, &cpl, 0) && looks++ < LOOKS_MAX)
		refused_reads += look(b, old);
	rig_note(r, "%u Reads while a Format ran, %u of them with Format In Progress", looks,
		 refused_reads);
	if (looks >= LOOKS_MAX)
		cpl = rig_wait_cid(r, asq, cid);
	check_ended(b, old, cpl);
}

static const struct rig_case cases[] = {
	{ .id = "bad-lbaf",
	  .rule = "Format NVM with a format that there is not fails and changes nothing.",
	  .ref = "Base 2.1 Format NVM command, Command Dword 10 (LBAFL)",
	  .needs = NEED_COMMAND,
	  .harm = HARM_WEAR,
	  .fault = "format-index-unchecked",
	  .na = format_na,
	  .run = bad_lbaf },
	{ .id = "bad-fields",
	  .rule = "Protection information without room, reserved values, what is not claimed or "
		  "not enabled: Format NVM fails and changes nothing.",
	  .ref = "Base 2.1 Format NVM command; NVM CS 1.0 Format NVM command",
	  .needs = NEED_COMMAND,
	  .harm = HARM_WEAR,
	  .fault = "format-pi-unchecked format-ses-unchecked format-lbafee-unchecked",
	  .na = format_na,
	  .run = bad_fields,
	  ROWS(field_rows) },
	{ .id = "bad-nsid",
	  .rule = "Format NVM of a namespace that is not there fails, and so does that of all "
		  "where FNA says so.",
	  .ref = "Base 2.1 Format NVM command; Base 2.2 Common Command Format (NSID)",
	  .needs = NEED_COMMAND,
	  .harm = HARM_WEAR,
	  .fault = "format-nsid-unchecked format-broadcast-accepted",
	  .na = format_na,
	  .run = bad_nsid,
	  ROWS(nsid_rows) },
	{ .id = "effect",
	  .rule = "After Format NVM a namespace has the format that was asked for, nothing of "
		  "what it held, works, and other controllers tell of it.",
	  .ref = "Base 2.1 Format NVM command, Asynchronous Event Request command; NVM CS 1.0 "
		 "Format NVM command",
	  .needs = NEED_COMMAND,
	  .harm = HARM_WEAR,
	  .fault = "format-noop format-pi-dropped format-keeps-data format-untold",
	  .na = format_na,
	  .run = run_effect,
	  .deadline_s = 3600,
	  ROWS(effect_rows) },
	{ .id = "during-io",
	  .rule = "I/O during a Format waits or ends with Format In Progress, to be sent again.",
	  .ref = "Base 2.1 Format NVM command; Base 2.1 Generic Command Status Definition (Format "
		 "In "
		 "Progress)",
	  .needs = NEED_CTRL,
	  .harm = HARM_WEAR,
	  .fault = "format-in-progress-final format-mixes",
	  .na = format_na,
	  .run = during_io,
	  .deadline_s = 1200 },
};

SUITE(format_suite, CONFORMANCE, "format", cases);
