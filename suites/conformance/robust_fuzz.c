// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Random commands, one at a time. What may be sent is a list, not all but a deny-list: an opcode
 * that means nothing today may mean Format tomorrow. Every address lies in a sandbox, whatever
 * the controller takes it for.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "kit/kit.h"

#define LISTS	       2u /* pages of PRP entries, each the next one of the other */
#define PAGES	       8u /* pages of data, behind them */
#define ANSWER_NS      (5 * NS_PER_S)
#define HELD_NS	       (50 * NS_PER_US)
#define LOOK_EVERY     64u
#define IDENTIFY_BYTES 4096u

#define FUSE	       0x03u
#define PSDT	       0xc0u
#define AREA	       64u /* blocks whose content is followed */
#define FIRST	       512u
#define DEAC	       (1u << 25)
#define NSZ	       (1u << 23) /* Write Zeroes of the whole namespace, in later revisions */
#define AER_OP	       nvme_admin_async_event

struct fuzz {
	struct rig *r;
	struct sq *q;
	struct buf *b;
	size_t page;
	uint32_t word; /* what every dword of the data pages holds when a command is sent */
	const struct facts_ns *ns;
	uint32_t held[AREA]; /* the dword that a block is full of */
	bool known[AREA];
	void *data; /* AREA blocks, and Identify data at least */
};

/* ---- the sandbox ---- */

static uint64_t list_at(const struct fuzz *f, unsigned i)
{
	return f->b->iova + i * f->page;
}

static uint64_t page_at(const struct fuzz *f, unsigned i)
{
	return f->b->iova + (LISTS + i) * f->page;
}

/* Before each command: what a device has written must not become an address. */
static void fill_sandbox(struct fuzz *f)
{
	size_t entries = f->page / sizeof(__le64), dwords = PAGES * f->page / sizeof(__le32);
	__le32 *data = (__le32 *)(f->b->data + LISTS * f->page);

	for (unsigned i = 0; i < LISTS; i++) {
		__le64 *list = (__le64 *)(f->b->data + i * f->page);

		for (size_t k = 0; k < entries; k++)
			list[k] = le64_from(page_at(f, k % PAGES));
		list[entries - 1] = le64_from(list_at(f, (i + 1) % LISTS));
	}
	f->word = 0x80000000u | (uint32_t)rig_rand(f->r);
	for (size_t k = 0; k < dwords; k++)
		data[k] = le32_from(f->word);
}

static void start(struct rig *r, struct fuzz *f, struct sq *q, const struct facts_ns *ns)
{
	*f = (struct fuzz){ .r = r, .q = q, .page = rig_ctrl(r)->page, .ns = ns };
	f->data = rig_mem(r, ns ? AREA * (size_t)ns->lba_bytes : IDENTIFY_BYTES);
	f->b = rig_buf(r, (LISTS + PAGES) * f->page);
	fill_sandbox(f);
}

/* ---- random fields ---- */

static bool one_in(struct fuzz *f, unsigned n)
{
	return rig_rand_below(f->r, n) == 0;
}

static uint8_t pick(struct fuzz *f, const uint8_t *from, size_t n)
{
	return from[rig_rand_below(f->r, n)];
}

/* Zero, small, one byte, anything: each often enough to be met. */
static __le32 any_dword(struct fuzz *f)
{
	uint32_t v = (uint32_t)rig_rand(f->r);
	static const uint32_t masks[] = { 0, 7, 0xff, 0xffff, 0xffffffff };

	return le32_from(v & masks[rig_rand_below(f->r, ARRAY_SIZE(masks))]);
}

/*
 * A data block descriptor, keyed, bit bucket or reserved type; no segment, for the data pages are
 * no descriptors. In the last page: what goes too far meets the canary.
 */
