// SPDX-License-Identifier: GPL-2.0-or-later
/* Protection information in Write Zeroes, Dataset Management, Compare, Verify. */
#include <inttypes.h>
#include <string.h>

#include "pi_bench.h"

#define DLFEAT_ZEROES 1u
#define DLFEAT_ONES   2u
#define DLFEAT_DEAC   (1u << 3)
#define DLFEAT_GUARD  (1u << 4)
#define CDW12_DEAC    (1u << 25)

static bool all_are(const uint8_t *p, size_t len, uint8_t value)
{
	return !len || (p[0] == value && !memcmp(p, p + 1, len - 1));
}

static void check_zero_data(struct pi_bench *b)
{
	size_t len = (size_t)b->blocks * b->s.lba_bytes;

	CHECK_TRUE(b->r, all_are(b->data, len, 0), "%s",
		   pi_says(b, "data of zeroed blocks are all zero"));
}

static bool zero_blocks(struct pi_bench *b, unsigned prinfo, uint32_t cdw12)
{
	struct pi_io io = pi_io(b, nvme_cmd_write_zeroes, prinfo);

	pi_fill(b);
	pi_store(b);
	io.cdw12 = cdw12;
	pi_expect(b, "written blocks", io, SC_SUCCESS);
	return pi_load(b);
}

/* ---- Write Zeroes ---- */

static void zeroes_plain(struct pi_bench *b)
{
	if (!zero_blocks(b, 0, 0))
		return;
	check_zero_data(b);
	CHECK_MEM(b->r, pi_says(b, "metadata of zeroed blocks, protection information too"),
		  b->meta, rig_mem(b->r, (size_t)b->blocks * b->s.ms), (size_t)b->blocks * b->s.ms);
}

static void zeroes_pract(struct pi_bench *b)
{
	unsigned check = b->s.type == 3 ? PRCHK_GUARD | PRCHK_APP : PRCHK_ALL;

	if (!zero_blocks(b, PRACT, 0))
		return;
	check_zero_data(b);
	pi_check_passed(b, rig_mem(b->r, (size_t)b->blocks * b->s.ms));
	pi_check_valid(b);
	pi_expect(b, "zeroed blocks", pi_io(b, nvme_cmd_read, check), SC_SUCCESS);
}

/* ---- deallocated blocks ---- */

/* The guard is what DLFEAT says, all tags are all ones. */
static bool is_deallocated_pi(struct pi_bench *b, uint32_t i)
{
	const uint8_t *info = pi_info(b, i);
	unsigned n = b->s.guard_bytes;
	struct pi_tuple t;

	pi_get(&b->s, pi_meta(b, i), &t);
	if (!all_are(info + n, pi_bytes(&b->s) - n, 0xff))
		return false;
	if (b->ns->id.dlfeat & DLFEAT_GUARD)
		return t.guard == pi_guard(&b->s, pi_data(b, i), pi_meta(b, i));
	return all_are(info, n, 0xff);
}

/* Data, and metadata that are no protection information, are one value all over: what DLFEAT says.
 */
static bool is_deallocated_block(struct pi_bench *b, uint32_t i)
{
	unsigned reads_as = b->ns->id.dlfeat & 7, at = pi_at(&b->s), behind = at + pi_bytes(&b->s);
	const uint8_t *data = pi_data(b, i), *meta = pi_meta(b, i);
	uint8_t value = data[0];

	if (!all_are(data, b->s.lba_bytes, value) || !all_are(meta, at, value) ||
	    !all_are(meta + behind, b->s.ms - behind, value))
		return false;
	return (value == 0 && reads_as != DLFEAT_ONES) ||
	       (value == 0xff && reads_as != DLFEAT_ZEROES);
}

static const char *info_text(struct pi_bench *b, uint32_t i, char text[64])
{
	const uint8_t *p = pi_info(b, i);
	static const char digits[] = "0123456789ABCDEF";
	unsigned n = pi_bytes(&b->s);

	for (unsigned k = 0; k < n; k++) {
		text[2 * k] = digits[p[k] >> 4];
		text[2 * k + 1] = digits[p[k] & 0xf];
	}
	text[2 * n] = 0;
	return text;
}

/* Zeroes in the protection information are what stays of a block that was not deallocated. */
static void zeroes_deallocate(struct pi_bench *b)
{
	char text[64];

	if ((b->ns->id.dlfeat & (DLFEAT_DEAC | 7)) != (DLFEAT_DEAC | DLFEAT_ZEROES)) {
		pi_skip(b, "DLFEAT is %02Xh", b->ns->id.dlfeat);
		return;
	}
	if (!zero_blocks(b, 0, CDW12_DEAC))
		return;
	check_zero_data(b);
	for (uint32_t i = 0; i < b->blocks; i++) {
		bool zero = all_are(pi_info(b, i), pi_bytes(&b->s), 0);

		CHECK_TRUE(b->r, is_deallocated_pi(b, i) || zero, "%s %s",
			   pi_says(b, "DLFEAT %02Xh, protection information of block %u:",
				   b->ns->id.dlfeat, i),
			   info_text(b, i, text));
		ADVISE_TRUE(b->r, is_deallocated_pi(b, i), "%s",
			    pi_says(b, "block %u is deallocated", i));
	}
}

