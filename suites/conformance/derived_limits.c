// SPDX-License-Identifier: GPL-2.0-or-later
/* Derived from the tables of commands and logs: ranges of blocks, offsets, identifiers, by edge. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "derived.h"
#include "io_area.h"
#include "queue_parts.h"
#include "spec/log.h"

#define GUARD 16u

/* ---- ranges of blocks ---- */

/* Where a range begins, against NSZE, and how long it is; `over`: bits that no namespace has. */
static const struct range_kind {
	const char *name;
	int64_t back; /* the range begins so many blocks before NSZE */
	uint32_t blocks;
	uint64_t over;
	unsigned wrap; /* the start is 2^64 minus so many */
} range_kinds[] = {
	{ "last", 1, 1, 0, 0 },
	{ "last-two", 2, 2, 0, 0 },
	{ "past", 0, 1, 0, 0 },
	{ "one-over", 1, 2, 0, 0 },
	{ "one-over-of-5", 4, 5, 0, 0 },
	{ "one-over-of-9", 8, 9, 0, 0 },
	{ "plus-2-32", 0, 1, 1ull << 32, 0 },
	{ "plus-2-48", 0, 1, 1ull << 48, 0 },
	{ "plus-2-52", 0, 1, 1ull << 52, 0 },
	{ "plus-2-55", 0, 1, 1ull << 55, 0 },
	{ "plus-2-63", 0, 1, 1ull << 63, 0 },
	{ "top", 0, 1, 0, 1 },
	{ "wraps-to-0", 0, 2, 0, 1 },
	{ "wraps-to-3", 0, 8, 0, 4 },
};

static const struct io_op *op_of(const struct derived_row *row)
{
	for (size_t i = 0; i < IO_OPS; i++)
		if (io_ops[i].opcode == row->command->opcode)
			return &io_ops[i];
	return NULL;
}

static uint64_t start_of(const struct range_kind *k, const struct facts_ns *ns)
{
	if (k->wrap)
		return 0 - (uint64_t)k->wrap;
	if (k->over)
		return k->over; /* its low bits are a good LBA: 0 */
	return ns->nsze - (uint64_t)k->back;
}

static void ask_range_of(struct rig *r, const struct derived_row *row, const struct facts_ns *ns)
{
	const struct range_kind *k = row->of;
	struct area *head = area_new(r, ns, 0, GUARD);
	struct area *tail = area_new(r, ns, ns->nsze - GUARD, GUARD);
	uint64_t lba = start_of(k, ns);
	struct cmd c;
	bool good = lba < ns->nsze && k->blocks <= ns->nsze - lba;

	if (k->over && k->over < ns->nsze)
		rig_na(r, "the namespace has more than %" PRIX64 "h blocks", k->over);
	if (k->blocks > io_most_blocks(head, op_of(row)))
		rig_na(r, "one command is of %u blocks at most", io_most_blocks(head, op_of(row)));
	c = io_cmd(r, op_of(row), ns, lba, k->blocks);
	if (row->command->opcode == nvme_cmd_compare && good)
		memcpy(c.data, tail->data + (size_t)(GUARD - k->back) * ns->lba_bytes, c.data_len);
	derived_ask(r, false, &c, false);
	if (good)
		area_stamp(tail); /* it may have been written, zeroed, marked */
	area_check(head, 0, 0);
	area_check(tail, 0, 0);
}

static void ask_range(struct rig *r)
{
	const struct derived_row *row = rig_row(r);
	const struct facts_ns *ns;

	if (!spec_offers(&rig_ctrl(r)->claims, row->command))
		rig_na(r, "%s: %s is 0, or VS is older", row->command->name,
		       spec_claim_name(row->command->claim));
	for (unsigned at = 0; (ns = rig_ns_next(r, &at));)
		ask_range_of(r, row, ns);
}

static void ranges(struct derived *d)
{
	const struct spec_command *c;
	bool admin;

	for (size_t i = 0; (c = derived_command(i, &admin)); i++) {
		if (admin || c->csi || !spec_field_of(c, "NLB"))
			continue;
		derived_case(
			d,
			(struct rig_case){ .ref = "NVM CS 1.0 Namespaces; NVM CS 1.0 LBA Out of "
						  "Range (Generic Command Status)",
					   .harm = HARM_DATA,
					   .run = ask_range },
			"%s.range", derived_slug(false, c->opcode));
		derived_rule(d,
			     "%s works up to the last block, refuses what goes past it, and harms "
			     "nothing.",
			     c->name);
		derived_bends(d, false, c->opcode, BEND_ANY, "SLBA", HOW(LOW) | HOW(PAST_END));
		derived_bends(d, false, c->opcode, BEND_ANY, "NLB", HOW(LOW));
		for (size_t k = 0; k < ARRAY_SIZE(range_kinds); k++)
			derived_row(d,
				    (struct derived_row){
					    .command = c, .when = BEND_ANY, .of = &range_kinds[k] },
				    "%s", range_kinds[k].name);
	}
}

/* ---- Copy: the destination, and the number of ranges ---- */

