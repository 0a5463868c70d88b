// SPDX-License-Identifier: GPL-2.0-or-later
/* Metadata as such: how they move, and that PRINFO means nothing without protection information. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "pi_bench.h"

/* Random metadata all over: no check is asked for, so none can fail. */
static void fill_metadata(struct pi_bench *b)
{
	pi_fill(b);
	for (size_t i = 0; i < (size_t)b->blocks * b->s.ms; i++)
		b->meta[i] = (uint8_t)rig_rand(b->r);
}

struct image {
	uint8_t *data, *meta;
};

static struct image keep(struct pi_bench *b)
{
	size_t data = (size_t)b->blocks * b->s.lba_bytes, meta = (size_t)b->blocks * b->s.ms;
	struct image im = { rig_mem(b->r, data), rig_mem(b->r, meta + 1) };

	memcpy(im.data, b->data, data);
	memcpy(im.meta, b->meta, meta);
	return im;
}

static void check_image(struct pi_bench *b, struct image want, uint32_t from, uint32_t blocks)
{
	size_t data = b->s.lba_bytes, meta = b->s.ms;

	CHECK_MEM(b->r, pi_says(b, "data of %u blocks from %u on", blocks, from), pi_data(b, from),
		  want.data + from * data, blocks * data);
	if (meta)
		CHECK_MEM(b->r, pi_says(b, "metadata of %u blocks from %u on", blocks, from),
			  pi_meta(b, from), want.meta + from * meta, blocks * meta);
}

/* ---- round trips ---- */

/* New content for blocks in the middle alone; the others keep theirs, data and metadata. */
static void rewrite_middle(struct pi_bench *b, struct image *all)
{
	struct pi_io io = pi_io(b, nvme_cmd_write, 0);
	uint32_t from = b->blocks / 4, n = (b->blocks + 1) / 2;

	fill_metadata(b);
	memcpy(all->data + (size_t)from * b->s.lba_bytes, pi_data(b, from),
	       (size_t)n * b->s.lba_bytes);
	memcpy(all->meta + (size_t)from * b->s.ms, pi_meta(b, from), (size_t)n * b->s.ms);
	io.from = from;
	io.blocks = n;
	CHECK_STATUS_OF(b->r, pi_says(b, "Write of %u blocks: status", n), pi_run(b, io),
			SC_SUCCESS);
}

static void one_by_one(struct pi_bench *b, struct image want)
{
	memset(b->meta, 0xee, (size_t)b->blocks * b->s.ms);
	for (uint32_t i = 0; i < b->blocks; i++) {
		CHECK_STATUS_OF(b->r, pi_says(b, "Read of block %u: status", i),
				pi_run(b, pi_io_one(b, nvme_cmd_read, 0, i)), SC_SUCCESS);
		check_image(b, want, i, 1);
	}
}

static void round_trip(struct pi_bench *b)
{
	static const size_t skews[] = { 0, 4, 4096 - 8 }; /* the last crosses a page */

	for (size_t i = 0; i < ARRAY_SIZE(skews); i++) {
		struct image want;

		b->skew = b->separate ? skews[i] : 0;
		fill_metadata(b);
		want = keep(b);
		CHECK_STATUS_OF(b->r, pi_says(b, "Write: status"),
				pi_run(b, pi_io(b, nvme_cmd_write, 0)), SC_SUCCESS);
		if (pi_load(b))
			check_image(b, want, 0, b->blocks);
		rewrite_middle(b, &want);
		one_by_one(b, want);
	}
}

/* ---- MDTS ---- */

static const uint8_t sized[] = { nvme_cmd_write, nvme_cmd_read };

/* As many blocks as MDTS allows move, and one more does not, where that is what MDTS says. */
static void mdts(struct pi_bench *b)
{
	uint32_t most = pi_most_blocks(b->r, b->ns);

	if (most >= 65536 || b->lba + most + 1 > b->ns->nsze) {
		pi_skip(b, "MDTS is out of reach");
		return;
	}
	b = pi_bench_new(b->r, b->ns, most);
	fill_metadata(b);
	for (size_t i = 0; i < ARRAY_SIZE(sized); i++)
		CHECK_STATUS_OF(b->r, pi_says(b, "%u blocks, as MDTS has it: status", most),
				pi_run(b, pi_io(b, sized[i], 0)), SC_SUCCESS);
}

/* The buffer has room for one block more; what is refused must not move. */
static void ask_too_long(struct pi_bench *b, uint8_t opcode, uint32_t blocks)
{
	size_t block = b->s.lba_bytes + (b->extended ? b->s.ms : 0u), len = block * blocks;
	struct cmd c = cmd_read(b->ns->nsid, b->lba, blocks, NULL, len);
	struct buf *buf = rig_buf(b->r, len);
	uint8_t *before = rig_mem(b->r, len);

	c.sqe.opcode = opcode;
	rig_prp(b->r, &c, buf, 0, len);
	memcpy(before, buf->data, len);
	CHECK_STATUS_OF(b->r, pi_says(b, "%u blocks, one past MDTS: status", blocks),
			rig_io(b->r, b->q, c), SC_INVALID_FIELD);
	check_untouched(b->r, CHECK_SITE(0, 0), buf, before, 0, 0);
}

