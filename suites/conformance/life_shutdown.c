// SPDX-License-Identifier: GPL-2.0-or-later
/* Shutdown by CC.SHN: that it ends, what it keeps, what comes after it. */
#include <errno.h>

#include "base/clock.h"
#include "device.h"

#define SHN_NORMAL   1u
#define SHN_ABRUPT   2u
#define SHN_RESERVED 3u

static double ms_of(uint64_t ns)
{
	return (double)ns / 1e6;
}

/* What a shutdown may take: RTD3E, or a second where the controller states none. */
static uint64_t entry_ns(struct rig *r)
{
	uint64_t entry = le32_get(rig_facts(r)->id.rtd3e) * NS_PER_US;

	return entry ? entry : NS_PER_S;
}

static void shut_down(struct rig *r, unsigned shn)
{
	uint64_t entry = entry_ns(r), took = 0;
	int err;

	CHECK_EQ(r, "CSTS.SHST before", CSTS_SHST(rig_reg32(r, REG_CSTS)), 0);
	err = ctrl_shutdown(rig_ctrl(r), shn, 10 * entry, &took);
	REQUIRE_TRUE(r, !err,
		     "CSTS.SHST became 10b within 10 times RTD3E (%.3f ms): it is %u after %.3f ms",
		     ms_of(10 * entry), CSTS_SHST(rig_reg32(r, REG_CSTS)), ms_of(took));
	ADVISE_LE(r, "microseconds to shut down (want RTD3E at most)", took / NS_PER_US,
		  entry / NS_PER_US);
	rig_sample(r, "shutdown", ms_of(took), "ms");
}

/* As the text has it: the host deletes its queues, then writes SHN and waits. */
static void delete_queues(struct rig *r)
{
	rig_admin_ok(r, cmd_delete_sq(1));
	rig_admin_ok(r, cmd_delete_cq(1));
}

/* ---- shutdown-normal, shutdown-abrupt ---- */

#define SHUT_LBA   64
#define SHUT_BYTES (64 * 1024) /* or what one command may move */
#define VWC_THERE  1u
#define CDW12_FUA  (1u << 30)

static void cache_on(struct rig *r)
{
	struct nvme_id_ctrl *id = rig_mem(r, sizeof(*id));

	rig_id_ctrl(r, id);
	if (!(id->vwc & VWC_THERE)) {
		rig_note(r, "no volatile write cache that a shutdown could drop");
		return;
	}
	rig_keep_feature(r, NVME_FEAT_FID_VOLATILE_WC, 0, 0);
	rig_admin_ok(r, cmd_set_features(NVME_FEAT_FID_VOLATILE_WC, false, 0, 1));
}

/* How the blocks are written, how the controller is shut down, what comes then. */
static const struct keep_row {
	const char *name;
	bool power;
	bool flush, fua; /* of shutdown-abrupt alone */
} normal_rows[] = { { "controller-reset", false, false, false },
		    { "power-cycle", true, false, false } },
  abrupt_rows[] = { { "flushed", false, true, false },
		    { "fua", false, false, true },
		    { "flushed-power-cycle", true, true, false },
		    { "fua-power-cycle", true, false, true } };

static size_t shut_bytes(struct rig *r)
{
	return rig_mdts(r) < SHUT_BYTES ? rig_mdts(r) : SHUT_BYTES;
}

static uint32_t shut_blocks(struct rig *r)
{
	return (uint32_t)(shut_bytes(r) / rig_ns(r)->lba_bytes);
}

static void write_blocks(struct rig *r, const struct keep_row *row, uint64_t tag)
{
	const struct facts_ns *ns = rig_ns(r);
	uint8_t *data = rig_mem(r, shut_bytes(r));
	struct cmd c = cmd_write(ns->nsid, SHUT_LBA, shut_blocks(r), data, shut_bytes(r));

	if (row->fua)
		c.sqe.cdw12 = le32_from(le32_get(c.sqe.cdw12) | CDW12_FUA);
	rig_stamp(data, SHUT_LBA, shut_blocks(r), ns->lba_bytes, tag);
	rig_io_ok(r, rig_queue(r), c);
	if (row->flush)
		rig_io_ok(r, rig_queue(r), cmd_flush(ns->nsid));
}

static void check_blocks(struct rig *r, uint64_t tag)
{
	const struct facts_ns *ns = rig_ns(r);
	uint8_t *data = rig_mem(r, shut_bytes(r));
	struct cmd c = cmd_read(ns->nsid, SHUT_LBA, shut_blocks(r), data, shut_bytes(r));

	REQUIRE_STATUS(r, rig_io(r, rig_queue(r), c), SC_SUCCESS);
	CHECK_STAMP(r, data, SHUT_LBA, shut_blocks(r), ns->lba_bytes, tag);
}

