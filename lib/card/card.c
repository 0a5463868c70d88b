// SPDX-License-Identifier: GPL-2.0-or-later
#include "card/card.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "card/internal.h"

/* ---- making ---- */

struct card *card_new(const struct model *m)
{
	struct card *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->m = m;
	c->has = model_card_bits(m);
	if (c->has & CARD_SD)
		c->has = CARD_SD;
	c->state = MMC_TRAN;
	c->rpmb_counter = 0;
	if (store_open(&c->seen, CARD_SECTORS, 0) || store_open(&c->medium, CARD_SECTORS, 0) ||
	    store_open(&c->boot[0], CARD_BOOT_SECTORS, 0) ||
	    store_open(&c->boot[1], CARD_BOOT_SECTORS, 0) || bits_alloc(&c->dirty, CARD_SECTORS) ||
	    bits_alloc(&c->discarded, CARD_SECTORS) ||
	    bits_alloc(&c->protected, CARD_SECTORS / CARD_WP_SECTORS)) {
		card_free(c);
		return NULL;
	}
	for (uint32_t i = 0; c->has & CARD_PROTECTED && i < CARD_SECTORS / CARD_WP_SECTORS; i++)
		bits_add(&c->protected, i);
	card_set_registers(c);
	card_reset_ext_csd(c);
	return c;
}

void card_free(struct card *c)
{
	if (!c)
		return;
	store_close(&c->seen);
	store_close(&c->medium);
	store_close(&c->boot[0]);
	store_close(&c->boot[1]);
	bits_free(&c->dirty);
	bits_free(&c->discarded);
	bits_free(&c->protected);
	free(c);
}

bool card_is_sd(const struct card *c)
{
	return c->has & CARD_SD;
}

uint32_t card_sectors(const struct card *c)
{
	return c->has & CARD_SMALL ? CARD_SECTORS / 4 : CARD_SECTORS;
}

void card_cid(const struct card *c, uint8_t ret[MMC_REGISTER])
{
	memcpy(ret, c->cid, MMC_REGISTER);
	if (CARD_FAULT(c, EMMC_CID_CRC_WRONG))
		ret[15] ^= 0x10;
	if (CARD_FAULT(c, EMMC_CID_NAME_UNPRINTABLE))
		ret[5] = 0x07;
	if (CARD_FAULT(c, EMMC_CID_MONTH_ZERO))
		ret[14] &= c->has & CARD_SD ? 0xf0 : 0x0f;
	if (!CARD_FAULT(c, EMMC_CID_CRC_WRONG))
		ret[15] = (uint8_t)(mmc_crc7(ret, 15) << 1 | 1);
}

void card_csd(const struct card *c, uint8_t ret[MMC_REGISTER])
{
	memcpy(ret, c->csd, MMC_REGISTER);
}

/* ---- power ---- */

void card_power_cycle(struct card *c)
{
	uint8_t notified = c->ext[EXT_CSD_POWER_OFF_NOTIFICATION], sector[MMC_BLOCK];

	/* notified, it had the time to write what it had */
	if ((notified == 2 || notified == 3) && !CARD_FAULT(c, EMMC_NOTIFIED_LOSES))
		card_flush(c);
	for (uint64_t s = bits_next(&c->dirty, 0, CARD_SECTORS); s < CARD_SECTORS;
	     s = bits_next(&c->dirty, s, CARD_SECTORS)) {
		store_read(&c->medium, (uint32_t)s, sector);
		store_write(&c->seen, (uint32_t)s, sector);
		bits_remove(&c->dirty, s);
	}
	c->state = MMC_TRAN;
	c->errors = 0;
	c->busy_until = 0;
	c->count = 0;
	c->erase_step = 0;
	c->rpmb_request = 0;
	memset(c->task, 0, sizeof(c->task));
	c->prepared = false;
	card_reset_ext_csd(c);
}

/* ---- one command ---- */

uint64_t card_busy_until(const struct card *c)
{
	return c->busy_until;
}

static bool is_busy(const struct card *c)
{
	return model_now(c->m) < c->busy_until;
}

/* As it was when the command came; what went wrong is told once. */
static uint32_t status_now(struct card *c)
{
	enum mmc_state state = is_busy(c) ? MMC_PRG : c->state;
	uint32_t status = c->errors | (uint32_t)state << 9;

	if (CARD_FAULT(c, EMMC_STATE_STANDBY) && state == MMC_TRAN)
		status = c->errors | (uint32_t)MMC_STBY << 9;
	if (!is_busy(c) && !CARD_FAULT(c, EMMC_NEVER_READY))
		status |= MMC_STATUS_READY;
	if (c->has & CARD_LOCKED)
		status |= MMC_STATUS_LOCKED;
	if (!CARD_FAULT(c, EMMC_ERROR_STAYS))
		c->errors = 0;
	return status;
}

