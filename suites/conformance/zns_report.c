// SPDX-License-Identifier: GPL-2.0-or-later
/* What is told of zoned namespaces: Identify, the effects log, reports of zones. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "zns_bench.h"

#define ID_LEN	   4096u
#define HEADER	   sizeof(struct nvme_zone_report)
#define DESCRIPTOR sizeof(struct nvme_zns_desc)
#define MOST	   ((ID_LEN - HEADER) / DESCRIPTOR)
#define ATTRIBUTED 9u
#define ATTRIBUTES (NVME_ZNS_ZA_ZFC | NVME_ZNS_ZA_FZR | NVME_ZNS_ZA_RZR | NVME_ZNS_ZA_ZDEV)

static struct cpl ask_report(struct bench *b, struct cmd_report ask, void *data, size_t len)
{
	return rig_io(b->r, b->q, cmd_zone_receive(b->ns->nsid, ask, data, len));
}

/* ---- identify-report: Identify ---- */

static void ask_identify(struct bench *b)
{
	struct nvme_zns_id_ns *id = rig_mem(b->r, sizeof(*id));
	unsigned format = b->ns->id.flbas & 0xf;
	uint64_t mar, mor;

	rig_admin_ok(b->r, cmd_identify_csi(0x05, NVME_CSI_ZNS, b->ns->nsid, id));
	mar = le32_get(id->mar);
	mor = le32_get(id->mor);
	CHECK_TRUE(b->r, mor <= mar, "MOR %" PRIX64 "h is at most MAR %" PRIX64 "h", mor, mar);
	for (unsigned i = 0; i <= b->ns->id.nlbaf && i < 64; i++)
		CHECK_TRUE(b->r,
			   le64_get(id->lbafe[i].zsze) || (i != format && !b->ns->id.lbaf[i].ds),
			   "ZSZE of format %u is not 0h", i);
	CHECK_EQ(b->r, "reserved bits of OZCS and ZOC at 1.1, but for ZRWA",
		 (le16_get(id->ozcs) & ~3u) | (le16_get(id->zoc) & ~3u), 0);
	CHECK_EQ(b->r, "blocks past the last whole zone", b->ns->nsze % b->size, 0);
}

/* ZASL is at most MDTS, where there is such a limit; MDTS 0h is none. */
static void ask_append_limit(struct bench *b)
{
	struct nvme_zns_id_ctrl *id = rig_mem(b->r, sizeof(*id));
	uint8_t mdts = rig_facts(b->r)->id.mdts;

	CHECK_STATUS_OF(b->r, "Identify CNS 06h, CSI 02h: status",
			rig_admin(b->r, cmd_identify_csi(0x06, NVME_CSI_ZNS, 0, id)), SC_SUCCESS);
	CHECK_TRUE(b->r, !mdts || id->zasl <= mdts, "ZASL %u is at most MDTS %u", id->zasl, mdts);
}

static bool is_in(const __le32 *list, uint32_t nsid)
{
	for (unsigned i = 0; i < ID_LEN / 4 && list[i]; i++)
		if (le32_get(list[i]) == nsid)
			return true;
	return false;
}

/* CNS 07h lists the active namespaces of one command set, as CNS 03h has them. */
static void ask_lists(struct bench *b)
{
	static const uint8_t sets[] = { NVME_CSI_NVM, NVME_CSI_ZNS };
	const struct facts *f = rig_facts(b->r);
	__le32 *list = rig_mem(b->r, ID_LEN);

	for (size_t s = 0; s < ARRAY_SIZE(sets); s++) {
		CHECK_STATUS_OF(b->r, "active list by command set: status",
				rig_admin(b->r, cmd_identify_csi(0x07, sets[s], 0, list)),
				SC_SUCCESS);
		for (unsigned i = 0; i < f->n_ns; i++)
			CHECK_TRUE(b->r, is_in(list, f->ns[i].nsid) == (f->ns[i].csi == sets[s]),
				   "NSID %u, of command set %u, is in the list of %u or not",
				   f->ns[i].nsid, f->ns[i].csi, sets[s]);
	}
}

