// SPDX-License-Identifier: GPL-2.0-or-later
/* Many commands in flight: as many as the queues hold, and any mix of them. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "io_area.h"

#define FIRST  64u /* the blocks that these cases use begin here */
#define QUEUES 64u

/* ---- max-depth ---- */

/* One queue, and a block of the namespace and of memory for each command it can hold. */
struct lane {
	struct sq *q;
	struct buf *mem;
	uint64_t lba;
	uint32_t slots;
};

static void put_slots(struct rig *r, const struct facts_ns *ns, struct lane *l, bool write)
{
	for (uint32_t i = 0; i < l->slots; i++) {
		struct cmd c = write ? cmd_write(ns->nsid, l->lba + i, 1, NULL, ns->lba_bytes)
				     : cmd_read(ns->nsid, l->lba + i, 1, NULL, ns->lba_bytes);

		rig_prp(r, &c, l->mem, (size_t)i * ns->lba_bytes, ns->lba_bytes);
		rig_put(r, l->q, c);
	}
}

/* Every queue full, all of them rung, everything back; returns the longest a command took. */
static uint64_t fill_all(struct rig *r, const struct facts_ns *ns, struct lane *lane, unsigned n,
			 bool write)
{
	uint64_t longest = 0;

	for (unsigned i = 0; i < n; i++)
		put_slots(r, ns, &lane[i], write);
	for (unsigned i = 0; i < n; i++)
		rig_ring(r, lane[i].q);
	for (unsigned i = 0; i < n; i++) {
		for (uint32_t k = 0; k < lane[i].slots; k++) {
			struct cpl cpl = rig_next(r, lane[i].q->cq);

			CHECK_STATUS(r, cpl, SC_SUCCESS);
			longest = cpl.took_ns > longest ? cpl.took_ns : longest;
		}
	}
	return longest;
}

static unsigned open_lanes(struct rig *r, const struct facts_ns *ns, struct lane *lane)
{
	unsigned n = rig_queue_count(r), most = (unsigned)rig_pick(r, 2, 4, QUEUES);
	uint32_t entries = rig_queue_fit(r, (uint32_t)rig_pick(r, 32, 128, 1024));

	n = n < most ? n : most;
	for (unsigned i = 0; i < n; i++) {
		struct lane *l = &lane[i];

		l->q = rig_queue_pair(r, (uint16_t)(i + 1), entries);
		l->slots = entries - 1;
		l->lba = FIRST + (uint64_t)i * l->slots;
		if (l->lba + l->slots > ns->nsze)
			return i;
		l->mem = rig_buf(r, (size_t)l->slots * ns->lba_bytes);
	}
	return n;
}

/* Every block written at once, then read at once; returns the longest a command took. */
static uint64_t write_and_read(struct rig *r, const struct facts_ns *ns, struct lane *lane,
			       unsigned n)
{
	uint64_t tag = rig_rand(r), wrote, read;

	for (unsigned i = 0; i < n; i++)
		rig_stamp(lane[i].mem->data, lane[i].lba, lane[i].slots, ns->lba_bytes, tag);
	wrote = fill_all(r, ns, lane, n, true);
	for (unsigned i = 0; i < n; i++)
		buf_poison(lane[i].mem, (uint8_t)tag);
	read = fill_all(r, ns, lane, n, false);
	for (unsigned i = 0; i < n; i++)
		CHECK_STAMP(r, lane[i].mem->data, lane[i].lba, lane[i].slots, ns->lba_bytes, tag);
	return wrote > read ? wrote : read;
}

static void max_depth(struct rig *r)
{
	const struct facts_ns *ns = rig_ns(r);
	struct lane lane[QUEUES] = { 0 };
	unsigned n = open_lanes(r, ns, lane);
	uint64_t longest = 0, took;

	for (uint64_t round = rig_pick(r, 1, 3, 200); round; round--) {
		took = write_and_read(r, ns, lane, n);
		longest = took > longest ? took : longest;
	}
	rig_note(r, "%u queues, %u commands in each", n, lane[0].slots);
	rig_sample(r, "longest command", (double)longest, "ns");
}

/* ---- mixed-sizes-qd ---- */

#define PLOTS	    24u /* commands in flight at once, each on blocks of its own */
#define PLOT_BLOCKS 20u

enum deed { READ, WRITE, ZEROES, DEALLOCATE, COMPARE, COMPARE_OTHER, VERIFY, FLUSH, DEEDS };
static const char *const deed_names[DEEDS] = { "Read",	       "Write",
					       "Write Zeroes", "Dataset Management",
					       "Compare",      "Compare of other data",
					       "Verify",       "Flush" };

