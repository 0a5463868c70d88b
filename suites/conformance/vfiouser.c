// SPDX-License-Identifier: GPL-2.0-or-later
/* vfio-user: messages and their replies, whatever they are about. */
#include <errno.h>
#include <string.h>

#include "talk.h"

/* ---- commands that there are not ---- */

static const struct command_row {
	const char *name;
	uint16_t command;
} unknown[] = {
	{ "zero", 0 }, { "withdrawn", 14 }, { "past-the-last", 19 }, { "highest", 0xffff }
};

static void unknown_command(struct rig *r)
{
	const struct command_row *row = rig_row(r);
	const uint8_t data[32] = { 32 };
	const struct vu_msg *m = talk_ask(r, row->command, data, sizeof(data));

	CHECK_REFUSED(r, "a command that there is not", m);
	rig_note(r, "errno %u", m->h.error); /* the text leaves its value open */
	talk_check_usable(r);
}

static void error_is_header_alone(struct rig *r)
{
	const uint8_t data[32] = { 32 };
	const struct vu_msg *m = talk_ask(r, 0xffff, data, sizeof(data));

	REQUIRE_TRUE(r, talk_failed(m), "a command that there is not: an error reply");
	CHECK_EQ(r, "bytes behind the header of an error reply", m->len, 0);
	m = talk_unmap(r, rig_target(r)->caps.hole, TALK_MEMORY);
	if (talk_failed(m))
		CHECK_EQ(r, "bytes behind the header of the error reply to DMA_UNMAP", m->len, 0);
	talk_check_usable(r);
}

/* ---- replies belong to their commands ---- */

static void reply_echoes(struct rig *r)
{
	static const uint16_t ids[] = { 0, 1, 0x7fff, 0x8000, 0x8001, 0xffff, 0xffff };
	struct vu_info info = { .argsz = sizeof(info) };
	struct vu_piece piece[2] = { { &info, sizeof(info) } };
	struct vu_msg *m = rig_mem(r, sizeof(*m));

	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		struct vu_header h = { .id = ids[i], .command = VU_DEVICE_GET_INFO };

		if (rig_target(r)->ops->session->ask(rig_target(r), &h, piece, NULL, 0, m, TALK_NS))
			rig_fail(r, "no reply to the message with ID %04Xh: %s", ids[i],
				 rig_target(r)->error);
		CHECK_EQ(r, "message ID of the reply", m->h.id, ids[i]);
		CHECK_EQ(r, "command of the reply", m->h.command, VU_DEVICE_GET_INFO);
		CHECK_EQ(r, "type of the reply", m->h.flags & VU_TYPE, VU_REPLY);
		CHECK_EQ(r, "message size of the reply", m->h.size, sizeof(m->h) + m->len);
		vu_msg_free(m);
	}
}

static void no_reply(struct rig *r)
{
	struct vu_access vs = { REG_VS, 0, 4 };
	const uint8_t data[32] = { 32 };

	for (unsigned i = 0; i < 8; i++)
		talk_post(r, VU_REGION_READ, &vs, sizeof(vs));
	talk_post(r, 0xffff, data, sizeof(data)); /* an error is not told either */
	talk_check_usable(r);
}

/* AQA can be written and read while the controller is disabled. */
static void posted_in_order(struct rig *r)
{
	struct {
		struct vu_access a;
		uint32_t value;
	} w = { { REG_AQA, 0, 4 }, 0 };

	rig_ctrl_off(r);
	for (uint32_t i = 0; i < rig_pick(r, 16, 64, 1024); i++) {
		const struct vu_msg *m;
		uint32_t got = 0;

		w.value = (i % 255 + 1) | (i % 15 + 1) << 16;
		talk_post(r, VU_REGION_WRITE, &w, sizeof(w.a) + 4);
		m = talk_read(r, 0, REG_AQA, 4);
		REQUIRE_TRUE(r, !talk_failed(m) && m->len == sizeof(w.a) + 4,
			     "AQA can be read by message");
		memcpy(&got, m->data + sizeof(w.a), 4);
		CHECK_EQ(r, "AQA, after a write that wanted no reply", got, w.value);
	}
}

/* ---- payloads ---- */

static const struct payload_row {
	const char *name;
	uint16_t command;
	size_t fixed; /* bytes of what is always there */
} payloads[] = {
	{ "version", VU_VERSION, 4 },
	{ "dma-map", VU_DMA_MAP, sizeof(struct vu_map) },
	{ "dma-unmap", VU_DMA_UNMAP, sizeof(struct vu_unmap) },
	{ "device-info", VU_DEVICE_GET_INFO, sizeof(struct vu_info) },
	{ "region-info", VU_DEVICE_GET_REGION_INFO, sizeof(struct vu_region) },
	{ "irq-info", VU_DEVICE_GET_IRQ_INFO, sizeof(struct vu_irq) },
	{ "set-irqs", VU_DEVICE_SET_IRQS, sizeof(struct vu_set_irqs) },
	{ "region-read", VU_REGION_READ, sizeof(struct vu_access) },
	{ "region-write", VU_REGION_WRITE, sizeof(struct vu_access) },
};

