// SPDX-License-Identifier: GPL-2.0-or-later
/* Zone Append: the controller chooses the place. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "zns_bench.h"

#define FLIGHT	  32u /* commands in flight */
#define NOT_GIVEN UINT64_MAX

static const char *na_append(const struct facts *f)
{
	if (!f->has_zoned)
		return bench_na(f);
	return f->append_bytes ? NULL : "the effects log of command set 2 has no Zone Append";
}

static uint64_t alba_of(struct cpl cpl)
{
	return cpl.dw0 | (uint64_t)cpl.dw1 << 32;
}

static struct cpl append_at(struct bench *b, uint64_t zslba, uint32_t blocks)
{
	size_t len = (size_t)blocks * b->ns->lba_bytes;

	return rig_io(b->r, b->q,
		      cmd_zone_append(b->ns->nsid, zslba, blocks, rig_mem(b->r, len), len));
}

/* Refused with this status or the other, and the zones are as they were. */
static void refused(struct bench *b, const char *what, struct cpl cpl, uint16_t first,
		    uint16_t other)
{
	const uint16_t want[2] = { first, other };

	check_status_of(b->r, CHECK_SITE(0, 0), what, cpl, want, other ? 2 : 1);
}

/* It goes to the write pointer, says so, and moves it. */
static void taken(struct bench *b, uint64_t zone, uint32_t blocks, enum zone_state next)
{
	struct zone_view was = bench_look(b, zone), now;
	struct cpl cpl = bench_append(b, zone, blocks);

	CHECK_STATUS_OF(b->r, "Zone Append: status", cpl, SC_SUCCESS);
	CHECK_EQ(b->r, "assigned LBA, where nothing else is in flight", alba_of(cpl), was.wp);
	now = bench_look(b, zone);
	bench_check_state(b, "state after Zone Append", now.state, next);
	bench_check_wp(b, "write pointer after Zone Append", &now, was.wp + blocks);
	bench_check_data(b, was.wp, blocks);
}

/* ---- append: one by one ---- */

static uint32_t most_of(struct bench *b)
{
	uint32_t most = bench_append_most(b), chunk = io_chunk(b->r, b->ns);

	return most < chunk ? most : chunk;
}

static void ask_place(struct bench *b, uint64_t zone)
{
	uint64_t room = bench_look(b, zone).capacity;

	taken(b, zone, 1, ZONE_IMPLICIT);
	taken(b, zone, 1, ZONE_IMPLICIT);
	if (most_of(b) + 3 < room)
		taken(b, zone, most_of(b), ZONE_IMPLICIT);
	bench_do(b, zone, ZONE_DO_CLOSE);
	taken(b, zone, 1, ZONE_IMPLICIT);
}

/* Exactly to the end of the capacity, and one block more. */
static void ask_end(struct bench *b, uint64_t zone)
{
	uint32_t n = most_of(b) < 3 ? 1 : 2;

	bench_fill(b, zone, n);
	if (most_of(b) > n)
		refused(b, "Zone Append of one block more than is left: status",
			bench_append(b, zone, n + 1), SC_ZONE_BOUNDARY, SC_ZONE_FULL);
	taken(b, zone, n, ZONE_FULL);
	refused(b, "Zone Append to a Full zone: status", bench_append(b, zone, 1), SC_ZONE_FULL, 0);
}

static void ask_start(struct bench *b, uint64_t zone)
{
	uint64_t start = bench_start(b, zone);
	const uint64_t wrong[] = { start + 1, start + b->size - 1 };

	bench_put(b, start, 2);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		refused(b, "Zone Append that is no start of a zone: status",
			append_at(b, wrong[i], 1), SC_INVALID_FIELD, 0);
	refused(b, "Zone Append at the write pointer, no start of a zone: status",
		append_at(b, start + 2, 1), SC_INVALID_FIELD, 0);
	refused(b, "Zone Append past the namespace: status", append_at(b, b->ns->nsze, 1),
		SC_INVALID_FIELD, SC_LBA_OUT_OF_RANGE);
	CHECK_EQ(b->r, "write pointer afterwards", bench_look(b, zone).wp, start + 2);
}

/* The limit itself is taken, one block more is not; more than MDTS has that status as well. */
static void ask_limit(struct bench *b, uint64_t zone)
{
	uint32_t most = bench_append_most(b);
	uint64_t room = bench_look(b, zone).capacity;

	if (most + 1ull > room || (size_t)(most + 1) * b->ns->lba_bytes > 64u << 20)
		return;
	refused(b, "Zone Append of one block more than the limit: status",
		append_at(b, bench_start(b, zone), most + 1), SC_INVALID_FIELD, 0);
	taken(b, zone, most, most == room ? ZONE_FULL : ZONE_IMPLICIT);
}

static void ask_dead(struct bench *b, uint64_t zone)
{
	uint64_t read_only = bench_find(b, ZONE_READ_ONLY), offline = bench_find(b, ZONE_OFFLINE);

	(void)zone;
	if (read_only != ZONE_NONE)
		refused(b, "Zone Append to a Read Only zone: status",
			append_at(b, bench_start(b, read_only), 1), SC_ZONE_READ_ONLY, 0);
	if (offline != ZONE_NONE)
		refused(b, "Zone Append to an Offline zone: status",
			append_at(b, bench_start(b, offline), 1), SC_ZONE_OFFLINE, 0);
	if (read_only == ZONE_NONE && offline == ZONE_NONE)
		rig_na(b->r, "no zone is Read Only or Offline");
}

