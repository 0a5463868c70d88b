// SPDX-License-Identifier: GPL-2.0-or-later
/* Derived from the tables of commands and features: fields, flags, namespaces, claims. */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "derived.h"
#include "spec/cns.h"
#include "spec/feature.h"
#include "spec/log.h"

#define REF_COMMON   "Base 2.2 Common Command Format"
#define REF_RESERVED "Base 2.0 reserved (keyword)"

#define LOWER_MAX    16

static const char *lower(const char *name, char buf[LOWER_MAX])
{
	size_t i = 0;

	for (; name[i] && i < LOWER_MAX - 1; i++)
		buf[i] = (char)tolower((unsigned char)name[i]);
	buf[i] = 0;
	return buf;
}

static enum rig_harm harm_of(bool admin, const struct spec_command *c)
{
	if (!admin)
		return HARM_DATA;
	return c->opcode == nvme_admin_set_features ? HARM_SETTINGS : HARM_NONE;
}

/* ---- reserved values ---- */

static bool is_reserved(const struct spec_field *f, uint64_t v)
{
	const struct spec_value *row;

	for (size_t i = 0; (row = spec_value_nth(f, i)); i++)
		if (v >= row->from && v <= row->to)
			return false;
	return true;
}

static bool is_edge(const struct spec_field *f, uint64_t v)
{
	uint64_t max = spec_field_max(f), low = spec_value_nth(f, 0)->from;
	uint64_t off = v ^ low;

	if (v == max || !is_reserved(f, v - 1) || !is_reserved(f, v + 1))
		return true;
	return !(off & (off - 1)); /* one bit away from the first legal value */
}

/* Every edge of what is reserved, and what a field read too narrow takes for a legal value. */
static void reserved_rows(struct derived *d, const struct derived_row *row)
{
	const struct spec_field *f = row->field;

	for (uint64_t v = 0; v <= spec_field_max(f) && v <= 0xffff; v++) {
		struct derived_row one = *row;

		if (!is_reserved(f, v) || !is_edge(f, v))
			continue;
		one.value = v;
		derived_row(d, one, f->width > 4 ? "%02" PRIX64 "h" : "%" PRIX64 "h", v);
	}
}

static void ask_field(struct rig *r)
{
	const struct derived_row *row = rig_row(r);
	struct cmd c = derived_base(r, row);

	spec_field_put(row->field, &c.sqe, row->value);
	derived_ask(r, row->admin, &c, false);
}

static void reserved_values(struct derived *d)
{
	const struct spec_command *c;
	char name[LOWER_MAX];
	bool admin;

	for (size_t i = 0; (c = derived_command(i, &admin)); i++)
		for (const struct spec_field *f = c->fields; f && f->name; f++) {
			struct derived_row row = {
				.command = c, .admin = admin, .when = BEND_ANY, .field = f
			};

			if (!f->values)
				continue;
			derived_case(d,
				     (struct rig_case){ .ref = f->ref,
							.harm = harm_of(admin, c),
							.na = derived_na_of(c),
							.run = ask_field },
				     "%s.%s-reserved", derived_slug(admin, c->opcode),
				     lower(f->name, name));
			derived_rule(d, "%s refuses a reserved value of %s.", c->name, f->name);
			if (derived_bends(d, admin, c->opcode, BEND_ANY, f->name, HOW(ACCEPTED)))
				reserved_rows(d, &row);
		}
}

/* The same of the dwords of features. */
static void reserved_in_features(struct derived *d)
{
	const struct spec_command *set = spec_command(true, nvme_admin_set_features);
	char name[LOWER_MAX];

	for (const struct spec_feature *f = spec_features; f->value.name; f++)
		for (const struct spec_field *i = f->fields; i && i->name; i++) {
			int fid = (int)f->value.from;
			struct derived_row row = {
				.command = set, .admin = true, .when = fid, .field = i
			};

			if (!i->values)
				continue;
			derived_case(d,
				     (struct rig_case){ .ref = i->ref,
							.harm = HARM_SETTINGS,
							.run = ask_field },
				     "feature.%s.%s-reserved", f->id, lower(i->name, name));
			derived_rule(d, "%s refuses a reserved value of %s.", f->value.name,
				     i->name);
			if (derived_bends(d, true, set->opcode, fid, i->name, HOW(ACCEPTED)))
				reserved_rows(d, &row);
		}
}

/* ---- claimed values ---- */

/* Is it a must, given the version and the claim? claims NULL: of some controller. */
static bool is_promised(const struct spec_ctrl *claims, uint8_t opcode, const struct spec_field *f,
			uint64_t value)
{
	const struct spec_feature *feature = spec_feature((uint8_t)value);

	switch (opcode) {
	case nvme_admin_identify:
		return spec_cns((uint8_t)value)->mandatory;
	case nvme_admin_get_log_page:
		return spec_log((uint8_t)value)->mandatory;
	default: /* a FID or a Select value */
		return strcmp(f->name, "FID") || feature->value.strict ||
		       (claims ? spec_feature_is_must(feature, claims) : feature->mandatory);
	}
}

