// SPDX-License-Identifier: GPL-2.0-or-later
/* CRCs against published values, and protection information against the texts' own examples. */
#include <string.h>

#include "data/crc.h"
#include "data/pi.h"
#include "unit.h"

#define LEN 4096

enum fill { ZEROES, ONES, RISING, FALLING };

static const uint8_t *filled(enum fill how, size_t len)
{
	static uint8_t data[LEN];

	for (size_t i = 0; i < len; i++)
		data[i] = how == ZEROES	  ? 0
			  : how == ONES	  ? 0xff
			  : how == RISING ? (uint8_t)i
					  : (uint8_t)~i;
	return data;
}

static void crc16(void)
{
	CU_ASSERT_EQUAL(crc16_t10dif(0, "123456789", 9), 0xd0db);
	/* SBC-3, CRC test cases */
	CU_ASSERT_EQUAL(crc16_t10dif(0, filled(ZEROES, 32), 32), 0x0000);
	CU_ASSERT_EQUAL(crc16_t10dif(0, filled(ONES, 32), 32), 0xa293);
	CU_ASSERT_EQUAL(crc16_t10dif(0, filled(RISING, 32), 32), 0x0224);
	CU_ASSERT_EQUAL(crc16_t10dif(crc16_t10dif(0, "12345", 5), "6789", 4), 0xd0db);
}

/* NVM CS 1.0, 32b CRC Test Cases */
static void crc32(void)
{
	CU_ASSERT_EQUAL(crc32c(0, "123456789", 9), 0xe3069283);
	CU_ASSERT_EQUAL(crc32c(0, filled(ZEROES, LEN), LEN), 0x98f94189);
	CU_ASSERT_EQUAL(crc32c(0, filled(ONES, LEN), LEN), 0x25c1fe13);
	CU_ASSERT_EQUAL(crc32c(0, filled(RISING, LEN), LEN), 0x9c71fe32);
	CU_ASSERT_EQUAL(crc32c(0, filled(FALLING, LEN), LEN), 0x214941a8);
	CU_ASSERT_EQUAL(crc32c(crc32c(0, "12345", 5), "6789", 4), 0xe3069283);
}

/* NVM CS 1.0, 64b CRC Test Cases */
static void crc64(void)
{
	CU_ASSERT_EQUAL(crc64_nvme(0, "123456789", 9), 0xae8b14860a799888);
	CU_ASSERT_EQUAL(crc64_nvme(0, filled(ZEROES, LEN), LEN), 0x6482d367eb22b64e);
	CU_ASSERT_EQUAL(crc64_nvme(0, filled(ONES, LEN), LEN), 0xc0ddba7302eca3ac);
	CU_ASSERT_EQUAL(crc64_nvme(0, filled(RISING, LEN), LEN), 0x3e729f5f6750449c);
	CU_ASSERT_EQUAL(crc64_nvme(0, filled(FALLING, LEN), LEN), 0x9a2df64b8e9e517e);
	CU_ASSERT_EQUAL(crc64_nvme(crc64_nvme(0, "12345", 5), "6789", 4), 0xae8b14860a799888);
}

static void layout_16b(void)
{
	struct pi_shape s = { .lba_bytes = 512, .ms = 64, .type = 1, .guard_bytes = 2 };
	struct pi_tuple t = { 0x1122, 0x3344, 0, 0x55667788 }, back;
	uint8_t meta[64] = { 0 };

	CU_ASSERT_EQUAL(pi_bytes(&s), 8);
	CU_ASSERT_EQUAL(pi_at(&s), 56);
	CU_ASSERT_EQUAL(pi_ref_bits(&s), 32);
	pi_put(&s, meta, &t);
	CU_ASSERT_FALSE(memcmp(meta + 56, "\x11\x22\x33\x44\x55\x66\x77\x88", 8));
	pi_get(&s, meta, &back);
	CU_ASSERT_EQUAL(back.guard, t.guard);
	CU_ASSERT_EQUAL(back.app, t.app);
	CU_ASSERT_EQUAL(back.ref, t.ref);
	s.first = true;
	CU_ASSERT_EQUAL(pi_at(&s), 0);
}

/* The examples of Write commands under Storage Tag field and Logical Block Reference Tag field. */
static void dwords(void)
{
	struct pi_shape s = { .lba_bytes = 4096, .ms = 16, .type = 1, .guard_bytes = 4, .sts = 32 };
	struct pi_dwords d = pi_dwords(&s, 0xaabbccdd, 0x112233445566);

	CU_ASSERT_EQUAL(pi_ref_bits(&s), 48);
	CU_ASSERT_EQUAL(d.cdw2, 0xaabb);
	CU_ASSERT_EQUAL(d.cdw3, 0xccdd1122);
	CU_ASSERT_EQUAL(d.cdw14, 0x33445566);
	s.guard_bytes = 8;
	s.sts = 18;
	d = pi_dwords(&s, 0x2abcd, 0x15555555);
	CU_ASSERT_EQUAL(pi_ref_bits(&s), 30);
	CU_ASSERT_EQUAL(d.cdw2, 0);
	CU_ASSERT_EQUAL(d.cdw3, 0xaaf3);
	CU_ASSERT_EQUAL(d.cdw14, 1u << 30 | 0x15555555);
	s.guard_bytes = 2;
	s.sts = 0;
	d = pi_dwords(&s, 0, 0x12345678);
	CU_ASSERT_EQUAL(d.cdw2, 0);
	CU_ASSERT_EQUAL(d.cdw3, 0);
	CU_ASSERT_EQUAL(d.cdw14, 0x12345678);
}

static void tags_of_any_size(void)
{
	static const struct {
		unsigned guard_bytes, sts;
	} rows[] = { { 2, 0 }, { 2, 1 }, { 2, 32 }, { 4, 16 }, { 4, 64 }, { 8, 0 }, { 8, 48 } };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct pi_shape s = { 4096, 16, 2, false, rows[i].guard_bytes, rows[i].sts };
		struct pi_tuple t = { .storage = pi_cut(0x123456789abcdef1, s.sts),
				      .ref = pi_cut(0xfedcba9876543211, pi_ref_bits(&s)) };
		struct pi_tuple back;
		uint8_t meta[16];

		pi_put(&s, meta, &t);
		pi_get(&s, meta, &back);
		CU_ASSERT_EQUAL(back.storage, t.storage);
		CU_ASSERT_EQUAL(back.ref, t.ref);
	}
}

/* The guard covers what stands before the protection information, and not what is behind. */
static void coverage(void)
{
	struct pi_shape s = { .lba_bytes = 512, .ms = 16, .type = 1, .guard_bytes = 2 };
	uint8_t data[512] = "data", meta[16] = "12345678abcdefg";
	uint64_t last = pi_guard(&s, data, meta), first;

	s.first = true;
	first = pi_guard(&s, data, meta);
	CU_ASSERT_EQUAL(first, crc16_t10dif(0, data, 512));
	CU_ASSERT_EQUAL(last, crc16_t10dif(crc16_t10dif(0, data, 512), meta, 8));
	CU_ASSERT_NOT_EQUAL(first, last);
}

static const struct unit units[] = {
	{ "crc16", crc16 },	  { "crc32", crc32 },
	{ "crc64", crc64 },	  { "layout-16b", layout_16b },
	{ "dwords", dwords },	  { "tags-of-any-size", tags_of_any_size },
	{ "coverage", coverage },
};

UNIT_MAIN("data", units)
