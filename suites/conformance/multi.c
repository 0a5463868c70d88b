// SPDX-License-Identifier: GPL-2.0-or-later
/* Several namespaces behind one controller. */
#include <stdio.h>
#include <string.h>

#include "io_area.h"

#define FIRST	  64u /* the blocks that these cases use begin here, in every namespace */
#define BLOCKS	  8u
#define MEMBERS	  FACTS_NS_MAX
#define ROUND_MAX 16u

/* A namespace that may be written, or one whose content is looked at only. */
struct member {
	struct area *area;
	const struct facts_ns *ns;
	uint8_t *was; /* of a namespace that is not ours to write */
};

struct family {
	struct rig *r;
	struct member member[MEMBERS];
	unsigned n, ours; /* ours come first */
};

static const char *na_one_ns(const struct facts *f)
{
	return f->n_ns > 1 ? NULL : rig_na_text("%u namespace: no other", f->n_ns);
}

static bool has_member(const struct family *f, uint32_t nsid)
{
	for (unsigned i = 0; i < f->n; i++)
		if (f->member[i].ns->nsid == nsid)
			return true;
	return false;
}

static void read_member(struct family *f, const struct facts_ns *ns, uint8_t *ret)
{
	uint32_t chunk = io_chunk(f->r, ns), n;

	for (uint32_t i = 0; i < BLOCKS; i += n) {
		n = BLOCKS - i < chunk ? BLOCKS - i : chunk;
		rig_io_ok(f->r, rig_queue(f->r),
			  cmd_read(ns->nsid, FIRST + i, n, ret + (size_t)i * ns->lba_bytes,
				   (size_t)n * ns->lba_bytes));
	}
}

static void add_other(struct family *f, const struct facts_ns *ns)
{
	struct member *m = &f->member[f->n];

	if (ns->csi || ns->ms || ns->nsze < FIRST + BLOCKS || has_member(f, ns->nsid))
		return;
	m->ns = ns;
	m->was = rig_mem(f->r, (size_t)BLOCKS * ns->lba_bytes);
	read_member(f, ns, m->was);
	f->n++;
}

static struct family *family_new(struct rig *r)
{
	const struct facts *facts = rig_facts(r);
	struct family *f = rig_mem(r, sizeof(*f));
	const struct facts_ns *ns;

	f->r = r;
	for (unsigned at = 0; (ns = rig_ns_next(r, &at)) && f->n < MEMBERS;)
		f->member[f->n++] = (struct member){ area_new(r, ns, FIRST, BLOCKS), ns, NULL };
	f->ours = f->n;
	for (unsigned i = 0; i < facts->n_ns && f->n < MEMBERS; i++)
		add_other(f, &facts->ns[i]);
	if (f->n < 2)
		rig_na(r, "one namespace of the NVM command set without metadata: no other");
	return f;
}

/* Every namespace but `but` holds what it held. */
static void check_others(struct family *f, unsigned but)
{
	uint8_t *now;

	for (unsigned i = 0; i < f->n; i++) {
		struct member *m = &f->member[i];
		size_t len = (size_t)BLOCKS * m->ns->lba_bytes;

		if (i == but)
			continue;
		if (m->area) {
			area_check(m->area, 0, 0);
			continue;
		}
		now = rig_mem(f->r, len);
		read_member(f, m->ns, now);
		CHECK_MEM(f->r, "blocks of a namespace that nothing was sent to", now, m->was, len);
	}
}

/* ---- ns-isolation ---- */

static void send(struct area *a, const struct io_op *op, uint64_t lba, uint32_t blocks)
{
	struct cpl cpl = rig_io(a->r, a->q, io_cmd(a->r, op, a->ns, lba, blocks));

	if (op->opcode == nvme_cmd_compare) /* with what is not there */
		CHECK_STATUS(a->r, cpl, SC_COMPARE_FAILURE);
	else
		CHECK_STATUS(a->r, cpl, SC_SUCCESS);
}

static void isolation(struct rig *r)
{
	const struct io_op *op = rig_row(r);
	struct family *f = family_new(r);

	io_need(r, op);
	for (unsigned i = 0; i < f->ours; i++) {
		struct area *a = f->member[i].area;
		uint32_t most = io_most_blocks(a, op);
		const uint32_t lengths[] = { 1, most < BLOCKS - 1 ? most : BLOCKS - 1 };

		for (unsigned k = 0; k < ARRAY_SIZE(lengths); k++) {
			send(a, op, FIRST + k, lengths[k]);
			check_others(f, i);
		}
		area_stamp(a);
	}
}

