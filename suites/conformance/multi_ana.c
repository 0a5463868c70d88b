// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a path is good for in each ANA state. A namespace of both controllers: the first one's
 * relation to its group changes, the other one's stays, so what was refused can be looked at.
 */
#include <stdio.h>
#include <string.h>

#include "ana.h"
#include "duo.h"
#include "target/target.h"

static const struct ana_row states[] = { ANA_ROWS };

/* ---- ana ---- */

/* Block n of the area is that of the n-th command, so none is in another's way. */
struct path {
	struct duo *d;
	uint64_t tag;
	uint8_t *data; /* of one block, as the command before left it */
};

static struct cmd ask_read(struct path *p, uint64_t lba)
{
	return cmd_read(p->d->ns->nsid, lba, 1, p->data, p->d->ns->lba_bytes);
}

static struct cmd ask_compare(struct path *p, uint64_t lba)
{
	rig_stamp(p->data, lba, 1, p->d->ns->lba_bytes, p->tag);
	return cmd_compare(p->d->ns->nsid, lba, 1, p->data, p->d->ns->lba_bytes);
}

static struct cmd ask_write(struct path *p, uint64_t lba)
{
	rig_stamp(p->data, lba, 1, p->d->ns->lba_bytes, ~p->tag);
	return cmd_write(p->d->ns->nsid, lba, 1, p->data, p->d->ns->lba_bytes);
}

static struct cmd ask_flush(struct path *p, uint64_t lba)
{
	(void)lba;
	return cmd_flush(p->d->ns->nsid);
}

static struct cmd ask_zeroes(struct path *p, uint64_t lba)
{
	return cmd_write_zeroes(p->d->ns->nsid, lba, 1, false);
}

static struct cmd ask_verify(struct path *p, uint64_t lba)
{
	return cmd_verify(p->d->ns->nsid, lba, 1);
}

static struct cmd ask_deallocate(struct path *p, uint64_t lba)
{
	struct nvme_dsm_range *range = rig_mem(p->d->r, sizeof(*range));

	range->slba = le64_from(lba);
	range->nlb = le32_from(1);
	return cmd_dsm(p->d->ns->nsid, range, 1, NVME_DSMGMT_AD);
}

/* To its own block, from the one before. */
static struct cmd ask_copy(struct path *p, uint64_t lba)
{
	struct nvme_copy_range *range = rig_mem(p->d->r, sizeof(*range));
	struct cmd c = cmd_raw(nvme_cmd_copy, p->d->ns->nsid);

	range->slba = le64_from(lba - 1);
	c.sqe.cdw10 = le32_from((uint32_t)lba);
	c.dir = CMD_OUT;
	c.data = range;
	c.data_len = sizeof(*range);
	return c;
}

static struct cmd ask_uncorrectable(struct path *p, uint64_t lba)
{
	struct cmd c = cmd_raw(nvme_cmd_write_uncor, p->d->ns->nsid);

	c.sqe.cdw10 = le32_from((uint32_t)lba);
	return c;
}

/* Copy and Write Uncorrectable come last: the one reads a block, the other spoils one. */
static const struct ask {
	const char *name;
	unsigned oncs; /* 0: every controller has it */
	struct cmd (*make)(struct path *p, uint64_t lba);
} asks[] = {
	{ "Read", 0, ask_read },
	{ "Compare", NVME_CTRL_ONCS_COMPARE, ask_compare },
	{ "Write", 0, ask_write },
	{ "Flush", 0, ask_flush },
	{ "Write Zeroes", NVME_CTRL_ONCS_WRITE_ZEROES, ask_zeroes },
	{ "Verify", NVME_CTRL_ONCS_VERIFY, ask_verify },
	{ "Dataset Management", NVME_CTRL_ONCS_DSM, ask_deallocate },
	{ "Copy", NVME_CTRL_ONCS_COPY, ask_copy },
	{ "Write Uncorrectable", NVME_CTRL_ONCS_WRITE_UNCORRECTABLE, ask_uncorrectable },
};

#define AREA ARRAY_SIZE(asks)

static void check_each(struct path *p, uint16_t status)
{
	struct rig *r = p->d->r;
	char what[64];

	for (unsigned i = 0; i < AREA; i++) {
		if (asks[i].oncs && !(le16_get(rig_facts(r)->id.oncs) & asks[i].oncs))
			continue;
		snprintf(what, sizeof(what), "%s: status", asks[i].name);
		CHECK_STATUS_OF(r, what, rig_io(r, p->d->q[0], asks[i].make(p, i)), status);
	}
}

