// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Copy, descriptor format 0h. Everything is checked, then read, then written: so a Copy that
 * fails has written nothing, and sources may overlap the destination.
 * Source: NVM CS 1.0 Copy command.
 */
#include "model/media.h"
#include "model/nvm.h"

#define RANGES_MAX    256u /* what NR can say */
#define FORMAT(cdw12) ((cdw12) >> 8 & 0xf)
#define AT_FORMAT     MCMD_AT(49, 0)
#define AT_RANGES     MCMD_AT(48, 0)

static uint64_t length_of(const struct nvme_copy_range *r)
{
	return le16_get(r->nlb) + 1ull;
}

/* Blocks of all ranges, 0 and the status set when they are more than the limits allow. */
static uint64_t count_blocks(struct mcmd *c, const struct nvme_copy_range *list, unsigned n)
{
	bool checked = !FAULT(c->m, COPY_LIMITS_UNCHECKED), fits = !checked || n <= COPY_RANGES;
	uint64_t total = 0;

	for (unsigned i = 0; i < n; i++) {
		total += length_of(&list[i]);
		fits = fits && (!checked || length_of(&list[i]) <= COPY_RANGE_BLOCKS);
	}
	if (fits && (!checked || total <= COPY_BLOCKS))
		return total;
	mcmd_fail(c, SC_COMMAND_SIZE_LIMIT, AT_RANGES);
	return 0;
}

/* Every source and the destination lie in the namespace, and the sources can be read. */
static bool ranges_fail(struct mcmd *c, struct nvm_range *source, unsigned n, struct nvm_range *to)
{
	for (unsigned i = 0; i <= n; i++) {
		struct nvm_range *r = i < n ? &source[i] : to;

		if (!nvm_range_fits(c->m, r)) {
			nvm_fail_range(c, r->lba);
			return true;
		}
		if (i < n && media_find_bad(r->ns, r->lba, r->n, &c->error_lba)) {
			mcmd_fail(c, SC_UNRECOVERED_READ, MCMD_NOWHERE);
			return true;
		}
	}
	return false;
}

static void move_blocks(struct mcmd *c, struct nvm_range *source, unsigned n, struct nvm_range *to)
{
	unsigned lbads = media_lbads(to->ns);
	uint8_t *data = media_bounce(c->m, to->n << lbads), *at = data;

	if (!data) {
		mcmd_fail(c, SC_INTERNAL_ERROR, MCMD_NOWHERE);
		return;
	}
	for (unsigned i = 0; i < n; i++) {
		struct nvm_range *r = &source[FAULT(c->m, COPY_RANGES_REVERSED) ? n - 1 - i : i];

		memcpy(at, media_view(c->m, r->ns, r->lba, r->n), r->n << lbads);
		at += r->n << lbads;
	}
	media_write(to->ns, to->lba, to->n, data, nvm_through(c));
}

static void copy(struct mcmd *c, struct media_ns *ns, unsigned n)
{
	struct nvme_copy_range list[RANGES_MAX];
	struct nvm_range source[RANGES_MAX], to = { .ns = ns };
	size_t len = n * sizeof(list[0]);

	if (mcmd_check_data(c, len) || mcmd_from_host(c, list, 0, len, len))
		return;
	to.lba = le32_get(c->e.cdw10) | (uint64_t)le32_get(c->e.cdw11) << 32;
	to.n = count_blocks(c, list, n);
	if (!to.n)
		return;
	for (unsigned i = 0; i < n; i++)
		source[i] = (struct nvm_range){ ns, le64_get(list[i].slba), length_of(&list[i]) };
	if (!ranges_fail(c, source, n, &to))
		move_blocks(c, source, n, &to);
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
	if (ns && FORMAT(cdw12) && !FAULT(c->m, COPY_FORMAT_UNCHECKED))
		mcmd_fail(c, SC_INVALID_FIELD, AT_FORMAT);
	else if (ns)
		copy(c, ns, n);
	if (c->status != SC_SUCCESS && FAULT(c->m, COPY_FAILED_DW0))
		c->dw0 = n - 1;
}
