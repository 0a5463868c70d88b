// SPDX-License-Identifier: GPL-2.0-or-later
/* Features of power, temperature, time, cache, interrupts and events. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "feat_table.h"

static struct cpl get_dword(struct rig *r, uint8_t fid, uint32_t cdw11)
{
	return rig_admin(r, cmd_get_features(fid, SEL_CURRENT, 0, cdw11));
}

static struct cpl set_dword(struct rig *r, uint8_t fid, uint32_t cdw11)
{
	return rig_admin(r, cmd_set_features(fid, false, 0, cdw11));
}

static void need_changeable(struct rig *r, uint8_t fid)
{
	struct cpl cpl;

	if (!feat_has_select(r))
		return;
	cpl = rig_admin(r, cmd_get_features(fid, SEL_CAPABILITIES, 0, 0));
	if (cpl.status == SC_SUCCESS && !(cpl.dw0 & CAP_CHANGEABLE))
		rig_na(r, "the capabilities of this feature say that it cannot be changed");
}

/* A stamped block goes out and comes back. */
static void check_io(struct rig *r, uint64_t lba)
{
	const struct facts_ns *ns = rig_ns(r);
	uint8_t *data = rig_mem(r, ns->lba_bytes), *back = rig_mem(r, ns->lba_bytes);
	struct sq *q = rig_queue(r);

	rig_stamp(data, lba, 1, ns->lba_bytes, rig_rand(r));
	CHECK_STATUS(r, rig_io(r, q, cmd_write(ns->nsid, lba, 1, data, ns->lba_bytes)), SC_SUCCESS);
	CHECK_STATUS(r, rig_io(r, q, cmd_read(ns->nsid, lba, 1, back, ns->lba_bytes)), SC_SUCCESS);
	CHECK_MEM(r, "a block written and read", back, data, ns->lba_bytes);
}

struct ask_row {
	const char *name;
	void (*ask)(struct rig *r);
};

static void run_row(struct rig *r)
{
	((const struct ask_row *)rig_row(r))->ask(r);
}

/* ---- power-mgmt ---- */

#define FID_POWER	0x02
#define PS(v)		((v)&0x1fu)
#define NON_OPERATIONAL 0x2u /* PSD flags */

static void power_states(struct rig *r)
{
	struct nvme_id_ctrl id;
	unsigned now;

	rig_id_ctrl(r, &id);
	need_changeable(r, FID_POWER);
	rig_queue(r);
	rig_keep_feature(r, FID_POWER, 0, 0);
	for (unsigned ps = 0; ps <= id.npss; ps++) {
		REQUIRE_STATUS(r, set_dword(r, FID_POWER, ps), SC_SUCCESS);
		CHECK_EQ(r, "power state after it was set", PS(get_dword(r, FID_POWER, 0).dw0), ps);
		check_io(r, ps);
		now = PS(get_dword(r, FID_POWER, 0).dw0);
		if (!(id.psd[ps].flags & NON_OPERATIONAL))
			CHECK_EQ(r, "power state after I/O", now, ps);
		else
			CHECK_TRUE(r, !(id.psd[now].flags & NON_OPERATIONAL),
				   "I/O brings the device out of state %u to an operational one: "
				   "%u",
				   ps, now);
	}
}

/* The refusal is demanded, its status recommended. */
static void power_past_npss(struct rig *r)
{
	unsigned npss = rig_facts(r)->id.npss;
	const unsigned past[] = { npss + 1, 31 };

	if (npss >= 31)
		rig_na(r, "NPSS is %u: every state is there", npss);
	rig_keep_feature(r, FID_POWER, 0, 0);
	for (size_t i = 0; i < ARRAY_SIZE(past); i++) {
		struct cpl cpl = set_dword(r, FID_POWER, past[i]);

		CHECK_ERROR(r, cpl);
		ADVISE_STATUS(r, cpl, SC_INVALID_FIELD);
	}
}

static const struct ask_row power_rows[] = { { "states", power_states },
					     { "past-npss", power_past_npss } };

/* ---- temp-threshold ---- */

#define FID_TEMP      0x04
#define TMPSEL(s)     ((uint32_t)(s) << 16)
#define THSEL_UNDER   (1u << 20)
#define WARN_TEMP     0x2u
#define SENSOR_PERIOD (2 * NS_PER_S)
#define LOOK_NS	      (50 * NS_PER_MS)

static void read_smart(struct rig *r, struct nvme_smart_log *ret)
{
	rig_admin_ok(r, cmd_get_log(NVME_LOG_LID_SMART, NSID_ALL, 0, ret, sizeof(*ret)));
}

