// SPDX-License-Identifier: GPL-2.0-or-later
#include "zns_bench.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define REPORT_BYTES 4096u
#define HEADER	     sizeof(struct nvme_zone_report)
#define DESCRIPTOR   sizeof(struct nvme_zns_desc)
#define A_REPORT     ((REPORT_BYTES - HEADER) / DESCRIPTOR)
#define DLFEAT_READS 0x7u

const char *bench_na(const struct facts *f)
{
	return f->has_zoned ? NULL : "no active zoned namespace without metadata";
}

bool bench_next(struct rig *r, struct bench *b)
{
	const struct facts_ns *ns = rig_zoned_next(r, &b->at);

	if (!ns)
		return false;
	b->r = r;
	b->ns = ns;
	b->zones = ns->zones.count;
	b->size = ns->zones.size;
	b->tag = rig_rand(r);
	bench_reopen(b);
	return true;
}

bool bench_next_empty(struct rig *r, struct bench *b)
{
	char text[STATUS_TEXT];
	struct cpl cpl;

	if (!bench_next(r, b))
		return false;
	cpl = bench_send_all(b, ZONE_DO_RESET);
	if (cpl.status != SC_SUCCESS)
		rig_fail(r, "Reset of all zones of NSID %u ended with %s", b->ns->nsid,
			 status_text(cpl.status, text));
	return true;
}

void bench_reopen(struct bench *b)
{
	b->q = rig_queue(b->r);
}

uint64_t bench_start(const struct bench *b, uint64_t zone)
{
	return zone * b->size;
}

/* ---- looking ---- */

static struct zone_view view_of(struct bench *b, const struct nvme_zns_desc *d, uint64_t zone)
{
	struct zone_view v = {
		.state = d->zs >> 4,
		.type = d->zt,
		.attributes = d->za,
		.start = le64_get(d->zslba),
		.capacity = le64_get(d->zcap),
		.wp = le64_get(d->wp),
	};

	if (v.start != bench_start(b, zone))
		rig_fail(b->r,
			 "zone %" PRIu64 " of NSID %u is reported at LBA %" PRIX64
			 "h, not at %" PRIX64 "h",
			 zone, b->ns->nsid, v.start, bench_start(b, zone));
	if (!v.capacity || v.capacity > b->size)
		rig_fail(b->r,
			 "ZCAP of zone %" PRIu64 " of NSID %u is %" PRIu64 ", and ZSZE %" PRIu64,
			 zone, b->ns->nsid, v.capacity, b->size);
	if (zone_state_has_wp(v.state) && (v.wp < v.start || v.wp > v.start + v.capacity))
		rig_fail(b->r, "the write pointer of zone %" PRIu64 " of NSID %u is %" PRIX64 "h",
			 zone, b->ns->nsid, v.wp);
	return v;
}

/* Descriptors from a zone on, as many as a page has; returns how many. */
static uint64_t report(struct bench *b, uint64_t from, struct zone_view *ret, uint64_t room)
{
	struct nvme_zone_report *page = rig_mem(b->r, REPORT_BYTES);
	struct cmd_report ask = { .lba = bench_start(b, from), .partial = true };
	char text[STATUS_TEXT];
	struct cpl cpl = rig_io(b->r, b->q, cmd_zone_receive(b->ns->nsid, ask, page, REPORT_BYTES));
	uint64_t n = le64_get(page->nr_zones);

	if (cpl.status != SC_SUCCESS)
		rig_fail(b->r, "Report Zones from LBA %" PRIX64 "h ended with %s", ask.lba,
			 status_text(cpl.status, text));
	if (!n || n > A_REPORT || n > b->zones - from)
		rig_fail(b->r,
			 "a partial report of %u bytes from zone %" PRIu64 " of %" PRIu64
			 " counts %" PRIu64,
			 REPORT_BYTES, from, b->zones, n);
	n = n < room ? n : room;
	for (uint64_t i = 0; i < n; i++)
		ret[i] = view_of(b, &page->entries[i], from + i);
	return n;
}

struct zone_view *bench_look_all(struct bench *b)
{
	struct zone_view *all = rig_mem(b->r, b->zones * sizeof(*all));

	for (uint64_t i = 0; i < b->zones;)
		i += report(b, i, all + i, b->zones - i);
	return all;
}

struct zone_view bench_look(struct bench *b, uint64_t zone)
{
	struct zone_view v;

	report(b, zone, &v, 1);
	return v;
}

uint64_t bench_find(struct bench *b, enum zone_state state)
{
	const struct zone_view *all = bench_look_all(b);

	for (uint64_t i = 0; i < b->zones; i++)
		if (all[i].state == state)
			return i;
	return ZONE_NONE;
}

static bool is_usable(const struct zone_view *v)
{
	return zone_state_has_wp(v->state) || v->state == ZONE_FULL;
}

