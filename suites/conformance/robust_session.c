// SPDX-License-Identifier: GPL-2.0-or-later
/* Clients of a device behind a socket that vanish, take memory away, or talk nonsense. */
#include <string.h>

#include "robust_parts.h"
#include "talk.h"

#define POISON 0x5a
#define PAGE   4096u
#define BLOCKS 16u
#define FIRST  512u /* LBA */

static bool is_large(const struct facts_ns *ns)
{
	return ns->lba_bytes > PAGE;
}

/* ---- gone with writes in flight ---- */

struct writes {
	const struct facts_ns *ns;
	uint64_t tag[BLOCKS];  /* what each block has, or had before the last round */
	uint64_t last[BLOCKS]; /* what that round wrote to it, 0: nothing */
	bool done[BLOCKS];     /* and saw completed */
};

static void write_on(struct rig *r, struct writes *w, uint64_t tag)
{
	uint32_t bytes = w->ns->lba_bytes;
	struct sq *q = rig_queue(r);
	struct buf *b = rig_buf(r, BLOCKS * PAGE);
	uint64_t wait = rig_rand_below(r, BLOCKS);
	struct cpl cpl;
	uint16_t cid[BLOCKS];
	unsigned n = 0;

	for (; n < BLOCKS && n + 1 < q->size; n++) {
		struct cmd c = cmd_write(w->ns->nsid, FIRST + n, 1, NULL, bytes);

		rig_stamp(b->data + n * PAGE, FIRST + n, 1, bytes, tag);
		rig_prp(r, &c, b, n * PAGE, bytes);
		cid[n] = rig_put(r, q, c);
		w->last[n] = tag;
		w->done[n] = false;
	}
	rig_ring(r, q);
	for (unsigned i = 0; i < n && i < wait; i++) {
		cpl = rig_wait_cid(r, q, cid[i]);
		CHECK_STATUS(r, cpl, SC_SUCCESS);
		w->done[i] = true;
	}
}

/* Old or new, and never a mixture; what was completed is new wherever the device was kept. */
static void judge_block(struct rig *r, struct writes *w, unsigned i, const uint8_t *data)
{
	uint32_t bytes = w->ns->lba_bytes;
	uint8_t *zeros = rig_mem(r, bytes);
	bool is_new = rig_is_stamp(data, FIRST + i, 1, bytes, w->last[i]);
	bool is_old = w->tag[i] ? rig_is_stamp(data, FIRST + i, 1, bytes, w->tag[i])
				: true; /* whatever it was */

	if (!is_new && !is_old && !memcmp(data, zeros, bytes)) {
		ADVISE_TRUE(r, false, "LBA %u is kept from client to client", FIRST + i);
		w->tag[i] = 0;
		return;
	}
	CHECK_TRUE(r, is_new || is_old, "LBA %u is as it was before or after the write", FIRST + i);
	if (w->done[i])
		ADVISE_TRUE(r, is_new, "LBA %u has what a completed Write wrote", FIRST + i);
	w->tag[i] = is_new ? w->last[i] : w->tag[i];
}

static void judge_blocks(struct rig *r, struct writes *w)
{
	uint8_t *data = rig_mem(r, w->ns->lba_bytes);

	for (unsigned i = 0; i < BLOCKS; i++) {
		if (!w->last[i])
			continue;
		CHECK_STATUS(r,
			     rig_io(r, rig_queue(r),
				    cmd_read(w->ns->nsid, FIRST + i, 1, data, w->ns->lba_bytes)),
			     SC_SUCCESS);
		judge_block(r, w, i, data);
		w->last[i] = 0;
	}
}

static void client_vanishes(struct rig *r)
{
	struct writes w = { .ns = rig_ns(r) };

	if (is_large(w.ns) || w.ns->nsze < FIRST + BLOCKS)
		rig_na(r, "blocks of %u bytes, %llu of them", w.ns->lba_bytes,
		       (unsigned long long)w.ns->nsze);
	for (uint64_t i = rig_pick(r, 5, 20, 500); i; i--) {
		write_on(r, &w, i);
		talk_drop(r);
		talk_renew(r);
		judge_blocks(r, &w);
	}
	talk_check_alive(r);
}

/* ---- memory that goes while commands use it ---- */

static void unmap_inflight(struct rig *r)
{
	const struct facts_ns *ns = rig_ns(r);
	struct sq *q = rig_queue(r);
	struct talk_memory *m = talk_memory(r);
	unsigned n = q->size - 1 < 32 ? q->size - 1 : 32, ended = 0;
	uint8_t *want = rig_mem(r, TALK_MEMORY);
	struct cpl cpl;

	if (is_large(ns))
		rig_na(r, "blocks of %u bytes", ns->lba_bytes);
	rig_judge_off(r, "what is asked loses its memory on the way");
	talk_lend(r, m);
	REQUIRE_TRUE(r, !talk_failed(talk_map(r, m, true)), "2 MiB can be mapped");
	for (unsigned i = 0; i < n; i++) {
		struct cmd c = cmd_read(ns->nsid, 0, 1, NULL, ns->lba_bytes);

		c.sqe.prp1 = le64_from(m->map.address + i * PAGE);
		rig_put(r, q, c);
	}
	rig_ring(r, q);
	CHECK_DONE(r, "the unmap of memory in use", talk_unmap(r, m->map.address, m->map.size));
	memset(m->va, POISON, TALK_MEMORY);
	while (ended < n && rig_try(r, q->cq, &cpl, NS_PER_S))
		ended++;
	CHECK_EQ(r, "Reads that end, one way or the other", ended, n);
	rig_wait(r, NS_PER_MS);
	memset(want, POISON, TALK_MEMORY);
	CHECK_MEM(r, "memory after its unmap was answered", m->va, want, TALK_MEMORY);
	robust_check_recovers(r);
}

