// SPDX-License-Identifier: GPL-2.0-or-later
/* What the card tells of itself, and what SWITCH makes of it. */
#include <string.h>

#include "base/endian.h"
#include "card/internal.h"

#define SWITCH_MS	1u
#define FLUSH_MS	5u
#define IDLE_MS		1000u /* then the background operations have been done */
#define CMD6_TIME	5u    /* of 10 ms */
#define MODE_CMD_SET	0u
#define MODE_SET_BITS	1u
#define MODE_CLEAR_BITS 2u
#define MODE_WRITE_BYTE 3u

/* ---- registers ---- */

static void put_bits(uint8_t reg[MMC_REGISTER], unsigned high, unsigned low, uint32_t value)
{
	for (unsigned bit = low; bit <= high; bit++, value >>= 1)
		if (value & 1)
			reg[15 - bit / 8] |= (uint8_t)(1u << bit % 8);
}

static void set_cid(struct card *c)
{
	static const uint8_t emmc[15] = { 0x15, 1,    0x52, 'R', 'I', 'G',  '0', '4',
					  'G',	0x10, 0,    0,	 0,   0x2a, 0x47 };
	static const uint8_t sd[15] = { 0x15, 'R', 'G', 'S', 'D',  '0',	 '4', 'G',
					0x10, 0,   0,	0,   0x2a, 0x01, 0x74 };

	memcpy(c->cid, c->has & CARD_SD ? sd : emmc, 15);
}

static void set_csd(struct card *c)
{
	struct {
		unsigned high, low;
		uint32_t value;
	} f[] = {
		{ 127, 126, 3 },   { 125, 122, 4 }, { 119, 112, 0x2f }, { 103, 96, 0x32 },
		{ 95, 84, 0x8f5 }, { 83, 80, 9 },   { 73, 62, 0xfff },	{ 49, 47, 7 },
		{ 46, 42, 31 },	   { 41, 37, 31 },  { 36, 32, 1 },	{ 31, 31, 1 },
		{ 25, 22, 9 },
	};

	if (CARD_FAULT(c, EMMC_CSD_SPEC_VERS_OLD))
		f[1].value = 3;
	if (CARD_FAULT(c, EMMC_CSD_NO_ERASE_CLASS))
		f[4].value &= ~(1u << 5);
	if (CARD_FAULT(c, EMMC_CSD_BLOCK_LENGTH))
		f[5].value = 10;
	if (CARD_FAULT(c, EMMC_CSD_C_SIZE_SMALL))
		f[6].value = 0x7ff;
	memset(c->csd, 0, sizeof(c->csd));
	for (size_t i = 0; i < sizeof(f) / sizeof(f[0]); i++)
		put_bits(c->csd, f[i].high, f[i].low, f[i].value);
	c->csd[15] = (uint8_t)(mmc_crc7(c->csd, 15) << 1 | 1);
}

static void set_optional(struct card *c)
{
	uint8_t *e = c->ext;

	if (c->has & CARD_CACHE)
		le32_put(e + EXT_CSD_CACHE_SIZE, 1024);
	if (c->has & CARD_QUEUE) {
		e[EXT_CSD_CMDQ_SUPPORT] = 1;
		e[EXT_CSD_CMDQ_DEPTH] = CARD_QUEUE_DEPTH - 1;
	}
	if (c->has & CARD_BOOT)
		e[EXT_CSD_BOOT_SIZE_MULT] = CARD_BOOT_SECTORS * MMC_BLOCK / (128u << 10);
	if (c->has & CARD_RPMB)
		e[EXT_CSD_RPMB_SIZE_MULT] = 4;
	if (c->has & CARD_NATIVE)
		e[EXT_CSD_DATA_SECTOR_SIZE] = e[EXT_CSD_NATIVE_SECTOR_SIZE] =
			e[EXT_CSD_USE_NATIVE_SECTOR] = 1;
	e[EXT_CSD_SEC_FEATURE_SUPPORT] =
		EXT_CSD_SEC_TRIM | (c->has & CARD_SANITIZE ? EXT_CSD_SEC_SANITIZE : 0);
}

