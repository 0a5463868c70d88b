// SPDX-License-Identifier: GPL-2.0-or-later
/* Protection information as Read and Write have it: made, stripped, passed on, and the guard. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "pi_bench.h"

/* ---- pract ---- */

/* What the host has where protection information belongs is wrong in every bit. */
static void spoil_all(struct pi_bench *b)
{
	for (uint32_t i = 0; i < b->blocks; i++)
		for (unsigned k = 0; k < pi_bytes(&b->s); k++)
			pi_info(b, i)[k] ^= 0xff;
}

static void insert(struct pi_bench *b)
{
	uint8_t *sent, *data;

	pi_fill(b);
	spoil_all(b);
	sent = pi_copy_meta(b);
	data = pi_copy_data(b);
	CHECK_STATUS_OF(b->r, pi_says(b, "Write with PRACT = 1: status"),
			pi_run(b, pi_io(b, nvme_cmd_write, PRACT)), SC_SUCCESS);
	if (!pi_load(b))
		return;
	CHECK_MEM(b->r, pi_says(b, "data"), b->data, data, (size_t)b->blocks * b->s.lba_bytes);
	pi_check_valid(b);
	if (!pi_bench_strips(b, PRACT))
		pi_check_passed(b, sent);
}

/* Checked, and handed over whole or not at all; what does not move was looked at by pi_run(). */
static void strip_or_pass(struct pi_bench *b)
{
	unsigned check = b->s.type == 3 ? PRCHK_ALL & ~PRCHK_REF : PRCHK_ALL;
	uint8_t *meta, *data;

	pi_fill(b);
	pi_store(b);
	meta = pi_copy_meta(b);
	data = pi_copy_data(b);
	memset(b->data, 0xee, (size_t)b->blocks * b->s.lba_bytes);
	memset(b->meta, 0xee, (size_t)b->blocks * b->s.ms);
	CHECK_STATUS_OF(b->r, pi_says(b, "Read with PRACT = 1: status"),
			pi_run(b, pi_io(b, nvme_cmd_read, PRACT | check)), SC_SUCCESS);
	CHECK_MEM(b->r, pi_says(b, "data"), b->data, data, (size_t)b->blocks * b->s.lba_bytes);
	if (!pi_bench_strips(b, PRACT))
		CHECK_MEM(b->r, pi_says(b, "metadata"), b->meta, meta, (size_t)b->blocks * b->s.ms);
}

static void plain(struct pi_bench *b)
{
	unsigned check = b->s.type == 3 ? PRCHK_ALL & ~PRCHK_REF : PRCHK_ALL;
	uint8_t *meta;

	pi_fill(b);
	meta = pi_copy_meta(b);
	CHECK_STATUS_OF(b->r, pi_says(b, "Write of valid blocks, checked: status"),
			pi_run(b, pi_io(b, nvme_cmd_write, check)), SC_SUCCESS);
	memset(b->meta, 0xee, (size_t)b->blocks * b->s.ms);
	CHECK_STATUS_OF(b->r, pi_says(b, "Read of valid blocks, checked: status"),
			pi_run(b, pi_io(b, nvme_cmd_read, check)), SC_SUCCESS);
	CHECK_MEM(b->r, pi_says(b, "metadata"), b->meta, meta, (size_t)b->blocks * b->s.ms);
}

static const struct pi_row pract_rows[] = {
	{ "insert", pi_fits_protected, insert, 0 },
	{ "strip-or-pass", pi_fits_protected, strip_or_pass, 0 },
	{ "plain", pi_fits_protected, plain, 0 },
};

/* ---- guard ---- */

/* First, one in the middle, last. */
static uint32_t place(const struct pi_bench *b, unsigned i)
{
	return i == 0 ? 0 : i == 1 ? b->blocks / 2 : b->blocks - 1;
}

