// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Format NVM. The namespaces have their new shape at once and are empty; then the command takes its
 * time, in which no I/O command reaches them. Sources: Base 2.1 Format NVM command; NVM CS 1.0
 * Format NVM command; NVM CS 1.1 LBA Format Extensions.
 */
#include "base/clock.h"
#include "model/core.h"
#include "model/feature.h"
#include "model/log.h"
#include "model/media.h"
#include "model/selftest.h"
#include "model/shape.h"

#define FORMAT_NS  (2 * NS_PER_MS)
#define KEPT_BYTES (512u << 10) /* of the faults; the least namespace is larger */
#define AT_NSID	   MCMD_AT(4, 0)
#define AT_FORMAT  MCMD_AT(40, 0)
#define AT_SES	   MCMD_AT(41, 1)
#define SES(c)	   (mcmd_cdw10(c) >> 9 & 7)
enum { SES_NONE, SES_DATA, SES_CRYPTO };

/* The LBA Format field and its upper bits, which count where there are so many formats. */
static unsigned format_asked(const struct mcmd *c)
{
	uint32_t v = mcmd_cdw10(c);
	unsigned upper = shape_formats_told(c->m) > FORMATS_PLAIN ? v >> 12 & 3 : 0;

	return (v & 0xf) | upper << 4;
}

static struct media_shape shape_asked(const struct mcmd *c, const struct media_ns *ns)
{
	uint32_t v = mcmd_cdw10(c);
	struct media_shape s = *media_shape(ns);
	const struct media_format *all;

	media_formats(c->m, &all);
	s.format = format_asked(c);
	s.extended = v >> 4 & 1;
	s.dps = (uint8_t)((v >> 5 & 7) | (v >> 8 & 1) << 3);
	s.blocks = (media_blocks(ns) << media_lbads(ns)) >> all[s.format].lbads;
	return s;
}

/* ---- what is refused ---- */

static bool erase_wrong(struct mcmd *c)
{
	unsigned ses = SES(c);
	bool known = ses <= SES_DATA ||
		     (ses == SES_CRYPTO && c->m->opt.fna & NVME_CTRL_FNA_CRYPTO_ERASE);

	if (known || FAULT(c->m, FORMAT_SES_UNCHECKED))
		return false;
	mcmd_fail(c, SC_INVALID_FIELD, AT_SES);
	return true;
}

static bool index_wrong(struct mcmd *c)
{
	if (format_asked(c) < shape_formats_told(c->m))
		return false;
	if (!FAULT(c->m, FORMAT_INDEX_UNCHECKED))
		mcmd_fail(c, SC_FORMAT_INVALID, AT_FORMAT);
	return true;
}

/* Room that the subsystem has for it, too: metadata take more than there were. */
static bool shape_wrong(struct mcmd *c, const struct media_ns *ns)
{
	struct media_shape s = shape_asked(c, ns);
	const struct media_format *all;
	uint16_t status = media_shape_status(c->m, &s);
	uint64_t had = media_capacity(ns), needs;

	if (status == SC_FORMAT_INVALID && FAULT(c->m, FORMAT_PI_UNCHECKED))
		return true; /* as if it were done */
	if (status == SC_INVALID_NS && FAULT(c->m, FORMAT_LBAFEE_UNCHECKED))
		status = SC_SUCCESS;
	media_formats(c->m, &all);
	needs = s.blocks * ((1ull << all[s.format].lbads) + all[s.format].ms);
	if (!status && (!s.blocks || (needs > had && needs - had > media_unallocated(c->m))))
		status = SC_FORMAT_INVALID;
	if (!status && shape_is_extended_pi(c->m, media_shape(ns)) && !feature_many_formats(c->m))
		status = SC_INVALID_NS;
	if (status)
		mcmd_fail(c, status, AT_FORMAT);
	return status != SC_SUCCESS;
}

/* ---- which namespaces ---- */

/* Bits 0 and 1 of FNA: formats, erasures, are of all namespaces. */
static bool is_of_all(const struct mcmd *c)
{
	unsigned bit = SES(c) ? NVME_CTRL_FNA_SEC_ALL_NAMESPACES : NVME_CTRL_FNA_FMT_ALL_NAMESPACES;

	return c->m->opt.fna & bit;
}

