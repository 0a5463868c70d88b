// SPDX-License-Identifier: GPL-2.0-or-later
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "io_area.h"
#include "io_journal.h"

/* ---- read-write-verify ---- */

static const struct place_row {
	const char *name;
	enum place place;
} places[] = { { "first-lbas", AT_FIRST }, { "last-lbas", AT_LAST }, { "anywhere", AT_RANDOM } };

static void read_write_verify(struct rig *r)
{
	const struct place_row *row = rig_row(r);
	const struct facts_ns *ns;
	struct journal *j = NULL;

	for (unsigned at = 0; (ns = rig_ns_next(r, &at));) {
		j = journal_new(r, ns, row->place, j);
		for (uint64_t i = 0, n = rig_pick(r, 12, 40, 2 * j->chunk); i < n; i++) {
			journal_write(j, i);
			journal_read(j, i);
		}
		journal_read_all(j);
	}
}

/* ---- lba-range, lba-wrap ---- */

#define GUARD 16u /* blocks watched at the end, or at the beginning */

static void lba_range(struct rig *r)
{
	const struct io_op *op = rig_row(r);
	const struct facts_ns *ns;

	io_need(r, op);
	for (unsigned at = 0; (ns = rig_ns_next(r, &at));) {
		struct area *guard = area_new(r, ns, ns->nsze - GUARD, GUARD);
		const struct io_probe probes[] = { { ns->nsze, 1 },
						   { ns->nsze - 1, 2 },
						   { ns->nsze - 7, 8 },
						   { ns->nsze + 1, 1 },
						   { ns->nsze + 4096, 8 },
						   { 2 * ns->nsze, 1 },
						   { ns->nsze | 1ull << 32, 1 } };

		io_ask_last(guard, op);
		for (size_t i = 0; i < ARRAY_SIZE(probes); i++) {
			io_ask_beyond(guard, op, probes[i]);
			io_check_guard(guard, op, probes[i]);
		}
	}
}

static void lba_wrap(struct rig *r)
{
	const struct io_op *op = rig_row(r);
	const struct facts_ns *ns;

	io_need(r, op);
	for (unsigned at = 0; (ns = rig_ns_next(r, &at));) {
		struct area *guard = area_new(r, ns, 0, GUARD);
		uint64_t bytes_wrap = UINT64_MAX / ns->lba_bytes + 1; /* 2^64 in blocks */
		const struct io_probe probes[] = { { UINT64_MAX, 1 },	  { UINT64_MAX, 2 },
						   { UINT64_MAX - 7, 8 }, { UINT64_MAX - 7, 16 },
						   { bytes_wrap, 1 },	  { bytes_wrap + 3, 4 },
						   { bytes_wrap - 1, 2 }, { bytes_wrap / 2, 1 },
						   { 1ull << 63, 1 } };

		for (size_t i = 0; i < ARRAY_SIZE(probes); i++) {
			io_ask_beyond(guard, op, probes[i]);
			area_check(guard, 0, 0);
		}
	}
}

/* ---- nsid-invalid ---- */

enum nsid_kind { NSID_ZERO, NSID_PAST, NSID_PAST_HIGH, NSID_BROADCAST };

static const struct nsid_row {
	const char *name;
	enum nsid_kind kind;
} nsids[] = { { "0", NSID_ZERO },
	      { "NN+1", NSID_PAST },
	      { "FFFFFFFEh", NSID_PAST_HIGH },
	      { "FFFFFFFFh", NSID_BROADCAST } };

static uint32_t bad_nsid(struct rig *r, enum nsid_kind kind)
{
	uint32_t nn = rig_facts(r)->nn;

	if ((kind == NSID_PAST || kind == NSID_PAST_HIGH) && nn >= NSID_ALL - 1)
		rig_na(r, "NN is %" PRIX32 "h: no NSID lies beyond", nn);
	switch (kind) {
	case NSID_ZERO:
		return 0;
	case NSID_PAST:
		return nn + 1;
	case NSID_PAST_HIGH:
		return NSID_ALL - 1;
	default:
		return NSID_ALL;
	}
}

