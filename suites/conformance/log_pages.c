// SPDX-License-Identifier: GPL-2.0-or-later
/* What single log pages say. */
#include <inttypes.h>
#include <string.h>

#include "device.h"
#include "kit/kit.h"

#define ENTRY_LEN sizeof(struct nvme_error_log_page)

static void read_smart(struct rig *r, struct nvme_smart_log *ret)
{
	rig_admin_ok(r, cmd_get_log(NVME_LOG_LID_SMART, NSID_ALL, 0, ret, sizeof(*ret)));
}

static bool is_zero(const void *at, size_t len)
{
	const uint8_t *p = at;

	return !p[0] && !memcmp(p, p + 1, len - 1);
}

/* ---- error-count-monotonic ---- */

#define ERRORS 10

static uint64_t newest_error(struct rig *r)
{
	struct nvme_error_log_page e;

	rig_admin_ok(r, cmd_get_log(NVME_LOG_LID_ERROR, NSID_ALL, 0, &e, ENTRY_LEN));
	return le64_get(e.error_count);
}

/* Failing commands, of which the log must say those that came with M = 1. */
static unsigned provoke(struct rig *r, unsigned n)
{
	uint8_t *data = rig_mem(r, 4096);
	unsigned promised = 0;

	for (unsigned i = 0; i < n; i++)
		promised += rig_admin(r, cmd_identify(0x7f, 0, data)).more;
	return promised;
}

/* Error Count and the SMART counter grow alike by at least what was promised. */
static void check_growth(struct rig *r)
{
	struct nvme_smart_log a, b;
	uint64_t before = newest_error(r), after, counted;
	unsigned promised;

	read_smart(r, &a);
	promised = provoke(r, ERRORS);
	after = newest_error(r);
	read_smart(r, &b);
	if (!promised && after == before)
		rig_na(r, "failed commands come with M = 0, and the log does not show them");
	counted = le64_at(b.num_err_log_entries) - le64_at(a.num_err_log_entries);
	CHECK_GE(r, "growth of the Error Count", after - before, promised);
	CHECK_EQ(r, "growth of SMART's number of error entries", counted, after - before);
}

static void error_count_monotonic(struct rig *r)
{
	uint64_t before;

	rig_ctrl(r);
	check_growth(r);
	if (rig_facts(r)->caps.fabrics)
		return; /* after a reset it is another association, of any controller */
	before = newest_error(r);
	rig_reset(r);
	CHECK_GE(r, "Error Count after a Controller Reset", newest_error(r), before);
	check_growth(r);
}

/* ---- smart-sane ---- */

static bool is_kelvin(unsigned k)
{
	return k >= 1 && k <= 500;
}

static void check_sensors(struct rig *r, const struct nvme_smart_log *log)
{
	unsigned composite = le16_at(log->temperature);

	for (size_t i = 0; i < ARRAY_SIZE(log->temp_sensor); i++) {
		unsigned k = le16_get(log->temp_sensor[i]);

		if (!k)
			continue;
		CHECK_TRUE(r, is_kelvin(k), "sensor %zu tells 1 to 500 kelvin: %u", i + 1, k);
		ADVISE_TRUE(r, k + 30 >= composite && k <= composite + 30,
			    "sensor %zu, %u K, agrees with the composite temperature, %u K", i + 1,
			    k, composite);
	}
}

static void smart_sane(struct rig *r)
{
	struct nvme_smart_log log;
	unsigned composite;

	read_smart(r, &log);
	composite = le16_at(log.temperature);
	CHECK_TRUE(r, is_kelvin(composite), "the composite temperature is 1 to 500 kelvin: %u",
		   composite);
	CHECK_LE(r, "Available Spare in percent", log.avail_spare, 100);
	CHECK_LE(r, "Available Spare Threshold in percent", log.spare_thresh, 100);
	CHECK_EQ(r, "Critical Warning of a healthy device", log.critical_warning, 0);
	CHECK_TRUE(r, is_zero(log.rsvd7, sizeof(log.rsvd7)), "reserved bytes 7 to 31 are 0");
	CHECK_TRUE(r, is_zero(log.rsvd232, sizeof(log.rsvd232)), "reserved bytes 232 on are 0");
	check_sensors(r, &log);
}

