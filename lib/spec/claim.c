// SPDX-License-Identifier: GPL-2.0-or-later
#include "spec/claim.h"

enum place { IN_CAP, IN_ID, IN_NVM };

static const struct {
	const char *name;
	uint32_t since;
	enum place place;
	uint16_t offset;
	uint8_t bytes;
	uint64_t mask;
} claims[CLAIM_COUNT] = { [CLAIM_NONE] = { .name = "" },
#define CAP   IN_CAP, 0, 8
#define ID(m) IN_ID, offsetof(struct nvme_id_ctrl, m), sizeof(((struct nvme_id_ctrl *)0)->m)
#define NVM(m)                                                                                     \
	IN_NVM, offsetof(struct nvme_id_ctrl_nvm, m), sizeof(((struct nvme_id_ctrl_nvm *)0)->m)
#define ROW(constant, name, since, place, mask) ROW_(constant, name, since, place, mask)
#define ROW_(constant, name, since, ...)	[CLAIM_##constant] = { name, since, __VA_ARGS__ },
			  SPEC_CLAIMS(ROW) };

static uint64_t read_le(const uint8_t *at, unsigned bytes)
{
	uint64_t v = 0;

	while (bytes-- > 0)
		v = v << 8 | at[bytes];
	return v;
}

bool spec_has(const struct spec_ctrl *c, enum spec_claim claim)
{
	const uint8_t *base =
		claims[claim].place == IN_NVM ? (const uint8_t *)&c->nvm : (const uint8_t *)&c->id;

	if (claim == CLAIM_NONE)
		return true;
	if (claims[claim].place == IN_CAP)
		return c->cap & claims[claim].mask;
	return read_le(base + claims[claim].offset, claims[claim].bytes) & claims[claim].mask;
}

const char *spec_claim_name(enum spec_claim claim)
{
	return claims[claim].name;
}

uint32_t spec_claim_since(enum spec_claim claim)
{
	return claims[claim].since;
}

const struct spec_ns *spec_ns(const struct spec_ctrl *c, uint32_t nsid)
{
	for (unsigned i = 0; i < c->n_ns; i++)
		if (c->ns[i].nsid == nsid)
			return &c->ns[i];
	return NULL;
}

uint64_t spec_mdts(const struct spec_ctrl *c)
{
	unsigned shift = 12 + CAP_MPSMIN(c->cap) + c->id.mdts;

	/* without CAP its unit is not known */
	return c->cap && c->id.mdts && shift < 64 ? 1ull << shift : 0;
}
