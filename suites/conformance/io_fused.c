// SPDX-License-Identifier: GPL-2.0-or-later
/* Compare and Write as one. */
#include <stdio.h>
#include <string.h>

#include "io_area.h"

#define FIRST  64u /* the blocks that these cases use begin here */
#define MOST   8u
#define RIVALS 8u
#define REF    "Base 2.0 Fused Operations; NVM CS 1.0 Compare and Write"

enum { FUSE_NONE, FUSE_FIRST, FUSE_SECOND, FUSE_RESERVED };

/* One Compare and the Write that goes with it, each with memory of its own. */
struct pair {
	struct area *a;
	struct sq *q;
	struct buf *have, *next;
	struct cmd compare, write;
	uint16_t cid[2];
	struct cpl cpl[2];
};

static bool is_supported(struct rig *r)
{
	return le16_get(rig_facts(r)->id.fuses) & NVME_CTRL_FUSES_COMPARE_AND_WRITE;
}

static const char *na_fused(const struct facts *f)
{
	uint16_t fuses = le16_get(f->id.fuses);

	return fuses & NVME_CTRL_FUSES_COMPARE_AND_WRITE
		       ? NULL
		       : rig_na_text("FUSES is %04Xh: no Compare and Write", fuses);
}

/* Blocks that a Compare and Write may have and still be atomic, at most MOST. */
static uint32_t atomic_blocks(struct rig *r)
{
	const struct nvme_id_ns *id = &rig_ns(r)->id;
	uint32_t n = le16_get(rig_facts(r)->id.acwu) + 1u;

	if ((id->nsfeat & NVME_NS_FEAT_NATOMIC) && le16_get(id->nacwu))
		n = le16_get(id->nacwu) + 1u;
	return n < MOST ? n : MOST;
}

/* The Compare holds what the area holds; the Write has a stamp of its own, whose tag is *ret_tag.
 */
static void pair_fill(struct pair *p, uint64_t *ret_tag)
{
	struct area *a = p->a;

	*ret_tag = rig_rand(a->r);
	rig_stamp(p->have->data, a->lba, a->blocks, a->ns->lba_bytes, a->tag);
	rig_stamp(p->next->data, a->lba, a->blocks, a->ns->lba_bytes, *ret_tag);
}

static struct pair *pair_new(struct area *a, struct sq *q)
{
	size_t len = (size_t)a->blocks * a->ns->lba_bytes;
	struct pair *p = rig_mem(a->r, sizeof(*p));

	p->a = a;
	p->q = q;
	p->have = rig_buf(a->r, len);
	p->next = rig_buf(a->r, len);
	p->compare = cmd_compare(a->ns->nsid, a->lba, a->blocks, NULL, len);
	p->write = cmd_write(a->ns->nsid, a->lba, a->blocks, NULL, len);
	rig_prp(a->r, &p->compare, p->have, 0, len);
	rig_prp(a->r, &p->write, p->next, 0, len);
	p->compare.sqe.flags |= FUSE_FIRST;
	p->write.sqe.flags |= FUSE_SECOND;
	return p;
}

static void pair_put(struct pair *p)
{
	p->cid[0] = rig_put(p->a->r, p->q, p->compare);
	p->cid[1] = rig_put(p->a->r, p->q, p->write);
}

static void pair_wait(struct pair *p)
{
	for (unsigned i = 0; i < 2; i++)
		p->cpl[i] = rig_wait_cid(p->a->r, p->q, p->cid[i]);
}

static void pair_run(struct pair *p)
{
	pair_put(p);
	rig_ring(p->a->r, p->q);
	pair_wait(p);
}

/* Both halves must be rung at once. */
static void need_room(struct rig *r, const struct sq *q, unsigned commands)
{
	if (q->size <= commands)
		rig_na(r, "queues of %u entries: no %u commands at once", q->size, commands);
}

static struct pair *any_pair(struct rig *r)
{
	struct area *a = area_new(r, rig_ns(r), FIRST, atomic_blocks(r));

	need_room(r, a->q, 2);
	return pair_new(a, a->q);
}

/* ---- fused-cw ---- */

