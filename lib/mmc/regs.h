/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CID and CSD: 128 bits each, the most significant byte first, as sysfs shows them. JESD84-B51,
 * sections CID Register and CSD Register; for SD cards SD Physical Layer, sections CID Register and
 * CSD Register.
 */
#ifndef MMC_REGS_H
#define MMC_REGS_H

#include <stdbool.h>
#include <stdint.h>

/* x^7 + x^3 + 1, seven bits. */
uint8_t mmc_crc7(const void *data, unsigned len);
/* The seven bits at the end of a register that are the CRC of what is before. */
uint8_t mmc_reg_crc(const uint8_t reg[16]);
/* bits high..low of 127..0, at most 32 of them; 0 for a range that there is not */
uint32_t mmc_reg_bits(const uint8_t reg[16], unsigned high, unsigned low);

/* X(name, high, low) of an MMC card's CSD. */
#define CSD_FIELDS(X)                                                                              \
	X(STRUCTURE, 127, 126)                                                                     \
	X(SPEC_VERS, 125, 122)                                                                     \
	X(TAAC, 119, 112)                                                                          \
	X(NSAC, 111, 104)                                                                          \
	X(TRAN_SPEED, 103, 96)                                                                     \
	X(CCC, 95, 84)                                                                             \
	X(READ_BL_LEN, 83, 80)                                                                     \
	X(C_SIZE, 73, 62)                                                                          \
	X(C_SIZE_MULT, 49, 47)                                                                     \
	X(ERASE_GRP_SIZE, 46, 42)                                                                  \
	X(ERASE_GRP_MULT, 41, 37)                                                                  \
	X(WP_GRP_SIZE, 36, 32)                                                                     \
	X(WP_GRP_ENABLE, 31, 31)                                                                   \
	X(WRITE_BL_LEN, 25, 22)                                                                    \
	X(PERM_WRITE_PROTECT, 13, 13)                                                              \
	X(TMP_WRITE_PROTECT, 12, 12)

enum csd_field {
#define X(name, high, low) CSD_##name,
	CSD_FIELDS(X)
#undef X
};

uint32_t csd_get(const uint8_t csd[16], enum csd_field f);

/* An MMC card of more than this is addressed by sectors, and SEC_COUNT has its size. */
#define MMC_IN_BYTES_MAX (2ull << 30)
/* What C_SIZE, C_SIZE_MULT and READ_BL_LEN say; a larger card has FFFh there, whatever it has. */
uint64_t csd_bytes(const uint8_t csd[16]);
/*
 * Do the commands of an MMC card with that user area count bytes? The OCR says so, which nobody
 * here sees; but where the CSD has the size of the whole area, that is its form.
 */
bool csd_in_bytes(const uint8_t csd[16], uint64_t user_bytes);

struct mmc_cid {
	uint8_t manufacturer;
	uint16_t oem; /* of an MMC card one byte, with the type of device above it */
	char name[8]; /* ended by NUL; bytes as they are */
	uint32_t serial;
	unsigned month, year; /* as they stand: 1..12, and from 1997 (SD: 2000) on */
	bool sd;
};

/*
 * ext_csd_rev: the year has four bits. Above 4 one before 2010 is sixteen years later, above 8 one
 * before 2023 (JESD84-B51B; Linux mmc_decode_ext_csd()). sd: the layout of an SD card, whose dates
 * are as they are. Any bytes may come; what they mean is the caller's to judge.
 */
void mmc_cid_read(const uint8_t cid[16], bool sd, uint8_t ext_csd_rev, struct mmc_cid *ret);

#endif
