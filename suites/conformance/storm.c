// SPDX-License-Identifier: GPL-2.0-or-later
#include "storm.h"

#include <stdio.h>
#include <string.h>

#define STORM_LBA 1024
#define QUEUES	  4u
#define ENTRIES	  16u
#define DEPTH	  (ENTRIES - 1)
#define BLOCKS	  8u
#define SLOTS	  (QUEUES * DEPTH)
#define POISON	  0xb7

/* One command's place: its blocks on the medium and its bytes in both buffers. */
struct slot {
	uint16_t qid, cid;
	bool write, done;
	uint64_t held[BLOCKS]; /* tag of what each block holds */
	uint64_t tag;	       /* of the write under way */
	struct cmd put, get;   /* built once: PRP lists live as long as the case */
};

struct storm {
	struct rig *r;
	const struct facts_ns *ns;
	unsigned queues, entries, slots, blocks, round, begun, done;
	size_t bytes; /* of one slot */
	struct sq *sq[QUEUES];
	struct buf *out, *in;
	uint8_t *in_copy, *cq_copy, *expect;
	struct slot slot[SLOTS];
	uint64_t last_tag;
};

static uint64_t lba_of(const struct storm *s, unsigned i)
{
	return STORM_LBA + (uint64_t)i * s->blocks;
}

static void create_queues(struct storm *s)
{
	for (unsigned i = 0; i < s->queues; i++)
		s->sq[i] = rig_queue_pair(s->r, (uint16_t)(i + 1), s->entries);
}

static void stamp_out(struct storm *s, unsigned i)
{
	s->slot[i].tag = ++s->last_tag;
	rig_stamp(s->out->data + i * s->bytes, lba_of(s, i), s->blocks, s->ns->lba_bytes,
		  s->slot[i].tag);
}

static void build_commands(struct storm *s, unsigned i)
{
	struct slot *slot = &s->slot[i];

	slot->put = cmd_write(s->ns->nsid, lba_of(s, i), s->blocks, NULL, s->bytes);
	slot->get = cmd_read(s->ns->nsid, lba_of(s, i), s->blocks, NULL, s->bytes);
	rig_prp(s->r, &slot->put, s->out, i * s->bytes, s->bytes);
	rig_prp(s->r, &slot->get, s->in, i * s->bytes, s->bytes);
}

static void settle(struct slot *slot)
{
	for (unsigned b = 0; b < BLOCKS; b++)
		slot->held[b] = slot->tag;
}

static void allocate(struct storm *s)
{
	unsigned by_mdts = (unsigned)(rig_mdts(s->r) / s->ns->lba_bytes);
	size_t total;

	s->queues = rig_queue_count(s->r) < QUEUES ? rig_queue_count(s->r) : QUEUES;
	s->blocks = by_mdts && by_mdts < BLOCKS ? by_mdts : BLOCKS;
	s->bytes = (size_t)s->blocks * s->ns->lba_bytes;
	s->entries = rig_queue_fit(s->r, ENTRIES);
	s->slots = s->queues * (s->entries - 1);
	if (lba_of(s, s->slots) > s->ns->nsze)
		rig_na(s->r, "the namespace is too small: %llu blocks",
		       (unsigned long long)s->ns->nsze);
	total = s->slots * s->bytes;
	s->out = rig_buf(s->r, total);
	s->in = rig_buf(s->r, total);
	s->in_copy = rig_mem(s->r, total);
	s->cq_copy = rig_mem(s->r, QUEUES * ENTRIES * sizeof(struct cqe));
	s->expect = rig_mem(s->r, s->ns->lba_bytes);
}

struct storm *storm_new(struct rig *r)
{
	struct storm *s = rig_mem(r, sizeof(*s));

	s->r = r;
	s->ns = rig_ns(r);
	s->last_tag = rig_rand_below(r, 1u << 16) << 8;
	allocate(s);
	create_queues(s);
	for (unsigned i = 0; i < s->slots; i++) {
		build_commands(s, i);
		stamp_out(s, i);
		rig_io_ok(r, s->sq[0], s->slot[i].put);
		settle(&s->slot[i]);
	}
	return s;
}