/* ---- smart-monotonic ---- */

static const struct counter {
	const char *name;
	uint16_t at;
} counters[] = {
	{ "Data Units Read", 32 },
	{ "Data Units Written", 48 },
	{ "Host Read Commands", 64 },
	{ "Host Write Commands", 80 },
	{ "Controller Busy Time", 96 },
	{ "Power Cycles", 112 },
	{ "Power On Hours", 128 },
	{ "Unsafe Shutdowns", 144 },
	{ "Media and Data Integrity Errors", 160 },
	{ "Number of Error Information Log Entries", 176 },
};

static void some_io(struct rig *r)
{
	const struct facts_ns *ns = rig_ns(r);
	uint8_t *data = rig_mem(r, ns->lba_bytes);

	for (unsigned i = 0; i < 4; i++) {
		rig_io_ok(r, rig_queue(r), cmd_write(ns->nsid, i, 1, data, ns->lba_bytes));
		rig_io_ok(r, rig_queue(r), cmd_read(ns->nsid, i, 1, data, ns->lba_bytes));
	}
}

static void reset_alone(struct rig *r)
{
	rig_reset(r);
}

static void power_after_shutdown(struct rig *r)
{
	device_need_power(r);
	if (ctrl_shutdown(rig_ctrl(r), 1, 0, NULL))
		rig_broken(r, "the controller does not shut down");
	device_power_cycle(r);
}

static const struct event_row {
	const char *name;
	void (*happens)(struct rig *r);
	unsigned cycles, unsafe; /* how much the counters of power grow */
} event_rows[] = {
	{ "controller-reset", reset_alone, 0, 0 },
	{ "power-cycle-announced", power_after_shutdown, 1, 0 },
	{ "power-cycle-unannounced", device_power_cycle, 1, 1 },
};

static void check_counters(struct rig *r, const uint8_t *a, const uint8_t *b)
{
	for (size_t i = 0; i < ARRAY_SIZE(counters); i++) {
		uint64_t was = le64_at(a + counters[i].at), now = le64_at(b + counters[i].at);

		CHECK_TRUE(r, now >= was, "%s does not fall: %" PRIu64 " after %" PRIu64,
			   counters[i].name, now, was);
	}
}

static void smart_monotonic(struct rig *r)
{
	const struct event_row *row = rig_row(r);
	struct nvme_smart_log a, b, c;

	read_smart(r, &a);
	some_io(r);
	read_smart(r, &b);
	check_counters(r, (uint8_t *)&a, (uint8_t *)&b);
	row->happens(r);
	read_smart(r, &c);
	check_counters(r, (uint8_t *)&b, (uint8_t *)&c);
	CHECK_EQ(r, "growth of Power Cycles", le64_at(c.power_cycles) - le64_at(b.power_cycles),
		 row->cycles);
	CHECK_EQ(r, "growth of Unsafe Shutdowns",
		 le64_at(c.unsafe_shutdowns) - le64_at(b.unsafe_shutdowns), row->unsafe);
}

static const char *na_no_ns(const struct facts *f)
{
	return f->has_scratch ? NULL : "no active namespace of the NVM command set";
}

/* ---- fw-slot ---- */

static void fw_slot(struct rig *r)
{
	struct nvme_firmware_slot log;
	struct nvme_id_ctrl id;
	unsigned slots, active, next;

	rig_id_ctrl(r, &id);
	rig_admin_ok(r, cmd_get_log(NVME_LOG_LID_FW_SLOT, NSID_ALL, 0, &log, sizeof(log)));
	slots = id.frmw >> 1 & 7;
	active = log.afi & 7;
	next = log.afi >> 4 & 7;
	REQUIRE_TRUE(r, active >= 1 && active <= slots, "the active slot %u is one of %u", active,
		     slots);
	CHECK_LE(r, "slot of the next reset", next, slots);
	CHECK_MEM(r, "revision of the active slot, as in Identify Controller", log.frs[active - 1],
		  id.fr, sizeof(id.fr));
	for (unsigned i = slots; i < ARRAY_SIZE(log.frs); i++)
		CHECK_TRUE(r, is_zero(log.frs[i], sizeof(log.frs[i])),
			   "slot %u, past the %u there are, is empty", i + 1, slots);
}