static void check_bad_nsid(struct rig *r, const char *name, uint32_t nsid, struct cpl cpl)
{
	char what[64];

	snprintf(what, sizeof(what), "%s with NSID %" PRIX32 "h: status", name, nsid);
	if (nsid != NSID_ALL)
		CHECK_STATUS_OF(r, what, cpl, SC_INVALID_NS);
	else if (rig_facts(r)->vs >= VS(2, 0, 0))
		CHECK_STATUS_OF(r, what, cpl, SC_INVALID_FIELD, SC_INVALID_NS);
	else
		CHECK_STATUS_OF(r, what, cpl, SC_INVALID_NS, SC_INVALID_FIELD);
}

static void nsid_invalid(struct rig *r)
{
	const struct nsid_row *row = rig_row(r);
	const struct facts_ns *ns = rig_ns(r);
	struct area *guard = area_new(r, ns, 0, GUARD);
	uint32_t nsid = bad_nsid(r, row->kind);

	for (size_t i = 0; i < IO_OPS; i++) {
		struct cmd c = io_cmd(r, &io_ops[i], ns, 0, 1);

		c.sqe.nsid = le32_from(nsid);
		if (io_supported(r, &io_ops[i]))
			check_bad_nsid(r, io_ops[i].name, nsid, rig_io(r, guard->q, c));
	}
	if (row->kind != NSID_BROADCAST) /* for Flush that one may be good */
		check_bad_nsid(r, "flush", nsid, rig_io(r, guard->q, cmd_flush(nsid)));
	area_check(guard, 0, 0);
}

/* ---- flush ---- */

static void flush_active(struct rig *r)
{
	const struct facts *f = rig_facts(r);
	struct sq *q = rig_queue(r);
	const struct facts_ns *ns;

	for (unsigned i = 0; i < f->n_ns; i++) {
		if (!rig_ns_reach(r, &f->ns[i]))
			continue;
		CHECK_STATUS(r, rig_io(r, q, cmd_flush(f->ns[i].nsid)), SC_SUCCESS);
		CHECK_STATUS(r, rig_io(r, q, cmd_flush(f->ns[i].nsid)), SC_SUCCESS);
	}
	for (unsigned at = 0; (ns = rig_ns_next(r, &at));) {
		struct area *a = area_new(r, ns, 16, 8);

		CHECK_STATUS(r, rig_io(r, q, cmd_flush(ns->nsid)), SC_SUCCESS);
		area_check(a, 0, 0);
	}
}

static void flush_broadcast(struct rig *r)
{
	unsigned behaviour = rig_facts(r)->id.vwc >> 1 & 3;
	struct cpl cpl = rig_io(r, rig_queue(r), cmd_flush(NSID_ALL));

	if (behaviour == 3)
		CHECK_STATUS(r, cpl, SC_SUCCESS);
	else
		CHECK_STATUS(r, cpl, SC_INVALID_NS);
}

static void flush_cache_off(struct rig *r)
{
	struct area *a;

	area_cache_off(r);
	a = area_new(r, rig_ns(r), 16, 8);
	CHECK_STATUS(r, rig_io(r, a->q, cmd_flush(a->ns->nsid)), SC_SUCCESS);
	area_check(a, 0, 0);
}

/* Power is gone and back; every queue with it. */
static void power_cycle(struct rig *r)
{
	struct target *t = rig_target(r);
	int err = t->ops->reset(t, RESET_POWER);

	if (err)
		rig_broken(r, "power cycle: %s", t->error);
	ctrl_forget(rig_ctrl(r));
	rig_reset(r);
}

