// SPDX-License-Identifier: GPL-2.0-or-later
/* The scratch namespace, its data, and what is put back afterwards: for case bodies. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "kit/internal.h"

const struct facts_ns *rig_ns(struct rig *r)
{
	const struct facts *f = rig_facts(r);

	if (!f)
		rig_broken(r, "nothing is known of the target's namespaces");
	if (!f->has_scratch)
		rig_na(r, "no active namespace of the NVM command set without metadata");
	return &f->ns[f->scratch];
}

const struct facts_ns *rig_ns_next(struct rig *r, unsigned *at)
{
	const struct facts_ns *scratch = rig_ns(r);
	const struct facts *f = rig_facts(r);

	if ((*at)++ == 0)
		return scratch;
	while (f->caps.emulated && *at - 1 < f->n_ns) {
		const struct facts_ns *ns = &f->ns[(*at)++ - 1];

		if (ns != scratch && ns->csi == 0 && ns->ms == 0 && ns->lba_bytes)
			return ns;
	}
	return NULL;
}

const struct facts_ns *rig_zoned_next(struct rig *r, unsigned *at)
{
	const struct facts *f = rig_facts(r);
	bool first = *at == 0;

	if (!f || !f->has_zoned)
		rig_na(r, "no active zoned namespace without metadata");
	while (*at < f->n_ns) {
		const struct facts_ns *ns = &f->ns[(*at)++];

		if (!ns->zones.count || ns->ms || !ns->lba_bytes)
			continue;
		if (first || f->caps.emulated)
			return ns;
	}
	return NULL;
}

void rig_id_ctrl(struct rig *r, struct nvme_id_ctrl *ret)
{
	rig_admin_ok(r, cmd_identify(0x01, 0, ret));
}

void rig_id_ns(struct rig *r, uint32_t nsid, struct nvme_id_ns *ret)
{
	rig_admin_ok(r, cmd_identify(0x00, nsid, ret));
}

size_t rig_mdts(struct rig *r)
{
	const struct facts *f = rig_facts(r);

	return f && f->mdts_bytes ? f->mdts_bytes : 1u << 20;
}

/* Every 16 bytes name their LBA, tag and place: no block, sector or page can pass for another. */
static void stamp_words(uint64_t lba, uint64_t tag, size_t i, uint64_t ret[2])
{
	ret[0] = lba * 0x9e3779b97f4a7c15ull ^ tag ^ i;
	ret[1] = (lba << 20 | (i & 0xfffff)) ^ tag << 44;
}

void rig_stamp(void *data, uint64_t lba, uint32_t blocks, uint32_t lba_bytes, uint64_t tag)
{
	uint8_t *p = data;

	for (uint32_t b = 0; b < blocks; b++)
		for (size_t i = 0; i < lba_bytes / 16; i++, p += 16) {
			uint64_t w[2];

			stamp_words(lba + b, tag, i, w);
			memcpy(p, w, 16);
		}
}

bool rig_is_stamp(const void *data, uint64_t lba, uint32_t blocks, uint32_t lba_bytes, uint64_t tag)
{
	const uint8_t *p = data;

	for (uint32_t b = 0; b < blocks; b++)
		for (size_t i = 0; i < lba_bytes / 16; i++, p += 16) {
			uint64_t w[2];

			stamp_words(lba + b, tag, i, w);
			if (memcmp(p, w, 16))
				return false;
		}
	return true;
}

bool rig_check_stamp(struct rig *r, const struct check_site *s, const void *data, uint64_t lba,
		     uint32_t blocks, uint32_t lba_bytes, uint64_t tag)
{
	const uint8_t *p = data;
	uint8_t *want;
	char what[80];

	for (uint32_t b = 0; b < blocks; b++)
		for (size_t i = 0; i < lba_bytes / 16; i++, p += 16) {
			uint64_t w[2];

			stamp_words(lba + b, tag, i, w);
			if (!memcmp(p, w, 16))
				continue;
			want = rig_mem(r, lba_bytes);
			rig_stamp(want, lba + b, 1, lba_bytes, tag);
			snprintf(what, sizeof(what), "data of LBA %" PRIu64, lba + b);
			return check_mem(r, s, what, p - i * 16, want, lba_bytes);
		}
	return check_true(r, s, true, "data of LBAs %" PRIu64 " to %" PRIu64 " are as written", lba,
			  lba + blocks - 1);
}

struct kept {
	struct ctrl *c;
	uint8_t fid;
	uint32_t nsid, cdw11;
};

static void put_back(void *arg)
{
	struct kept *k = arg;
	struct cmd cmd = cmd_set_features(k->fid, false, k->nsid, k->cdw11);
	struct cpl cpl;

	if (k->c->enabled)
		ctrl_admin(k->c, &cmd, &cpl);
}

struct cpl rig_feature(struct rig *r, uint8_t fid, uint8_t sel, uint32_t nsid, uint32_t cdw11)
{
	struct cpl cpl = rig_admin(r, cmd_get_features(fid, sel, nsid, cdw11));
	char text[STATUS_TEXT];

	/* that one is missing which must be there is feat.mandatory-get's to say */
	if (cpl.status == SC_INVALID_FIELD)
		rig_na(r, "no feature %02Xh: Get Features ended with %s", fid,
		       status_text(cpl.status, text));
	if (cpl.status != SC_SUCCESS)
		rig_broken(r, "set-up: Get Features ended with %s", status_text(cpl.status, text));
	return cpl;
}

void rig_keep_feature(struct rig *r, uint8_t fid, uint32_t nsid, uint32_t cdw11_select)
{
	struct kept *k = rig_mem(r, sizeof(*k));
	struct cpl cpl = rig_feature(r, fid, 0, nsid, cdw11_select);

	/* the selector (threshold kind, vector) is part of what Set Features takes */
	*k = (struct kept){ rig_ctrl(r), fid, nsid, cpl.dw0 | cdw11_select };
	rig_defer(r, put_back, k);
}
