// SPDX-License-Identifier: GPL-2.0-or-later
/* The features of reservations: the mask of their notices, and persistence. */
#include "resv_host.h"

#define MASK(what) (1u << (what)) /* feature 82h */

static uint32_t get_feature(struct resv *v, unsigned by, uint8_t fid)
{
	return rig_admin_ok_on(v->r, v->d->c[by], cmd_get_features(fid, 0, v->nsid, 0)).dw0;
}

static void set_mask(struct resv *v, unsigned by, uint32_t mask)
{
	CHECK_STATUS(v->r,
		     rig_admin_on(v->r, v->d->c[by],
				  cmd_set_features(NVME_FEAT_FID_RESV_MASK, false, v->nsid, mask)),
		     SC_SUCCESS);
}

static void mask_stored(struct resv *v)
{
	for (uint32_t mask = 0; mask <= 0xe; mask += 2) {
		set_mask(v, 1, mask);
		CHECK_EQ(v->r, "the mask of the namespace",
			 get_feature(v, 1, NVME_FEAT_FID_RESV_MASK) & 0xe, mask);
	}
}

static void mask_masks(struct resv *v)
{
	resv_both_register(v);
	resv_drain(v);
	set_mask(v, 1, MASK(RESV_TOLD_CLEARED));
	RESV_DONE(v, resv_release(v, 0, RESV_CLEAR, 0, RESV_KEY0));
	resv_check_notice(v, 1, 0, 0);
	set_mask(v, 1, MASK(RESV_TOLD_RELEASED) | MASK(RESV_TOLD_PREEMPTED));
	resv_both_register(v);
	RESV_DONE(v, resv_release(v, 0, RESV_CLEAR, 0, RESV_KEY0));
	resv_check_notice(v, 1, RESV_TOLD_CLEARED, 0);
}

static struct cpl set_ptpl(struct resv *v, unsigned on)
{
	return rig_admin_on(v->r, v->d->c[0],
			    cmd_set_features(NVME_FEAT_FID_RESV_PERSIST, false, v->nsid, on));
}

/* The feature, the report and CPTPL are one state, through both controllers. */
static void persist_stored(struct resv *v)
{
	struct resv_state s;

	resv_need_ptpl(v);
	CHECK_STATUS(v->r, set_ptpl(v, 1), SC_SUCCESS);
	CHECK_EQ(v->r, "PTPL through the peer", get_feature(v, 1, NVME_FEAT_FID_RESV_PERSIST) & 1,
		 1);
	resv_report(v, 1, &s);
	CHECK_EQ(v->r, "PTPLS in the report", s.ptpls, 1);
	RESV_DONE(v, resv_register(v, 0, RESV_REGISTER | RESV_CPTPL(2), 0, RESV_KEY0));
	CHECK_EQ(v->r, "PTPL after CPTPL 10b", get_feature(v, 0, NVME_FEAT_FID_RESV_PERSIST) & 1,
		 0);
	CHECK_STATUS(v->r, set_ptpl(v, 0), SC_SUCCESS);
}

static const struct resv_row rows[] = {
	{ "mask-stored", mask_stored },
	{ "mask-masks", mask_masks },
	{ "persistence", persist_stored },
};

static const struct rig_case cases[] = {
	{ .id = "resv-mask-persist",
	  .rule = "The notification mask and persistence of a namespace are stored and work.",
	  .ref = "Base 2.0 Reservation Notification Mask (Feature Identifier 82h); Base 2.0 "
		 "Reservation Persistence (Feature Identifier 83h); Base 2.2 Reservation Register "
		 "command (CPTPL)",
	  .needs = NEED_QUEUES | NEED_PEER,
	  .harm = HARM_DATA,
	  .fault = "resv-mask-lost resv-mask-ignored resv-report-no-ptpls resv-cptpl-lost",
	  .na = resv_na,
	  .run = resv_ask_row,
	  ROWS(rows) },
};

SUITE(feat_resv_suite, CONFORMANCE, "feat", cases);
