// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Protection information. Source: NVM CS 1.0 End-to-end Data Protection; NVM CS 1.1 the same (what
 * the guard covers, and that PRACT of a Write puts PRCHK out of force).
 */
#include "model/pi.h"

#include "model/core.h"
#include "model/log.h"

#define CDW12_STC (1u << 24)
#define AT_REF	  56u /* Command Dword 14 */

typedef unsigned __int128 wide;

/* ---- CRCs, bit by bit ---- */

static uint64_t crc_up(uint64_t crc, const uint8_t *p, size_t n)
{
	while (n--) {
		crc ^= (uint64_t)*p++ << 8;
		for (unsigned bit = 0; bit < 8; bit++)
			crc = (crc & 0x8000 ? crc << 1 ^ 0x8bb7 : crc << 1) & 0xffff;
	}
	return crc;
}

/* Least significant bit first; poly is the polynomial turned round. */
static uint64_t crc_down(uint64_t crc, const uint8_t *p, size_t n, uint64_t poly)
{
	while (n--) {
		crc ^= *p++;
		for (unsigned bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ poly : crc >> 1;
	}
	return crc;
}

/* Data, and the metadata in front of the protection information. */
static uint64_t guard_of(const struct media_ns *ns, const uint8_t *data, const uint8_t *meta,
			 size_t covered)
{
	const struct media_pi *pi = media_pi(ns);
	size_t n = 1ull << media_lbads(ns);
	uint64_t ones = pi->guard == 4 ? UINT32_MAX : UINT64_MAX;
	uint64_t poly = pi->guard == 4 ? 0x82f63b78 : 0x9a6c9329ac4bc9b5;

	if (pi->guard == 2)
		return crc_up(crc_up(0, data, n), meta, covered);
	return crc_down(crc_down(ones, data, n, poly), meta, covered, poly) ^ ones;
}

static uint64_t guard(struct mcmd *c, const struct media_ns *ns, const uint8_t *data,
		      const uint8_t *meta)
{
	return guard_of(ns, data, meta, FAULT(c->m, PI_GUARD_DATA_ALONE) ? 0 : media_pi(ns)->at);
}

/* ---- fields, most significant byte first ---- */

static wide get(const uint8_t *at, unsigned bytes)
{
	wide v = 0;

	while (bytes--)
		v = v << 8 | *at++;
	return v;
}

static void put(uint8_t *at, unsigned bytes, wide v)
{
	for (at += bytes; bytes--; v >>= 8)
		*--at = (uint8_t)v;
}

static unsigned space_bytes(const struct media_pi *pi)
{
	return pi->bytes - pi->guard - 2;
}

static unsigned ref_bits(const struct media_pi *pi)
{
	return 8 * space_bytes(pi) - pi->sts;
}

static wide ones(unsigned bits)
{
	return ((wide)1 << bits) - 1;
}

void pi_guard_of_zeroes(const struct media_ns *ns, uint8_t ret[8])
{
	static const uint8_t zeroes[4096];

	put(ret, media_pi(ns)->guard, guard_of(ns, zeroes, zeroes, media_pi(ns)->at));
}

/* ---- what a command says ---- */

struct pi_terms pi_terms(const struct mcmd *c)
{
	uint32_t cdw12 = le32_get(c->e.cdw12), cdw15 = le32_get(c->e.cdw15);

	return (struct pi_terms){
		.prinfo = cdw12 >> 26 & 0xf,
		.stc = cdw12 & CDW12_STC,
		.app = (uint16_t)cdw15,
		.mask = (uint16_t)(cdw15 >> 16),
		.space = (wide)(le32_get(c->e.cdw2) & 0xffff) << 64 |
			 (wide)le32_get(c->e.cdw3) << 32 | le32_get(c->e.cdw14),
	};
}

bool pi_strips(const struct media_ns *ns, unsigned prinfo)
{
	const struct media_pi *pi = media_pi(ns);

	return pi->type && (prinfo & PRACT) && media_ms(ns) == pi->bytes;
}

/* The Storage and Reference Space that the i-th block has: the tag in its low bits rolls over. */
static wide space_at(const struct mcmd *c, const struct media_pi *pi, const struct pi_terms *t,
		     uint64_t i)
{
	wide all = t->space & ones(8 * space_bytes(pi)), low = ones(ref_bits(pi));
	wide ref = (all & low) + (pi->type == 3 || FAULT(c->m, PI_REF_STANDS) ? 0 : i);

	if (ref > low && FAULT(c->m, PI_REF_SATURATES))
		ref = low;
	return (all & ~low) | (ref & low);
}

void pi_next(const struct media_pi *pi, struct pi_terms *t)
{
	wide low = ones(ref_bits(pi));

	if (pi->type != 3)
		t->space = (t->space & ~low) | ((t->space + 1) & low);
}

bool pi_refuses(struct mcmd *c, const struct media_ns *ns, uint64_t lba, const struct pi_terms *t)
{
	const struct media_pi *pi = media_pi(ns);
	wide low;

	if (pi->type != 1 || !(t->prinfo & PRCHK_REF) || FAULT(c->m, PI_REF_ANY_START))
		return false;
	low = ones(ref_bits(pi));
	if (!((t->space ^ lba) & low))
		return false;
	mcmd_fail(c, SC_INVALID_PI, MCMD_AT(AT_REF, 0));
	return true;
}

/* ---- checking ---- */

/* Tags that say: do not check. */
static bool is_escape(struct mcmd *c, const struct media_pi *pi, const uint8_t *at)
{
	wide low = ones(ref_bits(pi));

	if (get(at + pi->guard, 2) != 0xffff || FAULT(c->m, PI_ESCAPE_CHECKED))
		return false;
	return pi->type != 3 || FAULT(c->m, PI_ESCAPE_BY_APP) ||
	       (get(at + pi->guard + 2, space_bytes(pi)) & low) == low;
}

static bool guard_fails(struct mcmd *c, const struct media_ns *ns, const uint8_t *data,
			const uint8_t *meta, const struct pi_terms *t)
{
	const struct media_pi *pi = media_pi(ns);

	if (!(t->prinfo & PRCHK_GUARD) && !FAULT(c->m, PI_GUARD_ALWAYS))
		return false;
	return get(meta + pi->at, pi->guard) != guard(c, ns, data, meta) &&
	       !FAULT(c->m, PI_GUARD_UNCHECKED);
}

static bool app_fails(struct mcmd *c, const struct media_pi *pi, const uint8_t *at,
		      const struct pi_terms *t)
{
	unsigned mask = FAULT(c->m, PI_APP_MASK_IGNORED) ? 0xffff : t->mask;

	if (!(t->prinfo & PRCHK_APP) || FAULT(c->m, PI_APP_UNCHECKED))
		return false;
	return ((unsigned)get(at + pi->guard, 2) ^ t->app) & mask;
}

/* The part of the space that is the Storage Tag, or the Reference Tag. */
static bool space_fails(struct mcmd *c, const struct media_pi *pi, const uint8_t *at,
			const struct pi_terms *t, uint64_t i, bool storage)
{
	wide low = ones(ref_bits(pi)), have = get(at + pi->guard + 2, space_bytes(pi));
	wide differs = have ^ space_at(c, pi, t, i);

	if (storage)
		return pi->sts && t->stc && (differs & ~low) && !FAULT(c->m, PI_STORAGE_UNCHECKED);
	return pi->type != 3 && (t->prinfo & PRCHK_REF) && (differs & low) &&
	       !FAULT(c->m, PI_REF_UNCHECKED);
}

static uint16_t block_status(struct mcmd *c, const struct media_ns *ns, const uint8_t *data,
			     const uint8_t *meta, const struct pi_terms *t, uint64_t i)
{
	const struct media_pi *pi = media_pi(ns);
	const uint8_t *at = meta + pi->at;

	if (is_escape(c, pi, at))
		return SC_SUCCESS;
	if (guard_fails(c, ns, data, meta, t))
		return SC_GUARD_CHECK;
	if (app_fails(c, pi, at, t))
		return SC_APP_TAG_CHECK;
	if (space_fails(c, pi, at, t, i, true))
		return SC_STORAGE_TAG_CHECK;
	return space_fails(c, pi, at, t, i, false) ? SC_REF_TAG_CHECK : SC_SUCCESS;
}

bool pi_fails(struct mcmd *c, const struct media_ns *ns, uint64_t lba, uint64_t n,
	      const uint8_t *data, const uint8_t *meta, const struct pi_terms *t)
{
	uint16_t status;
	uint64_t i;

	if (!media_pi(ns)->type)
		return false;
	i = n > 1 && FAULT(c->m, PI_FIRST_UNCHECKED);
	n -= n > 1 && FAULT(c->m, PI_LAST_UNCHECKED);
	for (; i < n; i++) {
		status = block_status(c, ns, data + (i << media_lbads(ns)), meta + i * media_ms(ns),
				      t, i);
		if (!status)
			continue;
		c->error_lba = lba + i;
		mcmd_fail(c, status, MCMD_NOWHERE);
		return true;
	}
	return false;
}

void pi_insert(struct mcmd *c, const struct media_ns *ns, uint64_t n, const uint8_t *data,
	       uint8_t *meta, const struct pi_terms *t)
{
	const struct media_pi *pi = media_pi(ns);
	uint16_t app = FAULT(c->m, PRACT_APP_ZERO) ? 0 : t->app;

	for (uint64_t i = 0; i < n; i++, meta += media_ms(ns)) {
		uint8_t *at = meta + pi->at;

		put(at, pi->guard, guard(c, ns, data + (i << media_lbads(ns)), meta));
		put(at + pi->guard, 2, app);
		put(at + pi->guard + 2, space_bytes(pi), space_at(c, pi, t, i));
	}
}