void card_set_registers(struct card *c)
{
	uint8_t *e = c->ext;

	set_cid(c);
	set_csd(c);
	memset(e, 0, EXT_CSD_BYTES);
	e[EXT_CSD_REV] = 8;
	e[EXT_CSD_CSD_STRUCTURE] = 2;
	e[EXT_CSD_DEVICE_TYPE] = 0x57;
	e[EXT_CSD_OUT_OF_INTERRUPT_TIME] = 5;
	e[EXT_CSD_PARTITION_SWITCH_TIME] = 3;
	if (!(c->has & CARD_SMALL)) /* whose size is the CSD's to tell */
		le32_put(e + EXT_CSD_SEC_COUNT, CARD_SECTORS);
	e[EXT_CSD_S_A_TIMEOUT] = 17;
	e[EXT_CSD_HC_WP_GRP_SIZE] = 2;
	e[EXT_CSD_REL_WR_SEC_C] = 1;
	e[EXT_CSD_ERASE_TIMEOUT_MULT] = 1;
	e[EXT_CSD_HC_ERASE_GRP_SIZE] = 1;
	e[EXT_CSD_TRIM_MULT] = 1;
	e[EXT_CSD_INI_TIMEOUT_AP] = 10;
	e[EXT_CSD_POWER_OFF_LONG_TIME] = 10;
	e[EXT_CSD_GENERIC_CMD6_TIME] = CMD6_TIME;
	e[EXT_CSD_PRE_EOL_INFO] = 1;
	e[EXT_CSD_LIFE_TIME_EST_A] = 2;
	e[EXT_CSD_LIFE_TIME_EST_B] = 1;
	e[EXT_CSD_BKOPS_EN] = 2; /* by itself */
	e[EXT_CSD_BKOPS_SUPPORT] = 1;
	e[EXT_CSD_HPI_FEATURES] = 1;
	e[EXT_CSD_S_CMD_SET] = 1;
	set_optional(c);
}

void card_reset_ext_csd(struct card *c)
{
	uint8_t *e = c->ext;

	e[EXT_CSD_CMDQ_MODE_EN] = 0;
	e[EXT_CSD_CACHE_CTRL] = 0;
	e[EXT_CSD_POWER_OFF_NOTIFICATION] = 0;
	e[EXT_CSD_ERASE_GROUP_DEF] = 0;
	e[EXT_CSD_BOOT_WP] = e[EXT_CSD_BOOT_WP_STATUS] = 0;
	e[EXT_CSD_PARTITION_CONFIG] = 0;
	e[EXT_CSD_HS_TIMING] = 1;
	e[EXT_CSD_BUS_WIDTH] = 2;
}

/* ---- reading it ---- */

static void settle_background(struct card *c)
{
	uint64_t now = model_now(c->m);

	if (c->ext[EXT_CSD_BKOPS_STATUS] && now - c->idle_since >= IDLE_MS * NS_PER_MS &&
	    !CARD_FAULT(c, EMMC_BKOPS_NEVER_ENDS))
		c->ext[EXT_CSD_BKOPS_STATUS] = 0;
}

/* Each changes what is told, and not what the card goes by. */
static void bend(struct card *c, uint8_t *e)
{
	if (CARD_FAULT(c, EMMC_REV_RESERVED))
		e[EXT_CSD_REV] = 0x20;
	if (CARD_FAULT(c, EMMC_SEC_COUNT_SHORT))
		le32_put(e + EXT_CSD_SEC_COUNT, CARD_SECTORS - 8);
	if (CARD_FAULT(c, EMMC_RESERVED_BYTE_SET))
		e[510] = 0x11;
	if (CARD_FAULT(c, EMMC_SWITCH_TIME_ZERO))
		e[EXT_CSD_GENERIC_CMD6_TIME] = 0;
	if (CARD_FAULT(c, EMMC_EXT_CSD_UNSTABLE))
		e[EXT_CSD_DEVICE_TYPE] = (uint8_t)(0x57 ^ (c->ext_reads & 1));
	if (CARD_FAULT(c, EMMC_PRE_EOL_RESERVED))
		e[EXT_CSD_PRE_EOL_INFO] = 4;
	if (CARD_FAULT(c, EMMC_LIFE_TIME_RESERVED))
		e[EXT_CSD_LIFE_TIME_EST_A] = 0x0c;
	if (c->ext_reads > 3 && CARD_FAULT(c, EMMC_LIFE_TIME_FALLS))
		e[EXT_CSD_LIFE_TIME_EST_A] = 1;
	if (CARD_FAULT(c, EMMC_BOOT_SIZE_DIFFERS) && c->has & CARD_BOOT)
		e[EXT_CSD_BOOT_SIZE_MULT] /= 2;
	if (CARD_FAULT(c, EMMC_CACHE_READS_OFF))
		e[EXT_CSD_CACHE_CTRL] = 0;
	if (CARD_FAULT(c, EMMC_NOTIFICATION_FORGOTTEN))
		e[EXT_CSD_POWER_OFF_NOTIFICATION] = 0;
	if (CARD_FAULT(c, EMMC_QUEUE_UNCLAIMED))
		e[EXT_CSD_CMDQ_SUPPORT] = 0;
	if (CARD_FAULT(c, EMMC_QUEUE_DEPTH_ONE) && c->has & CARD_QUEUE)
		e[EXT_CSD_CMDQ_DEPTH] = 0;
	if (CARD_FAULT(c, EMMC_BKOPS_RESERVED))
		e[EXT_CSD_BKOPS_STATUS] = 7;
	if (CARD_FAULT(c, EMMC_BOOT_WP_UNTOLD))
		e[EXT_CSD_BOOT_WP] = 0;
	if (CARD_FAULT(c, EMMC_USER_WP_RESERVED))
		e[EXT_CSD_USER_WP] |= 0x20;
}