/* The descriptor's CSI against what the namespace does: only a zoned one has zones to report. */
static void ask_descriptors(struct bench *b)
{
	const struct facts *f = rig_facts(b->r);
	struct cmd_report ask = { .partial = true };
	uint8_t *data = rig_mem(b->r, ID_LEN);

	for (unsigned i = 0; i < f->n_ns; i++) {
		struct cpl cpl =
			rig_io(b->r, b->q, cmd_zone_receive(f->ns[i].nsid, ask, data, ID_LEN));

		if (f->ns[i].csi == NVME_CSI_ZNS)
			CHECK_STATUS_OF(b->r, "Report Zones of a zoned namespace: status", cpl,
					SC_SUCCESS);
		else
			CHECK_STATUS_OF(b->r,
					"Report Zones of a namespace that is not zoned: status",
					cpl, SC_INVALID_OPCODE, SC_INVALID_FIELD);
	}
}

/* The log says of each zoned command what the command does: known, or Invalid Command Opcode. */
static void ask_effects(struct bench *b)
{
	static const uint8_t mandatory[] = { nvme_cmd_flush, nvme_cmd_write, nvme_cmd_read,
					     nvme_zns_cmd_mgmt_send, nvme_zns_cmd_mgmt_recv };
	struct nvme_cmd_effects_log *log = rig_mem(b->r, sizeof(*log));
	struct cmd get = cmd_get_log(NVME_LOG_LID_CMD_EFFECTS, NSID_ALL, 0, log, sizeof(*log));
	struct cmd append = cmd_zone_append(b->ns->nsid, 1, 1, rig_mem(b->r, b->ns->lba_bytes),
					    b->ns->lba_bytes);
	bool claimed;

	get.sqe.cdw14 = le32_from((uint32_t)NVME_CSI_ZNS << 24);
	CHECK_STATUS_OF(b->r, "effects log of command set 2: status", rig_admin(b->r, get),
			SC_SUCCESS);
	for (size_t i = 0; i < ARRAY_SIZE(mandatory); i++)
		CHECK_TRUE(b->r, le32_get(log->iocs[mandatory[i]]) & NVME_CMD_EFFECTS_CSUPP,
			   "mandatory opcode %02Xh is in the log", mandatory[i]);
	claimed = le32_get(log->iocs[nvme_zns_cmd_append]) & NVME_CMD_EFFECTS_CSUPP;
	CHECK_STATUS_OF(b->r, "Zone Append that is no start of a zone: status",
			rig_io(b->r, b->q, append), claimed ? SC_INVALID_FIELD : SC_INVALID_OPCODE);
}

/* ---- identify-report: the report ---- */

static void check_descriptor(struct bench *b, const struct nvme_zns_desc *d, uint64_t i)
{
	char what[64];

	snprintf(what, sizeof(what), "zone %" PRIu64 ": ", i);
	CHECK_EQ(b->r, "ZSLBA", le64_get(d->zslba), bench_start(b, i));
	CHECK_TRUE(b->r, le64_get(d->zcap) <= b->size && d->zcap,
		   "%sZCAP %" PRIu64 " is at most ZSZE %" PRIu64, what, le64_get(d->zcap), b->size);
	CHECK_TRUE(b->r, d->zt == NVME_ZONE_TYPE_SEQWRITE_REQ, "%szone type %Xh is 2h", what,
		   d->zt);
	CHECK_TRUE(b->r, strcmp(zone_state_name(d->zs >> 4), "reserved") && !(d->zs & 0xf),
		   "%sbyte 1 %02Xh is a state", what, d->zs);
	CHECK_TRUE(b->r, !(d->za & ~(ATTRIBUTES | NVME_ZNS_ZA_ZRWAV)), "%sattributes %02Xh", what,
		   d->za);
	CHECK_TRUE(b->r, !(d->za & NVME_ZNS_ZA_ZDEV) || b->ns->zones.extension,
		   "%sno extension is valid without one in the format", what);
	if (zone_state_has_wp(d->zs >> 4))
		CHECK_TRUE(b->r,
			   le64_get(d->wp) - le64_get(d->zslba) <= le64_get(d->zcap) &&
				   (d->zs >> 4 != ZONE_EMPTY || d->wp == d->zslba),
			   "%swrite pointer %" PRIX64 "h of a zone that is %s", what,
			   le64_get(d->wp), zone_state_name(d->zs >> 4));
}

