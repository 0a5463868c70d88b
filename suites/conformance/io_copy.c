// SPDX-License-Identifier: GPL-2.0-or-later
/* Copy, descriptor format 0h. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "io_area.h"

#define FIRST  64u /* the sources begin here; the destination lies behind them */
#define GUARD  8u
#define RANGES 256u

static const char *na_copy(const struct facts *f)
{
	uint16_t oncs = le16_get(f->id.oncs);

	return oncs & NVME_CTRL_ONCS_COPY ? NULL : rig_na_text("ONCS is %04Xh: no Copy", oncs);
}

/* A list of ranges, one source area, one destination with guards around it. */
struct copy {
	struct rig *r;
	const struct facts_ns *ns;
	struct area *from, *to; /* `to` has GUARD blocks more before and behind */
	struct nvme_copy_range *list;
	unsigned n;
	uint32_t total;
};

static uint32_t max_range(const struct facts_ns *ns)
{
	return le16_get(ns->id.mssrl);
}

static uint32_t max_total(const struct facts_ns *ns)
{
	return le32_get(ns->id.mcl);
}

/* Of a namespace that QEMU's controller has in itself both are 0. */
static void need_ranges(struct rig *r)
{
	if (!max_range(rig_ns(r)) || !max_total(rig_ns(r)))
		rig_na(r, "MSSRL is %u, MCL %u: no range is short enough", max_range(rig_ns(r)),
		       max_total(rig_ns(r)));
}

static struct copy *copy_new(struct rig *r, uint32_t source_blocks, uint32_t room)
{
	struct copy *c = rig_mem(r, sizeof(*c));
	uint64_t behind = FIRST + source_blocks;

	c->r = r;
	c->ns = rig_ns(r);
	if (behind + room + 2 * GUARD > c->ns->nsze)
		rig_na(r, "a namespace of %" PRIu64 " blocks is too small", c->ns->nsze);
	c->from = area_new(r, c->ns, FIRST, source_blocks);
	c->to = area_new(r, c->ns, behind, room + 2 * GUARD);
	c->list = rig_mem(r, RANGES * sizeof(*c->list));
	return c;
}

static void add_range(struct copy *c, uint64_t lba, uint32_t blocks)
{
	c->list[c->n].slba = le64_from(lba);
	c->list[c->n++].nlb = le16_from((uint16_t)(blocks - 1));
	c->total += blocks;
}

static struct cpl copy_run(struct copy *c, unsigned format)
{
	uint64_t to = c->to->lba + GUARD;
	struct cmd cmd = cmd_raw(nvme_cmd_copy, c->ns->nsid);

	cmd.sqe.cdw10 = le32_from((uint32_t)to);
	cmd.sqe.cdw11 = le32_from((uint32_t)(to >> 32));
	cmd.sqe.cdw12 = le32_from((c->n - 1) | format << 8);
	cmd.dir = CMD_OUT;
	cmd.data = c->list;
	cmd.data_len = c->n * sizeof(*c->list);
	return rig_io(c->r, c->from->q, cmd);
}

/* The destination holds the ranges in the order of the list; nothing else changed. */
static void check_copied(struct copy *c)
{
	uint32_t size = c->ns->lba_bytes, at = GUARD;

	area_read(c->to);
	CHECK_STAMP(c->r, c->to->data, c->to->lba, GUARD, size, c->to->tag);
	for (unsigned i = 0; i < c->n; i++) {
		uint32_t blocks = le16_get(c->list[i].nlb) + 1u;

		CHECK_STAMP(c->r, c->to->data + (size_t)at * size, le64_get(c->list[i].slba),
			    blocks, size, c->from->tag);
		at += blocks;
	}
	CHECK_STAMP(c->r, c->to->data + (size_t)at * size, c->to->lba + at, c->to->blocks - at,
		    size, c->to->tag);
	area_check(c->from, 0, 0);
}

/* ---- copy ---- */

static const struct count_row {
	const char *name;
	unsigned ranges; /* 0: as many as there may be */
	bool fails;
} counts[] = {
	{ "1", 1, false },    { "2", 2, false },     { "5", 5, false },
	{ "most", 0, false }, { "failed", 3, true },
};

/* Ranges of any length at any place in the source, as long as the limits last. */
static void choose_ranges(struct copy *c, unsigned n)
{
	uint32_t most = max_range(c->ns) < 16 ? max_range(c->ns) : 16;

	while (c->n < n && c->total < max_total(c->ns)) {
		uint32_t left = max_total(c->ns) - c->total, fair = left / (n - c->n);
		uint32_t len = fair < most ? fair : most;

		len = 1 + (uint32_t)rig_rand_below(c->r, len ? len : 1);
		add_range(c, c->from->lba + rig_rand_below(c->r, c->from->blocks - len + 1), len);
	}
}

/* Of three ranges the second lies past the end: Dword 0 tells how far it came. */
static void failed_range(struct rig *r)
{
	struct copy *c = copy_new(r, 16 + 2 * GUARD, 16);
	struct cpl cpl;

	if (c->ns->id.msrc < 2 || max_total(c->ns) < 6)
		rig_na(r, "MSRC is %u, MCL %u: no three ranges", c->ns->id.msrc, max_total(c->ns));
	add_range(c, c->from->lba, 2);
	add_range(c, c->ns->nsze, 2);
	add_range(c, c->from->lba + 4, 2);
	cpl = copy_run(c, 0);
	CHECK_ERROR(r, cpl);
	area_read(c->to);
	CHECK_STAMP(r, c->to->data, c->to->lba, GUARD, c->ns->lba_bytes, c->to->tag);
	rig_stamp(c->from->data, c->to->lba, c->to->blocks, c->ns->lba_bytes, c->to->tag);
	if (!memcmp(c->from->data, c->to->data, (size_t)16 * c->ns->lba_bytes))
		CHECK_EQ(r, "Dword 0 of a Copy that wrote nothing", cpl.dw0, 0);
	else
		CHECK_LE(r, "Dword 0: lowest range that was not copied", cpl.dw0, 1);
	area_check(c->from, 0, 0);
}