static void ask_offered(struct rig *r)
{
	const struct derived_row *row = rig_row(r);
	const struct spec_value *value;
	enum spec_say say = spec_field_say(&rig_ctrl(r)->claims, row->field, row->value, &value);
	struct cmd c;

	if (say == SAY_OPEN)
		rig_na(r, "not claimed, or VS is older: it may be there all the same");
	if (say == SAY_LEGAL &&
	    !is_promised(&rig_ctrl(r)->claims, row->command->opcode, row->field, row->value))
		rig_na(r, "optional, and nothing claims it");
	c = derived_base(r, row);
	spec_field_put(row->field, &c.sqe, row->value);
	if (say == SAY_LEGAL)
		CHECK_STATUS(r, rig_admin(r, c), SC_SUCCESS);
	else
		derived_ask(r, row->admin, &c, false);
}

/* A table's rows: each is there where it is claimed, and refused where a strict claim is missing.
 */
static void offered(struct derived *d, const char *slug, uint8_t opcode, const char *field_name)
{
	const struct spec_command *c = spec_command(true, opcode);
	const struct spec_field *f = spec_field_of(c, field_name);
	char name[LOWER_MAX];
	const struct spec_value *v;

	derived_case(d, (struct rig_case){ .ref = c->ref, .run = ask_offered }, "%s.%s-claimed",
		     slug, lower(field_name, name));
	derived_rule(d,
		     "%s takes every %s that is claimed, and none that a missing claim excludes.",
		     c->name, field_name);
	derived_bends(d, true, opcode, BEND_ANY, field_name, HOW(REFUSED));
	for (size_t i = 0; (v = spec_value_nth(f, i)); i++) {
		bool whole = !strcmp(field_name, "SEL");

		for (uint64_t x = v->from; x <= v->to && !v->open; x++) {
			if (!v->strict && !is_promised(NULL, opcode, f, x))
				continue;
			derived_row(d,
				    (struct derived_row){ .command = c,
							  .admin = true,
							  .when = whole ? BEND_ANY : (int)x,
							  .field = f,
							  .value = x },
				    "%02" PRIX64 "h", x);
		}
	}
}

static void offered_values(struct derived *d)
{
	offered(d, "identify", nvme_admin_identify, "CNS");
	offered(d, "get-log", nvme_admin_get_log_page, "LID");
	offered(d, "get-features", nvme_admin_get_features, "FID");
	offered(d, "get-features", nvme_admin_get_features, "SEL");
}

/* ---- flags ---- */

/* PRPs under the name of SGLs, where there are SGLs: nobody knows where they lead. */
static const char *flag_na(const struct facts *f, const void *of)
{
	const struct derived_row *row = of;
	const char *na = derived_row_na(f, row);
	struct spec_ctrl claims;

	if (na || row->admin || row->value == 3 || strcmp(row->field->name, "PSDT"))
		return na;
	facts_claims(f, &claims);
	return spec_has(&claims, CLAIM_SGLS) ? "SGLS bits 1:0 are not 0: SGLs are supported" : NULL;
}

static void flag_rows(struct derived *d, const struct spec_command *c, bool admin,
		      const char *field)
{
	const struct spec_field *f = spec_common;
	char name[LOWER_MAX];

	while (strcmp(f->name, field))
		f++;
	derived_case(d,
		     (struct rig_case){ .ref = REF_COMMON "; " REF_RESERVED,
					.harm = harm_of(admin, c),
					.na = derived_na_of(c),
					.row_na = flag_na,
					.run = ask_field },
		     "%s.%s", derived_slug(admin, c->opcode), lower(field, name));
	derived_rule(d, "%s refuses a %s that it has no use for.", c->name, field);
	if (!derived_bends(d, admin, c->opcode, BEND_ANY, field, HOW(IGNORED)))
		return;
	/* a half of a fused operation waits for the other: asked where it is at home, in io_fused.c
	 */
	for (uint64_t v = admin || strcmp(field, "FUSE") ? 1 : 3; v <= 3; v++)
		derived_row(d,
			    (struct derived_row){ .command = c,
						  .admin = admin,
						  .when = BEND_ANY,
						  .field = f,
						  .value = v,
						  .needs = NEED_SQE },
			    "%u%ub", (unsigned)v >> 1, (unsigned)v & 1);
}

