// SPDX-License-Identifier: GPL-2.0-or-later
/* vfio-user: regions of the device, read and written by message. */
#include <string.h>

#include "talk.h"

#define CFG_LINE 0x3cu /* Interrupt Line: eight bits of software's own */

/* ---- what there is not ---- */

static const struct index_row {
	const char *name;
	bool irq, highest;
} indices[] = { { "region-past-the-last", false, false },
		{ "region-highest", false, true },
		{ "irq-past-the-last", true, false },
		{ "irq-highest", true, true } };

static void index_beyond(struct rig *r)
{
	const struct index_row *row = rig_row(r);
	struct vu_info info = talk_info(r);
	uint32_t index = row->highest ? UINT32_MAX : row->irq ? info.irqs : info.regions;
	struct vu_region region = { .argsz = TALK_BYTES, .index = index };
	struct vu_irq irq = { .argsz = sizeof(irq), .index = index };

	if (row->irq)
		CHECK_REFUSED(r, "a kind of interrupt that there is not",
			      talk_ask(r, VU_DEVICE_GET_IRQ_INFO, &irq, sizeof(irq)));
	else
		CHECK_REFUSED(r, "a region that there is not",
			      talk_ask(r, VU_DEVICE_GET_REGION_INFO, &region, sizeof(region)));
	talk_check_usable(r);
}

enum end { END_AT, END_ACROSS, END_WRAP_0, END_WRAP, END_NO_REGION, END_LARGE };

static const struct end_row {
	const char *name;
	unsigned region;
	enum end end;
} ends[] = {
	{ "bar0-at-the-end", 0, END_AT },
	{ "bar0-across-the-end", 0, END_ACROSS },
	{ "bar0-highest-offset", 0, END_WRAP_0 },
	{ "bar0-wraps", 0, END_WRAP },
	{ "config-at-the-end", VU_REGION_CONFIG, END_AT },
	{ "config-across-the-end", VU_REGION_CONFIG, END_ACROSS },
	{ "config-wraps", VU_REGION_CONFIG, END_WRAP },
	{ "config-too-much", VU_REGION_CONFIG, END_LARGE },
	{ "no-such-region", UINT32_MAX, END_NO_REGION },
};

static struct vu_access beyond(struct rig *r, const struct end_row *row)
{
	struct vu_access a = { 0, row->region, 4 };
	uint64_t size = row->end == END_NO_REGION ? 0 : talk_region(r, row->region).size;

	switch (row->end) {
	case END_AT:
		a.offset = size;
		break;
	case END_ACROSS:
		a.offset = size - 4;
		a.count = 8;
		break;
	case END_WRAP_0:
		a.offset = UINT64_MAX;
		break;
	case END_WRAP:
		a.offset = UINT64_MAX - 3;
		a.count = 8;
		break;
	case END_LARGE:
		a.count = (uint32_t)size + 4;
		break;
	default:
		break;
	}
	return a;
}

static void past_the_end(struct rig *r)
{
	const struct end_row *row = rig_row(r);
	struct vu_access a = beyond(r, row);
	struct talk write = { .command = VU_REGION_WRITE,
			      .data = &a,
			      .len = sizeof(a),
			      .more = rig_mem(r, a.count),
			      .more_len = a.count };

	CHECK_REFUSED(r, "a read past the end", talk_ask(r, VU_REGION_READ, &a, sizeof(a)));
	CHECK_REFUSED(r, "a write past the end", talk_say(r, &write));
	talk_check_usable(r);
}

static void write_count(struct rig *r)
{
	struct {
		struct vu_access a;
		uint64_t value;
	} w = { { REG_INTMS, 0, 4 }, 0 };

	CHECK_REFUSED(r, "a write of 4 bytes with 3",
		      talk_ask(r, VU_REGION_WRITE, &w, sizeof(w.a) + 3));
	CHECK_REFUSED(r, "a write of 4 bytes with 8",
		      talk_ask(r, VU_REGION_WRITE, &w, sizeof(w.a) + 8));
	CHECK_REFUSED(r, "a write of 4 bytes with none",
		      talk_ask(r, VU_REGION_WRITE, &w, sizeof(w.a)));
	talk_check_usable(r);
}

/* ---- what is answered ---- */