/* ---- telemetry-host, telemetry-ctrl ---- */

#define LPA_TELEMETRY	 (1u << 3)
#define TELEMETRY_CREATE (1u << 8) /* Dword 10 */
#define RAE		 (1u << 15)

static const char *na_telemetry(const struct facts *f)
{
	return f->id.lpa & LPA_TELEMETRY ? NULL : "LPA bit 3 is 0: no telemetry";
}

static struct cpl telemetry(struct rig *r, uint8_t lid, uint32_t flags, void *data, size_t len)
{
	struct cmd c = cmd_get_log(lid, NSID_ALL, 0, data, len);

	c.sqe.cdw10 = le32_from(le32_get(c.sqe.cdw10) | flags);
	return rig_admin(r, c);
}

static void check_telemetry(struct rig *r, const struct nvme_telemetry_log *log, uint8_t lid)
{
	struct nvme_id_ctrl id;

	rig_id_ctrl(r, &id);
	CHECK_EQ(r, "Log Identifier of the header", log->lpi, lid);
	CHECK_MEM(r, "OUI of the header, as in Identify Controller", log->ieee, id.ieee, 3);
	CHECK_LE(r, "last block of area 1 against area 2", le16_get(log->dalb1),
		 le16_get(log->dalb2));
	CHECK_LE(r, "last block of area 2 against area 3", le16_get(log->dalb2),
		 le16_get(log->dalb3));
}

static void telemetry_host(struct rig *r)
{
	struct nvme_telemetry_log *a = rig_mem(r, 512), *b = rig_mem(r, 512), *c = rig_mem(r, 512);
	const uint8_t lid = NVME_LOG_LID_TELEMETRY_HOST;

	REQUIRE_STATUS(r, telemetry(r, lid, TELEMETRY_CREATE, a, 512), SC_SUCCESS);
	check_telemetry(r, a, lid);
	REQUIRE_STATUS(r, telemetry(r, lid, 0, b, 512), SC_SUCCESS);
	REQUIRE_STATUS(r, telemetry(r, lid, TELEMETRY_CREATE, c, 512), SC_SUCCESS);
	if (rig_facts(r)->vs < VS(2, 0, 0))
		rig_note(r, "the generation number came with 2.0");
	else {
		CHECK_EQ(r, "generation of data that were not made anew", b->hostdgn, a->hostdgn);
		CHECK_EQ(r, "generation of data that were", c->hostdgn, (uint8_t)(a->hostdgn + 1));
	}
	CHECK_STATUS(r, telemetry(r, lid, 0, b, 508), SC_INVALID_FIELD);
}

static void telemetry_ctrl(struct rig *r)
{
	struct nvme_telemetry_log *a = rig_mem(r, 512), *b = rig_mem(r, 512);
	const uint8_t lid = NVME_LOG_LID_TELEMETRY_CTRL;

	REQUIRE_STATUS(r, telemetry(r, lid, RAE, a, 512), SC_SUCCESS);
	check_telemetry(r, a, lid);
	CHECK_LE(r, "Controller-Initiated Data Available", a->ctrlavail, 1);
	if (!a->ctrlavail)
		CHECK_EQ(r, "last block of area 3 where no data are available", le16_get(a->dalb3),
			 0);
	REQUIRE_STATUS(r, telemetry(r, lid, RAE, b, 512), SC_SUCCESS);
	CHECK_EQ(r, "generation of the same data", b->ctrldgn, a->ctrldgn);
	CHECK_STATUS(r, telemetry(r, lid, RAE, b, 508), SC_INVALID_FIELD);
}

/* ---- telemetry-offset ---- */

