// SPDX-License-Identifier: GPL-2.0-or-later
/* Namespaces that come and go beside one that stays. */
#include <stdio.h>
#include <string.h>

#include "io_area.h"
#include "ns_made.h"

#define AREA	  16u
#define IN_FLIGHT 16u
#define SIZES	  3u

/* What came to be is another namespace than the one before, at the same NSID or another. */
static void check_ids(struct rig *r, const struct nvme_id_ns *id, const struct nvme_id_ns *last)
{
	static const uint8_t none[16];

	if (!(id->nsfeat & 8) || !memcmp(id->nguid, none, 16))
		return; /* UIDREUSE is 0, or there is no NGUID */
	CHECK_TRUE(r, memcmp(id->nguid, last->nguid, 16),
		   "the NGUID of a new namespace is not that of the one before");
}

/* Reads under way when it goes; each ends once, as done or as one to nobody. */
static void go_under_load(struct area *a, struct buf *mem)
{
	struct rig *r = a->r;
	unsigned room = sq_room(a->q), n = room < IN_FLIGHT ? room : IN_FLIGHT;
	struct cpl more;

	for (unsigned i = 0; i < n; i++) {
		struct cmd c = cmd_read(a->ns->nsid, i % AREA, 1, NULL, a->ns->lba_bytes);

		rig_prp(r, &c, mem, (size_t)i * a->ns->lba_bytes, a->ns->lba_bytes);
		rig_put(r, a->q, c);
	}
	rig_ring(r, a->q);
	CHECK_STATUS(r, rig_admin(r, cmd_ns_delete(a->ns->nsid)), SC_SUCCESS);
	while (n--)
		CHECK_STATUS(r, rig_next(r, a->q->cq), SC_SUCCESS, SC_INVALID_FIELD, SC_INVALID_NS,
			     SC_ABORT_REQUESTED);
	CHECK_EQ(r, "completions too many", rig_try(r, a->q->cq, &more, 1000000), 0);
	CHECK_TRUE(r, !ns_is_listed(r, false, a->ns->nsid), "the namespace is active no more");
}

static void hotplug(struct rig *r)
{
	struct nvme_id_ns last = { 0 };
	const struct facts_ns *ns;
	struct area *stays = area_new(r, rig_ns(r), 0, AREA), *a;
	struct buf *mem = rig_buf(r, (size_t)IN_FLIGHT * rig_ns(r)->lba_bytes);

	for (uint64_t n = rig_pick(r, 4, 20, 500); n; n--) {
		struct ns_wish w = ns_wish(r, (1 + n % SIZES) << 20);
		uint32_t nsid = ns_make(r, &w);

		REQUIRE_STATUS(r, ns_attach(r, nsid, true), SC_SUCCESS);
		ns = ns_know(r, nsid);
		CHECK_EQ(r, "NSZE of what came", ns->nsze, w.size);
		check_ids(r, &ns->id, &last);
		last = ns->id;
		a = area_new(r, ns, 0, AREA);
		area_check(a, 0, 0);
		go_under_load(a, mem);
		area_check(stays, 0, 0);
	}
}

static const char *na_hotplug(const struct facts *f)
{
	if (!f->has_scratch)
		return "no active namespace of the NVM command set without metadata";
	return ns_na_management(f);
}

static const struct rig_case cases[] = {
	{ .id = "hotplug",
	  .rule = "A namespace that comes is another than the one that went, and what is under way "
		  "when one goes ends once.",
	  .ref = "Base 2.1 Namespace Management, Namespace Management command; Base 2.0 "
		 "Namespaces; "
		 "NVM CS 1.0 Identify Namespace data structure (NSFEAT)",
	  .needs = NEED_CTRL,
	  .harm = HARM_WEAR,
	  .fault = "ns-ids-reused gone-ns-hangs ns-delete-noop",
	  .na = na_hotplug,
	  .run = hotplug },
};

SUITE(multi_hotplug_suite, CONFORMANCE, "multi", cases);
