// SPDX-License-Identifier: GPL-2.0-or-later
/* Writes to the same blocks at the same time, and Reads in between. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "io_area.h"

#define FIRST	64u /* where these cases look for a place to write */
#define READERS 4u
#define MOST	16u /* blocks of one Write */

struct rivals {
	struct rig *r;
	const struct facts_ns *ns;
	struct sq *q[2];
	uint64_t lba;
	uint32_t blocks; /* of each Write */
	uint32_t shift;	 /* the second Write begins so many blocks later */
	uint64_t old, tag[2];
	struct buf *out[2], *in[READERS];
	struct area all;     /* what both Writes cover */
	uint8_t *want, *now; /* scratch */
};

/* Blocks that one Write may have and still be atomic: AWUN, or NAWUN where it is given. */
static uint32_t atomic_blocks(struct rig *r, const struct facts_ns *ns)
{
	uint16_t own = le16_get(ns->id.nawun);

	if ((ns->id.nsfeat & NVME_NS_FEAT_NATOMIC) && own)
		return own + 1u;
	return le16_get(rig_facts(r)->id.awun) + 1u;
}

/* Where an atomic boundary lies, so that what begins there crosses none. */
static uint64_t first_place(const struct facts_ns *ns)
{
	uint64_t size = le16_get(ns->id.nabsn) + 1ull, offset = le16_get(ns->id.nabo);

	if (!(ns->id.nsfeat & NVME_NS_FEAT_NATOMIC) || !le16_get(ns->id.nabsn))
		return FIRST;
	return offset + (FIRST / size + 1) * size;
}

/* Write Atomicity Normal must not be switched off (DN). */
static void want_atomicity(struct rig *r)
{
	struct cmd get = cmd_get_features(NVME_FEAT_FID_WRITE_ATOMIC, 0, 0, 0);
	struct cpl cpl = rig_admin(r, get);

	if (cpl.status != SC_SUCCESS || !(cpl.dw0 & 1))
		return;
	rig_keep_feature(r, NVME_FEAT_FID_WRITE_ATOMIC, 0, 0);
	rig_admin_ok(r, cmd_set_features(NVME_FEAT_FID_WRITE_ATOMIC, false, 0, 0));
}

static struct rivals *rivals_new(struct rig *r, uint32_t blocks, bool shifted)
{
	struct rivals *v = rig_mem(r, sizeof(*v));
	uint32_t chunk;
	size_t len;

	want_atomicity(r);
	v->r = r;
	v->ns = rig_ns(r);
	chunk = io_chunk(r, v->ns);
	v->blocks = blocks < chunk ? blocks : chunk;
	v->shift = shifted ? v->blocks / 2 : 0;
	v->lba = first_place(v->ns);
	v->q[0] = rig_queue_pair(r, 1, rig_queue_fit(r, 16));
	v->q[1] = rig_queue_count(r) > 1 ? rig_queue_pair(r, 2, rig_queue_fit(r, 16)) : v->q[0];
	if (v->q[0]->size < 8)
		rig_na(r, "queues of %u entries: not enough in flight at once", v->q[0]->size);
	v->all = (struct area){ r, v->ns, v->q[0], v->lba, v->blocks + v->shift, 0, NULL };
	v->all.data = rig_mem(r, (size_t)v->all.blocks * v->ns->lba_bytes);
	v->now = rig_mem(r, (size_t)v->all.blocks * v->ns->lba_bytes);
	len = (size_t)v->blocks * v->ns->lba_bytes;
	v->want = rig_mem(r, len);
	for (unsigned i = 0; i < 2; i++)
		v->out[i] = rig_buf(r, len);
	for (unsigned i = 0; i < READERS; i++)
		v->in[i] = rig_buf(r, len);
	return v;
}

static size_t bytes_of(const struct rivals *v, uint32_t blocks)
{
	return (size_t)blocks * v->ns->lba_bytes;
}

static bool is_of(const struct rivals *v, const uint8_t *data, uint64_t lba, uint32_t blocks,
		  uint64_t tag)
{
	rig_stamp(v->want, lba, blocks, v->ns->lba_bytes, tag);
	return !memcmp(v->want, data, bytes_of(v, blocks));
}

