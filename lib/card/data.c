// SPDX-License-Identifier: GPL-2.0-or-later
/* Reads and writes of blocks, and the cache below them. */
#include <string.h>

#include "card/internal.h"

#define NATIVE 8u  /* sectors of 512 bytes in one of 4 KiB */
#define MANY   64u /* sectors after which there is something to do in the background */

static uint32_t sectors_of(const struct card *c)
{
	return card_part(c) == MMC_USER ? card_sectors(c) : CARD_BOOT_SECTORS;
}

/* The boot partitions share nothing with the user area. */
static struct store *store_of(struct card *c)
{
	enum mmc_part part = card_part(c);

	if (part == MMC_USER || CARD_FAULT(c, EMMC_BOOT_IS_USER))
		return &c->seen;
	return &c->boot[part == MMC_BOOT1];
}

static bool is_cached(const struct card *c)
{
	return c->ext[EXT_CSD_CACHE_CTRL] & 1;
}

static void write_user(struct card *c, uint32_t sector, const uint8_t *data)
{
	store_write(&c->seen, sector, data);
	bits_remove(&c->discarded, sector);
	if (is_cached(c))
		bits_add(&c->dirty, sector);
	else
		store_write(&c->medium, sector, data);
}

void card_flush(struct card *c)
{
	uint8_t sector[MMC_BLOCK];

	for (uint64_t s = bits_next(&c->dirty, 0, CARD_SECTORS); s < CARD_SECTORS;
	     s = bits_next(&c->dirty, s, CARD_SECTORS)) {
		store_read(&c->seen, (uint32_t)s, sector);
		store_write(&c->medium, (uint32_t)s, sector);
		bits_remove(&c->dirty, s);
	}
}

/* Discarded data may be anything, but the same each time. */
static void read_one(struct card *c, struct store *s, uint32_t sector, uint8_t *data)
{
	store_read(s, sector, data);
	if (s == &c->seen && bits_has(&c->discarded, sector) &&
	    CARD_FAULT(c, EMMC_DISCARD_UNSTABLE))
		data[0] = (uint8_t)(data[0] + ++c->discards_read);
}

static void write_one(struct card *c, struct store *s, uint32_t sector, const uint8_t *data)
{
	if (s == &c->seen)
		write_user(c, sector, data);
	else
		store_write(s, sector, data);
	c->written++;
	if (c->written % MANY == 0)
		c->ext[EXT_CSD_BKOPS_STATUS] = 1;
}

static uint32_t check(struct card *c, bool writes, uint32_t sector, uint32_t blocks)
{
	uint32_t end = sectors_of(c);

	if (sector >= end || blocks > end - sector)
		return MMC_STATUS_OUT_OF_RANGE;
	if (c->has & CARD_NATIVE && (sector % NATIVE || blocks % NATIVE))
		return MMC_STATUS_MISALIGN;
	if (card_part(c) != MMC_USER && writes && c->ext[EXT_CSD_BOOT_WP] & 5)
		return MMC_STATUS_WP_VIOLATION;
	for (uint32_t i = 0; writes && card_part(c) == MMC_USER && i < blocks; i++)
		if (card_is_protected(c, sector + i) && !CARD_FAULT(c, EMMC_PROTECTED_WRITTEN))
			return MMC_STATUS_WP_VIOLATION;
	return 0;
}

uint32_t card_move(struct card *c, bool writes, uint32_t sector, uint8_t *data, uint32_t blocks)
{
	struct store *s = store_of(c);
	uint32_t bad = check(c, writes, sector, blocks);

	if (bad == MMC_STATUS_OUT_OF_RANGE && CARD_FAULT(c, EMMC_RANGE_WRAPS)) {
		sector %= sectors_of(c) - blocks;
		bad = 0;
	}
	if (writes && !bad && s != &c->seen && c->boot_writes++ &&
	    CARD_FAULT(c, EMMC_BOOT_WRITE_ONCE))
		return 0;
	for (uint32_t i = 0; !bad && i < blocks; i++) {
		if (writes)
			write_one(c, s, sector + i, data + i * MMC_BLOCK);
		else
			read_one(c, s, sector + i, data + i * MMC_BLOCK);
	}
	c->idle_since = model_now(c->m);
	if (writes && !bad)
		card_busy(c, 1);
	return bad;
}

static bool fits(const struct mmc_cmd *cmd)
{
	return cmd->data && cmd->block_bytes == MMC_BLOCK && cmd->blocks &&
	       cmd->blocks <= MMC_DATA_MAX / MMC_BLOCK;
}

/* Several blocks without MMC_SET_BLOCK_COUNT go on until they are stopped. */
enum card_end card_do_data(struct card *c, struct mmc_cmd *cmd)
{
	bool writes = cmd->opcode == MMC_WRITE_SINGLE || cmd->opcode == MMC_WRITE_MULTIPLE;
	bool many = cmd->opcode == MMC_READ_MULTIPLE || cmd->opcode == MMC_WRITE_MULTIPLE;
	uint32_t bad;

	if (!fits(cmd) || writes != cmd->writes || (c->count && c->count != cmd->blocks) ||
	    c->ext[EXT_CSD_CMDQ_MODE_EN])
		return CARD_ILLEGAL;
	bad = card_move(c, writes, card_at(c, cmd->arg), cmd->data, cmd->blocks);
	if (bad == MMC_STATUS_WP_VIOLATION) {
		/* found when the data are there: they are not taken until it is stopped */
		c->errors |= bad;
		c->state = MMC_RCV;
		return CARD_NO_DATA;
	}
	cmd->response[0] = bad;
	if (bad)
		return CARD_NO_DATA;
	if (many && !c->count)
		c->state = writes ? MMC_RCV : MMC_DATA;
	return CARD_DONE;
}
