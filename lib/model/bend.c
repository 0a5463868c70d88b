// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One fact of lib/spec's tables got wrong. All of it happens before the handlers see the command:
 * they stay as they are, and are given what a controller with the fault would have understood.
 */
#include "model/bend.h"

#include "model/media.h"
#include "spec/bend.h"
#include "spec/command.h"
#include "spec/feature.h"
#include "spec/log.h"

#define FLAG_FUSE 0x03u
#define FLAG_PSDT 0xc0u

static const uint16_t faults[] = {
#define BEND(constant, ...) FAULT_##constant,
#include "spec/bend.def"
#undef BEND
};

static bool is_on(const struct model *m, const struct spec_bend *b)
{
	return fault_is_on(m->fault, faults[b - spec_bends]);
}

/* ---- fields ---- */

/* Of the command itself, or of the feature that it sets. */
static const struct spec_field *field_of(const struct mcmd *c, const struct spec_bend *b)
{
	const struct spec_command *command = spec_command(b->admin, b->opcode);
	const struct spec_field *f = spec_field_of(command, b->field);
	const struct spec_feature *feature = b->when < 0 ? NULL : spec_feature((uint8_t)b->when);

	(void)c;
	for (const struct spec_field *i = spec_common; !f && i->name; i++)
		if (!strcmp(i->name, b->field))
			f = i;
	for (const struct spec_field *i = feature ? feature->fields : NULL; !f && i && i->name; i++)
		if (!strcmp(i->name, b->field))
			f = i;
	return f;
}

static void put(struct mcmd *c, const struct spec_field *f, uint64_t v)
{
	spec_field_put(f, &c->e, v);
	c->nsid = le32_get(c->e.nsid);
}

static bool is_reserved(const struct spec_field *f, uint64_t v)
{
	const struct spec_value *row;

	for (size_t i = 0; (row = spec_value_nth(f, i)); i++)
		if (v >= row->from && v <= row->to)
			return false;
	return true;
}

/* The first legal value; of CNS and LID one that needs no more than what any command gives. */
static uint64_t first_legal(const struct spec_bend *b, const struct spec_field *f)
{
	if (!strcmp(b->field, "CNS"))
		return NVME_IDENTIFY_CNS_CTRL;
	if (!strcmp(b->field, "LID"))
		return NVME_LOG_LID_SMART;
	return f->values->from;
}

/* ---- ranges ---- */

/* Back by one block when it ends one past the namespace. */
static void let_past_end(struct mcmd *c, enum bend_how how)
{
	struct media_ns *ns = media_ns(c->m, c->nsid);
	uint64_t lba = le32_get(c->e.cdw10) | (uint64_t)le32_get(c->e.cdw11) << 32;
	uint64_t n = (le32_get(c->e.cdw12) & 0xffff) + 1u;

	if (ns && ((how == BEND_PAST_END_METADATA && !media_ms(ns)) ||
		   (how == BEND_PAST_END_ZONED && !media_zones(ns))))
		return;
	if (!ns || n > media_blocks(ns) || lba != media_blocks(ns) - n + 1)
		return;
	lba--;
	c->e.cdw10 = le32_from((uint32_t)lba);
	c->e.cdw11 = le32_from((uint32_t)(lba >> 32));
}

/* ---- one bend ---- */

static void read_nsid_as_one(struct mcmd *c, enum bend_how how)
{
	bool past = c->nsid > media_nn(c->m) && c->nsid != NSID_ALL;
	bool inactive = c->nsid && c->nsid <= media_nn(c->m) && !media_ns(c->m, c->nsid);

	if ((how == BEND_ZERO_AS_ONE && !c->nsid) || (how == BEND_PAST_AS_ONE && past) ||
	    (how == BEND_ALL_AS_ONE && c->nsid == NSID_ALL) ||
	    (how == BEND_INACTIVE_AS_ONE && inactive)) {
		c->nsid = 1;
		c->e.nsid = le32_from(1);
	}
}

static void ignore(struct mcmd *c, const struct spec_bend *b, const struct spec_field *f)
{
	if (!strcmp(b->field, "PSDT"))
		c->e.flags &= (uint8_t)~FLAG_PSDT;
	else if (!strcmp(b->field, "FUSE"))
		c->e.flags &= (uint8_t)~FLAG_FUSE;
	else
		put(c, f, 0);
}

static bool refuse(struct mcmd *c, uint16_t status)
{
	mcmd_fail(c, status, MCMD_AT(40, 0));
	return true;
}

static bool apply(struct mcmd *c, const struct spec_bend *b)
{
	const struct spec_field *f = field_of(c, b);
	uint64_t v = f ? spec_field_get(f, &c->e) : 0;

	switch (b->how) {
	case BEND_ACCEPTED:
		if (is_reserved(f, v))
			put(c, f, first_legal(b, f));
		break;
	case BEND_REFUSED:
		return v == b->bits && refuse(c, SC_INVALID_FIELD);
	case BEND_LOW:
		put(c, f, v & ((1ull << b->bits) - 1));
		break;
	case BEND_IGNORED:
		ignore(c, b, f);
		break;
	case BEND_ZERO_AS_ONE:
	case BEND_PAST_AS_ONE:
	case BEND_ALL_AS_ONE:
	case BEND_INACTIVE_AS_ONE:
		read_nsid_as_one(c, b->how);
		break;
	case BEND_PAST_END:
	case BEND_PAST_END_METADATA:
	case BEND_PAST_END_ZONED:
		if (!b->admin)
			let_past_end(c, b->how);
		else if (v > spec_log((uint8_t)b->when)->bytes)
			put(c, f, 0);
		break;
	case BEND_UNKNOWN:
		return refuse(c, SC_INVALID_OPCODE);
	case BEND_CUT:
		put(c, f, v & (spec_field_max(f) >> 1));
		break;
	case BEND_SURVIVES:
	case BEND_FORGOTTEN:
		break;
	}
	return false;
}

static bool is_about(const struct spec_bend *b, const struct mcmd *c)
{
	return b->admin == !c->sqid && b->opcode == c->e.opcode &&
	       (b->when < 0 || (mcmd_cdw10(c) & 0xff) == (unsigned)b->when);
}

/* Nobody bends anything, and nobody wants to know what could be bent. */
static bool is_straight(const struct model *m)
{
	return !m->bent && !fault_asked;
}

bool bend_command(struct mcmd *c)
{
	for (const struct spec_bend *b = is_straight(c->m) ? NULL : spec_bends; b && b->fault;
	     b++) {
		struct mcmd bent = *c;
		bool refused = is_about(b, c) && apply(&bent, b);
		bool same =
			!refused && bent.nsid == c->nsid && !memcmp(&bent.e, &c->e, sizeof(c->e));

		if (same || !is_on(c->m, b))
			continue;
		*c = bent;
		if (refused)
			return true;
	}
	return false;
}

static bool is_bent(const struct model *m, uint8_t fid, enum bend_how how)
{
	for (const struct spec_bend *b = is_straight(m) ? NULL : spec_bends; b && b->fault; b++)
		if (b->how == how && b->when == fid && is_on(m, b))
			return true;
	return false;
}

bool bend_survives(const struct model *m, uint8_t fid)
{
	return is_bent(m, fid, BEND_SURVIVES);
}

bool bend_forgets(const struct model *m, uint8_t fid)
{
	return is_bent(m, fid, BEND_FORGOTTEN);
}