/* The namespaces of other groups are as good as before through the same controller. */
static void check_others(struct duo *d, uint32_t group)
{
	struct rig *r = d->r;
	const struct facts *f = rig_facts(r);
	unsigned n = 0;

	for (unsigned i = 0; i < f->n_ns; i++) {
		const struct facts_ns *ns = &f->ns[i];
		void *data = rig_mem(r, ns->lba_bytes);

		if (ns->csi || ns->ms || ana_identify(r, d->c[0], ns->nsid, NULL) == group)
			continue;
		CHECK_STATUS_OF(r, "Read of a namespace of another group: status",
				rig_io(r, d->q[0], cmd_read(ns->nsid, 0, 1, data, ns->lba_bytes)),
				SC_SUCCESS);
		n++;
	}
	rig_note(r, "%u namespaces of other groups were read", n);
}

static void ana(struct rig *r)
{
	const struct ana_row *row = rig_row(r);
	struct path p = { .d = duo_new(r) };
	uint32_t group = ana_identify(r, p.d->c[0], p.d->ns->nsid, NULL);

	p.data = rig_mem(r, p.d->ns->lba_bytes);
	p.tag = duo_write(p.d, 0, 0, AREA);
	ana_enter(r, p.d->c[0], group, row);
	check_each(&p, row->status);
	if (row->status != SC_SUCCESS)
		duo_check(p.d, 1, 0, AREA, p.tag);
	duo_write(p.d, 1, 0, AREA); /* the other path serves, and nothing is left spoiled */
	check_others(p.d, group);
}

/* ---- ana-capacity ---- */

#define AEC_ANA	   (1u << 11)
#define AEC_NS	   (1u << 8)
#define NOTICE_ANA (2u | 3u << 8 | (uint32_t)NVME_LOG_LID_ANA << 16)
#define HELD_NS	   (10 * 1000000ull)

static const uint8_t none[16];

static void check_capacity(struct rig *r, const struct ana_row *row, const struct nvme_id_ns *was,
			   const struct nvme_id_ns *is)
{
	CHECK_EQ(r, "NSZE", le64_get(is->nsze), le64_get(was->nsze));
	if (row->hides_capacity) {
		CHECK_EQ(r, "NUSE", le64_get(is->nuse), 0);
		CHECK_MEM(r, "NVMCAP", is->nvmcap, none, sizeof(none));
	} else if (row->status == SC_SUCCESS) {
		CHECK_EQ(r, "NUSE", le64_get(is->nuse), le64_get(was->nuse));
		CHECK_MEM(r, "NVMCAP", is->nvmcap, was->nvmcap, sizeof(none));
	}
}

/* Whatever is reported is the change of the ANA state. */
static void check_events(struct rig *r, struct ctrl *c)
{
	struct cpl cpl;

	for (unsigned i = 0; i < 2 && rig_event_try_on(r, c, &cpl, HELD_NS); i++)
		CHECK_EQ(r, "event type, information and log page", cpl.dw0 & 0xffff07, NOTICE_ANA);
}

static void ana_capacity(struct rig *r)
{
	const struct ana_row *row = rig_row(r);
	struct duo *d = duo_new(r);
	struct nvme_id_ns was, is;
	uint32_t nsid = d->ns->nsid, group = ana_identify(r, d->c[0], nsid, &was);

	rig_keep_feature(r, NVME_FEAT_FID_ASYNC_EVENT, 0, 0);
	rig_admin_ok(r, cmd_set_features(NVME_FEAT_FID_ASYNC_EVENT, false, 0,
					 AEC_ANA | (le32_get(rig_facts(r)->id.oaes) & AEC_NS)));
	rig_aer(r);
	if (rig_facts(r)->id.aerl)
		rig_aer(r);
	ana_enter(r, d->c[0], group, row);
	ana_identify(r, d->c[0], nsid, &is);
	check_capacity(r, row, &was, &is);
	ana_read(r, d->c[0], true); /* clears the notice, so that another one could come */
	check_events(r, d->c[0]);
	ana_identify(r, d->c[1], nsid, &is);
	CHECK_EQ(r, "NUSE through the other controller", le64_get(is.nuse), le64_get(was.nuse));
	CHECK_MEM(r, "NVMCAP through the other controller", is.nvmcap, was.nvmcap, sizeof(none));
}

/* ---- ana-features ---- */

