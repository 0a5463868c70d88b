// SPDX-License-Identifier: GPL-2.0-or-later
/* The write pointer: every command that writes, wherever it may and may not. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "zns_bench.h"

#define SOME	 3u /* blocks of an ordinary write */
#define BEGUN	 5u /* blocks that a begun zone has */
#define NLB_MOST 65536u

static const struct io_op writers[] = {
	{ "write", nvme_cmd_write, 0, true, false, false },
	{ "write-zeroes", nvme_cmd_write_zeroes, NVME_CTRL_ONCS_WRITE_ZEROES, true, false, false },
	{ "write-uncorrectable", nvme_cmd_write_uncor, NVME_CTRL_ONCS_WRITE_UNCORRECTABLE, true,
	  false, false },
	{ "copy", nvme_cmd_copy, NVME_CTRL_ONCS_COPY, true, false, false },
};

/* The bench with the command that is asked about, and the zone. */
struct pen {
	struct bench b;
	const struct io_op *op;
	uint64_t zone, start, end; /* end: of the capacity */
	uint64_t source;	   /* of a Copy */
	bool asked;
};

/* Blocks that one such command may have. */
static uint64_t pen_most(const struct pen *p)
{
	uint64_t mssrl = le16_get(p->b.ns->id.mssrl), mcl = le32_get(p->b.ns->id.mcl);

	if (p->op->opcode == nvme_cmd_write)
		return io_chunk(p->b.r, p->b.ns);
	if (p->op->opcode == nvme_cmd_copy)
		return mssrl < mcl ? mssrl : mcl;
	/* WZSL and WUSL bind where ONCS does not claim the command: a page is always allowed */
	return le16_get(rig_facts(p->b.r)->id.oncs) & p->op->oncs ? NLB_MOST
								  : 4096 / p->b.ns->lba_bytes;
}

static struct cpl pen_write(struct pen *p, uint64_t lba, uint64_t blocks)
{
	struct cmd c;

	if (p->op->opcode == nvme_cmd_write)
		return bench_write(&p->b, lba, (uint32_t)blocks);
	c = io_cmd(p->b.r, p->op, p->b.ns, lba, (uint32_t)blocks);
	if (p->op->opcode == nvme_cmd_copy)
		((struct nvme_copy_range *)c.data)->slba = le64_from(p->source);
	return rig_io(p->b.r, p->b.q, c);
}

static void pen_text(const struct pen *p, uint64_t lba, uint64_t blocks, const char *where,
		     char what[160])
{
	snprintf(what, 160,
		 "%s of %" PRIu64 " blocks at LBA %" PRIX64 "h of zone %" PRIu64 ", %s: status",
		 p->op->name, blocks, lba, p->zone, where);
}

/*
 * Refused, with this status or the other. The zone is as it was; the text lets the write pointer of
 * a write that failed stand within its range or one past it.
 */
static void pen_refused(struct pen *p, uint64_t lba, uint64_t blocks, const char *where,
			const uint16_t want[2])
{
	struct zone_view was = bench_look(&p->b, p->zone), now;
	char what[160];

	p->asked = true;
	pen_text(p, lba, blocks, where, what);
	check_status_of(p->b.r, CHECK_SITE(0, 0), what, pen_write(p, lba, blocks), want,
			want[1] ? 2 : 1);
	now = bench_look(&p->b, p->zone);
	bench_check_state(&p->b, "state after a write refused", now.state, was.state);
	if (zone_state_has_wp(now.state) && now.wp != was.wp)
		CHECK_TRUE(p->b.r, now.wp >= lba && now.wp - lba <= blocks,
			   "write pointer %" PRIX64 "h, which was %" PRIX64
			   "h, is within the range refused or one past it",
			   now.wp, was.wp);
}

#define REFUSED(p, lba, blocks, where, ...)                                                        \
	pen_refused(p, lba, blocks, where, (const uint16_t[2]){ __VA_ARGS__ })

/* It succeeds at the write pointer, which moves by as many blocks. */
static void pen_taken(struct pen *p, uint64_t blocks, enum zone_state next)
{
	struct zone_view was = bench_look(&p->b, p->zone), now;
	char what[160];

	p->asked = true;
	pen_text(p, was.wp, blocks, "at the write pointer", what);
	CHECK_STATUS_OF(p->b.r, what, pen_write(p, was.wp, blocks), SC_SUCCESS);
	now = bench_look(&p->b, p->zone);
	bench_check_state(&p->b, "state after a write", now.state, next);
	bench_check_wp(&p->b, "write pointer after a write", &now, was.wp + blocks);
}

/* ---- write-pointer: what is asked of each command in each zone ---- */

static void ask_advance(struct pen *p)
{
	uint64_t most = pen_most(p), room = p->end - p->start;

	pen_taken(p, 1, ZONE_IMPLICIT);
	pen_taken(p, 2, ZONE_IMPLICIT);
	if (most > SOME && room > most + SOME)
		pen_taken(p, most, ZONE_IMPLICIT);
	bench_do(&p->b, p->zone, ZONE_DO_CLOSE);
	pen_taken(p, 1, ZONE_IMPLICIT);
	bench_do(&p->b, p->zone, ZONE_DO_OPEN);
	pen_taken(p, 1, bench_look(&p->b, p->zone).state);
}

