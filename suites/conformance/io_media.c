// SPDX-License-Identifier: GPL-2.0-or-later
/* Commands about what the medium holds: Compare, Verify, Write Uncorrectable, FUA, its size. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "device.h"
#include "io_area.h"

#define FIRST 64u /* the blocks that these cases use begin here */
#define GUARD 8u

enum { READ_OP, WRITE_OP, COMPARE_OP, VERIFY_OP, ZEROES_OP, UNCORRECTABLE_OP }; /* of io_ops */

/* ---- compare ---- */

static const struct size_row {
	const char *name;
	uint32_t blocks;
} sizes[] = { { "1", 1 }, { "3", 3 }, { "8", 8 } };

static void ask_compare(struct area *a, size_t byte, uint8_t flip)
{
	size_t len = (size_t)a->blocks * a->ns->lba_bytes;
	struct cpl cpl;
	char what[80];

	a->data[byte] ^= flip;
	cpl = rig_io(a->r, a->q, cmd_compare(a->ns->nsid, a->lba, a->blocks, a->data, len));
	a->data[byte] ^= flip;
	snprintf(what, sizeof(what), "Compare of %u blocks, byte %zu other by %02Xh: status",
		 a->blocks, byte, flip);
	if (flip)
		CHECK_STATUS_OF(a->r, what, cpl, SC_COMPARE_FAILURE);
	else
		CHECK_STATUS_OF(a->r, what, cpl, SC_SUCCESS);
}

static void compare(struct rig *r)
{
	const struct size_row *row = rig_row(r);
	const struct facts_ns *ns;

	io_need(r, &io_ops[COMPARE_OP]);
	for (unsigned at = 0; (ns = rig_ns_next(r, &at));) {
		struct area *a;
		size_t len = (size_t)row->blocks * ns->lba_bytes;

		if (row->blocks > io_chunk(r, ns))
			continue;
		a = area_new(r, ns, FIRST, row->blocks);
		ask_compare(a, 0, 0);
		ask_compare(a, 0, 0x01);
		ask_compare(a, len - 1, 0x80);
		for (uint64_t i = rig_pick(r, 4, 16, 1000); i; i--)
			ask_compare(a, rig_rand_below(r, len), (uint8_t)(1u << (i % 8)));
		area_check(a, 0, 0);
	}
}

/* ---- write-uncorrectable ---- */

/* The command on one block fails with an error of the medium. */
static void check_bad(struct area *a, unsigned op, uint64_t lba)
{
	struct cpl cpl = rig_io(a->r, a->q, io_cmd(a->r, &io_ops[op], a->ns, lba, 1));
	char what[80];

	snprintf(what, sizeof(what), "%s of marked LBA %" PRIu64 ": status", io_ops[op].name, lba);
	if (op == READ_OP)
		CHECK_STATUS_OF(a->r, what, cpl, SC_UNRECOVERED_READ);
	else
		CHECK_TRUE(a->r, cpl.status >> 8 == 2 && cpl.status != SC_COMPARE_FAILURE,
			   "%s is an error of the medium, is %03Xh", what, cpl.status);
}

static void mark(struct area *a, uint32_t from, uint32_t blocks)
{
	struct cmd c = io_cmd(a->r, &io_ops[UNCORRECTABLE_OP], a->ns, a->lba + from, blocks);

	CHECK_STATUS(a->r, rig_io(a->r, a->q, c), SC_SUCCESS);
}

static void check_neighbours(struct area *before, struct area *after)
{
	area_check(before, 0, 0);
	area_check(after, 0, 0);
}

static void write_uncorrectable(struct rig *r)
{
	const struct size_row *row = rig_row(r);
	const struct facts_ns *ns = rig_ns(r);
	struct area *before, *marked, *after;

	io_need(r, &io_ops[UNCORRECTABLE_OP]);
	before = area_new(r, ns, FIRST - GUARD, GUARD);
	marked = area_new(r, ns, FIRST, row->blocks);
	after = area_new(r, ns, FIRST + row->blocks, GUARD);
	mark(marked, 0, row->blocks);
	for (uint32_t i = 0; i < row->blocks; i++) {
		check_bad(marked, READ_OP, FIRST + i);
		for (unsigned op = COMPARE_OP; op <= VERIFY_OP; op++)
			if (io_supported(r, &io_ops[op]))
				check_bad(marked, op, FIRST + i);
	}
	check_neighbours(before, after);
	area_stamp(marked);
	area_check(marked, 0, 0);
	check_neighbours(before, after);
}

/* ---- verify ---- */

/* In as many commands as VSL asks for. */
static void verify_all(struct area *a)
{
	uint32_t most = io_most_blocks(a, &io_ops[VERIFY_OP]), n;

	for (uint32_t i = 0; i < a->blocks; i += n) {
		n = a->blocks - i < most ? a->blocks - i : most;
		CHECK_STATUS(a->r, rig_io(a->r, a->q, cmd_verify(a->ns->nsid, a->lba + i, n)),
			     SC_SUCCESS);
	}
}