static void check_match(struct pair *p)
{
	uint64_t tag;

	pair_fill(p, &tag);
	pair_run(p);
	CHECK_STATUS_OF(p->a->r, "Compare: status", p->cpl[0], SC_SUCCESS);
	CHECK_STATUS_OF(p->a->r, "Write: status", p->cpl[1], SC_SUCCESS);
	p->a->tag = tag;
	area_check(p->a, 0, 0);
}

static void match(struct rig *r)
{
	struct pair *p = any_pair(r);

	check_match(p);
	check_match(p);
}

static void mismatch(struct rig *r)
{
	struct pair *p = any_pair(r);
	uint64_t tag;

	pair_fill(p, &tag);
	p->have->data[rig_rand_below(r, p->have->len)] ^= 4;
	pair_run(p);
	CHECK_STATUS_OF(r, "Compare: status", p->cpl[0], SC_COMPARE_FAILURE);
	CHECK_STATUS_OF(r, "Write: status", p->cpl[1], SC_FUSED_FAILED);
	area_check(p->a, 0, 0);
	check_match(p);
}

/* The Write asks for a reserved PSDT: it fails, its Compare does not. */
static void failing_write(struct rig *r)
{
	struct pair *p = any_pair(r);
	uint64_t tag;

	pair_fill(p, &tag);
	p->write.sqe.flags |= 3 << 6;
	pair_run(p);
	CHECK_STATUS_OF(r, "Compare: status", p->cpl[0], SC_SUCCESS);
	CHECK_ERROR(r, p->cpl[1]);
	area_check(p->a, 0, 0);
}

/* The Compare in the last slot of the queue, the Write in the first. */
static void wrap(struct rig *r)
{
	struct area *a = area_new(r, rig_ns(r), FIRST, atomic_blocks(r));
	struct sq *q = a->q;
	struct pair *p = pair_new(a, q);

	need_room(r, q, 2);
	for (uint64_t i = rig_pick(r, 2, 4, 100); i; i--) {
		while (q->tail != q->size - 1)
			rig_io_ok(r, q, cmd_flush(a->ns->nsid));
		check_match(p);
	}
}

/* All compare with the same content and write one of their own: the first wins, alone. */
static void race(struct area *a, struct pair *pair[], unsigned n)
{
	uint64_t tag[RIVALS], won = a->tag;
	unsigned winners = 0;

	for (unsigned i = 0; i < n; i++) {
		pair_fill(pair[i], &tag[i]);
		pair_put(pair[i]);
	}
	for (unsigned i = 0; i < n; i++)
		rig_ring(a->r, pair[i]->q);
	for (unsigned i = 0; i < n; i++) {
		pair_wait(pair[i]);
		if (pair[i]->cpl[1].status == SC_SUCCESS) {
			won = tag[i];
			winners++;
		}
	}
	CHECK_EQ(a->r, "pairs of a race that wrote", winners, 1);
	a->tag = won;
	if (winners == 1)
		area_check(a, 0, 0);
	else
		area_stamp(a);
}

static void rivals(struct rig *r)
{
	unsigned queues = rig_queue_count(r) > 1 ? 2 : 1, n = RIVALS;
	struct area *a = area_new(r, rig_ns(r), FIRST, atomic_blocks(r));
	struct pair *pair[RIVALS];
	struct sq *q[2];

	a->q = q[0] = q[1] = rig_queue(r);
	need_room(r, q[0], 4);
	if (queues > 1)
		q[1] = rig_queue_pair(r, 2, q[0]->size);
	while (n > 1 && n * 2 / queues > sq_room(q[0]))
		n -= queues;
	for (unsigned i = 0; i < n; i++)
		pair[i] = pair_new(a, q[i % 2]);
	for (uint64_t i = rig_pick(r, 8, 32, 5000); i; i--)
		race(a, pair, n);
}

static const struct fused_row {
	const char *name;
	void (*ask)(struct rig *r);
} fuseds[] = { { "match", match },
	       { "mismatch", mismatch },
	       { "failing-write", failing_write },
	       { "queue-wrap", wrap },
	       { "rivals", rivals } };

static void fused_cw(struct rig *r)
{
	const struct fused_row *row = rig_row(r);

	row->ask(r);
}

/* ---- fused-errors ---- */