static void any_sgl(struct fuzz *f, struct sqe *e)
{
	static const uint8_t types[] = { 0x0, 0x0, 0x1, 0x4, 0x5, 0xf };
	uint64_t type = pick(f, types, sizeof(types)), sub = rig_rand_below(f->r, 16);

	e->prp1 = le64_from(page_at(f, PAGES - 1));
	e->prp2 = le64_from(type << 60 | sub << 56 | (rig_rand_below(f->r, f->page) & ~3ull));
}

/* PRP1 with or without an offset; PRP2 a page or a list, begun anywhere. */
static void prp_pointer(struct fuzz *f, struct sqe *e, bool list, bool offset)
{
	uint64_t prp1 = page_at(f, (unsigned)rig_rand_below(f->r, PAGES));
	uint64_t prp2 = page_at(f, (unsigned)rig_rand_below(f->r, PAGES));

	if (list)
		prp2 = list_at(f, (unsigned)rig_rand_below(f->r, LISTS)) +
		       (one_in(f, 2) ? rig_rand_below(f->r, f->page) & ~7ull : 0);
	if (offset)
		prp1 += rig_rand_below(f->r, f->page) & ~3ull;
	e->prp1 = le64_from(prp1);
	e->prp2 = le64_from(prp2);
}

/* All that no opcode gives a meaning to, and the flags now and then. */
static struct sqe any_sqe(struct fuzz *f, uint8_t opcode)
{
	struct sqe e = { .opcode = opcode,
			 .cdw2 = any_dword(f),
			 .cdw3 = any_dword(f),
			 .mptr = le64_from(page_at(f, 0)),
			 .cdw10 = any_dword(f),
			 .cdw11 = any_dword(f),
			 .cdw12 = any_dword(f),
			 .cdw13 = any_dword(f),
			 .cdw14 = any_dword(f),
			 .cdw15 = any_dword(f) };

	if (one_in(f, 8))
		e.flags |= (uint8_t)(rig_rand(f->r) & FUSE);
	if (one_in(f, 4))
		e.flags |= (uint8_t)(rig_rand(f->r) & PSDT);
	if (one_in(f, 32))
		e.flags |= (uint8_t)(rig_rand(f->r) & ~(FUSE | PSDT));
	return e;
}

/* ---- sending ---- */

#define HEX_TEXT 136

static const char *hex_of(const struct sqe *e, char text[HEX_TEXT])
{
	const uint8_t *p = (const uint8_t *)e;
	size_t at = 0;

	for (size_t i = 0; i < sizeof(*e); i++)
		at += (size_t)snprintf(text + at, HEX_TEXT - at, "%s%02x",
				       i && i % 16 == 0 ? " " : "", p[i]);
	return text;
}

/* One completion, of a defined status. False: none came, as an event request may. */
static bool take_answer(struct fuzz *f, const struct sqe *e, uint16_t cid, struct cpl *ret)
{
	bool may_hold = f->q->qid == 0 && e->opcode == AER_OP;
	uint64_t end = rig_now(f->r) + (may_hold ? HELD_NS : ANSWER_NS);
	int err = ctrl_wait_cid(f->q->c, f->q, cid, ret, end);
	char hex[HEX_TEXT], text[STATUS_TEXT];

	if (err && may_hold)
		return false;
	REQUIRE_TRUE(f->r, !err, "SQE %s gets a completion", hex_of(e, hex));
	CHECK_TRUE(f->r, status_is_legal(ret->status), "SQE %s: status %s is a defined one",
		   hex_of(e, hex), status_text(ret->status, text));
	return true;
}

/*
 * The first half of a fused pair may wait for the second: a plain Flush behind it says that none
 * will come.
 */
static bool send(struct fuzz *f, const struct sqe *e, struct cpl *ret)
{
	bool follow = f->q->qid && (e->flags & FUSE);
	struct cmd flush = cmd_flush(f->ns ? f->ns->nsid : 0);
	struct cpl second;
	uint16_t cid = sq_put(f->q, e), cid2 = 0;
	bool answered;

	f->q->c->strays = 0; /* late answers to event requests: audited, and wanted by nobody */
	if (follow)
		cid2 = rig_put(f->r, f->q, flush);
	rig_ring(f->r, f->q);
	answered = take_answer(f, e, cid, ret);
	if (follow)
		take_answer(f, &flush.sqe, cid2, &second);
	return answered;
}

