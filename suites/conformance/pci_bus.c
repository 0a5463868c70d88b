// SPDX-License-Identifier: GPL-2.0-or-later
/* A function that is taken off the bus: by a reset with I/O in flight, by Bus Master Enable. */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "device.h"
#include "storm.h"

#define LATE_NS (50 * NS_PER_MS)

/* ---- flr-outstanding ---- */

/* Nothing is forgotten yet: what was in flight is still known to whoever looks. */
static void reset_function(struct rig *r)
{
	struct target *t = rig_target(r);
	int err;

	if (!t->ops->reset)
		rig_skip(r, "needs", "the target offers no Function Level Reset");
	err = t->ops->reset(t, RESET_FLR);
	if (err == -ENOTSUP)
		rig_skip(r, "needs", "no Function Level Reset: %s", t->error);
	if (err)
		rig_fail(r, "Function Level Reset: %s", t->error);
}

static void flr_outstanding(struct rig *r)
{
	struct storm *s = storm_new(r);
	uint64_t rounds = rig_pick(r, 2, 3, 50);

	for (uint64_t n = 0; n < rounds; n++) {
		storm_begin(s);
		rig_wait(r, rig_rand_below(r, 1ull << rig_rand_below(r, 18)));
		reset_function(r);
		storm_reap(s);
		storm_check_quiet(s, LATE_NS);
		rig_reset(r);
		storm_verify(s);
	}
	rig_note(r, "%u commands, %u completed before their reset", storm_begun(s), storm_done(s));
}

/* ---- bme-gate ---- */

#define ID_LEN 4096

static void master(struct rig *r, bool on)
{
	uint32_t command = rig_cfg(r, CFG_COMMAND, 16) & ~COMMAND_BME;

	rig_set_cfg(r, CFG_COMMAND, 16, command | (on ? COMMAND_BME : 0));
}

static void ring_identify(struct rig *r, struct buf *b)
{
	struct cmd c = cmd_identify(0x01, 0, NULL);

	rig_prp(r, &c, b, 0, ID_LEN);
	rig_put(r, rig_ctrl(r)->asq, c);
	rig_ring(r, rig_ctrl(r)->asq);
}

static void bme_gate(struct rig *r)
{
	struct ctrl *c = rig_ctrl(r);
	struct buf *b = rig_buf(r, ID_LEN);
	struct cpl cpl;
	int64_t at;

	device_config_keep(r);
	buf_poison(b, 0x5a);
	uint8_t *before = memcpy(rig_mem(r, ID_LEN), b->data, ID_LEN);

	master(r, false);
	ring_identify(r, b);
	CHECK_EQ(r, "CQEs with Bus Master Enable = 0",
		 rig_try(r, c->acq, &cpl, rig_pick(r, 20, 100, 1000) * NS_PER_MS), 0);
	at = buf_differs(c->acq->mem, 0, c->acq->mem->len, 0);
	CHECK_TRUE(r, at < 0, "the Admin CQ is untouched (byte %lld)", (long long)at);
	CHECK_MEM(r, "data buffer (untouched)", b->data, before, ID_LEN);
	master(r, true);
	rig_reset(r);
	CHECK_STATUS(r, rig_admin(r, cmd_get_features(NVME_FEAT_FID_NUM_QUEUES, 0, 0, 0)),
		     SC_SUCCESS);
}

static const struct rig_case cases[] = {
	{ .id = "flr-outstanding",
	  .rule = "A Function Level Reset with I/O in flight lets nothing more reach the host.",
	  .ref = "Base 2.0 Controller Level Reset; Base 2.2 Controller Level Reset",
	  .needs = NEED_QUEUES | NEED_CONFIG,
	  .harm = HARM_DATA,
	  .fault = "late-dma-after-flr",
	  .run = flr_outstanding },
	{ .id = "bme-gate",
	  .rule = "With Bus Master Enable = 0 the function writes no memory; with 1 it works "
		  "again.",
	  .ref = "PCIe Transport 1.0 PCI Header; PCIe Transport 1.0 Offset 04h: CMD - Command",
	  .needs = NEED_QUEUES | NEED_CONFIG,
	  .fault = "bme-ignored",
	  .run = bme_gate },
};

SUITE(pci_bus_suite, CONFORMANCE, "pci", cases);
