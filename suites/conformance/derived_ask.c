// SPDX-License-Identifier: GPL-2.0-or-later
/* Bodies of derived cases: the plainest legal command, the oracle's answer, the check. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "derived.h"
#include "io_area.h"
#include "queue_parts.h"
#include "spec/cns.h"
#include "spec/feature.h"
#include "spec/log.h"
#include "zns_bench.h"

#define FIRST	 64u /* blocks that commands of derived cases are about */
#define ENTRIES	 4u
#define NO_CID	 0xfff0u
#define ID_LEN	 4096u
#define PEL_MAKE (1u << 8)
#define PEL_DROP (2u << 8)

static const char *not_offered(const struct spec_ctrl *claims, const struct spec_command *c)
{
	return spec_offers(claims, c) ? NULL
				      : rig_na_text("%s: %s is 0, or VS is older", c->name,
						    spec_claim_name(c->claim));
}

const char *derived_row_na(const struct facts *f, const void *row)
{
	struct spec_ctrl claims;

	facts_claims(f, &claims);
	return not_offered(&claims, ((const struct derived_row *)row)->command);
}

static void need(struct rig *r, const struct derived_row *row)
{
	const char *na = not_offered(&rig_ctrl(r)->claims, row->command);

	if (na)
		rig_na(r, "%s", na);
}

/* ---- admin ---- */

static uint32_t any_ns(struct rig *r)
{
	if (!rig_facts(r)->n_ns)
		rig_na(r, "no active namespace");
	return rig_facts(r)->ns[rig_facts(r)->has_scratch ? rig_facts(r)->scratch : 0].nsid;
}

static struct cmd identify(struct rig *r, const struct derived_row *row)
{
	uint8_t value = row->when < 0 ? NVME_IDENTIFY_CNS_CTRL : (uint8_t)row->when;
	const struct spec_cns *cns = spec_cns(value);
	bool of_ns = cns && (cns->nsid == CNS_NSID_NS || cns->nsid == CNS_NSID_ACTIVE);
	uint32_t nsid = rig_facts(r)->n_ns || value ? 0 : 1; /* CNS 00h may be why none is known */
	struct cmd c;

	if (of_ns && !nsid)
		nsid = any_ns(r);
	c = cmd_identify(value, of_ns ? nsid : 0, rig_mem(r, ID_LEN));

	/* of these the identifier is that of this controller, or of no one: a list from 0 */
	if (value == NVME_IDENTIFY_CNS_COMMAND_SET_STRUCTURE)
		c.sqe.cdw10 = le32_from(0xffff0000u | value);
	return c;
}

static void drop_context(void *arg)
{
	struct ctrl *c = arg;
	struct cmd drop = cmd_get_log(NVME_LOG_LID_PERSISTENT_EVENT, NSID_ALL, 0, NULL, 4);
	uint8_t data[512];
	struct cpl ignored;

	drop.sqe.cdw10 = le32_from(le32_get(drop.sqe.cdw10) | PEL_DROP);
	drop.data = data;
	ctrl_admin(c, &drop, &ignored);
}

static struct cmd get_log(struct rig *r, const struct derived_row *row)
{
	uint8_t lid = row->when < 0 ? NVME_LOG_LID_SMART : (uint8_t)row->when;
	const struct spec_log *log = spec_log(lid);
	size_t len = log && log->bytes ? log->bytes : 512;
	struct cmd c = cmd_get_log(lid, NSID_ALL, 0, rig_mem(r, len), len);

	if (lid == NVME_LOG_LID_PERSISTENT_EVENT) {
		c.sqe.cdw10 = le32_from(le32_get(c.sqe.cdw10) | PEL_MAKE);
		drop_context(rig_ctrl(r));
		rig_defer(r, drop_context, rig_ctrl(r));
	}
	return c;
}

static uint32_t feature_nsid(struct rig *r, const struct spec_feature *f)
{
	return f && f->scope == SCOPE_NAMESPACE ? any_ns(r) : 0;
}

static struct cmd get_features(struct rig *r, const struct derived_row *row)
{
	uint8_t fid = row->when < 0 ? 0x01 : (uint8_t)row->when;
	const struct spec_feature *f = spec_feature(fid);
	struct cmd c = cmd_get_features(fid, 0, feature_nsid(r, f), 0);

	if (f && f->get_bytes) {
		c.dir = CMD_IN;
		c.data_len = f->get_bytes;
		c.data = rig_mem(r, c.data_len);
	}
	return c;
}