/* C Compare, W Write, - Flush; each with its FUSE. None: a pair whose ranges differ. */
static const struct half_row {
	const char *name;
	const char *what;
	uint8_t fuse[3];
} halves[] = {
	{ "first-alone", "C-", { FUSE_FIRST, FUSE_NONE } },
	{ "second-alone", "W", { FUSE_SECOND } },
	{ "interrupted", "C-W", { FUSE_FIRST, FUSE_NONE, FUSE_SECOND } },
	{ "two-firsts", "CC-", { FUSE_FIRST, FUSE_FIRST, FUSE_NONE } },
	{ "reserved-value", "W", { FUSE_RESERVED } },
	{ "ranges-differ", "", { 0 } },
};

static struct cmd half_cmd(struct pair *p, char what, uint8_t fuse)
{
	struct cmd c = what == 'C'   ? p->compare
		       : what == 'W' ? p->write
				     : cmd_flush(p->a->ns->nsid);

	c.sqe.flags = (uint8_t)((c.sqe.flags & PSDT_MASK) | fuse);
	return c;
}

static void check_half(struct rig *r, uint8_t fuse, struct cpl cpl)
{
	if (fuse == FUSE_NONE)
		CHECK_STATUS_OF(r, "the ordinary command: status", cpl, SC_SUCCESS);
	else if (fuse == FUSE_RESERVED)
		CHECK_STATUS_OF(r, "FUSE 11b: status", cpl, SC_INVALID_FIELD);
	else if (is_supported(r))
		CHECK_STATUS_OF(r, "half of a pair: status", cpl, SC_FUSED_MISSING);
	else
		ADVISE_STATUS_OF(r, "fused, not supported: status", cpl, SC_INVALID_FIELD);
}

/* The Write goes elsewhere: should be refused; what it does not name never changes. */
static void ask_other_range(struct rig *r)
{
	struct pair *p = any_pair(r);
	struct area *other = area_new(r, p->a->ns, FIRST + 2 * MOST, p->a->blocks);
	uint64_t tag;

	pair_fill(p, &tag);
	p->write.sqe.cdw10 = le32_from((uint32_t)other->lba);
	pair_run(p);
	ADVISE_STATUS_OF(r, "Compare of another range: status", p->cpl[0], SC_INVALID_FIELD);
	ADVISE_STATUS_OF(r, "Write to another range: status", p->cpl[1], SC_INVALID_FIELD);
	area_check(p->a, 0, 0);
	if (p->cpl[1].status != SC_SUCCESS)
		area_check(other, 0, 0);
}

static void ask_halves(struct pair *p, const struct half_row *row)
{
	struct rig *r = p->a->r;
	unsigned n = (unsigned)strlen(row->what);
	uint16_t cid[3];
	uint64_t tag;

	need_room(r, p->q, n);
	pair_fill(p, &tag);
	for (unsigned i = 0; i < n; i++)
		cid[i] = rig_put(r, p->q, half_cmd(p, row->what[i], row->fuse[i]));
	rig_ring(r, p->q);
	for (unsigned i = 0; i < n; i++) {
		struct cpl cpl = rig_wait_cid(r, p->q, cid[i]);

		check_half(r, row->fuse[i], cpl);
		if (row->what[i] == 'W' && cpl.status == SC_SUCCESS)
			p->a->tag = tag;
	}
	area_check(p->a, 0, 0);
}

static void fused_errors(struct rig *r)
{
	const struct half_row *row = rig_row(r);

	if (row->what[0])
		ask_halves(any_pair(r), row);
	else
		ask_other_range(r);
}

static const struct rig_case cases[] = {
	{ .id = "fused-cw",
	  .rule = "Compare and Write fused writes when the data match, and nothing comes between.",
	  .ref = REF,
	  .needs = NEED_COMMAND,
	  .harm = HARM_DATA,
	  .fault = "fused-mismatch-writes fused-wrap-broken fused-not-atomic",
	  .na = na_fused,
	  .run = fused_cw,
	  ROWS(fuseds) },
	{ .id = "fused-errors",
	  .rule = "Half of a fused operation without the other is aborted, and the reserved value "
		  "is refused.",
	  .ref = REF,
	  .needs = NEED_CTRL,
	  .harm = HARM_DATA,
	  .fault = "fused-alone-runs",
	  .run = fused_errors,
	  ROWS(halves) },
};

SUITE(io_fused_suite, CONFORMANCE, "io", cases);
