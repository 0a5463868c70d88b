// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Compare and Verify: what is on the medium is looked at, and stays there.
 * Sources: NVM CS 1.0 Compare command, Verify command, Protection Information and Compare commands.
 */
#include "model/log.h"
#include "model/media.h"
#include "model/nvm.h"
#include "model/pi.h"

#define CDW12_PRACT (1u << 29)

/* Protection information is not compared. */
static bool meta_differs(const struct mcmd *c, const struct media_ns *ns, const uint8_t *a,
			 const uint8_t *b)
{
	const struct media_pi *pi = media_pi(ns);
	unsigned ms = media_ms(ns), behind = pi->at + pi->bytes;

	if (!ms || FAULT(c->m, COMPARE_META_SKIPPED))
		return false;
	if (!pi->type || FAULT(c->m, COMPARE_INCLUDES_PI))
		return memcmp(a, b, ms);
	return memcmp(a, b, pi->at) || memcmp(a + behind, b + behind, ms - behind);
}

static bool block_differs(struct mcmd *c, const struct nvm_range *r, const struct nvm_blocks *want,
			  const uint8_t *have, uint64_t i)
{
	bool cut = FAULT(c->m, COMPARE_LAST_BYTE_SKIPPED) && i == r->n - 1;
	unsigned lbads = media_lbads(r->ns), ms = media_ms(r->ns);
	uint8_t meta[MEDIA_MS_MAX];

	if (memcmp(have + (i << lbads), want->data + (i << lbads), (1ull << lbads) - cut))
		return true;
	if (ms)
		media_read_meta(r->ns, r->lba + i, 1, meta);
	return ms && meta_differs(c, r->ns, meta, want->meta + i * ms);
}

/* Of the medium, one block after the other: the host's are in the one buffer there is. */
static bool compare_pi_fails(struct mcmd *c, const struct nvm_range *r, const uint8_t *have,
			     const struct pi_terms *t)
{
	unsigned lbads = media_lbads(r->ns);
	struct pi_terms one = *t;
	uint8_t meta[MEDIA_MS_MAX];

	for (uint64_t i = 0; media_pi(r->ns)->type && i < r->n; i++) {
		media_read_meta(r->ns, r->lba + i, 1, meta);
		if (pi_fails(c, r->ns, r->lba + i, 1, have + (i << lbads), meta, &one))
			return true;
		pi_next(media_pi(r->ns), &one);
	}
	return false;
}

static bool compare_refused(struct mcmd *c, const struct nvm_range *r, const struct pi_terms *t)
{
	if (media_pi(r->ns)->type && (t->prinfo & PRACT))
		mcmd_fail(c, SC_INVALID_FIELD, MCMD_AT(51, 5));
	return c->status || pi_refuses(c, r->ns, r->lba, t);
}

void nvm_compare(struct mcmd *c)
{
	struct pi_terms t = pi_terms(c);
	struct nvm_blocks want;
	const uint8_t *have;
	struct nvm_range r;

	if (!nvm_find_range(c, &r) || compare_refused(c, &r, &t))
		return;
	if (nvm_fetch(c, &r, &want) || nvm_unreadable(c, &r))
		return;
	have = media_view(c->m, r.ns, r.lba, r.n);
	if (!FAULT(c->m, COMPARE_PI_UNCHECKED) &&
	    (pi_fails(c, r.ns, r.lba, r.n, want.data, want.meta, &t) ||
	     compare_pi_fails(c, &r, have, &t)))
		return;
	for (uint64_t i = 0; i < r.n; i++) {
		if (!block_differs(c, &r, &want, have, i))
			continue;
		c->error_lba = r.lba + i;
		mcmd_fail(c, SC_COMPARE_FAILURE, MCMD_NOWHERE);
		if (FAULT(c->m, COMPARE_WRITES))
			media_write(r.ns, r.lba, r.n, want.data, nvm_through(c));
		return;
	}
	nvm_count(c, SMART_COMPARE, &r);
}

static bool verify_fails(struct mcmd *c, const struct nvm_range *r)
{
	struct pi_terms t = pi_terms(c);
	struct nvm_blocks b;

	if (nvm_unreadable(c, r))
		return true;
	if (!media_pi(r->ns)->type || FAULT(c->m, VERIFY_PI_UNCHECKED))
		return false;
	return pi_refuses(c, r->ns, r->lba, &t) || nvm_load(c, r, &b) ||
	       nvm_pi_bad_read(c, r, &b, &t);
}

void nvm_verify(struct mcmd *c)
{
	struct nvm_range r;

	if ((le32_get(c->e.cdw12) & CDW12_PRACT) && !FAULT(c->m, VERIFY_PRACT_ACCEPTED)) {
		mcmd_fail(c, SC_INVALID_FIELD, MCMD_AT(51, 5));
		return;
	}
	if (!nvm_find_range(c, &r))
		return;
	if (r.n << media_lbads(r.ns) > 8192 && FAULT(c->m, VERIFY_LIMIT_ENFORCED))
		mcmd_fail(c, SC_INVALID_FIELD, MCMD_AT(48, 0));
	else if (FAULT(c->m, VERIFY_NOOP) || !verify_fails(c, &r))
		nvm_count(c, SMART_VERIFY, &r);
}