static void verify_good(struct rig *r)
{
	const struct facts_ns *ns;

	for (unsigned at = 0; (ns = rig_ns_next(r, &at));) {
		struct area *a = area_new(r, ns, FIRST, GUARD);

		verify_all(a);
		area_check(a, 0, 0);
	}
}

static void verify_marked(struct rig *r)
{
	struct area *a = area_new(r, rig_ns(r), FIRST, GUARD);

	io_need(r, &io_ops[UNCORRECTABLE_OP]);
	mark(a, 3, 1);
	check_bad(a, VERIFY_OP, FIRST + 3);
	CHECK_STATUS(r, rig_io(r, a->q, cmd_verify(a->ns->nsid, FIRST, 3)), SC_SUCCESS);
	area_stamp(a);
	verify_all(a);
}

/* A shall of the command; but the bit itself is said to be ignored where there is no protection
 * information, and this namespace has none. */
static void verify_pract(struct rig *r)
{
	struct area *a = area_new(r, rig_ns(r), FIRST, 1);
	struct cmd c = cmd_verify(a->ns->nsid, FIRST, 1);

	c.sqe.cdw12 = le32_from(le32_get(c.sqe.cdw12) | 1u << 29);
	ADVISE_STATUS(r, rig_io(r, a->q, c), SC_INVALID_FIELD);
	area_check(a, 0, 0);
}

static bool verify_is_hard(struct rig *r)
{
	return !(le16_get(rig_facts(r)->id.oncs) & NVME_CTRL_ONCS_VERIFY);
}

static void verify_size_limit(struct rig *r)
{
	const struct facts_ns *ns = rig_ns(r);
	uint64_t limit = io_verify_limit(r, ns);
	struct sq *q = rig_queue(r);

	if (!rig_facts(r)->cap)
		rig_na(r, "CAP cannot be read here: VSL counts in pages of CAP.MPSMIN");
	if (!limit || limit >= 0xffff || limit >= ns->nsze)
		rig_na(r, "VSL allows %" PRIu64 " blocks: one more cannot be asked for", limit);
	CHECK_STATUS(r, rig_io(r, q, cmd_verify(ns->nsid, 0, (uint32_t)limit)), SC_SUCCESS);
	if (verify_is_hard(r))
		CHECK_STATUS(r, rig_io(r, q, cmd_verify(ns->nsid, 0, (uint32_t)limit + 1)),
			     SC_INVALID_FIELD);
	else
		CHECK_STATUS(r, rig_io(r, q, cmd_verify(ns->nsid, 0, (uint32_t)limit + 1)),
			     SC_SUCCESS);
}

static uint64_t units_read(struct rig *r)
{
	struct nvme_smart_log *log = rig_mem(r, sizeof(*log));

	rig_admin_ok(r, cmd_get_log(NVME_LOG_LID_SMART, NSID_ALL, 0, log, sizeof(*log)));
	return le64_at(log->data_units_read);
}

/* A unit is a thousand times 512 bytes; three of them are verified. */
static void verify_units(struct rig *r)
{
	const struct facts_ns *ns = rig_ns(r);
	uint64_t limit = io_verify_limit(r, ns), before = units_read(r), left;
	uint32_t n = limit && limit < 1024 ? (uint32_t)limit : 1024;

	for (left = 3 * 512000 / ns->lba_bytes; left; left -= n) {
		n = n < left ? n : (uint32_t)left;
		rig_io_ok(r, rig_queue(r), cmd_verify(ns->nsid, 0, n));
	}
	CHECK_GE(r, "Data Units Read after Verify of three units, less before",
		 units_read(r) - before, 2);
}

static const struct part_row {
	const char *name;
	void (*ask)(struct rig *r);
} verifies[] = { { "good", verify_good },
		 { "marked", verify_marked },
		 { "pract", verify_pract },
		 { "size-limit", verify_size_limit },
		 { "data-units", verify_units } };

static void verify(struct rig *r)
{
	const struct part_row *row = rig_row(r);

	io_need(r, &io_ops[VERIFY_OP]);
	row->ask(r);
}

/* ---- fua ---- */

static void write_fua(struct area *a)
{
	uint64_t tag = rig_rand(a->r);
	size_t len = (size_t)a->blocks * a->ns->lba_bytes;
	struct cmd c = cmd_write(a->ns->nsid, a->lba, a->blocks, a->data, len);

	rig_stamp(a->data, a->lba, a->blocks, a->ns->lba_bytes, tag);
	c.sqe.cdw12 = le32_from(le32_get(c.sqe.cdw12) | 1u << 30);
	CHECK_STATUS(a->r, rig_io(a->r, a->q, c), SC_SUCCESS);
	a->tag = tag;
}

static void read_fua(struct area *a)
{
	size_t len = (size_t)a->blocks * a->ns->lba_bytes;
	struct cmd c = cmd_read(a->ns->nsid, a->lba, a->blocks, a->data, len);

	memset(a->data, 0xee, len);
	c.sqe.cdw12 = le32_from(le32_get(c.sqe.cdw12) | 1u << 30);
	CHECK_STATUS(a->r, rig_io(a->r, a->q, c), SC_SUCCESS);
	CHECK_STAMP(a->r, a->data, a->lba, a->blocks, a->ns->lba_bytes, a->tag);
}

