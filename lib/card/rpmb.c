// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Replay Protected Memory Block, with a key that nobody here has, so that nobody looks at the MAC:
 * of all its requests only the counter is answered.
 */
#include <string.h>

#include "card/internal.h"

static enum card_end take_request(struct card *c, const struct mmc_cmd *cmd)
{
	struct mmc_rpmb f;

	mmc_rpmb_unpack(cmd->data, &f);
	memcpy(c->nonce, f.nonce, sizeof(c->nonce));
	c->rpmb_request = f.type;
	card_busy(c, 1);
	return CARD_DONE;
}

static enum card_end answer(struct card *c, struct mmc_cmd *cmd)
{
	struct mmc_rpmb f = { .counter = c->rpmb_counter };

	if (CARD_FAULT(c, EMMC_RPMB_COUNTER_MOVES))
		f.counter += c->rpmb_asked;
	c->rpmb_asked++;
	f.type = (uint16_t)(c->rpmb_request << 8);
	if (CARD_FAULT(c, EMMC_RPMB_TYPE_WRONG))
		f.type = c->rpmb_request;
	if (CARD_FAULT(c, EMMC_RPMB_RESULT_FAILURE))
		f.result = 1;
	memcpy(f.nonce, c->nonce, sizeof(f.nonce));
	if (CARD_FAULT(c, EMMC_RPMB_NONCE_ZERO))
		memset(f.nonce, 0, sizeof(f.nonce));
	mmc_rpmb_pack(&f, cmd->data);
	c->rpmb_request = 0;
	return CARD_DONE;
}

enum card_end card_do_rpmb(struct card *c, struct mmc_cmd *cmd)
{
	if (!(c->has & CARD_RPMB) || !cmd->data || cmd->blocks != 1 ||
	    cmd->block_bytes != MMC_RPMB_FRAME || c->count != 1)
		return CARD_ILLEGAL;
	if (cmd->opcode == MMC_WRITE_MULTIPLE)
		return take_request(c, cmd);
	return cmd->opcode == MMC_READ_MULTIPLE && c->rpmb_request ? answer(c, cmd) : CARD_ILLEGAL;
}