static void past_mdts(struct pi_bench *b)
{
	uint32_t most = pi_most_blocks(b->r, b->ns);

	if (most >= 65536 || b->lba + most + 1 > b->ns->nsze) {
		pi_skip(b, "MDTS is out of reach");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(sized); i++)
		ask_too_long(b, sized[i], most + 1);
}

/* ---- the Metadata Pointer ---- */

/* Low bits set: an error, or as if they were 0. */
static void unaligned(struct pi_bench *b)
{
	for (size_t low = 1; low < 4; low++) {
		struct image want;
		struct cpl cpl;

		fill_metadata(b);
		pi_store(b);
		want = keep(b);
		b->skew = low;
		memset(b->meta, 0xee, (size_t)b->blocks * b->s.ms);
		cpl = pi_run(b, pi_io(b, nvme_cmd_read, 0));
		CHECK_STATUS_OF(b->r, pi_says(b, "Read with MPTR bits 1:0 %zu: status", low), cpl,
				SC_INVALID_FIELD, SC_SUCCESS);
		if (cpl.status == SC_SUCCESS) {
			memcpy(b->meta, b->separate->data, (size_t)b->blocks * b->s.ms);
			check_image(b, want, 0, b->blocks);
		}
		b->skew = 0;
	}
}

/* What stands in a pointer that a command has no use for. */
static void stray_pointer(struct pi_bench *b, uint64_t mptr)
{
	static const uint8_t opcodes[] = { nvme_cmd_write, nvme_cmd_read };

	for (size_t i = 0; i < ARRAY_SIZE(opcodes); i++) {
		size_t len = (size_t)b->blocks * (b->s.lba_bytes + b->s.ms);
		struct cmd c = cmd_read(b->ns->nsid, b->lba, b->blocks, rig_mem(b->r, len), len);

		c.sqe.opcode = opcodes[i];
		c.dir = opcodes[i] == nvme_cmd_read ? CMD_IN : CMD_OUT;
		c.sqe.mptr = le64_from(mptr);
		CHECK_STATUS_OF(
			b->r,
			pi_says(b, "opcode %02Xh with MPTR %" PRIX64 "h: status", opcodes[i], mptr),
			rig_io(b->r, b->q, c), SC_SUCCESS);
	}
}

static void pointer_ignored(struct pi_bench *b)
{
	struct buf *there = rig_buf(b->r, 4096);
	uint8_t *before = rig_mem(b->r, 4096);

	memcpy(before, there->data, 4096);
	stray_pointer(b, there->iova);
	stray_pointer(b, there->iova + 3);
	stray_pointer(b, UINT64_MAX);
	check_untouched(b->r, CHECK_SITE(0, 0), there, before, 0, 0);
}

static bool fits_no_metadata(const struct facts_ns *ns)
{
	return !ns->ms;
}

/* ---- layout: the guard tells where the controller looks for it ---- */

static void layout(struct pi_bench *b)
{
	pi_fill(b);
	CHECK_STATUS_OF(b->r, pi_says(b, "Write of valid blocks, checked: status"),
			pi_run(b, pi_io(b, nvme_cmd_write, PRCHK_GUARD | PRCHK_APP)), SC_SUCCESS);
}

static const struct pi_row separate_rows[] = {
	{ "round-trip", pi_fits_separate, round_trip, 0 },
	{ "mdts", pi_fits_separate, mdts, 0 },
	{ "unaligned", pi_fits_separate, unaligned, 0 },
	{ "no-metadata", fits_no_metadata, pointer_ignored, 0 },
};

static const struct pi_row extended_rows[] = {
	{ "round-trip", pi_fits_extended, round_trip, 0 },
	{ "mdts", pi_fits_extended, mdts, 0 },
	{ "past-mdts", pi_fits_extended, past_mdts, 0 },
	{ "pointer-ignored", pi_fits_extended, pointer_ignored, 0 },
	{ "layout", pi_fits_protected_extended, layout, 0 },
};

/* ---- prinfo-ignored ---- */

/* Tags that would matter, too. */
static struct pi_io with_prinfo(struct pi_bench *b, uint8_t opcode, unsigned prinfo)
{
	struct pi_io io = pi_io(b, opcode, prinfo);

	io.app = (uint16_t)rig_rand(b->r);
	io.stc = rig_rand(b->r) & 1;
	return io;
}