/* A bit of the Guard, or of what it covers. */
static void spoil_guard(struct pi_bench *b, uint32_t block, unsigned how)
{
	uint8_t *guard = pi_info(b, block);

	switch (how) {
	case 0:
		guard[b->s.guard_bytes - 1] ^= 1;
		break;
	case 1:
		guard[0] ^= 0x80;
		break;
	case 2:
		pi_data(b, block)[b->s.lba_bytes - 1] ^= 0x01;
		break;
	default: /* the metadata in front, if there are any, else data */
		if (pi_at(&b->s))
			pi_meta(b, block)[pi_at(&b->s) - 1] ^= 0x10;
		else
			pi_data(b, block)[0] ^= 0x80;
	}
}

#define WAYS 4u

/* A Write that fails leaves what was there, up to the atomic size. */
static void check_kept(struct pi_bench *b, const uint8_t *data, const uint8_t *meta)
{
	uint16_t own = le16_get(b->ns->id.nawupf);
	uint32_t atomic = le16_get(rig_facts(b->r)->id.awupf) + 1u;

	if ((b->ns->id.nsfeat & 2) && own)
		atomic = own + 1u;
	if (b->blocks > atomic || !pi_load(b))
		return;
	CHECK_MEM(b->r, pi_says(b, "data after a Write that failed"), b->data, data,
		  (size_t)b->blocks * b->s.lba_bytes);
	CHECK_MEM(b->r, pi_says(b, "metadata after a Write that failed"), b->meta, meta,
		  (size_t)b->blocks * b->s.ms);
}

static void guard_right(struct pi_bench *b)
{
	pi_fill(b);
	pi_expect(b, "a right Guard", pi_io(b, nvme_cmd_write, PRCHK_GUARD), SC_SUCCESS);
	pi_expect(b, "a right Guard", pi_io(b, nvme_cmd_read, PRCHK_GUARD), SC_SUCCESS);
}

static void guard_write(struct pi_bench *b)
{
	for (unsigned i = 0; i < 3 * WAYS; i++) {
		uint8_t *data, *meta;

		pi_fill(b);
		pi_store(b);
		data = pi_copy_data(b);
		meta = pi_copy_meta(b);
		pi_fill(b);
		spoil_guard(b, place(b, i % 3), i / 3);
		pi_expect(b, "a bad Guard", pi_io(b, nvme_cmd_write, PRCHK_GUARD), SC_GUARD_CHECK);
		check_kept(b, data, meta);
	}
}

static void guard_read(struct pi_bench *b)
{
	for (unsigned i = 0; i < 3 * WAYS; i++) {
		pi_fill(b);
		spoil_guard(b, place(b, i % 3), i / 3);
		pi_store(b);
		pi_expect(b, "a bad Guard", pi_io(b, nvme_cmd_read, PRCHK_GUARD), SC_GUARD_CHECK);
		pi_expect(b, "a bad Guard", pi_io(b, nvme_cmd_read, PRACT | PRCHK_GUARD),
			  SC_GUARD_CHECK);
	}
}

/* Without its bit it is not looked at, whatever the other bits say. */
static void guard_unchecked(struct pi_bench *b)
{
	unsigned others = b->s.type == 3 ? PRCHK_APP : PRCHK_APP | PRCHK_REF;

	for (unsigned i = 0; i < WAYS; i++) {
		uint8_t *meta;

		pi_fill(b);
		spoil_guard(b, place(b, i % 3), i);
		meta = pi_copy_meta(b);
		pi_expect(b, "a bad Guard", pi_io(b, nvme_cmd_write, 0), SC_SUCCESS);
		pi_expect(b, "a bad Guard", pi_io(b, nvme_cmd_write, others), SC_SUCCESS);
		pi_expect(b, "a bad Guard", pi_io(b, nvme_cmd_read, 0), SC_SUCCESS);
		pi_expect(b, "a bad Guard", pi_io(b, nvme_cmd_read, others), SC_SUCCESS);
		CHECK_MEM(b->r, pi_says(b, "metadata with a bad Guard"), b->meta, meta,
			  (size_t)b->blocks * b->s.ms);
	}
}

/* Behind the protection information nothing is covered. */
static bool fits_covered_not(const struct facts_ns *ns)
{
	struct pi_shape s = rig_shape(ns);

	return s.type && s.first && s.ms > pi_bytes(&s);
}