static void flush_power_loss(struct rig *r)
{
	const struct facts_ns *ns;
	struct area *flushed, *later;

	if (!(rig_facts(r)->caps.has & NEED_RESTART))
		rig_skip(r, "needs", "a target whose power can be cut");
	for (unsigned at = 0; (ns = rig_ns_next(r, &at));) {
		flushed = area_new(r, ns, 16, 64);
		CHECK_STATUS(r, rig_io(r, flushed->q, cmd_flush(ns->nsid)), SC_SUCCESS);
		later = area_new(r, ns, 96, 16);
		power_cycle(r);
		flushed->q = later->q = rig_queue(r);
		area_check(flushed, 0, 0);
		area_read(later);
	}
}

static const struct flush_row {
	const char *name;
	void (*ask)(struct rig *r);
} flushes[] = { { "active", flush_active },
		{ "broadcast", flush_broadcast },
		{ "cache-off", flush_cache_off },
		{ "power-loss", flush_power_loss } };

static unsigned flush_needs(const void *row)
{
	return ((const struct flush_row *)row)->ask == flush_broadcast ? NEED_SQE : 0;
}

static const char *flush_na(const struct facts *f, const void *row)
{
	if (((const struct flush_row *)row)->ask != flush_broadcast || f->id.vwc >> 1 & 2)
		return NULL;
	return rig_na_text("VWC is %02Xh: Flush of all namespaces is not described", f->id.vwc);
}

static void flush(struct rig *r)
{
	const struct flush_row *row = rig_row(r);

	row->ask(r);
}

/* ---- write-zeroes ---- */

#define SPOT 8u /* blocks */

static const struct zeroes_row {
	const char *name;
	uint64_t lba;
	uint32_t blocks;
	bool deallocate;
} zeroes_rows[] = {
	{ "1", 64, 1, false },
	{ "8", 64, 8, false },
	{ "13-unaligned", 67, 13, false },
	{ "8-deallocate", 64, 8, true },
	{ "13-deallocate", 67, 13, true },
	{ "65536", 64, 65536, false },
	{ "65536-deallocate", 67, 65536, true },
};

static const char *na_write_zeroes(const struct facts *f)
{
	uint16_t oncs = le16_get(f->id.oncs);

	if (oncs & NVME_CTRL_ONCS_WRITE_ZEROES)
		return NULL;
	return rig_na_text("ONCS is %04Xh: no Write Zeroes", oncs);
}

/* Pieces of the range, first and last included, stamped before and zero afterwards. */
static unsigned new_spots(struct rig *r, const struct facts_ns *ns, const struct zeroes_row *row,
			  struct area *ret[], unsigned max)
{
	uint32_t size = row->blocks < SPOT ? row->blocks : SPOT, room = row->blocks - size;
	unsigned n = room ? max : 1;

	for (unsigned i = 0; i < n; i++) {
		uint64_t at = i == 0 ? 0 : i == 1 ? room : rig_rand_below(r, room + 1ull);

		ret[i] = area_new(r, ns, row->lba + at, size);
	}
	return n;
}

static void check_zero(struct area *a)
{
	size_t len = (size_t)a->blocks * a->ns->lba_bytes;
	char what[80];

	area_read(a);
	snprintf(what, sizeof(what), "%u zeroed blocks at LBA %" PRIu64, a->blocks, a->lba);
	CHECK_MEM(a->r, what, a->data, rig_mem(a->r, len), len);
}

static void zero_and_check(struct rig *r, const struct facts_ns *ns, const struct zeroes_row *row)
{
	struct area *spot[64], *before = area_new(r, ns, row->lba - SPOT, SPOT);
	struct area *after = area_new(r, ns, row->lba + row->blocks, SPOT);
	unsigned n = new_spots(r, ns, row, spot, (unsigned)rig_pick(r, 8, 24, 64));
	struct cmd c = cmd_write_zeroes(ns->nsid, row->lba, row->blocks, row->deallocate);

	for (unsigned again = 0; again < 2; again++) { /* the second time it is zero already */
		CHECK_STATUS(r, rig_io(r, spot[0]->q, c), SC_SUCCESS);
		for (unsigned i = 0; i < n; i++)
			check_zero(spot[i]);
	}
	area_check(before, 0, 0);
	area_check(after, 0, 0);
	area_stamp(spot[0]); /* and until written again */
	area_check(spot[0], 0, 0);
}

