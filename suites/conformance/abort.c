// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>

#include "base/clock.h"
#include "kit/kit.h"

#define IO_MAX	    24u
#define ABORTS_MAX  8u
#define ABORT_LBA   8192
#define ABORT_BYTES (16u * 1024)
#define NOT_ABORTED 1u /* Dword 0 bit 0: Immediate Abort Not Performed */
#define QUIET_NS    (50 * NS_PER_US)

/* ---- exactly-once ---- */

/* One command of a batch, and what came of it and of the Abort that named it, if any. */
struct target_io {
	uint16_t cid, abort_cid;
	bool write, named, aborted;
	unsigned completions;
	uint16_t status;
};

struct batch {
	struct rig *r;
	const struct facts_ns *ns;
	uint32_t blocks; /* of one command */
	unsigned ios, aborts;
	struct sq *q;
	struct buf *in, *out;
	uint8_t *copy, *before; /* of `in` at the Abort's CQE; of a block range on the medium */
	struct target_io io[IO_MAX];
	struct cmd put[IO_MAX], get[IO_MAX];
	unsigned done, named, aborted, deferred, io_first;
};

static uint64_t lba_of(const struct batch *b, unsigned i)
{
	return ABORT_LBA + (uint64_t)i * b->blocks;
}

/* Built once: PRP lists live as long as the case. */
static void build_commands(struct batch *b, unsigned i)
{
	size_t at = (size_t)i * ABORT_BYTES;

	b->put[i] = cmd_write(b->ns->nsid, lba_of(b, i), b->blocks, NULL, ABORT_BYTES);
	b->get[i] = cmd_read(b->ns->nsid, lba_of(b, i), b->blocks, NULL, ABORT_BYTES);
	rig_prp(b->r, &b->put[i], b->out, at, ABORT_BYTES);
	rig_prp(b->r, &b->get[i], b->in, at, ABORT_BYTES);
}

static void prepare(struct batch *b, struct rig *r)
{
	unsigned limit = rig_facts(r)->id.acl + 1u;

	b->r = r;
	b->ns = rig_ns(r);
	b->blocks = ABORT_BYTES / b->ns->lba_bytes;
	b->q = rig_queue(r);
	b->ios = b->q->size - 1 < IO_MAX ? b->q->size - 1 : IO_MAX;
	b->aborts = limit < ABORTS_MAX ? limit : ABORTS_MAX;
	if (rig_mdts(r) < ABORT_BYTES || lba_of(b, b->ios) > b->ns->nsze)
		rig_na(r, "transfers of %u bytes at LBA %u do not fit", ABORT_BYTES, ABORT_LBA);
	b->in = rig_buf(r, (size_t)b->ios * ABORT_BYTES);
	b->out = rig_buf(r, (size_t)b->ios * ABORT_BYTES);
	b->copy = rig_mem(r, b->in->len);
	b->before = rig_mem(r, ABORT_BYTES);
	for (unsigned i = 0; i < b->ios; i++)
		build_commands(b, i);
}

/* The I/O commands are rung first, so that Aborts meet them in every state. */
static void begin(struct batch *b)
{
	struct ctrl *c = rig_ctrl(b->r);

	memset(b->in->data, 0xc6, b->in->len);
	memset(b->out->data, (int)rig_rand_below(b->r, 256), b->out->len);
	for (unsigned i = 0; i < b->ios; i++) {
		b->io[i] = (struct target_io){ .write = rig_rand_below(b->r, 2) };
		b->io[i].cid = rig_put(b->r, b->q, b->io[i].write ? b->put[i] : b->get[i]);
	}
	for (unsigned n = 0; n < b->aborts; n++) {
		struct target_io *io = &b->io[rig_rand_below(b->r, b->ios)];

		if (io->named)
			continue;
		io->named = true;
		io->abort_cid = rig_put(b->r, c->asq, cmd_abort(b->q->qid, io->cid));
	}
	rig_ring(b->r, b->q);
	rig_wait(b->r, rig_rand_below(b->r, 8) * NS_PER_US);
	rig_ring(b->r, c->asq);
}

static struct target_io *find(struct batch *b, uint16_t cid)
{
	for (unsigned i = 0; i < b->ios; i++)
		if (b->io[i].cid == cid)
			return &b->io[i];
	return NULL;
}

