/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of the card, which share its state. */
#ifndef CARD_INTERNAL_H
#define CARD_INTERNAL_H

#include "card/card.h"
#include "mmc/ext_csd.h"
#include "mmc/regs.h"
#include "model/bits.h"
#include "model/fault.h"
#include "model/model.h"

/* The faults stand in the model's table. */
#define CARD_FAULT(c, name) model_has_fault((c)->m, FAULT_##name)

#define NS_PER_MS	    1000000ull
#define CARD_BOOT_SECTORS   8192u /* 4 MiB each */
#define CARD_GROUP_SECTORS  1024u /* an erase group: 512 KiB */
#define CARD_WP_SECTORS	    2048u /* a write protect group */
#define CARD_QUEUE_DEPTH    16u

/* Sectors, kept where something was written. */
struct store {
	uint8_t **page;
	uint32_t pages;
	uint8_t empty; /* what a sector that was never written reads as */
};

int store_open(struct store *s, uint32_t sectors, uint8_t empty);
void store_close(struct store *s);
void store_read(const struct store *s, uint32_t sector, uint8_t *to);
/* 0 or -ENOMEM. */
int store_write(struct store *s, uint32_t sector, const uint8_t *from);
void store_fill(struct store *s, uint32_t sector, uint32_t n, uint8_t value);

struct card_task {
	bool waits, writes;
	uint32_t sector, blocks;
};

struct card {
	const struct model *m;
	unsigned has; /* enum card_has */
	uint8_t ext[EXT_CSD_BYTES];
	uint8_t cid[MMC_REGISTER], csd[MMC_REGISTER];
	enum mmc_state state;
	uint32_t errors; /* of the status: told once */
	uint64_t busy_until;
	uint32_t count; /* MMC_SET_BLOCK_COUNT; 0: none is in force */

	struct store seen, medium; /* the user area, with the cache and without */
	struct store boot[2];
	struct bits dirty;     /* sectors that the medium does not have yet */
	struct bits discarded; /* sectors whose data may be gone, and are not yet */
	struct bits protected; /* write protect groups */

	unsigned erase_step; /* how many of the three came: 0..2 */
	uint32_t erase_first, erase_last;

	struct card_task task[32], preparing;
	bool prepared; /* MMC_QUEUED_TASK_PARAMS came, its address did not */
	unsigned preparing_id;

	uint8_t nonce[MMC_RPMB_NONCE];
	uint16_t rpmb_request; /* 0: none waits for its answer */
	uint32_t rpmb_counter, rpmb_asked;

	unsigned ext_reads, discards_read, written, boot_writes;
	uint64_t idle_since;
};

static inline void card_busy(struct card *c, uint64_t ms)
{
	c->busy_until = model_now(c->m) + ms * NS_PER_MS;
}

static inline enum mmc_part card_part(const struct card *c)
{
	switch (c->ext[EXT_CSD_PARTITION_CONFIG] & 7) {
	case 1:
		return MMC_BOOT0;
	case 2:
		return MMC_BOOT1;
	case 3:
		return MMC_RPMB;
	default:
		return MMC_USER;
	}
}

/* What the argument of a command is about. */
static inline uint32_t card_at(const struct card *c, uint32_t arg)
{
	return c->has & CARD_SMALL ? arg / MMC_BLOCK : arg;
}

/* How a handler ends: the command is answered and its data moved; answered, and no data come; or
 * not answered, as one that is illegal. */
enum card_end { CARD_DONE, CARD_NO_DATA, CARD_ILLEGAL };

/* ---- ext_csd.c ---- */

void card_set_registers(struct card *c);
/* What a power cycle resets. */
void card_reset_ext_csd(struct card *c);
enum card_end card_do_ext_csd(struct card *c, struct mmc_cmd *cmd);
enum card_end card_do_switch(struct card *c, uint32_t arg);

/* ---- data.c ---- */

enum card_end card_do_data(struct card *c, struct mmc_cmd *cmd);
/* Blocks of the part in use; bits of the status, 0: all went well. */
uint32_t card_move(struct card *c, bool writes, uint32_t sector, uint8_t *data, uint32_t blocks);
void card_flush(struct card *c);

/* ---- erase.c ---- */

enum card_end card_do_erase(struct card *c, struct mmc_cmd *cmd);
void card_sanitize(struct card *c);
enum card_end card_do_protect(struct card *c, struct mmc_cmd *cmd);
bool card_is_protected(struct card *c, uint32_t sector);

/* ---- queue.c, rpmb.c ---- */

enum card_end card_do_queue(struct card *c, struct mmc_cmd *cmd);
uint32_t card_queue_ready(const struct card *c);
enum card_end card_do_rpmb(struct card *c, struct mmc_cmd *cmd);

#endif