static void write_zeroes(struct rig *r)
{
	const struct zeroes_row *row = rig_row(r);
	const struct facts_ns *ns;
	unsigned asked = 0;

	for (unsigned at = 0; (ns = rig_ns_next(r, &at));) {
		if (ns->nsze < row->lba + row->blocks + SPOT)
			continue;
		zero_and_check(r, ns, row);
		asked++;
	}
	if (!asked)
		rig_na(r, "no namespace has %u blocks and some around them", row->blocks);
}

/* ---- dsm-deallocate ---- */

static const struct ranges_row {
	const char *name;
	unsigned ranges;
} ranges_rows[] = { { "1", 1 }, { "17", 17 }, { "256", 256 } };

static const char *na_dsm(const struct facts *f)
{
	uint16_t oncs = le16_get(f->id.oncs);

	return oncs & NVME_CTRL_ONCS_DSM
		       ? NULL
		       : rig_na_text("ONCS is %04Xh: no Dataset Management", oncs);
}

/* One range in each eight blocks of the area, never all eight; in any order. */
static void choose_ranges(struct area *a, struct nvme_dsm_range *list, unsigned n, bool *ret_named)
{
	for (unsigned i = 0; i < n; i++) {
		uint32_t skip = (uint32_t)rig_rand_below(a->r, 4);
		uint32_t len = 1 + (uint32_t)rig_rand_below(a->r, 7 - skip);
		unsigned j = (unsigned)rig_rand_below(a->r, i + 1u);

		memset(ret_named + i * SPOT + skip, true, len);
		list[i] = list[j];
		list[j].cattr = 0;
		list[j].nlb = le32_from(len);
		list[j].slba = le64_from(a->lba + i * SPOT + skip);
	}
}

static bool all_bytes(const uint8_t *p, size_t len, uint8_t value)
{
	return p[0] == value && !memcmp(p, p + 1, len - 1);
}

/* Old data, or what DLFEAT says of a deallocated block. */
static bool may_be(const struct area *a, uint32_t i, const uint8_t *old)
{
	const uint8_t *p = a->data + (size_t)i * a->ns->lba_bytes;
	unsigned reads_as = a->ns->id.dlfeat & 7;

	if (!memcmp(p, old + (size_t)i * a->ns->lba_bytes, a->ns->lba_bytes))
		return true;
	if (all_bytes(p, a->ns->lba_bytes, 0))
		return reads_as != 2;
	return all_bytes(p, a->ns->lba_bytes, 0xff) && reads_as != 1;
}

static void check_deallocated(struct area *a, const uint8_t *old, const bool *named)
{
	uint32_t lba_bytes = a->ns->lba_bytes, gone = 0;

	for (uint32_t i = 0; i < a->blocks; i++) {
		size_t at = (size_t)i * lba_bytes;
		bool kept = !memcmp(a->data + at, old + at, lba_bytes);

		gone += !kept;
		if (named[i])
			CHECK_TRUE(a->r, may_be(a, i, old),
				   "LBA %" PRIu64 " in a deallocated range reads as before or as "
				   "DLFEAT %02Xh says (it begins %02Xh)",
				   a->lba + i, a->ns->id.dlfeat, a->data[at]);
		else
			CHECK_STAMP(a->r, a->data + at, a->lba + i, 1, lba_bytes, a->tag);
	}
	rig_note(a->r, "%u of %u blocks deallocated", gone, a->blocks);
}