static void temp_default(struct rig *r)
{
	struct nvme_id_ctrl id;
	struct cpl cpl;

	rig_id_ctrl(r, &id);
	if (!feat_has_select(r) || !le16_get(id.wctemp))
		rig_na(r, "no default value, or no WCTEMP, is told");
	cpl = rig_admin(r, cmd_get_features(FID_TEMP, SEL_DEFAULT, 0, TMPSEL(0)));
	REQUIRE_STATUS(r, cpl, SC_SUCCESS);
	CHECK_EQ(r, "default over temperature threshold against WCTEMP", cpl.dw0 & 0xffff,
		 le16_get(id.wctemp));
}

/* The warning follows the threshold; a sensor is looked at now and then. */
static bool warns(struct rig *r, bool want)
{
	uint64_t deadline = rig_now(r) + SENSOR_PERIOD;
	struct nvme_smart_log log;

	for (;;) {
		read_smart(r, &log);
		if (!!(log.critical_warning & WARN_TEMP) == want || rig_now(r) > deadline)
			return log.critical_warning & WARN_TEMP;
		rig_wait(r, LOOK_NS);
	}
}

static void cross(struct rig *r, uint32_t select, uint32_t beyond)
{
	uint32_t was = get_dword(r, FID_TEMP, select).dw0 & 0xffff;

	REQUIRE_STATUS(r, set_dword(r, FID_TEMP, select | beyond), SC_SUCCESS);
	CHECK_EQ(r, "threshold after it was set", get_dword(r, FID_TEMP, select).dw0 & 0xffff,
		 beyond);
	CHECK_EQ(r, "temperature warning of SMART, beyond the threshold", warns(r, true), true);
	REQUIRE_STATUS(r, set_dword(r, FID_TEMP, select | was), SC_SUCCESS);
	CHECK_EQ(r, "temperature warning with the threshold set back", warns(r, false), false);
}

static void temp_warning(struct rig *r)
{
	struct nvme_smart_log log;
	unsigned now;

	read_smart(r, &log);
	now = le16_at(log.temperature);
	if (now < 2 || log.critical_warning)
		rig_na(r, "the composite temperature is %u K, the warning %02Xh", now,
		       log.critical_warning);
	rig_keep_feature(r, FID_TEMP, 0, TMPSEL(0));
	rig_keep_feature(r, FID_TEMP, 0, THSEL_UNDER);
	cross(r, TMPSEL(0), now - 1);
	cross(r, THSEL_UNDER, now + 1);
}

static void temp_selectors(struct rig *r)
{
	static const uint32_t reserved[] = { TMPSEL(9), TMPSEL(0xe), 2u << 20, 3u << 20 };
	struct nvme_smart_log log;
	uint32_t kelvin = 400;

	rig_keep_feature(r, FID_TEMP, 0, TMPSEL(0));
	for (size_t i = 0; i < ARRAY_SIZE(reserved); i++) {
		CHECK_STATUS(r, set_dword(r, FID_TEMP, reserved[i] | kelvin), SC_INVALID_FIELD);
		CHECK_STATUS(r, get_dword(r, FID_TEMP, reserved[i]), SC_INVALID_FIELD);
	}
	read_smart(r, &log);
	for (unsigned i = 0; i < ARRAY_SIZE(log.temp_sensor); i++)
		if (!log.temp_sensor[i]) /* not there, or it reads 0 */
			ADVISE_STATUS(r, set_dword(r, FID_TEMP, TMPSEL(i + 1) | kelvin),
				      SC_INVALID_FIELD);
}

static const struct ask_row temp_rows[] = {
	{ "default", temp_default },
	{ "warning", temp_warning },
	{ "selectors", temp_selectors },
};

/* ---- vwc ---- */

#define FID_VWC 0x06

static const char *na_vwc(const struct facts *f)
{
	return f->id.vwc & 1 ? feat_na_no_ns(f) : "VWC bit 0 is 0: no volatile write cache";
}

static void check_stamped(struct rig *r, uint64_t lba, uint32_t blocks, uint64_t tag)
{
	const struct facts_ns *ns = rig_ns(r);
	size_t bytes = (size_t)blocks * ns->lba_bytes;
	uint8_t *data = rig_mem(r, bytes);

	rig_io_ok(r, rig_queue(r), cmd_read(ns->nsid, lba, blocks, data, bytes));
	CHECK_STAMP(r, data, lba, blocks, ns->lba_bytes, tag);
}