static void ask_copy(struct rig *r)
{
	const struct derived_row *row = rig_row(r);
	struct cmd c = derived_base(r, row);

	spec_field_put(row->field, &c.sqe, row->value);
	if (!strcmp(row->field->name, "SDLBA") && row->value < rig_ns(r)->nsze)
		rig_na(r, "the namespace has more than %" PRIX64 "h blocks", row->value);
	if (!strcmp(row->field->name, "NR")) {
		struct nvme_copy_range *list = rig_mem(r, 256 * sizeof(*list));

		for (unsigned i = 0; i <= row->value; i++)
			list[i].slba = le64_from(i);
		c.data = list;
		c.data_len = (row->value + 1) * sizeof(*list);
	}
	derived_ask(r, false, &c, false);
}

static void copies(struct derived *d)
{
	static const struct {
		const char *field;
		uint64_t values[4];
	} kinds[] = { { "SDLBA", { 1ull << 32, 1ull << 48, 1ull << 63, ~0ull } },
		      { "NR", { 0, 1, 0x7f, 0xff } } };
	const struct spec_command *c = spec_command(false, nvme_cmd_copy);

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		derived_case(d,
			     (struct rig_case){ .ref = "NVM CS 1.0 Copy command",
						.harm = HARM_DATA,
						.run = ask_copy },
			     "copy.%s", i ? "nr" : "sdlba");
		derived_rule(d, "Copy refuses a %s past what there is.", kinds[i].field);
		derived_bends(d, false, c->opcode, BEND_ANY, kinds[i].field, HOW(LOW));
		for (size_t k = 0; k < 4; k++)
			derived_row(d,
				    (struct derived_row){ .command = c,
							  .when = BEND_ANY,
							  .field = spec_field_of(c, kinds[i].field),
							  .value = kinds[i].values[k] },
				    "%" PRIX64 "h", kinds[i].values[k]);
	}
}

/* ---- offsets of log pages ---- */

/* From the start, from the end, or a width that is looked at too narrowly. */
static const struct offset_kind {
	const char *name;
	int64_t of_end; /* added to the bytes of the page, where `from_end` */
	uint64_t at;
	bool from_end;
} offset_kinds[] = {
	{ "0h", 0, 0, false },
	{ "100h", 0, 0x100, false },
	{ "last-dword", -4, 0, true },
	{ "end", 0, 0, true },
	{ "past-end", 4, 0, true },
	{ "past-end-4k", 4096, 0, true },
	{ "plus-2-16", 0, 1ull << 16, false },
	{ "plus-2-32", 0, 1ull << 32, false },
	{ "plus-2-48", 0, 1ull << 48, false },
	{ "plus-2-63", 0, 1ull << 63, false },
	{ "top", 0, ~3ull, false },
};

static uint64_t offset_of(const struct offset_kind *k, uint64_t bytes)
{
	return k->from_end ? bytes + (uint64_t)k->of_end : k->at;
}

/* What an offset leads to is what stands there when all of it is read. */
static void check_part(struct rig *r, const struct derived_row *row, uint64_t lpo, const void *part)
{
	const struct spec_log *log = row->of;
	uint8_t *all = rig_mem(r, log->bytes);

	rig_admin_ok(r, cmd_get_log((uint8_t)row->when, NSID_ALL, 0, all, log->bytes));
	CHECK_MEM(r, "four bytes of the page, read alone", part, all + lpo, 4);
}

static void ask_offset(struct rig *r)
{
	const struct derived_row *row = rig_row(r);
	const struct spec_ctrl *claims = &rig_ctrl(r)->claims;
	const struct spec_log *log = row->of;
	const struct spec_field *lid = spec_field_of(row->command, "LID");
	uint64_t lpo = offset_of(&offset_kinds[row->kind], log->bytes);
	const struct spec_value *value;
	uint8_t part[4];
	struct cmd c = cmd_get_log((uint8_t)row->when, NSID_ALL, lpo, part, sizeof(part));

	if (!spec_has(claims, CLAIM_LPA_EXTENDED))
		rig_na(r, "LPA bit 2 is 0: no offsets");
	if (spec_field_say(claims, lid, log->value.from, &value) != SAY_LEGAL)
		rig_na(r, "LID %02Xh: not claimed, or VS is older", row->when);
	c.sqe.cdw10 = le32_from(le32_get(c.sqe.cdw10) | 1u << 15); /* RAE */
	if (derived_ask(r, true, &c, false).status == SC_SUCCESS && lpo < log->bytes &&
	    log->value.from != NVME_LOG_LID_SMART)
		check_part(r, row, lpo, part);
}