static void check_ignored(struct pi_bench *b, uint8_t opcode, unsigned prinfo)
{
	char name[24];

	CHECK_STATUS_OF(
		b->r,
		pi_says(b, "%s with PRINFO %Xh: status", cmd_name(false, opcode, name), prinfo),
		pi_run(b, with_prinfo(b, opcode, prinfo)), SC_SUCCESS);
}

static void ignored_write(struct pi_bench *b)
{
	for (unsigned prinfo = 0; prinfo < 16; prinfo++) {
		struct image want;

		fill_metadata(b);
		want = keep(b);
		check_ignored(b, nvme_cmd_write, prinfo);
		if (pi_load(b))
			check_image(b, want, 0, b->blocks);
	}
}

static void ignored_read(struct pi_bench *b)
{
	struct image want;

	fill_metadata(b);
	pi_store(b);
	want = keep(b);
	for (unsigned prinfo = 0; prinfo < 16; prinfo++) {
		memset(b->data, 0xee, (size_t)b->blocks * b->s.lba_bytes);
		memset(b->meta, 0xee, (size_t)b->blocks * b->s.ms);
		check_ignored(b, nvme_cmd_read, prinfo);
		check_image(b, want, 0, b->blocks);
	}
}

/* Compare has no use for PRACT at all: the host clears it. */
static void ignored_compare(struct pi_bench *b)
{
	fill_metadata(b);
	pi_store(b);
	for (unsigned prinfo = 0; prinfo < PRACT; prinfo++)
		check_ignored(b, nvme_cmd_compare, prinfo);
}

/* So has Verify, which refuses it where there is protection information and maybe elsewhere. */
static void ignored_verify(struct pi_bench *b)
{
	fill_metadata(b);
	pi_store(b);
	for (unsigned prinfo = 0; prinfo < PRACT; prinfo++)
		check_ignored(b, nvme_cmd_verify, prinfo);
}

static void ignored_zeroes(struct pi_bench *b)
{
	struct image zero;

	for (unsigned prinfo = 0; prinfo < 16; prinfo++) {
		fill_metadata(b);
		pi_store(b);
		zero = keep(b);
		memset(zero.data, 0, (size_t)b->blocks * b->s.lba_bytes);
		memset(zero.meta, 0, (size_t)b->blocks * b->s.ms);
		check_ignored(b, nvme_cmd_write_zeroes, prinfo);
		if (pi_load(b))
			check_image(b, zero, 0, b->blocks);
	}
}

static const struct pi_row ignored_rows[] = {
	{ "write", pi_fits_unprotected, ignored_write, 0 },
	{ "read", pi_fits_unprotected, ignored_read, 0 },
	{ "compare", pi_fits_unprotected, ignored_compare, nvme_cmd_compare },
	{ "verify", pi_fits_unprotected, ignored_verify, nvme_cmd_verify },
	{ "write-zeroes", pi_fits_unprotected, ignored_zeroes, nvme_cmd_write_zeroes },
};

static const char *na_separate(const struct facts *f)
{
	return f->n_ns ? NULL : "no active namespace";
}

static const struct rig_case cases[] = {
	{ .id = "meta-separate",
	  .rule = "Metadata go to and come from where MPTR leads, each block's its own; without "
		  "metadata MPTR means nothing.",
	  .ref = "NVM CS 1.0 Metadata Region, Metadata Handling; Base 2.0 Common Command Format "
		 "(MPTR)",
	  .needs = NEED_QUEUES,
	  .harm = HARM_DATA,
	  .fault = "mptr-last-block-lost mptr-low-bits-shift mptr-used-without-metadata",
	  .na = na_separate,
	  .run = pi_run_row,
	  ROWS(separate_rows) },
	{ .id = "meta-extended",
	  .rule = "Metadata stand behind the data of their block, MDTS counts them, and MPTR means "
		  "nothing.",
	  .ref = "NVM CS 1.0 Metadata Handling; Base 2.1 Identify Controller data structure (MDTS, "
		 "CTRATT.MEM)",
	  .needs = NEED_COMMAND,
	  .harm = HARM_DATA,
	  .fault = "extended-uses-mptr extended-meta-first mdts-without-metadata",
	  .na = pi_na_metadata,
	  .run = pi_run_row,
	  ROWS(extended_rows) },
	{ .id = "prinfo-ignored",
	  .rule = "Without protection information PRINFO means nothing.",
	  .ref = "NVM CS 1.0 End-to-end Protection Information",
	  .needs = NEED_COMMAND,
	  .harm = HARM_DATA,
	  .fault = "prinfo-refused-without-pi pract-strips-without-pi",
	  .na = na_separate,
	  .run = pi_run_row,
	  ROWS(ignored_rows) },
};

SUITE(pi_meta_suite, CONFORMANCE, "pi", cases);
