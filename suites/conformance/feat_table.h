/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Features that are one dword and can be set to another legal value and back: for cases on all. */
#ifndef CONFORMANCE_FEAT_TABLE_H
#define CONFORMANCE_FEAT_TABLE_H

#include "kit/kit.h"
#include "spec/feature.h"

#define FEAT_COUNT 7

enum feat_select { SEL_CURRENT, SEL_DEFAULT, SEL_SAVED, SEL_CAPABILITIES };

#define CAP_SAVEABLE   1u
#define CAP_OF_NS      2u
#define CAP_CHANGEABLE 4u

/* What each of them is stands in spec/feature.h. */
struct feat {
	const char *name; /* first: rows of cases */
	uint8_t fid;
};

static inline const struct spec_feature *feat_spec(const struct feat *f)
{
	return spec_feature(f->fid);
}

static inline bool feat_of_ns(const struct feat *f)
{
	return feat_spec(f)->scope == SCOPE_NAMESPACE;
}

/* The feature exists only with a volatile write cache. */
static inline bool feat_needs_vwc(const struct feat *f)
{
	return feat_spec(f)->value.claim == CLAIM_VWC;
}

extern const struct feat feat_table[FEAT_COUNT];

/* ONCS bit 4: saved values, and the Select field. */
bool feat_has_select(struct rig *r);
/* NSID that the feature is asked with: the scratch namespace's, or 0. */
uint32_t feat_nsid(struct rig *r, const struct feat *f);
struct cpl feat_get(struct rig *r, const struct feat *f, enum feat_select sel);
struct cpl feat_set(struct rig *r, const struct feat *f, bool save, uint32_t value);
/* Why there is no such feature behind this controller's claims and transport; NULL: there is. */
const char *feat_missing(const struct facts *f, uint8_t fid);
/* CAP_*, by Select 3 or what can be without it; leaves as N/A where there is no such feature. */
uint32_t feat_capabilities(struct rig *r, const struct feat *f);
/* .na of cases that need a namespace, and of those that need the Select field too. */
const char *feat_na_no_ns(const struct facts *f);
const char *feat_na_no_select(const struct facts *f);

/* Get and Set Features with data: len bytes that come, or go. */
struct cpl feat_get_data(struct rig *r, uint8_t fid, uint32_t cdw11, void *data, size_t len);
struct cpl feat_set_data(struct rig *r, uint8_t fid, uint32_t cdw11, const void *data, size_t len);

#endif
