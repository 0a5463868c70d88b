// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What is derived from the table of commands, on every kind of namespace that there is: with
 * metadata of each layout, with protection information, zoned; and in each LBA format that Format
 * NVM can give one.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "derived.h"
#include "format_op.h"
#include "io_area.h"
#include "pi_bench.h"

#define BLOCKS 2u

/* Where a range begins that cannot be: against NSZE, or bits that no namespace has. */
static const struct edge {
	int64_t back; /* so many blocks before NSZE */
	uint32_t blocks;
	uint64_t over;
} edges[] = {
	{ 0, 1, 0 },	      { 1, 2, 0 },	    { 0, 2, 0 },
	{ 0, 1, 1ull << 32 }, { 0, 1, 1ull << 48 }, { 0, 1, 1ull << 52 },
	{ 0, 1, 1ull << 63 }, { 1, 1, 0 - 1ull },   { 1, 2, 0 - 1ull },
};

struct kind {
	struct rig *r;
	const struct facts_ns *ns;
	struct pi_bench *b; /* NULL: of a zoned namespace */
	const struct spec_command *command;
	bool formatted; /* in the case: the oracle does not know what it is now */
	unsigned asked;
};

static const struct io_op *op_of(const struct spec_command *c)
{
	for (size_t i = 0; i < IO_OPS; i++)
		if (io_ops[i].opcode == c->opcode)
			return &io_ops[i];
	return NULL;
}

/* The command on so many blocks from the first of the bench on, wrong in nothing. */
static struct cmd base(struct kind *k, uint32_t blocks)
{
	struct pi_io io;

	if (!k->b)
		return io_cmd(k->r, op_of(k->command), k->ns, 0, blocks);
	io = pi_io(k->b, k->command->opcode, 0);
	io.blocks = blocks;
	return pi_command(k->b, io);
}

/* It is refused, unless the text leaves it open, or allows it. */
static void refused(struct kind *k, const struct cmd *c)
{
	struct oracle_answer answer;

	derived_judge(k->r, false, c, &answer);
	if (answer.open || answer.success)
		return;
	derived_ask(k->r, false, c, false);
	k->asked++;
}

static void past_end(struct kind *k, const struct cmd *c)
{
	char name[24], what[96];

	if (!k->formatted) {
		refused(k, c);
		return;
	}
	snprintf(what, sizeof(what), "%s past the end: status",
		 cmd_name(false, c->sqe.opcode, name));
	if (k->ns->id.nsfeat & 1)
		CHECK_STATUS_OF(k->r, pi_says(k->b, "%s", what), rig_io(k->r, k->b->q, *c),
				SC_LBA_OUT_OF_RANGE, SC_CAPACITY_EXCEEDED);
	else
		CHECK_STATUS_OF(k->r, pi_says(k->b, "%s", what), rig_io(k->r, k->b->q, *c),
				SC_LBA_OUT_OF_RANGE);
}

static void ask_edges(struct kind *k)
{
	const struct spec_field *slba = spec_field_of(k->command, "SLBA");

	for (size_t i = 0; i < ARRAY_SIZE(edges); i++) {
		const struct edge *e = &edges[i];
		uint64_t lba = e->over ? e->over : k->ns->nsze - (uint64_t)e->back;
		bool there = lba < k->ns->nsze && e->blocks <= k->ns->nsze - lba;
		struct cmd c;

		if (there || (k->b && e->blocks > k->b->blocks))
			continue;
		c = base(k, e->blocks);
		spec_field_put(slba, &c.sqe, lba);
		past_end(k, &c);
	}
}

/* PSDT 01b and 10b are SGLs, where there are any; a half of a fused operation may wait. */
static void ask_flags(struct kind *k)
{
	static const uint8_t flags[] = { 1 << 6, 2 << 6, 3 << 6, 3 };
	bool sgls = spec_has(&rig_ctrl(k->r)->claims, CLAIM_SGLS);

	for (size_t i = sgls ? 2 : 0; i < sizeof(flags); i++) {
		struct cmd c = base(k, 1);

		c.sqe.flags |= flags[i];
		refused(k, &c);
	}
}

static void ask_command(struct kind *k, const struct spec_command *command)
{
	k->command = command;
	if (!io_supported(k->r, op_of(command)))
		return;
	ask_edges(k);
	ask_flags(k);
}

/* What is stored on the blocks of the bench is what was. */
static void check_unharmed(struct kind *k, const uint8_t *data, const uint8_t *meta)
{
	if (!pi_load(k->b))
		return;
	CHECK_MEM(k->r, pi_says(k->b, "its data"), k->b->data, data,
		  (size_t)k->b->blocks * k->b->s.lba_bytes);
	if (k->b->s.ms)
		CHECK_MEM(k->r, pi_says(k->b, "its metadata"), k->b->meta, meta,
			  (size_t)k->b->blocks * k->b->s.ms);
}

static void ask_plain(struct kind *k, const struct facts_ns *ns, const struct spec_command *command)
{
	const uint8_t *data, *meta;

	k->ns = ns;
	k->b = pi_bench_new(k->r, ns, BLOCKS);
	pi_fill(k->b);
	pi_store(k->b);
	data = pi_copy_data(k->b);
	meta = pi_copy_meta(k->b);
	ask_command(k, command);
	check_unharmed(k, data, meta);
}

