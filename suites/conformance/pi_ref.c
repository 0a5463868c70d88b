// SPDX-License-Identifier: GPL-2.0-or-later
/* Reference Tag and Storage Tag. */
#include <inttypes.h>
#include <string.h>

#include "pi_bench.h"

static const uint8_t both[] = { nvme_cmd_write, nvme_cmd_read };

static void set_ref(struct pi_bench *b, uint32_t block, uint64_t ref)
{
	struct pi_tuple t;

	pi_get(&b->s, pi_meta(b, block), &t);
	t.ref = pi_cut(ref, pi_ref_bits(&b->s));
	pi_put(&b->s, pi_meta(b, block), &t);
}

/* ---- it rises with the blocks ---- */

static void rises(struct pi_bench *b)
{
	pi_fill(b);
	for (size_t i = 0; i < ARRAY_SIZE(both); i++)
		pi_expect(b, "rising Reference Tags", pi_io(b, both[i], PRCHK_REF), SC_SUCCESS);
	for (uint32_t i = 0; i < b->blocks; i++)
		pi_expect(b, "one block's own Reference Tag",
			  pi_io_one(b, nvme_cmd_read, PRCHK_REF, i), SC_SUCCESS);
}

static void off_by(struct pi_bench *b, uint32_t block, uint64_t by)
{
	pi_fill(b);
	set_ref(b, block, pi_ref_at(b, block) + by);
	pi_expect(b, "a wrong Reference Tag", pi_io(b, nvme_cmd_write, PRCHK_REF),
		  SC_REF_TAG_CHECK);
	pi_store(b);
	pi_expect(b, "a wrong Reference Tag", pi_io(b, nvme_cmd_read, PRCHK_REF), SC_REF_TAG_CHECK);
	pi_expect(b, "a wrong Reference Tag", pi_io(b, nvme_cmd_read, PRACT | PRCHK_REF),
		  SC_REF_TAG_CHECK);
}

/* One too few, one too many, the highest bit: in the first, in the last, in every block. */
static void wrong(struct pi_bench *b)
{
	unsigned bits = pi_ref_bits(&b->s);

	for (uint32_t i = 0; i<b->blocks; i += b->blocks> 1 ? b->blocks - 1 : 1) {
		off_by(b, i, 1);
		off_by(b, i, UINT64_MAX);
		off_by(b, i, 1ull << (bits - 1));
	}
}

static void unchecked(struct pi_bench *b)
{
	pi_fill(b);
	for (uint32_t i = 0; i < b->blocks; i++)
		set_ref(b, i, pi_ref_at(b, i) ^ 0x5a5a);
	for (size_t i = 0; i < ARRAY_SIZE(both); i++)
		pi_expect(b, "wrong Reference Tags", pi_io(b, both[i], PRCHK_GUARD | PRCHK_APP),
			  SC_SUCCESS);
}

/* ---- where it begins ---- */

static bool fits_type_1(const struct facts_ns *ns)
{
	return pi_fits_ref(ns) && (ns->id.dps & 7) == 1;
}

static bool fits_type_2(const struct facts_ns *ns)
{
	return pi_fits_ref(ns) && (ns->id.dps & 7) == 2;
}

static void ask_start(struct pi_bench *b, uint8_t opcode, uint64_t ref)
{
	struct pi_io io = pi_io(b, opcode, PRCHK_REF);

	io.ref = pi_cut(ref, pi_ref_bits(&b->s));
	pi_expect(b, "a first Reference Tag that is not the LBA", io, SC_INVALID_PI);
}

/* Blocks that would pass with the wrong tag: it is the command that is refused. */
static void shift_refs(struct pi_bench *b, uint64_t by)
{
	pi_fill(b);
	for (uint32_t i = 0; i < b->blocks; i++)
		set_ref(b, i, pi_ref_at(b, i) + by);
	pi_store(b);
}

static void start_type_1(struct pi_bench *b)
{
	static const uint8_t checked[] = { nvme_cmd_write, nvme_cmd_read, nvme_cmd_compare,
					   nvme_cmd_verify };
	uint64_t by[] = { 1, UINT64_MAX, 1ull << (pi_ref_bits(&b->s) - 1) };

	for (size_t i = 0; i < ARRAY_SIZE(by); i++) {
		shift_refs(b, by[i]);
		for (size_t k = 0; k < ARRAY_SIZE(checked); k++) {
			if (!pi_has_command(b->r, checked[k]))
				continue;
			ask_start(b, checked[k], b->ref + by[i]);
		}
	}
}

