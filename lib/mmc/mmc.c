// SPDX-License-Identifier: GPL-2.0-or-later
#include "mmc/mmc.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "mmc/ext_csd.h"

/* ---- the device status ---- */

static const struct {
	uint32_t bit;
	const char *name;
} bits[] = {
	{ MMC_STATUS_OUT_OF_RANGE, "ADDRESS_OUT_OF_RANGE" },
	{ MMC_STATUS_MISALIGN, "ADDRESS_MISALIGN" },
	{ MMC_STATUS_BLOCK_LEN, "BLOCK_LEN_ERROR" },
	{ MMC_STATUS_ERASE_SEQ, "ERASE_SEQ_ERROR" },
	{ MMC_STATUS_ERASE_PARAM, "ERASE_PARAM" },
	{ MMC_STATUS_WP_VIOLATION, "WP_VIOLATION" },
	{ MMC_STATUS_LOCKED, "locked" },
	{ MMC_STATUS_LOCK_FAILED, "LOCK_UNLOCK_FAILED" },
	{ MMC_STATUS_COM_CRC, "COM_CRC_ERROR" },
	{ MMC_STATUS_ILLEGAL_COMMAND, "ILLEGAL_COMMAND" },
	{ MMC_STATUS_ECC_FAILED, "DEVICE_ECC_FAILED" },
	{ MMC_STATUS_CC_ERROR, "CC_ERROR" },
	{ MMC_STATUS_ERROR, "ERROR" },
	{ MMC_STATUS_CSD_OVERWRITE, "CID/CSD_OVERWRITE" },
	{ MMC_STATUS_WP_ERASE_SKIP, "WP_ERASE_SKIP" },
	{ MMC_STATUS_ERASE_RESET, "ERASE_RESET" },
	{ MMC_STATUS_SWITCH_ERROR, "SWITCH_ERROR" },
	{ MMC_STATUS_EXCEPTION, "EXCEPTION_EVENT" },
	{ MMC_STATUS_APP_CMD, "APP_CMD" },
};

static const char *state_name(uint32_t status)
{
	static const char *const names[] = { "idle", "ready", "ident", "stby", "tran", "data",
					     "rcv",  "prg",   "dis",   "btst", "slp" };
	unsigned state = MMC_STATUS_STATE(status);

	return state < ARRAY_SIZE(names) ? names[state] : "a reserved state";
}

const char *mmc_status_text(uint32_t status, char ret[MMC_STATUS_TEXT])
{
	size_t n =
		(size_t)snprintf(ret, MMC_STATUS_TEXT, "%08X: %s, %s", status, state_name(status),
				 status & MMC_STATUS_READY ? "ready" : "not ready");

	for (size_t i = 0; i < ARRAY_SIZE(bits) && n < MMC_STATUS_TEXT; i++)
		if (status & bits[i].bit)
			n += (size_t)snprintf(ret + n, MMC_STATUS_TEXT - n, ", %s", bits[i].name);
	return ret;
}

/* ---- builders ---- */

struct mmc_cmd mmc_plain(uint8_t opcode, uint32_t arg, bool busy)
{
	return (struct mmc_cmd){ .opcode = opcode, .arg = arg, .answer = busy ? MMC_R1B : MMC_R1 };
}

struct mmc_cmd mmc_send_status(uint16_t rca)
{
	return mmc_plain(MMC_SEND_STATUS, (uint32_t)rca << 16, false);
}

static struct mmc_cmd with_data(uint8_t opcode, uint32_t arg, void *data, uint32_t blocks)
{
	return (struct mmc_cmd){ .opcode = opcode,
				 .arg = arg,
				 .answer = MMC_R1,
				 .block_bytes = MMC_BLOCK,
				 .blocks = blocks,
				 .data = data };
}

struct mmc_cmd mmc_send_ext_csd(void *data)
{
	return with_data(MMC_SEND_EXT_CSD, 0, data, 1);
}

/* Access 11b: write byte; the command set stays 0. */
struct mmc_cmd mmc_switch(uint8_t index, uint8_t value, bool waits)
{
	return mmc_plain(MMC_SWITCH, 3u << 24 | (uint32_t)index << 16 | (uint32_t)value << 8,
			 waits);
}

struct mmc_cmd mmc_read(uint32_t sector, void *data, uint32_t blocks)
{
	return with_data(blocks > 1 ? MMC_READ_MULTIPLE : MMC_READ_SINGLE, sector, data, blocks);
}

struct mmc_cmd mmc_write(uint32_t sector, const void *data, uint32_t blocks)
{
	struct mmc_cmd c = with_data(blocks > 1 ? MMC_WRITE_MULTIPLE : MMC_WRITE_SINGLE, sector,
				     (void *)(uintptr_t)data, blocks);

	c.writes = true;
	return c;
}

struct mmc_cmd mmc_set_block_count(uint32_t blocks)
{
	return mmc_plain(MMC_SET_BLOCK_COUNT, blocks & 0xffff, false);
}