static void guard_behind(struct pi_bench *b)
{
	pi_fill(b);
	pi_meta(b, 0)[b->s.ms - 1] ^= 1;
	pi_expect(b, "metadata behind the Guard changed", pi_io(b, nvme_cmd_write, PRCHK_GUARD),
		  SC_SUCCESS);
}

static const struct pi_row guard_rows[] = {
	{ "right", pi_fits_protected, guard_right, 0 },
	{ "write", pi_fits_protected, guard_write, 0 },
	{ "read", pi_fits_protected, guard_read, 0 },
	{ "unchecked", pi_fits_protected, guard_unchecked, 0 },
	{ "not-covered", fits_covered_not, guard_behind, 0 },
};

/* ---- app-tag ---- */

static void write_bad(struct pi_bench *b, void (*spoil)(struct pi_bench *b, uint32_t block),
		      uint32_t block)
{
	pi_fill(b);
	spoil(b, block);
	pi_store(b);
}

/* The tag of one block differs from the command's in one bit. */
static void spoil_app(struct pi_bench *b, uint32_t block, unsigned bit)
{
	uint8_t *at = pi_info(b, block) + b->s.guard_bytes;

	at[bit < 8] ^= (uint8_t)(1u << bit % 8);
	if (at[0] == 0xff && at[1] == 0xff) /* that would be another thing */
		at[0] ^= (uint8_t)(bit == 8 ? 2 : 1);
}

static void ask_mask(struct pi_bench *b, unsigned bit)
{
	static const uint8_t opcodes[] = { nvme_cmd_write, nvme_cmd_read };

	for (size_t i = 0; i < ARRAY_SIZE(opcodes); i++) {
		struct pi_io io = pi_io(b, opcodes[i], PRCHK_APP);

		io.mask = (uint16_t)(1u << bit);
		pi_expect(b, "a bad Application Tag, masked in", io, SC_APP_TAG_CHECK);
		io.mask = (uint16_t) ~(1u << bit);
		pi_expect(b, "a bad Application Tag, masked out", io, SC_SUCCESS);
		io.mask = 0;
		pi_expect(b, "a bad Application Tag without a mask", io, SC_SUCCESS);
	}
}

static void app_mask(struct pi_bench *b)
{
	b->app = 0x5aa5; /* no bit of it makes FFFFh */
	for (unsigned bit = 0; bit < 16; bit++) {
		pi_fill(b);
		spoil_app(b, place(b, bit % 3), bit);
		pi_store(b);
		ask_mask(b, bit);
	}
}

static void app_unchecked(struct pi_bench *b)
{
	unsigned others = b->s.type == 3 ? PRCHK_GUARD : PRCHK_GUARD | PRCHK_REF;

	pi_fill(b);
	for (uint32_t i = 0; i < b->blocks; i++)
		spoil_app(b, i, i % 16);
	pi_expect(b, "bad Application Tags", pi_io(b, nvme_cmd_write, others), SC_SUCCESS);
	pi_expect(b, "bad Application Tags", pi_io(b, nvme_cmd_read, others), SC_SUCCESS);
	pi_expect(b, "bad Application Tags", pi_io(b, nvme_cmd_read, PRACT | PRCHK_APP),
		  SC_APP_TAG_CHECK);
}

/* Application Tag FFFFh and, for Type 3 where there is one, a Reference Tag of all ones. */
static void escape_block(struct pi_bench *b, uint32_t block, bool ref)
{
	struct pi_tuple t;

	pi_get(&b->s, pi_meta(b, block), &t);
	t.guard ^= 0x1234;
	t.app = 0xffff;
	t.ref = ref ? pi_cut(UINT64_MAX, pi_ref_bits(&b->s)) : t.ref;
	t.storage ^= 1;
	pi_put(&b->s, pi_meta(b, block), &t);
}

/* Nothing is checked in such a block, whatever PRCHK says. */
static void app_escape(struct pi_bench *b)
{
	unsigned check = b->s.type == 3 ? PRCHK_GUARD | PRCHK_APP : PRCHK_ALL;

	for (unsigned i = 0; i < 3; i++) {
		struct pi_io io = pi_io(b, nvme_cmd_write, check);

		io.stc = b->s.sts;
		pi_fill(b);
		escape_block(b, place(b, i), b->s.type == 3);
		pi_expect(b, "an Application Tag of FFFFh", io, SC_SUCCESS);
		io.opcode = nvme_cmd_read;
		pi_expect(b, "an Application Tag of FFFFh", io, SC_SUCCESS);
		io.prinfo |= PRACT;
		pi_expect(b, "an Application Tag of FFFFh", io, SC_SUCCESS);
	}
}