/* In every state that has a write pointer, at every place but that. */
static void ask_elsewhere(struct pen *p)
{
	static const enum zone_state states[] = { ZONE_EMPTY, ZONE_IMPLICIT, ZONE_EXPLICIT,
						  ZONE_CLOSED };

	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		uint64_t wp;

		bench_do(&p->b, p->zone, ZONE_DO_RESET);
		if (bench_bring(&p->b, p->zone, states[i]) == ZONE_NONE)
			continue;
		wp = bench_look(&p->b, p->zone).wp;
		REFUSED(p, wp + 1, 1, "past the write pointer", SC_ZONE_INVALID_WRITE);
		REFUSED(p, wp + 1, 2, "past the write pointer", SC_ZONE_INVALID_WRITE);
		REFUSED(p, p->end - 1, 1, "at the end of its capacity", SC_ZONE_INVALID_WRITE);
		if (wp > p->start) {
			REFUSED(p, wp - 1, 1, "before the write pointer", SC_ZONE_INVALID_WRITE);
			REFUSED(p, p->start, 1, "at the start again", SC_ZONE_INVALID_WRITE);
		}
	}
}

/* Past ZCAP inside the zone: the text does not single it out. */
static void ask_end(struct pen *p)
{
	uint64_t size_end = p->start + p->b.size, most = pen_most(p), wp = p->end - SOME;
	bool last = p->zone == p->b.zones - 1;

	bench_fill(&p->b, p->zone, SOME);
	if (size_end > p->end && most > SOME)
		REFUSED(p, wp, SOME + 1, "one block past its capacity", SC_ZONE_BOUNDARY,
			SC_ZONE_FULL);
	if (size_end - wp + 1 <= most)
		REFUSED(p, wp, size_end - wp + 1, "into the next zone", SC_ZONE_BOUNDARY,
			last ? SC_LBA_OUT_OF_RANGE : 0);
	if (most < SOME)
		bench_fill(&p->b, p->zone, most);
	pen_taken(p, most < SOME ? most : SOME, ZONE_FULL);
	if (size_end > p->end)
		REFUSED(p, p->end, 1, "past its capacity, when Full", SC_ZONE_FULL,
			SC_ZONE_BOUNDARY);
}

static void ask_full(struct pen *p)
{
	bench_fill(&p->b, p->zone, 0);
	REFUSED(p, p->start, 1, "written full", SC_ZONE_FULL);
	REFUSED(p, p->end - 1, 1, "written full", SC_ZONE_FULL);
	bench_do(&p->b, p->zone, ZONE_DO_RESET);
	bench_put(&p->b, p->start, BEGUN);
	bench_do(&p->b, p->zone, ZONE_DO_FINISH);
	REFUSED(p, p->start + BEGUN, 1, "finished", SC_ZONE_FULL);
	REFUSED(p, p->start, 1, "finished", SC_ZONE_FULL);
}

/* Read Only and Offline zones, wherever there is one. */
static void ask_dead(struct pen *p)
{
	static const struct {
		enum zone_state state;
		uint16_t status;
	} dead[] = { { ZONE_READ_ONLY, SC_ZONE_READ_ONLY }, { ZONE_OFFLINE, SC_ZONE_OFFLINE } };

	for (size_t i = 0; i < ARRAY_SIZE(dead); i++) {
		p->zone = bench_find(&p->b, dead[i].state);
		if (p->zone == ZONE_NONE)
			continue;
		p->start = bench_start(&p->b, p->zone);
		REFUSED(p, p->start, 1, zone_state_name(dead[i].state), dead[i].status);
		REFUSED(p, p->start + p->b.size / 2, 1, zone_state_name(dead[i].state),
			dead[i].status);
	}
}

/* One row a command and a question. */
struct write_row {
	const char *name;
	const struct io_op *op;
	void (*ask)(struct pen *p);
};

#define ASKED(i, text)                                                                             \
	{ text "-advances", &writers[i], ask_advance },                                            \
		{ text "-elsewhere", &writers[i], ask_elsewhere },                                 \
		{ text "-end", &writers[i], ask_end }, { text "-full", &writers[i], ask_full },    \
	{                                                                                          \
		text "-dead", &writers[i], ask_dead                                                \
	}

static const struct write_row write_rows[] = { ASKED(0, "write"), ASKED(1, "write-zeroes"),
					       ASKED(2, "write-uncorrectable"), ASKED(3, "copy") };

/* An emptied zone, and another one with blocks for a Copy to read. */
static void pen_move(struct pen *p, uint64_t zone)
{
	uint64_t source = bench_usable(&p->b, 1);
	struct zone_view v;

	if (source == zone)
		source = bench_usable(&p->b, 0);
	bench_send_all(&p->b, ZONE_DO_RESET);
	v = bench_look(&p->b, zone);
	p->zone = zone;
	p->start = v.start;
	p->end = v.start + v.capacity;
	p->source = bench_start(&p->b, source);
}