/* What was written with the cache on, and off, is there whichever way it is turned. */
static void vwc(struct rig *r)
{
	const struct facts_ns *ns = rig_ns(r);
	uint32_t blocks = 4;
	size_t bytes = (size_t)blocks * ns->lba_bytes;
	uint8_t *data = rig_mem(r, bytes);
	uint64_t tags[4];

	rig_keep_feature(r, FID_VWC, 0, 0);
	for (unsigned i = 0; i < ARRAY_SIZE(tags); i++) {
		uint64_t lba = i * blocks;

		tags[i] = rig_rand(r);
		REQUIRE_STATUS(r, set_dword(r, FID_VWC, ~i & 1), SC_SUCCESS);
		CHECK_EQ(r, "WCE after it was set", get_dword(r, FID_VWC, 0).dw0 & 1, ~i & 1);
		rig_stamp(data, lba, blocks, ns->lba_bytes, tags[i]);
		rig_io_ok(r, rig_queue(r), cmd_write(ns->nsid, lba, blocks, data, bytes));
		for (unsigned k = 0; k <= i; k++)
			check_stamped(r, k * blocks, blocks, tags[k]);
	}
}

/* ---- irq-vector-config ---- */

#define FID_VECTOR 0x09
#define CD	   (1u << 16)

/* An I/O queue on each of a few vectors, of which there may be but one. */
static unsigned use_vectors(struct rig *r)
{
	struct ctrl_config cfg = ctrl_defaults(rig_ctrl(r));
	unsigned vectors = rig_facts(r)->caps.vectors, n;
	struct ctrl *c;
	struct sq *q;

	cfg.use_irq = true;
	c = rig_ctrl_with(r, &cfg);
	n = rig_queue_count(r);
	n = n < 3 ? n : 3;
	n = n < vectors - 1 ? n : vectors - 1;
	for (unsigned i = 1; i <= n; i++)
		if (queue_pair_create(c, (uint16_t)i, rig_queue_fit(r, 4), true, (uint16_t)i, &q,
				      NULL))
			rig_broken(r, "no queue on interrupt vector %u", i);
	return n;
}

static void irq_vector_config(struct rig *r)
{
	unsigned n;

	need_changeable(r, FID_VECTOR);
	n = use_vectors(r);
	if (!n)
		rig_na(r, "one interrupt vector alone");
	for (unsigned v = 1; v <= n; v++) {
		rig_keep_feature(r, FID_VECTOR, 0, v);
		REQUIRE_STATUS(r, set_dword(r, FID_VECTOR, CD | v), SC_SUCCESS);
		CHECK_EQ(r, "vector and CD after it was set", get_dword(r, FID_VECTOR, v).dw0,
			 CD | v);
		REQUIRE_STATUS(r, set_dword(r, FID_VECTOR, v), SC_SUCCESS);
		CHECK_EQ(r, "vector and CD after it was cleared", get_dword(r, FID_VECTOR, v).dw0,
			 v);
	}
	ADVISE_STATUS(r, set_dword(r, FID_VECTOR, 0xffff), SC_INVALID_FIELD);
	ADVISE_STATUS(r, get_dword(r, FID_VECTOR, 0xffff), SC_INVALID_FIELD);
}

/* ---- async-config ---- */

#define FID_EVENTS   0x0b
#define SMART_BITS   5 /* critical warnings that every revision has */
#define NOTICE_FIRST 8 /* bits that OAES has too */
#define NOTICE_LAST  14

static void async_config(struct rig *r)
{
	uint32_t oaes = le32_get(rig_facts(r)->id.oaes), got;

	rig_keep_feature(r, FID_EVENTS, 0, 0);
	for (unsigned bit = 0; bit < SMART_BITS; bit++) {
		REQUIRE_STATUS(r, set_dword(r, FID_EVENTS, 1u << bit), SC_SUCCESS);
		CHECK_EQ(r, "configuration after one SMART warning was set",
			 get_dword(r, FID_EVENTS, 0).dw0, 1u << bit);
	}
	for (unsigned bit = NOTICE_FIRST; bit <= NOTICE_LAST; bit++) {
		struct cpl cpl = set_dword(r, FID_EVENTS, 1u << bit);

		got = get_dword(r, FID_EVENTS, 0).dw0 >> bit & 1;
		if (oaes >> bit & 1) {
			CHECK_STATUS(r, cpl, SC_SUCCESS);
			CHECK_TRUE(r, got, "notice %u, which OAES claims, is enabled", bit);
			continue;
		}
		CHECK_STATUS(r, cpl, SC_INVALID_FIELD, SC_SUCCESS);
		ADVISE_TRUE(r, !got, "notice %u, which OAES does not claim, stays disabled", bit);
	}
}

/* ---- timestamp ---- */