static void check_discarded(struct pi_bench *b, uint32_t i, const uint8_t *data,
			    const uint8_t *meta)
{
	bool kept = !memcmp(pi_data(b, i), data + (size_t)i * b->s.lba_bytes, b->s.lba_bytes) &&
		    !memcmp(pi_meta(b, i), meta + (size_t)i * b->s.ms, b->s.ms);
	char text[64];

	CHECK_TRUE(b->r, kept || is_deallocated_block(b, i), "%s",
		   pi_says(b, "DLFEAT %02Xh: block %u is as before, or one value", b->ns->id.dlfeat,
			   i));
	CHECK_TRUE(b->r, kept || is_deallocated_pi(b, i), "%s %s",
		   pi_says(b, "DLFEAT %02Xh, protection information of block %u:", b->ns->id.dlfeat,
			   i),
		   info_text(b, i, text));
}

static void dsm(struct pi_bench *b)
{
	struct nvme_dsm_range *range = rig_mem(b->r, sizeof(*range));
	const uint8_t *data, *meta;

	pi_fill(b);
	pi_store(b);
	data = pi_copy_data(b);
	meta = pi_copy_meta(b);
	range->slba = le64_from(b->lba);
	range->nlb = le32_from(b->blocks);
	CHECK_STATUS_OF(b->r, pi_says(b, "Dataset Management: status"),
			rig_io(b->r, b->q, cmd_dsm(b->ns->nsid, range, 1, NVME_DSMGMT_AD)),
			SC_SUCCESS);
	if (!pi_load(b))
		return;
	for (uint32_t i = 0; i < b->blocks; i++)
		check_discarded(b, i, data, meta);
}

/* ---- Compare ---- */

static unsigned most_checks(const struct pi_bench *b)
{
	return b->s.type == 3 ? PRCHK_GUARD | PRCHK_APP : PRCHK_ALL;
}

static void compare(struct pi_bench *b)
{
	pi_fill(b);
	pi_store(b);
	pi_expect(b, "equal blocks", pi_io(b, nvme_cmd_compare, 0), SC_SUCCESS);
	pi_expect(b, "equal blocks", pi_io(b, nvme_cmd_compare, most_checks(b)), SC_SUCCESS);
}

/* Once the host's protection information is bad, once the medium's; the data are equal. */
static void compare_checks(struct pi_bench *b)
{
	uint32_t last = b->blocks - 1;

	pi_fill(b);
	pi_store(b);
	pi_info(b, last)[0] ^= 1;
	pi_expect(b, "a bad Guard of the host", pi_io(b, nvme_cmd_compare, PRCHK_GUARD),
		  SC_GUARD_CHECK);
	pi_store(b);
	pi_info(b, last)[0] ^= 1;
	pi_expect(b, "a bad Guard of the medium", pi_io(b, nvme_cmd_compare, PRCHK_GUARD),
		  SC_GUARD_CHECK);
	pi_info(b, last)[b->s.guard_bytes] ^= 1;
	pi_expect(b, "a bad Application Tag of the host", pi_io(b, nvme_cmd_compare, PRCHK_APP),
		  SC_APP_TAG_CHECK);
}

/* Protection information differs in every bit, and that is no miscompare. */
static void compare_leaves_out(struct pi_bench *b)
{
	pi_fill(b);
	pi_store(b);
	for (uint32_t i = 0; i < b->blocks; i++)
		for (unsigned k = 0; k < pi_bytes(&b->s); k++)
			pi_info(b, i)[k] ^= 0x5a;
	pi_expect(b, "other protection information", pi_io(b, nvme_cmd_compare, 0), SC_SUCCESS);
}

static bool fits_compared_metadata(const struct facts_ns *ns)
{
	struct pi_shape s = rig_shape(ns);

	return ns->ms && (!s.type || s.ms > pi_bytes(&s));
}

/* A bit of the metadata that is no protection information: the first, or the last there is. */
static void compare_metadata(struct pi_bench *b)
{
	unsigned first = b->s.type && b->s.first ? pi_bytes(&b->s) : 0;
	unsigned last = b->s.type && !b->s.first ? pi_at(&b->s) - 1 : b->s.ms - 1u;
	const uint8_t *meta;

	pi_fill(b);
	pi_store(b);
	meta = pi_copy_meta(b);
	pi_meta(b, 0)[first] ^= 1;
	pi_expect(b, "another byte of metadata", pi_io(b, nvme_cmd_compare, 0), SC_COMPARE_FAILURE);
	pi_meta(b, 0)[first] ^= 1;
	pi_meta(b, b->blocks - 1)[last] ^= 0x80;
	pi_expect(b, "another byte of metadata", pi_io(b, nvme_cmd_compare, 0), SC_COMPARE_FAILURE);
	if (pi_load(b))
		CHECK_MEM(b->r, pi_says(b, "metadata after a Compare"), b->meta, meta,
			  (size_t)b->blocks * b->s.ms);
}