static void check_alive(struct fuzz *f)
{
	struct cmd c = cmd_identify(NVME_IDENTIFY_CNS_CTRL, 0, f->data);

	CHECK_STATUS_OF(f->r, "Identify among random commands: status", rig_admin(f->r, c),
			SC_SUCCESS);
}

/* ---- admin ---- */

static const uint8_t admin_opcodes[] = {
	/* there are no queues to lose, and nobody rings those made in the sandbox */
	0x00, 0x01, 0x04, 0x05, 0x02, 0x02, 0x02, 0x06, 0x06, 0x06, 0x08, 0x08, 0x08, 0x09, 0x0a,
	0x0a, 0x0a, 0x0c, 0x18,
	/* reserved in every revision, and Fabrics, which PCIe does not know */
	0x03, 0x07, 0x0b, 0x0e, 0x0f, 0x12, 0x13, 0x16, 0x17, 0x1b, 0x1f, 0x7f
};

/*
 * Never saved, no namespace's, nothing that ends the run; the kept ones are put back by value, for
 * a controller may forget to reset them. 07h lasts until the reset, the rest are reserved.
 */
static const uint8_t settable[] = { 0x01, 0x08, 0x0a, 0x0b, 0x07, 0x00, 0x70 };
#define KEPT 4u

static void keep_settings(struct rig *r)
{
	for (unsigned i = 0; i < KEPT; i++)
		if (rig_admin(r, cmd_get_features(settable[i], 0, 0, 0)).status == SC_SUCCESS)
			rig_keep_feature(r, settable[i], 0, 0);
}

static uint32_t any_nsid(struct fuzz *f)
{
	uint32_t nn = rig_facts(f->r)->nn;
	const uint32_t nsids[] = { 0, 0, 1, 1, nn, nn + 1, NSID_ALL - 1, NSID_ALL };

	return nsids[rig_rand_below(f->r, ARRAY_SIZE(nsids))];
}

static struct sqe admin_sqe(struct fuzz *f)
{
	struct sqe e = any_sqe(f, pick(f, admin_opcodes, sizeof(admin_opcodes)));
	uint32_t low = (uint32_t)rig_rand(f->r);

	e.nsid = le32_from(any_nsid(f));
	if (e.flags & PSDT)
		any_sgl(f, &e);
	else
		prp_pointer(f, &e, one_in(f, 2), one_in(f, 2));
	switch (e.opcode) {
	case nvme_admin_create_sq:
	case nvme_admin_create_cq:
		e.prp1 = le64_from(page_at(f, 0));
		break;
	case nvme_admin_get_log_page: /* 256 KiB at most */
		e.cdw10 = le32_from(low);
		e.cdw11 = le32_from(low << 16);
		break;
	case nvme_admin_set_features:
		e.cdw10 = le32_from(pick(f, settable, sizeof(settable)) | (low & 0x7fffff00));
		break;
	}
	return e;
}

/* Queues made in the sandbox and held event requests go before anything is put back. */
static void reset_first(void *c)
{
	ctrl_reset(c);
}

static void admin_sqe_fuzz(struct rig *r)
{
	struct fuzz f;
	unsigned held = 0;
	uint64_t n = rig_pick(r, 400, 3000, 300000);

	start(r, &f, rig_ctrl(r)->asq, NULL);
	keep_settings(r);
	rig_defer(r, reset_first, rig_ctrl(r));
	for (uint64_t i = 0; i < n; i++) {
		struct sqe e;
		struct cpl cpl;

		fill_sandbox(&f);
		e = admin_sqe(&f);
		held += !send(&f, &e, &cpl);
		if (i % LOOK_EVERY == 0)
			check_alive(&f);
	}
	rig_note(r, "%" PRIu64 " admin commands, %u of them event requests that are held", n, held);
	check_alive(&f);
}