/* It says so of that block alone. */
static void escape_one(struct pi_bench *b, uint32_t block)
{
	escape_block(b, 0, b->s.type == 3);
	pi_info(b, block)[0] ^= 1;
}

static void app_escape_one(struct pi_bench *b)
{
	if (b->blocks < 2) {
		pi_skip(b, "MDTS allows one block");
		return;
	}
	write_bad(b, escape_one, b->blocks - 1);
	pi_expect(b, "a bad Guard behind a block that is not checked",
		  pi_io(b, nvme_cmd_read, PRCHK_GUARD), SC_GUARD_CHECK);
}

static bool fits_type_3_ref(const struct facts_ns *ns)
{
	struct pi_shape s = rig_shape(ns);

	return s.type == 3 && pi_ref_bits(&s);
}

/* With Type 3 the Application Tag alone says nothing. */
static void app_escape_half(struct pi_bench *b)
{
	pi_fill(b);
	escape_block(b, 0, false);
	pi_expect(b, "an Application Tag of FFFFh alone", pi_io(b, nvme_cmd_write, PRCHK_GUARD),
		  SC_GUARD_CHECK);
	pi_store(b);
	pi_expect(b, "an Application Tag of FFFFh alone", pi_io(b, nvme_cmd_read, PRCHK_GUARD),
		  SC_GUARD_CHECK);
}

static const struct pi_row app_rows[] = {
	{ "mask", pi_fits_protected, app_mask, 0 },
	{ "unchecked", pi_fits_protected, app_unchecked, 0 },
	{ "escape", pi_fits_protected, app_escape, 0 },
	{ "escape-one-block", pi_fits_protected, app_escape_one, 0 },
	{ "escape-type-3", fits_type_3_ref, app_escape_half, 0 },
};

static const struct rig_case cases[] = {
	{ .id = "pract",
	  .rule = "PRACT makes protection information on a Write and checks it on a Read; it moves "
		  "only where there is more metadata.",
	  .ref = "NVM CS 1.0 End-to-end Data Protection, PRACT Bit",
	  .needs = NEED_COMMAND,
	  .harm = HARM_DATA,
	  .fault = "pract-not-stripped pract-app-zero pract-keeps-host-pi pract-read-zeroes-pi "
		   "pi-guard-data-alone pi-ref-stands",
	  .na = pi_na_protected,
	  .run = pi_run_row,
	  ROWS(pract_rows) },
	{ .id = "guard",
	  .rule = "With its check bit a wrong Guard of any block fails the command, without it "
		  "none does.",
	  .ref = "NVM CS 1.0 Protection Information Formats, Control of Protection Information "
		 "Checking; NVM CS 1.1 End-to-end Data Protection (what the CRC covers)",
	  .needs = NEED_COMMAND,
	  .harm = HARM_DATA,
	  .fault = "pi-guard-unchecked pi-guard-always pi-guard-data-alone pi-first-unchecked "
		   "pi-last-unchecked",
	  .na = pi_na_protected,
	  .run = pi_run_row,
	  ROWS(guard_rows) },
	{ .id = "app-tag",
	  .rule = "Bits of the Application Tag that the mask names are checked, others are not; "
		  "a tag of all ones ends the checks of its block.",
	  .ref = "NVM CS 1.0 End-to-end Data Protection, Control of Protection Information "
		 "Checking",
	  .needs = NEED_COMMAND,
	  .harm = HARM_DATA,
	  .fault = "pi-app-unchecked pi-app-mask-ignored pi-escape-checked pi-escape-by-app",
	  .na = pi_na_protected,
	  .run = pi_run_row,
	  ROWS(app_rows) },
};

SUITE(pi_suite, CONFORMANCE, "pi", cases);
