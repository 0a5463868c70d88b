// SPDX-License-Identifier: GPL-2.0-or-later
#include "mmc/regs.h"

#include <stddef.h>
#include <string.h>

#define CRC7_POLY 0x12u /* 09h, over bits 7:1 */

uint8_t mmc_crc7(const void *data, unsigned len)
{
	const uint8_t *p = data;
	uint8_t crc = 0;

	while (len--) {
		crc ^= *p++;
		for (unsigned i = 0; i < 8; i++)
			crc = (uint8_t)(crc << 1 ^ (crc & 0x80 ? CRC7_POLY : 0));
	}
	return crc >> 1;
}

uint8_t mmc_reg_crc(const uint8_t reg[16])
{
	return reg[15] >> 1;
}

uint32_t mmc_reg_bits(const uint8_t reg[16], unsigned high, unsigned low)
{
	uint32_t v = 0;

	if (high > 127 || low > high || high - low > 31)
		return 0;
	for (unsigned bit = high + 1; bit-- > low;)
		v = v << 1 | (reg[15 - bit / 8] >> bit % 8 & 1u);
	return v;
}

uint32_t csd_get(const uint8_t csd[16], enum csd_field f)
{
	static const struct {
		uint8_t high, low;
	} at[] = {
#define X(name, high, low) { high, low },
		CSD_FIELDS(X)
#undef X
	};

	return mmc_reg_bits(csd, at[f].high, at[f].low);
}

uint64_t csd_bytes(const uint8_t csd[16])
{
	return (csd_get(csd, CSD_C_SIZE) + 1ull)
	       << (csd_get(csd, CSD_C_SIZE_MULT) + 2) << csd_get(csd, CSD_READ_BL_LEN);
}

bool csd_in_bytes(const uint8_t csd[16], uint64_t user_bytes)
{
	return user_bytes <= MMC_IN_BYTES_MAX && user_bytes == csd_bytes(csd);
}

static void read_sd(const uint8_t cid[16], struct mmc_cid *ret)
{
	ret->oem = (uint16_t)mmc_reg_bits(cid, 119, 104);
	memcpy(ret->name, cid + 3, 5);
	ret->serial = mmc_reg_bits(cid, 55, 24);
	ret->year = mmc_reg_bits(cid, 19, 12) + 2000;
	ret->month = mmc_reg_bits(cid, 11, 8);
}

void mmc_cid_read(const uint8_t cid[16], bool sd, uint8_t ext_csd_rev, struct mmc_cid *ret)
{
	*ret = (struct mmc_cid){ .manufacturer = cid[0], .sd = sd };
	if (sd) {
		read_sd(cid, ret);
		return;
	}
	ret->oem = (uint16_t)mmc_reg_bits(cid, 119, 104);
	memcpy(ret->name, cid + 3, 6);
	ret->serial = mmc_reg_bits(cid, 47, 16);
	ret->month = mmc_reg_bits(cid, 15, 12);
	ret->year = mmc_reg_bits(cid, 11, 8) + 1997;
	if (ext_csd_rev > 4 && ret->year < 2010)
		ret->year += 16;
	if (ext_csd_rev > 8 && ret->year < 2023)
		ret->year += 16;
}
