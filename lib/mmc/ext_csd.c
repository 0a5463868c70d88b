// SPDX-License-Identifier: GPL-2.0-or-later
#include "mmc/ext_csd.h"

#include <stddef.h>

#include "base/cleanup.h"
#include "mmc/regs.h"

static const struct ext_csd_field fields[] = {
#define X(name, at, bytes, access) { #name, at, bytes, EXT_CSD_##access },
#include "mmc/ext_csd.def"
#undef X
};

const struct ext_csd_field *ext_csd_field_at(unsigned byte)
{
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (byte >= fields[i].at && byte < fields[i].at + (unsigned)fields[i].bytes)
			return &fields[i];
	return NULL;
}

bool ext_csd_is_once(unsigned byte)
{
	const struct ext_csd_field *f = ext_csd_field_at(byte);

	return f && f->access == EXT_CSD_ONCE;
}

bool ext_csd_moves(unsigned byte)
{
	const struct ext_csd_field *f = ext_csd_field_at(byte);

	return f && (f->access == EXT_CSD_MOVES || f->access == EXT_CSD_VENDOR);
}

uint32_t ext_csd_get(const uint8_t e[EXT_CSD_BYTES], enum ext_csd_at at)
{
	const struct ext_csd_field *f = ext_csd_field_at(at);
	uint32_t v = 0;

	if (!f || f->at != at || f->bytes > 4)
		return 0;
	for (unsigned i = f->bytes; i--;)
		v = v << 8 | e[at + i];
	return v;
}

/* ---- sizes and times ---- */

#define KIB128	 (128u << 10)
#define KIB512	 (512u << 10)
#define SECTOR	 512u
#define NS_10_MS 10000000ull

uint64_t ext_csd_bytes(const uint8_t e[EXT_CSD_BYTES])
{
	return (uint64_t)ext_csd_get(e, EXT_CSD_SEC_COUNT) * SECTOR;
}

uint64_t ext_csd_boot_bytes(const uint8_t e[EXT_CSD_BYTES])
{
	return (uint64_t)e[EXT_CSD_BOOT_SIZE_MULT] * KIB128;
}

bool ext_csd_boot_protected(const uint8_t e[EXT_CSD_BYTES], unsigned boot)
{
	return e[EXT_CSD_BOOT_WP] & (EXT_CSD_BOOT_PWR_WP_EN | EXT_CSD_BOOT_PERM_WP_EN) ||
	       e[EXT_CSD_BOOT_WP_STATUS] >> 2 * boot & 3;
}

uint64_t ext_csd_switch_ns(const uint8_t e[EXT_CSD_BYTES])
{
	return e[EXT_CSD_GENERIC_CMD6_TIME] * NS_10_MS;
}

uint64_t ext_csd_erase_group_bytes(const uint8_t e[EXT_CSD_BYTES], const uint8_t csd[16])
{
	if (e[EXT_CSD_ERASE_GROUP_DEF] & 1)
		return (uint64_t)e[EXT_CSD_HC_ERASE_GRP_SIZE] * KIB512;
	return (csd_get(csd, CSD_ERASE_GRP_SIZE) + 1ull) * (csd_get(csd, CSD_ERASE_GRP_MULT) + 1ull)
	       << csd_get(csd, CSD_WRITE_BL_LEN);
}

uint64_t ext_csd_wp_group_bytes(const uint8_t e[EXT_CSD_BYTES], const uint8_t csd[16])
{
	uint64_t group = ext_csd_erase_group_bytes(e, csd);

	if (e[EXT_CSD_ERASE_GROUP_DEF] & 1)
		return e[EXT_CSD_HC_WP_GRP_SIZE] * group;
	return (csd_get(csd, CSD_WP_GRP_SIZE) + 1ull) * group;
}