static void deallocate(struct rig *r, const struct facts_ns *ns, unsigned ranges)
{
	struct nvme_dsm_range *list = rig_mem(r, ranges * sizeof(*list));
	struct area *a = area_new(r, ns, 64, ranges * SPOT);
	size_t len = (size_t)a->blocks * ns->lba_bytes;
	uint8_t *before = rig_mem(r, len), *first = rig_mem(r, len);
	bool *named = rig_mem(r, a->blocks);

	memcpy(before, a->data, len);
	choose_ranges(a, list, ranges, named);
	CHECK_STATUS(r, rig_io(r, a->q, cmd_dsm(ns->nsid, list, ranges, NVME_DSMGMT_AD)),
		     SC_SUCCESS);
	area_read(a);
	check_deallocated(a, before, named);
	memcpy(first, a->data, len);
	area_read(a);
	CHECK_MEM(r, "the same blocks read again", a->data, first, len);
	area_stamp(a);
	area_check(a, 0, 0);
}

static void dsm_deallocate(struct rig *r)
{
	const struct ranges_row *row = rig_row(r);
	const struct facts_ns *ns;
	unsigned asked = 0;

	for (unsigned at = 0; (ns = rig_ns_next(r, &at));) {
		if (ns->nsze < 64 + row->ranges * SPOT)
			continue;
		deallocate(r, ns, row->ranges);
		asked++;
	}
	if (!asked)
		rig_na(r, "no namespace has room for %u ranges", row->ranges);
}

/* ---- data-after-error ---- */

#define BAD_MAX 64u /* blocks of a Write that is too long for its place */

/* A command that must fail; a is at the end of the namespace and at least as long as `n` blocks. */
static const struct error_row {
	const char *name;
	bool write;
	bool past;	 /* n blocks of which the last lies past the end */
	bool bad_nsid;	 /* else the range is good */
	uint64_t beyond; /* blocks past the end where it begins; UINT64_MAX: at the last LBA of all
			  */
	bool largest;	 /* as long as a failed Write must leave alone, else longer than that */
} errors[] = {
	{ "write-past-end", true, true, false, 0, true },
	{ "write-past-end-long", true, true, false, 0, false },
	{ "write-beyond", true, false, false, 4096, true },
	{ "write-wrapping", true, false, false, UINT64_MAX, false },
	{ "write-bad-nsid", true, false, true, 0, true },
	{ "read-past-end", false, true, false, 0, true },
	{ "read-bad-nsid", false, false, true, 0, true },
};

static unsigned error_needs(const void *row)
{
	return ((const struct error_row *)row)->bad_nsid ? NEED_SQE : 0;
}

static struct cmd wrong(struct area *a, const struct error_row *row, uint32_t n)
{
	const struct io_op *op = &io_ops[row->write]; /* Read, Write */
	uint64_t slba = a->ns->nsze - n + row->past;
	struct cmd c;

	if (row->beyond)
		slba = row->beyond == UINT64_MAX ? UINT64_MAX : a->ns->nsze + row->beyond;
	c = io_cmd(a->r, op, a->ns, slba, n);
	if (row->bad_nsid)
		c.sqe.nsid = 0;
	return c;
}

static void data_after_error(struct rig *r)
{
	const struct error_row *row = rig_row(r);
	const struct facts_ns *ns;

	for (unsigned at = 0; (ns = rig_ns_next(r, &at));) {
		uint32_t atomic = io_atomic(r, ns), chunk = io_chunk(r, ns), n = atomic;
		struct area *a;

		n = row->largest ? n : n + 7;
		n = n < BAD_MAX ? n : BAD_MAX;
		n = n < chunk ? n : chunk;
		a = area_new(r, ns, ns->nsze - 2 * BAD_MAX, 2 * BAD_MAX);
		CHECK_ERROR(r, rig_io(r, a->q, wrong(a, row, n)));
		area_check(a, n > atomic && row->past ? a->blocks - n + 1 : a->blocks, a->blocks);
	}
}