struct mmc_cmd mmc_send_write_prot_type(uint32_t sector, void *data)
{
	struct mmc_cmd c = with_data(MMC_SEND_WRITE_PROT_TYPE, sector, data, 1);

	c.block_bytes = MMC_WP_TYPES;
	return c;
}

/* The first group is the lowest bits of the whole, which comes most significant byte first. */
unsigned mmc_write_prot_type(const uint8_t types[MMC_WP_TYPES], unsigned i)
{
	return types[MMC_WP_TYPES - 1 - i / 4 % MMC_WP_TYPES] >> i % 4 * 2 & 3;
}

void mmc_erase(uint32_t first, uint32_t last, enum mmc_erase_kind kind, struct mmc_cmd ret[3])
{
	ret[0] = mmc_plain(MMC_ERASE_START, first, false);
	ret[1] = mmc_plain(MMC_ERASE_END, last, false);
	ret[2] = mmc_plain(MMC_ERASE, kind, false);
}

/* ---- what a command may do ---- */

static bool is_counter_request(const struct mmc_cmd *c)
{
	struct mmc_rpmb f;

	if (c->opcode != MMC_WRITE_MULTIPLE || c->blocks != 1 || c->block_bytes != MMC_BLOCK ||
	    !c->data || c->reliable)
		return false;
	mmc_rpmb_unpack(c->data, &f);
	return f.type == MMC_RPMB_READ_COUNTER;
}

bool mmc_is_reading(const struct mmc_cmd *c, enum mmc_part part)
{
	switch (c->opcode) {
	case MMC_SEND_EXT_CSD:
	case MMC_STOP:
	case MMC_SEND_STATUS:
	case MMC_READ_SINGLE:
	case MMC_READ_MULTIPLE:
	case MMC_SET_BLOCK_COUNT:
	case MMC_SEND_WRITE_PROT:
	case MMC_SEND_WRITE_PROT_TYPE:
		return !c->writes;
	default:
		return part == MMC_RPMB && is_counter_request(c);
	}
}

static const char *forever_switch(uint32_t arg)
{
	uint8_t index = (uint8_t)(arg >> 16), value = (uint8_t)(arg >> 8);
	const struct ext_csd_field *f = ext_csd_field_at(index);

	if (!(arg >> 24 & 3))
		return NULL; /* the command set alone */
	if (ext_csd_is_once(index))
		return "writes a byte of the Extended CSD that can be written once";
	if (!f || f->access == EXT_CSD_VENDOR)
		return "writes a byte of the Extended CSD whose meaning its maker alone knows";
	if (index == EXT_CSD_MODE_CONFIG && value)
		return "enters a mode in which writes go to the firmware";
	if (index == EXT_CSD_USER_WP && value)
		return "sets write protection of the user area that a power cycle does not lift";
	if (index == EXT_CSD_BOOT_WP && value & ~1u)
		return "sets write protection of a boot partition for good";
	return NULL;
}

const char *mmc_forever(const struct mmc_cmd *c, enum mmc_part part)
{
	switch (c->opcode) {
	case MMC_SWITCH:
		return forever_switch(c->arg);
	case MMC_PROGRAM_CID:
	case MMC_PROGRAM_CSD:
		return "programs the CID or the CSD";
	case MMC_LOCK_UNLOCK:
		return "locks the card with a password";
	case MMC_GENERAL:
	case MMC_MAKER_FIRST ... MMC_MAKER_LAST:
		return "is a command whose meaning the card's maker alone knows";
	case MMC_WRITE_SINGLE:
	case MMC_WRITE_MULTIPLE:
		if (part == MMC_RPMB && !is_counter_request(c))
			return "writes to the Replay Protected Memory Block";
		return NULL;
	default:
		return NULL;
	}
}

/* ---- RPMB: big-endian, at the end of the frame ---- */

#define RPMB_NONCE   484u
#define RPMB_COUNTER 500u
#define RPMB_RESULT  508u
#define RPMB_TYPE    510u

static void put16(uint8_t *at, uint16_t v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

static uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

void mmc_rpmb_pack(const struct mmc_rpmb *f, uint8_t ret[MMC_RPMB_FRAME])
{
	memset(ret, 0, MMC_RPMB_FRAME);
	memcpy(ret + RPMB_NONCE, f->nonce, MMC_RPMB_NONCE);
	put16(ret + RPMB_COUNTER, (uint16_t)(f->counter >> 16));
	put16(ret + RPMB_COUNTER + 2, (uint16_t)f->counter);
	put16(ret + RPMB_RESULT, f->result);
	put16(ret + RPMB_TYPE, f->type);
}

void mmc_rpmb_unpack(const uint8_t frame[MMC_RPMB_FRAME], struct mmc_rpmb *ret)
{
	memcpy(ret->nonce, frame + RPMB_NONCE, MMC_RPMB_NONCE);
	ret->counter =
		(uint32_t)get16(frame + RPMB_COUNTER) << 16 | get16(frame + RPMB_COUNTER + 2);
	ret->result = get16(frame + RPMB_RESULT);
	ret->type = get16(frame + RPMB_TYPE);
}