/* With Type 2 it is the host's, and rolls over behind all ones. */
static void start_type_2(struct pi_bench *b)
{
	unsigned bits = pi_ref_bits(&b->s);
	const uint64_t refs[] = { 0, 1, pi_cut(UINT64_MAX, bits), pi_cut(UINT64_MAX, bits) - 1,
				  pi_cut(0x5a5a5a5a5a5a5a5a, bits) };

	for (size_t i = 0; i < ARRAY_SIZE(refs); i++) {
		b->ref = refs[i];
		pi_fill(b);
		for (size_t k = 0; k < ARRAY_SIZE(both); k++)
			pi_expect(b, "Reference Tags of the host's choice",
				  pi_io(b, both[k], PRCHK_REF), SC_SUCCESS);
		if (b->blocks < 2)
			continue;
		set_ref(b, 1, refs[i]);
		pi_expect(b, "a Reference Tag that stands", pi_io(b, nvme_cmd_write, PRCHK_REF),
			  SC_REF_TAG_CHECK);
	}
}

/* ---- Type 3 ---- */

static bool fits_type_3(const struct facts_ns *ns)
{
	struct pi_shape s = rig_shape(ns);

	return s.type == 3 && pi_ref_bits(&s);
}

/* It should not be compared; the command may be refused for asking. */
static void type_3(struct pi_bench *b)
{
	pi_fill(b);
	for (uint32_t i = 0; i < b->blocks; i++)
		set_ref(b, i, b->ref ^ i ^ 0x77);
	pi_store(b);
	for (size_t i = 0; i < ARRAY_SIZE(both); i++)
		ADVISE_STATUS_OF(b->r,
				 pi_says(b,
					 "opcode %02Xh with the Reference Tag check of Type 3: "
					 "status",
					 both[i]),
				 pi_run(b, pi_io(b, both[i], PRCHK_REF)), SC_SUCCESS, SC_INVALID_PI,
				 SC_INVALID_FIELD);
	for (size_t i = 0; i < ARRAY_SIZE(both); i++)
		pi_expect(b, "any Reference Tag", pi_io(b, both[i], PRCHK_GUARD | PRCHK_APP),
			  SC_SUCCESS);
}

/* ---- Storage Tag ---- */

static void spoil_storage(struct pi_bench *b, uint32_t block, unsigned bit)
{
	struct pi_tuple t;

	pi_get(&b->s, pi_meta(b, block), &t);
	t.storage ^= 1ull << bit;
	pi_put(&b->s, pi_meta(b, block), &t);
}

/* Bits that LBSTM masks are not compared. */
static void ask_storage(struct pi_bench *b, unsigned bit)
{
	bool counts = b->ns->lbstm >> bit & 1;

	pi_fill(b);
	spoil_storage(b, b->blocks - 1, bit);
	pi_store(b);
	for (size_t i = 0; i < ARRAY_SIZE(both); i++) {
		struct pi_io io = pi_io(b, both[i], 0);

		pi_expect(b, "a wrong Storage Tag, unchecked", io, SC_SUCCESS);
		io.stc = true;
		pi_expect(b, counts ? "a wrong Storage Tag" : "a Storage Tag wrong in a masked bit",
			  io, counts ? SC_STORAGE_TAG_CHECK : SC_SUCCESS);
	}
}

static void storage(struct pi_bench *b)
{
	struct pi_io io = pi_io(b, nvme_cmd_write, PRCHK_GUARD);

	io.stc = true;
	pi_fill(b);
	pi_expect(b, "the right Storage Tag", io, SC_SUCCESS);
	ask_storage(b, 0);
	ask_storage(b, b->s.sts / 2);
	ask_storage(b, b->s.sts - 1);
}

static const struct pi_row ref_rows[] = {
	{ "rises", pi_fits_ref, rises, 0 },
	{ "wrong", pi_fits_ref, wrong, 0 },
	{ "unchecked", pi_fits_ref, unchecked, 0 },
	{ "type-1-start", fits_type_1, start_type_1, 0 },
	{ "type-2-start", fits_type_2, start_type_2, 0 },
	{ "type-3", fits_type_3, type_3, 0 },
	{ "storage-tag", pi_fits_storage, storage, 0 },
};

static const struct rig_case cases[] = {
	{ .id = "ref-tag",
	  .rule = "The Reference Tag rises with the blocks and rolls over, begins with the LBA for "
		  "Type 1 and anywhere for Type 2; Storage Tags are one for all blocks.",
	  .ref = "NVM CS 1.0 End-to-end Data Protection, Control of Protection Information "
		 "Checking, Storage Tag and Logical Block Reference Tag from Storage and Reference "
		 "Space",
	  .needs = NEED_COMMAND,
	  .harm = HARM_DATA,
	  .fault = "pi-ref-unchecked pi-ref-stands pi-ref-saturates pi-ref-any-start "
		   "pi-storage-unchecked",
	  .na = pi_na_protected,
	  .run = pi_run_row,
	  ROWS(ref_rows) },
};

SUITE(pi_ref_suite, CONFORMANCE, "pi", cases);