void storm_begin(struct storm *s)
{
	s->round++;
	memset(s->in->data, POISON, s->in->len);
	for (unsigned i = 0; i < s->slots; i++) {
		struct slot *slot = &s->slot[i];
		struct sq *q = s->sq[i % s->queues];

		slot->write = (i / s->queues + s->round) % 2;
		slot->done = false;
		if (slot->write)
			stamp_out(s, i);
		slot->qid = q->qid;
		slot->cid = rig_put(s->r, q, slot->write ? slot->put : slot->get);
	}
	for (unsigned i = 0; i < s->queues; i++)
		rig_ring(s->r, s->sq[i]);
	s->begun += s->slots;
}

/* Does this block hold what a write with this tag put there? */
static bool holds(struct storm *s, const uint8_t *data, uint64_t lba, uint64_t tag)
{
	rig_stamp(s->expect, lba, 1, s->ns->lba_bytes, tag);
	return !memcmp(data, s->expect, s->ns->lba_bytes);
}

/* The first difference is shown in full, which ends the case. */
static void check_block(struct storm *s, const char *what, const uint8_t *data, uint64_t lba,
			uint64_t tag)
{
	char text[80];

	if (holds(s, data, lba, tag))
		return;
	snprintf(text, sizeof(text), "%s, LBA %llu", what, (unsigned long long)lba);
	check_mem(s->r, CHECK_SITE(1, 0), text, data, s->expect, s->ns->lba_bytes);
}

static void finish(struct storm *s, unsigned i, const struct cpl *cpl)
{
	struct slot *slot = &s->slot[i];

	slot->done = true;
	s->done++;
	if (cpl->status != SC_SUCCESS) {
		CHECK_STATUS(s->r, *cpl, SC_SUCCESS);
		return;
	}
	if (slot->write)
		settle(slot);
	for (unsigned b = 0; !slot->write && b < s->blocks; b++)
		check_block(s, "data of a Read that completed",
			    s->in->data + i * s->bytes + (size_t)b * s->ns->lba_bytes,
			    lba_of(s, i) + b, slot->held[b]);
}

void storm_reap(struct storm *s)
{
	struct cpl cpl;

	for (unsigned q = 0; q < s->queues; q++)
		while (cq_next(s->sq[q]->cq, &cpl))
			for (unsigned i = 0; i < s->slots; i++)
				if (s->slot[i].qid == cpl.sqid && s->slot[i].cid == cpl.cid)
					finish(s, i, &cpl);
}

void storm_check_quiet(struct storm *s, uint64_t ns)
{
	size_t cq_bytes = s->entries * sizeof(struct cqe);
	char what[48];

	memcpy(s->in_copy, s->in->data, s->in->len);
	for (unsigned q = 0; q < s->queues; q++)
		memcpy(s->cq_copy + q * cq_bytes, s->sq[q]->cq->mem->data, cq_bytes);
	rig_wait(s->r, ns);
	for (unsigned q = 0; q < s->queues; q++) {
		snprintf(what, sizeof(what), "CQ %u after RDY 0 (unchanged)", q + 1);
		CHECK_MEM(s->r, what, s->sq[q]->cq->mem->data, s->cq_copy + q * cq_bytes, cq_bytes);
	}
	CHECK_MEM(s->r, "read buffers after RDY 0 (unchanged)", s->in->data, s->in_copy,
		  s->in->len);
}

/* A write cut off: each block is either what it was or what was on its way. */
static void verify_slot(struct storm *s, unsigned i, const uint8_t *data)
{
	struct slot *slot = &s->slot[i];

	for (unsigned b = 0; b < s->blocks; b++, data += s->ns->lba_bytes) {
		if (slot->write && !slot->done && holds(s, data, lba_of(s, i) + b, slot->tag))
			slot->held[b] = slot->tag;
		else
			check_block(s,
				    slot->write && !slot->done ? "data of a Write cut off"
							       : "data written before the reset",
				    data, lba_of(s, i) + b, slot->held[b]);
	}
}

void storm_verify(struct storm *s)
{
	create_queues(s);
	for (unsigned i = 0; i < s->slots; i++) {
		struct cpl cpl = rig_io(s->r, s->sq[0], s->slot[i].get);

		if (cpl.status != SC_SUCCESS)
			REQUIRE_STATUS(s->r, cpl, SC_SUCCESS);
		verify_slot(s, i, s->in->data + i * s->bytes);
	}
	CHECK_TRUE(s->r, true, "round %u: every block is wholly old or wholly new", s->round);
}

unsigned storm_begun(const struct storm *s)
{
	return s->begun;
}

unsigned storm_done(const struct storm *s)
{
	return s->done;
}
