/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The Extended CSD: 512 bytes that a card tells of itself and is told by. ext_csd.def has them. */
#ifndef MMC_EXT_CSD_H
#define MMC_EXT_CSD_H

#include <stdbool.h>
#include <stdint.h>

#define EXT_CSD_BYTES 512u

/* The first byte of each field. */
enum ext_csd_at {
#define X(name, at, bytes, access) EXT_CSD_##name = (at),
#include "mmc/ext_csd.def"
#undef X
};

enum ext_csd_access { EXT_CSD_R, EXT_CSD_W, EXT_CSD_ONCE, EXT_CSD_MOVES, EXT_CSD_VENDOR };

struct ext_csd_field {
	const char *name; /* "SEC_COUNT" */
	uint16_t at;
	uint8_t bytes;
	enum ext_csd_access access;
};

/* The field that a byte belongs to; NULL: it is reserved, or no byte of the 512. */
const struct ext_csd_field *ext_csd_field_at(unsigned byte);
/* Can the byte be written once, and is as it is for ever after? */
bool ext_csd_is_once(unsigned byte);
/* May the card change the byte by itself, or the maker as it likes? */
bool ext_csd_moves(unsigned byte);

/* Little-endian, of as many bytes as the field has, at most four; 0 where no field begins. */
uint32_t ext_csd_get(const uint8_t e[EXT_CSD_BYTES], enum ext_csd_at at);

/* ---- sizes in bytes, and times ---- */

uint64_t ext_csd_bytes(const uint8_t e[EXT_CSD_BYTES]);
uint64_t ext_csd_boot_bytes(const uint8_t e[EXT_CSD_BYTES]);
/* Is boot partition 0 or 1 write-protected, until power goes or for good? Before 4.41 BOOT_WP alone
 * tells. */
bool ext_csd_boot_protected(const uint8_t e[EXT_CSD_BYTES], unsigned boot);
/* The longest that a SWITCH may take, where nothing else is said; 0: not told. */
uint64_t ext_csd_switch_ns(const uint8_t e[EXT_CSD_BYTES]);
/* Of what ERASE works on, and write protection: by this register with ERASE_GROUP_DEF, else the
 * CSD. 0: it says nothing that could be. */
uint64_t ext_csd_erase_group_bytes(const uint8_t e[EXT_CSD_BYTES], const uint8_t csd[16]);
uint64_t ext_csd_wp_group_bytes(const uint8_t e[EXT_CSD_BYTES], const uint8_t csd[16]);

/* BOOT_WP */
#define EXT_CSD_BOOT_PWR_WP_EN	(1u << 0)
#define EXT_CSD_BOOT_PERM_WP_EN (1u << 2)

/* SEC_FEATURE_SUPPORT */
#define EXT_CSD_SEC_TRIM     (1u << 4) /* SEC_GB_CL_EN: TRIM is there */
#define EXT_CSD_SEC_SANITIZE (1u << 6)

#endif
