// SPDX-License-Identifier: GPL-2.0-or-later
#include "data/crc.h"

/* Polynomial 8BB7h, most significant bit first. */
static const uint16_t t10dif[16] = {
	0x0000, 0x8bb7, 0x9cd9, 0x176e, 0xb205, 0x39b2, 0x2edc, 0xa56b,
	0xefbd, 0x640a, 0x7364, 0xf8d3, 0x5db8, 0xd60f, 0xc161, 0x4ad6,
};

/* Polynomial 1EDC6F41h, reflected. */
static const uint32_t castagnoli[16] = {
	0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
	0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
	0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
};

/* Polynomial AD93D235_94C93659h, reflected. */
static const uint64_t nvme64[16] = {
	0x0000000000000000, 0x78e0ff3b88be6f81, 0xf1c1fe77117cdf02, 0x8921014c99c2b083,
	0xd75adabd7a6e2d6f, 0xafba2586f2d042ee, 0x269b24ca6b12f26d, 0x5e7bdbf1e3ac9dec,
	0x9a6c9329ac4bc9b5, 0xe28c6c1224f5a634, 0x6bad6d5ebd3716b7, 0x134d926535897936,
	0x4d364994d625e4da, 0x35d6b6af5e9b8b5b, 0xbcf7b7e3c7593bd8, 0xc41748d84fe75459,
};

uint16_t crc16_t10dif(uint16_t crc, const void *data, size_t len)
{
	const uint8_t *p = data;

	while (len--) {
		crc = (uint16_t)(crc << 4 ^ t10dif[crc >> 12 ^ *p >> 4]);
		crc = (uint16_t)(crc << 4 ^ t10dif[crc >> 12 ^ (*p++ & 0xf)]);
	}
	return crc;
}

uint32_t crc32c(uint32_t crc, const void *data, size_t len)
{
	const uint8_t *p = data;

	crc = ~crc;
	while (len--) {
		crc = crc >> 4 ^ castagnoli[(crc ^ *p) & 0xf];
		crc = crc >> 4 ^ castagnoli[(crc ^ *p++ >> 4) & 0xf];
	}
	return ~crc;
}

uint64_t crc64_nvme(uint64_t crc, const void *data, size_t len)
{
	const uint8_t *p = data;

	crc = ~crc;
	while (len--) {
		crc = crc >> 4 ^ nvme64[(crc ^ *p) & 0xf];
		crc = crc >> 4 ^ nvme64[(crc ^ *p++ >> 4) & 0xf];
	}
	return ~crc;
}