static void flags(struct derived *d)
{
	const struct spec_command *c;
	bool admin;

	for (size_t i = 0; (c = derived_command(i, &admin)); i++) {
		bool moves = c->len != LEN_NONE && (!c->csi || c->len != LEN_DEPENDS);

		if (moves) /* a Zone Management Send that opens a zone moves no data */
			flag_rows(d, c, admin, "PSDT");
		flag_rows(d, c, admin, "FUSE");
	}
}

/* ---- NSID ---- */

enum nsid_kind { KIND_ZERO, KIND_PAST, KIND_LAST, KIND_ALL, KIND_INACTIVE, KIND_BIT, KIND_USED };

#define ALL_KINDS                                                                                  \
	(HOW(ZERO_AS_ONE) | HOW(PAST_AS_ONE) | HOW(ALL_AS_ONE) | HOW(INACTIVE_AS_ONE) | HOW(LOW) | \
	 HOW(IGNORED))

static const struct {
	const char *name;
	enum nsid_kind kind;
	unsigned bit;
} nsid_kinds[] = {
	{ "zero", KIND_ZERO, 0 },	  { "past-nn", KIND_PAST, 0 },
	{ "fffffffeh", KIND_LAST, 0 },	  { "broadcast", KIND_ALL, 0 },
	{ "inactive", KIND_INACTIVE, 0 }, { "plus-100h", KIND_BIT, 8 },
	{ "plus-10000h", KIND_BIT, 16 },  { "plus-80000000h", KIND_BIT, 31 },
};

/* The NSID of that kind; leaves as N/A where there is none. */
static uint32_t nsid_of(struct rig *r, const struct derived_row *row, uint32_t own)
{
	const struct facts *f = rig_facts(r);
	unsigned bit = nsid_kinds[row->value].bit;

	switch ((enum nsid_kind)row->kind) {
	case KIND_ZERO:
		return 0;
	case KIND_PAST:
		if (f->nn >= NSID_ALL - 1)
			rig_na(r, "NN is %08Xh: no NSID is past it", f->nn);
		return f->nn + 1;
	case KIND_LAST:
		return NSID_ALL - 1;
	case KIND_ALL:
		return NSID_ALL;
	case KIND_INACTIVE:
		if (!f->inactive_nsid)
			rig_na(r, "every valid NSID is active");
		return f->inactive_nsid;
	case KIND_BIT:
		if (own | 1u << bit && (own | 1u << bit) <= f->nn)
			rig_na(r, "NN is %08Xh: this NSID is a valid one", f->nn);
		return own | 1u << bit;
	case KIND_USED:
		break;
	}
	return own;
}

static void ask_nsid(struct rig *r)
{
	const struct derived_row *row = rig_row(r);
	struct cmd c = derived_base(r, row);
	uint32_t own = le32_get(c.sqe.nsid);

	/* of what is not there any error will do, and whether it must be is asked elsewhere */
	if (row->admin && c.sqe.opcode == nvme_admin_get_features &&
	    rig_admin(r, c).status == SC_INVALID_FIELD)
		rig_na(r, "no such feature");
	c.sqe.nsid = le32_from(nsid_of(r, row, own ? own : 1));
	derived_ask(r, row->admin, &c, false);
}

static void nsid_rows(struct derived *d, struct derived_row row)
{
	for (size_t i = 0; i < ARRAY_SIZE(nsid_kinds); i++) {
		row.kind = nsid_kinds[i].kind;
		row.value = i;
		row.needs = row.admin ? 0 : NEED_SQE; /* I/O goes to a namespace that is there */
		derived_row(d, row, "%s", nsid_kinds[i].name);
	}
}

static void nsid_case(struct derived *d, const struct spec_command *c, bool admin, int when,
		      const char *of)
{
	derived_case(d,
		     (struct rig_case){ .ref = REF_COMMON,
					.harm = harm_of(admin, c),
					.na = derived_na_of(c),
					.row_na = derived_row_na,
					.run = ask_nsid },
		     "%s.nsid%s%s", derived_slug(admin, c->opcode), *of ? "-of-" : "", of);
	derived_rule(d, "%s%s%s takes no NSID but that of an active namespace.", c->name,
		     *of ? " of " : "", of);
	if (derived_bends(d, admin, c->opcode, when, "NSID", ALL_KINDS))
		nsid_rows(d, (struct derived_row){ .command = c, .admin = admin, .when = when });
}

static const char *unused_na(const struct facts *f, const void *row)
{
	return f->vs < VS(2, 0, 0) ? "before 2.0 nobody has to look at an NSID that is not used"
				   : derived_row_na(f, row);
}

/* A "shall" since 2.2, and before a recommendation at most. */
static void ask_unused(struct rig *r)
{
	const struct derived_row *row = rig_row(r);
	struct cmd c = derived_base(r, row);

	c.sqe.nsid = le32_from((uint32_t)row->value);
	derived_ask(r, row->admin, &c, rig_facts(r)->vs < VS(2, 2, 0));
}