/* The whole structure would be a good one, but for one of no payload at all. */
static void short_payload(struct rig *r)
{
	const struct payload_row *row = rig_row(r);
	uint32_t data[8] = { (uint32_t)row->fixed };

	if (row->command == VU_VERSION)
		data[0] = VU_MINOR << 16;
	CHECK_REFUSED(r, "no payload", talk_ask(r, row->command, NULL, 0));
	CHECK_REFUSED(r, "one byte less than the structure",
		      talk_ask(r, row->command, data, row->fixed - 1));
	talk_check_usable(r);
}

/* ---- argsz ---- */

static const struct argsz_row {
	const char *name;
	uint16_t command;
	size_t len;
	uint32_t index;
} argsz[] = {
	{ "device-info", VU_DEVICE_GET_INFO, sizeof(struct vu_info), 0 },
	{ "region-info", VU_DEVICE_GET_REGION_INFO, sizeof(struct vu_region), 0 },
	{ "irq-info", VU_DEVICE_GET_IRQ_INFO, sizeof(struct vu_irq), VU_IRQ_MSIX },
};

static void argsz_too_small(struct rig *r)
{
	const struct argsz_row *row = rig_row(r);
	uint32_t data[8] = { 0, 0, row->index };

	CHECK_REFUSED(r, "argsz 0", talk_ask(r, row->command, data, row->len));
	data[0] = (uint32_t)row->len - 1;
	CHECK_REFUSED(r, "argsz one too small", talk_ask(r, row->command, data, row->len));
	talk_check_usable(r);
}

/* What does not fit is told and left out: a region may have capabilities. */
static void argsz_bounds_reply(struct rig *r)
{
	struct vu_info info = talk_info(r);

	for (uint32_t i = 0; i < info.regions && i < 64; i++) {
		struct vu_region ask = { .argsz = sizeof(ask), .index = i };
		const struct vu_msg *m = talk_ask(r, VU_DEVICE_GET_REGION_INFO, &ask, sizeof(ask));

		if (talk_failed(m))
			continue;
		CHECK_EQ(r, "bytes of the reply to an argsz of 32", m->len, sizeof(ask));
		if (m->len >= sizeof(ask)) {
			memcpy(&ask, m->data, sizeof(ask));
			CHECK_GE(r, "argsz of the reply", ask.argsz, sizeof(ask));
			CHECK_EQ(r, "index of the reply", ask.index, i);
		}
	}
}

static const struct rig_case cases[] = {
	{ .id = "unknown-command",
	  .rule = "A command that there is not gets an error reply, and the session goes on.",
	  .ref = TALK_REF "Header; Commands",
	  .needs = TALK_NEEDS,
	  .level = SHOULD,
	  .fault = "unknown-command-done unknown-command-hangs-up",
	  .run = unknown_command,
	  ROWS(unknown) },
	{ .id = "error-is-header-alone",
	  .rule = "An error reply consists of its header.",
	  .ref = TALK_REF "Header",
	  .needs = TALK_NEEDS | NEED_HOLE,
	  .fault = "error-with-payload",
	  .run = error_is_header_alone },
	{ .id = "reply-echoes",
	  .rule = "A reply has the ID and the command of its command, whatever the ID.",
	  .ref = TALK_REF "Header",
	  .needs = TALK_NEEDS,
	  .fault = "reply-id-cut",
	  .run = reply_echoes },
	{ .id = "no-reply",
	  .rule = "A command that wants no reply gets none, not even an error.",
	  .ref = TALK_REF "Header",
	  .needs = TALK_NEEDS,
	  .fault = "no-reply-answered",
	  .run = no_reply },
	{ .id = "posted-in-order",
	  .rule = "A command that wants no reply is done before the reply to the next one.",
	  .ref = TALK_REF "Command Concurrency",
	  .needs = TALK_NEEDS,
	  .fault = "posted-late",
	  .run = posted_in_order },
	{ .id = "short-payload",
	  .rule = "A payload shorter than its command's structure gets an error reply.",
	  .ref = TALK_REF "Security Considerations; Header",
	  .needs = TALK_NEEDS,
	  .level = SHOULD,
	  .fault = "short-payload-taken",
	  .run = short_payload,
	  ROWS(payloads) },
	{ .id = "argsz-too-small",
	  .rule = "An argsz smaller than the fixed part of the reply gets an error reply.",
	  .ref = TALK_REF "Message sizes",
	  .needs = TALK_NEEDS,
	  .level = SHOULD,
	  .fault = "argsz-unread",
	  .run = argsz_too_small,
	  ROWS(argsz) },
	{ .id = "argsz-bounds-reply",
	  .rule = "A reply is no longer than argsz allows; what is left out is told by its argsz.",
	  .ref = TALK_REF "Message sizes; VFIO_USER_DEVICE_GET_REGION_INFO",
	  .needs = TALK_NEEDS,
	  .fault = "region-info-overrun",
	  .run = argsz_bounds_reply },
};

SUITE(vfiouser_suite, CONFORMANCE, "vfiouser", cases);