static void write_pointer(struct rig *r)
{
	const struct write_row *row = rig_row(r);
	struct pen p = { .op = row->op };

	io_need(r, row->op);
	while (bench_next_empty(r, &p.b)) {
		pen_move(&p, bench_usable(&p.b, 0));
		row->ask(&p);
		pen_move(&p, bench_last(&p.b));
		row->ask(&p);
		bench_send_all(&p.b, ZONE_DO_RESET);
	}
	if (!p.asked)
		rig_na(r, "no zone is Read Only or Offline");
}

/* ---- data: a zone holds what was written to it, up to its last block ---- */

static void data(struct rig *r)
{
	struct bench b = { 0 };

	while (bench_next_empty(r, &b)) {
		const uint64_t zones[] = { bench_usable(&b, 0), bench_last(&b) };

		for (size_t i = 0; i < ARRAY_SIZE(zones); i++) {
			struct zone_view v = bench_look(&b, zones[i]);
			uint32_t n = io_chunk(r, b.ns);

			bench_fill(&b, zones[i], 0);
			bench_check_data(&b, v.start, 1);
			for (uint64_t at = 0; at + n <= v.capacity; at += n)
				bench_check_data(&b, v.start + at, n);
			bench_check_data(&b, v.start + v.capacity - 1, 1);
		}
		bench_send_all(&b, ZONE_DO_RESET);
	}
}

/* ---- fused: there are none in this command set ---- */

static const char *na_fused(const struct facts *f)
{
	return le16_get(f->id.fuses) & 1 ? bench_na(f) : "FUSES bit 0 is 0: no Compare and Write";
}

static void ask_fused(struct bench *b, uint64_t lba)
{
	struct buf *page = rig_buf(b->r, b->ns->lba_bytes);
	struct cmd compare = cmd_compare(b->ns->nsid, lba, 1, NULL, 0);
	struct cmd write = cmd_write(b->ns->nsid, lba, 1, NULL, 0);
	uint16_t first, second;

	memset(page->data, 0, page->len);
	compare.sqe.flags = 1;
	write.sqe.flags = 2;
	rig_prp(b->r, &compare, page, 0, page->len);
	rig_prp(b->r, &write, page, 0, page->len);
	first = rig_put(b->r, b->q, compare);
	second = rig_put(b->r, b->q, write);
	rig_ring(b->r, b->q);
	CHECK_STATUS_OF(b->r, "Compare of a fused operation: status",
			rig_wait_cid(b->r, b->q, first), SC_INVALID_FIELD, SC_FUSED_FAILED);
	CHECK_STATUS_OF(b->r, "Write of a fused operation: status",
			rig_wait_cid(b->r, b->q, second), SC_INVALID_FIELD, SC_FUSED_FAILED);
}

static void fused(struct rig *r)
{
	struct bench b = { 0 };

	while (bench_next_empty(r, &b)) {
		uint64_t zone = bench_usable(&b, 0);

		ask_fused(&b, bench_start(&b, zone));
		bench_check_state(&b, "state after a fused operation", bench_look(&b, zone).state,
				  ZONE_EMPTY);
	}
}

#define REF_WRITE "ZNS CS 1.1 Writing in Sequential Write Required Zones; "

static const struct rig_case cases[] = {
	{ .id = "write-pointer",
	  .rule = "Writes begin at the write pointer, end within the zone, and move it by as much.",
	  .ref = REF_WRITE "ZNS CS 1.1 NVM Command Set I/O Commands",
	  .needs = NEED_COMMAND,
	  .harm = HARM_DATA,
	  .fault = "zns-write-anywhere zns-others-write-anywhere zns-write-crosses "
		   "zns-past-capacity "
		   "zns-wp-short zns-never-full zns-full-writable zns-full-wrong-status "
		   "zns-read-only-writable zns-offline-writable zns-failed-write-moves "
		   "zns-write-opens-explicitly",
	  .na = bench_na,
	  .run = write_pointer,
	  .deadline_s = 600,
	  ROWS(write_rows) },
	{ .id = "data",
	  .rule = "A zone holds what was written to it, from its first block to its capacity.",
	  .ref = REF_WRITE "NVM CS 1.0 Write command, Read command",
	  .needs = NEED_COMMAND,
	  .harm = HARM_DATA,
	  .fault = "zns-capacity-lost",
	  .na = bench_na,
	  .run = data,
	  .deadline_s = 600 },
	{ .id = "fused",
	  .rule = "Fused operations are refused on a zoned namespace, and write nothing.",
	  .ref = "ZNS CS 1.1 Fused Operation; Base 2.0 Fused Operations",
	  .needs = NEED_QUEUES,
	  .harm = HARM_DATA,
	  .fault = "zns-fused-runs",
	  .na = na_fused,
	  .run = fused },
};

SUITE(zns_write_suite, CONFORMANCE, "zns", cases);