enum card_end card_do_ext_csd(struct card *c, struct mmc_cmd *cmd)
{
	if (!cmd->data || cmd->block_bytes != EXT_CSD_BYTES || cmd->blocks != 1 || cmd->writes ||
	    CARD_FAULT(c, EMMC_EXT_CSD_SILENT))
		return CARD_ILLEGAL;
	settle_background(c);
	memcpy(cmd->data, c->ext, EXT_CSD_BYTES);
	c->ext_reads++;
	bend(c, cmd->data);
	return CARD_DONE;
}

/* ---- SWITCH ---- */

static bool is_writable(uint8_t index)
{
	const struct ext_csd_field *f = ext_csd_field_at(index);

	return f && (f->access == EXT_CSD_W || f->access == EXT_CSD_ONCE);
}

/* The byte as it would be; false: this card does not do that. */
static bool is_taken(const struct card *c, uint8_t index, uint8_t value)
{
	switch (index) {
	case EXT_CSD_CACHE_CTRL:
	case EXT_CSD_FLUSH_CACHE:
		return c->has & CARD_CACHE && value <= 1;
	case EXT_CSD_CMDQ_MODE_EN:
		return c->has & CARD_QUEUE && value <= 1;
	case EXT_CSD_SANITIZE_START:
		return c->has & CARD_SANITIZE;
	case EXT_CSD_PARTITION_CONFIG:
		if ((value & 7) == 3)
			return c->has & CARD_RPMB;
		return (value & 7) < 3 && (!(value & 7) || c->has & CARD_BOOT);
	case EXT_CSD_POWER_OFF_NOTIFICATION:
		return value <= 4;
	default:
		return !ext_csd_is_once(index); /* nothing here is for ever */
	}
}

static void act(struct card *c, uint8_t index, uint8_t value)
{
	switch (index) {
	case EXT_CSD_FLUSH_CACHE:
		card_busy(c, CARD_FAULT(c, EMMC_FLUSH_SLOW) ? 120000 : FLUSH_MS);
		if (value & 1 && !CARD_FAULT(c, EMMC_FLUSH_FORGETS))
			card_flush(c);
		if (CARD_FAULT(c, EMMC_FLUSH_SWITCH_ERROR))
			c->errors |= MMC_STATUS_SWITCH_ERROR;
		return; /* reads 0 */
	case EXT_CSD_SANITIZE_START:
		card_sanitize(c);
		return;
	case EXT_CSD_BKOPS_START:
		c->ext[EXT_CSD_BKOPS_STATUS] = 0;
		return;
	case EXT_CSD_CACHE_CTRL:
		if (!value)
			card_flush(c);
		break;
	case EXT_CSD_BOOT_WP:
		c->ext[EXT_CSD_BOOT_WP_STATUS] = value & EXT_CSD_BOOT_PWR_WP_EN ? 0x05 : 0;
		break;
	case EXT_CSD_POWER_OFF_NOTIFICATION:
		if (value >= 2)
			card_busy(c, 10);
		break;
	default:
		break;
	}
	c->ext[index] = value;
}

enum card_end card_do_switch(struct card *c, uint32_t arg)
{
	uint8_t index = (uint8_t)(arg >> 16), value = (uint8_t)(arg >> 8), now = c->ext[index];
	unsigned mode = arg >> 24 & 3;

	card_busy(c, SWITCH_MS);
	if (mode == MODE_SET_BITS)
		value |= now;
	if (mode == MODE_CLEAR_BITS)
		value = now & (uint8_t)~value;
	if (mode == MODE_CMD_SET)
		return CARD_DONE;
	if (is_writable(index) && is_taken(c, index, value)) {
		act(c, index, value);
		return CARD_DONE;
	}
	if (CARD_FAULT(c, EMMC_READ_ONLY_SWITCHED))
		c->ext[index] = value;
	if (!CARD_FAULT(c, EMMC_SWITCH_ERROR_UNSEEN))
		c->errors |= MMC_STATUS_SWITCH_ERROR;
	return CARD_DONE;
}