static const struct lid_row {
	const char *name;
	uint8_t lid;
} telemetry_logs[] = { { "host", NVME_LOG_LID_TELEMETRY_HOST },
		       { "controller", NVME_LOG_LID_TELEMETRY_CTRL } };

static struct cpl telemetry_from(struct rig *r, uint8_t lid, uint64_t lpo, void *data)
{
	struct cmd c = cmd_get_log(lid, NSID_ALL, lpo, data, 512);

	c.sqe.cdw10 = le32_from(le32_get(c.sqe.cdw10) | RAE);
	return rig_admin(r, c);
}

static void telemetry_offset(struct rig *r)
{
	static const uint64_t odd[] = { 4, 256, 508, 516, 768 };
	const struct lid_row *row = rig_row(r);
	uint8_t *head = rig_mem(r, 512), *part = rig_mem(r, 512);

	REQUIRE_STATUS(r, telemetry_from(r, row->lid, 0, head), SC_SUCCESS);
	for (size_t i = 0; i < ARRAY_SIZE(odd); i++)
		CHECK_STATUS(r, telemetry_from(r, row->lid, odd[i], part), SC_INVALID_FIELD);
	if (le16_get(((struct nvme_telemetry_log *)head)->dalb1))
		CHECK_STATUS(r, telemetry_from(r, row->lid, 512, part), SC_SUCCESS);
}

/* ---- error-wrap ---- */

/* More errors than there are entries: the newest are there, one after the other. */
static void error_wrap(struct rig *r)
{
	unsigned n = rig_facts(r)->id.elpe + 1u;
	struct nvme_error_log_page *log = rig_mem(r, n * ENTRY_LEN);
	uint64_t before = newest_error(r), newest;

	if (n * ENTRY_LEN > rig_mdts(r))
		rig_na(r, "the log of %u entries is above MDTS", n);
	if (provoke(r, n + 3) < n + 3)
		rig_na(r, "failed commands come with M = 0: the log promises nothing");
	rig_admin_ok(r, cmd_get_log(NVME_LOG_LID_ERROR, NSID_ALL, 0, log, n * ENTRY_LEN));
	newest = le64_get(log[0].error_count);
	CHECK_EQ(r, "Error Count of the newest entry", newest, before + n + 3);
	for (unsigned i = 1; i < n; i++)
		CHECK_EQ(r, "Error Count of an older entry", le64_get(log[i].error_count),
			 newest - i);
}

/* ---- endurance-group ---- */

#define CTRATT_GROUPS (1u << 4)
#define LSI(id)	      ((uint32_t)(id) << 16) /* Dword 11 */

static const char *na_endurance(const struct facts *f)
{
	return le32_get(f->id.ctratt) & CTRATT_GROUPS ? NULL : "CTRATT bit 4 is 0: no groups";
}

static struct cpl endurance(struct rig *r, uint32_t group, struct nvme_endurance_group_log *log)
{
	struct cmd c = cmd_get_log(NVME_LOG_LID_ENDURANCE_GROUP, NSID_ALL, 0, log, sizeof(*log));

	c.sqe.cdw11 = le32_from(le32_get(c.sqe.cdw11) | LSI(group));
	return rig_admin(r, c);
}

static void endurance_group(struct rig *r)
{
	struct nvme_endurance_group_log log;
	struct nvme_id_ctrl id;
	unsigned max, found = 0;

	rig_id_ctrl(r, &id);
	max = le16_get(id.endgidmax);
	for (unsigned group = 1; group <= max && group <= 64; group++)
		if (endurance(r, group, &log).status == SC_SUCCESS) {
			found++;
			CHECK_LE(r, "Available Spare in percent", log.avl_spare, 100);
			CHECK_LE(r, "its threshold in percent", log.avl_spare_threshold, 100);
		}
	CHECK_GE(r, "endurance groups that have a log", found, 1);
	CHECK_STATUS(r, endurance(r, 0, &log), SC_INVALID_FIELD);
	if (max < 0xffff)
		CHECK_STATUS(r, endurance(r, max + 1, &log), SC_INVALID_FIELD);
}

/* ---- persistent-event ---- */