uint64_t bench_usable(struct bench *b, uint64_t nth)
{
	const struct zone_view *all = bench_look_all(b);

	for (uint64_t i = 0; i < b->zones; i++)
		if (is_usable(&all[i]) && !nth--)
			return i;
	return ZONE_NONE;
}

uint64_t bench_last(struct bench *b)
{
	const struct zone_view *all = bench_look_all(b);

	for (uint64_t i = b->zones; i-- > 0;)
		if (is_usable(&all[i]))
			return i;
	rig_na(b->r, "every zone of NSID %u is Read Only or Offline", b->ns->nsid);
}

uint64_t bench_pair(struct bench *b)
{
	const struct zone_view *all = bench_look_all(b);

	for (uint64_t i = 0; i + 1 < b->zones; i++)
		if (is_usable(&all[i]) && is_usable(&all[i + 1]))
			return i;
	rig_na(b->r, "NSID %u has no two zones side by side that can be written", b->ns->nsid);
}

/* ---- doing ---- */

struct cpl bench_send(struct bench *b, uint64_t zone, enum zone_action action)
{
	if (action == ZONE_DO_EXTEND)
		return bench_extend(b, zone, rig_mem(b->r, b->ns->zones.extension + 1u),
				    b->ns->zones.extension);
	return rig_io(b->r, b->q,
		      cmd_zone_send(b->ns->nsid, bench_start(b, zone), (uint8_t)action, false));
}

struct cpl bench_send_all(struct bench *b, enum zone_action action)
{
	return rig_io(b->r, b->q, cmd_zone_send(b->ns->nsid, 0, (uint8_t)action, true));
}

void bench_do(struct bench *b, uint64_t zone, enum zone_action action)
{
	struct cpl cpl = bench_send(b, zone, action);
	char text[STATUS_TEXT];

	if (cpl.status != SC_SUCCESS)
		rig_fail(b->r,
			 "Zone Send Action %02Xh of zone %" PRIu64 " of NSID %u, which must "
			 "succeed, ended with %s",
			 action, zone, b->ns->nsid, status_text(cpl.status, text));
}

struct cpl bench_extend(struct bench *b, uint64_t zone, const void *data, size_t len)
{
	struct cmd c = cmd_zone_send(b->ns->nsid, bench_start(b, zone), ZONE_DO_EXTEND, false);

	c.dir = len ? CMD_OUT : CMD_NONE;
	c.data = (void *)(uintptr_t)data;
	c.data_len = len;
	return rig_io(b->r, b->q, c);
}

static struct cmd stamped(struct bench *b, uint64_t lba, uint32_t blocks)
{
	size_t len = (size_t)blocks * b->ns->lba_bytes;
	void *data = rig_mem(b->r, len);

	rig_stamp(data, lba, blocks, b->ns->lba_bytes, b->tag);
	return cmd_write(b->ns->nsid, lba, blocks, data, len);
}

struct cpl bench_write(struct bench *b, uint64_t lba, uint32_t blocks)
{
	return rig_io(b->r, b->q, stamped(b, lba, blocks));
}

/* Its data are stamped for the place that they are expected at. */
struct cpl bench_append(struct bench *b, uint64_t zone, uint32_t blocks)
{
	struct zone_view v = bench_look(b, zone);
	struct cmd c = stamped(b, zone_state_has_wp(v.state) ? v.wp : v.start, blocks);

	c.sqe.opcode = nvme_zns_cmd_append;
	c.sqe.cdw10 = le32_from((uint32_t)v.start);
	c.sqe.cdw11 = le32_from((uint32_t)(v.start >> 32));
	return rig_io(b->r, b->q, c);
}

void bench_put(struct bench *b, uint64_t lba, uint64_t blocks)
{
	uint32_t chunk = io_chunk(b->r, b->ns), n;
	char text[STATUS_TEXT];
	struct cpl cpl;

	for (; blocks; lba += n, blocks -= n) {
		n = blocks < chunk ? (uint32_t)blocks : chunk;
		cpl = bench_write(b, lba, n);
		if (cpl.status != SC_SUCCESS)
			rig_fail(b->r,
				 "Write of %u blocks at the write pointer %" PRIX64
				 "h of NSID %u, which must succeed, ended with %s",
				 n, lba, b->ns->nsid, status_text(cpl.status, text));
	}
}

void bench_fill(struct bench *b, uint64_t zone, uint64_t but)
{
	struct zone_view v = bench_look(b, zone);
	uint64_t end = v.start + v.capacity - but;

	if (v.wp < end)
		bench_put(b, v.wp, end - v.wp);
}

static void read_blocks(struct bench *b, uint64_t lba, uint32_t blocks, void *data)
{
	char what[80];

	snprintf(what, sizeof(what), "Read of %u blocks at LBA %" PRIX64 "h: status", blocks, lba);
	CHECK_STATUS_OF(
		b->r, what,
		rig_io(b->r, b->q,
		       cmd_read(b->ns->nsid, lba, blocks, data, (size_t)blocks * b->ns->lba_bytes)),
		SC_SUCCESS);
}