/* ---- I/O ---- */

/* No Write Uncorrectable, no reservations, no Copy: they outlast the case or leave the area. */
static const uint8_t io_opcodes[] = { 0x00, 0x01, 0x01, 0x01, 0x01, 0x02, 0x02, 0x02, 0x02,
				      0x05, 0x08, 0x08, 0x08, 0x09, 0x0c, 0x0e, 0x03, 0x06,
				      0x07, 0x0a, 0x0b, 0x0f, 0x10, 0x13, 0x14 };

static uint64_t any_slba(struct fuzz *f)
{
	uint64_t nsze = f->ns->nsze;
	const uint64_t edges[] = { nsze - 4,   nsze - 1,   nsze,	   nsze + 1,
				   1ull << 32, 1ull << 63, UINT64_MAX - 3, UINT64_MAX };

	if (one_in(f, 4))
		return edges[rig_rand_below(f->r, ARRAY_SIZE(edges))];
	return FIRST + rig_rand_below(f->r, AREA);
}

static uint32_t any_blocks(struct fuzz *f)
{
	static const uint32_t edges[] = { 256, 257, 32768, 65535, 65536 };

	if (one_in(f, 8))
		return edges[rig_rand_below(f->r, ARRAY_SIZE(edges))];
	return 1 + (uint32_t)rig_rand_below(f->r, 8);
}

static uint32_t any_io_nsid(struct fuzz *f, uint8_t opcode)
{
	uint32_t bad[] = { 0, rig_facts(f->r)->nn + 1, NSID_ALL - 1 };

	if (opcode == nvme_cmd_flush && one_in(f, 4))
		return NSID_ALL;
	return one_in(f, 12) ? bad[rig_rand_below(f->r, ARRAY_SIZE(bad))] : f->ns->nsid;
}

static struct sqe io_sqe(struct fuzz *f)
{
	struct sqe e = any_sqe(f, pick(f, io_opcodes, sizeof(io_opcodes)));
	uint64_t slba = any_slba(f);
	uint32_t blocks = any_blocks(f), high = one_in(f, 2) ? 0 : (uint32_t)rig_rand(f->r) & ~NSZ;
	bool offset = one_in(f, 2);

	if (sq_room(f->q) < 2)
		e.flags &= (uint8_t)~FUSE; /* no room for what must follow */
	e.nsid = le32_from(any_io_nsid(f, e.opcode));
	if (e.opcode != nvme_cmd_dsm) {
		e.cdw10 = le32_from((uint32_t)slba);
		e.cdw11 = le32_from((uint32_t)(slba >> 32));
		e.cdw12 = le32_from((high & 0xffff0000) | (blocks - 1));
	}
	if (e.flags & PSDT)
		any_sgl(f, &e);
	else /* two pages or fewer take no list, so that data are data and lists lists */
		prp_pointer(f, &e, (uint64_t)blocks * f->ns->lba_bytes > f->page, offset);
	if (!(e.flags & PSDT) && (uint64_t)blocks * f->ns->lba_bytes > f->page &&
	    (uint64_t)blocks * f->ns->lba_bytes <= 2 * f->page)
		prp_pointer(f, &e, false, false);
	return e;
}

/* What the command may have done to the blocks that are followed. */
static void follow(struct fuzz *f, const struct sqe *e, const struct cpl *cpl)
{
	uint32_t dw12 = le32_get(e->cdw12), blocks = (dw12 & 0xffff) + 1;
	uint64_t slba = (uint64_t)le32_get(e->cdw11) << 32 | le32_get(e->cdw10);
	bool zeroes = e->opcode == nvme_cmd_write_zeroes;
	bool plain = cpl->status == SC_SUCCESS && !e->flags && !(zeroes && (dw12 & DEAC));

	if (e->opcode != nvme_cmd_write && !zeroes)
		return;
	for (unsigned i = 0; i < AREA; i++) {
		if (FIRST + i < slba || FIRST + i - slba >= blocks)
			continue;
		f->known[i] = plain;
		f->held[i] = zeroes ? 0 : f->word;
	}
}