static void offsets(struct derived *d)
{
	const struct spec_command *c = spec_command(true, nvme_admin_get_log_page);

	for (const struct spec_log *l = spec_logs; l->value.name; l++) {
		int lid = (int)l->value.from;

		if (!l->bytes)
			continue;
		derived_case(
			d,
			(struct rig_case){ .ref = "Base 2.0 Get Log Page command (Log Page Offset)",
					   .run = ask_offset },
			"log.%s.offset", l->id);
		derived_rule(d, "%s is read from any offset up to its end, and from none past it.",
			     l->value.name);
		if (!derived_bends(d, true, c->opcode, lid, "LPO", HOW(LOW) | HOW(PAST_END)))
			continue;
		for (unsigned k = 0; k < ARRAY_SIZE(offset_kinds); k++)
			derived_row(d,
				    (struct derived_row){ .command = c,
							  .admin = true,
							  .when = lid,
							  .kind = k,
							  .of = l },
				    "%s", offset_kinds[k].name);
	}
}

/* ---- lengths of log pages ---- */

/* A length that is legal in the bits that are looked at, and past MDTS in all of them. */
static void ask_length(struct rig *r)
{
	const struct derived_row *row = rig_row(r);
	struct cmd c = derived_base(r, row);
	uint64_t mdts = spec_mdts(&rig_ctrl(r)->claims);
	uint64_t numd = spec_field_get(row->field, &c.sqe) + row->value;

	if (!spec_has(&rig_ctrl(r)->claims, CLAIM_LPA_EXTENDED))
		rig_na(r, "LPA bit 2 is 0: NUMDU is reserved");
	if (!mdts || (numd + 1) * 4 <= mdts)
		rig_na(r, "MDTS allows %" PRIu64 " bytes", mdts);
	spec_field_put(row->field, &c.sqe, numd);
	derived_ask(r, true, &c, false);
}

static void lengths(struct derived *d)
{
	static const struct {
		const char *name;
		uint64_t more;
	} values[] = { { "plus-2-16", 1ull << 16 },
		       { "plus-2-24", 1ull << 24 },
		       { "plus-2-30", 1ull << 30 },
		       { "plus-2-31", 1ull << 31 } };
	const struct spec_command *c = spec_command(true, nvme_admin_get_log_page);

	derived_case(d,
		     (struct rig_case){ .ref = "Base 2.0 Get Log Page command (Number of Dwords); "
					       "Base 2.0 Identify Controller data structure (MDTS)",
					.run = ask_length },
		     "get-log.numd");
	derived_rule(d, "Get Log Page refuses a length past MDTS, in every bit of it.");
	derived_bends(d, true, c->opcode, BEND_ANY, "NUMD", HOW(LOW));
	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		derived_row(d,
			    (struct derived_row){ .command = c,
						  .admin = true,
						  .when = BEND_ANY,
						  .field = spec_field_of(c, "NUMD"),
						  .value = values[i].more },
			    "%s", values[i].name);
}

/* ---- identifiers of queues ---- */

static void ask_identifier(struct rig *r)
{
	const struct derived_row *row = rig_row(r);
	struct cmd c = derived_base(r, row);
	unsigned vectors = rig_facts(r)->caps.vectors;

	if (!strcmp(row->field->name, "IV")) {
		if (vectors > row->value)
			rig_na(r, "%u vectors: this one is there", vectors);
		if (!vectors)
			rig_na(r, "the number of vectors is not known");
		c.sqe.cdw11 = le32_from(le32_get(c.sqe.cdw11) | 2); /* IEN */
	} else if (rig_queue_count(r) >= row->value) {
		rig_na(r, "%u queues are allocated: this one is there", rig_queue_count(r));
	}
	spec_field_put(row->field, &c.sqe, row->value);
	derived_ask(r, true, &c, false);
}

static void identifiers(struct derived *d)
{
	static const uint16_t values[] = { 0x100, 0x101, 0x8001, 0xff01, 0xffff };
	const struct spec_command *c;
	bool admin;

	for (size_t i = 0; (c = derived_command(i, &admin)); i++)
		for (const struct spec_field *f = admin ? c->fields : NULL; f && f->name; f++) {
			bool vector = !strcmp(f->name, "IV");

			if (!vector && strcmp(f->name, "QID") && strcmp(f->name, "CQID"))
				continue;
			derived_case(d, (struct rig_case){ .ref = c->ref, .run = ask_identifier },
				     "%s.%s", derived_slug(admin, c->opcode),
				     vector			? "iv"
				     : !strcmp(f->name, "CQID") ? "cqid"
								: "qid");
			derived_rule(
				d,
				"%s refuses a %s that is past what there is, in every bit of it.",
				c->name, f->name);
			if (!derived_bends(d, admin, c->opcode, BEND_ANY, f->name, HOW(LOW)))
				continue;
			for (size_t k = 0; k < ARRAY_SIZE(values); k++)
				derived_row(d,
					    (struct derived_row){ .command = c,
								  .admin = true,
								  .when = BEND_ANY,
								  .field = f,
								  .value = values[k] },
					    "%Xh", values[k]);
		}
}

static const struct rig_case *derive(size_t *ret_n)
{
	static void (*const generators[])(struct derived * d) = { ranges,  copies,	offsets,
								  lengths, identifiers, NULL };

	return derived_make(generators, ret_n);
}

DERIVED_SUITE(derived_limits_suite, CONFORMANCE, "derived", derive);