bool bench_check_data(struct bench *b, uint64_t lba, uint32_t blocks)
{
	void *data = rig_mem(b->r, (size_t)blocks * b->ns->lba_bytes);

	read_blocks(b, lba, blocks, data);
	return CHECK_STAMP(b->r, data, lba, blocks, b->ns->lba_bytes, b->tag);
}

/* DLFEAT 1 and 2 say what they read as; else it is left open, but not what was written there. */
void bench_check_deallocated(struct bench *b, uint64_t lba, uint64_t blocks)
{
	unsigned reads = b->ns->id.dlfeat & DLFEAT_READS;
	uint32_t chunk = io_chunk(b->r, b->ns), n;
	size_t len = (size_t)chunk * b->ns->lba_bytes;
	uint8_t *data = rig_mem(b->r, len), *want = rig_mem(b->r, len);

	memset(want, reads == 2 ? 0xff : 0, len);
	for (; blocks; lba += n, blocks -= n) {
		n = blocks < chunk ? (uint32_t)blocks : chunk;
		read_blocks(b, lba, n, data);
		if (reads == 1 || reads == 2)
			CHECK_MEM(b->r, "deallocated blocks", data, want,
				  (size_t)n * b->ns->lba_bytes);
	}
}

uint32_t bench_append_most(const struct bench *b)
{
	uint64_t bytes = rig_facts(b->r)->append_bytes;

	return bytes < b->ns->lba_bytes ? 0 : (uint32_t)(bytes / b->ns->lba_bytes);
}

bool bench_can(const struct bench *b, enum zone_action action)
{
	if (action == ZONE_DO_EXTEND)
		return b->ns->zones.extension;
	if (action == ZONE_DO_APPEND)
		return bench_append_most(b);
	return true;
}

struct cpl bench_act(struct bench *b, uint64_t zone, enum zone_action action)
{
	struct zone_view v = bench_look(b, zone);
	uint64_t at = zone_state_has_wp(v.state) ? v.wp : v.start;

	switch (action) {
	case ZONE_DO_WRITE:
		return bench_write(b, at, 1);
	case ZONE_DO_APPEND:
		return bench_append(b, zone, 1);
	case ZONE_DO_FILL:
		bench_fill(b, zone, 1);
		return bench_write(b, v.start + v.capacity - 1, 1);
	default:
		return bench_send(b, zone, action);
	}
}

uint64_t bench_bring(struct bench *b, uint64_t zone, enum zone_state state)
{
	uint64_t start = bench_start(b, zone);

	switch (state) {
	case ZONE_EMPTY:
		break;
	case ZONE_IMPLICIT:
		bench_put(b, start, 2);
		break;
	case ZONE_EXPLICIT:
		bench_do(b, zone, ZONE_DO_OPEN);
		break;
	case ZONE_CLOSED:
		bench_put(b, start, 2);
		bench_do(b, zone, ZONE_DO_CLOSE);
		break;
	case ZONE_FULL:
		bench_put(b, start, 2);
		bench_do(b, zone, ZONE_DO_FINISH);
		break;
	case ZONE_READ_ONLY:
	case ZONE_OFFLINE:
		return bench_find(b, state);
	}
	return bench_look(b, zone).state == state ? zone : ZONE_NONE;
}

/* ---- checks ---- */

/* The controller may close an implicitly opened zone of its own accord (Managing resources). */
bool bench_check_state(struct bench *b, const char *what, unsigned got, enum zone_state want)
{
	if (want == ZONE_IMPLICIT && got == ZONE_CLOSED)
		return ADVISE_TRUE(b->r, false, "%s: the controller closed the zone by itself",
				   what);
	return check_text(b->r, CHECK_SITE(0, 0), what, got == want, zone_state_name(got),
			  zone_state_name(want));
}

void bench_check_wp(struct bench *b, const char *what, const struct zone_view *v, uint64_t want)
{
	if (zone_state_has_wp(v->state))
		CHECK_EQ(b->r, what, v->wp, want);
}

static bool is_same(const struct zone_view *a, const struct zone_view *b)
{
	bool closed = a->state == ZONE_IMPLICIT && b->state == ZONE_CLOSED;

	return (a->state == b->state || closed) && a->attributes == b->attributes &&
	       a->capacity == b->capacity && (!zone_state_has_wp(a->state) || a->wp == b->wp);
}

void bench_check_others(struct bench *b, const struct zone_view *before, uint64_t but)
{
	const struct zone_view *now = bench_look_all(b);

	for (uint64_t i = 0; i < b->zones; i++)
		if (i != but && !is_same(&before[i], &now[i]))
			CHECK_TRUE(b->r, false,
				   "zone %" PRIu64 ", not asked for, is as it was: %s at %" PRIX64
				   "h, now %s at %" PRIX64 "h",
				   i, zone_state_name(before[i].state), before[i].wp,
				   zone_state_name(now[i].state), now[i].wp);
}