/* Does the write, sends the controller to sleep, wakes it: what was kept must be there. */
static void sleep_and_wake(struct rig *r, unsigned shn)
{
	const struct keep_row *row = rig_row(r);
	uint64_t tag = rig_rand_below(r, 1u << 16);

	if (row->power && !(rig_target(r)->caps.has & NEED_RESTART))
		rig_skip(r, "needs", "the target cannot take power away");
	cache_on(r);
	write_blocks(r, row, tag);
	delete_queues(r);
	shut_down(r, shn);
	if (row->power)
		device_power_cycle(r);
	rig_ctrl_off(r);
	check_blocks(r, tag);
}

static void shutdown_normal(struct rig *r)
{
	sleep_and_wake(r, SHN_NORMAL);
}

static void shutdown_abrupt(struct rig *r)
{
	sleep_and_wake(r, SHN_ABRUPT);
}

/* ---- shutdown-reset-clears ---- */

static const struct shn_row {
	const char *name;
	unsigned shn;
} shn_rows[] = { { "normal", SHN_NORMAL }, { "abrupt", SHN_ABRUPT }, { "reserved", SHN_RESERVED } };

static void shutdown_reset_clears(struct rig *r)
{
	const struct shn_row *row = rig_row(r);

	shut_down(r, row->shn);
	rig_reset(r);
	CHECK_EQ(r, "CSTS.SHST after the reset", CSTS_SHST(rig_reg32(r, REG_CSTS)), 0);
	CHECK_EQ(r, "CC.SHN after the reset", rig_reg32(r, REG_CC) & CC_SHN_MASK, 0);
	CHECK_STATUS(r, rig_admin(r, cmd_get_features(NVME_FEAT_FID_NUM_QUEUES, 0, 0, 0)),
		     SC_SUCCESS);
	CHECK_STATUS(r, rig_io(r, rig_queue(r), cmd_flush(rig_ns(r)->nsid)), SC_SUCCESS);
}

/* ---- shutdown-while-disabled ---- */

/* Polls until no shutdown is under way, for twice RTD3E at most, or a while at less effort. */
static unsigned settled_shst(struct rig *r)
{
	uint64_t limit = rig_pick(r, NS_PER_S / 5, NS_PER_S, 2 * entry_ns(r));
	uint64_t end = rig_now(r) + (limit < 2 * entry_ns(r) ? limit : 2 * entry_ns(r));
	unsigned shst;

	while ((shst = CSTS_SHST(rig_reg32(r, REG_CSTS))) == 1 && rig_now(r) < end)
		rig_wait(r, NS_PER_MS);
	return shst;
}

static void shutdown_while_disabled(struct rig *r)
{
	const struct shn_row *row = rig_row(r);
	unsigned shst;

	rig_ctrl(r);
	rig_ctrl_off(r);
	rig_set_reg32(r, REG_CC, CC_SHN(row->shn));
	rig_wait(r, NS_PER_MS);
	shst = settled_shst(r);
	ADVISE_TRUE(r, shst == 2 || shst == 0, "CSTS.SHST %u: complete (10b), or ignored (00b)",
		    shst);
	rig_set_reg32(r, REG_CC, 0);
	rig_reset(r);
	CHECK_EQ(r, "CSTS.SHST once enabled again", CSTS_SHST(rig_reg32(r, REG_CSTS)), 0);
	CHECK_STATUS(r, rig_admin(r, cmd_get_features(NVME_FEAT_FID_NUM_QUEUES, 0, 0, 0)),
		     SC_SUCCESS);
}

/* ---- shutdown-with-io ---- */

#define DEPTH_MAX  64u
#define FLIGHT_LBA 256

/* Writes of one block each, in flight when the shutdown begins. */
struct flight {
	struct sq *q;
	struct buf *out;
	unsigned n;
	uint64_t tag;
	uint16_t cid[DEPTH_MAX];
	unsigned completions[DEPTH_MAX];
	bool kept[DEPTH_MAX];
};

static void take_off(struct rig *r, struct flight *f)
{
	const struct facts_ns *ns = rig_ns(r);

	f->q = rig_queue(r);
	f->n = f->q->size - 1 < DEPTH_MAX ? f->q->size - 1 : DEPTH_MAX;
	f->tag = rig_rand_below(r, 1u << 16);
	f->out = rig_buf(r, (size_t)f->n * ns->lba_bytes);
	rig_stamp(f->out->data, FLIGHT_LBA, f->n, ns->lba_bytes, f->tag);
	for (unsigned i = 0; i < f->n; i++) {
		struct cmd c = cmd_write(ns->nsid, FLIGHT_LBA + i, 1, NULL, ns->lba_bytes);

		rig_prp(r, &c, f->out, (size_t)i * ns->lba_bytes, ns->lba_bytes);
		f->cid[i] = rig_put(r, f->q, c);
	}
	rig_ring(r, f->q);
}