static void copy_ranges(struct rig *r)
{
	const struct count_row *row = rig_row(r);
	const struct facts_ns *ns = rig_ns(r);
	unsigned most = ns->id.msrc + 1u, n = row->ranges ? row->ranges : most;
	struct copy *c;

	need_ranges(r);
	if (row->fails) {
		failed_range(r);
		return;
	}
	if (n > most)
		rig_na(r, "MSRC is %u: no %u ranges", ns->id.msrc, n);
	c = copy_new(r, 64, 16 * n);
	for (uint64_t times = rig_pick(r, 2, 6, 500); times; times--) {
		c->n = c->total = 0;
		area_stamp(c->from);
		area_stamp(c->to);
		choose_ranges(c, n);
		CHECK_STATUS(r, copy_run(c, 0), SC_SUCCESS);
		check_copied(c);
	}
}

/* ---- copy-limits ---- */

static void too_many_ranges(struct rig *r)
{
	unsigned n = rig_ns(r)->id.msrc + 2u;
	struct copy *c = copy_new(r, 16, RANGES);

	if (n > RANGES || n > max_total(c->ns))
		rig_na(r, "MSRC is %u, MCL %u: one range more is no error of its own", n - 2,
		       max_total(c->ns));
	while (c->n < n)
		add_range(c, c->from->lba, 1);
	CHECK_STATUS(r, copy_run(c, 0), SC_COMMAND_SIZE_LIMIT);
	area_check(c->to, 0, 0);
}

/* A range of MSSRL blocks works; one whose NLB, which counts from 0, is above it does not. */
static void long_range(struct rig *r)
{
	uint32_t most = max_range(rig_ns(r));
	struct copy *c;

	need_ranges(r);
	if (most > max_total(rig_ns(r)) || most > 4096)
		rig_na(r, "MSSRL is %u, MCL %u: too long to be tried", most, max_total(rig_ns(r)));
	c = copy_new(r, most + 2, most + 2);
	add_range(c, c->from->lba, most);
	CHECK_STATUS(r, copy_run(c, 0), SC_SUCCESS);
	check_copied(c);
	area_stamp(c->to);
	c->n = 0;
	add_range(c, c->from->lba, most + 2);
	CHECK_STATUS(r, copy_run(c, 0), SC_COMMAND_SIZE_LIMIT);
	area_check(c->to, 0, 0);
}

/* MCL blocks in ranges of MSSRL at most; then another such range, so that even the sum of NLB as it
 * stands, counted from 0, is above MCL. */
static void long_total(struct rig *r)
{
	uint32_t most = max_range(rig_ns(r)), total = max_total(rig_ns(r)), left;
	struct copy *c;

	if (!most || total > 4096 || total / most + 2 > rig_ns(r)->id.msrc + 1u ||
	    most <= total / most + 2)
		rig_na(r, "MSSRL %u, MCL %u, MSRC %u: no Copy breaks MCL alone", most, total,
		       rig_ns(r)->id.msrc);
	c = copy_new(r, most, total + most);
	for (left = total; left; left -= left < most ? left : most)
		add_range(c, c->from->lba, left < most ? left : most);
	CHECK_STATUS(r, copy_run(c, 0), SC_SUCCESS);
	check_copied(c);
	area_stamp(c->to);
	add_range(c, c->from->lba, most);
	CHECK_STATUS(r, copy_run(c, 0), SC_COMMAND_SIZE_LIMIT);
	area_check(c->to, 0, 0);
}

/* The highest descriptor format that OCFS does not claim. */
static void bad_format(struct rig *r)
{
	uint16_t ocfs = le16_get(rig_facts(r)->id.ocfs);
	unsigned format = 15;
	struct copy *c = copy_new(r, 16, 16);

	while (format && (ocfs >> format & 1))
		format--;
	if (!format)
		rig_na(r, "OCFS is %04Xh: every format is supported", ocfs);
	add_range(c, c->from->lba, 1);
	CHECK_STATUS(r, copy_run(c, format), SC_INVALID_FIELD);
	area_check(c->to, 0, 0);
}

static const struct limit_row {
	const char *name;
	void (*ask)(struct rig *r);
} limits[] = { { "ranges", too_many_ranges },
	       { "range-length", long_range },
	       { "total-length", long_total },
	       { "format", bad_format } };

static void copy_limits(struct rig *r)
{
	const struct limit_row *row = rig_row(r);

	row->ask(r);
}

static const struct rig_case cases[] = {
	{ .id = "copy",
	  .rule = "Copy puts its ranges one behind the other at the destination and changes "
		  "nothing else; when it fails Dword 0 tells where.",
	  .ref = "NVM CS 1.0 Copy command",
	  .needs = NEED_COMMAND,
	  .harm = HARM_DATA,
	  .fault = "copy-ranges-reversed copy-failed-dw0",
	  .na = na_copy,
	  .run = copy_ranges,
	  ROWS(counts) },
	{ .id = "copy-limits",
	  .rule = "Up to MSRC, MSSRL and MCL a Copy works, beyond them and with an unknown format "
		  "it fails.",
	  .ref = "NVM CS 1.0 Copy command",
	  .needs = NEED_COMMAND,
	  .harm = HARM_DATA,
	  .fault = "copy-limits-unchecked copy-format-unchecked",
	  .na = na_copy,
	  .run = copy_limits,
	  ROWS(limits) },
};

SUITE(io_copy_suite, CONFORMANCE, "io", cases);
