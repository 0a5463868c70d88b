// SPDX-License-Identifier: GPL-2.0-or-later
/* Erase, trim, discard, sanitize; and the groups that are protected from being written. */
#include <string.h>

#include "card/internal.h"

#define ERASE_MS    20u
#define SANITIZE_MS 500u

/* ---- protection ---- */

bool card_is_protected(struct card *c, uint32_t sector)
{
	uint32_t group = sector / CARD_WP_SECTORS;

	if (!c->protected.count)
		return false;
	if (bits_has(&c->protected, group))
		return true;
	return group && bits_has(&c->protected, group - 1) && CARD_FAULT(c, EMMC_PROTECTS_NEXT);
}

/* The first group is the lowest bits of the whole. */
static void tell_groups(struct card *c, struct mmc_cmd *cmd, uint32_t group, unsigned each)
{
	uint64_t value = 0;
	uint8_t *data = cmd->data;
	unsigned bytes = 4 * each;

	for (unsigned i = 0; i < 32 && group + i < card_sectors(c) / CARD_WP_SECTORS; i++)
		if (bits_has(&c->protected, group + i))
			value |= 1ull << i * each;
	if (each == 2 && value && CARD_FAULT(c, EMMC_PROTECT_TYPE_NONE))
		value = 0;
	for (unsigned i = 0; i < bytes; i++)
		data[i] = (uint8_t)(value >> 8 * (bytes - 1 - i));
}

/* Temporary protection alone: USER_WP never says otherwise here. */
enum card_end card_do_protect(struct card *c, struct mmc_cmd *cmd)
{
	bool type = cmd->opcode == MMC_SEND_WRITE_PROT_TYPE;
	uint32_t group = card_at(c, cmd->arg) / CARD_WP_SECTORS;

	if (card_at(c, cmd->arg) >= card_sectors(c)) {
		cmd->response[0] = MMC_STATUS_OUT_OF_RANGE;
		return CARD_NO_DATA;
	}
	switch (cmd->opcode) {
	case MMC_SET_WRITE_PROT:
		bits_add(&c->protected, group);
		card_busy(c, 1);
		return CARD_DONE;
	case MMC_CLEAR_WRITE_PROT:
		if (!CARD_FAULT(c, EMMC_PROTECTION_STAYS))
			bits_remove(&c->protected, group);
		card_busy(c, 1);
		return CARD_DONE;
	default:
		if (!cmd->data || cmd->blocks != 1 || cmd->block_bytes != (type ? 8u : 4u))
			return CARD_ILLEGAL;
		tell_groups(c, cmd, group, type ? 2 : 1);
		return CARD_DONE;
	}
}

/* ---- erase ---- */

/* On the medium, and in the cache. */
static void wipe(struct card *c, uint32_t first, uint32_t n, uint8_t value)
{
	store_fill(&c->seen, first, n, value);
	store_fill(&c->medium, first, n, value);
	for (uint32_t i = 0; i < n; i++) {
		bits_remove(&c->dirty, first + i);
		bits_remove(&c->discarded, first + i);
	}
}

static void erase_groups(struct card *c)
{
	uint32_t first = c->erase_first / CARD_GROUP_SECTORS * CARD_GROUP_SECTORS;
	uint32_t end = (c->erase_last / CARD_GROUP_SECTORS + 1) * CARD_GROUP_SECTORS;

	if (CARD_FAULT(c, EMMC_ERASE_NEXT_GROUP) && end + CARD_GROUP_SECTORS <= card_sectors(c))
		end += CARD_GROUP_SECTORS;
	if (!CARD_FAULT(c, EMMC_ERASE_KEEPS))
		wipe(c, first, end - first,
		     CARD_FAULT(c, EMMC_ERASED_OTHER_VALUE) ? 0x5a
							    : c->ext[EXT_CSD_ERASED_MEM_CONT]);
}

static void trim(struct card *c)
{
	uint32_t first = c->erase_first, n = c->erase_last - c->erase_first + 1;

	if (CARD_FAULT(c, EMMC_TRIM_OUTWARDS)) {
		n += first % 8;
		first -= first % 8;
	}
	wipe(c, first, n, c->ext[EXT_CSD_ERASED_MEM_CONT]);
}

/* The data stay for now, and nobody may count on it. */
static void discard(struct card *c)
{
	for (uint32_t s = c->erase_first; s <= c->erase_last; s++)
		bits_add(&c->discarded, s);
	if (CARD_FAULT(c, EMMC_DISCARD_OUTWARDS) && c->erase_last + 1 < card_sectors(c))
		wipe(c, c->erase_last + 1, 1, 0);
}

static enum card_end run_erase(struct card *c, struct mmc_cmd *cmd)
{
	if (c->erase_step != 2) {
		c->erase_step = 0;
		cmd->response[0] = MMC_STATUS_ERASE_SEQ;
		return CARD_NO_DATA;
	}
	c->erase_step = 0;
	if (c->erase_first > c->erase_last) {
		c->errors |= MMC_STATUS_ERASE_PARAM;
		return CARD_DONE;
	}
	switch (cmd->arg) {
	case MMC_ERASE_GROUPS:
		erase_groups(c);
		break;
	case MMC_TRIM:
		trim(c);
		break;
	case MMC_DISCARD:
		discard(c);
		break;
	default:
		c->errors |= MMC_STATUS_ERASE_PARAM;
		return CARD_DONE;
	}
	card_busy(c, ERASE_MS);
	return CARD_DONE;
}

enum card_end card_do_erase(struct card *c, struct mmc_cmd *cmd)
{
	uint32_t sector = card_at(c, cmd->arg);

	if (card_part(c) != MMC_USER)
		return CARD_ILLEGAL;
	if (cmd->opcode == MMC_ERASE)
		return run_erase(c, cmd);
	if (sector >= card_sectors(c)) {
		c->erase_step = 0;
		cmd->response[0] = MMC_STATUS_OUT_OF_RANGE;
		return CARD_DONE;
	}
	if (cmd->opcode == MMC_ERASE_START) {
		c->erase_first = sector;
		c->erase_step = 1;
		return CARD_DONE;
	}
	if (c->erase_step != 1) {
		c->erase_step = 0;
		cmd->response[0] = MMC_STATUS_ERASE_SEQ;
		return CARD_DONE;
	}
	c->erase_last = sector;
	c->erase_step = 2;
	return CARD_DONE;
}

/* ---- sanitize ---- */

void card_sanitize(struct card *c)
{
	uint64_t end = CARD_SECTORS;

	card_busy(c, SANITIZE_MS);
	if (CARD_FAULT(c, EMMC_SANITIZE_KEEPS))
		return;
	for (uint64_t s = bits_next(&c->discarded, 0, end); s < end;
	     s = bits_next(&c->discarded, s, end)) {
		wipe(c, (uint32_t)s, 1, c->ext[EXT_CSD_ERASED_MEM_CONT]);
		if (s + 1 < end && !bits_has(&c->discarded, s + 1) &&
		    CARD_FAULT(c, EMMC_SANITIZE_OUTWARDS))
			wipe(c, (uint32_t)s + 1, 1, c->ext[EXT_CSD_ERASED_MEM_CONT]);
	}
}