static const struct width_row {
	const char *name;
	uint64_t offset;
	uint32_t count;
} widths[] = { { "1", REG_VS, 1 },
	       { "2", REG_VS, 2 },
	       { "3", REG_VS, 3 },
	       { "4", REG_VS, 4 },
	       { "8", REG_CAP, 8 },
	       { "16", REG_CAP, 16 },
	       { "4-misaligned", REG_VS + 1, 4 },
	       { "8-misaligned", REG_CAP + 4, 8 } };

/* Which of them a device knows is left to it; an answer is an answer to what was asked. */
static void read_answers(struct rig *r)
{
	const struct width_row *row = rig_row(r);
	const struct vu_msg *m = talk_read(r, 0, row->offset, row->count);
	struct vu_access a;

	if (talk_failed(m)) {
		CHECK_EQ(r, "bytes behind the header of an error reply", m->len, 0);
	} else {
		REQUIRE_EQ(r, "bytes of the reply", m->len, sizeof(a) + row->count);
		memcpy(&a, m->data, sizeof(a));
		CHECK_EQ(r, "offset of the reply", a.offset, row->offset);
		CHECK_EQ(r, "region of the reply", a.region, 0);
		CHECK_EQ(r, "count of the reply", a.count, row->count);
	}
	talk_check_usable(r);
}

static void check_block(struct rig *r, uint32_t count)
{
	const struct vu_msg *m = talk_read(r, VU_REGION_CONFIG, 0, count);
	uint32_t word;

	REQUIRE_TRUE(r, !talk_failed(m) && m->len == sizeof(struct vu_access) + count,
		     "%u bytes of configuration space can be read by one message", count);
	for (uint32_t at = 0; at < count; at += 4) {
		uint32_t one = rig_cfg(r, at, 32);

		memcpy(&word, m->data + sizeof(struct vu_access) + at, 4);
		CHECK_TRUE(r, word == one,
			   "configuration space %02Xh: %08Xh in a block, %08Xh alone", at, word,
			   one);
	}
}

/* As the header is, and once more with other contents. */
static void config_agrees(struct rig *r)
{
	uint8_t line = (uint8_t)rig_cfg(r, CFG_LINE, 8);

	check_block(r, 64);
	rig_set_cfg(r, CFG_LINE, 8, line ^ 0x5a);
	check_block(r, 64);
	rig_set_cfg(r, CFG_LINE, 8, line);
}

static const struct rig_case cases[] = {
	{ .id = "index-beyond",
	  .rule = "A region or kind of interrupt past those that DEVICE_GET_INFO counts is an "
		  "error.",
	  .ref = TALK_REF "VFIO_USER_DEVICE_GET_INFO; VFIO_USER_DEVICE_GET_REGION_INFO",
	  .needs = TALK_NEEDS,
	  .level = SHOULD,
	  .fault = "index-unbounded",
	  .run = index_beyond,
	  ROWS(indices) },
	{ .id = "past-the-end",
	  .rule = "An access past the end of a region is an error, and nothing is clipped.",
	  .ref = TALK_REF "VFIO_USER_REGION_READ; Security Considerations",
	  .needs = TALK_NEEDS | NEED_CONFIG,
	  .level = SHOULD,
	  .fault = "region-end-open",
	  .run = past_the_end,
	  ROWS(ends) },
	{ .id = "write-count",
	  .rule = "A write whose data are fewer or more than its count is an error.",
	  .ref = TALK_REF "VFIO_USER_REGION_WRITE",
	  .needs = TALK_NEEDS,
	  .level = SHOULD,
	  .fault = "write-count-unread",
	  .run = write_count },
	{ .id = "read-answers",
	  .rule = "A read of whatever width is answered for what was asked, or by an error.",
	  .ref = TALK_REF "VFIO_USER_REGION_READ",
	  .needs = TALK_NEEDS,
	  .fault = "odd-read-rounded",
	  .run = read_answers,
	  ROWS(widths) },
	{ .id = "config-agrees",
	  .rule = "A block of configuration space reads as its registers do, one by one.",
	  .ref = TALK_REF "VFIO_USER_REGION_READ",
	  .needs = TALK_NEEDS | NEED_CONFIG,
	  .fault = "config-block-stale",
	  .run = config_agrees },
};

SUITE(vfiouser_region_suite, CONFORMANCE, "vfiouser", cases);