/* What the shadow knows of a block. */
#define TAG_ANY	  0u /* deallocated: not known until written */
#define TAG_ZERO  1u
#define TAG_FIRST 2u /* a stamp */

struct plot {
	uint64_t lba, tag[PLOT_BLOCKS];
	struct buf *mem, *range; /* range: of Dataset Management */
	struct sq *q;
	enum deed deed;
	uint32_t from, n;
	uint64_t fresh; /* tag of the Write in flight */
	uint16_t cid;
};

struct garden {
	struct rig *r;
	const struct facts_ns *ns;
	struct sq *q[2];
	struct plot plot[PLOTS];
	unsigned plots;
	bool can[DEEDS];
	uint8_t *want; /* scratch: one block */
};

static size_t block_at(const struct garden *g, uint32_t i)
{
	return (size_t)i * g->ns->lba_bytes;
}

static bool has_bit(const struct garden *g, uint16_t bit)
{
	return le16_get(rig_facts(g->r)->id.oncs) & bit;
}

static struct garden *garden_new(struct rig *r)
{
	struct garden *g = rig_mem(r, sizeof(*g));

	g->r = r;
	g->ns = rig_ns(r);
	g->q[0] = rig_queue_pair(r, 1, rig_queue_fit(r, 16));
	g->q[1] = rig_queue_count(r) > 1 ? rig_queue_pair(r, 2, rig_queue_fit(r, 16)) : g->q[0];
	g->want = rig_mem(r, g->ns->lba_bytes);
	g->can[READ] = g->can[WRITE] = g->can[FLUSH] = true;
	g->can[ZEROES] = has_bit(g, NVME_CTRL_ONCS_WRITE_ZEROES);
	g->can[DEALLOCATE] = has_bit(g, NVME_CTRL_ONCS_DSM);
	g->can[COMPARE] = g->can[COMPARE_OTHER] = has_bit(g, NVME_CTRL_ONCS_COMPARE);
	g->can[VERIFY] = has_bit(g, NVME_CTRL_ONCS_VERIFY);
	g->plots = g->q[0] == g->q[1] ? sq_room(g->q[0]) : 2 * sq_room(g->q[0]);
	g->plots = g->plots < PLOTS ? g->plots : PLOTS;
	for (unsigned i = 0; i < g->plots; i++) {
		g->plot[i].lba = FIRST + (uint64_t)i * PLOT_BLOCKS;
		g->plot[i].mem = rig_buf(r, block_at(g, PLOT_BLOCKS));
		g->plot[i].range = rig_buf(r, sizeof(struct nvme_dsm_range));
		g->plot[i].q = g->q[i % 2];
	}
	return g;
}

/* Block i of a plot as the shadow has it. */
static const uint8_t *shadow(struct garden *g, const struct plot *p, uint32_t i)
{
	if (p->tag[i] == TAG_ZERO)
		memset(g->want, 0, g->ns->lba_bytes);
	else
		rig_stamp(g->want, p->lba + i, 1, g->ns->lba_bytes, p->tag[i]);
	return g->want;
}

static bool known(const struct plot *p)
{
	for (uint32_t i = 0; i < p->n; i++)
		if (p->tag[p->from + i] == TAG_ANY)
			return false;
	return true;
}

static void choose_deed(struct garden *g, struct plot *p)
{
	uint32_t chunk = io_chunk(g->r, g->ns), most = chunk < PLOT_BLOCKS ? chunk : PLOT_BLOCKS;

	do
		p->deed = (enum deed)rig_rand_below(g->r, DEEDS);
	while (!g->can[p->deed]);
	p->n = 1 + (uint32_t)rig_rand_below(g->r, most);
	p->from = (uint32_t)rig_rand_below(g->r, PLOT_BLOCKS - p->n + 1);
	if ((p->deed == COMPARE || p->deed == COMPARE_OTHER) && !known(p))
		p->deed = WRITE;
}

/* Memory of the command: what it writes or compares, poison where it reads. */
static void prepare(struct garden *g, struct plot *p)
{
	uint64_t lba = p->lba + p->from;

	buf_poison(p->mem, (uint8_t)rig_rand(g->r));
	p->fresh = rig_rand(g->r) | TAG_FIRST;
	if (p->deed == WRITE)
		rig_stamp(p->mem->data, lba, p->n, g->ns->lba_bytes, p->fresh);
	for (uint32_t i = 0; (p->deed == COMPARE || p->deed == COMPARE_OTHER) && i < p->n; i++)
		memcpy(p->mem->data + block_at(g, i), shadow(g, p, p->from + i), g->ns->lba_bytes);
	if (p->deed == COMPARE_OTHER)
		p->mem->data[rig_rand_below(g->r, block_at(g, p->n))] ^= 0x10;
}