static enum card_end do_status(struct card *c, struct mmc_cmd *cmd)
{
	if (cmd->arg >> 16 != CARD_RCA)
		return CARD_ILLEGAL; /* another card's: no answer from this one */
	if (cmd->arg & 1u << 15 && c->ext[EXT_CSD_CMDQ_MODE_EN])
		cmd->response[0] = card_queue_ready(c);
	return CARD_DONE;
}

static enum card_end do_stop(struct card *c)
{
	if (c->state != MMC_DATA && c->state != MMC_RCV)
		return CARD_ILLEGAL;
	c->state = MMC_TRAN;
	return CARD_DONE;
}

/* Class 0 alone, as far as it is here. */
static bool is_locked_for(const struct card *c, uint8_t opcode)
{
	return c->has & CARD_LOCKED && opcode != MMC_SWITCH && opcode != MMC_SEND_EXT_CSD;
}

static enum card_end dispatch(struct card *c, struct mmc_cmd *cmd)
{
	bool sd = c->has & CARD_SD;

	if (cmd->opcode == MMC_SEND_STATUS)
		return do_status(c, cmd);
	if (cmd->opcode == MMC_STOP)
		return do_stop(c);
	if (is_busy(c) || c->state != MMC_TRAN || is_locked_for(c, cmd->opcode))
		return CARD_ILLEGAL;
	switch (cmd->opcode) {
	case MMC_SET_BLOCK_COUNT:
		c->count = cmd->arg & 0xffff;
		return CARD_DONE;
	case MMC_READ_SINGLE:
	case MMC_READ_MULTIPLE:
	case MMC_WRITE_SINGLE:
	case MMC_WRITE_MULTIPLE:
		return !sd && card_part(c) == MMC_RPMB ? card_do_rpmb(c, cmd)
						       : card_do_data(c, cmd);
	case MMC_SWITCH:
		return sd ? CARD_ILLEGAL : card_do_switch(c, cmd->arg);
	case MMC_SEND_EXT_CSD:
		return sd ? CARD_ILLEGAL : card_do_ext_csd(c, cmd);
	case MMC_ERASE_START:
	case MMC_ERASE_END:
	case MMC_ERASE:
		return sd ? CARD_ILLEGAL : card_do_erase(c, cmd);
	case MMC_SET_WRITE_PROT:
	case MMC_CLEAR_WRITE_PROT:
	case MMC_SEND_WRITE_PROT:
	case MMC_SEND_WRITE_PROT_TYPE:
		return sd ? CARD_ILLEGAL : card_do_protect(c, cmd);
	case MMC_QUEUED_TASK_PARAMS:
	case MMC_QUEUED_TASK_ADDRESS:
	case MMC_EXECUTE_READ_TASK:
	case MMC_EXECUTE_WRITE_TASK:
		return card_do_queue(c, cmd);
	default:
		return CARD_ILLEGAL;
	}
}

static bool is_of_erase(uint8_t opcode)
{
	return opcode == MMC_ERASE_START || opcode == MMC_ERASE_END || opcode == MMC_ERASE ||
	       opcode == MMC_SEND_STATUS;
}

/* Bits that a handler finds before it answers are in its own answer; `errors` is for the next. */
void card_send(struct card *c, struct mmc_cmd *cmd)
{
	uint32_t before;
	enum card_end end;

	if (c->erase_step && !is_of_erase(cmd->opcode)) {
		c->erase_step = 0;
		c->errors |= MMC_STATUS_ERASE_RESET;
	}
	memset(cmd->response, 0, sizeof(cmd->response));
	before = status_now(c);
	end = dispatch(c, cmd);
	if (end == CARD_ILLEGAL) {
		if (!CARD_FAULT(c, EMMC_ILLEGAL_UNSEEN))
			c->errors |= MMC_STATUS_ILLEGAL_COMMAND;
		if (CARD_FAULT(c, EMMC_ILLEGAL_LEAVES_TRAN))
			c->state = MMC_DATA;
		c->errors |= before & MMC_STATUS_ERRORS; /* nobody was told yet */
		cmd->result = -ETIMEDOUT;
		return;
	}
	cmd->result = end == CARD_NO_DATA ? -ETIMEDOUT : 0;
	if (cmd->opcode != MMC_SEND_STATUS || !(cmd->arg & 1u << 15))
		cmd->response[0] |= before;
	if (cmd->opcode != MMC_SET_BLOCK_COUNT)
		c->count = 0;
}