/* Every Abort's own completion; from a successful one on, its command must touch nothing more. */
static void collect_aborts(struct batch *b)
{
	for (unsigned i = 0; i < b->ios; i++) {
		struct target_io *io = &b->io[i];
		struct cpl cpl;

		if (!io->named)
			continue;
		cpl = rig_wait_cid(b->r, rig_ctrl(b->r)->asq, io->abort_cid);
		if (cpl.status != SC_SUCCESS)
			CHECK_STATUS(b->r, cpl, SC_SUCCESS);
		io->aborted = !(cpl.dw0 & NOT_ABORTED);
		b->named++;
		b->io_first += cq_ready(b->q->cq) != 0;
	}
	memcpy(b->copy, b->in->data, b->in->len);
}

static void count(struct batch *b, const struct cpl *cpl)
{
	struct target_io *io = find(b, cpl->cid);

	if (!io)
		return; /* the audit tells of a CID that is not outstanding */
	io->completions++;
	io->status = cpl->status;
	b->done++;
}

static void collect_io(struct batch *b)
{
	struct cpl cpl;

	for (unsigned i = 0; i < b->ios; i++) {
		cpl = rig_next(b->r, b->q->cq);
		count(b, &cpl);
	}
	while (rig_try(b->r, b->q->cq, &cpl, QUIET_NS))
		count(b, &cpl);
}

/* The status that goes with what the Abort said of its command. */
static bool status_fits(const struct target_io *io)
{
	if (io->aborted)
		return io->status == SC_ABORT_REQUESTED;
	return io->status == SC_SUCCESS || (io->named && io->status == SC_ABORT_REQUESTED);
}

static void check_one(struct batch *b, unsigned i)
{
	struct target_io *io = &b->io[i];
	size_t at = (size_t)i * ABORT_BYTES;

	if (io->completions != 1)
		CHECK_EQ(b->r, "completions of one command", io->completions, 1);
	if (!status_fits(io))
		CHECK_TRUE(
			b->r, false, "status %03Xh of CID %04Xh goes with: %s, Dword 0 bit 0 = %u",
			io->status, io->cid, io->named ? "Abort sent" : "no Abort", !io->aborted);
	if (io->aborted && !io->write)
		CHECK_MEM(b->r, "buffer of an aborted Read (as at the Abort's completion)",
			  b->in->data + at, b->copy + at, ABORT_BYTES);
	b->aborted += io->aborted;
	b->deferred += io->named && !io->aborted && io->status == SC_ABORT_REQUESTED;
}

static void read_range(struct batch *b, unsigned i, uint8_t *data)
{
	struct cpl cpl = rig_io(b->r, b->q,
				cmd_read(b->ns->nsid, lba_of(b, i), b->blocks, data, ABORT_BYTES));

	if (cpl.status != SC_SUCCESS)
		REQUIRE_STATUS(b->r, cpl, SC_SUCCESS);
}

/* What an aborted Write left on the medium must not change any more. */
static void check_medium(struct batch *b, unsigned i)
{
	if (!b->io[i].aborted || !b->io[i].write)
		return;
	read_range(b, i, b->before);
	rig_wait(b->r, QUIET_NS);
	read_range(b, i, b->copy);
	CHECK_MEM(b->r, "blocks of an aborted Write (unchanged since)", b->copy, b->before,
		  ABORT_BYTES);
}

static void exactly_once(struct rig *r)
{
	struct batch *b = rig_mem(r, sizeof(*b));
	uint64_t batches = rig_pick(r, 15, 40, 420);

	prepare(b, r);
	for (uint64_t n = 0; n < batches; n++) {
		begin(b);
		collect_aborts(b);
		collect_io(b);
		for (unsigned i = 0; i < b->ios; i++)
			check_one(b, i);
		for (unsigned i = 0; i < b->ios; i++)
			check_medium(b, i);
	}
	CHECK_EQ(r, "completions (want one for each command)", b->done, batches * b->ios);
	rig_note(r,
		 "%u Aborts: %u aborted at once, %u later; after %u a completion was there first",
		 b->named, b->aborted, b->deferred, b->io_first);
}

static const struct rig_case cases[] = {
	{ .id = "exactly-once",
	  .rule = "A command that an Abort names completes once, with the status that fits.",
	  .ref = "Base 2.1 Abort command; Base 2.1 Immediate Abort requirements; Base 2.1 Abort "
		 "command, Command Completion; Base 2.2 Outstanding Commands",
	  .needs = NEED_CTRL,
	  .harm = HARM_DATA,
	  .fault = "abort-completes-twice abort-lies abort-not-found-clear",
	  .run = exactly_once },
};

SUITE(abort_suite, CONFORMANCE, "abort", cases);