/* ---- Verify: its error may be another than that of a Read ---- */

static void verify_fails(struct pi_bench *b, const char *what, unsigned prinfo, uint16_t status)
{
	struct cpl cpl = pi_run(b, pi_io(b, nvme_cmd_verify, prinfo));

	CHECK_EQ(b->r, pi_says(b, "Verify of %s: status code type", what), cpl.status >> 8, 2);
	ADVISE_STATUS_OF(b->r, pi_says(b, "Verify of %s: status", what), cpl, status);
}

static void verify(struct pi_bench *b)
{
	uint32_t last = b->blocks - 1;

	pi_fill(b);
	pi_store(b);
	pi_expect(b, "valid blocks", pi_io(b, nvme_cmd_verify, most_checks(b)), SC_SUCCESS);
	pi_info(b, last)[0] ^= 1;
	pi_store(b);
	verify_fails(b, "a bad Guard", PRCHK_GUARD, SC_GUARD_CHECK);
	pi_expect(b, "a bad Guard", pi_io(b, nvme_cmd_verify, 0), SC_SUCCESS);
	pi_protect(b);
	pi_info(b, 0)[b->s.guard_bytes + 1] ^= 1;
	pi_store(b);
	verify_fails(b, "a bad Application Tag", PRCHK_APP, SC_APP_TAG_CHECK);
	pi_expect(b, "a bad Application Tag", pi_io(b, nvme_cmd_verify, PRCHK_GUARD), SC_SUCCESS);
}

static void verify_ref(struct pi_bench *b)
{
	pi_fill(b);
	pi_info(b, b->blocks - 1)[pi_bytes(&b->s) - 1] ^= 1;
	pi_store(b);
	verify_fails(b, "a bad Reference Tag", PRCHK_REF, SC_REF_TAG_CHECK);
}

static void verify_pract(struct pi_bench *b)
{
	pi_fill(b);
	pi_store(b);
	pi_expect(b, "valid blocks", pi_io(b, nvme_cmd_verify, PRACT), SC_INVALID_FIELD);
}

#define ZEROES nvme_cmd_write_zeroes
static const struct pi_row rows[] = {
	{ "write-zeroes", pi_fits_protected, zeroes_plain, ZEROES },
	{ "write-zeroes-pract", pi_fits_protected, zeroes_pract, ZEROES },
	{ "write-zeroes-deallocate", pi_fits_protected, zeroes_deallocate, ZEROES },
	{ "dataset-management", pi_fits_protected, dsm, nvme_cmd_dsm },
	{ "compare", pi_fits_protected, compare, nvme_cmd_compare },
	{ "compare-checks", pi_fits_protected, compare_checks, nvme_cmd_compare },
	{ "compare-leaves-out", pi_fits_protected, compare_leaves_out, nvme_cmd_compare },
	{ "compare-metadata", fits_compared_metadata, compare_metadata, nvme_cmd_compare },
	{ "verify", pi_fits_protected, verify, nvme_cmd_verify },
	{ "verify-ref-tag", pi_fits_ref, verify_ref, nvme_cmd_verify },
	{ "verify-pract", pi_fits_protected, verify_pract, nvme_cmd_verify },
	{ "copy-passes", pi_fits_protected, pi_copy_passes, nvme_cmd_copy },
	{ "copy-makes", pi_fits_protected, pi_copy_makes, nvme_cmd_copy },
	{ "copy-checks-source", pi_fits_protected, pi_copy_checks_source, nvme_cmd_copy },
	{ "copy-checks-target", pi_fits_protected, pi_copy_checks_target, nvme_cmd_copy },
	{ "copy-mixed", pi_fits_protected, pi_copy_mixed, nvme_cmd_copy },
	{ "copy-format", pi_fits_protected, pi_copy_format, nvme_cmd_copy },
};

static const struct rig_case cases[] = {
	{ .id = "other-commands",
	  .rule = "Write Zeroes, Dataset Management, Compare, Verify and Copy make, keep and check "
		  "protection information as the text says of each.",
	  .ref = "NVM CS 1.0 End-to-end Data Protection, Write Zeroes command, Verify command, "
		 "Copy "
		 "command, Deallocated or Unwritten Logical Blocks",
	  .needs = NEED_COMMAND,
	  .harm = HARM_DATA,
	  .fault = "write-zeroes-pract-ignored discard-pi-zero verify-pi-unchecked "
		   "verify-pract-accepted compare-pi-unchecked compare-includes-pi "
		   "compare-meta-skipped copy-pi-unchecked copy-pract-mixed copy-format-unchecked",
	  .na = pi_na_protected,
	  .run = pi_run_row,
	  ROWS(rows) },
};

SUITE(pi_other_suite, CONFORMANCE, "pi", cases);