static bool check_block(struct fuzz *f, unsigned i, const __le32 *data)
{
	size_t k = 0, dwords = f->ns->lba_bytes / sizeof(*data);

	while (k < dwords && le32_get(data[k]) == f->held[i])
		k++;
	return CHECK_TRUE(f->r, k == dwords,
			  "LBA %u is full of %08" PRIX32 "h: dword %zu is %08" PRIX32 "h",
			  FIRST + i, f->held[i], k, le32_get(data[k % dwords]));
}

/* The area in pieces of what one command may move. */
static unsigned piece_at(const struct fuzz *f, unsigned i)
{
	size_t most = rig_mdts(f->r) / f->ns->lba_bytes;

	return most < AREA - i ? (unsigned)most : AREA - i;
}

static void check_area(struct fuzz *f)
{
	uint32_t bytes = f->ns->lba_bytes;

	for (unsigned i = 0, n; i < AREA; i += n) {
		uint8_t *data = f->data;
		struct cmd c;

		n = piece_at(f, i);
		c = cmd_read(f->ns->nsid, FIRST + i, n, data, n * (size_t)bytes);
		REQUIRE_STATUS(f->r, rig_io(f->r, f->q, c), SC_SUCCESS);
		for (unsigned k = 0; k < n; k++)
			if (f->known[i + k])
				check_block(f, i + k, (const __le32 *)(data + k * (size_t)bytes));
	}
}

static void write_area(struct fuzz *f)
{
	uint32_t bytes = f->ns->lba_bytes;

	if (f->ns->nsze < FIRST + AREA)
		rig_na(f->r, "the scratch namespace has %" PRIu64 " blocks", f->ns->nsze);
	for (unsigned i = 0, n; i < AREA; i += n) {
		n = piece_at(f, i);
		rig_io_ok(f->r, f->q,
			  cmd_write(f->ns->nsid, FIRST + i, n, f->data, n * (size_t)bytes));
	}
	memset(f->known, true, sizeof(f->known));
}

static void io_sqe_fuzz(struct rig *r)
{
	struct fuzz f;

	start(r, &f, rig_queue(r), rig_ns(r));
	write_area(&f);
	for (uint64_t i = 0, n = rig_pick(r, 400, 3000, 300000); i < n; i++) {
		struct sqe e;
		struct cpl cpl;

		fill_sandbox(&f);
		e = io_sqe(&f);
		if (send(&f, &e, &cpl))
			follow(&f, &e, &cpl);
		if (i % LOOK_EVERY == 0)
			check_area(&f);
	}
	check_area(&f);
	check_alive(&f);
}

static const struct rig_case cases[] = {
	{ .id = "admin-sqe-fuzz",
	  .rule = "Random admin commands each get one completion of a defined status, or are event "
		  "requests that are held.",
	  .ref = "Base 2.0 Status Field Definition; Base 2.2 Status Field Definition",
	  .needs = NEED_QUEUES,
	  .harm = HARM_SETTINGS,
	  .fault = "admin-fuzz-illegal-status admin-fuzz-hangs-on-fuse",
	  .watches = true,
	  .run = admin_sqe_fuzz },
	{ .id = "io-sqe-fuzz",
	  .rule = "Random I/O commands each get one completion of a defined status and change what "
		  "they name only.",
	  .ref = "Base 2.0 Status Field Definition; Base 2.2 Status Field Definition",
	  .needs = NEED_QUEUES,
	  .harm = HARM_DATA,
	  .fault = "io-fuzz-illegal-status io-fuzz-writes-outside fuzz-hangs-on-fuse",
	  .watches = true,
	  .run = io_sqe_fuzz },
};

SUITE(robust_fuzz_suite, CONFORMANCE, "robust", cases);
