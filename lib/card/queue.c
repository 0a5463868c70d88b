// SPDX-License-Identifier: GPL-2.0-or-later
/* The command queue: tasks are described in two commands and carried out by a third. */
#include <string.h>

#include "card/internal.h"

#define ID(arg)	    ((arg) >> 16 & 0x1f)
#define BLOCKS(arg) ((arg)&0xffff)
#define READS(arg)  ((arg) >> 30 & 1)

/* A bit for each task that can be carried out. */
uint32_t card_queue_ready(const struct card *c)
{
	uint32_t ready = 0;

	for (unsigned i = 0; i < CARD_QUEUE_DEPTH; i++)
		if (c->task[i].waits)
			ready |= 1u << i;
	return ready;
}

static enum card_end prepare(struct card *c, uint32_t arg)
{
	unsigned id = ID(arg);

	if (id >= CARD_QUEUE_DEPTH || c->task[id].waits || !BLOCKS(arg))
		return CARD_ILLEGAL;
	c->preparing = (struct card_task){ .writes = !READS(arg), .blocks = BLOCKS(arg) };
	c->preparing_id = id;
	c->prepared = true;
	return CARD_DONE;
}

static enum card_end queue(struct card *c, uint32_t arg)
{
	struct card_task *t = &c->task[c->preparing_id];

	if (!c->prepared)
		return CARD_ILLEGAL;
	c->prepared = false;
	*t = c->preparing;
	t->waits = true;
	t->sector = card_at(c, arg);
	return CARD_DONE;
}

/* By fault a task that is one of several is carried out at its neighbour's address. */
static uint32_t address_of(struct card *c, unsigned id)
{
	uint32_t own = c->task[id].sector;

	for (unsigned i = 0; i < CARD_QUEUE_DEPTH; i++)
		if (i != id && c->task[i].waits && CARD_FAULT(c, EMMC_QUEUE_MIXES_TASKS))
			return c->task[i].sector;
	return own;
}

static enum card_end execute(struct card *c, struct mmc_cmd *cmd)
{
	unsigned id = ID(cmd->arg);
	struct card_task *t = &c->task[id];

	if (!t->waits || t->writes != (cmd->opcode == MMC_EXECUTE_WRITE_TASK) ||
	    t->writes != cmd->writes || !cmd->data || cmd->block_bytes != MMC_BLOCK ||
	    cmd->blocks != t->blocks)
		return CARD_ILLEGAL;
	cmd->response[0] = card_move(c, t->writes, address_of(c, id), cmd->data, t->blocks);
	memset(t, 0, sizeof(*t));
	return cmd->response[0] ? CARD_NO_DATA : CARD_DONE;
}

enum card_end card_do_queue(struct card *c, struct mmc_cmd *cmd)
{
	if (!c->ext[EXT_CSD_CMDQ_MODE_EN])
		return CARD_ILLEGAL;
	switch (cmd->opcode) {
	case MMC_QUEUED_TASK_PARAMS:
		return prepare(c, cmd->arg);
	case MMC_QUEUED_TASK_ADDRESS:
		return queue(c, cmd->arg);
	default:
		return execute(c, cmd);
	}
}