/* The value that it has. */
static struct cmd set_features(struct rig *r, const struct derived_row *row)
{
	uint8_t fid = row->when < 0 ? 0x01 : (uint8_t)row->when;
	uint32_t nsid = feature_nsid(r, spec_feature(fid));
	struct cpl now = rig_admin(r, cmd_get_features(fid, 0, nsid, 0));

	if (now.status != SC_SUCCESS)
		rig_na(r, "feature %02Xh cannot be got", fid);
	rig_keep_feature(r, fid, nsid, 0);
	return cmd_set_features(fid, false, nsid, now.dw0);
}

static struct cmd create_cq(struct rig *r)
{
	uint32_t n = rig_queue_fit(r, ENTRIES);

	rig_queue_count(r);
	return cmd_create_cq(1, n, rig_cq_alloc(r, 1, n)->mem->iova, false, 0);
}

static struct cmd create_sq(struct rig *r)
{
	uint32_t n = rig_queue_fit(r, ENTRIES);
	struct cq *cq = parts_cq(r, 1, n);

	return cmd_create_sq(1, n, rig_sq_alloc(r, 1, n, cq)->mem->iova, 1);
}

static struct cmd delete_cq(struct rig *r)
{
	parts_cq(r, 1, rig_queue_fit(r, ENTRIES));
	return cmd_delete_cq(1);
}

static struct cmd delete_sq(struct rig *r)
{
	uint32_t n = rig_queue_fit(r, ENTRIES);

	parts_sq(r, 1, n, parts_cq(r, 1, n));
	return cmd_delete_sq(1);
}

static struct cmd dbbuf(struct rig *r)
{
	size_t page = rig_ctrl(r)->page;
	struct buf *b = rig_buf(r, 2 * page);

	return cmd_dbbuf(b->iova, b->iova + page);
}

static struct cmd admin_base(struct rig *r, const struct derived_row *row)
{
	switch (row->command->opcode) {
	case nvme_admin_identify:
		return identify(r, row);
	case nvme_admin_get_log_page:
		return get_log(r, row);
	case nvme_admin_get_features:
		return get_features(r, row);
	case nvme_admin_set_features:
		return set_features(r, row);
	case nvme_admin_create_cq:
		return create_cq(r);
	case nvme_admin_create_sq:
		return create_sq(r);
	case nvme_admin_delete_cq:
		return delete_cq(r);
	case nvme_admin_delete_sq:
		return delete_sq(r);
	case nvme_admin_abort_cmd:
		return cmd_abort(0, NO_CID);
	case nvme_admin_dbbuf:
		return dbbuf(r);
	default:
		return cmd_raw(row->command->opcode, 0);
	}
}

/* ---- I/O ---- */

/* Its first zone is open: to open it once more is legal, and so is to close it. */
static struct cmd zone_base(struct rig *r, const struct derived_row *row)
{
	struct bench b = { .zones = 0 };
	struct cmd c;

	bench_next_empty(r, &b);
	c = cmd_raw(row->command->opcode, b.ns->nsid);
	if (bench_bring(&b, 0, ZONE_EXPLICIT) == ZONE_NONE)
		rig_na(r, "no zone can be opened");
	switch (row->command->opcode) {
	case nvme_zns_cmd_mgmt_send:
		c.sqe.cdw13 = le32_from(NVME_ZNS_ZSA_OPEN);
		break;
	case nvme_zns_cmd_append:
		if (!bench_append_most(&b))
			rig_na(r, "no Zone Append");
		c = cmd_write(b.ns->nsid, 0, 1, rig_mem(r, b.ns->lba_bytes), b.ns->lba_bytes);
		c.sqe.opcode = row->command->opcode;
		break;
	default:
		c.dir = CMD_IN;
		c.data_len = ID_LEN;
		c.data = rig_mem(r, c.data_len);
		c.sqe.cdw12 = le32_from(ID_LEN / 4 - 1);
		break;
	}
	return c;
}

const char *(*derived_na_of(const struct spec_command *c))(const struct facts *f)
{
	return c->csi ? bench_na : NULL;
}

/* What it is about has known content, so that a Read can be read and a Compare compared. */
static struct cmd io_base(struct rig *r, const struct derived_row *row)
{
	const struct facts_ns *ns;
	struct area *a;