/* One of the two Writes wrote all of it; the old data count where `old` says so. */
static bool is_whole(const struct rivals *v, const uint8_t *data, uint64_t lba, uint32_t blocks,
		     bool old)
{
	return is_of(v, data, lba, blocks, v->tag[0]) || is_of(v, data, lba, blocks, v->tag[1]) ||
	       (old && is_of(v, data, lba, blocks, v->old));
}

/* The same blocks, each by one of the Writes, whichever. */
static bool is_mixture(const struct rivals *v, const uint8_t *data, uint64_t lba, uint32_t blocks)
{
	for (uint32_t i = 0; i < blocks; i++)
		if (!is_whole(v, data + bytes_of(v, i), lba + i, 1, false))
			return false;
	return true;
}

static void put_write(struct rivals *v, unsigned i)
{
	uint64_t lba = v->lba + i * v->shift;
	struct cmd c = cmd_write(v->ns->nsid, lba, v->blocks, NULL, bytes_of(v, v->blocks));

	v->tag[i] = rig_rand(v->r);
	rig_stamp(v->out[i]->data, lba, v->blocks, v->ns->lba_bytes, v->tag[i]);
	rig_prp(v->r, &c, v->out[i], 0, bytes_of(v, v->blocks));
	rig_put(v->r, v->q[i], c);
}

static void put_read(struct rivals *v, unsigned i)
{
	struct cmd c = cmd_read(v->ns->nsid, v->lba, v->blocks, NULL, bytes_of(v, v->blocks));

	rig_prp(v->r, &c, v->in[i], 0, bytes_of(v, v->blocks));
	rig_put(v->r, v->q[i % 2], c);
}

static void finish(struct rivals *v, unsigned n[2])
{
	rig_ring(v->r, v->q[0]);
	if (v->q[1] != v->q[0])
		rig_ring(v->r, v->q[1]);
	for (unsigned i = 0; i < 2; i++)
		for (; n[i]; n[i]--)
			CHECK_STATUS(v->r, rig_next(v->r, v->q[i]->cq), SC_SUCCESS);
}

/* Everything that a Write covers is old; then two Writes and the Readers at once. */
static void clash(struct rivals *v, bool readers)
{
	unsigned n[2] = { 1 + readers * READERS / 2, 1 + readers * READERS / 2 };

	area_stamp(&v->all);
	v->old = v->all.tag;
	for (unsigned i = 0; readers && i < READERS / 2; i++)
		put_read(v, i);
	put_write(v, 0);
	put_write(v, 1);
	for (unsigned i = READERS / 2; readers && i < READERS; i++)
		put_read(v, i);
	finish(v, n);
}

/* The blocks as the queue reads them now; good until the next call. */
static uint8_t *read_now(struct rivals *v, unsigned queue, uint32_t blocks)
{
	uint32_t n;

	for (uint32_t i = 0; i < blocks; i += n) {
		n = blocks - i < v->blocks ? blocks - i : v->blocks; /* MDTS allows as many */
		rig_io_ok(v->r, v->q[queue],
			  cmd_read(v->ns->nsid, v->lba + i, n, v->now + bytes_of(v, i),
				   bytes_of(v, n)));
	}
	return v->now;
}

/* ---- atomic-awun ---- */

/* Where a torn Read leaves the Write, or the old data, that it begins as. */
static void note_tear(const struct rivals *v, const uint8_t *data)
{
	const uint64_t tags[] = { v->old, v->tag[0], v->tag[1] };
	size_t len = bytes_of(v, v->blocks), best = 0, n;

	for (size_t i = 0; i < ARRAY_SIZE(tags); i++) {
		rig_stamp(v->want, v->lba, v->blocks, v->ns->lba_bytes, tags[i]);
		for (n = 0; n < len && data[n] == v->want[n];)
			n++;
		best = n > best ? n : best;
	}
	rig_note(v->r, "torn: %zu bytes are of one of them, those that follow are not", best);
}

/* One tear settles it. */
static void check_read(const struct rivals *v, const uint8_t *data)
{
	bool whole = is_whole(v, data, v->lba, v->blocks, true);

	if (!whole)
		note_tear(v, data);
	REQUIRE_TRUE(v->r, whole,
		     "a Read of %u blocks beside two Writes sees one of them, or neither, whole",
		     v->blocks);
}