/* Every zone from the first to the last, as many at a time as a page has. */
static void ask_walk(struct bench *b)
{
	struct nvme_zone_report *page = rig_mem(b->r, ID_LEN);
	uint64_t n, at = 0, most = rig_pick(b->r, 1024, 16384, UINT64_MAX);

	while (at < b->zones && at < most) {
		struct cmd_report ask = { .lba = bench_start(b, at) };

		CHECK_STATUS_OF(b->r, "Report Zones: status", ask_report(b, ask, page, ID_LEN),
				SC_SUCCESS);
		REQUIRE_EQ(b->r, "Number of Zones from here on", le64_get(page->nr_zones),
			   b->zones - at);
		n = b->zones - at < MOST ? b->zones - at : MOST;
		for (uint64_t i = 0; i < n; i++)
			check_descriptor(b, &page->entries[i], at + i);
		at += n;
	}
}

/* The zone that an LBA lies in is the first, wherever in it. */
static void ask_from_lba(struct bench *b)
{
	const uint64_t zones[] = { 0, 1, b->zones / 2, b->zones - 1 };
	struct nvme_zone_report *page = rig_mem(b->r, ID_LEN);

	for (size_t i = 0; i < ARRAY_SIZE(zones); i++) {
		const uint64_t within[] = { 0, 1, b->size / 2, b->size - 1 };

		for (size_t w = 0; w < ARRAY_SIZE(within); w++) {
			struct cmd_report ask = { .lba = bench_start(b, zones[i]) + within[w] };

			CHECK_STATUS_OF(b->r, "Report Zones: status",
					ask_report(b, ask, page, HEADER + DESCRIPTOR), SC_SUCCESS);
			CHECK_EQ(b->r, "Number of Zones", le64_get(page->nr_zones),
				 b->zones - zones[i]);
			CHECK_EQ(b->r, "ZSLBA of the first", le64_get(page->entries[0].zslba),
				 bench_start(b, zones[i]));
		}
	}
}

/* Which zones an option of the report lists. */
static bool lists(unsigned option, const struct zone_view *v)
{
	static const unsigned states[] = { 0,		ZONE_EMPTY, ZONE_IMPLICIT,  ZONE_EXPLICIT,
					   ZONE_CLOSED, ZONE_FULL,  ZONE_READ_ONLY, ZONE_OFFLINE };

	if (option == ATTRIBUTED)
		return v->attributes & (NVME_ZNS_ZA_ZFC | NVME_ZNS_ZA_FZR | NVME_ZNS_ZA_RZR);
	return !option || v->state == states[option];
}

static void check_filter(struct bench *b, unsigned option, const struct zone_view *all)
{
	struct cmd_report ask = { .option = (uint8_t)option };
	struct nvme_zone_report *page = rig_mem(b->r, ID_LEN);
	uint64_t n = 0;
	char what[80];

	snprintf(what, sizeof(what), "reporting option %u: status", option);
	CHECK_STATUS_OF(b->r, what, ask_report(b, ask, page, ID_LEN), SC_SUCCESS);
	for (uint64_t i = 0; i < b->zones; i++) {
		if (!lists(option, &all[i]))
			continue;
		if (n < MOST) {
			snprintf(what, sizeof(what), "option %u: zone listed as number %" PRIu64,
				 option, n);
			CHECK_EQ(b->r, what, le64_get(page->entries[n].zslba), all[i].start);
		}
		n++;
	}
	snprintf(what, sizeof(what), "option %u: Number of Zones", option);
	CHECK_EQ(b->r, what, le64_get(page->nr_zones), n);
}

/* The option by attributes stands in the text that came with 2.0; whether before, is not known. */
static bool knows_attributed(struct bench *b)
{
	struct cmd_report ask = { .option = ATTRIBUTED };
	struct cpl cpl = ask_report(b, ask, rig_mem(b->r, ID_LEN), ID_LEN);

	if (rig_facts(b->r)->vs >= VS(2, 0, 0) || cpl.status == SC_SUCCESS)
		return true;
	return ADVISE_STATUS_OF(b->r, "reporting option 9: status", cpl, SC_SUCCESS);
}

static void ask_filters(struct bench *b)
{
	const struct zone_view *all = bench_look_all(b);

	for (unsigned option = 0; option < ATTRIBUTED - 1; option++)
		check_filter(b, option, all);
	if (knows_attributed(b))
		check_filter(b, ATTRIBUTED, all);
}