#define LPA_PERSISTENT (1u << 4)
#define PEL_MAX	       (256u * 1024) /* of which the events are walked */

enum { PEL_READ, PEL_ESTABLISH, PEL_RELEASE };

static const char *na_persistent(const struct facts *f)
{
	return f->id.lpa & LPA_PERSISTENT ? NULL : "LPA bit 4 is 0: no Persistent Event log";
}

static struct cpl pel(struct rig *r, unsigned action, uint64_t lpo, void *data, size_t len)
{
	struct cmd c = cmd_get_log(NVME_LOG_LID_PERSISTENT_EVENT, NSID_ALL, lpo, data, len);

	c.sqe.cdw10 = le32_from(le32_get(c.sqe.cdw10) | action << 8);
	return rig_admin(r, c);
}

static void pel_context(struct rig *r)
{
	uint8_t *data = rig_mem(r, 512);

	CHECK_STATUS(r, pel(r, PEL_RELEASE, 0, data, 512), SC_SUCCESS);
	CHECK_STATUS(r, pel(r, PEL_READ, 0, data, 512), SC_SEQUENCE_ERROR);
	REQUIRE_STATUS(r, pel(r, PEL_ESTABLISH, 0, data, 512), SC_SUCCESS);
	CHECK_STATUS(r, pel(r, PEL_READ, 0, data, 512), SC_SUCCESS);
	CHECK_STATUS(r, pel(r, PEL_ESTABLISH, 0, data, 512), SC_SEQUENCE_ERROR);
	CHECK_STATUS(r, pel(r, PEL_RELEASE, 0, data, 512), SC_SUCCESS);
	CHECK_STATUS(r, pel(r, PEL_READ, 0, data, 512), SC_SEQUENCE_ERROR);
}

/* Bytes of the header and of every event after it; 0 when one does not end inside. */
static size_t walk(struct rig *r, const uint8_t *log, size_t total, uint32_t events)
{
	size_t at = le16_at(log + 18) + 20u;

	for (uint32_t i = 0; i < events; i++) {
		if (at + sizeof(struct nvme_persistent_event_entry) > total)
			return 0;
		at += log[at + 2] + 3u + le16_at(log + at + 22);
		REQUIRE_TRUE(r, at <= total, "event %u ends inside the log", i + 1);
	}
	return at;
}

static void pel_events(struct rig *r)
{
	struct nvme_persistent_event_log *head = rig_mem(r, sizeof(*head));
	uint64_t total;
	uint8_t *log;

	pel(r, PEL_RELEASE, 0, head, sizeof(*head));
	REQUIRE_STATUS(r, pel(r, PEL_ESTABLISH, 0, head, sizeof(*head)), SC_SUCCESS);
	total = le64_get(head->tll);
	CHECK_EQ(r, "Log Identifier of the header", head->lid, NVME_LOG_LID_PERSISTENT_EVENT);
	CHECK_GE(r, "Total Log Length", total, sizeof(*head));
	if (total <= PEL_MAX && total <= rig_mdts(r)) {
		log = rig_mem(r, (total + 3) & ~3ull);
		rig_admin_ok(r, cmd_get_log(NVME_LOG_LID_PERSISTENT_EVENT, NSID_ALL, 0, log,
					    (total + 3) & ~3ull));
		CHECK_EQ(r, "bytes of header and events", walk(r, log, total, le32_get(head->tnev)),
			 total);
	}
	CHECK_STATUS(r, pel(r, PEL_RELEASE, 0, head, sizeof(*head)), SC_SUCCESS);
}

static const struct ask_row {
	const char *name;
	void (*ask)(struct rig *r);
} pel_rows[] = { { "context", pel_context }, { "events", pel_events } };

static void run_row(struct rig *r)
{
	((const struct ask_row *)rig_row(r))->ask(r);
}