/* ---- append: in flight together ---- */

struct flight {
	uint16_t cid[FLIGHT];
	uint64_t lba[FLIGHT]; /* as assigned; NOT_GIVEN: it failed */
	struct buf *data[FLIGHT];
	uint32_t n, blocks;
};

/* Each brings its own number in every block. */
static void launch(struct bench *b, struct flight *f, uint64_t zslba)
{
	size_t len = (size_t)f->blocks * b->ns->lba_bytes;

	for (uint32_t i = 0; i < f->n; i++) {
		struct cmd c = cmd_zone_append(b->ns->nsid, zslba, f->blocks, NULL, 0);

		f->data[i] = rig_buf(b->r, len);
		rig_stamp(f->data[i]->data, i * f->blocks, f->blocks, b->ns->lba_bytes, b->tag);
		rig_prp(b->r, &c, f->data[i], 0, len);
		f->cid[i] = rig_put(b->r, b->q, c);
	}
	rig_ring(b->r, b->q);
	for (uint32_t i = 0; i < f->n; i++) {
		struct cpl cpl = rig_wait_cid(b->r, b->q, f->cid[i]);

		CHECK_STATUS_OF(b->r, "one of many Zone Appends: status", cpl, SC_SUCCESS);
		f->lba[i] = cpl.status == SC_SUCCESS ? alba_of(cpl) : NOT_GIVEN;
	}
}

/* Places are disjoint and leave no gap; the data lie where they are said to lie. */
static void check_flight(struct bench *b, const struct flight *f, uint64_t from)
{
	bool *seen = rig_mem(b->r, FLIGHT * sizeof(*seen));
	size_t len = (size_t)f->blocks * b->ns->lba_bytes;
	uint8_t *got = rig_mem(b->r, len);

	for (uint32_t i = 0; i < f->n; i++) {
		uint64_t place = (f->lba[i] - from) / f->blocks;

		REQUIRE_TRUE(b->r,
			     f->lba[i] >= from && place < f->n &&
				     (f->lba[i] - from) % f->blocks == 0,
			     "LBA %" PRIX64 "h is one of the places from %" PRIX64 "h on",
			     f->lba[i], from);
		CHECK_TRUE(b->r, !seen[place], "LBA %" PRIX64 "h is assigned once", f->lba[i]);
		seen[place] = true;
		rig_io_ok(b->r, b->q, cmd_read(b->ns->nsid, f->lba[i], f->blocks, got, len));
		CHECK_MEM(b->r, "data at the assigned LBA", got, f->data[i]->data, len);
	}
}

static void ask_flight(struct bench *b, uint64_t zone)
{
	struct flight *f = rig_mem(b->r, sizeof(*f));
	uint32_t room = sq_room(b->q);
	struct zone_view v = bench_look(b, zone);

	f->blocks = most_of(b) < 2 ? 1 : 2;
	f->n = room < FLIGHT ? room : FLIGHT;
	while (f->n * f->blocks >= v.capacity)
		f->n /= 2;
	for (uint64_t round = 0; round < rig_pick(b->r, 1, 3, 100); round++) {
		bench_do(b, zone, ZONE_DO_RESET);
		launch(b, f, v.start);
		check_flight(b, f, v.start);
		CHECK_EQ(b->r, "write pointer after all of them", bench_look(b, zone).wp,
			 v.start + f->n * f->blocks);
	}
}

static const struct append_row {
	const char *name;
	void (*ask)(struct bench *b, uint64_t zone);
} append_rows[] = {
	{ "place", ask_place }, { "end", ask_end },   { "start", ask_start },
	{ "limit", ask_limit }, { "dead", ask_dead }, { "in-flight", ask_flight },
};

static void append(struct rig *r)
{
	const struct append_row *row = rig_row(r);
	struct bench b = { 0 };

	while (bench_next_empty(r, &b)) {
		row->ask(&b, bench_usable(&b, 0));
		bench_send_all(&b, ZONE_DO_RESET);
		row->ask(&b, bench_last(&b));
		bench_send_all(&b, ZONE_DO_RESET);
	}
}

static const struct rig_case cases[] = {
	{ .id = "append",
	  .rule = "Zone Append goes to the write pointer of the zone and returns where that was.",
	  .ref = "ZNS CS 1.1 Zone Append command; ZNS CS 1.1 I/O Command Set Specific Identify "
		 "Controller data structure; ZNS CS 1.1 Writing in Sequential Write Required Zones",
	  .needs = NEED_COMMAND,
	  .harm = HARM_DATA,
	  .fault = "zns-appends-meet zns-append-any-lba zns-append-limit-unchecked "
		   "zns-append-tells-end zns-past-capacity zns-full-writable "
		   "zns-read-only-writable zns-offline-writable zns-wp-short",
	  .na = na_append,
	  .run = append,
	  .deadline_s = 300,
	  ROWS(append_rows) },
};

SUITE(zns_append_suite, CONFORMANCE, "zns", cases);