/* With NSID FFFFFFFFh those of this controller. */
static bool is_meant(const struct mcmd *c, uint32_t nsid)
{
	if (is_of_all(c))
		return media_allocated(c->m, nsid);
	if (c->nsid == NSID_ALL)
		return media_ns(c->m, nsid);
	return nsid == c->nsid && media_allocated(c->m, nsid);
}

static bool nsid_wrong(struct mcmd *c)
{
	struct model *m = c->m;
	bool old = m->opt.vs < VS(2, 0, 0), all = c->nsid == NSID_ALL;
	bool valid = c->nsid && c->nsid <= media_nn(m);

	if (all ? !(m->opt.fna & NVME_CTRL_FNA_NSID_FFFFFFFF)
		: media_allocated(m, c->nsid) || FAULT(m, FORMAT_NSID_UNCHECKED))
		return false;
	if (!all || !FAULT(m, FORMAT_BROADCAST_ACCEPTED))
		mcmd_fail(c, valid || (all && !old) ? SC_INVALID_FIELD : SC_INVALID_NS, AT_NSID);
	return true;
}

/* All that is meant can be done, or nothing is. */
static bool any_wrong(struct mcmd *c)
{
	for (uint32_t nsid = 1; nsid <= media_highest(c->m); nsid++) {
		if (!is_meant(c, nsid))
			continue;
		if (feature_write_protected(c->m, nsid)) {
			mcmd_fail(c, SC_NS_WRITE_PROTECTED, AT_NSID);
			return true;
		}
		if (shape_wrong(c, media_allocated(c->m, nsid)))
			return true;
	}
	return false;
}

/* ---- the work ---- */

/* By fault: the first blocks of the data outlive the format, or half of each 512 bytes of them. */
static void keep_old(struct mcmd *c, struct media_ns *ns, uint8_t *old)
{
	struct model *m = c->m;

	memcpy(old, media_view(m, ns, 0, KEPT_BYTES >> media_lbads(ns)), KEPT_BYTES);
	for (size_t i = 256; FAULT(m, FORMAT_MIXES) && i < KEPT_BYTES; i += 512)
		memset(old + i, 0, 256);
}

static void reshape(struct mcmd *c, struct media_ns *ns, const struct media_shape *s)
{
	bool keeps = FAULT(c->m, FORMAT_KEEPS_DATA) || FAULT(c->m, FORMAT_MIXES);
	uint8_t old[KEPT_BYTES];

	if (keeps)
		keep_old(c, ns, old);
	if (media_shape_ns(c->m, ns, s))
		mcmd_fail(c, SC_INTERNAL_ERROR, MCMD_NOWHERE);
	else if (keeps)
		media_write(ns, 0, KEPT_BYTES >> media_lbads(ns), old, true);
}

static void format_one(struct mcmd *c, uint32_t nsid)
{
	struct media_ns *ns = media_allocated(c->m, nsid);
	struct media_shape s = shape_asked(c, ns);

	if (FAULT(c->m, FORMAT_NOOP))
		s = *media_shape(ns);
	if (FAULT(c->m, FORMAT_PI_DROPPED))
		s.dps = 0;
	selftest_abort(c->m, NVME_ST_RESULT_ABORTED_FORMAT, nsid);
	reshape(c, ns, &s);
	media_set_busy(ns, model_now(c->m) + FORMAT_NS);
}

/* Other controllers are told; the one that formats says nothing of it. */
static void tell(struct mcmd *c)
{
	for (uint32_t nsid = 1; nsid <= media_highest(c->m); nsid++)
		for (unsigned i = 0; is_meant(c, nsid) && i < c->m->sub->n; i++)
			if (i != c->m->index && media_ns(c->m->sub->ctrl[i], nsid) &&
			    !FAULT(c->m, FORMAT_UNTOLD))
				nsmgmt_changed(c->m->sub->ctrl[i], nsid);
}

void admin_format(struct mcmd *c)
{
	smart_activity(c->m);
	if (c->phase) {
		tell(c);
		return;
	}
	if (nsid_wrong(c) || erase_wrong(c) || index_wrong(c) || any_wrong(c))
		return;
	for (uint32_t nsid = 1; !c->status && nsid <= media_highest(c->m); nsid++)
		if (is_meant(c, nsid))
			format_one(c, nsid);
	c->phase = 1;
	c->again_ns = FORMAT_NS;
}