/* The text has no least length; a report shorter than its header is no use to anybody. */
static void ask_short(struct bench *b)
{
	struct nvme_zone_report *page = rig_mem(b->r, ID_LEN);
	struct cpl cpl = ask_report(b, (struct cmd_report){ 0 }, page, sizeof(page->nr_zones));

	if (ADVISE_STATUS_OF(b->r, "a report of 8 bytes: status", cpl, SC_SUCCESS))
		CHECK_EQ(b->r, "Number of Zones", le64_get(page->nr_zones), b->zones);
}

/* Partial Report 1 counts what was transferred whole, 0 what there is, whatever was asked for. */
static void ask_partial(struct bench *b)
{
	static const size_t lens[] = { HEADER,
				       HEADER + 4,
				       HEADER + DESCRIPTOR - 4,
				       HEADER + DESCRIPTOR,
				       HEADER + 2 * DESCRIPTOR - 4,
				       HEADER + 2 * DESCRIPTOR,
				       HEADER + 5 * DESCRIPTOR + 8 };
	struct nvme_zone_report *page = rig_mem(b->r, ID_LEN);

	for (size_t i = 0; i < ARRAY_SIZE(lens); i++) {
		uint64_t whole = (lens[i] - HEADER) / DESCRIPTOR;
		struct cmd_report ask = { .partial = true };

		CHECK_STATUS_OF(b->r, "partial report: status", ask_report(b, ask, page, lens[i]),
				SC_SUCCESS);
		CHECK_EQ(b->r, "Number of Zones, of those transferred", le64_get(page->nr_zones),
			 whole < b->zones ? whole : b->zones);
		ask.partial = false;
		CHECK_STATUS_OF(b->r, "report: status", ask_report(b, ask, page, lens[i]),
				SC_SUCCESS);
		CHECK_EQ(b->r, "Number of Zones, of those there are", le64_get(page->nr_zones),
			 b->zones);
	}
}

/* From the last zone on there is one descriptor; what follows it in the buffer is left open. */
static void ask_long_buffer(struct bench *b)
{
	struct nvme_zone_report *page = rig_mem(b->r, ID_LEN);
	struct cmd_report ask = { .lba = bench_start(b, b->zones - 1) };

	for (unsigned partial = 0; partial < 2; partial++) {
		ask.partial = partial;
		CHECK_STATUS_OF(b->r, "report into a longer buffer: status",
				ask_report(b, ask, page, ID_LEN), SC_SUCCESS);
		CHECK_EQ(b->r, "Number of Zones from the last", le64_get(page->nr_zones), 1);
		check_descriptor(b, &page->entries[0], b->zones - 1);
	}
}

/* Descriptors and extensions in turn; without an extension in the format there is no such report.
 */
static void ask_extended(struct bench *b)
{
	struct cmd_report ask = { .zra = NVME_ZNS_ZRA_EXTENDED_REPORT_ZONES };
	uint8_t *page = rig_mem(b->r, ID_LEN);
	size_t entry = DESCRIPTOR + b->ns->zones.extension;
	struct cpl cpl = ask_report(b, ask, page, ID_LEN);

	if (!b->ns->zones.extension) {
		CHECK_STATUS_OF(b->r, "extended report with ZDES 0h: status", cpl,
				SC_INVALID_FIELD);
		return;
	}
	CHECK_STATUS_OF(b->r, "extended report: status", cpl, SC_SUCCESS);
	CHECK_EQ(b->r, "Number of Zones", le64_at(page), b->zones);
	for (uint64_t i = 0; i < b->zones && HEADER + (i + 1) * entry <= ID_LEN; i++)
		check_descriptor(b, (const void *)(page + HEADER + i * entry), i);
	ask.partial = true;
	CHECK_STATUS_OF(b->r, "partial extended report: status",
			ask_report(b, ask, page, HEADER + 2 * entry - 4), SC_SUCCESS);
	CHECK_EQ(b->r, "Number of Zones, of those transferred", le64_at(page), 1);
}