/* Strictly its own success; or the status that tells of the shutdown. */
static void land(struct rig *r, struct flight *f)
{
	struct cpl cpl;

	while (cq_next(f->q->cq, &cpl))
		for (unsigned i = 0; i < f->n; i++) {
			if (f->cid[i] != cpl.cid)
				continue;
			CHECK_STATUS(r, cpl, SC_SUCCESS, SC_POWER_LOSS);
			f->completions[i]++;
			f->kept[i] = cpl.status == SC_SUCCESS;
		}
}

static unsigned check_flight(struct rig *r, struct flight *f)
{
	const struct facts_ns *ns = rig_ns(r);
	uint8_t *data = rig_mem(r, ns->lba_bytes);
	unsigned done = 0;

	for (unsigned i = 0; i < f->n; i++) {
		CHECK_LE(r, "completions of one Write", f->completions[i], 1);
		done += f->completions[i];
		if (!f->kept[i])
			continue;
		REQUIRE_STATUS(r,
			       rig_io(r, rig_queue(r),
				      cmd_read(ns->nsid, FLIGHT_LBA + i, 1, data, ns->lba_bytes)),
			       SC_SUCCESS);
		CHECK_STAMP(r, data, FLIGHT_LBA + i, 1, ns->lba_bytes, f->tag);
	}
	return done;
}

static void shutdown_with_io(struct rig *r)
{
	struct flight *f;
	unsigned begun = 0, done = 0;

	for (uint64_t n = rig_pick(r, 3, 6, 100); n; n--) {
		f = rig_mem(r, sizeof(*f));
		cache_on(r);
		take_off(r, f);
		rig_wait(r, rig_rand_below(r, 10) * NS_PER_US);
		shut_down(r, SHN_NORMAL);
		rig_wait(r, NS_PER_MS);
		land(r, f);
		rig_reset(r);
		done += check_flight(r, f);
		begun += f->n;
	}
	rig_note(r, "%u Writes in flight, %u completed", begun, done);
}

static const struct rig_case cases[] = {
	{ .id = "shutdown-normal",
	  .rule = "A normal shutdown ends with SHST 10b and keeps what completed writes wrote.",
	  .ref = "Base 2.2 Memory-based Controller Shutdown (PCIe); Base 2.2 Offset 1Ch: CSTS "
		 "(SHST)",
	  .needs = NEED_QUEUES,
	  .harm = HARM_DATA,
	  .fault = "shst-stuck cache-dropped-at-shutdown",
	  .run = shutdown_normal,
	  ROWS(normal_rows) },
	{ .id = "shutdown-abrupt",
	  .rule = "An abrupt shutdown ends with SHST 10b and keeps what was flushed or forced.",
	  .ref = "Base 2.2 Memory-based Controller Shutdown (PCIe); Base 2.2 Offset 14h: CC (SHN); "
		 "Base 2.2 Flush command; NVM CS 1.0 Write command (FUA)",
	  .needs = NEED_QUEUES,
	  .harm = HARM_DATA,
	  .fault = "shst-stuck fua-ignored flush-noop",
	  .run = shutdown_abrupt,
	  ROWS(abrupt_rows) },
	{ .id = "shutdown-reset-clears",
	  .rule = "A Controller Reset after a shutdown clears SHST, and commands run again.",
	  .ref = "Base 2.0 Shutdown Processing; Base 2.2 Offset 1Ch: CSTS (SHST)",
	  .needs = NEED_QUEUES,
	  .fault = "shst-survives-reset shst-stuck",
	  .run = shutdown_reset_clears,
	  .rows = shn_rows,
	  .row_size = sizeof(shn_rows[0]),
	  .nrows = 2 },
	{ .id = "shutdown-while-disabled",
	  .rule = "CC.SHN written with EN = 0 is carried out or ignored, and hangs nothing.",
	  .ref = "Base 2.0 Shutdown Processing; Base 2.2 Memory-based Controller Shutdown (PCIe); "
		 "Base 2.2 Shutdown Processing",
	  .needs = NEED_QUEUES,
	  .level = SHOULD,
	  .fault = "shst-stuck-while-disabled shst-stuck",
	  .run = shutdown_while_disabled,
	  ROWS(shn_rows) },
	{ .id = "shutdown-with-io",
	  .rule = "A shutdown with Writes in flight ends, and each completes once at most.",
	  .ref = "Base 2.2 Memory-based Controller Shutdown (PCIe)",
	  .needs = NEED_QUEUES,
	  .harm = HARM_DATA,
	  .fault = "shutdown-waits-for-host shutdown-loses-writes shst-stuck "
		   "cache-dropped-at-shutdown",
	  .run = shutdown_with_io },
};

SUITE(life_shutdown_suite, CONFORMANCE, "life", cases);
