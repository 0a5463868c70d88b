// SPDX-License-Identifier: GPL-2.0-or-later
/* One namespace, seen through both controllers of a subsystem. */
#include <stdio.h>
#include <string.h>

#include "device.h"
#include "duo.h"
#include "io_area.h"

#define FIRST  64u
#define BLOCKS 8u
#define MOST   16u /* of one Write that may be torn */

/* ---- shared-ns ---- */

static uint32_t room(struct duo *d)
{
	uint32_t chunk = io_chunk(d->r, d->ns);

	return chunk < BLOCKS ? chunk : BLOCKS;
}

/* What one wrote last, the other reads: first, last and middle of the namespace, either way. */
static void ping_pong(struct duo *d)
{
	uint32_t most = room(d);
	const uint64_t places[] = { 0, FIRST, d->ns->nsze / 2, d->ns->nsze - most };

	for (uint64_t n = rig_pick(d->r, 8, 64, 4000); n; n--) {
		uint64_t lba = places[n % ARRAY_SIZE(places)];
		uint32_t blocks = 1 + (uint32_t)rig_rand_below(d->r, most);
		unsigned by = n / 2 & 1;
		uint64_t tag = duo_write(d, by, lba, blocks);

		duo_check(d, !by, lba, blocks, tag);
		duo_check(d, by, lba, blocks, tag);
	}
}

/* Both say that it is shared, and say the same of its size and format. */
static void same_shape(struct duo *d)
{
	struct nvme_id_ns id[2];

	for (unsigned i = 0; i < 2; i++) {
		rig_admin_ok_on(d->r, d->c[i], cmd_identify(0x00, d->ns->nsid, &id[i]));
		CHECK_EQ(d->r, "NMIC bit 0 of a namespace that both controllers have",
			 id[i].nmic & NVME_NS_NMIC_SHARED, 1);
	}
	CHECK_EQ(d->r, "NSZE through the peer", le64_get(id[1].nsze), le64_get(id[0].nsze));
	CHECK_EQ(d->r, "NCAP through the peer", le64_get(id[1].ncap), le64_get(id[0].ncap));
	CHECK_EQ(d->r, "FLBAS through the peer", id[1].flbas, id[0].flbas);
	CHECK_EQ(d->r, "DPS through the peer", id[1].dps, id[0].dps);
	CHECK_MEM(d->r, "LBA formats through the peer", id[1].lbaf, id[0].lbaf, sizeof(id[0].lbaf));
}

/* Blocks that one Write may have and still be atomic: the smaller of what the two report. */
static uint32_t atomic_blocks(struct duo *d)
{
	uint32_t least = MOST, chunk = io_chunk(d->r, d->ns);

	for (unsigned i = 0; i < 2; i++) {
		struct nvme_id_ctrl id;
		struct nvme_id_ns ns;
		uint32_t n;

		rig_admin_ok_on(d->r, d->c[i], cmd_identify(0x01, 0, &id));
		rig_admin_ok_on(d->r, d->c[i], cmd_identify(0x00, d->ns->nsid, &ns));
		n = le16_get(id.awun) + 1u;
		if ((ns.nsfeat & NVME_NS_FEAT_NATOMIC) && le16_get(ns.nawun))
			n = le16_get(ns.nawun) + 1u;
		least = n < least ? n : least;
	}
	return least < chunk ? least : chunk;
}

static void put_rival(struct duo *d, unsigned by, struct buf *b, uint32_t blocks, uint64_t tag)
{
	size_t len = (size_t)blocks * d->ns->lba_bytes;
	struct cmd c = cmd_write(d->ns->nsid, FIRST, blocks, NULL, len);

	rig_stamp(b->data, FIRST, blocks, d->ns->lba_bytes, tag);
	rig_prp(d->r, &c, b, 0, len);
	rig_put(d->r, d->q[by], c);
}

/* Two Writes of the same blocks at once, one a controller: the outcome is one of them, whole. */
static void rivals(struct duo *d)
{
	uint32_t blocks = atomic_blocks(d);
	size_t len = (size_t)blocks * d->ns->lba_bytes;
	struct buf *out[2] = { rig_buf(d->r, len), rig_buf(d->r, len) };
	uint8_t *now = rig_mem(d->r, len);

	for (uint64_t n = rig_pick(d->r, 20, 200, 20000); n; n--) {
		for (unsigned i = 0; i < 2; i++)
			put_rival(d, i, out[i], blocks, rig_rand(d->r));
		rig_ring(d->r, d->q[n & 1]);
		rig_ring(d->r, d->q[!(n & 1)]);
		for (unsigned i = 0; i < 2; i++)
			CHECK_STATUS(d->r, rig_next(d->r, d->q[i]->cq), SC_SUCCESS);
		rig_io_ok(d->r, d->q[n & 1], cmd_read(d->ns->nsid, FIRST, blocks, now, len));
		CHECK_TRUE(d->r, !memcmp(now, out[0]->data, len) || !memcmp(now, out[1]->data, len),
			   "%u blocks written through both controllers at once are those of one "
			   "Write",
			   blocks);
	}
}