/* What one command covers. */
static struct area *fua_area(struct rig *r, const struct facts_ns *ns)
{
	uint32_t chunk = io_chunk(r, ns);

	return area_new(r, ns, FIRST, chunk < GUARD ? chunk : GUARD);
}

static void fua_plain(struct rig *r)
{
	const struct facts_ns *ns;

	for (unsigned at = 0; (ns = rig_ns_next(r, &at));) {
		struct area *a = fua_area(r, ns);

		read_fua(a);
		write_fua(a);
		read_fua(a);
		area_check(a, 0, 0);
	}
}

static void fua_cache_off(struct rig *r)
{
	area_cache_off(r);
	fua_plain(r);
}

static void fua_power_loss(struct rig *r)
{
	const struct facts_ns *ns;

	for (unsigned at = 0; (ns = rig_ns_next(r, &at));) {
		struct area *a = fua_area(r, ns);

		write_fua(a);
		device_power_cycle(r);
		rig_reset(r);
		a->q = rig_queue(r);
		area_check(a, 0, 0);
		read_fua(a);
	}
}

static const struct part_row fuas[] = { { "cache-on", fua_plain },
					{ "cache-off", fua_cache_off },
					{ "power-loss", fua_power_loss } };

static void fua(struct rig *r)
{
	const struct part_row *row = rig_row(r);

	row->ask(r);
}

/* ---- identify-size-honest ---- */

#define PLACES 160u

/* Powers of two and their neighbours, and the last blocks; ascending order does not matter. */
static unsigned choose_places(const struct facts_ns *ns, uint64_t ret[PLACES])
{
	unsigned n = 0;

	ret[n++] = 0;
	for (unsigned bit = 0; bit < 63 && 1ull << bit < ns->nsze; bit++) {
		ret[n++] = 1ull << bit;
		if (bit > 1)
			ret[n++] = (1ull << bit) - 1;
	}
	for (uint64_t part = 1; part < 8; part++)
		ret[n++] = ns->nsze / 8 * part + 5;
	ret[n++] = ns->nsze - 1;
	return n;
}

static bool chosen_before(const uint64_t *place, unsigned i)
{
	for (unsigned k = 0; k < i; k++)
		if (place[k] == place[i])
			return true;
	return false;
}

static void identify_size_honest(struct rig *r)
{
	uint64_t *place = rig_mem(r, PLACES * sizeof(*place));
	struct area *stamped[PLACES];
	const struct facts_ns *ns;

	for (unsigned at = 0; (ns = rig_ns_next(r, &at));) {
		unsigned n = choose_places(ns, place);

		for (unsigned i = 0; i < n; i++)
			stamped[i] = place[i] < ns->nsze && !chosen_before(place, i)
					     ? area_new(r, ns, place[i], 1)
					     : NULL;
		for (unsigned i = 0; i < n; i++)
			if (stamped[i])
				area_check(stamped[i], 0, 0);
	}
}

static const struct rig_case cases[] = {
	{ .id = "compare",
	  .rule = "Compare tells every difference, wherever it is, and changes nothing.",
	  .ref = "NVM CS 1.0 Compare command",
	  .needs = NEED_COMMAND,
	  .harm = HARM_DATA,
	  .fault = "compare-last-byte-skipped compare-writes",
	  .run = compare,
	  ROWS(sizes) },
	{ .id = "write-uncorrectable",
	  .rule = "Marked blocks cannot be read until they are written; their neighbours can.",
	  .ref = "NVM CS 1.0 Write Uncorrectable command",
	  .needs = NEED_COMMAND,
	  .harm = HARM_DATA,
	  .fault = "uncorrectable-neighbour uncorrectable-stays uncorrectable-noop verify-noop",
	  .run = write_uncorrectable,
	  ROWS(sizes) },
	{ .id = "verify",
	  .rule = "Verify tells whether blocks can be read, counts as reading them, and keeps to "
		  "its limit.",
	  .ref = "NVM CS 1.0 Verify command",
	  .needs = NEED_COMMAND,
	  .harm = HARM_DATA,
	  .fault = "verify-noop verify-limit-enforced "
		   "uncorrectable-stays uncorrectable-noop",
	  .run = verify,
	  ROWS(verifies) },
	{ .id = "fua",
	  .rule = "A Write with Force Unit Access is on the medium when it completes; a Read with "
		  "it is right.",
	  .ref = "NVM CS 1.0 Write command, Read command",
	  .needs = NEED_COMMAND,
	  .harm = HARM_DATA,
	  .fault = "fua-ignored",
	  .run = fua,
	  ROWS(fuas) },
	{ .id = "identify-size-honest",
	  .rule = "Every block up to NSZE is one of its own: none is another one once more.",
	  .ref = "NVM CS 1.0 Identify Namespace data structure",
	  .needs = NEED_COMMAND,
	  .harm = HARM_DATA,
	  .fault = "lba-aliased",
	  .run = identify_size_honest },
};

SUITE(io_media_suite, CONFORMANCE, "io", cases);