	if (row->command->csi)
		return zone_base(r, row);
	ns = rig_ns(r);
	if (row->command->opcode == nvme_cmd_flush)
		return cmd_flush(ns->nsid);
	a = area_new(r, ns, FIRST, 1);
	if (row->command->opcode == nvme_cmd_compare)
		return cmd_compare(ns->nsid, FIRST, 1, a->data, ns->lba_bytes);
	for (size_t i = 0; i < IO_OPS; i++)
		if (io_ops[i].opcode == row->command->opcode)
			return io_cmd(r, &io_ops[i], ns, FIRST, 1);
	rig_broken(r, "no command to send for opcode %02Xh", row->command->opcode);
}

struct cmd derived_base(struct rig *r, const struct derived_row *row)
{
	need(r, row);
	if (row->admin)
		return admin_base(r, row);
	rig_queue(r);
	return io_base(r, row);
}

/* ---- the question ---- */

void derived_judge(struct rig *r, bool admin, const struct cmd *c, struct oracle_answer *ret)
{
	struct oracle_ask a = {
		.admin = admin,
		.e = &c->sqe,
		.data = c->dir == CMD_OUT ? c->data : NULL,
		.data_len = c->dir == CMD_OUT ? c->data_len : 0,
		.dptr = c->sqe.flags & 0xc0 ? ORACLE_DPTR_ODD : ORACLE_DPTR_GOOD,
	};

	if (!rig_ctrl(r)->judges)
		rig_na(r, "nothing is known of the controller");
	oracle_judge(&rig_ctrl(r)->oracle, &a, ret);
}

static bool is_listed(const struct oracle_answer *a, uint16_t status)
{
	for (unsigned i = 0; i < a->n; i++)
		if (a->status[i].status == status)
			return true;
	return false;
}

/* It is to be refused: whether it was, and with which code. */
static void check_refused(struct rig *r, const struct oracle_answer *a, const char *name,
			  struct cpl cpl, bool should)
{
	char got[STATUS_TEXT], want[ORACLE_TEXT], what[160];
	bool refused = cpl.status != SC_SUCCESS, listed = is_listed(a, cpl.status);

	status_text(cpl.status, got);
	oracle_text(a, want);
	snprintf(what, sizeof(what), "%s (%s): status", name, a->why);
	check_text(r, CHECK_SITE(0, should), what, refused, got, want);
	if (refused && a->any_error)
		check_text(r, CHECK_SITE(0, true), what, listed, got, want);
	else if (refused)
		check_text(r, CHECK_SITE(0, should), what, listed, got, want);
}

static void check_done_or(struct rig *r, const struct oracle_answer *a, const char *name,
			  struct cpl cpl)
{
	char got[STATUS_TEXT], want[ORACLE_TEXT], what[96];
	bool sure = !a->n && !a->any_error;

	snprintf(what, sizeof(what), "%s: status", name);
	check_text(r, CHECK_SITE(0, 0), what,
		   sure ? cpl.status == SC_SUCCESS
			: oracle_verdict(a, cpl.status) != ORACLE_ILLEGAL,
		   status_text(cpl.status, got), oracle_text(a, want));
}

#define SAID 64u

/* The command, and where it begins where it has blocks: "Read at LBA 4000h". Returns buf. */
static const char *said(bool admin, const struct cmd *c, char buf[SAID])
{
	const struct spec_command *command = spec_command(admin, c->sqe.opcode);
	const struct spec_field *slba = command ? spec_field_of(command, "SLBA") : NULL;
	char name[24];

	cmd_name(admin, c->sqe.opcode, name);
	if (slba)
		snprintf(buf, SAID, "%s at LBA %" PRIX64 "h", name, spec_field_get(slba, &c->sqe));
	else
		snprintf(buf, SAID, "%s", name);
	return buf;
}

struct cpl derived_ask(struct rig *r, bool admin, const struct cmd *c, bool should)
{
	struct oracle_answer answer;
	char name[SAID];
	struct cpl cpl;

	derived_judge(r, admin, c, &answer);
	if (answer.open)
		rig_na(r, "what becomes of it the text leaves open");
	cpl = admin ? rig_admin(r, *c) : rig_io(r, rig_queue(r), *c);
	said(admin, c, name);
	if (!answer.success || should)
		check_refused(r, &answer, name, cpl, should);
	else
		check_done_or(r, &answer, name, cpl);
	return cpl;
}
