// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Copy, descriptor formats 0h and 1h. Everything is checked, then read, then written: so a Copy
 * that fails has written nothing, and sources may overlap the destination.
 * Source: NVM CS 1.0 Copy command, Protection Information and Copy commands.
 */
#include "model/log.h"
#include "model/media.h"
#include "model/nvm.h"
#include "model/pi.h"
#include "model/zns.h"

#define RANGES_MAX     256u /* what NR can say */
#define FORMAT(cdw12)  ((cdw12) >> 8 & 0xf)
#define PRINFOR(cdw12) ((cdw12) >> 12 & 0xf)
#define PRINFOW(cdw12) ((cdw12) >> 26 & 0xf)
#define AT_FORMAT      MCMD_AT(49, 0)
#define AT_RANGES      MCMD_AT(48, 0)
#define ENTRY_MAX      40u /* bytes of an entry of format 1h */
#define AT_LBA	       8u  /* of either format */
#define AT_NLB	       16u

struct source {
	struct nvm_range r;
	struct pi_terms t;
};

/* Storage Tag and Reference Tag, most significant byte first; then both of the Application Tag. */
static struct pi_terms terms_of(const uint8_t *entry, unsigned format, unsigned prinfo)
{
	struct pi_terms t = { .prinfo = prinfo };
	const uint8_t *tags = entry + (format ? 26 : 24);

	if (format)
		for (unsigned i = 0; i < 10; i++)
			t.space = t.space << 8 | tags[i];
	else
		t.space = le32_at(tags);
	t.app = le16_at(entry + (format ? 36 : 28));
	t.mask = le16_at(entry + (format ? 38 : 30));
	return t;
}

/* Blocks of all ranges, 0 and the status set when they are more than the limits allow. */
static uint64_t count_blocks(struct mcmd *c, const struct source *list, unsigned n)
{
	bool checked = !FAULT(c->m, COPY_LIMITS_UNCHECKED), fits = !checked || n <= COPY_RANGES;
	uint64_t total = 0;

	for (unsigned i = 0; i < n; i++) {
		total += list[i].r.n;
		fits = fits && (!checked || list[i].r.n <= COPY_RANGE_BLOCKS);
	}
	if (fits && (!checked || total <= COPY_BLOCKS))
		return total;
	mcmd_fail(c, SC_COMMAND_SIZE_LIMIT, AT_RANGES);
	return 0;
}

static bool range_fails(struct mcmd *c, struct nvm_range *r)
{
	if (nvm_range_fits(c->m, r))
		return false;
	nvm_fail_range(c, r->lba);
	return true;
}

/* Every source and the destination lie in the namespace, and the sources can be read. */
static bool ranges_fail(struct mcmd *c, struct source *list, unsigned n, struct nvm_range *to)
{
	for (unsigned i = 0; i < n; i++) {
		struct nvm_range *r = &list[i].r;

		if (range_fails(c, r))
			return true;
		if (nvm_holds_nothing(c, r) || !zns_may_read(c, r))
			return true;
		if (media_find_bad(r->ns, r->lba, r->n, &c->error_lba)) {
			mcmd_fail(c, SC_UNRECOVERED_READ, MCMD_NOWHERE);
			return true;
		}
		if (pi_refuses(c, r->ns, r->lba, &list[i].t))
			return true;
	}
	return range_fails(c, to) || !zns_may_write(c, to);
}

/* Of one source, to where they belong in what is written; checked as a Read is. */
static bool take(struct mcmd *c, const struct source *from, struct nvm_blocks to)
{
	const struct nvm_range *r = &from->r;

	memcpy(to.data, media_view(c->m, r->ns, r->lba, r->n), r->n << media_lbads(r->ns));
	if (!to.meta)
		return true;
	media_read_meta(r->ns, r->lba, r->n, to.meta);
	return FAULT(c->m, COPY_PI_UNCHECKED) || !nvm_pi_bad_read(c, r, &to, &from->t);
}