static void ask_zoned(struct kind *k, const struct spec_command *command)
{
	const struct facts *f = rig_facts(k->r);
	const struct facts_ns *ns;

	k->b = NULL;
	for (unsigned at = 0; f->has_zoned && (ns = rig_zoned_next(k->r, &at));) {
		k->ns = ns;
		ask_command(k, command);
	}
}

static void ask_kinds(struct rig *r)
{
	const struct derived_row *row = rig_row(r);
	struct kind k = { .r = r };
	const struct facts_ns *ns;

	for (unsigned at = 0; (ns = rig_ns_that(r, &at, format_any_ns));)
		ask_plain(&k, ns, row->command);
	ask_zoned(&k, row->command);
	if (!k.asked)
		rig_na(r, "no namespace that may be asked");
}

static void kinds(struct derived *d)
{
	const struct spec_command *c;
	bool admin;

	derived_case(d,
		     (struct rig_case){ .ref = "NVM CS 1.0 Namespaces; NVM CS 1.0 LBA Out of Range "
					       "(Generic Command Status); Base 2.2 Common Command "
					       "Format",
					.needs = NEED_SQE,
					.harm = HARM_DATA,
					.row_na = derived_row_na,
					.fault = "bend-write-past-end-metadata "
						 "bend-read-past-end-metadata "
						 "bend-verify-past-end-metadata "
						 "bend-read-past-end-zoned",
					.run = ask_kinds },
		     "kinds.edges");
	derived_rule(d, "On a namespace of any kind a command refuses what lies past the end, and "
			"flags that it has no use for, and harms nothing.");
	for (size_t i = 0; (c = derived_command(i, &admin)); i++)
		if (!admin && !c->csi && spec_field_of(c, "NLB"))
			derived_row(d, (struct derived_row){ .command = c, .when = BEND_ANY }, "%s",
				    derived_slug(false, c->opcode));
}

/* ---- each format ---- */

/* One command, wrong in nothing: done, or what Compare says of other data. */
static void done(struct pi_bench *b, uint8_t opcode, uint16_t want)
{
	if (pi_has_command(b->r, opcode))
		CHECK_STATUS_OF(b->r, pi_says(b, "opcode %02Xh: status", opcode),
				pi_run(b, pi_io(b, opcode, 0)), want);
}

/* Data and metadata are stored, found equal, and no longer once one byte is another. */
static void ask_format(struct kind *k)
{
	const struct spec_command *c;
	const uint8_t *data, *meta;
	bool admin;

	pi_fill(k->b);
	pi_store(k->b);
	data = pi_copy_data(k->b);
	meta = pi_copy_meta(k->b);
	done(k->b, nvme_cmd_compare, SC_SUCCESS);
	done(k->b, nvme_cmd_verify, SC_SUCCESS);
	pi_data(k->b, 0)[0] ^= 1;
	done(k->b, nvme_cmd_compare, SC_COMPARE_FAILURE);
	for (size_t i = 0; (c = derived_command(i, &admin)); i++)
		if (!admin && !c->csi && spec_field_of(c, "NLB"))
			ask_command(k, c);
	check_unharmed(k, data, meta);
	done(k->b, nvme_cmd_write_zeroes, SC_SUCCESS);
}

static void ask_each_format(struct rig *r)
{
	struct kind k = { .r = r, .formatted = true };
	unsigned at = 0;
	const struct facts_ns *ns = format_next_ns(r, &at);
	struct nvme_id_ns id;

	format_keep_all(r);
	rig_id_ns(r, ns->nsid, &id);
	for (unsigned i = 0; i < format_count(&id) && i < ARRAY_SIZE(id.lbaf); i++) {
		bool separate = id.mc >> 1 & 1;
		uint32_t bits = cmd_format_index(i) | (separate ? 0 : FORMAT_MSET);
		char what[64];

		if (!id.lbaf[i].ds)
			continue;
		snprintf(what, sizeof(what), "Format, Dword 10 %Xh: status", bits);
		if (!CHECK_STATUS_OF(r, what, rig_admin(r, cmd_format(ns->nsid, bits)), SC_SUCCESS))
			continue;
		k.ns = rig_ns_now(r, ns->nsid);
		k.b = pi_bench_new(r, k.ns, BLOCKS);
		ask_format(&k);
	}
}

static void formats(struct derived *d)
{
	derived_case(d,
		     (struct rig_case){ .ref = "NVM CS 1.0 Identify Namespace data structure (LBA "
					       "Format); NVM CS 1.0 Format NVM command; NVM CS 1.0 "
					       "Namespaces",
					.needs = NEED_SQE,
					.harm = HARM_WEAR,
					.na = format_na,
					.fault = "bend-write-past-end-metadata bend-read-past-end",
					.run = ask_each_format },
		     "kinds.formats");
	derived_rule(d, "In each LBA format blocks and metadata are written, read and compared, "
			"and what lies past the end is refused.");
	derived_row(d, (struct derived_row){ .when = BEND_ANY }, "each");
}

static const struct rig_case *derive(size_t *ret_n)
{
	static void (*const generators[])(struct derived * d) = { kinds, formats, NULL };

	return derived_make(generators, ret_n);
}

DERIVED_SUITE(derived_kind_suite, CONFORMANCE, "derived", derive);