/* A Write that begins at an atomic boundary, and one that ends at one. */
static const struct place_row {
	const char *name;
	bool end;
} places[] = { { "begins-at-boundary", false }, { "ends-at-boundary", true } };

static void atomic_awun(struct rig *r)
{
	const struct place_row *row = rig_row(r);
	const struct nvme_id_ns *id = &rig_ns(r)->id;
	uint32_t atomic = atomic_blocks(r, rig_ns(r)), size = le16_get(id->nabsn) + 1u;
	struct rivals *v = rivals_new(r, atomic < MOST ? atomic : MOST, false);

	if (row->end && (!(id->nsfeat & NVME_NS_FEAT_NATOMIC) || size == 1))
		rig_na(r, "NABSN is 0: no atomic boundaries");
	if (row->end)
		v->all.lba = v->lba += size - v->blocks;
	rig_note(r, "Writes of %u blocks; up to %u are atomic", v->blocks, atomic);
	for (uint64_t i = rig_pick(r, 16, 48, 5000); i; i--) {
		clash(v, true);
		for (unsigned k = 0; k < READERS; k++)
			check_read(v, v->in[k]->data);
		REQUIRE_TRUE(r, is_whole(v, read_now(v, 0, v->blocks), v->lba, v->blocks, false),
			     "of two Writes of %u blocks at once one stands whole", v->blocks);
	}
}

/* ---- ordering-overlap ---- */

/* Blocks of the first alone, of both, of the second alone. */
static void check_overlap(struct rivals *v, unsigned queue, bool atomic)
{
	uint32_t s = v->shift, both = v->blocks - s;
	const uint8_t *data = read_now(v, queue, v->blocks + s);
	const uint8_t *mid = data + bytes_of(v, s);

	CHECK_STAMP(v->r, data, v->lba, s, v->ns->lba_bytes, v->tag[0]);
	CHECK_STAMP(v->r, mid + bytes_of(v, both), v->lba + v->blocks, s, v->ns->lba_bytes,
		    v->tag[1]);
	if (atomic)
		CHECK_TRUE(v->r, is_whole(v, mid, v->lba + s, both, false),
			   "%u blocks that two Writes share are all of one of them", both);
	else
		ADVISE_TRUE(v->r, is_mixture(v, mid, v->lba + s, both),
			    "each of %u blocks that two Writes share is of one of them", both);
}

static const struct overlap_row {
	const char *name;
	bool atomic;
} overlaps[] = { { "atomic", true }, { "larger", false } };

static void ordering_overlap(struct rig *r)
{
	const struct overlap_row *row = rig_row(r);
	uint32_t atomic = atomic_blocks(r, rig_ns(r)), n = atomic < MOST ? atomic : MOST;
	struct rivals *v;

	if (row->atomic && n < 2)
		rig_na(r, "one block is atomic: no two Writes overlap in part");
	v = rivals_new(r, row->atomic ? n : atomic + MOST, true);
	if (!row->atomic && v->blocks <= atomic)
		rig_na(r, "MDTS allows no Write larger than the %u blocks that are atomic", atomic);
	for (uint64_t i = rig_pick(r, 16, 48, 5000); i; i--) {
		clash(v, false);
		check_overlap(v, 0, row->atomic);
		check_overlap(v, 1, row->atomic);
	}
}

static const struct rig_case cases[] = {
	{ .id = "atomic-awun",
	  .rule = "Writes up to AWUN are whole to every other command, whatever runs beside them.",
	  .ref = "NVM CS 1.0 Atomic Operation",
	  .needs = NEED_CTRL,
	  .harm = HARM_DATA,
	  .fault = "writes-mix atomic-offset-ignored",
	  .run = atomic_awun,
	  ROWS(places) },
	{ .id = "ordering-overlap",
	  .rule = "Overlapping Writes leave what one after the other would leave, to every queue.",
	  .ref = "NVM CS 1.0 Command Ordering Requirements, Atomic Operation",
	  .needs = NEED_CTRL,
	  .harm = HARM_DATA,
	  .fault = "writes-mix",
	  .run = ordering_overlap,
	  ROWS(overlaps) },
};

SUITE(io_atomic_suite, CONFORMANCE, "io", cases);