/* ---- nonsense ---- */

struct nonsense {
	struct talk m;
	uint8_t data[64];
};

static void put(struct nonsense *n, unsigned command, const void *data, size_t len)
{
	memcpy(n->data, data, len);
	n->m = (struct talk){ .command = (uint16_t)command, .data = n->data, .len = len };
}

static void draw_access(struct rig *r, struct nonsense *n)
{
	struct vu_access a = { rig_rand(r) | 1ull << 62, (uint32_t)rig_rand_below(r, 16),
			       (uint32_t)rig_rand_below(r, 32) };
	bool write = rig_rand_below(r, 2);

	put(n, write ? VU_REGION_WRITE : VU_REGION_READ, &a, sizeof(a));
	n->m.len += write ? a.count : 0;
}

static void draw_map(struct rig *r, struct nonsense *n)
{
	struct vu_map map = { sizeof(map), 3, 0, ~(rig_rand(r) & 0xffff), rig_rand(r) | 0x10000 };
	struct vu_unmap unmap = { sizeof(unmap), 0, rig_rand(r) | 1ull << 62,
				  rig_rand(r) & ~0xfffull };

	if (rig_rand_below(r, 2))
		put(n, VU_DMA_MAP, &map, sizeof(map));
	else
		put(n, VU_DMA_UNMAP, &unmap, sizeof(unmap));
}

static void draw_irqs(struct rig *r, struct nonsense *n)
{
	struct vu_set_irqs set = { sizeof(set), (uint32_t)rig_rand(r),
				   (uint32_t)rig_rand_below(r, 8), (uint32_t)rig_rand(r) | 0x10000,
				   (uint32_t)rig_rand_below(r, 100) + 1 };

	put(n, VU_DEVICE_SET_IRQS, &set, sizeof(set));
}

static void draw_unknown(struct rig *r, struct nonsense *n)
{
	uint64_t bytes[8];

	for (unsigned i = 0; i < 8; i++)
		bytes[i] = rig_rand(r);
	put(n, 0x100 + (unsigned)rig_rand_below(r, 0x4000), bytes, rig_rand_below(r, 65));
}

/* A structure too short, whichever. */
static void draw_short(struct rig *r, struct nonsense *n)
{
	static const uint8_t commands[] = { VU_DMA_MAP, VU_DEVICE_GET_INFO,
					    VU_DEVICE_GET_REGION_INFO, VU_REGION_READ };
	uint64_t bytes[2] = { rig_rand(r), rig_rand(r) };

	put(n, commands[rig_rand_below(r, 4)], bytes, rig_rand_below(r, 16));
}

/* Every message is wrong whatever the numbers: none of them may do anything. */
static void msg_transport(struct rig *r)
{
	static void (*const draw[])(struct rig *, struct nonsense *) = { draw_access, draw_map,
									 draw_irqs, draw_unknown,
									 draw_short };

	rig_ctrl(r);
	for (uint64_t i = rig_pick(r, 200, 2000, 100000); i; i--) {
		struct nonsense n = { 0 };
		char what[64], buf[16];

		draw[rig_rand_below(r, ARRAY_SIZE(draw))](r, &n);
		snprintf(what, sizeof(what), "%s out of rule, %zu bytes",
			 vu_command_name(n.m.command, buf), n.m.len);
		CHECK_REFUSED(r, what, talk_say(r, &n.m));
	}
	talk_check_usable(r);
	robust_check_recovers(r);
}

static const struct rig_case cases[] = {
	{ .id = "client-vanishes",
	  .rule = "A client that vanishes with commands in flight leaves whole blocks, and a "
		  "device "
		  "that serves the next client.",
	  .ref = "Base 2.2 Controller Level Reset; NVM CS 1.0 Atomic Operation; vfio-user protocol "
		 "(QEMU docs/interop/vfio-user.rst) Client Disconnection",
	  .needs = TALK_NEEDS,
	  .harm = HARM_DATA,
	  .fault = "gone-client-bars-next",
	  .run = client_vanishes,
	  .deadline_s = 120 },
	{ .id = "unmap-inflight",
	  .rule = "Memory is not touched once its unmap was answered, and what used it ends.",
	  .ref = TALK_REF "VFIO_USER_DMA_UNMAP",
	  .needs = TALK_NEEDS | NEED_HOLE,
	  .fault = "unmap-keeps",
	  .run = unmap_inflight },
	{ .id = "msg-transport",
	  .rule = "Messages out of rule get an error reply each, and do nothing.",
	  .ref = TALK_REF "Header; Security Considerations",
	  .needs = TALK_NEEDS,
	  .level = SHOULD,
	  .fault = "unknown-command-hangs-up region-end-open",
	  .run = msg_transport,
	  .deadline_s = 120 },
};

SUITE(robust_session_suite, CONFORMANCE, "robust", cases);