/* NWPC and friends apart: what Flush through a controller covers is what that one completed. */
static void flush_own(struct duo *d)
{
	struct rig *r = d->r;
	uint64_t tag[2];
	uint32_t blocks = room(d);
	uint8_t *data = rig_mem(r, (size_t)blocks * d->ns->lba_bytes);

	if (!(rig_target(r)->caps.has & NEED_RESTART))
		rig_skip(r, "needs", "the target cannot take power away");
	for (unsigned i = 0; i < 2; i++) {
		duo_write(d, i, FIRST + i * BLOCKS, blocks);
		rig_io_ok(r, d->q[i], cmd_flush(d->ns->nsid));
		tag[i] = duo_write(d, i, FIRST + i * BLOCKS, blocks);
	}
	rig_io_ok(r, d->q[0], cmd_flush(d->ns->nsid));
	device_power_cycle(r);
	duo_again(d);
	duo_check(d, 0, FIRST, blocks, tag[0]);
	rig_io_ok(r, d->q[0],
		  cmd_read(d->ns->nsid, FIRST + BLOCKS, blocks, data,
			   (size_t)blocks * d->ns->lba_bytes));
	rig_note(r, "a Flush through one controller: what the other had completed %s",
		 rig_is_stamp(data, FIRST + BLOCKS, blocks, d->ns->lba_bytes, tag[1])
			 ? "was durable as well"
			 : "was not");
}

static const struct shared_row {
	const char *name;
	void (*ask)(struct duo *d);
} shared_rows[] = {
	{ "read-after-write", ping_pong },
	{ "same-shape", same_shape },
	{ "atomic", rivals },
	{ "flush", flush_own },
};

static void shared_ns(struct rig *r)
{
	const struct shared_row *row = rig_row(r);

	row->ask(duo_new(r));
}

/* ---- private-ns ---- */

static const char *na_no_private(const struct facts *f)
{
	const char *alone = duo_na_alone(f);

	if (alone)
		return alone;
	if (!(f->caps.has & NEED_PEER) || !f->peer.alive || f->peer.own_nsid)
		return NULL;
	for (unsigned i = 0; i < f->n_ns; i++)
		if (!f->ns[i].on_peer)
			return NULL;
	return "every namespace is attached to both controllers";
}

/* A Read of an NSID that is valid and not attached to this controller. */
static void ask_foreign(struct rig *r, struct ctrl *c, uint32_t nsid, uint32_t lba_bytes)
{
	uint8_t *id = rig_mem(r, 4096), *zero = rig_mem(r, 4096), *data = rig_mem(r, lba_bytes);
	char what[96];

	snprintf(what, sizeof(what), "Read of NSID %u, which %s does not have: status", nsid,
		 rig_ctrl_name(r, c));
	CHECK_STATUS_OF(r, what,
			rig_io(r, rig_queue_on(r, c), cmd_read(nsid, 0, 1, data, lba_bytes)),
			SC_INVALID_FIELD, SC_INVALID_NS);
	CHECK_STATUS(r, rig_admin_on(r, c, cmd_identify(0x00, nsid, id)), SC_SUCCESS);
	CHECK_MEM(r, "Identify Namespace of an inactive NSID", id, zero, 4096);
}

static void private_ns(struct rig *r)
{
	const struct facts *f = rig_facts(r);
	struct ctrl *peer = rig_peer(r);

	for (unsigned i = 0; i < f->n_ns; i++)
		if (!f->ns[i].on_peer)
			ask_foreign(r, peer, f->ns[i].nsid, f->ns[i].lba_bytes);
	if (f->peer.own_nsid)
		ask_foreign(r, rig_ctrl(r), f->peer.own_nsid, 4096);
}

static const struct rig_case cases[] = {
	{ .id = "shared-ns",
	  .rule = "A namespace that two controllers have is one: what either wrote, both read.",
	  .ref = "Base 2.2 Multi-Path I/O and Namespace Sharing; Base 2.2 Flush command; NVM CS "
		 "1.0 Atomic Operation; NVM CS 1.0 Identify Namespace data structure (NMIC)",
	  .needs = NEED_QUEUES | NEED_PEER,
	  .harm = HARM_DATA,
	  .fault = "peer-reads-stale shared-ns-called-private writes-mix-across flush-noop",
	  .na = duo_na,
	  .run = shared_ns,
	  ROWS(shared_rows) },
	{ .id = "private-ns",
	  .rule = "A namespace that only the other controller has is inactive on this one.",
	  .ref = "Base 2.2 Multi-Path I/O and Namespace Sharing; Base 2.2 Inactive NSID Types",
	  .needs = NEED_QUEUES | NEED_PEER,
	  .fault = "private-ns-reached",
	  .na = na_no_private,
	  .run = private_ns },
};

SUITE(multi_shared_suite, CONFORMANCE, "multi", cases);