static struct cmd deed_cmd(struct garden *g, struct plot *p)
{
	struct nvme_dsm_range *range = (struct nvme_dsm_range *)p->range->data;
	uint64_t lba = p->lba + p->from;
	size_t len = block_at(g, p->n);
	uint32_t nsid = g->ns->nsid;

	switch (p->deed) {
	case READ:
		return cmd_read(nsid, lba, p->n, NULL, len);
	case WRITE:
		return cmd_write(nsid, lba, p->n, NULL, len);
	case ZEROES:
		return cmd_write_zeroes(nsid, lba, p->n, rig_rand_below(g->r, 2));
	case DEALLOCATE:
		*range = (struct nvme_dsm_range){ .nlb = le32_from(p->n), .slba = le64_from(lba) };
		return cmd_dsm(nsid, NULL, 1, NVME_DSMGMT_AD);
	case COMPARE:
	case COMPARE_OTHER:
		return cmd_compare(nsid, lba, p->n, NULL, len);
	case VERIFY:
		return cmd_verify(nsid, lba, p->n);
	default:
		return cmd_flush(nsid);
	}
}

static void put_deed(struct garden *g, struct plot *p)
{
	struct cmd c;

	choose_deed(g, p);
	prepare(g, p);
	c = deed_cmd(g, p);
	if (p->deed == DEALLOCATE)
		rig_prp(g->r, &c, p->range, 0, sizeof(struct nvme_dsm_range));
	else if (c.dir != CMD_NONE)
		rig_prp(g->r, &c, p->mem, 0, block_at(g, p->n));
	p->cid = rig_put(g->r, p->q, c);
}

static void check_read(struct garden *g, const struct plot *p)
{
	char what[96];

	for (uint32_t i = 0; i < p->n; i++) {
		if (p->tag[p->from + i] == TAG_ANY)
			continue;
		snprintf(what, sizeof(what), "LBA %" PRIu64 " of a Read of %u blocks at %" PRIu64,
			 p->lba + p->from + i, p->n, p->lba + p->from);
		CHECK_MEM(g->r, what, p->mem->data + block_at(g, i), shadow(g, p, p->from + i),
			  g->ns->lba_bytes);
	}
}

static void finish(struct garden *g, struct plot *p)
{
	struct cpl cpl = rig_wait_cid(g->r, p->q, p->cid);
	uint64_t tag = p->deed == WRITE ? p->fresh : p->deed == ZEROES ? TAG_ZERO : TAG_ANY;
	char what[96];

	snprintf(what, sizeof(what), "%s of %u blocks at LBA %" PRIu64 ": status",
		 deed_names[p->deed], p->n, p->lba + p->from);
	if (p->deed == COMPARE_OTHER)
		CHECK_STATUS_OF(g->r, what, cpl, SC_COMPARE_FAILURE);
	else
		CHECK_STATUS_OF(g->r, what, cpl, SC_SUCCESS);
	if (p->deed == READ)
		check_read(g, p);
	if (p->deed == WRITE || p->deed == ZEROES || p->deed == DEALLOCATE)
		for (uint32_t i = 0; i < p->n; i++)
			p->tag[p->from + i] = tag;
}

static void mixed_sizes(struct rig *r)
{
	struct garden *g = garden_new(r);

	for (uint64_t round = rig_pick(r, 8, 30, 3000); round; round--) {
		for (unsigned i = 0; i < g->plots; i++)
			put_deed(g, &g->plot[i]);
		rig_ring(r, g->q[0]);
		if (g->q[1] != g->q[0])
			rig_ring(r, g->q[1]);
		for (unsigned i = 0; i < g->plots; i++)
			finish(g, &g->plot[i]);
	}
}

static const struct rig_case cases[] = {
	{ .id = "max-depth",
	  .rule = "Every slot of every queue filled at once: all complete, and no data are lost.",
	  .ref = "Base 2.0 Queue Usage",
	  .needs = NEED_CTRL,
	  .harm = HARM_DATA,
	  .fault = "depth-drops-write",
	  .run = max_depth },
	{ .id = "mixed-sizes-qd",
	  .rule = "Any mix of commands in flight leaves what a shadow of the blocks says.",
	  .ref = "Base 2.0 Command Ordering Requirements; NVM CS 1.0 NVM Command Set Commands",
	  .needs = NEED_CTRL,
	  .harm = HARM_DATA,
	  .fault = "last-lba-dropped write-zeroes-neighbour discard-rounds-outwards "
		   "compare-writes",
	  .run = mixed_sizes },
};

SUITE(io_load_suite, CONFORMANCE, "io", cases);