/* As a Write does. */
static bool settle_pi(struct mcmd *c, const struct nvm_range *to, struct nvm_blocks *b)
{
	struct pi_terms t = pi_terms(c);

	if (!media_pi(to->ns)->type || FAULT(c->m, COPY_PI_UNCHECKED))
		return true;
	if (t.prinfo & PRACT) {
		pi_insert(c, to->ns, to->n, b->data, b->meta, &t);
		return true;
	}
	return !pi_refuses(c, to->ns, to->lba, &t) &&
	       !pi_fails(c, to->ns, to->lba, to->n, b->data, b->meta, &t);
}

static void move_blocks(struct mcmd *c, struct source *list, unsigned n, struct nvm_range *to)
{
	unsigned lbads = media_lbads(to->ns);
	struct nvm_blocks all, at;

	if (nvm_blocks_new(c, to, &all))
		return;
	at = all;
	for (unsigned i = 0; i < n; i++) {
		const struct source *s = &list[FAULT(c->m, COPY_RANGES_REVERSED) ? n - 1 - i : i];

		if (!take(c, s, at))
			return;
		at.data += s->r.n << lbads;
		if (at.meta)
			at.meta += s->r.n * media_ms(to->ns);
	}
	if (!settle_pi(c, to, &all))
		return;
	media_write(to->ns, to->lba, to->n, all.data, nvm_through(c));
	if (all.meta)
		media_write_meta(to->ns, to->lba, to->n, all.meta, nvm_through(c));
	zns_wrote(c, to);
}

static void copy(struct mcmd *c, struct media_ns *ns, unsigned n, unsigned format)
{
	uint8_t entries[RANGES_MAX * ENTRY_MAX];
	struct source list[RANGES_MAX];
	struct nvm_range to = { .ns = ns };
	size_t size = format ? ENTRY_MAX : sizeof(struct nvme_copy_range);

	if (mcmd_check_data(c, n * size) || mcmd_from_host(c, entries, 0, n * size, n * size))
		return;
	for (unsigned i = 0; i < n; i++) {
		const uint8_t *e = entries + i * size;

		list[i].r = (struct nvm_range){ ns, le64_at(e + AT_LBA), le16_at(e + AT_NLB) + 1u };
		list[i].t = terms_of(e, format, PRINFOR(le32_get(c->e.cdw12)));
	}
	to.lba = le32_get(c->e.cdw10) | (uint64_t)le32_get(c->e.cdw11) << 32;
	to.n = count_blocks(c, list, n);
	if (to.n && !ranges_fail(c, list, n, &to))
		move_blocks(c, list, n, &to);
}

unsigned nvm_copy_formats(const struct model *m)
{
	return m->opt.ctratt & NVME_CTRL_CTRATT_ELBAS ? 3 : 1;
}

/* The format is one of the controller's, and that of the namespace's protection information. */
static bool format_fails(struct mcmd *c, const struct media_ns *ns, unsigned format)
{
	const struct media_pi *pi = media_pi(ns);
	uint32_t cdw12 = le32_get(c->e.cdw12);

	if (FAULT(c->m, COPY_FORMAT_UNCHECKED))
		return false;
	if (!(nvm_copy_formats(c->m) >> format & 1))
		mcmd_fail(c, SC_INVALID_FIELD, AT_FORMAT);
	else if (pi->type && (pi->guard > 2) != format)
		mcmd_fail(c, SC_INVALID_NS, AT_FORMAT);
	else if (pi->type && (PRINFOR(cdw12) ^ PRINFOW(cdw12)) & PRACT &&
		 !FAULT(c->m, COPY_PRACT_MIXED))
		mcmd_fail(c, SC_INVALID_FIELD, MCMD_AT(49, 7));
	return c->status != SC_SUCCESS;
}

void nvm_copy(struct mcmd *c)
{
	uint32_t cdw12 = le32_get(c->e.cdw12);
	unsigned n = (cdw12 & 0xff) + 1;
	struct media_ns *ns;

	if (!NVM_HAS_COPY(c->m)) {
		mcmd_fail(c, SC_INVALID_OPCODE, MCMD_AT(0, 0));
		return;
	}
	ns = nvm_find_ns(c);
	if (ns && !format_fails(c, ns, FORMAT(cdw12)))
		copy(c, ns, n, FORMAT(cdw12) == 1);
	if (c->status != SC_SUCCESS && FAULT(c->m, COPY_FAILED_DW0))
		c->dw0 = n - 1;
}
