// SPDX-License-Identifier: GPL-2.0-or-later
/* vfio-user: doorbells that the client may store itself, and by message all the same. */
#include <sys/mman.h>

#include "talk.h"

#define AREAS 16u

struct window {
	uint8_t *va;
	size_t len;
};

static void unmap(void *arg)
{
	const struct window *w = arg;

	munmap(w->va, w->len);
}

static const struct vu_area *area_of(const struct vu_area *area, unsigned n, uint64_t off)
{
	for (unsigned i = 0; i < n; i++)
		if (off >= area[i].offset && off - area[i].offset < area[i].size)
			return &area[i];
	return NULL;
}

/* The doorbell at that offset of BAR 0, in a mapping of the case's own. */
static uint32_t *map_doorbell(struct rig *r, uint64_t off)
{
	struct vu_region region = { .argsz = TALK_BYTES, .index = 0 };
	const struct vu_msg *m = talk_ask(r, VU_DEVICE_GET_REGION_INFO, &region, sizeof(region));
	struct window *w = rig_mem(r, sizeof(*w));
	const struct vu_area *area;
	struct vu_area areas[AREAS];
	unsigned n = 0;
	void *va;

	REQUIRE_EQ(r, "what is wrong with the description of BAR 0",
		   vu_region_parse(m->data, m->len, &region, areas, AREAS, &n), 0);
	area = area_of(areas, n, off);
	if (!area)
		rig_na(r, "the server lets no doorbell be mapped");
	REQUIRE_EQ(r, "descriptors with the description of BAR 0", m->fds, 1);
	va = mmap(NULL, area->size, PROT_READ | PROT_WRITE, MAP_SHARED, m->fd[0],
		  (off_t)(region.offset + area->offset));
	REQUIRE_TRUE(r, va != MAP_FAILED, "the area at %llXh of BAR 0 can be mapped",
		     (unsigned long long)area->offset);
	*w = (struct window){ va, area->size };
	rig_defer(r, unmap, w);
	return (uint32_t *)(void *)(w->va + (off - area->offset));
}

static void ring_by_message(struct rig *r, uint64_t off, uint32_t value)
{
	struct {
		struct vu_access a;
		uint32_t value;
	} w = { { off, 0, 4 }, value };

	CHECK_DONE(r, "a doorbell write", talk_ask(r, VU_REGION_WRITE, &w, sizeof(w.a) + 4));
}

/* Way by way: m by message, s by a store. */
static const struct way_row {
	const char *name, *ways;
} ways[] = { { "message-then-map", "mmmsss" },
	     { "map-then-message", "sssmmm" },
	     { "by-turns", "msmsmsmsmsmsmsmsmsms" } };

static void one_doorbell(struct rig *r)
{
	const struct facts_ns *ns = rig_ns(r);
	const struct way_row *row = rig_row(r);
	struct sq *q = rig_queue(r);
	struct buf *data = rig_buf(r, ns->lba_bytes);
	uint64_t off = doorbell_sq(q->c, q->qid);
	uint32_t *mapped = map_doorbell(r, off);

	for (const char *way = row->ways; *way; way++) {
		struct cmd c = cmd_read(ns->nsid, 0, 1, NULL, ns->lba_bytes);
		uint16_t cid;

		rig_prp(r, &c, data, 0, ns->lba_bytes);
		cid = rig_put(r, q, c);
		q->rung = q->tail;
		if (*way == 'm')
			ring_by_message(r, off, q->tail);
		else
			__atomic_store_n(mapped, q->tail, __ATOMIC_SEQ_CST);
		CHECK_STATUS(r, rig_wait_cid(r, q, cid), SC_SUCCESS);
	}
	talk_check_usable(r);
}

static const struct rig_case cases[] = {
	{ .id = "one-doorbell",
	  .rule = "A doorbell that can be mapped is the same one by message and in the mapping: "
		  "each ring counts, once.",
	  .ref = TALK_REF "VFIO_USER_DEVICE_GET_REGION_INFO (sparse mmap); PCIe Transport 1.0 "
			  "Submission Queue y Tail Doorbell",
	  .needs = TALK_NEEDS,
	  .fault = "doorbell-message-unseen doorbell-map-stale",
	  .run = one_doorbell,
	  ROWS(ways) },
};

SUITE(vfiouser_mapped_suite, CONFORMANCE, "vfiouser", cases);