/* ---- formats ---- */

struct flight {
	struct area *area;
	struct buf *mem;
	uint32_t blocks;
};

/* One command a member, any of them first, rung at once on one queue; every one must succeed. */
static void fly(struct rig *r, struct flight *flight, unsigned n, bool write)
{
	unsigned first = (unsigned)rig_rand_below(r, n);
	struct sq *q = rig_queue(r);

	for (unsigned i = 0; i < n; i++) {
		struct flight *fl = &flight[(first + i) % n];
		size_t len = (size_t)fl->blocks * fl->area->ns->lba_bytes;
		struct cmd c = write ? cmd_write(fl->area->ns->nsid, FIRST, fl->blocks, NULL, len)
				     : cmd_read(fl->area->ns->nsid, FIRST, fl->blocks, NULL, len);

		rig_prp(r, &c, fl->mem, 0, len);
		rig_put(r, q, c);
	}
	rig_ring(r, q);
	for (unsigned i = 0; i < n; i++)
		CHECK_STATUS(r, rig_next(r, q->cq), SC_SUCCESS);
}

/* New content through one flight, back through another of the same lengths. */
static void there_and_back(struct rig *r, struct flight *flight, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct flight *fl = &flight[i];

		fl->blocks = io_chunk(r, fl->area->ns);
		fl->blocks =
			1 + (uint32_t)rig_rand_below(r, fl->blocks < BLOCKS ? fl->blocks : BLOCKS);
		fl->area->tag = rig_rand(r);
		rig_stamp(fl->mem->data, FIRST, fl->blocks, fl->area->ns->lba_bytes, fl->area->tag);
	}
	fly(r, flight, n, true);
	for (unsigned i = 0; i < n; i++)
		buf_poison(flight[i].mem, (uint8_t)(i + 1));
	fly(r, flight, n, false);
	for (unsigned i = 0; i < n; i++)
		CHECK_STAMP(r, flight[i].mem->data, FIRST, flight[i].blocks,
			    flight[i].area->ns->lba_bytes, flight[i].area->tag);
}

/* As many members as the queue takes at once, the sizes of their blocks alternating as they come.
 */
static unsigned fill_flight(struct rig *r, struct flight *flight)
{
	struct family *f = family_new(r);
	unsigned room = sq_room(rig_queue(r)), n = 0, sizes = 0;

	for (unsigned i = 0; i < f->ours && n < room && n < ROUND_MAX; i++) {
		struct area *a = f->member[i].area;

		sizes |= a->ns->lba_bytes;
		flight[n++] =
			(struct flight){ a, rig_buf(r, (size_t)BLOCKS * a->ns->lba_bytes), 0 };
	}
	if (n < 2 || !(sizes & (sizes - 1)))
		rig_na(r, "no two namespaces that may be written, with blocks of different sizes");
	return n;
}

static void formats(struct rig *r)
{
	struct flight flight[ROUND_MAX];
	unsigned n = fill_flight(r, flight);

	for (uint64_t i = rig_pick(r, 8, 40, 2000); i; i--)
		there_and_back(r, flight, n);
}

static const struct rig_case cases[] = {
	{ .id = "ns-isolation",
	  .rule = "A command on one namespace changes no block of another, at the same LBAs "
		  "neither.",
	  .ref = "Base 2.0 Namespaces; NVM CS 1.0 NVM Command Set Commands",
	  .needs = NEED_COMMAND,
	  .harm = HARM_DATA,
	  .fault = "ns-zeroes-cross",
	  .na = na_one_ns,
	  .run = isolation,
	  ROWS(io_ops) },
	{ .id = "formats",
	  .rule = "Namespaces with blocks of different sizes work at once on one queue.",
	  .ref = "NVM CS 1.0 LBA Format data structure",
	  .needs = NEED_CTRL,
	  .harm = HARM_DATA,
	  .fault = "format-of-last-ns",
	  .na = na_one_ns,
	  .run = formats },
};

SUITE(multi_suite, CONFORMANCE, "multi", cases);