static const struct rig_case cases[] = {
	{ .id = "read-write-verify",
	  .rule = "What was written is read back bit for bit: every size, place and queue.",
	  .ref = "NVM CS 1.0 Write command, Read command",
	  .needs = NEED_CTRL,
	  .harm = HARM_DATA,
	  .fault = "last-lba-dropped read-stale-tail",
	  .run = read_write_verify,
	  ROWS(places) },
	{ .id = "lba-range",
	  .rule = "A command on a block past the end of the namespace fails and alters none "
		  "within.",
	  .ref = "NVM CS 1.0 NVM Command Set Specific Status Values, Dataset Management command, "
		 "NVM Command Set Media and Data Error Handling",
	  .needs = NEED_COMMAND,
	  .harm = HARM_DATA,
	  .fault = "lba-end-off-by-one rejected-write-stores",
	  .run = lba_range,
	  ROWS(io_ops) },
	{ .id = "lba-wrap",
	  .rule = "A range whose end or byte address overflows 64 bits is out of range.",
	  .ref = "NVM CS 1.0 NVM Command Set Specific Status Values, Read command, Write command",
	  .needs = NEED_COMMAND,
	  .harm = HARM_DATA,
	  .fault = "lba-sum-overflow lba-shift-overflow",
	  .run = lba_wrap,
	  ROWS(io_ops) },
	{ .id = "nsid-invalid",
	  .rule = "An I/O command with an NSID that is invalid, or broadcast where it may not be, "
		  "fails.",
	  .ref = "Base 2.2 Submission Queue Entry (NSID), I/O Commands; "
		 "NVM CS 1.0 NVM Command Set Commands",
	  .needs = NEED_COMMAND | NEED_SQE,
	  .harm = HARM_DATA,
	  .fault = "nsid-zero-as-one nsid-any-accepted",
	  .run = nsid_invalid,
	  ROWS(nsids) },
	{ .id = "flush",
	  .rule = "Flush of an active namespace succeeds, and what completed before it outlives a "
		  "loss of power.",
	  .ref = "Base 2.0 Flush command; Base 2.2 Flush command",
	  .needs = NEED_COMMAND,
	  .harm = HARM_DATA,
	  .fault = "flush-noop flush-wrong-broadcast",
	  .row_na = flush_na,
	  .row_needs = flush_needs,
	  .run = flush,
	  ROWS(flushes) },
	{ .id = "write-zeroes",
	  .rule = "After Write Zeroes the range reads as zeroes until written, whatever its "
		  "length, "
		  "and nothing around it changed.",
	  .ref = "NVM CS 1.0 Write Zeroes command",
	  .needs = NEED_COMMAND,
	  .harm = HARM_DATA,
	  .fault = "write-zeroes-16-bit write-zeroes-neighbour",
	  .na = na_write_zeroes,
	  .run = write_zeroes,
	  ROWS(zeroes_rows) },
	{ .id = "dsm-deallocate",
	  .rule = "A deallocated block reads as before or as DLFEAT says, the same each time; no "
		  "other changes.",
	  .ref = "NVM CS 1.0 Dataset Management command, Deallocated or Unwritten Logical Blocks",
	  .needs = NEED_COMMAND,
	  .harm = HARM_DATA,
	  .fault = "discard-rounds-outwards discard-unstable",
	  .na = na_dsm,
	  .run = dsm_deallocate,
	  ROWS(ranges_rows) },
	{ .id = "data-after-error",
	  .rule = "A command that is refused changes no block, and none at all outside its range.",
	  .ref = "NVM CS 1.0 NVM Command Set Media and Data Error Handling; "
		 "Base 2.2 Media and Data Error Handling",
	  .needs = NEED_COMMAND,
	  .harm = HARM_DATA,
	  .fault = "rejected-write-stores lba-end-off-by-one lba-sum-overflow "
		   "nsid-zero-as-one nsid-any-accepted",
	  .row_needs = error_needs,
	  .run = data_after_error,
	  ROWS(errors) },
};

SUITE(io_suite, CONFORMANCE, "io", cases);