static const struct rig_case cases[] = {
	{ .id = "error-count-monotonic",
	  .rule = "The Error Count rises with each error, over resets too, and SMART counts along.",
	  .ref = "Base 2.0 Error Information (Log Identifier 01h)",
	  .needs = NEED_CTRL,
	  .fault = "error-count-stuck error-count-restarts smart-errors-not-counted",
	  .run = error_count_monotonic },
	{ .id = "smart-sane",
	  .rule = "Temperatures, spares and warnings of the SMART log are possible ones.",
	  .ref = "Base 2.0 SMART / Health Information (Log Identifier 02h)",
	  .needs = NEED_COMMAND,
	  .fault = "smart-spare-above-100 smart-temperature-wild smart-reserved-not-zero",
	  .run = smart_sane },
	{ .id = "smart-monotonic",
	  .rule = "No SMART counter falls, and those of power count what power did.",
	  .ref = "Base 2.0 SMART / Health Information (Log Identifier 02h)",
	  .needs = NEED_COMMAND,
	  .harm = HARM_DATA,
	  .fault = "smart-counters-restart smart-reset-is-power-cycle",
	  .na = na_no_ns,
	  .run = smart_monotonic,
	  ROWS(event_rows) },
	{ .id = "fw-slot",
	  .rule = "The active firmware slot exists and names the revision that runs.",
	  .ref = "Base 2.0 Firmware Slot Information (Log Identifier 03h)",
	  .needs = NEED_COMMAND,
	  .fault = "fw-slot-none-active fw-slot-other-revision fw-slot-past-count",
	  .run = fw_slot },
	{ .id = "telemetry-host",
	  .rule = "Host-initiated telemetry is made when it is asked for, and not otherwise.",
	  .ref = "Base 2.0 Telemetry Host-Initiated (Log Identifier 07h)",
	  .needs = NEED_COMMAND,
	  .harm = HARM_SETTINGS,
	  .fault = "telemetry-not-created telemetry-always-created telemetry-odd-length "
		   "telemetry-areas-fall",
	  .na = na_telemetry,
	  .run = telemetry_host },
	{ .id = "telemetry-ctrl",
	  .rule = "Controller-initiated telemetry is there, and a look at it changes nothing.",
	  .ref = "Base 2.0 Telemetry Controller-Initiated (Log Identifier 08h)",
	  .needs = NEED_COMMAND,
	  .fault = "telemetry-ctrl-wrong-id telemetry-odd-length",
	  .na = na_telemetry,
	  .run = telemetry_ctrl },
	{ .id = "telemetry-offset",
	  .rule = "Telemetry is read from offsets that are multiples of 512 bytes.",
	  .ref = "Base 2.1 Telemetry Host-Initiated (Log Page Identifier 07h); Base 2.0 Telemetry "
		 "Controller-Initiated (Log Identifier 08h)",
	  .needs = NEED_COMMAND,
	  .fault = "telemetry-odd-offset",
	  .na = na_telemetry,
	  .run = telemetry_offset,
	  ROWS(telemetry_logs) },
	{ .id = "error-wrap",
	  .rule = "An error log that is full has the newest errors, as many as ELPE says.",
	  .ref = "Base 2.0 Error Information (Log Identifier 01h); Base 2.0 Identify Controller "
		 "data structure (ELPE)",
	  .needs = NEED_COMMAND,
	  .fault = "error-log-full-stops error-entry-missing error-count-stuck",
	  .run = error_wrap },
	{ .id = "endurance-group",
	  .rule = "Each endurance group has a log, and what is none has not.",
	  .ref = "Base 2.0 Endurance Group Information (Log Identifier 09h)",
	  .needs = NEED_COMMAND,
	  .fault = "endurance-group-any endurance-spare-above-100",
	  .na = na_endurance,
	  .run = endurance_group },
	{ .id = "persistent-event",
	  .rule = "Persistent events are read in a context, of which there is one at most.",
	  .ref = "Base 2.0 Persistent Event (Log Identifier 0Dh)",
	  .needs = NEED_COMMAND,
	  .harm = HARM_SETTINGS,
	  .fault = "pel-read-without-context pel-context-twice pel-length-wrong",
	  .na = na_persistent,
	  .run = run_row,
	  ROWS(pel_rows) },
};

SUITE(log_pages_suite, CONFORMANCE, "log", cases);
