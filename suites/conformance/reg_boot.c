// SPDX-License-Identifier: GPL-2.0-or-later
/* Boot partitions, read through the properties with CC.EN = 0. */
#include <string.h>

#include "base/clock.h"
#include "kit/kit.h"

#define UNIT	      4096u /* of BPROF and BPRSZ */
#define BPSZ_UNITS    32u   /* BPSZ counts 128 KiB */
#define PAGES	      8u
#define READ_LIMIT_NS (10 * NS_PER_S) /* no text says: as much as any command is given */
#define BPSZ(v)	      ((v)&0x7fffu)
#define BRS(v)	      ((v) >> 24 & 3u)
#define BRS_NONE      0u
#define BRS_READING   1u
#define BRS_DONE      2u
#define BRS_ERROR     3u

static const char *na_no_boot(const struct facts *f)
{
	return CAP_BPS(f->cap) ? NULL : "CAP.BPS is 0: no Boot Partitions";
}

/* How a read of n units from unit `from` on ends: BRS. */
static unsigned boot_read(struct rig *r, struct buf *b, unsigned partition, uint32_t from,
			  uint32_t n)
{
	uint64_t end = rig_now(r) + READ_LIMIT_NS;
	unsigned brs;

	rig_set_reg64(r, REG_BPMBL, b->iova);
	rig_set_reg32(r, REG_BPRSEL, partition << 31 | from << 10 | n);
	while ((brs = BRS(rig_reg32(r, REG_BPINFO))) <= BRS_READING && rig_now(r) < end)
		rig_wait(r, NS_PER_MS / 10);
	return brs;
}

/* The whole and its parts are the same bytes; a part leaves the rest of the buffer alone. */
static void check_parts(struct rig *r, unsigned partition, uint32_t total)
{
	uint32_t n = total < PAGES ? total : PAGES, first = total - n;
	struct buf *whole = rig_buf(r, (size_t)n * UNIT), *part = rig_buf(r, 2 * UNIT);
	uint8_t *rest = memcpy(rig_mem(r, UNIT), part->data + UNIT, UNIT);

	REQUIRE_EQ(r, "BPINFO.BRS of the whole read", boot_read(r, whole, partition, first, n),
		   BRS_DONE);
	for (uint32_t i = 0; i < n; i++) {
		REQUIRE_EQ(r, "BPINFO.BRS of one unit", boot_read(r, part, partition, first + i, 1),
			   BRS_DONE);
		CHECK_MEM(r, "one unit, read alone", part->data, whole->data + (size_t)i * UNIT,
			  UNIT);
		CHECK_MEM(r, "the buffer past it (untouched)", part->data + UNIT, rest, UNIT);
	}
}

static void check_past_end(struct rig *r, unsigned partition, uint32_t total)
{
	struct buf *b = rig_buf(r, 2 * UNIT);
	uint8_t *before = memcpy(rig_mem(r, 2 * UNIT), b->data, 2 * UNIT);

	CHECK_EQ(r, "BPINFO.BRS of a read past the end", boot_read(r, b, partition, total - 1, 2),
		 BRS_ERROR);
	CHECK_MEM(r, "data buffer (no data transferred)", b->data, before, 2 * UNIT);
	CHECK_EQ(r, "BPINFO.BRS of a read at the end", boot_read(r, b, partition, total, 1),
		 BRS_ERROR);
	CHECK_MEM(r, "data buffer (no data transferred)", b->data, before, 2 * UNIT);
}

static void boot_partition_read(struct rig *r)
{
	uint32_t total;

	rig_reset(r);
	rig_ctrl_off(r);
	total = BPSZ(rig_reg32(r, REG_BPINFO)) * BPSZ_UNITS;
	if (!total)
		rig_na(r, "BPINFO.BPSZ is 0: the Boot Partitions are empty");
	CHECK_EQ(r, "BPINFO.BRS before any read", BRS(rig_reg32(r, REG_BPINFO)), BRS_NONE);
	for (unsigned partition = 0; partition < 2; partition++) {
		check_parts(r, partition, total);
		check_past_end(r, partition, total);
		check_parts(r, partition, total); /* an error does not stay */
	}
}

static const struct rig_case cases[] = {
	{ .id = "boot-partition-read",
	  .rule = "A Boot Partition is read in pieces as in one, and past its end not at all.",
	  .ref = "Base 2.1 Offset 40h: BPINFO; Base 2.1 Offset 44h: BPRSEL - Boot Partition Read "
		 "Select; Base 2.2 BPINFO, BPRSEL, BPMBL",
	  .needs = NEED_QUEUES,
	  .na = na_no_boot,
	  .fault = "boot-read-stuck boot-read-past-end boot-offset-ignored",
	  .run = boot_partition_read },
};

SUITE(reg_boot_suite, CONFORMANCE, "reg", cases);