#define FID_TIMESTAMP 0x0e
#define ONCS_TSS      (1u << 6)
#define ORIGIN(attr)  ((attr) >> 1 & 7u)
#define TEST_TIME     ((uint64_t)0x0123456789ab) /* ms: a day in 2009 and then some */
#define SLACK_MS      20			 /* of the commands themselves */

static const char *na_timestamp(const struct facts *f)
{
	return le16_get(f->id.oncs) & ONCS_TSS ? NULL : "ONCS bit 6 is 0: no Timestamp";
}

static uint64_t read_timestamp(struct rig *r, uint8_t *ret_attr)
{
	uint8_t data[8] = { 0 };

	REQUIRE_STATUS(r, feat_get_data(r, FID_TIMESTAMP, 0, data, sizeof(data)), SC_SUCCESS);
	*ret_attr = data[6];
	return le64_at(data) & 0xffffffffffffull;
}

/* After a reset it runs on, or says that it was cleared. */
static void check_after_reset(struct rig *r)
{
	uint64_t now;
	uint8_t attr;

	rig_reset(r);
	now = read_timestamp(r, &attr);
	CHECK_LE(r, "origin after a Controller Reset (0: cleared, 1: Set Features)", ORIGIN(attr),
		 1);
	if (ORIGIN(attr))
		CHECK_GE(r, "timestamp that runs on over a Controller Reset", now, TEST_TIME);
}

/* One percent more or less; with Synch set it may have stood still for a while. */
static void check_rate(struct rig *r, uint64_t told_ms, uint64_t wait_ms, uint64_t took_ms,
		       bool synch)
{
	uint64_t least = synch ? 0 : wait_ms - wait_ms / 100;
	uint64_t most = took_ms + took_ms / 100;

	CHECK_TRUE(r, told_ms + SLACK_MS >= least && told_ms <= most + SLACK_MS,
		   "%" PRIu64 " ms on the timestamp for %" PRIu64 " ms", told_ms, took_ms);
}

static void timestamp(struct rig *r)
{
	uint64_t wait_ms = rig_pick(r, 200, 500, 10000), a, b, from;
	uint8_t data[8], attr;

	le64_put(data, TEST_TIME);
	REQUIRE_STATUS(r, feat_set_data(r, FID_TIMESTAMP, 0, data, sizeof(data)), SC_SUCCESS);
	from = rig_now(r);
	a = read_timestamp(r, &attr);
	CHECK_TRUE(r, a >= TEST_TIME && a - TEST_TIME <= SLACK_MS + 1000,
		   "it goes on from where it was set: %" PRIu64 " ms later", a - TEST_TIME);
	CHECK_EQ(r, "origin (1: Set Features)", ORIGIN(attr), 1);
	rig_wait(r, wait_ms * NS_PER_MS);
	b = read_timestamp(r, &attr);
	check_rate(r, b - a, wait_ms, (rig_now(r) - from) / NS_PER_MS, attr & 1);
	check_after_reset(r);
}

/* ---- kato ---- */

#define FID_KATO 0x0f

/* KATO is in milliseconds, KAS in 100 of them. */
static void check_kato(struct rig *r, uint32_t kas, uint32_t ask)
{
	uint32_t unit = kas * 100, want = (ask + unit - 1) / unit * unit;

	REQUIRE_STATUS(r, set_dword(r, FID_KATO, ask), SC_SUCCESS);
	CHECK_EQ(r, "Keep Alive Timeout, rounded up", get_dword(r, FID_KATO, 0).dw0, want);
}

static void kato(struct rig *r)
{
	uint32_t kas = le16_get(rig_facts(r)->id.kas);

	if (!kas) {
		ADVISE_STATUS(r, set_dword(r, FID_KATO, 5000), SC_INVALID_FIELD);
		CHECK_TRUE(r, get_dword(r, FID_KATO, 0).dw0 == 0,
			   "KAS is 0: no Keep Alive Timer runs");
		return;
	}
	rig_keep_feature(r, FID_KATO, 0, 0);
	check_kato(r, kas, 60001);
	check_kato(r, kas, 120000);
	CHECK_STATUS(r, set_dword(r, FID_KATO, 0), SC_SUCCESS, SC_KEEP_ALIVE_INVALID);
}

/* ---- hctm ---- */

#define FID_THERMAL 0x10

static const char *na_thermal(const struct facts *f)
{
	return le16_get(f->id.hctma) & 1 ? NULL : "HCTMA bit 0 is 0: not supported";
}

static uint32_t thermal(unsigned light, unsigned heavy)
{
	return light << 16 | heavy;
}