static void unused_case(struct derived *d, const struct spec_command *c)
{
	static const uint32_t values[] = { 1, 0x100, NSID_ALL - 1, NSID_ALL };

	derived_case(d,
		     (struct rig_case){
			     .ref = REF_COMMON, .row_na = unused_na, .run = ask_unused },
		     "%s.nsid-unused", derived_slug(true, c->opcode));
	derived_rule(d, "%s refuses an NSID: it uses none.", c->name);
	if (!derived_bends(d, true, c->opcode, BEND_ANY, "NSID", HOW(IGNORED)))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		derived_row(
			d,
			(struct derived_row){
				.command = c, .admin = true, .when = BEND_ANY, .value = values[i] },
			"%" PRIX32 "h", values[i]);
}

static const char *cns_id(uint8_t cns)
{
	static const char *const ids[] = {
		[0] = "namespace",     [2] = "active-list",	[3] = "descriptors",
		[5] = "csi-namespace", [7] = "csi-active-list", [8] = "common-namespace"
	};

	return cns < ARRAY_SIZE(ids) ? ids[cns] : NULL;
}

static void nsids(struct derived *d)
{
	const struct spec_command *c;
	bool admin;

	for (size_t i = 0; (c = derived_command(i, &admin)); i++) {
		if (c->nsid == NSID_ONE || c->nsid == NSID_ONE_OR_ALL)
			nsid_case(d, c, admin, BEND_ANY, "");
		if (c->nsid == NSID_UNUSED && admin)
			unused_case(d, c);
	}
	c = spec_command(true, nvme_admin_identify);
	for (const struct spec_cns *s = spec_cns_all; s->value.name; s++)
		if (s->nsid != CNS_NSID_UNUSED && cns_id((uint8_t)s->value.from))
			nsid_case(d, c, true, (int)s->value.from, cns_id((uint8_t)s->value.from));
	for (const struct spec_feature *f = spec_features; f->value.name; f++) {
		if (f->scope != SCOPE_NAMESPACE)
			continue;
		nsid_case(d, spec_command(true, nvme_admin_get_features), true, (int)f->value.from,
			  f->id);
		nsid_case(d, spec_command(true, nvme_admin_set_features), true, (int)f->value.from,
			  f->id);
	}
}

/* ---- commands and their claims ---- */

static const char *claim_na(const struct facts *f, const void *of)
{
	const struct derived_row *row = of;
	bool offered = !derived_row_na(f, row);

	return !offered && (row->admin || f->vs < row->command->since)
		       ? "not claimed, or VS is older"
		       : NULL;
}

/*
 * Sent with NSID FFFFFFFEh, where it uses one, so that nothing comes of it: it is known exactly
 * when something else than the opcode is wrong with it.
 */
static void ask_claim(struct rig *r)
{
	const struct derived_row *row = rig_row(r);
	struct ctrl *ctrl = rig_ctrl(r);
	bool offered = spec_offers(&ctrl->claims, row->command);
	struct cmd c =
		row->admin && offered ? derived_base(r, row) : cmd_raw(row->command->opcode, 0);
	char got[STATUS_TEXT];
	struct cpl cpl;

	if (!row->admin)
		c.sqe.nsid = le32_from(NSID_ALL - 1);
	cpl = row->admin ? rig_admin(r, c) : rig_io(r, rig_queue(r), c);
	if (offered)
		CHECK_TRUE(r, cpl.status != SC_INVALID_OPCODE, "%s is claimed, and known: %s",
			   row->command->name, status_text(cpl.status, got));
	else
		CHECK_TRUE(r, cpl.status != SC_SUCCESS, "%s is not claimed, and refused: %s",
			   row->command->name, status_text(cpl.status, got));
}

static void claims(struct derived *d)
{
	const struct spec_command *c;
	bool admin;

	for (size_t i = 0; (c = derived_command(i, &admin)); i++) {
		derived_case(d, (struct rig_case){ .ref = c->ref,
						  .row_na = claim_na,
						  .run = ask_claim },
			     "%s.claimed", derived_slug(admin, c->opcode));
		derived_rule(d, "%s is there where it is claimed, and not where it is not.",
			     c->name);
		if (derived_bends(d, admin, c->opcode, BEND_ANY, "", HOW(UNKNOWN)))
			derived_row(d,
				    (struct derived_row){
					    .command = c,
					    .admin = admin,
					    .when = BEND_ANY,
					    .needs = admin ? 0 : NEED_SQE },
				    "known");
	}
}

static const struct rig_case *derive(size_t *ret_n)
{
	static void (*const generators[])(struct derived * d) = {
		claims, reserved_values, reserved_in_features, offered_values, flags, nsids, NULL
	};

	return derived_make(generators, ret_n);
}

DERIVED_SUITE(derived_fields_suite, CONFORMANCE, "derived", derive);