/* Reserved actions and options. */
static void ask_reserved(struct bench *b)
{
	static const struct cmd_report wrong[] = { { 0, 0x02, 0, false }, { 0, 0x7f, 0, false },
						   { 0, 0xff, 0, false }, { 0, 0, 0x0a, false },
						   { 0, 0, 0x40, false }, { 0, 0, 0xff, false } };
	uint8_t *page = rig_mem(b->r, ID_LEN);
	char what[80];

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		snprintf(what, sizeof(what), "reserved action %02Xh, option %02Xh: status",
			 wrong[i].zra, wrong[i].option);
		CHECK_STATUS_OF(b->r, what, ask_report(b, wrong[i], page, ID_LEN),
				SC_INVALID_FIELD);
	}
}

/* There is no zone to begin with. */
static void ask_beyond(struct bench *b)
{
	const uint64_t beyond[] = { b->ns->nsze, b->ns->nsze + b->size, UINT64_MAX };
	uint8_t *page = rig_mem(b->r, ID_LEN);

	for (size_t i = 0; i < ARRAY_SIZE(beyond); i++)
		CHECK_STATUS_OF(
			b->r, "Report Zones from past the end: status",
			ask_report(b, (struct cmd_report){ .lba = beyond[i] }, page, ID_LEN),
			SC_LBA_OUT_OF_RANGE, SC_INVALID_FIELD);
}

static const struct report_row {
	const char *name;
	void (*ask)(struct bench *b);
} report_rows[] = {
	{ "identify", ask_identify },
	{ "append-limit", ask_append_limit },
	{ "lists", ask_lists },
	{ "descriptors", ask_descriptors },
	{ "effects", ask_effects },
	{ "walk", ask_walk },
	{ "from-lba", ask_from_lba },
	{ "filters", ask_filters },
	{ "partial", ask_partial },
	{ "short", ask_short },
	{ "long-buffer", ask_long_buffer },
	{ "extended", ask_extended },
	{ "reserved", ask_reserved },
	{ "beyond", ask_beyond },
};

static void identify_report(struct rig *r)
{
	const struct report_row *row = rig_row(r);
	struct bench b = { 0 };

	while (bench_next(r, &b))
		row->ask(&b);
}

/* ---- report-states: a zone in each state is listed where it belongs ---- */

static void report_states(struct rig *r)
{
	static const enum zone_state states[] = { ZONE_EMPTY, ZONE_FULL, ZONE_CLOSED };
	struct bench b = { 0 };

	while (bench_next_empty(r, &b)) {
		for (size_t i = 0; i < ARRAY_SIZE(states); i++)
			bench_bring(&b, bench_usable(&b, i), states[i]);
		ask_filters(&b);
		bench_do(&b, bench_usable(&b, 2), ZONE_DO_RESET);
		bench_bring(&b, bench_usable(&b, 2), ZONE_IMPLICIT);
		ask_filters(&b);
		bench_do(&b, bench_usable(&b, 2), ZONE_DO_RESET);
		bench_bring(&b, bench_last(&b), ZONE_EXPLICIT);
		ask_filters(&b);
		bench_send_all(&b, ZONE_DO_RESET);
	}
}

#define REF_RECEIVE "ZNS CS 1.1 Zone Management Receive command; "

static const struct rig_case cases[] = {
	{ .id = "identify-report",
	  .rule = "Identify, the effects log and reports of zones are true and agree.",
	  .ref = REF_RECEIVE "ZNS CS 1.1 Identify Command; ZNS CS 1.1 I/O Controller Requirements",
	  .needs = NEED_COMMAND,
	  .fault = "zns-active-list-mixed zns-csi-untrue zns-mor-above-mar zns-size-zero "
		   "zns-zasl-above-mdts "
		   "zns-append-not-told zns-receive-not-told zns-capacity-above-size "
		   "zns-extended-unformatted zns-report-filter-ignored zns-report-from-next "
		   "zns-report-partial-always zns-report-partial-ignored "
		   "zns-report-reserved-accepted",
	  .na = bench_na,
	  .run = identify_report,
	  ROWS(report_rows) },
	{ .id = "report-states",
	  .rule = "A report by state lists the zones of that state and no other.",
	  .ref = REF_RECEIVE "Zone Receive Action Specific Field",
	  .needs = NEED_COMMAND,
	  .harm = HARM_DATA,
	  .fault = "zns-report-filter-ignored",
	  .na = bench_na,
	  .run = report_states },
};

SUITE(zns_report_suite, CONFORMANCE, "zns", cases);