static const struct fid_row {
	const char *what;
	uint8_t fid;
	bool own; /* the NVM Command Set's own: for its own text to say */
} fids[] = {
	{ "Reservation Persistence", NVME_FEAT_FID_RESV_PERSIST, false },
	{ "Reservation Notification Mask", NVME_FEAT_FID_RESV_MASK, false },
	{ "Error Recovery", NVME_FEAT_FID_ERR_RECOVERY, true },
};

static void check_fid(struct duo *d, const struct fid_row *f, const struct ana_row *row)
{
	struct rig *r = d->r;
	uint32_t nsid = d->ns->nsid;
	struct cpl get = rig_admin(r, cmd_get_features(f->fid, 0, nsid, 0));
	struct cpl set = rig_admin(r, cmd_set_features(f->fid, false, nsid, 0));
	char what[80];

	snprintf(what, sizeof(what), "Get Features, %s: status", f->what);
	if (f->own)
		ADVISE_STATUS_OF(r, what, get, row->status);
	else
		CHECK_STATUS_OF(r, what, get, row->status);
	snprintf(what, sizeof(what), "Set Features, %s: status", f->what);
	if (f->own && row->state != NVME_ANA_STATE_PERSISTENT_LOSS)
		ADVISE_STATUS_OF(r, what, set, row->status);
	else
		CHECK_STATUS_OF(r, what, set, row->status);
}

static void ana_features(struct rig *r)
{
	const struct ana_row *row = rig_row(r);
	struct duo *d = duo_new(r);
	bool reservations = le16_get(rig_facts(r)->id.oncs) & NVME_CTRL_ONCS_RESERVATIONS;
	uint32_t group = ana_identify(r, d->c[0], d->ns->nsid, NULL);

	ana_enter(r, d->c[0], group, row);
	for (unsigned i = 0; i < ARRAY_SIZE(fids); i++)
		if (fids[i].own || reservations)
			check_fid(d, &fids[i], row);
	if (row->status == SC_SUCCESS)
		return;
	CHECK_STATUS_OF(
		r, "Set Features of all namespaces, Error Recovery: status",
		rig_admin(r, cmd_set_features(NVME_FEAT_FID_ERR_RECOVERY, false, NSID_ALL, 0)),
		row->status);
}

static const char *na(const struct facts *f)
{
	const char *no = ana_na(f);

	return no ? no : duo_na(f);
}

static const struct rig_case cases[] = {
	{ .id = "ana",
	  .rule = "A path serves in the ANA Non-Optimized state; in the Inaccessible, Persistent "
		  "Loss and Change states every I/O command fails with the state's own status and "
		  "changes nothing.",
	  .ref = "Base 2.2 Asymmetric Namespace Access Reporting (Asymmetric Namespace Access "
		 "states, "
		 "ANA Groups); Base 2.2 Status Code (Path Related Status Definition)",
	  .needs = NEED_QUEUES | NEED_PEER | NEED_CONTROL,
	  .harm = HARM_DATA,
	  .fault = "ana-read-served ana-flush-served ana-zeroes-served ana-status-transition "
		   "ana-nonoptimized-refused ana-state-of-all-groups ana-state-of-subsystem",
	  .na = na,
	  .run = ana,
	  ROWS(states) },
	{ .id = "ana-capacity",
	  .rule = "NUSE and NVMCAP are 0 in the ANA Inaccessible and Persistent Loss states, which "
		  "is reported as no changed namespace attribute.",
	  .ref = "NVM CS 1.0 Namespaces; NVM CS 1.0 Asynchronous Event Request command; Base 2.2 "
		 "Asymmetric Namespace Access States Command Processing Effects",
	  .needs = NEED_QUEUES | NEED_PEER | NEED_CONTROL,
	  .harm = HARM_SETTINGS,
	  .fault = "ana-capacity-told ana-told-as-attribute ana-state-of-subsystem",
	  .na = na,
	  .run = ana_capacity,
	  ROWS(states) },
	{ .id = "ana-features",
	  .rule = "Features of a namespace that an ANA state makes unavailable fail with the "
		  "state's "
		  "own status.",
	  .ref = "Base 2.2 Asymmetric Namespace Access States Command Processing Effects",
	  .needs = NEED_QUEUES | NEED_PEER | NEED_CONTROL,
	  .harm = HARM_SETTINGS,
	  .fault = "ana-features-served ana-nonoptimized-refused ana-status-transition",
	  .na = na,
	  .run = ana_features,
	  ROWS(states) },
};

SUITE(multi_ana_suite, CONFORMANCE, "multi", cases);