static void hctm(struct rig *r)
{
	unsigned low = le16_get(rig_facts(r)->id.mntmt), high = le16_get(rig_facts(r)->id.mxtmt);
	const uint32_t legal[] = { thermal(low, high), thermal(0, high), thermal(low, 0) };
	const uint32_t illegal[] = { thermal(high, low), thermal(high, high),
				     thermal(low - 1, high), thermal(low, high + 1) };

	if (low < 2 || high <= low)
		rig_na(r, "MNTMT is %u, MXTMT %u: nothing lies between", low, high);
	rig_keep_feature(r, FID_THERMAL, 0, 0);
	for (size_t i = 0; i < ARRAY_SIZE(legal); i++) {
		REQUIRE_STATUS(r, set_dword(r, FID_THERMAL, legal[i]), SC_SUCCESS);
		CHECK_EQ(r, "temperatures after they were set", get_dword(r, FID_THERMAL, 0).dw0,
			 legal[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(illegal); i++)
		CHECK_STATUS(r, set_dword(r, FID_THERMAL, illegal[i]), SC_INVALID_FIELD);
}

static const struct rig_case cases[] = {
	{ .id = "power-mgmt",
	  .rule = "Every power state up to NPSS can be set, I/O works from each, others are not.",
	  .ref = "Base 2.0 Power Management (Feature Identifier 02h); Base 2.1 Power Management "
		 "(Feature Identifier 02h)",
	  .needs = NEED_COMMAND,
	  .harm = HARM_DATA,
	  .fault = "power-stays-idle power-state-unchecked",
	  .na = feat_na_no_ns,
	  .run = run_row,
	  ROWS(power_rows) },
	{ .id = "temp-threshold",
	  .rule = "A temperature beyond a threshold is a SMART warning; absent sensors have none.",
	  .ref = "Base 2.0 Temperature Threshold (Feature Identifier 04h); Base 2.1 Temperature "
		 "Threshold (Feature Identifier 04h)",
	  .needs = NEED_COMMAND,
	  .harm = HARM_SETTINGS,
	  .fault = "temp-default-zero temp-warning-missing temp-selector-unchecked",
	  .run = run_row,
	  ROWS(temp_rows) },
	{ .id = "vwc",
	  .rule = "The volatile write cache can be turned on and off, and no data are lost by it.",
	  .ref = "Base 2.0 Volatile Write Cache (Feature Identifier 06h)",
	  .needs = NEED_COMMAND,
	  .harm = HARM_DATA,
	  .fault = "cache-dropped-when-off",
	  .na = na_vwc,
	  .run = vwc },
	{ .id = "irq-vector-config",
	  .rule = "Coalescing is disabled for the vector that it is disabled for.",
	  .ref = "Base 2.0 Interrupt Vector Configuration (Feature Identifier 09h)",
	  .needs = NEED_QUEUES | NEED_IRQ,
	  .harm = HARM_SETTINGS,
	  .fault = "vector-config-lost vector-config-unchecked",
	  .run = irq_vector_config },
	{ .id = "async-config",
	  .rule = "SMART warnings and the notices that OAES claims can be enabled.",
	  .ref = "Base 2.0 Asynchronous Event Configuration (Feature Identifier 0Bh)",
	  .needs = NEED_COMMAND,
	  .harm = HARM_SETTINGS,
	  .fault = "event-config-unsupported-stored event-config-lost",
	  .run = async_config },
	{ .id = "timestamp",
	  .rule = "The timestamp goes on from where it was set, a millisecond each millisecond.",
	  .ref = "Base 2.0 Timestamp (Feature Identifier 0Eh)",
	  .needs = NEED_CTRL,
	  .harm = HARM_SETTINGS,
	  .fault = "timestamp-too-fast timestamp-origin-unset timestamp-origin-kept",
	  .na = na_timestamp,
	  .run = timestamp },
	{ .id = "kato",
	  .rule = "The Keep Alive Timeout is rounded up to what KAS allows, and needs KAS.",
	  .ref = "Base 2.0 Keep Alive Timer (Feature Identifier 0Fh)",
	  .needs = NEED_COMMAND | NEED_SQE,
	  .harm = HARM_SETTINGS,
	  .fault = "kato-without-kas",
	  .run = kato },
	{ .id = "hctm",
	  .rule = "Thermal management takes two temperatures in order and within its limits.",
	  .ref = "Base 2.0 Host Controlled Thermal Management (Feature Identifier 10h)",
	  .needs = NEED_COMMAND,
	  .harm = HARM_SETTINGS,
	  .fault = "thermal-order-unchecked",
	  .na = na_thermal,
	  .run = hctm },
};

SUITE(feat_values_suite, CONFORMANCE, "feat", cases);
